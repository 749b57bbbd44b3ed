//! What `replydeck check --online` asks X. It changes nothing there.

use super::activity::{self, Count};
use super::api::{Api, As, CallError};
use super::connections;
use super::decode::{bounded, id_of, text_of};
use super::problem::Class;
use super::{rules_sync, usage};
use crate::model::LoginState;
use crate::model::spend::{Act, Usage};
use crate::model::words::counted;
use crate::net::{Feed, Finding};

pub(super) async fn check(api: &Api, feeds: &[Feed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = app(api, feeds, &mut findings).await;
    if asked == Asked::Nobody {
        // Every other question would end in the same words.
        return findings;
    }
    account(api, &mut findings).await;
    if asked == Asked::App {
        activity_stream(api, &mut findings).await;
        open_connections(api, &mut findings).await;
        self::usage(api, &mut findings).await;
    }
    findings
}

/// Who can be asked further, as the first question tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// X takes the app's token.
    App,
    /// It does not; the account's own may be taken all the same.
    Account,
    /// X is out of reach.
    Nobody,
}

/// The app's token, the rules that are there, and whether X would take ours.
async fn app(api: &Api, feeds: &[Feed], findings: &mut Vec<Finding>) -> Asked {
    let found = match rules_sync::rehearse(api, feeds).await {
        Ok(found) => found,
        Err(error) => {
            findings.push(Finding::fails(format!("listening: {}", error.words()), error.remedy()));
            return match error {
                CallError::NotSent(_) => Asked::Nobody,
                CallError::No(problem) if problem.class == Class::Unauthorised => Asked::Account,
                CallError::Lost(_) | CallError::No(_) => Asked::App,
            };
        }
    };
    let rules = counted(found.rules, "rule");
    findings.push(Finding::works(format!("the app's token: X shows its {rules}, {} of this deck", found.ours)));
    for (column, why) in &found.refused {
        findings
            .push(Finding::fails(format!("column {column}: X refuses its rule: {why}"), "correct the column's query"));
    }
    let good = feeds.iter().filter(|feed| !found.refused.iter().any(|(column, _)| *column == feed.column)).count();
    if good > 0 {
        findings.push(Finding::works(format!("rules: X takes those of {}", counted(good, "column"))));
    }
    Asked::App
}

/// Who writes.
async fn account(api: &Api, findings: &mut Vec<Finding>) {
    let account = api.account();
    if !api.can_write() {
        findings.push(Finding::mind(
            format!("@{} has no credentials for writing: it only listens", account.handle),
            "put the account's own token into the config",
        ));
        return;
    }
    let answer = match api.get(As::User, "/2/users/me", &[]).await {
        Ok(answer) => answer,
        Err(error) => {
            let what = format!("writing as @{}: {}", account.handle, error.words());
            findings.push(match api.login_state() {
                Some(LoginState::Out { remedy, .. } | LoginState::Doubtful { remedy, .. }) => {
                    Finding::fails(what, &remedy)
                }
                Some(LoginState::In { .. }) | None => Finding::fails(what, error.remedy()),
            });
            return;
        }
    };
    let Some(me) = answer.get("data") else {
        findings.push(Finding::fails("X did not say whose token it is", "try again"));
        return;
    };
    let handle = bounded(text_of(me, "username"));
    let id = id_of(me.get("id")).unwrap_or_default();
    if !id.is_empty() {
        api.charge(Act::UserRead, vec![id.clone()], Vec::new());
    }
    if !handle.eq_ignore_ascii_case(&account.handle) {
        let what = format!("the token writes as @{handle}, the config says @{}", account.handle);
        findings.push(Finding::fails(what, "use the token of the account in the config, or correct its handle"));
    } else if account.id.as_ref().is_some_and(|known| known.native() != id) {
        findings.push(Finding::fails(
            format!("@{handle} has the user id {id}, the config says another"),
            "correct user_id in the config",
        ));
    } else {
        findings.push(Finding::works(format!("writing as @{handle}, user id {id}")));
    }
}

/// Whether the plan has the Activity stream, as far as it shows without subscribing to anything.
async fn activity_stream(api: &Api, findings: &mut Vec<Finding>) {
    if !api.activity {
        return;
    }
    match activity::count(api).await {
        Ok(Count { all, ours, of_others }) => {
            let what =
                format!("the Activity stream: the app has {}, {ours} of this account", counted(all, "subscription"));
            findings.push(match of_others {
                0 => Finding::works(what),
                _ => Finding::mind(
                    format!("{what}, {of_others} that this deck made for other accounts"),
                    "where such an account is not in the config any more, end its subscriptions in X's developer \
                     console: what they tell of is billed wherever the app listens",
                ),
            });
        }
        Err(error) => findings.push(Finding::mind(
            format!("the Activity stream: {}", error.words()),
            "without it direct messages are looked for every 2 minutes; activity = false in the config stops the asking",
        )),
    }
}

/// What already listens with the app's token; a pay-per-use app may hold one connection.
async fn open_connections(api: &Api, findings: &mut Vec<Finding>) {
    match connections::list(api).await {
        Ok(open) if open.is_empty() => findings.push(Finding::works("connections: none is open")),
        Ok(open) => findings.push(Finding::mind(
            format!("connections: {}", connections::words(&open)),
            "a deck of this team that runs is meant to be there; one that nobody knows of is closed, after a question, \
             by replydeck check --online --close-stale",
        )),
        Err(missing) => {
            findings.push(Finding::mind(format!("connections: {}", missing.why), "look in X's developer console"));
        }
    }
}

/// How much of the month is used; not every plan may ask.
async fn usage(api: &Api, findings: &mut Vec<Finding>) {
    match usage::ask(api).await {
        Ok(Some(Usage { used, cap: Some(cap), .. })) => {
            let what = format!("{used} of the {cap} posts of this month are read");
            if cap > 0 && used >= cap / 10 * 9 {
                findings.push(Finding::mind(
                    what,
                    "nothing is heard once the cap is reached: raise it in X's developer console",
                ));
            } else {
                findings.push(Finding::works(what));
            }
        }
        Ok(Some(Usage { used, cap: None, .. })) => {
            let posts = if used == 1 { "post of this month is" } else { "posts of this month are" };
            findings.push(Finding::works(format!("{used} {posts} read")));
        }
        Ok(None) => {}
        Err(error) => findings.push(Finding::mind(format!("usage: {}", error.words()), error.remedy())),
    }
}
