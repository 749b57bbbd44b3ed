//! Posts from outside: what a recording played is there to be answered, judged by the same gate as any other.
//!
//! They are not delivered by the stream nor written into the ledger: whoever brings them has them already.

use std::fmt;
use std::sync::Arc;

use super::server::Shared;
use super::state::State;
use super::texts::Lang;
use super::world::{Person, SimPost, World};
use crate::model::post::WhoMayReply;
use crate::model::{Author, AuthorId, NetworkKind, Post, PostId};

/// A way to tell a simulator of posts. Cheap to clone.
#[derive(Clone)]
pub struct Guests {
    shared: Arc<Shared>,
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests").finish_non_exhaustive()
    }
}

impl Guests {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Takes the post in under its own id, with its author, its conversation and the post it quotes. A later
    /// version replaces what was said of it before. Posts of other networks, and with ids no number can hold, are
    /// passed over; false then.
    pub fn know(&self, post: &Post) -> bool {
        let mut state = self.shared.lock();
        // A recording takes place before the simulator was started.
        if let Some(now) = state.clock.follow_back() {
            state.world.begin_again(now);
        }
        know(&mut state, post)
    }

    /// The post was taken back.
    pub fn forget(&self, post: &PostId) {
        if let Some(id) = number(post) {
            self.shared.lock().world.delete(id);
        }
    }
}

fn know(state: &mut State, post: &Post) -> bool {
    let world = &mut state.world;
    let (Some(first), Some(author)) = (number(&post.id), meet(world, &post.author, post.lang.as_deref())) else {
        return false;
    };
    let id = post.version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(first);
    let quotes = post.quotes.as_ref().and_then(|quoted| number(&quoted.id));
    if let (Some(quoted_id), Some(quoted)) = (quotes, &post.quotes)
        && !world.posts.contains_key(&quoted_id)
        && let Some(of) = quoted.author.as_ref().and_then(author_number)
    {
        // Enough of it to tell whose it is.
        world.posts.insert(quoted_id, SimPost { text: quoted.text.clone(), ..bare(quoted_id, of, post) });
    }
    let mut history = vec![first];
    if id != first {
        history.push(id);
    }
    let counts = post.counts;
    let said = SimPost {
        text: post.text.clone(),
        lang: post.lang.clone().unwrap_or_else(|| "und".to_owned()),
        conversation: post.conversation.native().parse().unwrap_or(first),
        reply_to: post.in_reply_to.as_ref().and_then(number),
        quotes,
        reply_settings: match post.who_may_reply {
            WhoMayReply::Everyone | WhoMayReply::Other => "everyone",
            WhoMayReply::Mentioned => "mentionedUsers",
            WhoMayReply::Following => "following",
            WhoMayReply::Subscribers => "subscribers",
            WhoMayReply::Verified => "verified",
        },
        links: post.links.iter().map(|link| (link.short.clone(), link.target.clone())).collect(),
        counts: [counts.reposts, counts.replies, counts.likes, counts.quotes].map(Option::unwrap_or_default),
        history,
        ..bare(id, author, post)
    };
    world.posts.insert(id, said);
    true
}

/// A post of which only the id and the author are known; its time is that of the post that led to it.
fn bare(id: u64, author: u64, post: &Post) -> SimPost {
    SimPost {
        id,
        author,
        text: String::new(),
        lang: "und".to_owned(),
        at: post.at,
        conversation: id,
        reply_to: None,
        quotes: None,
        // What it passes on is not part of a recording, so that it is one cannot be said either.
        reposts: None,
        reply_settings: "everyone",
        history: vec![id],
        deleted: false,
        links: Vec::new(),
        counts: [0; 4],
    }
}

/// The author's number here. Whoever carries the brand's handle is the brand: a rehearsal need not know its real id.
fn meet(world: &mut World, author: &Author, lang: Option<&str>) -> Option<u64> {
    let id = author_number(&author.id)?;
    if id == world.brand.id || author.handle.eq_ignore_ascii_case(&world.brand.handle) {
        return Some(world.brand.id);
    }
    if !world.people.contains_key(&id) {
        let code = lang.unwrap_or_default();
        world.add_person(Person {
            id,
            handle: author.handle.clone(),
            name: author.name.clone(),
            lang: Lang::ALL.into_iter().find(|lang| lang.code() == code).unwrap_or_default(),
            followers: author.followers.unwrap_or_default(),
            following: 0,
            posts: 0,
            is_verified: author.is_verified,
            dm_open: true,
            blocks_us: false,
            follows_us: false,
            wrote_us: false,
        });
    }
    Some(id)
}

fn number(post: &PostId) -> Option<u64> {
    (post.network() == NetworkKind::X).then(|| post.native().parse().ok())?
}

fn author_number(author: &AuthorId) -> Option<u64> {
    (author.network() == NetworkKind::X).then(|| author.native().parse().ok())?
}
