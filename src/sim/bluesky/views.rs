//! How the world's numbers look on Bluesky: ids, addresses, records, profiles, and who may ask for them.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::call::{Answer, Call};
use super::super::state::State;
use super::super::world::{Person, hashtags, mentions};
use super::{POSTS, gates, invalid, session};

/// Digits of permanent ids and content ids, and of keys, which sort as their numbers do.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const SORTED: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
/// Every permanent id here begins so.
const DID: &str = "did:plc:simulatedxx";
/// Below this name everybody has theirs.
const DOMAIN: &str = "sim.example";

fn spell(number: u64, digits: &[u8; 32]) -> String {
    (0..13).rev().map(|place| char::from(digits[usize::try_from(number >> (place * 5) & 31).unwrap_or(0)])).collect()
}

fn read(text: &str, digits: &[u8; 32]) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    let mut number: u128 = 0;
    for b in text.bytes() {
        number = number << 5 | u128::try_from(digits.iter().position(|digit| *digit == b)?).ok()?;
    }
    u64::try_from(number).ok()
}

/// A person's permanent id.
pub(super) fn did(person: u64) -> String {
    format!("{DID}{}", spell(person, DIGITS))
}

pub(super) fn person_of(did: &str) -> Option<u64> {
    read(did.strip_prefix(DID)?, DIGITS)
}

pub(super) fn key_of_number(id: u64) -> String {
    spell(id, SORTED)
}

/// The key of a post: the brand's own have those it gave them.
pub(super) fn key(state: &State, post: u64) -> String {
    state.bluesky.keys.get(&post).cloned().unwrap_or_else(|| key_of_number(post))
}

/// The address of a post, under the key of its first version.
pub(super) fn uri(state: &State, post: u64) -> String {
    let (author, first) = state
        .world
        .posts
        .get(&post)
        .map_or((0, post), |post| (post.author, post.history.first().copied().unwrap_or(post.id)));
    format!("at://{}/{POSTS}/{}", did(author), key(state, first))
}

/// The newest version of the post at an address.
pub(super) fn post_at(state: &State, uri: &str) -> Option<u64> {
    let mut parts = uri.strip_prefix("at://")?.split('/');
    let (author, collection, key) = (person_of(parts.next()?)?, parts.next()?, parts.next()?);
    if collection != POSTS {
        return None;
    }
    let own = state.bluesky.keys.iter().find(|(_, known)| known.as_str() == key).map(|(id, _)| *id);
    let first = own.or_else(|| read(key, SORTED))?;
    let newest = state.world.posts.values().rev().find(|post| post.history.first() == Some(&first))?;
    (newest.author == author && !newest.deleted).then_some(newest.id)
}

/// A handle as Bluesky has them: the name of a domain.
pub(super) fn handle(person: &Person) -> String {
    let name = person.handle.to_lowercase().replace('_', "-");
    if name.contains('.') { name } else { format!("{name}.{DOMAIN}") }
}

/// The handle of a brand that is called so.
pub(in crate::sim) fn brand_handle(name: &str) -> String {
    format!("{}.{DOMAIN}", name.to_lowercase().replace('_', "-"))
}

pub(super) fn handle_of(state: &State, person: u64) -> String {
    state.world.people.get(&person).map(handle).unwrap_or_default()
}

fn find(state: &State, actor: &str) -> Option<u64> {
    if actor.starts_with("did:") {
        return person_of(actor).filter(|id| state.world.people.contains_key(id));
    }
    state.world.people.values().find(|person| handle(person).eq_ignore_ascii_case(actor)).map(|person| person.id)
}

/// What a record is named by beside its address.
pub(super) fn cid(record: &Value) -> String {
    let hash = Sha256::digest(record.to_string().as_bytes());
    let digits = hash.iter().flat_map(|b| [b >> 3, b & 31]).take(52);
    format!("bafyrei{}", digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect::<String>())
}

/// The record of a post that was not written by way of this server.
pub(super) fn record(state: &State, id: u64) -> Value {
    let Some(post) = state.world.posts.get(&id) else { return Value::Null };
    let mut facets = Vec::new();
    let text = told(state, &post.text, &post.links, &mut facets);
    let mut record = json!({"$type": POSTS, "text": text, "langs": [post.lang], "createdAt": created(post.at)});
    if !facets.is_empty() {
        record["facets"] = Value::Array(facets);
    }
    if let Some(parent) = post.reply_to {
        record["reply"] = json!({"root": link(state, post.conversation), "parent": link(state, parent)});
    }
    if let Some(quoted) = post.quotes {
        record["embed"] = json!({"$type": "app.bsky.embed.record", "record": link(state, quoted)});
    }
    record
}

