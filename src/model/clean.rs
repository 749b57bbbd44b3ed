//! Makes text from outside harmless, once, at the boundary: what leaves here can go to the screen,
//! to `--plain`, to the clipboard, to a window title or into an export and act on none of them.
//!
//! Taken out: escape sequences as a whole (not only their ESC), C0 and C1 controls, bidirectional
//! controls, invisible characters that hide or split words, heaps of combining marks. Kept: line feeds,
//! joiners and variation selectors, which emoji and several scripts need.

use unicode_normalization::char::is_combining_mark;

/// So many combining marks may stand on one character; Vietnamese and Hebrew need three.
const MARKS_PER_CHARACTER: usize = 4;

/// Cleans a text of several lines. Line endings become `\n`, tabs become a space.
pub fn text(raw: &str) -> String {
    if raw.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
        return raw.to_owned();
    }
    let mut clean = String::with_capacity(raw.len());
    let mut marks = 0;
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match c {
            ' '..='~' => clean.push(c),
            '\u{1b}' => skip_escape_sequence(&mut rest),
            // The C1 forms of CSI, and of the strings that run to a terminator.
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_control_string(&mut rest),
            '\r' => {
                if rest.as_str().starts_with('\n') {
                    rest.next();
                }
                clean.push('\n');
            }
            '\n' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => clean.push('\n'),
            '\t' => clean.push(' '),
            // A selector or joiner stands once; a run of them only hides something.
            '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => {
                if clean.chars().next_back().is_some_and(|last| last != c && last != '\n') {
                    clean.push(c);
                }
            }
            // Tag characters spell the flags of England, Scotland and Wales after a black flag.
            '\u{e0020}'..='\u{e007f}' => {
                if clean.chars().next_back().is_some_and(|last| last == '\u{1f3f4}' || is_tag(last)) {
                    clean.push(c);
                }
            }
            _ if c.is_control() || is_invisible(c) => {}
            _ if is_combining_mark(c) => {
                marks += 1;
                if marks <= MARKS_PER_CHARACTER {
                    clean.push(c);
                }
                continue;
            }
            _ => clean.push(c),
        }
        marks = 0;
    }
    clean
}

/// Cleans a text that must stay on one line, such as a name; line feeds become spaces.
pub fn line(raw: &str) -> String {
    text(raw).replace('\n', " ").trim().to_owned()
}

fn is_tag(c: char) -> bool {
    ('\u{e0020}'..='\u{e007f}').contains(&c)
}

/// Characters that show nothing or change the order of others.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// After ESC: the whole sequence it starts.
fn skip_escape_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.clone().next() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_control_string(rest);
        }
        // Intermediate bytes, then one final byte: `ESC ( B`.
        Some(' '..='/') => {
            while let Some(c) = rest.clone().next() {
                if !(' '..='~').contains(&c) {
                    break;
                }
                rest.next();
                if c > '/' {
                    break;
                }
            }
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// After CSI: parameters and intermediates up to the final byte; a character that fits none ends it and stays.
fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.clone().next() {
        match c {
            ' '..='?' => {
                rest.next();
            }
            '@'..='~' => {
                rest.next();
                return;
            }
            _ => return,
        }
    }
}

/// After OSC, DCS, SOS, PM or APC: everything up to BEL, ST or the end of the line. A string that is
/// never closed would swallow an honest text, so it ends at the line's end.
fn skip_control_string(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.clone().next() {
        match c {
            '\n' | '\r' => return,
            '\u{7}' | '\u{9c}' => {
                rest.next();
                return;
            }
            '\u{1b}' => {
                rest.next();
                if rest.as_str().starts_with('\\') {
                    rest.next();
                    return;
                }
                return skip_escape_sequence(rest);
            }
            _ => {
                rest.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{line, text};

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for kept in [
            "Acme internet is really slow today",
            "dónde está mi envío, opóźniony?",
            "配送遅延 まだ届かない",
            "👨‍👩‍👧‍👦 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 #️⃣ 👍🏽 🇩🇪",
            "می‌خواهم",
            "two\nlines",
            "bi\u{301}e\u{323}\u{302}n",
        ] {
            assert_eq!(text(kept), kept);
        }
    }

    #[test]
    fn escape_sequences_go_as_a_whole() {
        for (raw, clean) in [
            ("a\u{1b}[31mred\u{1b}[0m", "ared"),
            ("a\u{1b}]52;c;aGk=\u{7}b", "ab"),
            ("a\u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "alink"),
            ("a\u{1b}Pq#0\u{1b}\\b", "ab"),
            ("a\u{1b}(Bb", "ab"),
            ("a\u{1b}cb", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{9d}0;title\u{9c}b", "ab"),
            ("end\u{1b}", "end"),
            ("never closed \u{1b}]0;x\nnext line", "never closed \nnext line"),
        ] {
            assert_eq!(text(raw), clean, "{raw:?}");
        }
    }

    #[test]
    fn what_hides_or_reorders_is_taken_out() {
        assert_eq!(text("pay\u{202e}lap\u{202c}"), "paylap");
        assert_eq!(text("sl\u{200b}ow\u{feff}"), "slow");
        assert_eq!(text("a\r\nb\rc\u{2028}d\te"), "a\nb\nc\nd e");
        assert_eq!(text(&format!("z{}", "\u{300}".repeat(60))), format!("z{}", "\u{300}".repeat(4)));
        assert_eq!(line("two\nlines "), "two lines");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_gets_through(raw in "\\PC*|[\\x00-\\xff\u{202a}-\u{202e}\u{2066}-\u{2069}]{0,80}") {
            let clean = text(&raw);
            prop_assert!(clean.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!clean.chars().any(|c| super::is_invisible(c) && !super::is_tag(c)));
            prop_assert_eq!(text(&clean), clean.clone(), "cleaning twice changes nothing");
        }
    }
}
