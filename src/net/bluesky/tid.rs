//! Keys of records, made from a reply's own id: the same reply has the same key in every attempt, so that a second
//! one writes nothing.

use jiff::Timestamp;
use uuid::Uuid;

use crate::model::ReplyId;

/// Digits that sort as the numbers they spell.
const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// The key of the record that a reply becomes: a TID (microseconds and a clock id, 13 digits).
pub(super) fn key(reply: ReplyId) -> String {
    let (millis, chance) = parts(reply.0);
    // What an id has beyond its milliseconds is chance; it fills the microseconds and the clock id, so that two
    // replies of one millisecond differ.
    let micros = (millis * 1000 + chance % 1000) & ((1 << 53) - 1);
    let clock = (chance / 1000) & 0x3ff;
    let number = micros << 10 | clock;
    let digit = |place: u32| char::from(DIGITS[usize::try_from(number >> (place * 5) & 31).unwrap_or(0)]);
    (0..13).rev().map(digit).collect()
}

/// When the reply was written: the time it says of itself in every attempt.
pub(super) fn written(reply: ReplyId) -> Timestamp {
    let millis = i64::try_from(parts(reply.0).0).unwrap_or(0);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn parts(id: Uuid) -> (u64, u64) {
    let bits = id.as_u128();
    let millis = u64::try_from(bits >> 80).unwrap_or(0);
    // 74 bits of chance and count, folded into 64.
    let rest = u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    let count = u64::try_from(bits >> 64 & 0xfff).unwrap_or(0);
    (millis, rest.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) ^ rest ^ count.wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::{key, written};
    use crate::model::{IdSource, ReplyId};

    #[test]
    fn keys_are_the_same_for_the_same_reply_and_differ_for_others() {
        let now: Timestamp = "2026-11-21T19:34:31.206Z".parse().unwrap();
        let mut ids = IdSource::new(7);
        let replies: Vec<ReplyId> = (0..200).map(|_| ReplyId(ids.next(now))).collect();
        let keys: BTreeSet<String> = replies.iter().map(|reply| key(*reply)).collect();
        assert_eq!(keys.len(), replies.len());
        assert_eq!(key(replies[3]), key(replies[3]));
        assert_eq!(written(replies[3]), now);
        // Another run of the same millisecond.
        assert_ne!(key(ReplyId(IdSource::new(8).next(now))), key(replies[0]));
    }

    #[test]
    fn a_key_is_a_tid_of_its_time() {
        let key_at = |at: &str| key(ReplyId(IdSource::new(1).next(at.parse().unwrap())));
        let (early, late) = (key_at("2026-11-21T19:34:31.206Z"), key_at("2026-11-21T19:34:31.208Z"));
        assert!(early < late, "{early} {late}");
        // The same moment by the network's own tools begins so.
        assert!(early.starts_with("3n2tttly") && early.len() == 13, "{early}");
        assert!(early.bytes().all(|b| super::DIGITS.contains(&b)));
    }
}
