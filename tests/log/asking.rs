//! What the operators of a search find, on both stores: the case as it stands, not every word that was ever said of it.

use std::sync::Arc;

use replydeck::log::Log;
use replydeck::log::codec::{case_of_post, encode_body};
use replydeck::log::memory::MemoryLog;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::event::Standing;
use replydeck::model::post::Quoted;
use replydeck::model::{
    AccountName, AuthorId, Body, BodyId, CaseId, ColumnName, ConversationId, Event, EventId, MachineName, Message,
    MessageId, NetworkKind, NewEvent, NoteText, Purpose, RepName, ReplyId, Search, SessionId, key,
};
use replydeck::run::searching;
use uuid::Uuid;

use super::sample::{at, post, post_id};

fn author(n: u64) -> AuthorId {
    AuthorId::new(NetworkKind::X, &format!("a{n}"))
}

fn conversation(n: u64) -> ConversationId {
    ConversationId::new(NetworkKind::X, &n.to_string())
}

fn case(n: u64) -> CaseId {
    CaseId::of(&author(n), &conversation(n))
}

/// A log being written: each event by a rep, in order.
#[derive(Default)]
struct Told(Vec<NewEvent>);

impl Told {
    fn by(&mut self, rep: &str, event: Event, body: Option<Body>) {
        let n = self.0.len();
        self.0.push(NewEvent {
            id: EventId::of("asking", &[&n.to_string()]),
            at: at(i64::try_from(n).expect("few")),
            rep: RepName::new(rep),
            machine: MachineName::new("desk"),
            event,
            body,
        });
    }

    /// Post `n`, its case of the same number.
    fn posted(&mut self, n: u64, text: &str) {
        let mut body = post(n, text);
        body.author.id = author(n);
        body.conversation = conversation(n);
        let posted_at = body.at;
        let opened = Event::CaseOpened {
            case: case(n),
            author: author(n),
            conversation: conversation(n),
            post: body.id.clone(),
            posted_at,
        };
        let matched = Event::PostMatched {
            post: body.id.clone(),
            author: author(n),
            conversation: conversation(n),
            columns: vec![ColumnName::new("outage")],
            posted_at,
            in_reply_to: None,
            in_reply_to_author: None,
            standing: Standing::Customer,
        };
        self.by("intake", opened, None);
        self.by("intake", matched, Some(Body::Post(Box::new(body))));
    }

    fn resolved(&mut self, rep: &str, n: u64, cause: &str) {
        let (case, cause) = (case(n), Some(cause.to_owned()));
        self.by(
            rep,
            Event::CaseResolved { case, cause, outcome: None, closing: false, number: Some(n), undone: false },
            None,
        );
    }

    fn tagged(&mut self, n: u64, tag: &str, on: bool) {
        self.by("ana", Event::CaseTagged { case: case(n), tag: tag.to_owned(), on }, None);
    }
}

async fn stores(told: Told) -> (tempfile::TempDir, [Arc<dyn Log>; 2]) {
    let dir = tempfile::tempdir().expect("a folder");
    let sqlite = SqliteLog::open(dir.path()).expect("opens");
    let memory = MemoryLog::new();
    for log in [&sqlite as &dyn Log, &memory] {
        log.append(told.0.clone(), None).await.expect("written");
    }
    (dir, [Arc::new(sqlite), Arc::new(memory)])
}

/// The posts' and notes' numbers that a search finds.
async fn found(log: &dyn Log, words: &str) -> Vec<String> {
    found_before(log, words, None).await
}

async fn found_before(log: &dyn Log, words: &str, before: Option<jiff::Timestamp>) -> Vec<String> {
    let mut search = Search::parse(words, at(10_000), &jiff::tz::TimeZone::UTC).expect("a search");
    search.between.before = before;
    let found = searching::search(log, &search, 50).await.expect("answered");
    let mut ids: Vec<_> = found.hits.iter().map(|hit| hit.id.as_str().to_owned()).collect();
    ids.sort_unstable();
    ids
}

