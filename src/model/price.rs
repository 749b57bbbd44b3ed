//! What X asks for each thing, in thousandths of a US dollar (its price page, state of 2026-08).

/// Thousandths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millidollars(pub u64);

impl std::fmt::Display for Millidollars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (dollars, rest) = (self.0 / 1000, self.0 % 1000);
        if rest % 10 == 0 { write!(f, "${dollars}.{:02}", rest / 10) } else { write!(f, "${dollars}.{rest:03}") }
    }
}

/// A post delivered by the stream or by search.
pub const READ: Millidollars = Millidollars(5);
/// A post of ours.
pub const POST: Millidollars = Millidollars(15);
/// A post of ours that holds a link.
pub const POST_WITH_LINK: Millidollars = Millidollars(200);
/// A reply to somebody who mentioned or quoted us. X does not say which price wins when it also
/// holds a link; the dearer one is shown.
pub const SUMMONED_REPLY: Millidollars = Millidollars(10);

/// A direct message of ours.
pub const MESSAGE: Millidollars = Millidollars(15);
/// A direct message read, ours or the customer's; once per message and day.
pub const MESSAGE_READ: Millidollars = Millidollars(10);
/// A user looked up, as before a direct message is drafted.
pub const USER_READ: Millidollars = Millidollars(10);

/// The price of a reply on X.
pub fn reply(has_link: bool, is_summoned: bool) -> Millidollars {
    match (has_link, is_summoned) {
        (true, _) => POST_WITH_LINK,
        (false, true) => SUMMONED_REPLY,
        (false, false) => POST,
    }
}

#[cfg(test)]
mod tests {
    use super::{Millidollars, reply};

    #[test]
    fn prices_as_they_are_shown() {
        for (price, shown) in
            [(0, "$0.00"), (5, "$0.005"), (15, "$0.015"), (200, "$0.20"), (3_100, "$3.10"), (20_001, "$20.001")]
        {
            assert_eq!(Millidollars(price).to_string(), shown);
        }
    }

    #[test]
    fn a_reply_costs_by_link_and_by_who_asked() {
        let table = [(false, false, "$0.015"), (false, true, "$0.01"), (true, false, "$0.20"), (true, true, "$0.20")];
        for (has_link, is_summoned, shown) in table {
            assert_eq!(reply(has_link, is_summoned).to_string(), shown, "link {has_link}, summoned {is_summoned}");
        }
    }
}
