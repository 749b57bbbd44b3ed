//! The columns that run in this process: a task for each part of a column on an account, and what each account's
//! listener is to listen for.
//!
//! They are this run's own columns and those of the other runs on this host (`together.rs`): whoever holds a stream
//! listens for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::column::{self, Continued, Taken};
use super::gaps::Feeds;
use crate::app::{ColumnSetup, ColumnSource};
use crate::model::{AccountName, ColumnName};
use crate::net::{Feed, Inbound};
use crate::rules::Rule;

/// What is to be heard: the query of each part of a column on an account.
pub type Wanted = BTreeMap<(ColumnName, AccountName), Rule>;

/// The parts of these columns.
pub fn wanted(columns: &[ColumnSetup]) -> Wanted {
    let of_column = |column: &ColumnSetup| -> Vec<_> {
        let part = |source: &ColumnSource| ((column.name.clone(), source.account.clone()), column.rule.clone());
        column.sources.iter().map(part).collect()
    };
    columns.iter().flat_map(of_column).collect()
}

/// The running columns.
#[derive(Debug)]
pub struct Columns {
    own: watch::Sender<Wanted>,
    others: Wanted,
    running: BTreeMap<(ColumnName, AccountName), Running>,
    feeds: BTreeMap<AccountName, watch::Sender<Arc<Vec<Feed>>>>,
    intake: mpsc::Sender<Taken>,
    continued: Continued,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Running {
    rule: Rule,
    out: mpsc::Sender<Inbound>,
    stop: CancellationToken,
}

impl Columns {
    /// None yet, for these accounts.
    pub fn new(
        accounts: impl IntoIterator<Item = AccountName>,
        intake: mpsc::Sender<Taken>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let feeds = accounts.into_iter().map(|account| (account, watch::channel(Arc::default()).0)).collect();
        let (continued, running) = (Continued::default(), BTreeMap::new());
        Self {
            own: watch::channel(Wanted::new()).0,
            others: Wanted::new(),
            running,
            feeds,
            intake,
            continued,
            tasks,
            stop,
        }
    }

    /// Takes on other columns of this run: new ones start, gone ones end, the rest keep their task.
    pub fn change(&mut self, own: Wanted) {
        self.own.send_replace(own);
        self.run();
    }

    /// Takes on what the other runs on this host want to hear.
    pub fn change_others(&mut self, others: Wanted) {
        if self.others != others {
            self.others = others;
            self.run();
        }
    }

    fn run(&mut self) {
        let own = self.own.borrow().clone();
        let of_others = self.others.iter().filter(|((_, account), _)| self.feeds.contains_key(account));
        let mut wanted: Wanted = of_others.map(|(part, rule)| (part.clone(), rule.clone())).collect();
        // Where two runs mean different queries by one name, ours counts here; both are told.
        wanted.extend(own);
        self.running.retain(|part, running| {
            let stays = wanted.get(part).is_some_and(|rule| *rule == running.rule);
            if !stays {
                running.stop.cancel();
            }
            stays
        });
        for (part, rule) in wanted {
            if self.running.contains_key(&part) {
                continue;
            }
            let (out, inbound) = mpsc::channel(column::WAITING);
            let stop = self.stop.child_token();
            self.tasks.spawn(column::run(
                part.clone(),
                inbound,
                self.intake.clone(),
                self.continued.clone(),
                stop.clone(),
            ));
            self.running.insert(part, Running { rule, out, stop });
        }
        for (account, feeds) in &self.feeds {
            feeds.send_replace(Arc::new(self.feeds_of(account)));
        }
    }

    /// The columns an account's stream feeds.
    fn feeds_of(&self, account: &AccountName) -> Vec<Feed> {
        self.running
            .iter()
            .filter(|((_, fed_by), _)| fed_by == account)
            .map(|((column, _), running)| Feed {
                column: column.clone(),
                rule: running.rule.clone(),
                out: running.out.clone(),
            })
            .collect()
    }

    /// The columns of every account, followed as they change.
    pub fn followed(&self) -> Feeds {
        self.feeds.iter().map(|(account, feeds)| (account.clone(), feeds.subscribe())).collect()
    }

    /// What this run itself wants, followed as it changes.
    pub fn own(&self) -> watch::Receiver<Wanted> {
        self.own.subscribe()
    }

    pub fn continued(&self) -> Continued {
        self.continued.clone()
    }
}
