//! A Mastodon status as a post: one reading for what streams, pages and recordings hold, so that `match` and the
//! listening deck cannot differ.
//!
//! Total and lenient: servers of this interface leave fields out, number their ids as they like and send what their
//! version knows. What cannot do without is an address of the post.
//!
//! * **The post's id is its `url`**, the page a person opens; its `uri` where there is no such page. Both are given by
//!   the server the post was written on, so every server names the same post alike. The `id` in the JSON is only the
//!   reading server's own; it is kept as the post's version, for that is what a reply must name.
//! * **The author's id is the account's `url`.** The handle always carries its host.
//! * **What a reply answers** is known by the reading server's id only. Until somebody has looked, that stands in the
//!   place of the address.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::Value;

use crate::model::html::{Named, plain};
use crate::model::post::{Counts, Media, Mention, PostLink, Quoted, WARNING, WhoMayReply};
use crate::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId, clean};

const MASTODON: NetworkKind = NetworkKind::Mastodon;
/// Longer is no id and no address.
const LONGEST_ID: usize = 2_048;
/// Between the reading server's id and the time of the edit in a version.
const EDITED_AT: char = '@';

/// Who may read a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    #[default]
    Public,
    /// Public, but on no public timeline.
    Unlisted,
    Followers,
    /// Those it mentions, and the administrators of their servers.
    Direct,
    /// A word this version does not know; not public as far as we can tell.
    Other,
}

impl Audience {
    fn of(word: &str) -> Self {
        match word {
            "" | "public" => Audience::Public,
            "unlisted" => Audience::Unlisted,
            "private" => Audience::Followers,
            "direct" => Audience::Direct,
            _ => Audience::Other,
        }
    }
}

/// A status and what only its server can make use of.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub post: Post,
    /// The reading server's id of it.
    pub id: String,
    pub audience: Audience,
    /// The reading server's ids of what it answers, and of whom.
    pub in_reply_to: Option<String>,
    pub in_reply_to_account: Option<String>,
    /// The reading server's id of the author.
    pub account: String,
    /// Whom it mentions: the reading server's id, and how we name them.
    pub mentioned: Vec<(String, Mention)>,
}

/// What a line of a stream or of a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Streamed {
    /// A status, new or as it was edited.
    Status(Box<Status>),
    /// A message of the stream that carries no status.
    Other,
}

/// Why something is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStatus {
    NotJson,
    NoId,
    NoText,
}

/// Reads a line as the WebSocket sends it (`stream`, `event`, `payload`), or a bare status. `None`: it is neither.
pub fn line(value: &Value) -> Option<Result<Streamed, NoStatus>> {
    let event = text_of(value, "event");
    if let (false, Some(payload)) = (event.is_empty(), value.get("payload")) {
        if !matches!(event, "update" | "status.update" | "status_update" | "notification") {
            return Some(Ok(Streamed::Other));
        }
        let inner = match payload {
            Value::String(text) => match serde_json::from_str(text) {
                Ok(inner) => inner,
                Err(_) => return Some(Err(NoStatus::NotJson)),
            },
            other => other.clone(),
        };
        let inner = if event == "notification" {
            match inner.get("status") {
                Some(status @ Value::Object(_)) => status.clone(),
                _ => return Some(Ok(Streamed::Other)),
            }
        } else {
            inner
        };
        return Some(status(&inner, None).map(|status| Streamed::Status(Box::new(status))));
    }
    let is_bare =
        value.get("content").is_some_and(Value::is_string) && value.get("account").is_some_and(Value::is_object);
    is_bare.then(|| status(value, None).map(|status| Streamed::Status(Box::new(status))))
}