pub(super) fn created(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Address and content id.
fn link(state: &State, post: u64) -> Value {
    json!({"uri": uri(state, post), "cid": cid(&stored(state, post))})
}

/// The record of a post, whoever wrote it.
pub(super) fn stored(state: &State, post: u64) -> Value {
    let own = state.bluesky.keys.get(&post).map(|key| (POSTS.to_owned(), key.clone()));
    own.and_then(|place| state.bluesky.records.get(&place)).map_or_else(|| record(state, post), |own| own.value.clone())
}

/// The text as it stands on Bluesky: whole links, whole handles, and where they stand in it.
fn told(state: &State, text: &str, links: &[(String, String)], facets: &mut Vec<Value>) -> String {
    let mut whole = text.to_owned();
    for (short, target) in links {
        whole = whole.replace(short, target);
    }
    let chars: Vec<char> = whole.chars().collect();
    let mut told = String::with_capacity(whole.len());
    let mut at = 0;
    for span in mentions(&whole) {
        let Some(person) = state.world.person_named(&span.word) else { continue };
        told.extend(&chars[at..span.start]);
        let start = told.len();
        told.push('@');
        told.push_str(&handle(person));
        let feature = json!({"$type": "app.bsky.richtext.facet#mention", "did": did(person.id)});
        facets.push(facet(start, told.len(), &feature));
        at = span.end;
    }
    told.extend(&chars[at..]);
    for (_, target) in links {
        if let Some(start) = told.find(target.as_str()) {
            let feature = json!({"$type": "app.bsky.richtext.facet#link", "uri": target});
            facets.push(facet(start, start + target.len(), &feature));
        }
    }
    let byte = |place: usize| told.char_indices().nth(place).map_or(told.len(), |(at, _)| at);
    for tag in hashtags(&told) {
        let feature = json!({"$type": "app.bsky.richtext.facet#tag", "tag": tag.word});
        facets.push(facet(byte(tag.start), byte(tag.end), &feature));
    }
    told
}

fn facet(start: usize, end: usize, feature: &Value) -> Value {
    json!({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]})
}

pub(super) fn resolve(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let name = call.param("handle").unwrap_or_default();
    match find(state, name) {
        Some(person) => Ok(Answer::json(200, json!({"did": did(person)}))),
        None => Err(super::refuse(400, "HandleNotFound", "Unable to resolve handle")),
    }
}

fn profile_json(person: &Person, is_asked_by_us: bool) -> Value {
    let allow = if person.dm_open { "all" } else { "following" };
    let mut profile = json!({
        "did": did(person.id),
        "handle": handle(person),
        "displayName": person.name,
        "followersCount": person.followers,
        "followsCount": person.following,
        "postsCount": person.posts,
        "associated": {"chat": {"allowIncoming": allow}},
    });
    if person.is_verified {
        profile["verification"] = json!({"verifiedStatus": "valid"});
    }
    if is_asked_by_us {
        profile["viewer"] = json!({"muted": false, "blockedBy": person.blocks_us});
    }
    profile
}

pub(super) fn profile(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let found = find(state, call.param("actor").unwrap_or_default());
    let person = found.and_then(|id| state.world.people.get(&id)).filter(|person| !is_gone(state, person.id));
    let is_us = session::who(state, call).is_ok();
    match person {
        Some(person) => Ok(Answer::json(200, profile_json(person, is_us))),
        None => Err(invalid("Profile not found")),
    }
}

pub(super) fn profiles(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let actors: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "actors").map(|(_, value)| value.as_str()).collect();
    if actors.is_empty() || actors.len() > 25 {
        return Err(invalid("Error: actors must not have more than 25 elements"));
    }
    let is_us = session::who(state, call).is_ok();
    let found: Vec<Value> = actors
        .into_iter()
        .filter_map(|actor| state.world.people.get(&find(state, actor)?))
        .filter(|person| !is_gone(state, person.id))
        .map(|person| profile_json(person, is_us))
        .collect();
    Ok(Answer::json(200, json!({"profiles": found})))
}

pub(super) fn is_gone(state: &State, person: u64) -> bool {
    state.bluesky.gone.contains_key(&person)
}

pub(super) fn posts(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let uris: Vec<&str> =
        call.query.iter().filter(|(name, _)| name == "uris").map(|(_, value)| value.as_str()).collect();
    if uris.is_empty() || uris.len() > 25 {
        return Err(invalid("Error: uris must not have more than 25 elements"));
    }
    let is_us = session::who(state, call).is_ok();
    let found: Vec<Value> =
        uris.into_iter().filter_map(|uri| gates::post_view(state, post_at(state, uri)?, is_us)).collect();
    Ok(Answer::json(200, json!({"posts": found})))
}

#[cfg(test)]
mod tests {
    use super::{DIGITS, SORTED, did, key_of_number, person_of, read, spell};

    #[test]
    fn numbers_are_told_and_read_again() {
        for number in [0, 1, 42, 1_900_000_000_000_000_000, i64::MAX.unsigned_abs()] {
            assert_eq!(person_of(&did(number)), Some(number));
            assert_eq!(read(&spell(number, SORTED), SORTED), Some(number));
            assert_eq!(did(number).len(), 32);
        }
        assert!(key_of_number(7) < key_of_number(40) && key_of_number(40) < key_of_number(1 << 40));
        assert_eq!(read("too short", DIGITS), None);
        assert_eq!(person_of("did:plc:somebodyelse"), None);
    }
}
