//! Makes envelopes in the words a story is told in, and folds them as they come.

use jiff::{SignedDuration, Timestamp};
use replydeck::desk::{Case, Desk, Reply, fold};
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{
    AccountName, Author, AuthorId, Body, CaseId, ColumnName, ConversationId, DraftText, Envelope, Event, EventId,
    GapId, IdSource, MachineName, NetworkKind, Post, PostId, Purpose, RepName, ReplyId, Seq, SessionId,
};

/// `14:02` or `14:02:30` on the day of the story; `+1d 09:00` on a later one; a whole timestamp as it is.
pub(crate) fn at(clock: &str) -> Timestamp {
    if clock.contains('T') {
        return clock.parse().expect("a timestamp");
    }
    let (days, clock) = match clock.split_once("d ") {
        Some((days, clock)) => (days.trim_start_matches('+').parse().expect("days"), clock),
        None => (0, clock),
    };
    let clock = if clock.matches(':').count() == 1 { format!("{clock}:00") } else { clock.to_owned() };
    let day: Timestamp = format!("2026-11-21T{clock}Z").parse().expect("a time of day");
    day.checked_add(SignedDuration::from_hours(24 * days)).expect("within time")
}

pub(crate) fn post_id(name: &str) -> PostId {
    PostId::new(NetworkKind::X, name)
}

pub(crate) fn author_id(name: &str) -> AuthorId {
    AuthorId::new(NetworkKind::X, name)
}

pub(crate) fn column(name: &str) -> ColumnName {
    ColumnName::new(name)
}

pub(crate) fn conversation_id(name: &str) -> ConversationId {
    ConversationId::new(NetworkKind::X, name)
}

pub(crate) fn case_id(author: &str, conversation: &str) -> CaseId {
    CaseId::of(&author_id(author), &conversation_id(conversation))
}

/// A post in a story. The conversation is the post itself unless said.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) name: String,
    author: String,
    conversation: String,
    columns: Vec<String>,
    at: Timestamp,
    reply_to: Option<(String, String)>,
    standing: Standing,
    text: String,
}

pub(crate) fn said(name: &str, author: &str, clock: &str) -> Said {
    Said {
        name: name.into(),
        author: author.into(),
        conversation: name.into(),
        columns: vec!["outage".into()],
        at: at(clock),
        reply_to: None,
        standing: Standing::Customer,
        text: format!("words of {name}"),
    }
}

impl Said {
    pub(crate) fn within(mut self, conversation: &str) -> Self {
        self.conversation = conversation.into();
        self
    }

    /// In the columns named, apart by spaces.
    pub(crate) fn seen_in(mut self, columns: &str) -> Self {
        self.columns = columns.split_whitespace().map(Into::into).collect();
        self
    }

    /// By one of our accounts, to a post of `author`.
    pub(crate) fn by_us_to(mut self, post: &str, author: &str) -> Self {
        self.standing = Standing::Own;
        self.author = "us".into();
        self.reply_to = Some((post.into(), author.into()));
        self
    }

    pub(crate) fn reposted(mut self) -> Self {
        self.standing = Standing::Repost;
        self
    }

    pub(crate) fn quoting(mut self) -> Self {
        self.standing = Standing::Quote;
        self
    }

    /// No more than thanks.
    pub(crate) fn thanking(mut self) -> Self {
        self.standing = Standing::Goodbye;
        self
    }

    pub(crate) fn with_text(mut self, text: &str) -> Self {
        self.text = text.into();
        self
    }

    pub(crate) fn dated(mut self, time: Timestamp) -> Self {
        self.at = time;
        self
    }

    pub(crate) fn body(&self) -> Body {
        Body::Post(Box::new(Post {
            id: post_id(&self.name),
            version: None,
            author: Author {
                id: author_id(&self.author),
                handle: self.author.clone(),
                name: self.author.clone(),
                followers: Some(40),
                is_verified: false,
                is_protected: false,
            },
            conversation: conversation_id(&self.conversation),
            in_reply_to: None,
            in_reply_to_author: None,
            quotes: None,
            is_repost: self.standing == Standing::Repost,
            text: self.text.clone(),
            lang: None,
            at: self.at,
            counts: Counts::default(),
            mentions: vec![],
            hashtags: vec![],
            links: vec![],
            media: vec![],
            who_may_reply: WhoMayReply::Everyone,
            is_edited: false,
        }))
    }

    fn event(&self) -> Event {
        Event::PostMatched {
            post: post_id(&self.name),
            author: author_id(&self.author),
            conversation: conversation_id(&self.conversation),
            columns: self.columns.iter().map(|name| column(name)).collect(),
            posted_at: self.at,
            in_reply_to: self.reply_to.as_ref().map(|(post, _)| post_id(post)),
            in_reply_to_author: self.reply_to.as_ref().map(|(_, author)| author_id(author)),
            standing: self.standing,
        }
    }
}

