//! `[keys]`: which keys do what, where they differ from the table.

use super::problem::Problem;
use super::table::{Reader, Table, Text};
use crate::app::keymap::Keymap;

/// A command and the keys the config gives it.
pub type Override = (String, Vec<String>);

/// Reads the overrides and makes the keymap of them; problems point at the command or the very key.
pub(super) fn read(reader: &mut Reader<'_>, table: &Table<'_>) -> (Vec<Override>, Keymap) {
    let mut written: Vec<(Text<'_>, Vec<Text<'_>>)> = Vec::new();
    for (command, value) in table.all() {
        if let Some(keys) = reader.as_texts(command.value, value, "a list of keys such as [\"r\", \"C-r\"]") {
            written.push((command, keys));
        }
    }
    let overrides: Vec<Override> = written
        .iter()
        .map(|(command, keys)| (command.value.to_owned(), keys.iter().map(|key| key.value.to_owned()).collect()))
        .collect();
    match Keymap::with(&overrides) {
        Ok(keymap) => (overrides, keymap),
        Err(errors) => {
            for error in errors {
                let message = error.to_string();
                let entry = written.iter().find(|(command, _)| command.value == error.command());
                let key =
                    entry.and_then(|(_, keys)| keys.iter().find(|key| message.contains(&format!("{:?}", key.value))));
                let span =
                    key.or(entry.map(|(command, _)| command)).map_or(table.span.clone(), |text| text.span.clone());
                reader.problem(
                    Problem::new(span, message)
                        .remedy("`?` in the deck and the README list every command and its keys"),
                );
            }
            (overrides, Keymap::default())
        }
    }
}
