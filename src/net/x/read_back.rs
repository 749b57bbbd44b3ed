//! Looks whether a reply of which nobody knows the outcome was published.
//!
//! X has no idempotency key, so our own recent posts are searched for one that answers the same post in the
//! same words. *Absent* is said only when the search reaches past the last moment at which the lost request
//! could still have published; a reply of ours to the same post in other words leaves the question open,
//! for sending twice is worse than asking a rep.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;
use unicode_normalization::UnicodeNormalization;

use super::api::{Api, As, CallError};
use super::decode;
use super::stream::names_our_parameters;
use crate::model::Post;
use crate::net::{Outgoing, ReadBack};

const PATH: &str = "/2/tweets/search/recent";

/// Clocks here and at X may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);

/// Our own posts of some minutes fit on very few pages of 100.
const MOST_PAGES: usize = 10;

/// How far back X's recent search reaches, less an hour for clocks.
const SEARCH_REACHES: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

pub(super) async fn read_back(api: &Api, outgoing: &Outgoing, attempted: Timestamp) -> ReadBack {
    let unknown = |why: String| ReadBack::Unknown { why };
    if api.now().duration_since(attempted) > SEARCH_REACHES {
        return unknown("it was attempted more than 7 days ago, further back than X's search reaches".into());
    }
    // What a look proves is counted from its beginning.
    let asked = api.now();
    match look(api, outgoing, attempted).await {
        Ok(Seen::Nothing) => {}
        Ok(Seen::It(found)) => return found,
        Err(error) => return unknown(format!("X did not let us look: {}", error.words())),
    }
    // Not there yet proves nothing while X's search lags behind.
    let publish_within = api.pace.publish_within + api.pace.search_lag;
    let covered_at = SignedDuration::try_from(publish_within).ok().and_then(|wait| attempted.checked_add(wait).ok());
    let Some(covered_at) = covered_at else { return unknown("the time of the attempt cannot be right".into()) };
    let wait = Duration::try_from(covered_at.duration_since(asked)).unwrap_or_default();
    if wait.is_zero() {
        return ReadBack::Absent;
    }
    if wait > publish_within + Duration::from_secs(1) {
        return unknown("it was attempted in the future: the clock was set back".into());
    }
    sleep(wait).await;
    if api.now() < covered_at {
        return unknown("X's search does not reach far enough yet".into());
    }
    match look(api, outgoing, attempted).await {
        Ok(Seen::Nothing) => ReadBack::Absent,
        Ok(Seen::It(found)) => found,
        Err(error) => unknown(format!("X did not let us look: {}", error.words())),
    }
}

/// What one look found.
enum Seen {
    It(ReadBack),
    Nothing,
}

async fn look(api: &Api, outgoing: &Outgoing, attempted: Timestamp) -> Result<Seen, CallError> {
    let account = api.account();
    let query = format!("from:{}", account.handle);
    let start = attempted.checked_sub(SKEW).unwrap_or(attempted);
    let start = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut fields = ("tweet.fields", "author_id,created_at,referenced_tweets,note_tweet,edit_history_tweet_ids");
    let mut next: Option<String> = None;
    let mut other_words = None;
    for _ in 0..MOST_PAGES {
        let mut params =
            vec![("query", query.as_str()), ("max_results", "100"), ("start_time", start.as_str()), fields];
        if let Some(token) = &next {
            params.push(("next_token", token));
        }
        let answer = match api.get(As::App, PATH, &params).await {
            Ok(answer) => answer,
            Err(CallError::No(problem)) if fields.0 == "tweet.fields" && names_our_parameters(&problem) => {
                fields = ("post.fields", "author_id,created_at,referenced_posts,note_post,edit_history_post_ids");
                continue;
            }
            Err(error) => return Err(error),
        };
        for post in decode::page(&answer) {
            if !answers(&post, outgoing) {
                continue;
            }
            if are_same_words(&outgoing.text, &post.text) {
                return Ok(Seen::It(ReadBack::Published(post.id)));
            }
            other_words = Some(post.id);
        }
        match answer.get("meta").map(|meta| decode::text_of(meta, "next_token")) {
            Some(token) if !token.is_empty() => next = Some(token.to_owned()),
            _ => {
                return Ok(match other_words {
                    None => Seen::Nothing,
                    Some(id) => Seen::It(ReadBack::Unknown {
                        why: format!(
                            "@{} has answered this post in other words ({id}); look before sending",
                            account.handle
                        ),
                    }),
                });
            }
        }
    }
    Ok(Seen::It(ReadBack::Unknown { why: "there are too many own posts since then to look through".into() }))
}

fn answers(post: &Post, outgoing: &Outgoing) -> bool {
    post.in_reply_to.as_ref().is_some_and(|to| {
        *to == outgoing.to || outgoing.to_version.as_deref().is_some_and(|version| version == to.native())
    })
}

/// Compares what we sent with what X shows: leading mentions may come or go, and each link has become
/// `https://t.co/…`; a link at the end may not be shown at all.
fn are_same_words(ours: &str, theirs: &str) -> bool {
    let ours = decode::words(ours).nfc().collect::<String>();
    let theirs = theirs.nfc().collect::<String>();
    let (mut ours, theirs) = (without_mentions(&ours), without_mentions(&theirs));
    while ours.len() > theirs.len() && ours.last().is_some_and(|word| is_link(word)) {
        ours.pop();
    }
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(ours, theirs)| ours == theirs || (theirs.contains("https://t.co/") && is_link(ours)))
}

fn without_mentions(text: &str) -> Vec<&str> {
    text.split_whitespace().skip_while(|word| word.starts_with('@')).collect()
}

/// X makes a link of anything that looks like a domain.
fn is_link(word: &str) -> bool {
    word.contains("://")
        || word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .split_once('.')
            .is_some_and(|(host, rest)| !host.is_empty() && rest.chars().next().is_some_and(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::are_same_words;

    #[test]
    fn words_are_compared_as_x_shows_them() {
        let sent = "@ana Sorry about the slow line & the wait ^AN\nhttps://x.com/messages/compose?recipient_id=42";
        for shown in [
            "@ana Sorry about the slow line &amp; the wait ^AN https://t.co/abc",
            "@acme @ana Sorry about the slow line & the wait ^AN https://t.co/abc",
            "Sorry about the slow line & the wait ^AN",
            "@ana Sorry  about the slow line & the wait ^AN\nhttps://x.com/messages/compose?recipient_id=42",
        ] {
            assert!(are_same_words(sent, &super::decode::words(shown)), "{shown}");
        }
        for other in [
            "@ana Sorry about the slow line ^AN https://t.co/abc",
            "@ana Sorry about the slow line & the wait ^BO https://t.co/abc",
            "@ana Sorry about the https://t.co/x line & the wait ^AN https://t.co/abc",
            "",
        ] {
            assert!(!are_same_words(sent, other), "{other}");
        }
        assert!(are_same_words("see (acme.app).", "see (https://t.co/q)."));
        assert!(are_same_words("cafe\u{301} open", "caf\u{e9} open"));
        assert!(!are_same_words("see 3.5 now", "see https://t.co/q now"));
    }
}
