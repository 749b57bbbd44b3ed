//! Durations as people write them: `90s`, `15m`, `1h30m`, `2d`.

use jiff::SignedDuration;

/// Units from the largest down, with their seconds.
const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// What to write, for remedies.
pub const HOW: &str = "write it like \"90s\", \"15m\", \"1h30m\" or \"2d\"";

/// Whole numbers with a unit each, every unit at most once, the larger first, nothing between them.
/// A number without a unit is refused: nobody can see whether seconds or minutes were meant.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let mut rest = text;
    let mut seconds: i64 = 0;
    let mut units = UNITS.iter();
    if text.is_empty() {
        return Err("an empty duration".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        if number.is_empty() {
            return Err(format!("`{text}` is not a duration: a number is missing before `{after}`"));
        }
        let Some(unit) = after.chars().next() else {
            return Err(format!("`{text}` is not a duration: `{number}` has no unit"));
        };
        let Some((_, worth)) = units.find(|(letter, _)| *letter == unit) else {
            let why = if UNITS.iter().any(|(letter, _)| *letter == unit) {
                format!("`{unit}` comes twice or after a smaller unit")
            } else {
                format!("`{unit}` is not a unit (d, h, m and s are)")
            };
            return Err(format!("`{text}` is not a duration: {why}"));
        };
        seconds = number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(*worth))
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(|| format!("`{text}` is too long a duration"))?;
        rest = &after[unit.len_utf8()..];
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// The shortest way to write it; fractions of a second and negative durations do not come from a config.
pub fn write(duration: SignedDuration) -> String {
    let mut left = duration.as_secs();
    let mut text = String::new();
    for (letter, worth) in UNITS {
        if left >= worth {
            text += &(left / worth).to_string();
            text.push(letter);
            left %= worth;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::{parse, write};

    #[test]
    fn what_people_write_is_understood() {
        for (text, seconds) in [
            ("15m", 900),
            ("1h30m", 5_400),
            ("90s", 90),
            ("2d", 172_800),
            ("0s", 0),
            ("1d2h3m4s", 93_784),
            ("24h", 86_400),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for (text, part) in [
            ("", "empty"),
            ("15", "no unit"),
            ("m", "number is missing"),
            ("15 m", "` ` is not a unit"),
            ("15min", "number is missing before `in`"),
            ("1m1h", "after a smaller unit"),
            ("1m1m", "comes twice"),
            ("-5m", "number is missing"),
            ("1.5h", "`.` is not a unit"),
            ("1w", "`w` is not a unit"),
            ("99999999999999999999d", "too long"),
            ("9223372036854775807d", "too long"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree(seconds in 0_i64..10_000_000) {
            let duration = SignedDuration::from_secs(seconds);
            prop_assert_eq!(parse(&write(duration)), Ok(duration));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC*") {
            let _total = parse(&text);
        }
    }
}
