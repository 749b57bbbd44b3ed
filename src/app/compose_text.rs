//! From the words in the editor to the letters that go out: mention in front, signature after the words, the
//! DM link last, each exactly once; and slots in prepared texts.

use std::ops::Range;

use crate::model::{Account, NetworkKind, Post, Purpose, clean};

pub use crate::model::words::has_link;

/// Longest name of a slot, braces not counted; anything longer in braces is ordinary text.
const SLOT_CHARACTERS: usize = 40;

/// Exactly what is published for `text` typed as an answer to `post`.
pub fn published(purpose: Purpose, post: &Post, account: &Account, text: &str, signature: Option<&str>) -> String {
    with_link(purpose, post, account, text, signature, true)
}

/// The same without the DM link: the words alone ask for the message.
pub fn published_plain(
    purpose: Purpose,
    post: &Post,
    account: &Account,
    text: &str,
    signature: Option<&str>,
) -> String {
    with_link(purpose, post, account, text, signature, false)
}

fn with_link(
    purpose: Purpose,
    post: &Post,
    account: &Account,
    text: &str,
    signature: Option<&str>,
    is_wanted: bool,
) -> String {
    let cleaned = clean::text(text);
    let link = dm_link(purpose, account);
    let unlinked = link.as_ref().map_or_else(|| cleaned.clone(), |link| cleaned.replace(link.as_str(), ""));
    let words = unlinked.trim();
    let signed = match signature.map(str::trim).filter(|signature| !signature.is_empty()) {
        Some(signature) => format!("{} {signature}", unsigned(words, signature)),
        None => words.to_owned(),
    };
    let signed = signed.trim();
    let named = mention(post).filter(|_| is_named(purpose, account));
    let mut words = match named.filter(|mention| !starts_with_mention(signed, mention)) {
        Some(mention) => format!("{mention} {signed}"),
        None => signed.to_owned(),
    };
    words.truncate(words.trim_end().len());
    if let Some(link) = link.filter(|_| is_wanted) {
        words.push('\n');
        words.push_str(&link);
    }
    words
}

/// The words behind a published text, for taking it back into the editor when what was typed is not at hand.
pub fn typed(purpose: Purpose, post: Option<&Post>, account: &Account, text: &str, signature: Option<&str>) -> String {
    let mut words = text.trim();
    if let Some(link) = dm_link(purpose, account) {
        words = words.strip_suffix(link.as_str()).unwrap_or(words).trim_end();
    }
    let mention = post.and_then(mention).filter(|_| is_named(purpose, account));
    if let Some(mention) = mention.filter(|mention| starts_with_mention(words, mention)) {
        words = words[mention.len()..].trim_start();
    }
    match signature.map(str::trim).filter(|signature| !signature.is_empty()) {
        Some(signature) => unsigned(words, signature).to_owned(),
        None => words.to_owned(),
    }
}

/// The network's own page that opens a direct message to us; `None` where the reply does not ask for one, the
/// network has no such page, or our id is not known.
pub fn dm_link(purpose: Purpose, account: &Account) -> Option<String> {
    if !purpose.asks_for_dm() || account.network != NetworkKind::X {
        return None;
    }
    let id = account.id.as_ref()?;
    Some(format!("https://x.com/messages/compose?recipient_id={}", id.native()))
}

/// `{handle}` and `{name}` are filled from the post's author; other slots stay for the rep.
pub fn filled(text: &str, post: &Post) -> String {
    let handle = &post.author.handle;
    // A name with braces in it must not become a slot.
    let name: String = post.author.name.chars().filter(|c| !matches!(c, '{' | '}')).collect();
    let name = if name.trim().is_empty() { handle.clone() } else { name.trim().to_owned() };
    let text = match handle.as_str() {
        "" => without_slot(&without_slot(text, "@{handle}"), "{handle}"),
        handle => text.replace("@{handle}", "{handle}").replace("{handle}", &format!("@{handle}")),
    };
    if name.is_empty() { without_slot(&text, "{name}") } else { text.replace("{name}", &name) }
}

