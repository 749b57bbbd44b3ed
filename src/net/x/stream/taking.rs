//! What each line of the stream does, and what is done with those that waited while the machine slept.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{End, Listener, lost, read_line};
use crate::model::Post;
use crate::net::Feed;
use crate::net::x::decode::{Line, RuleRef};
use crate::net::x::ending;
use crate::net::x::pace::Drain;
use crate::net::x::pulse;
use crate::net::x::reading::Reading;

impl Listener {
    /// The machine was suspended, or its clock was set ahead: the line is given up at once, for nobody knows what it
    /// missed, and the gap begins at its last byte. What waited in the line is paid for and taken.
    pub(super) async fn wake(&mut self, slept: SignedDuration, lines: Vec<Line>, reading: &mut Reading) -> End {
        self.open_gap().await;
        self.drain(self.api.pace.after_sleep, lines, reading).await.unwrap_or_else(|| lost(&pulse::words(slept)))
    }

    /// The day's money is spent: nothing more is asked for. What X had sent by then is billed, and taken.
    pub(super) async fn stop_at_limit(&mut self, reading: &mut Reading) -> End {
        self.drain(self.api.pace.at_limit, Vec::new(), reading).await.unwrap_or(End::Paused)
    }

    /// Takes what waits in a line that is given up; an end if a line of it says so.
    async fn drain(&mut self, drain: Drain, mut lines: Vec<Line>, reading: &mut Reading) -> Option<End> {
        let end = Instant::now() + drain.longest;
        loop {
            for line in lines {
                if let Some(end) = self.take(line).await {
                    return Some(end);
                }
            }
            lines = reading.waiting(drain, end, read_line).await?;
        }
    }

    /// One line of the stream; an end if it ends it.
    pub(super) async fn take(&mut self, line: Line) -> Option<End> {
        match line {
            Line::Blank => {}
            Line::Post { post, rules } => self.deliver(&post, &rules).await,
            Line::Disconnect { title, detail, kind } => {
                let are_rules =
                    matches!(kind.as_str(), "InvalidRules" | "RuleConfigurationIssue" | "RulesInvalidIssue");
                self.is_map_old |= are_rules;
                let (why, failure) = ending::by_its_own_line(title, detail, &kind);
                return Some(End::Lost { why, failure });
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
        self.skipped.count(what, why);
        if let Some(words) = self.skipped.due(self.api.now(), self.api.pace.beat) {
            self.tell(self.state.clone(), Some(format!("lines passed over: {words}"))).await;
        }
    }

    /// Hands a post to the columns of the rules it matched. A rule we know nothing of (or none at all), and a
    /// column X does not evaluate yet, are judged here.
    async fn deliver(&mut self, post: &Post, rules: &[RuleRef]) {
        let targets: Vec<_> = rules.iter().filter_map(|rule| self.map.find(rule)).collect();
        let is_own = targets.iter().any(|target| target.is_own);
        let wants = |feed: &Feed| {
            let is_named = targets.iter().any(|target| target.columns.contains(&feed.column));
            let judged_here = targets.is_empty() || !self.map.covers(&feed.column);
            is_named || (judged_here && feed.rule.matches(post))
        };
        let current = Arc::clone(&self.current);
        let renamed = self.giving.post(post, &current, is_own, wants).await;
        if renamed.is_some() {
            self.tell(self.state.clone(), renamed).await;
        }
    }
}
