//! Reads one of X's endless answers: cuts it into lines, and notices silence, sleep and standstill. Both streams are
//! read by it.

use bytes::Bytes;
use jiff::SignedDuration;
use reqwest::Response;
use tokio::time::{Instant, sleep_until, timeout};

use super::api::Api;
use super::pace::Drain;
use super::pulse::{Pulse, Standstill};
use crate::net::http;
use crate::net::lines::{Cut, LineSplitter};

/// A post object with everything asked for stays far below.
const LONGEST_LINE: usize = 1024 * 1024;

/// What a look at the line brought.
pub(super) enum Heard<T> {
    /// Bytes came, and with them so many whole lines.
    Lines {
        lines: Vec<T>,
        /// They ended a silence that was told.
        was_stale: bool,
        /// They were sent now, so that nothing is missing up to now.
        is_fresh: bool,
        /// The line held long enough to count as a success.
        is_settled: bool,
    },
    /// Not a byte for longer than X promises; told once.
    Silence,
    /// The machine was suspended, or its clock was set ahead. These waited from before; more may.
    Slept { slept: SignedDuration, lines: Vec<T> },
    /// The line is gone, in words why.
    Ended(String),
}

/// One open answer.
pub(super) struct Reading {
    response: Response,
    splitter: LineSplitter,
    pulse: Pulse,
    still: Standstill,
    began: Instant,
    /// Counted from when the last lines were done with: time a column's reader took is not the line's silence.
    heard: Instant,
    has_given: bool,
    is_stale: bool,
}

impl Reading {
    pub(super) fn new(response: Response, api: &Api) -> Self {
        let began = Instant::now();
        Self {
            response,
            splitter: LineSplitter::new(LONGEST_LINE),
            pulse: Pulse::new(api.now()),
            still: Standstill::new(),
            began,
            heard: began,
            has_given: false,
            is_stale: false,
        }
    }

    /// Waits for what comes next; dropped while it waits it has lost nothing.
    pub(super) async fn next<T>(&mut self, api: &Api, read: impl Fn(Cut<'_>) -> T) -> Heard<T> {
        let pace = api.pace;
        if std::mem::take(&mut self.has_given) {
            self.heard = Instant::now();
        }
        loop {
            self.still.turn(pace.pulse);
            let silent_until = self.heard + if self.is_stale { pace.dead_after } else { pace.stale_after };
            // In this order, so that bytes that are there always win against the watch on silence.
            tokio::select! { biased;
                chunk = self.response.chunk() => return match chunk {
                    Ok(Some(bytes)) => {
                        if let Some(slept) = self.pulse.jumped(api.now(), pace.slept_after) {
                            // What waited in the line from before is taken, but it proves nothing of the time since.
                            return Heard::Slept { slept, lines: self.cut(&bytes, read) };
                        }
                        self.has_given = true;
                        Heard::Lines {
                            was_stale: std::mem::take(&mut self.is_stale),
                            is_fresh: self.still.turn(pace.pulse),
                            is_settled: self.began.elapsed() >= pace.settled_after,
                            lines: self.cut(&bytes, read),
                        }
                    }
                    Ok(None) => Heard::Ended("X closed the stream".to_owned()),
                    Err(error) => Heard::Ended(format!("the stream broke: {}", http::words(error))),
                },
                () = sleep_until(self.pulse.at + pace.pulse) => {
                    if let Some(slept) = self.pulse.jumped(api.now(), pace.slept_after) {
                        return Heard::Slept { slept, lines: Vec::new() };
                    }
                }
                () = sleep_until(silent_until) => {
                    if self.is_stale {
                        return Heard::Ended(format!("not a byte for {} s", pace.dead_after.as_secs()));
                    }
                    self.is_stale = true;
                    return Heard::Silence;
                }
            }
        }
    }

    /// More of what waits in a line that is given up; `None` where it is empty, broken, or alive after all: the next
    /// connection tells which.
    pub(super) async fn waiting<T>(
        &mut self,
        drain: Drain,
        end: Instant,
        read: impl Fn(Cut<'_>) -> T,
    ) -> Option<Vec<T>> {
        let left = end.saturating_duration_since(Instant::now());
        match timeout(drain.silence.min(left), self.response.chunk()).await {
            Ok(Ok(Some(bytes))) => Some(self.cut(&bytes, read)),
            Ok(Ok(_) | Err(_)) | Err(_) => None,
        }
    }

    fn cut<T>(&mut self, bytes: &Bytes, read: impl Fn(Cut<'_>) -> T) -> Vec<T> {
        let mut lines = Vec::new();
        self.splitter.feed(bytes, |cut| lines.push(read(cut)));
        lines
    }
}
