//! What stands in the words of a post: whether it is the reply we sent, and whether X would make a link of something.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

/// RFC 3339 with a space for the `T`: `2026-11-21 15:28:01+01:00`, and with a `Z` where the zone is UTC.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    zulu(&at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string())
}

/// With a `Z` for no offset.
pub fn zulu(text: &str) -> String {
    text.strip_suffix("+00:00").map_or_else(|| text.to_owned(), |plain| format!("{plain}Z"))
}

/// `1 post`, `12 posts`: of words that are counted with an s.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// How a case ended, as it is told everywhere: `billing, refunded`; `None` where nobody gave a cause or an outcome.
pub fn ended_as(cause: Option<&str>, outcome: Option<&str>) -> Option<String> {
    let said: Vec<&str> = [cause, outcome].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// `: billing, refunded` behind the word for what was done; nothing where nothing more is known.
pub fn behind_colon(said: Option<String>) -> String {
    said.map_or_else(String::new, |said| format!(": {said}"))
}

/// Compares what we sent with what the network shows, both cleaned: leading mentions may come or go, and on X each
/// link has become `https://t.co/…`; a link at the end may not be shown at all.
pub fn are_same_words(ours: &str, theirs: &str) -> bool {
    let ours = ours.nfc().collect::<String>();
    let theirs = theirs.nfc().collect::<String>();
    let (mut ours, theirs) = (without_mentions(&ours), without_mentions(&theirs));
    while ours.len() > theirs.len() && ours.last().is_some_and(|word| is_link(word)) {
        ours.pop();
    }
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(ours, theirs)| ours == theirs || (theirs.contains("https://t.co/") && is_link(ours)))
}

/// Whether X would make a link of something in `text`. Bare domains count: X links and charges them as well.
pub fn has_link(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.contains("://") {
            return true;
        }
        // An address of a mailbox is no link at X.
        let host = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
        let Some((name, top)) = host.rsplit_once('.') else { return false };
        let is_top = (2..=24).contains(&top.len()) && top.chars().all(|c| c.is_ascii_lowercase());
        is_top && !name.is_empty() && !word.contains('@') && name.chars().next_back().is_some_and(char::is_alphanumeric)
    })
}

/// Whether a customer's answer asks us to stop writing to them. Only plain words count: what is missed here a rep
/// writes down, what is taken wrongly a rep lifts.
pub fn asks_to_stop(text: &str) -> bool {
    let words: Vec<&str> = without_mentions(text);
    let said = words.join(" ").to_lowercase().replace('\u{2019}', "'");
    let bare = said.trim_matches(|c: char| !c.is_alphanumeric());
    matches!(bare, "stop" | "unsubscribe" | "stopp" | "basta" | "para" | "parad" | "paren")
        || said.starts_with("stop. ")
        || STOPS.iter().any(|stop| said.contains(stop))
}

/// Lower case; each is said to whom one talks with, hardly ever of something else.
const STOPS: [&str; 22] = [
    "don't contact me",
    "do not contact me",
    "stop contacting me",
    "stop replying to me",
    "stop messaging me",
    "stop tagging me",
    "don't write to me",
    "do not write to me",
    "don't reply to me",
    "schreibt mir nicht mehr",
    "schreiben sie mir nicht mehr",
    "hört auf mir zu",
    "no me escriban",
    "no me contacten",
    "dejen de responderme",
    "dejen de escribirme",
    "non scrivetemi",
    "non contattatemi",
    "smettete di rispondermi",
    "smettete di scrivermi",
    "連絡しないで",
    "返信はいりません",
];

fn without_mentions(text: &str) -> Vec<&str> {
    text.split_whitespace().skip_while(|word| word.starts_with('@')).collect()
}

/// X makes a link of anything that looks like a domain.
fn is_link(word: &str) -> bool {
    word.contains("://")
        || word
            .trim_matches(|c: char| !c.is_alphanumeric())
            .split_once('.')
            .is_some_and(|(host, rest)| !host.is_empty() && rest.chars().next().is_some_and(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::{are_same_words, asks_to_stop, ended_as};

    #[test]
    fn a_plain_stop_is_understood_and_a_complaint_is_none() {
        for stop in [
            "@acme stop",
            "@acme STOP!!",
            "Please don’t contact me again.",
            "stop. I was not talking to you",
            "@acme Bitte schreibt mir nicht mehr.",
            "もう連絡しないでください",
        ] {
            assert!(asks_to_stop(stop), "{stop}");
        }
        for other in [
            "@acme my line stops every evening",
            "stop the outages",
            "nobody contacted me",
            "why did you stop replying to my mother",
            "",
        ] {
            assert!(!asks_to_stop(other), "{other}");
        }
    }

    #[test]
    fn an_end_is_told_by_what_was_given() {
        assert_eq!(ended_as(Some("billing"), Some("refunded")).as_deref(), Some("billing, refunded"));
        assert_eq!(ended_as(None, Some("refunded")).as_deref(), Some("refunded"));
        assert_eq!(ended_as(None, None), None);
    }

    #[test]
    fn words_are_compared_as_x_shows_them() {
        let sent = "@ana Sorry about the slow line & the wait ^AN\nhttps://x.com/messages/compose?recipient_id=42";
        for shown in [
            "@ana Sorry about the slow line & the wait ^AN https://t.co/abc",
            "@acme @ana Sorry about the slow line & the wait ^AN https://t.co/abc",
            "Sorry about the slow line & the wait ^AN",
            "@ana Sorry  about the slow line & the wait ^AN\nhttps://x.com/messages/compose?recipient_id=42",
        ] {
            assert!(are_same_words(sent, shown), "{shown}");
        }
        for other in [
            "@ana Sorry about the slow line ^AN https://t.co/abc",
            "@ana Sorry about the slow line & the wait ^BO https://t.co/abc",
            "@ana Sorry about the https://t.co/x line & the wait ^AN https://t.co/abc",
            "",
        ] {
            assert!(!are_same_words(sent, other), "{other}");
        }
        assert!(are_same_words("see (acme.app).", "see (https://t.co/q)."));
        assert!(are_same_words("cafe\u{301} open", "caf\u{e9} open"));
        assert!(!are_same_words("see 3.5 now", "see https://t.co/q now"));
    }
}
