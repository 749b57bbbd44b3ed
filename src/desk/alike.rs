//! Whether two replies read the same: networks take many copies of one text for spam.

/// More than this share of the longer text must be the same.
const ALIKE: f64 = 0.9;
/// Longer texts are compared up to here; the cost grows with the square.
const COMPARED_CHARACTERS: usize = 1_000;

/// What is left of a reply without the mentions in front, links, signature, case and spacing.
pub(super) fn essence(text: &str) -> Vec<char> {
    let words = text.split_whitespace().skip_while(|word| word.starts_with('@'));
    let mut essence: Vec<char> = Vec::new();
    for word in words.filter(|word| !word.contains("://") && !word.starts_with('^')) {
        if !essence.is_empty() {
            essence.push(' ');
        }
        essence.extend(word.chars().flat_map(char::to_lowercase));
        if essence.len() >= COMPARED_CHARACTERS {
            essence.truncate(COMPARED_CHARACTERS);
            break;
        }
    }
    essence
}

/// By edit distance over the longer text's length. Cheap for texts that cannot be alike: their lengths or their
/// letters already differ too much.
pub(super) fn is_alike(one: &[char], other: &[char]) -> bool {
    let longer = one.len().max(other.len());
    if longer == 0 {
        return false;
    }
    let is_close = |edits: usize| share(longer - edits.min(longer), longer) > ALIKE;
    is_close(one.len().abs_diff(other.len()))
        && is_close(edits_at_least(one, other))
        && is_close(strsim::generic_levenshtein(&one.to_vec(), &other.to_vec()))
}

#[expect(clippy::cast_precision_loss, reason = "lengths of at most a thousand characters")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// Letters one text has and the other has not must be put in or taken out.
fn edits_at_least(one: &[char], other: &[char]) -> usize {
    let (mut one, mut other) = (one.to_vec(), other.to_vec());
    one.sort_unstable();
    other.sort_unstable();
    let (mut a, mut b, mut common) = (0, 0, 0);
    while let (Some(x), Some(y)) = (one.get(a), other.get(b)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => a += 1,
            std::cmp::Ordering::Greater => b += 1,
            std::cmp::Ordering::Equal => {
                (a, b, common) = (a + 1, b + 1, common + 1);
            }
        }
    }
    one.len().max(other.len()) - common
}

#[cfg(test)]
mod tests {
    use super::{essence, is_alike};

    fn alike(one: &str, other: &str) -> bool {
        is_alike(&essence(one), &essence(other))
    }

    #[test]
    fn names_signatures_and_links_do_not_make_a_text_another() {
        let text = "Sorry about the slow line, we are looking into it right now.";
        assert!(alike(text, &format!("@jo_m {text} ^AN")));
        assert!(alike(
            &format!("@a {text} ^AN"),
            &format!("@b @c {} ^BO\nhttps://x.com/messages/compose?recipient_id=1", text.to_uppercase())
        ));
        assert!(alike(text, "Sorry about the slow line, we're looking into it right now."));
        assert!(!alike(text, "Sorry about the slow line, a technician comes to you on Tuesday."));
        assert!(!alike(text, "now right it into looking are we line, slow the about Sorry"));
        assert!(!alike(text, ""));
        assert!(!alike("", ""));
    }

    #[test]
    fn ninety_percent_is_not_more_than_ninety_percent() {
        assert!(!alike("abcdefghij", "abcdefghix"));
        assert!(alike("abcdefghijk", "abcdefghijx"));
    }
}
