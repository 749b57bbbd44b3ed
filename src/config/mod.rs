//! The config: TOML in, typed and checked settings out.
//!
//! Strict and spanned: an unknown key, a wrong type, a bad duration, zone or query, a column without its account
//! are problems with file, line, caret and remedy, and all of them are told at once. Secrets are not in the file;
//! it names where they are kept ([`SecretSource`]), and they are fetched when they are needed.
//!
//! Defaults stand in one place, [`Config::default`]; `config.example.toml` is written from them ([`example`]).

pub mod account;
pub mod append;
pub mod check;
mod column_sources;
pub mod duration;
pub mod example;
pub mod hours;
pub mod keys;
pub mod login;
mod matched_here;
mod people;
pub mod place;
pub mod problem;
pub mod query;
mod read;
pub mod secret;
mod secret_place;
pub mod show;
mod table;
mod text_span;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

pub use account::{Access, AccountConfig, BlueskyAccess, MastodonAccess, UserSecrets, XAccess};
pub use login::{ClientSecrets, ConsumerSecrets, LoginSecrets};
pub use people::PeopleConfig;
pub use place::{PlaceError, Places};
pub use problem::{ConfigError, Invalid};
pub use secret::{SecretError, SecretSource};

use crate::app::keymap::Keymap;
use problem::Problem;

use crate::app::Queue;
use crate::app::setup::{Clocks, ColumnSetup, Openings, SavedReply, Setup};
use crate::model::{AccountName, MachineName, OfficeHours, RepName, Role, SessionId};

/// An answer is due this long after a post, where its column does not say otherwise.
pub const DEFAULT_TARGET: SignedDuration = SignedDuration::from_hours(1);

/// Everything a config file says, checked. No secret is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `None`: the login name.
    pub rep: Option<RepName>,
    pub role: Role,
    pub team: Vec<RepName>,
    /// 0: no cap.
    pub open_cases: usize,
    /// Part of the tags of our rules at X, so that two decks on one app leave each other's rules alone.
    pub deck: String,
    pub signature: Option<String>,
    pub hold: SignedDuration,
    /// Zero: never.
    pub release_after: SignedDuration,
    pub shortcodes: bool,
    /// `None`: the system's.
    pub zone: Option<TimeZone>,
    pub bell: bool,
    pub reach_percent: u8,
    pub people: PeopleConfig,
    pub causes: Vec<String>,
    pub outcomes: Vec<String>,
    /// Shown as columns, in this order.
    pub queues: Vec<Queue>,
    /// `None`: day and night.
    pub office: Option<hours::Office>,
    pub clocks: hours::ClockConfig,
    pub openings: Openings,
    /// In file order.
    pub saved_replies: Vec<SavedReply>,
    /// In file order.
    pub accounts: Vec<AccountConfig>,
    /// In file order; never empty in a config that was read.
    pub columns: Vec<ColumnSetup>,
    /// `[keys]` as written.
    pub keys: Vec<keys::Override>,
    /// The table's keys with `keys` laid over them.
    pub keymap: Keymap,
}

impl Default for Config {
    /// What holds where the file is silent. Accounts and columns have no default.
    fn default() -> Self {
        Self {
            rep: None,
            role: Role::Rep,
            team: Vec::new(),
            open_cases: 0,
            deck: "main".to_owned(),
            signature: None,
            hold: SignedDuration::from_secs(10),
            release_after: SignedDuration::from_mins(15),
            shortcodes: false,
            zone: None,
            bell: true,
            reach_percent: 20,
            people: PeopleConfig::default(),
            causes: Vec::new(),
            outcomes: Vec::new(),
            queues: Queue::ALL.to_vec(),
            office: None,
            clocks: hours::ClockConfig::default(),
            openings: Openings {
                acknowledgement: "Hello {name}, ".to_owned(),
                dm_request: "Hello {name}, please send us a DM so that we can look into this.".to_owned(),
                both: "Hello {name}, we are sorry about this and are looking into it. \
                       Please send us a DM so that we can help."
                    .to_owned(),
                happy_post: "Hello {name}, good to hear that it works again. If you have a moment, tell others \
                             how it went."
                    .to_owned(),
            },
            saved_replies: Vec::new(),
            accounts: Vec::new(),
            columns: Vec::new(),
            keys: Vec::new(),
            keymap: Keymap::default(),
        }
    }
}

