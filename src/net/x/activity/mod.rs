//! What concerns the account itself: its direct messages, its own posts and their deletion, and, where a column shows
//! them all, mentions and replies. X's Activity stream tells of them at once; where the plan has no such stream, messages
//! are looked for every two minutes instead.
//!
//! Only the process that holds the account's posts' stream holds this one. Both give posts to columns through one memory
//! ([`super::giving`]), so a post heard on both is told once; X bills it once a UTC day.
//!
//! **Documented by X** (state of 2026-08): `POST /2/activity/subscriptions` with `event_type`, `filter.user_id` and a
//! `tag`; `GET` of the same lists them, `DELETE …/{subscription_id}` removes one; `GET /2/activity/stream` takes the app's
//! token and sends `{"data": {event_uuid, filter, event_type, tag, payload, includes}}`, one a line, for every
//! subscription of the app. `post.create` and `post.delete` are public, the app's token subscribes to them; the others
//! are private and take the account's own. A self-serve app has 1,500 subscriptions and two connections. Billed are
//! `post.create`, `post.mention.create` and `post.reply.create` as posts read and `dm.received` as a message read, each
//! once a UTC day; `post.delete` and `dm.sent` are not. `payload` is a post object; for a deletion an `id` and an
//! `author_id`; for messages `direct_message_events` of the older kind and `users` by id.
//!
//! **Reported by others, and met here**: an answer to `POST` without a body; a list or an object in its `data`; a 400
//! with the word "duplicate" for what is subscribed to already; a blank line every twenty seconds; `backfill_minutes`
//! refused to ordinary apps (it is never asked for).
//!
//! **Not verified**: that a message has the same id here as in `dm_events` (two ids would make it two messages); what X
//! says at the 1,501st subscription; whether an event costs where nobody of the app listens (it is taken to cost nothing, so
//! subscriptions stay at X while the deck is closed or reading is paused; `activity = false` ends them, and `check
//! --online` tells of those of an account that is not in the config any more); whether a repost that names the account counts as a mention; which id the deletion
//! of an edited post names. What was deleted, or posted by ourselves, while this line was down is not told later;
//! messages are, by one look, which X bills as messages read.

mod event;
mod line;
mod looking;
mod subscriptions;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

pub(super) use self::subscriptions::{Count, count};

use self::looking::{Looked, Looking};
use self::subscriptions::Kind;
use super::api::{Api, CallError};
use super::ending::{self, Ending};
use super::giving::Giving;
use super::problem::Class;
use super::usage;
use crate::net::backoff::{Backoff, Failure};
use crate::net::handing::Feeds;
use crate::net::skipped::Skipped;

/// While reading is paused the clock is not looked at more often.
const SHORTEST_LOOK: Duration = Duration::from_millis(20);
/// So many lines may be lost one after the other before it is worth a word.
const QUIET_LOSSES: u32 = 3;

/// Why there is no line, or none any more.
enum End {
    /// Worth another attempt.
    Lost { why: String, failure: Failure },
    /// The plan does not have it, or somebody has to do something first.
    Unavailable {
        why: String,
        remedy: &'static str,
        /// Nothing is paid for any more, so that looking brings nothing either.
        is_spent: bool,
    },
    /// There is nothing to be told of.
    Unwanted,
    /// The day's money is spent.
    Paused,
    /// Other columns, or another login: what is subscribed to may be another thing now.
    Changed,
    /// The deck is closing.
    Over,
}

/// Runs until nobody can want anything any more; to stop it, drop it.
pub(super) async fn run(api: Arc<Api>, giving: Arc<Giving>, feeds: Feeds) {
    Activity::new(api, giving, feeds).run().await;
}

struct Activity {
    api: Arc<Api>,
    giving: Arc<Giving>,
    feeds: Feeds,
    looking: Arc<Looking>,
    /// When messages are looked for next, if no line tells of them.
    look_at: Instant,
    /// X does not want to be asked for them before.
    look_not_before: Instant,
    backoff: Backoff,
    losses: u32,
    /// What was said last of why there is no line.
    said: Option<String>,
    /// What was wanted, and what of it was in force, when it was compared last; nothing where it has to be.
    wanted: BTreeSet<Kind>,
    in_force: BTreeSet<Kind>,
    /// X would not take all of it.
    lacks: bool,
    /// What was said last of events X does not tell of.
    refusal: Option<String>,
    /// Lines that were passed over and of which nothing was said yet.
    skipped: Skipped,
    /// Where the stream is switched off: what we had subscribed to was ended.
    has_left: bool,
}

impl Activity {
    fn new(api: Arc<Api>, giving: Arc<Giving>, feeds: Feeds) -> Self {
        Self {
            looking: Arc::new(Looking::new(Arc::clone(&api), feeds.clone())),
            look_at: Instant::now(),
            look_not_before: Instant::now(),
            backoff: Backoff::new(api.pace.steps),
            losses: 0,
            said: None,
            refusal: None,
            wanted: BTreeSet::new(),
            in_force: BTreeSet::new(),
            lacks: false,
            skipped: Skipped::default(),
            has_left: false,
            api,
            giving,
            feeds,
        }
    }

