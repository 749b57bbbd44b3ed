//! What every back end must do.

use std::time::Duration;

use replydeck::log::codec::Stored;
use replydeck::log::memory::MemoryLog;
use replydeck::log::sqlite::{FILE, SqliteLog};
use replydeck::log::{AppendError, Log, LogError, SUBSCRIPTION_BATCHES};
use replydeck::model::{
    Body, BodyId, ColumnName, DraftText, Event, EventId, Expect, Hit, MachineName, NewEvent, PostId, Purpose, RepName,
    Seq,
};
use tempfile::TempDir;

use super::sample::{at, author_id, case, claimed, matched, matched_by, new, post, post_id, queued, seqs, take};

pub(super) enum Kind {
    Memory(MemoryLog),
    Sqlite(SqliteLog, TempDir),
}

pub(super) struct Store(Kind);

impl Store {
    pub(super) fn memory() -> Self {
        Self(Kind::Memory(MemoryLog::new()))
    }

    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(dir.path()).expect("a new store opens");
        Self(Kind::Sqlite(log, dir))
    }

    pub(super) fn log(&self) -> &dyn Log {
        match &self.0 {
            Kind::Memory(log) => log,
            Kind::Sqlite(log, _) => log,
        }
    }

    /// Puts in an event as a later program would.
    fn append_stored(&self, name: &str, stored: Stored) {
        let id = EventId::of("test", &[name]);
        match &self.0 {
            Kind::Memory(log) => {
                log.append_stored(id, at(0), RepName::new("zoe"), MachineName::new("desk-9"), stored);
            }
            Kind::Sqlite(_, dir) => {
                let db = rusqlite::Connection::open(dir.path().join(FILE)).expect("the file opens");
                let done = db.execute(
                    "INSERT INTO events (near, id, at, rep, machine, version, kind, payload, contends)
                     VALUES (0, ?1, 0, 'zoe', 'desk-9', ?2, ?3, ?4, 0)",
                    rusqlite::params![id.0.as_bytes(), stored.version, stored.kind, stored.payload],
                );
                assert_eq!(done, Ok(1));
            }
        }
    }

    async fn close(&self) {
        match &self.0 {
            Kind::Memory(log) => log.close(),
            Kind::Sqlite(log, _) => log.close().await,
        }
    }
}

macro_rules! over_every_back_end {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::Store::memory()).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::Store::sqlite()).await;
            })*
        }
    };
}

pub(super) use over_every_back_end;

over_every_back_end! {
    what_is_appended_comes_out_in_order_with_its_texts
    an_event_is_written_once
    a_reader_may_start_anywhere
    a_slow_reader_misses_nothing_and_holds_nobody_up
    a_dropped_reader_is_no_trouble
    the_second_of_two_claims_learns_of_the_first
    only_what_contends_counts_in_compare_and_set
    a_batch_sent_again_is_not_its_own_rival
    a_refused_batch_leaves_nothing
    what_was_erased_is_gone_and_its_events_stay
    an_edit_replaces_the_text
    drafts_are_replaced_and_never_found
    events_of_later_programs_are_kept
    an_unknown_event_or_a_stray_text_is_refused
    older_posts_of_a_column_come_in_pages
    posts_of_one_author_and_events_of_one_case
    events_come_in_pages_without_texts
    the_first_event_since_a_moment_is_known
    the_newest_checkpoint_of_a_kind_is_kept
    a_large_text_comes_back_whole
    a_closed_log_ends_its_readers_and_says_so
}

pub(super) async fn append(log: &dyn Log, batch: Vec<NewEvent>) -> Seq {
    log.append(batch, None).await.expect("the batch is written")
}

pub(super) async fn found(log: &dyn Log, words: &str) -> Vec<String> {
    texts(&log.search(words.to_owned(), 50).await.expect("the search is answered"))
}

pub(super) fn texts(hits: &[Hit]) -> Vec<String> {
    hits.iter().map(|hit| hit.body.searchable().expect("only such texts are found").to_owned()).collect()
}

