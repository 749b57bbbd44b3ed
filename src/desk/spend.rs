//! What the accounts have spent, by UTC day, column and kind: a fold of the log like everything else on the desk.
//!
//! What was billed already on a day is remembered by its number, so a post delivered twice, or told of by two processes,
//! counts once. A post that several columns asked for is one read; each bears an equal part of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::price::Money;
use crate::model::spend::{Act, Budget, Charge, Usage, shares};
use crate::model::{AccountName, ColumnName, Event};

/// So many days of an account are kept.
pub const DAYS_KEPT: usize = 31;
/// On so many of them it is remembered what was billed: an act of yesterday may be told of after midnight.
const REMEMBERED: usize = 2;
/// So many columns of a day are told apart, and so many accounts.
const MOST: usize = 256;

/// All accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    pub accounts: BTreeMap<AccountName, AccountSpend>,
}

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountSpend {
    /// The latest [`DAYS_KEPT`].
    pub days: BTreeMap<Date, DaySpend>,
    /// The network's own count, when it was last asked.
    pub usage: Option<Usage>,
    billed: BTreeMap<Date, BTreeSet<(u8, u64)>>,
}

/// One day of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaySpend {
    pub total: Money,
    pub acts: BTreeMap<Act, Tally>,
    pub columns: BTreeMap<ColumnName, Tally>,
    /// A rep raised the day's limit to this.
    pub raised: Option<Money>,
}

/// How many, and for how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// A post that three columns asked for counts in each of the three.
    pub count: u64,
    pub money: Money,
}

impl Spending {
    /// Takes an event in; those that are not about money change nothing. True where it changed something.
    pub fn take(&mut self, event: &Event) -> bool {
        match event {
            Event::Spent { account, day, charges } => {
                let mut changed = false;
                for charge in charges {
                    changed |= self.charge(account, *day, charge);
                }
                changed
            }
            Event::SpendLimitRaised { account, day, to } => self.day_mut(account, *day).is_some_and(|day| {
                let raised = day.raised.is_none_or(|raised| raised < *to);
                if raised {
                    day.raised = Some(*to);
                }
                raised
            }),
            Event::UsageTold { account, usage } => {
                let Some(account) = self.account_mut(account) else { return false };
                let is_newer = account.usage.as_ref().is_none_or(|known| known.asked < usage.asked);
                if is_newer {
                    account.usage = Some(usage.clone());
                }
                is_newer
            }
            _ => false,
        }
    }

    /// Counts what was not counted yet on that day. True where something was new.
    pub fn charge(&mut self, account: &AccountName, day: Date, charge: &Charge) -> bool {
        let Some(known) = self.account_mut(account) else { return false };
        known.charge(day, charge)
    }

    pub fn of(&self, account: &AccountName) -> Option<&AccountSpend> {
        self.accounts.get(account)
    }

    /// What an account spent on a day.
    pub fn on(&self, account: &AccountName, day: Date) -> Option<&DaySpend> {
        self.accounts.get(account)?.days.get(&day)
    }

    /// How an account with this budget stands on a day.
    pub fn standing(&self, account: &AccountName, day: Date, budget: &Budget) -> Standing {
        let of_day = self.on(account, day);
        let spent = of_day.map(|day| day.total).unwrap_or_default();
        // Raising is for accounts that have a limit; one below the config's own, from an earlier config, counts for
        // nothing.
        let limit = budget.daily_limit.map(|limit| limit.max(of_day.and_then(|day| day.raised).unwrap_or_default()));
        Standing { spent, limit, read: budget.prices.post_read }
    }

    fn account_mut(&mut self, account: &AccountName) -> Option<&mut AccountSpend> {
        if !self.accounts.contains_key(account) && self.accounts.len() >= MOST {
            return None;
        }
        Some(self.accounts.entry(account.clone()).or_default())
    }

