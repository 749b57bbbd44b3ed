//! Every duration of the X adapter in one place, so that a rehearsal can run faster than X.

use std::time::Duration;

use crate::net::backoff::Steps;

/// A line that is given up is empty when nothing more comes for so long, and is left after so long if it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    pub silence: Duration,
    pub longest: Duration,
}

/// How long the adapter waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// X promises a byte at least every 20 s; so long without one, and the link is stale. A little longer than
    /// the promise, so that a keep-alive sent at its last moment raises no alarm.
    pub stale_after: Duration,
    /// The clocks are compared so often; where the time of day went ahead of the one that sleeps by more than
    /// `slept_after`, the machine was suspended and the line it left behind is dead.
    pub pulse: Duration,
    pub slept_after: Duration,
    /// After so long without a byte the connection is given up.
    pub dead_after: Duration,
    /// A connection that held so long counts as a success; one that breaks sooner does not start the
    /// steps of waiting anew, or a server that accepts and hangs up would be called in a hot loop.
    pub settled_after: Duration,
    pub connect_within: Duration,
    /// The headers of the stream, or the whole answer of any other question.
    pub answer_within: Duration,
    /// The whole answer to a reply; after that nobody knows whether it was published.
    pub send_within: Duration,
    /// The rules are compared with what we want again so often: another deck may have changed them.
    pub rules_every: Duration,
    /// And so soon after comparing them failed.
    pub rules_retry: Duration,
    /// The time of the last byte is reported at most so often.
    pub beat: Duration,
    /// X's search sees a post only after so long.
    pub search_lag: Duration,
    /// A request whose answer was lost may still publish for so long after it was attempted.
    pub publish_within: Duration,
    /// What X has counted itself is asked for so often. It allows far more; the count moves slowly.
    pub usage_every: Duration,
    /// Where X refuses until somebody does something, it is asked again so seldom.
    pub down_retry: Duration,
    /// Direct messages are looked for so often; X allows 15 looks in 15 minutes, and reading back needs some.
    pub messages_every: Duration,
    /// So often it is looked whether the login is near its end, or somebody changed it.
    pub login_every: Duration,
    /// What waits in the line after a sleep: nobody knows how much.
    pub after_sleep: Drain,
    /// What waits in it at the day's limit: only what is there already, for whatever is sent meanwhile costs as well.
    pub at_limit: Drain,
    pub steps: Steps,
}

impl Pace {
    /// For X itself.
    pub const X: Pace = Pace {
        stale_after: Duration::from_secs(22),
        pulse: Duration::from_secs(5),
        slept_after: Duration::from_secs(20),
        dead_after: Duration::from_secs(27),
        settled_after: Duration::from_secs(20),
        connect_within: Duration::from_secs(10),
        answer_within: Duration::from_secs(20),
        send_within: Duration::from_secs(30),
        rules_every: Duration::from_mins(10),
        rules_retry: Duration::from_mins(1),
        beat: Duration::from_secs(1),
        search_lag: Duration::from_secs(30),
        publish_within: Duration::from_mins(1),
        usage_every: Duration::from_hours(1),
        down_retry: Duration::from_hours(1),
        messages_every: Duration::from_mins(2),
        login_every: Duration::from_secs(5),
        after_sleep: Drain { silence: Duration::from_millis(50), longest: Duration::from_secs(5) },
        at_limit: Drain { silence: Duration::from_millis(50), longest: Duration::from_millis(200) },
        steps: Steps::X,
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::X
    }
}
