//! Where a secret of an account is kept, read from the config. What stands on these lines is never shown in a problem.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;

use super::problem::Problem;
use super::secret::SecretSource;
use super::table::Reader;

/// Where relative paths start, and what `~/` stands for.
pub(super) struct SecretPlace<'p> {
    pub(super) folder: &'p Path,
    pub(super) home: Option<&'p Path>,
}

const SOURCES: &str = "{ env = \"NAME\" }, { command = [\"pass\", \"show\", \"x\"] }, { file = \"path, mode 0600\" } or { keyring = \"name\" }";

/// Reads where a secret is kept. What stands on these lines is never shown in a problem.
pub(super) fn read_secret(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    place: &SecretPlace<'_>,
) -> Option<SecretSource> {
    let secret_problem = |message: String| Problem::new(value.span(), message).masked(true);
    if value.get_ref().is_str() {
        reader.problem(
            secret_problem(format!("`{key}` must name where the secret is kept, not be the secret"))
                .remedy(format!("{key} = {SOURCES}")),
        );
        return None;
    }
    let mut table = reader.as_table(key, value, &format!("one of {SOURCES}"))?.secret();
    let problems_before = reader.problems.len();
    let env = table.text(reader, "env", "the name of an environment variable");
    let file = table.text(reader, "file", "a path in quotes");
    let keyring = table.text(reader, "keyring", "a user name in quotes");
    let command_value = table.take("command");
    table.finish(reader);
    let mut found = Vec::new();
    if let Some(env) = env {
        let is_name = !env.value.is_empty()
            && !env.value.starts_with(|c: char| c.is_ascii_digit())
            && env.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            found.push(SecretSource::env(env.value));
        } else {
            // It may be the secret itself, so it is not repeated.
            reader.problem(
                Problem::new(env.span, "`env` is not the name of an environment variable".to_owned())
                    .remedy("env = \"REPLYDECK_X_BEARER\" names it; its value stays in the environment")
                    .masked(true),
            );
        }
    }
    if let Some(command) = command_value {
        let words = command.get_ref().as_array().map(|_| reader.as_texts("command", command, "a list of words"));
        match words {
            Some(Some(words)) if words.first().is_some_and(|program| !program.value.is_empty()) => {
                found.push(SecretSource::Command(words.iter().map(|word| word.value.to_owned()).collect()));
            }
            _ => reader.problem(
                Problem::new(command.span(), "`command` must be a list: a program and its arguments".to_owned())
                    .remedy("command = [\"pass\", \"show\", \"x\"]; there is no shell between")
                    .masked(true),
            ),
        }
    }
    if let Some(file) = file {
        found.push(SecretSource::File(resolve_path(file.value, place)));
    }
    if let Some(name) = keyring {
        if cfg!(feature = "keyring") {
            found.push(SecretSource::Keyring(name.value.to_owned()));
        } else {
            reader.problem(
                Problem::new(name.span, "this replydeck was built without the keyring".to_owned())
                    .remedy("build it with `--features keyring`, or use env, command or file")
                    .masked(true),
            );
        }
    }
    match found.len() {
        1 => found.pop(),
        0 => {
            if reader.problems.len() == problems_before {
                reader.problem(secret_problem(format!("`{key}` names no place")).remedy(format!("{key} = {SOURCES}")));
            }
            None
        }
        _ => {
            reader.problem(
                secret_problem(format!("`{key}` names more than one place"))
                    .remedy("keep one of env, command, file, keyring"),
            );
            None
        }
    }
}

fn resolve_path(written: &str, place: &SecretPlace<'_>) -> PathBuf {
    match (written.strip_prefix("~/"), place.home) {
        (Some(rest), Some(home)) => home.join(rest),
        // An absolute path stays what it is.
        _ => place.folder.join(written),
    }
}
