//! Cuts a text into the words the search index holds, and a search into the same words.
//!
//! - Scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) and Hangul, whose particles stick to
//!   the noun, become pairs of neighbouring characters, and the last character of a run stands alone too:
//!   `配送遅延` gives `配送 送遅 遅延 延`. So any piece of two or more characters is found as a phrase of
//!   pairs, and a single character as the beginning of a pair.
//! - An emoji becomes a word of its own (`xe1f621`), so 😡 can be searched for; skin tones, joiners and
//!   variation selectors are left out, so 👍 finds 👍🏽.
//! - Everything else is left to the tokenizer that follows: letters, numbers and marks make words, case and
//!   diacritics do not count.

use std::fmt::Write as _;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// How many words of a search count; the rest is passed over.
const WORDS_OF_A_SEARCH: usize = 32;

/// Words from this length on are also tried as the beginning of longer words.
const PREFIX_FROM: usize = 2;

/// One word of a search: everything between two spaces. Its tokens must stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Already cut; may hold quotes and any other sign.
    pub(super) text: String,
    /// Ends in a single character of a script without spaces: only the beginning of a pair can hold it.
    pub(super) is_half_pair: bool,
    /// Long enough to be tried as a beginning.
    pub(super) may_begin: bool,
}

/// The text with runs of unspaced scripts cut into pairs and emoji spelled out; words are separated by spaces
/// or by whatever the tokenizer takes for a separator.
pub(super) fn cut(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        cut_into(&mut out, text.chars());
    } else {
        cut_into(&mut out, text.nfkc());
    }
    out
}

fn cut_into(out: &mut String, chars: impl Iterator<Item = char>) {
    // The last character of the run we are in.
    let mut run: Option<char> = None;
    for c in chars {
        if is_unspaced(c) {
            match run {
                Some(before) => out.push(before),
                None => out.push(' '),
            }
            if run.is_some() {
                out.push(c);
                out.push(' ');
            }
            run = Some(c);
            continue;
        }
        if is_left_out(c) {
            continue;
        }
        if let Some(last) = run.take() {
            out.push(last);
            out.push(' ');
        }
        if is_emoji(c) {
            let written = write!(out, " xe{:x} ", u32::from(c));
            debug_assert!(written.is_ok(), "a String takes everything");
        } else {
            out.push(plain(c));
        }
    }
    if let Some(last) = run {
        out.push(last);
    }
}

/// The words of a search; none where nothing in it can be found, such as a search of quotes only.
pub(super) fn of_search(search: &str) -> Vec<Word> {
    search
        .split_whitespace()
        .filter(|word| word.chars().any(is_findable))
        .take(WORDS_OF_A_SEARCH)
        .map(|word| {
            let composed: String = word.nfkc().filter(|c| !is_left_out(*c)).collect();
            let (text, is_half_pair) = cut_search(&composed);
            Word {
                text,
                is_half_pair,
                may_begin: composed.chars().filter(|c| is_findable(*c)).count() >= PREFIX_FROM
                    && composed.chars().next_back().is_some_and(|c| is_findable(c) && !is_unspaced(c) && !is_emoji(c)),
            }
        })
        .collect()
}

/// Cuts a word of a search: like [`cut`], but where the word ends in a run, the run's last character does not
/// stand alone, as it would ask for the run to end there in the text too. Also tells whether the word
/// ends in a run of one character.
fn cut_search(word: &str) -> (String, bool) {
    let mut out = String::with_capacity(word.len() * 2);
    let mut run: Vec<char> = Vec::new();
    // The last character of a run that something may follow.
    let mut tail: Option<char> = None;
    let mut is_half_pair = false;
    for c in word.chars().chain(['\0']) {
        if is_findable(c)
            && run.is_empty()
            && let Some(tail) = tail.take()
        {
            out.extend([tail, ' ']);
        }
        if is_unspaced(c) {
            run.push(c);
            continue;
        }
        if let [single] = run[..] {
            out.extend([' ', single, ' ']);
            is_half_pair = true;
        } else if let Some(last) = run.last() {
            for pair in run.windows(2) {
                out.extend([' ', pair[0], pair[1]]);
            }
            out.push(' ');
            tail = Some(*last);
            is_half_pair = false;
        }
        run.clear();
        if is_findable(c) {
            is_half_pair = false;
            if let Some(tail) = tail.take() {
                out.extend([tail, ' ']);
            }
        }
        if is_emoji(c) {
            let written = write!(out, " xe{:x} ", u32::from(c));
            debug_assert!(written.is_ok(), "a String takes everything");
        } else if c != '\0' {
            out.push(plain(c));
        }
    }
    (out, is_half_pair)
}

