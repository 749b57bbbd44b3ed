//! One reader for all the shapes in which X says no: a class to act by, X's own words, and a remedy.

use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::Value;

use super::decode::{bounded, items, text_of};
use crate::net::call::refusal;
use crate::net::http::RateHeaders;

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The author has neither mentioned nor quoted us: X's gate on self-serve plans.
    Summoned,
    /// The author limits who may reply.
    ReplyRestricted,
    Duplicate,
    /// The post is deleted or hidden from us.
    Gone,
    /// The token is wrong, expired or revoked.
    Unauthorised,
    /// The right place, the wrong kind of token.
    WrongToken,
    /// The app's plan or project does not include it.
    NotEnrolled,
    Forbidden,
    RateLimited,
    UsageCapped,
    CreditsDepleted,
    TooManyConnections,
    NoRules,
    RulesInvalid,
    Provisioning,
    RuleCap,
    DuplicateRule,
    InvalidRequest,
    NotFound,
    /// X itself is in trouble.
    ServerTrouble,
    /// Somebody answered with another address.
    Redirected,
    Unknown,
}

impl Class {
    /// Trying the very same later may help without anybody doing anything.
    pub fn passes(self) -> bool {
        matches!(
            self,
            Class::RateLimited
                | Class::TooManyConnections
                | Class::Provisioning
                | Class::ServerTrouble
                | Class::Unknown
        )
    }

    /// What to do.
    pub fn remedy(self) -> &'static str {
        match self {
            Class::Summoned => "hand over to X's own page: there you may reply",
            Class::ReplyRestricted => "the author limits who may reply; nothing can be done from here",
            Class::Duplicate => "change the words and send again",
            Class::Gone => "the post is gone for us; resolve the case",
            Class::Unauthorised => {
                "put a valid token where the config says it is kept (X's developer console makes new ones)"
            }
            Class::WrongToken => {
                "this needs the other kind of token: the app's bearer for listening, the account's own for replying"
            }
            Class::NotEnrolled => "attach the app to a project with a plan in X's developer console",
            Class::Forbidden => "check in X's developer console what the app and the account are allowed to do",
            Class::RateLimited => "wait: it goes on by itself",
            Class::UsageCapped => {
                "the month's posts are used up: raise the cap in X's developer console or wait for the new month"
            }
            Class::CreditsDepleted => "buy credits in X's developer console",
            Class::TooManyConnections => {
                "another program uses the app's one connection: stop it, or give it an app of its own; it is never cut off from here"
            }
            Class::NoRules => "the rules are set again by themselves",
            Class::RulesInvalid => "correct the column's query",
            Class::Provisioning => "X is still setting the app up; it goes on by itself",
            Class::RuleCap => "remove columns or other rules of this app: X allows no more",
            Class::DuplicateRule => "nothing: the rule is there already",
            Class::InvalidRequest => {
                "X does not take it like this; correct the query or report it as a fault of replydeck"
            }
            Class::NotFound => "check base_url and the ids in the config",
            Class::ServerTrouble => "X has trouble: it goes on by itself",
            Class::Redirected => "check base_url, and whether a captive portal or proxy is in the way",
            Class::Unknown => "look at X's words; it may pass",
        }
    }
}

/// X's no.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The HTTP status; 200 where the error came in the body alone.
    pub status: u16,
    pub class: Class,
    /// X's own words, cleaned, on one line, at most some hundred characters.
    pub words: String,
    /// When the limit ends, where X said so.
    pub until: Option<Timestamp>,
    /// When X said so by its own clock, where it told.
    pub told_at: Option<Timestamp>,
    /// Names of the parameters X complains of.
    pub parameters: Vec<String>,
    /// The answer was X's own, not that of something in between.
    pub is_x: bool,
    /// The body where it was JSON, for the callers that look at single rules.
    pub raw: Value,
}

impl Problem {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        self.class.remedy()
    }
}

refusal!(Problem, Class);

