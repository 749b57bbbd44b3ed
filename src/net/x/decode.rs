//! Reads X's post objects: one line of the stream or of a recording, or a page of search results.
//!
//! Total: whatever the bytes are, the answer is a [`Line`]. Both of X's families of names are read
//! (`includes.tweets` and `includes.posts`, …), ids as text or numbers, fields missing or of the wrong
//! type. What cannot do without is an id; all text is cleaned here, once.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::model::post::{Counts, Media, Mention, PostLink, Quoted, WhoMayReply};
use crate::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId, clean};

/// Words of X's errors are cut at so many characters.
pub(super) const LONGEST_WORDS: usize = 400;

/// Snowflake ids count milliseconds from here (2010-11-04).
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;

/// One line of the stream, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A keep-alive.
    Blank,
    /// A post and the rules it matched; `errors` beside it (say, a quoted post that is gone) change nothing.
    Post { post: Box<Post>, rules: Vec<RuleRef> },
    /// X ends the stream and says why; `kind` is its own word, such as `UpstreamOperationalDisconnect`.
    Disconnect { title: String, detail: String, kind: String },
    /// An error that neither ends the stream nor carries a post.
    Problem { title: String, detail: String },
    /// A kind of message this version does not know; `keys` are its top-level names.
    Unknown { keys: String },
    /// Not a message at all.
    Malformed { why: String },
}

/// A rule that a post matched, as the stream names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRef {
    pub id: String,
    pub tag: Option<String>,
}

/// Reads one line, without its line end.
pub fn line(bytes: &[u8]) -> Line {
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() {
        return Line::Blank;
    }
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(why) => return Line::Malformed { why: clean::line(&why.to_string()) },
    };
    let Value::Object(message) = value else {
        return Line::Malformed { why: "not a JSON object".into() };
    };
    match message.get("data") {
        Some(data @ Value::Object(fields)) if fields.contains_key("text") || fields.contains_key("author_id") => {
            let includes = Includes::of(&message);
            match post(data, &includes) {
                Ok(post) => Line::Post { post: Box::new(post), rules: rules(&message) },
                Err(why) => Line::Malformed { why },
            }
        }
        Some(Value::Object(_) | Value::Array(_)) => unknown(&message),
        // A recording may hold posts without their wrapper; no message of the stream has a text of its own.
        None if message.contains_key("text") => {
            let includes = Includes { users: Vec::new(), posts: Vec::new(), media: Vec::new() };
            match post(&Value::Object(message), &includes) {
                Ok(post) => Line::Post { post: Box::new(post), rules: Vec::new() },
                Err(why) => Line::Malformed { why },
            }
        }
        _ => error(&message),
    }
}

/// The posts of a page of search results, newest first as X sends them; what is no post is passed over.
pub(super) fn page(answer: &Value) -> Vec<Post> {
    let Some(message) = answer.as_object() else { return Vec::new() };
    let includes = Includes::of(message);
    items(message.get("data")).filter_map(|data| post(data, &includes).ok()).collect()
}

/// A post that comes in an event, and what came along with it.
pub(super) fn post_of(payload: &Value, includes: Option<&Value>) -> Result<Post, String> {
    post(payload, &Includes::within(includes))
}

