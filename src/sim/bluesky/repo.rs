//! The brand's own records: written, read, deleted, with the refusals of a real server.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::super::call::{Answer, Body, Call};
use super::super::state::State;
use super::super::world::Draft;
use super::{POSTS, gates, invalid, refuse, session, views};

/// One record of the brand's.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) value: Value,
    /// The post it is, where it is one.
    pub(super) post: Option<u64>,
}

pub(super) fn put(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let result = put_one(state, call);
    note_refusal(state, call, &result);
    result
}

pub(super) fn make(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let result = make_one(state, call);
    note_refusal(state, call, &result);
    result
}

fn note_refusal(state: &mut State, call: &Call, result: &Result<Answer, Answer>) {
    let Err(refusal) = result else { return };
    let given: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
    let why = match &refusal.body {
        Body::Json(body) => body["message"].as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let parent = given["record"]["reply"]["parent"]["uri"].as_str().and_then(|uri| views::post_at(state, uri));
    state.ledger.refused(json!({
        "network": "bluesky",
        "kind": if given["record"]["reply"].is_object() { "reply" } else { "post" },
        "in_reply_to": parent.map(|id| id.to_string()),
        "text": given["record"]["text"],
        "at": call.now.to_string(),
        "status": refusal.status,
        "why": why,
    }));
}

/// What a write names.
struct Place {
    collection: String,
    key: String,
}

fn place(state: &State, body: &Map<String, Value>, key: Option<String>) -> Result<Place, Answer> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let brand = state.world.brand.id;
    if text("repo") != views::did(brand) && text("repo") != views::handle_of(state, brand) {
        return Err(refuse(403, "InvalidRequest", "The repository does not belong to the logged-in account"));
    }
    let key = key.unwrap_or_else(|| text("rkey"));
    let is_key = (1..=512).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'~' | b'-'));
    if !is_key {
        return Err(invalid("Invalid record key"));
    }
    let collection = text("collection");
    if collection == POSTS && (key.len() != 13 || !key.bytes().all(|b| matches!(b, b'2'..=b'7' | b'a'..=b'z'))) {
        return Err(invalid("Invalid app.bsky.feed.post record: key must be a tid"));
    }
    Ok(Place { collection, key })
}

fn put_one(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    session::who(state, call)?;
    let body = call.json().map_err(|why| invalid(&why))?;
    let place = place(state, &body, None)?;
    let record = body.get("record").cloned().unwrap_or(Value::Null);
    let at = (place.collection.clone(), place.key.clone());
    let there = state.bluesky.records.get(&at).map(|there| there.value.clone());
    if let Some(there) = there {
        if there == record {
            // The same again: nothing is written.
            return Ok(written(state, &place, &record, false, call.now));
        }
        let swap = body.get("swapRecord");
        if swap.is_some_and(|swap| swap.as_str() != Some(views::cid(&there).as_str())) {
            return Err(refuse(400, "InvalidSwap", &format!("Record was at {}", views::cid(&there))));
        }
        return Err(invalid("Records of this simulator are not changed once they are written"));
    }
    if body.get("swapRecord").is_some_and(|swap| !swap.is_null()) {
        return Err(refuse(400, "InvalidSwap", "Record was at null"));
    }
    create(state, call, &place, &record)
}

fn make_one(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    session::who(state, call)?;
    let body = call.json().map_err(|why| invalid(&why))?;
    let own_key = (!body.contains_key("rkey")).then(|| views::key_of_number(state.world.next_id(call.now)));
    let place = place(state, &body, own_key)?;
    if state.bluesky.records.contains_key(&(place.collection.clone(), place.key.clone())) {
        // As seen on a real server.
        return Err(refuse(500, "InternalServerError", "Internal Server Error"));
    }
    let record = body.get("record").cloned().unwrap_or(Value::Null);
    create(state, call, &place, &record)
}

fn create(state: &mut State, call: &Call, place: &Place, record: &Value) -> Result<Answer, Answer> {
    if record.get("$type").and_then(Value::as_str) != Some(place.collection.as_str()) {
        return Err(invalid(&format!("Invalid $type: expected {}", place.collection)));
    }
    let draft = match place.collection.as_str() {
        POSTS => Some(draft(state, record)?),
        "app.bsky.graph.follow" => {
            let subject = record.get("subject").and_then(Value::as_str).unwrap_or_default();
            if views::person_of(subject).is_none() {
                return Err(invalid("Invalid app.bsky.graph.follow record: subject must be a did"));
            }
            None
        }
        other => return Err(invalid(&format!("Lexicon not found: lex:{other}"))),
    };
    if !state.bluesky.budget.write(3, call.now) {
        return Err(super::too_many());
    }
    let at = (place.collection.clone(), place.key.clone());
    let post = draft.map(|draft| publish(state, draft, place, record, call.now));
    state.bluesky.records.insert(at, Record { value: record.clone(), post });
    if post.is_none() {
        state.ledger.wrote(json!({
            "network": "bluesky",
            "kind": "follow",
            "to": record["subject"],
            "at": call.now.to_string(),
        }));
    }
    Ok(written(state, place, record, true, call.now))
}

