//! What Bluesky says of a post when it is asked as ourselves: whether our reply would be shown, and the words of the
//! post it quotes.
//!
//! Whoever begins a conversation may close it. The account's own server takes a reply to a closed one all the same, and
//! nobody sees it; the same goes for a block. So it is asked before a word is drafted, and once more before a reply
//! leaves.

use std::time::Duration;

use serde_json::Value;

use super::record::{bounded, did_of, items, text_of, uri_of};
use super::xrpc::{Api, Ask, CallError};
use crate::model::post::Quoted;
use crate::model::{AuthorId, NetworkKind, PostId, ToldOfPost, Verdict, clean};

const BLUESKY: NetworkKind = NetworkKind::Bluesky;
/// So many posts are asked of with one question.
const BATCH: usize = 25;
/// Bluesky takes no longer texts; more of a quoted one is not kept.
const LONGEST_TEXT: usize = 3_000;
/// What becomes of a reply under a closed conversation.
const SHOWN_TO_NOBODY: &str = "Bluesky would take ours and show it to nobody";

/// What is said of these posts, in their order.
pub(super) async fn told_of(api: &Api, posts: &[PostId]) -> Vec<ToldOfPost> {
    let mut told = Vec::with_capacity(posts.len());
    for batch in posts.chunks(BATCH) {
        told.extend(told_of_batch(api, batch).await);
    }
    told
}

async fn told_of_batch(api: &Api, posts: &[PostId]) -> Vec<ToldOfPost> {
    let all = |may_reply: Verdict| -> Vec<ToldOfPost> {
        let one = |post: &PostId| ToldOfPost { post: post.clone(), may_reply: may_reply.clone(), quoted: None };
        posts.iter().map(one).collect()
    };
    let within = api.pace.answer_within;
    let mut views = match ask(api, posts, api.can_write(), within).await {
        Ok(views) => views,
        Err(error) => {
            return all(unknown(&format!("Bluesky did not say whether it would show ours: {}", error.words())));
        }
    };
    let unseen: Vec<PostId> = posts.iter().filter(|post| view_of(&views, post).is_none()).cloned().collect();
    let elsewhere =
        if unseen.is_empty() || !api.can_write() { Ok(Vec::new()) } else { ask(api, &unseen, false, within).await };
    // What only we are not shown is kept from us: there is a block. A very young post may be shown to everybody a moment
    // before it is shown to us, so we ask once more before that is said.
    let public = elsewhere.as_deref().unwrap_or_default();
    let doubtful: Vec<PostId> = unseen.into_iter().filter(|post| view_of(public, post).is_some()).collect();
    let again = if doubtful.is_empty() { Ok(Vec::new()) } else { ask(api, &doubtful, true, within).await };
    let again = again.map(|young| views.extend(young));
    let one = |post: &PostId| {
        let Some(view) = view_of(&views, post) else {
            let may_reply = match (&elsewhere, &again) {
                (Ok(public), Ok(())) => match view_of(public, post) {
                    Some(view) => Verdict::No { why: blocked(view) },
                    None => unknown("Bluesky does not show the post: it was deleted, or is very young"),
                },
                (Err(error), _) | (_, Err(error)) => {
                    unknown(&format!("Bluesky does not show us the post: {}", error.words()))
                }
            };
            return ToldOfPost { post: post.clone(), may_reply, quoted: None };
        };
        let may_reply = match closed(view) {
            _ if !api.can_write() => {
                Verdict::No { why: format!("no app password for writing as @{}", api.account().handle) }
            }
            Some(why) => Verdict::No { why },
            None => Verdict::Yes,
        };
        ToldOfPost { post: post.clone(), may_reply, quoted: quoted(view) }
    };
    posts.iter().map(one).collect()
}

fn unknown(why: &str) -> Verdict {
    Verdict::Unknown { why: why.to_owned() }
}

