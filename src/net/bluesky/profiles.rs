//! What Bluesky says of authors: handle, name, followers. Asked for in batches, kept for a while, forgotten when the
//! stream tells of a change.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::record::{bounded, did_of, items, text_of};
use super::xrpc::{Api, Ask, CallError};
use crate::model::Author;

/// So many are asked about with one question.
const BATCH: usize = 25;
/// So many are kept; a few megabytes.
const KEPT: usize = 20_000;

/// An author, as the network knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) did: String,
    pub(super) handle: String,
    name: String,
    followers: Option<u64>,
    is_verified: bool,
}

impl Profile {
    pub(super) fn of(value: &Value) -> Option<Self> {
        let handle = bounded(text_of(value, "handle"));
        Some(Self {
            did: did_of(text_of(value, "did"))?,
            // So Bluesky shows a handle whose domain no longer says that it is theirs.
            handle: if handle == "handle.invalid" { String::new() } else { handle },
            name: bounded(text_of(value, "displayName")),
            followers: value.get("followersCount").and_then(Value::as_u64),
            is_verified: value.get("verification").is_some_and(|says| text_of(says, "verifiedStatus") == "valid"),
        })
    }

    pub(super) fn tell(&self, author: &mut Author) {
        author.handle.clone_from(&self.handle);
        author.name.clone_from(&self.name);
        author.followers = self.followers;
        author.is_verified = self.is_verified;
    }
}

/// Profiles by id or handle; whom the network does not know is left out.
pub(super) async fn ask(api: &Api, actors: &[String], within: Duration) -> Result<Vec<Profile>, CallError> {
    let mut found = Vec::new();
    for batch in actors.chunks(BATCH) {
        let query: Vec<(&str, &str)> = batch.iter().map(|actor| ("actors", actor.as_str())).collect();
        let answer = api.public(&Ask::get("app.bsky.actor.getProfiles", &query, within)).await?;
        found.extend(items(answer.get("profiles")).filter_map(Profile::of));
    }
    Ok(found)
}

type Asking = Pin<Box<dyn Future<Output = Result<Vec<Profile>, CallError>> + Send>>;

/// The profiles of those whose posts matched.
pub(super) struct Profiles {
    api: Arc<Api>,
    /// None: the network knows nobody of that id.
    known: HashMap<String, (Option<Profile>, Instant)>,
    order: VecDeque<String>,
    wanted: BTreeSet<String>,
    asked: Vec<String>,
    asking: Option<Asking>,
    /// After a failure nobody is asked about before.
    not_before: Option<Instant>,
}

impl Profiles {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self {
            api,
            known: HashMap::new(),
            order: VecDeque::new(),
            wanted: BTreeSet::new(),
            asked: Vec::new(),
            asking: None,
            not_before: None,
        }
    }

    /// Whether the network was asked about somebody lately, and answered.
    pub(super) fn is_known(&self, did: &str) -> bool {
        self.known.get(did).is_some_and(|(_, since)| since.elapsed() < self.api.pace.profile_kept)
    }

    /// What the network says of somebody.
    pub(super) fn get(&self, did: &str) -> Option<&Profile> {
        self.known.get(did).filter(|_| self.is_known(did))?.0.as_ref()
    }

    /// Nobody is asked about for now: waiting for an answer would be in vain.
    pub(super) fn rests(&self) -> bool {
        self.asking.is_none() && self.not_before.is_some_and(|until| Instant::now() < until)
    }

    /// Asks about somebody with the next question. False where nobody is asked about now.
    pub(super) fn want(&mut self, did: &str) -> bool {
        let may = self.not_before.is_none_or(|until| Instant::now() >= until);
        if may && !self.is_known(did) && !self.asked.iter().any(|asked| asked == did) {
            self.wanted.insert(did.to_owned());
        }
        if may {
            self.ask_next();
        }
        may
    }

    /// They may be called otherwise by now.
    pub(super) fn forget(&mut self, did: &str) {
        self.known.remove(did);
        // An answer on its way is from before.
        if let Some(place) = self.asked.iter().position(|asked| asked == did) {
            self.asked.remove(place);
            self.wanted.insert(did.to_owned());
        }
    }

    fn ask_next(&mut self) {
        if self.asking.is_some() || self.wanted.is_empty() {
            return;
        }
        let batch: Vec<String> = self.wanted.iter().take(BATCH).cloned().collect();
        for did in &batch {
            self.wanted.remove(did);
        }
        self.asked.clone_from(&batch);
        let api = Arc::clone(&self.api);
        self.asking = Some(Box::pin(async move { ask(&api, &batch, api.pace.answer_within).await }));
    }

    /// Waits for the answer under way; for ever where there is none. An error is told in words.
    pub(super) async fn answered(&mut self) -> Result<(), String> {
        let answer = match &mut self.asking {
            Some(asking) => asking.await,
            None => std::future::pending().await,
        };
        self.asking = None;
        let asked = std::mem::take(&mut self.asked);
        match answer {
            Ok(profiles) => {
                let mut told: BTreeMap<String, Profile> =
                    profiles.into_iter().map(|profile| (profile.did.clone(), profile)).collect();
                for did in asked {
                    let profile = told.remove(&did);
                    self.keep(did, profile);
                }
                self.ask_next();
                Ok(())
            }
            Err(error) => {
                self.wanted.clear();
                self.not_before = Some(Instant::now() + self.api.pace.profile_retry);
                Err(error.words().to_owned())
            }
        }
    }

    fn keep(&mut self, did: String, profile: Option<Profile>) {
        if self.known.insert(did.clone(), (profile, Instant::now())).is_none() {
            self.order.push_back(did);
            if self.order.len() > KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Profile;

    #[test]
    fn a_profile_is_cleaned_and_an_invalid_handle_is_none() {
        let profile = Profile::of(&json!({"did": "did:plc:a", "handle": "jo.example", "displayName": "Jo \u{1b}[31mM",
            "followersCount": 12, "verification": {"verifiedStatus": "valid"}}))
        .unwrap();
        assert_eq!(
            (profile.handle.as_str(), profile.name.as_str(), profile.followers),
            ("jo.example", "Jo M", Some(12))
        );
        assert!(profile.is_verified);
        let invalid = Profile::of(&json!({"did": "did:plc:a", "handle": "handle.invalid"})).unwrap();
        assert_eq!((invalid.handle.as_str(), invalid.followers), ("", None));
        assert_eq!(Profile::of(&json!({"did": "nobody", "handle": "x"})), None);
    }
}
