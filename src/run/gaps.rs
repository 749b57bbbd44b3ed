//! Filling a gap: asks the network for what its columns missed, and writes down what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::intake::Signer;
use crate::app::notice::{Notice, Weight};
use crate::app::{App, Msg};
use crate::log::Log;
use crate::model::price::Money;
use crate::model::{AccountName, BodyId, ColumnName, Event, EventId, GapFill, GapId, PostId, gap};
use crate::net::{Backfill, Clock, Feed, Network};
use crate::ui::time::minutes;

/// The columns each account feeds, as they are now.
pub type Feeds = BTreeMap<AccountName, watch::Receiver<Arc<Vec<Feed>>>>;

/// Found posts are looked for in the store so often…
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// …and for so long; what is not there then was deleted meanwhile, or its column closed.
const LOOK_FOR: Duration = Duration::from_secs(10);

/// What to ask whom for a gap.
#[derive(Debug)]
pub struct Ask {
    pub gap: GapId,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The columns in it, by the network that is asked.
    pub asked: Vec<(Arc<dyn Network>, Vec<Feed>)>,
    /// Columns in it that no run on this host has any more: nobody knows their query.
    pub unasked: Vec<ColumnName>,
    /// Posts of that time the desk already shows.
    pub known: BTreeSet<PostId>,
    /// In which times are told.
    pub zone: TimeZone,
}

/// A gap being filled.
pub struct Filling {
    pub ask: Ask,
    pub log: Arc<dyn Log>,
    pub clock: Clock,
    pub signer: Signer,
    pub inbox: mpsc::Sender<Msg>,
}

impl std::fmt::Debug for Filling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filling").field("ask", &self.ask).finish_non_exhaustive()
    }
}

/// The gaps being filled, so that an impatient key does not pay twice.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<Mutex<BTreeSet<GapId>>>);

impl Underway {
    fn begin(&self, gap: GapId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(gap)
    }

    fn end(&self, gap: GapId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&gap);
    }
}

/// What to ask whom; in words why nobody can be asked.
pub fn prepare(
    gap: GapId,
    app: &App,
    networks: &BTreeMap<AccountName, Arc<dyn Network>>,
    feeds: &Feeds,
) -> Result<Ask, String> {
    let Some(gap) = app.desk.gaps.get(&gap) else { return Err("the gap is no longer at hand".to_owned()) };
    let Some(to) = gap.to else {
        return Err("the gap is still open: it can be filled once the link is back".to_owned());
    };
    let (gap, from, columns, whose) = (gap.id, gap.from, gap.columns.clone(), gap.account.clone());
    let mut asked = Vec::new();
    for (account, feeds) in feeds.iter().filter(|(account, _)| whose.as_ref().is_none_or(|whose| whose == *account)) {
        let of_gap: Vec<Feed> = feeds.borrow().iter().filter(|feed| columns.contains(&feed.column)).cloned().collect();
        if let (false, Some(network)) = (of_gap.is_empty(), networks.get(account)) {
            asked.push((Arc::clone(network), of_gap));
        }
    }
    let is_asked = |column: &ColumnName| asked.iter().any(|(_, feeds)| feeds.iter().any(|feed| feed.column == *column));
    let unasked: Vec<ColumnName> = columns.iter().filter(|column| !is_asked(column)).cloned().collect();
    if asked.is_empty() {
        return Err("no column of the gap is there any more".to_owned());
    }
    // The network counts whole seconds.
    let second = SignedDuration::from_secs(1);
    let span = from.checked_sub(second).unwrap_or(from)..=to.checked_add(second).unwrap_or(to);
    let windows = columns.iter().filter_map(|name| app.desk.columns.get(name));
    let known = windows
        .flat_map(|column| column.window.iter().filter(|(at, _)| span.contains(at)).map(|(_, post)| post.clone()))
        .collect();
    Ok(Ask { gap, from, to, asked, unasked, known, zone: app.setup.zone.clone() })
}

impl Filling {
    pub async fn run(self, underway: Underway) {
        if underway.begin(self.ask.gap) {
            self.fill().await;
            underway.end(self.ask.gap);
        } else {
            self.tell(Weight::Info, "the network is already being asked for this gap".to_owned()).await;
        }
    }

