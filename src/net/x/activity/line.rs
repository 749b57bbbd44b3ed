//! One connection of the Activity stream, from its set-up to its end, and what each of its lines does.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::Response;
use tokio::time::{Instant, sleep_until};

use super::event::{self, Event};
use super::looking::Looked;
use super::subscriptions::{self, Subscribed, tells_of_messages};
use super::{Activity, End, lost};
use crate::model::spend::Act;
use crate::model::{AuthorId, Message};
use crate::net::x::api::CallError;
use crate::net::x::decode::Line;
use crate::net::x::ending;
use crate::net::x::pace::Drain;
use crate::net::x::reading::{Heard, Reading};
use crate::net::x::{pulse, usage};

const PATH: &str = "/2/activity/stream";

type Look = Pin<Box<dyn Future<Output = Looked> + Send>>;
type Syncing = Pin<Box<dyn Future<Output = Result<Subscribed, CallError>> + Send>>;

impl Activity {
    /// Subscribes to what is wanted, and listens until the line ends.
    pub(super) async fn once(&mut self) -> End {
        if !self.affords() {
            return End::Paused;
        }
        if let Err(error) = self.api.learn_id().await {
            return self.end(error);
        }
        // Who we are nobody knows: there is nothing that could be asked for.
        let Some(us) = self.api.account().id else { return End::Unwanted };
        let current = self.feeds.borrow_and_update().clone();
        let wanted = subscriptions::wanted(&self.api, &current);
        // With subscriptions known from before the line comes first: each second without it is a hole.
        let are_fresh = self.in_force.is_empty() || wanted != self.wanted;
        if are_fresh {
            let subscribed = match subscriptions::sync(&self.api, &us, &wanted).await {
                Ok(subscribed) => subscribed,
                Err(error) => return self.end(error),
            };
            if let (true, Some(refused)) = (subscribed.in_force.is_empty(), subscribed.refused.first()) {
                let why = format!("X says of {}: {}", refused.kind.name(), refused.why);
                return End::Unavailable { why, remedy: refused.remedy, is_spent: false };
            }
            self.tell_refused(&subscribed);
            self.in_force = subscribed.in_force;
            self.lacks = !subscribed.refused.is_empty();
            self.wanted = wanted;
        }
        let response = match self.api.open(PATH, &[]).await {
            Ok(response) => response,
            Err(error) => return self.end(error),
        };
        self.tell_open();
        self.read(response, &us, are_fresh).await
    }

    /// Says once which events X does not tell of.
    fn tell_refused(&mut self, subscribed: &Subscribed) {
        if subscribed.refused.is_empty() {
            self.refusal = None;
            return;
        }
        let lacking: Vec<String> =
            subscribed.refused.iter().map(|refused| format!("{} ({})", refused.kind.name(), refused.why)).collect();
        let instead = if self.api.reads_messages() && !tells_of_messages(&subscribed.in_force) {
            ": direct messages are looked for every 2 minutes instead"
        } else {
            ""
        };
        let remedies: BTreeSet<&str> = subscribed.refused.iter().map(|refused| refused.remedy).collect();
        let note = format!(
            "X's Activity stream for @{} lacks {}{instead}. {}",
            self.api.account().handle,
            lacking.join(", "),
            remedies.into_iter().collect::<Vec<_>>().join("; ")
        );
        if self.refusal.as_ref() != Some(&note) {
            self.api.leave_note(note.clone());
            self.refusal = Some(note);
        }
    }

    /// Says that what was missing is there.
    fn tell_open(&mut self) {
        if self.said.take().is_some() {
            self.api.leave_note(format!("X's Activity stream for @{} is open", self.api.account().handle));
        }
        tracing::info!(told = ?self.in_force, "the activity stream is open");
    }

