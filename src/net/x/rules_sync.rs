//! Keeps the app's rules at X as the columns want them, touching none but our own.
//!
//! A rule of ours carries the tag `replydeck/DECK/COLUMN` (`replydeck/DECK/own` listens for the account's own
//! replies). X holds each value once per app: columns of the same value share a rule, and a rule that is
//! there already is adopted with whatever tag it has. New rules are added before old ones go, so that a
//! changed query leaves no hole. One bad rule costs only its own column.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::{Api, As, CallError};
use super::decode::{RuleRef, bounded, id_of, items, text_of};
use super::problem::{Class, Problem};
use super::rule_text;
use crate::model::ColumnName;
use crate::net::Feed;
use crate::net::http::RateHeaders;

const PATH: &str = "/2/tweets/search/stream/rules";

/// So many pages of 1,000 rules are read; X sells fewer.
const MOST_PAGES: usize = 60;

/// Whom a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) columns: Vec<ColumnName>,
    /// The account's own replies, which every column of the account gets.
    pub(super) is_own: bool,
}

/// Rules at X and whom they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RuleMap {
    by_id: HashMap<String, Target>,
    by_tag: HashMap<String, Target>,
}

impl RuleMap {
    /// By id; the tag is a hint for a rule whose id we do not know.
    pub(super) fn find(&self, rule: &RuleRef) -> Option<&Target> {
        self.by_id.get(&rule.id).or_else(|| self.by_tag.get(rule.tag.as_deref()?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// X evaluates this column for us.
    pub(super) fn covers(&self, column: &ColumnName) -> bool {
        self.by_id.values().any(|target| target.columns.contains(column))
    }

    /// The columns whose rules were deleted at X by somebody else and are in force anew in `fresh`.
    pub(super) fn put_back(&self, fresh: &RuleMap) -> Vec<ColumnName> {
        let gone = self.by_id.iter().filter(|(id, _)| !fresh.by_id.contains_key(*id));
        let mut columns: Vec<_> = gone.flat_map(|(_, target)| target.columns.iter().cloned()).collect();
        columns.retain(|column| fresh.covers(column));
        columns.sort();
        columns.dedup();
        columns
    }

    fn put(&mut self, id: String, tag: &str, target: Target) {
        if !tag.is_empty() {
            self.by_tag.insert(tag.to_owned(), target.clone());
        }
        self.by_id.insert(id, target);
    }
}

/// What is told where [`RuleMap::put_back`] found columns; the rules were last seen in order at `since`.
pub(super) fn put_back_words(columns: &[ColumnName], since: Timestamp) -> String {
    let names = columns.iter().map(ColumnName::as_str).collect::<Vec<_>>().join(", ");
    format!(
        "somebody deleted rules of ours at X (columns: {names}); they are put back, and what was posted since {since:.0} may be missing"
    )
}

/// The outcome: what listens, and which columns X (or its grammar) refused, in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Synced {
    pub(super) map: RuleMap,
    pub(super) refused: Vec<(ColumnName, String)>,
}

/// A rule we want.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) value: String,
    pub(super) tag: String,
    pub(super) target: Target,
}

/// A rule that is there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Existing {
    id: String,
    value: String,
    tag: String,
}

/// The beginning of every tag of a deck.
pub(super) fn own_prefix(deck: &str) -> String {
    format!("replydeck/{}/", in_tag(deck))
}

/// Names may hold anything; within a tag a slash would make one deck's rule look like another's.
fn in_tag(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '/' | '%' => write!(text, "%{:02X}", u32::from(c)).expect("a String takes all"),
            _ => text.push(c),
        }
    }
    text
}