/// The character as the tokenizer gets it. Signs younger than its tables, which it would take for letters, separate
/// words like any other sign.
fn plain(c: char) -> char {
    if c.is_ascii() || c.is_alphanumeric() || is_combining_mark(c) { c } else { ' ' }
}

/// Whether a character is part of a word, or a word itself.
fn is_findable(c: char) -> bool {
    (c.is_alphanumeric() && !is_combining_mark(c)) || is_emoji(c)
}

/// Scripts of which a run is not one word.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e01..=0x0e3a | 0x0e40..=0x0e4e          // Thai
        | 0x0e81..=0x0ecd | 0x0edc..=0x0edf        // Lao
        | 0x1000..=0x103f | 0x1050..=0x108f        // Burmese
        | 0x1780..=0x17d3                          // Khmer
        | 0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7ff // Hangul
        | 0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x3035
        | 0x3041..=0x3096 | 0x3099..=0x309a | 0x309d..=0x309f // Hiragana
        | 0x30a1..=0x30fa | 0x30fc..=0x30ff | 0x31f0..=0x31ff // Katakana
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff // Han
        | 0x2_0000..=0x3_fffd)
}

/// Pictures that people search for: the emoji blocks, without their modifiers.
fn is_emoji(c: char) -> bool {
    matches!(u32::from(c),
        0x203c | 0x2049 | 0x2194..=0x21aa | 0x231a..=0x23ff | 0x25aa..=0x25fe | 0x2600..=0x27bf | 0x2934..=0x2935
        | 0x2b05..=0x2b55 | 0x1_f000..=0x1_f3fa | 0x1_f400..=0x1_faff)
}

/// Characters without a word of their own: emoji modifiers, joiners, selectors, tags, and the points and vowel
/// signs that Arabic and Hebrew are mostly written without.
fn is_left_out(c: char) -> bool {
    matches!(u32::from(c),
        0x1_f3fb..=0x1_f3ff | 0x200c | 0x200d | 0xfe00..=0xfe0f | 0x20e3 | 0xe_0020..=0xe_007f
        | 0x0591..=0x05bd | 0x05bf | 0x05c1..=0x05c2 | 0x05c4..=0x05c5 | 0x05c7
        | 0x0640 | 0x064b..=0x065f | 0x0670)
}

