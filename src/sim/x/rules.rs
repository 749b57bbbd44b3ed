//! The stream's rules: add, delete, list, count. Rules belong to the app, whoever made them.

use serde_json::{Map, Value, json};

use super::super::state::State;
use super::{Answer, Call, problem};
use crate::rules::Rule;

/// What a pay-per-use app may have.
const MOST_RULES: usize = 1_000;
const LONGEST_RULE: usize = 1_024;

/// One rule in force.
#[derive(Clone, Debug)]
pub(in crate::sim) struct AppRule {
    pub(super) id: u64,
    value: String,
    pub(super) tag: Option<String>,
    pub(super) rule: Rule,
}

impl AppRule {
    fn as_json(&self) -> Value {
        let mut row = Map::new();
        row.insert("id".to_owned(), json!(self.id.to_string()));
        row.insert("value".to_owned(), json!(self.value));
        if let Some(tag) = &self.tag {
            row.insert("tag".to_owned(), json!(tag));
        }
        Value::Object(row)
    }
}

pub(super) fn list(state: &State, call: &Call) -> Result<Answer, Answer> {
    let ids: Option<Vec<&str>> = call.param("ids").map(|ids| ids.split(',').collect());
    let most = match call.param("max_results") {
        None => MOST_RULES,
        Some(text) => match text.parse() {
            Ok(most) if (1..=MOST_RULES).contains(&most) => most,
            _ => {
                let message = format!("The `max_results` query parameter value [{text}] is not between 1 and 1000");
                return Err(problem::invalid(Some(("max_results", text)), &message));
            }
        },
    };
    let after: u64 = match call.param("pagination_token") {
        None => 0,
        Some(token) => token.strip_prefix("rules").and_then(|id| id.parse().ok()).ok_or_else(|| {
            problem::invalid(Some(("pagination_token", token)), "The `pagination_token` is not a valid token")
        })?,
    };
    let wanted: Vec<&AppRule> = state
        .x
        .rules
        .iter()
        .filter(|rule| rule.id > after)
        .filter(|rule| ids.as_ref().is_none_or(|ids| ids.contains(&rule.id.to_string().as_str())))
        .collect();
    let page = &wanted[..wanted.len().min(most)];
    let mut meta = json!({"sent": call.now.to_string(), "result_count": page.len()});
    if let Some(last) = page.last().filter(|_| wanted.len() > most) {
        meta["next_token"] = json!(format!("rules{}", last.id));
    }
    let mut body = json!({"meta": meta});
    // With no rule at all X leaves `data` out.
    if !page.is_empty() {
        body["data"] = page.iter().map(|rule| rule.as_json()).collect();
    }
    Ok(Answer::json(200, body))
}

pub(super) fn counts(state: &State) -> Answer {
    let count = state.x.rules.len();
    Answer::json(
        200,
        json!({"data": {
            "cap_per_client_app": MOST_RULES.to_string(),
            "cap_per_project": MOST_RULES.to_string(),
            "client_app_rules_count": {"client_app_id": "30804110", "rule_count": count},
            "project_rules_count": count.to_string(),
        }}),
    )
}

pub(super) fn change(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let dry_run = call.param("dry_run") == Some("true");
    let body = super::json_body(call)?;
    if let Some(unknown) = body.keys().find(|key| !matches!(key.as_str(), "add" | "delete")) {
        return Err(problem::invalid(None, &format!("$.{unknown}: is not defined in the schema")));
    }
    match (body.get("add"), body.get("delete")) {
        (Some(Value::Array(add)), None) if !add.is_empty() => add_rules(state, call, add, dry_run),
        (None, Some(Value::Object(delete))) => delete_rules(state, call, delete, dry_run),
        _ => Err(problem::invalid(None, "Exactly one of `add` and `delete` must be given")),
    }
}

