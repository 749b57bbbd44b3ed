//! Who is where on the deck right now. Nothing of it is in the log: it is true for a moment and then forgotten.

use super::id::{CaseId, RepName};

/// How much a rep is at it, the most engaged last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// No key for a while.
    Idle,
    /// Has something in hand.
    Viewing,
    /// Has an editor open.
    Writing,
}

impl Doing {
    pub const ALL: [Doing; 3] = [Doing::Idle, Doing::Viewing, Doing::Writing];

    /// The word on the screen, also the one by which runs of the program tell each other.
    pub fn word(self) -> &'static str {
        match self {
            Doing::Idle => "idle",
            Doing::Viewing => "viewing",
            Doing::Writing => "writing",
        }
    }
}

/// What one run of the program tells of its rep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    pub doing: Doing,
    /// `None` while no case is in hand.
    pub case: Option<CaseId>,
}

/// A rep at work in another run of the program on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub rep: RepName,
    pub at: Whereabouts,
}
