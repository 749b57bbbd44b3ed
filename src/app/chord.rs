//! One press of a key, and how it is written: `r`, `G`, `!`, `C-d`, `space`, `enter`, `S-tab`; several in a row
//! as `gg` or `g space`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// One press of a key, as far as the keymap tells keys apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chord {
    Char(char),
    Ctrl(char),
    Named(Named),
}

/// Keys with a name instead of a character. F-keys are left out on purpose: many terminals keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    Space,
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

const NAMED: [(Named, &str, KeyCode); 15] = [
    (Named::Space, "space", KeyCode::Char(' ')),
    (Named::Enter, "enter", KeyCode::Enter),
    (Named::Esc, "esc", KeyCode::Esc),
    (Named::Tab, "tab", KeyCode::Tab),
    (Named::BackTab, "S-tab", KeyCode::BackTab),
    (Named::Backspace, "backspace", KeyCode::Backspace),
    (Named::Delete, "delete", KeyCode::Delete),
    (Named::Up, "up", KeyCode::Up),
    (Named::Down, "down", KeyCode::Down),
    (Named::Left, "left", KeyCode::Left),
    (Named::Right, "right", KeyCode::Right),
    (Named::Home, "home", KeyCode::Home),
    (Named::End, "end", KeyCode::End),
    (Named::PageUp, "pageup", KeyCode::PageUp),
    (Named::PageDown, "pagedown", KeyCode::PageDown),
];

impl Chord {
    /// What was pressed; `None` for releases, Alt, F-keys and other keys the keymap does not know.
    pub fn of(key: KeyEvent) -> Option<Self> {
        if key.kind == KeyEventKind::Release
            || key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META)
        {
            return None;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => Some(Chord::Named(Named::BackTab)),
            KeyCode::Char(' ') if !ctrl => Some(Chord::Named(Named::Space)),
            KeyCode::Char(c) if ctrl => Some(Chord::Ctrl(c.to_ascii_lowercase())),
            KeyCode::Char(c) => Some(Chord::Char(c)),
            code => NAMED.iter().find(|(_, _, named)| *named == code).map(|(named, ..)| Chord::Named(*named)),
        }
    }

    /// Whether the key would be text where one types.
    pub fn is_text(self) -> bool {
        matches!(self, Chord::Char(_) | Chord::Named(Named::Space | Named::Backspace))
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chord::Char(c) => write!(f, "{c}"),
            Chord::Ctrl(c) => write!(f, "C-{c}"),
            Chord::Named(named) => {
                let name = NAMED.iter().find(|(one, ..)| one == named).map_or("", |(_, name, _)| name);
                f.write_str(name)
            }
        }
    }
}

/// Reads a sequence: `gg`, `C-d`, `space`, `g space`.
pub fn parse(notation: &str) -> Result<Vec<Chord>, String> {
    let mut chords = Vec::new();
    for word in notation.split_whitespace() {
        if let Some((named, ..)) = NAMED.iter().find(|(_, name, _)| name.eq_ignore_ascii_case(word)) {
            chords.push(Chord::Named(*named));
            continue;
        }
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            let ctrl = rest.strip_prefix("C-").and_then(|after| after.chars().next());
            if let Some(c) = ctrl {
                if !c.is_ascii_graphic() {
                    return Err(format!("Ctrl goes with an ASCII character, not with {c:?}"));
                }
                chords.push(Chord::Ctrl(c.to_ascii_lowercase()));
                rest = &rest[2 + c.len_utf8()..];
            } else if c.is_control() {
                return Err(format!("{c:?} is no key"));
            } else if word.chars().count() > 4 || (word.starts_with('F') && word[1..].parse::<u8>().is_ok()) {
                // A long word is a misspelt name, not a row of letters; F1 would be read as F, 1.
                let nearest = NAMED
                    .iter()
                    .map(|(_, name, _)| (strsim::damerau_levenshtein(name, &word.to_lowercase()), name))
                    .min();
                return Err(match nearest {
                    Some((distance, name)) if distance <= 2 => {
                        format!("there is no key {word:?}; did you mean {name:?}?")
                    }
                    _ => format!(
                        "there is no key {word:?}; write r, G, C-d, space, enter, esc, tab, S-tab, up, pageup, …"
                    ),
                });
            } else {
                chords.push(Chord::Char(c));
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if chords.is_empty() { Err("no key is named".to_owned()) } else { Ok(chords) }
}

/// Writes a sequence so that [`parse`] reads it back.
pub fn written(chords: &[Chord]) -> String {
    let mut text = String::new();
    for chord in chords {
        let named = matches!(chord, Chord::Named(_));
        let after_named = text.rsplit(' ').next().is_some_and(|last| NAMED.iter().any(|(_, name, _)| *name == last));
        if !text.is_empty() && (named || after_named) {
            text.push(' ');
        }
        text.push_str(&chord.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::{Chord, Named, parse, written};

    #[test]
    fn notation_is_read_and_written_back() {
        for notation in ["r", "G", "gg", "C-d", "space", "g space", "S-tab", "ga", "!", ",1", "C-xC-s", "é"] {
            let chords = parse(notation).expect(notation);
            assert_eq!(written(&chords), notation);
        }
        assert_eq!(parse("C-D").unwrap(), parse("C-d").unwrap());
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_nearest_name() {
        assert!(parse("").is_err());
        assert!(parse("F5").is_err());
        assert!(parse("pagedwn").unwrap_err().contains("pagedown"));
        assert!(parse("C-é").is_err());
    }

    #[test]
    fn shift_is_in_the_character_and_alt_is_not_ours() {
        let key = |code, modifiers| Chord::of(KeyEvent::new(code, modifiers));
        assert_eq!(key(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Chord::Char('G')));
        assert_eq!(key(KeyCode::Char('S'), KeyModifiers::CONTROL), Some(Chord::Ctrl('s')));
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Chord::Named(Named::BackTab)));
        assert_eq!(key(KeyCode::Char('a'), KeyModifiers::ALT), None);
    }
}
