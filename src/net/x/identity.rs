//! Whose token it is: asked before anything is sent with it, once a run. A token of another account would publish under a
//! stranger's name, and nothing that X answers would show it.

use super::api::{Api, As, CallError};
use super::decode::{id_of, text_of};
use crate::model::spend::Act;
use crate::model::{Account, clean};
use crate::net::SendError;

/// What to do about a token of somebody else.
pub(super) const REMEDY: &str = "put this account's own token into the config, or its right handle and user_id; replydeck check --online says whose it is";

/// What asking whose token it is came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Ours, or X did not let us ask: then what it says to a reply counts.
    Ours,
    /// In words, somebody else's.
    Other(String),
    /// X cannot be reached.
    Unknown(String),
}

impl Api {
    /// Whether what is sent would go out in this account's name. Only what X said for certain is kept: a token may be
    /// exchanged while the deck runs.
    pub(super) async fn whose_token(&self) -> Whose {
        if !self.asks_whose_token || !self.can_write() {
            return Whose::Ours;
        }
        let mut is_ours = self.token_is_ours.lock().await;
        if *is_ours {
            return Whose::Ours;
        }
        let answer = match self.get(As::User, "/2/users/me", &[]).await {
            Ok(answer) => answer,
            Err(CallError::NotSent(why) | CallError::Lost(why)) => return Whose::Unknown(why),
            Err(CallError::No(problem)) => {
                tracing::warn!(why = problem.words, "X does not say whose token it is");
                return Whose::Ours;
            }
        };
        let me = &answer["data"];
        let Some(id) = id_of(me.get("id")) else {
            return Whose::Unknown("X did not say whose token it is".to_owned());
        };
        self.charge(Act::UserRead, vec![id.clone()], Vec::new());
        let handle = clean::line(text_of(me, "username"));
        match stranger(&self.account(), &id, &handle) {
            Some(why) => Whose::Other(why),
            None => {
                *is_ours = true;
                self.take_identity(&id, &handle);
                Whose::Ours
            }
        }
    }

    /// What stops anything from being sent with this token.
    pub(super) async fn sends_as_itself(&self) -> Result<(), SendError> {
        match self.whose_token().await {
            Whose::Ours => Ok(()),
            Whose::Other(why) => Err(SendError::Refused { why, remedy: REMEDY.to_owned(), may_retry: true }),
            Whose::Unknown(why) => Err(SendError::NotSent { why }),
        }
    }
}

/// Why a token is not this account's. The id decides where the config has it: handles change.
fn stranger(account: &Account, id: &str, handle: &str) -> Option<String> {
    let is_ours = match &account.id {
        Some(ours) => ours.native() == id,
        None => account.handle.eq_ignore_ascii_case(handle),
    };
    let known = account.id.as_ref().map(|ours| format!(", user id {}", ours.native())).unwrap_or_default();
    (!is_ours)
        .then(|| format!("the token is that of @{handle}, user id {id}; the config says @{}{known}", account.handle))
}

#[cfg(test)]
mod tests {
    use super::stranger;
    use crate::model::account::Tier;
    use crate::model::{Account, AccountName, AuthorId, NetworkKind};

    #[test]
    fn the_id_decides_and_without_one_the_handle() {
        let account = |id: Option<&str>| Account {
            name: AccountName::new("acme"),
            network: NetworkKind::X,
            handle: "AcmeHelp".to_owned(),
            id: id.map(|id| AuthorId::new(NetworkKind::X, id)),
            tier: Tier::PayPerUse,
            can_send: true,
            confirm: false,
            web_url: "https://x.com".to_owned(),
        };
        assert_eq!(stranger(&account(Some("42")), "42", "AcmeRenamed"), None, "renamed, and still ours");
        assert_eq!(stranger(&account(None), "42", "acmehelp"), None);
        let other = stranger(&account(Some("42")), "43", "AcmeHelp").expect("another account of that name");
        assert!(other.contains("@AcmeHelp, user id 43") && other.contains("user id 42"), "{other}");
        let other = stranger(&account(None), "7", "AcmePromo").expect("another handle");
        assert!(other.contains("@AcmePromo, user id 7") && other.ends_with("the config says @AcmeHelp"), "{other}");
    }
}
