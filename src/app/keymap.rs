//! The keys in force: the defaults of [`TABLE`] with the config's changes. Help, hints, the list of what may follow
//! a prefix and the README's table are all read from here.

use std::fmt::Write as _;

use super::chord::{self, Chord};
pub use super::command::TABLE;
use super::command::{Command, ModeKind};

/// The keys in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bound: Vec<Bound>,
}

/// One sequence of keys in one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    mode: ModeKind,
    keys: Vec<Chord>,
    command: Command,
}

/// A command with its keys in one mode, for help and hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub command: Command,
    pub name: &'static str,
    pub words: &'static str,
    /// As they are written; empty where only the palette and the command line lead to it.
    pub keys: Vec<String>,
}

/// What keys typed so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Command(Command),
    /// The beginning of one or more sequences.
    Prefix,
    Nothing,
}

/// What is wrong with a line of the config's `[keys]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("there is no command {name:?}{}", nearest.map_or(String::new(), |near| format!("; did you mean {near:?}?")))]
    UnknownCommand { name: String, nearest: Option<&'static str> },
    #[error("{command}: {why}")]
    BadKey { command: &'static str, key: String, why: String },
    #[error("{command}: {key:?} is text in the {}; take a Ctrl key or a named one", mode.title())]
    IsText { command: &'static str, key: String, mode: ModeKind },
    #[error("{key:?} is bound to both {first} and {second} in the {}", mode.title())]
    Conflict { key: String, first: &'static str, second: &'static str, mode: ModeKind },
    #[error("{key:?} of {first} hides {longer:?} of {second} in the {}", mode.title())]
    Hidden { key: String, longer: String, first: &'static str, second: &'static str, mode: ModeKind },
}

impl KeymapError {
    /// The command the error is about, as the config names it.
    pub fn command(&self) -> &str {
        match self {
            KeymapError::UnknownCommand { name, .. } => name,
            KeymapError::BadKey { command, .. } | KeymapError::IsText { command, .. } => command,
            KeymapError::Conflict { first, .. } | KeymapError::Hidden { first, .. } => first,
        }
    }
}

impl Default for Keymap {
    fn default() -> Self {
        let mut bound = Vec::new();
        for row in TABLE {
            for (keys, modes) in row.keys {
                for mode in *modes {
                    for key in *keys {
                        let keys = chord::parse(key).expect("a test reads every key of the table");
                        bound.push(Bound { mode: *mode, keys, command: row.command });
                    }
                }
            }
        }
        Self { bound }
    }
}

impl Keymap {
    /// The defaults with `overrides`: per command the keys that stand in place of its own, in every mode it works
    /// in. Where one types, plain characters are passed over and the default keys stay.
    pub fn with(overrides: &[(String, Vec<String>)]) -> Result<Keymap, Vec<KeymapError>> {
        let mut keymap = Keymap::default();
        let mut errors = Vec::new();
        let mut changed = Vec::new();
        for (name, keys) in overrides {
            let Some(command) = Command::named(name) else {
                errors.push(KeymapError::UnknownCommand { name: name.clone(), nearest: nearest(name) });
                continue;
            };
            let row = command.row();
            let mut sequences = Vec::new();
            for key in keys {
                match chord::parse(key) {
                    Ok(chords) => sequences.push(chords),
                    Err(why) => errors.push(KeymapError::BadKey { command: row.name, key: key.clone(), why }),
                }
            }
            for mode in row.modes() {
                let usable: Vec<_> =
                    sequences.iter().filter(|keys| !mode.takes_text() || !keys[0].is_text()).cloned().collect();
                if mode.takes_text() && usable.is_empty() && !keys.is_empty() {
                    if row.modes().all(ModeKind::takes_text) {
                        let key = keys.first().cloned().unwrap_or_default();
                        errors.push(KeymapError::IsText { command: row.name, key, mode });
                    }
                    continue;
                }
                keymap.bound.retain(|bound| bound.command != command || bound.mode != mode);
                keymap.bound.extend(usable.into_iter().map(|keys| Bound { mode, keys, command }));
            }
            changed.push(command);
        }
        errors.extend(keymap.conflicts(&changed));
        if errors.is_empty() { Ok(keymap) } else { Err(errors) }
    }

    /// Keys bound twice in a mode, or hidden behind a shorter sequence; each pair is told once.
    fn conflicts(&self, changed: &[Command]) -> Vec<KeymapError> {
        let mut errors: Vec<KeymapError> = Vec::new();
        let mut told = std::collections::BTreeSet::new();
        for (at, one) in self.bound.iter().enumerate() {
            for (later, other) in self.bound.iter().enumerate() {
                if at == later || one.mode != other.mode || one.command == other.command {
                    continue;
                }
                let key = chord::written(&one.keys);
                // The line of the config that caused it is named first.
                let (first, second) = if changed.contains(&one.command) || !changed.contains(&other.command) {
                    (one.command, other.command)
                } else {
                    (other.command, one.command)
                };
                if one.keys == other.keys {
                    if told.insert((key.clone(), one.command.min(other.command))) {
                        let (first, second) = (first.name(), second.name());
                        errors.push(KeymapError::Conflict { key, first, second, mode: one.mode });
                    }
                } else if other.keys.starts_with(&one.keys) && told.insert((key.clone(), one.command)) {
                    errors.push(KeymapError::Hidden {
                        key,
                        longer: chord::written(&other.keys),
                        first: one.command.name(),
                        second: other.command.name(),
                        mode: one.mode,
                    });
                }
            }
        }
        errors
    }

    /// What `keys` mean in `mode`.
    pub fn meaning(&self, mode: ModeKind, keys: &[Chord]) -> Meaning {
        let mut meaning = Meaning::Nothing;
        for bound in self.bound.iter().filter(|bound| bound.mode == mode && bound.keys.starts_with(keys)) {
            if bound.keys.len() == keys.len() {
                return Meaning::Command(bound.command);
            }
            meaning = Meaning::Prefix;
        }
        meaning
    }

    /// What may follow the keys of `prefix` (as in `App::prefix`): the rest of the keys, and the command.
    pub fn may_follow(&self, mode: ModeKind, prefix: &str) -> Vec<(String, Command)> {
        let Ok(typed) = chord::parse(prefix) else { return Vec::new() };
        let follows =
            |bound: &&Bound| bound.mode == mode && bound.keys.len() > typed.len() && bound.keys.starts_with(&typed);
        self.bound
            .iter()
            .filter(follows)
            .map(|bound| (chord::written(&bound.keys[typed.len()..]), bound.command))
            .collect()
    }

    /// All commands of a mode in the order of the table, with their keys.
    pub fn bindings(&self, mode: ModeKind) -> Vec<Binding> {
        let works = TABLE.iter().filter(|row| row.works_in(mode));
        works
            .map(|row| Binding {
                command: row.command,
                name: row.name,
                words: row.words,
                keys: self.keys(mode, row.command),
            })
            .collect()
    }

    /// The keys of a command in a mode, the first one being the one to show where there is room for one.
    pub fn keys(&self, mode: ModeKind, command: Command) -> Vec<String> {
        let ours = self.bound.iter().filter(|bound| bound.mode == mode && bound.command == command);
        ours.map(|bound| chord::written(&bound.keys)).collect()
    }

    /// The key to show for a command in a mode; empty where it has none.
    pub fn key(&self, mode: ModeKind, command: Command) -> String {
        self.keys(mode, command).into_iter().next().unwrap_or_default()
    }

    /// The README's tables of keys, one per screen, as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for mode in ModeKind::ALL {
            let _ = write!(text, "\n### In the {}\n\n| keys | command | what it does |\n|---|---|---|\n", mode.title());
            for binding in self.bindings(mode) {
                let keys: Vec<_> = binding.keys.iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
                let keys = if keys.is_empty() { format!("`:{}`", binding.name) } else { keys.join(" ") };
                let _ = writeln!(text, "| {keys} | `{}` | {} |", binding.name, binding.words);
            }
        }
        text.trim_start().to_owned()
    }
}

