//! How long to wait before the next attempt, by the steps a network publishes. Pure: the caller sleeps.

use std::time::Duration;

/// The steps. X's own are [`Steps::X`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// A lost line: the first retry is at once, each further one waits this much longer.
    pub lost_step: Duration,
    pub lost_most: Duration,
    /// An answer that may be better later (5xx): first wait, doubled each time.
    pub refused_first: Duration,
    pub refused_most: Duration,
    /// Too many requests or connections: first wait, doubled each time.
    pub limited_first: Duration,
    pub limited_most: Duration,
}

impl Steps {
    /// X publishes no upper bound for the last kind; a rate window of X lasts 15 minutes.
    pub const X: Steps = Steps {
        lost_step: Duration::from_millis(250),
        lost_most: Duration::from_secs(16),
        refused_first: Duration::from_secs(5),
        refused_most: Duration::from_secs(320),
        limited_first: Duration::from_mins(1),
        limited_most: Duration::from_mins(15),
    };
}

/// What went wrong, as far as waiting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The line broke, stalled or never came up.
    Lost,
    /// The network answered and could not.
    Refused,
    /// Too many requests or connections; `reset_in` is what the network said of the end of the window.
    Limited { reset_in: Option<Duration> },
}

/// Counts failures of each kind since the last success.
#[derive(Clone, Debug)]
pub struct Backoff {
    steps: Steps,
    lost: u32,
    refused: u32,
    limited: u32,
}

impl Backoff {
    pub fn new(steps: Steps) -> Self {
        Self { steps, lost: 0, refused: 0, limited: 0 }
    }

    /// The wait after this failure.
    pub fn after(&mut self, failure: Failure) -> Duration {
        let steps = self.steps;
        match failure {
            Failure::Lost => {
                let wait = steps.lost_step.saturating_mul(self.lost).min(steps.lost_most);
                self.lost = self.lost.saturating_add(1);
                wait
            }
            Failure::Refused => doubled(steps.refused_first, steps.refused_most, &mut self.refused),
            Failure::Limited { reset_in } => {
                let is_first = self.limited == 0;
                let step = doubled(steps.limited_first, steps.limited_most, &mut self.limited);
                match reset_in {
                    // The window's end is the network's own word; the steps join in when it did not help.
                    Some(reset) if is_first => reset,
                    Some(reset) => reset.max(step),
                    None => step,
                }
            }
        }
    }

    /// A connection came up and held: the next failure starts at the first step again.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.steps);
    }
}

fn doubled(first: Duration, most: Duration, count: &mut u32) -> Duration {
    let wait = first.saturating_mul(2u32.saturating_pow(*count)).min(most);
    *count = count.saturating_add(1);
    wait
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, Failure, Steps};

    fn waits(failure: Failure, times: usize) -> Vec<u64> {
        let mut backoff = Backoff::new(Steps::X);
        (0..times).map(|_| u64::try_from(backoff.after(failure).as_millis()).unwrap()).collect()
    }

    #[test]
    fn the_published_steps() {
        assert_eq!(waits(Failure::Lost, 4), [0, 250, 500, 750]);
        assert_eq!(waits(Failure::Lost, 70)[63..67], [15_750, 16_000, 16_000, 16_000]);
        assert_eq!(
            waits(Failure::Refused, 9),
            [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 320_000, 320_000]
        );
        assert_eq!(
            waits(Failure::Limited { reset_in: None }, 6),
            [60_000, 120_000, 240_000, 480_000, 900_000, 900_000]
        );
    }

    #[test]
    fn the_window_s_end_is_respected_and_the_steps_join_in_when_it_did_not_help() {
        let mut backoff = Backoff::new(Steps::X);
        let reset = |secs| Failure::Limited { reset_in: Some(Duration::from_secs(secs)) };
        assert_eq!(backoff.after(reset(7)), Duration::from_secs(7));
        assert_eq!(backoff.after(reset(7)), Duration::from_mins(2));
        assert_eq!(backoff.after(reset(800)), Duration::from_secs(800));
    }

    #[test]
    fn kinds_are_counted_apart_and_only_success_forgets() {
        let mut backoff = Backoff::new(Steps::X);
        assert_eq!(backoff.after(Failure::Lost), Duration::ZERO);
        assert_eq!(backoff.after(Failure::Refused), Duration::from_secs(5));
        assert_eq!(backoff.after(Failure::Lost), Duration::from_millis(250));
        assert_eq!(backoff.after(Failure::Refused), Duration::from_secs(10));
        backoff.succeeded();
        assert_eq!(backoff.after(Failure::Lost), Duration::ZERO);
        assert_eq!(backoff.after(Failure::Refused), Duration::from_secs(5));
    }

    #[test]
    fn counting_for_ever_overflows_nothing() {
        let mut backoff = Backoff::new(Steps::X);
        backoff.refused = u32::MAX;
        backoff.lost = u32::MAX;
        assert_eq!(backoff.after(Failure::Refused), Duration::from_secs(320));
        assert_eq!(backoff.after(Failure::Lost), Duration::from_secs(16));
    }
}
