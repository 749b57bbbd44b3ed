//! Keeps the app's Activity subscriptions for the account as they are needed, touching none but our own.
//!
//! One of ours carries the tag `replydeck/DECK/EVENT` and names the account; one of somebody else's for the same event
//! and account serves as well and is left alone. X bills what it tells, so only what can be shown is subscribed to:
//! mentions and replies where a column shows them all, and then each is a post of that column in any case.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::remedy;
use crate::model::AuthorId;
use crate::net::Feed;
use crate::net::x::api::{Api, As, CallError};
use crate::net::x::decode::{id_of, items, post_of, text_of};
use crate::net::x::problem::{Class, Problem};
use crate::net::x::rules_sync::own_prefix;

const PATH: &str = "/2/activity/subscriptions";
/// So many pages of subscriptions are read; a self-serve app has 1,500.
const MOST_PAGES: usize = 60;

/// What X may tell of an account, as far as it is of use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    DmReceived,
    DmSent,
    PostDelete,
    PostCreate,
    Mention,
    Reply,
}

impl Kind {
    /// X's own word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::DmReceived => "dm.received",
            Kind::DmSent => "dm.sent",
            Kind::PostDelete => "post.delete",
            Kind::PostCreate => "post.create",
            Kind::Mention => "post.mention.create",
            Kind::Reply => "post.reply.create",
        }
    }

    /// Whose token subscribes to it: what only the account sees takes its own.
    fn subscriber(self) -> As {
        match self {
            Kind::PostDelete | Kind::PostCreate => As::App,
            Kind::DmReceived | Kind::DmSent | Kind::Mention | Kind::Reply => As::User,
        }
    }
}

const ALL: [Kind; 6] = [Kind::DmReceived, Kind::DmSent, Kind::PostDelete, Kind::PostCreate, Kind::Mention, Kind::Reply];

/// Both sides of direct messages: with them nothing has to be looked for.
const MESSAGES: [Kind; 2] = [Kind::DmReceived, Kind::DmSent];

pub(super) fn tells_of_messages(in_force: &BTreeSet<Kind>) -> bool {
    MESSAGES.iter().all(|kind| in_force.contains(kind))
}

/// What is to be told for these columns.
pub(super) fn wanted(api: &Api, feeds: &[Feed]) -> BTreeSet<Kind> {
    let mut wanted = BTreeSet::from([Kind::PostDelete]);
    if api.watch_own {
        wanted.insert(Kind::PostCreate);
    }
    if api.reads_messages() {
        wanted.extend(MESSAGES);
    }
    if api.can_write() {
        let account = api.account();
        let us = account.id.as_ref().map(AuthorId::native).unwrap_or_default();
        wanted.extend(shown(&account.handle, us, feeds));
    }
    wanted
}

/// Which of mentions and replies some column shows whatever their words, author and language.
fn shown(handle: &str, us: &str, feeds: &[Feed]) -> Vec<Kind> {
    let named = json!({"mentions": [{"username": handle, "id": us}]});
    let plain = json!({"id": "1", "author_id": "0", "text": format!("@{handle}"), "entities": named});
    let mut reply = plain.clone();
    reply["in_reply_to_user_id"] = json!(us);
    reply["referenced_tweets"] = json!([{"type": "replied_to", "id": "1"}]);
    // An example cannot tell what a column leaves out: somebody's word, links, quotes. Reposts are no mentions, and what
    // we write ourselves is none of theirs.
    let all = || feeds.iter().filter(|feed| feed.rule.leaves_out_only_reposts_and(handle));
    let is_shown =
        |example: &Value| post_of(example, None).is_ok_and(|post| all().any(|feed| feed.rule.matches(&post)));
    [(Kind::Mention, plain), (Kind::Reply, reply)]
        .into_iter()
        .filter(|(_, example)| is_shown(example))
        .map(|(kind, _)| kind)
        .collect()
}

/// A subscription that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Existing {
    id: String,
    kind: String,
    user: String,
    tag: String,
    /// Delivered to some address rather than to who listens. X's pages disagree whether to both: if so, what comes is
    /// taken, and looking for it meanwhile finds the same once more.
    has_webhook: bool,
}

/// What is to be done, given what is there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    in_force: BTreeSet<Kind>,
    add: Vec<Kind>,
    /// By id, with whose token each is ended: the one that made it.
    delete: Vec<(String, As)>,
}

