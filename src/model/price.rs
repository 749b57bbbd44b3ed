//! What a network asks for each thing, in US dollars. X is the one that asks (its price page, state of 2026-08).

use serde::{Deserialize, Serialize};

use super::spend::Act;

/// Millionths of a US dollar: fine enough to share the price of one read out among several columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub u64);

impl Money {
    /// So many thousandths of a dollar, which is what X's prices come in.
    pub const fn thousandths(count: u64) -> Self {
        Self(count * 1_000)
    }

    /// So many cents.
    pub const fn cents(count: u64) -> Self {
        Self(count * 10_000)
    }

    /// An amount written in dollars: `20`, `20.5`, `0.005`, with or without a `$`; `None` where it is no such thing or
    /// has more than six digits behind the point.
    pub fn parse(written: &str) -> Option<Self> {
        let written = written.trim();
        let written = written.strip_prefix('$').unwrap_or(written);
        let (whole, rest) = written.split_once('.').unwrap_or((written, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || rest.len() > 6 || !are_digits(whole) || !are_digits(rest) {
            return None;
        }
        if written.ends_with('.') {
            return None;
        }
        let whole: u64 = whole.parse().ok()?;
        let rest: u64 = format!("{rest:0<6}").parse().ok()?;
        Some(Self(whole * 1_000_000 + rest))
    }

    /// Never more than fits: a sum that large is a mistake, not a reason to stop.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// To the nearest cent, for a line that has no room for more: `$3.10`.
    pub fn in_cents(self) -> String {
        let cents = (self.0.saturating_add(5_000)) / 10_000;
        format!("${}.{:02}", cents / 100, cents % 100)
    }

    /// The amount as the config writes it: `20.0`, `0.005`.
    pub fn as_number(self) -> String {
        let (dollars, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let rest = format!("{rest:06}");
        let rest = rest.trim_end_matches('0');
        format!("{dollars}.{}", if rest.is_empty() { "0" } else { rest })
    }
}

impl std::fmt::Display for Money {
    /// With at least two digits behind the point, and as many more as there are: `$0.20`, `$0.005`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (dollars, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let rest = format!("{rest:06}");
        let rest = rest.trim_end_matches('0');
        write!(f, "${dollars}.{rest:0<2}")
    }
}

/// What an account pays for each act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A post delivered by the stream, by search or by a look-up.
    pub post_read: Money,
    /// Somebody's profile.
    pub user_read: Money,
    /// A direct message read.
    pub dm_read: Money,
    /// One question how many posts match a query.
    pub count: Money,
    /// A post of ours.
    pub post: Money,
    /// A post of ours that holds a link.
    pub post_with_link: Money,
    /// A reply to somebody who mentioned or quoted us. X does not say which price wins when it also holds a link; the
    /// dearer one is reckoned with.
    pub summoned_reply: Money,
    /// A direct message of ours.
    pub dm: Money,
}

impl Prices {
    /// X's pay-per-use plan.
    pub const X: Prices = Prices {
        post_read: Money::thousandths(5),
        user_read: Money::thousandths(10),
        dm_read: Money::thousandths(10),
        count: Money::thousandths(5),
        post: Money::thousandths(15),
        post_with_link: Money::thousandths(200),
        summoned_reply: Money::thousandths(10),
        dm: Money::thousandths(15),
    };

    pub fn of(&self, act: Act) -> Money {
        match act {
            Act::PostRead => self.post_read,
            Act::UserRead => self.user_read,
            Act::DmRead => self.dm_read,
            Act::Count => self.count,
            Act::Post => self.post,
            Act::PostWithLink => self.post_with_link,
            Act::SummonedReply => self.summoned_reply,
            Act::Dm => self.dm,
        }
    }

    /// The same, to be set.
    pub fn of_mut(&mut self, act: Act) -> &mut Money {
        match act {
            Act::PostRead => &mut self.post_read,
            Act::UserRead => &mut self.user_read,
            Act::DmRead => &mut self.dm_read,
            Act::Count => &mut self.count,
            Act::Post => &mut self.post,
            Act::PostWithLink => &mut self.post_with_link,
            Act::SummonedReply => &mut self.summoned_reply,
            Act::Dm => &mut self.dm,
        }
    }

    /// The price of a reply.
    pub fn reply(&self, has_link: bool, is_summoned: bool) -> Money {
        self.of(Act::reply(has_link, is_summoned))
    }
}

#[cfg(test)]
mod tests {
    use super::{Money, Prices};

    #[test]
    fn prices_as_they_are_shown_and_written() {
        for (price, shown, in_cents, number) in [
            (0, "$0.00", "$0.00", "0.0"),
            (5_000, "$0.005", "$0.01", "0.005"),
            (2_500, "$0.0025", "$0.00", "0.0025"),
            (15_000, "$0.015", "$0.02", "0.015"),
            (200_000, "$0.20", "$0.20", "0.2"),
            (3_100_000, "$3.10", "$3.10", "3.1"),
            (605_000, "$0.605", "$0.61", "0.605"),
            (20_001_000, "$20.001", "$20.00", "20.001"),
        ] {
            let money = Money(price);
            assert_eq!(
                (money.to_string().as_str(), money.in_cents().as_str(), money.as_number().as_str()),
                (shown, in_cents, number)
            );
            assert_eq!(Money::parse(number), Some(money));
            assert_eq!(Money::parse(shown), Some(money));
        }
        assert_eq!(Money::parse(" $20 "), Some(Money(20_000_000)));
        for bad in ["", "$", ".5", "5.", "-1", "1e3", "1,5", "0.0000001", "1234567890", "two"] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_reply_costs_by_link_and_by_who_asked() {
        let table = [(false, false, "$0.015"), (false, true, "$0.01"), (true, false, "$0.20"), (true, true, "$0.20")];
        for (has_link, is_summoned, shown) in table {
            assert_eq!(Prices::X.reply(has_link, is_summoned).to_string(), shown, "link {has_link}, {is_summoned}");
        }
    }
}
