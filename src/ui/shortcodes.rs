//! Emoji that terminals measure differently, spelled out: `:thumbsup_medium_skin_tone:` is as wide everywhere as it is
//! long. Only what is shown, never what is sent or copied.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

use crate::app::App;

/// A text as the rep wants emoji shown.
pub(super) fn as_shown<'a>(app: &App, text: &'a str) -> Cow<'a, str> {
    if app.setup.shortcodes { spelled_out(text) } else { Cow::Borrowed(text) }
}

/// The text with every emoji made of several characters (joined, with a skin tone, a flag, a heart turned red) as its
/// name between colons. An emoji of one character is two cells wide everywhere and stays, and so does every script.
fn spelled_out(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::new();
    let mut taken = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        if cluster.chars().nth(1).is_none() {
            continue;
        }
        let Some(words) = name(cluster) else { continue };
        spelled.push_str(&text[taken..at]);
        spelled.push_str(&words);
        taken = at + cluster.len();
    }
    if taken == 0 {
        return Cow::Borrowed(text);
    }
    spelled.push_str(&text[taken..]);
    Cow::Owned(spelled)
}

/// The cluster's own name; that of its parts where nobody gave it one; `None` for what is no emoji.
fn name(cluster: &str) -> Option<String> {
    if let Some(emoji) = emojis::get(cluster) {
        return Some(code(emoji));
    }
    let parts: Vec<_> = cluster.chars().filter_map(|c| emojis::get(c.encode_utf8(&mut [0; 4]))).map(code).collect();
    (!parts.is_empty()).then(|| parts.concat())
}

/// The short name people type where there is one for just this emoji, else the one Unicode gives.
fn code(emoji: &emojis::Emoji) -> String {
    let is_plain = emoji.skin_tone().is_none_or(|tone| tone == emojis::SkinTone::Default);
    if let Some(short) = emoji.shortcode().filter(|_| is_plain) {
        return format!(":{short}:");
    }
    let mut code = String::from(":");
    for word in emoji.name().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let gap = if code.len() > 1 { "_" } else { "" };
        // Writing to a string cannot fail.
        let _written = write!(code, "{gap}{}", word.to_lowercase());
    }
    code.push(':');
    code
}

#[cfg(test)]
mod tests {
    use super::spelled_out;

    #[test]
    fn what_terminals_measure_differently_is_spelled_out() {
        for (text, shown) in [
            ("I ❤\u{fe0f} it", "I :heart: it"),
            ("👍🏽 ok", ":thumbs_up_medium_skin_tone: ok"),
            ("🇮🇹!", ":it:!"),
            ("a👨‍👩‍👧‍👦b", "a:family_man_woman_girl_boy:b"),
            ("1\u{fe0f}\u{20e3} first", ":one: first"),
            // A pair nobody named.
            ("🍕\u{200d}📱", ":pizza::iphone:"),
        ] {
            assert_eq!(spelled_out(text), shown);
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for text in
            ["plain: words:", "😡 no line", "回線が遅い", "हिन्दी", "cafe\u{301}", "กำลัง", "عربي", "❤", ":heart:"]
        {
            assert!(matches!(spelled_out(text), std::borrow::Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