/// Pure: compares what is there with what is wanted.
fn plan(existing: &[Existing], wanted: &BTreeSet<Kind>, us: &str, prefix: &str) -> Plan {
    let mut plan = Plan::default();
    for kind in wanted {
        let serves = |row: &&Existing| row.kind == kind.name() && row.user == us && !row.has_webhook;
        if existing.iter().any(|row| serves(&row)) {
            plan.in_force.insert(*kind);
        } else {
            plan.add.push(*kind);
        }
    }
    let is_stale = |row: &&Existing| {
        let is_wanted = wanted.iter().any(|kind| kind.name() == row.kind);
        row.user == us && row.tag.starts_with(prefix) && !is_wanted
    };
    plan.delete = existing.iter().filter(is_stale).map(|row| (row.id.clone(), subscriber(&row.kind))).collect();
    plan
}

/// What listens now, and what X would not take.
#[derive(Debug, Default)]
pub(super) struct Subscribed {
    pub(super) in_force: BTreeSet<Kind>,
    /// Some of it was not there before.
    pub(super) is_new: bool,
    pub(super) refused: Vec<Refused>,
}

/// What X does not tell of.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) kind: Kind,
    pub(super) why: String,
    pub(super) remedy: &'static str,
}

impl Refused {
    fn by_x(kind: Kind, problem: &Problem) -> Self {
        let remedy = match problem.class {
            Class::Forbidden | Class::WrongToken | Class::Unauthorised => {
                "the account's own token needs the scopes dm.read, tweet.read and users.read"
            }
            other => remedy(other),
        };
        Self { kind, why: problem.words.clone(), remedy }
    }

    /// X has one for the very event and account, and does not send it to who listens.
    fn elsewhere(kind: Kind, has_webhook: bool) -> Self {
        let why = if has_webhook {
            "X has a subscription to it already, which goes to a webhook and not to us"
        } else {
            "X says that there is a subscription to it already, and does not list it"
        };
        let remedy = "where the webhook is not needed any more, end its subscription in X's developer console; it is \
                      looked at again every 10 minutes";
        Self { kind, why: why.to_owned(), remedy }
    }
}

/// Subscribes to what is wanted and not there, and ends what is ours and not wanted.
pub(super) async fn sync(api: &Api, us: &AuthorId, wanted: &BTreeSet<Kind>) -> Result<Subscribed, CallError> {
    let prefix = own_prefix(&api.deck);
    let Plan { in_force, add, delete } = plan(&list(api).await?, wanted, us.native(), &prefix);
    let mut done = Subscribed { in_force, is_new: false, refused: Vec::new() };
    let (mut is_unsure, mut is_there) = (false, BTreeSet::new());
    // First what may cost and is not wanted, whatever becomes of the rest.
    end(api, delete).await;
    for kind in add {
        let body = json!({
            "event_type": kind.name(),
            "filter": {"user_id": us.native()},
            "tag": format!("{prefix}{}", kind.name()),
        });
        match api.post(kind.subscriber(), PATH, &[], &body, api.pace.answer_within).await {
            Ok(_) => {
                done.is_new = true;
                done.in_force.insert(kind);
            }
            // Somebody was quicker, or it goes to a webhook alone: the list tells which.
            Err(CallError::No(problem)) if problem.words.to_lowercase().contains("duplicate") => {
                is_there.insert(kind);
            }
            Err(CallError::No(problem)) if !passes(problem.class) => done.refused.push(Refused::by_x(kind, &problem)),
            // An answer without a body among them; the list tells what became of it.
            Err(CallError::Lost(why)) => {
                tracing::info!(kind = kind.name(), why, "X's answer to a subscription was lost");
                (is_unsure, done.is_new) = (true, true);
            }
            Err(other) => return Err(other),
        }
    }
    if is_unsure || !is_there.is_empty() {
        let listed = list(api).await?;
        let there = plan(&listed, wanted, us.native(), &prefix);
        for kind in there.add {
            if is_there.contains(&kind) {
                let has_webhook =
                    listed.iter().any(|row| row.has_webhook && row.kind == kind.name() && row.user == us.native());
                done.refused.push(Refused::elsewhere(kind, has_webhook));
            } else if done.refused.iter().all(|refused| refused.kind != kind) {
                let words = format!("X did not say what became of the subscription to {}", kind.name());
                return Err(CallError::Lost(words));
            }
        }
        done.in_force.extend(there.in_force);
    }
    Ok(done)
}

/// Ends all of ours: the stream is switched off. How many there were.
pub(super) async fn end_all(api: &Api, us: &AuthorId) -> Result<usize, CallError> {
    let plan = plan(&list(api).await?, &BTreeSet::new(), us.native(), &own_prefix(&api.deck));
    let count = plan.delete.len();
    end(api, plan.delete).await;
    Ok(count)
}

/// Ends subscriptions of ours; says so where X does not.
async fn end(api: &Api, ids: Vec<(String, As)>) {
    for (id, subscriber) in ids {
        if let Err(error) = api.change(Method::DELETE, subscriber, &format!("{PATH}/{id}"), &json!({})).await {
            api.leave_note(format!(
                "a subscription of X's Activity stream that is not wanted any more could not be ended ({}); what it tells \
                 of may be billed: end it in X's developer console",
                error.words()
            ));
        }
    }
}

