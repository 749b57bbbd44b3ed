//! What each event of the stream does.

use std::sync::Arc;

use super::super::decode::Event;
use super::super::subscriptions::Stream;
use super::super::threads::{Looked, Waiting};
use super::Listener;
use crate::model::{AuthorId, ColumnName, Message, MessageId, NetworkKind, PostId};
use crate::net::{Inbound, handing};
use crate::rules::scan::status::{Audience, Status};

/// Own posts that no column asked for are remembered under this name, which no column can have.
const OWN: &str = "/own";
/// The same for direct messages.
const MESSAGES: &str = "/messages";
/// So many threads are looked at side by side.
const MOST_LOOKS: usize = 24;

pub(super) async fn take(listener: &mut Listener, event: Event) {
    match event {
        Event::Status { status, streams, notification } => {
            let now = listener.api.now();
            let id = status.id.clone();
            let is_own = listener.api.own().is_some_and(|own| own.id == status.account);
            listener.deliver(status, false).await;
            // Marked once it is on its way: whoever is killed in between reads it again.
            if let Some(id) = notification {
                listener.places.heard("notifications", &id, now);
            }
            if is_own {
                listener.places.heard("own", &id, now);
            }
            match Stream::named(&streams) {
                Some(Stream::Public) => listener.places.heard("public", &id, now),
                Some(Stream::PublicLocal) => listener.places.heard("public/local", &id, now),
                Some(Stream::Hashtag(tag)) => listener.places.heard(&format!("tag/{tag}"), &id, now),
                Some(Stream::HashtagLocal(tag)) => listener.places.heard(&format!("tag-local/{tag}"), &id, now),
                Some(Stream::User | Stream::Direct) | None => {}
            }
        }
        Event::Deleted { id } => listener.delete(id).await,
        Event::Refused { words } => {
            let note = format!("the server refuses a stream: {words}");
            listener.tell(listener.state.clone(), Some(note)).await;
        }
        Event::Other => {}
        Event::Malformed { why } => listener.skip("that cannot be read", &why).await,
    }
}

impl Listener {
    /// Hands a status to whom it is for. `is_fill`: it was read back, not heard.
    pub(super) async fn deliver(&mut self, mut status: Box<Status>, is_fill: bool) {
        let is_known = {
            let mut memory = self.api.memory.lock().expect("nothing panics while holding it");
            memory.see(&status);
            memory.complete(&mut status)
        };
        if status.audience == Audience::Direct {
            return self.deliver_message(&status).await;
        }
        let own = self.api.account().id;
        let is_own = own.as_ref() == Some(&status.post.author.id);
        let names_us = status.mentioned.iter().any(|(_, mention)| mention.id.is_some() && mention.id == own);
        if status.post.author.is_protected && !(is_own || names_us) {
            // Shown to us as a follower; the team's columns are not followers.
            return;
        }
        let mut takers = self.rules.matching(&status.post);
        // A column that had the post hears of its edit though the words it asked for are gone.
        takers.extend(
            (0..self.current.len()).filter(|place| {
                status.post.is_edited && self.dispatch.has(&self.current[*place].column, &status.post.id)
            }),
        );
        takers.sort_unstable();
        takers.dedup();
        if takers.is_empty() && !(is_own && self.api.settings.watch_own) {
            return;
        }
        let waiting = Box::new(Waiting { status, is_fill });
        if is_known {
            return self.hand_on(*waiting).await;
        }
        while self.looking.len() >= MOST_LOOKS {
            use futures_util::StreamExt as _;
            if let Some(looked) = self.looking.next().await {
                self.take_looked(looked).await;
            }
        }
        self.look_at(waiting);
    }

    /// A thread was looked at.
    pub(super) async fn take_looked(&mut self, looked: Looked) {
        let Looked { mut waiting, ancestors } = looked;
        if self.looking.is_empty() {
            let gone = std::mem::take(&mut self.gone);
            if gone.contains(&waiting.status.id) {
                return;
            }
        } else if self.gone.contains(&waiting.status.id) {
            return;
        }
        {
            let mut memory = self.api.memory.lock().expect("nothing panics while holding it");
            memory.see_thread(&waiting.status.id, &ancestors);
            memory.complete(&mut waiting.status);
        }
        self.hand_on(*waiting).await;
    }

