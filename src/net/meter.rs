//! Who counts what a network bills, and says when reading has to pause. The network tells of each act where it happens;
//! the keeper is handed in by `run`, which shares it among all accounts of the process.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;

use crate::model::spend::{Act, Usage};
use crate::model::{AccountName, ColumnName};

/// The keeper of the accounts' money. Every call is quick and waits for nothing.
pub trait Meter: Send + Sync + fmt::Debug {
    /// These were billed on that day; what was billed on it before counts once.
    fn charge(&self, account: &AccountName, day: Date, act: Act, what: Vec<String>, columns: Vec<ColumnName>);

    /// How many more posts may be read now; `None` without a limit.
    fn room(&self, account: &AccountName, now: Timestamp) -> Option<u64>;

    /// The network told its own count.
    fn usage(&self, account: &AccountName, usage: Usage);

    /// Changes whenever [`Meter::room`] may give another answer for a reason other than the time of day.
    fn changes(&self) -> watch::Receiver<u64>;
}
