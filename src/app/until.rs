//! What is typed after `z`: how long a case is put off.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// No case is put off for longer by a time of the clock.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 90);

pub use crate::model::case::THEY_WRITE;

/// The moment `words` name: `2h`, `1d 6h`, `9:00`, `tomorrow`, `tomorrow 9:00`, `monday 14:30`, `until they write`.
/// A day without a time means nine in the morning; every time is one of `zone`.
pub fn until(words: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let words = words.trim().to_lowercase();
    let words = words.strip_prefix("until ").unwrap_or(&words).trim();
    if words.is_empty() {
        return Err("until when? 2h, tomorrow 9:00, monday, or: until they write".to_owned());
    }
    if ["they write", "they answer", "customer"].contains(&words) {
        return Ok(THEY_WRITE);
    }
    let at = match length(words) {
        Some(length) => now.checked_add(length).map_err(|_| "that is too long".to_owned())?,
        None => of_clock(words, &now.to_zoned(zone.clone()))?.timestamp(),
    };
    if at <= now {
        return Err(format!("{words:?} is past already"));
    }
    if at.duration_since(now) > LONGEST {
        return Err("90 days at most; `until they write` has no end".to_owned());
    }
    Ok(at)
}

/// `2h`, `1d 6h`, `90 min`; the longest there is where it cannot be reckoned with.
fn length(words: &str) -> Option<SignedDuration> {
    let mut rest = words;
    let mut seconds: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest.get(..digits).filter(|digits| !digits.is_empty())?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        let number = number.parse::<i64>().unwrap_or(i64::MAX);
        seconds = seconds.saturating_add(number.saturating_mul(unit));
    }
    Some(SignedDuration::from_secs(seconds))
}

fn of_clock(words: &str, now: &Zoned) -> Result<Zoned, String> {
    let told = || format!("{words:?} is no time: 2h, tomorrow 9:00, monday, 14:30, or: until they write");
    let (day, clock) = match words.split_once(' ') {
        Some((day, clock)) => (Some(day), Some(clock.trim())),
        None if words.contains(':') => (None, Some(words)),
        None => (Some(words), None),
    };
    let time = match clock {
        Some(clock) => time_of(clock.strip_prefix("at ").unwrap_or(clock).trim()).ok_or_else(told)?,
        None => Time::constant(9, 0, 0, 0),
    };
    let today = now.date();
    let date = match day {
        None | Some("today") => today,
        Some("tomorrow") => today.tomorrow().map_err(|_| told())?,
        Some(day) => {
            let wanted = weekday(day).ok_or_else(told)?;
            let ahead = i64::from(today.weekday().until(wanted));
            today.checked_add(if ahead == 0 { 7.days() } else { ahead.days() }).map_err(|_| told())?
        }
    };
    // A time that the clocks jump over means the moment after the jump, one that comes twice the first.
    let at = |date: jiff::civil::Date| date.to_datetime(time).to_zoned(now.time_zone().clone()).map_err(|_| told());
    let first = at(date)?;
    // Without a day the next time the clock shows it.
    if day.is_none() && first <= *now { at(today.tomorrow().map_err(|_| told())?) } else { Ok(first) }
}

fn time_of(clock: &str) -> Option<Time> {
    let (hours, minutes) = clock.split_once(':').unwrap_or((clock, "0"));
    if hours.is_empty() || minutes.is_empty() || hours.len() > 2 || minutes.len() > 2 {
        return None;
    }
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

fn weekday(word: &str) -> Option<Weekday> {
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let fits = |name: &str| word.len() >= 3 && name.starts_with(word);
    days.into_iter().find(|(name, _)| fits(name)).map(|(_, day)| day)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{THEY_WRITE, until};

    #[test]
    fn times_are_read_in_the_reps_zone() {
        // A Saturday, 15:00 in Rome; the clocks go back in the night.
        let now: Timestamp = "2026-10-24T13:00:00Z".parse().unwrap();
        let rome = TimeZone::get("Europe/Rome").unwrap();
        for (words, wanted) in [
            ("2h", "2026-10-24T15:00:00Z"),
            ("1d 6h", "2026-10-25T19:00:00Z"),
            ("90 min", "2026-10-24T14:30:00Z"),
            ("16:30", "2026-10-24T14:30:00Z"),
            ("9:00", "2026-10-25T08:00:00Z"),
            ("tomorrow", "2026-10-25T08:00:00Z"),
            ("Tomorrow 9:00", "2026-10-25T08:00:00Z"),
            ("tomorrow at 14", "2026-10-25T13:00:00Z"),
            ("mon 8:15", "2026-10-26T07:15:00Z"),
            ("until saturday", "2026-10-31T08:00:00Z"),
        ] {
            assert_eq!(until(words, now, &rome), Ok(wanted.parse().unwrap()), "{words}");
        }
        assert_eq!(until("until they write", now, &rome), Ok(THEY_WRITE));
        assert_eq!(until("customer", now, &rome), Ok(THEY_WRITE));
    }

    #[test]
    fn what_is_no_time_is_refused_in_words() {
        let now: Timestamp = "2026-10-24T13:00:00Z".parse().unwrap();
        let zone = TimeZone::UTC;
        for words in
            ["", "soon", "2", "2x", "25:00", "9:75", "today 9:00", "0m", "99999999999999999999h", "100d", ":", "@c"]
        {
            assert!(until(words, now, &zone).is_err(), "{words}");
        }
    }
}
