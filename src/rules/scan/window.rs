//! Which strings must stand in a text that a rule matches, and how else they may be written there.
//!
//! A text is folded before a word is looked for in it; here the question is asked the other way round: which bytes
//! must an *unfolded* text hold? Either the string itself in one of its case variants (`ß` is one of `ss`), or a
//! character of a small set, a *trigger*, that folding turns into a part of the string: a ligature, a full-width letter, a
//! mark that joins the letter before it. Strings are made of characters that stand for themselves (letters, digits,
//! pictographs; no marks, no joiners), so there is no third way.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use caseless::Caseless;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_normalization::{UnicodeNormalization, is_nfkc};

use crate::rules::fold::{TokenKind, fold};
use crate::rules::matcher::Test;
use crate::rules::needle::Word;

/// What a post must have for a rule to match it; of several, one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Needed {
    /// In one of its texts, or in a hashtag or handle listed beside them.
    Text(Wanted),
    /// As the handle, folded, or the native id of its author, in lower case.
    Author(String),
}

/// A string one of which must be in the text, folded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::rules) struct Wanted {
    pub text: String,
    /// No ASCII letter, digit or `_` may stand before it.
    pub starts_word: bool,
    /// … nor after it.
    pub ends_word: bool,
}

/// So long is enough to be rare.
const LONGEST: usize = 16;
/// So many case variants of one string go into the automaton; ASCII letters cost none.
const VARIANTS: usize = 64;

/// Sharp s, small and capital. They fold to `ss`, and German text is full of them: words are looked for in this spelling
/// as well, so that these need not be triggers.
const SHARP_S: [char; 2] = ['ß', 'ẞ'];

/// Characters that are presentation, direction or control: cleaning takes them out of the middle of words.
/// Equal to what `model::clean` removes, by a test.
const REMOVED: &[(u32, u32)] = &[
    (0x00, 0x08),
    (0x0e, 0x1f),
    (0x7f, 0x84),
    (0x86, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200b),
    (0x200e, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1d173, 0x1d17a),
];
/// The first two bytes of U+E0000 to U+E0FFF, all of which are removed or part of a flag, and of the last
/// two characters of the planes, in so far as they are written with such bytes.
const REMOVED_PREFIXES: &[&[u8]] = &[b"\xf3\xa0", b"\xef\xbf\xbe", b"\xef\xbf\xbf"];

/// A character that folding does not leave as it is.
struct Folding {
    from: char,
    to: String,
    /// Fully taken apart.
    parts: Vec<char>,
    /// It is the plain case variant of this character.
    variant_of: Option<char>,
}

/// Where such characters are; by a test there are none elsewhere.
const FOLDED_RANGES: &[(u32, u32)] = &[
    (0x80, 0x24ff),
    (0x2a00, 0x33ff),
    (0xa600, 0xabff),
    (0xf900, 0xffff),
    (0x10100, 0x11fff),
    (0x16100, 0x16fff),
    (0x1b100, 0x1bcff),
    (0x1cc00, 0x1d7ff),
    (0x1df00, 0x1e9ff),
    (0x1ee00, 0x1f2ff),
    (0x1fb00, 0x1fbff),
    (0x2f800, 0x2fa1f),
];

fn whole_parts(c: char) -> Vec<char> {
    std::iter::once(c).nfkd().default_case_fold().nfkd().collect()
}

static FOLDINGS: LazyLock<Vec<Folding>> = LazyLock::new(|| {
    let chars = FOLDED_RANGES.iter().flat_map(|&(from, to)| from..=to).filter_map(char::from_u32);
    chars
        .filter_map(|from| {
            let mut folded = std::iter::once(from).default_case_fold();
            let same_case = folded.next() == Some(from) && folded.next().is_none();
            let mut buffer = [0; 4];
            if same_case && (is_nfkc(from.encode_utf8(&mut buffer)) && !has_parts(from)) {
                return None;
            }
            let to: String = std::iter::once(from).nfkc().default_case_fold().nfkc().collect();
            let mut case = std::iter::once(from).default_case_fold();
            let variant_of = match (case.next(), case.next()) {
                (Some(c), None) if c != from && to.chars().eq([c]) => Some(c),
                _ => None,
            };
            Some(Folding { from, to, parts: whole_parts(from), variant_of })
        })
        .collect()
});

fn has_parts(c: char) -> bool {
    let mut parts = std::iter::once(c).nfd();
    parts.next() != Some(c) || parts.next().is_some()
}

