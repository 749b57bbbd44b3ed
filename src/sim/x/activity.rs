//! The Activity stream: what somebody subscribed to of an account, told as it happens, a line an event.
//!
//! Shapes are those of X's own pages. What X says to a subscription that is there already was seen by others; what it says
//! to one too many nobody told, so the words are from here.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::faults::Faults;
use super::super::state::State;
use super::super::world::{Person, SimPost, World, mentions};
use super::auth::{OAUTH1, OAUTH2, Who};
use super::bill::Item;
use super::dm::Message;
use super::fields::Choice;
use super::render::{render, user_json};
use super::stream::{self, Billed, Line};
use super::{Answer, Call, XApp, problem};

/// What a self-serve app may have.
const MOST: usize = 1_500;
const PAGE: usize = 1_000;

/// Events that anybody may be told of…
const PUBLIC: [&str; 2] = ["post.create", "post.delete"];
/// …and those that are for the account alone; the last three are taken and never happen here.
const PRIVATE: [&str; 7] = [
    "post.mention.create",
    "post.reply.create",
    "dm.received",
    "dm.sent",
    "dm.read",
    "dm.indicate_typing",
    "like.create",
];

/// Somebody wants to be told.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Subscription {
    id: u64,
    event: String,
    user: u64,
    tag: Option<String>,
    at: Timestamp,
}

impl Subscription {
    fn as_json(&self) -> Value {
        let at = format!("{:.3}", self.at);
        let mut row = json!({
            "subscription_id": self.id.to_string(),
            "event_type": self.event,
            "filter": {"user_id": self.user.to_string()},
            "created_at": at,
            "updated_at": at,
        });
        if let Some(tag) = &self.tag {
            row["tag"] = json!(tag);
        }
        row
    }
}

/// A plan without the Activity API answers like this, whatever is asked of it.
pub(super) fn must_be_there(state: &State) -> Result<(), Answer> {
    if state.x.has_activity { Ok(()) } else { Err(problem::client_forbidden()) }
}

pub(super) fn list(state: &State, call: &Call) -> Result<Answer, Answer> {
    must_be_there(state)?;
    let after: u64 = match call.param("pagination_token") {
        None => 0,
        Some(token) => token.strip_prefix("subs").and_then(|id| id.parse().ok()).ok_or_else(|| {
            problem::invalid(Some(("pagination_token", token)), "The `pagination_token` is not a valid token")
        })?,
    };
    let wanted: Vec<&Subscription> = state.x.subscriptions.iter().filter(|row| row.id > after).collect();
    let page = &wanted[..wanted.len().min(PAGE)];
    let mut meta = json!({"total_subscriptions": state.x.subscriptions.len()});
    if let Some(last) = page.last().filter(|_| wanted.len() > PAGE) {
        meta["next_token"] = json!(format!("subs{}", last.id));
    }
    let rows: Vec<Value> = page.iter().map(|row| row.as_json()).collect();
    Ok(Answer::json(200, json!({"data": rows, "meta": meta})))
}

pub(super) fn create(state: &mut State, who: Who, call: &Call) -> Result<Answer, Answer> {
    must_be_there(state)?;
    let body = super::json_body(call)?;
    let (event, user, tag) = read(&body)?;
    if !PUBLIC.contains(&event) {
        if who == Who::App {
            return Err(problem::unsupported_authentication(
                "OAuth 2.0 Application-Only",
                &format!("{OAUTH1}, {OAUTH2}"),
            ));
        }
        if user != state.world.brand.id || (event.starts_with("dm.") && lacks_scope(state, call, "dm.read")) {
            return Err(problem::forbidden("Forbidden"));
        }
    }
    if state.x.subscriptions.iter().any(|row| row.event == event && row.user == user) {
        return Err(problem::invalid(
            None,
            "Duplicate subscription: this event type and filter are subscribed to already.",
        ));
    }
    if state.x.subscriptions.len() >= MOST {
        return Err(problem::forbidden("The maximum number of subscriptions of your package is reached."));
    }
    // Not an id of a post: those stay as they would be without subscriptions.
    state.x.given_subscriptions += 1;
    let (event, at) = (event.to_owned(), call.now);
    let row = Subscription { id: 1_976_325_569_252_868_096 + state.x.given_subscriptions, event, user, tag, at };
    let told = row.as_json();
    state.x.subscriptions.push(row);
    let total = state.x.subscriptions.len();
    Ok(Answer::json(200, json!({"data": [told], "meta": {"total_subscriptions": total}})))
}

