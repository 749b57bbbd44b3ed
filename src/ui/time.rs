//! Times as the screen says them. `now` is always handed in.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::words::zulu;

/// How long ago, or ahead: `0:04` and `1:12` (hours and minutes), `26h10` from a day on, `5d` from 100 hours
/// on; a time ahead of us reads `in 0:05`.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    let gone = now.duration_since(at);
    // A post can be a second ahead by nothing but clocks; only whole minutes are shown.
    if gone < SignedDuration::from_secs(-59) {
        format!("in {}", span(-gone))
    } else {
        span(gone.max(SignedDuration::ZERO))
    }
}

/// `0:35`, `26h10`, `5d`.
pub fn length(length: SignedDuration) -> String {
    span(length.max(SignedDuration::ZERO))
}

fn span(length: SignedDuration) -> String {
    let (hours, minutes) = (length.as_hours(), length.as_mins() % 60);
    match hours {
        0..24 => format!("{hours}:{minutes:02}"),
        24..100 => format!("{hours}h{minutes:02}"),
        _ => format!("{}d", hours / 24),
    }
}

/// Until or since something is due: `due in 0:56`, `due in 19h04`, `due -2h10`.
pub fn due(at: Timestamp, now: Timestamp) -> String {
    let left = at.duration_since(now);
    let words = |length: SignedDuration| match length.as_hours() {
        0 => format!("0:{:02}", length.as_mins()),
        hours @ 1..100 => format!("{hours}h{:02}", length.as_mins() % 60),
        hours => format!("{}d", hours / 24),
    };
    match words(left.abs()) {
        length if left > SignedDuration::ZERO => format!("due in {length}"),
        length if left.abs().as_mins() == 0 => format!("due {length}"),
        length => format!("due -{length}"),
    }
}

/// Minutes and seconds left, at least `0:00`.
pub fn countdown(until: Timestamp, now: Timestamp) -> String {
    // Rounded up: the last second counts down to 0:01, and 0:00 means now.
    let millis = until.duration_since(now).as_millis().max(0);
    let seconds = (millis + 999) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// How long ago something happened that is counted in seconds: `6s ago`, `3m ago`, `2h ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..172_800 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// `14:32Z`, or with the zone's offset where it is not UTC: `15:32+01:00`. Without seconds: a calm deck sends nothing
/// between two minutes, and a clock that shows seconds and stands still is wrong.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    zulu(&at.to_zoned(zone.clone()).strftime("%H:%M%:z").to_string())
}

/// `14:32:05`, for times of today beside other words.
pub fn hours(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `14:02`.
pub fn minutes(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

/// `2026-11-21`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{age, ago, clock, countdown, due};
    use crate::model::words::moment;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn ages_tell_hours_and_minutes_then_days_and_the_future() {
        let now = at("2026-11-21T14:32:05Z");
        for (then, words) in [
            ("2026-11-21T14:28:01Z", "0:04"),
            ("2026-11-21T14:32:40Z", "0:00"),
            ("2026-11-21T13:20:05Z", "1:12"),
            ("2026-11-20T12:22:05Z", "26h10"),
            ("2026-11-16T14:32:05Z", "5d"),
            ("2026-11-21T14:37:06Z", "in 0:05"),
            ("2006-03-21T20:50:14Z", "7549d"),
        ] {
            assert_eq!(age(at(then), now), words, "{then}");
        }
    }

    #[test]
    fn due_counts_down_and_then_up() {
        let now = at("2026-11-21T14:00:00Z");
        assert_eq!(due(at("2026-11-21T14:56:00Z"), now), "due in 0:56");
        assert_eq!(due(at("2026-11-21T11:50:00Z"), now), "due -2h10");
        assert_eq!(due(at("2026-11-21T14:00:00Z"), now), "due 0:00");
        assert_eq!(countdown(at("2026-11-21T14:00:06.2Z"), now), "0:07");
        assert_eq!(countdown(at("2026-11-21T13:59:00Z"), now), "0:00");
        assert_eq!(ago(at("2026-11-21T13:59:54Z"), now), "6s ago");
        assert_eq!(ago(at("2026-11-21T13:50:00Z"), now), "10m ago");
    }

    #[test]
    fn times_carry_their_zone() {
        let then = at("2026-10-25T00:30:00Z");
        let rome = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        assert_eq!(moment(then, &TimeZone::UTC), "2026-10-25 00:30:00Z");
        assert_eq!(moment(then, &rome), "2026-10-25 02:30:00+02:00");
        // The same wall clock an hour later, after the change to winter time.
        assert_eq!(moment(at("2026-10-25T01:30:00Z"), &rome), "2026-10-25 02:30:00+01:00");
        assert_eq!(clock(then, &rome), "02:30+02:00");
    }
}
