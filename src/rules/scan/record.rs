//! One line parsed: as much of a post as rules ask for. Total: what has an unexpected type counts as not sent.
//!
//! The post is the same as the networks' own decoders make of the line, as far as rules look at it; its time and
//! counts are not read.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Flaw;
use super::status::{self, Audience, NoStatus, Streamed};
use crate::model::post::{Counts, Media, Mention, PostLink, Quoted, WhoMayReply};
use crate::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId, clean};

/// What a line is.
#[derive(Debug)]
pub(super) enum Parsed {
    Post(Box<Post>),
    /// A well-formed message that is no post.
    Other,
    Malformed(Flaw),
}

pub(super) fn parse(line: &[u8]) -> Parsed {
    // An array would be read as the fields of an object in their order.
    if !line.starts_with(b"{") {
        return Parsed::Malformed(Flaw::NotJson);
    }
    // The parser does not look into fields that nobody asks for; a wrong byte there spoils the line as well.
    let Ok(line) = simdutf8::basic::from_utf8(line) else { return Parsed::Malformed(Flaw::NotUtf8) };
    if let Ok(message) = serde_json::from_str::<Message<'_>>(line) {
        return read(&message, line);
    }
    // A key given twice, perhaps: the last one counts.
    let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { return Parsed::Malformed(Flaw::NotJson) };
    let line = value.to_string();
    serde_json::from_str(&line).map_or(Parsed::Malformed(Flaw::NotJson), |message| read(&message, &line))
}

fn read(message: &Message<'_>, line: &str) -> Parsed {
    if let Some(Object(data)) = &message.data {
        return post_of_x(data, &message.includes.0);
    }
    if !message.kind.0.as_deref().unwrap_or_default().is_empty() && message.did.0.is_some() {
        return of_jetstream(message);
    }
    let is_framed = !message.event.0.as_deref().unwrap_or_default().is_empty() && message.payload.is_some();
    if is_framed || (message.content.0.is_some() && message.account.is_some()) {
        return of_mastodon(line);
    }
    if !message.errors.0.is_empty() {
        return Parsed::Other;
    }
    match serde_json::from_str::<RawPost<'_>>(line) {
        Ok(bare) => post_of_x(&bare, &Includes::default()),
        Err(_) => Parsed::Malformed(Flaw::NotJson),
    }
}

