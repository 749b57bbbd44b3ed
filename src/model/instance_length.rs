//! How long a post is on a Mastodon server: characters as people see them, links for a fixed number whatever their
//! length, handles without their host. The limits are the server's own.

use std::sync::LazyLock;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation as _;

use super::length::{Length, Unit};

/// Mastodon's own limit, and what a link counts there.
pub const CHARACTERS: usize = 500;
pub const PER_LINK: usize = 23;

static HANDLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?P<before>^|[^\w=/@])@(?P<name>[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)(?P<host>@\w+(?:[.-]+\w+)*)?")
        .expect("a constant pattern")
});
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)\bhttps?://[^\s<>]+").expect("a constant pattern"));

/// Counts `text` as a server with these limits does.
pub fn length(text: &str, characters: usize, per_link: usize) -> Length {
    let mut used = 0;
    let mut rest = 0;
    let plain = |part: &str| HANDLE.replace_all(part, "$before@$name").graphemes(true).count();
    for link in LINK.find_iter(text) {
        // What ends a sentence is no part of the link in it.
        let end = link.start() + link.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '"', '\'']).len();
        used += plain(&text[rest..link.start()]) + per_link;
        rest = end;
    }
    used += plain(&text[rest..]);
    Length { used, limit: characters, unit: Unit::Characters }
}

/// The handles a text names, without the `@` in front.
pub fn handles(text: &str) -> Vec<String> {
    HANDLE
        .captures_iter(text)
        .filter_map(|found| {
            let host = found.name("host").map_or("", |host| host.as_str());
            Some(format!("{}{host}", found.name("name")?.as_str()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{CHARACTERS, PER_LINK, handles, length};

    fn used(text: &str) -> usize {
        length(text, CHARACTERS, PER_LINK).used
    }

    #[test]
    fn links_handles_and_joined_characters() {
        for (text, expected) in [
            ("", 0),
            ("hello", 5),
            ("👨‍👩‍👧‍👦 da", 4),
            ("cafe\u{301}", 4),
            ("https://example.com", 23),
            ("see https://example.com/a/very/long/path?with=words#and-more.", 28),
            ("http://a.b", 23),
            ("(https://example.com)", 25),
            ("example.com", 11),
            ("@jo", 3),
            ("@jo@far.example", 3),
            ("@jo@far.example: hi @bo", 11),
            ("mail jo@far.example", 19),
            ("配送遅延", 4),
            ("https://a.example https://b.example", 47),
        ] {
            assert_eq!(used(text), expected, "{text}");
        }
        assert_eq!(length("https://example.com", 5_000, 25).used, 25);
        assert_eq!(length("x", 5_000, 25).limit, 5_000);
    }

    #[test]
    fn whom_a_text_names() {
        assert_eq!(handles("@jo, ask @bo@far.example. not a@b.c or x@y"), ["jo", "bo@far.example"]);
        assert_eq!(handles("(@jo) https://a.example/@bo"), ["jo"]);
    }
}
