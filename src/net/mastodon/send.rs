//! Publishes a reply, looks whether one of unknown outcome was published, and says exactly what is known.
//!
//! A server keeps the key of a request for an hour, and some ignore it. So before anything is sent a second time the
//! thread is looked at, and *absent* is said only when a lost request can no longer publish.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Visibility;
use super::api::{Api, CallError, Own, Urgency};
use super::problem::{Class, Problem};
use super::threads;
use super::words::{are_same, naming};
use crate::model::instance_length::length;
use crate::model::{NetworkKind, PostId, clean};
use crate::net::{Outgoing, ReadBack, SendError};
use crate::rules::scan::status::{self, Audience, Status, server_id};

/// Clocks here and at the server may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);
const STATUSES: &str = "/api/v1/statuses";

/// One attempt: at most one request that publishes leaves.
pub(super) async fn send(api: &Api, outgoing: &Outgoing) -> Result<PostId, SendError> {
    if let Err(why) = api.authorization() {
        let remedy = format!("log the account in: replydeck auth {}", api.account().name);
        return Err(SendError::Refused { why, remedy, may_retry: true });
    }
    if let Some(until) = api.not_before() {
        return Err(SendError::Limited { why: "the server's limit for writing is used up".into(), until });
    }
    let own = before(api, ready(api).await)?;
    let answered = before(api, find(api, &outgoing.to, outgoing.to_version.as_deref()).await)?;
    let Some(answered) = answered else {
        return Err(SendError::Refused {
            why: "the post is not there any more, or its author does not show it to this account".into(),
            remedy: "resolve the case, or look at the post's page".into(),
            may_retry: false,
        });
    };
    if api.was_tried(outgoing.reply) {
        // The key is not enough: there are servers that ignore it.
        match before(api, look(api, &answered.id, &own, &outgoing.text, Timestamp::MIN).await)? {
            Seen::It(id) => return Ok(id),
            Seen::Nothing | Seen::OtherWords(_) => {}
        }
    }
    let text = naming(&outgoing.text, &acct(api, &answered, &own));
    fits(api, &text)?;
    let body = json!({
        "status": text,
        "in_reply_to_id": answered.id,
        "visibility": visibility(answered.audience, api.settings.visibility),
        "language": answered.post.lang.as_deref(),
    });
    publish(api, &body, &outgoing.reply.to_string()).await.map(|status| status.post.id)
}

/// What has to be known before anything is written: what the server is, and who we are there.
pub(super) async fn ready(api: &Api) -> Result<Own, CallError> {
    api.facts(Urgency::Rep).await?;
    api.learn_own(Urgency::Rep).await
}

/// What failed before anything that publishes has left.
pub(super) fn before<T>(api: &Api, result: Result<T, CallError>) -> Result<T, SendError> {
    result.map_err(|error| match error {
        CallError::NotSent(why) | CallError::Lost(why) => SendError::NotSent { why },
        CallError::No(problem) => refused(api, &problem, true),
    })
}

/// How a person is named in a text that this server reads: without a host where it is the server's own.
fn acct(api: &Api, answered: &Status, own: &Own) -> String {
    if answered.account == own.id {
        return String::new();
    }
    let handle = &answered.post.author.handle;
    match (handle.split_once('@'), api.domain()) {
        (Some((user, host)), Some(domain)) if host.eq_ignore_ascii_case(&domain) => user.to_owned(),
        _ => handle.clone(),
    }
}

/// Never more public than what is answered.
fn visibility(audience: Audience, ours: Visibility) -> &'static str {
    match (audience, ours) {
        (Audience::Public, Visibility::Public) => "public",
        (Audience::Public | Audience::Unlisted, _) => "unlisted",
        (Audience::Followers | Audience::Other, _) => "private",
        (Audience::Direct, _) => "direct",
    }
}

