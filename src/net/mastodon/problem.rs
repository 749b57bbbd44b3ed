//! What a server's refusal means, in its own words, and what its headers say of limits. Pure.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::decode::bounded;
use crate::model::html;
use crate::net::call::refusal;

/// Windows of Mastodon last five minutes, three hours at most; a header that lies must not keep us silent for days.
const LONGEST_LIMIT: SignedDuration = SignedDuration::from_hours(4);

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Unauthorised,
    Forbidden,
    /// Not there, or not for us to see.
    Gone,
    /// Mastodon says 422, GoToSocial 400.
    Invalid,
    RateLimited,
    /// GoToSocial's answer to a request that does not say which program it comes from.
    Teapot,
    Redirected,
    ServerTrouble,
    Unknown,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub class: Class,
    /// The server's own words, or ours where it sent a page.
    pub words: String,
    /// Nothing makes sense before, where the server said so.
    pub until: Option<Timestamp>,
}

impl Problem {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self.class {
            Class::Unauthorised => "log the account in again with replydeck auth",
            Class::Forbidden => {
                "the login may lack a permission: log in again with replydeck auth, or ask the server's administrators"
            }
            Class::Gone => "the post was deleted, or its author does not show it to this account",
            Class::Invalid => "change the reply as the server says",
            Class::RateLimited => "wait until the server's window ends",
            Class::Teapot => "the server wants to know which program asks: a proxy in between removes the User-Agent",
            Class::Redirected => "correct base_url: the login is never sent on to another address",
            Class::ServerTrouble => "the server has trouble; it is tried again",
            Class::Unknown => "look at the server's status page",
        }
    }
}

refusal!(Problem, Class);

/// Reads a refusal.
pub fn decode(status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Problem {
    let class = match status {
        401 => Class::Unauthorised,
        403 => Class::Forbidden,
        404 | 410 => Class::Gone,
        418 => Class::Teapot,
        429 => Class::RateLimited,
        400..=499 => Class::Invalid,
        500..=599 => Class::ServerTrouble,
        300..=399 => Class::Redirected,
        _ => Class::Unknown,
    };
    let words = match class {
        Class::Redirected => {
            let to = headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            // Only where to, never what the address carries along.
            bounded(&format!("the server sends us on to {} ({status})", to.split('?').next().unwrap_or_default()))
        }
        _ => said(body)
            .map_or_else(|| format!("the server answered {status} without words"), |said| format!("{said} ({status})")),
    };
    let until = if class == Class::RateLimited { Rates::of(headers, now).free_at(now) } else { None };
    Problem { status, class, words, until }
}

/// What an answer says in words: `error` and `error_description`, or the title of a page.
fn said(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_str::<Value>(&text) {
        let word = |name: &str| value.get(name).and_then(Value::as_str).map(bounded).filter(|word| !word.is_empty());
        return match (word("error"), word("error_description")) {
            (Some(error), Some(more)) => Some(format!("{error}: {more}")),
            (error, more) => error.or(more).or_else(|| word("message")),
        };
    }
    let trimmed = text.trim_start();
    if trimmed.starts_with('<') {
        let lower = trimmed.to_ascii_lowercase();
        let title = lower.find("<title").and_then(|at| {
            let from = at + lower[at..].find('>')? + 1;
            let to = from + lower[from..].find('<')?;
            trimmed.get(from..to).map(|title| bounded(&html::unescaped(title)))
        });
        let title = title.filter(|title| !title.is_empty()).map(|title| format!(": {title}")).unwrap_or_default();
        return Some(format!("a page instead of an answer{title}"));
    }
    Some(bounded(trimmed)).filter(|words| !words.is_empty())
}

/// What headers say of the window of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub remaining: Option<u64>,
    pub reset: Option<Timestamp>,
    pub retry_after: Option<Timestamp>,
}

