//! X's own count of what was read, asked for now and then and set beside ours.

use serde_json::Value;
use tokio::sync::watch;

use super::api::{Api, As, CallError};
use super::decode::items;
use crate::model::spend::{Usage, billed_day};

const PATH: &str = "/2/usage/tweets";

/// What the answer may hold of days.
const FIELDS: [(&str, &str); 2] =
    [("days", "1"), ("usage.fields", "cap_reset_day,daily_project_usage,project_cap,project_usage")];

/// Asks X; `None` where its answer names no number.
pub(super) async fn ask(api: &Api) -> Result<Option<Usage>, CallError> {
    let asked = api.now();
    let answer = match api.get(As::App, PATH, &FIELDS).await {
        // Not every version of X's description knows the parameters.
        Err(CallError::No(problem)) if problem.status == 400 => api.get(As::App, PATH, &[]).await?,
        other => other?,
    };
    let Some(data) = answer.get("data") else { return Ok(None) };
    let Some(used) = number(data.get("project_usage")) else { return Ok(None) };
    let today = billed_day(asked).to_string();
    let days = items(data.get("daily_project_usage").and_then(|daily| daily.get("usage")));
    let mut of_today =
        days.filter(|day| day.get("date").and_then(Value::as_str).is_some_and(|date| date.starts_with(&today)));
    Ok(Some(Usage {
        asked,
        used,
        cap: number(data.get("project_cap")),
        reset_day: number(data.get("cap_reset_day")).and_then(|day| u8::try_from(day).ok()),
        today: of_today.find_map(|day| number(day.get("usage"))),
    }))
}

/// Hands X's count to the keeper of the money; a note for the connection log where there is none.
pub(super) fn keep(api: &Api, told: Result<Option<Usage>, CallError>) -> Option<String> {
    match told {
        Ok(Some(usage)) => {
            if let Some(meter) = api.meter.get() {
                meter.usage(&api.account().name, usage);
            }
            None
        }
        Ok(None) => Some("X's answer about its own count names no number".to_owned()),
        Err(error) => Some(format!("X did not say what it has counted: {}", error.words())),
    }
}

/// The day's money changed.
pub(super) async fn changed(money: Option<&mut watch::Receiver<u64>>) {
    if let Some(money) = money
        && money.changed().await.is_ok()
    {
        return;
    }
    // Nobody keeps count, or the keeper is gone: nothing changes any more.
    std::future::pending::<()>().await;
}

/// X writes numbers as numbers and as text.
fn number(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