impl Config {
    /// Reads and checks a file. Relative paths in it start at its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ConfigError::Missing { path: path.to_owned() },
            _ => ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() },
        })?;
        let text = String::from_utf8(bytes).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            why: format!("it is not UTF-8 (byte {}). Save it as UTF-8", error.utf8_error().valid_up_to() + 1),
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let home = directories::BaseDirs::new();
        let home = home.as_ref().map(directories::BaseDirs::home_dir);
        let name = path.display().to_string();
        let (mut config, holidays_at) = read::config(&text, &name, folder, home)?;
        if let Some(office) = &mut config.office
            && let Err(why) = office.read_file()
        {
            let problem = Problem::new(holidays_at.unwrap_or(0..0), format!("the holiday file cannot be read: {why}"));
            let remedy = "write one, with a date such as 2026-12-25 on each line, or take `holidays_file` away";
            return Err(Invalid::new(&name, &text, vec![problem.remedy(remedy)]).into());
        }
        Ok(config)
    }

    /// Checks a text that came from elsewhere; `name` stands for the file in problems. Relative paths in it
    /// stay as they are, and a holiday file is not read.
    pub fn parse(text: &str, name: &str) -> Result<Self, ConfigError> {
        Ok(read::config(text, name, Path::new(""), None)?.0)
    }

    /// What the deck needs to know. The rep and the zone that the file leaves open come from the system.
    pub fn setup(&self, machine: MachineName, session: SessionId) -> Setup {
        Setup {
            me: self.effective_rep(),
            role: self.role,
            team: self.team.clone(),
            open_cases: self.open_cases,
            machine,
            session,
            accounts: self.accounts.iter().map(AccountConfig::account).collect(),
            columns: self.columns.clone(),
            queues: self.queues.clone(),
            clocks: Clocks {
                hours: self.calendar(),
                stops: self.clocks.stops.clone(),
                alert_outside_hours: self.clocks.alert_outside_hours,
                mistakes: self.office.as_ref().map(|office| office.mistakes.clone()).unwrap_or_default(),
            },
            hold: self.hold,
            release_after: self.release_after,
            shortcodes: self.shortcodes,
            signature: self.signature.clone(),
            openings: self.openings.clone(),
            saved_replies: self.saved_replies.clone(),
            causes: self.causes.clone(),
            outcomes: self.outcomes.clone(),
            zone: self.effective_zone(),
            bell: self.bell,
            reach_percent: self.reach_percent,
            people: self.people.people.clone(),
            message_reps: self.message_reps(),
            budgets: self
                .accounts
                .iter()
                .filter_map(|account| Some((account.name.clone(), account.budget()?)))
                .collect(),
            keys: self.keymap.clone(),
        }
    }

    /// When the team works.
    pub fn calendar(&self) -> OfficeHours {
        let calendar = |office: &hours::Office| office.calendar(self.effective_zone());
        self.office.as_ref().map_or_else(OfficeHours::always, calendar)
    }

    /// Who may read an account's direct messages, where the config says so.
    fn message_reps(&self) -> BTreeMap<AccountName, Vec<RepName>> {
        let named = self.accounts.iter().filter(|account| !account.reps.is_empty());
        named.map(|account| (account.name.clone(), account.reps.clone())).collect()
    }

    /// The rep of the file, else the login name.
    pub fn effective_rep(&self) -> RepName {
        self.rep.clone().unwrap_or_else(place::login_name)
    }

    /// The zone of the file, else the system's.
    pub fn effective_zone(&self) -> TimeZone {
        self.zone.clone().unwrap_or_else(TimeZone::system)
    }

    pub fn account(&self, name: &AccountName) -> Option<&AccountConfig> {
        self.accounts.iter().find(|account| account.name == *name)
    }
}
