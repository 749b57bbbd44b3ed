//! A long history made from a seed: customers write, reps answer and resolve, columns overlap. Used by the
//! properties and by the bench of the fold.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::post::Counts;
use replydeck::model::{
    AccountName, Author, AuthorId, Body, BodyId, CaseId, ColumnName, ConversationId, DraftText, Envelope, Event,
    EventId, GapFill, GapId, MachineName, NetworkKind, Post, PostId, Purpose, RepName, ReplyId, Seq, SessionId,
};

/// The words of every text here, so that a test can look for them where they must not be.
pub(crate) const MARKER: &str = "zzMARKERzz";

/// Makes the next envelope on demand; the same seed makes the same history.
pub(crate) struct History {
    random: u64,
    seq: u64,
    now: Timestamp,
    /// Of 100 cases so many are resolved soon.
    pub(crate) resolved_percent: u64,
    pub(crate) columns: u64,
    /// Each event draws from the latest so many posts.
    recent: Vec<(PostId, AuthorId, ConversationId, Timestamp)>,
    replies: Vec<(ReplyId, CaseId)>,
    made: u64,
    /// What a store would hold.
    pub(crate) bodies: HashMap<BodyId, Body>,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            seq: 0,
            now: "2026-11-21T08:00:00Z".parse().expect("a time"),
            resolved_percent: 90,
            columns: 8,
            recent: Vec::new(),
            replies: Vec::new(),
            made: 0,
            bodies: HashMap::new(),
        }
    }

    /// Xorshift: chance from a seed, the same everywhere.
    fn roll(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % below.max(1)
    }

    fn some_column(&mut self) -> ColumnName {
        let columns = self.columns;
        ColumnName::new(&format!("column-{}", self.roll(columns)))
    }

    fn post(&mut self) -> (Event, Option<Body>) {
        self.made += 1;
        let post = PostId::new(NetworkKind::X, &format!("17890000{:011}", self.made));
        let known = (self.roll(4) == 0 && !self.recent.is_empty()).then(|| {
            let at = self.roll(self.recent.len() as u64);
            self.recent[usize::try_from(at).expect("an index")].clone()
        });
        let age = match self.roll(50) {
            0 => SignedDuration::from_hours(30),
            1 => SignedDuration::from_hours(-48),
            _ => SignedDuration::from_secs(5),
        };
        let posted_at = self.now.checked_sub(age).expect("within time");
        let (author, conversation) = match &known {
            Some((_, author, conversation, _)) => (author.clone(), conversation.clone()),
            None => (
                AuthorId::new(NetworkKind::X, &format!("38051{:06}", self.roll(20_000))),
                ConversationId::new(NetworkKind::X, post.native()),
            ),
        };
        let standing = match self.roll(20) {
            0 => Standing::Repost,
            1 if known.is_some() => Standing::Own,
            2 => Standing::Quote,
            3 => Standing::Goodbye,
            _ => Standing::Customer,
        };
        let columns = (0..=self.roll(2)).map(|_| self.some_column()).collect();
        let (writer, in_reply_to_author) = match standing {
            Standing::Own => (AuthorId::new(NetworkKind::X, "1"), Some(author.clone())),
            Standing::Customer | Standing::Goodbye | Standing::Repost | Standing::Quote => (author.clone(), None),
        };
        if standing.makes_case() {
            self.recent.push((post.clone(), author, conversation.clone(), posted_at));
            if self.recent.len() > 2_000 {
                self.recent.swap_remove(0);
            }
        }
        let body = text_of(&post, &writer, &conversation, posted_at, self.made);
        self.bodies.insert(BodyId::post(&post), body.clone());
        let event = Event::PostMatched {
            in_reply_to: known.map(|(post, ..)| post),
            post,
            author: writer,
            conversation,
            columns,
            posted_at,
            in_reply_to_author,
            standing,
        };
        (event, Some(body))
    }

    fn deed(&mut self) -> (Event, Option<Body>) {
        let at = usize::try_from(self.roll(self.recent.len() as u64)).expect("an index");
        let Some((post, author, conversation, posted_at)) = self.recent.get(at).cloned() else { return self.post() };
        let case = CaseId::of(&author, &conversation);
        let purpose = Purpose::ALL[usize::try_from(self.roll(3)).expect("an index")];
        let gap = GapId(uuid::Uuid::from_u128(u128::from(self.roll(50))));
        match self.roll(24) {
            0 => (Event::CaseClaimed { case }, None),
            1 => (Event::CaseReleased { case }, None),
            2 => (Event::CaseTagged { case, tag: format!("tag-{}", self.roll(9)), on: true }, None),
            3 => {
                let body = Body::Draft(DraftText { text: format!("{MARKER} draft {}", self.seq), cursor: (0, 1) });
                self.bodies.insert(BodyId::draft(case, purpose), body.clone());
                (Event::DraftSaved { case, purpose, rep: None, to: None }, Some(body))
            }
            4 => (Event::DraftDropped { case, purpose, rep: None }, None),
            5..=7 => {
                let reply = ReplyId(uuid::Uuid::from_u128(u128::from(self.seq)));
                self.replies.push((reply, case));
                let body = Body::Reply(format!("{MARKER} reply {}", self.seq));
                self.bodies.insert(BodyId::reply(reply), body.clone());
                let (account, session) = (AccountName::new("charter"), SessionId(uuid::Uuid::nil()));
                (Event::ReplyQueued { reply, case, to: post, purpose, account, until: self.now, session }, Some(body))
            }
            8..=14 => {
                let Some((reply, case)) = self.replies.pop() else { return self.post() };
                let session = SessionId(uuid::Uuid::nil());
                let why = || "the network said no".to_owned();
                let event = match self.roll(8) {
                    0 => Event::ReplyRecalled { reply, case },
                    1 => Event::ReplyDropped { reply, case },
                    2 => {
                        self.replies.insert(0, (reply, case));
                        Event::ReplyAttempted { reply, case, session }
                    }
                    3 => {
                        self.replies.insert(0, (reply, case));
                        Event::ReplyFailed { reply, case, why: why(), may_retry: true }
                    }
                    4 => {
                        self.replies.insert(0, (reply, case));
                        Event::ReplyParked { reply, case, why: why() }
                    }
                    _ => Event::ReplySent { reply, case, post: PostId::new(NetworkKind::X, &format!("9{}", self.seq)) },
                };
                (event, None)
            }
            15 => (Event::PostDeleted { post }, None),
            16 => {
                let body = text_of(&post, &author, &conversation, posted_at, self.seq);
                self.bodies.insert(BodyId::post(&post), body.clone());
                (Event::PostEdited { post }, Some(body))
            }
            17 => {
                let body = match self.roll(3) {
                    0 => BodyId::post(&post),
                    1 => BodyId::draft(case, purpose),
                    _ => self.replies.last().map_or(BodyId::post(&post), |(reply, _)| BodyId::reply(*reply)),
                };
                self.bodies.remove(&body);
                (Event::BodyErased { body }, None)
            }
            18 => {
                let columns = vec![self.some_column(), self.some_column()];
                let gap = GapId(uuid::Uuid::from_u128(u128::from(self.seq)));
                (Event::GapOpened { gap, columns, from: self.now, account: None }, None)
            }
            19 => {
                (Event::GapClosed { gap: GapId(uuid::Uuid::from_u128(u128::from(self.seq - 1))), to: self.now }, None)
            }
            20 => (Event::GapFilled { gap, fill: GapFill::Filled { posts: 3 } }, None),
            21 => (Event::CaseReopened { case, undone: false }, None),
            22 => {
                // Again for a further column. The store's text at that moment comes along.
                let body = self.bodies.get(&BodyId::post(&post)).cloned();
                let columns = vec![self.some_column()];
                let (in_reply_to, in_reply_to_author) = (None, None);
                let standing = Standing::Customer;
                (
                    Event::PostMatched {
                        post,
                        author,
                        conversation,
                        columns,
                        posted_at,
                        in_reply_to,
                        in_reply_to_author,
                        standing,
                    },
                    body,
                )
            }
            _ => (
                Event::ReplyHandedOver {
                    reply: ReplyId(uuid::Uuid::from_u128(u128::from(self.seq))),
                    case,
                    to: post,
                    purpose,
                    account: AccountName::new("charter"),
                },
                None,
            ),
        }
    }

    /// The case of a random recent post is resolved.
    fn resolve(&mut self) -> (Event, Option<Body>) {
        let at = usize::try_from(self.roll(self.recent.len() as u64)).expect("an index");
        let Some((_, author, conversation, _)) = self.recent.get(at).cloned() else { return self.post() };
        if self.roll(100) < self.resolved_percent {
            // It is drawn no more, as a case that is done.
            self.recent.swap_remove(at);
        }
        (
            Event::CaseResolved {
                case: CaseId::of(&author, &conversation),
                cause: Some("outage".into()),
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            },
            None,
        )
    }
}