/// Whose token made a subscription to this event.
fn subscriber(kind: &str) -> As {
    ALL.iter().find(|known| known.name() == kind).map_or(As::App, |known| known.subscriber())
}

/// It may be better a little later.
fn passes(class: Class) -> bool {
    matches!(
        class,
        Class::RateLimited
            | Class::ServerTrouble
            | Class::Provisioning
            | Class::Unknown
            | Class::UsageCapped
            | Class::CreditsDepleted
            | Class::Redirected
    )
}

/// What the app has.
pub(in crate::net::x) struct Count {
    pub(in crate::net::x) all: usize,
    /// Of this account.
    pub(in crate::net::x) ours: usize,
    /// Made by this deck for other accounts: they are of use while those are in the config.
    pub(in crate::net::x) of_others: usize,
}

/// Asks X; nothing is made or ended.
pub(in crate::net::x) async fn count(api: &Api) -> Result<Count, CallError> {
    let us = api.account().id;
    let (rows, prefix) = (list(api).await?, own_prefix(&api.deck));
    let is_ours = |row: &&Existing| us.as_ref().is_some_and(|us| us.native() == row.user);
    Ok(Count {
        all: rows.len(),
        ours: rows.iter().filter(is_ours).count(),
        of_others: rows.iter().filter(|row| !is_ours(row) && row.tag.starts_with(&prefix)).count(),
    })
}

async fn list(api: &Api) -> Result<Vec<Existing>, CallError> {
    let mut all = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let query: Vec<(&str, &str)> = next.iter().map(|token| ("pagination_token", token.as_str())).collect();
        let answer = api.get(As::App, PATH, &query).await?;
        all.extend(items(answer.get("data")).filter_map(existing));
        let token = answer.get("meta").map(|meta| text_of(meta, "next_token")).unwrap_or_default();
        if token.is_empty() || next.as_deref() == Some(token) {
            break;
        }
        next = Some(token.to_owned());
    }
    Ok(all)
}

fn existing(row: &Value) -> Option<Existing> {
    Some(Existing {
        id: id_of(row.get("subscription_id"))?,
        kind: text_of(row, "event_type").to_owned(),
        user: id_of(row.get("filter")?.get("user_id"))?,
        tag: text_of(row, "tag").to_owned(),
        has_webhook: id_of(row.get("webhook_id")).is_some(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::sync::mpsc;

    use super::{Existing, Kind, plan, shown};
    use crate::model::ColumnName;
    use crate::net::Feed;
    use crate::rules::Rule;

    fn there(id: &str, kind: &str, user: &str, tag: &str) -> Existing {
        Existing { id: id.into(), kind: kind.into(), user: user.into(), tag: tag.into(), has_webhook: false }
    }

    #[test]
    fn what_is_there_serves_what_is_ours_and_unwanted_goes_and_others_are_left_alone() {
        let existing = [
            there("1", "dm.received", "42", "somebody else's"),
            there("2", "dm.sent", "7", "replydeck/d/dm.sent"),
            there("3", "post.mention.create", "42", "replydeck/d/post.mention.create"),
            there("4", "post.mention.create", "42", "somebody else's"),
            there("5", "like.create", "42", "replydeck/other/like.create"),
            Existing { has_webhook: true, ..there("6", "post.delete", "42", "replydeck/d/post.delete") },
        ];
        let wanted = BTreeSet::from([Kind::DmReceived, Kind::DmSent, Kind::PostDelete]);
        let plan = plan(&existing, &wanted, "42", "replydeck/d/");
        assert_eq!(plan.in_force, BTreeSet::from([Kind::DmReceived]));
        assert_eq!(plan.add, [Kind::DmSent, Kind::PostDelete]);
        assert_eq!(plan.delete.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn mentions_are_wanted_only_where_a_column_shows_them_all() {
        let shows = |query: &str| {
            let (out, _) = mpsc::channel(1);
            let feed = Feed { column: ColumnName::new("c"), rule: Rule::parse(query).unwrap(), out };
            shown("AcmeHelp", "42", &[feed])
        };
        assert_eq!(shows("(@AcmeHelp OR to:AcmeHelp) -is:retweet -from:AcmeHelp"), [Kind::Mention, Kind::Reply]);
        assert_eq!(shows("to:acmehelp"), [Kind::Reply]);
        for other in [
            "@AcmeHelp lang:en",
            "acme",
            "@AcmeHelp -is:reply slow",
            "@AcmeHelp min_followers:10",
            "@AcmeHelp -giveaway",
            "@AcmeHelp -has:links",
        ] {
            assert_eq!(shows(other), [], "{other}");
        }
    }
}
