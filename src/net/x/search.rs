//! X's recent search, page by page, newest first: lost replies are looked for with it, gaps filled, and reps
//! search with it.

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, CallError};
use super::decode;
use super::problem::Class;
use super::rule_text;
use super::stream::{names_our_parameters, parameters};
use crate::model::{FoundOnNetwork, Post};
use crate::rules::Rule;

/// How far back X's recent search reaches, less an hour for clocks.
pub(super) const REACHES: SignedDuration = SignedDuration::from_hours(7 * 24 - 1);

/// X returns no smaller and no larger page.
const PAGE: std::ops::RangeInclusive<u64> = 10..=100;

/// The newest posts of the last 7 days: one page, so that the price is known before.
pub(super) async fn newest(api: &Api, query: &Rule, most: u64) -> FoundOnNetwork {
    let query = match rule_text::for_search(query, api.account().tier) {
        Ok(query) => query,
        Err(why) => return FoundOnNetwork::refused(why, None),
    };
    let from = api.now().checked_sub(REACHES).unwrap_or(Timestamp::MIN);
    let mut search = Search::new(api, query, from, None);
    search.page_size = most.clamp(*PAGE.start(), *PAGE.end()).to_string();
    match search.page().await {
        Ok(page) => {
            let Page { mut posts, returned } = page.unwrap_or(Page { posts: Vec::new(), returned: 0 });
            posts.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
            FoundOnNetwork { posts, read: returned, has_more: !search.has_ended(), refused: None }
        }
        Err(stopped) => FoundOnNetwork::refused(stopped.why, stopped.until),
    }
}

/// A query under way.
pub(super) struct Search<'a> {
    api: &'a Api,
    query: String,
    start: String,
    end: Option<String>,
    next: Next,
    page_size: String,
    /// X renamed its parameters; which names it takes is found out with the first page.
    has_new_names: bool,
}

enum Next {
    First,
    Token(String),
    Nothing,
}

/// Posts of one page, newest first.
pub(super) struct Page {
    pub(super) posts: Vec<Post>,
    /// What X charges for: what cannot be read counts as well.
    pub(super) returned: u64,
}

/// Why there is no further page.
#[derive(Debug)]
pub(super) struct Stopped {
    /// X's own words, or those of the line to it.
    pub(super) why: String,
    /// The limit ends then.
    pub(super) until: Option<Timestamp>,
    /// X takes no offence at other queries.
    pub(super) is_about_the_query: bool,
}

impl<'a> Search<'a> {
    /// Posts from `from` on, and before `to` where it is given. X counts whole seconds: the stretch is widened
    /// to them.
    pub(super) fn new(api: &'a Api, query: String, from: Timestamp, to: Option<Timestamp>) -> Self {
        let second = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let end = to.map(|to| {
            let is_whole = to.subsec_nanosecond() == 0;
            second(if is_whole { to } else { to.checked_add(SignedDuration::from_secs(1)).unwrap_or(to) })
        });
        let page_size = PAGE.end().to_string();
        Self { api, query, start: second(from), end, next: Next::First, page_size, has_new_names: false }
    }

    /// All pages were read.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.next, Next::Nothing)
    }

    /// The next page; `None` after the last. A limit that X told of is kept to without asking.
    pub(super) async fn page(&mut self) -> Result<Option<Page>, Stopped> {
        let answer = loop {
            if let Some(until) = self.api.no_search_before() {
                let why = "the limit for searching is used up".to_owned();
                return Err(Stopped { why, until: Some(until), is_about_the_query: false });
            }
            let mut params = vec![
                ("query", self.query.as_str()),
                ("max_results", self.page_size.as_str()),
                ("start_time", self.start.as_str()),
            ];
            params.extend(self.end.as_deref().map(|end| ("end_time", end)));
            match &self.next {
                Next::First => {}
                Next::Token(token) => params.push(("next_token", token)),
                Next::Nothing => return Ok(None),
            }
            params.extend_from_slice(parameters(self.has_new_names));
            match self.api.search(&params).await {
                Ok(answer) => break answer,
                Err(CallError::No(problem)) if !self.has_new_names && names_our_parameters(&problem) => {
                    self.has_new_names = true;
                }
                Err(error) => return Err(self.stopped(&error)),
            }
        };
        self.next = match answer.get("meta").map(|meta| decode::text_of(meta, "next_token")) {
            Some(token) if !token.is_empty() => Next::Token(token.to_owned()),
            _ => Next::Nothing,
        };
        let returned = decode::items(answer.get("data")).count() as u64;
        Ok(Some(Page { posts: decode::page(&answer), returned }))
    }

    fn stopped(&self, error: &CallError) -> Stopped {
        let problem = match error {
            CallError::No(problem) => Some(problem),
            CallError::NotSent(_) | CallError::Lost(_) => None,
        };
        let why = match problem {
            Some(problem) if problem.class != Class::RateLimited => {
                format!("{} ({})", problem.words, problem.remedy().trim_end_matches('.'))
            }
            _ => error.words().to_owned(),
        };
        let until = problem.filter(|problem| problem.class == Class::RateLimited);
        Stopped {
            why,
            until: until.and_then(|_| self.api.no_search_before()),
            is_about_the_query: problem.is_some_and(|problem| problem.class == Class::InvalidRequest),
        }
    }
}
