//! The stored form of every event kind and body, version 1: files that must load for ever.
//!
//! A new kind does not compile here without a sample and does not pass without its fixture. Fixtures are never
//! changed: a new form gets a new version and files of its own.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Date;
use replydeck::log::codec;
use replydeck::model::event::{EVENT_VERSION, Standing};
use replydeck::model::post::{Counts, Media, Mention, PostLink, Quoted, WhoMayReply};
use replydeck::model::price::Money;
use replydeck::model::spend::{Act, Charge, Usage};
use replydeck::model::{
    AccountName, BegunNote, Body, BodyId, ColumnName, DraftText, Event, EventId, GapFill, GapId, Message, MessageId,
    NetworkKind, NoteText, PostId, Purpose, RepName, ReplyId, SessionId,
};
use uuid::Uuid;

use super::sample::{at, author_id, case, conversation, post, post_id};

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn message_id() -> MessageId {
    MessageId::new(NetworkKind::X, "1789000000000000005")
}

/// One event of each kind and, where a field may be missing, one without it. The match has no other purpose than
/// to fail to compile when a kind is added.
fn samples() -> Vec<(&'static str, Event)> {
    let reply = ReplyId(uuid(1));
    let session = SessionId(uuid(2));
    let gap = GapId(uuid(3));
    let matched = |in_reply_to, in_reply_to_author, standing| Event::PostMatched {
        post: post_id(1_789_000_000_000_000_001),
        author: author_id(42),
        conversation: conversation(),
        columns: vec![ColumnName::new("outage"), ColumnName::new("billing")],
        posted_at: at(0),
        in_reply_to,
        in_reply_to_author,
        standing,
    };
    let all = vec![
        ("PostMatched", matched(Some(post_id(1)), Some(author_id(7)), Standing::Customer)),
        ("PostMatched.first", matched(None, None, Standing::Own)),
        ("PostMatched.repost", matched(None, None, Standing::Repost)),
        ("PostMatched.quote", matched(None, None, Standing::Quote)),
        ("PostMatched.goodbye", matched(Some(post_id(1)), Some(author_id(7)), Standing::Goodbye)),
        ("PostEdited", Event::PostEdited { post: post_id(5) }),
        ("PostDeleted", Event::PostDeleted { post: PostId::new(NetworkKind::Mastodon, "https://social.example/@a/1") }),
        ("BodyErased", Event::BodyErased { body: BodyId::post(&post_id(5)) }),
        (
            "CaseOpened",
            Event::CaseOpened {
                case: case(1),
                author: author_id(1),
                conversation: conversation(),
                post: post_id(5),
                posted_at: at(1),
            },
        ),
        ("CaseClaimed", Event::CaseClaimed { case: case(1) }),
        ("CaseReleased", Event::CaseReleased { case: case(1) }),
        ("CaseAssigned", Event::CaseAssigned { case: case(1), to: RepName::new("ben") }),
        ("CaseTagged", Event::CaseTagged { case: case(1), tag: "vip".to_owned(), on: false }),
        ("CasePrioritised", Event::CasePrioritised { case: case(1), high: true }),
        ("CaseWoken", Event::CaseWoken { case: case(1) }),
        ("CaseOverdue", Event::CaseOverdue { case: case(1), since: at(9) }),
        ("CaseTurnedRound", Event::CaseTurnedRound { case: case(1), post: post_id(7), on: true }),
        ("CaseRead", Event::CaseRead { case: case(1), upto: at(9) }),
        ("CaseSnoozed", Event::CaseSnoozed { case: case(1), until: at(3600) }),
        (
            "CaseResolved",
            Event::CaseResolved {
                case: case(1),
                cause: Some("outage".to_owned()),
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            },
        ),
        (
            "CaseResolved.closing",
            Event::CaseResolved {
                case: case(1),
                cause: Some("outage".to_owned()),
                outcome: Some("line reset".to_owned()),
                closing: true,
                number: None,
                undone: false,
            },
        ),
        (
            "CaseResolved.numbered",
            Event::CaseResolved {
                case: case(1),
                cause: Some("outage".to_owned()),
                outcome: None,
                closing: false,
                number: Some(4_812),
                undone: false,
            },
        ),
        (
            "CaseResolved.without-cause",
            Event::CaseResolved {
                case: case(1),
                cause: None,
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            },
        ),
        (
            "CaseResolved.undone",
            Event::CaseResolved {
                case: case(1),
                cause: None,
                outcome: None,
                closing: false,
                number: None,
                undone: true,
            },
        ),
        ("CaseReopened", Event::CaseReopened { case: case(1), undone: false }),
        ("NoteAdded", Event::NoteAdded { case: case(1), note: EventId(uuid(4)) }),
        ("CaseReopened.undone", Event::CaseReopened { case: case(1), undone: true }),
        ("NoteBegun", Event::NoteBegun { case: case(1), rep: RepName::new("ben"), on: true }),
        ("NoteBegun.given-up", Event::NoteBegun { case: case(1), rep: RepName::new("ben"), on: false }),
        (
            "DraftSaved.of-rep",
            Event::DraftSaved { case: case(1), purpose: Purpose::Both, rep: Some(RepName::new("ben")), to: None },
        ),
        (
            "DraftSaved.to",
            Event::DraftSaved {
                case: case(1),
                purpose: Purpose::Both,
                rep: Some(RepName::new("ben")),
                to: Some(post_id(5)),
            },
        ),
        (
            "DraftDropped.of-rep",
            Event::DraftDropped { case: case(1), purpose: Purpose::Both, rep: Some(RepName::new("ben")) },
        ),
        ("DraftSaved", Event::DraftSaved { case: case(1), purpose: Purpose::Acknowledgement, rep: None, to: None }),
        ("DraftDropped", Event::DraftDropped { case: case(1), purpose: Purpose::DmRequest, rep: None }),
        (
            "ReplyQueued",
            Event::ReplyQueued {
                reply,
                case: case(1),
                to: post_id(5),
                purpose: Purpose::Both,
                account: AccountName::new("charter"),
                until: at(10),
                session,
            },
        ),
        ("ReplyRecalled", Event::ReplyRecalled { reply, case: case(1) }),
        ("ReplyAttempted", Event::ReplyAttempted { reply, case: case(1), session }),
        ("ReplySent", Event::ReplySent { reply, case: case(1), post: post_id(6) }),
        (
            "ReplyFailed",
            Event::ReplyFailed { reply, case: case(1), why: "the network refused it".to_owned(), may_retry: true },
        ),
        ("ReplyParked", Event::ReplyParked { reply, case: case(1), why: "no answer".to_owned() }),
        ("ReplyDropped", Event::ReplyDropped { reply, case: case(1) }),
        (
            "ReplyHandedOver",
            Event::ReplyHandedOver {
                reply,
                case: case(1),
                to: post_id(5),
                purpose: Purpose::Acknowledgement,
                account: AccountName::new("charter"),
            },
        ),
        ("ReplyDelivered", Event::ReplyDelivered { reply, case: case(1), message: message_id() }),
        (
            "DmReceived",
            Event::DmReceived {
                message: message_id(),
                author: author_id(42),
                account: AccountName::new("charter"),
                sent_at: at(7),
            },
        ),
        (
            "DmSent",
            Event::DmSent {
                message: message_id(),
                to: author_id(42),
                account: AccountName::new("charter"),
                sent_at: at(8),
            },
        ),
        ("AuthorOptedOut", Event::AuthorOptedOut { author: author_id(42), post: Some(post_id(5)) }),
        ("AuthorOptedOut.told", Event::AuthorOptedOut { author: author_id(42), post: None }),
        ("AuthorOptOutLifted", Event::AuthorOptOutLifted { author: author_id(42) }),
        ("GapOpened", Event::GapOpened { gap, columns: vec![ColumnName::new("outage")], from: at(5), account: None }),
        ("GapClosed", Event::GapClosed { gap, to: at(65) }),
        ("GapFilled", Event::GapFilled { gap, fill: GapFill::Filled { posts: 12 } }),
        (
            "GapFilled.not",
            Event::GapFilled { gap, fill: GapFill::NotFilled { why: "older than seven days".to_owned() } },
        ),
        (
            "Spent",
            Event::Spent {
                account: AccountName::new("charter"),
                day: Date::constant(2026, 3, 1),
                charges: vec![
                    Charge {
                        act: Act::PostRead,
                        price: Money::thousandths(5),
                        what: vec!["1789000000000000001".to_owned(), "1789000000000000002".to_owned()],
                        columns: vec![ColumnName::new("outage"), ColumnName::new("billing")],
                    },
                    Charge {
                        act: Act::SummonedReply,
                        price: Money::thousandths(10),
                        what: vec!["1789000000000000003".to_owned()],
                        columns: Vec::new(),
                    },
                ],
            },
        ),
        (
            "SpendLimitRaised",
            Event::SpendLimitRaised {
                account: AccountName::new("charter"),
                day: Date::constant(2026, 3, 1),
                to: Money::cents(2_500),
            },
        ),
        (
            "UsageTold",
            Event::UsageTold {
                account: AccountName::new("charter"),
                usage: Usage { asked: at(7), used: 812, cap: Some(3_000_000), reset_day: Some(1), today: Some(40) },
            },
        ),
        (
            "UsageTold.bare",
            Event::UsageTold {
                account: AccountName::new("charter"),
                usage: Usage { asked: at(7), used: 812, cap: None, reset_day: None, today: None },
            },
        ),
    ];
    for (_, event) in &all {
        match event {
            Event::PostMatched { .. }
            | Event::PostEdited { .. }
            | Event::PostDeleted { .. }
            | Event::BodyErased { .. }
            | Event::CaseOpened { .. }
            | Event::CaseClaimed { .. }
            | Event::CaseReleased { .. }
            | Event::CaseAssigned { .. }
            | Event::CaseTagged { .. }
            | Event::CasePrioritised { .. }
            | Event::CaseSnoozed { .. }
            | Event::CaseWoken { .. }
            | Event::CaseOverdue { .. }
            | Event::CaseTurnedRound { .. }
            | Event::CaseRead { .. }
            | Event::CaseResolved { .. }
            | Event::CaseReopened { .. }
            | Event::NoteAdded { .. }
            | Event::NoteBegun { .. }
            | Event::DraftSaved { .. }
            | Event::DraftDropped { .. }
            | Event::ReplyQueued { .. }
            | Event::ReplyRecalled { .. }
            | Event::ReplyAttempted { .. }
            | Event::ReplySent { .. }
            | Event::ReplyFailed { .. }
            | Event::ReplyParked { .. }
            | Event::ReplyDropped { .. }
            | Event::ReplyHandedOver { .. }
            | Event::ReplyDelivered { .. }
            | Event::DmReceived { .. }
            | Event::DmSent { .. }
            | Event::AuthorOptedOut { .. }
            | Event::AuthorOptOutLifted { .. }
            | Event::GapOpened { .. }
            | Event::GapClosed { .. }
            | Event::GapFilled { .. }
            | Event::Spent { .. }
            | Event::SpendLimitRaised { .. }
            | Event::UsageTold { .. } => {}
            Event::Unknown { .. } => panic!("an unknown event has no form of its own"),
        }
    }
    all
}

