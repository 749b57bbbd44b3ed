//! How much fits on a clipboard that is reached through the terminal.

use unicode_segmentation::UnicodeSegmentation;

/// A longer clipboard sequence (OSC 52, target `c`, ended by BEL) does not come through mosh.
pub const SEQUENCE_MOST: usize = 1024;
/// `ESC ] 52 ; c ;` and BEL.
const AROUND: usize = 8;
/// So many bytes of text fit: base64 makes four of three.
pub const TEXT_MOST: usize = (SEQUENCE_MOST - AROUND) / 4 * 3;

/// As much of the text from its beginning as fits, in whole characters as people see them.
pub fn fitting(text: &str) -> &str {
    if text.len() <= TEXT_MOST {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
    &text[..ends.take_while(|end| *end <= TEXT_MOST).last().unwrap_or(0)]
}

/// What is said of a copy: all of it, or how much.
pub(super) fn told(what: &str, text: &str, copied: &str) -> String {
    if copied.len() == text.len() {
        return format!("copied {what}");
    }
    let count = |text: &str| text.graphemes(true).count();
    format!(
        "copied only the first {} of {} characters of {what}: more does not come through every terminal; o opens the page",
        count(copied),
        count(text)
    )
}

#[cfg(test)]
mod tests {
    use super::{TEXT_MOST, fitting, told};

    #[test]
    fn what_is_too_long_is_cut_between_characters_as_people_see_them() {
        let short = "é".repeat(TEXT_MOST / 2);
        assert_eq!(fitting(&short), short);
        let family = "👨\u{200d}👩\u{200d}👧";
        for long in [family.repeat(100), "e\u{301}".repeat(400), "a".repeat(TEXT_MOST + 1), "回".repeat(300)] {
            let copied = fitting(&long);
            let one = long.len() / unicode_segmentation::UnicodeSegmentation::graphemes(long.as_str(), true).count();
            assert_eq!(copied.len(), TEXT_MOST / one * one);
            assert!(long.starts_with(copied));
        }
        // One character that alone is too long.
        assert_eq!(fitting(&format!("e{}", "\u{301}".repeat(500))), "");
    }

    #[test]
    fn a_cut_copy_says_so() {
        let long = "回".repeat(300);
        assert_eq!(told("the text", "short", "short"), "copied the text");
        let words = told("the text", &long, fitting(&long));
        assert!(words.starts_with("copied only the first 254 of 300 characters of the text"), "{words}");
    }
}
