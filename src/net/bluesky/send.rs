//! Publishes a reply under a key of its own: sent twice it is one post, and whether it is there is one question.

use std::time::Duration;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::asking;
use super::facets::{self, Feature};
use super::jetstream::POSTS;
use super::problem::{Class, Problem};
use super::record::{Refs, bounded, did_of, lang, text_of, uri_of};
use super::tid;
use super::xrpc::{Api, Ask, CallError};
use crate::model::words::are_same_words;
use crate::model::{NetworkKind, PostId, clean};
use crate::net::{Outgoing, ReadBack, SendError};

/// Bluesky's limits for a text, in graphemes and bytes.
const MOST_GRAPHEMES: usize = 300;
const MOST_BYTES: usize = 3_000;
/// So many handles of one text are looked up.
const MOST_MENTIONS: usize = 10;

/// One attempt: at most one request that writes leaves.
pub(super) async fn send(api: &Api, outgoing: &Outgoing) -> Result<PostId, SendError> {
    if let Some(refusal) = no_way(api) {
        return Err(refusal);
    }
    too_long(&outgoing.text)?;
    let session = match api.session().await {
        Ok(session) => session,
        Err(error) => return Err(not_begun(&error)),
    };
    let key = tid::key(outgoing.reply);
    let parent = match parent(api, outgoing).await {
        // An attempt before may have been taken while there was nothing in the way.
        Err(refusal @ SendError::Refused { .. }) => {
            return match look(api, &session.did, &key, &outgoing.text).await {
                ReadBack::Published(post) => Ok(post),
                ReadBack::Absent => Err(refusal),
                // It may stand there all the same.
                ReadBack::Unknown { why } => Err(SendError::Unknown { why }),
            };
        }
        other => other?,
    };
    let record = record(api, outgoing, &parent).await;
    // `swapRecord: null`: nothing may stand under this key. The same words under it are written once all the same.
    let body = json!({"repo": session.did, "collection": POSTS, "rkey": key, "swapRecord": null, "record": record});
    let ask = Ask::post("com.atproto.repo.putRecord", &body, api.pace.send_within);
    let uri = format!("at://{}/{POSTS}/{key}", session.did);
    match api.write(&ask).await {
        Ok(answer) => match uri_of(text_of(&answer, "uri")) {
            Some(uri) => Ok(PostId::new(NetworkKind::Bluesky, &uri)),
            None => Err(SendError::Unknown { why: "Bluesky took it but did not say under which address".into() }),
        },
        Err(CallError::NotSent(why)) => Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => Err(SendError::Unknown { why }),
        // Something stands under the key: our own words from an attempt before, told in other facets.
        Err(CallError::No(problem)) if problem.class == Class::Swapped => {
            match look(api, &session.did, &key, &outgoing.text).await {
                ReadBack::Published(_) => Ok(PostId::new(NetworkKind::Bluesky, &uri)),
                ReadBack::Absent | ReadBack::Unknown { .. } => Err(refused(api, &problem)),
            }
        }
        Err(CallError::No(problem)) => Err(refused(api, &problem)),
    }
}

/// Why nothing can be sent at all.
fn no_way(api: &Api) -> Option<SendError> {
    if !api.can_write() {
        return Some(SendError::Refused {
            why: format!("there is no app password for writing as @{}", api.account().handle),
            remedy: "make one at bsky.app (Settings, App passwords) and put it into the config".into(),
            may_retry: true,
        });
    }
    let until = api.not_before()?;
    Some(SendError::Limited { why: "Bluesky's limit for writing is used up".into(), until })
}

fn too_long(text: &str) -> Result<(), SendError> {
    let (graphemes, bytes) = (text.graphemes(true).count(), text.len());
    let why = if graphemes > MOST_GRAPHEMES {
        format!("the text is {graphemes} characters long; Bluesky takes {MOST_GRAPHEMES}")
    } else if bytes > MOST_BYTES {
        format!("the text is {bytes} bytes long; Bluesky takes {MOST_BYTES}, whatever the characters count")
    } else {
        return Ok(());
    };
    Err(SendError::Refused { why, remedy: "shorten it".into(), may_retry: false })
}

