//! Every duration of the Bluesky adapter in one place, so that a rehearsal can run faster than the network.

use std::time::Duration;

/// How long the adapter waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub connect_within: Duration,
    /// The whole answer to a question, or the agreement to a socket.
    pub answer_within: Duration,
    /// The whole answer to a reply; after that nobody knows whether it was published.
    pub send_within: Duration,
    /// What is good to know before a reply leaves, but not worth more waiting.
    pub look_within: Duration,
    /// Jetstream pings every 30 s; so long without a byte, and the link is stale.
    pub stale_after: Duration,
    /// After so long without a byte the socket is given up.
    pub dead_after: Duration,
    pub ping_every: Duration,
    /// A connection that held so long counts as a success; one that breaks sooner does not start the steps anew.
    pub settled_after: Duration,
    /// Waits double from the first to the longest.
    pub retry_first: Duration,
    pub retry_most: Duration,
    /// Where the server refuses for good, it is asked again so seldom.
    pub down_retry: Duration,
    /// A stream goes on so far before where it broke off: servers are not in step, and order holds per author only.
    pub overlap: Duration,
    /// Servers look back so far (36 hours unless their owner changed it).
    pub look_back: Duration,
    /// A post waits so long for what the network says of its author.
    pub profile_wait: Duration,
    /// A column that asks for followers waits longer: without them it cannot judge.
    pub judged_within: Duration,
    pub profile_kept: Duration,
    /// After a failure nobody is asked about for so long.
    pub profile_retry: Duration,
    /// Where we are in the stream is written down so often.
    pub cursor_every: Duration,
    /// The time of the last byte is reported at most so often.
    pub beat: Duration,
    /// Direct messages are looked for so often: 3,000 questions are allowed in 5 minutes.
    pub messages_every: Duration,
    /// A message whose answer was lost may still be delivered for so long after it was attempted.
    pub delivered_within: Duration,
    /// So often it is looked whether the login is near its end, or somebody changed it.
    pub login_every: Duration,
}

impl Pace {
    pub const BLUESKY: Pace = Pace {
        connect_within: Duration::from_secs(10),
        answer_within: Duration::from_secs(20),
        send_within: Duration::from_secs(30),
        look_within: Duration::from_secs(3),
        stale_after: Duration::from_secs(35),
        dead_after: Duration::from_mins(1),
        ping_every: Duration::from_secs(20),
        settled_after: Duration::from_secs(20),
        retry_first: Duration::from_secs(1),
        retry_most: Duration::from_secs(30),
        down_retry: Duration::from_mins(10),
        overlap: Duration::from_secs(5),
        look_back: Duration::from_hours(36),
        profile_wait: Duration::from_millis(300),
        judged_within: Duration::from_secs(10),
        profile_kept: Duration::from_mins(15),
        profile_retry: Duration::from_secs(30),
        cursor_every: Duration::from_secs(2),
        beat: Duration::from_secs(1),
        messages_every: Duration::from_secs(10),
        delivered_within: Duration::from_mins(1),
        login_every: Duration::from_mins(1),
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::BLUESKY
    }
}
