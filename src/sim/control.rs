//! The control plane, `/_sim/`: what a test or a rehearsal tells the simulator, and what it may ask.
//!
//! ```text
//! GET  /_sim/ledger      writes, refused, posts, deleted, messages, logins, refreshes
//! POST /_sim/post        {"text": …, "handle": …, "name", "followers", "lang", "in_reply_to", "quotes", "reposts",
//!                         "edits", "reply_settings", "dm_open"}; with {"delete": ID} a post is deleted
//! POST /_sim/dm          {"handle": …, "text": …}: somebody writes the brand
//! GET  /_sim/fault       the faults in force
//! POST /_sim/fault       {"kind": …, "target": …, "times": 1 | N | "until_lifted"} or {"lift": ID | "all"}
//! GET  /_sim/clock       the simulated time
//! POST /_sim/clock       {"speed": X, "jump": SECONDS | "15m"}; what falls into a jump has happened when it is answered
//! GET  /_sim/bill        what X bills, by day and item
//! POST /_sim/plan        {"post_cap": N, "credits": DOLLARS, "activity": true | false}: what may still be read, what is
//!                         paid for, and whether there is an Activity stream
//! POST /_sim/oauth       {"access_seconds": N}: so long the next access tokens live; {"revoke": true}: the person
//!                         takes every grant back
//! POST /_sim/account     {"handle": …, "rename": NAME, "status": "takendown" | "deleted" | "active", "blocks_us",
//!                         "follows_us"}: what happens to somebody's account; Bluesky's stream tells of the first two
//! POST /_sim/mastodon    {"ignores_keys", "reset_in_seconds", "says_400", "has_no_socket", "has_no_events", "letters_in_ids",
//!                         "says_little", "closed", "max_characters", "most_questions", "streams_at", "revoked"}: the manner
//!                         of the server from now on; what is left out is as usual
//! POST /_sim/person      {"handle": "jo", "is": "protected" | "suspended" | "public"}: what of theirs is still shown
//! POST /_sim/scenario    {"per_minute": X, "incident_minutes": N}
//! ```

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::bluesky;
use super::call::Answer;
use super::faults::{Kind, TARGETS};
use super::mastodon;
use super::server::Shared;
use super::state::State;
use super::texts::Lang;
use super::world::{Draft, Person, Withheld};
use super::x::{activity, stream};
use crate::model::NetworkKind;

/// A jump further than this is taken for a slip: everything in between is acted out.
const LONGEST_JUMP: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Answers one call to the control plane at `now`; `path` is what follows `/_sim/`.
pub(super) fn answer(shared: &Shared, (method, path): (&str, &str), body: &[u8], now: Timestamp) -> Answer {
    let mut state = shared.lock();
    let told = match (method, path) {
        ("GET", "ledger") => Ok(state.ledger.as_json()),
        ("POST", "post") => read(body).and_then(|wish: PostWish| post(&mut state, &wish, now)),
        ("POST", "person") => read(body).and_then(|wish: PersonWish| withhold(&mut state, &wish)),
        ("POST", "dm") => read(body).and_then(|wish: MessageWish| message(&mut state, &wish, now)),
        ("GET", "fault") => Ok(json!({"faults": state.faults.as_json()})),
        ("POST", "fault") => {
            let told = fault(&mut state, body, now);
            shared.tell_lifted();
            told
        }
        ("GET", "bill") => Ok(state.x.bill.as_json()),
        ("POST", "plan") => read(body).and_then(|wish: PlanWish| plan(&mut state, &wish)),
        ("GET", "clock") => Ok(clock_json(&state)),
        ("POST", "clock") => read(body).and_then(|wish: ClockWish| set_clock(&mut state, &wish)),
        ("POST", "oauth") => read(body).and_then(|wish: OauthWish| grants(&mut state, &wish)),
        ("POST", "account") => read(body).and_then(|wish: AccountWish| account(&mut state, &wish, now)),
        ("POST", "mastodon") => read(body).map(|manner| mastodon::behave(&mut state, manner)),
        ("POST", "scenario") => read(body).and_then(|wish: ScenarioWish| direct(&mut state, &wish, now)),
        _ => {
            let words = "the control plane has GET /_sim/ledger, /_sim/fault, /_sim/clock, /_sim/bill and POST \
                         /_sim/post, /_sim/dm, /_sim/fault, /_sim/clock, /_sim/plan, /_sim/oauth, /_sim/account, \
                         /_sim/mastodon, /_sim/scenario";
            return Answer::json(404, json!({"error": format!("no {method} /_sim/{path}: {words}")}));
        }
    };
    match told {
        Ok(body) => Answer::json(200, body),
        Err(why) => Answer::json(400, json!({"error": why})),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|why| format!("the body does not fit: {why}"))
}

