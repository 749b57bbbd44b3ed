//! Timelines page by page, threads, accounts, search.

use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::state::State;
use super::super::world::SimPost;
use super::{Named, render, status_id, tags, world_id};

/// A part of the path, decoded.
fn part(call: &Call, place: usize) -> String {
    let raw = call.path.trim_matches('/').split('/').nth(place).unwrap_or_default();
    percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

fn gone() -> Answer {
    Answer::json(404, json!({"error": "Record not found"}))
}

/// Whether a post stands on public timelines: no answer to somebody else, nothing passed on.
pub(super) fn is_on_public(state: &State, post: &SimPost) -> bool {
    let answers_others =
        post.reply_to.and_then(|to| state.world.posts.get(&to)).is_some_and(|parent| parent.author != post.author);
    let first = post.history.first().copied().unwrap_or(post.id);
    post.reposts.is_none() && !answers_others && !state.mastodon.quiet.contains_key(&first)
}

pub(super) fn timeline(state: &State, call: &Call) -> Answer {
    let tag = call.path.contains("/timelines/tag/").then(|| part(call, 4).to_lowercase());
    if tag.is_none() && state.mastodon.manner.closed {
        return Answer::json(401, json!({"error": "This method requires an authenticated user"}));
    }
    let is_local = call.param("local").is_some_and(|word| word == "true");
    let ids = state.mastodon.newest.iter().filter_map(|(first, newest)| {
        let post = state.world.visible(*newest)?;
        let fits = match &tag {
            Some(tag) => {
                post.reposts.is_none() && !state.mastodon.quiet.contains_key(first) && tags(&post.text).contains(tag)
            }
            None => is_on_public(state, post),
        };
        let is_here = state
            .world
            .people
            .get(&post.author)
            .is_some_and(|author| render::host(author, &state.world) == super::DOMAIN);
        (fits && (is_here || !is_local)).then(|| status_id(state, *first))
    });
    let ids: Vec<String> = ids.collect();
    page(call, &ids, |id| world_id(id).and_then(|first| render::status(state, first)))
}

pub(super) fn account_posts(state: &State, call: &Call) -> Answer {
    let Ok(author) = part(call, 3).parse::<u64>() else { return gone() };
    if !state.world.people.contains_key(&author) {
        return gone();
    }
    let posts = state.mastodon.newest.iter().filter_map(|(first, newest)| {
        state.world.visible(*newest).filter(|post| post.author == author).map(|_| *first)
    });
    // Everything of one's own is shown, direct posts included.
    let is_own = author == state.world.brand.id;
    let directs =
        state.mastodon.directs.iter().filter(|direct| is_own && direct.author == author).map(|direct| direct.id);
    let mut ids: Vec<u64> = posts.chain(directs).collect();
    ids.sort_unstable();
    let ids: Vec<String> = ids.into_iter().map(|id| status_id(state, id)).collect();
    page(call, &ids, |id| {
        let id = world_id(id)?;
        let direct = state.mastodon.directs.iter().find(|direct| direct.id == id);
        direct.map(|direct| render::direct(state, direct)).or_else(|| render::status(state, id))
    })
}

pub(super) fn notification(state: &State, place: usize) -> Option<Value> {
    let notification = state.mastodon.notifications.get(place)?;
    let status = match notification.what {
        Named::Post(first) => render::status(state, first)?,
        Named::Direct(place) => render::direct(state, state.mastodon.directs.get(place)?),
    };
    Some(json!({"id": notification.id.to_string(), "type": "mention", "created_at": notification.at.to_string(),
        "account": status["account"], "status": status}))
}

pub(super) fn notifications(state: &State, call: &Call) -> Answer {
    let ids: Vec<String> =
        state.mastodon.notifications.iter().map(|notification| notification.id.to_string()).collect();
    page(call, &ids, |id| {
        let place = state.mastodon.notifications.iter().position(|notification| notification.id.to_string() == id)?;
        notification(state, place)
    })
}

/// One page of a list whose ids grow, in the ways the interface has to ask for one.
fn page(call: &Call, ids: &[String], entry: impl Fn(&str) -> Option<Value>) -> Answer {
    let is_later = |id: &str, than: &str| (id.len(), id) > (than.len(), than);
    let limit: usize = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20).clamp(1, 40);
    let (min, since, max) = (call.param("min_id"), call.param("since_id"), call.param("max_id"));
    let fits =
        |id: &&String| min.or(since).is_none_or(|than| is_later(id, than)) && max.is_none_or(|than| is_later(than, id));
    let all: Vec<&String> = ids.iter().filter(fits).collect();
    // `min_id` goes on right behind it, everything else begins with the newest.
    let chosen: Vec<&String> = if min.is_some() {
        all.into_iter().take(limit).collect()
    } else {
        all.into_iter().rev().take(limit).rev().collect()
    };
    let shown: Vec<Value> = chosen.iter().rev().filter_map(|id| entry(id)).collect();
    let answer = Answer::json(200, Value::Array(shown));
    let (Some(oldest), Some(newest)) = (chosen.first(), chosen.last()) else { return answer };
    let at = format!("{}{}?limit={limit}", call.origin, call.path);
    answer.with("link", format!("<{at}&max_id={oldest}>; rel=\"next\", <{at}&min_id={newest}>; rel=\"prev\""))
}