/// What the reply has to name. The network is asked whether the conversation is open to us, where it answers soon; it
/// would take a reply to a closed one and show it to nobody.
async fn parent(api: &Api, outgoing: &Outgoing) -> Result<Refs, SendError> {
    let known = api
        .remembered
        .lock()
        .expect("nothing panics while remembering")
        .refs(&outgoing.to)
        .cloned()
        .filter(|refs| !refs.cid.is_empty());
    let within = if known.is_some() { api.pace.look_within } else { api.pace.answer_within };
    let shown = asking::one(api, &outgoing.to, true, within).await;
    if let Ok(Some(view)) = &shown
        && let Some(why) = asking::closed(view)
    {
        return Err(hidden(why));
    }
    let answer = match (shown, known) {
        (Ok(Some(view)), known) => known.unwrap_or_else(|| refs_of(&view)),
        (Ok(None), known) => unshown(api, &outgoing.to, known, within).await?,
        (Err(error), Some(known)) => {
            note_unasked(api, &error);
            known
        }
        (Err(error), None) => unheard(api, &outgoing.to, error).await?,
    };
    Ok(Refs {
        // The newest version is what is answered.
        cid: outgoing.to_version.clone().filter(|version| !version.is_empty()).unwrap_or(answer.cid),
        root: answer.root,
        lang: answer.lang,
    })
}

/// What a reply has to name, of a post that is not shown to us. Shown to everybody but us it is kept from us; shown to
/// nobody it is gone, or was written a moment ago.
async fn unshown(api: &Api, post: &PostId, known: Option<Refs>, within: Duration) -> Result<Refs, SendError> {
    let (public, known) = match (asking::one(api, post, false, within).await, known) {
        (Ok(Some(public)), known) => (public, known),
        (Ok(None), Some(known)) => return Ok(known),
        (Ok(None), None) => {
            return Err(SendError::Refused {
                why: "Bluesky does not show the post any more".into(),
                remedy: "it was deleted, or its author blocks this account".into(),
                may_retry: false,
            });
        }
        (Err(error), Some(known)) => {
            note_unasked(api, &error);
            return Ok(known);
        }
        (Err(error), None) => return Err(not_found(api, error)),
    };
    // A very young post may be shown to everybody a moment before it is shown to us.
    match asking::one(api, post, true, within).await {
        Ok(Some(view)) => match asking::closed(&view) {
            Some(why) => Err(hidden(why)),
            None => Ok(known.unwrap_or_else(|| refs_of(&view))),
        },
        Ok(None) => Err(hidden(asking::blocked(&public))),
        Err(error) => {
            note_unasked(api, &error);
            Ok(known.unwrap_or_else(|| refs_of(&public)))
        }
    }
}

fn note_unasked(api: &Api, error: &CallError) {
    let why = error.words();
    api.leave_note(format!("a reply goes out without knowing whether its conversation is open to us: {why}"));
}

/// A reply that would be taken and not shown.
fn hidden(why: String) -> SendError {
    let remedy = "ask by direct message, or quote their post on Bluesky's own page".to_owned();
    SendError::Refused { why, remedy, may_retry: false }
}

/// What a reply has to name, of a post that was not heard and that our own server does not show for the moment: the
/// public directory may, and where that is down too, its author's server does.
async fn unheard(api: &Api, post: &PostId, error: CallError) -> Result<Refs, SendError> {
    let error = if matches!(error.class(), Some(Class::RateLimited)) {
        error
    } else {
        match asking::one(api, post, false, api.pace.answer_within).await {
            Ok(Some(view)) => return Ok(refs_of(&view)),
            Ok(None) => error,
            Err(error) => error,
        }
    };
    match record_of(api, post.native()).await {
        Some(refs) => Ok(refs),
        None => Err(not_found(api, error)),
    }
}

/// What the record itself says, by our own server.
async fn record_of(api: &Api, uri: &str) -> Option<Refs> {
    let uri = uri_of(uri)?;
    let mut parts = uri.trim_start_matches("at://").split('/');
    let query = [("repo", parts.next()?), ("collection", parts.next()?), ("rkey", parts.next()?)];
    let ask = Ask::get("com.atproto.repo.getRecord", &query, api.pace.look_within);
    let answer = api.as_us(&ask).await.ok()?;
    let refs = refs_of(&json!({"cid": answer.get("cid"), "record": answer.get("value")}));
    (!refs.cid.is_empty()).then_some(refs)
}

/// Why the post to answer is not known.
fn not_found(api: &Api, error: CallError) -> SendError {
    let why = format!("the post to answer could not be looked up: {}", error.words());
    match error {
        CallError::No(problem) if problem.class == Class::RateLimited => {
            SendError::Limited { why, until: problem.until.unwrap_or_else(|| api.now()) }
        }
        CallError::No(problem) if problem.class != Class::ServerTrouble => {
            SendError::Refused { why, remedy: problem.remedy().to_owned(), may_retry: true }
        }
        _ => SendError::NotSent { why },
    }
}

fn refs_of(post: &Value) -> Refs {
    let root = post.get("record").and_then(|record| record.get("reply")).and_then(|reply| reply.get("root"));
    let root = root.and_then(|root| Some((uri_of(text_of(root, "uri"))?, bounded(text_of(root, "cid")))));
    Refs { cid: bounded(text_of(post, "cid")), root, lang: post.get("record").and_then(lang) }
}