    fn day_mut(&mut self, account: &AccountName, day: Date) -> Option<&mut DaySpend> {
        self.account_mut(account)?.day_mut(day)
    }
}

impl AccountSpend {
    /// The day; `None` where it is older than all that are kept.
    fn day_mut(&mut self, day: Date) -> Option<&mut DaySpend> {
        if !self.days.contains_key(&day) {
            if self.days.len() >= DAYS_KEPT {
                if self.days.first_key_value().is_some_and(|(oldest, _)| *oldest > day) {
                    return None;
                }
                self.days.pop_first();
            }
            self.days.insert(day, DaySpend::default());
        }
        self.days.get_mut(&day)
    }

    fn charge(&mut self, day: Date, charge: &Charge) -> bool {
        if !self.billed.contains_key(&day) && self.billed.len() >= REMEMBERED {
            // What is told of so late was told before, as far as anybody can know.
            if self.billed.first_key_value().is_some_and(|(oldest, _)| *oldest > day) {
                return false;
            }
            self.billed.pop_first();
        }
        let billed = self.billed.entry(day).or_default();
        let family = charge.act.family();
        let fresh = charge.what.iter().filter(|what| billed.insert((family, number(what)))).count() as u64;
        if fresh == 0 {
            return false;
        }
        let Some(of_day) = self.day_mut(day) else { return false };
        of_day.add(charge, fresh);
        true
    }
}

impl DaySpend {
    fn add(&mut self, charge: &Charge, count: u64) {
        self.total = self.total.plus(charge.price.times(count));
        self.acts.entry(charge.act).or_default().add(charge.price, count);
        for (column, share) in charge.columns.iter().zip(shares(charge.price, charge.columns.len())) {
            if self.columns.contains_key(column) || self.columns.len() < MOST {
                self.columns.entry(column.clone()).or_default().add(share, count);
            }
        }
    }

    /// What no column asked for: own posts, lost replies looked for, what was written.
    pub fn unshared(&self) -> Money {
        let shared = self.columns.values().fold(Money::default(), |sum, column| sum.plus(column.money));
        Money(self.total.0.saturating_sub(shared.0))
    }

    /// The column that cost most.
    pub fn dearest(&self) -> Option<(&ColumnName, Tally)> {
        // Of equal ones the first by name.
        let dearest = self.columns.iter().rev().max_by_key(|(_, tally)| tally.money)?;
        Some((dearest.0, *dearest.1))
    }
}

impl Tally {
    fn add(&mut self, price: Money, count: u64) {
        self.count = self.count.saturating_add(count);
        self.money = self.money.plus(price.times(count));
    }
}

/// A day's spending against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub spent: Money,
    /// `None`: nobody set one.
    pub limit: Option<Money>,
    read: Money,
}

impl Standing {
    /// Posts that may be read before the limit; `None` without one, or where reading is free.
    pub fn room(&self) -> Option<u64> {
        self.limit?.0.saturating_sub(self.spent.0).checked_div(self.read.0)
    }

    /// One more post would go over the limit.
    pub fn is_paused(&self) -> bool {
        self.room() == Some(0)
    }

    /// Four fifths of the limit are gone.
    pub fn is_near(&self) -> bool {
        self.limit.is_some_and(|limit| self.spent.0.saturating_mul(5) >= limit.0.saturating_mul(4))
    }
}

