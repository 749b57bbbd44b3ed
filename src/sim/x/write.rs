//! Posting and deleting as the brand, with everything X refuses a self-serve app.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::super::state::State;
use super::super::world::{Draft, SimPost, mentions};
use super::bill::{self, Item};
use super::{Answer, Body, Call, NameFamily, activity, json_body, problem};
use crate::model::NetworkKind;
use crate::model::length::length;
use crate::model::price::Money;

/// The two refusals of the gate of 2026-02-23, as seen by others. X does not say which stands when; here the
/// second is given inside somebody's conversation and for quotes, the first otherwise.
const NOT_SUMMONED: &str = "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.";
const NOT_SUMMONED_INSIDE: &str = "You can only reply to or quote posts where you are mentioned or are the author.";
/// From memory.
const DUPLICATE: &str = "You are not allowed to create a Tweet with duplicate content.";
const GONE: &str = "You attempted to reply to a Tweet that is deleted or not visible to you.";
/// From memory.
const TOO_LONG: &str = "Your Tweet text is too long.";

const KNOWN: &[&str] = &[
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "made_with_ai",
    "media",
    "nullcast",
    "paid_partnership",
    "poll",
    "quote_tweet_id",
    "reply",
    "reply_settings",
    "share_with_followers",
    "text",
];

pub(super) fn create(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let result = judge(state, call);
    match result {
        Ok(wish) => Ok(created(state, call, &wish)),
        Err(refusal) => {
            let given: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
            let why = match &refusal.body {
                Body::Json(body) => {
                    body["errors"][0]["message"].as_str().or(body["detail"].as_str()).unwrap_or("").to_owned()
                }
                Body::Html(_) | Body::Stream(..) | Body::Events(_) | Body::Socket(_) => String::new(),
            };
            state.ledger.refused(json!({
                "network": "x",
                "kind": if given["reply"].is_object() { "reply" } else { "post" },
                "in_reply_to": given["reply"]["in_reply_to_tweet_id"],
                "text": given["text"],
                "at": call.now.to_string(),
                "status": refusal.status,
                "why": why,
            }));
            Err(refusal)
        }
    }
}

static CASHTAG: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$[A-Za-z]{1,6}\b").expect("a constant pattern"));

/// A post that X would take.
struct Wish {
    text: String,
    parent: Option<u64>,
    reply_settings: Option<&'static str>,
    deep_link: Option<String>,
}

fn judge(state: &State, call: &Call) -> Result<Wish, Answer> {
    let body = json_body(call)?;
    refuse_unknown("$", &body, KNOWN)?;
    let text = match body.get("text") {
        Some(Value::String(text)) => text.as_str(),
        None => "",
        Some(_) => return Err(problem::invalid(None, "$.text: must be a string")),
    };
    if text.trim().is_empty() {
        return Err(problem::invalid(None, "$.text: the post has no text and no media"));
    }
    if text.contains(['\u{fffe}', '\u{feff}', '\u{ffff}']) {
        return Err(problem::invalid(None, "$.text: holds an invalid character"));
    }
    if let Some(media) = body.get("media") {
        let message = format!("$.media: your media IDs are invalid: {media}");
        return Err(problem::invalid(None, &message));
    }
    let deep_link = match body.get("direct_message_deep_link") {
        None => None,
        Some(Value::String(link)) if link.starts_with("https://") => Some(link.clone()),
        Some(_) => return Err(problem::invalid(None, "$.direct_message_deep_link: must be a link")),
    };
    if deep_link.is_some() {
        let rivals = ["card_uri", "poll", "quote_tweet_id", "media"];
        if let Some(rival) = rivals.into_iter().find(|rival| body.contains_key(*rival)) {
            let message = format!("$.direct_message_deep_link: is mutually exclusive with {rival}");
            return Err(problem::invalid(None, &message));
        }
    }
    let reply_settings = match body.get("reply_settings").map(|value| value.as_str().unwrap_or("")) {
        None => None,
        Some("following") => Some("following"),
        Some("mentionedUsers") => Some("mentionedUsers"),
        Some("subscribers") => Some("subscribers"),
        Some("verified") => Some("verified"),
        Some(_) => {
            let message = "$.reply_settings: is not one of [following,mentionedUsers,subscribers,verified]";
            return Err(problem::invalid(None, message));
        }
    };
    let parent = match body.get("reply") {
        None => None,
        Some(Value::Object(reply)) => Some(parent(state, reply)?),
        Some(_) => return Err(problem::invalid(None, "$.reply: must be an object")),
    };
    if length(NetworkKind::X, text).used > 280 {
        return Err(problem::forbidden(TOO_LONG));
    }
    if CASHTAG.find_iter(text).count() > 1 {
        return Err(problem::forbidden("You can only include one cashtag in a post."));
    }
    if body.contains_key("quote_tweet_id") {
        return Err(problem::forbidden(NOT_SUMMONED_INSIDE));
    }
    if let Some(parent) = parent {
        gate(state, parent)?;
    }
    if said_lately(state, call.now, text) {
        return Err(problem::forbidden(DUPLICATE));
    }
    let parent = parent.map(|post| post.id);
    Ok(Wish { text: text.to_owned(), parent, reply_settings, deep_link })
}