/// A text that reads well without the slot: `Hello {name}, thanks` is `Hello, thanks`. The network sends no author along
/// where the account is gone, or hidden from us.
fn without_slot(text: &str, slot: &str) -> String {
    let mut parts = text.split(slot);
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_end = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '!' | '?' | ':' | ';' | ')');
        if part.chars().next().is_none_or(is_end) && !part.is_empty() {
            said.truncate(said.trim_end_matches(' ').len());
        }
        let starts_line = said.is_empty() || said.ends_with('\n');
        said.push_str(if starts_line { part.trim_start_matches([' ', ',', ':']) } else { part });
    }
    said
}

/// The first slot nobody has filled, braces included, as a range of bytes.
pub fn open_slot(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(start) = text[from..].find('{').map(|at| from + at) {
        let inside = &text[start + 1..];
        if let Some(length) = inside.find(['{', '}', '\n'])
            && inside[length..].starts_with('}')
            && is_slot_name(&inside[..length])
        {
            return Some(start..start + length + 2);
        }
        from = start + 1;
    }
    None
}

fn is_slot_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= SLOT_CHARACTERS
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
}

/// Whom a direct message is for is plain, but on Mastodon, where it is a post shown to those it names.
pub fn is_named(purpose: Purpose, account: &Account) -> bool {
    !purpose.is_private() || account.network == NetworkKind::Mastodon
}

/// Replies carry the author's handle where the network shows whom they answer by it.
fn mention(post: &Post) -> Option<String> {
    match post.network() {
        // Nobody is called `@`.
        _ if post.author.handle.is_empty() => None,
        NetworkKind::X | NetworkKind::Mastodon => Some(format!("@{}", post.author.handle)),
        NetworkKind::Bluesky => None,
    }
}

