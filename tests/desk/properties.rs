//! Whatever comes, in whatever order: no panic, the same desk every time, nothing counted wrong.

use jiff::Timestamp;
use proptest::prelude::*;
use replydeck::desk::{Desk, Terms, fold};
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::price::Money;
use replydeck::model::sla::{Clock, Stops, Targets};
use replydeck::model::spend::{Act, Charge, Usage};
use replydeck::model::{
    AccountName, Body, BodyId, CaseId, DraftText, Envelope, Event, EventId, GapFill, MachineName, OfficeHours, Purpose,
    RepName, Seq,
};

use super::history::{History, text_of};
use super::script::{author_id, case_id, column, conversation_id, gap_id, post_id, reply_id, session};
use super::windows::assert_sound;

/// Few names, so that the events meet.
fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[abc]", "[abc]", "[abc]", Just(String::new()), "\\PC{0,6}"]
}

fn times() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (0i64..40).prop_map(|n| Timestamp::from_second(1_795_269_600 + n).expect("a time")),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
    ]
}

fn cases() -> impl Strategy<Value = CaseId> {
    ("[abc]", "[abc]").prop_map(|(author, conversation)| case_id(&author, &conversation))
}

fn purposes() -> impl Strategy<Value = Purpose> {
    prop::sample::select(Purpose::ALL.to_vec())
}

fn standings() -> impl Strategy<Value = Standing> {
    prop_oneof![3 => Just(Standing::Customer), 1 => Just(Standing::Own), 1 => Just(Standing::Repost)]
}

fn body_ids() -> impl Strategy<Value = BodyId> {
    prop_oneof![
        names().prop_map(|name| BodyId::post(&post_id(&name))),
        (cases(), purposes()).prop_map(|(case, purpose)| BodyId::draft(case, purpose)),
        (0u128..4).prop_map(|n| BodyId::reply(reply_id(n))),
        "(post|draft|reply|note)?/?\\PC{0,9}".prop_map(BodyId::from_stored),
    ]
}

fn bodies() -> impl Strategy<Value = Option<Body>> {
    prop_oneof![
        Just(None),
        names().prop_map(|name| Some(text_of(
            &post_id(&name),
            &author_id("a"),
            &conversation_id("a"),
            Timestamp::UNIX_EPOCH,
            1
        ))),
        Just(Some(Body::Draft(DraftText { text: "half".into(), cursor: (usize::MAX, 9) }))),
        Just(Some(Body::Reply("ours".into()))),
        Just(Some(Body::Note(replydeck::model::NoteText::new("inside")))),
    ]
}

fn post_events() -> impl Strategy<Value = Event> {
    let matched = (names(), names(), names(), prop::collection::vec("[xyz]", 0..3), times(), standings());
    let reply = (prop::option::of(names()), prop::option::of(names()));
    prop_oneof![
        6 => (matched, reply).prop_map(|((post, author, conversation, columns, posted_at, standing), (to, whom))| {
            Event::PostMatched {
                post: post_id(&post),
                author: author_id(&author),
                conversation: conversation_id(&conversation),
                columns: columns.iter().map(|name| column(name)).collect(),
                posted_at,
                in_reply_to: to.map(|name| post_id(&name)),
                in_reply_to_author: whom.map(|name| author_id(&name)),
                standing,
            }
        }),
        1 => names().prop_map(|post| Event::PostEdited { post: post_id(&post) }),
        1 => names().prop_map(|post| Event::PostDeleted { post: post_id(&post) }),
        1 => body_ids().prop_map(|body| Event::BodyErased { body }),
        1 => (0u128..4, prop::collection::vec("[xyz]", 0..3), times()).prop_map(|(n, columns, from)| {
            Event::GapOpened { gap: gap_id(n), columns: columns.iter().map(|name| column(name)).collect(), from, account: None }
        }),
        1 => (0u128..4, times()).prop_map(|(n, to)| Event::GapClosed { gap: gap_id(n), to }),
        1 => (0u128..4).prop_map(|n| Event::GapFilled { gap: gap_id(n), fill: GapFill::Filled { posts: u64::MAX } }),
        1 => (0i8..28, prop::collection::vec("[1-9]", 0..4), prop::collection::vec("[xyz]", 0..3), any::<u64>()).prop_map(
            |(day, what, columns, price)| Event::Spent {
                account: AccountName::new("charter"),
                day: jiff::civil::Date::constant(2026, 3, day + 1),
                charges: vec![Charge {
                    act: Act::ALL[what.len() * 2],
                    price: Money(price),
                    what,
                    columns: columns.iter().map(|name| column(name)).collect(),
                }],
            }
        ),
        1 => (0i8..28, any::<u64>()).prop_map(|(day, to)| Event::SpendLimitRaised {
            account: AccountName::new("charter"),
            day: jiff::civil::Date::constant(2026, 3, day + 1),
            to: Money(to),
        }),
        1 => times().prop_map(|asked| Event::UsageTold {
            account: AccountName::new("charter"),
            usage: Usage { asked, used: 3, cap: None, reset_day: Some(1), today: None },
        }),
        1 => names().prop_map(|kind| Event::Unknown { kind }),
    ]
}

