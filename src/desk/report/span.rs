//! The span a report is asked for, as people write it: `7d`, `2026-11-20`, `2026-11-20T14:30`, `all`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// What to write, for remedies.
pub const HOW: &str = "write it like 7d, 24h, 2w, 2026-11-20, 2026-11-20T14:30 or all";

/// The moment a span begins: so long before `now`, the first moment of a date in `zone`, or that very moment; `None`
/// for `all`, which has no beginning.
pub fn since(words: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, String> {
    if words == "all" {
        return Ok(None);
    }
    match moment(words, now, zone) {
        Some(Moment::Day(date)) => first_of(date, zone),
        Some(Moment::At(at)) => Some(at),
        None => None,
    }
    .map(Some)
    .ok_or_else(|| format!("{words:?} is no beginning of a span: {HOW}"))
}

/// The moment a span ends, which is not in it: a date's is the end of that day.
pub fn until(words: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    match moment(words, now, zone) {
        Some(Moment::Day(date)) => date.checked_add(1.day()).ok().and_then(|next| first_of(next, zone)),
        Some(Moment::At(at)) => Some(at),
        None => None,
    }
    .ok_or_else(|| format!("{words:?} is no end of a span: {HOW}"))
}

enum Moment {
    Day(Date),
    At(Timestamp),
}

fn moment(words: &str, now: Timestamp, zone: &TimeZone) -> Option<Moment> {
    if let Some(ago) = length(words) {
        return now.checked_sub(ago).ok().map(Moment::At);
    }
    if let Ok(at) = words.parse::<Timestamp>() {
        return Some(Moment::At(at));
    }
    if words.contains(['T', ' ', ':']) {
        let at = words.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?;
        return Some(Moment::At(at.timestamp()));
    }
    words.parse::<Date>().ok().map(Moment::Day)
}

fn first_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// `7d`, `2w`, `1d12h`: whole numbers with a unit each.
fn length(words: &str) -> Option<SignedDuration> {
    let mut rest = words;
    let mut seconds: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at_checked(digits)?;
        let worth = match unit.bytes().next()? {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            _ => return None,
        };
        seconds = number.parse::<i64>().ok()?.checked_mul(worth).and_then(|more| seconds.checked_add(more))?;
        rest = &unit[1..];
    }
    (!words.is_empty()).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{since, until};

    #[test]
    fn spans_as_people_write_them() {
        let zone = TimeZone::get("Europe/Rome").expect("a zone");
        let now: Timestamp = "2026-11-22T04:00:00Z".parse().expect("a time");
        for (words, begins, ends) in [
            ("7d", "2026-11-15T04:00:00Z", "2026-11-15T04:00:00Z"),
            ("1d12h", "2026-11-20T16:00:00Z", "2026-11-20T16:00:00Z"),
            ("2w", "2026-11-08T04:00:00Z", "2026-11-08T04:00:00Z"),
            ("90m", "2026-11-22T02:30:00Z", "2026-11-22T02:30:00Z"),
            // The day on which the clocks went back was 25 hours long.
            ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            ("2026-11-20T14:30", "2026-11-20T13:30:00Z", "2026-11-20T13:30:00Z"),
            ("2026-11-20 14:30", "2026-11-20T13:30:00Z", "2026-11-20T13:30:00Z"),
            ("2026-11-20T14:30:00Z", "2026-11-20T14:30:00Z", "2026-11-20T14:30:00Z"),
        ] {
            assert_eq!(since(words, now, &zone), Ok(Some(begins.parse().expect("a time"))), "{words}");
            assert_eq!(until(words, now, &zone), Ok(ends.parse().expect("a time")), "{words}");
        }
        assert_eq!(since("all", now, &zone), Ok(None));
        for bad in ["", "7", "d", "7x", "yesterday", "2026-13-01", "-7d", "99999999999999999d", "9999-12-31T99"] {
            assert!(since(bad, now, &zone).is_err_and(|why| why.contains("7d")), "{bad}");
            assert!(until(bad, now, &zone).is_err(), "{bad}");
        }
        assert!(until("all", now, &zone).is_err());
    }
}
