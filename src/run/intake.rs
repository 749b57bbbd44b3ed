//! From what the networks deliver to events in the log: posts of all columns gathered for a moment, the same
//! post named once, cases opened, everything appended in batches. Nothing is let go before the log has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::column::Taken;
use crate::app::Msg;
use crate::app::notice::{Notice, Weight};
use crate::log::{AppendError, Log};
use crate::model::event::Standing;
use crate::model::words::asks_to_stop;
use crate::model::{
    Account, AccountName, Author, AuthorId, Body, BodyId, CaseId, ColumnName, Event, EventId, GapFill, GapId,
    MachineName, Message, NetworkKind, NewEvent, Post, PostId, RepName, key,
};
use crate::net::{Clock, Inbound};

/// So many things may wait between the columns and the intake.
pub const WAITING: usize = 1_024;
/// A batch is appended when it holds so many things…
const BATCH: usize = 256;
/// …or when its first one has waited so long.
const WAIT: Duration = Duration::from_millis(20);
/// So long after a failed append it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// In whose name events are written.
#[derive(Clone, Debug)]
pub struct Signer {
    pub rep: RepName,
    pub machine: MachineName,
}

impl Signer {
    /// An event as this rep on this machine writes it.
    pub fn event(&self, id: EventId, at: Timestamp, event: Event, body: Option<Body>) -> NewEvent {
        NewEvent { id, at, rep: self.rep.clone(), machine: self.machine.clone(), event, body }
    }
}

/// Authors that are us: those of the config, and those that a network tells of once it is reached.
#[derive(Clone, Debug, Default)]
pub struct Own(Arc<Mutex<OwnAuthors>>);

#[derive(Debug, Default)]
struct OwnAuthors {
    ids: BTreeSet<AuthorId>,
    /// Handles, in small letters, of accounts whose id is not known: whoever writes under one is that account.
    handles: BTreeSet<(NetworkKind, String)>,
}

impl Own {
    pub fn of(accounts: impl IntoIterator<Item = Account>) -> Self {
        let mut own = OwnAuthors::default();
        for account in accounts {
            match account.id {
                Some(id) => drop(own.ids.insert(id)),
                None => drop(own.handles.insert((account.network, account.handle.to_lowercase()))),
            }
        }
        Self(Arc::new(Mutex::new(own)))
    }

    pub fn add(&self, author: AuthorId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ids.insert(author);
    }

    /// All that are known, those among `heard` included.
    fn among<'a>(&self, heard: impl Iterator<Item = &'a Author>) -> BTreeSet<AuthorId> {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.handles.is_empty() {
            for author in heard {
                if own.handles.contains(&(author.id.network(), author.handle.to_lowercase())) {
                    own.ids.insert(author.id.clone());
                }
            }
        }
        own.ids.clone()
    }
}

/// Appends what columns take in until every column has let go.
pub async fn run(
    mut taken: mpsc::Receiver<Taken>,
    log: Arc<dyn Log>,
    clock: Clock,
    signer: Signer,
    own: Own,
    inbox: mpsc::Sender<Msg>,
) {
    while let Some(first) = taken.recv().await {
        let mut gathered = Gathered::default();
        gathered.add(first);
        let ripe = Instant::now() + WAIT;
        while gathered.count < BATCH {
            match timeout_at(ripe, taken.recv()).await {
                Ok(Some(more)) => gathered.add(more),
                Ok(None) | Err(_) => break,
            }
        }
        let (mut events, mut erased) = {
            let own = own.among(gathered.posts.values().map(|(post, _)| &post.author));
            gathered.into_events(&signer, clock(), &own)
        };
        for body in sent_as(&*log, &erased).await {
            // Whoever hears of the deletion twice writes the same event; the log keeps one.
            let id = EventId::of("sent-erased", &[body.as_str()]);
            events.push(signer.event(id, clock(), Event::BodyErased { body: body.clone() }, None));
            erased.push(body);
        }
        append(&*log, events, &inbox, &clock).await;
        for body in erased {
            erase(&*log, body, &inbox, &clock).await;
        }
    }
}

