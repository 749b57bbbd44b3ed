//! X's page of a direct message: where the link of a request for one leads a customer, and a hand-over a rep.

use super::super::state::State;
use super::dm;
use super::web::{escaped, page};
use super::{Answer, Call};
use crate::sim::world::Person;

/// Where the page is, and where its form is sent to.
const PLACE: &str = "/messages/compose";
/// Of the messages of a conversation the last so many are shown.
const SHOWN: usize = 50;

/// The conversation with `recipient_id`. With the brand: whoever reads it says who they are, as nobody is logged in.
pub(super) fn form(state: &State, call: &Call) -> Answer {
    let text = call.param("text").unwrap_or_default();
    match recipient(state, call.param("recipient_id")) {
        Some(to) => {
            let from = call.param("from").unwrap_or_default().trim_start_matches('@');
            page(200, "Direct message", &shown(state, to, from, text))
        }
        None => page(404, "Nothing here", "<p>There is nobody of that id.</p>"),
    }
}

pub(super) fn send(state: &mut State, call: &Call) -> Answer {
    // Forms carry line ends as CR LF.
    let text = call.field("text").unwrap_or_default().replace("\r\n", "\n");
    let from = call.field("from").unwrap_or_default().trim().trim_start_matches('@').to_owned();
    let Some(to) = recipient(state, call.field("recipient_id").as_deref()).map(|person| person.id) else {
        return page(404, "Nothing here", "<p>There is nobody of that id.</p>");
    };
    match write(state, to, &from, text.trim(), call.now) {
        Ok(()) => match state.world.people.get(&to) {
            Some(person) => page(200, "Sent", &shown(state, person, &from, "")),
            None => page(200, "Sent", "<p>Your message is sent.</p>"),
        },
        Err(why) => page(403, "Not sent", &format!("<p>{}</p>", escaped(why))),
    }
}

/// Writes it, or says why not.
fn write(state: &mut State, to: u64, from: &str, text: &str, now: jiff::Timestamp) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("The message has no text.");
    }
    if to != state.world.brand.id {
        return dm::by_hand(state, to, text, now);
    }
    let sender = state.world.person_named(from).map(|person| person.id);
    match sender.filter(|id| *id != state.world.brand.id) {
        Some(id) => {
            state.message(id, text, now);
            Ok(())
        }
        None => Err("Say which customer writes: nobody here has this handle."),
    }
}

fn recipient<'a>(state: &'a State, id: Option<&str>) -> Option<&'a Person> {
    state.world.people.get(&id?.parse().ok()?)
}

/// What was written so far, and the form. `from`: the customer's handle where they write to the brand.
fn shown(state: &State, to: &Person, from: &str, text: &str) -> String {
    let brand = &state.world.brand;
    let is_customer = to.id == brand.id;
    let other = if is_customer { state.world.person_named(from) } else { Some(to) };
    let said: Vec<&dm::Message> =
        state.x.messages.iter().filter(|message| other.is_some_and(|other| other.id == message.with)).collect();
    let rows: Vec<String> = said
        .iter()
        .skip(said.len().saturating_sub(SHOWN))
        .map(|message| {
            let who = state.world.people.get(&message.sender).map_or("", |person| person.handle.as_str());
            let text = escaped(&message.text);
            format!("<p>@{}: <span style=\"white-space: pre-wrap\">{text}</span></p>", escaped(who))
        })
        .collect();
    let sender = if is_customer {
        format!("<p>From the customer @<input name=\"from\" value=\"{}\"></p>", escaped(from))
    } else {
        format!("<p>As @{}:</p>", escaped(&brand.handle))
    };
    // A browser takes the first line end after the tag away.
    format!(
        "<p>Direct message to <b>{name}</b> @{handle}</p>{}<form method=\"post\" action=\"{PLACE}\">{sender}\
         <input type=\"hidden\" name=\"recipient_id\" value=\"{id}\">\
         <textarea name=\"text\" rows=\"6\" cols=\"60\">\n{text}</textarea>\
         <p><button type=\"submit\">Send</button></p></form>",
        rows.concat(),
        name = escaped(&to.name),
        handle = escaped(&to.handle),
        id = to.id,
        text = escaped(text),
    )
}
