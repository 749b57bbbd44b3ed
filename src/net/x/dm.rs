//! Direct messages: whether somebody takes ours, sending one, and looking whether one arrived.
//!
//! X tells beforehand: the user field `receives_your_dm`, asked with our own token, says whether a message would be
//! taken; `connection_status` says why not where it is a block.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::api::{Api, As, CallError};
use super::decode::{bounded, id_of, items, text_of, words};
use super::problem::{Class, Problem};
use crate::model::spend::{Act, billed_day};
use crate::model::words::are_same_words;
use crate::model::{AuthorId, Message, MessageId, NetworkKind, Verdict, clean};
use crate::net::{OutgoingMessage, ReadBack, SendError};

/// Clocks here and at X may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);
/// Messages of one conversation asked for when one is looked for.
const LOOKED_THROUGH: &str = "100";
/// X's refusal where the other side's settings are the reason.
const THEIR_SETTINGS: &str = "do not have permission to dm";
/// X's refusal where it lies with us, or with a block.
const NOT_PERMITTED: &str = "operation is not permitted";

/// What is asked for with every message.
pub(super) const FIELDS: [(&str, &str); 3] = [
    ("dm_event.fields", "id,text,event_type,created_at,sender_id,dm_conversation_id"),
    ("expansions", "sender_id"),
    ("user.fields", "name,username"),
];

/// Whether `author` takes direct messages from us. X charges for one user read.
pub(super) async fn may_message(api: &Api, author: &AuthorId) -> Verdict {
    if !api.can_write() {
        return Verdict::No { why: format!("no credentials for writing as @{}", api.account().handle) };
    }
    let path = format!("/2/users/{}", author.native());
    let answer = match api.get(As::User, &path, &[("user.fields", "receives_your_dm,connection_status")]).await {
        Ok(answer) => answer,
        Err(CallError::No(problem)) if problem.class == Class::Gone || problem.class == Class::NotFound => {
            return Verdict::No { why: format!("X: {}", problem.words) };
        }
        Err(error) => return Verdict::Unknown { why: format!("X did not say whether they do: {}", error.words()) },
    };
    let Some(user) = answer.get("data") else {
        let said = items(answer.get("errors")).map(|error| bounded(text_of(error, "detail"))).next();
        return Verdict::No { why: said.unwrap_or_else(|| "X does not know them any more".to_owned()) };
    };
    api.charge(Act::UserRead, id_of(user.get("id")).into_iter().collect(), Vec::new());
    let handle = clean::line(text_of(user, "username"));
    let is = |status: &str| items(user.get("connection_status")).any(|word| word.as_str() == Some(status));
    match user.get("receives_your_dm").and_then(Value::as_bool) {
        Some(true) => Verdict::Yes,
        Some(false) if is("blocking") => {
            Verdict::No { why: format!("we and @{handle} do not reach each other: there is a block") }
        }
        Some(false) => Verdict::No {
            why: format!("@{handle} takes no direct messages from us before writing one: ask in public, with d"),
        },
        None => Verdict::Unknown { why: format!("X does not say whether @{handle} takes direct messages") },
    }
}

/// One attempt: at most one request leaves.
pub(super) async fn send(api: &Api, outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
    if !api.can_write() {
        return Err(SendError::Refused {
            why: format!("there are no credentials for writing as @{}", api.account().handle),
            remedy: "put the account's own token into the config".into(),
            may_retry: true,
        });
    }
    if let Some(until) = api.no_message_before() {
        return Err(SendError::Limited { why: "X's limit for direct messages is used up".into(), until });
    }
    api.sends_as_itself().await?;
    let path = format!("/2/dm_conversations/with/{}/messages", outgoing.to.native());
    match api.send_message(&path, &json!({"text": outgoing.text})).await {
        Ok(answer) => match answer.get("data").and_then(|data| id_of(data.get("dm_event_id"))) {
            Some(id) => {
                billed(api, &id, api.now());
                Ok(MessageId::new(NetworkKind::X, &id))
            }
            None => Err(SendError::Unknown { why: "X took it but did not say under which id".into() }),
        },
        Err(CallError::NotSent(why)) => Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => Err(SendError::Unknown { why }),
        Err(CallError::No(problem)) => Err(refused(api, &problem)),
    }
}

/// Tells the keeper of the money of a message that was sent at `at`.
fn billed(api: &Api, id: &str, at: Timestamp) {
    api.charge_on(billed_day(at), Act::Dm, vec![id.to_owned()], Vec::new());
}