/// Appends for as long as it takes: a full disk or a busy store delays posts, it never loses them.
async fn append(log: &dyn Log, events: Vec<NewEvent>, inbox: &mpsc::Sender<Msg>, clock: &Clock) {
    let mut told = false;
    loop {
        let why = match log.append(events.clone(), None).await {
            Ok(_) => {
                if told {
                    tell(inbox, Notice::new(clock(), Weight::Info, "posts are kept again")).await;
                }
                return;
            }
            Err(AppendError::Conflict { winner }) => {
                // Nothing here is appended with an expectation.
                tracing::error!(seq = %winner.seq, "the store reported a conflict nobody asked for");
                return;
            }
            Err(AppendError::Log(crate::log::LogError::Closed)) => {
                tracing::warn!(posts = events.len(), "the store closed before the last posts; the network has them");
                return;
            }
            Err(AppendError::Log(error)) => error.to_string(),
        };
        tracing::error!(%why, "posts wait for the store");
        if !told {
            told = true;
            tell(inbox, Notice::new(clock(), Weight::Error, format!("new posts wait: {why}"))).await;
        }
        sleep(RETRY).await;
    }
}

/// The texts under which the outbox keeps what went out from here as one of these posts: they go with it.
async fn sent_as(log: &dyn Log, gone: &[BodyId]) -> Vec<BodyId> {
    let mut texts = Vec::new();
    for body in gone {
        let Some((_, post)) = body.as_str().split_once('/') else { continue };
        match log.of_key(key::out(post), 2).await {
            Ok(sent) => texts.extend(sent.iter().filter_map(|envelope| match &envelope.event {
                Event::ReplySent { reply, .. } => Some(BodyId::reply(*reply)),
                _ => None,
            })),
            Err(error) => tracing::error!(%error, %body, "whether a deleted post was ours is not known"),
        }
    }
    texts
}

async fn erase(log: &dyn Log, body: BodyId, inbox: &mpsc::Sender<Msg>, clock: &Clock) {
    if let Err(error) = log.erase(body.clone()).await {
        tracing::error!(%error, %body, "a deleted post's text is still in the store");
        let text = format!("the text of a deleted post could not be erased yet: {error}");
        tell(inbox, Notice::new(clock(), Weight::Error, text)).await;
    }
}

async fn tell(inbox: &mpsc::Sender<Msg>, notice: Notice) {
    if inbox.send(Msg::Notice(notice)).await.is_err() {
        tracing::debug!("nobody is left to read the notice");
    }
}

/// What came in within one batch, every post once.
#[derive(Debug, Default)]
struct Gathered {
    count: usize,
    /// In the order they came.
    order: Vec<Slot>,
    messages: Vec<(AccountName, Box<Message>)>,
    posts: BTreeMap<PostId, (Post, BTreeSet<ColumnName>)>,
    gaps: BTreeMap<GapId, (Timestamp, AccountName, BTreeSet<ColumnName>)>,
    closed: BTreeSet<GapId>,
    filled: BTreeSet<GapId>,
}

#[derive(Debug)]
enum Slot {
    Post(PostId),
    Edited(Box<Post>),
    Deleted(PostId),
    Withheld(PostId),
    GapOpened(GapId),
    GapClosed(GapId, Timestamp),
    GapFilled(GapId, u64),
}

