//! How a gap is called wherever it is told of: on its row, when it is filled, in the notice of what came of it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// `gap 14:02-14:09`; to the second where it is shorter than a minute, with the days from 24 hours on, `gap since 14:02`
/// while it is open.
pub fn span(from: Timestamp, to: Option<Timestamp>, zone: &TimeZone) -> String {
    let told = |at: Timestamp, how: &str| at.to_zoned(zone.clone()).strftime(how).to_string();
    let Some(to) = to else { return format!("gap since {}", told(from, "%H:%M")) };
    let length = to.duration_since(from);
    let how = if length < MINUTE {
        "%H:%M:%S"
    } else if length < DAY {
        "%H:%M"
    } else {
        "%m-%d %H:%M"
    };
    format!("gap {}-{}", told(from, how), told(to, how))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::span;

    #[test]
    fn a_gap_is_told_as_exactly_as_its_length_asks_for() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let from = at("2026-11-21T14:02:50Z");
        for (to, words) in [
            (None, "gap since 14:02"),
            (Some("2026-11-21T14:03:10Z"), "gap 14:02:50-14:03:10"),
            (Some("2026-11-21T14:03:50Z"), "gap 14:02-14:03"),
            (Some("2026-11-22T06:00:00Z"), "gap 14:02-06:00"),
            (Some("2026-11-23T06:00:00Z"), "gap 11-21 14:02-11-23 06:00"),
        ] {
            assert_eq!(span(from, to.map(at), &TimeZone::UTC), words);
        }
    }
}
