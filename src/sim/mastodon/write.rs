//! Writing as the brand, with what a server refuses.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::call::{Answer, Body, Call};
use super::super::state::State;
use super::super::world::Draft;
use super::{invalid, render, status_id, world_id};
use crate::model::instance_length::{PER_LINK, length};

/// A key is known for so long.
const KEY_LIVES: SignedDuration = SignedDuration::from_hours(1);

/// A post for those it names.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    /// Numbered with the posts of the world.
    pub(super) id: u64,
    pub(super) author: u64,
    pub(super) with: u64,
    pub(super) text: String,
    pub(super) at: Timestamp,
    pub(super) reply_to: Option<u64>,
}

pub(super) fn create(state: &mut State, call: &Call) -> Answer {
    let key = call.header("idempotency-key").map(str::to_owned);
    if let Some((at, status)) = key.as_ref().and_then(|key| state.mastodon.keys.get(key))
        && call.now.duration_since(*at) < KEY_LIVES
        && !state.mastodon.manner.ignores_keys
    {
        return Answer::json(200, status.clone());
    }
    let answer = written(state, call);
    let given: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
    match (&answer.body, answer.status) {
        (Body::Json(status), 200) => {
            if let Some(key) = key {
                state.mastodon.keys.insert(key, (call.now, status.clone()));
            }
        }
        (Body::Json(refusal), status) => state.ledger.refused(json!({
            "network": "mastodon",
            "kind": "post",
            "in_reply_to": given["in_reply_to_id"],
            "text": given["status"],
            "at": call.now.to_string(),
            "status": status,
            "why": refusal["error"],
        })),
        _ => {}
    }
    answer
}

fn written(state: &mut State, call: &Call) -> Answer {
    let body = match call.json() {
        Ok(body) => body,
        Err(why) => return invalid(state, &why),
    };
    let text = body.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    if text.trim().is_empty() {
        return invalid(state, "Validation failed: Text can't be blank");
    }
    let most = state.mastodon.manner.max_characters;
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    if !length(&text, limit, PER_LINK).fits() {
        return invalid(state, &format!("Validation failed: Text character limit of {most} exceeded"));
    }
    let parent = match body.get("in_reply_to_id").filter(|id| !id.is_null()) {
        None => None,
        Some(id) => {
            let id = id.as_str().and_then(world_id);
            let is_direct = state.mastodon.directs.iter().any(|direct| Some(direct.id) == id);
            match id.filter(|id| is_direct || render::status(state, *id).is_some()) {
                Some(id) => Some(id),
                None => return Answer::json(404, json!({"error": "Record not found"})),
            }
        }
    };
    let visibility = match body.get("visibility").and_then(Value::as_str) {
        None | Some("public") => None,
        Some("unlisted") => Some("unlisted"),
        Some("private") => Some("private"),
        Some("direct") => return direct(state, call, &text, parent),
        Some(_) => return invalid(state, "Validation failed: Visibility is not included in the list"),
    };
    let lang = body.get("language").and_then(Value::as_str).unwrap_or("en").to_owned();
    let brand = state.world.brand.id;
    let draft = Draft { author: brand, text: text.clone(), lang, reply_to: parent, ..Draft::default() };
    let id = state.world.next_id(call.now);
    if let Some(visibility) = visibility {
        // Known before it is delivered; the next post gets the next number.
        state.mastodon.quiet.insert(id + 1, visibility);
    }
    let id = state.publish(draft, call.now);
    if visibility.is_some() && !state.mastodon.quiet.contains_key(&id) {
        tracing::error!(id, "a quiet post of the simulator became a public one");
    }
    let row = json!({
        "network": "mastodon",
        "kind": if parent.is_some() { "reply" } else { "post" },
        "id": status_id(state, id),
        "in_reply_to": parent.map(|id| status_id(state, id)),
        "in_reply_to_post": parent.map(|id| id.to_string()),
        "visibility": visibility.unwrap_or("public"),
        "key": call.header("idempotency-key"),
        "text": text,
        "at": call.now.to_string(),
    });
    state.ledger.wrote(row);
    if parent.is_some() {
        let State { scenario, world, .. } = state;
        scenario.answered(id, &text, call.now, world);
    }
    match render::status(state, id) {
        Some(status) => Answer::json(200, status),
        None => Answer::json(500, json!({"error": "Something went wrong"})),
    }
}

/// A post for those it names. Whoever blocks the brand is not told, and neither is the brand.
fn direct(state: &mut State, call: &Call, text: &str, reply_to: Option<u64>) -> Answer {
    let brand = state.world.brand.id;
    let with = render::named(&state.world, text).into_iter().find(|id| *id != brand).unwrap_or(brand);
    let id = state.world.next_id(call.now);
    let direct = Direct { id, author: brand, with, text: text.to_owned(), at: call.now, reply_to };
    let status = render::direct(state, &direct);
    state.mastodon.directs.push(direct);
    let row = json!({
        "network": "mastodon",
        "kind": "dm",
        "id": status_id(state, id),
        "to": with.to_string(),
        "in_reply_to": reply_to.map(|id| status_id(state, id)),
        "visibility": "direct",
        "key": call.header("idempotency-key"),
        "text": text,
        "at": call.now.to_string(),
    });
    state.ledger.wrote(row);
    super::streams::own(state, &status, call.now);
    Answer::json(200, status)
}