    async fn fill(&self) {
        let mut found = BTreeSet::new();
        let (mut read, mut price) = (0, Money::default());
        let mut reasons = Vec::new();
        if !self.ask.unasked.is_empty() {
            let names: Vec<&str> = self.ask.unasked.iter().map(ColumnName::as_str).collect();
            reasons.push(format!("no running replydeck on this machine has the column {}", names.join(", ")));
        }
        for (network, feeds) in &self.ask.asked {
            let Backfill { found: of_network, read: returned, missing } =
                network.backfill(feeds, self.ask.from, self.ask.to).await;
            if let Some(budget) = network.budget() {
                // Those that are known were read before, and are billed once a day.
                let billed = of_network.difference(&self.ask.known).count() as u64;
                price = price.plus(budget.prices.post_read.times(billed));
            }
            found.extend(of_network);
            read += returned;
            reasons.extend(missing.map(|missing| match missing.until {
                Some(until) => format!("{}, free again at {}", missing.why, minutes(until, &self.ask.zone)),
                None => missing.why,
            }));
        }
        self.wait_for(&found).await;
        let new = found.difference(&self.ask.known).count() as u64;
        let span = gap::span(self.ask.from, Some(self.ask.to), &self.ask.zone);
        let cost = match read {
            0 => "no post read".to_owned(),
            1 => format!("1 post read, about {price}"),
            _ => format!("{read} posts read, about {price}"),
        };
        let why = reasons.join("; ");
        let (fill, weight, told) = if reasons.is_empty() {
            (GapFill::Filled { posts: new }, Weight::Info, format!("{span} filled: {new} new ({cost})"))
        } else if found.is_empty() {
            (GapFill::NotFilled { why: why.clone() }, Weight::Warning, format!("{span} not filled: {why} ({cost})"))
        } else {
            let in_part = format!("only in part ({new} new): {why}");
            (GapFill::NotFilled { why: in_part.clone() }, Weight::Warning, format!("{span} filled {in_part} ({cost})"))
        };
        if self.append(fill).await {
            self.tell(weight, told).await;
        }
    }

    /// A gap is called filled only when its posts are in the store: a crash in between must not lose them.
    async fn wait_for(&self, found: &BTreeSet<PostId>) {
        let mut missing: Vec<BodyId> = found.difference(&self.ask.known).map(BodyId::post).collect();
        let tries = LOOK_FOR.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..tries {
            if missing.is_empty() {
                return;
            }
            match self.log.bodies(missing.clone()).await {
                Ok(there) => {
                    let there: BTreeSet<BodyId> = there.into_iter().map(|(id, _)| id).collect();
                    missing.retain(|id| !there.contains(id));
                }
                // Whether the store takes anything at all shows when the fill itself is written.
                Err(error) => tracing::warn!(%error, "the store does not say whether the gap's posts are there"),
            }
            if !missing.is_empty() {
                sleep(LOOK_EVERY).await;
            }
        }
        tracing::warn!(posts = missing.len(), "posts of a filled gap did not reach the store");
    }

    async fn append(&self, fill: GapFill) -> bool {
        let now = (self.clock)();
        let id = EventId::of("gap-filled", &[&self.ask.gap.to_string(), &now.to_string()]);
        let event = self.signer.event(id, now, Event::GapFilled { gap: self.ask.gap, fill }, None);
        match self.log.append(vec![event], None).await {
            Ok(_) => true,
            Err(error) => {
                let text = format!("what became of a gap could not be written down: {error}");
                self.tell(Weight::Error, text).await;
                false
            }
        }
    }

    async fn tell(&self, weight: Weight, text: String) {
        // A network's reason may repeat what it was asked for; the log file says only that there was an answer.
        tracing::info!(gap = ?self.ask.gap, ?weight, "the screen was told what became of a gap");
        if self.inbox.send(Msg::Notice(Notice::new((self.clock)(), weight, text))).await.is_err() {
            tracing::debug!("nobody is left to read the notice");
        }
    }
}