async fn what_is_appended_comes_out_in_order_with_its_texts(store: &Store) {
    let log = store.log();
    let mut live = log.subscribe(Seq(0));
    assert_eq!(log.last().await.expect("answered"), Seq(0));
    let batch = vec![matched(1, "slow"), matched(2, "slower"), claimed("c", "ana", 1)];
    assert_eq!(append(log, batch.clone()).await, Seq(3));
    assert_eq!(append(log, vec![queued(4, "We are on it")]).await, Seq(4));
    let seen = take(&mut live, 4).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4]);
    for (sent, got) in batch.iter().zip(&seen) {
        assert_eq!((sent.id, sent.at, &sent.rep, &sent.machine), (got.id, got.at, &got.rep, &got.machine));
        assert_eq!((&sent.event, &sent.body, got.version), (&got.event, &got.body, 1));
    }
    assert_eq!(seen[3].body, Some(Body::Reply("We are on it".to_owned())));
    assert_eq!(log.last().await.expect("answered"), Seq(4));
    log.flush().await.expect("on the disk");
    let replayed = take(&mut log.subscribe(Seq(0)), 4).await;
    assert_eq!(replayed, seen, "a replay shows what was seen live");
}

async fn an_event_is_written_once(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "first"), matched(2, "second")]).await;
    // The same ids, one with another text, and a new event behind them.
    let last = append(log, vec![matched(1, "not this"), matched(2, "second"), matched(3, "third")]).await;
    assert_eq!(last, Seq(3));
    assert_eq!(append(log, vec![matched(2, "second")]).await, Seq(2), "the place it has");
    assert_eq!(append(log, Vec::new()).await, Seq(3), "nothing to write: the last place");
    let seen = take(&mut log.subscribe(Seq(0)), 3).await;
    assert_eq!(seen[0].body, Some(Body::Post(Box::new(post(1, "first")))));
    assert_eq!(found(log, "not this").await, Vec::<String>::new());
    // A network that tells another time for the same post.
    let mut moved = matched(1, "first");
    if let Event::PostMatched { posted_at, .. } = &mut moved.event {
        *posted_at = at(5000);
    }
    assert_eq!(append(log, vec![moved]).await, Seq(1));
    assert_eq!(log.last().await.expect("answered"), Seq(3));
}

async fn a_reader_may_start_anywhere(store: &Store) {
    let log = store.log();
    append(log, (1..=600).map(|n| matched(n, "x")).collect()).await;
    assert_eq!(seqs(&take(&mut log.subscribe(Seq(598)), 2).await), [599, 600]);
    let mut late = log.subscribe(Seq(600));
    append(log, vec![matched(601, "x")]).await;
    assert_eq!(seqs(&take(&mut late, 1).await), [601]);
    let all = take(&mut log.subscribe(Seq(0)), 601).await;
    assert_eq!(seqs(&all), (1..=601).collect::<Vec<u64>>());
}

async fn a_slow_reader_misses_nothing_and_holds_nobody_up(store: &Store) {
    let log = store.log();
    let mut slow = log.subscribe(Seq(0));
    let mut quick = log.subscribe(Seq(0));
    let mut appended = 0;
    // Many small batches, far more than may wait for a reader.
    for round in 0..(SUBSCRIPTION_BATCHES as u64 * 3) {
        append(log, (0..100).map(|n| matched(round * 100 + n + 1, "x")).collect()).await;
        appended += 100;
        assert_eq!(take(&mut quick, 100).await.len(), 100);
    }
    let all = take(&mut slow, appended).await;
    assert_eq!(seqs(&all), (1..=appended as u64).collect::<Vec<u64>>());
}

async fn a_dropped_reader_is_no_trouble(store: &Store) {
    let log = store.log();
    drop(log.subscribe(Seq(0)));
    let mut stays = log.subscribe(Seq(0));
    append(log, vec![matched(1, "x")]).await;
    drop(log.subscribe(Seq(0)));
    append(log, vec![matched(2, "x")]).await;
    assert_eq!(seqs(&take(&mut stays, 2).await), [1, 2]);
}

async fn the_second_of_two_claims_learns_of_the_first(store: &Store) {
    let log = store.log();
    let known = Seq(0);
    let first = log.append(vec![claimed("a", "ana", 1)], Some(Expect { case: case(1), seq: known })).await;
    assert_eq!(first.expect("nobody was there"), Seq(1));
    let second = log.append(vec![claimed("b", "ben", 1)], Some(Expect { case: case(1), seq: known })).await;
    let Err(AppendError::Conflict { winner }) = second else { panic!("ben must lose: {second:?}") };
    assert_eq!(
        (winner.seq, winner.rep.as_str(), &winner.event),
        (Seq(1), "ana", &Event::CaseClaimed { case: case(1) })
    );
    let other = log.append(vec![claimed("c", "ben", 2)], Some(Expect { case: case(2), seq: known })).await;
    assert_eq!(other.expect("another case"), Seq(2));
    let informed = log.append(vec![claimed("d", "ben", 1)], Some(Expect { case: case(1), seq: Seq(1) })).await;
    assert_eq!(informed.expect("ben knows of the claim now"), Seq(3));
}