/// Reads a status. `host`: the reading server's own name, which it leaves out of the handles of its own accounts; where
/// it is not known, the host of the account's page.
pub fn status(value: &Value, host: Option<&str>) -> Result<Status, NoStatus> {
    if !value.is_object() {
        return Err(NoStatus::NotJson);
    }
    let id = id_of(value.get("id")).ok_or(NoStatus::NoId)?;
    let address = address(value).ok_or(NoStatus::NoId)?;
    let inner = value.get("reblog").filter(|inner| inner.is_object());
    // Somebody else's words passed on are read from there.
    let said = inner.unwrap_or(value);
    if said.get("content").is_none_or(|content| !content.is_string()) {
        return Err(NoStatus::NoText);
    }
    let account = value.get("account").unwrap_or(&Value::Null);
    let author = author(account, host, text_of(value, "visibility"));
    let mentioned = mentioned(said, host);
    let (text, links) = words(said, &mentioned);
    let text = match inner {
        Some(inner) => format!("RT @{}: {text}", handle(inner.get("account").unwrap_or(&Value::Null), host)),
        None => text,
    };
    let in_reply_to = id_of(value.get("in_reply_to_id"));
    let in_reply_to_account = id_of(value.get("in_reply_to_account_id"));
    let own_account = id_of(account.get("id")).unwrap_or_default();
    let answered = in_reply_to_account.as_ref().map(|answered| match mentioned.iter().find(|(id, _)| id == answered) {
        _ if *answered == own_account => author.id.clone(),
        Some((_, Mention { id: Some(id), .. })) => id.clone(),
        _ => AuthorId::new(MASTODON, answered),
    });
    let edited = text_of(value, "edited_at").parse::<Timestamp>().ok();
    let post = Post {
        id: PostId::new(MASTODON, &address),
        version: Some(version(&id, edited)),
        conversation: ConversationId::new(MASTODON, in_reply_to.as_deref().unwrap_or(&address)),
        in_reply_to: in_reply_to.as_deref().map(|id| PostId::new(MASTODON, id)),
        in_reply_to_author: answered,
        quotes: quoted(said, host),
        is_repost: inner.is_some(),
        text,
        lang: Some(clean::line(text_of(said, "language"))).filter(|lang| !lang.is_empty()),
        at: time(value, &id),
        counts: Counts {
            reposts: count(said, "reblogs_count"),
            replies: count(said, "replies_count"),
            likes: count(said, "favourites_count"),
            quotes: count(said, "quotes_count"),
        },
        mentions: mentioned.iter().map(|(_, mention)| mention.clone()).collect(),
        hashtags: items(said.get("tags"))
            .map(|tag| clean::line(text_of(tag, "name")))
            .filter(|tag| !tag.is_empty())
            .collect(),
        links,
        media: media(said),
        who_may_reply: who_may_reply(said),
        is_edited: edited.is_some(),
        author,
    };
    Ok(Status {
        post,
        id,
        audience: Audience::of(text_of(value, "visibility")),
        in_reply_to,
        in_reply_to_account,
        account: own_account,
        mentioned,
    })
}

/// The version of a post: the reading server's id, and of an edited one when it was edited, in one length so that
/// later is larger.
fn version(id: &str, edited: Option<Timestamp>) -> String {
    match edited {
        Some(at) => {
            let printed = DateTimePrinter::new().precision(Some(6)).timestamp_to_string(&at);
            format!("{id}{EDITED_AT}{printed}")
        }
        None => id.to_owned(),
    }
}

/// The reading server's id in a post's version.
pub fn server_id(version: &str) -> &str {
    match version.rsplit_once(EDITED_AT) {
        Some((id, at)) if at.parse::<Timestamp>().is_ok() => id,
        _ => version,
    }
}

/// Where the post stands on its own server.
fn address(value: &Value) -> Option<String> {
    let page = text_of(value, "url");
    let is_page = page.starts_with("https://") || page.starts_with("http://");
    let address = if is_page { page } else { text_of(value, "uri") };
    is_id(address).then(|| address.to_owned())
}

/// The text as people read it: the content warning first, then the words, then what a poll asks.
fn words(said: &Value, mentioned: &[(String, Mention)]) -> (String, Vec<PostLink>) {
    let named: Vec<Named<'_>> = mentioned
        .iter()
        .filter_map(|(_, mention)| Some(Named { url: mention.id.as_ref()?.native(), handle: &mention.handle }))
        .collect();
    let read = plain(text_of(said, "content"), &named, said.get("quote").is_some_and(Value::is_object));
    let mut text = clean::text(&read.text);
    let warning = clean::line(text_of(said, "spoiler_text"));
    if !warning.is_empty() {
        let blank = if text.is_empty() { "" } else { "\n\n" };
        text = format!("{WARNING}{warning}{blank}{text}");
    }
    for option in items(said.get("poll").and_then(|poll| poll.get("options"))) {
        let option = clean::line(text_of(option, "title"));
        if !option.is_empty() {
            text.push_str("\n- ");
            text.push_str(&option);
        }
    }
    let links = read
        .links
        .into_iter()
        .map(|link| PostLink {
            short: clean::line(&link.short),
            target: clean::line(&link.target),
            display: clean::line(&link.display),
        })
        .collect();
    (text, links)
}