impl Gathered {
    fn add(&mut self, Taken { column, account, what }: Taken) {
        self.count += 1;
        match what {
            Inbound::Post(post) => {
                let id = post.id.clone();
                let (_, columns) = self.posts.entry(id.clone()).or_insert_with(|| {
                    self.order.push(Slot::Post(id));
                    (*post, BTreeSet::new())
                });
                columns.insert(column);
            }
            Inbound::Own(post) => {
                let id = post.id.clone();
                self.posts.entry(id.clone()).or_insert_with(|| {
                    self.order.push(Slot::Post(id));
                    (*post, BTreeSet::new())
                });
            }
            Inbound::Message { account, message } => self.messages.push((account, message)),
            Inbound::Edited(post) => self.order.push(Slot::Edited(post)),
            Inbound::Deleted { post } => self.order.push(Slot::Deleted(post)),
            Inbound::Withheld { post } => self.order.push(Slot::Withheld(post)),
            Inbound::GapOpened { gap, from, .. } => {
                let (.., columns) = self.gaps.entry(gap).or_insert_with(|| {
                    self.order.push(Slot::GapOpened(gap));
                    (from, account, BTreeSet::new())
                });
                columns.insert(column);
            }
            Inbound::GapClosed { gap, to } => {
                if self.closed.insert(gap) {
                    self.order.push(Slot::GapClosed(gap, to));
                }
            }
            Inbound::GapFilled { gap, posts } => {
                if self.filled.insert(gap) {
                    self.order.push(Slot::GapFilled(gap, posts));
                }
            }
        }
    }

    fn into_events(
        mut self,
        signer: &Signer,
        now: Timestamp,
        own: &BTreeSet<AuthorId>,
    ) -> (Vec<NewEvent>, Vec<BodyId>) {
        let mut events = Vec::with_capacity(self.order.len() * 2);
        let mut erased = Vec::new();
        for slot in std::mem::take(&mut self.order) {
            match slot {
                Slot::Post(id) => {
                    if let Some((post, columns)) = self.posts.remove(&id) {
                        events.extend(matched(post, columns.into_iter().collect(), signer, now, own));
                    }
                }
                Slot::Edited(post) => {
                    let version = post.version.clone().unwrap_or_default();
                    let id = EventId::of("post-edited", &[post.id.as_str(), &version]);
                    let event = Event::PostEdited { post: post.id.clone() };
                    events.push(signer.event(id, now, event, Some(Body::Post(post))));
                }
                Slot::Deleted(post) => {
                    let id = EventId::of("post-deleted", &[post.as_str()]);
                    erased.push(BodyId::post(&post));
                    events.push(signer.event(id, now, Event::PostDeleted { post }, None));
                }
                Slot::Withheld(post) => {
                    let body = BodyId::post(&post);
                    let id = EventId::of("post-withheld", &[post.as_str()]);
                    erased.push(body.clone());
                    events.push(signer.event(id, now, Event::BodyErased { body }, None));
                }
                Slot::GapOpened(gap) => {
                    if let Some((from, account, columns)) = self.gaps.remove(&gap) {
                        events.push(gap_opened(gap, (account, columns.into_iter().collect()), from, signer, now));
                    }
                }
                Slot::GapClosed(gap, to) => events.push(gap_closed(gap, to, signer, now)),
                Slot::GapFilled(gap, posts) => {
                    let id = EventId::of("gap-filled", &[&gap.to_string()]);
                    let event = Event::GapFilled { gap, fill: GapFill::Filled { posts } };
                    events.push(signer.event(id, now, event, None));
                }
            }
        }
        // After the posts, which may open the case they belong to.
        let messages = std::mem::take(&mut self.messages).into_iter();
        events.extend(messages.map(|(account, message)| messaged(account, message, signer, now)));
        (events, erased)
    }
}

/// A direct message as a network showed it; seen again it is the same event.
fn messaged(account: AccountName, message: Box<Message>, signer: &Signer, now: Timestamp) -> NewEvent {
    let (id, with, sent_at) = (message.id.clone(), message.with.clone(), message.at);
    let (what, event) = if message.is_ours {
        ("dm-sent", Event::DmSent { message: id, to: with, account, sent_at })
    } else {
        ("dm-received", Event::DmReceived { message: id, author: with, account, sent_at })
    };
    let id = EventId::of(what, &[message.id.as_str()]);
    signer.event(id, now, event, Some(Body::Message(message)))
}