fn post_of_x(data: &RawPost<'_>, includes: &Includes<'_>) -> Parsed {
    const X: NetworkKind = NetworkKind::X;
    let Some(id) = data.id.text() else { return Parsed::Malformed(Flaw::NoId) };
    if data.text.0.is_none() {
        return Parsed::Malformed(Flaw::NoText);
    }
    let history: Vec<&str> = [&data.edit_history_tweet_ids, &data.edit_history_post_ids]
        .into_iter()
        .flat_map(|ids| &ids.0)
        .filter_map(Text::text)
        .collect();
    let first = history.first().copied().unwrap_or(id);
    let user = |id: &str| includes.users.0.iter().map(|user| &user.0).find(|user| user.id.text() == Some(id));

    let (mut in_reply_to, mut quotes, mut is_repost) = (None, None, false);
    for Object(reference) in data.referenced_tweets.0.iter().chain(&data.referenced_posts.0) {
        let Some(other) = reference.id.text() else { continue };
        match reference.kind.text() {
            Some("replied_to") => in_reply_to = Some(other),
            Some("quoted") => {
                let mut along = includes.tweets.0.iter().chain(&includes.posts.0).map(|post| &post.0);
                let there = along.find(|post| post.id.text() == Some(other));
                quotes = Some(Quoted {
                    id: PostId::new(X, other),
                    author: there.and_then(|post| post.author_id.text()).map(|id| AuthorId::new(X, id)),
                    text: there.map(|post| words(post.long_or_short())).unwrap_or_default(),
                });
            }
            Some("retweeted" | "reposted") => is_repost = true,
            _ => {}
        }
    }
    let author_id = data.author_id.text();
    let author = author_id.and_then(user);
    let line = |text: Option<&Text<'_>>| text.and_then(Text::text).map(clean::line).unwrap_or_default();
    let entities =
        data.note().and_then(|note| note.entities.as_ref()).or(data.entities.as_ref()).map(|entities| &entities.0);
    let lists = entities.into_iter();
    let keys: Vec<&str> = data.attachments.0.media_keys.0.iter().filter_map(Text::text).collect();

    Parsed::Post(Box::new(Post {
        id: PostId::new(X, first),
        version: None,
        author: Author {
            id: AuthorId::new(X, author_id.unwrap_or("0")),
            handle: line(author.map(|user| &user.username)),
            name: line(author.map(|user| &user.name)),
            followers: author.and_then(|user| user.public_metrics.0.followers_count.text()?.parse().ok()),
            is_verified: author.is_some_and(|user| user.verified.0),
            is_protected: false,
        },
        conversation: ConversationId::new(X, data.conversation_id.text().or(in_reply_to).unwrap_or(first)),
        in_reply_to: in_reply_to.map(|id| PostId::new(X, id)),
        in_reply_to_author: data.in_reply_to_user_id.text().map(|id| AuthorId::new(X, id)),
        quotes,
        is_repost,
        text: words(data.long_or_short()),
        lang: data.lang.text().map(clean::line),
        at: Timestamp::UNIX_EPOCH,
        counts: Counts::default(),
        mentions: lists
            .clone()
            .flat_map(|lists| &lists.mentions.0)
            .filter_map(|Object(mention)| {
                let id = mention.id.text().map(|id| AuthorId::new(X, id));
                Some(Mention { handle: clean::line(mention.username.text()?), id })
            })
            .collect(),
        hashtags: lists
            .clone()
            .flat_map(|lists| &lists.hashtags.0)
            .filter_map(|Object(hashtag)| hashtag.tag.text().map(clean::line))
            .collect(),
        links: lists
            .flat_map(|lists| &lists.urls.0)
            .map(|Object(url)| PostLink {
                short: line(Some(&url.url)),
                target: line(Some(if url.unwound_url.text().is_some() { &url.unwound_url } else { &url.expanded_url })),
                display: line(Some(&url.display_url)),
            })
            .collect(),
        media: includes
            .media
            .0
            .iter()
            .filter(|Object(media)| media.media_key.text().is_some_and(|key| keys.is_empty() || keys.contains(&key)))
            .map(|Object(media)| Media { kind: line(Some(&media.kind)), alt: None })
            .collect(),
        who_may_reply: WhoMayReply::default(),
        is_edited: history.len() > 1,
    }))
}