impl Iterator for History {
    type Item = Envelope;

    fn next(&mut self) -> Option<Envelope> {
        self.seq += 1;
        self.now = self.now.checked_add(SignedDuration::from_millis(1_500)).ok()?;
        let (event, body) = match self.roll(100) {
            0..=44 => self.post(),
            roll if roll < 45 + self.resolved_percent * 45 / 100 => self.resolve(),
            _ => self.deed(),
        };
        Some(Envelope {
            id: EventId(uuid::Uuid::from_u128(u128::from(self.seq))),
            seq: Seq(self.seq),
            at: self.now,
            rep: RepName::new(if self.seq.is_multiple_of(3) { "ana" } else { "bo" }),
            machine: MachineName::new("desk-1"),
            version: EVENT_VERSION,
            event,
            body,
        })
    }
}

pub(crate) fn text_of(post: &PostId, author: &AuthorId, conversation: &ConversationId, at: Timestamp, n: u64) -> Body {
    Body::Post(Box::new(Post {
        id: post.clone(),
        version: None,
        author: Author {
            id: author.clone(),
            handle: format!("{MARKER}{}", author.native()),
            name: format!("{MARKER} of {}", author.native()),
            followers: Some(n % 900),
            is_verified: false,
            is_protected: false,
        },
        conversation: conversation.clone(),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text: format!("{MARKER} the line has been down since noon and nobody picks up, number {n}"),
        lang: None,
        at,
        counts: Counts::default(),
        mentions: Vec::new(),
        hashtags: Vec::new(),
        links: Vec::new(),
        media: Vec::new(),
        who_may_reply: replydeck::model::post::WhoMayReply::Everyone,
        is_edited: false,
    }))
}
