//! The people and posts of the simulated network, and what of it a rule can see.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::texts::Lang;
use crate::model::post::{Counts, Mention, PostLink, Quoted, WhoMayReply};
use crate::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId};

/// The brand's account: invented, like everybody here.
pub const BRAND_ID: u64 = 3_805_104_374;
pub const BRAND_HANDLE: &str = "AcmeHelp";

/// Begin of X's ids, in milliseconds since 1970: an id holds its own time.
const ID_EPOCH_MS: i64 = 1_288_834_974_657;

/// The account the simulator's app writes as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    pub id: u64,
    /// Without the `@`.
    pub handle: String,
    pub name: String,
}

impl Default for Brand {
    fn default() -> Self {
        Self { id: BRAND_ID, handle: BRAND_HANDLE.to_owned(), name: "Acme Help".to_owned() }
    }
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: u64,
    pub(super) handle: String,
    pub(super) name: String,
    pub(super) lang: Lang,
    pub(super) followers: u64,
    pub(super) following: u64,
    pub(super) posts: u64,
    pub(super) is_verified: bool,
    /// Takes direct messages from everyone.
    pub(super) dm_open: bool,
    /// Asked not to be contacted; takes no message from us any more.
    pub(super) blocks_us: bool,
    pub(super) follows_us: bool,
    /// Wrote us a direct message first, so we may write back.
    pub(super) wrote_us: bool,
}

/// One public post. An edit is a post of its own with a longer history, as on X.
#[derive(Clone, Debug)]
pub(super) struct SimPost {
    pub(super) id: u64,
    pub(super) author: u64,
    /// As typed, before any escaping.
    pub(super) text: String,
    pub(super) lang: String,
    pub(super) at: Timestamp,
    pub(super) conversation: u64,
    pub(super) reply_to: Option<u64>,
    pub(super) quotes: Option<u64>,
    pub(super) reposts: Option<u64>,
    pub(super) reply_settings: &'static str,
    /// All versions, oldest first, this one last.
    pub(super) history: Vec<u64>,
    pub(super) deleted: bool,
    /// Short links in the text and where they lead.
    pub(super) links: Vec<(String, String)>,
    pub(super) counts: [u64; 4],
}

/// What a new post needs; the rest follows from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) author: u64,
    pub(super) text: String,
    pub(super) lang: String,
    pub(super) reply_to: Option<u64>,
    pub(super) quotes: Option<u64>,
    pub(super) reposts: Option<u64>,
    pub(super) reply_settings: Option<&'static str>,
    /// The post this is a new version of.
    pub(super) edits: Option<u64>,
    pub(super) counts: [u64; 4],
}

/// A part of a text that X points at; places count characters, `end` is behind the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Without its sign.
    pub(super) word: String,
}

/// Everything public.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) brand: Brand,
    pub(super) people: BTreeMap<u64, Person>,
    by_handle: BTreeMap<String, u64>,
    pub(super) posts: BTreeMap<u64, SimPost>,
    /// Authors whose posts are not shown any more, though none was deleted.
    pub(super) withheld: BTreeMap<u64, Withheld>,
    last_id: u64,
}

/// Why an author's posts are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withheld {
    /// To followers only.
    Protected,
    Suspended,
}

impl World {
    pub(super) fn new(born: Timestamp, brand: Brand) -> Self {
        let mut world = Self { brand: brand.clone(), ..Self::default() };
        world.add_person(Person {
            id: brand.id,
            handle: brand.handle,
            name: brand.name,
            lang: Lang::English,
            followers: 48_210,
            following: 312,
            posts: 90_451,
            is_verified: true,
            dm_open: true,
            blocks_us: false,
            follows_us: false,
            wrote_us: true,
        });
        world.last_id = id_at(born);
        world
    }

    pub(super) fn add_person(&mut self, person: Person) {
        self.by_handle.insert(person.handle.to_lowercase(), person.id);
        self.people.insert(person.id, person);
    }

    /// Somebody takes another handle; in words why not.
    pub(super) fn rename(&mut self, id: u64, handle: &str) -> Result<(), String> {
        if self.person_named(handle).is_some_and(|person| person.id != id) {
            return Err(format!("@{handle} is somebody else"));
        }
        let Some(person) = self.people.get_mut(&id) else { return Err("there is nobody of that id".to_owned()) };
        self.by_handle.remove(&person.handle.to_lowercase());
        handle.clone_into(&mut person.handle);
        self.by_handle.insert(handle.to_lowercase(), id);
        Ok(())
    }

    pub(super) fn person_named(&self, handle: &str) -> Option<&Person> {
        self.by_handle.get(&handle.to_lowercase()).and_then(|id| self.people.get(id))
    }