    /// Reads until the line ends. What came while there was none is looked for beside it.
    async fn read(&mut self, response: Response, us: &AuthorId, are_fresh: bool) -> End {
        let (api, pace) = (Arc::clone(&self.api), self.api.pace);
        let mut reading = Reading::new(response, &api);
        let is_told = tells_of_messages(&self.in_force);
        let mut look_at = self.api.reads_messages().then(|| self.first_look());
        let mut look: Option<Look> = None;
        let mut sync_at = if are_fresh { Instant::now() + pace.rules_every } else { Instant::now() };
        let mut syncing: Option<Syncing> = None;
        let mut logins = self.api.logins();
        let mut money = self.api.meter.get().map(|meter| meter.changes());
        let end = loop {
            tokio::select! { biased;
                changed = self.feeds.changed() => {
                    if changed.is_err() {
                        break End::Over;
                    }
                    let current = self.feeds.borrow_and_update().clone();
                    if current.is_empty() || subscriptions::wanted(&self.api, &current) != self.wanted {
                        break End::Changed;
                    }
                }
                _ = logins.changed(), if self.lacks => break End::Changed,
                // Others on this machine spend of the same money.
                () = usage::changed(money.as_mut()) => {
                    if !self.affords() {
                        break self.stop_at_limit(&mut reading, us).await;
                    }
                }
                looked = async { look.as_mut().expect("guarded by the condition").await }, if look.is_some() => {
                    look = None;
                    self.has_looked(looked);
                    // What the stream tells of is not looked for again.
                    look_at = (!is_told || !looked.is_whole).then_some(self.look_at);
                }
                () = async { sleep_until(look_at.expect("guarded by the condition")).await },
                    if look.is_none() && look_at.is_some() =>
                {
                    let looking = Arc::clone(&self.looking);
                    look = Some(Box::pin(async move { looking.turn().await }));
                }
                synced = async { syncing.as_mut().expect("guarded by the condition").await }, if syncing.is_some() => {
                    syncing = None;
                    sync_at = Instant::now() + pace.rules_every;
                    match synced {
                        // Somebody took away what was there; put back or not, some of it was not told.
                        Ok(synced) if synced.is_new || synced.in_force != self.in_force => break End::Changed,
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(why = error.words(), "the subscriptions could not be compared");
                            sync_at = Instant::now() + pace.rules_retry;
                        }
                    }
                }
                () = sleep_until(sync_at), if syncing.is_none() => {
                    let (api, us, wanted) = (Arc::clone(&api), us.clone(), self.wanted.clone());
                    syncing = Some(Box::pin(async move { subscriptions::sync(&api, &us, &wanted).await }));
                }
                heard = reading.next(&api, |cut| event::read(cut, us)) => match heard {
                    Heard::Lines { lines, is_settled, .. } => {
                        if is_settled {
                            self.losses = 0;
                            self.backoff.succeeded();
                        }
                        if let Some(end) = self.take_all(lines, us).await {
                            break end;
                        }
                        if !self.affords() {
                            break self.stop_at_limit(&mut reading, us).await;
                        }
                    }
                    Heard::Silence => tracing::info!("nothing comes on the activity stream"),
                    Heard::Slept { slept, lines } => {
                        let end = self.drain(self.api.pace.after_sleep, lines, &mut reading, us).await;
                        break end.unwrap_or_else(|| lost(&pulse::words(slept)));
                    }
                    Heard::Ended(why) => break lost(&why),
                },
            }
        };
        // From now on nothing tells of messages; they are looked for where the line stays away. A look under way comes to
        // its end: lines that break one after the other would let none.
        if let Some(look) = look {
            let looked = look.await;
            self.has_looked(looked);
        }
        self.looking.lost();
        end
    }

    /// The day's money is spent: what X had sent by then is billed, and taken.
    async fn stop_at_limit(&mut self, reading: &mut Reading, us: &AuthorId) -> End {
        self.drain(self.api.pace.at_limit, Vec::new(), reading, us).await.unwrap_or(End::Paused)
    }

    /// Takes what waits in a line that is given up; an end if a line of it says so.
    async fn drain(
        &mut self,
        drain: Drain,
        mut lines: Vec<Event>,
        reading: &mut Reading,
        us: &AuthorId,
    ) -> Option<End> {
        let end = Instant::now() + drain.longest;
        loop {
            if let Some(end) = self.take_all(lines, us).await {
                return Some(end);
            }
            lines = reading.waiting(drain, end, |cut| event::read(cut, us)).await?;
        }
    }

    async fn take_all(&mut self, lines: Vec<Event>, us: &AuthorId) -> Option<End> {
        for line in lines {
            match line {
                Event::Post(post) => {
                    let current = self.feeds.borrow().clone();
                    let is_ours = self.api.watch_own && post.author.id == *us;
                    let renamed = self.giving.post(&post, &current, is_ours, |feed| feed.rule.matches(&post)).await;
                    if let Some(note) = renamed {
                        self.api.leave_note(note);
                    }
                }
                Event::Deleted(post) => self.giving.deleted(post).await,
                Event::Messages { messages, billed } => self.take_messages(messages, billed).await,
                Event::NotOurs { what, billed } => {
                    tracing::debug!(what, "an event of the app that is none of ours");
                    // X sends every line all events of the app and charges the app for them. Whose line they are sent
                    // to counts them, or nobody would where that account's deck is not running; where it is, both
                    // count, and both stop a little early rather than late.
                    if let Some((act, ids)) = billed {
                        self.api.charge(act, ids, Vec::new());
                    }
                }
                Event::Line(line) => {
                    if let Some(end) = self.take_line(line) {
                        return Some(end);
                    }
                }
            }
        }
        None
    }

    async fn take_messages(&mut self, messages: Vec<Message>, billed: Vec<String>) {
        self.api.charge(Act::DmRead, billed, Vec::new());
        if !self.api.reads_messages() {
            // Somebody else subscribed to them; the config does not want them.
            return;
        }
        for message in messages {
            if self.looking.hand_on(message).await.is_err() {
                tracing::warn!("no column listens to hear of a direct message; it is looked for later");
            }
        }
    }

    /// A line that is no event; an end if it ends the stream.
    fn take_line(&mut self, line: Line) -> Option<End> {
        match line {
            Line::Blank => {}
            Line::Disconnect { title, detail, kind } => {
                let (why, failure) = ending::by_its_own_line(title, detail, &kind);
                return Some(End::Lost { why, failure });
            }
            Line::Problem { title, detail } => {
                self.api.leave_note(format!("X says on the Activity stream: {title} {detail}"));
            }
            // A post without its event says not whose it is.
            Line::Post { .. } => self.skip("without an event", "a bare post"),
            Line::Unknown { keys } => self.skip("of a kind this version does not know", &keys),
            Line::Malformed { why } => self.skip("that cannot be read", &why),
        }
        None
    }

    /// Counts a line that is passed over and says so, at most once a beat: a flood of them must not drown the rest.
    fn skip(&mut self, what: &'static str, why: &str) {
        self.skipped.count(what, why);
        if let Some(words) = self.skipped.due(self.api.now(), self.api.pace.beat) {
            self.api.leave_note(format!("lines of the Activity stream passed over: {words}"));
        }
    }
}
