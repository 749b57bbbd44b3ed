//! A deck with a log of its own, and words to drive it with.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use replydeck::app::chord::{self, Chord, Named};
use replydeck::app::command::{Command, ModeKind};
use replydeck::app::setup::{Clocks, Openings, SavedReply};
use replydeck::app::{App, AppendToken, ColumnSetup, ColumnSource, Effect, FromStore, Mode, Msg, Setup, update};
use replydeck::model::account::Tier;
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::post::{Author, Counts, Mention, WhoMayReply};
use replydeck::model::price::{Money, Prices};
use replydeck::model::sla::Targets;
use replydeck::model::spend::Budget;
use replydeck::model::{
    Account, AccountName, AuthorId, Body, CaseId, ColumnName, ConversationId, Envelope, Event, EventId, Expect, Found,
    Hit, IdSource, MachineName, NetworkKind, NewEvent, NotAppended, Post, PostId, RepName, Search, Seq, SessionId,
};
use replydeck::rules::Rule;
use uuid::Uuid;

pub(crate) const OURS: &str = "99";

pub(crate) fn start() -> Timestamp {
    "2026-11-21T14:00:00Z".parse().unwrap()
}

pub(crate) fn secs(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

pub(crate) fn setup(columns: usize) -> Setup {
    let account = |name: &str, handle: &str, id: &str, confirm| Account {
        name: AccountName::new(name),
        network: NetworkKind::X,
        handle: handle.to_owned(),
        id: Some(AuthorId::new(NetworkKind::X, id)),
        tier: Tier::PayPerUse,
        can_send: true,
        confirm,
        web_url: "https://x.com".to_owned(),
        limits: None,
    };
    let column = |n: usize| ColumnSetup {
        name: ColumnName::new(&format!("c{n}")),
        title: format!("column {n}"),
        sources: vec![ColumnSource {
            network: NetworkKind::X,
            account: AccountName::new("promo"),
            reply_as: AccountName::new("help"),
        }],
        rule: Rule::parse("slow").unwrap(),
        targets: Targets::within(SignedDuration::from_hours(1)),
    };
    Setup {
        me: RepName::new("ana"),
        role: replydeck::model::Role::Rep,
        team: vec![],
        open_cases: 0,
        machine: MachineName::new("desk-1"),
        session: SessionId(Uuid::from_u128(7)),
        accounts: vec![account("help", "Help", OURS, false), account("promo", "Brand", "98", false)],
        columns: (1..=columns).map(column).collect(),
        queues: vec![],
        clocks: Clocks::default(),
        hold: secs(10),
        release_after: SignedDuration::from_mins(15),
        shortcodes: false,
        signature: Some("^AN".to_owned()),
        openings: Openings {
            acknowledgement: "Sorry, {name}. ".to_owned(),
            dm_request: "Please write us. ".to_owned(),
            both: "Sorry, write us. ".to_owned(),
            happy_post: "Glad it works, {name}.".to_owned(),
        },
        saved_replies: vec![
            SavedReply { name: "slow".to_owned(), text: "Slow line, {name}: {what_next} then {when}".to_owned() },
            SavedReply { name: "thanks".to_owned(), text: "Thank you!".to_owned() },
        ],
        causes: vec!["outage".to_owned(), "billing".to_owned()],
        outcomes: vec![],
        zone: TimeZone::UTC,
        bell: true,
        reach_percent: 20,
        people: replydeck::app::people::People::default(),
        message_reps: std::collections::BTreeMap::new(),
        budgets: ["help", "promo"]
            .map(|name| (AccountName::new(name), Budget { prices: Prices::X, daily_limit: Some(Money::cents(2_000)) }))
            .into(),
        keys: replydeck::app::keymap::Keymap::default(),
    }
}

pub(crate) fn post_id(n: u64) -> PostId {
    PostId::new(NetworkKind::X, &n.to_string())
}

/// A post of author `n` that mentions us.
pub(crate) fn post(n: u64, at: Timestamp) -> Post {
    Post {
        id: post_id(n),
        version: None,
        author: Author {
            id: AuthorId::new(NetworkKind::X, &format!("a{n}")),
            handle: format!("user{n}"),
            name: format!("Jo {n}"),
            followers: Some(400),
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(NetworkKind::X, &n.to_string()),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text: format!("so slow today {n}"),
        lang: None,
        at,
        counts: Counts::default(),
        mentions: vec![Mention { handle: "Help".to_owned(), id: Some(AuthorId::new(NetworkKind::X, OURS)) }],
        hashtags: vec![],
        links: vec![],
        media: vec![],
        who_may_reply: WhoMayReply::Everyone,
        is_edited: false,
    }
}

pub(crate) fn unsummoned(n: u64, at: Timestamp) -> Post {
    Post { mentions: vec![], ..post(n, at) }
}

pub(crate) fn case_of(n: u64) -> CaseId {
    let post = post(n, start());
    CaseId::of(&post.author.id, &post.conversation)
}

pub(crate) struct Deck {
    pub(crate) app: App,
    pub(crate) now: Timestamp,
    pub(crate) log: Vec<Arc<Envelope>>,
    /// Effects since they were last taken.
    pub(crate) effects: Vec<Effect>,
    /// Where the rep was told to be.
    pub(crate) told: Vec<replydeck::model::Whereabouts>,
    /// Read marks and notes begun.
    pub(crate) marks: Vec<NewEvent>,
    /// Appends wait here while the store is slow.
    pub(crate) waiting: Vec<(AppendToken, Vec<NewEvent>, Option<Expect>)>,
    pub(crate) slow_store: bool,
    storing: bool,
    ids: IdSource,
}

impl Deck {
    pub(crate) fn new(columns: usize) -> Self {
        Self::with(setup(columns))
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let mut deck = Self {
            app: App::new(setup, (80, 24), start(), IdSource::new(1)),
            now: start(),
            log: Vec::new(),
            effects: Vec::new(),
            told: Vec::new(),
            marks: Vec::new(),
            waiting: Vec::new(),
            slow_store: false,
            storing: false,
            ids: IdSource::new(2),
        };
        deck.tell(Msg::CaughtUp);
        deck
    }

    /// Column `c1` with posts 1 to `n`, a minute apart, the newest now.
    pub(crate) fn with_posts(n: u64) -> Self {
        let mut deck = Self::new(3);
        for k in 1..=n {
            let ago = i64::try_from(n - k).unwrap();
            let at = deck.now - secs(60 * ago);
            deck.arrives(&post(k, at), &["c1"]);
        }
        deck.effects.clear();
        deck
    }

    pub(crate) fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.app, self.now, msg);
        for effect in effects {
            if let Effect::Append { token, events, expect } = &effect {
                self.waiting.push((*token, events.clone(), *expect));
            }
            // What every walk over the columns tells besides is asked for by name.
            match effect {
                Effect::TellPresence { at } => self.told.push(at),
                Effect::Append { events, .. }
                    if events
                        .iter()
                        .all(|new| matches!(new.event, Event::CaseRead { .. } | Event::NoteBegun { .. })) =>
                {
                    self.marks.extend(events);
                }
                effect => self.effects.push(effect),
            }
        }
        // What the store's answers lead to waits its turn: envelopes come in the order of the log.
        if !self.slow_store && !self.storing {
            self.store();
        }
    }

    /// The store takes what waits.
    pub(crate) fn store(&mut self) {
        self.storing = true;
        while !self.waiting.is_empty() {
            let (token, events, expect) = self.waiting.remove(0);
            let winner = expect.and_then(|expect| {
                let mut after = self.log.iter().filter(|it| it.seq > expect.seq);
                after.find(|it| it.event.contends() && it.event.case() == Some(expect.case)).cloned()
            });
            if let Some(winner) = winner {
                self.tell(Msg::Appended { token, result: Err(NotAppended::Conflict { winner }) });
                continue;
            }
            let from = self.log.len();
            for event in events {
                self.write(event);
            }
            let batch = self.log[from..].to_vec();
            let last = batch.last().unwrap().seq;
            self.tell(Msg::Appended { token, result: Ok(last) });
            self.tell(Msg::Envelopes(batch));
        }
        self.storing = false;
    }

    fn write(&mut self, event: NewEvent) {
        let seq = Seq(self.log.len() as u64 + 1);
        self.log.push(Arc::new(Envelope {
            id: event.id,
            seq,
            at: event.at,
            rep: event.rep,
            machine: event.machine,
            version: EVENT_VERSION,
            event: event.event,
            body: event.body,
        }));
    }

    /// What somebody wrote to the log, here or elsewhere; the deck has not seen it yet.
    pub(crate) fn written(&mut self, rep: &str, event: Event, body: Option<Body>) -> Arc<Envelope> {
        let id = EventId(self.ids.next(self.now));
        let (rep, machine) = (RepName::new(rep), MachineName::new("desk-2"));
        self.write(NewEvent { id, at: self.now, rep, machine, event, body });
        Arc::clone(self.log.last().unwrap())
    }

    pub(crate) fn by(&mut self, rep: &str, event: Event, body: Option<Body>) {
        let envelope = self.written(rep, event, body);
        self.tell(Msg::Envelopes(vec![envelope]));
    }

    pub(crate) fn matched(post: &Post, columns: &[&str], standing: Standing) -> Event {
        Event::PostMatched {
            post: post.id.clone(),
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            columns: columns.iter().map(|name| ColumnName::new(name)).collect(),
            posted_at: post.at,
            in_reply_to: post.in_reply_to.clone(),
            in_reply_to_author: post.in_reply_to_author.clone(),
            standing,
        }
    }

    pub(crate) fn arrives(&mut self, post: &Post, columns: &[&str]) {
        let body = Some(Body::Post(Box::new(post.clone())));
        let matched = self.written("intake", Self::matched(post, columns, Standing::Customer), body);
        let (case, author) = (CaseId::of(&post.author.id, &post.conversation), post.author.id.clone());
        let opened = Event::CaseOpened {
            case,
            author,
            conversation: post.conversation.clone(),
            post: post.id.clone(),
            posted_at: post.at,
        };
        let opened = self.written("intake", opened, None);
        self.tell(Msg::Envelopes(vec![matched, opened]));
    }

    /// Our own answer to post `n`, seen on the stream.
    pub(crate) fn own_answer(&mut self, n: u64, to: u64) {
        self.own_words(n, to, "we are on it");
    }

    pub(crate) fn own_words(&mut self, n: u64, to: u64, words: &str) {
        let mut own = post(n, self.now);
        own.author.id = AuthorId::new(NetworkKind::X, OURS);
        let asked = post(to, self.now);
        own.conversation.clone_from(&asked.conversation);
        own.in_reply_to = Some(asked.id.clone());
        own.in_reply_to_author = Some(asked.author.id);
        words.clone_into(&mut own.text);
        let body = Some(Body::Post(Box::new(own.clone())));
        self.by("intake", Self::matched(&own, &["c1"], Standing::Own), body);
    }

    /// Our own answer to a post, seen on the stream.
    pub(crate) fn own_answer_to(&mut self, n: u64, asked: &Post) {
        let mut own = post(n, self.now);
        own.author.id = AuthorId::new(NetworkKind::X, OURS);
        own.conversation.clone_from(&asked.conversation);
        own.in_reply_to = Some(asked.id.clone());
        own.in_reply_to_author = Some(asked.author.id.clone());
        let body = Some(Body::Post(Box::new(own.clone())));
        self.by("intake", Self::matched(&own, &[], Standing::Own), body);
    }

    /// The whole log.
    pub(crate) fn all(&self) -> &[Arc<Envelope>] {
        &self.log
    }

    /// What the store knows of a case.
    pub(crate) fn all_of(&self, case: CaseId) -> Vec<Arc<Envelope>> {
        self.log.iter().filter(|it| it.event.case() == Some(case)).cloned().collect()
    }

    /// Keys in the notation of the keymap.
    pub(crate) fn press(&mut self, keys: &str) {
        for chord in chord::parse(keys).unwrap() {
            self.tell(Msg::Key(key_of(chord)));
        }
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            let key = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
            self.tell(Msg::Key(KeyEvent::new(key, KeyModifiers::NONE)));
        }
    }

    pub(crate) fn command_line(&mut self, line: &str) {
        self.press(":");
        self.type_text(line);
        self.press("enter");
    }

    /// Time passes second by second.
    pub(crate) fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now += secs(1);
            self.tell(Msg::Tick);
        }
    }

    /// The effects since this was last asked.
    pub(crate) fn took(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn appended(&mut self) -> Vec<NewEvent> {
        let effects = self.took().into_iter();
        effects
            .filter_map(|effect| match effect {
                Effect::Append { events, .. } => Some(events),
                _ => None,
            })
            .flatten()
            .collect()
    }

    pub(crate) fn kind(&self) -> ModeKind {
        self.app.mode.kind()
    }

    /// The posts of a column as they stand, newest first.
    pub(crate) fn rows(&self, column: usize) -> Vec<(Timestamp, PostId)> {
        let newest = self.app.desk.newest(&self.app.setup.columns[column].name);
        let rows = newest.chain(&self.app.columns[column].older);
        rows.map(|post| (post.at, post.id.clone())).collect()
    }

    pub(crate) fn selected(&self) -> Option<String> {
        self.app.selected_post().map(|post| post.native().to_owned())
    }

    pub(crate) fn text(&self) -> String {
        self.app.composer().map(|composer| composer.editor.lines().join("\n")).unwrap_or_default()
    }

    pub(crate) fn notice(&self) -> String {
        self.app.notices.newest().map(|notice| notice.text.clone()).unwrap_or_default()
    }

    pub(crate) fn checks(&self) -> Vec<(bool, String)> {
        match &self.app.mode {
            Mode::Preview(preview) => preview.checks.iter().map(|check| (check.stops, check.what.clone())).collect(),
            other => panic!("no preview: {other:?}"),
        }
    }

    /// Reopens on the same log, as after a kill: what was not appended is gone.
    pub(crate) fn killed_and_restarted(&self, session: u128) -> Self {
        let mut setup = self.app.setup.clone();
        setup.session = SessionId(Uuid::from_u128(session));
        let mut deck = Self {
            app: App::new(setup, (80, 24), self.now, IdSource::new(3)),
            now: self.now,
            log: self.log.clone(),
            effects: Vec::new(),
            told: Vec::new(),
            marks: Vec::new(),
            waiting: Vec::new(),
            slow_store: false,
            storing: false,
            ids: IdSource::new(4),
        };
        deck.tell(Msg::Envelopes(self.log.clone()));
        deck.tell(Msg::CaughtUp);
        deck.effects.clear();
        deck
    }

    /// From the first post to an open preview with these words.
    pub(crate) fn previewing(words: &str) -> Self {
        let mut deck = Self::with_posts(3);
        deck.press("j r");
        deck.type_text(words);
        deck.press("C-s");
        deck.effects.clear();
        deck
    }

    pub(crate) fn older(&mut self, posts: Vec<Arc<Envelope>>) {
        self.tell(Msg::Store(FromStore::Older { column: 0, posts }));
    }

    /// Runs a command however it is reached: its key, else its name.
    pub(crate) fn run(&mut self, command: Command) {
        let key = self.app.setup.keys.key(self.kind(), command);
        if key.is_empty() { self.command_line(command.name()) } else { self.press(&key) }
    }
}