/// The kinds listed above, to be counted against the samples: one line in the match, one sample here.
const KINDS: usize = 40;

fn bodies() -> Vec<(&'static str, Body)> {
    let mut full = post(4, "@charterhelp still no signal 😡 遅い");
    full.id = post_id(1_789_000_000_000_000_001);
    full.version = Some("1789000000000000009".to_owned());
    full.author.is_verified = true;
    full.author.is_protected = true;
    full.in_reply_to = Some(post_id(1));
    full.in_reply_to_author = Some(author_id(7));
    full.quotes = Some(Quoted { id: post_id(2), author: Some(author_id(8)), text: "we are on it".to_owned() });
    full.is_repost = true;
    full.lang = Some("en".to_owned());
    full.counts = Counts { reposts: Some(1), replies: Some(0), likes: Some(2), quotes: None };
    full.mentions = vec![Mention { handle: "charterhelp".to_owned(), id: Some(author_id(9)) }];
    full.hashtags = vec!["outage".to_owned()];
    full.links = vec![PostLink {
        short: "https://t.co/abc".to_owned(),
        target: "https://status.example/".to_owned(),
        display: "status.example".to_owned(),
    }];
    full.media = vec![Media { kind: "photo".to_owned(), alt: Some("a modem".to_owned()) }];
    full.who_may_reply = WhoMayReply::Mentioned;
    full.is_edited = true;
    let mut bare = post(3, "down again");
    bare.author.followers = None;
    let all = vec![
        ("body.Post", Body::Post(Box::new(full))),
        ("body.Post.bare", Body::Post(Box::new(bare))),
        ("body.Draft", Body::Draft(DraftText { text: "Sorry,\nwe".to_owned(), cursor: (1, 2) })),
        ("body.BegunNote", Body::BegunNote(BegunNote { text: NoteText::new("called,\nno"), cursor: (1, 2) })),
        ("body.Reply", Body::Reply("@a We are on it ^AN".to_owned())),
        (
            "body.Message",
            Body::Message(Box::new(Message {
                id: message_id(),
                with: author_id(42),
                handle: "customer2".to_owned(),
                is_ours: false,
                text: "my number is 7".to_owned(),
                at: at(7),
            })),
        ),
        ("body.Note", Body::Note(replydeck::model::NoteText::new("called, no answer"))),
    ];
    for (_, body) in &all {
        match body {
            Body::Post(_) | Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) | Body::Message(_) => {
            }
        }
    }
    all
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/events")
}

