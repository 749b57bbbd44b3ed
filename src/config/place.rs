//! Where the config and the data live: what is asked for, else the environment, else the places of the system
//! (XDG on Linux).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::model::{RepName, clean};

pub const CONFIG_VARIABLE: &str = "REPLYDECK_CONFIG";
pub const DATA_VARIABLE: &str = "REPLYDECK_DATA_DIR";

/// The two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The config file; it need not be there.
    pub config: PathBuf,
    /// The folder of the store and the log file; it need not be there.
    pub data: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("there is no home folder to keep things in. Set HOME, or {CONFIG_VARIABLE} and {DATA_VARIABLE}")]
    NoHome,
}

impl Places {
    /// What the command line asks for comes first; an empty path counts as not said.
    pub fn find(config: Option<PathBuf>, data: Option<PathBuf>) -> Result<Self, PlaceError> {
        Self::find_in(config, data, &|name| std::env::var_os(name), &system_folders)
    }

    fn find_in(
        config: Option<PathBuf>,
        data: Option<PathBuf>,
        variable: &dyn Fn(&str) -> Option<OsString>,
        folders: &dyn Fn() -> Option<(PathBuf, PathBuf)>,
    ) -> Result<Self, PlaceError> {
        let said = |asked: Option<PathBuf>, name: &str| {
            asked
                .filter(|path| !path.as_os_str().is_empty())
                .or_else(|| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from))
        };
        match (said(config, CONFIG_VARIABLE), said(data, DATA_VARIABLE)) {
            (Some(config), Some(data)) => Ok(Self { config, data }),
            (config, data) => {
                let (config_folder, data_folder) = folders().ok_or(PlaceError::NoHome)?;
                Ok(Self {
                    config: config.unwrap_or_else(|| config_folder.join("config.toml")),
                    data: data.unwrap_or(data_folder),
                })
            }
        }
    }
}

fn system_folders() -> Option<(PathBuf, PathBuf)> {
    let folders = directories::ProjectDirs::from("", "", "replydeck")?;
    Some((folders.config_dir().to_owned(), folders.data_local_dir().to_owned()))
}

/// The name the rep logged in with; `rep` where the system does not say.
pub fn login_name() -> RepName {
    let name = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .map(|name| clean::line(&name))
        .find(|name| !name.is_empty());
    RepName::new(name.as_deref().unwrap_or("rep"))
}

/// A path as a shell takes it.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_alphanumeric() || "/._-+@:".contains(c)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::{PlaceError, Places};

    fn find(asked: Option<&str>, set: &[(&str, &str)], home: bool) -> Result<Places, PlaceError> {
        let variable = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        let folders =
            || home.then(|| (PathBuf::from("/h/a/.config/replydeck"), PathBuf::from("/h/a/.local/share/replydeck")));
        Places::find_in(asked.map(PathBuf::from), None, &variable, &folders)
    }

    #[test]
    fn what_is_asked_for_comes_before_the_environment_and_that_before_the_system() {
        let both = [("REPLYDECK_CONFIG", "/env/c.toml"), ("REPLYDECK_DATA_DIR", "/env/data")];
        let places = find(Some("/asked.toml"), &both, true).unwrap();
        assert_eq!(places, Places { config: "/asked.toml".into(), data: "/env/data".into() });
        assert_eq!(find(None, &both, false).unwrap().config, PathBuf::from("/env/c.toml"));
        let system = find(None, &[("REPLYDECK_CONFIG", "")], true).unwrap();
        assert_eq!(system.config, PathBuf::from("/h/a/.config/replydeck/config.toml"));
        assert_eq!(system.data, PathBuf::from("/h/a/.local/share/replydeck"));
        assert_eq!(find(Some("/asked.toml"), &[], false), Err(PlaceError::NoHome));
    }
}
