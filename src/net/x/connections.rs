//! The connections X holds open for the app: named, and closed only where somebody asked for it.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, As, CallError};
use super::decode::{bounded, items, text_of};
use crate::net::{Connection, Missing};

pub(super) async fn list(api: &Api) -> Result<Vec<Connection>, Missing> {
    let answer = api.get(As::App, "/2/connections", &[]).await.map_err(|error| missing(&error))?;
    Ok(items(answer.get("data")).filter_map(read).collect())
}

fn read(row: &Value) -> Option<Connection> {
    let id = bounded(text_of(row, "id"));
    (!id.is_empty()).then(|| Connection {
        id,
        what: bounded(text_of(row, "endpoint_name")),
        since: text_of(row, "connected_at").parse::<Timestamp>().ok(),
        from: bounded(text_of(row, "client_ip")),
    })
}

pub(super) async fn close(api: &Api, connections: &[Connection]) -> Result<usize, Missing> {
    let ids: Vec<&str> = connections.iter().map(|connection| connection.id.as_str()).collect();
    let body = json!({"uuids": ids});
    let answer = api.change(Method::DELETE, As::App, "/2/connections", &body).await.map_err(|error| missing(&error))?;
    let killed = answer.get("data").and_then(|data| data.get("successful_kills")).and_then(Value::as_u64);
    Ok(killed.and_then(|killed| usize::try_from(killed).ok()).unwrap_or_default())
}

/// `1 open: filtered_stream since 2026-01-15T10:00:00Z from 192.0.2.7`
pub(super) fn words(open: &[Connection]) -> String {
    let one = |connection: &Connection| {
        let since = connection.since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
        let from = if connection.from.is_empty() { String::new() } else { format!(" from {}", connection.from) };
        format!("{}{since}{from}", connection.what)
    };
    format!("{} open: {}", open.len(), open.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn missing(error: &CallError) -> Missing {
    Missing { why: error.words().to_owned(), until: None }
}
