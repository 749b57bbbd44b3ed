//! The app's open connections and its use of the plan.

use serde_json::{Value, json};

use super::super::state::State;
use super::stream::Connection;
use super::{Answer, Call, problem};

pub(super) fn list(state: &mut State) -> Answer {
    state.x.streams.retain(Connection::is_open);
    let rows: Vec<Value> = state
        .x
        .streams
        .iter()
        .map(|connection| {
            json!({
                "id": connection.id,
                "endpoint_name": connection.line.endpoint(),
                "connected_at": format!("{:.3}", connection.connected_at),
                "client_ip": "127.0.0.1",
            })
        })
        .collect();
    let mut body = json!({"meta": {"result_count": rows.len()}});
    if !rows.is_empty() {
        body["data"] = Value::Array(rows);
    }
    Answer::json(200, body)
}

/// Ends all connections, those of one endpoint, or those named in the body.
pub(super) fn end(state: &mut State, which: &str, call: &Call) -> Result<Answer, Answer> {
    state.x.streams.retain(Connection::is_open);
    let named: Option<Vec<String>> = if which.is_empty() {
        let body = super::json_body(call)?;
        let ids = body.get("uuids").and_then(Value::as_array).cloned().unwrap_or_default();
        let ids: Vec<String> = ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if ids.is_empty() {
            return Err(problem::invalid(None, "$.uuids: must be a list of connection ids"));
        }
        Some(ids)
    } else if matches!(which, "all" | "filtered_stream" | "activity_stream") {
        None
    } else {
        return Err(problem::invalid(Some(("endpoint_id", which)), "The `endpoint_id` is not known"));
    };
    let before = state.x.streams.len();
    let (gone, stay): (Vec<Connection>, Vec<Connection>) =
        std::mem::take(&mut state.x.streams).into_iter().partition(|connection| match &named {
            Some(ids) => ids.contains(&connection.id),
            None => which == "all" || which == connection.line.endpoint(),
        });
    state.x.streams = stay;
    let failed = named.map_or(0, |ids| ids.len() - gone.len().min(ids.len()));
    let results: Vec<Value> = gone.iter().map(|connection| json!({"uuid": connection.id, "success": true})).collect();
    let killed = before - state.x.streams.len();
    Ok(Answer::json(200, json!({"data": {"successful_kills": killed, "failed_kills": failed, "results": results}})))
}

/// What the plan has used up; the days only where they are asked for.
pub(super) fn usage(state: &State, call: &Call) -> Answer {
    let project = "1500000000000000001";
    let mut data = json!({
        "project_id": project,
        "project_usage": state.x.reads.to_string(),
        "project_cap": state.x.post_cap.to_string(),
        "cap_reset_day": 1,
    });
    let fields = call.param("usage.fields").unwrap_or_default();
    if fields.split(',').any(|field| field == "daily_project_usage") {
        let day = call.now.strftime("%Y-%m-%dT00:00:00.000Z").to_string();
        let today = state.x.bill.read_on(call.now);
        data["daily_project_usage"] = json!({"project_id": project, "usage": [{"date": day, "usage": today}]});
    }
    Answer::json(200, json!({"data": data}))
}
