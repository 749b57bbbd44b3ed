//! Direct messages of the older, unencrypted kind.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::state::State;
use super::super::world::Person;
use super::bill::Item;
use super::render::user_json;
use super::{Answer, Call, activity, problem};

/// One message between the brand and somebody.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    /// The other side.
    pub(super) with: u64,
    pub(super) sender: u64,
    pub(super) text: String,
    pub(super) at: Timestamp,
}

/// Whether somebody takes our messages: everyone's are welcome, or they wrote first; and they do not block us.
pub(super) fn may_write(person: &Person) -> bool {
    !person.blocks_us && (person.dm_open || person.wrote_us)
}

fn conversation_id(brand: u64, other: u64) -> String {
    format!("{}-{}", other.min(brand), other.max(brand))
}

/// The other side of a conversation, from its id or theirs.
fn other_side(brand: u64, id: &str) -> Result<u64, Answer> {
    let ours = brand.to_string();
    let other = match id.split_once('-') {
        Some((low, high)) if low == ours => high,
        Some((low, high)) if high == ours => low,
        _ => id,
    };
    other.parse().map_err(|_| {
        problem::invalid(Some(("participant_id", id)), "The `participant_id` does not match ^[0-9]{1,19}$")
    })
}

/// A direct message from a customer.
pub(in crate::sim) fn received(state: &mut State, id: u64, person: u64, text: &str, at: Timestamp) {
    take(state, Message { id, with: person, sender: person, text: text.to_owned(), at });
}

/// Keeps a message and tells of it.
fn take(state: &mut State, message: Message) {
    activity::messaged(&mut state.x, &state.world, &mut state.faults, &message, message.at);
    state.x.messages.push(message);
}

pub(super) fn send(state: &mut State, id: &str, call: &Call) -> Result<Answer, Answer> {
    let with = other_side(state.world.brand.id, id)?;
    let body = super::json_body(call)?;
    let text = read_text(&body)?;
    if let Err(why) = welcome(state, with) {
        state.ledger.refused(json!({
            "network": "x",
            "kind": "dm",
            "to": with.to_string(),
            "in_reply_to": null,
            "text": text,
            "at": call.now.to_string(),
            "status": 403,
            "why": why,
        }));
        return Err(problem::forbidden(why));
    }
    let event = put(state, with, &text, call.now, "$0.015");
    state.x.bill.add(Item::Dm, event, call.now);
    let data =
        json!({"dm_conversation_id": conversation_id(state.world.brand.id, with), "dm_event_id": event.to_string()});
    Ok(Answer::json(201, json!({"data": data})).with("x-sim-price", "$0.015"))
}

/// A person at the brand writes on X's own page: free of charge. Why it may not be, otherwise.
pub(super) fn by_hand(state: &mut State, with: u64, text: &str, at: Timestamp) -> Result<(), &'static str> {
    welcome(state, with)?;
    put(state, with, text, at, "$0.00");
    Ok(())
}

/// Whether somebody takes messages of the brand, or X's words on why not.
fn welcome(state: &State, with: u64) -> Result<(), &'static str> {
    match state.world.people.get(&with) {
        // To oneself, or to somebody who does not want to hear from us.
        Some(person) if with == state.world.brand.id || person.blocks_us => Err("This operation is not permitted."),
        Some(person) if may_write(person) => Ok(()),
        Some(_) | None => Err("You do not have permission to DM one or more participants."),
    }
}

/// The brand's message is there; hands back its id.
fn put(state: &mut State, with: u64, text: &str, at: Timestamp, price: &str) -> u64 {
    let id = state.world.next_id(at);
    take(state, Message { id, with, sender: state.world.brand.id, text: text.to_owned(), at });
    state.ledger.wrote(json!({
        "network": "x",
        "kind": "dm",
        "id": id.to_string(),
        "to": with.to_string(),
        "in_reply_to": null,
        "text": text,
        "at": at.to_string(),
        "price": price,
    }));
    id
}

