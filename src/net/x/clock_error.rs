//! What our clock is off by: X refuses a signature whose time is five minutes away from its own.

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};

/// From here on our clock counts as wrong; less than that is the way to X and back.
pub(super) const OFF: SignedDuration = SignedDuration::from_mins(2);

/// When the server said it, by its own clock.
pub(super) fn told_at(headers: &HeaderMap) -> Option<Timestamp> {
    let said = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(said).ok()?.timestamp())
}

/// `off` is what X's clock shows more than ours.
pub(super) fn words(off: SignedDuration) -> String {
    let which = if off.is_positive() { "behind" } else { "ahead of" };
    let minutes = off.abs().as_mins();
    format!("this machine's clock is {}:{:02} h {which} X's", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use reqwest::header::{DATE, HeaderMap};

    use super::{told_at, words};

    #[test]
    fn the_server_s_time_is_read_where_it_is_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(told_at(&headers), None);
        headers.insert(DATE, "Thu, 15 Jan 2026 10:00:01 GMT".parse().unwrap());
        assert_eq!(told_at(&headers), Some("2026-01-15T10:00:01Z".parse().unwrap()));
        headers.insert(DATE, "yesterday".parse().unwrap());
        assert_eq!(told_at(&headers), None);
    }

    #[test]
    fn the_words_say_which_way_to_turn_the_clock() {
        assert_eq!(words(SignedDuration::from_mins(63)), "this machine's clock is 1:03 h behind X's");
        assert_eq!(words(SignedDuration::from_mins(-9)), "this machine's clock is 0:09 h ahead of X's");
    }
}
