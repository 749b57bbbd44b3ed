//! What a query asks for in vain on a network that gets no rules, where it is matched on this machine.

use super::Config;
use super::check::{Line, Outcome, Part, words};
use crate::app::ColumnSetup;
use crate::model::NetworkKind;
use crate::rules::QueryError;

/// What the query asks that nobody can judge on a network where queries are matched here.
pub(super) fn not_judged(column: &ColumnSetup, network: NetworkKind) -> Vec<Line> {
    let name = &column.name;
    let problems = column.rule.local_problems();
    let is_shared = column.sources.len() > 1;
    let remedy = if is_shared {
        format!("take it out, or give {network} a column of its own without it")
    } else {
        "take it out".to_owned()
    };
    if !column.rule.can_match_here() {
        let what = format!("{name}: hears nothing on {network}: {}", words(problems));
        return vec![Line::new(Part::Column, Outcome::Fails, what).remedy(remedy)];
    }
    let line = |problem: &QueryError| {
        let what = format!("{name}: on {network} {}; a post matches there only by the rest", problem.message);
        Line::new(Part::Column, Outcome::Mind, what).remedy(remedy.clone())
    };
    problems.iter().map(line).collect()
}

/// Whom the query names by a handle that the network knows nobody by. Ourselves may be left out by any name: what we
/// write fills no column.
pub(super) fn nobody_there(config: &Config, column: &ColumnSetup, network: NetworkKind) -> Option<Line> {
    let (wanted, left_out) = column.rule.handles_by_will();
    let is_ours = |handle: &str| config.accounts.iter().any(|us| us.handle.eq_ignore_ascii_case(handle));
    let left_out = left_out.into_iter().filter(|handle| !is_ours(handle)).collect();
    let mut nobody = Vec::new();
    for handles in [wanted, left_out] {
        // Where one of them is right for the network, the others are there for the other networks.
        let (known, unknown): (Vec<String>, Vec<String>) =
            handles.into_iter().partition(|name| is_handle_of(network, name));
        if known.is_empty() {
            nobody.extend(unknown.into_iter().map(|name| format!("@{name}")));
        }
    }
    nobody.sort_unstable();
    nobody.dedup();
    if nobody.is_empty() {
        return None;
    }
    let names = nobody.join(", ");
    let is = if nobody.len() == 1 { "is" } else { "are" };
    let what = match network {
        NetworkKind::X | NetworkKind::Bluesky => {
            let like = if network == NetworkKind::X { "ExampleHelp" } else { "example.bsky.social" };
            format!("{names} {is} no handle of {network}, where they look like {like}: nobody there is meant by it")
        }
        NetworkKind::Mastodon => format!(
            "{names} {is} no whole handle of Mastodon, where they look like help@example.social: from: and to: mean \
             nobody by it, a mention anybody of that name"
        ),
    };
    let what = format!("{}: {what}", column.name);
    let on_x = column.on(NetworkKind::X).is_some();
    // X refuses other networks' handles, so there is no one query for both.
    let remedy = if column.sources.len() == 1 {
        format!("write the handle as {network} does")
    } else if on_x {
        format!("give {network} a column of its own, with the handle it has there")
    } else {
        format!("add the handle on {network} beside it, with OR")
    };
    Some(Line::new(Part::Column, Outcome::Mind, what).remedy(remedy))
}

/// Whether the network may know somebody by what a query calls them.
fn is_handle_of(network: NetworkKind, name: &str) -> bool {
    match network {
        NetworkKind::X => !name.contains(['.', '@', ':']),
        NetworkKind::Bluesky => name.starts_with("did:") || (name.contains('.') && !name.contains('@')),
        // Without its server a name is that of anybody.
        NetworkKind::Mastodon => name.contains('@'),
    }
}