fn unknown(message: &Map<String, Value>) -> Line {
    let mut keys = message.keys().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(Value::Object(data)) = message.get("data") {
        keys = format!("{keys}; data: {}", data.keys().take(8).map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    Line::Unknown { keys: bounded(&keys) }
}

/// A message without data: an error, or something new.
fn error(message: &Map<String, Value>) -> Line {
    let errors: Vec<&Value> = items(message.get("errors")).collect();
    let whole = Value::Object(message.clone());
    let all = if errors.is_empty() { vec![&whole] } else { errors };
    for error in &all {
        let segment = text_of(error, "type").rsplit('/').next().unwrap_or_default();
        let kind = [text_of(error, "disconnect_type"), text_of(error, "connection_issue")]
            .into_iter()
            .find(|kind| !kind.is_empty())
            .unwrap_or_default();
        let ends = matches!(segment, "operational-disconnect" | "client-disconnected" | "streaming-connection");
        if ends || !kind.is_empty() {
            let kind = if kind.is_empty() { segment } else { kind };
            return Line::Disconnect { title: title(error), detail: detail(error), kind: bounded(kind) };
        }
    }
    match all.first() {
        Some(first) if !(title(first).is_empty() && detail(first).is_empty()) => {
            Line::Problem { title: title(first), detail: detail(first) }
        }
        _ => unknown(message),
    }
}

fn title(error: &Value) -> String {
    bounded(text_of(error, "title"))
}

fn detail(error: &Value) -> String {
    let detail = text_of(error, "detail");
    bounded(if detail.is_empty() { text_of(error, "message") } else { detail })
}

/// X's own words on one line, cleaned and not endless.
pub(super) fn bounded(words: &str) -> String {
    // Cutting first keeps the cleaning of a huge text cheap; an escape takes few characters.
    let head: String = words.chars().take(LONGEST_WORDS * 4).collect();
    let line = clean::line(&head);
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn rules(message: &Map<String, Value>) -> Vec<RuleRef> {
    items(message.get("matching_rules"))
        .filter_map(|rule| {
            let id = id_of(rule.get("id"))?;
            let tag = rule.get("tag").and_then(Value::as_str).map(str::to_owned);
            Some(RuleRef { id, tag })
        })
        .collect()
}

/// What came along with the posts of a message.
struct Includes<'a> {
    users: Vec<&'a Value>,
    posts: Vec<&'a Value>,
    media: Vec<&'a Value>,
}

impl<'a> Includes<'a> {
    fn of(message: &'a Map<String, Value>) -> Self {
        Self::within(message.get("includes"))
    }

    fn within(includes: Option<&'a Value>) -> Self {
        let list = |name: &str| items(includes.and_then(|includes| includes.get(name)));
        let posts = list("tweets").chain(list("posts")).collect();
        // Some events wrap each of them once more.
        let users = list("users").map(|user| user.get("data").unwrap_or(user)).collect();
        Self { users, posts, media: list("media").collect() }
    }

    fn user(&self, id: &str) -> Option<&'a Value> {
        self.users.iter().copied().find(|user| id_of(user.get("id")).as_deref() == Some(id))
    }

    fn post(&self, id: &str) -> Option<&'a Value> {
        self.posts.iter().copied().find(|post| id_of(post.get("id")).as_deref() == Some(id))
    }
}

fn post(data: &Value, includes: &Includes<'_>) -> Result<Post, String> {
    const X: NetworkKind = NetworkKind::X;
    let id = id_of(data.get("id")).ok_or("a post without an id")?;
    let mut history: Vec<String> = items(either(data, "edit_history_tweet_ids", "edit_history_post_ids"))
        .filter_map(|id| id_of(Some(id)))
        .collect();
    if !history.contains(&id) {
        history.push(id.clone());
    }
    let first = history[0].clone();
    let newest = history.iter().max_by(|a, b| (a.len(), *a).cmp(&(b.len(), *b))).unwrap_or(&id).clone();

    let (mut in_reply_to, mut quotes, mut is_repost) = (None, None, false);
    for reference in items(either(data, "referenced_tweets", "referenced_posts")) {
        let Some(other) = id_of(reference.get("id")) else { continue };
        match text_of(reference, "type") {
            "replied_to" => in_reply_to = Some(other),
            "quoted" => {
                let carried = includes.post(&other);
                quotes = Some(Quoted {
                    id: PostId::new(X, &other),
                    author: carried.and_then(|post| id_of(post.get("author_id"))).map(|id| AuthorId::new(X, &id)),
                    text: carried.map(|post| words(long_or_short(post).0)).unwrap_or_default(),
                });
            }
            "retweeted" | "reposted" => is_repost = true,
            _ => {}
        }
    }
    let conversation =
        id_of(data.get("conversation_id")).or_else(|| in_reply_to.clone()).unwrap_or_else(|| first.clone());
    let (text, entities) = long_or_short(data);
    let entities = entities.or_else(|| data.get("entities"));

    Ok(Post {
        id: PostId::new(X, &first),
        version: (newest != first).then_some(newest),
        author: author(data, includes),
        conversation: ConversationId::new(X, &conversation),
        in_reply_to: in_reply_to.map(|id| PostId::new(X, &id)),
        in_reply_to_author: id_of(data.get("in_reply_to_user_id")).map(|id| AuthorId::new(X, &id)),
        quotes,
        is_repost,
        text: words(text),
        lang: Some(clean::line(text_of(data, "lang"))).filter(|lang| !lang.is_empty()),
        at: time(data, &id),
        counts: counts(data.get("public_metrics")),
        mentions: mentions(entities),
        hashtags: items(entities.and_then(|entities| entities.get("hashtags")))
            .map(|tag| clean::line(text_of(tag, "tag")))
            .filter(|tag| !tag.is_empty())
            .collect(),
        links: links(entities),
        media: media(data, includes),
        who_may_reply: who_may_reply(text_of(data, "reply_settings")),
        is_edited: history.len() > 1,
    })
}

