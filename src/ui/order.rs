//! The rows of a column in order, newest first: posts of the desk's window, gaps, and older posts read from
//! the store; or of a queue, the cases from the top. Steps from one row to its neighbour cost the same however deep the column is.

use std::cmp::Ordering;
use std::ops::Bound::{Excluded, Unbounded};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::app::queue::{QueuePlace, QueueRows};
use crate::app::{App, ColumnView};
use crate::desk::{Column, Desk, Gap, PostView};
use crate::model::{GapId, NetworkKind, PostId};

/// A row's place: by time; a gap stands above a post of the same moment, which was the last one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    at: Timestamp,
    row: RowId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowId {
    Post(PostId),
    Gap(GapId),
    Case(QueuePlace),
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.row, &other.row) {
            // What leads a queue is on top, like the newest post of a column.
            (RowId::Case(one), RowId::Case(two)) => two.cmp(one),
            _ => (self.at, &self.row).cmp(&(other.at, &other.row)),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What stands in a row.
pub(super) enum Row<'a> {
    Post(&'a PostView),
    Gap(&'a Gap),
    /// In the window, but the desk does not hold it.
    Unknown,
}

/// A column's rows.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    desk: &'a Desk,
    queue: Option<QueueRows<'a>>,
    column: Option<&'a Column>,
    /// Newest first.
    older: &'a [PostView],
}

/// No id sorts before it.
fn first_post() -> PostId {
    PostId::new(NetworkKind::Bluesky, "")
}

fn just_after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX)
}

impl<'a> Rows<'a> {
    pub(super) fn of(app: &'a App, index: usize, view: &'a ColumnView) -> Self {
        let queue = app.queue_rows(index);
        let column = app.setup.columns.get(index).and_then(|setup| app.desk.columns.get(&setup.name));
        Self { desk: &app.desk, queue, column, older: if queue.is_some() { &[] } else { &view.older } }
    }

    pub(super) fn get(&self, key: &Key) -> Row<'a> {
        match &key.row {
            RowId::Gap(id) => self.desk.gaps.get(id).map_or(Row::Unknown, Row::Gap),
            RowId::Case(place) => self.queue.and_then(|rows| rows.post(place)).map_or(Row::Unknown, Row::Post),
            RowId::Post(id) => match self.desk.posts.get(id) {
                Some(post) => Row::Post(post),
                None => self.older.iter().find(|post| post.id == *id).map_or(Row::Unknown, Row::Post),
            },
        }
    }

    /// Where a post stands, whether or not the window still holds it.
    pub(super) fn key_of(&self, id: &PostId) -> Option<Key> {
        if let Some(rows) = self.queue {
            return rows.place_of(id).map(case_key);
        }
        let post = self.desk.posts.get(id).or_else(|| self.older.iter().find(|post| post.id == *id))?;
        Some(Key { at: post.at, row: RowId::Post(id.clone()) })
    }

    /// Where the column's keys stand.
    pub(super) fn chosen(&self, view: &ColumnView) -> Option<Key> {
        let gap = view.gap.and_then(|id| self.desk.gaps.get(&id));
        let gap = gap.map(|gap| Key { at: gap.from, row: RowId::Gap(gap.id) });
        gap.or_else(|| view.selected.as_ref().and_then(|id| self.key_of(id)))
    }

    /// The chosen post; none where a gap's row is chosen.
    pub(super) fn chosen_post(&self, view: &'a ColumnView) -> Option<&'a PostId> {
        let is_gap = view.gap.is_some_and(|id| self.desk.gaps.contains_key(&id));
        view.selected.as_ref().filter(|_| !is_gap)
    }

    pub(super) fn newest(&self) -> Option<Key> {
        if let Some(rows) = self.queue {
            return rows.first().map(case_key);
        }
        let column = self.column;
        let post = column.and_then(|column| column.window.last()).map(post_key);
        let gap = column.and_then(|column| column.gaps.last()).map(gap_key);
        let older = self.older.first().map(view_key);
        [post, gap, older].into_iter().flatten().max()
    }

    /// The next row up.
    pub(super) fn newer(&self, key: &Key) -> Option<Key> {
        if let (Some(rows), RowId::Case(place)) = (self.queue, &key.row) {
            return rows.before(place).map(case_key);
        }
        let mut found = Vec::with_capacity(3);
        if let Some(column) = self.column {
            let posts = &column.window;
            found.extend(match &key.row {
                RowId::Post(id) => posts.range((Excluded((key.at, id.clone())), Unbounded)).next().map(post_key),
                RowId::Gap(_) | RowId::Case(_) => {
                    posts.range((just_after(key.at), first_post())..).next().map(post_key)
                }
            });
            found.extend(match &key.row {
                RowId::Post(_) | RowId::Case(_) => {
                    column.gaps.range((key.at, GapId(Uuid::nil()))..).next().map(gap_key)
                }
                RowId::Gap(id) => column.gaps.range((Excluded((key.at, *id)), Unbounded)).next().map(gap_key),
            });
        }
        let above = self.older.partition_point(|post| view_key(post) > *key);
        found.extend(above.checked_sub(1).and_then(|i| self.older.get(i)).map(view_key));
        found.into_iter().min()
    }

    /// The next row down.
    pub(super) fn older(&self, key: &Key) -> Option<Key> {
        if let (Some(rows), RowId::Case(place)) = (self.queue, &key.row) {
            return rows.after(place).map(case_key);
        }
        let mut found = Vec::with_capacity(3);
        if let Some(column) = self.column {
            let posts = &column.window;
            found.extend(match &key.row {
                RowId::Post(id) => posts.range(..(key.at, id.clone())).next_back().map(post_key),
                RowId::Gap(_) | RowId::Case(_) => {
                    posts.range(..(just_after(key.at), first_post())).next_back().map(post_key)
                }
            });
            found.extend(match &key.row {
                RowId::Post(_) | RowId::Case(_) => {
                    column.gaps.range(..(key.at, GapId(Uuid::nil()))).next_back().map(gap_key)
                }
                RowId::Gap(id) => column.gaps.range(..(key.at, *id)).next_back().map(gap_key),
            });
        }
        let below = self.older.partition_point(|post| view_key(post) >= *key);
        found.extend(self.older.get(below).map(view_key));
        found.into_iter().max()
    }
}

fn case_key(place: QueuePlace) -> Key {
    Key { at: Timestamp::MIN, row: RowId::Case(place) }
}

fn post_key((at, id): &(Timestamp, PostId)) -> Key {
    Key { at: *at, row: RowId::Post(id.clone()) }
}

fn gap_key((at, id): &(Timestamp, GapId)) -> Key {
    Key { at: *at, row: RowId::Gap(*id) }
}

fn view_key(post: &PostView) -> Key {
    Key { at: post.at, row: RowId::Post(post.id.clone()) }
}
