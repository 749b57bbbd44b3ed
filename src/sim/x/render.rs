//! Posts and people as X writes them, with the fields that were asked for and no others.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::world::{Person, SimPost, World, displayed, hashtags, mentions};
use super::NameFamily;
use super::fields::Choice;
use crate::model::NetworkKind;
use crate::model::length::length;

/// The posts, and what the expansions add where there is anything.
pub(super) fn render(
    world: &World,
    posts: &[&SimPost],
    choice: &Choice,
    names: NameFamily,
) -> (Vec<Value>, Option<Value>) {
    let data = posts.iter().map(|post| post_json(world, post, choice, names)).collect();
    let mut people = BTreeSet::new();
    let mut others = BTreeSet::new();
    for post in posts {
        let referenced: Vec<u64> = references(post).into_iter().map(|(_, id)| id).collect();
        if choice.expands("author_id") {
            people.insert(post.author);
        }
        if choice.expands("referenced_tweets.id") {
            others.extend(referenced.iter().copied().filter(|id| world.visible(*id).is_some()));
        }
        if choice.expands("referenced_tweets.id.author_id") {
            people.extend(referenced.iter().filter_map(|id| world.visible(*id)).map(|post| post.author));
        }
        if choice.expands("in_reply_to_user_id") {
            people.extend(post.reply_to.and_then(|id| world.posts.get(&id)).map(|parent| parent.author));
        }
        if choice.expands("entities.mentions.username") {
            people.extend(mentions(&post.text).iter().filter_map(|span| world.person_named(&span.word)).map(|p| p.id));
        }
    }
    let mut includes = Map::new();
    let users: Vec<Value> = people
        .iter()
        .filter_map(|id| world.people.get(id))
        .map(|person| user_json(person, &choice.user, None, names))
        .collect();
    if !users.is_empty() {
        includes.insert("users".to_owned(), Value::Array(users));
    }
    let others: Vec<Value> =
        others.iter().filter_map(|id| world.posts.get(id)).map(|post| post_json(world, post, choice, names)).collect();
    if !others.is_empty() {
        includes.insert(pick(names, "tweets", "posts").to_owned(), Value::Array(others));
    }
    (data, (!includes.is_empty()).then_some(Value::Object(includes)))
}

fn pick(names: NameFamily, old: &'static str, new: &'static str) -> &'static str {
    match names {
        NameFamily::Tweet => old,
        NameFamily::Post => new,
    }
}

fn references(post: &SimPost) -> Vec<(&'static str, u64)> {
    [("replied_to", post.reply_to), ("quoted", post.quotes), ("retweeted", post.reposts)]
        .into_iter()
        .filter_map(|(kind, id)| Some((kind, id?)))
        .collect()
}

/// X escapes three characters in what it hands out.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn post_json(world: &World, post: &SimPost, choice: &Choice, names: NameFamily) -> Value {
    let full = escape(&post.text);
    let is_long = post.reposts.is_none() && length(NetworkKind::X, &post.text).used > 280;
    let text = if is_long { escape(&shortened(&post.text)) } else { full.clone() };
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| {
        row.insert(key.to_owned(), value);
    };
    put("id", json!(post.id.to_string()));
    put("text", json!(text));
    let history: Vec<String> = post.history.iter().map(u64::to_string).collect();
    put(pick(names, "edit_history_tweet_ids", "edit_history_post_ids"), json!(history));
    if choice.has("author_id") || choice.expands("author_id") {
        put("author_id", json!(post.author.to_string()));
    }
    if choice.has("conversation_id") {
        put("conversation_id", json!(post.conversation.to_string()));
    }
    if choice.has("created_at") {
        put("created_at", json!(format!("{:.3}", post.at)));
    }
    if choice.has("lang") {
        put("lang", json!(post.lang));
    }
    if choice.has("reply_settings") {
        put("reply_settings", json!(post.reply_settings));
    }
    if choice.has("possibly_sensitive") {
        put("possibly_sensitive", json!(false));
    }
    let parent = post.reply_to.and_then(|id| world.posts.get(&id));
    if let Some(parent) = parent.filter(|_| choice.has("in_reply_to_user_id") || choice.expands("in_reply_to_user_id"))
    {
        put("in_reply_to_user_id", json!(parent.author.to_string()));
    }
    let references = references(post);
    if !references.is_empty() && (choice.has("referenced_tweets") || choice.expands("referenced_tweets.id")) {
        let rows: Vec<Value> =
            references.iter().map(|(kind, id)| json!({"type": kind, "id": id.to_string()})).collect();
        put(pick(names, "referenced_tweets", "referenced_posts"), Value::Array(rows));
    }
    if choice.has("public_metrics") {
        let [reposts, replies, likes, quotes] = post.counts;
        put(
            "public_metrics",
            json!({
                pick(names, "retweet_count", "repost_count"): reposts,
                "reply_count": replies,
                "like_count": likes,
                "quote_count": quotes,
                "bookmark_count": 0,
                "impression_count": 0,
            }),
        );
    }
    if choice.has("entities")
        && let Some(entities) = entities(world, post, &text)
    {
        put("entities", entities);
    }
    if is_long && choice.has("note_tweet") {
        put(pick(names, "note_tweet", "note_post"), json!({"text": full}));
    }
    Value::Object(row)
}

