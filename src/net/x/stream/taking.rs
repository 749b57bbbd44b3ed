//! What each line of the stream does, and what is done with those that waited while the machine slept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use reqwest::Response;
use tokio::time::{Instant, timeout};

use super::{End, Listener, is_due, lost, read_line};
use crate::model::spend::Act;
use crate::model::{ColumnName, Post};
use crate::net::backoff::Failure;
use crate::net::handing;
use crate::net::lines::LineSplitter;
use crate::net::x::decode::{Line, RuleRef};
use crate::net::x::pulse;

/// Own posts that no column asked for are remembered under this name, which no column can have.
const OWN: &str = "/own";

/// A line is empty when nothing more comes for so long, and is left after so long if it is not.
struct Drain {
    silence: Duration,
    longest: Duration,
}

/// After a sleep: nobody knows how much waits in it.
const SLEPT: Drain = Drain { silence: Duration::from_millis(50), longest: Duration::from_secs(5) };
/// At the day's limit: only what is there already, for whatever is sent meanwhile costs as well.
const AT_LIMIT: Drain = Drain { silence: Duration::from_millis(10), longest: Duration::from_millis(200) };

impl Listener {
    /// The machine was suspended, or its clock was set ahead: the line is given up at once, for nobody knows what it
    /// missed, and the gap begins at its last byte. What waited in the line is paid for and taken.
    pub(super) async fn wake(
        &mut self,
        slept: SignedDuration,
        response: &mut Response,
        bytes: Option<Bytes>,
        splitter: &mut LineSplitter,
    ) -> End {
        self.open_gap().await;
        self.drain(&SLEPT, response, bytes, splitter).await.unwrap_or_else(|| lost(&pulse::words(slept)))
    }

    /// The day's money is spent: nothing more is asked for. What X had sent by then is billed, and taken.
    pub(super) async fn stop_at_limit(&mut self, response: &mut Response, splitter: &mut LineSplitter) -> End {
        self.drain(&AT_LIMIT, response, None, splitter).await.unwrap_or(End::Paused)
    }

    /// Takes what waits in a line that is given up; an end if a line of it says so.
    async fn drain(
        &mut self,
        drain: &Drain,
        response: &mut Response,
        mut bytes: Option<Bytes>,
        splitter: &mut LineSplitter,
    ) -> Option<End> {
        let end = Instant::now() + drain.longest;
        loop {
            let mut lines = Vec::new();
            splitter.feed(&bytes.unwrap_or_default(), |cut| lines.push(read_line(cut)));
            for line in lines {
                if let Some(end) = self.take(line).await {
                    return Some(end);
                }
            }
            match timeout(drain.silence, response.chunk()).await {
                Ok(Ok(Some(more))) if Instant::now() < end => bytes = Some(more),
                // Empty, broken, or alive after all: the next connection tells which.
                Ok(Ok(_) | Err(_)) | Err(_) => return None,
            }
        }
    }

    /// One line of the stream; an end if it ends it.
    pub(super) async fn take(&mut self, line: Line) -> Option<End> {
        match line {
            Line::Blank => {}
            Line::Post { post, rules } => self.deliver(&post, &rules).await,
            Line::Disconnect { title, detail, kind } => {
                let words = if detail.is_empty() { title } else { detail };
                let why = format!("X ended the stream: {words} ({kind})");
                return Some(match kind.as_str() {
                    // Somebody else took the one connection, or we asked for too many: taking it back at once
                    // would only start a fight.
                    "ForceDisconnect" | "TooManyConnections" => {
                        End::Lost { why, failure: Failure::Limited { reset_in: None } }
                    }
                    "InvalidRules" | "RuleConfigurationIssue" | "RulesInvalidIssue" => {
                        self.is_map_old = true;
                        End::Lost { why, failure: Failure::Lost }
                    }
                    _ => End::Lost { why, failure: Failure::Lost },
                });
            }
            Line::Problem { title, detail } => {
                let note = format!("X says: {title} {detail}");
                self.tell(self.state.clone(), Some(note)).await;
            }
            Line::Unknown { keys } => {
                self.skip("of a kind this version does not know", &keys).await;
            }
            Line::Malformed { why } => self.skip("that cannot be read", &why).await,
        }
        None
    }

    /// Counts a line that is no post and says so, at most once a beat: a flood of them must not drown the rest.
    async fn skip(&mut self, what: &'static str, why: &str) {
        *self.skipped.entry(what).or_default() += 1;
        let now = self.api.now();
        if !is_due(self.last_skip_told, now, self.api.pace.beat) {
            return;
        }
        self.last_skip_told = Some(now);
        let told: Vec<String> = self.skipped.drain().map(|(what, count)| format!("{count} {what}")).collect();
        let note = format!("lines passed over: {} (last: {why})", told.join(", "));
        self.tell(self.state.clone(), Some(note)).await;
    }

    /// Hands a post to the columns of the rules it matched. A rule we know nothing of (or none at all), and a
    /// column X does not evaluate yet, are judged here.
    async fn deliver(&mut self, post: &Post, rules: &[RuleRef]) {
        let targets: Vec<_> = rules.iter().filter_map(|rule| self.map.find(rule)).collect();
        let is_own = targets.iter().any(|target| target.is_own);
        let renamed = self.api.renamed(&post.author);
        let mut out = Vec::new();
        let mut asked_by = Vec::new();
        let mut is_asked_for = false;
        let current = Arc::clone(&self.current);
        for feed in current.iter() {
            let is_named = targets.iter().any(|target| target.columns.contains(&feed.column));
            let judged_here = targets.is_empty() || !self.map.covers(&feed.column);
            if is_named || (judged_here && feed.rule.matches(post)) {
                is_asked_for = true;
                asked_by.push(feed.column.clone());
                let inbound = self.dispatch.offer(&feed.column, post);
                out.extend(inbound.into_iter().map(|inbound| (feed, inbound)));
            }
        }
        // Every version of a post is a post of its own to X.
        let read = post.version.as_deref().unwrap_or_else(|| post.id.native()).to_owned();
        self.api.charge(Act::PostRead, vec![read], asked_by);
        for (feed, inbound) in out {
            handing::to_column(&self.feeds, feed, inbound).await;
        }
        if is_own && !is_asked_for {
            for inbound in self.dispatch.offer(&ColumnName::new(OWN), post) {
                let inbound = inbound.into_own();
                // Without a column there is no desk that could miss it.
                if handing::to_one(&self.feeds, inbound).await.is_err() {
                    tracing::warn!(post = %post.id, "no column listens any more to hear of a post of ours");
                }
            }
        }
        if renamed.is_some() {
            self.tell(self.state.clone(), renamed).await;
        }
    }
}
