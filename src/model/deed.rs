//! What a rep may do to a case: one table of deeds and statuses, and who may do it. The app refuses with these words;
//! the fold stays total and takes whatever the log holds.

use serde::{Deserialize, Serialize};

use super::case::CaseStatus;

/// Something a rep does to a case by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    Claim,
    Release,
    Assign,
    Tag,
    Prioritise,
    Note,
    Snooze,
    Wake,
    Answer,
    AskHappyPost,
    Resolve,
    Reopen,
    TurnRound,
}

/// Why a deed makes no sense for a case as it stands.
type Refusal = Option<&'static str>;

const YES: Refusal = None;
const RESOLVED: Refusal = Some("it is resolved; E reopens it first");

/// One row per deed; the columns are new, acknowledged, waiting, resolved, as in [`CaseStatus`].
const TABLE: [(Deed, [Refusal; 4]); 13] = [
    (Deed::Claim, [YES, YES, YES, RESOLVED]),
    (Deed::Release, [YES, YES, YES, RESOLVED]),
    (Deed::Assign, [YES, YES, YES, RESOLVED]),
    (Deed::Tag, [YES, YES, YES, YES]),
    (Deed::Prioritise, [YES, YES, YES, RESOLVED]),
    (Deed::Note, [YES, YES, YES, YES]),
    (Deed::Snooze, [YES, YES, YES, Some("it is resolved; there is nothing to put off")]),
    (Deed::Wake, [YES, YES, YES, Some("it is resolved; it does not sleep")]),
    // A goodbye may be answered without taking the case up again.
    (Deed::Answer, [YES, YES, YES, YES]),
    (
        Deed::AskHappyPost,
        [
            Some("nobody has answered yet; a happy post is asked for once the customer is helped"),
            YES,
            Some("the customer waits for an answer; a happy post is asked for after it"),
            YES,
        ],
    ),
    (Deed::Resolve, [YES, YES, YES, Some("it is resolved already; E reopens it")]),
    (Deed::Reopen, [Some("it is open"), Some("it is open"), Some("it is open"), YES]),
    (Deed::TurnRound, [YES, YES, YES, YES]),
];

impl Deed {
    pub const ALL: [Deed; 13] = [
        Deed::Claim,
        Deed::Release,
        Deed::Assign,
        Deed::Tag,
        Deed::Prioritise,
        Deed::Note,
        Deed::Snooze,
        Deed::Wake,
        Deed::Answer,
        Deed::AskHappyPost,
        Deed::Resolve,
        Deed::Reopen,
        Deed::TurnRound,
    ];

    /// Why it may not be done to a case that stands so; `None` where it may.
    pub fn refused(self, status: CaseStatus) -> Option<&'static str> {
        let column = match status {
            CaseStatus::New => 0,
            CaseStatus::Acknowledged => 1,
            CaseStatus::Waiting => 2,
            CaseStatus::Resolved => 3,
        };
        TABLE.iter().find(|(deed, _)| *deed == self).and_then(|(_, row)| row[column])
    }
}

/// What somebody is trusted with; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads, marks, tags and notes; nothing that a customer could see.
    Watcher,
    #[default]
    Rep,
    /// Also hands over what others hold, and goes over the cap.
    Lead,
}

impl Role {
    pub const ALL: [Role; 3] = [Role::Watcher, Role::Rep, Role::Lead];

    /// As in the config and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Role::Watcher => "watcher",
            Role::Rep => "rep",
            Role::Lead => "lead",
        }
    }

    pub fn named(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether anything may leave for a network by this role's hand.
    pub fn may_send(self) -> bool {
        self >= Role::Rep
    }
}

/// The words that stop every way out for a watcher.
pub const WATCHER_SENDS_NOTHING: &str = "your role is watcher: you read, tag and note; a rep answers";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Deed, Role, TABLE};
    use crate::model::CaseStatus;

    #[test]
    fn every_deed_has_one_row_and_some_status_allows_it() {
        let rows: BTreeSet<Deed> = TABLE.iter().map(|(deed, _)| *deed).collect();
        assert_eq!(rows, Deed::ALL.into_iter().collect());
        assert_eq!(TABLE.len(), Deed::ALL.len());
        for (deed, row) in TABLE {
            assert!(row.iter().any(Option::is_none), "{deed:?} is never allowed");
            assert!(row.iter().flatten().all(|words| !words.is_empty()), "{deed:?}");
        }
    }

    #[test]
    fn what_is_resolved_is_left_alone_until_it_is_reopened() {
        for deed in [Deed::Resolve, Deed::Snooze, Deed::Claim, Deed::Assign, Deed::Release] {
            assert!(deed.refused(CaseStatus::Resolved).is_some(), "{deed:?}");
            assert_eq!(deed.refused(CaseStatus::New), None, "{deed:?}");
        }
        assert_eq!(Deed::Reopen.refused(CaseStatus::Resolved), None);
        assert!(Deed::AskHappyPost.refused(CaseStatus::New).is_some());
        assert_eq!(Deed::AskHappyPost.refused(CaseStatus::Resolved), None);
    }

    #[test]
    fn roles_are_read_back_from_their_words_and_only_the_watcher_sends_nothing() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.word()), Some(role));
            assert_eq!(role.may_send(), role != Role::Watcher);
        }
        assert_eq!(Role::named("boss"), None);
    }
}