/// The first part of a long text, as far as a post goes.
fn shortened(text: &str) -> String {
    let mut weight = 0;
    let cut = text.char_indices().find(|(_, c)| {
        weight += if *c < '\u{1100}' { 1 } else { 2 };
        weight > 275
    });
    match cut {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn entities(world: &World, post: &SimPost, text: &str) -> Option<Value> {
    let mut row = Map::new();
    let named: Vec<Value> = mentions(text)
        .into_iter()
        .filter_map(|span| {
            let person = world.person_named(&span.word)?;
            Some(json!({"start": span.start, "end": span.end, "username": span.word, "id": person.id.to_string()}))
        })
        .collect();
    if !named.is_empty() {
        row.insert("mentions".to_owned(), Value::Array(named));
    }
    let tags: Vec<Value> = hashtags(text)
        .into_iter()
        .map(|span| json!({"start": span.start, "end": span.end, "tag": span.word}))
        .collect();
    if !tags.is_empty() {
        row.insert("hashtags".to_owned(), Value::Array(tags));
    }
    let links: Vec<Value> = post
        .links
        .iter()
        .filter_map(|(short, target)| {
            let at = text.find(short.as_str())?;
            let start = text[..at].chars().count();
            Some(json!({
                "start": start,
                "end": start + short.chars().count(),
                "url": short,
                "expanded_url": target,
                "display_url": displayed(target),
            }))
        })
        .collect();
    if !links.is_empty() {
        row.insert("urls".to_owned(), Value::Array(links));
    }
    (!row.is_empty()).then_some(Value::Object(row))
}

/// Somebody's account. `receives_dm` is known only to a user who asks.
pub(super) fn user_json(
    person: &Person,
    fields: &BTreeSet<String>,
    receives_dm: Option<bool>,
    names: NameFamily,
) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| {
        row.insert(key.to_owned(), value);
    };
    put("id", json!(person.id.to_string()));
    put("name", json!(person.name));
    put("username", json!(person.handle));
    if fields.contains("verified") {
        put("verified", json!(person.is_verified));
    }
    if fields.contains("protected") {
        put("protected", json!(false));
    }
    if fields.contains("description") {
        put("description", json!("Somebody who does not exist."));
    }
    if fields.contains("public_metrics") {
        put(
            "public_metrics",
            json!({
                "followers_count": person.followers,
                "following_count": person.following,
                pick(names, "tweet_count", "post_count"): person.posts,
                "listed_count": person.followers / 200,
            }),
        );
    }
    if let Some(receives) = receives_dm {
        if fields.contains("receives_your_dm") {
            put("receives_your_dm", json!(receives));
        }
        if fields.contains("connection_status") {
            put("connection_status", if person.blocks_us { json!(["blocking"]) } else { json!([]) });
        }
    }
    Value::Object(row)
}