/// Whether the rule asks for a hashtag, which Bluesky may list beside the text.
pub(in crate::rules) fn asks_tags(test: &Test) -> bool {
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().any(asks_tags),
        Test::Not(inner) => asks_tags(inner),
        Test::Hashtag(_) => true,
        _ => false,
    }
}

/// What every post that passes the test has at least one of; `None` where there is nothing such.
pub(in crate::rules) fn required(test: &Test) -> Option<Vec<Needed>> {
    let one = |wanted: Wanted| vec![Needed::Text(wanted)];
    match test {
        Test::All(tests) => tests.iter().filter_map(required).max_by_key(|needed| worth_of_all(needed)),
        Test::Any(tests) => {
            let mut all = Vec::new();
            for test in tests {
                all.extend(required(test)?);
            }
            Some(all)
        }
        Test::Words(words) | Test::Near { words, .. } => {
            words.0.iter().filter_map(of_word).max_by_key(|(worth, _)| *worth).map(|(_, wanted)| one(wanted))
        }
        Test::AnyWord(set) => set.iter().map(|word| cut(word, true).map(|(_, wanted)| Needed::Text(wanted))).collect(),
        Test::Hashtag(name) | Test::Mention(name) | Test::Cashtag(name) => {
            cut(name, true).map(|(_, wanted)| one(wanted))
        }
        Test::From(who) => Some(vec![Needed::Author(who.to_ascii_lowercase())]),
        _ => None,
    }
}

/// Few and long is good; an author is the last resort, since who it is stands outside the texts.
fn worth_of_all(needed: &[Needed]) -> (usize, std::cmp::Reverse<usize>) {
    let worth = needed.iter().map(|needed| match needed {
        Needed::Text(wanted) => worth(&wanted.text),
        Needed::Author(_) => 0,
    });
    (worth.min().unwrap_or(0), std::cmp::Reverse(needed.len()))
}

/// How rare a string is, roughly: a character of a large script says more than a Latin letter.
fn worth(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{2e80}' { 3 } else { 1 }).sum()
}

fn of_word(word: &Word) -> Option<(usize, Wanted)> {
    match word.kind {
        TokenKind::Word => cut(&word.text, true),
        TokenKind::Spaceless => cut(&word.text, false),
        TokenKind::Symbol => {
            // Selectors may stand between the parts of an emoji, so one part is all that is sure. Of a flag the
            // second letter; the first of something else.
            let mut chars = word.text.chars();
            let first = chars.next()?;
            let c = chars.next().filter(|c| ('\u{1f1e6}'..='\u{1f1ff}').contains(c)).unwrap_or(first);
            let text = c.to_string();
            Some((worth(&text), Wanted { text, starts_word: false, ends_word: false }))
        }
    }
}

/// A character that reaches the folded text only as itself, as a case variant or by a trigger.
fn is_sure(c: char) -> bool {
    (c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
        && canonical_combining_class(c) == 0
        && !is_combining_mark(c)
        && !matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}')
}

/// The stretch of a folded word that says most, and how much.
fn cut(word: &str, whole: bool) -> Option<(usize, Wanted)> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut best: Option<(usize, Wanted)> = None;
    for (i, &(start, _)) in chars.iter().enumerate() {
        let mut variants = 1;
        let mut end = start;
        for &(at, c) in chars[i..].iter().take(LONGEST) {
            variants *= variants_of(c).map_or(1, <[char]>::len);
            if word[start..at].ends_with('s') && c == 's' {
                variants *= 1 + SHARP_S.len();
            }
            if !is_sure(c) || variants > VARIANTS {
                break;
            }
            end = at + c.len_utf8();
        }
        let text = &word[start..end];
        let worth = worth(text);
        if worth > best.as_ref().map_or(0, |(best, _)| *best) {
            let wanted = Wanted {
                text: text.to_owned(),
                starts_word: whole && start == 0,
                ends_word: whole && end == word.len(),
            };
            best = Some((worth, wanted));
        }
    }
    best
}

/// The ways to write a folded character that is not ASCII; itself first.
fn variants_of(c: char) -> Option<&'static [char]> {
    static VARIANTS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
        let mut map: HashMap<char, Vec<char>> = HashMap::new();
        for folding in FOLDINGS.iter() {
            if let Some(c) = folding.variant_of.filter(|c| !c.is_ascii()) {
                map.entry(c).or_insert_with(|| vec![c]).push(folding.from);
            }
        }
        map
    });
    VARIANTS.get(&c).map(Vec::as_slice)
}