async fn only_what_contends_counts_in_compare_and_set(store: &Store) {
    let log = store.log();
    let tag = Event::CaseTagged { case: case(1), tag: "billing".to_owned(), on: true };
    append(
        log,
        vec![
            new("t", tag, None),
            new("o", Event::DraftDropped { case: case(1), purpose: Purpose::Both, rep: None }, None),
        ],
    )
    .await;
    let claim = log.append(vec![claimed("a", "ana", 1)], Some(Expect { case: case(1), seq: Seq(0) })).await;
    assert_eq!(claim.expect("a tag is no rival"), Seq(3));
    let reply = log.append(vec![queued(1, "x")], Some(Expect { case: case(1), seq: Seq(3) })).await;
    assert_eq!(reply.expect("nothing since"), Seq(4));
    let late = log.append(vec![claimed("b", "ben", 1)], Some(Expect { case: case(1), seq: Seq(3) })).await;
    let Err(AppendError::Conflict { winner }) = late else { panic!("a queued reply is a rival: {late:?}") };
    assert_eq!(winner.body, Some(Body::Reply("x".to_owned())), "the winner comes with its text");
}

async fn a_batch_sent_again_is_not_its_own_rival(store: &Store) {
    let log = store.log();
    let expect = Some(Expect { case: case(1), seq: Seq(0) });
    for _ in 0..2 {
        assert_eq!(log.append(vec![claimed("a", "ana", 1)], expect).await.expect("the same claim"), Seq(1));
    }
}

async fn a_refused_batch_leaves_nothing(store: &Store) {
    let log = store.log();
    append(log, vec![claimed("a", "ana", 1)]).await;
    let batch = vec![matched(5, "half written?"), claimed("b", "ben", 1)];
    let refused = log.append(batch, Some(Expect { case: case(1), seq: Seq(0) })).await;
    assert!(matches!(refused, Err(AppendError::Conflict { .. })), "{refused:?}");
    assert_eq!(log.last().await.expect("answered"), Seq(1));
    assert_eq!(found(log, "half").await, Vec::<String>::new());
    assert_eq!(log.bodies(vec![BodyId::post(&post_id(5))]).await.expect("answered"), []);
}

async fn what_was_erased_is_gone_and_its_events_stay(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "my number is 5550100"), matched(2, "call me 5550199")]).await;
    log.erase(BodyId::post(&post_id(1))).await.expect("erased");
    log.erase(BodyId::post(&post_id(1))).await.expect("erasing twice is no error");
    log.erase(BodyId::post(&post_id(77))).await.expect("nor is erasing what never was");
    let seen = take(&mut log.subscribe(Seq(0)), 2).await;
    assert!(matches!(&seen[0].event, Event::PostMatched { post, .. } if *post == post_id(1)));
    assert_eq!((&seen[0].body, seen[1].body.is_some()), (&None, true));
    assert_eq!(found(log, "5550100").await, Vec::<String>::new());
    assert_eq!(found(log, "5550199").await, ["call me 5550199"]);
    let ids = vec![BodyId::post(&post_id(1)), BodyId::post(&post_id(2))];
    let bodies = log.bodies(ids).await.expect("answered");
    assert_eq!(bodies.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["post/x:2"]);
}

async fn an_edit_replaces_the_text(store: &Store) {
    let log = store.log();
    let edit = |name: &str, text: &str| {
        let body = Body::Post(Box::new(post(1, text)));
        new(name, Event::PostEdited { post: post_id(1) }, Some(body))
    };
    // Once within one batch, once later.
    append(log, vec![matched(1, "serivce is down"), edit("e1", "service is down")]).await;
    assert_eq!(found(log, "serivce").await, Vec::<String>::new());
    assert_eq!(found(log, "service").await, ["service is down"]);
    append(log, vec![edit("e2", "service is back")]).await;
    assert_eq!(found(log, "down").await, Vec::<String>::new());
    assert_eq!(found(log, "service back").await, ["service is back"]);
    let seen = take(&mut log.subscribe(Seq(0)), 3).await;
    let now = Some(Body::Post(Box::new(post(1, "service is back"))));
    assert!(seen.iter().all(|envelope| envelope.body == now), "every event shows the text as it is now");
}