fn read_text(body: &Map<String, Value>) -> Result<String, Answer> {
    if let Some(key) = body.keys().find(|key| !matches!(key.as_str(), "text" | "attachments")) {
        return Err(problem::invalid(None, &format!("$.{key}: is not defined in the schema")));
    }
    if body.contains_key("attachments") {
        return Err(problem::invalid(None, "$.attachments: your media IDs are invalid"));
    }
    match body.get("text").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(problem::invalid(None, "$.text: must be a string of at least one character")),
    }
}

/// Events newest first; those of one conversation where `id` names somebody.
pub(super) fn read(state: &mut State, id: &str, call: &Call) -> Result<Answer, Answer> {
    let with = if id.is_empty() { None } else { Some(other_side(state.world.brand.id, id)?) };
    let fields: Vec<&str> = call.param("dm_event.fields").map(|list| list.split(',').collect()).unwrap_or_default();
    let known = ["id", "text", "event_type", "created_at", "sender_id", "dm_conversation_id", "participant_ids"];
    if let Some(field) = fields.iter().find(|field| !known.contains(field)) {
        let message =
            format!("The `dm_event.fields` query parameter value [{field}] is not one of [{}]", known.join(","));
        return Err(problem::invalid(Some(("dm_event.fields", field)), &message));
    }
    let size: usize = match call.param("max_results").map(str::parse) {
        None => 100,
        Some(Ok(size)) if (1..=100).contains(&size) => size,
        Some(_) => {
            return Err(problem::invalid(Some(("max_results", "")), "The `max_results` is not between 1 and 100"));
        }
    };
    let before: u64 = match call.param("pagination_token").map(|token| token.trim_start_matches("dm").parse()) {
        None => u64::MAX,
        Some(Ok(before)) => before,
        Some(Err(_)) => {
            return Err(problem::invalid(
                Some(("pagination_token", "")),
                "The `pagination_token` is not a valid token",
            ));
        }
    };
    let names = |field: &str| call.param("expansions").is_some_and(|list| list.split(',').any(|one| one == field));
    let all = state.x.messages.iter().rev().filter(|message| with.is_none_or(|with| message.with == with));
    let mut rest = all.filter(|message| message.id < before);
    let page: Vec<&Message> = rest.by_ref().take(size).collect();
    for message in &page {
        state.x.bill.add(Item::DmRead, message.id, call.now);
    }
    let rows: Vec<Value> = page
        .iter()
        .map(|message| {
            let mut row = json!({"id": message.id.to_string(), "text": message.text, "event_type": "MessageCreate"});
            for field in &fields {
                match *field {
                    "created_at" => row["created_at"] = json!(format!("{:.3}", message.at)),
                    "sender_id" => row["sender_id"] = json!(message.sender.to_string()),
                    "dm_conversation_id" => {
                        row["dm_conversation_id"] = json!(conversation_id(state.world.brand.id, message.with));
                    }
                    _ => {}
                }
            }
            row
        })
        .collect();
    let mut body = json!({"meta": {"result_count": rows.len()}});
    if let (Some(oldest), Some(_)) = (page.last(), rest.next()) {
        body["meta"]["next_token"] = json!(format!("dm{}", oldest.id));
    }
    if names("sender_id") && !page.is_empty() {
        let senders: std::collections::BTreeSet<u64> = page.iter().map(|message| message.sender).collect();
        let people = senders.iter().filter_map(|id| state.world.people.get(id));
        let wanted = call.param("user.fields").unwrap_or_default().split(',').map(str::to_owned).collect();
        let users: Vec<Value> = people.map(|person| user_json(person, &wanted, None, state.x.names)).collect();
        body["includes"] = json!({"users": users});
    }
    if !rows.is_empty() {
        body["data"] = Value::Array(rows);
    }
    Ok(Answer::json(200, body))
}
