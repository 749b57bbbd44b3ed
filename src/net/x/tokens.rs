//! The tokens of an account that was logged in by `replydeck auth`: one file of mode 0600 in the data folder.
//!
//! It is replaced as a whole (write beside it, fsync, rename, fsync the folder), so that whoever reads it, and
//! whatever kills whoever writes it, finds the old tokens or the new ones. Whoever changes it holds the lock file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::AccountName;
use crate::net::kept::{self, KeptError};

/// The only version there is.
const VERSION: u8 = 1;
/// Room taken on the disk before the request leaves, so that its answer finds some.
const RESERVED: usize = 8 * 1024;
/// The room that the answer of a renewal goes to.
pub(super) const NEXT: &str = "next";

/// Who is logged in, and how.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    version: u8,
    /// Whom X named when the login was made.
    pub handle: String,
    pub user_id: String,
    pub tokens: Tokens,
}

/// The two kinds X gives.
#[derive(Clone, Serialize, Deserialize)]
pub enum Tokens {
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
    #[serde(rename = "oauth1")]
    OAuth1 { consumer_key: String, token: String, token_secret: String },
}

/// A pair of OAuth 2.0 and what became of its renewal.
#[derive(Clone, Serialize, Deserialize)]
pub struct OAuth2 {
    pub client_id: String,
    pub access_token: String,
    /// Good for one use. None: `offline.access` was not approved.
    pub refresh_token: Option<String>,
    pub expires: Timestamp,
    /// Seconds the access token lives in all.
    pub lives: u32,
    pub scopes: Vec<String>,
    pub renewal: Renewal,
}

/// How far the use of the refresh token has come. Written down before each step that cannot be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// It has never left this machine.
    #[default]
    Unused,
    /// It is about to leave, or left, and no answer is stored.
    Sent { at: Timestamp },
    /// The same, a last time, after the access token had ended and nothing was left to lose.
    SentAgain { at: Timestamp },
    /// X takes it no more.
    Over { at: Timestamp, why: String },
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("handle", &self.handle).field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2")
            .field("expires", &self.expires)
            .field("scopes", &self.scopes)
            .field("renewal", &self.renewal)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tokens::OAuth2(tokens) => tokens.fmt(f),
            Tokens::OAuth1 { .. } => f.debug_struct("OAuth1").finish_non_exhaustive(),
        }
    }
}

impl Kept {
    pub fn new(handle: &str, user_id: &str, tokens: Tokens) -> Self {
        Self { version: VERSION, handle: handle.to_owned(), user_id: user_id.to_owned(), tokens }
    }
}

impl OAuth2 {
    /// A renewal is due: a quarter of its life, at most half an hour, is left of the access token.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let ahead = (self.lives / 4).min(30 * 60);
        self.expires.duration_since(now) <= SignedDuration::from_secs(i64::from(ahead))
    }

    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Names the access token without saying it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.access_token.as_bytes());
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{number:016x}")
    }
}

/// Where an account's tokens are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFile {
    folder: PathBuf,
    name: String,
}

/// The right to change a token file; ends when dropped, or with the process.
#[derive(Debug)]
pub struct TokenLock(#[expect(dead_code, reason = "held, not read")] File);

impl TokenFile {
    pub fn of(data_dir: &Path, account: &AccountName) -> Self {
        Self { folder: data_dir.to_owned(), name: kept::name("login", account) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    /// The tokens; `None` where nobody has logged in.
    pub fn read(&self) -> Result<Option<Kept>, KeptError> {
        let path = self.path();
        let Some(bytes) = kept::read(&path)? else { return Ok(None) };
        parse(&bytes).map(Some).ok_or(KeptError::Foreign { path })
    }

    /// Puts the answer of a renewal in its place, where it was written whole and not put there. False: there is none.
    pub(super) fn salvage(&self, _lock: &TokenLock) -> Result<bool, KeptError> {
        let beside = self.folder.join(format!("{}.{NEXT}", self.name));
        let failed = |error: io::Error| KeptError::Unwritable { path: self.path(), why: error.to_string() };
        let bytes = match fs::read(&beside) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        if parse(&bytes).is_none() {
            return Ok(false);
        }
        let put = || -> io::Result<()> {
            File::open(&beside)?.sync_all()?;
            fs::rename(&beside, self.path())?;
            File::open(&self.folder)?.sync_all()
        };
        put().map(|()| true).map_err(failed)
    }

    /// Waits for the lock; `None` where somebody held it all the time.
    pub async fn lock(&self, within: Duration) -> Result<Option<TokenLock>, KeptError> {
        const STEP: Duration = Duration::from_millis(20);
        let path = self.folder.join(format!("{}.lock", self.name));
        let failed = |error: io::Error| KeptError::Unwritable { path: path.clone(), why: error.to_string() };
        let file = kept::private(&path, false).map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(TokenLock(file))),
                Err(fs::TryLockError::WouldBlock) if waited >= within => return Ok(None),
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
    }

    /// Takes the room for a later [`Reserved::commit`]. `part` tells two reservations of one run apart.
    pub fn reserve(&self, _lock: &TokenLock, part: &str) -> Result<Reserved, KeptError> {
        let beside = self.folder.join(format!("{}.{part}", self.name));
        let reserve = || -> io::Result<File> {
            let mut file = kept::private(&beside, true)?;
            file.write_all(&[b' '; RESERVED])?;
            file.sync_all()?;
            Ok(file)
        };
        match reserve() {
            Ok(file) => Ok(Reserved { file, beside, path: self.path(), folder: self.folder.clone() }),
            Err(error) => Err(KeptError::Unwritable { path: beside, why: error.to_string() }),
        }
    }

    /// Replaces the tokens.
    pub fn write(&self, lock: &TokenLock, kept: &Kept) -> Result<(), KeptError> {
        self.reserve(lock, "new")?.commit(kept)
    }

    /// Forgets the tokens.
    pub fn remove(&self, _lock: &TokenLock) -> Result<(), KeptError> {
        kept::remove(&self.path())
    }
}

/// Room on the disk for new tokens.
#[derive(Debug)]
pub struct Reserved {
    file: File,
    beside: PathBuf,
    path: PathBuf,
    folder: PathBuf,
}

impl Reserved {
    /// Puts the tokens in their place. May be tried again where it failed.
    pub fn commit(&mut self, kept: &Kept) -> Result<(), KeptError> {
        let mut bytes = serde_json::to_vec(kept).expect("tokens are plain JSON");
        bytes.push(b'\n');
        let length = bytes.len() as u64;
        // Over the room that was taken: nothing new is asked of the disk.
        bytes.resize(bytes.len().max(RESERVED), b' ');
        let mut put = || -> io::Result<()> {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&bytes)?;
            self.file.set_len(length)?;
            self.file.sync_all()?;
            fs::rename(&self.beside, &self.path)?;
            File::open(&self.folder)?.sync_all()
        };
        put().map_err(|error| KeptError::Unwritable { path: self.path.clone(), why: error.to_string() })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // Gone already where it was committed; what stays is empty room that the next reservation takes over.
        if let Err(error) = fs::remove_file(&self.beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "room reserved beside the tokens stays");
        }
    }
}

