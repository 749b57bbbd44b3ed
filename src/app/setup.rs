//! What the config gives the deck: no secrets, everything already checked.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::Queue;
use crate::model::OfficeHours;
use crate::model::sla::{Stops, Targets};
use crate::model::spend::Budget;
use crate::model::{Account, AccountName, ColumnName, MachineName, NetworkKind, RepName, Role, SessionId};
use crate::rules::Rule;

/// The deck's settings.
#[derive(Clone, Debug)]
pub struct Setup {
    pub me: RepName,
    /// What `me` is trusted with.
    pub role: Role,
    /// Whom a case can be handed to, beside the reps seen at work.
    pub team: Vec<RepName>,
    /// So many open cases a rep may hold; 0: as many as they like.
    pub open_cases: usize,
    pub machine: MachineName,
    pub session: SessionId,
    pub accounts: Vec<Account>,
    /// Who may read and write the direct messages of an account; all reps where it is not named here.
    pub message_reps: BTreeMap<AccountName, Vec<RepName>>,
    /// Never empty.
    pub columns: Vec<ColumnSetup>,
    /// Shown as columns behind the others, each once.
    pub queues: Vec<Queue>,
    pub clocks: Clocks,
    /// Between `y` and the request.
    pub hold: SignedDuration,
    /// A claim is given back so long after its session was cut off; zero: never.
    pub release_after: SignedDuration,
    /// Emoji that terminals measure differently are shown as `:shortcode:`.
    pub shortcodes: bool,
    /// Put at the end of a reply once, such as `^AN`.
    pub signature: Option<String>,
    /// What `r`, `d` and `b` start with; slots in braces.
    pub openings: Openings,
    pub saved_replies: Vec<SavedReply>,
    /// The causes to choose from at resolve; may be empty.
    pub causes: Vec<String>,
    /// The outcomes to choose from after the cause; where empty none is asked for.
    pub outcomes: Vec<String>,
    /// All times on the screen are told in it.
    pub zone: TimeZone,
    pub bell: bool,
    /// Share of an author's followers that a post is assumed to reach.
    pub reach_percent: u8,
    pub people: super::people::People,
    /// What accounts pay and may pay, where that is known.
    pub budgets: BTreeMap<AccountName, Budget>,
    pub keys: super::keymap::Keymap,
}

/// By what the clocks of all cases run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    pub hours: OfficeHours,
    pub stops: Stops,
    /// The bell rings for overdue cases at night and on holidays as well.
    pub alert_outside_hours: bool,
    /// What of the holidays could not be understood, in words.
    pub mistakes: Vec<String>,
}

impl Setup {
    /// Whether `me` may read the direct messages of an account; of one that is not known, whether of all on its
    /// network.
    pub fn may_read_messages(&self, account: Option<&AccountName>, network: NetworkKind) -> bool {
        let is_rep_of =
            |account: &AccountName| self.message_reps.get(account).is_none_or(|reps| reps.contains(&self.me));
        match account {
            Some(account) => is_rep_of(account),
            None => self.accounts.iter().filter(|us| us.network == network).all(|us| is_rep_of(&us.name)),
        }
    }
}

/// One column as the config describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSetup {
    pub name: ColumnName,
    /// Shown in the column's head; the name where the config gives none, and then the query is shown behind it.
    pub title: String,
    /// Where its posts come from: never empty, each network at most once.
    pub sources: Vec<ColumnSource>,
    pub rule: Rule,
    /// How soon an answer, the next one and the end are due.
    pub targets: Targets,
}

/// One network that feeds a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSource {
    pub network: NetworkKind,
    /// Whose connection feeds it.
    pub account: AccountName,
    /// Answers go out as this account.
    pub reply_as: AccountName,
}

impl ColumnSetup {
    /// The source on a network.
    pub fn on(&self, network: NetworkKind) -> Option<&ColumnSource> {
        self.sources.iter().find(|source| source.network == network)
    }

    /// The source of an account.
    pub fn heard_as(&self, account: &AccountName) -> Option<&ColumnSource> {
        self.sources.iter().find(|source| source.account == *account)
    }

    /// The first source: the one X calls a rule of ours, where X is among them.
    pub fn main(&self) -> &ColumnSource {
        self.on(NetworkKind::X).unwrap_or(&self.sources[0])
    }
}

/// What a new draft starts with, by purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    pub acknowledgement: String,
    pub dm_request: String,
    pub both: String,
    pub happy_post: String,
}

/// A prepared text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedReply {
    pub name: String,
    /// `{handle}`, `{name}` and other slots are filled or asked for.
    pub text: String,
}
