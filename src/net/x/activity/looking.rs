//! Looks for the account's direct messages where no stream tells of them, and once after each time it could not.
//!
//! `GET /2/dm_events` gives them newest first, to the account's own token; each is charged once a day
//! ([`Act::DmRead`](crate::model::spend::Act::DmRead)). At the day's limit the looking pauses.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Message, MessageId};
use crate::net::Inbound;
use crate::net::handing::{self, Feeds};
use crate::net::x::api::{Api, As, CallError, reset_in};
use crate::net::x::dm;
use crate::net::x::problem::{Class, Problem};

/// Messages on the page of every later look; more are paged for where all of them were new.
const PAGE: u64 = 20;
/// The first look of a run goes back so far…
const FIRST_REACH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// …and one look reads so many pages at most.
const MOST_PAGES: usize = 5;
/// Messages remembered, so that paging stops where it was.
const REMEMBERED: usize = 2_000;
/// Where the token may not read messages, or nothing is paid for any more, it is asked again so often: somebody may have
/// granted or bought it meanwhile.
const REFUSED_WAIT: Duration = Duration::from_hours(1);

/// What became of a look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    /// Nothing before it is missing.
    pub(super) is_whole: bool,
    pub(super) again_in: Duration,
}

pub(super) struct Looking {
    api: Arc<Api>,
    feeds: Feeds,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Handed on, so that none is twice.
    known: BTreeSet<MessageId>,
    /// Those before which nothing is missing: paging stops at them. What a line told of before a look had come back to
    /// them is known and no place to stop at.
    settled: BTreeSet<MessageId>,
    /// A look was whole, and no line was lost since.
    is_whole: bool,
    /// Older messages are not handed on: set by the first look, for the whole run.
    reach: Option<Timestamp>,
    /// A refusal, or that the money is at its end, was said.
    told_refusal: bool,
    told_paused: bool,
}

/// How many messages the day's money still buys.
pub(super) fn affordable(api: &Api) -> u64 {
    match (api.room(), api.budget) {
        (Some(posts), Some(budget)) => {
            let left = budget.prices.post_read.times(posts);
            left.0.checked_div(budget.prices.dm_read.0).unwrap_or(u64::MAX)
        }
        _ => u64::MAX,
    }
}

impl Looking {
    pub(super) fn new(api: Arc<Api>, feeds: Feeds) -> Self {
        Self { api, feeds, seen: Mutex::default() }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nothing panics while holding what was seen")
    }

    /// Hands a message on unless it was before; without a column nobody takes it. Dropped on its way, it was not.
    pub(super) async fn hand_on(&self, message: Message) -> Result<(), Inbound> {
        let id = message.id.clone();
        if !self.seen().known.insert(id.clone()) {
            return Ok(());
        }
        let mut on_its_way = OnItsWay { looking: self, id: Some(id) };
        let inbound = Inbound::Message { account: self.api.account().name, message: Box::new(message) };
        handing::to_one(&self.feeds, inbound).await?;
        let id = on_its_way.id.take();
        let mut seen = self.seen();
        if seen.is_whole {
            seen.settled.extend(id);
        }
        seen.forget_oldest();
        Ok(())
    }

    /// A line is lost: what comes until the next whole look is missing.
    pub(super) fn lost(&self) {
        self.seen().is_whole = false;
    }

    /// Says once that the day's money is at its end; the posts' stream pauses a little later and says so for both.
    pub(super) fn tell_paused(&self, is_paused: bool) {
        if !std::mem::replace(&mut self.seen().told_paused, is_paused) && is_paused && self.api.reads_messages() {
            let handle = self.api.account().handle;
            self.api.leave_note(format!(
                "direct messages to @{handle} are not read: the day's spend limit leaves no room for one; they are read \
                 again at the end of the UTC day, or when the limit is raised for today"
            ));
        }
    }

