//! How long a text is by the network's own count.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use twitter_text::ParserBackend;
use unicode_segmentation::UnicodeSegmentation;

use super::account::Account;
use super::id::NetworkKind;
use super::instance_length;

/// Longer texts are not counted to the end: the parser's time grows with the square of the length.
const COUNTED_CHARACTERS: usize = 4_000;

/// A text's length and the network's limit, both in the network's own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Length {
    pub used: usize,
    pub limit: usize,
    pub unit: Unit,
}

/// What a length is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// As people see them (graphemes), or code points in X's direct messages.
    #[default]
    Characters,
    /// X's weights.
    Weighted,
    /// Bluesky's second limit, told where the text has reached it first.
    Bytes,
}

impl Length {
    pub fn fits(self) -> bool {
        self.used > 0 && self.used <= self.limit
    }
}

/// What one of Mastodon's servers takes in a post; theirs to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLimits {
    pub characters: usize,
    /// Any link counts for so many.
    pub per_link: usize,
}

impl Default for PostLimits {
    /// What a server takes that says nothing else.
    fn default() -> Self {
        Self { characters: instance_length::CHARACTERS, per_link: instance_length::PER_LINK }
    }
}

/// Counts `text` as `network` does. About half a millisecond for a full post on X: count on edit, not per frame.
pub fn length(network: NetworkKind, text: &str) -> Length {
    match network {
        NetworkKind::X => Length { used: x_weighted(text), limit: 280, unit: Unit::Weighted },
        NetworkKind::Bluesky => within(text, 300, 3_000),
        NetworkKind::Mastodon => on_mastodon(text, PostLimits::default()),
    }
}

/// Counts a direct message: characters on X, graphemes elsewhere.
pub fn message_length(network: NetworkKind, text: &str) -> Length {
    match network {
        NetworkKind::X => Length { used: text.chars().count(), limit: 10_000, unit: Unit::Characters },
        NetworkKind::Bluesky => within(text, 1_000, 10_000),
        NetworkKind::Mastodon => on_mastodon(text, PostLimits::default()),
    }
}

impl Account {
    /// Counts a post as the account's own server does.
    pub fn length(&self, text: &str) -> Length {
        self.limits.map_or_else(|| length(self.network, text), |limits| on_mastodon(text, limits))
    }

    /// Counts a direct message as the account's own server does.
    pub fn message_length(&self, text: &str) -> Length {
        self.limits.map_or_else(|| message_length(self.network, text), |limits| on_mastodon(text, limits))
    }
}

/// Bluesky limits graphemes and bytes: whichever is the nearer to its end is told.
fn within(text: &str, graphemes: usize, bytes: usize) -> Length {
    let used = text.graphemes(true).count();
    if text.len() > bytes && used <= graphemes {
        return Length { used: text.len(), limit: bytes, unit: Unit::Bytes };
    }
    Length { used, limit: graphemes, unit: Unit::Characters }
}

fn on_mastodon(text: &str, limits: PostLimits) -> Length {
    instance_length::length(text, limits.characters, limits.per_link)
}

/// X's weighted length: NFC, 1 for Latin and its neighbours, 2 for the rest and for any emoji, 23 for any link.
/// The crate's own default parser panics on ordinary text, so another one is named here.
fn x_weighted(text: &str) -> usize {
    if text.is_empty() {
        return 0;
    }
    let (head, tail_weight) = match text.char_indices().nth(COUNTED_CHARACTERS) {
        Some((at, _)) => (&text[..at], text[at..].chars().count()),
        None => (text, 0),
    };
    let head = with_plain_flags(head);
    let parsed =
        twitter_text::parse_with_parser_backend(&head, twitter_text_config::config_v3(), true, ParserBackend::External);
    usize::try_from(parsed.weighted_length).unwrap_or(0) + tail_weight
}