pub(super) fn one(state: &State, call: &Call) -> Answer {
    let Some(id) = world_id(&part(call, 3)) else { return gone() };
    let direct = state.mastodon.directs.iter().find(|direct| direct.id == id);
    match direct.map(|direct| render::direct(state, direct)).or_else(|| render::status(state, id)) {
        Some(status) => Answer::json(200, status),
        None => gone(),
    }
}

pub(super) fn context(state: &State, call: &Call) -> Answer {
    let Some(first) = world_id(&part(call, 3)).filter(|id| render::status(state, *id).is_some()) else { return gone() };
    let mut above = Vec::new();
    let mut parent = state.world.posts.get(&first).and_then(|post| post.reply_to);
    while let Some(id) = parent {
        let id = render::first_of(&state.world, id);
        above.push(id);
        parent = state.world.posts.get(&id).and_then(|post| post.reply_to);
    }
    above.reverse();
    let mut below: Vec<u64> = Vec::new();
    for (candidate, newest) in state.mastodon.newest.range(first..) {
        let Some(post) = state.world.posts.get(newest) else { continue };
        let answers = post.reply_to.map(|to| render::first_of(&state.world, to));
        if answers.is_some_and(|to| to == first || below.contains(&to)) {
            below.push(*candidate);
        }
    }
    let shown = |ids: Vec<u64>| ids.into_iter().filter_map(|id| render::status(state, id)).collect::<Vec<_>>();
    Answer::json(200, json!({"ancestors": shown(above), "descendants": shown(below)}))
}

pub(super) fn conversations(state: &State) -> Answer {
    let mut last: std::collections::BTreeMap<u64, &super::write::Direct> = std::collections::BTreeMap::new();
    for direct in &state.mastodon.directs {
        let other = if direct.author == state.world.brand.id { direct.with } else { direct.author };
        last.insert(other, direct);
    }
    let shown = last.into_iter().map(|(other, direct)| {
        json!({"id": other.to_string(), "unread": false, "accounts": [render::account(state, other)],
            "last_status": render::direct(state, direct)})
    });
    Answer::json(200, shown.collect())
}

pub(super) fn relationships(state: &State, call: &Call) -> Answer {
    let asked =
        call.query.iter().filter(|(key, _)| key == "id[]" || key == "id").filter_map(|(_, id)| id.parse::<u64>().ok());
    let known = asked.filter_map(|id| state.world.people.get(&id));
    Answer::json(
        200,
        known
            .map(|person| {
                json!({"id": person.id.to_string(), "following": false, "followed_by": false,
                    "blocked_by": person.blocks_us, "blocking": false, "domain_blocking": false})
            })
            .collect(),
    )
}

/// Addresses are resolved; words are searched for as far as a server does: whole words, newest first.
pub(super) fn search(state: &State, call: &Call) -> Answer {
    let query = call.param("q").unwrap_or_default().to_lowercase();
    let kind = call.param("type");
    let wants = |what: &str| kind.is_none_or(|kind| kind == what);
    let limit: usize = call.param("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20);
    let accounts: Vec<Value> = state
        .world
        .people
        .values()
        .filter(|person| wants("accounts") && render::url(person, &state.world).to_lowercase() == query)
        .map(|person| render::account(state, person.id))
        .collect();
    let statuses: Vec<Value> = state
        .mastodon
        .newest
        .keys()
        .rev()
        .filter(|_| wants("statuses"))
        .filter_map(|first| render::status(state, *first))
        .filter(|status| {
            let is_it = status["url"].as_str().is_some_and(|url| url.to_lowercase() == query);
            let words = || status["content"].as_str().is_some_and(|content| content.to_lowercase().contains(&query));
            is_it || (!query.contains("://") && !query.is_empty() && words())
        })
        .take(limit)
        .collect();
    Answer::json(200, json!({"accounts": accounts, "statuses": statuses, "hashtags": []}))
}