/// The long form of a post's text where there is one, and the entities that belong to it.
fn long_or_short(post: &Value) -> (&str, Option<&Value>) {
    match either(post, "note_tweet", "note_post") {
        Some(note) if !text_of(note, "text").is_empty() => (text_of(note, "text"), note.get("entities")),
        _ => (text_of(post, "text"), None),
    }
}

/// X escapes exactly three characters in the text of posts.
pub(super) fn words(raw: &str) -> String {
    if raw.contains('&') {
        clean::text(&raw.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    } else {
        clean::text(raw)
    }
}

fn author(data: &Value, includes: &Includes<'_>) -> Author {
    let id = id_of(data.get("author_id"));
    let user = id.as_deref().and_then(|id| includes.user(id));
    let flag = |name: &str| user.and_then(|user| user.get(name)).and_then(Value::as_bool).unwrap_or(false);
    let line = |name: &str| user.map(|user| clean::line(text_of(user, name))).unwrap_or_default();
    Author {
        // Nobody has the id 0: an author the message does not name.
        id: AuthorId::new(NetworkKind::X, id.as_deref().unwrap_or("0")),
        handle: line("username"),
        name: line("name"),
        followers: user
            .and_then(|user| user.get("public_metrics"))
            .and_then(|metrics| count(metrics, "followers_count")),
        is_verified: flag("verified"),
        is_protected: flag("protected"),
    }
}

fn counts(metrics: Option<&Value>) -> Counts {
    let Some(metrics) = metrics else { return Counts::default() };
    Counts {
        reposts: count(metrics, "retweet_count").or_else(|| count(metrics, "repost_count")),
        replies: count(metrics, "reply_count"),
        likes: count(metrics, "like_count"),
        quotes: count(metrics, "quote_count"),
    }
}

fn count(metrics: &Value, name: &str) -> Option<u64> {
    let value = metrics.get(name)?;
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn mentions(entities: Option<&Value>) -> Vec<Mention> {
    items(entities.and_then(|entities| entities.get("mentions")))
        .map(|mention| Mention {
            handle: clean::line(text_of(mention, "username")),
            id: id_of(mention.get("id")).map(|id| AuthorId::new(NetworkKind::X, &id)),
        })
        .filter(|mention| !mention.handle.is_empty())
        .collect()
}

fn links(entities: Option<&Value>) -> Vec<PostLink> {
    items(entities.and_then(|entities| entities.get("urls")))
        .filter_map(|link| {
            let short = clean::line(text_of(link, "url"));
            let named = |name: &str| Some(clean::line(text_of(link, name))).filter(|text| !text.is_empty());
            let target = named("unwound_url").or_else(|| named("expanded_url")).unwrap_or_else(|| short.clone());
            let display = named("display_url").unwrap_or_else(|| target.clone());
            (!short.is_empty()).then_some(PostLink { short, target, display })
        })
        .collect()
}

fn media(data: &Value, includes: &Includes<'_>) -> Vec<Media> {
    let keys = items(data.get("attachments").and_then(|attachments| attachments.get("media_keys")));
    keys.filter_map(Value::as_str)
        .filter_map(|key| includes.media.iter().find(|media| text_of(media, "media_key") == key))
        .map(|media| Media {
            kind: clean::line(text_of(media, "type")),
            alt: Some(clean::text(text_of(media, "alt_text"))).filter(|alt| !alt.is_empty()),
        })
        .collect()
}

fn who_may_reply(word: &str) -> WhoMayReply {
    match word {
        "" | "everyone" => WhoMayReply::Everyone,
        "mentionedUsers" => WhoMayReply::Mentioned,
        "following" => WhoMayReply::Following,
        "subscribers" => WhoMayReply::Subscribers,
        "verified" => WhoMayReply::Verified,
        _ => WhoMayReply::Other,
    }
}

/// The post's own time, else the one its id was made at.
pub(super) fn time(data: &Value, id: &str) -> Timestamp {
    if let Ok(at) = text_of(data, "created_at").parse::<Timestamp>() {
        return at;
    }
    let since = id.parse::<u64>().map_or(0, |id| i64::try_from(id >> 22).unwrap_or(0));
    Timestamp::from_millisecond(SNOWFLAKE_EPOCH_MS.saturating_add(since)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Ids are digits, sent as text or as a number.
pub(super) fn id_of(value: Option<&Value>) -> Option<String> {
    let id = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    let is_id = !id.is_empty() && id.len() <= 24 && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(id)
}

pub(super) fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn either<'a>(value: &'a Value, old: &str, new: &str) -> Option<&'a Value> {
    value.get(old).or_else(|| value.get(new))
}

pub(super) fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Line, RuleRef, line};
    use crate::model::post::{Counts, WhoMayReply};
    use crate::model::{Post, PostId};

    fn read(value: &serde_json::Value) -> Post {
        match line(value.to_string().as_bytes()) {
            Line::Post { post, .. } => *post,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_families_of_names_give_the_same_post() {
        let old = json!({"data": {"id": "12", "text": "short", "author_id": "7", "conversation_id": "3",
            "created_at": "2026-01-15T10:35:00.000Z", "edit_history_tweet_ids": ["10", "12"],
            "note_tweet": {"text": "the long text"}, "public_metrics": {"retweet_count": 4, "like_count": 1},
            "referenced_tweets": [{"type": "replied_to", "id": "3"}, {"type": "quoted", "id": "5"}]},
            "includes": {"tweets": [{"id": "5", "text": "a &amp; b", "author_id": "42"}],
                "users": [{"id": "7", "username": "cat", "name": "Cat", "public_metrics": {"followers_count": 3}}]},
            "matching_rules": [{"id": "99", "tag": "t"}, {"id": 98}]});
        let new = json!({"data": {"id": 12, "text": "short", "author_id": 7, "conversation_id": 3,
            "created_at": "2026-01-15T10:35:00.000Z", "edit_history_post_ids": ["10", "12"],
            "note_post": {"text": "the long text"}, "public_metrics": {"repost_count": 4, "like_count": "1"},
            "referenced_posts": [{"type": "replied_to", "id": "3"}, {"type": "quoted", "id": "5"}]},
            "includes": {"posts": [{"id": "5", "text": "a &amp; b", "author_id": "42"}],
                "users": [{"id": "7", "username": "cat", "name": "Cat", "public_metrics": {"followers_count": 3}}]}});
        let post = read(&old);
        assert_eq!(post, read(&new));
        assert_eq!((post.id.as_str(), post.version.as_deref(), post.is_edited), ("x:10", Some("12"), true));
        assert_eq!(post.text, "the long text");
        assert_eq!(post.counts.reposts, Some(4));
        assert_eq!(post.author.followers, Some(3));
        assert_eq!(post.in_reply_to.as_ref().map(PostId::as_str), Some("x:3"));
        let quoted = post.quotes.unwrap();
        assert_eq!((quoted.text.as_str(), quoted.author.unwrap().as_str()), ("a & b", "x:42"));
        let Line::Post { rules, .. } = line(old.to_string().as_bytes()) else { panic!() };
        assert_eq!(rules, [RuleRef { id: "99".into(), tag: Some("t".into()) }, RuleRef { id: "98".into(), tag: None }]);
    }

    #[test]
    fn entities_media_and_escapes() {
        let post = read(
            &json!({"data": {"id": "1", "author_id": "7", "text": "@acme 1 &lt; 2 &amp;amp; \u{1b}[31m#slow https://t.co/a",
            "reply_settings": "mentionedUsers", "lang": "en", "in_reply_to_user_id": "42",
            "entities": {"mentions": [{"username": "acme", "id": "42"}, {"username": "zed"}, {"id": "3"}],
                "hashtags": [{"tag": "slow"}],
                "urls": [{"url": "https://t.co/a", "expanded_url": "https://acme.example/x", "display_url": "acme.example/x"}]},
            "attachments": {"media_keys": ["3_1", "3_9"]}},
            "includes": {"media": [{"media_key": "3_1", "type": "photo", "alt_text": "a queue"}]}}),
        );
        assert_eq!(post.text, "@acme 1 < 2 &amp; #slow https://t.co/a");
        assert_eq!(post.mentions.len(), 2);
        assert_eq!(post.mentions[0].id.as_ref().unwrap().as_str(), "x:42");
        assert_eq!(post.hashtags, ["slow"]);
        assert_eq!(post.links[0].target, "https://acme.example/x");
        assert_eq!((post.media.len(), post.media[0].alt.as_deref()), (1, Some("a queue")));
        assert_eq!(post.who_may_reply, WhoMayReply::Mentioned);
        assert_eq!(post.conversation.as_str(), "x:1");
    }

    #[test]
    fn little_is_enough_and_times_come_from_the_id_where_they_are_missing() {
        let post = read(&json!({"data": {"id": "362387865600000", "text": "slow"}}));
        assert_eq!(post.at.to_string(), "2010-11-05T01:42:54.657Z");
        assert_eq!((post.author.id.as_str(), post.author.handle.as_str()), ("x:0", ""));
        assert_eq!(post.counts, Counts::default());
        for (created, shown) in
            [("2006-03-21T20:50:14.000Z", "2006-03-21T20:50:14Z"), ("2199-01-01T00:00:00.000Z", "2199-01-01T00:00:00Z")]
        {
            let post = read(&json!({"data": {"id": "20", "text": "t", "created_at": created}}));
            assert_eq!(post.at.to_string(), shown);
        }
        assert!(
            read(&json!({"data": {"id": "2", "text": "RT", "referenced_tweets": [{"type": "retweeted", "id": "1"}]}}))
                .is_repost
        );
    }

    #[test]
    fn a_partial_error_is_a_post_and_a_disconnect_is_not() {
        let partial = json!({"data": {"id": "1", "text": "t", "author_id": "2"},
            "errors": [{"title": "Not Found Error", "type": "https://api.x.com/2/problems/resource-not-found"}]});
        assert!(matches!(line(partial.to_string().as_bytes()), Line::Post { .. }));
        let told = json!({"errors": [{"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect",
            "detail": "This stream has been disconnected upstream for operational reasons.",
            "type": "https://api.x.com/2/problems/operational-disconnect"}]});
        let Line::Disconnect { kind, detail, .. } = line(told.to_string().as_bytes()) else { panic!() };
        assert_eq!(kind, "UpstreamOperationalDisconnect");
        assert!(detail.ends_with("operational reasons."));
        let top = br#"{"title":"ConnectionException","detail":"max","connection_issue":"TooManyConnections"}"#;
        assert!(matches!(line(top), Line::Disconnect { kind, .. } if kind == "TooManyConnections"));
        let other = br#"{"errors":[{"title":"Not Found Error","detail":"gone","type":"about:blank"}]}"#;
        assert_eq!(line(other), Line::Problem { title: "Not Found Error".into(), detail: "gone".into() });
    }

    #[test]
    fn what_is_no_post_is_said_to_be_none() {
        assert_eq!(line(b"\r\n"), Line::Blank);
        assert_eq!(line(b""), Line::Blank);
        assert!(matches!(line(b"{\"data\":{\"id\":\"1\",\"text\":\"trunc"), Line::Malformed { .. }));
        assert!(matches!(line(b"\xff\xfe{}"), Line::Malformed { .. }));
        assert!(matches!(line(b"{\"data\":{\"id\":\"1\",\"text\":\"\xf0\x28\"}}"), Line::Malformed { .. }));
        assert!(matches!(line(b"[1]"), Line::Malformed { .. }));
        assert!(matches!(line(br#"{"data":{"id":"x y","text":"t"}}"#), Line::Malformed { .. }));
        assert!(matches!(line("[".repeat(100_000).as_bytes()), Line::Malformed { .. }));
        assert_eq!(line(br#"{"sync":{"at":1}}"#), Line::Unknown { keys: "sync".into() });
        assert!(matches!(line(br#"{"data":{"event":"new"}}"#), Line::Unknown { .. }));
        let huge = format!(r#"{{"data":{{"id":"1","author_id":"2","text":"{}"}}}}"#, "y".repeat(10_000_000));
        assert!(matches!(line(huge.as_bytes()), Line::Post { .. }));
        assert!(matches!(line(&huge.as_bytes()[..9_000_000]), Line::Malformed { .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_line(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = line(&bytes);
        }

        #[test]
        fn any_truth_bent_is_some_line(cut in 0usize..400, flip in 0usize..400, byte in any::<u8>()) {
            let mut bytes = br#"{"data":{"id":"12","text":"a","author_id":"7","edit_history_tweet_ids":["10"],"public_metrics":{"retweet_count":-4},"referenced_tweets":[{"type":"quoted","id":"5"}],"entities":{"urls":[{"url":1}],"mentions":{}}},"includes":{"tweets":{},"users":[null,{"id":7}]},"matching_rules":[{"id":"9"}],"errors":[{}]}"#.to_vec();
            if let Some(at) = bytes.get_mut(flip) { *at = byte; }
            bytes.truncate(cut.max(1));
            let _ = line(&bytes);
        }
    }
}
