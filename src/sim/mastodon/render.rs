//! Posts and accounts as the server writes them, words as HTML.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Value, json};

use super::super::state::State;
use super::super::world::{Person, SimPost, World};
use super::super::x::web::escaped;
use super::write::Direct;
use super::{DOMAIN, ELSEWHERE, status_id, tags};

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"https?://[^\s<>]+|(?:^|\b|\s|\()[@#＠＃][\p{L}\p{N}_]+(?:@[A-Za-z0-9.-]*[A-Za-z0-9])?")
        .expect("a constant pattern")
});
static MARKED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)^(.*?)([@#＠＃])([\p{L}\p{N}_]+)(.*)$").expect("a constant pattern"));

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\w@/])@([A-Za-z0-9_]+)(?:@[A-Za-z0-9.-]*[A-Za-z0-9])?").expect("a constant pattern")
});

/// Where somebody lives.
pub(super) fn host(person: &Person, world: &World) -> &'static str {
    if person.id == world.brand.id || person.id % 2 == 1 { DOMAIN } else { ELSEWHERE }
}

pub(super) fn url(person: &Person, world: &World) -> String {
    format!("https://{}/@{}", host(person, world), person.handle)
}

fn acct(person: &Person, world: &World) -> String {
    match host(person, world) {
        DOMAIN => person.handle.clone(),
        host => format!("{}@{host}", person.handle),
    }
}

/// The people a text names.
pub(super) fn named(world: &World, text: &str) -> Vec<u64> {
    let found = NAME.captures_iter(text).filter_map(|found| Some(world.person_named(&found[1])?.id));
    let mut people: Vec<u64> = Vec::new();
    for id in found {
        if !people.contains(&id) {
            people.push(id);
        }
    }
    people
}

pub(super) fn account(state: &State, id: u64) -> Value {
    let world = &state.world;
    let Some(person) = world.people.get(&id) else { return Value::Null };
    json!({
        "id": id.to_string(), "username": person.handle, "acct": acct(person, world), "display_name": person.name,
        "url": url(person, world), "uri": url(person, world), "locked": false, "bot": false,
        "followers_count": person.followers, "following_count": person.following, "statuses_count": person.posts,
    })
}

fn mentions(state: &State, text: &str) -> Value {
    named(&state.world, text)
        .into_iter()
        .filter_map(|id| state.world.people.get(&id))
        .map(|person| {
            json!({"id": person.id.to_string(), "username": person.handle, "acct": acct(person, &state.world),
                "url": url(person, &state.world)})
        })
        .collect()
}

/// A post, by its first version; what is shown is its newest. `None`: it is gone.
pub(super) fn status(state: &State, first: u64) -> Option<Value> {
    let newest = state.mastodon.newest.get(&first).copied().unwrap_or(first);
    let post = state.world.visible(newest)?;
    let original = state.world.posts.get(&first)?;
    let id = status_id(state, first);
    let author = state.world.people.get(&post.author)?;
    let parent = post.reply_to.map(|to| first_of(&state.world, to));
    let mut status = json!({
        "id": id, "created_at": original.at.to_string(),
        "edited_at": (newest != first).then(|| post.at.to_string()),
        "uri": format!("https://{}/users/{}/statuses/{id}", host(author, &state.world), author.handle),
        "url": format!("{}/{id}", url(author, &state.world)),
        "visibility": state.mastodon.quiet.get(&first).copied().unwrap_or("public"),
        "language": post.lang, "spoiler_text": "", "sensitive": false,
        "content": html(&state.world, &text(post)),
        "account": account(state, post.author),
        "in_reply_to_id": parent.map(|id| status_id(state, id)),
        "in_reply_to_account_id":
            post.reply_to.and_then(|to| state.world.posts.get(&to)).map(|parent| parent.author.to_string()),
        "mentions": mentions(state, &post.text),
        "tags": tags(&post.text).into_iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
        "media_attachments": [], "poll": null, "card": null, "reblog": null,
        "reblogs_count": post.counts[0], "replies_count": post.counts[1], "favourites_count": post.counts[2],
    });
    if let Some(of) = post.reposts {
        status["reblog"] = self::status(state, first_of(&state.world, of)).unwrap_or(Value::Null);
        status["content"] = json!("");
    }
    Some(status)
}

pub(super) fn direct(state: &State, direct: &Direct) -> Value {
    let id = status_id(state, direct.id);
    let author = state.world.people.get(&direct.author);
    let (url, handle) = author.map_or((String::new(), ""), |author| (url(author, &state.world), &author.handle));
    json!({
        "id": id, "created_at": direct.at.to_string(), "edited_at": null,
        "uri": format!("https://{DOMAIN}/users/{handle}/statuses/{id}"), "url": format!("{url}/{id}"),
        "visibility": "direct", "language": "en", "spoiler_text": "", "content": html(&state.world, &direct.text),
        "account": account(state, direct.author), "in_reply_to_id": direct.reply_to.map(|id| status_id(state, id)),
        "in_reply_to_account_id": null, "mentions": mentions(state, &direct.text), "tags": [],
        "media_attachments": [], "reblog": null,
    })
}

pub(super) fn first_of(world: &World, id: u64) -> u64 {
    world.posts.get(&id).and_then(|post| post.history.first().copied()).unwrap_or(id)
}

/// As it was typed: this network shortens no links.
fn text(post: &SimPost) -> String {
    post.links.iter().fold(post.text.clone(), |text, (short, target)| text.replace(short, target))
}

/// Words as HTML, links cut for the eye, handles without their host.
fn html(world: &World, text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let mut html = String::new();
        let mut rest = 0;
        for found in WORD.find_iter(paragraph) {
            html.push_str(&escaped(&paragraph[rest..found.start()]));
            html.push_str(&word(world, found.as_str()));
            rest = found.end();
        }
        html.push_str(&escaped(&paragraph[rest..]));
        format!("<p>{}</p>", html.replace('\n', "<br />"))
    });
    paragraphs.collect()
}

fn word(world: &World, word: &str) -> String {
    if word.starts_with("http") {
        let target = word.trim_end_matches(['.', ',', '!', '?', ')']);
        let rest = &word[target.len()..];
        let (scheme, shown) = target.split_once("://").unwrap_or(("", target));
        let (shown, hidden) = match shown.char_indices().nth(30) {
            Some((at, _)) => shown.split_at(at),
            None => (shown, ""),
        };
        let class = if hidden.is_empty() { "" } else { "ellipsis" };
        return format!(
            "<a href=\"{}\" target=\"_blank\" rel=\"nofollow noopener\"><span class=\"invisible\">{scheme}://</span>\
             <span class=\"{class}\">{}</span><span class=\"invisible\">{}</span></a>{}",
            escaped(target),
            escaped(shown),
            escaped(hidden),
            escaped(rest)
        );
    }
    let replaced = MARKED.replace(word, |found: &Captures<'_>| {
        let (before, sign, name, host) = (&found[1], &found[2], &found[3], &found[4]);
        match (sign, world.person_named(name)) {
            ("#" | "＃", _) => format!(
                "{before}<a href=\"https://{DOMAIN}/tags/{name}\" class=\"mention hashtag\" rel=\"tag\">#<span>{name}</span></a>"
            ),
            (_, Some(person)) => format!(
                "{before}<span class=\"h-card\" translate=\"no\"><a href=\"{}\" class=\"u-url mention\">@<span>{}</span></a></span>",
                url(person, world),
                person.handle
            ),
            _ => format!("{before}@{name}{host}"),
        }
    });
    replaced.into_owned()
}
