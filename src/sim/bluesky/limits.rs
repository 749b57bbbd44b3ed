//! How often one may ask, and how much one may write.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::super::call::Answer;

const QUESTIONS: u32 = 3_000;
const WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// Points of writing in an hour: a new record costs 3, a change 2, a deletion 1.
const POINTS: u32 = 5_000;

/// What of it is used up.
#[derive(Debug, Default)]
pub(super) struct Budget {
    asked: u32,
    since: Option<Timestamp>,
    written: VecDeque<(Timestamp, u32)>,
}

impl Budget {
    /// Whether one more question may be asked; it counts.
    pub(super) fn ask(&mut self, now: Timestamp) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            self.since = Some(now);
            self.asked = 0;
        }
        self.asked += 1;
        self.asked <= QUESTIONS
    }

    /// Whether so many points may be written; they count.
    pub(super) fn write(&mut self, points: u32, now: Timestamp) -> bool {
        self.written.retain(|(at, _)| now.duration_since(*at) < SignedDuration::from_hours(1));
        let used: u32 = self.written.iter().map(|(_, points)| points).sum();
        let fits = used + points <= POINTS;
        if fits {
            self.written.push_back((now, points));
        }
        fits
    }

    /// The headers every answer has.
    pub(super) fn stamp(&self, now: Timestamp, answer: Answer) -> Answer {
        let end = self.since.unwrap_or(now).checked_add(WINDOW).unwrap_or(now);
        let is_limited = answer.status == 429;
        let answer = answer
            .with("ratelimit-limit", QUESTIONS)
            .with("ratelimit-remaining", QUESTIONS.saturating_sub(self.asked))
            .with("ratelimit-reset", end.as_second())
            .with("ratelimit-policy", format!("{QUESTIONS};w={}", WINDOW.as_secs()));
        if is_limited { answer.with("retry-after", end.duration_since(now).as_secs().max(1)) } else { answer }
    }
}
