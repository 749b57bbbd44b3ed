//! X's API v2 as a pay-per-use app meets it, limits and refusals included.
//!
//! Each file is one corner of the API. A handler gets the whole simulator's state and one call, and hands back
//! an [`Answer`]; it never waits. Where X's own words are known from its documentation or were seen by others they
//! are used; the few that are from memory say so.

pub(super) mod activity;
pub(super) mod auth;
mod auth_pages;
pub(super) mod auth_server;
pub(super) mod bill;
mod connections;
pub(super) mod dm;
mod fields;
pub(super) mod limits;
mod message_page;
mod oauth1;
pub(super) mod problem;
mod query;
mod render;
mod rules;
mod search;
pub(super) mod stream;
mod users;
pub(super) mod web;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use self::activity::Subscription;
use self::auth::{Credentials, Who};
use self::auth_server::Grants;
use self::bill::Bill;
use self::limits::Budgets;
use self::rules::AppRule;
use self::stream::{Connection, Delivery, Line};
use super::call::{Answer, Body, Call};
use super::state::State;

/// Which spelling of its own words X answers with: it renamed nearly all of them in 2026-08.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameFamily {
    /// `referenced_tweets`, `includes.tweets`, … and `tweet.fields` on search.
    #[default]
    Tweet,
    /// `referenced_posts`, `includes.posts`, … and `post.fields` on search.
    Post,
}

/// The one app and what X knows of it.
#[derive(Debug)]
pub(super) struct XApp {
    pub(super) names: NameFamily,
    pub(super) credentials: Credentials,
    pub(super) grants: Grants,
    /// Reads a month that the plan allows.
    pub(super) post_cap: u64,
    pub(super) reads: u64,
    pub(super) bill: Bill,
    pub(super) rules: Vec<AppRule>,
    pub(super) streams: Vec<Connection>,
    /// The plan has the Activity API.
    pub(super) has_activity: bool,
    pub(super) subscriptions: Vec<Subscription>,
    given_subscriptions: u64,
    given_events: u64,
    /// What is on its way to who listens, or listened a moment ago.
    pub(super) deliveries: Vec<Arc<Delivery>>,
    pub(super) budgets: Budgets,
    nonces: BTreeSet<String>,
    messages: Vec<dm::Message>,
    /// Our posts and when, newest last: what duplicates are told by.
    written: Vec<(Timestamp, u64, String)>,
}

impl XApp {
    pub(super) fn new(names: NameFamily, seed: u64, post_cap: u64) -> Self {
        Self {
            names,
            credentials: Credentials::of(seed),
            grants: Grants::new(seed),
            post_cap,
            reads: 0,
            bill: Bill::default(),
            rules: Vec::new(),
            streams: Vec::new(),
            has_activity: true,
            subscriptions: Vec::new(),
            given_subscriptions: 0,
            given_events: 0,
            deliveries: Vec::new(),
            budgets: Budgets::default(),
            nonces: BTreeSet::new(),
            messages: Vec::new(),
            written: Vec::new(),
        }
    }
}

/// The endpoints that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Endpoint {
    Stream,
    ActivityStream,
    SubscriptionsRead,
    SubscriptionCreate,
    SubscriptionDelete,
    RulesRead,
    RulesWrite,
    RuleCounts,
    Search,
    Counts,
    PostCreate,
    PostDelete,
    PostRead,
    UserPosts,
    Me,
    UserRead,
    Follow,
    DmSend,
    DmRead,
    ConnectionsRead,
    ConnectionsEnd,
    Usage,
    TokenGive,
    TokenRevoke,
    PinRequest,
    PinRedeem,
}

impl Endpoint {
    /// The name a fault is aimed with.
    pub(super) fn target(self) -> &'static str {
        match self {
            Endpoint::Stream => Line::Posts.target(),
            Endpoint::ActivityStream => Line::Activity.target(),
            Endpoint::SubscriptionsRead | Endpoint::SubscriptionCreate | Endpoint::SubscriptionDelete => {
                "subscriptions"
            }
            Endpoint::RulesRead | Endpoint::RulesWrite | Endpoint::RuleCounts => "rules",
            Endpoint::Search => "search",
            Endpoint::Counts => "counts",
            Endpoint::PostCreate | Endpoint::PostDelete | Endpoint::PostRead | Endpoint::UserPosts => "posts",
            Endpoint::Me | Endpoint::UserRead | Endpoint::Follow => "users",
            Endpoint::DmSend | Endpoint::DmRead => "dms",
            Endpoint::ConnectionsRead | Endpoint::ConnectionsEnd => "connections",
            Endpoint::Usage => "usage",
            Endpoint::TokenGive | Endpoint::TokenRevoke | Endpoint::PinRequest | Endpoint::PinRedeem => "oauth",
        }
    }
}

