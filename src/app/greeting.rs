//! One greeting in a draft. A saved reply that speaks to the customer by itself takes the place of an opening nobody
//! has touched; behind words that speak to them already it goes in without its own greeting.

use super::compose_text::filled;
use crate::model::Post;

/// Lower case; with or without the customer's name behind them nobody says them twice in one reply.
const GREETINGS: [&str; 44] = [
    "hi",
    "hello",
    "hey",
    "dear",
    "greetings",
    "good morning",
    "good afternoon",
    "good evening",
    "good day",
    "hallo",
    "guten tag",
    "guten morgen",
    "guten abend",
    "liebe",
    "lieber",
    "moin",
    "servus",
    "hola",
    "buenos días",
    "buenas tardes",
    "buenas noches",
    "estimado",
    "estimada",
    "ciao",
    "salve",
    "buongiorno",
    "buonasera",
    "gentile",
    "bonjour",
    "bonsoir",
    "salut",
    "cher",
    "chère",
    "olá",
    "oi",
    "bom dia",
    "boa tarde",
    "cześć",
    "dzień dobry",
    "hej",
    "hei",
    "hoi",
    "goedendag",
    "こんにちは",
];

/// What may stand between a greeting and a name.
const ALL: [&str; 3] = ["there", "again", "all"];

const SLOTS: [&str; 3] = ["@{handle}", "{handle}", "{name}"];

const ENDS: [char; 11] = [',', '.', '!', '?', ':', ';', '\n', '、', '，', '。', '！'];

/// Whether a prepared text greets, or names the customer in its first sentence.
pub(super) fn speaks_to_them(prepared: &str) -> bool {
    greeted(prepared).is_some() || SLOTS.iter().any(|slot| first_sentence(prepared).contains(slot))
}

/// A prepared text as it goes on from `before`: without a greeting where `before` speaks to the author of the post
/// already, and not glued to its last word.
pub(super) fn going_on(before: &str, prepared: &str, post: Option<&Post>) -> String {
    let text = match post {
        Some(post) if is_said(before, post) => filled(&without_greeting(before, prepared), post),
        Some(post) => filled(prepared, post),
        None => prepared.to_owned(),
    };
    let is_glued = |c: char| c.is_alphanumeric() || matches!(c, ',' | '.' | '!' | '?' | ':' | ';' | ')');
    let begins_a_word = text.starts_with(|c: char| c.is_alphanumeric() || c == '{' || c == '@');
    // Scripts without spaces have none here either.
    let is_latin = before.chars().next_back().is_some_and(|c| c.is_ascii() || c.is_lowercase() || c.is_uppercase());
    if begins_a_word && is_latin && before.ends_with(is_glued) { format!(" {text}") } else { text }
}

/// Whether these words greet the author of the post or name them.
fn is_said(words: &str, post: &Post) -> bool {
    let names = ["{name}", "{handle}"].map(|slot| filled(slot, post));
    greeted(words).is_some() || names.iter().any(|name| !name.is_empty() && words.contains(name.as_str()))
}

/// The text behind its greeting; the whole text where it has none, or nothing else.
fn without_greeting(before: &str, prepared: &str) -> String {
    let rest = match (greeted(prepared), first_named(prepared)) {
        (Some(rest), _) => capital(before, rest),
        // `Good news, {name}: it works` is `Good news: it works`.
        (None, Some((start, end))) => format!("{}{}", &prepared[..start], &prepared[end..]),
        (None, None) => return prepared.to_owned(),
    };
    if rest.trim().is_empty() { prepared.to_owned() } else { rest }
}

/// What follows a greeting, or a name alone that is called; `None` where the text begins otherwise.
fn greeted(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let behind = GREETINGS.iter().find_map(|greeting| behind(text, greeting));
    let mut rest = behind.unwrap_or(text).trim_start_matches(' ');
    if behind.is_some() {
        rest = ALL.iter().find_map(|word| self::behind(rest, word)).unwrap_or(rest).trim_start_matches(' ');
    }
    let named = SLOTS.iter().find_map(|slot| rest.strip_prefix(slot));
    let rest = named.unwrap_or(rest).trim_start_matches(' ');
    let is_ended = rest.is_empty() || rest.starts_with(ENDS);
    let is_call = behind.is_some() || named.is_some();
    // Words already filled have the name where the slot was: up to three of them.
    let called = || {
        let head = behind?.split(ENDS).next()?;
        let rest = &behind?[head.len()..];
        (head.split_whitespace().count() <= 3 && !rest.is_empty()).then_some(rest)
    };
    let rest = if is_call && is_ended { rest } else { called()? };
    Some(rest.trim_start_matches(|c: char| c.is_whitespace() || ENDS.contains(&c)))
}