fn starts_with_mention(words: &str, mention: &str) -> bool {
    let (Some(head), Some(tail)) = (words.get(..mention.len()), words.get(mention.len()..)) else { return false };
    head.eq_ignore_ascii_case(mention) && !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The words without the signature at their end, however often it stands there.
fn unsigned<'a>(words: &'a str, signature: &str) -> &'a str {
    let mut words = words.trim_end();
    while let Some(rest) = words.strip_suffix(signature) {
        if !rest.is_empty() && !rest.ends_with(char::is_whitespace) {
            break;
        }
        words = rest.trim_end();
    }
    words
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::{filled, has_link, open_slot, published, typed};
    use crate::model::account::Tier;
    use crate::model::post::{Author, Counts, WhoMayReply};
    use crate::model::{Account, AccountName, AuthorId, ConversationId, NetworkKind, Post, PostId, Purpose};

    const LINK: &str = "https://x.com/messages/compose?recipient_id=99";

    pub(in crate::app) fn post() -> Post {
        Post {
            id: PostId::new(NetworkKind::X, "1"),
            version: None,
            author: Author {
                id: AuthorId::new(NetworkKind::X, "7"),
                handle: "jo_m".into(),
                name: "Jo {M}".into(),
                followers: None,
                is_verified: false,
                is_protected: false,
            },
            conversation: ConversationId::new(NetworkKind::X, "1"),
            in_reply_to: None,
            in_reply_to_author: None,
            quotes: None,
            is_repost: false,
            text: "slow".into(),
            lang: None,
            at: Timestamp::UNIX_EPOCH,
            counts: Counts::default(),
            mentions: vec![],
            hashtags: vec![],
            links: vec![],
            media: vec![],
            who_may_reply: WhoMayReply::Everyone,
            is_edited: false,
        }
    }

    fn account() -> Account {
        Account {
            name: AccountName::new("help"),
            network: NetworkKind::X,
            handle: "Help".into(),
            id: Some(AuthorId::new(NetworkKind::X, "99")),
            tier: Tier::PayPerUse,
            can_send: true,
            confirm: false,
            web_url: "https://x.com".into(),
            limits: None,
        }
    }

    fn made(purpose: Purpose, text: &str) -> String {
        published(purpose, &post(), &account(), text, Some("^AN"))
    }

    #[test]
    fn mention_signature_and_link_stand_once() {
        let ack = Purpose::Acknowledgement;
        assert_eq!(made(ack, "Sorry, Jo."), "@jo_m Sorry, Jo. ^AN");
        assert_eq!(made(ack, "Sorry, Jo. ^AN"), "@jo_m Sorry, Jo. ^AN");
        assert_eq!(made(ack, "Sorry ^AN ^AN\n"), "@jo_m Sorry ^AN");
        assert_eq!(made(ack, "@JO_M Sorry"), "@JO_M Sorry ^AN");
        assert_eq!(made(ack, "@jo_mary is someone else"), "@jo_m @jo_mary is someone else ^AN");
        assert_eq!(made(ack, "wow^AN"), "@jo_m wow^AN ^AN", "part of a word is no signature");
        assert_eq!(made(Purpose::DmRequest, "Write us"), format!("@jo_m Write us ^AN\n{LINK}"));
        assert_eq!(made(Purpose::Both, &format!("Write us {LINK}")), format!("@jo_m Write us ^AN\n{LINK}"));
        assert_eq!(made(ack, "a\r\nb\u{202e}"), "@jo_m a\nb ^AN");
        assert_eq!(made(ack, "ø"), "@jo_m ø ^AN", "a short text of wide characters is not cut");
    }

    #[test]
    fn slots_are_filled_or_found() {
        assert_eq!(filled("{handle} @{handle} {name} {what}", &post()), "@jo_m @jo_m Jo M {what}");
        let text = "{ } {a\nb} é{what_next} {x}";
        assert_eq!(open_slot(text).map(|range| &text[range]), Some("{what_next}"));
        assert_eq!(open_slot("{\"json\": 1}"), None);
        assert_eq!(open_slot("{{name}").map(|range| range.start), Some(1));
    }

    #[test]
    fn a_post_without_its_author_is_answered_without_a_name() {
        let mut post = post();
        post.author.handle = String::new();
        post.author.name = String::new();
        for (text, said) in [
            ("Hello {name}, thanks.", "Hello, thanks."),
            ("Hello {name}, ", "Hello, "),
            ("{name}, thanks", "thanks"),
            ("@{handle} hello", "hello"),
            ("Thanks {handle}!", "Thanks!"),
            ("Dear {name}\n{name}: done {what}", "Dear\ndone {what}"),
            ("bye {name}", "bye "),
        ] {
            assert_eq!(filled(text, &post), said, "{text}");
        }
        let ack = Purpose::Acknowledgement;
        let out = published(ack, &post, &account(), "Hello, thanks.", Some("^AN"));
        assert_eq!(out, "Hello, thanks. ^AN", "nobody is called @");
        assert_eq!(typed(ack, Some(&post), &account(), &out, Some("^AN")), "Hello, thanks.");
        assert_eq!(post.author.shown(), "author 7");
        post.author.name = "Jo".into();
        assert_eq!(filled("{handle} {name}", &post), "Jo");
    }

    #[test]
    fn bare_domains_are_links_and_ends_of_sentences_are_not() {
        for link in ["https://a.example/x", "see example.com.", "help.example.co.uk/x", "(acme.io)"] {
            assert!(has_link(link), "{link}");
        }
        for plain in ["end.Next", "3.5 MB", "e.g. this", "a@example.com", "wait...", "^AN"] {
            assert!(!has_link(plain), "{plain}");
        }
    }

    proptest! {
        #[test]
        fn publishing_what_was_published_changes_nothing(text in "[a-z ^AN@\\n{}]{0,40}") {
            for purpose in Purpose::ALL {
                let once = made(purpose, &text);
                prop_assert_eq!(&made(purpose, &once), &once);
                let back = typed(purpose, Some(&post()), &account(), &once, Some("^AN"));
                prop_assert_eq!(&made(purpose, &back), &once);
            }
        }
    }
}
