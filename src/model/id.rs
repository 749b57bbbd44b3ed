//! Names of things. Each is a type of its own, so that a case cannot be passed for a reply.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

/// One of the networks replydeck can listen to and answer on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    X,
    Bluesky,
    Mastodon,
}

impl NetworkKind {
    /// Every network, in the order the screen lists them.
    pub const ALL: [NetworkKind; 3] = [NetworkKind::X, NetworkKind::Bluesky, NetworkKind::Mastodon];

    /// The prefix of this network's ids: `x`, `bluesky`, `mastodon`. Also its name in the config.
    pub fn prefix(self) -> &'static str {
        match self {
            NetworkKind::X => "x",
            NetworkKind::Bluesky => "bluesky",
            NetworkKind::Mastodon => "mastodon",
        }
    }

    /// One letter where a list holds posts of several networks and there is no room for a name.
    pub fn letter(self) -> char {
        match self {
            NetworkKind::X => 'X',
            NetworkKind::Bluesky => 'B',
            NetworkKind::Mastodon => 'M',
        }
    }

    /// Its posts can be searched from here, beyond what was heard of them.
    pub fn has_search(self) -> bool {
        match self {
            NetworkKind::X | NetworkKind::Bluesky | NetworkKind::Mastodon => true,
        }
    }

    /// It is searched only by accounts that could write as well.
    pub fn search_wants_login(self) -> bool {
        match self {
            NetworkKind::Bluesky => true,
            NetworkKind::X | NetworkKind::Mastodon => false,
        }
    }

    /// Who may reply to a post, and what the post says that it quotes, does not come with the post: it is asked when
    /// somebody looks at it.
    pub fn is_asked_of_posts(self) -> bool {
        match self {
            NetworkKind::Bluesky => true,
            NetworkKind::X | NetworkKind::Mastodon => false,
        }
    }

    /// It gets queries as rules of its own: it can refuse one, and say how many posts a day it brings.
    pub fn takes_rules(self) -> bool {
        match self {
            NetworkKind::X => true,
            NetworkKind::Bluesky | NetworkKind::Mastodon => false,
        }
    }

    /// The network's own name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            NetworkKind::X => "X",
            NetworkKind::Bluesky => "Bluesky",
            NetworkKind::Mastodon => "Mastodon",
        }
    }
}

impl fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Text ids that carry their network in front: `x:1789…`, `bluesky:at://…`, `mastodon:https://…`. Those of X have
/// room in the value itself: a desk holds tens of thousands, and each would be an allocation of its own.
macro_rules! network_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// `native` is the id as the network itself writes it.
            pub fn new(network: NetworkKind, native: &str) -> Self {
                Self(format_smolstr!("{}:{native}", network.prefix()))
            }

            /// The whole id, network prefix included.
            /// An id as [`Self::as_str`] wrote it; `None` where it begins with no network.
            pub fn written(id: &str) -> Option<Self> {
                let (network, native) = id.split_once(':')?;
                let network = NetworkKind::ALL.into_iter().find(|known| known.prefix() == network)?;
                (!native.is_empty()).then(|| Self::new(network, native))
            }

            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The id as the network itself writes it.
            pub fn native(&self) -> &str {
                self.0.split_once(':').map_or(self.as_str(), |(_, native)| native)
            }

            /// The network the id belongs to; X where the prefix is unknown, as in stores of later versions.
            pub fn network(&self) -> NetworkKind {
                let prefix = self.0.split_once(':').map_or("", |(prefix, _)| prefix);
                NetworkKind::ALL.into_iter().find(|kind| kind.prefix() == prefix).unwrap_or(NetworkKind::X)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

network_id!(
    /// One public message. On X it is the first id of the edit history, so an edited post keeps its id.
    PostId
);
network_id!(
    /// Who wrote it: the network's permanent id, which survives a change of handle.
    AuthorId
);
network_id!(
    /// The thread a post belongs to, named by its first post.
    ConversationId
);

network_id!(
    /// One direct message, by the network's id of it.
    MessageId
);

/// Short names given by people: the config or the operating system.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(name: &str) -> Self {
                Self(name.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// A column, by the name the config gives it.
    ColumnName
);
name!(
    /// A support person.
    RepName
);
name!(
    /// The computer an event was made on.
    MachineName
);
name!(
    /// The brand's login on one network, by the name the config gives it.
    AccountName
);

/// Ids that are a UUID.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// The work one author's posts in one conversation make for the team.
    CaseId
);
uuid_id!(
    /// One event in the log. Appending the same id twice changes nothing.
    EventId
);
uuid_id!(
    /// One reply, from the moment it is queued.
    ReplyId
);
uuid_id!(
    /// A stretch of time in which posts are known to be missing.
    GapId
);
uuid_id!(
    /// One run of the program; a reply belongs to the run that queued it until that run is gone.
    SessionId
);

/// Namespace of the ids that follow from what they name (UUID version 5).
const NAMESPACE: Uuid = Uuid::from_u128(0x7d9c_2a4e_51f0_4b1b_9a63_0c5e_8f27_d311);

