//! The pages on which a person lets an app in: approve or deny, for OAuth 2.0 and for a PIN of OAuth 1.0a. Plain forms
//! that a script can send as well; the field `as` says who approves, the brand where it is missing.

use url::Url;

use super::super::state::State;
use super::auth_server::Code;
use super::web::{escaped, page};
use super::{Answer, Body, Call};

pub(super) const AUTHORIZE: &str = "/i/oauth2/authorize";
const LONGEST_STATE: usize = 500;

const SCOPES: [&str; 9] = [
    "tweet.read",
    "tweet.write",
    "users.read",
    "dm.read",
    "dm.write",
    "follows.read",
    "follows.write",
    "like.read",
    "offline.access",
];

/// What an app asks for, found in order.
struct Asked {
    client: String,
    redirect: Url,
    /// As it was written: the token endpoint compares letter by letter.
    redirect_text: String,
    scopes: String,
    state: String,
    challenge: String,
    is_plain: bool,
}

fn read(state: &State, get: &dyn Fn(&str) -> Option<String>) -> Result<Asked, &'static str> {
    let word = |name| get(name).unwrap_or_default();
    let known = &state.x.credentials;
    let client = word("client_id");
    if client != known.client_id && client != known.public_client_id {
        return Err("The client id is not known.");
    }
    if word("response_type") != "code" {
        return Err("The response type must be code.");
    }
    let redirect_text = word("redirect_uri");
    let redirect = Url::parse(&redirect_text).map_err(|_| "The redirect uri is not an address.")?;
    let is_loopback = redirect.scheme() == "http" && matches!(redirect.host_str(), Some("127.0.0.1" | "[::1]"));
    if !is_loopback && redirect.scheme() != "https" {
        return Err("The redirect uri is not one of the app's: it must be https, or http on 127.0.0.1.");
    }
    let scopes = word("scope");
    if scopes.is_empty() || scopes.split(' ').any(|scope| !SCOPES.contains(&scope)) {
        return Err("A scope is not known.");
    }
    let asked_state = word("state");
    if asked_state.is_empty() || asked_state.len() > LONGEST_STATE {
        return Err("The state must have 1 to 500 characters.");
    }
    let (challenge, method) = (word("code_challenge"), word("code_challenge_method"));
    let is_plain = match method.as_str() {
        "S256" => false,
        "plain" => true,
        _ => return Err("The code challenge method must be S256 or plain."),
    };
    if challenge.is_empty() {
        return Err("The code challenge is missing.");
    }
    Ok(Asked { client, redirect, redirect_text, scopes, state: asked_state, challenge, is_plain })
}

/// Shows what is asked for.
pub(super) fn form(state: &State, call: &Call) -> Answer {
    let asked = match read(state, &|name| call.param(name).map(str::to_owned)) {
        Ok(asked) => asked,
        Err(why) => return wrong(why),
    };
    let mut hidden = String::new();
    for (name, value) in &call.query {
        let (name, value) = (escaped(name), escaped(value));
        hidden.extend(["<input type=\"hidden\" name=\"", &name, "\" value=\"", &value, "\">"]);
    }
    let mut scopes = String::new();
    for scope in asked.scopes.split(' ') {
        scopes.extend(["<li>", &escaped(scope), "</li>"]);
    }
    // Browsers hold the address a form's answer leads to against the same policy as the form's own.
    let origin = asked.redirect.origin().ascii_serialization();
    let body = choice(state, AUTHORIZE, &format!("{hidden}<p>replydeck asks for:</p><ul>{scopes}</ul>"));
    let mut answer = page(200, "Let an app in", &body);
    for (name, value) in &mut answer.headers {
        if *name == "content-security-policy" {
            value.push(' ');
            value.push_str(&origin);
        }
    }
    answer
}

/// What both forms share: who, yes, no.
fn choice(state: &State, action: &str, inner: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\">{inner}<p>As @<input name=\"as\" value=\"{brand}\"></p>\
         <p><button name=\"decision\" value=\"approve\">Approve</button> \
         <button name=\"decision\" value=\"deny\">Deny</button></p></form>",
        brand = escaped(&state.world.brand.handle),
    )
}

fn wrong(why: &str) -> Answer {
    page(400, "Something went wrong", &format!("<p>You were not able to give access to the app. {}</p>", escaped(why)))
}

/// Who sits before the form.
fn person(state: &State, call: &Call) -> Option<u64> {
    match call.field("as").filter(|handle| !handle.is_empty()) {
        None => Some(state.world.brand.id),
        Some(handle) => state.world.person_named(handle.trim_start_matches('@')).map(|person| person.id),
    }
}

/// Takes the answer of the form and sends the browser back to the app.
pub(super) fn decide(state: &mut State, call: &Call) -> Answer {
    let asked = match read(state, &|name| call.field(name)) {
        Ok(asked) => asked,
        Err(why) => return wrong(why),
    };
    let Some(person) = person(state, call) else { return wrong("There is nobody of that handle.") };
    let mut back = asked.redirect;
    match call.field("decision").as_deref() {
        Some("approve") => {
            let code = state.x.grants.give_code(Code {
                client: asked.client,
                redirect: asked.redirect_text,
                challenge: asked.challenge,
                is_plain: asked.is_plain,
                scopes: asked.scopes,
                person,
                at: call.now,
            });
            back.query_pairs_mut().append_pair("state", &asked.state).append_pair("code", &code);
        }
        Some("deny") => {
            back.query_pairs_mut().append_pair("error", "access_denied").append_pair("state", &asked.state);
        }
        _ => return wrong("Neither approved nor denied."),
    }
    Answer { status: 302, headers: vec![("location", back.to_string())], body: Body::Html(String::new()) }
}

/// The page of OAuth 1.0a.
pub(super) fn pin_form(state: &State, call: &Call) -> Answer {
    let token = call.param("oauth_token").unwrap_or_default();
    if !state.x.grants.pins.is_waiting(token) {
        return wrong("The request token is not known, or was used.");
    }
    let hidden = format!("<input type=\"hidden\" name=\"oauth_token\" value=\"{}\">", escaped(token));
    page(200, "Let an app in", &choice(state, "/oauth/authorize", &hidden))
}

/// Shows the PIN to whoever approved.
pub(super) fn pin_decide(state: &mut State, call: &Call) -> Answer {
    let token = call.field("oauth_token").unwrap_or_default();
    let Some(person) = person(state, call) else { return wrong("There is nobody of that handle.") };
    if call.field("decision").as_deref() != Some("approve") {
        state.x.grants.pins.forget(&token);
        return page(200, "Denied", "<p>The app was not let in.</p>");
    }
    let digits = state.x.grants.fresh(7);
    let pin: String = digits.bytes().map(|byte| char::from(b'0' + byte % 10)).collect();
    if state.x.grants.pins.approve(&token, person, &pin) {
        page(200, "Your PIN", &format!("<p>Type this PIN into the app: <code>{pin}</code></p>"))
    } else {
        wrong("The request token is not known, or was used.")
    }
}
