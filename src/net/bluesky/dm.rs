//! Direct messages: whether somebody takes ours, sending one, and looking whether one arrived. The service that carries
//! them is reached through our own server.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::problem::{Class, Problem};
use super::record::{bounded, did_of, items, text_of};
use super::send::refused;
use super::xrpc::{Api, Ask, CallError};
use crate::model::words::are_same_words;
use crate::model::{AuthorId, Message, MessageId, NetworkKind, Verdict, clean};
use crate::net::{OutgoingMessage, ReadBack, SendError};

const BLUESKY: NetworkKind = NetworkKind::Bluesky;
/// Clocks here and at Bluesky may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);
/// Messages of one conversation asked for when one is looked for.
const LOOKED_THROUGH: &str = "50";

/// Whether `author` takes direct messages from us.
pub(super) async fn may_message(api: &Api, author: &AuthorId) -> Verdict {
    if !api.can_write() {
        return Verdict::No { why: format!("no app password for writing as @{}", api.account().handle) };
    }
    let query = [("members", author.native())];
    let ask = Ask::get("chat.bsky.convo.getConvoAvailability", &query, api.pace.answer_within).through(&api.chat);
    match api.as_us(&ask).await {
        Ok(answer) if answer.get("canChat").and_then(Value::as_bool) == Some(true) => Verdict::Yes,
        Ok(answer) if answer.get("canChat").is_some() => Verdict::No { why: whom_they_take(api, author).await },
        Ok(_) => Verdict::Unknown { why: "Bluesky does not say whether they take direct messages".into() },
        Err(CallError::No(problem)) if is_final(problem.class) => {
            Verdict::No { why: format!("{}: {}", problem.words, problem.remedy()) }
        }
        Err(error) => Verdict::Unknown { why: format!("Bluesky did not say whether they do: {}", error.words()) },
    }
}

fn is_final(class: Class) -> bool {
    matches!(class, Class::TheirSettings | Class::Blocked | Class::Gone | Class::NotPrivileged | Class::TakenDown)
}

/// Why not, from the profile: most people take messages only from those they follow.
async fn whom_they_take(api: &Api, author: &AuthorId) -> String {
    const ASK: &str = "ask in public, with d";
    let query = [("actor", author.native())];
    let Ok(profile) = api.as_us(&Ask::get("app.bsky.actor.getProfile", &query, api.pace.look_within)).await else {
        return format!("they take no direct messages from us: {ASK}");
    };
    let handle = bounded(text_of(&profile, "handle"));
    let viewer = |name: &str| profile.get("viewer").and_then(|viewer| viewer.get(name));
    if viewer("blockedBy").and_then(Value::as_bool) == Some(true) || viewer("blocking").is_some() {
        return format!("we and @{handle} do not reach each other: there is a block");
    }
    let chat = profile.get("associated").and_then(|associated| associated.get("chat"));
    match chat.map(|chat| text_of(chat, "allowIncoming")) {
        Some("none") => format!("@{handle} takes no direct messages at all: {ASK}"),
        _ => format!("@{handle} takes direct messages only from people they follow, or after writing first: {ASK}"),
    }
}

/// One attempt: at most one request that writes leaves.
pub(super) async fn send(api: &Api, outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
    if !api.can_write() {
        return Err(SendError::Refused {
            why: format!("there is no app password for writing as @{}", api.account().handle),
            remedy: "make one that allows direct messages at bsky.app and put it into the config".into(),
            may_retry: true,
        });
    }
    if let Some(until) = api.not_before() {
        return Err(SendError::Limited { why: "Bluesky's limit for writing is used up".into(), until });
    }
    let convo = match convo(api, &outgoing.to).await {
        Ok(convo) => convo,
        // Nothing was said yet, whatever became of the question.
        Err(CallError::No(problem)) if problem.class != Class::ServerTrouble => return Err(no(api, &problem)),
        Err(error) => {
            let why = format!("the conversation could not be looked up: {}", error.words());
            return Err(SendError::NotSent { why });
        }
    };
    let body = json!({"convoId": convo, "message": {"text": outgoing.text}});
    let ask = Ask::post("chat.bsky.convo.sendMessage", &body, api.pace.send_within).through(&api.chat);
    match api.write(&ask).await {
        Ok(answer) => match bounded(text_of(&answer, "id")) {
            id if !id.is_empty() => Ok(MessageId::new(BLUESKY, &id)),
            _ => Err(SendError::Unknown { why: "Bluesky took it but did not say under which id".into() }),
        },
        Err(CallError::NotSent(why)) => Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => Err(SendError::Unknown { why }),
        Err(CallError::No(problem)) => Err(no(api, &problem)),
    }
}