/// What serde says of a bad file could repeat a piece of it, so it says nothing.
fn parse(bytes: &[u8]) -> Option<Kept> {
    serde_json::from_slice::<Kept>(bytes).ok().filter(|kept| kept.version == VERSION)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Kept, KeptError, OAuth2, Renewal, TokenFile, Tokens};
    use crate::model::AccountName;

    fn kept(access: &str) -> Kept {
        let tokens = OAuth2 {
            client_id: "client".into(),
            access_token: access.into(),
            refresh_token: Some("refresh".into()),
            expires: "2026-03-02T12:00:00Z".parse().unwrap(),
            lives: 7200,
            scopes: vec!["tweet.read".into()],
            renewal: Renewal::Unused,
        };
        Kept::new("AcmeHelp", "42", Tokens::OAuth2(tokens))
    }

    fn access(file: &TokenFile) -> String {
        match file.read().unwrap().unwrap().tokens {
            Tokens::OAuth2(tokens) => tokens.access_token,
            Tokens::OAuth1 { .. } => panic!("another kind"),
        }
    }

    #[tokio::test]
    async fn tokens_are_replaced_as_a_whole_and_kept_to_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = TokenFile::of(folder.path(), &AccountName::new("a/b c"));
        assert!(file.read().unwrap().is_none());
        let lock = file.lock(Duration::ZERO).await.unwrap().unwrap();
        assert!(file.lock(Duration::ZERO).await.unwrap().is_none(), "one at a time");
        file.write(&lock, &kept("first")).unwrap();
        let mut room = file.reserve(&lock, "next").unwrap();
        assert_eq!(access(&file), "first", "nothing happens before the commit");
        room.commit(&kept("second")).unwrap();
        drop(room);
        assert_eq!(access(&file), "second");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the tokens and their lock: {names:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(file.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(file.read(), Err(KeptError::Exposed { .. })));
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        // Killed between the last byte of the answer and its place: it is found beside the file.
        assert!(!file.salvage(&lock).unwrap());
        let beside = folder.path().join(format!("{}.next", file.name));
        std::fs::write(&beside, " ".repeat(8192)).unwrap();
        assert!(!file.salvage(&lock).unwrap(), "room that nothing was written to");
        std::fs::write(&beside, serde_json::to_string(&kept("third")).unwrap() + "\n    ").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&beside, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(file.salvage(&lock).unwrap());
        assert_eq!(access(&file), "third");
        assert!(!beside.exists());
        std::fs::write(file.path(), "{\"refresh_token\": \"secret").unwrap();
        let told = file.read().unwrap_err().to_string();
        assert!(told.contains("log in again") && !told.contains("secret"), "{told}");
        file.remove(&lock).unwrap();
        file.remove(&lock).unwrap();
        assert!(file.read().unwrap().is_none());
    }

    #[test]
    fn a_renewal_is_due_before_the_end_and_debug_output_holds_no_token() {
        let Tokens::OAuth2(tokens) = kept("the-access-token").tokens else { panic!("another kind") };
        let at = |text: &str| text.parse().unwrap();
        assert!(!tokens.is_due(at("2026-03-02T11:29:59Z")));
        assert!(tokens.is_due(at("2026-03-02T11:30:00Z")) && !tokens.has_ended(at("2026-03-02T11:59:59Z")));
        assert!(tokens.has_ended(at("2026-03-02T12:00:00Z")));
        let shown = format!("{tokens:?} {:?}", kept("the-access-token"));
        assert!(!shown.contains("the-access-token") && !shown.contains("\"refresh\""), "{shown}");
        assert_eq!(tokens.fingerprint().len(), 16);
    }
}