/// Counted as the server counts.
pub(super) fn fits(api: &Api, text: &str) -> Result<(), SendError> {
    let Some(facts) = api.known_facts() else { return Ok(()) };
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let length = length(text, number(facts.characters), number(facts.per_link));
    if length.fits() {
        return Ok(());
    }
    let why = format!("with the handle it is {} characters long, the server takes {}", length.used, length.limit);
    Err(SendError::Refused { why, remedy: "shorten it".into(), may_retry: false })
}

/// Publishes a status under a key of its own.
pub(super) async fn publish(api: &Api, body: &Value, key: &str) -> Result<Status, SendError> {
    let answer = match api.publish(STATUSES, body, key).await {
        Ok(answer) => answer,
        Err(CallError::NotSent(why)) => return Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => return Err(SendError::Unknown { why }),
        Err(CallError::No(problem)) => return Err(refused(api, &problem, false)),
    };
    match status::status(&answer, api.domain().as_deref()) {
        Ok(status) => {
            api.memory.lock().expect("nothing panics while holding it").see(&status);
            Ok(status)
        }
        Err(_) => Err(SendError::Unknown { why: "the server took it but did not say under which address".into() }),
    }
}

/// `is_before`: nothing that publishes had left.
fn refused(api: &Api, problem: &Problem, is_before: bool) -> SendError {
    let why = problem.words.clone();
    let refused = |may_retry| SendError::Refused { why: why.clone(), remedy: problem.remedy().to_owned(), may_retry };
    match problem.class {
        Class::RateLimited => {
            let until = problem.until.or_else(|| api.not_before()).unwrap_or_else(|| api.now());
            SendError::Limited { why, until }
        }
        Class::ServerTrouble if is_before => SendError::NotSent { why },
        // Trouble may strike after the post was written.
        Class::ServerTrouble | Class::Unknown => SendError::Unknown { why },
        Class::Invalid | Class::Gone => refused(false),
        Class::Unauthorised | Class::Forbidden | Class::Teapot | Class::Redirected => refused(true),
    }
}

/// The status at our server. Its id there is believed only where it names the post that is meant: the post may have been
/// read by another account, at another server. `None`: it is gone.
pub(super) async fn find(api: &Api, post: &PostId, version: Option<&str>) -> Result<Option<Status>, CallError> {
    if let Some(id) = version.map(server_id) {
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        match api.get(Urgency::Rep, &format!("{STATUSES}/{id}"), &[]).await {
            Ok(page) => {
                let read = status::status(&page.value, api.domain().as_deref()).ok();
                if let Some(status) = read.filter(|status| status.post.id == *post) {
                    return Ok(Some(status));
                }
            }
            Err(error) if matches!(error.class(), Some(Class::Gone | Class::Invalid)) => {}
            Err(error) => return Err(error),
        }
    }
    let query = [("q", post.native()), ("resolve", "true"), ("type", "statuses"), ("limit", "5")];
    let page = api.get(Urgency::Rep, "/api/v2/search", &query).await?;
    let entries = page.value.get("statuses").and_then(Value::as_array).into_iter().flatten();
    let host = api.domain();
    Ok(entries.filter_map(|entry| status::status(entry, host.as_deref()).ok()).find(|status| status.post.id == *post))
}

/// What a look at a thread found.
pub(super) enum Seen {
    It(PostId),
    /// We have answered since, in other words.
    OtherWords(PostId),
    Nothing,
}

/// Looks whether we answered `answered` in these words since `from`.
async fn look(api: &Api, answered: &str, own: &Own, text: &str, from: Timestamp) -> Result<Seen, CallError> {
    let candidates = match threads::thread(api, Urgency::Rep, answered).await {
        Ok(thread) => thread.descendants,
        // What was answered is gone; what we wrote is still ours.
        Err(error) if error.class() == Some(Class::Gone) => own_posts(api, own).await?,
        Err(error) => return Err(error),
    };
    let ours = clean::text(text);
    let mut other_words = None;
    for status in candidates {
        let answers = status.account == own.id && status.in_reply_to.as_deref() == Some(answered);
        if !answers || status.post.at < from {
            continue;
        }
        if are_same(&ours, &status.post.text) {
            return Ok(Seen::It(status.post.id));
        }
        other_words = Some(status.post.id);
    }
    Ok(other_words.map_or(Seen::Nothing, Seen::OtherWords))
}