fn read(body: &Map<String, Value>) -> Result<(&str, u64, Option<String>), Answer> {
    let known = ["event_type", "filter", "tag", "webhook_id"];
    if let Some(key) = body.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(problem::invalid(None, &format!("$.{key}: is not defined in the schema")));
    }
    if body.contains_key("webhook_id") {
        return Err(problem::invalid(None, "$.webhook_id: there is no webhook of that id"));
    }
    let event = body.get("event_type").and_then(Value::as_str).unwrap_or_default();
    if !PUBLIC.contains(&event) && !PRIVATE.contains(&event) {
        return Err(problem::invalid(None, "$.event_type: does not have a value in the enumeration"));
    }
    let filter = body.get("filter").and_then(Value::as_object);
    let filter = filter.ok_or_else(|| problem::invalid(None, "$.filter: is missing but it is required"))?;
    let user = filter.get("user_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let user = user.ok_or_else(|| problem::invalid(None, "$.filter.user_id: does not match ^[0-9]{1,19}$"))?;
    let tag = match body.get("tag") {
        None => None,
        Some(Value::String(tag)) if tag.len() <= 200 => Some(tag.clone()),
        Some(_) => return Err(problem::invalid(None, "$.tag: must be a string of at most 200 characters")),
    };
    Ok((event, user, tag))
}

/// A token that was approved for less; others are for everything.
fn lacks_scope(state: &State, call: &Call, needed: &str) -> bool {
    let token = call.authorization().and_then(|header| header.split_once(' ')).map_or("", |(_, token)| token.trim());
    let grant = state.x.grants.bearer(token, call.now);
    grant.is_some_and(|bearer| !bearer.scopes.split(' ').any(|scope| scope == needed))
}

pub(super) fn delete(state: &mut State, id: &str) -> Result<Answer, Answer> {
    must_be_there(state)?;
    let before = state.x.subscriptions.len();
    state.x.subscriptions.retain(|row| row.id.to_string() != id);
    let total = state.x.subscriptions.len();
    if total == before {
        return Err(problem::problem(404, "Not Found", "There is no subscription of that id."));
    }
    Ok(Answer::json(200, json!({"data": {"deleted": true}, "meta": {"total_subscriptions": total}})))
}

pub(super) fn connect(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    must_be_there(state)?;
    if let Some((name, value)) = call.query.first() {
        let message = format!("The `{name}` query parameter is not available on your plan: not authorized");
        return Err(problem::invalid(Some((name, value)), &message));
    }
    if state.x.reads >= state.x.post_cap {
        return Err(problem::usage_capped());
    }
    stream::open(state, Line::Activity, Choice::everything(), call.now)
}

/// Whether the plan has it; without it the lines end.
pub(in crate::sim) fn provide(x: &mut XApp, is_there: bool) {
    x.has_activity = is_there;
    if !is_there {
        x.streams.retain(|connection| connection.line != Line::Activity);
    }
}

/// Somebody posted: told to whoever follows the author, and to whoever is named or answered.
pub(in crate::sim) fn posted(x: &mut XApp, world: &World, faults: &mut Faults, id: u64, now: Timestamp) {
    let Some(post) = world.visible(id).filter(|_| !x.subscriptions.is_empty()) else { return };
    let named: BTreeSet<u64> =
        mentions(&post.text).iter().filter_map(|span| world.person_named(&span.word)).map(|person| person.id).collect();
    let answered = post.reply_to.and_then(|parent| world.posts.get(&parent)).map(|parent| parent.author);
    let concerns = |row: &&Subscription| match row.event.as_str() {
        "post.create" => row.user == post.author,
        "post.mention.create" => named.contains(&row.user) && post.author != row.user && post.reposts.is_none(),
        "post.reply.create" => answered == Some(row.user) && post.author != row.user,
        _ => false,
    };
    let told: Vec<Subscription> = x.subscriptions.iter().filter(concerns).cloned().collect();
    for row in told {
        let (payload, includes) = rendered(world, post, x.names);
        tell(x, faults, &row, &payload, includes, Some((Item::PostRead, post.id, now)), now);
    }
}

