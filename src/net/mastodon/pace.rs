//! Every duration of the Mastodon adapter in one place, so that a rehearsal can run faster than a server.

use std::time::Duration;

use crate::net::backoff::Steps;

/// How long the adapter waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// We ping the server so often; its answer proves that the line lives where nobody writes anything.
    pub ping_every: Duration,
    /// After so long without a byte the link is stale…
    pub stale_after: Duration,
    /// …and after so long the connection is given up.
    pub dead_after: Duration,
    /// A connection that held so long counts as a success.
    pub settled_after: Duration,
    pub connect_within: Duration,
    /// The whole answer to any question.
    pub answer_within: Duration,
    /// The whole answer to a reply; after that nobody knows whether it was published.
    pub send_within: Duration,
    /// The time of the last byte is reported at most so often.
    pub beat: Duration,
    /// A server answers no subscription; after so long it is taken to be in force and what was missed is read.
    pub subscribed_after: Duration,
    /// Posts arrive at a server late and with the id of the time they were written at, so what was missed is read from
    /// so long before the line was lost.
    pub overlap: Duration,
    /// An outage this long is shown as a gap while it lasts; a shorter one only where it could not be healed.
    pub gap_after: Duration,
    /// A request whose answer was lost may still publish for so long after it was attempted.
    pub publish_within: Duration,
    /// What the server says of itself is believed for so long.
    pub facts_live: Duration,
    /// Where the time of day went ahead of the one that sleeps by more, the machine was suspended.
    pub slept_after: Duration,
    /// Where we are is written down at most so often.
    pub keep_every: Duration,
    /// Where nothing helps until somebody does something, the server is asked again so seldom.
    pub down_retry: Duration,
    pub steps: Steps,
}

impl Pace {
    /// For a real server.
    pub const SERVER: Pace = Pace {
        ping_every: Duration::from_secs(15),
        stale_after: Duration::from_secs(35),
        dead_after: Duration::from_secs(50),
        settled_after: Duration::from_secs(20),
        connect_within: Duration::from_secs(10),
        answer_within: Duration::from_secs(20),
        send_within: Duration::from_secs(30),
        beat: Duration::from_secs(1),
        subscribed_after: Duration::from_secs(1),
        overlap: Duration::from_mins(2),
        gap_after: Duration::from_secs(30),
        publish_within: Duration::from_mins(1),
        facts_live: Duration::from_mins(10),
        slept_after: Duration::from_secs(20),
        keep_every: Duration::from_secs(2),
        down_retry: Duration::from_mins(10),
        steps: Steps {
            lost_step: Duration::from_millis(500),
            lost_most: Duration::from_secs(30),
            refused_first: Duration::from_secs(5),
            // A server that is down for a moment answers 503: nobody stays blind for minutes after it is back.
            refused_most: Duration::from_mins(1),
            limited_first: Duration::from_secs(30),
            limited_most: Duration::from_mins(5),
        },
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::SERVER
    }
}
