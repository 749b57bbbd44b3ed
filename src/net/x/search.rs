//! X's recent search, page by page, newest first: lost replies are looked for with it, gaps filled, and reps
//! search with it.

use jiff::{SignedDuration, Timestamp};

use super::api::{Api, CallError};
use super::decode;
use super::names::{names_our_parameters, parameters};
use super::problem::Class;
use super::rule_text;
use crate::model::spend::Act;
use crate::model::{ColumnName, FoundOnNetwork, Post};
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
    search.most = most.clamp(*PAGE.start(), *PAGE.end());
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
    /// Posts on a page at most.
    most: u64,
    /// X renamed its parameters; which names it takes is found out with the first page.
    has_new_names: bool,
    /// Who bears what the posts cost.
    columns: Vec<ColumnName>,
    /// The day's limit is for what can wait; this cannot.
    at_any_price: bool,
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
        let most = *PAGE.end();
        Self {
            api,
            query,
            start: second(from),
            end,
            next: Next::First,
            most,
            has_new_names: false,
            columns: Vec::new(),
            at_any_price: false,
        }
    }

    /// Paid for by these columns.
    pub(super) fn for_columns(mut self, columns: Vec<ColumnName>) -> Self {
        self.columns = columns;
        self
    }

    /// Goes on at the day's limit too.
    pub(super) fn at_any_price(mut self) -> Self {
        self.at_any_price = true;
        self
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
            let size = self.page_size()?.to_string();
            let mut params = vec![
                ("query", self.query.as_str()),
                ("max_results", size.as_str()),
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
        let items = || decode::items(answer.get("data"));
        let returned = items().count() as u64;
        let ids = items().filter_map(|item| decode::id_of(item.get("id"))).collect();
        self.api.charge(Act::PostRead, ids, self.columns.clone());
        Ok(Some(Page { posts: decode::page(&answer), returned }))
    }

    /// What the day's money still buys, within what X hands out at once.
    fn page_size(&self) -> Result<u64, Stopped> {
        let room = if self.at_any_price { None } else { self.api.room() };
        match room {
            Some(room) if room < *PAGE.start() => Err(Stopped {
                why: "the day's spend limit leaves no room for another page; raise it for today, or fill it tomorrow"
                    .to_owned(),
                until: None,
                is_about_the_query: false,
            }),
            Some(room) => Ok(room.min(self.most)),
            None => Ok(self.most),
        }
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
