//! Fills a gap by recent search.
//!
//! Every column is asked for by its own query, and the posts of all are handed out in the order they were written, as the stream
//! would have: a case opened by its newest post would be due too late.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::api::Api;
use super::rule_text;
use super::search::{REACHES, Search, Stopped};
use crate::model::{Post, PostId};
use crate::net::dispatch::Dispatch;
use crate::net::{Backfill, Feed, Inbound, Missing};

/// One column's share of a gap is read up to so many posts: at half a cent each, a query that matches half the
/// network must not empty the account.
const MOST_PAGES: usize = 50;

/// Found posts by their time, with the columns (by place in the feeds) that get them; none for a post
/// of our own that no column asked for.
type Found = BTreeMap<(Timestamp, PostId), (Post, BTreeSet<usize>)>;

/// X delivers 99 of 100 posts within seven seconds: what was written so long before the line was cut may not have come
/// yet. Those that had come are known, and X bills a post once a day.
const DELIVERY: SignedDuration = SignedDuration::from_secs(10);

pub(super) async fn backfill(api: &Api, feeds: &[Feed], from: Timestamp, to: Timestamp) -> Backfill {
    if feeds.is_empty() {
        return Backfill::refused("none of its columns is there any more");
    }
    let oldest = api.now().checked_sub(REACHES).unwrap_or(Timestamp::MIN);
    if to <= oldest {
        return Backfill::refused("it ended more than 7 days ago, further back than X's search reaches");
    }
    let mut reasons = Vec::new();
    if from < oldest {
        reasons.push("X's search reaches back 7 days, and it began before".to_owned());
    }
    if let Err(why) = caught_up(api, to).await {
        return Backfill::refused(why);
    }
    let start = from.checked_sub(DELIVERY).unwrap_or(from).max(oldest);
    let mut read = 0;
    let mut until = None;
    let mut found = Found::new();
    for (query, columns) in queries(api, feeds, &mut reasons) {
        let names = columns.iter().filter_map(|place| feeds.get(*place)).map(|feed| feed.column.clone()).collect();
        let search = Search::new(api, query, start, Some(to)).for_columns(names);
        if let Err(stopped) = gather(search, &columns, &mut found, &mut read).await {
            let stops_all = !stopped.is_about_the_query;
            until = stopped.until;
            reasons.push(format!("X: {}", stopped.why));
            if stops_all {
                break;
            }
        }
    }
    let (found, is_lost) = hand_out(found, feeds).await;
    if is_lost {
        reasons.push("a column closed while it was being filled".to_owned());
    }
    let missing = (!reasons.is_empty()).then(|| Missing { why: reasons.join("; "), until });
    Backfill { found, read, missing }
}

/// Waits until the search sees all that was posted up to `to`.
async fn caught_up(api: &Api, to: Timestamp) -> Result<(), String> {
    let lag = SignedDuration::try_from(api.pace.search_lag).unwrap_or(SignedDuration::MAX);
    let covered = to.checked_add(lag).map_err(|_| "the time of its end cannot be right".to_owned())?;
    let wait = Duration::try_from(covered.duration_since(api.now())).unwrap_or_default();
    if wait > api.pace.search_lag * 2 {
        return Err("it ends in the future: the clock was set back".to_owned());
    }
    if !wait.is_zero() {
        // A little longer: the clock of the day may run slower than the one that sleeps.
        sleep(wait + Duration::from_millis(50)).await;
        if api.now() < covered {
            return Err("X's search does not reach its end yet: the clock stands still".to_owned());
        }
    }
    Ok(())
}

/// What to ask and which feeds get the answer; columns of the same rule are asked for once.
fn queries(api: &Api, feeds: &[Feed], reasons: &mut Vec<String>) -> Vec<(String, Vec<usize>)> {
    let account = api.account();
    let mut queries: Vec<(String, Vec<usize>)> = Vec::new();
    for (place, feed) in feeds.iter().enumerate() {
        match rule_text::for_search(&feed.rule, account.tier) {
            Ok(query) => match queries.iter_mut().find(|(known, _)| *known == query) {
                Some((_, columns)) => columns.push(place),
                None => queries.push((query, vec![place])),
            },
            Err(why) => reasons.push(format!("column {}: {why}", feed.column)),
        }
    }
    if api.watch_own && !queries.is_empty() {
        // Answers typed elsewhere: no column asks for them, they answer cases all the same.
        queries.push((format!("from:{}", account.handle), Vec::new()));
    }
    queries
}

async fn gather(mut search: Search<'_>, columns: &[usize], found: &mut Found, read: &mut u64) -> Result<(), Stopped> {
    for _ in 0..MOST_PAGES {
        let Some(page) = search.page().await? else { return Ok(()) };
        *read += page.returned;
        for post in page.posts {
            let (_, takers) = found.entry((post.at, post.id.clone())).or_insert_with(|| (post, BTreeSet::new()));
            takers.extend(columns);
        }
    }
    if search.has_ended() {
        return Ok(());
    }
    let why = format!("more than {} posts match; only the newest were read", MOST_PAGES * 100);
    Err(Stopped { why, until: None, is_about_the_query: true })
}

/// Gives each column its posts, oldest first. True where a column no longer takes any.
async fn hand_out(found: Found, feeds: &[Feed]) -> (BTreeSet<PostId>, bool) {
    let mut dispatch = Dispatch::remembering(found.len() * feeds.len() + 1);
    let mut given = BTreeSet::new();
    let mut is_lost = false;
    for (post, takers) in found.into_values() {
        if let (true, Some(feed)) = (takers.is_empty(), feeds.first()) {
            is_lost |= feed.out.send(Inbound::Own(Box::new(post))).await.is_err();
            continue;
        }
        for feed in takers.into_iter().filter_map(|place| feeds.get(place)) {
            for inbound in dispatch.offer(&feed.column, &post) {
                is_lost |= feed.out.send(inbound).await.is_err();
            }
        }
        given.insert(post.id);
    }
    (given, is_lost)
}