/// X escapes exactly three characters in the text of posts.
fn words(raw: &str) -> String {
    if raw.contains('&') {
        clean::text(&raw.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    } else {
        clean::text(raw)
    }
}

/// A Mastodon server's: what its stream sends, or a status by itself. Read as the deck reads it.
fn of_mastodon(line: &str) -> Parsed {
    let Ok(value) = serde_json::from_str(line) else { return Parsed::Malformed(Flaw::NotJson) };
    match status::line(&value) {
        // What only those it names may read is a message, not a post.
        Some(Ok(Streamed::Status(status))) if status.audience == Audience::Direct => Parsed::Other,
        Some(Ok(Streamed::Status(status))) => Parsed::Post(Box::new(status.post)),
        Some(Ok(Streamed::Other)) => Parsed::Other,
        Some(Err(NoStatus::NoId)) => Parsed::Malformed(Flaw::NoId),
        Some(Err(NoStatus::NoText)) => Parsed::Malformed(Flaw::NoText),
        Some(Err(NoStatus::NotJson)) | None => Parsed::Malformed(Flaw::NotJson),
    }
}

fn of_jetstream(message: &Message<'_>) -> Parsed {
    const BLUESKY: NetworkKind = NetworkKind::Bluesky;
    let commit = &message.commit.0;
    let is_new_post = message.kind.text() == Some("commit")
        && commit.operation.text() == Some("create")
        && commit.collection.text() == Some("app.bsky.feed.post");
    if !is_new_post {
        return Parsed::Other;
    }
    let record = &commit.record.0;
    let (Some(did), Some(key), Some(text)) = (message.did.text(), commit.rkey.text(), record.text.0.as_deref()) else {
        return Parsed::Malformed(Flaw::NotJson);
    };
    let uri = format!("at://{did}/app.bsky.feed.post/{key}");
    let parent = record.reply.0.parent.0.uri.text();
    // The owner of a record is named in its address.
    let owner = |uri: &str| uri.strip_prefix("at://")?.split('/').next().map(|did| AuthorId::new(BLUESKY, did));
    let features = || record.facets.0.iter().flat_map(|facet| &facet.0.features.0).map(|feature| &feature.0);
    let embed = &record.embed.0;
    let link = |uri: &str| PostLink { short: clean::line(uri), target: clean::line(uri), display: clean::line(uri) };
    let inner = &embed.record.0;
    let media = &embed.media.0;
    Parsed::Post(Box::new(Post {
        id: PostId::new(BLUESKY, &uri),
        version: None,
        author: Author {
            id: AuthorId::new(BLUESKY, did),
            handle: String::new(),
            name: String::new(),
            followers: None,
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(BLUESKY, record.reply.0.root.0.uri.text().unwrap_or(&uri)),
        in_reply_to: parent.map(|uri| PostId::new(BLUESKY, uri)),
        in_reply_to_author: parent.and_then(owner),
        quotes: inner.uri.text().or(inner.record.0.uri.text()).map(|uri| Quoted {
            id: PostId::new(BLUESKY, uri),
            author: owner(uri),
            text: String::new(),
        }),
        is_repost: false,
        text: clean::text(text),
        lang: record.langs.0.iter().find_map(Text::text).map(clean::line),
        at: Timestamp::UNIX_EPOCH,
        counts: Counts::default(),
        mentions: features()
            .filter_map(|feature| feature.did.text())
            .map(|did| Mention { handle: String::new(), id: Some(AuthorId::new(BLUESKY, did)) })
            .collect(),
        hashtags: features()
            .filter_map(|feature| feature.tag.text())
            .chain(record.tags.0.iter().filter_map(Text::text))
            .map(clean::line)
            .collect(),
        links: features()
            .filter_map(|feature| feature.uri.text())
            .map(link)
            .chain([&embed.external.0, &media.external.0].into_iter().filter_map(card))
            .collect(),
        media: pictures(&embed.images, embed.video.is_some(), &embed.alt)
            .chain(pictures(&media.images, media.video.is_some(), &media.alt))
            .collect(),
        who_may_reply: WhoMayReply::default(),
        is_edited: false,
    }))
}

/// A page shown below the text: its title and description, one a line.
fn card(external: &Card<'_>) -> Option<PostLink> {
    let target = clean::line(external.uri.text().unwrap_or_default());
    let words = [&external.title, &external.description].into_iter().filter_map(Text::text).map(clean::line);
    let display = words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n");
    (!target.is_empty() || !display.is_empty()).then_some(PostLink { short: String::new(), target, display })
}

fn pictures<'a>(images: &'a List<Object<Image<'a>>>, video: bool, alt: &'a Text<'a>) -> impl Iterator<Item = Media> {
    let one = |kind: &str, alt: &Text<'_>| Media { kind: kind.to_owned(), alt: alt.text().map(clean::text) };
    let film = video.then(|| one("video", alt));
    images.0.iter().map(move |Object(image)| one("photo", &image.alt)).chain(film)
}

#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), default)]
struct Message<'a> {
    data: Option<Object<RawPost<'a>>>,
    includes: Object<Includes<'a>>,
    errors: List<IgnoredAny>,
    kind: Text<'a>,
    did: Text<'a>,
    commit: Object<Commit<'a>>,
    event: Text<'a>,
    payload: Option<IgnoredAny>,
    content: Text<'a>,
    account: Option<Object<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
#[serde(bound(deserialize = "'de: 'a"), default)]
struct RawPost<'a> {
    id: Text<'a>,
    text: Text<'a>,
    author_id: Text<'a>,
    conversation_id: Text<'a>,
    in_reply_to_user_id: Text<'a>,
    lang: Text<'a>,
    note_tweet: Option<Object<Note<'a>>>,
    note_post: Option<Object<Note<'a>>>,
    referenced_tweets: List<Object<Reference<'a>>>,
    referenced_posts: List<Object<Reference<'a>>>,
    edit_history_tweet_ids: List<Text<'a>>,
    edit_history_post_ids: List<Text<'a>>,
    entities: Option<Object<Entities<'a>>>,
    attachments: Object<Attachments<'a>>,
}

