//! Gaps: stretches of time in which posts of a column are missing.

use jiff::Timestamp;

use crate::model::{AccountName, ColumnName, GapFill, GapId};

use super::{Desk, Gap};

/// So many gaps of one column stay in memory.
pub const GAPS_KEPT: usize = 64;

impl Desk {
    pub(super) fn gap_opened(
        &mut self,
        id: GapId,
        columns: &[ColumnName],
        from: Timestamp,
        account: Option<&AccountName>,
    ) {
        if columns.is_empty() {
            return;
        }
        // Columns of one outage may come in several events, in different batches.
        let account = account.cloned();
        let gap = self.gaps.entry(id).or_insert(Gap { id, columns: Vec::new(), from, to: None, fill: None, account });
        let (from, fresh) = (gap.from, columns.iter().filter(|name| !gap.columns.contains(name)).cloned());
        let fresh: Vec<ColumnName> = fresh.collect();
        gap.columns.extend_from_slice(&fresh);
        for name in &fresh {
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use crate::desk::Desk;
    use crate::model::{ColumnName, GapId};

    #[test]
    fn a_gap_told_column_by_column_is_one_gap_of_all() {
        let (a, b, id) = (ColumnName::new("a"), ColumnName::new("b"), GapId(Uuid::from_u128(1)));
        let mut desk = Desk::default();
        for columns in [vec![a.clone()], vec![b.clone()], vec![a.clone(), b.clone()]] {
            desk.gap_opened(id, &columns, Timestamp::UNIX_EPOCH, None);
        }
        assert_eq!(desk.gaps[&id].columns, [a.clone(), b.clone()]);
        for column in [a, b] {
            assert!(desk.columns[&column].gaps.contains(&(Timestamp::UNIX_EPOCH, id)), "{column} shows it");
        }
    }
}
