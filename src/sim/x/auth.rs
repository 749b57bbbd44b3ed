//! Who asks: the app by its bearer token, or the brand's user by OAuth 2.0 or OAuth 1.0a.

use super::super::chance::Chance;
use super::super::state::State;
use super::{Answer, Call, Endpoint, oauth1, problem};

/// The secrets of the one app and its one user. They open nothing but this simulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub bearer: String,
    /// OAuth 2.0, of the brand's user.
    pub access_token: String,
    /// The four of OAuth 1.0a.
    pub consumer_key: String,
    pub consumer_secret: String,
    pub token: String,
    pub token_secret: String,
    /// OAuth 2.0 clients to log in with: one that keeps a secret, and one that cannot.
    pub client_id: String,
    pub client_secret: String,
    pub public_client_id: String,
}

impl Credentials {
    pub(in crate::sim) fn of(seed: u64) -> Self {
        let secret = |n: u64, long: usize| -> String {
            const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
            let mut chance = Chance::of(seed, "credentials", n);
            (0..long).map(|_| char::from(LETTERS[usize::try_from(chance.below(52)).unwrap_or(0)])).collect()
        };
        Self {
            bearer: format!("AAAAAAAAAAAAAAAAAAAAA{}%3D{}", secret(1, 14), secret(2, 40)),
            access_token: secret(3, 72),
            consumer_key: secret(4, 25),
            consumer_secret: secret(5, 50),
            token: format!("3805104374-{}", secret(6, 40)),
            token_secret: secret(7, 45),
            client_id: secret(8, 34),
            client_secret: secret(9, 50),
            public_client_id: secret(10, 34),
        }
    }
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Who {
    App,
    /// A user by their number, the brand's own as a rule; the word is how.
    User(&'static str, u64),
}

pub(super) const OAUTH1: &str = "OAuth 1.0a User Context";
pub(super) const OAUTH2: &str = "OAuth 2.0 User Context";
const APP: &str = "OAuth 2.0 Application-Only";

pub(super) fn who(state: &mut State, endpoint: Endpoint, call: &Call) -> Result<Who, Answer> {
    let header = call.authorization().ok_or_else(problem::unauthorized)?;
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    let brand = state.world.brand.id;
    if scheme.eq_ignore_ascii_case("bearer") {
        let token = rest.trim();
        if token == state.x.credentials.bearer {
            return Ok(Who::App);
        }
        if token == state.x.credentials.access_token {
            return Ok(Who::User(OAUTH2, brand));
        }
        if let Some(bearer) = state.x.grants.bearer(token, call.now) {
            let has = |needed: &&str| bearer.scopes.split(' ').any(|scope| scope == *needed);
            return if scopes(endpoint).iter().all(has) {
                Ok(Who::User(OAUTH2, bearer.person))
            } else {
                Err(problem::forbidden("Forbidden"))
            };
        }
    } else if scheme.eq_ignore_ascii_case("oauth") {
        let clocks = [state.clock.real(), call.now];
        if let Some(person) = oauth1::verify(state, clocks, rest, call) {
            return Ok(Who::User(OAUTH1, person));
        }
    }
    Err(problem::unauthorized())
}

/// What a user must have approved for the endpoint, by X's table.
fn scopes(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::PostCreate | Endpoint::PostDelete => &["tweet.read", "tweet.write", "users.read"],
        Endpoint::DmSend => &["dm.write", "tweet.read", "users.read"],
        Endpoint::DmRead => &["dm.read", "tweet.read", "users.read"],
        Endpoint::Follow => &["follows.write", "tweet.read", "users.read"],
        _ => &["tweet.read", "users.read"],
    }
}

/// Whether the endpoint takes this kind of authentication at all.
pub(super) fn may(endpoint: Endpoint, who: Who) -> Result<(), Answer> {
    let (app, user) = match endpoint {
        Endpoint::Stream
        | Endpoint::ActivityStream
        | Endpoint::SubscriptionsRead
        | Endpoint::SubscriptionDelete
        | Endpoint::RulesRead
        | Endpoint::RulesWrite
        | Endpoint::RuleCounts
        | Endpoint::ConnectionsRead
        | Endpoint::ConnectionsEnd
        | Endpoint::Usage => (true, false),
        Endpoint::Search | Endpoint::Counts | Endpoint::PostRead | Endpoint::UserPosts | Endpoint::UserRead => {
            (true, true)
        }
        Endpoint::PostCreate
        | Endpoint::PostDelete
        | Endpoint::Me
        | Endpoint::Follow
        | Endpoint::DmSend
        | Endpoint::DmRead => (false, true),
        // Which of them depends on the event.
        Endpoint::SubscriptionCreate => (true, true),
        // They ask for themselves and are answered before.
        Endpoint::TokenGive | Endpoint::TokenRevoke | Endpoint::PinRequest | Endpoint::PinRedeem => (true, true),
    };
    match who {
        Who::App if !app => Err(problem::unsupported_authentication(APP, &format!("{OAUTH1}, {OAUTH2}"))),
        Who::User(how, _) if !user => Err(problem::unsupported_authentication(how, APP)),
        Who::App | Who::User(..) => Ok(()),
    }
}
