//! Money on the screen: how the day stands, when to say so, and raising the limit for today.

use super::{App, Effect, Mode};
use crate::desk::spend::Standing;
use crate::model::price::Money;
use crate::model::spend::billed_day;
use crate::model::{AccountName, Envelope, Event};

/// The screen of what was spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendScreen {
    pub scroll: u16,
    /// Today's limit is about to be raised to this.
    pub raise: Option<Money>,
}

impl App {
    /// The account whose money the screen speaks of: the one that feeds the focused column.
    pub fn spending_account(&self) -> Option<&AccountName> {
        let column = self.setup.columns.get(self.focus);
        let accounts = column.into_iter().flat_map(|column| &column.sources).map(|source| &source.account);
        let focused = accounts.into_iter().find(|name| self.setup.budgets.contains_key(*name));
        focused.or_else(|| self.setup.budgets.keys().next())
    }

    /// How an account stands today; `None` where nothing is known of its prices.
    pub fn spent_today(&self, account: &AccountName) -> Option<Standing> {
        let budget = self.setup.budgets.get(account)?;
        Some(self.desk.spending.standing(account, billed_day(self.now), budget))
    }

    /// `g$`, and `:spend` with or without an amount.
    pub(super) fn open_spending(&mut self, words: &str) -> Result<(), String> {
        let raise = match words {
            "" => None,
            words => Some(
                self.raise_to(
                    Money::parse(words)
                        .ok_or_else(|| format!("{words:?} is no amount: write dollars, such as :spend 30"))?,
                )?,
            ),
        };
        self.switch_to(Mode::Spend(SpendScreen { scroll: 0, raise }));
        Ok(())
    }

    fn raise_to(&self, to: Money) -> Result<Money, String> {
        let account = self.spending_account().ok_or("nothing is known of this account's prices")?;
        let limit = self.spent_today(account).and_then(|standing| standing.limit);
        match limit {
            None => Err(format!("{account} has no daily_limit in the config: there is nothing to raise")),
            Some(limit) if to <= limit => Err(format!("today's limit is {limit} already; it can only be raised")),
            Some(_) => Ok(to),
        }
    }

    /// `+`: proposes a quarter more; once more, it is so.
    pub(super) fn raise_limit(&mut self, out: &mut Vec<Effect>) {
        let Mode::Spend(screen) = &self.mode else { return };
        let Some(account) = self.spending_account().cloned() else {
            return self.info("nothing is known of this account's prices".to_owned());
        };
        if let Some(to) = screen.raise {
            if let Mode::Spend(screen) = &mut self.mode {
                screen.raise = None;
            }
            let event = Event::SpendLimitRaised { account, day: billed_day(self.now), to };
            self.append(vec![(event, None)], None, Some("raising the limit"), out);
            return self.info(format!("today's limit becomes {to}"));
        }
        let Some(limit) = self.spent_today(&account).and_then(|standing| standing.limit) else {
            return self.info(format!("{account} has no daily_limit in the config: there is nothing to raise"));
        };
        let dollar = Money::cents(100).0;
        // In whole dollars, and at least one.
        let more = (limit.0 / 4).div_ceil(dollar).max(1) * dollar;
        let proposal = limit.plus(Money(more));
        if let Mode::Spend(screen) = &mut self.mode {
            screen.raise = Some(proposal);
        }
        self.dirty = true;
    }

    /// Esc takes a proposal back before it leaves the screen.
    pub(super) fn leave_spending(&mut self) {
        if let Mode::Spend(screen) = &mut self.mode
            && screen.raise.take().is_some()
        {
            self.dirty = true;
            return;
        }
        self.leave_screen();
    }

    /// Where the day stood before an event about money; `None` for any other.
    pub(super) fn stood(&self, envelope: &Envelope) -> Option<(AccountName, Standing)> {
        let Event::Spent { account, day, .. } = &envelope.event else { return None };
        (*day == billed_day(self.now)).then_some(())?;
        Some((account.clone(), self.spent_today(account)?))
    }

    /// Says once that the limit is near, and once that it is reached.
    pub(super) fn tell_spending(&mut self, before: Option<(AccountName, Standing)>) {
        let Some((account, before)) = before else { return };
        let Some(after) = self.spent_today(&account) else { return };
        let Some(limit) = after.limit else { return };
        let of_day = self.desk.spending.on(&account, billed_day(self.now));
        let most = of_day.and_then(|day| day.dearest()).map_or_else(String::new, |(column, tally)| {
            format!("; column {column} costs most ({})", tally.money.in_cents())
        });
        let spent = after.spent.in_cents();
        if after.is_paused() && !before.is_paused() {
            let key = self.setup.keys.key(super::command::ModeKind::Columns, super::command::Command::Spend);
            self.warn(format!(
                "{account} has spent {spent} of today's {}: reading is paused until the UTC day ends{most}. Replies go out all the \
                 same. {key} raises the limit for today",
                limit.in_cents()
            ));
        } else if after.is_near() && !before.is_near() {
            self.warn(format!("{account} has spent {spent} of today's {}{most}", limit.in_cents()));
        }
    }
}