fn case_events() -> impl Strategy<Value = Event> {
    prop_oneof![
        (cases(), names(), names(), names(), times()).prop_map(|(case, author, conversation, post, posted_at)| {
            Event::CaseOpened {
                case,
                author: author_id(&author),
                conversation: conversation_id(&conversation),
                post: post_id(&post),
                posted_at,
            }
        }),
        cases().prop_map(|case| Event::CaseClaimed { case }),
        cases().prop_map(|case| Event::CaseReleased { case }),
        (cases(), names()).prop_map(|(case, to)| Event::CaseAssigned { case, to: RepName::new(&to) }),
        (cases(), names(), any::<bool>()).prop_map(|(case, tag, on)| Event::CaseTagged { case, tag, on }),
        (cases(), times()).prop_map(|(case, until)| Event::CaseSnoozed { case, until }),
        (cases(), prop::option::of(names()), any::<bool>(), any::<bool>()).prop_map(
            |(case, cause, closing, undone)| {
                Event::CaseResolved { case, outcome: cause.clone(), cause, closing, number: None, undone }
            }
        ),
        (cases(), any::<bool>()).prop_map(|(case, high)| Event::CasePrioritised { case, high }),
        cases().prop_map(|case| Event::CaseWoken { case }),
        (cases(), times()).prop_map(|(case, since)| Event::CaseOverdue { case, since }),
        (cases(), names(), any::<bool>())
            .prop_map(|(case, post, on)| { Event::CaseTurnedRound { case, post: post_id(&post), on } }),
        (cases(), times()).prop_map(|(case, upto)| Event::CaseRead { case, upto }),
        cases().prop_map(|case| Event::CaseReopened { case, undone: false }),
        cases().prop_map(|case| Event::NoteAdded { case, note: EventId(uuid::Uuid::nil()) }),
        (cases(), purposes()).prop_map(|(case, purpose)| Event::DraftSaved { case, purpose, rep: None, to: None }),
        (cases(), purposes()).prop_map(|(case, purpose)| Event::DraftDropped { case, purpose, rep: None }),
    ]
}

