//! How long a text is by the network's own count.

use twitter_text::ParserBackend;
use unicode_segmentation::UnicodeSegmentation;

use super::id::NetworkKind;

/// Longer texts are not counted to the end: the parser's time grows with the square of the length.
const COUNTED_CHARACTERS: usize = 4_000;

/// A text's length and the network's limit, both in the network's own unit: weighted characters on X,
/// graphemes elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Length {
    pub used: usize,
    pub limit: usize,
}

impl Length {
    pub fn fits(self) -> bool {
        self.used > 0 && self.used <= self.limit
    }
}

/// Counts `text` as `network` does. About half a millisecond for a full post on X: count on edit, not per frame.
pub fn length(network: NetworkKind, text: &str) -> Length {
    match network {
        NetworkKind::X => Length { used: x_weighted(text), limit: 280 },
        NetworkKind::Bluesky => Length { used: text.graphemes(true).count(), limit: 300 },
        NetworkKind::Mastodon => Length { used: text.graphemes(true).count(), limit: 500 },
    }
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
    let parsed =
        twitter_text::parse_with_parser_backend(head, twitter_text_config::config_v3(), true, ParserBackend::External);
    usize::try_from(parsed.weighted_length).unwrap_or(0) + tail_weight
}
