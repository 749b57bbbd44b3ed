//! The chat service, reached through the brand's server with a header that names it.

use jiff::Timestamp;
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::call::{Answer, Body, Call};
use super::super::state::State;
use super::super::world::Person;
use super::{Endpoint, invalid, refuse, session, usual, views};

/// The service's name in `atproto-proxy`.
const SERVICE: &str = "did:web:api.bsky.chat#bsky_chat";

/// One message between the brand and somebody.
#[derive(Clone, Debug)]
struct Message {
    id: u64,
    /// The other side.
    with: u64,
    sender: u64,
    text: String,
    at: Timestamp,
}

/// Everything that was said; its order is the log's.
#[derive(Debug, Default)]
pub(super) struct Chat {
    messages: Vec<Message>,
}

impl Chat {
    pub(super) fn receive(&mut self, id: u64, person: u64, text: &str, at: Timestamp) {
        self.messages.push(Message { id, with: person, sender: person, text: text.to_owned(), at });
    }
}

pub(super) fn answer(state: &mut State, endpoint: Endpoint, call: &Call) -> Result<Answer, Answer> {
    let is_privileged = session::who(state, call)?;
    if call.header("atproto-proxy") != Some(SERVICE) {
        // Without it the call goes to the public directory, which knows no such thing.
        return Err(usual(502));
    }
    if !is_privileged && endpoint != Endpoint::ConvoAvailability {
        return Err(refuse(400, "InvalidToken", "Bad token method"));
    }
    match endpoint {
        Endpoint::ConvoAvailability => {
            let person = member(state, call)?;
            Ok(Answer::json(200, json!({"canChat": may_write(person).is_ok()})))
        }
        Endpoint::ConvoForMembers => {
            let person = member(state, call)?;
            may_write(person)?;
            let id = person.id;
            Ok(Answer::json(200, json!({"convo": convo(state, id)})))
        }
        Endpoint::Convo => {
            let person = with(state, call.param("convoId").unwrap_or_default())?;
            Ok(Answer::json(200, json!({"convo": convo(state, person)})))
        }
        Endpoint::Convos => Ok(list(state)),
        Endpoint::Messages => messages(state, call),
        Endpoint::MessageSend => {
            let result = send(state, call);
            if let Err(refusal) = &result {
                note_refusal(state, call, refusal);
            }
            result
        }
        Endpoint::Log => log(state, call),
        _ => Err(usual(404)),
    }
}

fn member<'a>(state: &'a State, call: &Call) -> Result<&'a Person, Answer> {
    let did = call.param("members").unwrap_or_default();
    let person = views::person_of(did).and_then(|id| state.world.people.get(&id));
    match person.filter(|person| person.id != state.world.brand.id && !views::is_gone(state, person.id)) {
        Some(person) => Ok(person),
        None => Err(refuse(400, "RecipientNotFound", "recipient not found")),
    }
}

/// Whether somebody takes our messages: everyone's are welcome, or they wrote first; and they do not block us.
fn may_write(person: &Person) -> Result<(), Answer> {
    if person.blocks_us {
        return Err(refuse(400, "BlockedActor", "block between recipient and sender"));
    }
    if person.dm_open || person.wrote_us {
        return Ok(());
    }
    Err(refuse(400, "NotFollowedBySender", "recipient requires incoming messages to come from someone they follow"))
}

fn convo_id(person: u64) -> String {
    format!("convo{}", views::key_of_number(person))
}

/// The other side of a conversation.
fn with(state: &State, convo: &str) -> Result<u64, Answer> {
    let known = state.world.people.keys().find(|person| convo_id(**person) == convo);
    known.copied().ok_or_else(|| refuse(400, "InvalidConvo", "Convo not found"))
}

