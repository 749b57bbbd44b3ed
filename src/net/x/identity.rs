//! Whose token it is, and how the login stands. The first is asked before anything is sent, once a run: a token of
//! another account would publish under a stranger's name, and nothing that X answers would show it.

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::UserCredentials;
use super::api::{Api, As, CallError};
use super::decode::{id_of, text_of};
use crate::model::spend::Act;
use crate::model::{Account, LoginReport, LoginState, clean};
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
        // Other secrets may come while the answer is on its way: what it says holds for those it was asked with.
        let login = *self.logins().borrow();
        if *is_ours == Some(login) {
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
        if let Some(why) = stranger(&self.account(), &id, &handle) {
            return Whose::Other(why);
        }
        *is_ours = Some(login);
        self.take_identity(&id, &handle);
        Whose::Ours
    }

    /// What stops anything from being sent with this token.
    pub(super) async fn sends_as_itself(&self) -> Result<(), SendError> {
        match self.whose_token().await {
            Whose::Ours => Ok(()),
            Whose::Other(why) => Err(SendError::Refused { why, remedy: REMEDY.to_owned(), may_retry: true }),
            Whose::Unknown(why) => Err(SendError::NotSent { why }),
        }
    }

    /// How the login stands, where it is kept here.
    pub(super) fn login_state(&self) -> Option<LoginState> {
        match &self.login().user {
            Some(UserCredentials::Kept(login)) => Some(login.state(self.now())),
            _ => None,
        }
    }

    /// Keeps the login alive and tells how it stands; to stop it, drop it.
    pub(super) async fn keep_login(&self, told: mpsc::Sender<LoginReport>) {
        let mut last = None;
        let mut changed = self.logins();
        loop {
            changed.borrow_and_update();
            match self.whose_token().await {
                Whose::Ours => {}
                Whose::Other(why) => {
                    let state = LoginState::Out { why, remedy: REMEDY.to_owned() };
                    if last.as_ref() != Some(&state) {
                        let report = LoginReport { account: self.account().name, state: state.clone() };
                        if told.send(report).await.is_err() {
                            return;
                        }
                        last = Some(state);
                    }
                    tokio::select! {
                        () = sleep(self.pace.down_retry) => {}
                        _ = changed.changed() => {}
                    }
                    continue;
                }
                Whose::Unknown(why) => {
                    tracing::info!(%why, "whose token it is will be asked again");
                    tokio::select! {
                        () = sleep(self.pace.login_every) => {}
                        _ = changed.changed() => {}
                    }
                    continue;
                }
            }
            let kept = self.login();
            let Some(UserCredentials::Kept(login)) = &kept.user else {
                // Another way to log in may come with the config.
                if changed.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if let Err(why) = login.keep(self.now()).await {
                tracing::debug!(%why, "no token at hand");
            }
            let state = login.state(self.now());
            if last.as_ref() != Some(&state) {
                let report = LoginReport { account: self.account().name, state: state.clone() };
                if told.send(report).await.is_err() {
                    tracing::debug!("nobody is left to hear of the login");
                }
                last = Some(state);
            }
            tokio::select! {
                () = sleep(self.pace.login_every) => {}
                _ = changed.changed() => {}
            }
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
    use crate::model::Account;

    #[test]
    fn the_id_decides_and_without_one_the_handle() {
        assert_eq!(stranger(&Account::acme(Some("42")), "42", "AcmeRenamed"), None, "renamed, and still ours");
        assert_eq!(stranger(&Account::acme(None), "42", "acmehelp"), None);
        let other = stranger(&Account::acme(Some("42")), "43", "AcmeHelp").expect("another account of that name");
        assert!(other.contains("@AcmeHelp, user id 43") && other.contains("user id 42"), "{other}");
        let other = stranger(&Account::acme(None), "7", "AcmePromo").expect("another handle");
        assert!(other.contains("@AcmePromo, user id 7") && other.ends_with("the config says @AcmeHelp"), "{other}");
    }
}