fn author(account: &Value, host: Option<&str>, visibility: &str) -> Author {
    let handle = handle(account, host);
    let shown = clean::line(text_of(account, "display_name"));
    Author {
        id: author_id(account).unwrap_or_else(|| AuthorId::new(MASTODON, "0")),
        name: if shown.is_empty() { clean::line(text_of(account, "username")) } else { shown },
        handle,
        followers: count(account, "followers_count"),
        is_verified: false,
        // Their post is not for everybody.
        is_protected: matches!(Audience::of(visibility), Audience::Followers | Audience::Other),
    }
}

/// Names an account: by the address of its page.
pub fn author_id(account: &Value) -> Option<AuthorId> {
    let named = [text_of(account, "url"), text_of(account, "uri")].into_iter().find(|address| is_id(address));
    named.map(|address| AuthorId::new(MASTODON, address))
}

/// `user@host`, also for accounts of the reading server itself.
pub fn handle(account: &Value, host: Option<&str>) -> String {
    let said = clean::line(text_of(account, "acct"));
    let said = if said.is_empty() { clean::line(text_of(account, "username")) } else { said };
    if said.is_empty() || said.contains('@') {
        return said;
    }
    let of_page = || host_of(text_of(account, "url"));
    match host.map(str::to_owned).or_else(of_page) {
        Some(host) => format!("{said}@{host}"),
        None => said,
    }
}

/// The host of an address, in lower case, without its port.
fn host_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let host = clean::line(host.split(':').next()?).to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

fn mentioned(said: &Value, host: Option<&str>) -> Vec<(String, Mention)> {
    items(said.get("mentions"))
        .map(|mention| {
            let id = id_of(mention.get("id")).unwrap_or_default();
            (id, Mention { handle: handle(mention, host), id: author_id(mention) })
        })
        .filter(|(_, mention)| !mention.handle.is_empty())
        .collect()
}

/// Mastodon sends the quoted post inside a word on whether it may be shown, others the post itself.
fn quoted(said: &Value, host: Option<&str>) -> Option<Quoted> {
    let quote = said.get("quote")?;
    let quoted = quote.get("quoted_status").filter(|inner| inner.is_object()).unwrap_or(quote);
    let address = address(quoted)?;
    let mentioned = mentioned(quoted, host);
    Some(Quoted {
        id: PostId::new(MASTODON, &address),
        author: quoted.get("account").and_then(author_id),
        text: words(quoted, &mentioned).0,
    })
}

fn media(said: &Value) -> Vec<Media> {
    items(said.get("media_attachments"))
        .map(|media| Media {
            kind: match text_of(media, "type") {
                "image" => "photo".to_owned(),
                "gifv" => "animated_gif".to_owned(),
                other => clean::line(other),
            },
            alt: Some(clean::text(text_of(media, "description"))).filter(|alt| !alt.is_empty()),
        })
        .collect()
}

/// Servers with interaction policies say whom a reply is taken from at once; others take it from everybody.
fn who_may_reply(said: &Value) -> WhoMayReply {
    let Some(policy) = said.get("interaction_policy").and_then(|policy| policy.get("can_reply")) else {
        return WhoMayReply::Everyone;
    };
    // GoToSocial renamed the list.
    let Some(list) = [policy.get("automatic_approval"), policy.get("always")].into_iter().flatten().next() else {
        return WhoMayReply::Everyone;
    };
    let may = |who: &[&str]| items(Some(list)).filter_map(Value::as_str).any(|word| who.contains(&word));
    if may(&["public"]) {
        WhoMayReply::Everyone
    } else if may(&["followers", "following", "mutuals"]) {
        WhoMayReply::Following
    } else if may(&["mentioned"]) {
        WhoMayReply::Mentioned
    } else {
        WhoMayReply::Other
    }
}

