//! What a refusal of Bluesky's means. Servers name it (`{"error": "Name", "message": "words"}`); the status says little.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::record::{bounded, text_of};
use crate::net::call::refusal;

/// A refusal, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    /// The network's name for it; empty where something else answered.
    pub(super) name: String,
    pub(super) class: Class,
    /// The network's own words.
    pub(super) words: String,
    /// Asking again makes no sense before.
    pub(super) until: Option<Timestamp>,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The access token has ended; it can be renewed.
    Expired,
    /// The token or the password is wrong.
    LoggedOut,
    /// The account logs in with a code sent by mail; an app password needs none.
    NeedsCode,
    /// The app password was made without direct messages.
    NotPrivileged,
    /// The account itself was taken down or suspended.
    TakenDown,
    RateLimited,
    /// It is not there.
    Gone,
    /// There is something else in its place.
    Swapped,
    Invalid,
    /// The other side does not take direct messages from us.
    TheirSettings,
    /// A block between the two accounts.
    Blocked,
    ServerTrouble,
    /// Another address answered; nothing was sent there.
    Redirected,
    Unknown,
}

impl Problem {
    /// What to do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self.class {
            Class::Expired | Class::LoggedOut => {
                "make an app password at bsky.app (Settings, App passwords) and put it into the config"
            }
            Class::NeedsCode => "use an app password (Settings, App passwords at bsky.app), not the account's own",
            Class::NotPrivileged => "make an app password that allows direct messages and put it into the config",
            Class::TakenDown => "log in at bsky.app: the account itself has to be restored",
            Class::RateLimited => "wait until the limit is free again",
            Class::Gone => "it was deleted, or its author is gone",
            Class::Swapped => "look at the conversation before sending again",
            Class::Invalid => "shorten or change the text",
            Class::TheirSettings => "they have to write first, or follow this account: ask in public, with d",
            Class::Blocked => "there is a block between the accounts",
            Class::ServerTrouble => "try again in a moment",
            Class::Redirected => {
                "check the address in the config; a sign-in page of the network here may be in the way"
            }
            Class::Unknown => "see the network's own words",
        }
    }
}

refusal!(Problem, Class);

/// Limits told with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// The window is used up until then.
    pub(super) used_up_until: Option<Timestamp>,
    /// The window's end, used up or not.
    pub(super) reset: Option<Timestamp>,
}

impl Limits {
    /// `RateLimit-Remaining` and `RateLimit-Reset` (seconds since 1970), `Retry-After` in seconds.
    pub(super) fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let after = number("retry-after").filter(|secs| (0..=86_400).contains(secs));
        let after = after.and_then(|secs| Timestamp::from_second(now.as_second().saturating_add(secs)).ok());
        let reset = number("ratelimit-reset").and_then(|secs| Timestamp::from_second(secs).ok()).or(after);
        let is_used_up = number("ratelimit-remaining").is_some_and(|left| left <= 0);
        Self { used_up_until: reset.filter(|_| is_used_up), reset }
    }
}

/// Reads a refusal. `location` is where a redirect led.
pub(super) fn decode(status: u16, limits: Limits, location: Option<&str>, body: &[u8]) -> Problem {
    let raw: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let (name, message) = (bounded(text_of(&raw, "error")), bounded(text_of(&raw, "message")));
    let class = match status {
        300..=399 => Class::Redirected,
        _ => class_of(status, &name, &message),
    };
    let words = match (name.is_empty(), message.is_empty()) {
        _ if class == Class::Redirected => {
            format!("HTTP {status}: sent on to {}; nothing goes there", bounded(location.unwrap_or("another address")))
        }
        (true, true) => format!("HTTP {status}, without a word of the network's"),
        (false, true) => name.clone(),
        (true, false) => message,
        // "Token has expired" needs no name beside it.
        (false, false) => format!("{message} ({name})"),
    };
    let until = if class == Class::RateLimited { limits.reset } else { None };
    Problem { status, name, class, words, until }
}

