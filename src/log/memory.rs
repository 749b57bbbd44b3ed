//! The store in memory, for tests: same promises, nothing kept. Events are held in their stored form, so that the
//! codec is in the way here too.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::model::{
    AuthorId, Between, Body, BodyId, CaseId, ColumnName, ConversationId, Envelope, Event, EventId, Expect, Hit,
    MachineName, NewEvent, PostId, RepName, Seq, key,
};

use super::codec::{self, Stored};
use super::pump::{self, Signal};
use super::sqlite::append::{no_body_there, written_at};
use super::{AppendError, KeyGroups, Log, LogError, SUBSCRIPTION_BATCHES, words};

/// A store that lives as long as it is held.
#[derive(Debug)]
pub struct MemoryLog {
    state: Arc<Mutex<State>>,
    signals: Sender<Signal>,
    pump: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<Row>,
    places: HashMap<EventId, Seq>,
    bodies: BTreeMap<BodyId, (Timestamp, Body)>,
    checkpoints: BTreeMap<String, (Seq, Vec<u8>)>,
    is_closed: bool,
}

#[derive(Debug)]
struct Row {
    id: EventId,
    at: Timestamp,
    rep: RepName,
    machine: MachineName,
    stored: Stored,
}

/// Where the pump reads.
struct Shared(Arc<Mutex<State>>);

impl pump::Source for Shared {
    fn after(&mut self, after: Seq) -> Result<Vec<Arc<Envelope>>, LogError> {
        let state = lock(&self.0);
        let from = usize::try_from(after.0).unwrap_or(usize::MAX).min(state.rows.len());
        let until = (from + pump::BATCH).min(state.rows.len());
        Ok((from..until).map(|index| Arc::new(state.envelope(index))).collect())
    }

    fn may_have_grown(&mut self) -> bool {
        false
    }

    fn ask_every(&self) -> Option<Duration> {
        None
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty store with its one thread, which serves subscriptions.
    pub fn new() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (signals, inbox) = channel();
        let source = Shared(Arc::clone(&state));
        let pump = std::thread::spawn(move || pump::run(source, &inbox));
        Self { state, signals, pump: Mutex::new(Some(pump)) }
    }

    /// Puts in an event in its stored form, as a later version may have written it.
    pub fn append_stored(&self, id: EventId, at: Timestamp, rep: RepName, machine: MachineName, stored: Stored) -> Seq {
        let seq = lock(&self.state).push(Row { id, at, rep, machine, stored });
        self.announce();
        seq
    }