/// The rules these columns need, and the columns that X's grammar cannot serve.
pub(super) fn wanted(api: &Api, feeds: &[Feed]) -> (Vec<Wanted>, Vec<(ColumnName, String)>) {
    let account = api.account();
    let prefix = own_prefix(&api.deck);
    let mut all: Vec<Wanted> = Vec::new();
    let mut refused = Vec::new();
    for feed in feeds {
        match rule_text::of(&feed.rule, account.tier) {
            Ok(value) => match all.iter_mut().find(|wanted| wanted.value == value) {
                Some(same) => same.target.columns.push(feed.column.clone()),
                None => all.push(Wanted {
                    value,
                    // A column called "own" must not be taken for the account's own posts.
                    tag: match feed.column.as_str() {
                        "own" => format!("{prefix}%own"),
                        name => format!("{prefix}{}", in_tag(name)),
                    },
                    target: Target { columns: vec![feed.column.clone()], is_own: false },
                }),
            },
            Err(why) => refused.push((feed.column.clone(), why)),
        }
    }
    if api.watch_own && !account.handle.is_empty() && !feeds.is_empty() {
        let value = format!("from:{} is:reply", account.handle);
        match all.iter_mut().find(|wanted| wanted.value == value) {
            Some(same) => same.target.is_own = true,
            None => all.push(Wanted {
                value,
                tag: format!("{prefix}own"),
                target: Target { columns: Vec::new(), is_own: true },
            }),
        }
    }
    (all, refused)
}

/// What is to be done, given what is there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    map: RuleMap,
    add: Vec<Wanted>,
    delete: Vec<String>,
}

/// Pure: compares what is there with what is wanted.
pub(super) fn plan(existing: &[Existing], wanted: Vec<Wanted>, prefix: &str) -> Plan {
    let mut plan = Plan::default();
    for want in wanted {
        let same = existing.iter().filter(|rule| rule.value == want.value);
        // Any will do; our own is better, for others may delete theirs.
        match same.max_by_key(|rule| (rule.tag == want.tag, rule.tag.starts_with(prefix))) {
            Some(rule) => plan.map.put(rule.id.clone(), &rule.tag, want.target),
            None => plan.add.push(want),
        }
    }
    let is_stale = |rule: &&Existing| rule.tag.starts_with(prefix) && !plan.map.by_id.contains_key(&rule.id);
    plan.delete = existing.iter().filter(is_stale).map(|rule| rule.id.clone()).collect();
    plan
}

/// Makes the rules at X what the columns want.
pub(super) async fn sync(api: &Api, feeds: &[Feed]) -> Result<Synced, CallError> {
    let (wanted, mut refused) = wanted(api, feeds);
    let existing = read(api).await?;
    let Plan { mut map, add, mut delete } = plan(&existing, wanted, &own_prefix(&api.deck));

    let tried = try_out(api, add).await?;
    refused.extend(tried.refused.iter().flat_map(words_for));
    adopt(&mut map, tried.adopted, &existing);

    let mut outcome = add_all(api, tried.good, false).await?;
    // X may hold two values for the same that differ in writing: such a rule is wanted after all.
    delete.retain(|id| !map.by_id.contains_key(id));
    let is_full = |(_, class, _): &(Wanted, Class, String)| *class == Class::RuleCap;
    if !delete.is_empty() && outcome.refused.iter().any(is_full) {
        // No room for the new beside the old: the old go first after all.
        remove(api, &delete).await?;
        let (full, other): (Vec<_>, Vec<_>) = outcome.refused.drain(..).partition(is_full);
        let again = add_all(api, full.into_iter().map(|(want, ..)| want).collect(), false).await?;
        outcome.refused = other;
        outcome.refused.extend(again.refused);
        outcome.good.extend(again.good);
        outcome.adopted.extend(again.adopted);
        outcome.made.extend(again.made);
    } else if !delete.is_empty() {
        remove(api, &delete).await?;
    }
    refused.extend(outcome.refused.iter().flat_map(words_for));
    adopt(&mut map, outcome.adopted, &existing);
    for (want, id) in outcome.made {
        map.put(id, &want.tag, want.target);
    }
    Ok(Synced { map, refused })
}

/// Asks X about the rules that are not there yet, changing nothing: words for the columns it would refuse.
pub(super) async fn rehearse(api: &Api, feeds: &[Feed]) -> Result<Rehearsal, CallError> {
    let (wanted, mut refused) = wanted(api, feeds);
    let existing = read(api).await?;
    let prefix = own_prefix(&api.deck);
    let ours = existing.iter().filter(|rule| rule.tag.starts_with(&prefix)).count();
    let plan = plan(&existing, wanted, &prefix);
    let tried = try_out(api, plan.add).await?;
    refused.extend(tried.refused.iter().flat_map(words_for));
    Ok(Rehearsal { rules: existing.len(), ours, refused })
}