fn add_rules(state: &mut State, call: &Call, add: &[Value], dry_run: bool) -> Result<Answer, Answer> {
    let mut asked = Vec::new();
    for row in add {
        let tag = row.get("tag").map(|tag| tag.as_str().map(str::to_owned));
        match (row.get("value").and_then(Value::as_str), tag) {
            (Some(value), None) => asked.push((value, None)),
            (Some(value), Some(Some(tag))) => asked.push((value, Some(tag))),
            _ => return Err(problem::invalid(None, "$.add: every rule needs a string `value`, and `tag` is a string")),
        }
    }
    let mut made: Vec<AppRule> = Vec::new();
    let mut errors = Vec::new();
    let mut invalid = 0;
    for (value, tag) in asked {
        let known = state.x.rules.iter().chain(&made).find(|rule| rule.value == value.trim());
        if let Some(known) = known {
            errors.push(json!({
                "value": value,
                "id": known.id.to_string(),
                "title": "DuplicateRule",
                "type": "https://api.twitter.com/2/problems/duplicate-rules",
            }));
            continue;
        }
        let rule = match read(value) {
            Ok(rule) => rule,
            Err(details) => {
                invalid += 1;
                errors.push(json!({
                    "value": value,
                    "details": details,
                    "title": "UnprocessableEntity",
                    "type": "https://api.twitter.com/2/problems/invalid-rules",
                }));
                continue;
            }
        };
        if state.x.rules.len() + made.len() >= MOST_RULES {
            errors.push(json!({
                "value": value,
                "title": "RulesCapExceeded",
                "detail": format!("Rule cap of {MOST_RULES} rules exceeded."),
                "type": "https://api.twitter.com/2/problems/rule-cap",
            }));
            continue;
        }
        let id = state.world.next_id(call.now);
        made.push(AppRule { id, value: value.trim().to_owned(), tag, rule });
    }
    let created = made.len();
    let mut body = json!({"meta": {
        "sent": call.now.to_string(),
        "summary": {
            "created": created,
            "not_created": errors.len(),
            "valid": add.len() - invalid,
            "invalid": invalid,
        },
    }});
    if created > 0 {
        body["data"] = made.iter().map(AppRule::as_json).collect();
    }
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    if !dry_run {
        state.x.rules.extend(made);
    }
    let status = if created > 0 { 201 } else { 200 };
    Ok(Answer::json(status, body))
}

/// Reads a rule as X does; the details of why it cannot be one.
fn read(value: &str) -> Result<Rule, Vec<String>> {
    let length = value.chars().count();
    if length > LONGEST_RULE {
        return Err(vec![format!(
            "Rules must be between 1 and {LONGEST_RULE} characters long, this one has {length} characters."
        )]);
    }
    super::query::read(value)
}

/// Whether a rule is the one that is named.
type Means = fn(&AppRule, &str) -> bool;

fn delete_rules(state: &mut State, call: &Call, delete: &Map<String, Value>, dry_run: bool) -> Result<Answer, Answer> {
    let strings = |key: &str| -> Option<Vec<String>> {
        delete.get(key)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let (named, is_meant): (Vec<String>, Means) = match (strings("ids"), strings("values")) {
        (Some(ids), None) => (ids, |rule, id| rule.id.to_string() == id),
        (None, Some(values)) => (values, |rule, value| rule.value == value.trim()),
        _ => return Err(problem::invalid(None, "$.delete: needs `ids` or `values`, a list of strings")),
    };
    let (found, missing): (Vec<&String>, Vec<&String>) =
        named.iter().partition(|name| state.x.rules.iter().any(|rule| is_meant(rule, name)));
    let errors: Vec<Value> = missing
        .iter()
        .map(|name| {
            json!({
                "errors": [{"message": "Rule does not exist", "parameters": {}}],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": "https://api.x.com/2/problems/invalid-request",
                "value": name,
            })
        })
        .collect();
    let summary = json!({"deleted": found.len(), "not_deleted": missing.len()});
    let mut body = json!({"meta": {"sent": call.now.to_string(), "summary": summary}});
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    if !dry_run {
        state.x.rules.retain(|rule| !named.iter().any(|name| is_meant(rule, name)));
    }
    Ok(Answer::json(200, body))
}
