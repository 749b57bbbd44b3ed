//! Direct messages, which here are posts for those they mention: whether somebody would get ours, sending one, and
//! looking whether one arrived. They are not private: the administrators of both servers can read them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::api::{Api, CallError, Urgency};
use super::problem::Class;
use super::send::{Seen, before, fits, own_posts, publish, ready, wait_and_look};
use super::words::{are_same, naming};
use crate::model::{AuthorId, MessageId, NetworkKind, Verdict, clean};
use crate::net::{OutgoingMessage, ReadBack, SendError};
use crate::rules::scan::status::{Audience, author_id, handle, id_of};

/// Said before every message that is drafted.
const NOT_PRIVATE: &str = "a direct post on Mastodon is not private: administrators of both servers can read it, so ask for no account data there";
/// Clocks here and at the server may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_secs(120);

/// Somebody as our server knows them.
struct Person {
    /// The server's id.
    id: String,
    handle: String,
}

/// Finds an account by the address of its page.
async fn person(api: &Api, author: &AuthorId) -> Result<Option<Person>, CallError> {
    let query = [("q", author.native()), ("resolve", "true"), ("type", "accounts"), ("limit", "5")];
    let page = api.get(Urgency::Rep, "/api/v2/search", &query).await?;
    let host = api.domain().unwrap_or_else(|| api.host.clone());
    let mut accounts = page.value.get("accounts").and_then(Value::as_array).into_iter().flatten();
    let found = accounts.find(|account| author_id(account).as_ref() == Some(author));
    Ok(found.and_then(|account| Some(Person { id: id_of(account.get("id"))?, handle: handle(account, Some(&host)) })))
}

/// Whether `author` would get a direct message from us.
pub(super) async fn may_message(api: &Api, author: &AuthorId) -> Verdict {
    if let Err(why) = api.authorization() {
        return Verdict::No { why };
    }
    let unknown = |error: &CallError| Verdict::Unknown {
        why: format!("the server did not say whether they do: {}", error.words()),
    };
    if let Err(error) = ready(api).await {
        return unknown(&error);
    }
    let person = match person(api, author).await {
        Ok(Some(person)) => person,
        Ok(None) => return Verdict::No { why: "the server does not know them any more".into() },
        Err(error) => return unknown(&error),
    };
    let related = match api.get(Urgency::Rep, "/api/v1/accounts/relationships", &[("id[]", &person.id)]).await {
        Ok(page) => page.value.get(0).cloned().unwrap_or_default(),
        Err(error) => return unknown(&error),
    };
    let is = |what: &str| related.get(what).and_then(Value::as_bool).unwrap_or(false);
    let who = &person.handle;
    if is("blocked_by") {
        Verdict::No { why: format!("@{who} blocks this account") }
    } else if is("blocking") || is("domain_blocking") {
        Verdict::No { why: format!("this account blocks @{who}, or their server") }
    } else {
        // The server takes it whoever they are; whether they hear of strangers' mentions nobody says beforehand.
        Verdict::Mind { what: NOT_PRIVATE.into() }
    }
}

/// One attempt: at most one request that publishes leaves.
pub(super) async fn send(api: &Api, outgoing: &OutgoingMessage) -> Result<MessageId, SendError> {
    if let Err(why) = api.authorization() {
        let remedy = format!("log the account in: replydeck auth {}", api.account().name);
        return Err(SendError::Refused { why, remedy, may_retry: true });
    }
    if let Some(until) = api.not_before() {
        return Err(SendError::Limited { why: "the server's limit for writing is used up".into(), until });
    }
    before(api, ready(api).await)?;
    let Some(person) = before(api, person(api, &outgoing.to).await)? else {
        return Err(SendError::Refused {
            why: "the server does not know them any more".into(),
            remedy: "look at their page".into(),
            may_retry: false,
        });
    };
    if api.was_tried(outgoing.reply)
        && let Seen::It(id) = before(api, look(api, outgoing, Timestamp::MIN).await)?
    {
        return Ok(MessageId::new(NetworkKind::Mastodon, id.native()));
    }
    let text = naming(&outgoing.text, &person.handle);
    fits(api, &text)?;
    let last = api.memory.lock().expect("nothing panics while holding it").last_direct(&outgoing.to).map(str::to_owned);
    let body = json!({"status": text, "visibility": "direct", "in_reply_to_id": last});
    let status = publish(api, &body, &outgoing.reply.to_string()).await?;
    api.memory.lock().expect("nothing panics while holding it").direct_with(outgoing.to.clone(), &status.id);
    Ok(MessageId::new(NetworkKind::Mastodon, status.post.id.native()))
}

/// Looks among our own posts whether this message is there.
async fn look(api: &Api, outgoing: &OutgoingMessage, from: Timestamp) -> Result<Seen, CallError> {
    let own = ready(api).await?;
    let ours = clean::text(&outgoing.text);
    let mut posts = own_posts(api, &own).await?;
    // Some servers leave direct posts out of the account's own list; their conversations hold them.
    match api.get(Urgency::Rep, "/api/v1/conversations", &[("limit", "40")]).await {
        Ok(page) => {
            let host = api.domain();
            let entries = page.value.as_array().into_iter().flatten().filter_map(|entry| entry.get("last_status"));
            posts.extend(entries.filter_map(|entry| crate::rules::scan::status::status(entry, host.as_deref()).ok()));
        }
        Err(error) if error.class() == Some(Class::Gone) => {}
        Err(error) => return Err(error),
    }
    let is_it = |status: &crate::rules::scan::status::Status| {
        status.account == own.id
            && status.audience == Audience::Direct
            && status.post.at >= from
            && status.mentioned.iter().any(|(_, mention)| mention.id.as_ref() == Some(&outgoing.to))
            && are_same(&ours, &status.post.text)
    };
    Ok(posts.into_iter().find(is_it).map_or(Seen::Nothing, |status| Seen::It(status.post.id)))
}

/// Looks whether a message of which nobody knows the outcome is there.
pub(super) async fn read_back(api: &Api, outgoing: &OutgoingMessage, attempted: Timestamp) -> ReadBack<MessageId> {
    api.was_tried(outgoing.reply);
    let from = attempted.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
    match wait_and_look(api, attempted, || look(api, outgoing, from)).await {
        ReadBack::Published(id) => ReadBack::Published(MessageId::new(NetworkKind::Mastodon, id.native())),
        ReadBack::Absent => ReadBack::Absent,
        ReadBack::Unknown { why } => ReadBack::Unknown { why },
    }
}