async fn drafts_are_replaced_and_never_found(store: &Store) {
    let log = store.log();
    let saved = |name: &str, text: &str| {
        let event = Event::DraftSaved { case: case(1), purpose: Purpose::DmRequest, rep: None, to: None };
        new(name, event, Some(Body::Draft(DraftText { text: text.to_owned(), cursor: (0, 3) })))
    };
    append(log, vec![saved("d1", "unfinished")]).await;
    append(log, vec![saved("d2", "unfinished business")]).await;
    assert_eq!(found(log, "unfinished").await, Vec::<String>::new());
    let id = BodyId::draft(case(1), Purpose::DmRequest);
    let bodies = log.bodies(vec![id.clone()]).await.expect("answered");
    assert_eq!(bodies, [(id, Body::Draft(DraftText { text: "unfinished business".to_owned(), cursor: (0, 3) }))]);
}

async fn events_of_later_programs_are_kept(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "x")]).await;
    let stored =
        |kind: &str, version, payload: &str| Stored { kind: kind.to_owned(), version, payload: payload.to_owned() };
    store.append_stored("u1", stored("CaseMerged", 1, r#"{"kind":"CaseMerged","into":"x"}"#));
    store.append_stored("u2", stored("CaseClaimed", 9, r#"{"kind":"CaseClaimed","cases":[]}"#));
    store.append_stored("u3", stored("CaseClaimed", 1, "not even JSON"));
    append(log, vec![matched(2, "x")]).await;
    let seen = take(&mut log.subscribe(Seq(0)), 5).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4, 5]);
    for (index, kind, version) in [(1, "CaseMerged", 1), (2, "CaseClaimed", 9), (3, "CaseClaimed", 1)] {
        assert_eq!(seen[index].event, Event::Unknown { kind: kind.to_owned() });
        assert_eq!((seen[index].version, seen[index].rep.as_str()), (version, "zoe"));
    }
}

async fn an_unknown_event_or_a_stray_text_is_refused(store: &Store) {
    let log = store.log();
    let unknown = log.append(vec![new("u", Event::Unknown { kind: "Later".to_owned() }, None)], None).await;
    assert!(
        matches!(&unknown, Err(AppendError::Log(LogError::Failed { why })) if why.contains("Later")),
        "{unknown:?}"
    );
    let stray = new("s", Event::CaseClaimed { case: case(1) }, Some(Body::Note(replydeck::model::NoteText::new("x"))));
    let stray = log.append(vec![matched(1, "x"), stray], None).await;
    assert!(
        matches!(&stray, Err(AppendError::Log(LogError::Failed { why })) if why.contains("CaseClaimed")),
        "{stray:?}"
    );
    assert_eq!(log.last().await.expect("answered"), Seq(0));
}

async fn older_posts_of_a_column_come_in_pages(store: &Store) {
    let log = store.log();
    let column = |n: u64| if n.is_multiple_of(2) { vec!["even", "all"] } else { vec!["all"] };
    append(log, (1..=100).rev().map(|n| matched_by(n, "x", &column(n))).collect()).await;
    // A column added later, to a post matched before: it appears there, and once only elsewhere.
    append(log, vec![matched_by(7, "x", &["all", "late"])]).await;
    let page = async |name: &str, before: (i64, PostId), limit: usize| {
        let found = log.older(ColumnName::new(name), (at(before.0), before.1), limit).await.expect("answered");
        assert!(found.iter().all(|envelope| envelope.body.is_some()));
        found
            .iter()
            .filter_map(|envelope| match &envelope.event {
                Event::PostMatched { post, .. } => Some(post.native().to_owned()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(page("even", (100, post_id(100)), 3).await, ["98", "96", "94"]);
    assert_eq!(page("even", (94, post_id(94)), 2).await, ["92", "90"]);
    assert_eq!(page("all", (3, post_id(3)), 10).await, ["2", "1"]);
    assert_eq!(page("all", (1, post_id(1)), 10).await, Vec::<String>::new());
    assert_eq!(page("all", (9, post_id(9)), 3).await, ["8", "7", "6"]);
    assert_eq!(page("late", (1000, post_id(0)), 10).await, ["7"]);
    assert_eq!(page("none", (1000, post_id(0)), 10).await, Vec::<String>::new());
}

async fn events_come_in_pages_without_texts(store: &Store) {
    let log = store.log();
    append(log, (0..10).map(|n| matched(n, "words")).collect()).await;
    append(log, vec![claimed("claim", "ana", 3)]).await;
    let mut read = Vec::new();
    loop {
        let page = log.events(Seq(read.len() as u64), 4).await.expect("a page");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 4);
        read.extend(page);
    }
    assert_eq!(seqs(&read), (1..=11).collect::<Vec<u64>>());
    assert!(read.iter().all(|envelope| envelope.body.is_none()));
    let mut all = log.subscribe(Seq(0));
    let told = take(&mut all, 11).await;
    let bare = |envelope: &replydeck::model::Envelope| replydeck::model::Envelope { body: None, ..envelope.clone() };
    assert!(told.iter().zip(&read).all(|(told, read)| bare(told) == **read), "otherwise they are the same");
    assert!(log.events(Seq(u64::MAX), 4).await.expect("an answer").is_empty());
    assert!(log.events(Seq(3), 0).await.expect("an answer").is_empty());
}

async fn the_first_event_since_a_moment_is_known(store: &Store) {
    let log = store.log();
    assert_eq!(log.first_since(at(0)).await.expect("an answer"), None);
    // Posts of the seconds 5, 9, 2 and 7, in this order.
    append(log, vec![claimed("claim", "ana", 3)]).await;
    append(log, [5, 9, 2, 7].map(|n| matched(n, "words")).to_vec()).await;
    for (second, place) in [(0, Some(2)), (5, Some(2)), (6, Some(3)), (9, Some(3)), (10, None)] {
        let posted_at = post(second, "words").at;
        let first = log.first_since(posted_at).await.expect("an answer");
        assert_eq!(first, place.map(Seq), "since {second}");
    }
}

async fn posts_of_one_author_and_events_of_one_case(store: &Store) {
    let log = store.log();
    append(log, (1..=40).map(|n| matched(n, "x")).collect()).await;
    append(
        log,
        vec![matched_by(13, "x", &["second"]), claimed("a", "ana", 3), queued(3, "on it"), claimed("b", "ben", 4)],
    )
    .await;
    let posts = log.of_author(author_id(3), 3).await.expect("answered");
    let ids: Vec<u64> = seqs(&posts);
    assert_eq!(ids, [33, 23, 13], "newest first, each post once");
    assert!(posts.iter().all(|envelope| envelope.body.is_some()));
    let case_events = log.of_case(case(3)).await.expect("answered");
    assert_eq!(seqs(&case_events), [42, 43]);
    assert_eq!(case_events[1].body, Some(Body::Reply("on it".to_owned())));
    assert_eq!(log.of_case(case(9)).await.expect("answered"), []);
}

async fn the_newest_checkpoint_of_a_kind_is_kept(store: &Store) {
    let log = store.log();
    assert_eq!(log.checkpoint("desk-1".to_owned()).await.expect("answered"), None);
    log.keep_checkpoint("desk-1".to_owned(), Seq(5), vec![1, 2]).await.expect("kept");
    log.keep_checkpoint("desk-1".to_owned(), Seq(9), vec![3, 0, 255]).await.expect("kept");
    log.keep_checkpoint("desk-1".to_owned(), Seq(7), vec![4]).await.expect("an older one is no error");
    assert_eq!(log.checkpoint("desk-1".to_owned()).await.expect("answered"), Some((Seq(9), vec![3, 0, 255])));
    assert_eq!(log.checkpoint("desk-2".to_owned()).await.expect("answered"), None);
}

async fn a_large_text_comes_back_whole(store: &Store) {
    let log = store.log();
    let text = "slow 遅い \u{1f621} ".repeat(100_000);
    append(log, vec![matched(1, &text), matched(2, "small")]).await;
    let seen = take(&mut log.subscribe(Seq(0)), 2).await;
    assert_eq!(seen[0].body, Some(Body::Post(Box::new(post(1, &text)))));
    assert_eq!(found(log, "遅い").await.len(), 1);
}

async fn a_closed_log_ends_its_readers_and_says_so(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "x")]).await;
    let mut live = log.subscribe(Seq(0));
    take(&mut live, 1).await;
    store.close().await;
    let end = tokio::time::timeout(Duration::from_secs(30), live.recv()).await.expect("it ends");
    assert_eq!(end, None);
    assert_eq!(log.subscribe(Seq(0)).recv().await, None);
    let appended = log.append(vec![matched(2, "x")], None).await;
    assert!(matches!(appended, Err(AppendError::Log(LogError::Closed))), "{appended:?}");
    assert!(matches!(log.last().await, Err(LogError::Closed)));
    assert!(matches!(log.search("x".to_owned(), 1).await, Err(LogError::Closed)));
    store.close().await;
}