fn fixture(name: &str) -> String {
    let file = folder().join(format!("{name}.v1.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.strip_suffix('\n').expect("one line").to_owned()
}

#[test]
fn every_kind_has_its_fixture() {
    let kinds: BTreeSet<String> = samples().iter().map(|(_, event)| codec::kind(event).to_owned()).collect();
    assert_eq!(kinds.len(), KINDS, "each kind needs a sample and a fixture: {kinds:?}");
    let names: BTreeSet<String> = samples()
        .iter()
        .map(|(name, _)| *name)
        .chain(bodies().iter().map(|(name, _)| *name))
        .map(|name| format!("{name}.v1.json"))
        .collect();
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .expect("the fixtures are there")
        .map(|file| file.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, names, "a fixture for each sample, a sample for each fixture");
}

#[test]
fn events_of_version_1_load_as_they_were_meant() {
    for (name, event) in samples() {
        assert_eq!(codec::decode(codec::kind(&event), 1, &fixture(name)), event, "{name}");
    }
}

#[test]
fn events_are_written_as_the_fixtures_say() {
    assert_eq!(EVENT_VERSION, 1, "a new version needs fixtures of its own, and those of version 1 stay");
    for (name, event) in samples() {
        let stored = codec::encode(&event).expect("a known kind");
        assert_eq!((stored.payload, stored.version), (fixture(name), 1), "{name}");
        assert_eq!(stored.kind, name.split('.').next().expect("a name"));
    }
}

#[test]
fn bodies_load_and_are_written_as_the_fixtures_say() {
    for (name, body) in bodies() {
        let stored = fixture(name);
        assert_eq!(codec::decode_body(&stored), Some(body.clone()), "{name}");
        assert_eq!(codec::encode_body(&body).expect("it has a form"), stored, "{name}");
    }
}

#[test]
fn fields_of_a_later_program_are_passed_over() {
    let later = r#"{"kind":"CaseReopened","case":"01900000-0000-7000-8000-000000000001","because":"new field"}"#;
    let case = replydeck::model::CaseId(uuid(1));
    assert_eq!(codec::decode("CaseReopened", 1, later), Event::CaseReopened { case, undone: false });
    assert_eq!(codec::decode_body(r#"{"poll":{"choices":[]}}"#), None);
}