/// One post as the network shows it to us, or to everybody; `None` where it does not.
pub(super) async fn one(api: &Api, post: &PostId, as_us: bool, within: Duration) -> Result<Option<Value>, CallError> {
    let views = ask(api, std::slice::from_ref(post), as_us, within).await?;
    Ok(views.into_iter().find(|view| text_of(view, "uri") == post.native()))
}

async fn ask(api: &Api, posts: &[PostId], as_us: bool, within: Duration) -> Result<Vec<Value>, CallError> {
    let query: Vec<(&str, &str)> = posts.iter().map(|post| ("uris", post.native())).collect();
    let ask = Ask::get("app.bsky.feed.getPosts", &query, within);
    let answer = if as_us { api.as_us(&ask).await } else { api.public(&ask).await }?;
    Ok(items(answer.get("posts")).cloned().collect())
}

fn view_of<'a>(views: &'a [Value], post: &PostId) -> Option<&'a Value> {
    views.iter().find(|view| text_of(view, "uri") == post.native())
}

/// Why our reply under a post would be shown to nobody, from the post as the network shows it to us.
pub(super) fn closed(view: &Value) -> Option<String> {
    let viewer = |of: &Value, name: &str| of.get("viewer").and_then(|viewer| viewer.get(name)).cloned();
    let author = view.get("author").unwrap_or(&Value::Null);
    let is_blocked = viewer(author, "blockedBy").and_then(|is| is.as_bool()) == Some(true)
        || viewer(author, "blocking").is_some_and(|block| !block.is_null());
    if is_blocked {
        return Some(blocked(view));
    }
    let is_closed = viewer(view, "replyDisabled").and_then(|is| is.as_bool()) == Some(true);
    is_closed.then(|| format!("{}: {SHOWN_TO_NOBODY}", who_may(view)))
}

/// Neither sees what the other writes.
pub(super) fn blocked(view: &Value) -> String {
    format!("we and {} do not reach each other: there is a block", author(view))
}

fn author(view: &Value) -> String {
    let handle = view.get("author").map(|author| bounded(text_of(author, "handle"))).unwrap_or_default();
    if handle.is_empty() || handle == "handle.invalid" { "its author".to_owned() } else { format!("@{handle}") }
}

/// Whom the rules of a conversation let in, as far as they are shown: only with its first post.
fn who_may(view: &Value) -> String {
    let is_answer = view.get("record").and_then(|record| record.get("reply")).is_some_and(Value::is_object);
    if is_answer {
        return "whoever began the conversation has limited who may reply".to_owned();
    }
    let author = author(view);
    let gate = view.get("threadgate").and_then(|gate| gate.get("record")).and_then(|record| record.get("allow"));
    let Some(rules) = gate.and_then(Value::as_array) else { return format!("{author} has limited who may reply") };
    if rules.is_empty() {
        return format!("{author} lets nobody reply");
    }
    let mut whom: Vec<&str> = Vec::new();
    for rule in items(gate) {
        let let_in = match text_of(rule, "$type").rsplit('#').next().unwrap_or_default() {
            "mentionRule" => "people mentioned in the post",
            "followingRule" => "people they follow",
            "followerRule" => "their followers",
            "listRule" => "people on a list of theirs",
            _ => return format!("{author} has limited who may reply"),
        };
        if !whom.contains(&let_in) {
            whom.push(let_in);
        }
    }
    format!("{author} lets only {} reply", whom.join(" and "))
}

