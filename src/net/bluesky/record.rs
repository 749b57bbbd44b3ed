//! A record of the collection `app.bsky.feed.post` as a post, cleaned here, once.
//!
//! Whatever has an unexpected type counts as not said. Facets may overlap, lie outside the text or end inside a
//! character: their words are taken only where they point at whole ones.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::model::post::{Counts, Media, Mention, PostLink, Quoted, WhoMayReply};
use crate::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId, clean};

const BLUESKY: NetworkKind = NetworkKind::Bluesky;

/// Words of the network's own are cut at so many characters.
const LONGEST_WORDS: usize = 400;
/// A list beside the text is read so far: a record may be a megabyte of tags.
const LONGEST_LIST: usize = 100;
/// The longest that names of languages are in practice.
const LONGEST_LANG: usize = 35;
/// The writer's own clock is believed when it lags so little behind the server's: posts are dated before they are
/// sent. What was dated longer ago was brought in from elsewhere, or lies.
const TRUSTED_LAG: SignedDuration = SignedDuration::from_mins(2);

/// A post as the stream tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub post: Post,
    pub refs: Refs,
    /// The revision of the author's repository: it grows with every change.
    pub rev: String,
    pub is_update: bool,
}

/// What a reply to a post has to name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// Of the post itself.
    pub cid: String,
    /// Address and content id of the conversation's first post; `None` where that is the post itself.
    pub root: Option<(String, String)>,
    /// What the post is written in, as its author's app says: a reply says the same of itself.
    pub lang: Option<String>,
}

/// The post and what a reply to it needs. The words say what it lacks.
pub(super) fn post(
    did: &str,
    key: &str,
    cid: &str,
    record: &Value,
    at_us: Option<i64>,
) -> Result<(Post, Refs), &'static str> {
    let Some(raw) = record.get("text").and_then(Value::as_str) else { return Err("a post without a text") };
    let uri = format!("at://{did}/{}/{key}", super::jetstream::POSTS);
    let reply = record.get("reply");
    let named = |place: &str| {
        let link = reply?.get(place)?;
        Some((uri_of(text_of(link, "uri"))?, bounded(text_of(link, "cid"))))
    };
    let (parent, root) = (named("parent"), named("root"));
    let parent = parent.map(|(uri, _)| uri);
    let embed = record.get("embed").unwrap_or(&Value::Null);
    let media = embed.get("media").unwrap_or(&Value::Null);
    let inner = embed.get("record").unwrap_or(&Value::Null);
    let quoted = [Some(inner), inner.get("record")].into_iter().flatten().find_map(|link| uri_of(text_of(link, "uri")));
    let features = || {
        items(record.get("facets")).flat_map(|facet| {
            let words = words_of(raw, facet.get("index"));
            items(facet.get("features")).map(move |feature| (words, feature))
        })
    };
    let cards = [embed, media].into_iter().filter_map(|embed| card(embed.get("external")?));
    let cid = bounded(cid);
    let post = Post {
        id: PostId::new(BLUESKY, &uri),
        version: Some(cid.clone()).filter(|cid| !cid.is_empty()),
        author: Author {
            id: AuthorId::new(BLUESKY, did),
            handle: String::new(),
            name: String::new(),
            followers: None,
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(BLUESKY, root.as_ref().map_or(&uri, |(uri, _)| uri)),
        in_reply_to_author: parent.as_deref().and_then(owner),
        in_reply_to: parent.map(|uri| PostId::new(BLUESKY, &uri)),
        quotes: quoted.map(|uri| Quoted { id: PostId::new(BLUESKY, &uri), author: owner(&uri), text: String::new() }),
        is_repost: false,
        text: clean::text(raw),
        lang: items(record.get("langs")).filter_map(Value::as_str).map(bounded).find(|lang| !lang.is_empty()),
        at: time(text_of(record, "createdAt"), at_us),
        counts: Counts::default(),
        mentions: features()
            .filter_map(|(words, feature)| {
                let did = did_of(text_of(feature, "did"))?;
                let handle = words.and_then(|words| words.strip_prefix('@')).map(clean::line).unwrap_or_default();
                Some(Mention { handle, id: Some(AuthorId::new(BLUESKY, &did)) })
            })
            .collect(),
        hashtags: features()
            .map(|(_, feature)| text_of(feature, "tag"))
            .chain(items(record.get("tags")).filter_map(Value::as_str))
            .map(bounded)
            .filter(|tag| !tag.is_empty())
            .collect(),
        links: features().filter_map(|(words, feature)| link(words, text_of(feature, "uri"))).chain(cards).collect(),
        media: [embed, media].into_iter().flat_map(pictures).collect(),
        who_may_reply: WhoMayReply::default(),
        is_edited: false,
    };
    Ok((post, Refs { cid, root, lang: lang(record) }))
}

