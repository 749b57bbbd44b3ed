//! One question on its way: whose token it carries, what it is signed with, and what came back.
//!
//! A question whose proof X refuses did nothing at X, so it is asked once more where another proof may help: with a
//! renewed token, or signed with X's own time where our clock is wrong or the request was long on its way.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use super::api::{Api, As, CallError, bearer, sensitive};
use super::clock_error::{self, OFF};
use super::problem::{self, Problem};
use super::user_token::Use;
use super::{UserCredentials, oauth};
use crate::model::clean;
use crate::net::http::{self, RateHeaders};

/// One question, kept so that it can be signed anew.
pub(super) struct Question<'q> {
    pub(super) method: Method,
    pub(super) who: As,
    pub(super) path: &'q str,
    pub(super) query: &'q [(&'q str, &'q str)],
    pub(super) body: Option<&'q Value>,
}

/// What a request proves itself with, as far as another proof may be had.
enum Proof {
    /// A token that can be renewed, by its fingerprint.
    Renewable(String),
    /// A signature with this time in it.
    Signed(Timestamp),
    Fixed,
}

impl Api {
    pub(super) async fn request(&self, question: &Question<'_>) -> Result<RequestBuilder, CallError> {
        self.proven(question).await.map(|(request, _)| request)
    }

    async fn proven(&self, question: &Question<'_>) -> Result<(RequestBuilder, Proof), CallError> {
        let url = self.address(question.path);
        let (authorization, proof) = match question.who {
            As::App => (self.login().bearer.clone(), Proof::Fixed),
            As::User => self.as_user(question, &url).await?,
        };
        let request = self.client.request(question.method.clone(), &url).header(AUTHORIZATION, authorization);
        let request = if question.query.is_empty() { request } else { request.query(question.query) };
        let request = match question.body {
            Some(body) => request.json(body),
            None => request,
        };
        Ok((request, proof))
    }

    async fn as_user(&self, question: &Question<'_>, url: &str) -> Result<(HeaderValue, Proof), CallError> {
        let not_sent = |why: &str| CallError::NotSent(why.to_owned());
        let of = |token: &SecretString| {
            bearer(token.expose_secret(), "access_token").map_err(|error| not_sent(&error.to_string()))
        };
        let sign = |keys: &oauth::Keys<'_>| {
            let nonce = nonce().map_err(|why| not_sent(&why))?;
            let at = self.time_at_x();
            let signed =
                oauth::authorization(keys, question.method.as_str(), url, question.query, &nonce, at.as_second());
            let header = sensitive(&signed).ok_or_else(|| not_sent("the OAuth keys hold characters no key has"))?;
            Ok((header, Proof::Signed(at)))
        };
        match &self.login().user {
            None => Err(not_sent("the config has no credentials for writing as this account")),
            Some(UserCredentials::OAuth2 { access_token }) => Ok((of(access_token)?, Proof::Fixed)),
            Some(UserCredentials::OAuth1 { consumer_key, consumer_secret, token, token_secret }) => {
                let (consumer_secret, token_secret) = (consumer_secret.expose_secret(), token_secret.expose_secret());
                sign(&oauth::Keys { consumer_key, consumer_secret, token, token_secret })
            }
            Some(UserCredentials::Kept(login)) => {
                match login.credential(self.now()).await.map_err(CallError::NotSent)? {
                    Use::OAuth2 { access_token, fingerprint } => {
                        Ok((of(&access_token)?, Proof::Renewable(fingerprint)))
                    }
                    Use::OAuth1 { consumer, token, token_secret } => {
                        let (consumer_secret, token_secret) =
                            (consumer.secret.expose_secret(), token_secret.expose_secret());
                        sign(&oauth::Keys { consumer_key: &consumer.key, consumer_secret, token: &token, token_secret })
                    }
                }
            }
        }
    }

    /// Asks, and once more where the proof was refused and another may be taken.
    pub(super) async fn ask(
        &self,
        question: &Question<'_>,
        within: Duration,
    ) -> Result<(Value, RateHeaders), CallError> {
        let (request, proof) = self.proven(question).await?;
        let refused = match ask_once(request, within).await {
            Err(CallError::No(problem)) if problem.class == problem::Class::Unauthorised => problem,
            other => return other,
        };
        match (proof, &self.login().user) {
            (Proof::Renewable(used), Some(UserCredentials::Kept(login))) => {
                login.refused(&used).await.map_err(CallError::NotSent)?;
            }
            (Proof::Signed(at), _) if refused.told_at.is_some_and(|told| self.was_off(at, told)) => {}
            _ => return Err(CallError::No(refused)),
        }
        ask_once(self.request(question).await?, within).await
    }

    /// Whether a signature of `signed` came at another time by X's clock, `told`. What our clock is off by counts for
    /// all signatures from now on.
    fn was_off(&self, signed: Timestamp, told: Timestamp) -> bool {
        if told.duration_since(signed).abs() < OFF {
            return false;
        }
        // X told the time between our asking and now: only outside of that the clocks differ.
        let now = self.now();
        let known = self.time_at_x().duration_since(now);
        let asked = signed.checked_sub(known).unwrap_or(signed).min(now);
        let off = told.duration_since(told.clamp(asked, now));
        // The request, or its answer, was on its way for long: signed at once it is in time.
        let off = if off.abs() < OFF { SignedDuration::ZERO } else { off };
        if self.learn_clock_error(off) && !off.is_zero() {
            let what = clock_error::words(off);
            self.leave_note(format!("{what}: requests are signed with X's time meanwhile; set the clock"));
        }
        true
    }
}

async fn ask_once(request: RequestBuilder, within: Duration) -> Result<(Value, RateHeaders), CallError> {
    match timeout(within, answer(request)).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::Lost(format!("no answer within {} s", within.as_secs()))),
    }
}

async fn answer(request: RequestBuilder) -> Result<(Value, RateHeaders), CallError> {
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(refusal(&mut response).await);
    }
    let (status, is_page) = (response.status().as_u16(), is_page(&response));
    let rates = RateHeaders::of(response.headers());
    let body = http::body(&mut response).await.map_err(|error| CallError::Lost(http::words(error)))?;
    match serde_json::from_slice(&body) {
        Ok(value) => Ok((value, rates)),
        // Not a refusal: whoever put the page there may have passed the request on.
        Err(_) if is_page => Err(CallError::Lost(problem::decode(status, rates, None, &body).words)),
        Err(why) => Err(CallError::Lost(format!("an answer that cannot be read ({})", clean::line(&why.to_string())))),
    }
}

/// X answers in JSON alone; a page comes from a proxy or a portal in between.
pub(super) fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

pub(super) async fn refusal(response: &mut Response) -> CallError {
    let rates = RateHeaders::of(response.headers());
    let told_at = clock_error::told_at(response.headers());
    let status = response.status().as_u16();
    let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
    // A refusal whose words were lost on the way is one without words: the status stands all the same.
    let body = http::body(response).await.unwrap_or_default();
    CallError::No(Box::new(Problem { told_at, ..problem::decode(status, rates, location.as_deref(), &body) }))
}

/// Only a failure to connect, or to build the request, proves that nothing left.
pub(super) fn failed(error: reqwest::Error) -> CallError {
    if error.is_connect() || error.is_builder() {
        CallError::NotSent(http::words(error))
    } else {
        CallError::Lost(http::words(error))
    }
}

fn nonce() -> Result<String, String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|why| format!("the system gives no random numbers: {why}"))?;
    Ok(uuid::Uuid::from_bytes(bytes).simple().to_string())
}