/// The tokens of a text that was cut, folded as the index folds them: for the store in memory.
pub(super) fn tokens(cut: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    for c in cut.chars() {
        if c.is_alphanumeric() || is_combining_mark(c) {
            let mut base = None;
            decompose_canonical(c, |part| {
                if !('\u{300}'..='\u{36f}').contains(&part) {
                    base.get_or_insert_with(String::new).push(part);
                }
            });
            // Only what stands on Latin, Greek or Cyrillic letters goes; other scripts keep their marks.
            for part in base.unwrap_or_default().nfc().flat_map(char::to_lowercase) {
                token.push(part);
            }
        } else if !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens
}

/// A search to be compared with texts at hand, as the index would: the last word also as a beginning.
#[derive(Clone, Debug)]
pub struct Wanted(Vec<(Vec<String>, bool)>);

impl Wanted {
    pub fn of(search: &str) -> Self {
        let words = of_search(search);
        let last = words.len().saturating_sub(1);
        let wanted = words
            .iter()
            .enumerate()
            .map(|(index, word)| (tokens(&word.text), word.is_half_pair || (word.may_begin && index == last)));
        Self(wanted.collect())
    }

    /// Every word is there; true of any text where the search has none.
    pub fn is_in(&self, text: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let text = tokens(&cut(text));
        self.0.iter().all(|(word, begins)| holds(&text, word, *begins))
    }
}

/// Whether the tokens of a text hold a word's tokens side by side; with `begins` the last of them may be the
/// beginning of a longer one.
pub(super) fn holds(text: &[String], word: &[String], begins: bool) -> bool {
    let Some((last, lead)) = word.split_last() else { return true };
    text.windows(word.len()).any(|window| {
        let Some((end, start)) = window.split_last() else { return false };
        start == lead && if begins { end.starts_with(last.as_str()) } else { end == last }
    })
}

/// Whether a stored text may hold these tokens: false only where it surely does not. Much cheaper than cutting it;
/// more around the text, such as the JSON it is kept in, does no harm.
pub(super) fn may_hold<'word>(raw: &str, mut tokens: impl Iterator<Item = &'word str>) -> bool {
    if raw.is_ascii() {
        let lower = raw.to_ascii_lowercase();
        return tokens.all(|token| lower.contains(token));
    }
    if is_nfkc_quick(raw.chars()) != IsNormalized::Yes {
        return true;
    }
    // Something left out may stand between the two characters of a pair; letters may be folded.
    tokens.flat_map(str::chars).all(|c| !is_unspaced(c) || raw.contains(c))
}

#[cfg(test)]
mod tests {
    use super::{cut, holds, may_hold, of_search, tokens};

    fn finds(text: &str, search: &str) -> bool {
        let text = tokens(&cut(text));
        let words = of_search(search);
        !words.is_empty() && words.iter().all(|word| holds(&text, &tokens(&word.text), word.is_half_pair))
    }

    #[test]
    fn a_run_becomes_pairs_and_its_last_character() {
        assert_eq!(tokens(&cut("配送遅延")), ["配送", "送遅", "遅延", "延"]);
        assert_eq!(tokens(&cut("a配b")), ["a", "配", "b"]);
        assert_eq!(tokens(&cut("荷物まだ届かない。Acme")).last().map(String::as_str), Some("acme"));
    }

    #[test]
    fn pieces_of_a_run_are_found_and_others_are_not() {
        for piece in ["配送", "送遅", "遅延", "配送遅延", "配", "延"] {
            assert!(finds("本日の配送遅延です", piece), "{piece}");
        }
        assert!(
            finds("配送acmeです", "配送acme") && finds("acme配送", "acme配") && finds("配送、遅延だ", "配送、遅延")
        );
        for other in ["送配", "配延", "遅送", "荷"] {
            assert!(!finds("本日の配送遅延です", other), "{other}");
        }
        assert!(finds("배송이 늦어요", "배송"));
        assert!(finds("สินค้ายังไม่มา", "ไม่มา"));
    }

    #[test]
    fn width_case_and_accents_do_not_count() {
        assert!(finds("Dónde ESTÁ mi envío", "donde esta envio"));
        assert!(finds("ＡＣＭＥ ﾃﾞｰﾀ", "acme データ"));
    }

    #[test]
    fn emoji_are_words() {
        assert!(finds("late again 😡👍🏽", "😡"));
        assert!(finds("late again 😡👍🏽", "👍"));
        assert!(!finds("late again 😡", "🙏"));
        assert!(finds("❤️ you", "❤"));
    }

    #[test]
    fn a_search_of_signs_only_has_no_words() {
        assert!(of_search("\"\" * - ( ) ^ : \u{300}").is_empty());
    }

    #[test]
    fn what_surely_does_not_hold_a_word_is_told_without_cutting() {
        let ask = |raw: &str, token: &str| may_hold(raw, std::iter::once(token));
        assert!(ask("Still LATE again", "late") && ask("D\u{f3}nde", "donde") && ask("ﾃﾞｰﾀ", "データ"));
        assert!(ask("荷\u{200d}物が", "荷物"), "what is left out does not part a pair");
        assert!(!ask("Still late", "later") && !ask("Still late", "荷") && !ask("配送遅延", "荷"));
    }
}
