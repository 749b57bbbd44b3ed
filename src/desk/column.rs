//! A column's recent window, ordered by post time, and the gaps in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::event::Standing;
use crate::model::{
    AccountName, AuthorId, Body, CaseId, ColumnName, ConversationId, Envelope, Event, GapFill, GapId, Post, PostId,
};

use super::{Case, Desk};

/// So many posts of a column stay in memory.
pub const WINDOW: usize = 1_000;
/// So many columns are kept. A column that left the config goes only when this many others had newer posts.
pub const COLUMNS_KEPT: usize = 256;

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The newest [`WINDOW`] posts, oldest first, by the post's own time.
    #[serde(with = "super::moment::ordered")]
    pub window: BTreeSet<(Timestamp, PostId)>,
    /// Posts ever matched, the ones that left the window included.
    pub matched: u64,
    /// Gaps whose times reach into the window, oldest first.
    #[serde(with = "super::moment::ordered")]
    pub gaps: BTreeSet<(Timestamp, GapId)>,
}

/// A post as the desk sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostView {
    pub id: PostId,
    pub author: AuthorId,
    pub conversation: ConversationId,
    #[serde(with = "super::moment")]
    pub at: Timestamp,
    /// When it reached the log.
    #[serde(with = "super::moment")]
    pub arrived: Timestamp,
    pub in_reply_to: Option<PostId>,
    pub in_reply_to_author: Option<AuthorId>,
    pub standing: Standing,
    pub columns: ColumnSet,
    pub case: Option<CaseId>,
    pub state: PostState,
    /// The words, while they may be shown and are at hand ([`PostView::lacks_text`]). Never part of a checkpoint:
    /// erased text must not live on there.
    #[serde(skip)]
    pub body: Option<Arc<Post>>,
}

/// Names of columns in their order, each once. Posts that stand in the same columns share one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnSet(Arc<[ColumnName]>);

impl ColumnSet {
    pub fn contains(&self, name: &ColumnName) -> bool {
        self.0.contains(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, ColumnName> {
        self.0.iter()
    }

    /// Whether it is new.
    pub(super) fn insert(&mut self, name: ColumnName) -> bool {
        let is_new = !self.contains(&name);
        if is_new {
            *self = self.iter().cloned().chain([name]).collect();
        }
        is_new
    }
}

impl FromIterator<ColumnName> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = ColumnName>>(names: I) -> Self {
        let mut names: Vec<ColumnName> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }
}

impl<'a> IntoIterator for &'a ColumnSet {
    type Item = &'a ColumnName;
    type IntoIter = std::slice::Iter<'a, ColumnName>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What became of a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostState {
    #[default]
    Present,
    Edited,
    /// Its author took it back; the text is gone.
    Deleted,
    /// Erased here; the text is gone.
    Erased,
}

/// A stretch of time in which posts of some columns are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub id: GapId,
    pub columns: Vec<ColumnName>,
    #[serde(with = "super::moment")]
    pub from: Timestamp,
    /// `None` while it is still open.
    #[serde(with = "super::moment::optional")]
    pub to: Option<Timestamp>,
    pub fill: Option<GapFill>,
    /// Whose link it was, where the log says so.
    pub account: Option<AccountName>,
}

impl PostView {
    /// The post of a `PostMatched`, as the desk first sees it; nothing of any other event.
    pub fn of(envelope: &Envelope) -> Option<Self> {
        let Event::PostMatched {
            post,
            author,
            conversation,
            columns,
            posted_at,
            in_reply_to,
            in_reply_to_author,
            standing,
        } = &envelope.event
        else {
            return None;
        };
        let body = match &envelope.body {
            Some(Body::Post(body)) => Some(Arc::new((**body).clone())),
            _ => None,
        };
        Some(Self {
            id: post.clone(),
            author: author.clone(),
            conversation: conversation.clone(),
            at: *posted_at,
            arrived: envelope.at,
            in_reply_to: in_reply_to.clone(),
            in_reply_to_author: in_reply_to_author.clone(),
            standing: *standing,
            columns: columns.iter().cloned().collect(),
            case: standing.makes_case().then(|| CaseId::of(author, conversation)),
            state: if body.is_some() { PostState::Present } else { PostState::Erased },
            body,
        })
    }

