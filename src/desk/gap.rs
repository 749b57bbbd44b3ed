//! Gaps: stretches of time in which posts of a column are missing.

use jiff::Timestamp;

use crate::model::{ColumnName, GapFill, GapId};

use super::{Desk, Gap};

/// So many gaps of one column stay in memory.
pub const GAPS_KEPT: usize = 64;

impl Desk {
    pub(super) fn gap_opened(&mut self, id: GapId, columns: &[ColumnName], from: Timestamp) {
        if self.gaps.contains_key(&id) || columns.is_empty() {
            return;
        }
        self.gaps.insert(id, Gap { id, columns: columns.to_vec(), from, to: None, fill: None });
        for name in columns {
            let gaps = &mut self.column(name).gaps;
            gaps.insert((from, id));
            if gaps.len() > GAPS_KEPT
                && let Some((_, oldest)) = gaps.pop_first()
            {
                self.release_gap(oldest);
            }
        }
        self.release_gap(id);
    }

    pub(super) fn gap_closed(&mut self, id: GapId, to: Timestamp) {
        if let Some(gap) = self.gaps.get_mut(&id) {
            gap.to = Some(to.max(gap.from));
        }
    }

    pub(super) fn gap_filled(&mut self, id: GapId, fill: &GapFill) {
        if let Some(gap) = self.gaps.get_mut(&id) {
            gap.fill = Some(fill.clone());
        }
    }

    /// Lets go the gaps that ended before the window's oldest post.
    pub(super) fn release_old_gaps(&mut self, name: &ColumnName) {
        while let Some(column) = self.columns.get_mut(name)
            && let (Some((oldest, _)), Some((_, id))) = (column.window.first(), column.gaps.first())
            && self.gaps.get(id).is_none_or(|gap| gap.to.is_some_and(|to| to < *oldest))
            && let Some((_, id)) = column.gaps.pop_first()
        {
            self.release_gap(id);
        }
    }

    /// Forgets a gap that no column shows.
    pub(super) fn release_gap(&mut self, id: GapId) {
        let Some(gap) = self.gaps.get(&id) else { return };
        let place = (gap.from, id);
        let shown = gap.columns.iter().any(|name| self.columns.get(name).is_some_and(|c| c.gaps.contains(&place)));
        if !shown {
            self.gaps.remove(&id);
        }
    }
}