/// Reads a refusal.
pub(crate) fn decode(status: u16, rates: RateHeaders, location: Option<&str>, body: &[u8]) -> Problem {
    let raw: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let is_x = is_shaped_like_x(&raw);
    let class = class(status, &raw, is_x);
    let words = match location {
        Some(location) if class == Class::Redirected => {
            format!("answered with another address ({}), which was not followed", bounded(location))
        }
        _ => words(status, &raw, is_x, body),
    };
    let until = match class {
        Class::RateLimited => rates.used_up_until.or(rates.reset),
        _ => None,
    };
    let mut parameters = Vec::new();
    for error in all(&raw) {
        if let Some(named) = error.get("parameters").and_then(Value::as_object) {
            parameters.extend(named.keys().map(|name| bounded(name)));
        }
        let named = text_of(error, "parameter");
        if !named.is_empty() {
            parameters.push(bounded(named));
        }
        // Some answers name the parameter only in their sentence, in backquotes or brackets.
        let message = text_of(error, "message");
        parameters.extend(PARAMETER_NAMES.into_iter().filter(|name| message.contains(name)).map(str::to_owned));
    }
    parameters.sort();
    parameters.dedup();
    Problem { status, class, words, until, told_at: None, parameters, is_x, raw }
}

/// Parameters that X has under two names.
const PARAMETER_NAMES: [&str; 2] = ["tweet.fields", "expansions"];

/// The top level and the entries of `errors`.
fn all(raw: &Value) -> impl Iterator<Item = &Value> {
    std::iter::once(raw).chain(items(raw.get("errors")))
}

fn is_shaped_like_x(raw: &Value) -> bool {
    all(raw).any(|error| ["title", "detail", "type", "message", "code"].iter().any(|name| error.get(name).is_some()))
}

fn class(status: u16, raw: &Value, is_x: bool) -> Class {
    for error in all(raw) {
        if let Some(class) = by_words(error).or_else(|| by_type(error)).or_else(|| by_code(error)) {
            return class;
        }
    }
    match status {
        300..=399 => Class::Redirected,
        400 => Class::InvalidRequest,
        401 => Class::Unauthorised,
        402 => Class::CreditsDepleted,
        403 if is_x => Class::Forbidden,
        404 if is_x => Class::NotFound,
        409 => Class::NoRules,
        420 | 429 => Class::RateLimited,
        408 | 500..=599 => Class::ServerTrouble,
        _ => Class::Unknown,
    }
}

/// Some refusals are told only by their sentence.
fn by_words(error: &Value) -> Option<Class> {
    let said = format!("{} {}", text_of(error, "detail"), text_of(error, "message")).to_lowercase();
    let has = |words: &str| said.contains(words);
    if has("not been mentioned or otherwise engaged") || has("reply to or quote posts where you are mentioned") {
        Some(Class::Summoned)
    } else if has("duplicate content") {
        Some(Class::Duplicate)
    } else if has("deleted or not visible") {
        Some(Class::Gone)
    } else if has("reply to this conversation is not allowed") || has("limited who can reply") {
        Some(Class::ReplyRestricted)
    } else {
        None
    }
}