fn refuse_unknown(place: &str, object: &Map<String, Value>, known: &[&str]) -> Result<(), Answer> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => {
            let message = format!(
                "{place}.{key}: is not defined in the schema and the schema does not allow additional properties"
            );
            Err(problem::invalid(None, &message))
        }
        None => Ok(()),
    }
}

/// The post to reply to.
fn parent<'a>(state: &'a State, reply: &Map<String, Value>) -> Result<&'a SimPost, Answer> {
    refuse_unknown(
        "$.reply",
        reply,
        &["in_reply_to_tweet_id", "exclude_reply_user_ids", "auto_populate_reply_metadata"],
    )?;
    let id = reply.get("in_reply_to_tweet_id").and_then(Value::as_str);
    let id: u64 = id.and_then(|id| id.parse().ok()).ok_or_else(|| {
        problem::invalid(None, "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$")
    })?;
    let parent = state.world.visible(id).ok_or_else(|| problem::forbidden(GONE))?;
    if let Some(excluded) = reply.get("exclude_reply_user_ids") {
        let conversation = || state.world.posts.values().filter(|post| post.conversation == parent.conversation);
        let in_thread = |id: u64| {
            conversation().any(|post| {
                post.author == id
                    || mentions(&post.text)
                        .iter()
                        .any(|span| state.world.person_named(&span.word).is_some_and(|person| person.id == id))
            })
        };
        let ids: Option<Vec<u64>> =
            excluded.as_array().and_then(|ids| ids.iter().map(|id| id.as_str()?.parse().ok()).collect());
        if !ids.is_some_and(|ids| ids.into_iter().all(in_thread)) {
            let message = "$.reply.exclude_reply_user_ids: names somebody who is not part of the conversation";
            return Err(problem::invalid(None, message));
        }
    }
    Ok(parent)
}

/// Whether the author of `parent` lets us in, and X lets a self-serve app.
fn gate(state: &State, parent: &SimPost) -> Result<(), Answer> {
    if parent.author == state.world.brand.id {
        return Ok(());
    }
    if is_closed_to_us(state, parent) {
        return Err(problem::forbidden(NOT_SUMMONED));
    }
    if !state.world.summons_brand(parent) {
        let inside = parent.reply_to.is_some();
        return Err(problem::forbidden(if inside { NOT_SUMMONED_INSIDE } else { NOT_SUMMONED }));
    }
    Ok(())
}

/// The brand publishes through the API.
fn created(state: &mut State, call: &Call, wish: &Wish) -> Answer {
    let parent_author = wish.parent.and_then(|id| state.world.posts.get(&id)).map(|post| post.author);
    let is_summoned = wish.parent.is_some() && parent_author != Some(state.world.brand.id);
    let item = match (bill::has_link(&wish.text), is_summoned) {
        (true, _) => Item::PostWithLink,
        (false, true) => Item::SummonedReply,
        (false, false) => Item::Post,
    };
    let price = Money::thousandths(item.price());
    let id = publish(state, call.now, wish, price);
    state.x.bill.add(item, id, call.now);
    let mut data = json!({"id": id.to_string(), "text": state.world.posts[&id].text});
    match state.x.names {
        NameFamily::Tweet => data["edit_history_tweet_ids"] = json!([id.to_string()]),
        NameFamily::Post => data["edit_history_post_ids"] = json!([id.to_string()]),
    }
    Answer::json(201, json!({"data": data})).with("x-sim-price", price)
}

