//! What `replydeck check --online` asks a Mastodon server, and what it cannot do. It changes nothing there.

use super::api::{Api, CallError, Urgency};
use super::problem::Class;
use super::subscriptions::{Stream, Wanted};
use super::wire;
use crate::net::{Feed, Finding};

fn failed(what: &str, error: &CallError) -> Finding {
    Finding::fails(format!("{what}: {}", error.words()), error.remedy())
}

pub(super) async fn check(api: &Api, feeds: &[Feed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let facts = match api.facts(Urgency::Rep).await {
        Ok(facts) => facts,
        Err(error) => return vec![failed("the server", &error)],
    };
    let name = facts.domain.clone().unwrap_or_else(|| api.host.clone());
    findings.push(Finding::works(format!(
        "{name} speaks Mastodon's interface (version {}); a post may have {} characters, a link counts {}",
        if facts.version.is_empty() { "not told" } else { &facts.version },
        facts.characters,
        facts.per_link
    )));
    let account = api.account();
    match api.learn_own(Urgency::Rep).await {
        Ok(own) => {
            let is_same = own.handle.eq_ignore_ascii_case(&account.handle)
                || own.handle.split('@').next().is_some_and(|user| user.eq_ignore_ascii_case(&account.handle));
            findings.push(if is_same {
                Finding::works(format!("writing as @{}", own.handle))
            } else {
                Finding::fails(
                    format!("the login writes as @{}, the config says @{}", own.handle, account.handle),
                    "log in as the account of the config, or correct its handle",
                )
            });
        }
        Err(error) => {
            let mut finding = failed(&format!("writing as @{}", account.handle), &error);
            if error.class() == Some(Class::Unauthorised) {
                finding.remedy = Some(log_in_again(api));
            }
            findings.push(finding);
            return findings;
        }
    }
    columns(api, feeds, &mut findings);
    let wanted = Wanted::of(feeds, &facts, api.settings.messages);
    if !wanted.streams.is_empty() {
        match wire::open(api, &[Stream::User].into()).await {
            Ok(wire) if wire.is_socket() => findings.push(Finding::works("listening: the server takes a WebSocket")),
            Ok(_) => findings.push(Finding::mind(
                "listening: the server takes no WebSocket; its events are read instead, a few streams at most",
                "keep the number of hashtags small",
            )),
            Err(error) => findings.push(failed("listening", &error)),
        }
    }
    for (column, why) in &wanted.refused {
        findings.push(Finding::fails(
            format!("column {column}: {why}"),
            "ask the server's administrators, or use an account elsewhere",
        ));
    }
    findings
}

/// Where another login comes from: a token of the config is none that `replydeck auth` renews.
fn log_in_again(api: &Api) -> String {
    let name = api.account().name;
    if api.settings.token.is_some() {
        format!(
            "access_token in the config holds it: put a valid one there (on the server: Preferences, Development), or \
             take access_token away and log in with replydeck auth {name}"
        )
    } else {
        format!("log the account in again: replydeck auth {name}")
    }
}

/// What this network cannot do, where a column asks for it.
fn columns(api: &Api, feeds: &[Feed], findings: &mut Vec<Finding>) {
    let on_words: Vec<&str> =
        feeds.iter().filter(|feed| !feed.rule.hashtags().1).map(|feed| feed.column.as_str()).collect();
    if !on_words.is_empty() {
        findings.push(Finding::mind(
            format!(
                "Mastodon has no stream for words: {} matched here over the public timeline, which holds what this server \
                 hears of and leaves out replies to others (they are seen with a hashtag, or where they mention @{})",
                if on_words.len() == 1 { format!("column {} is", on_words[0]) } else { format!("{} columns are", on_words.len()) },
                api.account().handle
            ),
            "ask customers for a hashtag, and put it into the query: word OR #word",
        ));
    }
    for feed in feeds {
        for problem in feed.rule.local_problems() {
            findings.push(Finding::mind(
                format!("column {}: {} cannot be judged on Mastodon", feed.column, problem.message),
                "leave the operator out, or give this network a column of its own",
            ));
        }
    }
}