fn posts(numbers: &[u64]) -> Vec<String> {
    let mut ids: Vec<_> = numbers.iter().map(|n| BodyId::post(&post_id(*n)).as_str().to_owned()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn what_was_taken_back_is_not_found() {
    let mut told = Told::default();
    for n in 1..=4 {
        told.posted(n, "slow line");
    }
    told.resolved("ana", 1, "outage");
    told.resolved("bo", 2, "outage");
    told.by("bo", Event::CaseReopened { case: case(2), undone: true }, None);
    // Claimed by them all the same.
    told.by("cy", Event::CaseClaimed { case: case(3) }, None);
    told.resolved("cy", 3, "outage");
    told.by("cy", Event::CaseReopened { case: case(3), undone: true }, None);
    // Taken up again by a rep: it had that cause.
    told.resolved("bo", 4, "outage");
    told.by("bo", Event::CaseReopened { case: case(4), undone: false }, None);
    told.tagged(1, "vip", true);
    told.tagged(2, "vip", true);
    told.tagged(2, "vip", false);
    let (_dir, logs) = stores(told).await;
    for log in &logs {
        for (words, expected) in [
            ("cause:outage", posts(&[1, 4])),
            ("cause:outage slow", posts(&[1, 4])),
            ("rep:bo", posts(&[4])),
            ("rep:cy", posts(&[3])),
            ("rep:bo cause:outage line", posts(&[4])),
            ("tag:vip", posts(&[1])),
            ("tag:vip rep:ana cause:OUTAGE", posts(&[1])),
            ("tag:vip rep:bo", posts(&[])),
            ("from:x:a2 cause:outage", posts(&[])),
            ("from:x:a4 cause:outage", posts(&[4])),
        ] {
            assert_eq!(found(&**log, words).await, expected, "{words} in {log:?}");
        }
    }
}

#[tokio::test]
async fn old_texts_of_many_cases_are_found_by_their_words_and_time() {
    let mut told = Told::default();
    for n in 1..=400 {
        told.posted(n, if n % 100 == 0 { "slow router" } else { "slow line" });
        told.by("ana", Event::CaseClaimed { case: case(n) }, None);
        told.resolved(if n % 2 == 0 { "ana" } else { "bo" }, n, "outage");
    }
    let note = EventId(Uuid::from_u128(5));
    let words = Body::Note(NoteText::new("the router is old"));
    told.by("cy", Event::NoteAdded { case: case(100), note }, Some(words));
    let (_dir, logs) = stores(told).await;
    let of_note = BodyId::note(note).as_str().to_owned();
    for log in &logs {
        let mut all = posts(&[100, 200, 300, 400]);
        all.push(of_note.clone());
        all.sort_unstable();
        assert_eq!(found(&**log, "cause:outage router").await, all);
        assert_eq!(found(&**log, "rep:bo router").await, posts(&[]), "evens are ana's");
        let mut of_cy = posts(&[100]);
        of_cy.push(of_note.clone());
        of_cy.sort_unstable();
        assert_eq!(found(&**log, "rep:cy").await, of_cy);
        // The oldest, though hundreds of cases were changed after it.
        assert_eq!(found_before(&**log, "rep:ana slow", Some(at(3))).await, posts(&[1, 2]));
        let groups = vec![vec![key::rep("ana")], vec![key::cause("outage"), key::cause("none")]];
        let cases = log.cases_of_keys(groups.clone(), 3).await.expect("answered");
        assert_eq!(cases.len(), 3);
        assert!(log.cases_of_keys(vec![vec![key::rep("nobody")]], 3).await.expect("answered").is_empty());
        let hits = log.search_of_keys("slow".to_owned(), replydeck::model::Between::default(), groups, 10, 4);
        let cases: Vec<_> = hits.await.expect("answered").into_iter().map(|(case, _)| case).collect();
        assert_eq!(cases, [case(400), case(399), case(398), case(397)]);
        let of_author = log.posts_in(author(7), conversation(7), 5).await.expect("answered");
        assert_eq!(of_author.len(), 1);
        assert!(log.posts_in(author(7), conversation(70), 5).await.expect("answered").is_empty());
    }
}

/// What we said in public and in private is stored as it was confirmed and as the network shows it.
#[tokio::test]
async fn a_reply_that_is_out_is_found_once() {
    let mut told = Told::default();
    let reply = |n: u128| ReplyId(Uuid::from_u128(n));
    let message = MessageId::new(NetworkKind::X, "m3");
    let queue = |told: &mut Told, n: u64, words: &str| {
        let event = Event::ReplyQueued {
            reply: reply(n.into()),
            case: case(n),
            to: post_id(n),
            purpose: if n == 3 { Purpose::DirectMessage } else { Purpose::Acknowledgement },
            account: AccountName::new("help"),
            until: at(0),
            session: SessionId(Uuid::nil()),
        };
        told.by("ana", event, Some(Body::Reply(words.to_owned())));
    };
    let own = |told: &mut Told, n: u64, to: u64, words: &str| {
        let mut body = post(n, words);
        (body.author.id, body.in_reply_to) = (author(99), Some(post_id(to)));
        body.conversation = conversation(to);
        let matched = Event::PostMatched {
            post: body.id.clone(),
            author: author(99),
            conversation: conversation(to),
            columns: vec![],
            posted_at: body.at,
            in_reply_to: body.in_reply_to.clone(),
            in_reply_to_author: None,
            standing: Standing::Own,
        };
        told.by("intake", matched, Some(Body::Post(Box::new(body))));
    };
    for n in 1..=5 {
        told.posted(n, "slow line");
    }
    // Two customers got the same words; the second's reply is not out yet.
    queue(&mut told, 1, "@c1 a fitter comes https://acme.example/fitter");
    told.by("ana", Event::ReplySent { reply: reply(1), case: case(1), post: post_id(51) }, None);
    own(&mut told, 51, 1, "a fitter comes https://t.co/abc");
    queue(&mut told, 2, "@c2 a fitter comes https://acme.example/fitter");
    // A direct message.
    queue(&mut told, 3, "your fitter is Jo");
    told.by("ana", Event::ReplyDelivered { reply: reply(3), case: case(3), message: message.clone() }, None);
    let sent_at = at(60);
    let body = Message {
        id: message.clone(),
        with: author(3),
        handle: "c3".to_owned(),
        text: "your fitter is Jo".to_owned(),
        at: sent_at,
        is_ours: true,
    };
    let sent = Event::DmSent { message: message.clone(), to: author(3), account: AccountName::new("help"), sent_at };
    told.by("intake", sent, Some(Body::Message(Box::new(body))));
    // Taken to the network's own page and posted there.
    let handed = Event::ReplyHandedOver {
        reply: reply(4),
        case: case(4),
        to: post_id(4),
        purpose: Purpose::Acknowledgement,
        account: AccountName::new("help"),
    };
    told.by("ana", handed, Some(Body::Reply("@c4 ask the fitter".to_owned())));
    own(&mut told, 54, 4, "@c4 ask the fitter");
    let (_dir, logs) = stores(told).await;
    let mut expected = posts(&[51, 54]);
    expected.push(BodyId::reply(reply(2)).as_str().to_owned());
    expected.push(BodyId::message(&message).as_str().to_owned());
    expected.sort_unstable();
    for log in &logs {
        assert_eq!(found(&**log, "fitter").await, expected, "{log:?}");
    }
}

#[test]
fn a_stored_posts_case_is_read_from_its_ids_whatever_its_text_says() {
    let mut body = post(7, "\"conversation\":\"x:1\", \"author\":{\"id\":\"x:2\"} \\\"conversation\":\"x:3\"");
    body.author.name.clone_from(&body.text);
    body.quotes = Some(Quoted { id: post_id(1), author: Some(author(2)), text: body.text.clone() });
    for of in ["99", "odd \"quoted\" \\ id"] {
        body.conversation = ConversationId::new(NetworkKind::X, of);
        let expected = CaseId::of(&body.author.id, &body.conversation);
        let json = encode_body(&Body::Post(Box::new(body.clone()))).expect("written");
        assert_eq!(case_of_post(&json), Some(expected), "{json}");
    }
    let note = encode_body(&Body::Note(NoteText::new("words"))).expect("written");
    assert_eq!(case_of_post(&note), None);
}