/// By the last part of `type`, `title` and the connection issue; the host in `type` differs.
fn by_type(error: &Value) -> Option<Class> {
    match text_of(error, "connection_issue") {
        "TooManyConnections" => return Some(Class::TooManyConnections),
        "ProvisioningSubscription" => return Some(Class::Provisioning),
        "RuleConfigurationIssue" => return Some(Class::NoRules),
        "RulesInvalidIssue" => return Some(Class::RulesInvalid),
        _ => {}
    }
    match text_of(error, "title") {
        "UsageCapExceeded" => return Some(Class::UsageCapped),
        "CreditsDepleted" => return Some(Class::CreditsDepleted),
        "DuplicateRule" => return Some(Class::DuplicateRule),
        _ => {}
    }
    Some(match text_of(error, "type").rsplit('/').next().unwrap_or_default() {
        "usage-capped" => Class::UsageCapped,
        "credits" | "credits-depleted" => Class::CreditsDepleted,
        "rate-limit-exceeded" => Class::RateLimited,
        "unsupported-authentication" => Class::WrongToken,
        "client-forbidden" => Class::NotEnrolled,
        "invalid-request" => Class::InvalidRequest,
        "invalid-rules" | "noncompliant-rules" => Class::RulesInvalid,
        "duplicate-rules" => Class::DuplicateRule,
        "rule-cap" => Class::RuleCap,
        "resource-not-found" => Class::NotFound,
        "resource-unavailable" | "not-authorized-for-resource" => Class::Gone,
        "streaming-connection" => Class::TooManyConnections,
        "operational-disconnect" | "internal-error" => Class::ServerTrouble,
        _ => return None,
    })
}

/// The numbers of the API before version 2, which still come through.
fn by_code(error: &Value) -> Option<Class> {
    Some(match error.get("code").and_then(Value::as_u64)? {
        88 => Class::RateLimited,
        32 | 89 | 215 => Class::Unauthorised,
        187 => Class::Duplicate,
        385 | 144 => Class::Gone,
        433 => Class::ReplyRestricted,
        _ => return None,
    })
}

fn words(status: u16, raw: &Value, is_x: bool, body: &[u8]) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let name = if reason.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} {reason}") };
    if !is_x {
        return match (body.trim_ascii().is_empty(), page_title(body)) {
            (true, _) => format!("{name}, without a word"),
            (false, Some(title)) => format!("{name}, with a page instead of an answer: {title}"),
            (false, None) => format!("{name}, with something that is no answer of X's"),
        };
    }
    let mut said: Vec<String> = Vec::new();
    for error in all(raw) {
        let mut add = |text: &str| {
            let text = bounded(text);
            if !text.is_empty() && !said.iter().any(|before| before.contains(&text)) {
                said.push(text);
            }
        };
        let (title, detail) = (text_of(error, "title"), text_of(error, "detail"));
        if !detail.to_lowercase().contains(&title.to_lowercase()) {
            add(title);
        }
        add(detail);
        add(text_of(error, "message"));
        for detail in items(error.get("details")).filter_map(Value::as_str) {
            add(detail);
        }
        if said.len() >= 4 {
            break;
        }
    }
    if said.is_empty() { name } else { bounded(&said.join(": ")) }
}