    /// Looks once.
    pub(super) async fn turn(&self) -> Looked {
        let pace = self.api.pace;
        let not_before = |again_in| Looked { is_whole: false, again_in };
        match self.look().await {
            Ok(found) => {
                self.tell_paused(found == Found::NoMoney);
                self.seen().told_refusal = false;
                Looked { is_whole: found == Found::All, again_in: pace.messages_every }
            }
            Err(CallError::No(problem)) if problem.class == Class::RateLimited => {
                let reset = reset_in(problem.until, self.api.now()).unwrap_or(pace.messages_every * 4);
                not_before(reset.max(pace.messages_every))
            }
            Err(CallError::No(problem))
                if matches!(
                    problem.class,
                    Class::Forbidden | Class::WrongToken | Class::NotEnrolled | Class::Unauthorised
                ) =>
            {
                let remedy = "The token needs the scope dm.read; messages = false in the config stops the asking";
                self.tell_refused(&problem, remedy);
                not_before(REFUSED_WAIT)
            }
            // X wants no retries here.
            Err(CallError::No(problem)) if matches!(problem.class, Class::UsageCapped | Class::CreditsDepleted) => {
                self.tell_refused(&problem, &format!("{}; X is asked again every hour", problem.remedy()));
                not_before(REFUSED_WAIT)
            }
            Err(error) => {
                tracing::warn!(why = error.words(), "the direct messages could not be read");
                not_before(pace.messages_every)
            }
        }
    }

    /// Says why messages are not read, once for as long as they are not.
    fn tell_refused(&self, problem: &Problem, remedy: &str) {
        if !std::mem::replace(&mut self.seen().told_refusal, true) {
            let handle = self.api.account().handle;
            self.api.leave_note(format!("direct messages to @{handle} are not read: {}. {remedy}", problem.words));
        }
    }

    /// Reads what is new and hands it on, oldest first.
    async fn look(&self) -> Result<Found, CallError> {
        let api = &self.api;
        if api.account().id.is_none() {
            // Without our own id nobody can tell which side wrote.
            api.learn_id().await?;
        }
        if self.feeds.borrow().is_empty() {
            return Ok(Found::Part);
        }
        // What the stream tells of from now on says nothing of what lies before it.
        let (settled, known, reach) = {
            let mut seen = self.seen();
            seen.reach = seen.reach.or_else(|| api.now().checked_sub(FIRST_REACH).ok());
            (seen.settled.clone(), seen.known.clone(), seen.reach)
        };
        let mut fresh = Vec::new();
        let mut token: Option<String> = None;
        let (mut is_out_of_money, mut has_reached) = (false, false);
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
            for message in page.messages {
                if settled.contains(&message.id) || reach.is_some_and(|reach| message.at < reach) {
                    has_reached = true;
                } else if !known.contains(&message.id) {
                    fresh.push(message);
                }
            }
            token = page.next;
            has_reached |= token.is_none();
            if has_reached {
                break;
            }
        }
        fresh.reverse();
        for message in fresh {
            if self.hand_on(message).await.is_err() {
                // There is no column: it and what follows come again with the next look.
                return Ok(Found::Part);
            }
        }
        if is_out_of_money {
            return Ok(Found::NoMoney);
        }
        if !has_reached {
            api.leave_note(format!(
                "more than {} direct messages to @{} came while nobody looked: the older ones of them are on X's own page",
                PAGE * MOST_PAGES as u64,
                api.account().handle
            ));
        }
        let mut seen = self.seen();
        let Seen { known, settled, .. } = &mut *seen;
        settled.clone_from(known);
        seen.is_whole = true;
        Ok(Found::All)
    }
}

impl Seen {
    fn forget_oldest(&mut self) {
        for ids in [&mut self.known, &mut self.settled] {
            while ids.len() > REMEMBERED {
                ids.pop_first();
            }
        }
    }
}

/// How far a look came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing before it is missing, but for what a word was left of.
    All,
    /// There was nobody to hand it to.
    Part,
    /// The day's money was at its end before that.
    NoMoney,
}

/// A message that counts as known already, so that nobody else hands it on, and may still come to nothing.
struct OnItsWay<'l> {
    looking: &'l Looking,
    id: Option<MessageId>,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            // It comes again with the next look.
            self.looking.seen().known.remove(id);
        }
    }
}
