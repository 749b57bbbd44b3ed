//! Fills a gap that was told: reads the timelines behind the columns from one moment to another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::api::{Api, CallError, Urgency};
use super::fill::{Then, Timeline, Walk, id_at};
use super::subscriptions::Wanted;
use super::threads::{self, Waiting};
use crate::model::{FoundOnNetwork, Post, PostId};
use crate::net::dispatch::Dispatch;
use crate::net::{Backfill, Feed, Inbound, Missing};
use crate::rules::Rule;
use crate::rules::scan::status::{self, Audience, Status};

/// Posts are numbered by the time they were written at, which need not be when they arrived.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

pub(super) async fn backfill(api: &std::sync::Arc<Api>, feeds: &[Feed], from: Timestamp, to: Timestamp) -> Backfill {
    if feeds.is_empty() {
        return Backfill::refused("none of its columns is there any more");
    }
    let refused = |error: &CallError| Backfill {
        missing: Some(Missing { why: error.words().to_owned(), until: error.until() }),
        ..Backfill::default()
    };
    let facts = match api.facts(Urgency::Background).await {
        Ok(facts) => facts,
        Err(error) => return refused(&error),
    };
    let own = match api.learn_own(Urgency::Background).await {
        Ok(own) => own,
        Err(error) => return refused(&error),
    };
    let wanted = Wanted::of(feeds, &facts, api.settings.messages);
    let mut reasons: Vec<String> =
        wanted.refused.iter().map(|(column, why)| format!("column {column}: {why}")).collect();
    let mut until = None;
    let watched = api.settings.watch_own.then_some(own.id.as_str());
    let mut found: BTreeMap<(Timestamp, PostId), Status> = BTreeMap::new();
    let mut read = 0;
    for timeline in Timeline::behind(&wanted.streams, watched) {
        let name = timeline.name();
        match gather(api, timeline, from, to, &mut found, &mut read).await {
            Ok(None) => {}
            Ok(Some(why)) => reasons.push(format!("{name}: {why}")),
            Err(error) => {
                until = until.max(error.until());
                reasons.push(format!("{name}: {}", error.words()));
            }
        }
    }
    let (found, is_lost) = hand_out(api, found, feeds).await;
    if is_lost {
        reasons.push("a column closed while it was being filled".to_owned());
    }
    let missing = (!reasons.is_empty()).then(|| Missing { why: reasons.join("; "), until });
    Backfill { found, read, missing }
}

/// Reads a timeline from `from` to `to`; in words why it was not read whole.
async fn gather(
    api: &Api,
    timeline: Timeline,
    from: Timestamp,
    to: Timestamp,
    found: &mut BTreeMap<(Timestamp, PostId), Status>,
    read: &mut u64,
) -> Result<Option<String>, CallError> {
    let start = from.checked_sub(SKEW).unwrap_or(from);
    let newest = timeline.page(api, Urgency::Background, None, None).await?;
    let sample = newest.newest.clone().filter(|_| timeline != Timeline::Mentions);
    // Where ids tell the time it is walked forward from there; elsewhere back from the newest.
    let after = sample.and_then(|sample| id_at(start, &sample));
    let is_forward = after.is_some();
    let mut walk = Walk::new(timeline, after);
    loop {
        let page = walk.step(api, Urgency::Background).await?;
        *read += page.statuses.len() as u64;
        let times = || page.statuses.iter().map(|status| status.post.at);
        // Posts from elsewhere may carry any time; only a whole page beyond the stretch says that it is over.
        let is_beyond = page.entries > 0
            && if is_forward {
                times().min().is_some_and(|oldest| oldest > to)
            } else {
                times().max().is_some_and(|newest| newest < start)
            };
        let then = walk.went(&page);
        for status in page.statuses {
            if (from..=to).contains(&status.post.at) {
                found.entry((status.post.at, status.post.id.clone())).or_insert(status);
            }
        }
        match then {
            _ if is_beyond => return Ok(None),
            Then::More => {}
            Then::Done => return Ok(None),
            Then::TooMuch => {
                return Ok(Some("there are more posts than the server lets us read; only a part was read".into()));
            }
        }
    }
}

/// Gives each column its posts, oldest first. True where a column no longer takes any.
async fn hand_out(
    api: &std::sync::Arc<Api>,
    found: BTreeMap<(Timestamp, PostId), Status>,
    feeds: &[Feed],
) -> (BTreeSet<PostId>, bool) {
    let mut dispatch = Dispatch::remembering(found.len() * feeds.len() + 1);
    let (mut given, mut is_lost) = (BTreeSet::new(), false);
    let own = api.account().id;
    for status in found.into_values() {
        if status.audience == Audience::Direct {
            continue;
        }
        let is_own = own.as_ref() == Some(&status.post.author.id);
        let takers: Vec<&Feed> = feeds.iter().filter(|feed| feed.rule.matches(&status.post)).collect();
        if takers.is_empty() && !(is_own && api.settings.watch_own) {
            continue;
        }
        let status = placed(api, status).await;
        let post = &status.post;
        if let (true, Some(feed)) = (takers.is_empty(), feeds.first()) {
            is_lost |= feed.out.send(Inbound::Own(Box::new(post.clone()))).await.is_err();
            continue;
        }
        for feed in takers {
            for inbound in dispatch.offer(&feed.column, post) {
                is_lost |= feed.out.send(inbound).await.is_err();
            }
        }
        given.insert(post.id.clone());
        api.memory.lock().expect("nothing panics while holding it").handed(&status);
    }
    (given, is_lost)
}

/// With its place in its conversation, as a post that was heard has it.
async fn placed(api: &std::sync::Arc<Api>, mut status: Status) -> Status {
    let is_known = {
        let mut memory = api.memory.lock().expect("nothing panics while holding it");
        memory.see(&status);
        memory.complete(&mut status)
    };
    if is_known {
        return status;
    }
    let waiting = Box::new(Waiting { status: Box::new(status), is_fill: true });
    let looked = threads::look(std::sync::Arc::clone(api), waiting).await;
    let mut status = *looked.waiting.status;
    let mut memory = api.memory.lock().expect("nothing panics while holding it");
    memory.see_thread(&status.id, &looked.ancestors);
    memory.complete(&mut status);
    status
}

/// What the server's own search finds: full text exists only where its administrators run it, and covers posts whose
/// authors agreed.
pub(super) async fn search(api: &Api, query: &Rule, most: u64) -> FoundOnNetwork {
    if let Err(error) = api.facts(Urgency::Rep).await {
        return FoundOnNetwork::refused(error.words(), error.until());
    }
    let limit = most.clamp(1, 40).to_string();
    let asked = [("q", query.source()), ("type", "statuses"), ("limit", &limit)];
    let page = match api.get(Urgency::Rep, "/api/v2/search", &asked).await {
        Ok(page) => page,
        Err(error) => return FoundOnNetwork::refused(error.words(), error.until()),
    };
    let host = api.domain();
    let entries: Vec<&Value> = page.value.get("statuses").and_then(Value::as_array).into_iter().flatten().collect();
    let read = entries.len() as u64;
    // The server reads the words, the query's operators are judged here.
    let mut posts: Vec<Post> = entries
        .iter()
        .filter_map(|entry| status::status(entry, host.as_deref()).ok())
        .filter(|status| status.audience != Audience::Direct && query.matches(&status.post))
        .map(|status| status.post)
        .collect();
    posts.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    FoundOnNetwork { posts, read, has_more: read >= most, refused: None }
}
