//! Whether posts still stand: X tells a self-serve app of no deletion, edit or protection, but a post looked up shows
//! all three.
//!
//! A post that was read the same day (UTC) is looked up free of charge; later it costs what any post read costs.

use std::collections::BTreeSet;

use serde_json::Value;

use super::api::{Api, As, CallError};
use super::decode::{self, id_of, items, text_of};
use super::names::{names_our_parameters, parameters};
use super::problem::Class;
use crate::model::spend::Act;
use crate::model::{NetworkKind, Post, PostId};
use crate::net::{Inbound, LOOKED_UP, Missing};

pub(super) async fn look_up(api: &Api, posts: &[PostId]) -> Result<Vec<Inbound>, Missing> {
    let posts = &posts[..posts.len().min(LOOKED_UP)];
    if posts.is_empty() {
        return Ok(Vec::new());
    }
    let room = || api.room().map_or(usize::MAX, |room| usize::try_from(room).unwrap_or(usize::MAX));
    // Near the limit as many as the day's money buys, those first that were not looked at for the longest.
    let posts = &posts[..posts.len().min(room())];
    if posts.is_empty() {
        let why = "the day's spend limit leaves no room for a look at the posts".to_owned();
        return Err(Missing { why, until: None });
    }
    let answer = ask(api, &posts.iter().map(PostId::native).collect::<Vec<_>>()).await?;
    let mut changed: Vec<Inbound> = Vec::new();
    // Asked for by its first id, a post may come in its first words although there are newer ones.
    let (newest, old) = edited(&answer);
    changed.extend(newest.into_iter().map(|post| Inbound::Edited(Box::new(post))));
    if old.len() > room() {
        // The next look finds them again.
        tracing::info!(posts = old.len(), "the day's spend limit leaves no room for the newest words of edited posts");
    } else if !old.is_empty() {
        let versions: Vec<&str> = old.iter().filter_map(|post| post.version.as_deref()).collect();
        let (newest, _) = edited(&ask(api, &versions).await?);
        changed.extend(newest.into_iter().map(|post| Inbound::Edited(Box::new(post))));
    }
    for error in items(answer.get("errors")) {
        let named = ["resource_id", "value"].into_iter().find_map(|name| id_of(error.get(name)));
        let Some(post) = named.map(|id| PostId::new(NetworkKind::X, &id)).filter(|post| posts.contains(post)) else {
            continue;
        };
        match text_of(error, "type").rsplit('/').next().unwrap_or_default() {
            // Suspended authors' posts come as not found as well; only the words tell.
            "resource-not-found" if text_of(error, "detail").contains("suspended") => {
                changed.push(Inbound::Withheld { post });
            }
            "resource-not-found" => changed.push(Inbound::Deleted { post }),
            "not-authorized-for-resource" | "resource-unavailable" => changed.push(Inbound::Withheld { post }),
            // A field that is not ours to see says nothing of the post.
            _ => {}
        }
    }
    Ok(changed)
}

async fn ask(api: &Api, ids: &[&str]) -> Result<Value, Missing> {
    let ids = ids.join(",");
    let ask = async |has_new_names| {
        let mut params = vec![("ids", ids.as_str())];
        params.extend_from_slice(parameters(has_new_names));
        api.get(As::App, "/2/tweets", &params).await
    };
    let answer = match ask(false).await {
        Err(CallError::No(problem)) if names_our_parameters(&problem) => ask(true).await,
        other => other,
    };
    if let Ok(answer) = &answer {
        let read = items(answer.get("data")).filter_map(|row| id_of(row.get("id"))).collect();
        api.charge(Act::PostRead, read, Vec::new());
    }
    answer.map_err(|error| match error {
        CallError::No(problem) if problem.class == Class::RateLimited => {
            Missing { why: problem.words.clone(), until: problem.until }
        }
        error => Missing { why: error.words().to_owned(), until: None },
    })
}

/// The edited posts of an answer: those in their newest words, and those in older ones.
fn edited(answer: &Value) -> (Vec<Post>, Vec<Post>) {
    let given: BTreeSet<String> = items(answer.get("data")).filter_map(|row| id_of(row.get("id"))).collect();
    let edited = decode::page(answer).into_iter().filter(|post| post.is_edited);
    edited.partition(|post| post.version.as_ref().is_none_or(|version| given.contains(version)))
}
