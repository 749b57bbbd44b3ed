//! What X says of a query before it becomes a column: whether it takes the rule, and how many posts a day it would bring.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::api::{Api, As, CallError};
use super::decode::items;
use super::{rule_text, rules_sync};
use crate::model::ColumnName;
use crate::model::spend::{Act, Gauged};
use crate::net::Feed;
use crate::rules::Rule;

const PATH: &str = "/2/tweets/counts/recent";

/// The name of a column that is not there yet.
const TRIAL: &str = "trial";

/// X's dry run: nothing is added and nothing billed.
pub(super) async fn rehearse(api: &Api, rule: &Rule) -> Result<Gauged, String> {
    // Nothing comes through it: the rule is only tried.
    let (out, _nobody_listens) = mpsc::channel(1);
    let feed = Feed { column: ColumnName::new(TRIAL), rule: rule.clone(), out };
    let found = rules_sync::rehearse(api, &[feed]).await.map_err(|error| words(&error))?;
    let refused = found.refused.into_iter().find(|(column, _)| column.as_str() == TRIAL);
    Ok(refused.map_or(Gauged::Taken, |(_, why)| Gauged::Refused { why }))
}

/// Posts of the last seven days that match; one question, which X bills.
pub(super) async fn count(api: &Api, rule: &Rule) -> Result<Gauged, String> {
    let query = match rule_text::for_search(rule, api.account().tier) {
        Ok(query) => query,
        Err(why) => return Ok(Gauged::Refused { why }),
    };
    let params = [("query", query.as_str()), ("granularity", "day")];
    let answer = api.get(As::App, PATH, &params).await.map_err(|error| words(&error))?;
    api.charge(Act::Count, vec![api.new_id().to_string()], Vec::new());
    let (mut posts, mut covered) = (0_u64, SignedDuration::ZERO);
    for row in items(answer.get("data")) {
        let number = |name: &str| row.get(name).and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok()));
        let time = |name: &str| row.get(name)?.as_str()?.parse::<Timestamp>().ok();
        posts += number("tweet_count").or_else(|| number("post_count")).unwrap_or(0);
        if let (Some(start), Some(end)) = (time("start"), time("end")) {
            covered = covered.saturating_add(end.duration_since(start));
        }
    }
    // X counts seven days back from now, cut at midnights: the stretches together are what counts.
    let days = u64::try_from((covered.as_hours() + 12) / 24).unwrap_or(0).max(1);
    Ok(Gauged::Counted { posts, days })
}

fn words(error: &CallError) -> String {
    match error {
        CallError::NotSent(why) => format!("X cannot be reached: {why}"),
        CallError::Lost(why) => format!("X did not answer: {why}"),
        CallError::No(problem) => {
            let until = problem.until.map_or_else(String::new, |until| format!("; free again at {until:.0}"));
            format!("X says: {} ({}){until}", problem.words, problem.remedy())
        }
    }
}
