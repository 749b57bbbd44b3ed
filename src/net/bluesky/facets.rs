//! The parts of a text of ours that Bluesky shows as links, mentions and tags. Without being pointed out by the bytes
//! they stand in, they are dead text.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

/// A tag may be so long.
const LONGEST_TAG: usize = 64;

/// Ends of names that are taken for an address without `https://` before it; `index.js` is none.
const TOPS: &str = "com|org|net|edu|gov|io|app|dev|info|help|support|social|online|shop|store|cloud|co|me|tv|eu|uk|\
                    de|fr|es|it|nl|jp|ca|au|us|br|at|ch|se|no|pl|pt|ie|be|dk|fi|example|test";

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Bytes of the text.
    pub(super) place: Range<usize>,
    pub(super) what: Feature,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    Link(String),
    /// A handle without its `@`; whose it is has to be asked.
    Mention(String),
    Tag(String),
}

/// The parts of `text`, in order, none over another.
pub(super) fn parts(text: &str) -> Vec<Part> {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"(?:^|[\s(])((?:https?://[^\s]+)|(?:[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.(?:TOPS)\b(?:/[^\s]*)?))"
            .replace("TOPS", TOPS);
        Regex::new(&pattern).expect("a constant pattern")
    });
    static MENTION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:^|[\s(])(@([A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+))",
        )
        .expect("a constant pattern")
    });
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|\s)([#＃](\S+))").expect("a constant pattern"));
    let mut found = Vec::new();
    for hit in each(&LINK, text) {
        let mut end = hit.end;
        let words = &text[hit.clone()];
        // What ends a sentence does not end an address.
        end -= words.len() - words.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '\'', '…']).len();
        if text[hit.start..end].ends_with(')') && !text[hit.start..end].contains('(') {
            end -= 1;
        }
        let words = &text[hit.start..end];
        let target = if words.contains("://") { words.to_owned() } else { format!("https://{words}") };
        if url::Url::parse(&target).is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('.'))) {
            found.push(Part { place: hit.start..end, what: Feature::Link(target) });
        }
    }
    for hit in each(&MENTION, text) {
        let handle = text[hit.start + 1..hit.end].to_ascii_lowercase();
        found.push(Part { place: hit, what: Feature::Mention(handle) });
    }
    for hit in each(&TAG, text) {
        let sign = text[hit.clone()].chars().next().map_or(1, char::len_utf8);
        let word = &text[hit.start + sign..hit.end];
        let word = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
        let is_tag = word.chars().any(|c| !c.is_ascii_digit()) && word.graphemes(true).count() <= LONGEST_TAG;
        if is_tag && !word.is_empty() {
            let place = hit.start..hit.start + sign + word.len();
            found.push(Part { place, what: Feature::Tag(word.to_owned()) });
        }
    }
    found.sort_by_key(|part| part.place.start);
    let mut end = 0;
    found.retain(|part| {
        let is_free = part.place.start >= end;
        if is_free {
            end = part.place.end;
        }
        is_free
    });
    found
}

fn each(pattern: &'static Regex, text: &str) -> Vec<Range<usize>> {
    pattern.captures_iter(text).filter_map(|hit| Some(hit.get(1)?.range())).collect()
}

/// The facets of a record; `did` tells whose a handle is, and what belongs to nobody stays plain text.
pub(super) fn facets(parts: &[Part], did: impl Fn(&str) -> Option<String>) -> Vec<Value> {
    let feature = |what: &Feature| {
        Some(match what {
            Feature::Link(uri) => json!({"$type": "app.bsky.richtext.facet#link", "uri": uri}),
            Feature::Mention(handle) => json!({"$type": "app.bsky.richtext.facet#mention", "did": did(handle)?}),
            Feature::Tag(tag) => json!({"$type": "app.bsky.richtext.facet#tag", "tag": tag}),
        })
    };
    parts
        .iter()
        .filter_map(|part| {
            let index = json!({"byteStart": part.place.start, "byteEnd": part.place.end});
            Some(json!({"index": index, "features": [feature(&part.what)?]}))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Feature, facets, parts};

    fn found(text: &str) -> Vec<String> {
        parts(text)
            .into_iter()
            .map(|part| {
                let words = &text[part.place];
                match part.what {
                    Feature::Link(uri) => format!("{words} -> {uri}"),
                    Feature::Mention(handle) => format!("{words} = {handle}"),
                    Feature::Tag(tag) => format!("{words} # {tag}"),
                }
            })
            .collect()
    }

    #[test]
    fn links_mentions_and_tags_by_their_bytes() {
        assert_eq!(
            found(
                "@Jo.example 日本 see https://acme.example/a(b)?x=1#y. (acme.example/help) #down, #1 mail a@b.example"
            ),
            [
                "@Jo.example = jo.example",
                "https://acme.example/a(b)?x=1#y -> https://acme.example/a(b)?x=1#y",
                "acme.example/help -> https://acme.example/help",
                "#down # down",
            ]
        );
        assert_eq!(found("see https://acme.example/#faq"), ["https://acme.example/#faq -> https://acme.example/#faq"]);
        assert_eq!(found("ends.Then starts 1.5 and e.g. so"), [""; 0]);
        assert_eq!(found("#👩‍💻 ok"), ["#👩‍💻 # 👩‍💻"]);
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn a_handle_of_nobody_stays_text() {
        let parts = parts("@a.example @b.example");
        let made = facets(&parts, |handle| (handle == "b.example").then(|| "did:plc:b".to_owned()));
        assert_eq!(made.len(), 1);
        assert_eq!(
            (made[0]["index"]["byteStart"].as_u64(), made[0]["index"]["byteEnd"].as_u64()),
            (Some(11), Some(21))
        );
        assert_eq!(made[0]["features"][0]["did"], "did:plc:b");
    }

    proptest! {
        #[test]
        fn parts_lie_in_the_text_in_order_and_never_over_each_other(text in "[a-z@#./: 日👍🏽()\\n]{0,60}|\\PC{0,40}") {
            let mut end = 0;
            for part in parts(&text) {
                prop_assert!(part.place.start >= end && part.place.end > part.place.start);
                prop_assert!(text.get(part.place.clone()).is_some());
                end = part.place.end;
            }
        }
    }
}