impl CaseId {
    /// One case per author and conversation: every process that sees the post names the same case.
    pub fn of(author: &AuthorId, conversation: &ConversationId) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("case\n{author}\n{conversation}").as_bytes()))
    }
}

impl EventId {
    /// The id of an event that follows from something seen on a network, so that a post delivered
    /// twice, or to two processes, is written once. `what` names the event kind.
    pub fn of(what: &str, parts: &[&str]) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, format!("{what}\n{}", parts.join("\n")).as_bytes()))
    }
}

/// Place of an event in the log; the first is 1, 0 stands for "before everything".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes UUIDs of version 7 from a time that is handed in and bits chosen once per run, so that
/// tests get the same ids every time and two runs never share one.
#[derive(Clone, Debug)]
pub struct IdSource {
    run: u64,
    next: u32,
}

impl IdSource {
    /// `run` is random for a real run (41 bits are used), fixed in tests.
    pub fn new(run: u64) -> Self {
        Self { run, next: 0 }
    }

    /// A new id, later than all made before it at an earlier or equal `now`.
    pub fn next(&mut self, now: Timestamp) -> Uuid {
        let count = self.next;
        self.next = self.next.wrapping_add(1);
        let run = self.run.to_be_bytes();
        let [top, middle, high, low] = [count >> 22, count >> 14, count >> 8, count].map(|part| part.to_le_bytes()[0]);
        // The counter leads, so ids made within one millisecond sort in the order they were made (2^26 of them).
        // The version and variant take the first 4 and 2 bits of bytes 0 and 2: those stay zero. What the counter
        // has above that goes behind, so that no two ids of a run are the same.
        let wrapped = (count >> 26).to_le_bytes()[0] << 2;
        let bits =
            [top & 0x0f, middle, high & 0x3f, low, wrapped | (run[2] & 1), run[3], run[4], run[5], run[6], run[7]];
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use uuid::{Uuid, Variant};

    use super::{AuthorId, CaseId, ConversationId, EventId, IdSource, NetworkKind, PostId};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).expect("a time")
    }

    #[test]
    fn made_ids_are_version_7_sorted_and_unique() {
        let mut source = IdSource::new(u64::MAX);
        let mut made: Vec<Uuid> = Vec::new();
        for n in 0..40_000 {
            // Many within one millisecond, then the next.
            made.push(source.next(at(1_795_269_600_000 + n / 10_000)));
        }
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "in the order they were made");
        for id in &made {
            assert_eq!((id.get_version_num(), id.get_variant()), (7, Variant::RFC4122), "{id}");
        }
        let (seconds, _) = made[0].get_timestamp().expect("version 7 has a time").to_unix();
        assert_eq!(seconds, 1_795_269_600);
    }

    #[test]
    fn runs_share_no_id_and_the_same_run_makes_the_same() {
        let made = |run: u64| -> Vec<Uuid> {
            let mut source = IdSource::new(run);
            (0..1_000).map(|_| source.next(at(5))).collect()
        };
        assert_eq!(made(7), made(7));
        let all: BTreeSet<Uuid> = (0..20).flat_map(made).collect();
        assert_eq!(all.len(), 20_000);
        let mut before_1970 = IdSource::new(1);
        assert_eq!(before_1970.next(Timestamp::MIN).get_version_num(), 7);
    }

    #[test]
    fn ids_carry_their_network() {
        let post = PostId::new(NetworkKind::Bluesky, "at://did:plc:abc/app.bsky.feed.post/1");
        assert_eq!(post.as_str(), "bluesky:at://did:plc:abc/app.bsky.feed.post/1");
        assert_eq!((post.network(), post.native()), (NetworkKind::Bluesky, "at://did:plc:abc/app.bsky.feed.post/1"));
        let later: PostId = serde_json::from_str("\"threads:9\"").expect("any string");
        assert_eq!((later.network(), later.native()), (NetworkKind::X, "9"));
        let bare: PostId = serde_json::from_str("\"9\"").expect("any string");
        assert_eq!(bare.native(), "9");
    }

    #[test]
    fn ids_that_follow_from_names_are_the_same_everywhere_and_for_ever() {
        let author = AuthorId::new(NetworkKind::X, "12");
        let conversation = ConversationId::new(NetworkKind::X, "34");
        let case = CaseId::of(&author, &conversation);
        assert_eq!(case, CaseId::of(&author, &conversation));
        assert_ne!(case, CaseId::of(&AuthorId::new(NetworkKind::X, "34"), &ConversationId::new(NetworkKind::X, "12")));
        // Written down: stores hold ids made like this.
        assert_eq!(case.to_string(), "7359986c-aa39-54ad-8aa6-ab56a315150c");
        assert_eq!(EventId::of("post-matched", &["x:1", "outage"]).to_string(), "596e68b6-6ee6-59a8-b1d3-486e1403aced");
        assert_ne!(EventId::of("a", &["b", "c"]), EventId::of("a", &["c", "b"]));
    }
}
