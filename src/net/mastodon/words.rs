//! The words of a reply on this network: whom it names, how long it is, and whether two texts are the same one.

use unicode_normalization::UnicodeNormalization as _;

use crate::model::instance_length::handles;

/// `text` with `@acct` in front, unless it names them already: a reply that names nobody reaches nobody.
pub(super) fn naming(text: &str, acct: &str) -> String {
    let user = acct.split('@').next().unwrap_or(acct);
    let is_named = handles(text).iter().any(|named| {
        named.eq_ignore_ascii_case(acct)
            // Without a host it is somebody of this server.
            || (!acct.contains('@') && named.split('@').next().is_some_and(|name| name.eq_ignore_ascii_case(user)))
    });
    if acct.is_empty() || is_named { text.to_owned() } else { format!("@{acct} {text}") }
}

/// Compares what we sent with what the server shows: handles come with or without their host, links with or without a
/// slash at their end, and the handles in front were put there by us.
pub(super) fn are_same(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (bare(ours), bare(theirs));
    ours == theirs
}

fn bare(text: &str) -> Vec<String> {
    let text = text.nfc().collect::<String>();
    let words = text.split_whitespace().skip_while(|word| word.starts_with('@'));
    words
        .map(|word| {
            if let Some(handle) = word.strip_prefix('@') {
                let (name, rest) =
                    handle.split_at(handle.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(handle.len()));
                // What follows the host of a handle is punctuation of the sentence.
                let rest = match rest.strip_prefix('@') {
                    Some(host) => {
                        host.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
                    }
                    None => rest,
                };
                let dots = if rest.is_empty() { &word[word.trim_end_matches('.').len()..] } else { rest };
                format!("@{}{dots}", name.to_lowercase())
            } else if word.contains("://") {
                word.trim_end_matches('/').to_owned()
            } else {
                word.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{are_same, naming};

    #[test]
    fn who_is_answered_is_named_once() {
        for (text, acct, expected) in [
            ("Sorry!", "jo@far.example", "@jo@far.example Sorry!"),
            ("@jo@far.example Sorry!", "jo@far.example", "@jo@far.example Sorry!"),
            ("Sorry, @JO@Far.example.", "jo@far.example", "Sorry, @JO@Far.example."),
            ("@jo sorry", "jo@far.example", "@jo@far.example @jo sorry"),
            ("@jo sorry", "jo", "@jo sorry"),
            ("@jo@near.example sorry", "jo", "@jo@near.example sorry"),
            ("mail jo@far.example", "jo@far.example", "@jo@far.example mail jo@far.example"),
            ("Sorry!", "", "Sorry!"),
        ] {
            assert_eq!(naming(text, acct), expected, "{text} {acct}");
        }
    }

    #[test]
    fn the_same_words_as_sent_and_as_shown() {
        for (ours, theirs, same) in [
            ("Sorry!", "@jo@far.example Sorry!", true),
            ("@jo Sorry, ask @help.", "@jo@far.example Sorry, ask @help@near.example.", true),
            ("See https://acme.example now", "@jo@a.example See https://acme.example/ now", true),
            ("cafe\u{301} 👍", "café 👍", true),
            ("one\n\ntwo", "@jo@a.example one two", true),
            ("Sorry!", "Sorry", false),
            ("Sorry, @bo", "Sorry, @jo@a.example", false),
            ("👍", "@jo@a.example 👍", true),
        ] {
            assert_eq!(are_same(ours, theirs), same, "{ours} {theirs}");
        }
    }
}
