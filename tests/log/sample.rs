//! Events and texts to append.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use replydeck::model::event::Standing;
use replydeck::model::post::{Counts, WhoMayReply};
use replydeck::model::{
    AccountName, Author, AuthorId, Body, CaseId, ColumnName, ConversationId, Envelope, Event, EventId, MachineName,
    NetworkKind, NewEvent, Post, PostId, Purpose, RepName, ReplyId, SessionId,
};
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

/// 2026-03-01T12:00:00Z plus so many seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_772_366_400 + seconds).expect("a time in range")
}

pub(crate) fn post_id(n: u64) -> PostId {
    PostId::new(NetworkKind::X, &n.to_string())
}

pub(crate) fn author_id(n: u64) -> AuthorId {
    AuthorId::new(NetworkKind::X, &n.to_string())
}

pub(crate) fn conversation() -> ConversationId {
    ConversationId::new(NetworkKind::X, "1")
}

pub(crate) fn case(n: u64) -> CaseId {
    CaseId::of(&author_id(n), &conversation())
}

pub(crate) fn post(n: u64, text: &str) -> Post {
    Post {
        id: post_id(n),
        version: None,
        author: Author {
            id: author_id(n % 10),
            handle: format!("customer{}", n % 10),
            name: "A Customer".to_owned(),
            followers: Some(12),
            is_verified: false,
            is_protected: false,
        },
        conversation: conversation(),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text: text.to_owned(),
        lang: None,
        at: at(i64::try_from(n).expect("small")),
        counts: Counts::default(),
        mentions: Vec::new(),
        hashtags: Vec::new(),
        links: Vec::new(),
        media: Vec::new(),
        who_may_reply: WhoMayReply::Everyone,
        is_edited: false,
    }
}

pub(crate) fn new(name: &str, event: Event, body: Option<Body>) -> NewEvent {
    NewEvent {
        id: EventId::of("test", &[name]),
        at: at(0),
        rep: RepName::new("ana"),
        machine: MachineName::new("desk-1"),
        event,
        body,
    }
}

/// Post number `n`, matched by these columns.
pub(crate) fn matched_by(n: u64, text: &str, columns: &[&str]) -> NewEvent {
    let post = post(n, text);
    let event = Event::PostMatched {
        post: post.id.clone(),
        author: post.author.id.clone(),
        conversation: post.conversation.clone(),
        columns: columns.iter().map(|name| ColumnName::new(name)).collect(),
        posted_at: post.at,
        in_reply_to: None,
        in_reply_to_author: None,
        standing: Standing::Customer,
    };
    new(&format!("matched {n} {columns:?}"), event, Some(Body::Post(Box::new(post))))
}

pub(crate) fn matched(n: u64, text: &str) -> NewEvent {
    matched_by(n, text, &["outage"])
}

pub(crate) fn claimed(name: &str, rep: &str, n: u64) -> NewEvent {
    NewEvent { rep: RepName::new(rep), ..new(name, Event::CaseClaimed { case: case(n) }, None) }
}

pub(crate) fn queued(n: u64, text: &str) -> NewEvent {
    let event = Event::ReplyQueued {
        reply: ReplyId(Uuid::from_u128(n.into())),
        case: case(n % 10),
        to: post_id(n),
        purpose: Purpose::Acknowledgement,
        account: AccountName::new("charter"),
        until: at(10),
        session: SessionId(Uuid::from_u128(7)),
    };
    new(&format!("queued {n}"), event, Some(Body::Reply(text.to_owned())))
}

/// The next `count` envelopes of a subscription.
pub(crate) async fn take(receiver: &mut Receiver<Vec<Arc<Envelope>>>, count: usize) -> Vec<Arc<Envelope>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let batch = tokio::time::timeout(Duration::from_secs(30), receiver.recv())
            .await
            .unwrap_or_else(|_| panic!("only {} of {count} envelopes came", taken.len()))
            .expect("the subscription goes on");
        assert!(!batch.is_empty(), "a batch is never empty");
        taken.extend(batch);
    }
    assert_eq!(taken.len(), count);
    taken
}

pub(crate) fn seqs(envelopes: &[Arc<Envelope>]) -> Vec<u64> {
    envelopes.iter().map(|envelope| envelope.seq.0).collect()
}