    /// Gives each column what it has not had of the post.
    async fn hand_on(&mut self, waiting: Waiting) {
        let Waiting { status, is_fill } = waiting;
        let post = &status.post;
        let takers = self.rules.matching(post);
        let mut out = Vec::new();
        let current = Arc::clone(&self.current);
        for (place, feed) in current.iter().enumerate() {
            let had_it = post.is_edited && self.dispatch.has(&feed.column, &post.id);
            if takers.contains(&place) || had_it {
                let inbound = self.dispatch.offer(&feed.column, post);
                out.extend(inbound.into_iter().map(|inbound| (feed, inbound)));
            }
        }
        let is_own = self.api.account().id.as_ref() == Some(&post.author.id);
        let mut own = Vec::new();
        if is_own && takers.is_empty() && out.is_empty() {
            own.extend(self.dispatch.offer(&ColumnName::new(OWN), post).into_iter().map(Inbound::into_own));
        }
        if out.is_empty() && own.is_empty() {
            return;
        }
        let is_new = |inbound: &Inbound| matches!(inbound, Inbound::Post(_) | Inbound::Own(_));
        self.filled += u64::from(is_fill && out.iter().map(|(_, inbound)| inbound).chain(&own).any(is_new));
        for (feed, inbound) in out {
            handing::to_column(&self.feeds, feed, inbound).await;
        }
        for inbound in own {
            // Without a column there is no desk that could miss it.
            drop(handing::to_one(&self.feeds, inbound).await);
        }
        self.api.memory.lock().expect("nothing panics while holding it").handed(&status);
    }

    /// A status for those it mentions.
    async fn deliver_message(&mut self, status: &Status) {
        let own = self.api.account().id;
        let Some(message) = message_of(status, own.as_ref()) else { return };
        {
            let mut memory = self.api.memory.lock().expect("nothing panics while holding it");
            memory.direct_with(message.with.clone(), &status.id);
        }
        // It comes as a notification, as a conversation and, ours, on our own timeline.
        let is_new = !self.dispatch.offer(&ColumnName::new(MESSAGES), &status.post).is_empty();
        if !self.api.settings.messages || !is_new {
            return;
        }
        let account = self.api.account().name;
        // Without a column there is no desk that could miss it.
        drop(handing::to_one(&self.feeds, Inbound::Message { account, message: Box::new(message) }).await);
    }

    async fn delete(&mut self, id: String) {
        let post = self.api.memory.lock().expect("nothing panics while holding it").forget(&id);
        if !self.looking.is_empty() {
            self.gone.insert(id);
        }
        if let Some(post) = post {
            self.tell_deleted(&post).await;
        }
    }

    async fn tell_deleted(&mut self, post: &PostId) {
        let current = Arc::clone(&self.current);
        let holders: Vec<_> = current.iter().filter(|feed| self.dispatch.has(&feed.column, post)).collect();
        let deleted = || Inbound::Deleted { post: post.clone() };
        if holders.is_empty() {
            // It came in an earlier run, or is our own.
            drop(handing::to_one(&self.feeds, deleted()).await);
        }
        for feed in holders {
            handing::to_column(&self.feeds, feed, deleted()).await;
        }
    }

    /// Counts what cannot be read and says so, at most once a beat: a flood of it must not drown the rest.
    async fn skip(&mut self, what: &'static str, why: &str) {
        self.skipped.count(what, why);
        if let Some(words) = self.skipped.due(self.api.now(), self.api.pace.beat) {
            self.tell(self.state.clone(), Some(format!("messages passed over: {words}"))).await;
        }
    }
}

/// The message in a direct status; `None` where it names nobody but its author.
fn message_of(status: &Status, own: Option<&AuthorId>) -> Option<Message> {
    let own = own?;
    let is_ours = status.post.author.id == *own;
    let (with, handle) = if is_ours {
        let other =
            status.mentioned.iter().map(|(_, mention)| mention).find(|mention| mention.id.as_ref() != Some(own))?;
        (other.id.clone()?, other.handle.clone())
    } else {
        (status.post.author.id.clone(), status.post.author.handle.clone())
    };
    Some(Message {
        id: MessageId::new(NetworkKind::Mastodon, status.post.id.native()),
        with,
        handle,
        is_ours,
        text: status.post.text.clone(),
        at: status.post.at,
    })
}
