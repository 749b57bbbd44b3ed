//! Where secrets are kept, and how they are fetched when they are needed. The config itself holds none.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use secrecy::SecretString;

/// A command that gives a secret may take so long; some ask for a touch of a key.
const COMMAND_TIME: Duration = Duration::from_secs(30);
/// More is no secret but the wrong file.
const LONGEST: u64 = 64 * 1024;
/// The service under which the desktop's keyring keeps our secrets.
pub const KEYRING_SERVICE: &str = "replydeck";

/// Names a place that holds a secret; says nothing of the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// The first line a program prints; no shell is between.
    Command(Vec<String>),
    /// The first line of a file that only its owner may read.
    File(PathBuf),
    /// The desktop's keyring: service `replydeck`, this user name. Only with the feature `keyring`.
    Keyring(String),
}

/// Variables that hold secrets, by the configs read so far: children are started in places that know of no config.
static VARIABLES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The environment variables that hold secrets. No child process is to have them: an editor, a browser and a command
/// have no use for them, and much that starts there keeps or shows its environment.
pub fn variables() -> Vec<String> {
    VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Why a secret could not be had. Holds no part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {name} is not set. Set it in the shell that starts replydeck: export {name}=…")]
    NotSet { name: String },
    #[error("the environment variable {name} is empty or not UTF-8. Set it again: export {name}=…")]
    BadVariable { name: String },
    #[error("the secret file {} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the secret file {} may be read by others (mode {mode:04o}). Run: chmod 600 {}", path.display(), super::place::shell_word(path))]
    Exposed { path: PathBuf, mode: u32 },
    #[error("the secret file {} has an empty first line. Write the secret on it", path.display())]
    EmptyFile { path: PathBuf },
    #[error(
        "`{command}` cannot be started: {why}. The config's `command` is a program and its arguments, without a shell"
    )]
    NotStarted { command: String, why: String },
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed { command: String, status: String, stderr: String },
    #[error("`{command}` did not end within {} s and was stopped. Run it by hand once: it may wait for an answer", .seconds)]
    TooSlow { command: String, seconds: u64 },
    #[error("`{command}` printed nothing on its first line")]
    EmptyOutput { command: String },
    #[error("the keyring gave no secret for `{name}` (service {KEYRING_SERVICE}): {why}")]
    Keyring { name: String, why: String },
}

impl fmt::Display for SecretSource {
    /// The place in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Env(name) => write!(f, "the environment variable {name}"),
            SecretSource::Command(words) => write!(f, "the command `{}`", words.join(" ")),
            SecretSource::File(path) => write!(f, "the file {}", path.display()),
            SecretSource::Keyring(name) => write!(f, "the keyring entry {name}"),
        }
    }
}

impl SecretSource {
    /// A secret in the environment; from now on no child process gets the variable.
    pub fn env(name: &str) -> Self {
        VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Self::Env(name.to_owned())
    }

    /// Fetches the secret. Blocks: a command may take up to 30 s.
    pub fn resolve(&self) -> Result<SecretString, SecretError> {
        self.resolve_within(COMMAND_TIME)
    }

    fn resolve_within(&self, time: Duration) -> Result<SecretString, SecretError> {
        match self {
            SecretSource::Env(name) => match std::env::var_os(name) {
                None => Err(SecretError::NotSet { name: name.clone() }),
                Some(value) => {
                    value.to_str().and_then(first_line).ok_or_else(|| SecretError::BadVariable { name: name.clone() })
                }
            },
            SecretSource::Command(words) => from_command(words, time),
            SecretSource::File(path) => from_file(path),
            SecretSource::Keyring(name) => from_keyring(name),
        }
    }
}

/// A secret is one line: what follows, such as the notes `pass` keeps below it, is not part of it.
fn first_line(text: &str) -> Option<SecretString> {
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| SecretString::from(line))
}

fn from_file(path: &Path) -> Result<SecretString, SecretError> {
    let unreadable = |why: String| SecretError::Unreadable { path: path.to_owned(), why };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    // Of the opened file, so that nobody swaps it between the look and the reading.
    let about = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = about.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed { path: path.to_owned(), mode });
        }
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    first_line(&text).ok_or_else(|| SecretError::EmptyFile { path: path.to_owned() })
}

fn from_command(words: &[String], time: Duration) -> Result<SecretString, SecretError> {
    // Arguments could name what they fetch; the program's name is enough to know which one failed.
    let command = words.first().cloned().unwrap_or_default();
    let not_started = |why: String| SecretError::NotStarted { command: command.clone(), why };
    let mut program = Command::new(&command);
    for name in variables() {
        program.env_remove(name);
    }
    let mut child = program
        .args(words.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(error.to_string()))?;
    let (answers, answered) = mpsc::channel();
    let said = read_aside(child.stdout.take(), answers.clone(), Stream::Out);
    let complained = read_aside(child.stderr.take(), answers, Stream::Err);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    for _ in 0..usize::from(said) + usize::from(complained) {
        match answered.recv_timeout(time) {
            Ok((Stream::Out, text)) => stdout = text,
            Ok((Stream::Err, text)) => stderr = text,
            Err(_too_slow) => {
                stop(&mut child);
                return Err(SecretError::TooSlow { command, seconds: time.as_secs() });
            }
        }
    }
    let status = child.wait().map_err(|error| not_started(error.to_string()))?;
    if !status.success() {
        let stderr = crate::model::clean::line(stderr.trim());
        let stderr = if stderr.is_empty() { "it gave no reason".to_owned() } else { shorten(&stderr) };
        return Err(SecretError::Failed { command, status: status.to_string(), stderr });
    }
    first_line(&stdout).ok_or(SecretError::EmptyOutput { command })
}

