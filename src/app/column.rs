//! What the rep sees of a column, and how it keeps its place while posts arrive.

use jiff::Timestamp;

use super::queue::QueuePlace;
use crate::desk::PostView;
use crate::model::{GapId, PostId};

/// A column on the screen. A column nobody touched *follows*: the newest post is on top. From the moment a row
/// is selected the column is *anchored*: that row stays selected and stays on its line of the screen, and what
/// arrives above is counted as new.
#[derive(Clone, Debug, Default)]
pub struct ColumnView {
    /// `None`: the column follows.
    pub selected: Option<PostId>,
    /// A gap's row has the keys instead; `selected` is then the post next to it. One that is no longer at hand counts
    /// as none.
    pub gap: Option<GapId>,
    /// Held with `P`: anchored without the keys.
    pub held: bool,
    /// Posts that arrived above since it was anchored.
    pub new: usize,
    /// A row was chosen by hand since the column got the keys; else it follows again when the keys leave.
    pub touched: bool,
    /// In a queue: where the selected row was taken hold of. It stays there while the keys are on it.
    pub taken: Option<QueuePlace>,
    /// In a queue: the selected post is the one that stood for its case, so it follows what the customer writes.
    pub stands: bool,
    /// Posts older than the desk's window, newest first, read from the store on demand; in a queue the post of the
    /// row in hand.
    pub older: Vec<PostView>,
    /// The store has been asked for older posts and has not answered.
    pub asking_older: bool,
    /// There is nothing older in the store.
    pub at_end: bool,
    /// Posts the last frame showed; what a page is.
    pub shown: usize,
    /// When a post last came in.
    pub last_post: Option<Timestamp>,
}

impl ColumnView {
    /// It keeps its place; otherwise the newest post is on top.
    pub fn is_anchored(&self) -> bool {
        self.selected.is_some() || self.gap.is_some() || self.held
    }
}