fn page_title(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let lower = head.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower[start..].find("</title>")?;
    Some(bounded(&head[start..end])).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Class, decode};
    use crate::net::http::RateHeaders;

    fn read(status: u16, body: &str) -> super::Problem {
        decode(status, RateHeaders::default(), None, body.as_bytes())
    }

    #[test]
    fn every_shape_has_its_class_and_its_words() {
        for (status, body, class, words) in [
            (
                403,
                r#"{"title":"Forbidden","type":"about:blank","status":403,"detail":"Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to."}"#,
                Class::Summoned,
                "Reply to this conversation is not allowed because you have not been mentioned",
            ),
            (
                403,
                r#"{"detail":"You can only reply to or quote posts where you are mentioned or are the author.","type":"about:blank","title":"Forbidden"}"#,
                Class::Summoned,
                "You can only reply to or quote",
            ),
            (
                403,
                r#"{"detail":"You are not allowed to create a Tweet with duplicate content.","type":"about:blank","title":"Forbidden"}"#,
                Class::Duplicate,
                "duplicate content",
            ),
            (
                403,
                r#"{"detail":"You attempted to reply to a Tweet that is deleted or not visible to you","type":"about:blank","title":"Forbidden"}"#,
                Class::Gone,
                "deleted or not visible",
            ),
            (
                401,
                r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#,
                Class::Unauthorised,
                "Unauthorized",
            ),
            (
                403,
                r#"{"title":"Unsupported Authentication","detail":"Authenticating with OAuth 2.0 Application-Only is forbidden","type":"https://api.twitter.com/2/problems/unsupported-authentication","status":403}"#,
                Class::WrongToken,
                "Application-Only is forbidden",
            ),
            (
                403,
                r#"{"reason":"client-not-enrolled","title":"Client Forbidden","detail":"enroll","type":"https://api.x.com/2/problems/client-forbidden"}"#,
                Class::NotEnrolled,
                "Client Forbidden: enroll",
            ),
            (
                429,
                r#"{"title":"Too Many Requests","type":"about:blank","status":429,"detail":"Too Many Requests"}"#,
                Class::RateLimited,
                "Too Many Requests",
            ),
            (
                429,
                r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#,
                Class::RateLimited,
                "Rate limit exceeded",
            ),
            (
                429,
                r#"{"title":"UsageCapExceeded","period":"Monthly","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}"#,
                Class::UsageCapped,
                "Monthly product cap",
            ),
            (
                402,
                r#"{"title":"CreditsDepleted","detail":"no credits","type":"https://api.x.com/2/problems/credits"}"#,
                Class::CreditsDepleted,
                "CreditsDepleted: no credits",
            ),
            (402, "", Class::CreditsDepleted, "HTTP 402 Payment Required, without a word"),
            (
                429,
                r#"{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}"#,
                Class::TooManyConnections,
                "maximum allowed connection limit",
            ),
            (
                409,
                r#"{"title":"ConnectionException","detail":"You must define rules","connection_issue":"RuleConfigurationIssue"}"#,
                Class::NoRules,
                "You must define rules",
            ),
            (
                503,
                r#"{"title":"ConnectionException","detail":"wait","connection_issue":"ProvisioningSubscription"}"#,
                Class::Provisioning,
                "wait",
            ),
            (
                503,
                "<html><head><TITLE>Over\u{1b}[31m capacity</TITLE>",
                Class::ServerTrouble,
                "HTTP 503 Service Unavailable, with a page instead of an answer: Over capacity",
            ),
            (503, r#"{"code":130,"message":"Over capacity"}"#, Class::ServerTrouble, "Over capacity"),
            (502, "", Class::ServerTrouble, "HTTP 502 Bad Gateway, without a word"),
            (420, "", Class::RateLimited, "HTTP 420"),
            (
                400,
                r#"{"errors":[{"parameters":{"max_results":["5"]},"message":"bad"}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.x.com/2/problems/invalid-request"}"#,
                Class::InvalidRequest,
                "bad",
            ),
            (418, "not json", Class::Unknown, "no answer of X's"),
        ] {
            let problem = read(status, body);
            assert_eq!(problem.class, class, "{body}");
            assert!(problem.words.contains(words), "{:?} lacks {words:?}", problem.words);
            assert!(!problem.words.contains('\u{1b}'));
            assert!(!problem.remedy().is_empty());
        }
    }

    #[test]
    fn words_are_bounded_parameters_named_and_the_reset_kept() {
        let long = format!(r#"{{"title":"t","detail":"{}"}}"#, "long \\u001b[2J".repeat(10_000));
        let problem = read(500, &long);
        assert!(problem.words.chars().count() <= 401);
        assert!(!problem.words.contains('\u{1b}'));
        let named = read(
            400,
            r#"{"errors":[{"parameters":{"tweet.fields":["lang"]},"message":"The query parameter [tweet.fields] is not known"}],"title":"Invalid Request"}"#,
        );
        assert_eq!(named.parameters, ["tweet.fields"]);
        let reset = Timestamp::from_second(1_900_000_000).ok();
        let rates = RateHeaders { remaining: Some(0), reset, used_up_until: reset };
        assert_eq!(decode(429, rates, None, b"").until, reset);
        let moved = decode(302, rates, Some("https://portal.example/login"), b"");
        assert_eq!(moved.class, Class::Redirected);
        assert!(moved.words.contains("portal.example"));
    }
}