/// The quoted post, where its words are shown.
pub(super) fn quoted(view: &Value) -> Option<Quoted> {
    let embed = view.get("embed")?.get("record")?;
    // Beside pictures it stands one deeper.
    let shown = [Some(embed), embed.get("record")].into_iter().flatten().find(|shown| shown.get("value").is_some())?;
    let raw: String = text_of(shown.get("value")?, "text").chars().take(LONGEST_TEXT).collect();
    let text = clean::text(&raw);
    let author = shown.get("author").and_then(|author| did_of(text_of(author, "did")));
    let id = PostId::new(BLUESKY, &uri_of(text_of(shown, "uri"))?);
    (!text.is_empty()).then(|| Quoted { id, author: author.map(|did| AuthorId::new(BLUESKY, &did)), text })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{closed, quoted};

    fn post(more: Value) -> Value {
        let mut post = json!({"author": {"handle": "cat.example"}, "record": {}, "viewer": {"replyDisabled": true}});
        if let (Value::Object(post), Value::Object(more)) = (&mut post, more) {
            post.extend(more);
        }
        post
    }

    #[test]
    fn a_closed_conversation_says_whom_it_lets_in() {
        let gate = |allow: Value| post(json!({"threadgate": {"record": {"allow": allow}}}));
        let rule = |name: &str| json!({"$type": format!("app.bsky.feed.threadgate#{name}"), "list": "at://x"});
        for (view, said) in [
            (gate(json!([])), "@cat.example lets nobody reply: "),
            (gate(json!([rule("mentionRule")])), "@cat.example lets only people mentioned in the post reply: "),
            (
                gate(json!([rule("followingRule"), rule("followerRule"), rule("listRule"), rule("listRule")])),
                "@cat.example lets only people they follow and their followers and people on a list of theirs reply: ",
            ),
            (gate(json!([rule("moonRule")])), "@cat.example has limited who may reply: "),
            (gate(json!("all")), "@cat.example has limited who may reply: "),
            (post(json!({})), "@cat.example has limited who may reply: "),
            (post(json!({"author": {"handle": "handle.invalid"}})), "its author has limited who may reply: "),
            (
                post(json!({"record": {"reply": {"root": {}}}, "threadgate": {"record": {"allow": []}}})),
                "whoever began the conversation has limited who may reply: ",
            ),
            (
                post(json!({"author": {"handle": "cat.example", "viewer": {"blockedBy": true}}, "viewer": {}})),
                "we and @cat.example do not reach each other: there is a block",
            ),
            (
                post(json!({"author": {"handle": "cat.example", "viewer": {"blocking": "at://x"}}, "viewer": {}})),
                "we and @cat.example do not reach each other: there is a block",
            ),
        ] {
            let why = closed(&view).unwrap_or_else(|| panic!("{view}"));
            assert!(why.starts_with(said), "{why}");
        }
        for open in [
            json!({"viewer": {"replyDisabled": false}}),
            json!({"viewer": null}),
            json!({"viewer": {"replyDisabled": "yes"}}),
        ] {
            assert_eq!(closed(&post(open.clone())), None, "{open}");
        }
    }

    #[test]
    fn a_quoted_post_s_words_are_read_wherever_they_stand_and_cleaned() {
        let shown = json!({"$type": "app.bsky.embed.record#viewRecord", "uri": "at://did:plc:q/app.bsky.feed.post/3",
            "author": {"did": "did:plc:q"}, "value": {"text": "slow \u{1b}[31magain"}});
        let alone = quoted(&json!({"embed": {"record": shown}})).unwrap();
        assert_eq!((alone.text.as_str(), alone.id.native()), ("slow again", "at://did:plc:q/app.bsky.feed.post/3"));
        assert_eq!(alone.author.as_ref().map(crate::model::AuthorId::native), Some("did:plc:q"));
        assert_eq!(quoted(&json!({"embed": {"record": {"record": shown}, "media": {}}})), Some(alone));
        for nothing in [
            json!({}),
            json!({"embed": {"images": []}}),
            json!({"embed": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "notFound": true}}}),
            json!({"embed": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "detached": true}}}),
            json!({"embed": {"record": {"uri": "https://x", "value": {"text": "slow"}}}}),
            json!({"embed": {"record": {"uri": "at://did:plc:q/app.bsky.feed.post/3", "value": {"text": 7}}}}),
        ] {
            assert_eq!(quoted(&nothing), None, "{nothing}");
        }
    }
}
