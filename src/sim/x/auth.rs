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
        }
    }
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Who {
    App,
    /// The brand's user; the word is how.
    User(&'static str),
}

const OAUTH1: &str = "OAuth 1.0a User Context";
const OAUTH2: &str = "OAuth 2.0 User Context";
const APP: &str = "OAuth 2.0 Application-Only";

pub(super) fn who(state: &mut State, call: &Call) -> Result<Who, Answer> {
    let header = call.authorization.as_deref().ok_or_else(problem::unauthorized)?;
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        let token = rest.trim();
        if token == state.x.credentials.bearer {
            return Ok(Who::App);
        }
        if token == state.x.credentials.access_token {
            return Ok(Who::User(OAUTH2));
        }
    } else if scheme.eq_ignore_ascii_case("oauth") {
        let clocks = [state.clock.real(), call.now];
        if oauth1::verify(&state.x.credentials, &mut state.x.nonces, clocks, rest, call) {
            return Ok(Who::User(OAUTH1));
        }
    }
    Err(problem::unauthorized())
}

/// Whether the endpoint takes this kind of authentication at all.
pub(super) fn may(endpoint: Endpoint, who: Who) -> Result<(), Answer> {
    let (app, user) = match endpoint {
        Endpoint::Stream
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
    };
    match who {
        Who::App if !app => Err(problem::unsupported_authentication(APP, &format!("{OAUTH1}, {OAUTH2}"))),
        Who::User(how) if !user => Err(problem::unsupported_authentication(how, APP)),
        Who::App | Who::User(_) => Ok(()),
    }
}
