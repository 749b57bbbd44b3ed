//! Text made comparable, and cut into words, once per post.

use std::cell::OnceCell;

use caseless::Caseless;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
use unicode_segmentation::UnicodeSegmentation;

use crate::model::{NetworkKind, Post};

/// A post with its texts folded and cut, ready for any number of rules.
#[derive(Debug)]
pub struct Folded<'a> {
    pub(crate) post: &'a Post,
    /// The post's own text, then the quoted post's where there is one; off X, what describes its pictures and the
    /// pages shown below it as well.
    pub(crate) texts: Vec<FoldedText>,
}

impl<'a> Folded<'a> {
    pub fn new(post: &'a Post) -> Self {
        let quoted = post.quotes.as_ref().map(|quoted| quoted.text.as_str()).filter(|text| !text.is_empty());
        let beside = (post.network() != NetworkKind::X).then(|| {
            let alts = post.media.iter().filter_map(|media| media.alt.as_deref());
            // A page that is shown below the text stands nowhere in it; its title and description are a text each.
            let cards = post.links.iter().filter(|link| link.short.is_empty());
            alts.chain(cards.flat_map(|card| card.display.split('\n')))
        });
        let own = std::iter::once(post.text.as_str());
        let texts = own.chain(quoted).chain(beside.into_iter().flatten()).map(FoldedText::new).collect();
        Self { post, texts }
    }
}

/// One text, folded; cut into tokens where somebody asks for them.
#[derive(Debug)]
pub(crate) struct FoldedText {
    pub text: String,
    tokens: OnceCell<Vec<Token>>,
}

/// A stretch of the folded text that counts; what lies between tokens is space and punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub start: usize,
    pub end: usize,
    pub kind: TokenKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Letters, digits, `_` and marks of a script that puts spaces between words.
    Word,
    /// A run of letters of a script that does not.
    Spaceless,
    /// One emoji or other pictograph, with all that is joined to it.
    Symbol,
}

impl FoldedText {
    pub(crate) fn new(text: &str) -> Self {
        Self::of_folded(fold(text))
    }

    /// Of a text that was folded already.
    pub(crate) fn of_folded(text: String) -> Self {
        Self { text, tokens: OnceCell::new() }
    }

    /// In order.
    pub(crate) fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokens(&self.text))
    }

    pub(crate) fn token(&self, token: Token) -> &str {
        &self.text[token.start..token.end]
    }

    /// The character right before a token, such as its `#`.
    pub(crate) fn before(&self, token: Token) -> Option<char> {
        self.text[..token.start].chars().next_back()
    }
}

/// Compatibility-normalised and case-folded. A variation selector after anything but a letter or digit is
/// presentation only and goes; after a letter it stays, as a part of the word.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut last = ' ';
    let kept = text.chars().filter(move |&c| {
        let keep = !is_variation_selector(c) || last.is_alphanumeric();
        last = c;
        keep
    });
    // Most text is normalised already, and asking is much cheaper than doing it again.
    let folded: String = if is_nfkc_quick(kept.clone()) == IsNormalized::Yes {
        kept.default_case_fold().collect()
    } else {
        kept.nfkc().default_case_fold().collect()
    };
    if is_nfkc_quick(folded.chars()) == IsNormalized::Yes { folded } else { folded.nfkc().collect() }
}

fn is_variation_selector(c: char) -> bool {
    ('\u{fe00}'..='\u{fe0f}').contains(&c)
}

/// Letters, digits, marks and joiners: what a word, a hashtag or a keyword of any script is made of.
pub(crate) fn is_word(c: char) -> bool {
    match u8::try_from(c) {
        Ok(b) if b.is_ascii() => is_ascii_word(b),
        _ => c.is_alphanumeric() || is_extending(c),
    }
}

fn is_ascii_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// Joins what stands before it, whatever that is.
pub(crate) fn is_extending(c: char) -> bool {
    // Below the first of them there is nothing to look up.
    c >= '\u{300}' && (matches!(c, '\u{200c}' | '\u{200d}') || is_variation_selector(c) || is_combining_mark(c))
}