    /// The next id at `at`: later than every id given so far.
    pub(super) fn next_id(&mut self, at: Timestamp) -> u64 {
        self.last_id = id_at(at).max(self.last_id + 1);
        // Posts from outside brought their own ids.
        while self.posts.contains_key(&self.last_id) {
            self.last_id += 1;
        }
        self.last_id
    }

    /// Time begins again at `born`, earlier than it was: ids follow.
    pub(super) fn begin_again(&mut self, born: Timestamp) {
        self.last_id = id_at(born);
    }

    /// Publishes a post and hands back its id.
    pub(super) fn publish(&mut self, draft: Draft, at: Timestamp) -> u64 {
        let id = self.next_id(at);
        let original = draft.edits.and_then(|of| self.posts.get(&of)).cloned();
        let mut history = original.as_ref().map(|post| post.history.clone()).unwrap_or_default();
        history.push(id);
        let reply_to = draft.reply_to.or(original.as_ref().and_then(|post| post.reply_to));
        let conversation = match (&original, reply_to.and_then(|to| self.posts.get(&to))) {
            (Some(post), _) => post.conversation,
            (None, Some(parent)) => parent.conversation,
            (None, None) => id,
        };
        let (text, links) = shorten_links(&draft.text, id);
        if let Some(person) = self.people.get_mut(&draft.author) {
            person.posts += 1;
        }
        for (other, count) in [(reply_to, 1), (draft.reposts, 0), (draft.quotes, 3)] {
            if let Some(post) = other.and_then(|other| self.posts.get_mut(&other)) {
                post.counts[count] += 1;
            }
        }
        self.posts.insert(
            id,
            SimPost {
                id,
                author: draft.author,
                text,
                lang: draft.lang,
                at,
                conversation,
                reply_to,
                quotes: draft.quotes,
                reposts: draft.reposts,
                reply_settings: draft.reply_settings.unwrap_or("everyone"),
                history,
                deleted: false,
                links,
                counts: draft.counts,
            },
        );
        id
    }

    /// The newest version of a post that is still there.
    pub(super) fn visible(&self, id: u64) -> Option<&SimPost> {
        self.posts.get(&id).filter(|post| !post.deleted)
    }

    /// Deletes a post with all its versions.
    pub(super) fn delete(&mut self, id: u64) {
        let Some(first) = self.posts.get(&id).and_then(|post| post.history.first().copied()) else { return };
        for post in self.posts.values_mut().filter(|post| post.history.first() == Some(&first)) {
            post.deleted = true;
        }
    }

    /// Whether the author of `post` asked for the brand: names it, or quotes one of its posts.
    pub(super) fn summons_brand(&self, post: &SimPost) -> bool {
        let names = mentions(&post.text).iter().any(|span| span.word.eq_ignore_ascii_case(&self.brand.handle));
        let quotes =
            post.quotes.and_then(|id| self.posts.get(&id)).is_some_and(|quoted| quoted.author == self.brand.id);
        names || quotes
    }

    /// The post as the rules see it.
    pub(super) fn as_model(&self, post: &SimPost) -> Post {
        let post_id = |id: u64| {
            let first = self.posts.get(&id).and_then(|post| post.history.first().copied()).unwrap_or(id);
            PostId::new(NetworkKind::X, &first.to_string())
        };
        let author_id = |id: u64| AuthorId::new(NetworkKind::X, &id.to_string());
        let person = self.people.get(&post.author);
        Post {
            id: post_id(post.id),
            version: (post.history.len() > 1).then(|| post.id.to_string()),
            author: Author {
                id: author_id(post.author),
                handle: person.map(|person| person.handle.clone()).unwrap_or_default(),
                name: person.map(|person| person.name.clone()).unwrap_or_default(),
                followers: person.map(|person| person.followers),
                is_verified: person.is_some_and(|person| person.is_verified),
                is_protected: false,
            },
            conversation: ConversationId::new(NetworkKind::X, &post.conversation.to_string()),
            in_reply_to: post.reply_to.map(post_id),
            in_reply_to_author: post.reply_to.and_then(|id| self.posts.get(&id)).map(|parent| author_id(parent.author)),
            quotes: post.quotes.and_then(|id| self.posts.get(&id)).map(|quoted| Quoted {
                id: post_id(quoted.id),
                author: Some(author_id(quoted.author)),
                text: quoted.text.clone(),
            }),
            is_repost: post.reposts.is_some(),
            text: post.text.clone(),
            lang: Some(post.lang.clone()),
            at: post.at,
            counts: Counts {
                reposts: Some(post.counts[0]),
                replies: Some(post.counts[1]),
                likes: Some(post.counts[2]),
                quotes: Some(post.counts[3]),
            },
            mentions: mentions(&post.text)
                .into_iter()
                .map(|span| Mention { id: self.person_named(&span.word).map(|p| author_id(p.id)), handle: span.word })
                .collect(),
            hashtags: hashtags(&post.text).into_iter().map(|span| span.word).collect(),
            links: post
                .links
                .iter()
                .map(|(short, target)| PostLink {
                    short: short.clone(),
                    target: target.clone(),
                    display: displayed(target),
                })
                .collect(),
            media: Vec::new(),
            who_may_reply: match post.reply_settings {
                "mentionedUsers" => WhoMayReply::Mentioned,
                "following" => WhoMayReply::Following,
                "subscribers" => WhoMayReply::Subscribers,
                "verified" => WhoMayReply::Verified,
                _ => WhoMayReply::Everyone,
            },
            is_edited: post.history.len() > 1,
        }
    }
}