    async fn run(mut self) {
        loop {
            if self.feeds.borrow_and_update().is_empty() {
                if self.feeds.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let end = if self.api.activity {
                self.once().await
            } else {
                self.leave().await;
                End::Unwanted
            };
            let rested = match end {
                End::Over => return,
                End::Changed => {
                    self.in_force.clear();
                    Ok(())
                }
                End::Lost { why, failure } => {
                    self.losses += 1;
                    if failure != Failure::Lost || self.losses > QUIET_LOSSES {
                        self.say(&why, "it is opened again by itself", true);
                    } else {
                        tracing::info!(why, "the activity stream was lost");
                    }
                    let wait = self.backoff.after(failure);
                    self.meanwhile(wait, false).await
                }
                End::Unavailable { why, remedy, is_spent } => {
                    self.in_force.clear();
                    self.say(&why, &format!("{remedy}; X is asked again every hour"), !is_spent);
                    self.meanwhile(self.api.pace.down_retry, true).await
                }
                End::Unwanted => self.meanwhile(self.api.pace.down_retry, true).await,
                End::Paused => {
                    self.looking.tell_paused(true);
                    self.rest().await
                }
            };
            if rested.is_err() {
                return;
            }
        }
    }

    /// The stream is switched off: what an earlier run subscribed to would be billed wherever else the app listens.
    async fn leave(&mut self) {
        let Some(us) = self.api.account().id.filter(|_| !self.has_left) else { return };
        self.has_left = match subscriptions::end_all(&self.api, &us).await {
            Ok(0) => true,
            Ok(ended) => {
                let handle = self.api.account().handle;
                self.api.leave_note(format!(
                    "X's Activity stream for @{handle} is switched off; {ended} of its subscriptions were at X still"
                ));
                true
            }
            // Without the plan there is nothing that could be ended.
            Err(CallError::No(problem)) if !problem.class.passes() => true,
            Err(error) => {
                tracing::warn!(why = error.words(), "the subscriptions could not be ended; it is tried again");
                false
            }
        };
    }

    /// Waits, and looks for messages as often as X allows. `is_early`: other columns or another login end it.
    async fn meanwhile(&mut self, wait: Duration, is_early: bool) -> Result<(), watch::error::RecvError> {
        let until = Instant::now() + wait;
        let mut logins = self.api.logins();
        let looks = self.api.reads_messages();
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                () = sleep_until(self.look_at), if looks => {
                    let looked = self.looking.turn().await;
                    self.has_looked(looked);
                }
                changed = self.feeds.changed() => {
                    changed?;
                    if is_early {
                        return Ok(());
                    }
                }
                _ = logins.changed(), if is_early => {
                    // What was refused may be granted now.
                    (self.look_at, self.look_not_before) = (Instant::now(), Instant::now());
                    return Ok(());
                }
            }
        }
    }

    fn has_looked(&mut self, looked: Looked) {
        self.look_at = Instant::now() + looked.again_in;
        if !looked.is_whole {
            self.look_not_before = self.look_at;
        }
    }

    /// When a line that has just been opened is looked behind: at once, unless X asked for patience, or one line after
    /// the other breaks and each would be another look.
    fn first_look(&self) -> Instant {
        if self.losses > QUIET_LOSSES { self.look_at } else { self.look_not_before }
    }

    /// Reads nothing until the day is over or somebody raised its limit.
    async fn rest(&mut self) -> Result<(), watch::error::RecvError> {
        let mut money = self.api.meter.get().map(|meter| meter.changes());
        while !self.affords() {
            let look = Instant::now() + self.api.pace.beat.max(SHORTEST_LOOK);
            tokio::select! {
                () = sleep_until(look) => {}
                () = usage::changed(money.as_mut()) => {}
                changed = self.feeds.changed() => changed?,
            }
        }
        self.looking.tell_paused(false);
        Ok(())
    }

    /// Whether the day's money buys whatever comes next.
    fn affords(&self) -> bool {
        if self.api.reads_messages() { looking::affordable(&self.api) > 0 } else { self.api.room() != Some(0) }
    }

    /// Says why there is no line, once for as long as it is the same. `looks`: looking brings what it does not tell.
    fn say(&mut self, why: &str, way_out: &str, looks: bool) {
        let handle = self.api.account().handle;
        let instead = if looks && self.api.reads_messages() {
            format!(": direct messages to @{handle} are looked for every 2 minutes meanwhile")
        } else {
            String::new()
        };
        let note = format!("X's Activity stream for @{handle} is not open{instead}. {why}. {way_out}");
        if self.said.as_ref() != Some(&note) {
            tracing::warn!(note, "no activity stream");
            self.api.leave_note(note.clone());
            self.said = Some(note);
        }
    }

    /// What a failed question means for the line.
    fn end(&self, error: CallError) -> End {
        let crowded = "Other programs of this app hold its two connections; none is ever closed from here";
        match ending::of(error, self.api.now(), crowded) {
            Ending::Lost { why, failure } => End::Lost { why, failure },
            Ending::Refused { why, problem } => {
                let is_spent = matches!(problem.class, Class::UsageCapped | Class::CreditsDepleted);
                End::Unavailable { why, remedy: remedy(problem.class), is_spent }
            }
        }
    }
}

/// What to do where this stream is refused.
fn remedy(class: Class) -> &'static str {
    match class {
        Class::NotFound | Class::NotEnrolled | Class::Forbidden | Class::InvalidRequest => {
            "look in X's developer console whether the app's plan has the X Activity API; activity = false in the config \
             stops the asking"
        }
        other => other.remedy(),
    }
}

fn lost(why: &str) -> End {
    End::Lost { why: why.to_owned(), failure: Failure::Lost }
}
