//! The whole simulator as one value: every request and every happening changes it under one lock.

use jiff::Timestamp;
use serde_json::json;

use super::bluesky::{self, Pds};
use super::clock::SimClock;
use super::faults::Faults;
use super::ledger::Ledger;
use super::mastodon::{self, Instance};
use super::scenario::{Deed, Scenario};
use super::world::{Draft, World};
use super::x::{XApp, activity, dm, stream};
use crate::model::NetworkKind;

#[derive(Debug)]
pub(super) struct State {
    /// The one this simulator plays; the others' parts stay untouched.
    pub(super) network: NetworkKind,
    pub(super) clock: SimClock,
    pub(super) world: World,
    pub(super) scenario: Scenario,
    pub(super) x: XApp,
    pub(super) bluesky: Pds,
    pub(super) mastodon: Instance,
    pub(super) ledger: Ledger,
    pub(super) faults: Faults,
}

impl State {
    /// Lets everything happen that is due, and hands back the time it is.
    pub(super) fn advance(&mut self) -> Timestamp {
        let now = self.clock.now();
        self.let_happen(now, usize::MAX);
        now
    }

    /// Lets so many things happen at most of those that are due at `now`; whether there are more.
    pub(super) fn let_happen(&mut self, now: Timestamp, most: usize) -> bool {
        let mut count = 0;
        while count < most
            && let Some((at, deeds)) = self.scenario.step(now, &mut self.world)
        {
            count += 1;
            for deed in deeds {
                match deed {
                    Deed::Posted(id) => self.announce(id, at),
                    Deed::Deleted(id) => self.withdraw(id, at),
                    Deed::Messaged { person, text } => self.message(person, &text, at),
                }
            }
        }
        match self.network {
            NetworkKind::X => stream::beat(&mut self.x, now),
            NetworkKind::Bluesky => bluesky::beat(self, now),
            NetworkKind::Mastodon => mastodon::beat(self, now),
        }
        count == most
    }

    /// The next moment something happens by itself.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let beat = match self.network {
            NetworkKind::X => stream::next_beat(&self.x),
            NetworkKind::Bluesky => bluesky::next_beat(self),
            NetworkKind::Mastodon => mastodon::next_beat(self),
        };
        [self.scenario.next_due(), beat].into_iter().flatten().min()
    }

    /// Publishes a post and delivers it; hands back its id.
    pub(super) fn publish(&mut self, draft: Draft, at: Timestamp) -> u64 {
        let id = self.world.publish(draft, at);
        self.announce(id, at);
        id
    }

    /// Tells of a post that its author took back.
    pub(super) fn withdraw(&mut self, id: u64, at: Timestamp) {
        self.ledger.deleted(json!({"network": self.network.prefix(), "id": id.to_string(), "at": at.to_string()}));
        match self.network {
            // X's filtered stream is silent about it.
            NetworkKind::X => activity::withdrawn(&mut self.x, &self.world, &mut self.faults, id, at),
            NetworkKind::Bluesky => bluesky::withdrawn(self, id, at),
            NetworkKind::Mastodon => mastodon::withdrawn(self, id, at),
        }
    }

    /// Somebody writes the brand a direct message.
    pub(super) fn message(&mut self, person: u64, text: &str, at: Timestamp) {
        let id = self.world.next_id(at);
        let Some(sender) = self.world.people.get_mut(&person) else { return };
        sender.wrote_us = true;
        let handle = sender.handle.clone();
        match self.network {
            NetworkKind::X => dm::received(self, id, person, text, at),
            NetworkKind::Bluesky => bluesky::messaged(self, id, person, text, at),
            NetworkKind::Mastodon => mastodon::messaged(self, id, person, text, at),
        }
        self.ledger.messaged(json!({
            "network": self.network.prefix(),
            "id": id.to_string(),
            "from": person.to_string(),
            "handle": handle,
            "text": text,
            "at": at.to_string(),
        }));
    }

    fn announce(&mut self, id: u64, at: Timestamp) {
        let Some(post) = self.world.posts.get(&id) else { return };
        let author = self.world.people.get(&post.author);
        let name = |id: Option<u64>| id.map(|id| id.to_string());
        let first = post.history.first().copied().unwrap_or(id);
        self.ledger.posted(json!({
            "network": self.network.prefix(),
            "id": id.to_string(),
            "first_id": first.to_string(),
            "author_id": post.author.to_string(),
            "handle": author.map(|person| person.handle.as_str()),
            "text": post.text,
            "lang": post.lang,
            "at": at.to_string(),
            "conversation_id": post.conversation.to_string(),
            "in_reply_to": name(post.reply_to),
            "quotes": name(post.quotes),
            "reposts": name(post.reposts),
            "reply_settings": post.reply_settings,
            "is_own": post.author == self.world.brand.id,
            "summons_us": self.world.summons_brand(post),
        }));
        match self.network {
            NetworkKind::X => {
                activity::posted(&mut self.x, &self.world, &mut self.faults, id, at);
                stream::deliver(&mut self.x, &self.world, &mut self.faults, id, at);
            }
            NetworkKind::Bluesky => bluesky::posted(self, id, at),
            NetworkKind::Mastodon => mastodon::posted(self, id, at),
        }
    }
}