/// A desk and the story so far.
pub(crate) struct Script {
    pub(crate) desk: Desk,
    pub(crate) told: Vec<Envelope>,
    ids: IdSource,
    now: Timestamp,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { desk: Desk::default(), told: Vec::new(), ids: IdSource::new(7), now: at("14:00") }
    }

    /// What follows is written to the log at that time.
    pub(crate) fn clock(&mut self, clock: &str) -> &mut Self {
        self.now = at(clock);
        self
    }

    pub(crate) fn tell(&mut self, rep: &str, event: Event, body: Option<Body>) -> &mut Self {
        let envelope = Envelope {
            id: EventId(self.ids.next(self.now)),
            seq: Seq(self.told.len() as u64 + 1),
            at: self.now,
            rep: RepName::new(rep),
            machine: MachineName::new("desk-1"),
            version: EVENT_VERSION,
            event,
            body,
        };
        fold(&mut self.desk, &envelope);
        self.told.push(envelope);
        self
    }

    /// As intake does it: the post, and its case where it is a customer's. It is written when it was posted.
    pub(crate) fn post(&mut self, said: &Said) -> &mut Self {
        self.now = self.now.max(said.at.min(at("+3000d 00:00")));
        self.post_late(said)
    }

    /// The same, written to the log now, whatever the post's own time.
    pub(crate) fn post_late(&mut self, said: &Said) -> &mut Self {
        self.tell("intake", said.event(), Some(said.body()));
        if said.standing.makes_case() {
            let (case, posted_at) = (case_id(&said.author, &said.conversation), said.at);
            // The log writes an event of one id once.
            let opened = |e: &Envelope| matches!(e.event, Event::CaseOpened { case: known, .. } if known == case);
            if !self.told.iter().any(opened) {
                let (author, conversation) = (author_id(&said.author), conversation_id(&said.conversation));
                let opened = Event::CaseOpened { case, author, conversation, post: post_id(&said.name), posted_at };
                self.tell("intake", opened, None);
            }
        }
        self
    }

    /// One word for one deed of a rep on a case.
    pub(crate) fn deed(&mut self, clock: &str, rep: &str, case: CaseId, deed: &str) -> &mut Self {
        self.clock(clock);
        let event = match deed {
            "claim" => Event::CaseClaimed { case },
            "release" => Event::CaseReleased { case },
            "resolve" => Event::CaseResolved {
                case,
                cause: Some("outage".into()),
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            },
            "close" => Event::CaseResolved {
                case,
                cause: None,
                outcome: Some("helped".into()),
                closing: true,
                number: None,
                undone: false,
            },
            "wake" => Event::CaseWoken { case },
            "urgent" => Event::CasePrioritised { case, high: true },
            "reopen" => Event::CaseReopened { case, undone: false },
            "note" => Event::NoteAdded { case, note: EventId(uuid::Uuid::from_u128(9)) },
            other => panic!("no deed called {other}"),
        };
        self.tell(rep, event, None)
    }

    pub(crate) fn draft(&mut self, clock: &str, rep: &str, case: CaseId, text: &str) -> &mut Self {
        let text = DraftText { text: text.into(), cursor: (0, 0) };
        let saved = Event::DraftSaved { case, purpose: Purpose::Acknowledgement, rep: None, to: None };
        self.clock(clock).tell(rep, saved, Some(Body::Draft(text)))
    }

    /// Queues with ten seconds of hold.
    #[expect(clippy::too_many_arguments, reason = "a line of a story, read from left to right")]
    pub(crate) fn queue(
        &mut self,
        clock: &str,
        rep: &str,
        reply: ReplyId,
        case: CaseId,
        to: &str,
        purpose: Purpose,
        text: &str,
    ) -> &mut Self {
        let until = at(clock).checked_add(SignedDuration::from_secs(10)).expect("within time");
        let account = AccountName::new("charter");
        let event = Event::ReplyQueued { reply, case, to: post_id(to), purpose, account, until, session: session(1) };
        self.clock(clock).tell(rep, event, Some(Body::Reply(text.into())))
    }

    /// Queued, attempted and sent within the minute.
    pub(crate) fn answer(
        &mut self,
        clock: &str,
        rep: &str,
        n: u128,
        case: CaseId,
        to: &str,
        purpose: Purpose,
    ) -> &mut Self {
        let reply = reply_id(n);
        self.queue(clock, rep, reply, case, to, purpose, &format!("@x our words number {n}"));
        self.tell(rep, Event::ReplyAttempted { reply, case, session: session(1) }, None);
        self.tell(rep, Event::ReplySent { reply, case, post: post_id(&format!("ours-{n}")) }, None)
    }

    pub(crate) fn case(&self, author: &str, conversation: &str) -> &Case {
        self.desk.cases.get(&case_id(author, conversation)).expect("the desk holds the case")
    }

    pub(crate) fn reply(&self, n: u128) -> &Reply {
        self.desk.replies.get(&reply_id(n)).expect("the desk holds the reply")
    }

    /// The whole story folded anew.
    pub(crate) fn again(&self) -> Desk {
        let mut desk = Desk::default();
        for envelope in &self.told {
            fold(&mut desk, envelope);
        }
        desk
    }
}

pub(crate) fn session(n: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(n))
}

pub(crate) fn reply_id(n: u128) -> ReplyId {
    ReplyId(uuid::Uuid::from_u128(n))
}

pub(crate) fn gap_id(n: u128) -> GapId {
    GapId(uuid::Uuid::from_u128(n))
}
