//! What the screen reads out of the desk, reckoned here so that the drawing stays drawing.

use jiff::SignedDuration;

use super::text::{cut, width};
use crate::app::{App, ColumnSetup};
use crate::desk::author::Contact;
use crate::desk::{Case, Desk, PostView, Reply};
use crate::model::{Account, AccountName, AuthorId, CaseId, ColumnName, LinkState, Post, Seq};

/// A handle of fewer cells, the dots of the cut included, is nobody's.
const SHORTEST_HANDLE: usize = 7;
/// Contacts count as repeated within this time.
pub(super) const CONTACT_DAYS: i64 = 7;

/// The store's past is being read, and how much of it has been.
pub(super) fn of_store(app: &App) -> String {
    let part = app.past.and_then(|(from, to)| {
        let (read, all) = (app.desk.seq.0.saturating_sub(from.0), to.0.saturating_sub(from.0));
        read.saturating_mul(100).checked_div(all)
    });
    part.map_or_else(|| "reading the store..".to_owned(), |part| format!("reading the store {}%", part.min(99)))
}

/// The totals in the head and on the tabs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) mine: usize,
    pub(super) new: usize,
    pub(super) overdue: usize,
    /// One for one with the app's columns.
    pub(super) columns: Vec<ColumnCounts>,
    of: Option<Counted>,
}

/// What the totals were counted from, so that they are counted again only when they may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counted {
    seq: Seq,
    /// Of the queues.
    step: u64,
    columns: Vec<ColumnName>,
}

impl Counted {
    fn still_holds(&self, app: &App) -> bool {
        let setup = app.setup.columns.iter().map(|column| &column.name);
        self.seq == app.desk.seq && self.step == app.queues.step() && self.columns.iter().eq(setup)
    }
}

/// Posts of one column's window whose case waits for us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnCounts {
    pub(super) unanswered: usize,
    pub(super) overdue: usize,
}

impl Counts {
    /// Counts again where the desk, the columns or a case's time have moved on.
    pub(super) fn refresh(&mut self, app: &App) {
        if !self.of.as_ref().is_some_and(|counted| counted.still_holds(app)) {
            *self = Self::count(app);
        }
    }

    fn count(app: &App) -> Self {
        let columns = &app.setup.columns;
        let index = app.desk.counted();
        let mut counts = Self {
            mine: index.owned_by(&app.setup.me),
            new: index.unclaimed(),
            overdue: app.overdue(),
            columns: vec![ColumnCounts::default(); app.columns.len()],
            ..Self::default()
        };
        for (names, waiting) in index.waiting() {
            for (at, _) in columns.iter().enumerate().filter(|(_, column)| names.contains(&column.name)) {
                counts.columns[at].unanswered += waiting.len();
            }
        }
        for (at, column) in counts.columns.iter_mut().enumerate() {
            match app.queue_of(at) {
                Some(queue) => column.unanswered = app.queues.len(queue),
                None => column.overdue = app.queues.overdue_in(at),
            }
        }
        counts.of = Some(Counted {
            seq: app.desk.seq,
            step: app.queues.step(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
        });
        counts
    }
}

pub(super) fn case_of<'a>(desk: &'a Desk, post: &PostView) -> Option<&'a Case> {
    desk.cases.get(&post.case?)
}

/// `@CharterHelp`; the config's name where the account is gone from the config.
pub(super) fn account_handle(app: &App, name: &AccountName) -> String {
    app.account(name).map_or_else(|| name.to_string(), |account| format!("@{}", account.handle))
}

/// `@CharterHelp (X)`.
pub(super) fn account_title(app: &App, name: &AccountName) -> String {
    app.account(name)
        .map_or_else(|| name.to_string(), |account| format!("@{} ({})", account.handle, account.network.title()))
}

/// As much of [`account_title`] as has room: the handle is shortened, and of the network's name its letter is left, for
/// which network it is matters more. `None` where even that is too long.
pub(super) fn account_title_within(app: &App, name: &AccountName, cells: usize) -> Option<String> {
    let whole = account_title(app, name);
    if width(&whole) <= cells {
        return Some(whole);
    }
    let Some(account) = app.account(name) else {
        return (cells >= SHORTEST_HANDLE).then(|| cut(&whole, cells).into_owned());
    };
    let shortened = |network: &str, least: usize| {
        let room = cells.checked_sub(network.len() + 3).filter(|room| *room >= least)?;
        Some(format!("{} ({network})", cut(&format!("@{}", account.handle), room)))
    };
    shortened(account.network.title(), 2 * SHORTEST_HANDLE)
        .or_else(|| shortened(&account.network.letter().to_string(), SHORTEST_HANDLE))
}