/// What we wrote last, answers and direct messages included.
pub(super) async fn own_posts(api: &Api, own: &Own) -> Result<Vec<Status>, CallError> {
    let id = percent_encoding::utf8_percent_encode(&own.id, percent_encoding::NON_ALPHANUMERIC);
    let page = api.get(Urgency::Rep, &format!("/api/v1/accounts/{id}/statuses"), &[("limit", "40")]).await?;
    let host = api.domain();
    let entries = page.value.as_array().into_iter().flatten();
    Ok(entries.filter_map(|entry| status::status(entry, host.as_deref()).ok()).collect())
}

/// Looks whether a reply of which nobody knows the outcome was published since `attempted`.
pub(super) async fn read_back(api: &Api, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
    // An earlier run tried it: should it be sent again, the thread is looked at once more before that.
    api.was_tried(outgoing.reply);
    wait_and_look(api, attempted, || async {
        let own = ready(api).await?;
        let id = match find(api, &outgoing.to, outgoing.to_version.as_deref()).await? {
            Some(status) => status.id,
            // It is gone, but its id still names it in ours.
            None => match outgoing.to_version.as_deref() {
                Some(version) => server_id(version).to_owned(),
                None => return Ok(Seen::Nothing),
            },
        };
        let from = attempted.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
        look(api, &id, &own, &outgoing.text, from).await
    })
    .await
}

/// Looks now, and once more when a lost request can no longer publish.
pub(super) async fn wait_and_look<F, L>(api: &Api, attempted: Timestamp, look: L) -> ReadBack
where
    L: Fn() -> F,
    F: Future<Output = Result<Seen, CallError>>,
{
    let unknown = |why: String| ReadBack::Unknown { why };
    let within = SignedDuration::try_from(api.pace.publish_within).unwrap_or(SignedDuration::MAX);
    let Ok(covered) = attempted.checked_add(within) else {
        return unknown("the time of the attempt cannot be right".into());
    };
    if attempted.duration_since(api.now()) > SKEW {
        return unknown("it was attempted in the future: the clock was set back".into());
    }
    loop {
        // What a look proves is counted from its beginning.
        let asked = api.now();
        match look().await {
            Ok(Seen::It(id)) => return ReadBack::Published(PostId::new(NetworkKind::Mastodon, id.native())),
            Ok(Seen::OtherWords(id)) => {
                return unknown(format!(
                    "the account has answered this post in other words ({id}); look before sending"
                ));
            }
            Ok(Seen::Nothing) if asked >= covered => return ReadBack::Absent,
            Ok(Seen::Nothing) => {}
            Err(error) => return unknown(format!("the server did not let us look: {}", error.words())),
        }
        // A little longer: the clock of the day may run slower than the one that sleeps.
        sleep(Duration::try_from(covered.duration_since(asked)).unwrap_or_default() + Duration::from_millis(50)).await;
        if api.now() < covered {
            return unknown("a lost request may still publish: the clock stands still".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Visibility;
    use super::{Audience, visibility};

    #[test]
    fn an_answer_is_never_more_public_than_what_it_answers() {
        for (audience, ours, expected) in [
            (Audience::Public, Visibility::Public, "public"),
            (Audience::Public, Visibility::Unlisted, "unlisted"),
            (Audience::Unlisted, Visibility::Public, "unlisted"),
            (Audience::Followers, Visibility::Public, "private"),
            (Audience::Other, Visibility::Unlisted, "private"),
            (Audience::Direct, Visibility::Public, "direct"),
        ] {
            assert_eq!(visibility(audience, ours), expected);
        }
    }
}