/// The post's own time, else the one Mastodon's ids are made at.
fn time(value: &Value, id: &str) -> Timestamp {
    if let Ok(at) = text_of(value, "created_at").parse::<Timestamp>() {
        return at;
    }
    let millis = id.parse::<u64>().ok().and_then(|id| i64::try_from(id >> 16).ok()).unwrap_or(0);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn count(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

/// An id as the server wrote it: text or a number, and nothing that could be anything else.
pub fn id_of(value: Option<&Value>) -> Option<String> {
    let id = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    is_id(&id).then_some(id)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && clean::line(id) == id && !id.contains(char::is_whitespace)
}

fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Audience, NoStatus, Streamed, line, server_id, status};
    use crate::model::post::{Media, WhoMayReply};

    fn sample() -> Value {
        json!({
            "id": "113", "uri": "https://far.example/users/jo/statuses/9", "url": "https://far.example/@jo/9",
            "created_at": "2026-01-15T10:00:00.123Z", "content": "<p>No internet &amp; no answer</p>",
            "spoiler_text": "", "visibility": "public", "language": "en", "in_reply_to_id": null,
            "account": {"id": "7", "acct": "jo@far.example", "username": "jo", "display_name": "Jo 🌻",
                "url": "https://far.example/@jo", "followers_count": 12},
            "replies_count": 1, "reblogs_count": 2, "favourites_count": 3,
            "mentions": [], "tags": [{"name": "acme"}], "media_attachments": []
        })
    }

    #[test]
    fn a_status_is_a_post() {
        let read = status(&sample(), Some("near.example")).unwrap();
        let post = &read.post;
        assert_eq!(post.id.as_str(), "mastodon:https://far.example/@jo/9");
        assert_eq!((post.version.as_deref(), read.id.as_str()), (Some("113"), "113"));
        assert_eq!(post.author.id.as_str(), "mastodon:https://far.example/@jo");
        assert_eq!((post.author.handle.as_str(), post.author.name.as_str()), ("jo@far.example", "Jo 🌻"));
        assert_eq!(post.text, "No internet & no answer");
        assert_eq!(post.conversation.native(), "https://far.example/@jo/9");
        assert_eq!(post.at.to_string(), "2026-01-15T10:00:00.123Z");
        assert_eq!(post.hashtags, ["acme"]);
        assert_eq!((post.counts.replies, post.counts.reposts, post.counts.likes), (Some(1), Some(2), Some(3)));
        assert_eq!(post.author.followers, Some(12));
        assert_eq!((post.is_edited, post.is_repost, read.audience), (false, false, Audience::Public));
    }

    #[test]
    fn the_same_person_has_one_handle_wherever_it_is_read() {
        let mut value = sample();
        value["account"]["acct"] = json!("jo");
        // Web page and name may have different hosts: the server's own name is the one others see.
        assert_eq!(status(&value, Some("near.example")).unwrap().post.author.handle, "jo@near.example");
        assert_eq!(status(&value, None).unwrap().post.author.handle, "jo@far.example");
    }

    #[test]
    fn what_is_missing_is_missing_and_ids_are_opaque() {
        let bare = json!({"id": "01JD2N3Y2V8Y", "uri": "https://a.example/s/1", "content": ""});
        let read = status(&bare, None).unwrap();
        assert_eq!(read.post.id.native(), "https://a.example/s/1");
        assert_eq!((read.post.text.as_str(), read.post.lang.as_deref(), read.id.as_str()), ("", None, "01JD2N3Y2V8Y"));
        let mut number = sample();
        number["id"] = json!(114);
        assert_eq!(status(&number, None).unwrap().id, "114");
        for (value, flaw) in [
            (json!({"uri": "https://a.example/1", "content": "x"}), NoStatus::NoId),
            (json!({"id": "1", "content": "x"}), NoStatus::NoId),
            (json!({"id": "1", "uri": "https://a.example/\u{1b}[31m", "content": "x"}), NoStatus::NoId),
            (json!({"id": "1", "uri": "https://a.example/1"}), NoStatus::NoText),
            (json!([1]), NoStatus::NotJson),
        ] {
            assert_eq!(status(&value, None).unwrap_err(), flaw, "{value}");
        }
    }

    #[test]
    fn warning_poll_media_and_quote() {
        let mut value = sample();
        value["spoiler_text"] = json!("outage\u{1b}[2J rant");
        value["poll"] = json!({"options": [{"title": "yes"}, {"title": "no"}]});
        value["media_attachments"] = json!([{"type": "image", "description": "a red lamp"}, {"type": "video"}]);
        value["quote"] = json!({"state": "accepted", "quoted_status": {"id": "5", "url": "https://b.example/5",
            "content": "<p>All fine</p>", "account": {"url": "https://b.example/@acme", "acct": "acme@b.example"}}});
        let post = status(&value, None).unwrap().post;
        assert_eq!(post.text, "CW: outage rant\n\nNo internet & no answer\n- yes\n- no");
        assert_eq!(post.warned(), Some(("CW: outage rant", "No internet & no answer\n- yes\n- no")));
        assert_eq!(post.media[0], Media { kind: "photo".into(), alt: Some("a red lamp".into()) });
        let quoted = post.quotes.unwrap();
        assert_eq!((quoted.id.native(), quoted.text.as_str()), ("https://b.example/5", "All fine"));
        assert_eq!(quoted.author.unwrap().native(), "https://b.example/@acme");
    }

    #[test]
    fn a_reply_names_whom_it_answers_as_far_as_the_server_said() {
        let mut value = sample();
        value["in_reply_to_id"] = json!("100");
        value["in_reply_to_account_id"] = json!("8");
        value["mentions"] =
            json!([{"id": "8", "acct": "acme", "username": "acme", "url": "https://near.example/@acme"}]);
        value["content"] =
            json!("<p><a href=\"https://near.example/@acme\" class=\"u-url mention\">@<span>acme</span></a> why?</p>");
        let read = status(&value, Some("near.example")).unwrap();
        assert_eq!(read.post.text, "@acme@near.example why?");
        assert_eq!(read.post.in_reply_to_author.unwrap().native(), "https://near.example/@acme");
        assert_eq!(read.post.in_reply_to.unwrap().native(), "100");
        assert_eq!(read.post.conversation.native(), "100");
        assert_eq!(read.mentioned[0].0, "8");
    }

    #[test]
    fn an_edit_has_a_version_of_its_own_that_still_names_the_status() {
        let mut value = sample();
        value["edited_at"] = json!("2026-01-15T10:05:00Z");
        let first = status(&value, None).unwrap().post;
        value["edited_at"] = json!("2026-01-15T10:05:00.5Z");
        let second = status(&value, None).unwrap().post;
        let (first, second) = (first.version.unwrap(), second.version.unwrap());
        assert!(second > first && second.len() == first.len(), "{first} {second}");
        assert_eq!(
            (server_id(&first), server_id(&second), server_id("113"), server_id("a@b")),
            ("113", "113", "113", "a@b")
        );
    }

    #[test]
    fn passed_on_and_not_for_everybody() {
        let mut value = sample();
        let inner = sample();
        value["reblog"] = inner;
        value["content"] = json!("");
        value["url"] = json!("https://far.example/@bo/10");
        let post = status(&value, None).unwrap().post;
        assert!(post.is_repost && post.text == "RT @jo@far.example: No internet & no answer", "{}", post.text);
        for (word, audience, protected) in [
            ("unlisted", Audience::Unlisted, false),
            ("private", Audience::Followers, true),
            ("direct", Audience::Direct, false),
            ("mutuals", Audience::Other, true),
        ] {
            let mut value = sample();
            value["visibility"] = json!(word);
            let read = status(&value, None).unwrap();
            assert_eq!((read.audience, read.post.author.is_protected), (audience, protected), "{word}");
        }
    }

    #[test]
    fn who_may_reply_where_the_server_says() {
        let mut value = sample();
        for (policy, who) in [
            (json!({"can_reply": {"always": ["public", "me"]}}), WhoMayReply::Everyone),
            (json!({"can_reply": {"automatic_approval": ["followers"]}}), WhoMayReply::Following),
            (json!({"can_reply": {"always": ["author", "mentioned"]}}), WhoMayReply::Mentioned),
            (json!({"can_reply": {"always": ["author", "me"]}}), WhoMayReply::Other),
            (json!({"can_quote": {}}), WhoMayReply::Everyone),
        ] {
            value["interaction_policy"] = policy.clone();
            assert_eq!(status(&value, None).unwrap().post.who_may_reply, who, "{policy}");
        }
    }

    #[test]
    fn lines_of_a_stream() {
        let wrapped = |event: &str, payload: Value| json!({"stream": ["public"], "event": event, "payload": payload});
        let inside = sample().to_string();
        let is_status = |value: &Value| matches!(line(value), Some(Ok(Streamed::Status(_))));
        assert!(is_status(&wrapped("update", json!(inside))));
        assert!(is_status(&wrapped("status.update", json!(inside))));
        assert!(is_status(&wrapped("update", sample())));
        assert!(is_status(&sample()));
        assert!(is_status(&wrapped("notification", json!(json!({"type": "mention", "status": sample()}).to_string()))));
        assert_eq!(line(&wrapped("delete", json!("113"))), Some(Ok(Streamed::Other)));
        assert_eq!(line(&wrapped("notification", json!("{\"type\":\"follow\"}"))), Some(Ok(Streamed::Other)));
        assert_eq!(line(&wrapped("update", json!("{"))), Some(Err(NoStatus::NotJson)));
        assert_eq!(line(&json!({"data": {"id": "1", "text": "x"}})), None);
    }
}