fn reply_events() -> impl Strategy<Value = Event> {
    let reply = || (0u128..4).prop_map(reply_id);
    let account = || AccountName::new("charter");
    prop_oneof![
        2 => (reply(), cases(), names(), purposes(), times()).prop_map(move |(reply, case, to, purpose, until)| {
            Event::ReplyQueued { reply, case, to: post_id(&to), purpose, account: account(), until, session: session(1) }
        }),
        1 => (reply(), cases()).prop_map(|(reply, case)| Event::ReplyRecalled { reply, case }),
        1 => (reply(), cases()).prop_map(|(reply, case)| Event::ReplyAttempted { reply, case, session: session(2) }),
        1 => (reply(), cases(), names()).prop_map(|(reply, case, post)| Event::ReplySent { reply, case, post: post_id(&post) }),
        1 => (reply(), cases(), any::<bool>()).prop_map(|(reply, case, may_retry)| {
            Event::ReplyFailed { reply, case, why: "no".into(), may_retry }
        }),
        1 => (reply(), cases()).prop_map(|(reply, case)| Event::ReplyParked { reply, case, why: "who knows".into() }),
        1 => (reply(), cases()).prop_map(|(reply, case)| Event::ReplyDropped { reply, case }),
        1 => (reply(), cases(), names(), purposes()).prop_map(move |(reply, case, to, purpose)| {
            Event::ReplyHandedOver { reply, case, to: post_id(&to), purpose, account: account() }
        }),
    ]
}

prop_compose! {
    fn envelopes()(
        event in prop_oneof![post_events(), case_events(), reply_events()],
        body in bodies(),
        seq in 0u64..200,
        at in times(),
        version in prop_oneof![9 => Just(EVENT_VERSION), 1 => any::<u16>()],
    ) -> Envelope {
        Envelope {
            id: EventId(uuid::Uuid::nil()),
            seq: Seq(seq),
            at,
            rep: RepName::new("ana"),
            machine: MachineName::new("m"),
            version,
            event,
            body,
        }
    }
}

fn folded(told: &[Envelope]) -> Desk {
    let mut desk = Desk::default();
    for envelope in told {
        fold(&mut desk, envelope);
    }
    desk
}

proptest! {
    #[test]
    fn any_events_in_any_order_fold_to_one_sound_desk(mut told in prop::collection::vec(envelopes(), 0..120), in_order: bool) {
        if in_order {
            for (n, envelope) in told.iter_mut().enumerate() {
                envelope.seq = Seq(n as u64 + 1);
            }
        }
        let desk = folded(&told);
        assert_sound(&desk);
        prop_assert_eq!(&desk, &folded(&told), "folding is deterministic");
        let read = Desk::from_checkpoint(&desk.checkpoint()).expect("a checkpoint of any desk can be read");
        assert_sound(&read);
        prop_assert_eq!(read.checkpoint(), desk.checkpoint());
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let stops = Stops { snoozed: Clock::ALL.to_vec(), waiting: Clock::ALL.to_vec() };
            for target in [jiff::SignedDuration::MAX, jiff::SignedDuration::MIN, jiff::SignedDuration::from_hours(1)] {
                let targets = Targets { resolution: Some(target), ..Targets::within(target) };
                let terms = Terms { hours: &OfficeHours::always(), targets, stops: &stops };
                for case in desk.cases.values() {
                    case.first_response(&terms, now);
                    case.answer_clock(&terms, now);
                    case.resolution_clock(&terms, now);
                }
            }
            desk.contacts_within(&author_id("a"), now, u32::MAX);
        }
    }

    #[test]
    fn envelopes_told_again_change_nothing(told in prop::collection::vec(envelopes(), 1..80)) {
        let once = folded(&told);
        let mut twice = once.clone();
        for envelope in &told {
            fold(&mut twice, envelope);
        }
        // What was passed over the first time because something later came before it may not come in now either.
        prop_assert_eq!(once, twice);
    }
}

#[test]
fn a_long_history_folds_the_same_twice() {
    let told: Vec<Envelope> = History::new(3).take(8_000).collect();
    let desk = folded(&told);
    assert_sound(&desk);
    assert!(desk == folded(&told));
}

#[test]
fn what_a_later_version_wrote_is_counted_and_passed_over() {
    let mut told: Vec<Envelope> = History::new(5).take(3).collect();
    told[1].version = EVENT_VERSION + 1;
    told[2].event = Event::Unknown { kind: "CaseTransferred".into() };
    let desk = folded(&told);
    assert_eq!((desk.counters.events, desk.counters.unknown, desk.seq), (3, 2, Seq(3)));
}