/// The brand publishes.
fn publish(state: &mut State, draft: Draft, place: &Place, record: &Value, now: Timestamp) -> u64 {
    let (text, parent) = (draft.text.clone(), draft.reply_to);
    let is_hidden = parent.is_some_and(|parent| gates::hides_ours(state, parent));
    state.bluesky.under_way = Some((place.key.clone(), record.clone()));
    let id = state.publish(draft, now);
    state.ledger.wrote(json!({
        "network": "bluesky",
        "kind": if parent.is_some() { "reply" } else { "post" },
        "id": id.to_string(),
        "uri": views::uri(state, id),
        "in_reply_to": parent.map(|id| id.to_string()),
        "conversation_id": state.world.posts.get(&id).map(|post| post.conversation.to_string()),
        "text": text,
        // The conversation is closed to the brand, or its author blocks it: taken, and shown to nobody.
        "is_hidden": is_hidden,
        "facets": record["facets"],
        "langs": record["langs"],
        "at": now.to_string(),
    }));
    if parent.is_some() && !is_hidden {
        state.scenario.answered(id, &text, now, &state.world);
    }
    id
}

/// A record of a post, checked as the lexicon says.
fn draft(state: &State, record: &Value) -> Result<Draft, Answer> {
    let wrong = |why: &str| invalid(&format!("Invalid app.bsky.feed.post record: {why}"));
    let Some(text) = record.get("text").and_then(Value::as_str) else {
        return Err(wrong("Missing required key \"text\" at $.record.text"));
    };
    let graphemes = text.graphemes(true).count();
    if text.len() > 3_000 {
        return Err(wrong(&format!("string too big (maximum 3000, got {}) at $.record.text", text.len())));
    }
    if graphemes > 300 {
        return Err(wrong(&format!("grapheme too big (maximum 300, got {graphemes}) at $.record.text")));
    }
    if record.get("createdAt").and_then(Value::as_str).is_none_or(|at| at.parse::<Timestamp>().is_err()) {
        return Err(wrong("Invalid datetime at $.record.createdAt"));
    }
    let langs = record.get("langs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_tag = |lang: &Value| {
        let letters =
            |part: &str| !part.is_empty() && part.len() <= 8 && part.bytes().all(|b| b.is_ascii_alphanumeric());
        lang.as_str().is_some_and(|lang| lang.len() >= 2 && lang.split('-').all(letters))
    };
    if langs.len() > 3 || !langs.iter().all(is_tag) {
        return Err(wrong("must be at most three well-formed BCP 47 language tags at $.record.langs"));
    }
    for facet in record.get("facets").and_then(Value::as_array).into_iter().flatten() {
        let byte = |name: &str| facet["index"][name].as_u64();
        match (byte("byteStart"), byte("byteEnd")) {
            (Some(start), Some(end)) if start < end && end <= text.len() as u64 => {}
            _ => return Err(wrong("Invalid facet index at $.record.facets")),
        }
    }
    let reply_to = match record.get("reply") {
        None => None,
        Some(reply) => {
            let named = |place: &str, name: &str| reply[place][name].as_str().unwrap_or_default().to_owned();
            for place in ["root", "parent"] {
                if !named(place, "uri").starts_with("at://") || named(place, "cid").is_empty() {
                    return Err(wrong(&format!("Invalid strongRef at $.record.reply.{place}")));
                }
            }
            let Some(parent) = views::post_at(state, &named("parent", "uri")) else {
                return Err(invalid("the simulator has no post at the parent's address"));
            };
            // A real server takes any root and shows a torn conversation; here that is a fault of the client.
            let root = state.world.posts.get(&parent).map(|post| views::uri(state, post.conversation));
            if root.as_deref() != Some(named("root", "uri").as_str()) {
                return Err(invalid("the root is not that of the parent's conversation"));
            }
            Some(parent)
        }
    };
    let lang = record["langs"][0].as_str().unwrap_or("en").to_owned();
    Ok(Draft { author: state.world.brand.id, text: text.to_owned(), lang, reply_to, ..Draft::default() })
}

fn written(state: &State, place: &Place, record: &Value, is_new: bool, now: Timestamp) -> Answer {
    let uri = format!("at://{}/{}/{}", views::did(state.world.brand.id), place.collection, place.key);
    let mut body = json!({"uri": uri, "cid": views::cid(record), "validationStatus": "valid"});
    if is_new {
        body["commit"] = json!({"cid": views::cid(&json!(now.to_string())), "rev": place.key});
    }
    Answer::json(200, body)
}

pub(super) fn read(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let (repo, collection, key) = (
        call.param("repo").unwrap_or_default(),
        call.param("collection").unwrap_or_default(),
        call.param("rkey").unwrap_or_default(),
    );
    let uri = format!("at://{repo}/{collection}/{key}");
    let own = state.bluesky.records.get(&(collection.to_owned(), key.to_owned()));
    let value = match own.filter(|_| repo == views::did(state.world.brand.id)) {
        Some(own) => Some(own.value.clone()),
        None => views::post_at(state, &uri).map(|id| views::stored(state, id)),
    };
    match value {
        Some(value) => Ok(Answer::json(200, json!({"uri": uri, "cid": views::cid(&value), "value": value}))),
        None => Err(refuse(400, "RecordNotFound", &format!("Could not locate record: {uri}"))),
    }
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    session::who(state, call)?;
    let body = call.json().map_err(|why| invalid(&why))?;
    let place = place(state, &body, None)?;
    if !state.bluesky.budget.write(1, call.now) {
        return Err(super::too_many());
    }
    // What is gone already is a success.
    if let Some(gone) = state.bluesky.records.remove(&(place.collection, place.key)) {
        if let Some(post) = gone.post {
            state.world.delete(post);
            state.withdraw(post, call.now);
        }
        state.ledger.wrote(json!({
            "network": "bluesky",
            "kind": "delete",
            "id": gone.post.map(|id| id.to_string()),
            "in_reply_to": null,
            "text": null,
            "at": call.now.to_string(),
        }));
    }
    Ok(Answer::json(200, json!({})))
}