impl Endpoint {
    /// The line it opens, where it stays open.
    pub(super) fn line(self) -> Option<Line> {
        match self {
            Endpoint::Stream => Some(Line::Posts),
            Endpoint::ActivityStream => Some(Line::Activity),
            _ => None,
        }
    }

    /// Costs money, so that it is refused where there is none left.
    fn is_billed(self) -> bool {
        match self {
            Endpoint::Stream
            | Endpoint::ActivityStream
            | Endpoint::Search
            | Endpoint::Counts
            | Endpoint::PostCreate
            | Endpoint::PostRead
            | Endpoint::UserPosts
            | Endpoint::Me
            | Endpoint::UserRead
            | Endpoint::DmSend
            | Endpoint::DmRead => true,
            Endpoint::SubscriptionsRead
            | Endpoint::SubscriptionCreate
            | Endpoint::SubscriptionDelete
            | Endpoint::RulesRead
            | Endpoint::RulesWrite
            | Endpoint::RuleCounts
            | Endpoint::PostDelete
            | Endpoint::Follow
            | Endpoint::ConnectionsRead
            | Endpoint::ConnectionsEnd
            | Endpoint::Usage
            | Endpoint::TokenGive
            | Endpoint::TokenRevoke
            | Endpoint::PinRequest
            | Endpoint::PinRedeem => false,
        }
    }
}

/// The endpoint of a request and the id in its path, if it has one.
pub(super) fn route<'a>(method: &str, path: &'a str) -> Option<(Endpoint, &'a str)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match (method, parts.as_slice()) {
        ("GET", ["2", "tweets", "search", "stream"]) => (Endpoint::Stream, ""),
        ("GET", ["2", "activity", "stream"]) => (Endpoint::ActivityStream, ""),
        ("GET", ["2", "activity", "subscriptions"]) => (Endpoint::SubscriptionsRead, ""),
        ("POST", ["2", "activity", "subscriptions"]) => (Endpoint::SubscriptionCreate, ""),
        ("DELETE", ["2", "activity", "subscriptions", id]) => (Endpoint::SubscriptionDelete, *id),
        ("GET", ["2", "tweets", "search", "stream", "rules"]) => (Endpoint::RulesRead, ""),
        ("POST", ["2", "tweets", "search", "stream", "rules"]) => (Endpoint::RulesWrite, ""),
        ("GET", ["2", "tweets", "search", "stream", "rules", "counts"]) => (Endpoint::RuleCounts, ""),
        ("GET", ["2", "tweets", "search", "recent"]) => (Endpoint::Search, ""),
        ("GET", ["2", "tweets", "counts", "recent"]) => (Endpoint::Counts, ""),
        ("POST", ["2", "tweets"]) => (Endpoint::PostCreate, ""),
        ("GET", ["2", "tweets"]) => (Endpoint::PostRead, ""),
        ("GET", ["2", "tweets", id]) => (Endpoint::PostRead, *id),
        ("DELETE", ["2", "tweets", id]) => (Endpoint::PostDelete, *id),
        ("GET", ["2", "users", "me"]) => (Endpoint::Me, ""),
        ("GET", ["2", "users", id]) => (Endpoint::UserRead, *id),
        ("GET", ["2", "users", "by", "username", handle]) => (Endpoint::UserRead, *handle),
        ("GET", ["2", "users", id, "tweets"]) => (Endpoint::UserPosts, *id),
        ("POST", ["2", "users", id, "following"]) => (Endpoint::Follow, *id),
        ("POST", ["2", "dm_conversations", "with", id, "messages"]) => (Endpoint::DmSend, *id),
        ("POST", ["2", "dm_conversations", id, "messages"]) => (Endpoint::DmSend, *id),
        ("GET", ["2", "dm_conversations", "with", id, "dm_events"]) => (Endpoint::DmRead, *id),
        ("GET", ["2", "dm_events"]) => (Endpoint::DmRead, ""),
        ("GET", ["2", "connections"]) => (Endpoint::ConnectionsRead, ""),
        ("DELETE", ["2", "connections"]) => (Endpoint::ConnectionsEnd, ""),
        ("DELETE", ["2", "connections", which]) => (Endpoint::ConnectionsEnd, *which),
        ("GET", ["2", "usage", "tweets"]) => (Endpoint::Usage, ""),
        ("POST", ["2", "oauth2", "token"]) => (Endpoint::TokenGive, ""),
        ("POST", ["2", "oauth2", "revoke"]) => (Endpoint::TokenRevoke, ""),
        ("POST", ["oauth", "request_token"]) => (Endpoint::PinRequest, ""),
        ("POST", ["oauth", "access_token"]) => (Endpoint::PinRedeem, ""),
        _ => return None,
    };
    Some(found)
}