/// The accounts are not all of one network.
pub(super) fn is_on_several_networks(app: &App) -> bool {
    let mut networks = app.setup.accounts.iter().map(|account| account.network);
    networks.next().is_some_and(|first| networks.any(|network| network != first))
}

pub(super) fn focused_setup(app: &App) -> Option<&ColumnSetup> {
    app.setup.columns.get(app.focus)
}

/// Whether a post names the account: by mention or as a reply to it.
pub(super) fn is_addressed_to(post: &Post, account: &Account) -> bool {
    let mentioned = post.mentions.iter().any(|mention| match (&mention.id, &account.id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => mention.handle.eq_ignore_ascii_case(&account.handle),
    });
    mentioned || (account.id.is_some() && post.in_reply_to_author == account.id)
}

/// Cases of an author within the last week, this one included.
pub(super) fn contacts_lately(app: &App, author: &AuthorId) -> usize {
    let since = app.now - SignedDuration::from_hours(24 * CONTACT_DAYS);
    let history = app.desk.authors.get(author);
    history.map_or(0, |history| history.contacts.iter().filter(|contact| contact.at >= since).count())
}

/// The same of the last 90 days, and whether there may be more that the desk has let go.
pub(super) fn contacts_in_quarter(app: &App, author: &AuthorId) -> usize {
    app.desk.contacts_within(author, app.now, 90)
}

/// The author's latest other case.
pub(super) fn last_contact<'a>(desk: &'a Desk, author: &AuthorId, except: CaseId) -> Option<&'a Contact> {
    desk.authors.get(author)?.contacts.iter().rev().find(|contact| contact.case != except)
}

/// `3rd contact in 7 days; last: billing, resolved 2026-11-18`; `None` for a first contact.
pub(super) fn history_words(app: &App, author: &AuthorId, except: CaseId) -> Option<String> {
    let last = last_contact(&app.desk, author, except)?;
    let count = contacts_lately(app, author).max(1);
    let cause = last.cause.as_deref().unwrap_or("no cause given");
    let end = match last.resolved {
        Some(at) => {
            let outcome = last.outcome.as_deref().unwrap_or("resolved");
            let by = last.rep.as_ref().map_or_else(String::new, |rep| format!(" by {rep}"));
            format!("{cause}, {outcome}{by} {}", super::time::day(at, &app.setup.zone))
        }
        None => format!("case {} of {}, still open", last.number, super::time::day(last.at, &app.setup.zone)),
    };
    Some(format!("{} contact in {CONTACT_DAYS} days; last: {end}", super::text::ordinal(count)))
}

/// Whom a reply answers, as `@handle`.
pub(super) fn answered_handle(desk: &Desk, reply: &Reply) -> String {
    let body = desk.posts.get(&reply.to).and_then(|post| post.body.as_ref());
    body.map_or_else(|| reply.to.to_string(), |post| post.author.shown())
}

/// Links up, links in all, and the worst state's word where one is not up.
pub(super) fn links(app: &App) -> (usize, usize, Option<&LinkState>) {
    let mut names: Vec<_> =
        app.setup.columns.iter().flat_map(|column| &column.sources).map(|source| &source.account).collect();
    names.sort();
    names.dedup();
    let states: Vec<_> = names.iter().filter_map(|name| app.links.get(*name)).map(|report| &report.state).collect();
    let live = states.iter().filter(|state| matches!(state, LinkState::Live)).count();
    let badness = |state: &LinkState| match state {
        LinkState::Live => 0,
        LinkState::Ended { .. } => 1,
        LinkState::Connecting => 2,
        LinkState::Stale => 3,
        LinkState::BackingOff { .. } => 4,
        LinkState::Paused { .. } => 5,
        LinkState::Down { .. } => 6,
    };
    let worst = states.into_iter().max_by_key(|state| badness(state)).filter(|state| badness(state) > 0);
    (live, names.len(), worst)
}