/// The first language of a record that is one: servers refuse a record of ours that says otherwise.
pub(super) fn lang(record: &Value) -> Option<String> {
    let is_tag = |tag: &&str| {
        let mut parts = tag.split('-');
        let is_first = parts
            .next()
            .is_some_and(|first| matches!(first.len(), 2..=3) && first.bytes().all(|b| b.is_ascii_alphabetic()));
        is_first
            && tag.len() <= LONGEST_LANG
            && parts.all(|part| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    items(record.get("langs")).filter_map(Value::as_str).find(is_tag).map(str::to_owned)
}

/// The writer's own time where it can be right, else the server's.
fn time(created: &str, at_us: Option<i64>) -> Timestamp {
    let seen = at_us.and_then(|at| Timestamp::from_microsecond(at).ok());
    match (created.parse::<Timestamp>().ok(), seen) {
        (Some(created), Some(seen)) if created <= seen && seen.duration_since(created) <= TRUSTED_LAG => created,
        (_, Some(seen)) => seen,
        (Some(created), None) => created,
        (None, None) => Timestamp::UNIX_EPOCH,
    }
}

/// The words a facet points at: bytes of the text, whole characters only.
fn words_of<'a>(text: &'a str, index: Option<&Value>) -> Option<&'a str> {
    let place = |name: &str| usize::try_from(index?.get(name)?.as_u64()?).ok();
    let words = text.get(place("byteStart")?..place("byteEnd")?)?;
    (!words.is_empty()).then_some(words)
}

fn link(words: Option<&str>, uri: &str) -> Option<PostLink> {
    let target = bounded(uri);
    if target.is_empty() {
        return None;
    }
    let short = words.map(clean::line).filter(|words| !words.is_empty()).unwrap_or_else(|| target.clone());
    Some(PostLink { display: short.clone(), short, target })
}

/// A page shown below the text: its title and description are its words, one a line; it stands nowhere in the text.
fn card(external: &Value) -> Option<PostLink> {
    let target = bounded(text_of(external, "uri"));
    let words = [bounded(text_of(external, "title")), bounded(text_of(external, "description"))];
    let display = words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n");
    (!target.is_empty() || !display.is_empty()).then_some(PostLink { short: String::new(), target, display })
}

fn pictures(embed: &Value) -> Vec<Media> {
    let alt = |of: &Value| Some(clean::text(text_of(of, "alt"))).filter(|alt| !alt.is_empty());
    let images = items(embed.get("images")).map(|image| Media { kind: "photo".into(), alt: alt(image) });
    // The words for a film stand beside it.
    let video = embed.get("video").filter(|video| video.is_object());
    images.chain(video.map(|_| Media { kind: "video".into(), alt: alt(embed) })).collect()
}

/// The owner of a record is named in its address.
fn owner(uri: &str) -> Option<AuthorId> {
    let did = uri.strip_prefix("at://")?.split('/').next()?;
    Some(AuthorId::new(BLUESKY, did))
}

/// An address of a record, `at://did/collection/key`.
pub(super) fn uri_of(uri: &str) -> Option<String> {
    let mut parts = uri.strip_prefix("at://")?.split('/');
    let (did, collection, key) = (parts.next()?, parts.next()?, parts.next()?);
    let is_name = collection.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    (parts.next().is_none() && did_of(did).is_some() && is_name && key_of(key).is_some()).then(|| uri.to_owned())
}

/// A permanent id; none where it holds what no id does.
pub(super) fn did_of(did: &str) -> Option<String> {
    let rest = did.strip_prefix("did:")?;
    let is_did = (3..=256).contains(&rest.len())
        && rest.contains(':')
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'%' | b'-'));
    is_did.then(|| did.to_owned())
}

/// A record's key.
pub(super) fn key_of(key: &str) -> Option<String> {
    let is_key = (1..=256).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'~' | b'-'));
    is_key.then(|| key.to_owned())
}