/// Ids of X are numbers and stand for themselves; any other is boiled down to one.
fn number(id: &str) -> u64 {
    id.parse().unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()).as_u64_pair().0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::{DAYS_KEPT, Spending};
    use crate::model::price::{Money, Prices};
    use crate::model::spend::{Act, Budget, Charge};
    use crate::model::{AccountName, ColumnName, Event};

    fn day(n: i8) -> Date {
        Date::constant(2026, 11, n)
    }

    fn acme() -> AccountName {
        AccountName::new("acme")
    }

    fn spent(on: Date, act: Act, what: &[&str], columns: &[&str]) -> Event {
        let charge = Charge {
            act,
            price: Prices::X.of(act),
            what: what.iter().map(|id| (*id).to_owned()).collect(),
            columns: columns.iter().map(|name| ColumnName::new(name)).collect(),
        };
        Event::Spent { account: acme(), day: on, charges: vec![charge] }
    }

    #[test]
    fn a_post_is_billed_once_a_day_and_shared_by_its_columns() {
        let mut spending = Spending::default();
        assert!(spending.take(&spent(day(1), Act::PostRead, &["10", "11"], &["a", "b"])));
        assert!(!spending.take(&spent(day(1), Act::PostRead, &["11", "10"], &["c"])));
        assert!(spending.take(&spent(day(1), Act::UserRead, &["10"], &[])), "a profile is no post");
        let of_day = spending.on(&acme(), day(1)).expect("a day");
        assert_eq!(of_day.total, Money::thousandths(20));
        let shares: Vec<_> =
            of_day.columns.iter().map(|(name, tally)| (name.as_str(), tally.count, tally.money)).collect();
        assert_eq!(shares, [("a", 2, Money(5_000)), ("b", 2, Money(5_000))]);
        assert_eq!(of_day.unshared(), Money::thousandths(10));
        assert_eq!(of_day.dearest().expect("one").0.as_str(), "a");
        // The next day it is billed again, and yesterday's late echo is not.
        assert!(spending.take(&spent(day(2), Act::PostRead, &["10"], &["a"])));
        assert!(!spending.take(&spent(day(1), Act::PostRead, &["10"], &["a"])));
        assert!(spending.take(&spent(day(3), Act::PostRead, &["10"], &["a"])));
        assert!(!spending.take(&spent(day(1), Act::PostRead, &["12"], &["a"])), "too late to know");
    }

    #[test]
    fn a_reply_told_of_twice_was_written_once() {
        let mut spending = Spending::default();
        assert!(spending.take(&spent(day(1), Act::SummonedReply, &["77"], &[])));
        assert!(!spending.take(&spent(day(1), Act::PostWithLink, &["77"], &[])));
        assert_eq!(spending.on(&acme(), day(1)).expect("a day").total, Money::thousandths(10));
    }

    #[test]
    fn the_limit_leaves_room_for_whole_posts_only() {
        let mut spending = Spending::default();
        let budget = Budget { prices: Prices::X, daily_limit: Some(Money::thousandths(22)) };
        let standing = |spending: &Spending| spending.standing(&acme(), day(1), &budget);
        assert_eq!((standing(&spending).room(), standing(&spending).is_near()), (Some(4), false));
        spending.take(&spent(day(1), Act::PostRead, &["1", "2", "3", "4"], &["a"]));
        assert!(standing(&spending).is_paused() && standing(&spending).is_near());
        let raise = |to| Event::SpendLimitRaised { account: acme(), day: day(1), to };
        assert!(spending.take(&raise(Money::thousandths(30))));
        assert!(!spending.take(&raise(Money::thousandths(25))), "a raise is not taken back");
        assert_eq!(standing(&spending).room(), Some(2));
        assert_eq!(spending.standing(&acme(), day(2), &budget).limit, Some(Money::thousandths(22)));
        let free = Budget { daily_limit: None, ..budget };
        assert_eq!(spending.standing(&acme(), day(1), &free).room(), None);
    }

    #[test]
    fn days_are_bounded() {
        let mut spending = Spending::default();
        let first = Date::constant(2026, 1, 1);
        for n in 0..100 {
            let on = first.saturating_add(jiff::Span::new().days(n));
            spending.take(&spent(on, Act::Dm, &["1"], &[]));
        }
        let account = spending.of(&acme()).expect("it spent");
        assert_eq!(account.days.len(), DAYS_KEPT);
        assert_eq!(account.billed.len(), super::REMEMBERED);
        assert!(spending.on(&acme(), first).is_none());
    }
}