fn refused(api: &Api, problem: &Problem) -> SendError {
    let why = problem.words.clone();
    let said = why.to_lowercase();
    let told = |remedy: &str, may_retry| SendError::Refused { why: why.clone(), remedy: remedy.to_owned(), may_retry };
    match problem.class {
        Class::RateLimited => {
            let until = api.no_message_before().or(problem.until).unwrap_or_else(|| api.now());
            SendError::Limited { why, until }
        }
        _ if problem.status == 403 && said.contains(THEIR_SETTINGS) => {
            told("they take direct messages only after writing one: ask in public, with d", false)
        }
        _ if problem.status == 403 && said.contains(NOT_PERMITTED) => {
            told("X lets this account not write to them: a block, or the account itself", false)
        }
        Class::Forbidden => told("the token may lack the scope dm.write: log in again with it", true),
        // As for posts: only X's own 503 comes before anything is done.
        Class::ServerTrouble if problem.is_x && problem.status == 503 => told(problem.remedy(), true),
        Class::ServerTrouble => SendError::Unknown { why },
        class => {
            let may_retry = !matches!(class, Class::InvalidRequest | Class::NotFound | Class::Gone | Class::Duplicate);
            told(problem.remedy(), may_retry)
        }
    }
}

/// Looks in the conversation whether a message of which nobody knows the outcome is there. *Absent* is said only when
/// the lost request could no longer deliver.
pub(super) async fn read_back(api: &Api, outgoing: &OutgoingMessage, attempted: Timestamp) -> ReadBack<MessageId> {
    let unknown = |why: String| ReadBack::Unknown { why };
    let Some(covered) =
        SignedDuration::try_from(api.pace.publish_within).ok().and_then(|wait| attempted.checked_add(wait).ok())
    else {
        return unknown("the time of the attempt cannot be right".into());
    };
    if attempted.duration_since(api.now()) > SKEW {
        return unknown("it was attempted in the future: the clock was set back".into());
    }
    let path = format!("/2/dm_conversations/with/{}/dm_events", outgoing.to.native());
    loop {
        let asked = api.now();
        let mut params = FIELDS.to_vec();
        params.push(("max_results", LOOKED_THROUGH));
        let answer = match api.get(As::User, &path, &params).await {
            Ok(answer) => answer,
            Err(error) => return unknown(format!("X did not let us look: {}", error.words())),
        };
        let from = attempted.checked_sub(SKEW).unwrap_or(attempted);
        let page = page(api, &answer);
        let oldest = page.messages.iter().map(|message| message.at).min();
        let ours = page.messages.into_iter().filter(|message| message.is_ours && message.at >= from);
        let sent = words(&outgoing.text);
        if let Some(found) = ours.into_iter().find(|message| are_same_words(&sent, &message.text)) {
            billed(api, found.id.native(), attempted);
            return ReadBack::Published(found.id);
        }
        if asked >= covered {
            let reaches = !page.has_more || oldest.is_some_and(|oldest| oldest < from);
            return if reaches {
                ReadBack::Absent
            } else {
                unknown("there are too many messages since then to look through".into())
            };
        }
        // A little longer: the clock of the day may run slower than the one that sleeps.
        sleep(Duration::try_from(covered.duration_since(asked)).unwrap_or_default() + Duration::from_millis(50)).await;
        if api.now() < covered {
            return unknown("the clock stands still".into());
        }
    }
}

/// Messages of one answer, newest first.
pub(super) struct Page {
    pub(super) messages: Vec<Message>,
    pub(super) has_more: bool,
    pub(super) next: Option<String>,
}

/// Reads one answer of any of the `dm_events` endpoints and has it counted: X charges for events that are no messages
/// as well.
pub(super) fn page(api: &Api, answer: &Value) -> Page {
    let us = api.account().id;
    let rows: Vec<&Value> = items(answer.get("data")).collect();
    let read = rows.iter().filter_map(|row| id_of(row.get("id"))).collect();
    api.charge(Act::DmRead, read, Vec::new());
    let next = answer.get("meta").map(|meta| text_of(meta, "next_token")).filter(|token| !token.is_empty());
    Page {
        messages: rows.iter().filter_map(|row| message(row, answer, us.as_ref())).collect(),
        has_more: next.is_some(),
        next: next.map(str::to_owned),
    }
}

/// One event as a message; joins and leaves of group conversations are none, and neither are group messages: there
/// is no one person they belong to.
fn message(row: &Value, answer: &Value, us: Option<&AuthorId>) -> Option<Message> {
    if !matches!(text_of(row, "event_type"), "MessageCreate" | "") {
        return None;
    }
    let (id, sender) = (id_of(row.get("id"))?, id_of(row.get("sender_id"))?);
    let us = us?.native();
    let (low, high) = text_of(row, "dm_conversation_id").split_once('-')?;
    let other = if low == us { high } else { low };
    let is_ours = sender == us;
    if !is_ours && sender != other {
        return None;
    }
    let users = items(answer.get("includes").and_then(|includes| includes.get("users")));
    let named = users.into_iter().find(|user| id_of(user.get("id")).as_deref() == Some(other));
    Some(Message {
        id: MessageId::new(NetworkKind::X, &id),
        with: AuthorId::new(NetworkKind::X, other),
        handle: named.map(|user| clean::line(text_of(user, "username"))).unwrap_or_default(),
        is_ours,
        text: words(text_of(row, "text")),
        at: super::decode::time(row, &id),
    })
}