pub(crate) fn key_of(chord: Chord) -> KeyEvent {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    match chord {
        Chord::Char(c) => plain(KeyCode::Char(c)),
        Chord::Ctrl(c) => KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL),
        Chord::Named(named) => match named {
            Named::Space => plain(KeyCode::Char(' ')),
            Named::Enter => plain(KeyCode::Enter),
            Named::Esc => plain(KeyCode::Esc),
            Named::Tab => plain(KeyCode::Tab),
            Named::BackTab => KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT),
            Named::Backspace => plain(KeyCode::Backspace),
            Named::Delete => plain(KeyCode::Delete),
            Named::Up => plain(KeyCode::Up),
            Named::Down => plain(KeyCode::Down),
            Named::Left => plain(KeyCode::Left),
            Named::Right => plain(KeyCode::Right),
            Named::Home => plain(KeyCode::Home),
            Named::End => plain(KeyCode::End),
            Named::PageUp => plain(KeyCode::PageUp),
            Named::PageDown => plain(KeyCode::PageDown),
        },
    }
}

/// A search of the store for words alone.
pub(crate) fn find(words: &str) -> Effect {
    let search = Search { words: words.to_owned(), ..Search::default() };
    Effect::Find { words: words.to_owned(), search: Box::new(search) }
}

pub(crate) fn found(hits: Vec<Hit>) -> Found {
    Found { people: vec![], hits }
}