/// What [`rehearse`] found.
#[derive(Debug)]
pub(super) struct Rehearsal {
    pub(super) rules: usize,
    pub(super) ours: usize,
    pub(super) refused: Vec<(ColumnName, String)>,
}

/// The columns a refused rule was for; the own rule is named as what it is.
fn words_for((want, _, why): &(Wanted, Class, String)) -> Vec<(ColumnName, String)> {
    if want.target.columns.is_empty() {
        return vec![(ColumnName::new("(own replies)"), why.clone())];
    }
    want.target.columns.iter().map(|column| (column.clone(), why.clone())).collect()
}

fn adopt(map: &mut RuleMap, adopted: Vec<(Wanted, String)>, existing: &[Existing]) {
    for (want, id) in adopted {
        let tag = existing.iter().find(|rule| rule.id == id).map_or("", |rule| rule.tag.as_str()).to_owned();
        match map.by_id.get_mut(&id) {
            // X holds two of our values for one and the same.
            Some(target) => {
                target.columns.extend(want.target.columns);
                target.is_own |= want.target.is_own;
            }
            None => map.put(id, &tag, want.target),
        }
    }
}

async fn read(api: &Api) -> Result<Vec<Existing>, CallError> {
    let mut all = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let query: Vec<(&str, &str)> = next.iter().map(|token| ("pagination_token", token.as_str())).collect();
        // Without rules X answers without `data`.
        let answer = api.get(As::App, PATH, &query).await?;
        all.extend(items(answer.get("data")).filter_map(|rule| {
            let id = id_of(rule.get("id"))?;
            Some(Existing { id, value: text_of(rule, "value").to_owned(), tag: text_of(rule, "tag").to_owned() })
        }));
        let token = answer.get("meta").map(|meta| text_of(meta, "next_token")).unwrap_or_default();
        if token.is_empty() || next.as_deref() == Some(token) {
            break;
        }
        next = Some(token.to_owned());
    }
    Ok(all)
}

/// What became of rules handed to X.
#[derive(Debug, Default)]
struct Outcome {
    /// Taken (in a dry run: would be).
    good: Vec<Wanted>,
    /// With the ids X gave them.
    made: Vec<(Wanted, String)>,
    /// There already, under this id.
    adopted: Vec<(Wanted, String)>,
    refused: Vec<(Wanted, Class, String)>,
}

async fn try_out(api: &Api, add: Vec<Wanted>) -> Result<Outcome, CallError> {
    add_all(api, add, true).await
}

/// Adds rules; those X neither took nor named are asked for one by one, so that a bad one takes none along.
async fn add_all(api: &Api, add: Vec<Wanted>, is_dry: bool) -> Result<Outcome, CallError> {
    let mut outcome = Outcome::default();
    if add.is_empty() {
        return Ok(outcome);
    }
    let unsettled = add_once(api, add, is_dry, &mut outcome).await?;
    for want in unsettled.rules {
        for left in add_once(api, vec![want], is_dry, &mut outcome).await?.rules {
            outcome.refused.push((left, Class::Unknown, unsettled.why.clone()));
        }
    }
    Ok(outcome)
}

#[derive(Debug, Default)]
struct Unsettled {
    rules: Vec<Wanted>,
    why: String,
}