/// The text behind `words` where it begins with them, in any case, and they end there.
fn behind<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for wanted in words.chars() {
        let c = rest.next()?;
        if !c.to_lowercase().eq(std::iter::once(wanted)) {
            return None;
        }
    }
    let rest = rest.as_str();
    (!rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// Where the first sentence calls them between a comma and its next sign: `, {name}`.
fn first_named(text: &str) -> Option<(usize, usize)> {
    let head = first_sentence(text);
    SLOTS.iter().find_map(|slot| {
        let start = head.find(&format!(", {slot}"))?;
        let end = start + 2 + slot.len();
        text[end..].starts_with(ENDS).then_some((start, end))
    })
}

fn first_sentence(text: &str) -> &str {
    text.split(['.', '!', '?', '\n']).next().unwrap_or_default()
}

/// A greeting taken off lets a sentence begin small, unless it goes on from one.
fn capital(before: &str, rest: &str) -> String {
    let before = before.trim_end_matches(' ');
    let mut letters = rest.chars();
    match letters.next() {
        Some(first) if before.is_empty() || before.ends_with(['.', '!', '?', '\n']) => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{going_on, speaks_to_them};
    use crate::app::compose_text::tests::post;

    #[test]
    fn whoever_is_greeted_is_not_greeted_again() {
        for (before, saved, said) in [
            ("Hi Jo M, sorry. ", "Hi {name}, we are on it.", "We are on it."),
            ("Hi Jo M, ", "Hi {name}, we are on it.", "we are on it."),
            ("Hi there! ", "Hello {name}! The line is back.", "The line is back."),
            ("Sorry, Jo M. ", "Dear @{handle}\nthe line is back.", "The line is back."),
            ("Hi Jo M, sorry. ", "{name}, the line is back.", "The line is back."),
            ("Hi Jo M, sorry. ", "Hi there, the line is back.", "The line is back."),
            ("Sorry, @jo_m. ", "Good news, {name}: it works.", "Good news: it works."),
            ("Guten Tag Jo M, ", "Hallo {name}, wir sind dran.", "wir sind dran."),
            ("Hi Jo M", "thanks", " thanks"),
            ("Please look: https://acme.example/x", "It helps.", " It helps."),
            ("遅い", "すみません", "すみません"),
            // Nothing was said to them before.
            ("", "Hi {name}, we are on it.", "Hi Jo M, we are on it."),
            ("The line is back. ", "Hi {name}, we are on it.", "Hi Jo M, we are on it."),
            // A greeting is all there is, or none at all.
            ("Hi Jo M, ", "Hi {name}!", "Hi Jo M!"),
            ("Hi Jo M, ", "Hitherto all is well.", "Hitherto all is well."),
            ("Hi Jo M, ", "The plan of {name} ends soon.", "The plan of Jo M ends soon."),
            (
                "Hi Jo M, ",
                "Hello is not what we wanted to hear from you either.",
                "Hello is not what we wanted to hear from you either.",
            ),
        ] {
            assert_eq!(going_on(before, saved, Some(&post())), said, "{before:?} and {saved:?}");
        }
        assert_eq!(going_on("Hi, ", "Hi {name}, x", None), "Hi {name}, x", "of nobody known nothing is known");
    }

    #[test]
    fn a_text_that_speaks_to_them_is_known() {
        for text in ["Hi {name}", "Good news, {name}: it works", "Hello! It works", "{handle}, look", "Olá, tudo bem?"]
        {
            assert!(speaks_to_them(text), "{text}");
        }
        for text in ["You reach us at help@acme.example.", "It works. Bye, {name}", "History is long", ""] {
            assert!(!speaks_to_them(text), "{text}");
        }
    }
}