/// The command whose name is most like `name`, if any is.
pub fn nearest(name: &str) -> Option<&'static str> {
    let near = TABLE.iter().map(|row| (strsim::damerau_levenshtein(row.name, name), row.name)).min();
    near.filter(|(distance, known)| *distance <= 2.max(known.len() / 3)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::{Keymap, KeymapError};

    fn with(command: &str, keys: &[&str]) -> Result<Keymap, Vec<KeymapError>> {
        Keymap::with(&[(command.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())])
    }

    #[test]
    fn the_defaults_have_no_conflict() {
        assert_eq!(Keymap::default().conflicts(&[]), []);
    }

    #[test]
    fn a_change_is_checked() {
        assert_eq!(
            with("acknowledge", &["R"]).map(|map| map.key(super::ModeKind::Columns, super::Command::Acknowledge)),
            Ok("R".to_owned())
        );
        let errors = with("acknowledge", &["d"]).unwrap_err();
        assert!(
            matches!(&errors[0], KeymapError::Conflict { key, first: "acknowledge", second: "request-dm", .. } if key == "d")
        );
        let errors = with("acknowledge", &["g"]).unwrap_err();
        assert!(errors.iter().any(|error| matches!(error, KeymapError::Hidden { first: "acknowledge", .. })));
        assert_eq!(
            with("aknowledge", &["r"]).unwrap_err()[0].to_string(),
            "there is no command \"aknowledge\"; did you mean \"acknowledge\"?"
        );
        assert!(matches!(&with("undo-typing", &["a"]).unwrap_err()[0], KeymapError::IsText { .. }));
        assert!(matches!(&with("claim", &["F1"]).unwrap_err()[0], KeymapError::BadKey { .. }));
    }
}