/// Letters and marks of Han, Hiragana, Katakana, Thai, Lao, Khmer and Myanmar.
pub(crate) fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}'
        | '\u{e80}'..='\u{eff}'
        | '\u{1000}'..='\u{1049}' | '\u{1050}'..='\u{109f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}'
        | '\u{1780}'..='\u{17d3}' | '\u{17d7}' | '\u{17dc}' | '\u{17dd}'
        | '\u{2e80}'..='\u{2fd5}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303b}'
        | '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{1aff0}'..='\u{1b16f}' | '\u{20000}'..='\u{323af}')
}

/// Emoji and other pictographs, regional indicators included.
pub(crate) fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{1f000}'..='\u{1faff}')
        && !c.is_alphanumeric()
}

/// Cuts a folded text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 5 + 1);
    let bytes = text.as_bytes();
    let mut next = 0;
    while let Some(&b) = bytes.get(next) {
        let start = next;
        if b.is_ascii() {
            // Most of most texts: nothing to look up, and whole words at once.
            next += bytes[start..].iter().take_while(|&&b| is_ascii_word(b)).count();
            if next > start {
                match tokens.last_mut() {
                    Some(last) if last.end == start && last.kind == TokenKind::Word => last.end = next,
                    _ => tokens.push(Token { start, end: next, kind: TokenKind::Word }),
                }
            } else {
                next += 1;
            }
            continue;
        }
        let Some(c) = text[start..].chars().next() else { break };
        let end = start + c.len_utf8();
        next = end;
        let kind = if is_spaceless(c) && is_word(c) {
            TokenKind::Spaceless
        } else if is_extending(c) {
            // On its own it is nothing; after a token it belongs to that.
            if let Some(last) = tokens.last_mut().filter(|last| last.end == start) {
                last.end = end;
            }
            continue;
        } else if is_word(c) {
            TokenKind::Word
        } else if is_symbol(c) {
            let length = text[start..].graphemes(true).next().map_or(c.len_utf8(), str::len);
            next = start + length;
            tokens.push(Token { start, end: next, kind: TokenKind::Symbol });
            continue;
        } else {
            continue;
        };
        match tokens.last_mut() {
            Some(last) if last.end == start && last.kind == kind => last.end = end,
            _ => tokens.push(Token { start, end, kind }),
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::{FoldedText, fold};

    #[test]
    fn folding_is_unicode_wide_and_keeps_accents() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁnally", "FINALLY"),
            ("\u{212a}ube", "KUBE"),
            ("lo\u{17f}t", "LOST"),
            ("ＡＣＭＥ", "acme"),
            ("cafe\u{301}", "CAFÉ"),
            ("ｶﾞ", "ガ"),
            ("İ", "i\u{307}"),
            ("❤\u{fe0f}", "❤"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("café"), fold("cafe"));
        assert_ne!(fold("İ"), fold("i"));
    }

    #[test]
    fn words_end_at_punctuation_and_at_scripts_without_spaces() {
        let cut = |text: &str| {
            let folded = FoldedText::new(text);
            folded.tokens().iter().map(|&token| folded.token(token).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(cut("Acme's new_box, (@acme-help)"), ["acme", "s", "new_box", "acme", "help"]);
        assert_eq!(cut("acmeの配送 遅延"), ["acme", "の配送", "遅延"]);
        assert_eq!(cut("no😡😡👍🏽now"), ["no", "😡", "😡", "👍🏽", "now"]);
        assert_eq!(cut("🇧🇩🇪🇸"), ["🇧🇩", "🇪🇸"]);
        assert_eq!(cut("می\u{200c}خواهم"), ["می\u{200c}خواهم"]);
        assert_eq!(cut("bi\u{301}e\u{323}\u{302}n"), ["bíện"]);
    }
}
