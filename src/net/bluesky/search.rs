//! The network's own search, for a rep who looks for something: asked through the account's server, as ourselves (the
//! public directory turns nobodies away), a few pages at most. It is no way to fill a gap: its keepers ask to leave it
//! to people who search.

use std::collections::BTreeSet;

use serde_json::Value;

use super::asking;
use super::problem::Class;
use super::profiles;
use super::record::{self, bounded, did_of, items, key_of, text_of};
use super::xrpc::{Api, Ask, CallError};
use crate::model::{FoundOnNetwork, Post};
use crate::rules::Rule;
use crate::rules::bluesky::{Question, as_questions};

/// The largest page there is.
const PAGE: u64 = 100;
/// So many pages are read for one search, for all its questions together: what is judged here may throw most of a page
/// away.
const PAGES: usize = 6;

/// The newest posts that fit.
pub(super) async fn search(api: &Api, query: &Rule, most: u64) -> FoundOnNetwork {
    if !api.can_write() {
        let why = "Bluesky's search is for accounts that log in: put an app password into the config";
        return FoundOnNetwork::refused(why, None);
    }
    let asked = match as_questions(query) {
        Ok(asked) => asked,
        Err(errors) => {
            let told: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            return FoundOnNetwork::refused(told.join("; "), None);
        }
    };
    let most = usize::try_from(most.clamp(1, PAGE)).unwrap_or(1);
    let mut reading = Reading { api, query, most, posts: Vec::new(), seen: BTreeSet::new(), read: 0, asks: PAGES };
    let mut has_more = false;
    for (n, question) in asked.questions.iter().enumerate() {
        // Each question gets its turn, whatever those before it took.
        let left = asked.questions.len() - n;
        match reading.ask(question, reading.asks.div_ceil(left)).await {
            Ok(more) => has_more |= more,
            // What was found before is worth having.
            Err(error) if !reading.posts.is_empty() => {
                tracing::warn!(why = error.words(), "a part of a search got no answer");
                has_more = true;
            }
            Err(error) => return refused(&error),
        }
    }
    let Reading { mut posts, read, .. } = reading;
    posts.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    has_more |= posts.len() > most;
    posts.truncate(most);
    FoundOnNetwork { posts, read, has_more, refused: None }
}

fn refused(error: &CallError) -> FoundOnNetwork {
    let CallError::No(problem) = error else { return FoundOnNetwork::refused(error.words(), None) };
    let why = match (problem.name.as_str(), problem.status, problem.class) {
        ("BadQueryString", ..) => format!("Bluesky does not understand the query: {}", problem.words),
        (_, 401 | 403, _) | (_, _, Class::LoggedOut) => {
            format!("Bluesky does not let this account search: {}; {}", problem.words, problem.remedy())
        }
        _ => problem.words.clone(),
    };
    FoundOnNetwork::refused(why, problem.until)
}

/// A search under way.
struct Reading<'a> {
    api: &'a Api,
    query: &'a Rule,
    /// So many posts are wanted of each question.
    most: usize,
    posts: Vec<Post>,
    seen: BTreeSet<String>,
    /// Posts the network showed.
    read: u64,
    /// So many pages may still be read.
    asks: usize,
}