/// All ways to write a string in other cases and with sharp s, ASCII letters left to the automaton. A sharp s of which
/// the string has only one half stands for it where the word may go on there.
pub(super) fn written(wanted: &Wanted) -> Vec<String> {
    let extended = |ways: &[String], with: &[char]| -> Vec<String> {
        ways.iter().flat_map(|way| with.iter().map(move |c| format!("{way}{c}"))).collect()
    };
    let chars: Vec<char> = wanted.text.chars().collect();
    // Of so many of the first characters, all ways to write them.
    let (mut without_last, mut ways) = (Vec::new(), vec![String::new()]);
    for (i, &c) in chars.iter().enumerate() {
        let mut next = extended(&ways, variants_of(c).unwrap_or(&[c]));
        if c == 's' {
            if i > 0 && chars[i - 1] == 's' {
                next.extend(extended(&without_last, &SHARP_S));
            }
            if i == 0 && !wanted.starts_word || i + 1 == chars.len() && !wanted.ends_word {
                next.extend(extended(&ways, &SHARP_S));
            }
        }
        without_last = std::mem::replace(&mut ways, next);
    }
    ways
}

/// The bytes that announce that one of the strings may be written in yet another way.
pub(super) fn triggers<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let alphabet: BTreeSet<char> = texts.flat_map(str::chars).collect();
    // What joins a letter of the alphabet to become it.
    let joining: BTreeSet<char> = alphabet.iter().flat_map(|&c| whole_parts(c).into_iter().skip(1)).collect();
    let mut found: BTreeSet<Vec<u8>> = REMOVED_PREFIXES.iter().map(|prefix| prefix.to_vec()).collect();
    let mut add = |c: char| {
        found.insert(c.encode_utf8(&mut [0; 4]).as_bytes().to_vec());
    };
    REMOVED.iter().flat_map(|&(from, to)| from..=to).filter_map(char::from_u32).for_each(&mut add);
    joining.iter().copied().for_each(&mut add);
    for folding in FOLDINGS.iter() {
        let plain = folding.variant_of.is_some_and(|c| !c.is_ascii() && alphabet.contains(&c));
        let becomes = !plain
            && !SHARP_S.contains(&folding.from)
            && folding.to.chars().any(|c| alphabet.contains(&c))
            && !folding.to.chars().eq([folding.from]);
        let first = folding.parts.first().copied().unwrap_or(folding.from);
        let joins = joining.contains(&first)
            || canonical_combining_class(first) != 0 && folding.parts.iter().any(|part| joining.contains(part));
        if becomes || joins {
            add(folding.from);
        }
    }
    found.into_iter().collect()
}

/// Whether nothing can be said of the text before it is folded.
pub(super) fn folded(text: &str) -> String {
    fold(&crate::model::clean::text(text))
}

#[cfg(test)]
mod tests {
    use super::{FOLDED_RANGES, REMOVED, REMOVED_PREFIXES, fold, has_parts, whole_parts};
    use crate::model::clean;
    use unicode_normalization::char::canonical_combining_class;

    #[test]
    fn characters_outside_the_ranges_fold_to_themselves() {
        for c in
            ('\u{80}'..=char::MAX).filter(|&c| !FOLDED_RANGES.iter().any(|&(a, b)| (a..=b).contains(&u32::from(c))))
        {
            assert_eq!(fold(&c.to_string()), c.to_string(), "{:x}", u32::from(c));
            assert_eq!(canonical_combining_class(c), 0, "{:x}", u32::from(c));
            // Syllables of Hangul come apart and together again.
            assert!(!has_parts(c) || ('\u{ac00}'..='\u{d7a3}').contains(&c), "{:x} {:?}", u32::from(c), whole_parts(c));
        }
    }

    #[test]
    fn what_cleaning_takes_out_of_words_is_known() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let known = REMOVED.iter().any(|&(a, b)| (a..=b).contains(&u32::from(c)))
                || REMOVED_PREFIXES.iter().any(|prefix| text.as_bytes().starts_with(prefix));
            let joined = clean::text(&format!("a{c}bcd m"));
            let kept = joined.chars().count() == 7;
            assert!(kept || known || u32::from(c) & 0xfffe == 0xfffe, "{:x}", u32::from(c));
        }
    }
}