async fn add_once(api: &Api, add: Vec<Wanted>, is_dry: bool, outcome: &mut Outcome) -> Result<Unsettled, CallError> {
    let rules: Vec<Value> = add.iter().map(|want| json!({"value": want.value, "tag": want.tag})).collect();
    let query: &[(&str, &str)] = if is_dry { &[("dry_run", "true")] } else { &[] };
    let answer = api.post(As::App, PATH, query, &json!({"add": rules}), api.pace.answer_within).await;
    let (answer, whole) = match answer {
        Ok(answer) => (answer, None),
        Err(CallError::No(problem)) if is_about_rules(&problem) => (problem.raw.clone(), Some(problem)),
        Err(other) => return Err(other),
    };
    let is_alone = add.len() == 1;
    let mut left = Vec::new();
    for want in add {
        let is_it = |item: &&Value| text_of(item, "value") == want.value;
        let made = items(answer.get("data")).find(is_it).and_then(|rule| id_of(rule.get("id")));
        let error =
            items(answer.get("errors")).find(is_it).or_else(|| items(answer.get("errors")).next().filter(|_| is_alone));
        match (made, error, &whole) {
            (Some(id), ..) => {
                outcome.good.push(want.clone());
                outcome.made.push((want, id));
            }
            (None, Some(error), _) => {
                let problem = super::problem::decode(200, RateHeaders::default(), None, error.to_string().as_bytes());
                let existing = id_of(error.get("id"));
                match (problem.class, existing) {
                    (Class::DuplicateRule, Some(id)) => outcome.adopted.push((want, id)),
                    (class, _) => outcome.refused.push((want, class, bounded(&problem.words))),
                }
            }
            (None, None, Some(problem)) if is_alone => {
                outcome.refused.push((want, problem.class, problem.words.clone()));
            }
            // A dry run may leave the ids out where all is well.
            (None, None, None) if is_dry && items(answer.get("errors")).next().is_none() => outcome.good.push(want),
            (None, None, _) => left.push(want),
        }
    }
    let why = whole.map_or_else(|| "X did not say what became of the rule".to_owned(), |problem| problem.words);
    Ok(Unsettled { rules: left, why })
}

/// A refusal of the rules themselves, rather than of us.
fn is_about_rules(problem: &Problem) -> bool {
    matches!(
        problem.class,
        Class::RulesInvalid | Class::DuplicateRule | Class::RuleCap | Class::InvalidRequest | Class::NoRules
    ) || (problem.status == 422)
}

async fn remove(api: &Api, ids: &[String]) -> Result<(), CallError> {
    for some in ids.chunks(500) {
        let body = json!({"delete": {"ids": some}});
        match api.post(As::App, PATH, &[], &body, api.pace.answer_within).await {
            Ok(_) => {}
            // Gone already: another deck of ours was quicker.
            Err(CallError::No(problem)) if is_about_rules(&problem) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Existing, Plan, Target, Wanted, in_tag, plan};
    use crate::model::ColumnName;

    fn there(id: &str, value: &str, tag: &str) -> Existing {
        Existing { id: id.into(), value: value.into(), tag: tag.into() }
    }

    fn want(column: &str, value: &str) -> Wanted {
        Wanted {
            value: value.into(),
            tag: format!("replydeck/d/{column}"),
            target: Target { columns: vec![ColumnName::new(column)], is_own: false },
        }
    }

    fn ids(plan: &Plan) -> Vec<&str> {
        let mut ids: Vec<&str> = plan.map.by_id.keys().map(String::as_str).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn what_fits_stays_what_is_ours_and_unwanted_goes_and_strangers_are_left_alone() {
        let existing = [
            there("1", "slow", "replydeck/d/outage"),
            there("2", "old", "replydeck/d/outage"),
            there("3", "bill", "someone else"),
            there("4", "cat", "replydeck/other/cats"),
            there("5", "dog", ""),
            there("6", "x", "replydeck/d2/x"),
        ];
        let plan =
            plan(&existing, vec![want("outage", "slow"), want("billing", "bill"), want("new", "new")], "replydeck/d/");
        assert_eq!(ids(&plan), ["1", "3"]);
        assert_eq!(plan.add, [want("new", "new")]);
        assert_eq!(plan.delete, ["2"]);
    }

    #[test]
    fn of_two_equal_rules_our_own_is_kept() {
        let existing =
            [there("1", "slow", "theirs"), there("2", "slow", "replydeck/d/renamed"), there("3", "slow", "theirs too")];
        let plan = plan(&existing, vec![want("outage", "slow")], "replydeck/d/");
        assert_eq!(ids(&plan), ["2"]);
        assert!(plan.delete.is_empty() && plan.add.is_empty());
    }

    #[test]
    fn a_slash_in_a_name_cannot_pass_for_another_deck() {
        assert_eq!(in_tag("a/b%"), "a%2Fb%25");
        assert_eq!(super::own_prefix("main/x"), "replydeck/main%2Fx/");
    }
}
