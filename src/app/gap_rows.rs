//! Rows of gaps among the posts: one walks over them and stands on them as on posts, and Enter fills the gap.
//!
//! While a gap's row is chosen no post is in hand. The post next to it stays the column's anchor, so that the place on
//! the screen is kept as ever.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::command::Command;
use super::walk::Spot;
use super::{App, Mode};
use crate::desk::Gap;
use crate::model::{GapId, NetworkKind, PostId};

/// A row one can stand on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Post(PostId),
    Gap(GapId),
}

/// Which way one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl App {
    /// The gap whose row is chosen; then no post is in hand.
    pub fn gap_in_hand(&self) -> Option<&Gap> {
        if self.opened.is_some() {
            return None;
        }
        self.desk.gaps.get(&self.columns.get(self.focus)?.gap?)
    }

    /// Where a column's keys stand.
    pub(super) fn stop(&self, column: usize) -> Option<Stop> {
        let view = self.columns.get(column)?;
        let gap = view.gap.filter(|gap| self.desk.gaps.contains_key(gap)).map(Stop::Gap);
        gap.or_else(|| view.selected.clone().filter(|post| self.has_row(column, post)).map(Stop::Post))
    }

    /// The newest row, or the oldest one.
    pub(super) fn end_row(&self, column: usize, way: Way) -> Option<Stop> {
        let gaps = self.gaps(column);
        match way {
            // A gap stands above a post of its first moment.
            Way::Up => {
                let post = self.below(column, None).next();
                let gap = gaps.and_then(|gaps| gaps.last());
                match (post, gap) {
                    (Some(post), Some((from, _))) if post.at > *from => Some(Stop::Post(post.id.clone())),
                    (_, Some((_, gap))) => Some(Stop::Gap(*gap)),
                    (post, None) => post.map(|post| Stop::Post(post.id.clone())),
                }
            }
            Way::Down => {
                let post = self.oldest(column);
                let gap = gaps.and_then(|gaps| gaps.first());
                match (post, gap) {
                    (Some(post), Some((from, _))) if post.at <= *from => Some(Stop::Post(post.id.clone())),
                    (_, Some((_, gap))) => Some(Stop::Gap(*gap)),
                    (post, None) => post.map(|post| Stop::Post(post.id.clone())),
                }
            }
        }
    }

    /// The row so many further on, or the last one that way; `None` where `from` is not in the column.
    pub(super) fn rows_on(&self, column: usize, from: &Stop, way: Way, count: usize) -> Option<Stop> {
        let (at, gap) = match from {
            Stop::Post(post) => (self.row_at(column, post)?, None),
            Stop::Gap(gap) => (self.desk.gaps.get(gap)?.from, Some(*gap)),
        };
        let spot = self.spot_next_to(column, from, way)?;
        let none = std::collections::BTreeSet::new();
        let gaps = self.gaps(column).unwrap_or(&none);
        let here = (at, gap.unwrap_or(GapId(Uuid::nil())));
        let mut to = None;
        match way {
            Way::Down => {
                let mut posts = self.below(column, Some(&spot)).peekable();
                let mut gaps = gaps.range(..here).rev().peekable();
                for _ in 0..count {
                    let next = match (posts.peek(), gaps.peek()) {
                        (Some(post), Some((from, _))) if post.at > *from => posts.next().map(post_stop),
                        (_, Some(_)) => gaps.next().map(|(_, gap)| Stop::Gap(*gap)),
                        (_, None) => posts.next().map(post_stop),
                    };
                    to = Some(next).filter(Option::is_some).unwrap_or(to);
                }
            }
            Way::Up => {
                let mut posts = self.above(column, &spot).peekable();
                let mut gaps = gaps.range(here..).filter(|(_, id)| Some(*id) != gap).peekable();
                for _ in 0..count {
                    let next = match (posts.peek(), gaps.peek()) {
                        (Some(post), Some((from, _))) if post.at <= *from => posts.next().map(post_stop),
                        (_, Some(_)) => gaps.next().map(|(_, gap)| Stop::Gap(*gap)),
                        (_, None) => posts.next().map(post_stop),
                    };
                    to = Some(next).filter(Option::is_some).unwrap_or(to);
                }
            }
        }
        Some(to.unwrap_or_else(|| from.clone()))
    }

    /// From here the posts that way begin.
    pub(super) fn spot_next_to(&self, column: usize, stop: &Stop, way: Way) -> Option<Spot> {
        let gap = match stop {
            Stop::Post(post) => return self.spot(column, post),
            Stop::Gap(gap) => self.desk.gaps.get(gap)?,
        };
        let older = self.columns.get(column).map_or(0, |view| view.older.partition_point(|post| post.at > gap.from));
        Some(match (way, older.checked_sub(1)) {
            (Way::Down, Some(last)) => Spot::Older(last),
            (Way::Up, Some(_)) => Spot::Older(older),
            // No id sorts before this one, so it parts the posts up to that moment from those after it.
            (_, None) => Spot::Window((just_after(gap.from), PostId::new(NetworkKind::Bluesky, ""))),
        })
    }

    /// Stands on a row: a gap's neighbour below, else above, becomes the anchor.
    pub(super) fn stand_on(&mut self, column: usize, stop: Stop) {
        let gap = match stop {
            Stop::Post(post) => return self.choose(column, post, true),
            Stop::Gap(gap) => gap,
        };
        let next_to = |way| self.spot_next_to(column, &Stop::Gap(gap), way);
        let below =
            next_to(Way::Down).and_then(|spot| self.below(column, Some(&spot)).next().map(|row| row.id.clone()));
        let above = || next_to(Way::Up).and_then(|spot| self.above(column, &spot).next().map(|row| row.id.clone()));
        if let Some(anchor) = below.or_else(above) {
            self.choose(column, anchor, true);
        }
        if let Some(view) = self.columns.get_mut(column) {
            view.gap = Some(gap);
            view.touched = true;
            self.dirty = true;
        }
    }

    /// A command that means a post finds a gap in hand: says so. Marked cases are meant wherever one stands.
    pub(super) fn is_for_a_post_at_a_gap(&mut self, command: Command) -> bool {
        let is_here = matches!(self.mode, Mode::Columns | Mode::Case { .. }) && self.gap_in_hand().is_some();
        if !is_here || !means_a_post(command) || !self.marked_cases().is_empty() {
            return false;
        }
        self.say_gap();
        true
    }

    pub(super) fn say_gap(&mut self) {
        self.info("this row is a gap: Enter fills it, j and k lead to the posts".to_owned());
    }

    fn gaps(&self, column: usize) -> Option<&std::collections::BTreeSet<(Timestamp, GapId)>> {
        self.desk.columns.get(&self.setup.columns.get(column)?.name).map(|column| &column.gaps)
    }
}

fn post_stop(row: super::walk::Row<'_>) -> Stop {
    Stop::Post(row.id.clone())
}

fn just_after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX)
}

/// What makes no sense without a post.
fn means_a_post(command: Command) -> bool {
    matches!(
        command,
        Command::Acknowledge
            | Command::RequestDm
            | Command::AcknowledgeAndRequestDm
            | Command::DirectMessage
            | Command::Claim
            | Command::Release
            | Command::OptOut
            | Command::LiftOptOut
            | Command::Follow
            | Command::Assign
            | Command::Tag
            | Command::Note
            | Command::Snooze
            | Command::Wake
            | Command::Prioritise
            | Command::Mark
            | Command::AskHappyPost
            | Command::TurnRound
            | Command::Resolve
            | Command::Dismiss
            | Command::Reopen
            | Command::CopyLink
            | Command::CopyText
            | Command::CopyHandle
            | Command::CopyCase
            | Command::OpenPage
            | Command::Preview
    )
}