/// Ids are written as strings everywhere, but a hand-typed number is understood.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    fn number(&self) -> Result<u64, String> {
        match self {
            Id::Number(number) => Ok(*number),
            Id::Text(text) => text.parse().map_err(|_| format!("`{text}` is not the id of a post: digits are needed")),
        }
    }
}

/// What becomes of an author's posts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonWish {
    handle: String,
    is: Standing,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Public,
    Protected,
    Suspended,
}

fn withhold(state: &mut State, wish: &PersonWish) -> Result<Value, String> {
    let id = state.world.person_named(&wish.handle).map(|person| person.id);
    let id = id.ok_or_else(|| format!("nobody is called @{}", wish.handle))?;
    let why = match wish.is {
        Standing::Public => None,
        Standing::Protected => Some(Withheld::Protected),
        Standing::Suspended => Some(Withheld::Suspended),
    };
    match why {
        Some(why) => state.world.withheld.insert(id, why),
        None => state.world.withheld.remove(&id),
    };
    Ok(json!({"id": id.to_string()}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PostWish {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    handle: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    followers: Option<u64>,
    #[serde(default)]
    lang: Option<String>,
    /// Handles put in front of the text.
    #[serde(default)]
    mentions: Vec<String>,
    #[serde(default)]
    in_reply_to: Option<Id>,
    #[serde(default)]
    quotes: Option<Id>,
    #[serde(default)]
    reposts: Option<Id>,
    #[serde(default)]
    edits: Option<Id>,
    #[serde(default)]
    delete: Option<Id>,
    #[serde(default)]
    reply_settings: Option<String>,
    #[serde(default)]
    dm_open: Option<bool>,
}

fn post(state: &mut State, wish: &PostWish, now: Timestamp) -> Result<Value, String> {
    let there = |state: &State, id: &Option<Id>| -> Result<Option<u64>, String> {
        let Some(id) = id else { return Ok(None) };
        let number = id.number()?;
        match state.world.visible(number) {
            Some(_) => Ok(Some(number)),
            None => Err(format!("there is no post {number}, or it was deleted")),
        }
    };
    if let Some(id) = there(state, &wish.delete)? {
        state.world.delete(id);
        state.withdraw(id, now);
        return Ok(json!({"deleted": id.to_string()}));
    }
    let text = wish.text.as_deref().unwrap_or("");
    if text.is_empty() && wish.reposts.is_none() {
        return Err("`text` is missing: what should the post say?".to_owned());
    }
    let edits = there(state, &wish.edits)?;
    let author = match (edits.and_then(|id| state.world.posts.get(&id)), &wish.handle) {
        (Some(original), _) => original.author,
        (None, handle) => person(state, handle.as_deref().unwrap_or("someone"), wish),
    };
    let reply_settings = match wish.reply_settings.as_deref() {
        None | Some("everyone") => None,
        Some("mentionedUsers") => Some("mentionedUsers"),
        Some("following") => Some("following"),
        Some("subscribers") => Some("subscribers"),
        Some("verified") => Some("verified"),
        // X lets at least those answer who are named.
        Some("nobody") if state.network == NetworkKind::Bluesky => Some("nobody"),
        Some(other) => {
            let known = "everyone, mentionedUsers, following, subscribers or verified (on Bluesky also nobody)";
            return Err(format!("`reply_settings` is {known}, not `{other}`"));
        }
    };
    let mut words = String::new();
    for handle in &wish.mentions {
        words.extend(["@", handle.trim_start_matches('@'), " "]);
    }
    words.push_str(text);
    let reposts = there(state, &wish.reposts)?;
    if let Some(original) = reposts.and_then(|id| state.world.posts.get(&id)) {
        let handle = state.world.people.get(&original.author).map_or("", |person| &person.handle);
        words = format!("RT @{handle}: {}", original.text);
    }
    let draft = Draft {
        author,
        text: words,
        lang: wish.lang.clone().unwrap_or_else(|| "en".to_owned()),
        reply_to: there(state, &wish.in_reply_to)?,
        quotes: there(state, &wish.quotes)?,
        reposts,
        reply_settings,
        edits,
        counts: [0; 4],
    };
    let id = state.publish(draft, now);
    let post = &state.world.posts[&id];
    Ok(json!({
        "id": id.to_string(),
        "author_id": author.to_string(),
        "conversation_id": post.conversation.to_string(),
        "at": now.to_string(),
    }))
}

/// The person of that handle, made where there is none; what the wish says of them holds from now on.
fn person(state: &mut State, handle: &str, wish: &PostWish) -> u64 {
    let handle = handle.trim_start_matches('@');
    let known = state.world.person_named(handle).map(|person| person.id);
    let id = known.unwrap_or_else(|| make_person(state, handle));
    if let Some(person) = state.world.people.get_mut(&id) {
        if let Some(name) = &wish.name {
            person.name.clone_from(name);
        }
        person.followers = wish.followers.unwrap_or(person.followers);
        person.dm_open = wish.dm_open.unwrap_or(person.dm_open);
        let lang = wish.lang.as_deref().and_then(|code| Lang::ALL.into_iter().find(|lang| lang.code() == code));
        person.lang = lang.unwrap_or(person.lang);
    }
    id
}

/// Somebody of that handle; the id follows from it.
fn make_person(state: &mut State, handle: &str) -> u64 {
    let add = |id: u64, byte: u8| id.wrapping_mul(31).wrapping_add(u64::from(byte));
    let mut id = handle.bytes().fold(7_000_000, add) % 1_000_000_000_000;
    while state.world.people.contains_key(&id) {
        id += 1;
    }
    state.world.add_person(Person {
        id,
        handle: handle.to_owned(),
        name: handle.to_owned(),
        lang: Lang::English,
        followers: 120,
        following: 80,
        posts: 400,
        is_verified: false,
        dm_open: true,
        blocks_us: false,
        follows_us: false,
        wrote_us: false,
    });
    id
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageWish {
    handle: String,
    text: String,
}

fn message(state: &mut State, wish: &MessageWish, now: Timestamp) -> Result<Value, String> {
    let handle = wish.handle.trim_start_matches('@');
    let id = match state.world.person_named(handle) {
        Some(person) if person.id == state.world.brand.id => {
            return Err(format!("@{} cannot write to itself", person.handle));
        }
        Some(person) => person.id,
        None => return Err(format!("there is no @{handle}: let them post first")),
    };
    state.message(id, &wish.text, now);
    Ok(json!({"from": id.to_string()}))
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Times {
    Count(u64),
    Word(String),
}

#[derive(Debug, Deserialize)]
struct FaultWish {
    #[serde(flatten)]
    kind: Kind,
    target: String,
    #[serde(default)]
    times: Option<Times>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LiftWish {
    lift: String,
}

fn fault(state: &mut State, body: &[u8], now: Timestamp) -> Result<Value, String> {
    if let Ok(LiftWish { lift }) = serde_json::from_slice(body) {
        let resumed = stream::resume(&mut state.x, &lift, now) + bluesky::jetstream::resume(state, &lift, now);
        let lifted = state.faults.lift(&lift) + resumed;
        if lifted == 0 && lift != "all" {
            return Err(format!("there is no fault `{lift}` in force"));
        }
        return Ok(json!({"lifted": lifted}));
    }
    let wish: FaultWish = read(body)?;
    if wish.target != "all" && !TARGETS.contains(&wish.target.as_str()) {
        return Err(format!("`target` is one of {} or all, not `{}`", TARGETS.join(", "), wish.target));
    }
    if wish.kind.is_for_streams_only() && !matches!(wish.target.as_str(), "stream" | "activity") {
        return Err(format!("`{}` works on the targets `stream` and `activity` only", wish.kind.name()));
    }
    if let Kind::Status { status, .. } = wish.kind
        && !(200..=599).contains(&status)
    {
        return Err(format!("`status` lies between 200 and 599, not {status}"));
    }
    let times = match wish.times {
        None => Some(1),
        Some(Times::Count(0)) => return Err("`times` is at least 1".to_owned()),
        Some(Times::Count(times)) => Some(times),
        Some(Times::Word(word)) if word == "until_lifted" => None,
        Some(Times::Word(word)) => return Err(format!("`times` is a number or \"until_lifted\", not `{word}`")),
    };
    let id = state.faults.add(&wish.target, wish.kind, times);
    let State { x, faults, .. } = state;
    stream::apply_waiting_faults(x, faults, now);
    bluesky::jetstream::apply_waiting_faults(state);
    Ok(json!({"fault": id}))
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Jump {
    Seconds(f64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockWish {
    #[serde(default)]
    speed: Option<f64>,
    #[serde(default)]
    jump: Option<Jump>,
}

fn set_clock(state: &mut State, wish: &ClockWish) -> Result<Value, String> {
    if let Some(speed) = wish.speed {
        if !(0.001..=100_000.0).contains(&speed) {
            return Err(format!("`speed` lies between 0.001 and 100000, not {speed}"));
        }
        state.clock.set_speed(speed);
    }
    if let Some(jump) = &wish.jump {
        let by = match jump {
            Jump::Seconds(seconds) => SignedDuration::try_from_secs_f64(*seconds).map_err(|why| why.to_string())?,
            Jump::Text(text) => text.parse().map_err(|why| format!("`jump` is seconds or as in \"15m\": {why}"))?,
        };
        if by < SignedDuration::ZERO || by > LONGEST_JUMP {
            return Err(format!("`jump` goes forward, by 31 days at most, not by {by:#}"));
        }
        state.clock.jump(by);
    }
    Ok(clock_json(state))
}

fn clock_json(state: &State) -> Value {
    json!({"now": state.clock.now().to_string(), "speed": state.clock.speed()})
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanWish {
    #[serde(default)]
    post_cap: Option<u64>,
    #[serde(default)]
    credits: Option<f64>,
    #[serde(default)]
    activity: Option<bool>,
}

fn plan(state: &mut State, wish: &PlanWish) -> Result<Value, String> {
    if let Some(cap) = wish.post_cap {
        state.x.post_cap = cap;
    }
    if let Some(dollars) = wish.credits {
        if !(0.0..=1_000_000.0).contains(&dollars) {
            return Err(format!("`credits` lie between 0 and 1000000 dollars, not {dollars}"));
        }
        // Written out and read again: whole thousandths, without a cast.
        state.x.bill.set_credits(format!("{:.0}", dollars * 1_000.0).parse().ok());
    }
    if let Some(is_there) = wish.activity {
        activity::provide(&mut state.x, is_there);
    }
    Ok(json!({"post_cap": state.x.post_cap, "credits": wish.credits, "activity": state.x.has_activity}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OauthWish {
    #[serde(default)]
    access_seconds: Option<u32>,
    #[serde(default)]
    revoke: bool,
}

fn grants(state: &mut State, wish: &OauthWish) -> Result<Value, String> {
    if let Some(seconds) = wish.access_seconds {
        if seconds == 0 {
            return Err("`access_seconds` is at least 1".to_owned());
        }
        state.x.grants.set_access_seconds(seconds);
        state.bluesky.set_access_seconds(seconds);
    }
    let revoked = if wish.revoke { state.x.grants.revoke_all() + state.bluesky.revoke_all() } else { 0 };
    Ok(json!({"access_seconds": wish.access_seconds, "revoked": revoked}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountWish {
    handle: String,
    #[serde(default)]
    rename: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    blocks_us: Option<bool>,
    #[serde(default)]
    follows_us: Option<bool>,
}

fn account(state: &mut State, wish: &AccountWish, now: Timestamp) -> Result<Value, String> {
    let handle = wish.handle.trim_start_matches('@');
    let Some(id) = state.world.person_named(handle).map(|person| person.id) else {
        return Err(format!("there is no @{handle}: let them post first"));
    };
    if let Some(person) = state.world.people.get_mut(&id) {
        person.blocks_us = wish.blocks_us.unwrap_or(person.blocks_us);
        person.follows_us = wish.follows_us.unwrap_or(person.follows_us);
    }
    if let Some(name) = &wish.rename {
        state.world.rename(id, name.trim_start_matches('@'))?;
    }
    if state.network == NetworkKind::Bluesky {
        if wish.rename.is_some() {
            bluesky::account_changed(state, id, None, now);
        }
        if let Some(status) = &wish.status {
            bluesky::account_changed(state, id, Some(status), now);
        }
    }
    Ok(json!({"id": id.to_string()}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioWish {
    #[serde(default)]
    per_minute: Option<f64>,
    #[serde(default)]
    incident_minutes: Option<u32>,
}

fn direct(state: &mut State, wish: &ScenarioWish, now: Timestamp) -> Result<Value, String> {
    if let Some(rate) = wish.per_minute {
        if !(0.0..=60_000.0).contains(&rate) {
            return Err(format!("`per_minute` lies between 0 and 60000, not {rate}"));
        }
        state.scenario.set_rate(rate, now);
    }
    if let Some(minutes) = wish.incident_minutes {
        state.scenario.begin_incident(now, SignedDuration::from_mins(i64::from(minutes)));
    }
    Ok(json!({"per_minute": wish.per_minute, "incident_minutes": wish.incident_minutes}))
}