async fn record(api: &Api, outgoing: &Outgoing, parent: &Refs) -> Value {
    let (uri, cid) = (outgoing.to.native(), parent.cid.as_str());
    let (root_uri, root_cid) = parent.root.as_ref().map_or((uri, cid), |(uri, cid)| (uri.as_str(), cid.as_str()));
    let parts = facets::parts(&outgoing.text);
    let mut dids = Vec::new();
    for part in &parts {
        if let Feature::Mention(handle) = &part.what
            && dids.len() < MOST_MENTIONS
        {
            dids.push((handle.clone(), resolve(api, handle).await));
        }
    }
    let facets = facets::facets(&parts, |handle| {
        dids.iter().find(|(known, _)| known == handle).and_then(|(_, did)| did.clone())
    });
    let mut record = json!({
        "$type": POSTS,
        "text": outgoing.text,
        "createdAt": format!("{:.3}", tid::written(outgoing.reply)),
        "reply": {"root": {"uri": root_uri, "cid": root_cid}, "parent": {"uri": uri, "cid": cid}},
    });
    // The rep answers in the customer's language as far as anybody can tell; who wrote without one gets none.
    if let Some(lang) = &parent.lang {
        record["langs"] = json!([lang]);
    }
    if !facets.is_empty() {
        record["facets"] = Value::Array(facets);
    }
    record
}

/// Whose a handle is; nobody's where the network does not say in time. The words stay as they are.
async fn resolve(api: &Api, handle: &str) -> Option<String> {
    let query = [("handle", handle)];
    let ask = Ask::get("com.atproto.identity.resolveHandle", &query, api.pace.look_within);
    match api.public(&ask).await {
        Ok(answer) => did_of(text_of(&answer, "did")),
        Err(error) => {
            tracing::info!(handle, why = error.words(), "a mention stays plain text");
            None
        }
    }
}

/// Why a send ended before anything left.
pub(super) fn not_begun(error: &CallError) -> SendError {
    match error {
        CallError::NotSent(why) | CallError::Lost(why) => SendError::NotSent { why: format!("not logged in: {why}") },
        CallError::No(problem) if problem.class == Class::RateLimited && problem.until.is_some() => {
            SendError::Limited { why: problem.words.clone(), until: problem.until.unwrap_or_default() }
        }
        CallError::No(problem) if problem.class == Class::ServerTrouble => {
            SendError::NotSent { why: format!("not logged in: {}", problem.words) }
        }
        CallError::No(problem) => SendError::Refused {
            why: format!("not logged in: {}", problem.words),
            remedy: problem.remedy().to_owned(),
            may_retry: true,
        },
    }
}

pub(super) fn refused(api: &Api, problem: &Problem) -> SendError {
    let why = problem.words.clone();
    let may_retry = match problem.class {
        Class::RateLimited => {
            let until = api.not_before().or(problem.until).unwrap_or_else(|| api.now());
            return SendError::Limited { why, until };
        }
        // It may have been written before the trouble began.
        Class::ServerTrouble => return SendError::Unknown { why },
        Class::Gone | Class::Swapped | Class::Invalid | Class::TheirSettings | Class::Blocked => false,
        Class::Expired
        | Class::LoggedOut
        | Class::NeedsCode
        | Class::NotPrivileged
        | Class::TakenDown
        | Class::Redirected
        | Class::Unknown => true,
    };
    SendError::Refused { why, remedy: problem.remedy().to_owned(), may_retry }
}

/// Whether the record of this reply is there. That it is not proves enough: sent again it has the same key.
pub(super) async fn read_back(api: &Api, outgoing: &Outgoing) -> ReadBack {
    match api.session().await {
        Ok(session) => look(api, &session.did, &tid::key(outgoing.reply), &outgoing.text).await,
        Err(error) => ReadBack::Unknown { why: format!("not logged in: {}", error.words()) },
    }
}

async fn look(api: &Api, did: &str, key: &str, text: &str) -> ReadBack {
    let query = [("repo", did), ("collection", POSTS), ("rkey", key)];
    let ask = Ask::get("com.atproto.repo.getRecord", &query, api.pace.answer_within);
    match api.as_us(&ask).await {
        Ok(answer) => {
            let said = answer.get("value").map(|record| text_of(record, "text")).unwrap_or_default();
            if are_same_words(&clean::text(text), &clean::text(said)) {
                ReadBack::Published(PostId::new(NetworkKind::Bluesky, &format!("at://{did}/{POSTS}/{key}")))
            } else {
                ReadBack::Unknown { why: "other words stand under this reply's key; look before sending".into() }
            }
        }
        Err(error) if error.class() == Some(Class::Gone) => ReadBack::Absent,
        Err(error) => ReadBack::Unknown { why: format!("Bluesky did not let us look: {}", error.words()) },
    }
}
