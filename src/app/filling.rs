//! Filling a gap: what it would cost is said first, what cannot be filled is said at once.

use jiff::{SignedDuration, Timestamp};

use super::command::Command;
use super::{App, Effect};
use crate::desk::Gap;
use crate::model::account::Tier;
use crate::model::price::Money;
use crate::model::{GapFill, NetworkKind, gap};
use crate::rules::x::{Limits, as_search};

/// How far back X's recent search reaches.
const REACHES: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The posts of so long before a gap tell how many may be missing in it.
const MEASURED: SignedDuration = SignedDuration::from_hours(1);
/// A column that listened for less says nothing of how much there is to hear.
const TELLING: SignedDuration = SignedDuration::from_mins(5);

impl App {
    /// `gf` or Enter on a gap's row, twice; the chosen gap, else the column's newest that is not filled.
    pub(super) fn fill_gap(&mut self, out: &mut Vec<Effect>) {
        let setup = self.setup.columns.get(self.focus);
        if let Some(gap) = self.gap_in_hand() {
            let span = gap.to.map(|_| self.gap_words(gap));
            match (span, &gap.fill) {
                (None, _) => {
                    return self.info("the gap is still open: it can be filled once the link is back".to_owned());
                }
                (Some(span), Some(GapFill::Filled { posts })) => {
                    return self.info(format!("{span} is filled already: {posts} new"));
                }
                _ => {}
            }
        }
        let gaps = setup.and_then(|setup| self.desk.columns.get(&setup.name)).map(|column| &column.gaps);
        let newest = gaps.and_then(|gaps| {
            let mut gaps = gaps.iter().rev().filter_map(|(_, gap)| self.desk.gaps.get(gap));
            gaps.find(|gap| gap.to.is_some() && !matches!(gap.fill, Some(GapFill::Filled { .. })))
        });
        let Some(gap) = self.gap_in_hand().or(newest).cloned() else {
            return self.info("this column has no gap to fill".to_owned());
        };
        let Some(to) = gap.to else { return };
        let span = self.gap_words(&gap);
        let source = setup.map(|setup| match &gap.account {
            Some(whose) => setup.heard_as(whose).unwrap_or_else(|| setup.main()),
            None => setup.main(),
        });
        let on_x = source.is_some_and(|source| source.network == NetworkKind::X);
        if on_x && self.now.duration_since(to) >= REACHES {
            return self.warn(format!(
                "{span} cannot be filled: it ended more than 7 days ago, further back than X's search reaches"
            ));
        }
        if on_x {
            let (asked, not_asked) = self.askable(&gap);
            if asked == 0 {
                return self.warn(format!("{span} cannot be filled: {}", not_asked.join("; ")));
            }
            let budget = source.and_then(|source| self.setup.budgets.get(&source.account));
            let words = self.cost_words(&gap, to, budget.map(|budget| budget.prices.post_read));
            let mut warning = format!("{span}: {words}; Enter or the same key again fetches them");
            if !not_asked.is_empty() {
                warning = format!("{warning} ({})", not_asked.join("; "));
            }
            if !self.second_press(Command::FillGap, gap.id.to_string(), warning) {
                return;
            }
        }
        out.push(Effect::FillGap { gap: gap.id });
        self.info("asking the network for the missing posts".to_owned());
    }

    /// As on its row.
    fn gap_words(&self, gap: &Gap) -> String {
        gap::span(gap.from, gap.to, &self.setup.zone)
    }

    /// How many of a gap's columns X's search takes the query of, and why it does not take the others'.
    fn askable(&self, gap: &Gap) -> (usize, Vec<String>) {
        let columns = gap.columns.iter().filter_map(|name| self.column_setup(name));
        let mut not_asked = Vec::new();
        let mut asked = 0;
        for column in columns {
            let on_x = column.on(NetworkKind::X).and_then(|source| self.account(&source.account));
            let tier = on_x.map_or(Tier::PayPerUse, |account| account.tier);
            match as_search(&column.rule, Limits::of(tier)) {
                Ok(_) => asked += 1,
                Err(errors) => not_asked.extend(errors.into_iter().map(|error| match error.remedy {
                    Some(remedy) => format!("column {}: {}: {remedy}", column.name, error.message),
                    None => format!("column {}: {}", column.name, error.message),
                })),
            }
        }
        // A gap of columns that the config no longer has is answered by the shell, in its own words.
        (asked + usize::from(asked == 0 && not_asked.is_empty()), not_asked)
    }

    /// How many posts a stretch is likely to have brought, by what its columns heard before it; `None` where they had
    /// listened too short a time to tell.
    fn expected(&self, gap: &Gap, to: Timestamp) -> Option<u64> {
        let before = gap.from.checked_sub(MEASURED).unwrap_or(Timestamp::MIN);
        let missed = to.duration_since(gap.from).as_secs().max(0).unsigned_abs();
        let windows = gap.columns.iter().filter_map(|name| self.desk.columns.get(name));
        windows
            .filter_map(|column| {
                column.window.iter().map(|(at, _)| *at).filter(|at| *at < gap.from).min().zip(Some(column))
            })
            .map(|(oldest, column)| {
                // What stands further back, or was let go for newer posts, is not counted, nor is the time it took.
                let since = oldest.max(before);
                let listened = gap.from.duration_since(since);
                let heard = column.window.iter().filter(|(at, _)| (since..gap.from).contains(at)).count() as u64;
                let seconds = listened.as_secs().max(1).unsigned_abs();
                (listened >= TELLING).then(|| heard.saturating_mul(missed).div_ceil(seconds))
            })
            .sum()
    }

    /// `about 12 posts in 2 columns, $0.06 at $0.005 each`; without the money where nobody knows the `price` of one.
    fn cost_words(&self, gap: &Gap, to: Timestamp, price: Option<Money>) -> String {
        let posts = self.expected(gap, to).unwrap_or(0);
        let columns = gap.columns.len();
        let of = if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") };
        let (count, money) = match posts {
            0 => ("nobody knows how many posts".to_owned(), price.map(|price| format!("{price} each"))),
            1 => ("about 1 post".to_owned(), price.map(|price| price.to_string())),
            _ => (format!("about {posts} posts"), price.map(|price| format!("{} at {price} each", price.times(posts)))),
        };
        match money {
            Some(money) => format!("{count} in {of}, {money}"),
            None => format!("{count} in {of}"),
        }
    }
}
