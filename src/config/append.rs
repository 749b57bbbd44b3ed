//! Adding a column to a config file that people write by hand: every line that was there stays as it is, the new table
//! comes at the end, and what would come out is checked before anything is written.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::Config;
use super::show::text;
use crate::app::NewColumn;

/// The file's text with the column behind it.
pub fn with_column(file: &str, column: &NewColumn) -> String {
    let mut out = file.to_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str("\n[[columns]]\n");
    for (key, value) in
        [("name", column.name.as_str()), ("account", column.account.as_str()), ("query", column.query.as_str())]
    {
        out.push_str(key);
        out.push_str(" = ");
        out.push_str(&text(value));
        out.push('\n');
    }
    out
}

/// Writes the column into the file, or says why not; then the file is as it was.
pub fn add_column(path: &Path, column: &NewColumn) -> Result<(), String> {
    // A link stays a link: the file it leads to is written.
    let path = fs::canonicalize(path).map_err(|error| format!("{} cannot be found: {error}", path.display()))?;
    let shown = path.display();
    let before = fs::read_to_string(&path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let after = with_column(&before, column);
    let has_columns = |text: &str| Config::parse(text, &shown.to_string()).map(|config| config.columns.len());
    let was = has_columns(&before).map_err(|error| format!("the config has a mistake already: {error}"))?;
    let will_be = has_columns(&after).map_err(|error| format!("the config would have a mistake: {error}"))?;
    if will_be != was + 1 {
        return Err("the file writes its columns in a way nothing can be added to; add it by hand".to_owned());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut fresh = tempfile_in(folder, &path)?;
        fresh.1.write_all(after.as_bytes())?;
        fresh.1.sync_all()?;
        fs::set_permissions(&fresh.0, fs::metadata(&path)?.permissions())?;
        fs::rename(&fresh.0, &path)
    };
    write().map_err(|error| format!("{shown} cannot be written: {error}"))
}

/// A new file beside the one it is to take the place of.
fn tempfile_in(folder: &Path, path: &Path) -> std::io::Result<(std::path::PathBuf, fs::File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fresh = folder.join(format!(".{name}.new"));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        // Left by a run that was killed here, or nothing.
        _ => {}
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&fresh)?;
    Ok((fresh, file))
}

#[cfg(test)]
mod tests {
    use super::{Config, add_column};
    use crate::app::NewColumn;
    use crate::model::{AccountName, ColumnName};

    fn column(query: &str) -> NewColumn {
        NewColumn { name: ColumnName::new("new"), account: AccountName::new("example"), query: query.to_owned() }
    }

    #[test]
    fn the_users_lines_stay_and_the_column_comes_behind_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deck.toml");
        let mut before = crate::config::example::example();
        before.push_str("next-news = [\"gz\"] # mine");
        std::fs::write(&path, &before).expect("written");
        let query = "\"so slow\" OR #a\\b -is:retweet";
        assert_eq!(add_column(&path, &column("\"so slow\" OR #ab -is:retweet")), Ok(()));
        let after = std::fs::read_to_string(&path).expect("read");
        assert!(after.starts_with(&before), "nothing of it changed");
        let config = Config::load(&path).expect("a config");
        let added = config.columns.last().expect("columns");
        assert_eq!((added.name.as_str(), added.rule.source()), ("new", "\"so slow\" OR #ab -is:retweet"));
        // The same name again, and a query that cannot be read: the file stays as it is.
        for bad in ["other", query, "(open"] {
            assert!(add_column(&path, &column(bad)).is_err(), "{bad}");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), after);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn columns_written_as_a_list_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deck.toml");
        let text = "columns = [{ name = \"a\", account = \"example\", query = \"acme\" }]\n[accounts.example]\nnetwork = \"x\"\nhandle = \"Help\"\nbearer = { env = \"B\" }\n";
        std::fs::write(&path, text).expect("written");
        let why = add_column(&path, &column("slow")).expect_err("refused");
        assert!(why.contains("would have a mistake"), "{why}");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
    }
}