/// Answers one request: who asks, may they, how often, and then the endpoint itself.
pub(super) fn answer(state: &mut State, endpoint: Endpoint, id: &str, call: &Call) -> Answer {
    if endpoint.target() == "oauth" {
        return auth_server::answer(state, endpoint, call);
    }
    let who = match auth::who(state, endpoint, call) {
        Ok(who) => who,
        Err(refusal) => return refusal,
    };
    if let Err(refusal) = auth::may(endpoint, who) {
        return state.x.budgets.stamp(endpoint, who, call.now, refusal);
    }
    if !state.x.budgets.spend(endpoint, who, call.now) {
        return state.x.budgets.stamp(endpoint, who, call.now, problem::too_many());
    }
    if let Who::User(_, person) = who
        && person != state.world.brand.id
        && endpoint != Endpoint::Me
    {
        // Only the brand has a life here; others can be asked for their name.
        return state.x.budgets.stamp(endpoint, who, call.now, problem::forbidden("Forbidden"));
    }
    if endpoint.is_billed() && state.x.bill.is_out_of_credits() {
        return state.x.budgets.stamp(endpoint, who, call.now, problem::usual(402));
    }
    let answer = handle(state, endpoint, id, who, call).unwrap_or_else(|refusal| refusal);
    state.x.budgets.stamp(endpoint, who, call.now, answer)
}

fn handle(state: &mut State, endpoint: Endpoint, id: &str, who: Who, call: &Call) -> Result<Answer, Answer> {
    match endpoint {
        Endpoint::Stream => stream::connect(state, call),
        Endpoint::ActivityStream => activity::connect(state, call),
        Endpoint::SubscriptionsRead => activity::list(state, call),
        Endpoint::SubscriptionCreate => activity::create(state, who, call),
        Endpoint::SubscriptionDelete => activity::delete(state, id),
        Endpoint::RulesRead => rules::list(state, call),
        Endpoint::RulesWrite => rules::change(state, call),
        Endpoint::RuleCounts => Ok(rules::counts(state)),
        Endpoint::Search => search::recent(state, call),
        Endpoint::Counts => search::counts(state, call),
        Endpoint::PostCreate => write::create(state, call),
        Endpoint::PostDelete => write::delete(state, id, call),
        Endpoint::PostRead => search::by_id(state, id, call),
        Endpoint::UserPosts => search::of_user(state, id, call),
        Endpoint::Me => users::me(state, who, call),
        Endpoint::UserRead => users::read(state, id, who, call),
        Endpoint::Follow => Ok(problem::client_forbidden()),
        Endpoint::DmSend => dm::send(state, id, call),
        Endpoint::DmRead => dm::read(state, id, call),
        Endpoint::ConnectionsRead => Ok(connections::list(state)),
        Endpoint::ConnectionsEnd => connections::end(state, id, call),
        Endpoint::Usage => Ok(connections::usage(state, call)),
        Endpoint::TokenGive | Endpoint::TokenRevoke | Endpoint::PinRequest | Endpoint::PinRedeem => {
            Ok(auth_server::answer(state, endpoint, call))
        }
    }
}

/// The body as a JSON object; X's 400 where it is none.
fn json_body(call: &Call) -> Result<serde_json::Map<String, Value>, Answer> {
    call.json().map_err(|why| problem::invalid(None, &why))
}