/// The parser knows one flag, but counts each half of flags that follow each other for two: those are counted as
/// another emoji, which weighs the same.
fn with_plain_flags(text: &str) -> Cow<'_, str> {
    let is_half = |c: &char| ('\u{1f1e6}'..='\u{1f1ff}').contains(c);
    if text.chars().filter(is_half).count() <= 2 {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if is_half(&c) && rest.next_if(is_half).is_some() {
            plain.push('\u{1f3f4}');
        } else {
            plain.push(c);
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::{COUNTED_CHARACTERS, Length, PostLimits, Unit, length, message_length};
    use crate::model::account::{Account, Tier};
    use crate::model::{AccountName, NetworkKind};

    #[derive(serde::Deserialize)]
    struct Lines {
        line: Vec<Line>,
    }

    #[derive(serde::Deserialize)]
    struct Line {
        what: String,
        text: String,
        length: usize,
    }

    fn us() -> Account {
        Account {
            name: AccountName::new("us"),
            network: NetworkKind::Mastodon,
            handle: "us".into(),
            id: None,
            tier: Tier::Enterprise,
            can_send: true,
            confirm: false,
            web_url: String::new(),
            limits: None,
        }
    }

    fn characters(used: usize, limit: usize) -> Length {
        Length { used, limit, unit: Unit::Characters }
    }

    fn on_x(text: &str) -> usize {
        length(NetworkKind::X, text).used
    }

    #[test]
    fn lines_of_our_own_count_as_x_counts_them() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/length.toml");
        let lines: Lines = toml::from_str(&std::fs::read_to_string(file).expect("the fixture")).expect("TOML");
        assert!(lines.line.len() >= 60, "{} lines", lines.line.len());
        let wrong: Vec<String> = lines
            .line
            .iter()
            .filter(|line| on_x(&line.text) != line.length)
            .map(|line| format!("{}: {:?} is {}, not {}", line.what, line.text, line.length, on_x(&line.text)))
            .collect();
        assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    }

    /// X's own conformance file, where the folder with it stands beside the checkout.
    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn x_s_conformance_file_agrees() {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
        let folder = std::env::var_os("REPLYDECK_SHARED").map_or(beside, PathBuf::from);
        let file = folder.join("networks/twitter-text/validate.yml");
        let Ok(yaml) = std::fs::read_to_string(&file) else {
            eprintln!("skipped: there is no {}", file.display());
            return;
        };
        // The parts counted by the rules of version 3, those in force.
        let mut counted = 0;
        let (mut is_counted, mut text) = (false, None);
        for line in yaml.lines() {
            if line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':') {
                is_counted = ["WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"]
                    .contains(&line.trim().trim_end_matches(':'));
            }
            let line = line.trim();
            if let Some(quoted) = line.strip_prefix("text: ") {
                text = Some(unquoted(quoted));
            } else if let (Some(weight), true) = (line.strip_prefix("weightedLength: "), is_counted) {
                let text = text.take().expect("a text before its length");
                let weight: usize = weight.trim().parse().expect("a number");
                if text.chars().count() > COUNTED_CHARACTERS {
                    assert!(!length(NetworkKind::X, &text).fits() && weight > 280, "{weight}");
                    continue;
                }
                assert_eq!(on_x(&text), weight, "{text:?}");
                counted += 1;
            }
        }
        assert!(counted >= 20, "{counted} texts of {}", file.display());
    }

    /// A YAML scalar in double or single quotes, or bare.
    fn unquoted(quoted: &str) -> String {
        let quoted = quoted.trim();
        if let Some(single) = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return single.replace("''", "'");
        }
        let Some(inner) = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return quoted.to_owned();
        };
        let mut text = String::new();
        let mut rest = inner.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            let digits = match rest.next().expect("something is escaped") {
                'n' => {
                    text.push('\n');
                    continue;
                }
                't' => {
                    text.push('\t');
                    continue;
                }
                'x' => 2,
                'u' => 4,
                'U' => 8,
                other => {
                    text.push(other);
                    continue;
                }
            };
            let code: String = rest.by_ref().take(digits).collect();
            let code = u32::from_str_radix(&code, 16).expect("hexadecimal digits");
            text.push(char::from_u32(code).expect("a character"));
        }
        text
    }

    #[test]
    fn other_networks_count_graphemes() {
        for network in [NetworkKind::Bluesky, NetworkKind::Mastodon] {
            assert_eq!(length(network, "👨‍👩‍👧‍👦 da").used, 4);
        }
        assert_eq!(length(NetworkKind::Bluesky, "https://example.com"), characters(19, 300));
        assert_eq!(
            length(NetworkKind::Bluesky, &"👨‍👩‍👧‍👦".repeat(121)),
            Length { used: 3_025, limit: 3_000, unit: Unit::Bytes },
            "bytes are limited too"
        );
        assert_eq!(length(NetworkKind::Bluesky, &"👨‍👩‍👧‍👦".repeat(120)), characters(120, 300));
        assert_eq!(message_length(NetworkKind::Bluesky, "hi").limit, 1_000);
    }

    #[test]
    fn a_mastodon_server_has_limits_of_its_own() {
        let plain = us();
        let own = Account { limits: Some(PostLimits { characters: 5_000, per_link: 25 }), ..plain.clone() };
        assert_eq!(plain.length("https://example.com"), characters(23, 500));
        assert_eq!(own.length("https://example.com"), characters(25, 5_000));
    }

    #[test]
    fn what_fits() {
        let fits = |used| characters(used, 280).fits();
        assert_eq!([0, 1, 280, 281].map(fits), [false, true, true, false]);
        assert_eq!(on_x(""), 0);
    }

    #[test]
    fn a_text_of_any_length_is_counted_in_bounded_time() {
        let counted = on_x(&"word ".repeat(40_000));
        assert!(counted > COUNTED_CHARACTERS, "{counted}");
    }

    proptest! {
        // The parser is slow where it is not optimised.
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn no_text_panics(text in "\\PC{0,60}|[\\x00-\\x{10ffff}]{0,40}|[a-z@#$.:/\u{301}\u{200d}\u{fe0f}👍🏽🇮🇹配 ]{0,80}") {
            let counted = on_x(&text);
            prop_assert!(text.is_empty() || counted <= 2 * text.chars().count().max(12) + 23 * text.chars().count());
        }
    }
}
