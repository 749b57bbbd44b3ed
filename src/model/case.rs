//! Where a case stands, and the letter that shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where only the customer's writing brings a case back. A moment nobody on the desk will see.
pub const THEY_WRITE: Timestamp = Timestamp::constant(4_102_444_800, 0);

/// Where a case stands. Who owns it is told apart from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseStatus {
    /// Nobody has answered yet.
    New,
    /// We answered last: the customer's turn.
    Acknowledged,
    /// The customer wrote again after our answer: waiting on us.
    Waiting,
    Resolved,
}

impl CaseStatus {
    /// Of a case that is not resolved.
    pub fn open(is_unanswered: bool, has_answer: bool) -> Self {
        match (is_unanswered, has_answer) {
            (true, false) => CaseStatus::New,
            (true, true) => CaseStatus::Waiting,
            (false, _) => CaseStatus::Acknowledged,
        }
    }

    /// New, in the head of the screen, on the rows and in the report: nobody has answered, and nobody has it.
    pub fn is_new(self, has_owner: bool) -> bool {
        self == CaseStatus::New && !has_owner
    }
}

/// The letter in front of a row; never told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    New,
    Mine,
    Claimed,
    Acknowledged,
    Waiting,
    Resolved,
    /// A post that is no case: a repost or one of our own.
    None,
}

impl Mark {
    pub const ALL: [Mark; 7] =
        [Mark::New, Mark::Mine, Mark::Claimed, Mark::Acknowledged, Mark::Waiting, Mark::Resolved, Mark::None];

    pub fn letter(self) -> char {
        match self {
            Mark::New => 'N',
            Mark::Mine => 'M',
            Mark::Claimed => 'C',
            Mark::Acknowledged => 'A',
            Mark::Waiting => 'W',
            Mark::Resolved => 'R',
            Mark::None => ' ',
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Mark::New => "new",
            Mark::Mine => "mine",
            Mark::Claimed => "claimed by another",
            Mark::Acknowledged => "acknowledged",
            Mark::Waiting => "waiting on us",
            Mark::Resolved => "resolved",
            Mark::None => "no case",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Mark;

    #[test]
    fn every_mark_has_a_letter_and_words_of_its_own() {
        let letters: BTreeSet<char> = Mark::ALL.into_iter().map(Mark::letter).collect();
        let words: BTreeSet<&str> = Mark::ALL.into_iter().map(Mark::word).collect();
        assert_eq!((letters.len(), words.len()), (Mark::ALL.len(), Mark::ALL.len()));
        assert!(!letters.contains(&'!') && !letters.contains(&'>'), "those tell overdue and selected rows");
    }
}