/// A refusal, with what only direct messages have.
fn no(api: &Api, problem: &Problem) -> SendError {
    match problem.class {
        Class::NotPrivileged => SendError::Refused {
            why: format!("the app password does not allow direct messages: {}", problem.words),
            remedy: problem.remedy().to_owned(),
            may_retry: true,
        },
        _ => refused(api, problem),
    }
}

/// The conversation with somebody; it is made where there is none.
async fn convo(api: &Api, with: &AuthorId) -> Result<String, CallError> {
    let query = [("members", with.native())];
    let ask = Ask::get("chat.bsky.convo.getConvoForMembers", &query, api.pace.answer_within).through(&api.chat);
    let answer = api.as_us(&ask).await?;
    let id = answer.get("convo").map(|convo| bounded(text_of(convo, "id"))).unwrap_or_default();
    if id.is_empty() {
        return Err(CallError::Lost("Bluesky did not name the conversation".into()));
    }
    Ok(id)
}

/// Looks in the conversation whether a message of which nobody knows the outcome is there. *Absent* is said only when
/// the lost request could no longer deliver.
pub(super) async fn read_back(api: &Api, outgoing: &OutgoingMessage, attempted: Timestamp) -> ReadBack<MessageId> {
    let unknown = |why: String| ReadBack::Unknown { why };
    let wait = SignedDuration::try_from(api.pace.delivered_within).unwrap_or(SignedDuration::MAX);
    let Ok(settled) = attempted.checked_add(wait) else {
        return unknown("the time of the attempt cannot be right".into());
    };
    if attempted.duration_since(api.now()) > SKEW {
        return unknown("it was attempted in the future: the clock was set back".into());
    }
    let since = attempted.checked_sub(SKEW).unwrap_or(attempted);
    loop {
        let asked = api.now();
        match look(api, outgoing, since).await {
            Ok(Some(id)) => return ReadBack::Published(id),
            Ok(None) if asked >= settled => return ReadBack::Absent,
            Ok(None) => {}
            Err(error) => return unknown(format!("Bluesky did not let us look: {}", error.words())),
        }
        let rest = Duration::try_from(settled.duration_since(asked)).unwrap_or_default();
        sleep(rest + Duration::from_millis(50)).await;
        if api.now() < settled {
            return unknown("it cannot be told yet: the clock stands still".into());
        }
    }
}

async fn look(api: &Api, outgoing: &OutgoingMessage, since: Timestamp) -> Result<Option<MessageId>, CallError> {
    let convo = convo(api, &outgoing.to).await?;
    let own = api.session().await?.did;
    let query = [("convoId", convo.as_str()), ("limit", LOOKED_THROUGH)];
    let ask = Ask::get("chat.bsky.convo.getMessages", &query, api.pace.answer_within).through(&api.chat);
    let answer = api.as_us(&ask).await?;
    let ours = clean::text(&outgoing.text);
    let found = items(answer.get("messages"))
        .filter_map(|raw| message(raw, &outgoing.to, &own))
        .find(|message| message.is_ours && message.at >= since && are_same_words(&ours, &message.text));
    Ok(found.map(|message| message.id))
}

/// A message of a conversation with somebody; none where it is deleted or has no words.
pub(super) fn message(raw: &Value, with: &AuthorId, own: &str) -> Option<Message> {
    let id = bounded(text_of(raw, "id"));
    let sender = did_of(text_of(raw.get("sender")?, "did"))?;
    let text = clean::text(raw.get("text")?.as_str()?);
    let at = text_of(raw, "sentAt").parse().ok()?;
    (!id.is_empty()).then(|| Message {
        id: MessageId::new(BLUESKY, &id),
        with: with.clone(),
        handle: String::new(),
        is_ours: sender == own,
        text,
        at,
    })
}