impl Rates {
    /// Mastodon and GoToSocial write the reset as a time, others as seconds since 1970.
    pub fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let time = |text: &str| {
            let written = text.parse::<Timestamp>().ok();
            written.or_else(|| Timestamp::from_second(text.split('.').next()?.parse().ok()?).ok())
        };
        let seconds = |text: &str| now.checked_add(SignedDuration::from_secs(text.parse::<u32>().ok()?.into())).ok();
        let most = now.checked_add(LONGEST_LIMIT).unwrap_or(now);
        Rates {
            remaining: text("x-ratelimit-remaining").and_then(|left| left.parse().ok()),
            reset: text("x-ratelimit-reset").and_then(time).map(|reset| reset.min(most)),
            retry_after: text("retry-after").and_then(seconds).map(|until| until.min(most)),
        }
    }

    /// When a refused question may be asked again, where the headers say so.
    pub fn free_at(self, now: Timestamp) -> Option<Timestamp> {
        [self.retry_after, self.reset].into_iter().flatten().filter(|until| *until > now).max()
    }

    /// Until when nothing is left, where that is so.
    pub fn used_up_until(self, now: Timestamp) -> Option<Timestamp> {
        self.reset.filter(|reset| self.remaining == Some(0) && *reset > now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Class, Rates, decode};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn now() -> Timestamp {
        "2026-01-15T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn both_ways_to_write_the_reset_are_read() {
        for written in ["2026-01-15T10:03:00.123456Z", "1768471380", "1768471380.0"] {
            let rates = Rates::of(&headers(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", written)]), now());
            let until = rates.used_up_until(now()).unwrap();
            assert_eq!(until.as_second(), 1_768_471_380, "{written}");
            assert_eq!(rates.free_at(now()), Some(until));
        }
        let some_left =
            Rates::of(&headers(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "1768471380")]), now());
        assert_eq!(some_left.used_up_until(now()), None);
        assert_eq!(Rates::of(&headers(&[("x-ratelimit-reset", "soon")]), now()), Rates::default());
    }

    #[test]
    fn a_limit_may_come_with_or_without_a_time() {
        let limited =
            |pairs: &[(&'static str, &str)]| decode(429, &headers(pairs), b"{\"error\":\"Too many requests\"}", now());
        assert_eq!(limited(&[("retry-after", "60")]).until, Some("2026-01-15T10:01:00Z".parse().unwrap()));
        assert_eq!(limited(&[]).until, None);
        // A window years away is none.
        let far = limited(&[("x-ratelimit-reset", "2099-01-01T00:00:00Z")]).until.unwrap();
        assert_eq!(far.to_string(), "2026-01-15T14:00:00Z");
        assert_eq!(limited(&[("x-ratelimit-reset", "2020-01-01T00:00:00Z")]).until, None, "one that is over");
    }

    #[test]
    fn refusals_keep_the_server_s_words() {
        for (status, body, class, words) in [
            (
                401,
                "{\"error\":\"The access token was revoked\"}",
                Class::Unauthorised,
                "The access token was revoked (401)",
            ),
            (
                422,
                "{\"error\":\"Validation failed: Text can't be blank\"}",
                Class::Invalid,
                "Validation failed: Text can't be blank (422)",
            ),
            (400, "{\"error\":\"Bad Request: too long\"}", Class::Invalid, "Bad Request: too long (400)"),
            (
                400,
                "{\"error\":\"invalid_grant\",\"error_description\":\"It is over\"}",
                Class::Invalid,
                "invalid_grant: It is over (400)",
            ),
            (
                418,
                "{\"error\":\"I'm a teapot: no user-agent sent with request\"}",
                Class::Teapot,
                "I'm a teapot: no user-agent sent with request (418)",
            ),
            (404, "{\"error\":\"Record not found\"}", Class::Gone, "Record not found (404)"),
            (
                502,
                "<html><head><title>502 Bad &amp; Gateway</title>",
                Class::ServerTrouble,
                "a page instead of an answer: 502 Bad & Gateway (502)",
            ),
            (503, "", Class::ServerTrouble, "the server answered 503 without words"),
            (403, "\u{1b}[2Jno", Class::Forbidden, "no (403)"),
        ] {
            let problem = decode(status, &HeaderMap::new(), body.as_bytes(), now());
            assert_eq!((problem.class, problem.words.as_str()), (class, words), "{body}");
            assert!(!problem.remedy().is_empty());
        }
        let moved = decode(302, &headers(&[("location", "https://other.example/x?token=secret")]), b"", now());
        assert_eq!(moved.words, "the server sends us on to https://other.example/x (302)");
        assert_eq!(moved.class, Class::Redirected);
    }
}
