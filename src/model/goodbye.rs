//! Whether a post is no more than thanks or goodbye, so that it need not reopen what a rep closed as done.
//!
//! It errs on the side of listening: a short text with a word of thanks in it and nothing that asks, denies or
//! complains. In a language it does not know, nothing is a goodbye.

use unicode_segmentation::UnicodeSegmentation as _;

/// A text with more words than this says more than goodbye.
const WORDS: usize = 14;

/// One of these must be in it.
const THANKS: &[&str] = &[
    "thanks", "thank", "thx", "ty", "cheers", "bye", "goodbye", "grazie", "ciao", "gracias", "adiós", "danke",
    "tschüss", "merci", "obrigado", "obrigada", "bedankt", "dank",
];
/// Scripts without spaces: looked for anywhere in the text.
const THANKS_WITHIN: &[&str] = &["ありがとう", "感謝", "谢谢", "謝謝", "감사"];

/// None of these may be: what denies, turns round, waits on, or asks.
const ASKS: &[&str] = &[
    // English
    "not",
    "no",
    "nothing",
    "never",
    "none",
    "but",
    "however",
    "still",
    "yet",
    "though",
    "why",
    "when",
    "how",
    "what",
    "where",
    "worse",
    "worst",
    "joke",
    "waiting",
    "wait",
    "please",
    "can't",
    "cannot",
    "won't",
    "isn't",
    "doesn't",
    "didn't",
    "don't",
    "hasn't",
    "haven't",
    "wasn't",
    "down",
    // Italian
    "non",
    "niente",
    "nulla",
    "mai",
    "ma",
    "però",
    "ancora",
    "perché",
    "quando",
    "come",
    "peggio",
    "aspetto",
    // Spanish and Portuguese
    "nada",
    "nunca",
    "pero",
    "todavía",
    "aún",
    "sigue",
    "cuándo",
    "por",
    "não",
    "mas",
    "ainda",
    "peor",
    // German and Dutch
    "nicht",
    "nichts",
    "kein",
    "keine",
    "nie",
    "aber",
    "noch",
    "immer",
    "warum",
    "wann",
    "wie",
    "schlimmer",
    "niet",
    "maar",
    "nog",
    // French
    "pas",
    "rien",
    "jamais",
    "mais",
    "toujours",
    "pourquoi",
    "quand",
    "comment",
    "pire",
];
const ASKS_WITHIN: &[&str] =
    &["でも", "まだ", "ない", "けど", "ません", "しかし", "但", "没", "不", "还", "?", "？", "…"];

/// Reads a post's text; mentions and links do not count.
pub fn is_goodbye(text: &str) -> bool {
    let words = text.split_whitespace().filter(|word| !word.starts_with('@') && !word.contains("://"));
    let said = words.collect::<Vec<_>>().join(" ").to_lowercase();
    let words: Vec<&str> = said.unicode_words().collect();
    let thanks = words.iter().any(|word| THANKS.contains(word)) || THANKS_WITHIN.iter().any(|word| said.contains(word));
    let asks = words.iter().any(|word| ASKS.contains(&word.replace('\u{2019}', "'").as_str()))
        || ASKS_WITHIN.iter().any(|word| said.contains(word));
    thanks && !asks && words.len() <= WORDS
}

#[cfg(test)]
mod tests {
    use super::is_goodbye;

    #[test]
    fn thanks_and_nothing_else() {
        for text in [
            "thanks!",
            "@charterhelp Thank you so much, works again 🎉",
            "Ok, cheers ana",
            "Grazie mille, tutto a posto",
            "¡Gracias! ya funciona",
            "Danke, läuft wieder",
            "merci beaucoup :)",
            "ありがとうございました！",
            "thanks https://example.com/gif",
        ] {
            assert!(is_goodbye(text), "{text}");
        }
    }

    #[test]
    fn whatever_may_ask_for_more_is_listened_to() {
        for text in [
            "",
            "works again",
            "thanks for nothing",
            "Thanks, but it is still slow",
            "thanks. when will it be back?",
            "thank you, I'm waiting",
            "no thanks",
            "thanks, it doesn’t work",
            "grazie ma non va ancora",
            "gracias por nada",
            "Danke, geht aber immer noch nicht",
            "ありがとう、でもまだ遅い",
            "hvala lepa",
            "thanks for the long talk on the phone today, you said a technician comes and then somebody else came",
        ] {
            assert!(!is_goodbye(text), "{text}");
        }
    }
}
