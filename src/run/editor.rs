//! `$EDITOR`: the text goes out in a file only we can read, and comes back when the editor ends.

use std::io::Write;
use std::process::ExitStatus;

use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use crate::config::secret;

/// An editor at work on a text.
#[derive(Debug)]
pub struct Editing {
    file: NamedTempFile,
    child: Child,
    name: String,
}

impl Editing {
    /// Starts `$VISUAL`, `$EDITOR` or `vi` on the text.
    pub fn start(text: &str) -> Result<Self, String> {
        let name = ["VISUAL", "EDITOR"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.trim().is_empty())
            .unwrap_or_else(|| "vi".into());
        let mut file = tempfile::Builder::new()
            .prefix("replydeck-")
            .suffix(".txt")
            .tempfile()
            .map_err(|error| format!("no file for the editor could be made: {error}"))?;
        file.write_all(text.as_bytes()).map_err(|error| format!("the text could not be handed over: {error}"))?;
        // The variable may hold arguments: `code --wait`.
        let mut words = name.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let mut command = Command::new(program);
        for name in secret::variables() {
            command.env_remove(name);
        }
        let child = command
            .args(words)
            .arg(file.path())
            .spawn()
            .map_err(|error| format!("the editor `{program}` could not be started: {error}. Set EDITOR"))?;
        Ok(Self { file, child, name })
    }

    /// Waits for the editor to end.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// The text as the editor left it; the old one stays where the editor failed.
    pub fn text(self, status: std::io::Result<ExitStatus>) -> Result<String, String> {
        let status = status.map_err(|error| format!("the editor `{}` was lost: {error}", self.name))?;
        if !status.success() {
            return Err(format!("the editor `{}` ended with {status}: the draft is as it was", self.name));
        }
        // Read by its path: editors that save by renaming leave another file there.
        let bytes = std::fs::read(self.file.path())
            .map_err(|error| format!("the edited text could not be read: {error}; the draft is as it was"))?;
        let text = String::from_utf8(bytes).map_err(|_| "the edited text is not UTF-8; the draft is as it was")?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }
}
