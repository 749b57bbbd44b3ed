//! Looks whether a reply of which nobody knows the outcome was published.
//!
//! X has no idempotency key, so our own recent posts are searched for one that answers the same post in the
//! same words. *Absent* is said only when the search reaches past the last moment at which the lost request
//! could still have published; a reply of ours to the same post in other words leaves the question open,
//! for sending twice is worse than asking a rep.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::api::Api;
use super::decode;
use super::search::{REACHES, Search, Stopped};
use super::send;
use crate::model::Post;
use crate::model::words::are_same_words;
use crate::net::{Outgoing, ReadBack};

/// Clocks here and at X may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);

/// Our own posts of some minutes fit on very few pages of 100.
const MOST_PAGES: usize = 10;

pub(super) async fn read_back(api: &Api, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
    let unknown = |why: String| ReadBack::Unknown { why };
    if api.now().duration_since(attempted) > REACHES {
        return unknown("it was attempted more than 7 days ago, further back than X's search reaches".into());
    }
    let after = |wait: Duration| attempted.checked_add(SignedDuration::try_from(wait).ok()?).ok();
    let lag = api.pace.search_lag;
    // Most of what was published shows once the search has caught up; what does not show proves nothing before
    // the lost request can no longer publish and the search has caught up with that as well.
    let (Some(caught_up), Some(covered)) = (after(lag + lag / 4), after(api.pace.publish_within + lag)) else {
        return unknown("the time of the attempt cannot be right".into());
    };
    if attempted.duration_since(api.now()) > SKEW {
        return unknown("it was attempted in the future: the clock was set back".into());
    }
    loop {
        // What a look proves is counted from its beginning.
        let asked = api.now();
        match look(api, outgoing, attempted).await {
            Ok(Seen::Nothing) if asked >= covered => return ReadBack::Absent,
            Ok(Seen::Nothing) => {}
            Ok(Seen::It(found)) => {
                if let ReadBack::Published(id) = &found {
                    send::billed(api, outgoing, id.native(), attempted);
                }
                return found;
            }
            Err(stopped) => return unknown(format!("X did not let us look: {}", stopped.why)),
        }
        let next = if asked < caught_up { caught_up } else { covered };
        // A little longer: the clock of the day may run slower than the one that sleeps.
        sleep(Duration::try_from(next.duration_since(asked)).unwrap_or_default() + Duration::from_millis(50)).await;
        if api.now() < next {
            return unknown("X's search does not reach far enough yet: the clock stands still".into());
        }
    }
}

/// What one look found.
enum Seen {
    It(ReadBack),
    Nothing,
}

async fn look(api: &Api, outgoing: &Outgoing, attempted: Timestamp) -> Result<Seen, Stopped> {
    let account = api.account();
    let handle = account.handle;
    // The id stays when the account is renamed; looking under an old handle would find nothing and prove nothing.
    let writer = account.id.as_ref().map_or(handle.as_str(), |id| id.native()).to_owned();
    let from = attempted.checked_sub(SKEW).unwrap_or(attempted);
    let mut search = Search::new(api, format!("from:{writer}"), from, None).at_any_price();
    let mut other_words = None;
    for _ in 0..MOST_PAGES {
        let Some(page) = search.page().await? else { break };
        for post in page.posts {
            if !answers(&post, outgoing) {
                continue;
            }
            if are_same_words(&decode::words(&outgoing.text), &post.text) {
                return Ok(Seen::It(ReadBack::Published(post.id)));
            }
            other_words = Some(post.id);
        }
    }
    let unknown = |why: String| Ok(Seen::It(ReadBack::Unknown { why }));
    match other_words {
        _ if !search.has_ended() => unknown("there are too many own posts since then to look through".into()),
        None => Ok(Seen::Nothing),
        Some(id) => unknown(format!("@{handle} has answered this post in other words ({id}); look before sending")),
    }
}

fn answers(post: &Post, outgoing: &Outgoing) -> bool {
    post.in_reply_to.as_ref().is_some_and(|to| {
        *to == outgoing.to || outgoing.to_version.as_deref().is_some_and(|version| version == to.native())
    })
}
