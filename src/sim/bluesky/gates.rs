//! Posts as the directory shows them to the brand or to anybody: with the rules of who may reply, and the words of what
//! they quote. The server that takes replies knows nothing of those rules.

use serde_json::{Value, json};

use super::super::state::State;
use super::super::world::{Person, SimPost, mentions};
use super::views::{cid, created, did, handle, is_gone, stored, uri};

/// Where the brand's follows are.
const FOLLOWS: &str = "app.bsky.graph.follow";

/// A post and its author, unless the directory shows it to nobody.
fn shown(state: &State, post: u64) -> Option<(&SimPost, &Person)> {
    let post = state.world.visible(post)?;
    let author = state.world.people.get(&post.author).filter(|author| !is_gone(state, author.id))?;
    Some((post, author))
}

/// A post as it is shown. Whoever blocks the brand is not shown to it at all.
pub(super) fn post_view(state: &State, id: u64, is_us: bool) -> Option<Value> {
    let (post, author) = shown(state, id)?;
    if is_us && author.blocks_us {
        return None;
    }
    let record = stored(state, id);
    let mut view = json!({
        "uri": uri(state, id),
        "cid": cid(&record),
        "author": {"did": did(author.id), "handle": handle(author), "displayName": author.name},
        "record": record,
        "replyCount": post.counts[1],
        "repostCount": post.counts[0],
        "likeCount": post.counts[2],
        "quoteCount": post.counts[3],
        "indexedAt": created(post.at),
    });
    if let Some(quoted) = post.quotes {
        view["embed"] = json!({"$type": "app.bsky.embed.record#view", "record": quoted_view(state, quoted, is_us)});
    }
    if post.reply_to.is_none() && post.reply_settings != "everyone" {
        let rules: Vec<Value> =
            rule(post).into_iter().map(|name| json!({"$type": format!("app.bsky.feed.threadgate#{name}")})).collect();
        let gate = uri(state, id).replace(super::POSTS, "app.bsky.feed.threadgate");
        view["threadgate"] = json!({"uri": gate, "record": {"$type": "app.bsky.feed.threadgate", "allow": rules,
            "post": uri(state, id), "createdAt": created(post.at)}, "lists": []});
    }
    if is_us {
        view["viewer"] = json!({"replyDisabled": is_closed(state, id), "threadMuted": false});
    }
    Some(view)
}

/// What a post quotes, inside of it.
fn quoted_view(state: &State, id: u64, is_us: bool) -> Value {
    let address = uri(state, id);
    match shown(state, id) {
        Some((_, author)) if is_us && author.blocks_us => {
            json!({"$type": "app.bsky.embed.record#viewBlocked", "uri": address, "blocked": true,
                "author": {"did": did(author.id), "viewer": {"blockedBy": true}}})
        }
        Some((post, author)) => {
            let record = stored(state, id);
            json!({"$type": "app.bsky.embed.record#viewRecord", "uri": address, "cid": cid(&record),
                "author": {"did": did(author.id), "handle": handle(author), "displayName": author.name},
                "value": record, "indexedAt": created(post.at)})
        }
        None => json!({"$type": "app.bsky.embed.record#viewNotFound", "uri": address, "notFound": true}),
    }
}

/// Whom a post's author lets into its conversation besides themselves; none: nobody.
fn rule(post: &SimPost) -> Option<&'static str> {
    match post.reply_settings {
        "mentionedUsers" => Some("mentionRule"),
        "following" => Some("followingRule"),
        "subscribers" => Some("followerRule"),
        "verified" => Some("listRule"),
        _ => None,
    }
}

/// Whether the conversation of a post is closed to the brand: whoever began it says for all of it.
pub(super) fn is_closed(state: &State, post: u64) -> bool {
    let root = state.world.posts.get(&post).and_then(|post| state.world.posts.get(&post.conversation));
    let Some(root) = root else { return false };
    let brand = state.world.brand.id;
    if root.reply_settings == "everyone" || root.author == brand {
        return false;
    }
    let lets_in = match rule(root) {
        Some("mentionRule") => {
            let named = mentions(&root.text);
            named.iter().any(|span| state.world.person_named(&span.word).is_some_and(|person| person.id == brand))
        }
        Some("followingRule") => state.world.people.get(&root.author).is_some_and(|author| author.follows_us),
        Some("followerRule") => {
            let author = did(root.author);
            let follows = state.bluesky.records.iter().filter(|((collection, _), _)| collection == FOLLOWS);
            follows.into_iter().any(|(_, record)| record.value["subject"] == author.as_str())
        }
        // The brand is on nobody's list.
        _ => false,
    };
    !lets_in
}

/// Whether a reply of the brand's under a post is taken and shown to nobody.
pub(super) fn hides_ours(state: &State, post: u64) -> bool {
    let author = state.world.posts.get(&post).and_then(|post| state.world.people.get(&post.author));
    is_closed(state, post) || author.is_some_and(|author| author.blocks_us)
}
