//! A desk read from a checkpoint goes on as if it had folded everything.

use jiff::civil::Date;
use replydeck::desk::{Desk, fold};
use replydeck::model::price::Money;
use replydeck::model::spend::{Act, Charge, Usage};
use replydeck::model::{AccountName, Body, BodyId, Event, Purpose};

use super::history::{History, MARKER};
use super::script::{Script, at, case_id, column, gap_id, post_id, reply_id, said};
use super::windows::assert_sound;

fn supply(desk: &mut Desk, bodies: &std::collections::HashMap<BodyId, Body>) {
    let posts: Vec<_> = desk.posts.keys().cloned().collect();
    for id in desk.missing_texts(&posts).into_iter().chain(desk.missing_words()) {
        if let Some(body) = bodies.get(&id) {
            desk.supply(&id, body.clone());
        }
    }
}

#[test]
fn a_checkpoint_and_the_rest_are_the_whole() {
    for (seed, cut) in [(1, 0), (2, 1), (3, 7_500), (4, 12_000), (5, 15_000)] {
        let mut history = History::new(seed);
        // Two columns, so that the windows run full many times over.
        history.columns = 2;
        let told: Vec<_> = history.by_ref().take(15_000).collect();
        let mut whole = Desk::default();
        let mut first = Desk::default();
        for (n, envelope) in told.iter().enumerate() {
            fold(&mut whole, envelope);
            if n < cut {
                fold(&mut first, envelope);
            }
        }
        let bytes = first.checkpoint();
        assert!(!contains(&bytes, MARKER.as_bytes()), "no text in a checkpoint");
        let mut rest = Desk::from_checkpoint(&bytes).expect("it reads its own checkpoint");
        assert_sound(&rest);
        assert_eq!(rest.checkpoint(), bytes);
        // From the start again: what the checkpoint stands for is passed over.
        for envelope in &told {
            fold(&mut rest, envelope);
        }
        assert_sound(&rest);
        assert!(rest.checkpoint() == whole.checkpoint(), "seed {seed}: the same desk but for the texts");
        supply(&mut rest, &history.bodies);
        assert!(rest == whole, "seed {seed}: the same desk with them");
    }
}

#[test]
fn the_texts_wanted_are_those_that_were_there() {
    let mut s = story();
    let whole = s.desk.clone();
    s.desk = Desk::from_checkpoint(&whole.checkpoint()).expect("it reads its own checkpoint");
    let case = case_id("jo", "p1");
    let shown: Vec<_> = s.desk.newest(&column("outage")).map(|post| post.id.clone()).collect();
    let wanted = [s.desk.missing_texts(&shown), s.desk.missing_words()].concat();
    let draft = BodyId::draft(case, Purpose::Acknowledgement);
    let expected = [
        BodyId::post(&post_id("p2")),
        BodyId::post(&post_id("p1")),
        draft.clone(),
        BodyId::reply(reply_id(1)),
        BodyId::reply(reply_id(2)),
    ];
    assert_eq!(wanted, expected, "in the order asked for, and none that was deleted or erased");
    let bodies = s.told.iter().filter_map(|e| Some((e.event.body_id()?, e.body.clone()?))).collect();
    supply(&mut s.desk, &bodies);
    assert_eq!(s.desk, whole);
    // A text that comes after its post was erased is not shown again.
    let mut late = Desk::from_checkpoint(&whole.checkpoint()).expect("it reads its own checkpoint");
    let mut erased = s.told[0].clone();
    erased.seq = replydeck::model::Seq(late.seq.0 + 1);
    erased.event = Event::BodyErased { body: BodyId::post(&post_id("p1")) };
    fold(&mut late, &erased);
    late.supply(&BodyId::post(&post_id("p1")), said("p1", "jo", "14:02").body());
    assert_eq!(late.post(&post_id("p1")).and_then(|post| post.body.clone()), None);
}

#[test]
fn bytes_that_are_no_checkpoint_are_none() {
    let good = story().desk.checkpoint();
    assert!(Desk::from_checkpoint(&[]).is_none());
    assert!(Desk::from_checkpoint(&good[..good.len() - 1]).is_none());
    assert!(Desk::from_checkpoint(&[&good[..], b"x"].concat()).is_none());
    assert!(Desk::from_checkpoint(&[0xff; 4_096]).is_none());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        // Some changes make another desk; none may panic.
        let _ = Desk::from_checkpoint(&bad).map(|desk| desk.missing_words());
    }
}

/// The file was written by the version that named this kind. If this fails, the format has changed: give
/// `CHECKPOINT_KIND` a new name, and write the new file by running the test with `REPLYDECK_WRITE_FIXTURES=1`.
#[test]
fn the_format_is_the_one_its_kind_names() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/desk");
    let file = folder.join(format!("checkpoint-{}.bin", Desk::CHECKPOINT_KIND));
    let desk = story().desk;
    if std::env::var_os("REPLYDECK_WRITE_FIXTURES").is_some() && !file.exists() {
        std::fs::write(&file, desk.checkpoint()).expect("the fixture can be written");
    }
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(bytes == desk.checkpoint(), "another form under the same name");
    let read = Desk::from_checkpoint(&bytes).expect("an old checkpoint of this kind can be read");
    assert_eq!(read.checkpoint(), bytes);
}

/// A little of everything a desk can hold.
fn story() -> Script {
    let mut s = Script::new();
    let case = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).post(&said("p2", "jo", "14:03").within("p1").seen_in("outage billing"));
    s.post(&said("gone", "mk", "14:04"));
    s.tell("intake", Event::PostDeleted { post: post_id("gone") }, None);
    s.post(&said("erased", "ol", "14:05"));
    s.tell("intake", Event::BodyErased { body: BodyId::post(&post_id("erased")) }, None);
    s.deed("14:06", "ana", case, "claim").answer("14:07", "ana", 1, case, "p1", Purpose::Both);
    s.tell("ana", Event::CaseTagged { case, tag: "slow".into(), on: true }, None);
    s.draft("14:08", "ana", case, "Hello ag");
    s.queue("14:09", "ana", reply_id(2), case, "p2", Purpose::Acknowledgement, "@jo more");
    s.tell("ana", Event::ReplyFailed { reply: reply_id(2), case, why: "refused".into(), may_retry: false }, None);
    s.deed("14:10", "bo", case_id("mk", "gone"), "resolve");
    s.post_late(&said("early", "us", "14:00").within("q1").by_us_to("q1", "pa").seen_in(""));
    let columns = vec![column("outage")];
    s.tell("intake", Event::GapOpened { gap: gap_id(1), columns, from: at("14:01"), account: None }, None);
    s.tell("intake", Event::GapClosed { gap: gap_id(1), to: at("14:02") }, None);
    let (account, day) = (AccountName::new("charter"), Date::constant(2026, 3, 1));
    let charge = Charge {
        act: Act::PostRead,
        price: Money::thousandths(5),
        what: vec!["7".to_owned(), "8".to_owned()],
        columns: vec![column("outage")],
    };
    s.tell("intake", Event::Spent { account: account.clone(), day, charges: vec![charge] }, None);
    s.tell("ana", Event::SpendLimitRaised { account: account.clone(), day, to: Money::cents(2_500) }, None);
    let usage = Usage { asked: at("14:11"), used: 9, cap: Some(100), reset_day: Some(1), today: None };
    s.tell("intake", Event::UsageTold { account, usage }, None);
    s
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