    /// Ends subscriptions; every later question is answered with [`LogError::Closed`].
    pub fn close(&self) {
        lock(&self.state).is_closed = true;
        // It may be gone already; then there is nothing to tell it.
        let _ = self.signals.send(Signal::Close);
        let pump = self.pump.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pump) = pump
            && pump.join().is_err()
        {
            tracing::error!("the log's pump ended by a panic");
        }
    }

    fn announce(&self) {
        // A closed store has no pump.
        let _ = self.signals.send(Signal::Appended);
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, LogError> {
        let state = lock(&self.state);
        if state.is_closed { Err(LogError::Closed) } else { Ok(state) }
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    fn push(&mut self, row: Row) -> Seq {
        if let Some(place) = self.places.get(&row.id) {
            return *place;
        }
        let place = Seq(self.rows.len() as u64 + 1);
        self.places.insert(row.id, place);
        self.rows.push(row);
        place
    }

    fn envelope(&self, index: usize) -> Envelope {
        let row = &self.rows[index];
        let event = codec::decode(&row.stored.kind, row.stored.version, &row.stored.payload);
        let body = event.body_id().and_then(|id| self.bodies.get(&id)).map(|(_, body)| body.clone());
        Envelope {
            id: row.id,
            seq: Seq(index as u64 + 1),
            at: row.at,
            rep: row.rep.clone(),
            machine: row.machine.clone(),
            version: row.stored.version,
            event,
            body,
        }
    }

    fn envelopes(&self) -> impl Iterator<Item = Envelope> {
        (0..self.rows.len()).map(|index| self.envelope(index))
    }

    fn append(&mut self, batch: Vec<NewEvent>, expect: Option<Expect>) -> Result<Seq, AppendError> {
        let stored = batch.iter().map(|new| codec::encode(&new.event)).collect::<Result<Vec<_>, _>>()?;
        if let Some(new) = batch.iter().find(|new| new.body.is_some() && new.event.body_id().is_none()) {
            return Err(no_body_there(&new.event).into());
        }
        if let Some(expect) = expect {
            let rival = self.envelopes().find(|envelope| {
                envelope.seq > expect.seq
                    && envelope.event.case() == Some(expect.case)
                    && envelope.event.contends()
                    && !batch.iter().any(|new| new.id == envelope.id)
            });
            if let Some(winner) = rival {
                return Err(AppendError::Conflict { winner: Arc::new(winner) });
            }
        }
        let mut last = Seq(self.rows.len() as u64);
        for (new, stored) in batch.into_iter().zip(stored) {
            if let Some(place) = self.places.get(&new.id) {
                last = *place;
                continue;
            }
            if let (Some(body), Some(id)) = (new.body, new.event.body_id()) {
                self.bodies.insert(id, (written_at(&body, new.at), body));
            }
            last = self.push(Row { id: new.id, at: new.at, rep: new.rep, machine: new.machine, stored });
        }
        Ok(last)
    }

    /// The first matched event of each post that `wanted` picks, newest post first.
    fn posts(
        &self,
        wanted: impl Fn(&Event) -> bool,
        before: Option<(i64, &PostId)>,
        limit: usize,
    ) -> Vec<Arc<Envelope>> {
        let mut found: BTreeMap<(i64, PostId), Arc<Envelope>> = BTreeMap::new();
        for envelope in self.envelopes() {
            if let Event::PostMatched { post, posted_at, .. } = &envelope.event
                && wanted(&envelope.event)
                && before.is_none_or(|before| (posted_at.as_microsecond(), post) < before)
            {
                found.entry((posted_at.as_microsecond(), post.clone())).or_insert_with(|| Arc::new(envelope.clone()));
            }
        }
        found.into_values().rev().take(limit).collect()
    }

    /// The text goes, and its copies in posts that quote it.
    fn erase(&mut self, id: &BodyId) {
        self.bodies.remove(id);
        for (_, body) in self.bodies.values_mut() {
            if let Body::Post(post) = body
                && let Some(quoted) = post.quotes.as_mut().filter(|quoted| BodyId::post(&quoted.id) == *id)
            {
                quoted.text.clear();
            }
        }
    }

    fn people(&self, beginning: &str, limit: usize) -> Vec<(String, AuthorId)> {
        let beginning = beginning.to_lowercase();
        let people: BTreeSet<(String, AuthorId)> = self
            .bodies
            .values()
            .filter_map(|(_, body)| match body {
                Body::Post(post) => Some((post.author.handle.to_lowercase(), post.author.id.clone())),
                _ => None,
            })
            .filter(|(handle, _)| !handle.is_empty() && handle.starts_with(&beginning))
            .collect();
        people.into_iter().take(limit).collect()
    }

    fn cases_of_keys(&self, groups: &KeyGroups, limit: usize) -> Vec<CaseId> {
        let mut sets: Vec<Vec<CaseId>> = Vec::new();
        for group in groups {
            let mut of_group = Vec::new();
            for envelope in self.envelopes() {
                let keys = key::keys(&envelope.event, &envelope.rep);
                if let Some(case) = envelope.event.case().filter(|_| keys.iter().any(|key| group.contains(key))) {
                    of_group.retain(|known| *known != case);
                    of_group.push(case);
                }
            }
            of_group.reverse();
            sets.push(of_group);
        }
        sets.sort_by_key(Vec::len);
        let Some((first, others)) = sets.split_first() else { return Vec::new() };
        let in_all = first.iter().filter(|case| others.iter().all(|other| other.contains(case)));
        in_all.copied().take(limit).collect()
    }

    fn case_of(&self, hit: &Hit) -> Option<CaseId> {
        if let Body::Post(post) = &hit.body {
            Some(CaseId::of(&post.author.id, &post.conversation))
        } else {
            let names = |envelope: &Envelope| {
                let keys = key::keys(&envelope.event, &envelope.rep);
                keys.iter().any(|key| key == hit.id.as_str()).then(|| envelope.event.case()).flatten()
            };
            self.envelopes().filter_map(|envelope| names(&envelope)).last()
        }
    }

    fn search(&self, search: &str, between: Between, limit: usize) -> Vec<Hit> {
        let wanted = words::of_search(search);
        let is_all = search.trim().is_empty() && between.is_bound();
        let may_begin = match wanted.split_last() {
            Some((last, _)) => last.may_begin,
            None if is_all => false,
            None => return Vec::new(),
        };
        let hold = |may_begin| {
            let mut hits = self.hold(&wanted, may_begin);
            hits.retain(|hit| between.holds(hit.at));
            hits
        };
        let whole = hold(false);
        let mut hits = if whole.len() >= limit || !may_begin { whole } else { hold(true) };
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.at));
        hits.truncate(limit);
        hits
    }

    fn hold(&self, wanted: &[words::Word], last_may_begin: bool) -> Vec<Hit> {
        let wanted: Vec<(Vec<String>, bool)> = wanted
            .iter()
            .enumerate()
            .map(|(index, word)| {
                let begins = word.is_half_pair || (last_may_begin && index + 1 == wanted.len());
                (words::tokens(&word.text), begins)
            })
            .collect();
        self.bodies
            .iter()
            .filter(|(_, (_, body))| {
                body.searchable().is_some_and(|text| {
                    let text = words::tokens(&words::cut(text));
                    wanted.iter().all(|(word, begins)| words::holds(&text, word, *begins))
                })
            })
            .map(|(id, (at, body))| Hit { id: id.clone(), at: *at, body: body.clone() })
            .collect()
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn append(&self, batch: Vec<NewEvent>, expect: Option<Expect>) -> Result<Seq, AppendError> {
        let appended = self.open()?.append(batch, expect);
        self.announce();
        appended
    }

    fn subscribe(&self, after: Seq) -> mpsc::Receiver<Vec<Arc<Envelope>>> {
        let (to, receiver) = mpsc::channel(SUBSCRIPTION_BATCHES);
        // On a closed store the sender is dropped with the signal and the receiver ends at once.
        let _ = self.signals.send(Signal::Subscribe { after, to });
        receiver
    }

    async fn last(&self) -> Result<Seq, LogError> {
        Ok(Seq(self.open()?.rows.len() as u64))
    }

    async fn bodies(&self, ids: Vec<BodyId>) -> Result<Vec<(BodyId, Body)>, LogError> {
        let state = self.open()?;
        Ok(ids.into_iter().filter_map(|id| state.bodies.get(&id).map(|(_, body)| (id, body.clone()))).collect())
    }

    async fn erase(&self, id: BodyId) -> Result<(), LogError> {
        self.open()?.erase(&id);
        Ok(())
    }

    async fn older(
        &self,
        column: ColumnName,
        before: (Timestamp, PostId),
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        let in_column =
            |event: &Event| matches!(event, Event::PostMatched { columns, .. } if columns.contains(&column));
        Ok(self.open()?.posts(in_column, Some((before.0.as_microsecond(), &before.1)), limit))
    }

    async fn events(&self, after: Seq, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let state = self.open()?;
        let after = usize::try_from(after.0).unwrap_or(usize::MAX);
        let bare = |envelope| Arc::new(Envelope { body: None, ..envelope });
        Ok((after..state.rows.len()).take(limit).map(|index| bare(state.envelope(index))).collect())
    }

    async fn first_since(&self, at: Timestamp) -> Result<Option<Seq>, LogError> {
        let is_since = |event: &Event| matches!(event, Event::PostMatched { posted_at, .. } if posted_at.as_microsecond() >= at.as_microsecond());
        Ok(self.open()?.envelopes().find(|envelope| is_since(&envelope.event)).map(|envelope| envelope.seq))
    }

    async fn of_case(&self, case: CaseId) -> Result<Vec<Arc<Envelope>>, LogError> {
        Ok(self.open()?.envelopes().filter(|envelope| envelope.event.case() == Some(case)).map(Arc::new).collect())
    }

    async fn of_author(&self, author: AuthorId, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let by_author = |event: &Event| matches!(event, Event::PostMatched { author: who, .. } if *who == author);
        Ok(self.open()?.posts(by_author, None, limit))
    }

    async fn of_key(&self, key: String, limit: usize) -> Result<Vec<Arc<Envelope>>, LogError> {
        let state = self.open()?;
        let has_key = |envelope: &Envelope| key::keys(&envelope.event, &envelope.rep).contains(&key);
        let mut found: Vec<_> = state.envelopes().filter(has_key).map(Arc::new).collect();
        found.reverse();
        found.truncate(limit);
        Ok(found)
    }

    async fn cases_of_keys(&self, groups: KeyGroups, limit: usize) -> Result<Vec<CaseId>, LogError> {
        Ok(self.open()?.cases_of_keys(&groups, limit))
    }

    async fn search_of_keys(
        &self,
        words: String,
        between: Between,
        groups: KeyGroups,
        look: usize,
        limit: usize,
    ) -> Result<Vec<(CaseId, Hit)>, LogError> {
        let state = self.open()?;
        let cases = state.cases_of_keys(&groups, usize::MAX);
        let hits = state.search(&words, between, look).into_iter();
        let of_case = hits.filter_map(|hit| Some((state.case_of(&hit)?, hit)));
        Ok(of_case.filter(|(case, _)| cases.contains(case)).take(limit).collect())
    }

    async fn posts_in(
        &self,
        author: AuthorId,
        of: ConversationId,
        limit: usize,
    ) -> Result<Vec<Arc<Envelope>>, LogError> {
        let is_there = |event: &Event| matches!(event, Event::PostMatched { author: who, conversation, .. } if *who == author && *conversation == of);
        Ok(self.open()?.posts(is_there, None, limit))
    }

    async fn people(&self, beginning: String, limit: usize) -> Result<Vec<(String, AuthorId)>, LogError> {
        Ok(self.open()?.people(&beginning, limit))
    }

    async fn search_within(&self, words: String, between: Between, limit: usize) -> Result<Vec<Hit>, LogError> {
        Ok(self.open()?.search(&words, between, limit))
    }

    async fn keep_checkpoint(&self, kind: String, seq: Seq, state: Vec<u8>) -> Result<(), LogError> {
        let mut log = self.open()?;
        if log.checkpoints.get(&kind).is_none_or(|(kept, _)| *kept <= seq) {
            log.checkpoints.insert(kind, (seq, state));
        }
        Ok(())
    }

    async fn checkpoint(&self, kind: String) -> Result<Option<(Seq, Vec<u8>)>, LogError> {
        Ok(self.open()?.checkpoints.get(&kind).cloned())
    }

    async fn flush(&self) -> Result<(), LogError> {
        self.open().map(drop)
    }
}