impl<'a> RawPost<'a> {
    fn note(&self) -> Option<&Note<'a>> {
        [&self.note_tweet, &self.note_post]
            .into_iter()
            .filter_map(|note| note.as_ref().map(|note| &note.0))
            .find(|note| note.text.text().is_some())
    }

    /// The long form of the text where there is one.
    fn long_or_short(&self) -> &str {
        self.note().and_then(|note| note.text.text()).or(self.text.text()).unwrap_or_default()
    }
}

/// Structs of optional parts, all named as in the JSON.
macro_rules! parts {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Deserialize, Default)]
        #[serde(bound(deserialize = "'de: 'a"), default)]
        struct $name<'a> { $($(#[$meta])* $field: $kind,)* }
    )*};
}

parts! {
    Note { text: Text<'a>, entities: Option<Object<Entities<'a>>> }
    Reference { #[serde(rename = "type")] kind: Text<'a>, id: Text<'a> }
    Entities { mentions: List<Object<RawMention<'a>>>, hashtags: List<Object<RawTag<'a>>>, urls: List<Object<RawUrl<'a>>> }
    RawMention { username: Text<'a>, id: Text<'a> }
    RawTag { tag: Text<'a> }
    RawUrl { url: Text<'a>, expanded_url: Text<'a>, unwound_url: Text<'a>, display_url: Text<'a> }
    Attachments { media_keys: List<Text<'a>> }
    Includes {
        users: List<Object<User<'a>>>,
        tweets: List<Object<RawPost<'a>>>,
        posts: List<Object<RawPost<'a>>>,
        media: List<Object<RawMedia<'a>>>,
    }
    User { id: Text<'a>, username: Text<'a>, name: Text<'a>, verified: Flag, public_metrics: Object<Metrics<'a>> }
    Metrics { followers_count: Text<'a> }
    RawMedia { media_key: Text<'a>, #[serde(rename = "type")] kind: Text<'a> }
    Commit { operation: Text<'a>, collection: Text<'a>, rkey: Text<'a>, record: Object<Record<'a>> }
    Record {
        text: Text<'a>,
        langs: List<Text<'a>>,
        tags: List<Text<'a>>,
        reply: Object<Reply<'a>>,
        facets: List<Object<Facet<'a>>>,
        embed: Object<Embed<'a>>,
    }
    Reply { root: Object<Link<'a>>, parent: Object<Link<'a>> }
    Link { uri: Text<'a> }
    Facet { features: List<Object<Feature<'a>>> }
    Feature { uri: Text<'a>, tag: Text<'a>, did: Text<'a> }
    Embed {
        record: Object<Embedded<'a>>,
        external: Object<Card<'a>>,
        images: List<Object<Image<'a>>>,
        video: Option<IgnoredAny>,
        alt: Text<'a>,
        media: Object<EmbeddedMedia<'a>>,
    }
    Embedded { uri: Text<'a>, record: Object<Link<'a>> }
    EmbeddedMedia {
        external: Object<Card<'a>>,
        images: List<Object<Image<'a>>>,
        video: Option<IgnoredAny>,
        alt: Text<'a>,
    }
    Card { uri: Text<'a>, title: Text<'a>, description: Text<'a> }
    Image { alt: Text<'a> }
}

/// A text or a number as text; anything else is nothing.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// Unless it is empty.
    fn text(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

/// Yes or no; anything else is no.
#[derive(Default)]
struct Flag(bool);

/// An object, or nothing in its place.
#[derive(Default)]
struct Object<T>(T);

/// An array, or nothing in its place.
struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The answers of a visitor to what it did not expect: all mean "nothing".
macro_rules! nothing_for {
    ($($kind:ident),*) => {$( nothing_for!(@ $kind); )*};
    (@ bool) => { fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ numbers) => {
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ str) => { fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ unit) => { fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ map) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ words) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("a JSON value") }
    };
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;
            nothing_for!(words, bool, unit, seq, map);
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Flag;
            nothing_for!(words, numbers, str, unit, seq, map);
            fn visit_bool<E: Error>(self, yes: bool) -> Result<Flag, E> {
                Ok(Flag(yes))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Reader<T> {
            type Value = Object<T>;
            nothing_for!(words, bool, numbers, str, unit, seq);
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = List<T>;
            nothing_for!(words, bool, numbers, str, unit, map);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}