fn rendered(world: &World, post: &SimPost, names: super::NameFamily) -> (Value, Value) {
    let (mut data, includes) = render(world, &[post], &Choice::everything(), names);
    (data.pop().unwrap_or_default(), includes.unwrap_or_else(|| json!({})))
}

/// An author took a post back.
pub(in crate::sim) fn withdrawn(x: &mut XApp, world: &World, faults: &mut Faults, id: u64, now: Timestamp) {
    let Some(post) = world.posts.get(&id) else { return };
    let told: Vec<Subscription> =
        x.subscriptions.iter().filter(|row| row.event == "post.delete" && row.user == post.author).cloned().collect();
    let first = post.history.first().copied().unwrap_or(id);
    for row in told {
        let payload = json!({"id": first.to_string(), "author_id": post.author.to_string()});
        let users: Vec<Value> =
            world.people.get(&post.author).map(|person| json!({"data": profile(x, person)})).into_iter().collect();
        tell(x, faults, &row, &payload, json!({"users": users}), None, now);
    }
}

/// A direct message went to the brand or came from it.
pub(super) fn messaged(x: &mut XApp, world: &World, faults: &mut Faults, message: &Message, now: Timestamp) {
    let (brand, sender) = (world.brand.id, message.sender);
    let recipient = if sender == brand { message.with } else { brand };
    let concerns = |row: &&Subscription| match row.event.as_str() {
        "dm.received" => row.user == recipient,
        "dm.sent" => row.user == sender,
        _ => false,
    };
    let told: Vec<Subscription> = x.subscriptions.iter().filter(concerns).cloned().collect();
    for row in told {
        let users: Map<String, Value> = [sender, recipient]
            .iter()
            .filter_map(|id| world.people.get(id))
            .map(|person| (person.id.to_string(), json!({"data": profile(x, person)})))
            .collect();
        let payload = json!({
            "direct_message_events": [{
                "type": "message_create",
                "id": message.id.to_string(),
                "created_timestamp": message.at.as_millisecond().to_string(),
                "message_create": {
                    "target": {"recipient_id": recipient.to_string()},
                    "sender_id": sender.to_string(),
                    "message_data": {
                        "text": message.text,
                        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
                    },
                },
            }],
            "users": users,
        });
        let billed = (row.event == "dm.received").then_some((Item::DmRead, message.id, now));
        tell(x, faults, &row, &payload, Value::Null, billed, now);
    }
}

fn profile(x: &XApp, person: &Person) -> Value {
    user_json(person, &Choice::everything().user, None, x.names)
}

/// One event to everybody who listens.
fn tell(
    x: &mut XApp,
    faults: &mut Faults,
    row: &Subscription,
    payload: &Value,
    includes: Value,
    billed: Option<Billed>,
    now: Timestamp,
) {
    x.given_events += 1;
    let mut data = json!({
        "event_uuid": (2_080_761_390_344_937_796 + x.given_events).to_string(),
        "filter": {"user_id": row.user.to_string()},
        "event_type": row.event,
        "payload": payload,
    });
    if let Some(tag) = &row.tag {
        data["tag"] = json!(tag);
    }
    if !includes.is_null() {
        data["includes"] = includes;
    }
    let line = Bytes::from(format!("{}\r\n", json!({"data": data})));
    x.streams.retain_mut(|connection| {
        connection.line != Line::Activity || stream::send_line(connection, faults, &line, billed, now)
    });
}
