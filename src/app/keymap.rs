//! The one table of keys.

/// The keys in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    #[error("there is no command {name:?}")]
    UnknownCommand { name: String },
}

impl KeymapError {
    pub fn command(&self) -> &str {
        let KeymapError::UnknownCommand { name } = self;
        name
    }
}

impl Keymap {
    pub fn with(overrides: &[(String, Vec<String>)]) -> Result<Keymap, Vec<KeymapError>> {
        let unknown: Vec<_> = overrides
            .iter()
            .filter(|(name, _)| name != "acknowledge" && name != "request-dm")
            .map(|(name, _)| KeymapError::UnknownCommand { name: name.clone() })
            .collect();
        if unknown.is_empty() { Ok(Keymap {}) } else { Err(unknown) }
    }
}