    /// Its words may be shown: they are at hand or in the store.
    pub fn has_text(&self) -> bool {
        matches!(self.state, PostState::Present | PostState::Edited)
    }

    /// Its words may be shown and have to be read from the store first.
    pub fn lacks_text(&self) -> bool {
        self.body.is_none() && self.has_text()
    }

    /// Where it stands in a window.
    pub fn place(&self) -> (Timestamp, PostId) {
        (self.at, self.id.clone())
    }
}

impl Desk {
    pub fn post(&self, id: &PostId) -> Option<&PostView> {
        self.posts.get(id)
    }

    /// The case a post belongs to, while the desk holds it.
    pub fn case_of(&self, post: &PostId) -> Option<&Case> {
        self.cases.get(&self.posts.get(post)?.case?)
    }

    /// A column's window, newest post first; nothing for a column nobody posted in.
    pub fn newest<'a>(&'a self, column: &ColumnName) -> impl DoubleEndedIterator<Item = &'a PostView> + use<'a> {
        let window = self.columns.get(column).into_iter().flat_map(|column| column.window.iter().rev());
        window.filter_map(|(_, id)| self.posts.get(id))
    }

    /// The same set as the newest post of its first column has, where that stands in the same columns.
    pub(super) fn shared(&self, set: ColumnSet) -> ColumnSet {
        let newest = set.iter().next().and_then(|name| self.columns.get(name)?.window.last());
        let known = newest.and_then(|(_, post)| self.posts.get(post)).map(|post| &post.columns);
        known.filter(|known| **known == set).cloned().unwrap_or(set)
    }

    /// The column of that name; made where there is none.
    pub(super) fn column(&mut self, name: &ColumnName) -> &mut Column {
        if !self.columns.contains_key(name) && self.columns.len() >= COLUMNS_KEPT {
            let quietest = self.columns.iter().min_by_key(|(_, column)| column.window.last().map(|(at, _)| *at));
            if let Some(quietest) = quietest.map(|(name, _)| name.clone()) {
                self.drop_column(&quietest);
            }
        }
        self.columns.entry(name.clone()).or_default()
    }

    fn drop_column(&mut self, name: &ColumnName) {
        while let Some((_, post)) = self.columns.get(name).and_then(|column| column.window.first()).cloned() {
            self.hide(name, &post);
        }
        let gaps = self.columns.remove(name).map(|column| column.gaps).unwrap_or_default();
        for (_, gap) in gaps {
            self.release_gap(gap);
        }
    }

    /// Puts a post the desk holds into a column's window; the oldest goes where it is full.
    pub(super) fn show(&mut self, column: &ColumnName, post: &PostId) {
        let Some(view) = self.posts.get(post) else { return };
        let (place, case) = (view.place(), view.case);
        self.recount_shown(case, |desk| {
            desk.column(column).window.insert(place);
        });
        let Some(shown) = self.columns.get(column).filter(|shown| shown.window.len() > WINDOW) else { return };
        if let Some((_, oldest)) = shown.window.first().cloned() {
            self.hide(column, &oldest);
        }
        self.release_old_gaps(column);
    }

    /// Takes a post out of a column's window, and lets go what nothing shows any more.
    fn hide(&mut self, column: &ColumnName, post: &PostId) {
        let Some(view) = self.posts.get(post) else { return };
        let (place, case) = (view.place(), view.case);
        self.recount_shown(case, |desk| {
            if let Some(column) = desk.columns.get_mut(column) {
                column.window.remove(&place);
            }
        });
        if let Some(case) = case {
            self.release_case(case);
        }
        self.release_post(post);
    }
}
