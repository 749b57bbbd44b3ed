//! Publishes a reply, and says exactly what is known when it could not.

use jiff::Timestamp;
use serde_json::json;

use super::api::{Api, CallError};
use super::decode::id_of;
use super::problem::{Class, Problem};
use crate::model::account::Tier;
use crate::model::spend::{Act, billed_day};
use crate::model::words::has_link;
use crate::model::{NetworkKind, PostId};
use crate::net::{Outgoing, SendError};

/// One attempt: at most one request leaves.
pub(super) async fn send(api: &Api, outgoing: &Outgoing) -> Result<PostId, SendError> {
    if !api.can_write() {
        return Err(SendError::Refused {
            why: format!("there are no credentials for writing as @{}", api.account().handle),
            remedy: "put the account's own token into the config".into(),
            may_retry: true,
        });
    }
    if let Some(until) = api.not_before() {
        return Err(SendError::Limited { why: "X's limit for writing is used up".into(), until });
    }
    api.sends_as_itself().await?;
    let answered = outgoing.to_version.as_deref().unwrap_or_else(|| outgoing.to.native());
    let body = json!({"text": outgoing.text, "reply": {"in_reply_to_tweet_id": answered}});
    match api.publish("/2/tweets", &body).await {
        Ok(answer) => match answer.get("data").and_then(|data| id_of(data.get("id"))) {
            Some(id) => {
                billed(api, outgoing, &id, api.now());
                Ok(PostId::new(NetworkKind::X, &id))
            }
            None => Err(SendError::Unknown { why: "X took it but did not say under which id".into() }),
        },
        Err(CallError::NotSent(why)) => Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => Err(SendError::Unknown { why }),
        Err(CallError::No(problem)) => Err(refused(api, &problem)),
    }
}

/// Tells the keeper of the money of a reply that was published at `at`.
pub(super) fn billed(api: &Api, outgoing: &Outgoing, id: &str, at: Timestamp) {
    // On the self-serve plan X takes no other replies than summoned ones.
    let is_summoned = api.account().tier == Tier::PayPerUse;
    let act = Act::reply(has_link(&outgoing.text), is_summoned);
    api.charge_on(billed_day(at), act, vec![id.to_owned()], Vec::new());
}

fn refused(api: &Api, problem: &Problem) -> SendError {
    let why = problem.words.clone();
    match problem.class {
        Class::RateLimited => {
            let until = api.not_before().or(problem.until).unwrap_or_else(|| api.now());
            SendError::Limited { why, until }
        }
        // X sends 503 with its own words before it does anything. Any other trouble may strike after the post
        // was written, and what stands between X and us knows nothing of it at all.
        Class::ServerTrouble if problem.is_x && problem.status == 503 => {
            SendError::Refused { why, remedy: problem.remedy().to_owned(), may_retry: true }
        }
        Class::ServerTrouble => SendError::Unknown { why },
        class => SendError::Refused { why, remedy: problem.remedy().to_owned(), may_retry: may_retry(class) },
    }
}

/// Whether the same words may be accepted once somebody has done what the remedy says.
fn may_retry(class: Class) -> bool {
    match class {
        Class::Summoned
        | Class::ReplyRestricted
        | Class::Duplicate
        | Class::Gone
        | Class::InvalidRequest
        | Class::RulesInvalid
        | Class::DuplicateRule
        | Class::RuleCap
        | Class::NotFound => false,
        Class::Unauthorised
        | Class::WrongToken
        | Class::NotEnrolled
        | Class::Forbidden
        | Class::RateLimited
        | Class::UsageCapped
        | Class::CreditsDepleted
        | Class::TooManyConnections
        | Class::NoRules
        | Class::Provisioning
        | Class::ServerTrouble
        | Class::Redirected
        | Class::Unknown => true,
    }
}
