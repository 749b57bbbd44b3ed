//! X's refusals, in its own shapes and words.

use serde_json::{Value, json};

use super::Answer;
use crate::sim::world::Withheld;

/// The plain kind: `about:blank`.
pub(in crate::sim) fn problem(status: u16, title: &str, detail: &str) -> Answer {
    Answer::json(status, json!({"title": title, "type": "about:blank", "status": status, "detail": detail}))
}

/// A 400 that names the parameter, where there is one.
pub(super) fn invalid(parameter: Option<(&str, &str)>, message: &str) -> Answer {
    let parameters = match parameter {
        Some((name, value)) => json!({name: [value]}),
        None => json!({}),
    };
    Answer::json(
        400,
        json!({
            "errors": [{"parameters": parameters, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.x.com/2/problems/invalid-request",
        }),
    )
}

pub(super) fn unauthorized() -> Answer {
    problem(401, "Unauthorized", "Unauthorized")
}

pub(super) fn forbidden(detail: &str) -> Answer {
    problem(403, "Forbidden", detail)
}

pub(super) fn too_many() -> Answer {
    problem(429, "Too Many Requests", "Too Many Requests")
}

pub(super) fn unsupported_authentication(with: &str, supported: &str) -> Answer {
    Answer::json(
        403,
        json!({
            "title": "Unsupported Authentication",
            "detail": format!(
                "Authenticating with {with} is forbidden for this endpoint.  Supported authentication types are [{supported}]."
            ),
            "type": "https://api.x.com/2/problems/unsupported-authentication",
            "status": 403,
        }),
    )
}

/// What only a contract plan may do.
pub(super) fn client_forbidden() -> Answer {
    Answer::json(
        403,
        json!({
            "title": "Client Forbidden",
            "type": "https://api.x.com/2/problems/client-forbidden",
            "status": 403,
            "reason": "client-not-enrolled",
            "registration_url": "https://developer.x.com/en/docs/projects/overview",
            "detail": "This endpoint is available to Enterprise clients only.",
        }),
    )
}

/// A part of a 200: something asked for is not there.
pub(super) fn not_found(kind: &str, parameter: &str, value: &str) -> Value {
    json!({
        "resource_id": value,
        "resource_type": kind,
        "parameter": parameter,
        "value": value,
        "title": "Not Found Error",
        "detail": format!("Could not find {kind} with {parameter}: [{value}]."),
        "type": "https://api.x.com/2/problems/resource-not-found",
    })
}

/// A part of a 200: it is there, and not for us.
pub(super) fn withheld(why: Withheld, parameter: &str, value: &str) -> Value {
    let (title, detail, kind) = match why {
        Withheld::Protected => (
            "Authorization Error",
            format!("Sorry, you are not authorized to see the Tweet with {parameter}: [{value}]."),
            "not-authorized-for-resource",
        ),
        Withheld::Suspended => (
            "Not Found Error",
            format!("User of the Tweet with {parameter}: [{value}] has been suspended."),
            "resource-not-found",
        ),
    };
    json!({
        "resource_id": value,
        "resource_type": "tweet",
        "parameter": parameter,
        "value": value,
        "title": title,
        "detail": detail,
        "type": format!("https://api.x.com/2/problems/{kind}"),
    })
}

pub(super) fn usage_capped() -> Answer {
    Answer::json(
        429,
        json!({
            "account_id": "1500000000000000001",
            "product_name": "pay-per-use",
            "title": "UsageCapExceeded",
            "period": "Monthly",
            "scope": "Product",
            "detail": "Usage cap exceeded: Monthly product cap",
            "type": "https://api.x.com/2/problems/usage-capped",
        }),
    )
}

/// X's own body for a status a fault asks for.
pub(in crate::sim) fn usual(status: u16) -> Answer {
    match status {
        401 => unauthorized(),
        402 => Answer::json(
            402,
            json!({
                "title": "CreditsDepleted",
                "detail": "Your enrolled account does not have any credits to fulfill this request.",
                "type": "https://api.x.com/2/problems/credits",
            }),
        ),
        403 => forbidden("Forbidden"),
        404 => problem(404, "Not Found", "Not Found"),
        429 => too_many(),
        500 => problem(500, "Internal Server Error", "Internal Server Error"),
        502 => problem(502, "Bad Gateway", "Bad Gateway"),
        503 => problem(503, "Service Unavailable", "Service Unavailable"),
        504 => problem(504, "Gateway Timeout", "Gateway Timeout"),
        other => problem(other, "Error", "Error"),
    }
}
