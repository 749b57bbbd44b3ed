//! Reads the account's direct messages as they come, from the log the chat service keeps for it.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use super::dm;
use super::problem::Class;
use super::record::{bounded, did_of, items, text_of};
use super::xrpc::{Api, Ask, CallError};
use crate::model::{AuthorId, Message, NetworkKind};
use crate::net::{Feed, Inbound, handing};

/// Pages of the log read at once; the rest comes with the next look.
const MOST_PAGES: usize = 20;

/// Somebody we talk with: id and handle.
#[derive(Clone, Debug)]
struct Other {
    id: AuthorId,
    handle: String,
}

/// The account's log of messages and how far it was read.
pub(super) struct Inbox {
    api: Arc<Api>,
    /// By conversation.
    others: HashMap<String, Other>,
    cursor: Option<String>,
    path: PathBuf,
    told: Option<String>,
}

/// Waits for a column that hears of messages. They are in the network's log until then.
async fn some_column(feeds: &mut watch::Receiver<Arc<Vec<Feed>>>) {
    while feeds.borrow_and_update().is_empty() {
        if feeds.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Inbox {
    pub(super) fn new(api: Arc<Api>, path: PathBuf) -> Self {
        let cursor =
            fs::read_to_string(&path).ok().map(|cursor| bounded(cursor.trim())).filter(|text| !text.is_empty());
        Self { api, others: HashMap::new(), cursor, path, told: None }
    }

    /// Looks for messages for ever; whoever stops listening drops it.
    pub(super) async fn run(mut self, mut feeds: watch::Receiver<Arc<Vec<Feed>>>) {
        loop {
            some_column(&mut feeds).await;
            match self.look().await {
                Ok(messages) => {
                    self.told = None;
                    let account = self.api.account().name;
                    for message in messages {
                        let mut inbound = Inbound::Message { account: account.clone(), message: Box::new(message) };
                        // The place is kept when all were taken.
                        while let Err(untaken) = handing::to_one(&feeds, inbound).await {
                            inbound = untaken;
                            some_column(&mut feeds).await;
                        }
                    }
                    self.keep();
                }
                Err(error) => {
                    let why = match error.class() {
                        Some(Class::NotPrivileged) => format!(
                            "direct messages cannot be read: the app password does not allow them; {}",
                            error.remedy()
                        ),
                        _ => format!("direct messages cannot be read: {}", error.words()),
                    };
                    if self.told.as_ref() != Some(&why) {
                        self.api.leave_note(why.clone());
                        self.told = Some(why);
                    }
                    if matches!(error.class(), Some(Class::NotPrivileged | Class::LoggedOut)) {
                        sleep(self.api.pace.down_retry).await;
                    }
                }
            }
            sleep(self.api.pace.messages_every).await;
        }
    }

    /// What is new since the last look.
    async fn look(&mut self) -> Result<Vec<Message>, CallError> {
        let own = self.api.session().await?.did;
        let Some(mut cursor) = self.cursor.clone() else {
            return self.first_look(&own).await;
        };
        let mut messages = Vec::new();
        for _ in 0..MOST_PAGES {
            let query = [("cursor", cursor.as_str())];
            let answer = self.ask("chat.bsky.convo.getLog", &query).await?;
            let logs: Vec<&Value> = items(answer.get("logs")).collect();
            for log in &logs {
                if !text_of(log, "$type").ends_with("#logCreateMessage") {
                    continue;
                }
                let convo = bounded(text_of(log, "convoId"));
                if let Some(other) = self.other(&convo, &own).await?
                    && let Some(raw) = log.get("message")
                    && let Some(message) = dm::message(raw, &other.id, &own)
                {
                    messages.push(Message { handle: other.handle, ..message });
                }
            }
            let next = bounded(text_of(&answer, "cursor"));
            let has_more = !logs.is_empty() && !next.is_empty() && next != cursor;
            if !next.is_empty() {
                cursor = next;
            }
            if !has_more {
                break;
            }
        }
        self.cursor = Some(cursor);
        Ok(messages)
    }

    /// Nothing was ever read: what nobody has read yet in the conversations that are there, and from now on the log.
    async fn first_look(&mut self, own: &str) -> Result<Vec<Message>, CallError> {
        let log = self.ask("chat.bsky.convo.getLog", &[]).await?;
        let listed = self.ask("chat.bsky.convo.listConvos", &[("limit", "50")]).await?;
        let mut messages = Vec::new();
        for convo in items(listed.get("convos")) {
            let id = bounded(text_of(convo, "id"));
            let Some(other) = other_of(convo, own) else { continue };
            self.others.insert(id.clone(), other.clone());
            let unread = convo.get("unreadCount").and_then(Value::as_u64).unwrap_or(0).min(50);
            if unread == 0 {
                continue;
            }
            let limit = unread.to_string();
            let answer =
                self.ask("chat.bsky.convo.getMessages", &[("convoId", id.as_str()), ("limit", &limit)]).await?;
            let mut fresh: Vec<Message> = items(answer.get("messages"))
                .filter_map(|raw| dm::message(raw, &other.id, own))
                .map(|message| Message { handle: other.handle.clone(), ..message })
                .collect();
            fresh.sort_by_key(|message| message.at);
            messages.extend(fresh);
        }
        let cursor = bounded(text_of(&log, "cursor"));
        self.cursor = (!cursor.is_empty()).then_some(cursor);
        Ok(messages)
    }

    async fn other(&mut self, convo: &str, own: &str) -> Result<Option<Other>, CallError> {
        if let Some(known) = self.others.get(convo) {
            return Ok(Some(known.clone()));
        }
        let answer = match self.ask("chat.bsky.convo.getConvo", &[("convoId", convo)]).await {
            Ok(answer) => answer,
            // It was left meanwhile.
            Err(error) if error.class() == Some(Class::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        let other = answer.get("convo").and_then(|convo| other_of(convo, own));
        if let Some(other) = &other {
            self.others.insert(convo.to_owned(), other.clone());
        }
        Ok(other)
    }

    async fn ask(&self, name: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        self.api.as_us(&Ask::get(name, query, self.api.pace.answer_within).through(&self.api.chat)).await
    }

    fn keep(&self) {
        let Some(cursor) = &self.cursor else { return };
        let fresh = self.path.with_extension("new");
        if let Err(error) = fs::write(&fresh, cursor).and_then(|()| fs::rename(&fresh, &self.path)) {
            tracing::warn!(%error, "how far the messages were read cannot be kept; some may be read again");
        }
    }
}

/// The one who is not us; none in a group of several.
fn other_of(convo: &Value, own: &str) -> Option<Other> {
    let mut others = items(convo.get("members")).filter(|member| text_of(member, "did") != own);
    let (other, more) = (others.next()?, others.next());
    if more.is_some() {
        return None;
    }
    let handle = bounded(text_of(other, "handle"));
    Some(Other { id: AuthorId::new(NetworkKind::Bluesky, &did_of(text_of(other, "did"))?), handle })
}