/// The events of a post that came in: it matched, and a customer's post makes or joins a case.
fn matched(
    post: Post,
    columns: Vec<ColumnName>,
    signer: &Signer,
    now: Timestamp,
    own: &BTreeSet<AuthorId>,
) -> Vec<NewEvent> {
    let standing = Standing::of(&post, own.contains(&post.author.id));
    let mut parts = vec![post.id.as_str()];
    parts.extend(columns.iter().map(ColumnName::as_str));
    let id = EventId::of("post-matched", &parts);
    let case = CaseId::of(&post.author.id, &post.conversation);
    let opened = standing.makes_case().then(|| {
        let event = Event::CaseOpened {
            case,
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            post: post.id.clone(),
            posted_at: post.at,
        };
        // The same id for every post of the case: the log keeps the first and passes over the rest.
        signer.event(EventId::of("case-opened", &[&case.to_string()]), now, event, None)
    });
    let event = Event::PostMatched {
        post: post.id.clone(),
        author: post.author.id.clone(),
        conversation: post.conversation.clone(),
        columns,
        posted_at: post.at,
        in_reply_to: post.in_reply_to.clone(),
        in_reply_to_author: post.in_reply_to_author.clone(),
        standing,
    };
    // Said to us: in answer to a post of ours. Elsewhere the words may be meant for anybody.
    let is_to_us = post.in_reply_to_author.as_ref().is_some_and(|to| own.contains(to));
    let is_theirs = !matches!(standing, Standing::Own | Standing::Repost);
    let stopped = (is_theirs && is_to_us && asks_to_stop(&post.text)).then(|| {
        let event = Event::AuthorOptedOut { author: post.author.id.clone(), post: Some(post.id.clone()) };
        signer.event(EventId::of("author-opted-out", &[post.id.as_str()]), now, event, None)
    });
    let matched = signer.event(id, now, event, Some(Body::Post(Box::new(post))));
    opened.into_iter().chain([matched]).chain(stopped).collect()
}

/// From `from` on these columns may miss posts of this account's network.
pub fn gap_opened(
    gap: GapId,
    (account, columns): (AccountName, Vec<ColumnName>),
    from: Timestamp,
    signer: &Signer,
    now: Timestamp,
) -> NewEvent {
    let gap_text = gap.to_string();
    let mut parts = vec![gap_text.as_str()];
    parts.extend(columns.iter().map(ColumnName::as_str));
    let id = EventId::of("gap-opened", &parts);
    signer.event(id, now, Event::GapOpened { gap, columns, from, account: Some(account) }, None)
}

/// Since `to` they are heard again.
pub fn gap_closed(gap: GapId, to: Timestamp, signer: &Signer, now: Timestamp) -> NewEvent {
    signer.event(EventId::of("gap-closed", &[&gap.to_string()]), now, Event::GapClosed { gap, to }, None)
}

#[cfg(test)]
mod tests {
    use super::Own;
    use crate::model::{Account, Author, AuthorId, NetworkKind};

    fn author(id: &str, handle: &str) -> Author {
        Author {
            id: AuthorId::new(NetworkKind::X, id),
            handle: handle.to_owned(),
            name: String::new(),
            followers: None,
            is_verified: false,
            is_protected: false,
        }
    }

    #[test]
    fn without_an_id_whoever_writes_under_the_handle_is_us_and_with_one_the_id_alone_tells() {
        let heard = [author("7", "acmehelp"), author("8", "jo")];
        let own = Own::of([Account::acme(None)]);
        assert_eq!(own.among(heard.iter()).into_iter().collect::<Vec<_>>(), [AuthorId::new(NetworkKind::X, "7")]);
        // It stays known, also where the handle is no longer heard with it.
        assert_eq!(own.among([].iter()).len(), 1);
        let own = Own::of([Account::acme(Some("42"))]);
        assert_eq!(own.among(heard.iter()).into_iter().collect::<Vec<_>>(), [AuthorId::new(NetworkKind::X, "42")]);
    }
}
