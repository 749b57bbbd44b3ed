//! What `replydeck check --online` asks Bluesky. It changes nothing there, but logs in anew: a login kept from before says
//! nothing of the password.

use futures_util::StreamExt as _;
use reqwest::header::HeaderMap;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::jetstream::{Dialect, What};
use super::problem::Class;
use super::profiles;
use super::sift::Sift;
use super::xrpc::{Api, Ask, CallError, Place};
use crate::net::{Feed, Finding, socket};

pub(super) async fn check(api: &Api, feeds: &[Feed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    login(api, &mut findings).await;
    directory(api, feeds, &mut findings).await;
    for place in &api.jetstreams {
        stream(api, place, &mut findings).await;
    }
    if !feeds.is_empty() {
        findings.push(Finding::works(
            "Jetstream knows no words: every post of the network is read and matched here, free of charge",
        ));
    }
    findings
}

/// Who writes, and whether direct messages are allowed.
async fn login(api: &Api, findings: &mut Vec<Finding>) {
    let account = api.account();
    if !api.can_write() {
        findings.push(Finding::mind(
            format!("@{} has no app password: it only listens", account.handle),
            "make one at bsky.app (Settings, App passwords) and put it into the config",
        ));
        return;
    }
    let session = match api.try_password().await {
        Ok(session) => session,
        Err(error) => {
            findings.push(not_logged_in(api, &error).await);
            return;
        }
    };
    if let Err(error) = api.as_us(&Ask::get("com.atproto.server.getSession", &[], api.pace.answer_within)).await {
        findings.push(Finding::fails(format!("writing as @{}: {}", account.handle, error.words()), error.remedy()));
        return;
    }
    if session.handle.eq_ignore_ascii_case(&account.handle) || account.handle == session.did {
        findings.push(Finding::works(format!("writing as @{}, {}", session.handle, session.did)));
    } else {
        findings.push(Finding::mind(
            format!("the login is that of @{}, the config says @{}", session.handle, account.handle),
            "correct the handle in the config, unless the account was renamed a moment ago",
        ));
    }
    let ask = Ask::get("chat.bsky.convo.listConvos", &[("limit", "1")], api.pace.answer_within).through(&api.chat);
    match api.as_us(&ask).await {
        Ok(_) => findings.push(Finding::works("direct messages: the app password allows them")),
        Err(error) if error.class() == Some(Class::NotPrivileged) => findings.push(Finding::mind(
            "direct messages: the app password does not allow them",
            "make an app password that allows direct messages, if you want to send and see them here",
        )),
        Err(error) => findings.push(Finding::mind(format!("direct messages: {}", error.words()), error.remedy())),
    }
}

/// Why the password was not taken. Bluesky says the same of a wrong password and of a handle that nobody has, so the
/// directory is asked for the handle.
async fn not_logged_in(api: &Api, error: &CallError) -> Finding {
    let handle = api.account().handle;
    let mut what = format!("logging in as @{handle}: {}", error.words());
    // An error without a class was none of the network's: nobody looked at the password.
    if error.class().is_none() {
        return Finding::fails(what, error.remedy());
    }
    if error.class() == Some(Class::LoggedOut)
        && let Ok(found) = profiles::ask(api, std::slice::from_ref(&handle), api.pace.answer_within).await
        && !found.iter().any(|profile| profile.handle.eq_ignore_ascii_case(&handle))
    {
        what = format!("{what}; nobody is called @{handle} on Bluesky");
        return Finding::fails(what, "correct the handle in the config; if it is right, try again in a moment");
    }
    let ask = Ask::get("com.atproto.server.getSession", &[], api.pace.answer_within);
    if api.as_us(&ask).await.is_ok() {
        what = format!("{what}; the login kept from before still works, until it ends");
    }
    Finding::fails(what, error.remedy())
}

/// The public directory, and whom the columns ask for.
async fn directory(api: &Api, feeds: &[Feed], findings: &mut Vec<Finding>) {
    let mut asked = Sift::handles(feeds);
    asked.insert(api.account().handle.to_ascii_lowercase());
    let asked: Vec<String> = asked.into_iter().collect();
    match profiles::ask(api, &asked, api.pace.answer_within).await {
        Ok(found) => {
            findings.push(Finding::works("profiles: the public directory answers"));
            for feed in feeds {
                for handle in feed.rule.handles().iter().filter(|handle| handle.contains('.')) {
                    let is_there = handle.starts_with("did:")
                        || found.iter().any(|profile| profile.handle.eq_ignore_ascii_case(handle));
                    if !is_there {
                        findings.push(Finding::fails(
                            format!("column {}: nobody is called @{handle} on Bluesky", feed.column),
                            "correct the column's query",
                        ));
                    }
                }
            }
        }
        Err(error) => findings.push(Finding::fails(format!("profiles: {}", error.words()), error.remedy())),
    }
}

/// Whether a server of the stream speaks to us.
async fn stream(api: &Api, place: &Place, findings: &mut Vec<Finding>) {
    let host = place.host();
    let decoder = Dialect::of(&place.url).decoder();
    let address = decoder.address(&place.url, None, false);
    let opened =
        socket::open(&place.client, &address, HeaderMap::new(), 32 * 1024 * 1024, api.pace.answer_within).await;
    let mut socket = match opened {
        Ok(socket) => socket,
        Err(error) => {
            findings.push(Finding::fails(
                format!("stream at {host}: {error}"),
                "check jetstreams in the config and the network",
            ));
            return;
        }
    };
    let heard = timeout(api.pace.look_within, async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                return Some(decoder.frame(text.as_bytes()));
            }
        }
        None
    });
    findings.push(match heard.await {
        Ok(Some(frame)) if !matches!(frame.what, What::Malformed { .. }) => {
            Finding::works(format!("stream at {host}: it is heard"))
        }
        Ok(Some(_)) => {
            Finding::fails(format!("stream at {host}: it says what nobody understands"), "check the address")
        }
        Ok(None) => {
            Finding::fails(format!("stream at {host}: it hung up at once"), "try again, or take another server")
        }
        Err(_) => Finding::mind(
            format!("stream at {host}: it is open, and nothing was said for {} s", api.pace.look_within.as_secs()),
            "on the whole network somebody writes all the time; a server of one's own may be quiet",
        ),
    });
}
