//! *May we reply?*, answered before a word is drafted.

use super::account::{Account, Tier};
use super::id::NetworkKind;
use super::post::{Post, WhoMayReply};

/// Whether the network will take our reply to a post through its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will; on X at the price of a summoned reply.
    Yes,
    /// It will refuse; the rep can still hand over to the network's own page.
    No { why: String },
    /// We do not know enough to say.
    Unknown { why: String },
}

/// Judges `post` for a reply from `account`.
///
/// X's gate since 2026-02-23 (self-serve plans): the author must have mentioned the account or quoted one of
/// its posts. `reply_settings` binds every plan.
pub fn may_reply(post: &Post, account: &Account) -> Verdict {
    if !account.can_send {
        return Verdict::No { why: format!("no credentials for sending as @{}", account.handle) };
    }
    match account.network {
        NetworkKind::X => may_reply_on_x(post, account),
        NetworkKind::Bluesky | NetworkKind::Mastodon => Verdict::Yes,
    }
}

fn may_reply_on_x(post: &Post, account: &Account) -> Verdict {
    let is_own = account.id.as_ref().is_some_and(|id| *id == post.author.id);
    if is_own {
        return Verdict::Yes;
    }
    let mentioned = post.mentions.iter().any(|mention| match (&mention.id, &account.id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => mention.handle.eq_ignore_ascii_case(&account.handle),
    });
    let handle = &post.author.handle;
    match post.who_may_reply {
        WhoMayReply::Everyone => {}
        WhoMayReply::Mentioned if mentioned => {}
        WhoMayReply::Mentioned => {
            return Verdict::No { why: format!("@{handle} lets only people mentioned in the post reply") };
        }
        WhoMayReply::Following => {
            if !mentioned {
                return Verdict::Unknown { why: format!("@{handle} lets only people they follow reply") };
            }
        }
        WhoMayReply::Subscribers | WhoMayReply::Verified | WhoMayReply::Other => {
            if !mentioned {
                return Verdict::Unknown { why: format!("@{handle} has limited who may reply") };
            }
        }
    }
    if account.tier == Tier::Enterprise || mentioned {
        return Verdict::Yes;
    }
    match (&post.quotes, &account.id) {
        (Some(quoted), Some(ours)) if quoted.author.as_ref() == Some(ours) => Verdict::Yes,
        (Some(quoted), _) if quoted.author.is_none() => Verdict::Unknown {
            why: format!("@{handle} quotes a post we know nothing of; X accepts only quotes of ours"),
        },
        _ => Verdict::No { why: format!("not mentioned by @{handle}: X's API refuses it on self-serve plans") },
    }
}