/// The lowest id of a moment.
pub(super) fn id_at(at: Timestamp) -> u64 {
    u64::try_from((at.as_millisecond() - ID_EPOCH_MS).max(1) << 22).unwrap_or(1)
}

/// The moment an id was given.
pub(super) fn time_of(id: u64) -> Timestamp {
    let millis = i64::try_from(id >> 22).unwrap_or(0) + ID_EPOCH_MS;
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A link as X shows it: without the scheme, cut after 26 characters of path and host.
pub(super) fn displayed(target: &str) -> String {
    let bare = target.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    match bare.char_indices().nth(26) {
        Some((at, _)) => format!("{}…", &bare[..at]),
        None => bare.to_owned(),
    }
}

/// The accounts a text names.
pub(super) fn mentions(text: &str) -> Vec<Span> {
    static MENTION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[^\w@＠])([@＠]([A-Za-z0-9_]{1,15}))\b").expect("a constant pattern"));
    spans(&MENTION, text)
}

/// The hashtags of a text.
pub(super) fn hashtags(text: &str) -> Vec<Span> {
    static HASHTAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[^\w&])([#＃](\w*\p{L}\w*))").expect("a constant pattern"));
    spans(&HASHTAG, text)
}

fn spans(pattern: &Regex, text: &str) -> Vec<Span> {
    let place = |byte: usize| text[..byte].chars().count();
    pattern
        .captures_iter(text)
        .filter_map(|found| Some((found.get(1)?, found.get(2)?)))
        .map(|(whole, word)| Span {
            start: place(whole.start()),
            end: place(whole.end()),
            word: word.as_str().to_owned(),
        })
        .collect()
}

/// Replaces links by short ones, as X does with everything that is posted.
fn shorten_links(text: &str, id: u64) -> (String, Vec<(String, String)>) {
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"https?://[^\s]+").expect("a constant pattern"));
    let mut links = Vec::new();
    let short = LINK.replace_all(text, |found: &regex::Captures<'_>| {
        let target = found[0].to_owned();
        if target.starts_with("https://t.co/") {
            return target;
        }
        let short = format!("https://t.co/{}", base62(id.rotate_left(7).wrapping_add(links.len() as u64)));
        links.push((short.clone(), target));
        short
    });
    (short.into_owned(), links)
}

fn base62(mut number: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::new();
    for _ in 0..10 {
        let digit = usize::try_from(number % 62).unwrap_or(0);
        text.push(char::from(DIGITS[digit]));
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{hashtags, id_at, mentions, shorten_links, time_of};

    #[test]
    fn an_id_holds_its_time() {
        let at = "2026-03-04T05:06:07.089Z".parse().unwrap();
        assert_eq!(time_of(id_at(at)), at);
    }

    #[test]
    fn mentions_and_hashtags_are_found_by_character() {
        let found = mentions("日本 @AcmeHelp, mail a@b.example @no_such_one!");
        assert_eq!((found[0].start, found[0].end, found[0].word.as_str()), (3, 12, "AcmeHelp"));
        assert_eq!(found.len(), 2);
        let words: Vec<String> = hashtags("#acmedown #1 a#b #回線 &#39;").into_iter().map(|tag| tag.word).collect();
        assert_eq!(words, ["acmedown", "回線"]);
    }

    #[test]
    fn links_are_shortened_once() {
        let (text, links) = shorten_links("see https://acme.example/status?x=1 and http://b.example", 77);
        assert_eq!(links.len(), 2);
        assert_eq!(text, format!("see {} and {}", links[0].0, links[1].0));
        assert_eq!(shorten_links(&text, 78), (text.clone(), vec![]));
    }
}
