//! X's own pages, as far as a hand-over needs them: a post, the form in which a person answers it, and where a link to
//! a direct message leads ([`message_page`]). A person on the web is not held back by what X refuses apps.

use super::super::state::State;
use super::super::world::SimPost;
use super::{Answer, Body, Call};
use super::{auth_pages, message_page, write};

/// Where the form is, and where it is sent to.
const INTENT: &str = "/intent/tweet";

/// Answers a request for a page; `None` if the path is none of a page.
pub(in crate::sim) fn answer(state: &mut State, call: &Call) -> Option<Answer> {
    let parts: Vec<&str> = call.path.trim_matches('/').split('/').collect();
    let answer = match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["intent", "tweet"]) => form(state, call),
        ("POST", ["intent", "tweet"]) => publish(state, call),
        ("GET", ["messages", "compose"]) => message_page::form(state, call),
        ("POST", ["messages", "compose"]) => message_page::send(state, call),
        ("GET", ["i", "oauth2", "authorize"]) => auth_pages::form(state, call),
        ("POST", ["i", "oauth2", "authorize"]) => auth_pages::decide(state, call),
        ("GET", ["oauth", "authorize"]) => auth_pages::pin_form(state, call),
        ("POST", ["oauth", "authorize"]) => auth_pages::pin_decide(state, call),
        // As on X, the id decides, whatever the handle.
        ("GET", [_, "status", id]) => post_page(state, id),
        _ => return None,
    };
    Some(answer)
}

fn form(state: &State, call: &Call) -> Answer {
    let to = call.param("in_reply_to").unwrap_or_default();
    let text = call.param("text").unwrap_or_default();
    let above = match (to, shown(state, to)) {
        ("", _) => String::new(),
        (_, Some(post)) => post,
        (_, None) => "<p>The post to answer is not there any more.</p>".to_owned(),
    };
    // A browser takes the first line end after the tag away.
    let body = format!(
        "{above}<form method=\"post\" action=\"{INTENT}\">\
         <p>As @{brand}:</p>\
         <input type=\"hidden\" name=\"in_reply_to\" value=\"{to}\">\
         <textarea name=\"text\" rows=\"6\" cols=\"60\">\n{text}</textarea>\
         <p><button type=\"submit\">Post</button></p></form>",
        brand = escaped(&state.world.brand.handle),
        to = escaped(to),
        text = escaped(text),
    );
    page(200, "Post", &body)
}

fn publish(state: &mut State, call: &Call) -> Answer {
    // Forms carry line ends as CR LF.
    let text = call.field("text").unwrap_or_default().replace("\r\n", "\n");
    let to = call.field("in_reply_to").filter(|to| !to.is_empty());
    match write::by_hand(state, call.now, &text, to.as_deref()) {
        Ok(id) => {
            let post = shown(state, &id.to_string()).unwrap_or_default();
            page(200, "Posted", &format!("<p>Your post is public.</p>{post}"))
        }
        Err(why) => page(403, "Not posted", &format!("<p>{}</p>", escaped(why))),
    }
}

fn post_page(state: &State, id: &str) -> Answer {
    match shown(state, id) {
        Some(post) => {
            let reply = format!("{post}<p><a href=\"{INTENT}?in_reply_to={}\">Reply</a></p>", escaped(id));
            page(200, "A post", &reply)
        }
        None => page(404, "Nothing here", "<p>This post is not there. It was deleted, or never was.</p>"),
    }
}

/// The text as HTML; a short link to a direct message leads to the page here, as it does for whoever reads X's pages.
fn with_private_links(post: &SimPost) -> String {
    let mut html = escaped(&post.text);
    for (short, target) in &post.links {
        let page = target.split_once("://").and_then(|(_, rest)| Some(rest.split_once('/')?.1));
        if let Some(page) = page.filter(|page| page.starts_with("messages/compose?")) {
            let link = format!("<a href=\"/{}\">{}</a>", escaped(page), escaped(target));
            html = html.replace(short.as_str(), &link);
        }
    }
    html
}

/// A post that is there, as HTML.
fn shown(state: &State, id: &str) -> Option<String> {
    let post = state.world.visible(id.parse().ok()?)?;
    let author = state.world.people.get(&post.author);
    let (name, handle) = author.map_or(("", ""), |author| (&author.name, &author.handle));
    Some(format!(
        "<article><p><b>{}</b> @{}</p><p style=\"white-space: pre-wrap\">{}</p><p>{}</p></article>",
        escaped(name),
        escaped(handle),
        with_private_links(post),
        post.at,
    ))
}

pub(super) fn page(status: u16, title: &str, body: &str) -> Answer {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} (simulated)</title></head>\
         <body><p>A simulated network: nothing here leaves this machine.</p>{body}</body></html>\n"
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'".to_owned();
    Answer { status, headers: vec![("content-security-policy", policy)], body: Body::Html(html) }
}

/// Text as text, inside an element or a quoted attribute.
pub(in crate::sim) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