#[derive(Clone, Copy, Debug)]
enum Stream {
    Out,
    Err,
}

/// Reads a pipe to its end on a thread of its own: a program that fills one pipe while the other is read
/// would never end. False where there is no pipe.
fn read_aside<R: Read + Send + 'static>(
    pipe: Option<R>,
    answers: mpsc::Sender<(Stream, String)>,
    stream: Stream,
) -> bool {
    let Some(pipe) = pipe else { return false };
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An unreadable pipe is an ended one; the exit status tells the rest.
        let _ended = pipe.take(LONGEST).read_to_end(&mut bytes);
        let _nobody_waits = answers.send((stream, String::from_utf8_lossy(&bytes).into_owned()));
    });
    true
}

fn stop(child: &mut Child) {
    // It may have ended in this very moment, which is as good.
    let _gone = child.kill();
    let _reaped = child.wait();
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 300;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}

#[cfg(feature = "keyring")]
fn from_keyring(name: &str) -> Result<SecretString, SecretError> {
    let failed = |why: keyring::Error| SecretError::Keyring { name: name.to_owned(), why: why.to_string() };
    let entry = keyring::Entry::new(KEYRING_SERVICE, name).map_err(failed)?;
    let text = entry.get_password().map_err(failed)?;
    first_line(&text).ok_or_else(|| SecretError::Keyring { name: name.to_owned(), why: "it is empty".to_owned() })
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(name: &str) -> Result<SecretString, SecretError> {
    Err(SecretError::Keyring {
        name: name.to_owned(),
        why: "this replydeck was built without the feature `keyring`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::ExposeSecret;

    use super::{SecretError, SecretSource};

    fn command(words: &[&str]) -> SecretSource {
        SecretSource::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_command_gives_its_first_line() {
        let secret = command(&["printf", "  the-secret \\nnotes\\n"]).resolve().unwrap();
        assert_eq!(secret.expose_secret(), "the-secret");
    }

    #[test]
    fn a_command_that_fails_is_told_in_its_own_words_and_without_what_it_printed() {
        let error = command(&["sh", "-c", "echo half-a-secret; printf 'no such\\033[31m entry' >&2; exit 3"])
            .resolve()
            .unwrap_err()
            .to_string();
        assert_eq!(error, "`sh` failed (exit status: 3): no such entry");
    }

    #[test]
    fn a_command_that_does_not_end_is_stopped() {
        let error = command(&["sleep", "600"]).resolve_within(Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error, SecretError::TooSlow { .. }), "{error}");
    }

    #[test]
    fn a_command_that_fills_the_other_pipe_first_ends_all_the_same() {
        let script = "head -c 60000 /dev/zero | tr '\\0' x >&2; echo the-secret";
        assert_eq!(command(&["sh", "-c", script]).resolve().unwrap().expose_secret(), "the-secret");
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert!(matches!(command(&["no-such-program-here"]).resolve(), Err(SecretError::NotStarted { .. })));
        assert!(matches!(command(&["true"]).resolve(), Err(SecretError::EmptyOutput { .. })));
        let missing = SecretSource::Env("REPLYDECK_TEST_NEVER_SET".to_owned()).resolve().unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the environment variable REPLYDECK_TEST_NEVER_SET is not set. \
             Set it in the shell that starts replydeck: export REPLYDECK_TEST_NEVER_SET=…"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_command_that_helps() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token file");
        std::fs::write(&path, "the-secret\n").unwrap();
        let source = SecretSource::File(path.clone());
        for mode in [0o644, 0o640, 0o604, 0o620] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = source.resolve().unwrap_err().to_string();
            assert!(error.contains(&format!("(mode {mode:04o})")), "{error}");
            assert!(error.ends_with(&format!("Run: chmod 600 '{}'", path.display())), "{error}");
            assert!(!error.contains("the-secret"));
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(source.resolve().unwrap().expose_secret(), "the-secret");
        std::fs::write(&path, "\nlater").unwrap();
        assert!(matches!(source.resolve(), Err(SecretError::EmptyFile { .. })));
        assert!(matches!(SecretSource::File(folder.path().to_owned()).resolve(), Err(SecretError::Unreadable { .. })));
    }

    #[cfg(not(feature = "keyring"))]
    #[test]
    fn without_the_feature_the_keyring_says_so() {
        let error = SecretSource::Keyring("x".to_owned()).resolve().unwrap_err().to_string();
        assert!(error.contains("built without the feature `keyring`"), "{error}");
    }
}
