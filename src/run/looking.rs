//! Who looks posts up: X bills each look at an older post, so of all decks on a host that share an account one does it,
//! and what it finds reaches the others through the log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::session::Lease;
use crate::model::AccountName;

/// The accounts for which this process looks.
#[derive(Debug)]
pub struct Looking {
    data_dir: PathBuf,
    /// Held until the process ends, however it does.
    held: Mutex<BTreeMap<AccountName, Lease>>,
}

impl Looking {
    pub fn new(data_dir: PathBuf) -> Self {
        Self { data_dir, held: Mutex::default() }
    }

    /// Whether the look is ours: the first to ask has it from then on, after its end the next one.
    pub fn is_ours(&self, account: &AccountName) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(account) {
            return true;
        }
        match Lease::take(&self.data_dir, "looks", account) {
            Ok(Some(lease)) => {
                held.insert(account.clone(), lease);
                true
            }
            Ok(None) => false,
            Err(error) => {
                // Texts that must go are worth more than a look too many.
                tracing::warn!(%error, "who looks posts up cannot be settled; this deck does");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Looking;
    use crate::model::AccountName;

    #[test]
    fn one_of_two_decks_looks_and_the_other_goes_on_after_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Looking::new(folder.path().to_owned()), Looking::new(folder.path().to_owned()));
        let (acme, other) = (AccountName::new("acme"), AccountName::new("other"));
        assert!(first.is_ours(&acme) && !second.is_ours(&acme) && first.is_ours(&acme));
        assert!(second.is_ours(&other) && !first.is_ours(&other), "each account by itself");
        drop(first);
        assert!(second.is_ours(&acme));
    }
}
