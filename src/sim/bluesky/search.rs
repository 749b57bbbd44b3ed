//! The search of posts: for whoever is logged in, newest first, page by page. Its words are looked for a little more
//! generously than a reader would, as a real one's are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::call::{Answer, Call};
use super::super::state::State;
use super::super::world::{SimPost, hashtags, mentions};
use super::{gates, invalid, refuse, session, views};

/// One word of a question.
enum Word {
    Text(String),
    Tag(String),
    From(String),
    Mentions(String),
    Domain(String),
    Lang(String),
}

/// Takes the words apart; in words what is wrong with them.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let Some((phrase, after)) = quoted.split_once('"') else {
                return Err("Invalid query: unbalanced quotation mark".to_owned());
            };
            words.push(Word::Text(phrase.to_lowercase()));
            rest = after.trim_start();
            continue;
        }
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        words.push(match (name, value.is_empty()) {
            ("from", false) => Word::From(value.to_owned()),
            ("mentions", false) => Word::Mentions(value.to_owned()),
            ("domain", false) => Word::Domain(value.to_owned()),
            ("lang", false) => Word::Lang(value.to_owned()),
            _ => match word.strip_prefix('#') {
                Some(tag) => Word::Tag(tag.to_lowercase()),
                None => Word::Text(word.to_lowercase()),
            },
        });
        rest = after.trim_start();
    }
    Ok(words)
}

fn fits(state: &State, post: &SimPost, text: &str, word: &Word) -> bool {
    let is_called = |person: u64, name: &str| {
        views::did(person) == name || views::handle_of(state, person).eq_ignore_ascii_case(name)
    };
    match word {
        Word::Text(words) => text.contains(words.as_str()),
        Word::Tag(tag) => hashtags(&post.text).iter().any(|span| span.word.to_lowercase() == *tag),
        Word::From(name) => is_called(post.author, name),
        Word::Mentions(name) => {
            let named = mentions(&post.text);
            named
                .iter()
                .filter_map(|span| state.world.person_named(&span.word))
                .any(|person| is_called(person.id, name))
        }
        Word::Domain(domain) => post.links.iter().any(|(_, target)| target.contains(domain.as_str())),
        Word::Lang(lang) => post.lang == *lang,
    }
}

pub(super) fn posts(state: &State, call: &Call) -> Result<Answer, Answer> {
    session::who(state, call)?;
    let Some(query) = call.param("q").filter(|query| !query.trim().is_empty()) else {
        return Err(invalid("Error: Params must have the property \"q\""));
    };
    let limit: usize = call.param("limit").map_or(Some(25), |limit| limit.parse().ok()).unwrap_or(0);
    if !(1..=100).contains(&limit) {
        return Err(invalid("Error: limit can not be greater than 100"));
    }
    let from: usize = match call.param("cursor") {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| invalid("Malformed cursor"))?,
    };
    let mut wanted = words(query).map_err(|why| refuse(400, "BadQueryString", &why))?;
    for (name, value) in &call.query {
        match name.as_str() {
            "author" => wanted.push(Word::From(value.clone())),
            "mentions" => wanted.push(Word::Mentions(value.clone())),
            "tag" => wanted.push(Word::Tag(value.to_lowercase())),
            "domain" => wanted.push(Word::Domain(value.clone())),
            "lang" => wanted.push(Word::Lang(value.clone())),
            _ => {}
        }
    }
    let all = &state.world.posts;
    let replaced: BTreeSet<u64> = all.values().flat_map(|post| post.history.iter().rev().skip(1)).copied().collect();
    let newest = |post: &&SimPost| !post.deleted && post.reposts.is_none() && !replaced.contains(&post.id);
    let found = all.values().rev().filter(newest).filter(|post| {
        let record = views::stored(state, post.id);
        let text = record["text"].as_str().unwrap_or_default().to_lowercase();
        wanted.iter().all(|word| fits(state, post, &text, word))
    });
    let page: Vec<Value> =
        found.skip(from).take(limit).filter_map(|post| gates::post_view(state, post.id, true)).collect();
    let mut answer = json!({"posts": page});
    if page.len() == limit {
        answer["cursor"] = json!((from + limit).to_string());
    }
    Ok(Answer::json(200, answer))
}
