//! Rate limits: how often each endpoint may be asked, and the headers that say so on every answer.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::auth::Who;
use super::{Answer, Endpoint};

/// So many requests in so long a window; the window begins with its first request.
#[derive(Clone, Copy, Debug)]
struct Limit {
    requests: u32,
    window: SignedDuration,
}

const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// X's table of a pay-per-use app (state of 2026-08).
fn limit(endpoint: Endpoint, who: Who) -> Limit {
    let is_app = who == Who::App;
    let requests = match endpoint {
        Endpoint::Stream | Endpoint::ActivityStream | Endpoint::Usage => 50,
        Endpoint::RulesRead | Endpoint::RuleCounts => 450,
        Endpoint::RulesWrite => 100,
        Endpoint::Search => {
            if is_app {
                450
            } else {
                300
            }
        }
        Endpoint::Counts => 300,
        Endpoint::PostCreate => 100,
        Endpoint::PostDelete | Endpoint::Follow => 50,
        Endpoint::PostRead | Endpoint::UserPosts | Endpoint::UserRead => {
            if is_app {
                300
            } else {
                900
            }
        }
        Endpoint::Me => 75,
        Endpoint::DmSend | Endpoint::DmRead => 15,
        Endpoint::ConnectionsRead | Endpoint::ConnectionsEnd => 25,
        // X tells no limit of them.
        Endpoint::SubscriptionsRead
        | Endpoint::SubscriptionCreate
        | Endpoint::SubscriptionDelete
        | Endpoint::TokenGive
        | Endpoint::TokenRevoke
        | Endpoint::PinRequest
        | Endpoint::PinRedeem => u32::MAX,
    };
    Limit { requests, window: QUARTER }
}

/// The second, daily limit of the endpoints that write.
fn daily(endpoint: Endpoint) -> Option<Limit> {
    match endpoint {
        Endpoint::PostCreate => Some(Limit { requests: 10_000, window: DAY }),
        Endpoint::DmSend => Some(Limit { requests: 1_440, window: DAY }),
        _ => None,
    }
}

/// What has been used up.
#[derive(Debug, Default)]
pub(in crate::sim) struct Budgets {
    used: BTreeMap<(Endpoint, bool, bool), (Timestamp, u32)>,
}

impl Budgets {
    /// Takes one request from the budget; `false` where nothing is left.
    pub(super) fn spend(&mut self, endpoint: Endpoint, who: Who, now: Timestamp) -> bool {
        let mut limits = vec![(false, limit(endpoint, who))];
        limits.extend(daily(endpoint).map(|daily| (true, daily)));
        let is_app = who == Who::App;
        if limits.iter().any(|(daily, limit)| self.state((endpoint, is_app, *daily), *limit, now).1 >= limit.requests) {
            return false;
        }
        for (daily, limit) in limits {
            let key = (endpoint, is_app, daily);
            let (start, used) = self.state(key, limit, now);
            self.used.insert(key, (start, used + 1));
        }
        true
    }

    /// When the window began and how much of it is used, at `now`.
    fn state(&self, key: (Endpoint, bool, bool), limit: Limit, now: Timestamp) -> (Timestamp, u32) {
        match self.used.get(&key) {
            Some((start, used)) if now.duration_since(*start) < limit.window => (*start, *used),
            _ => (now, 0),
        }
    }

    /// Puts the headers on.
    pub(super) fn stamp(&self, endpoint: Endpoint, who: Who, now: Timestamp, answer: Answer) -> Answer {
        let is_app = who == Who::App;
        let say = |daily: bool, limit: Limit| {
            let (start, used) = self.state((endpoint, is_app, daily), limit, now);
            let reset = start.saturating_add(limit.window).unwrap_or(Timestamp::MAX).as_millisecond();
            // Rounded up: at the second it names the window is over.
            (limit.requests, limit.requests.saturating_sub(used), reset.div_euclid(1000) + i64::from(reset % 1000 > 0))
        };
        let (requests, remaining, reset) = say(false, limit(endpoint, who));
        let answer = answer
            .with("x-rate-limit-limit", requests)
            .with("x-rate-limit-remaining", remaining)
            .with("x-rate-limit-reset", reset);
        match daily(endpoint) {
            Some(limit) => {
                let (requests, remaining, reset) = say(true, limit);
                answer
                    .with("x-app-limit-24hour-limit", requests)
                    .with("x-app-limit-24hour-remaining", remaining)
                    .with("x-app-limit-24hour-reset", reset)
            }
            None => answer,
        }
    }
}