fn class_of(status: u16, name: &str, message: &str) -> Class {
    let said = message.to_lowercase();
    match name {
        "ExpiredToken" => Class::Expired,
        "InvalidToken" if said.contains("method") => Class::NotPrivileged,
        "InvalidToken" | "AuthMissing" | "AuthenticationRequired" | "AccountNotFound" => Class::LoggedOut,
        "AuthFactorTokenRequired" => Class::NeedsCode,
        "AccountTakedown" | "AccountSuspended" | "AccountDeactivated" | "RepoTakendown" | "RepoSuspended" => {
            Class::TakenDown
        }
        "RateLimitExceeded" => Class::RateLimited,
        "RecordNotFound" | "NotFound" | "HandleNotFound" | "RepoNotFound" | "RecipientNotFound" | "InvalidConvo" => {
            Class::Gone
        }
        "InvalidSwap" => Class::Swapped,
        "BlockedActor" | "BlockedSubject" => Class::Blocked,
        "MessagesDisabled" | "NotFollowedBySender" | "ConvoLocked" => Class::TheirSettings,
        // Other clients have seen these under the general name.
        "InvalidRequest" if said.contains("incoming messages") || said.contains("recipient requires") => {
            Class::TheirSettings
        }
        "InvalidRequest" if said.contains("block") => Class::Blocked,
        "InvalidRequest" if said.contains("could not locate record") => Class::Gone,
        "InvalidRequest" => Class::Invalid,
        "UpstreamFailure" | "InternalServerError" | "UpstreamTimeout" | "NotEnoughResources" => Class::ServerTrouble,
        _ => match status {
            429 => Class::RateLimited,
            401 => Class::LoggedOut,
            404 | 410 => Class::Gone,
            400 | 413 => Class::Invalid,
            500.. => Class::ServerTrouble,
            _ => Class::Unknown,
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use reqwest::header::HeaderMap;

    use super::{Class, Limits, decode};

    #[test]
    fn names_count_before_words_and_words_before_the_status() {
        for (status, body, class) in [
            (400, r#"{"error":"ExpiredToken","message":"Token has expired"}"#, Class::Expired),
            (400, r#"{"error":"InvalidToken","message":"Bad token method"}"#, Class::NotPrivileged),
            (400, r#"{"error":"InvalidToken","message":"Token could not be verified"}"#, Class::LoggedOut),
            (401, r#"{"error":"AuthenticationRequired","message":"Invalid identifier or password"}"#, Class::LoggedOut),
            (400, r#"{"error":"AccountTakedown","message":"Account has been taken down"}"#, Class::TakenDown),
            (400, r#"{"error":"RecordNotFound","message":"Could not locate record"}"#, Class::Gone),
            (400, r#"{"error":"InvalidRequest","message":"Could not locate record: at://x"}"#, Class::Gone),
            (400, r#"{"error":"InvalidSwap","message":"Record was at bafy"}"#, Class::Swapped),
            (400, r#"{"error":"InvalidRequest","message":"grapheme too big (maximum 300, got 301)"}"#, Class::Invalid),
            (400, r#"{"error":"NotFollowedBySender","message":"x"}"#, Class::TheirSettings),
            (400, r#"{"error":"MessagesDisabled"}"#, Class::TheirSettings),
            (
                400,
                r#"{"error":"InvalidRequest","message":"recipient requires incoming messages to come from someone they follow"}"#,
                Class::TheirSettings,
            ),
            (
                400,
                r#"{"error":"InvalidRequest","message":"recipient has disabled incoming messages"}"#,
                Class::TheirSettings,
            ),
            (400, r#"{"error":"BlockedActor"}"#, Class::Blocked),
            (429, r#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#, Class::RateLimited),
            (429, "", Class::RateLimited),
            (502, r#"{"error":"UpstreamFailure","message":"x"}"#, Class::ServerTrouble),
            (500, "<html>", Class::ServerTrouble),
            (302, "", Class::Redirected),
            (418, "", Class::Unknown),
        ] {
            let problem = decode(status, Limits::default(), Some("https://portal.example/\u{1b}[2J"), body.as_bytes());
            assert_eq!(problem.class, class, "{body}");
            assert!(!problem.words.is_empty() && !problem.words.contains('\u{1b}'), "{}", problem.words);
            assert!(!problem.remedy().is_empty());
        }
    }

    #[test]
    fn limits_are_epoch_seconds_and_retry_after_is_a_second_best() {
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        assert_eq!(Limits::of(&headers, now).reset.unwrap().to_string(), "2026-01-15T10:00:07Z");
        headers.insert("ratelimit-reset", "1900000000".parse().unwrap());
        headers.insert("ratelimit-remaining", "0".parse().unwrap());
        assert_eq!(Limits::of(&headers, now).used_up_until.unwrap().as_second(), 1_900_000_000);
        headers.insert("ratelimit-remaining", "1".parse().unwrap());
        assert_eq!(Limits::of(&headers, now).used_up_until, None);
        headers.insert("ratelimit-reset", "soon".parse().unwrap());
        assert_eq!(Limits::of(&headers, now).reset.unwrap().to_string(), "2026-01-15T10:00:07Z");
    }
}
