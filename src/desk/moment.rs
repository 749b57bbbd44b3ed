//! Times in a checkpoint: as numbers, which are read many times faster than written dates. Every time comes back as
//! it was, to the nanosecond.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970 and the nanoseconds beyond them, both of one sign.
type Numbers = (i64, i32);

fn numbers(at: Timestamp) -> Numbers {
    (at.as_second(), at.subsec_nanosecond())
}

fn moment<E: serde::de::Error>((seconds, nanos): Numbers) -> Result<Timestamp, E> {
    Timestamp::new(seconds, nanos).map_err(E::custom)
}

pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    numbers(*at).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    moment(Numbers::deserialize(deserializer)?)
}

/// Times that may be absent.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Numbers, Serialize, Serializer, Timestamp, moment, numbers};

    #[expect(clippy::ref_option, reason = "serde hands fields over this way")]
    pub(in crate::desk) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        at.map(numbers).serialize(serializer)
    }

    pub(in crate::desk) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<Numbers>::deserialize(deserializer)?.map(moment).transpose()
    }
}

/// Sets ordered by time.
pub(super) mod ordered {
    use std::collections::BTreeSet;

    use super::{Deserialize, Deserializer, Numbers, Serializer, Timestamp, moment, numbers};
    use serde::Serialize;

    pub(in crate::desk) fn serialize<S: Serializer, T: Serialize>(
        set: &BTreeSet<(Timestamp, T)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(set.iter().map(|(at, what)| (numbers(*at), what)))
    }

    pub(in crate::desk) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de> + Ord>(
        deserializer: D,
    ) -> Result<BTreeSet<(Timestamp, T)>, D::Error> {
        let pairs = Vec::<(Numbers, T)>::deserialize(deserializer)?;
        pairs.into_iter().map(|(at, what)| Ok((moment(at)?, what))).collect()
    }
}