/// A person at the brand publishes on X's own page: free of charge, and not held back by what X refuses apps.
/// Hands back the post's id, or why not.
pub(super) fn by_hand(
    state: &mut State,
    now: Timestamp,
    text: &str,
    in_reply_to: Option<&str>,
) -> Result<u64, &'static str> {
    if text.trim().is_empty() {
        return Err("The post has no text.");
    }
    if length(NetworkKind::X, text).used > 280 {
        return Err(TOO_LONG);
    }
    let parent = match in_reply_to {
        None => None,
        Some(id) => {
            let parent = id.parse().ok().and_then(|id| state.world.visible(id)).ok_or(GONE)?;
            if parent.author != state.world.brand.id && is_closed_to_us(state, parent) {
                return Err("The author does not let everybody reply to this post.");
            }
            Some(parent.id)
        }
    };
    if said_lately(state, now, text) {
        return Err(DUPLICATE);
    }
    let wish = Wish { text: text.to_owned(), parent, reply_settings: None, deep_link: None };
    Ok(publish(state, now, &wish, Money::default()))
}

/// Whether the author lets only people reply of whom we are none.
fn is_closed_to_us(state: &State, parent: &SimPost) -> bool {
    let is_mentioned = mentions(&parent.text)
        .iter()
        .any(|span| state.world.person_named(&span.word).is_some_and(|person| person.id == state.world.brand.id));
    // The brand is followed by nobody here and subscribes to nobody: only a mention opens a limited conversation.
    parent.reply_settings != "everyone" && !is_mentioned
}

/// Whether we said the same within a day and it still stands.
fn said_lately(state: &State, now: Timestamp, text: &str) -> bool {
    let since = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now);
    let mut lately = state.x.written.iter().rev().take_while(|(at, ..)| *at >= since);
    lately.any(|(_, id, said)| said == text && state.world.visible(*id).is_some())
}

fn publish(state: &mut State, now: Timestamp, wish: &Wish, price: Money) -> u64 {
    let brand = state.world.brand.id;
    let is_reply = wish.parent.is_some();
    let draft = Draft {
        author: brand,
        text: wish.text.clone(),
        lang: "en".to_owned(),
        reply_to: wish.parent,
        reply_settings: wish.reply_settings,
        ..Draft::default()
    };
    let id = state.publish(draft, now);
    state.x.written.push((now, id, wish.text.clone()));
    state.ledger.wrote(json!({
        "network": "x",
        "kind": if is_reply { "reply" } else { "post" },
        "id": id.to_string(),
        "in_reply_to": wish.parent.map(|id| id.to_string()),
        "conversation_id": state.world.posts[&id].conversation.to_string(),
        "text": wish.text,
        "direct_message_deep_link": wish.deep_link,
        "at": now.to_string(),
        "price": price.to_string(),
    }));
    if is_reply {
        let said = format!("{} {}", wish.text, wish.deep_link.as_deref().unwrap_or(""));
        state.scenario.answered(id, &said, now, &state.world);
    }
    id
}

pub(super) fn delete(state: &mut State, id: &str, call: &Call) -> Result<Answer, Answer> {
    let number: u64 = id.parse().map_err(|_| {
        problem::invalid(Some(("id", id)), &format!("The `id` query parameter value [{id}] is not valid"))
    })?;
    let Some(post) = state.world.visible(number) else {
        // As seen: deleting what is gone is a success that deleted nothing.
        return Ok(Answer::json(200, json!({"data": {"deleted": false}})));
    };
    if post.author != state.world.brand.id {
        return Err(problem::forbidden("You are not authorized to delete this Tweet."));
    }
    state.world.delete(number);
    activity::withdrawn(&mut state.x, &state.world, &mut state.faults, number, call.now);
    state.ledger.wrote(json!({
        "network": "x",
        "kind": "delete",
        "id": id,
        "in_reply_to": null,
        "text": null,
        "at": call.now.to_string(),
    }));
    Ok(Answer::json(200, json!({"data": {"deleted": true}})))
}