impl Reading<'_> {
    /// Reads a question's pages until enough fits. Whether there are more.
    async fn ask(&mut self, question: &Question, pages: usize) -> Result<bool, CallError> {
        let limit = self.most.to_string();
        let mut cursor: Option<String> = None;
        let mut fitting = 0;
        for _ in 0..pages {
            self.asks = self.asks.saturating_sub(1);
            let mut query = vec![("q", question.words.as_str()), ("sort", "latest"), ("limit", limit.as_str())];
            query.extend(question.parameters.iter().map(|(name, value)| (*name, value.as_str())));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let ask = Ask::get("app.bsky.feed.searchPosts", &query, self.api.pace.answer_within);
            let answer = self.api.as_us(&ask).await?;
            let views: Vec<&Value> = items(answer.get("posts")).collect();
            self.read += views.len() as u64;
            fitting += self.take(&views).await;
            let next = bounded(text_of(&answer, "cursor"));
            // A cursor that stays where it is leads nowhere.
            if next.is_empty() || views.is_empty() || cursor.as_ref() == Some(&next) {
                return Ok(false);
            }
            if fitting >= self.most {
                return Ok(true);
            }
            cursor = Some(next);
        }
        Ok(true)
    }

    /// Judges a page by the whole query; how many of it fit.
    async fn take(&mut self, views: &[&Value]) -> usize {
        let mut posts: Vec<Post> = Vec::new();
        for view in views {
            if self.seen.insert(text_of(view, "uri").to_owned()) {
                posts.extend(post_of(view));
            }
        }
        if self.query.asks_profile() {
            let authors: BTreeSet<String> = posts.iter().map(|post| post.author.id.native().to_owned()).collect();
            let authors: Vec<String> = authors.into_iter().collect();
            match profiles::ask(self.api, &authors, self.api.pace.look_within).await {
                Ok(profiles) => {
                    for post in &mut posts {
                        let author = profiles.iter().find(|profile| profile.did == post.author.id.native());
                        if let Some(profile) = author {
                            profile.tell(&mut post.author);
                        }
                    }
                }
                // Without them they do not fit: what is not known does not match.
                Err(error) => tracing::warn!(why = error.words(), "nothing is said of the authors that were found"),
            }
        }
        posts.retain(|post| self.query.matches(post));
        let fitting = posts.len();
        self.posts.append(&mut posts);
        fitting
    }
}

/// A post as the network shows it; none where it cannot be read.
fn post_of(view: &Value) -> Option<Post> {
    let uri = record::uri_of(text_of(view, "uri"))?;
    let mut parts = uri.strip_prefix("at://")?.split('/');
    let (did, collection, key) = (did_of(parts.next()?)?, parts.next()?, key_of(parts.next()?)?);
    if collection != super::jetstream::POSTS {
        return None;
    }
    let indexed = text_of(view, "indexedAt").parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
    let (mut post, _) = record::post(&did, &key, text_of(view, "cid"), view.get("record")?, indexed).ok()?;
    if let Some(profile) = view.get("author").and_then(profiles::Profile::of) {
        profile.tell(&mut post.author);
    }
    if let Some(quoted) = asking::quoted(view)
        && let Some(known) = post.quotes.as_mut().filter(|known| known.id == quoted.id)
    {
        known.text = quoted.text;
    }
    let count = |name: &str| view.get(name).and_then(Value::as_u64);
    post.counts.replies = count("replyCount");
    post.counts.reposts = count("repostCount");
    post.counts.likes = count("likeCount");
    post.counts.quotes = count("quoteCount");
    Some(post)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::post_of;

    #[test]
    fn a_post_that_was_found_is_read_with_author_counts_and_quote() {
        let view = json!({"uri": "at://did:plc:a/app.bsky.feed.post/k", "cid": "bafy", "indexedAt": "2026-03-02T10:00:01Z",
            "author": {"did": "did:plc:a", "handle": "jo.example", "displayName": "Jo \u{1b}[2JM"},
            "record": {"text": "slow", "createdAt": "2026-03-02T10:00:00Z",
                "embed": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "cid": "c"}}},
            "embed": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "value": {"text": "no line"}}},
            "replyCount": 2, "likeCount": 7});
        let post = post_of(&view).unwrap();
        assert_eq!((post.author.handle.as_str(), post.author.name.as_str()), ("jo.example", "Jo M"));
        assert_eq!(post.quotes.as_ref().unwrap().text, "no line");
        assert_eq!((post.counts.replies, post.counts.likes, post.counts.quotes), (Some(2), Some(7), None));
        assert_eq!(post.at.to_string(), "2026-03-02T10:00:00Z");
        for wrong in [
            json!({"uri": "https://x"}),
            json!({"uri": "at://did:plc:a/app.bsky.feed.like/k", "record": {"text": ""}}),
            json!(7),
        ] {
            assert!(post_of(&wrong).is_none(), "{wrong}");
        }
    }
}
