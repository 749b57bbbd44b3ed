//! Reads the account's direct messages at the pace X allows, as long as its stream is held.
//!
//! X's Activity stream would push them; it takes a subscription per account and event that this version does not
//! make. `GET /2/dm_events` gives the same messages minutes later, newest first, to the account's own token; each is
//! charged once a day ([`crate::model::spend::Act::DmRead`]). At the day's limit the reading pauses.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::time::sleep;

use super::api::{Api, As, CallError, reset_in};
use super::dm;
use super::problem::Class;
use crate::model::MessageId;
use crate::net::{Feed, Inbound, handing};

/// Messages on the page of every later look; more are paged for where all of them were new.
const PAGE: u64 = 20;
/// The first look of a run goes back so far…
const FIRST_REACH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// …and one look reads so many pages at most.
const MOST_PAGES: usize = 5;
/// Messages remembered, so that paging stops where it was.
const REMEMBERED: usize = 2_000;
/// Where the token may not read messages it is asked again so often: somebody may have granted it meanwhile.
const REFUSED_WAIT: Duration = Duration::from_hours(1);

/// Runs until it is dropped.
pub(super) async fn run(api: Arc<Api>, mut feeds: watch::Receiver<Arc<Vec<Feed>>>) {
    let mut known = BTreeSet::new();
    let mut told = false;
    let mut paused = false;
    loop {
        let wait = match look(&api, &mut feeds, &mut known).await {
            Ok(is_out_of_money) => {
                // Said once; the posts' stream pauses a little later and says so for both.
                if is_out_of_money && !std::mem::replace(&mut paused, is_out_of_money) {
                    let handle = api.account().handle;
                    api.leave_note(format!(
                        "direct messages to @{handle} are not read: the day's spend limit leaves no room for one; they \
                         are read again at the end of the UTC day, or when the limit is raised for today"
                    ));
                }
                paused = is_out_of_money;
                api.pace.messages_every
            }
            Err(CallError::No(problem)) if problem.class == Class::RateLimited => {
                reset_in(problem.until, api.now()).unwrap_or(api.pace.messages_every * 4).max(api.pace.messages_every)
            }
            Err(CallError::No(problem))
                if matches!(
                    problem.class,
                    Class::Forbidden | Class::WrongToken | Class::NotEnrolled | Class::Unauthorised
                ) =>
            {
                if !told {
                    told = true;
                    let handle = api.account().handle;
                    let note = format!(
                        "direct messages to @{handle} are not read: {}. The token needs the scope dm.read; messages = \
                         false in the config stops the asking",
                        problem.words
                    );
                    api.leave_note(note);
                }
                REFUSED_WAIT
            }
            Err(error) => {
                tracing::warn!(why = error.words(), "the direct messages could not be read");
                api.pace.messages_every
            }
        };
        sleep(wait).await;
    }
}

/// How many messages the day's money still buys.
fn affordable(api: &Api) -> u64 {
    match (api.room(), api.budget) {
        (Some(posts), Some(budget)) => {
            let left = budget.prices.post_read.times(posts);
            left.0.checked_div(budget.prices.dm_read.0).unwrap_or(u64::MAX)
        }
        _ => u64::MAX,
    }
}

/// Reads what is new and hands it on, oldest first. True where the day's money was at its end before that.
async fn look(
    api: &Api,
    feeds: &mut watch::Receiver<Arc<Vec<Feed>>>,
    known: &mut BTreeSet<MessageId>,
) -> Result<bool, CallError> {
    if api.account().id.is_none() {
        // Without our own id nobody can tell which side wrote.
        api.learn_id().await?;
    }
    if feeds.borrow().is_empty() {
        return Ok(false);
    }
    let is_first = known.is_empty();
    let reach = api.now().checked_sub(FIRST_REACH).ok();
    let mut fresh = Vec::new();
    let mut token: Option<String> = None;
    let mut is_out_of_money = false;
    for _ in 0..MOST_PAGES {
        let size = affordable(api).min(PAGE);
        if size == 0 {
            // What was read so far is handed on; the next look goes on once there is money again.
            is_out_of_money = true;
            break;
        }
        let size = size.to_string();
        let mut params = dm::FIELDS.to_vec();
        params.push(("event_types", "MessageCreate"));
        params.push(("max_results", size.as_str()));
        params.extend(token.as_deref().map(|token| ("pagination_token", token)));
        let answer = api.get(As::User, "/2/dm_events", &params).await?;
        let page = dm::page(api, &answer);
        tracing::debug!(read = page.messages.len(), "direct messages were read");
        let mut reached = false;
        for message in page.messages {
            let is_too_old = is_first && reach.is_some_and(|reach| message.at < reach);
            if known.contains(&message.id) || is_too_old {
                reached = true;
            } else {
                fresh.push(message);
            }
        }
        token = page.next;
        if reached || token.is_none() {
            break;
        }
    }
    fresh.reverse();
    for message in fresh {
        let id = message.id.clone();
        let inbound = Inbound::Message { account: api.account().name, message: Box::new(message) };
        if handing::to_one(feeds, inbound).await.is_err() {
            // There is no column: it and what follows come again with the next look.
            break;
        }
        known.insert(id);
    }
    while known.len() > REMEMBERED {
        known.pop_first();
    }
    Ok(is_out_of_money)
}
