//! Words to find in a folded text.

use super::fold::{FoldedText, Token, TokenKind, fold, is_extending, is_spaceless, is_word, tokens};
use crate::model::clean;

/// Words next to each other; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub Vec<Word>);

/// One of them, folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub kind: TokenKind,
    /// `#`, `@` or `$` written in front of it inside a phrase.
    pub sigil: Option<char>,
}

impl Words {
    /// `None` where the text holds nothing but spaces and punctuation.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let folded = FoldedText::new(&clean::text(text));
        let words: Vec<Word> = folded
            .tokens()
            .iter()
            .map(|&token| Word {
                text: folded.token(token).to_owned(),
                kind: token.kind,
                sigil: folded.before(token).filter(|c| matches!(c, '#' | '@' | '$')),
            })
            .collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// The only word, where it is one that stands for itself in a set.
    pub(crate) fn single(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Word { text, kind: TokenKind::Word, sigil: None }] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_in(&self, text: &FoldedText) -> bool {
        let last = self.0.len() - 1;
        text.tokens().windows(self.0.len()).any(|tokens| {
            self.0.iter().zip(tokens).enumerate().all(|(i, (word, &token))| {
                let fit = match (i == 0, i == last) {
                    (true, true) => Fit::Anywhere,
                    (true, false) => Fit::AtEnd,
                    (false, true) => Fit::AtStart,
                    (false, false) => Fit::Whole,
                };
                word.fits(text, token, fit)
            })
        })
    }

    /// Whether at most `within` moves bring the words together.
    pub(crate) fn are_near(&self, text: &FoldedText, within: u8) -> bool {
        // A word's place, less its place in the phrase: equal for all where they stand as in the phrase.
        let mut places: Vec<(isize, usize)> = Vec::new();
        for (place, &token) in text.tokens().iter().enumerate() {
            for (i, word) in self.0.iter().enumerate() {
                if word.fits(text, token, Fit::Anywhere) {
                    places.push((place.cast_signed() - i.cast_signed(), i));
                }
            }
        }
        places.sort_unstable();
        // The shortest stretch of places that holds every word once is the fewest moves.
        let mut held = vec![0_usize; self.0.len()];
        let mut missing = self.0.len();
        let mut first = 0;
        for &(place, word) in &places {
            missing -= usize::from(held[word] == 0);
            held[word] += 1;
            while missing == 0 {
                let (from, leaving) = places[first];
                if place - from <= isize::from(within) {
                    return true;
                }
                held[leaving] -= 1;
                missing += usize::from(held[leaving] == 0);
                first += 1;
            }
        }
        false
    }
}

/// How much of a token a word of a script without spaces must cover.
#[derive(Clone, Copy)]
enum Fit {
    Anywhere,
    AtStart,
    AtEnd,
    Whole,
}

impl Word {
    fn fits(&self, text: &FoldedText, token: Token, fit: Fit) -> bool {
        if self.kind != token.kind {
            return false;
        }
        let found = text.token(token);
        let same = match (self.kind, fit) {
            (TokenKind::Word, _) | (TokenKind::Spaceless, Fit::Whole) => found == self.text,
            (TokenKind::Spaceless, Fit::Anywhere) => found.contains(&self.text),
            (TokenKind::Spaceless, Fit::AtStart) => found.starts_with(&self.text),
            (TokenKind::Spaceless, Fit::AtEnd) => found.ends_with(&self.text),
            (TokenKind::Symbol, _) => found
                .strip_prefix(self.text.as_str())
                .is_some_and(|more| more.is_empty() || more.starts_with(|c| ('\u{1f3fb}'..='\u{1f3ff}').contains(&c))),
        };
        same && (self.sigil.is_none() || text.before(token) == self.sigil)
    }
}

/// What a tag or handle is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Letters, digits, marks and `_` of any script.
    AnyScript,
    /// ASCII letters, digits and `_`: a handle on X.
    Ascii,
    /// The same with dots and hyphens inside: a handle elsewhere.
    Dotted,
}

/// The texts after each `sigil` that does not itself stand in a word: hashtags, mentions, cashtags.
pub(crate) fn marked(text: &str, sigil: char, extent: Extent) -> impl Iterator<Item = &str> {
    text.match_indices(sigil).filter_map(move |(at, _)| {
        if text[..at].chars().next_back().is_some_and(|c| is_word(c) && !is_spaceless(c) && !is_extending(c)) {
            return None;
        }
        let after = &text[at + sigil.len_utf8()..];
        let inside = |c: char| match extent {
            Extent::AnyScript => is_word(c),
            Extent::Ascii => c.is_ascii_alphanumeric() || c == '_',
            Extent::Dotted => c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'),
        };
        let end = after.find(|c| !inside(c)).unwrap_or(after.len());
        let found = match extent {
            Extent::Dotted => after[..end].trim_end_matches(['.', '-']),
            Extent::AnyScript | Extent::Ascii => &after[..end],
        };
        (!found.is_empty()).then_some(found)
    })
}

/// Folded as a tag, handle or value to compare.
pub(crate) fn folded_name(name: &str) -> String {
    fold(&clean::text(name))
}

/// Whether a text holds anything that could be found.
pub(crate) fn holds_words(text: &str) -> bool {
    !tokens(&fold(&clean::text(text))).is_empty()
}