fn convo(state: &State, person: u64) -> Value {
    let mut theirs = state.bluesky.chat.messages.iter().filter(|message| message.with == person);
    // Nobody reads them elsewhere: what they wrote after our last word is unread.
    let unread = theirs.clone().rev().take_while(|message| message.sender == person).count();
    let members: Vec<Value> = [state.world.brand.id, person]
        .into_iter()
        .map(|id| json!({"did": views::did(id), "handle": views::handle_of(state, id)}))
        .collect();
    let rev = theirs.next_back().map_or(0, |message| message.id);
    json!({"id": convo_id(person), "rev": views::key_of_number(rev), "members": members, "muted": false,
        "status": "accepted", "unreadCount": unread})
}

fn list(state: &State) -> Answer {
    let mut people: Vec<u64> = state.bluesky.chat.messages.iter().rev().map(|message| message.with).collect();
    let mut seen = std::collections::BTreeSet::new();
    people.retain(|person| seen.insert(*person));
    let convos: Vec<Value> = people.into_iter().take(50).map(|person| convo(state, person)).collect();
    Answer::json(200, json!({"convos": convos}))
}

fn view(message: &Message) -> Value {
    json!({"$type": "chat.bsky.convo.defs#messageView", "id": views::key_of_number(message.id),
        "rev": views::key_of_number(message.id), "text": message.text, "sender": {"did": views::did(message.sender)},
        "sentAt": views::created(message.at)})
}

fn messages(state: &State, call: &Call) -> Result<Answer, Answer> {
    let person = with(state, call.param("convoId").unwrap_or_default())?;
    let most: usize = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(50);
    if !(1..=100).contains(&most) {
        return Err(invalid("Error: limit can not be greater than 100"));
    }
    let newest = state.bluesky.chat.messages.iter().rev().filter(|message| message.with == person);
    Ok(Answer::json(200, json!({"messages": newest.take(most).map(view).collect::<Vec<_>>()})))
}

fn send(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let body = call.json().map_err(|why| invalid(&why))?;
    let person = with(state, body.get("convoId").and_then(Value::as_str).unwrap_or_default())?;
    let text = body.get("message").and_then(|message| message["text"].as_str()).unwrap_or_default().to_owned();
    if text.graphemes(true).count() > 1_000 || text.len() > 10_000 {
        return Err(invalid("Input/message/text must not be longer than 1000 graphemes"));
    }
    if let Some(other) = state.world.people.get(&person) {
        may_write(other)?;
    }
    let id = state.world.next_id(call.now);
    let message = Message { id, with: person, sender: state.world.brand.id, text: text.clone(), at: call.now };
    let answer = view(&message);
    state.bluesky.chat.messages.push(message);
    state.ledger.wrote(json!({
        "network": "bluesky",
        "kind": "dm",
        "id": id.to_string(),
        "in_reply_to": null,
        "to": person.to_string(),
        "text": text,
        "at": call.now.to_string(),
    }));
    Ok(Answer::json(200, answer))
}

fn note_refusal(state: &mut State, call: &Call, refusal: &Answer) {
    let given: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
    let why = match &refusal.body {
        Body::Json(body) => body["message"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    state.ledger.refused(json!({
        "network": "bluesky",
        "kind": "dm",
        "in_reply_to": null,
        "text": given["message"]["text"],
        "at": call.now.to_string(),
        "status": refusal.status,
        "why": why,
    }));
}

fn log(state: &State, call: &Call) -> Result<Answer, Answer> {
    let all = &state.bluesky.chat.messages;
    let from = match call.param("cursor") {
        None => all.len(),
        Some(cursor) => cursor.parse().map_err(|_| invalid("Malformed cursor"))?,
    };
    let page: Vec<Value> = all
        .iter()
        .skip(from)
        .take(100)
        .map(|message| {
            json!({"$type": "chat.bsky.convo.defs#logCreateMessage", "rev": views::key_of_number(message.id),
                "convoId": convo_id(message.with), "message": view(message)})
        })
        .collect();
    let cursor = from.min(all.len()) + page.len();
    Ok(Answer::json(200, json!({"logs": page, "cursor": cursor.to_string()})))
}