/// The network's words on one line, cleaned and not endless.
pub(super) fn bounded(words: &str) -> String {
    let head: String = words.chars().take(LONGEST_WORDS * 4).collect();
    let line = clean::line(&head);
    match line.char_indices().nth(LONGEST_WORDS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

pub(super) fn text_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten().take(LONGEST_LIST)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{Refs, post};
    use crate::model::{Post, PostId};

    fn read(record: &Value) -> (Post, Refs) {
        post("did:plc:a", "k", "bafy", record, Some(1_795_289_671_273_000)).unwrap()
    }

    #[test]
    fn links_tags_alt_texts_and_cards_are_read() {
        let text = "@ed.example see acme.example/long… #down";
        let at = |part: &str| {
            let start = text.find(part).unwrap();
            json!({"byteStart": start, "byteEnd": start + part.len()})
        };
        let (post, refs) = read(&json!({"text": text, "langs": ["pt-BR", "en"], "tags": ["billing"],
            "facets": [
                {"index": at("@ed.example"), "features": [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:ed"}]},
                {"index": at("acme.example/long…"), "features": [{"uri": "https://acme.example/longer/page"}]},
                {"index": at("#down"), "features": [{"tag": "down"}]}],
            "reply": {"root": {"uri": "at://did:plc:r/app.bsky.feed.post/1", "cid": "bafyroot"},
                "parent": {"uri": "at://did:plc:p/app.bsky.feed.post/2", "cid": "bafyparent"}},
            "embed": {"$type": "app.bsky.embed.recordWithMedia",
                "record": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "cid": "c"}},
                "media": {"images": [{"alt": "a \u{1b}[31mqueue"}, {"alt": ""}],
                    "external": {"uri": "https://news.example", "title": "Outage", "description": "in\nReno"}}}}));
        assert_eq!(post.mentions[0].handle, "ed.example");
        assert_eq!(post.mentions[0].id.as_ref().unwrap().as_str(), "bluesky:did:plc:ed");
        assert_eq!(post.hashtags, ["down", "billing"]);
        assert_eq!(post.links[0].short, "acme.example/long…");
        assert_eq!(post.links[0].target, "https://acme.example/longer/page");
        assert_eq!((post.links[1].short.as_str(), post.links[1].display.as_str()), ("", "Outage\nin Reno"));
        assert_eq!(post.media[0].alt.as_deref(), Some("a queue"));
        assert_eq!(post.media.len(), 2);
        assert_eq!(post.lang.as_deref(), Some("pt-BR"));
        assert_eq!(post.conversation.as_str(), "bluesky:at://did:plc:r/app.bsky.feed.post/1");
        assert_eq!(post.in_reply_to_author.unwrap().as_str(), "bluesky:did:plc:p");
        assert_eq!(post.quotes.unwrap().id.as_str(), "bluesky:at://did:plc:q/app.bsky.feed.post/3");
        let root = Some(("at://did:plc:r/app.bsky.feed.post/1".to_owned(), "bafyroot".to_owned()));
        assert_eq!(refs, Refs { cid: "bafy".into(), root, lang: Some("pt-BR".to_owned()) });
    }

    #[test]
    fn only_what_names_a_language_is_one() {
        let of = |langs: Value| super::lang(&json!({"langs": langs}));
        assert_eq!(of(json!(["", "english, mostly", "x", 7, "zh-Hant-TW", "en"])).as_deref(), Some("zh-Hant-TW"));
        for none in [json!([]), json!("en"), json!(["e", "en-", "en--GB", "e1", "en-ninechars", "日本"])] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn facets_that_overlap_or_point_outside_harm_nothing() {
        let facet = |from: i64, to: i64| {
            json!({"index": {"byteStart": from, "byteEnd": to}, "features": [
                {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:ed"}, {"uri": "https://evil.example"}]})
        };
        let (post, _) = read(&json!({"text": "@é 日本", "facets":
            [facet(0, 3), facet(0, 2), facet(1, 3), facet(3, 900), facet(5, 4), facet(-1, 3), facet(2, 2), {"index": 7}]}));
        let handles: Vec<_> = post.mentions.iter().map(|mention| mention.handle.as_str()).collect();
        assert_eq!(handles, ["é", "", "", "", "", "", ""]);
        assert_eq!(post.links.len(), 7);
        assert_eq!((post.links[0].short.as_str(), post.links[1].short.as_str()), ("@é", "https://evil.example"));
    }

    #[test]
    fn only_a_believable_time_of_the_writer_s_counts() {
        let at = |created: &str| read(&json!({"text": "🔥🔥", "createdAt": created})).0.at;
        let seen: Timestamp = "2026-11-21T19:34:31.273Z".parse().unwrap();
        assert_eq!(at("2026-11-21T19:34:01.206Z"), "2026-11-21T19:34:01.206Z".parse().unwrap());
        assert_eq!(at("2026-11-21T20:34:31+01:00"), "2026-11-21T19:34:31Z".parse().unwrap());
        for wrong in ["2015-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "2026-11-21T19:34:32Z", "yesterday", ""] {
            assert_eq!(at(wrong), seen, "{wrong}");
        }
    }

    #[test]
    fn little_is_enough_and_an_empty_text_is_one() {
        let (post, refs) = read(&json!({"text": ""}));
        assert_eq!((post.text.as_str(), post.lang, post.links.len()), ("", None, 0));
        assert_eq!(post.conversation.as_str(), post.id.as_str());
        assert_eq!(refs.root, None);
        assert!(super::post("did:plc:a", "k", "", &json!({"texts": "x"}), None).is_err());
        let (answer, _) = read(&json!({"text": "a", "reply": {"root": {"uri": "https://x"}, "parent": 7}}));
        assert_eq!((answer.in_reply_to, answer.conversation.as_str()), (None, post.id.as_str()));
        let uri = PostId::new(crate::model::NetworkKind::Bluesky, "at://did:plc:a/app.bsky.feed.post/k");
        assert_eq!(answer.id, uri);
    }
}
