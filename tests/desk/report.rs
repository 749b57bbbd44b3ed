//! The first figures, from stories told in events.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use replydeck::desk::report::table::{By, tables};
use replydeck::desk::report::{Eyes, Reckoning, RepFigures, Report, Terms, percent};
use replydeck::desk::{Case, Desk, fold};
use replydeck::model::account::Tier;
use replydeck::model::event::Standing;
use replydeck::model::sla::{Stops, Targets};
use replydeck::model::{
    Account, AccountName, CaseId, CaseStatus, Envelope, Event, EventId, MessageId, NetworkKind, OfficeHours, OpenSpan,
    Purpose, RepName, Role, Seq,
};

use super::history::History;
use super::script::{Script, at, author_id, case_id, column, post_id, reply_id, said};

fn terms(now: &str) -> Terms {
    Terms {
        since: Some(at("00:00")),
        until: Some(at("+1d 00:00")),
        now: at(now),
        zone: TimeZone::UTC,
        targets: BTreeMap::from([(column("outage"), Targets::within(SignedDuration::from_hours(1)))]),
        hours: OfficeHours::always(),
        eyes: Eyes::All,
        accounts: vec![],
    }
}

fn reckoned(told: &[Envelope], terms: &Terms) -> Report {
    let mut reckoning = Reckoning::default();
    for envelope in told {
        reckoning.take(envelope);
    }
    reckoning.report(terms)
}

fn rep<'a>(report: &'a Report, name: &str) -> &'a RepFigures {
    report.reps.iter().find(|row| row.rep == Some(RepName::new(name))).expect("a row of the rep")
}

const ACK: Purpose = Purpose::Acknowledgement;

#[test]
fn a_hundred_seen_and_thirty_seven_answered_reads_37_percent() {
    let mut script = Script::new();
    for n in 0..100 {
        script.post(&said(&format!("p{n}"), &format!("a{n}"), "10:00"));
    }
    for n in 0..37 {
        let case = case_id(&format!("a{n}"), &format!("p{n}"));
        script.answer("10:30", "ana", n, case, &format!("p{n}"), ACK);
    }
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!((report.total.seen, report.total.answered, report.total.answered_percent), (100, 37, Some(37)));
    assert_eq!(report.columns.len(), 1);
    assert_eq!(report.columns[0].figures, report.total);
    let at_ten = &report.hours[10];
    assert_eq!((at_ten.hour, &at_ten.figures), (10, &report.total));
    assert_eq!(report.hours.iter().map(|row| row.figures.seen).sum::<u64>(), 100);
    let table = &tables(&report, &[By::Column])[0];
    assert_eq!(table.rows[0].cells[..4], ["outage", "100", "37", "37 %"]);
}

#[test]
fn percent_is_the_nearest_and_there_is_none_of_nothing() {
    for (part, whole, told) in [
        (0, 0, None),
        (0, 3, Some(0)),
        (1, 3, Some(33)),
        (2, 3, Some(67)),
        (999, 1_000, Some(99)),
        (1, 1_000, Some(1)),
        (3, 3, Some(100)),
        (u64::MAX, u64::MAX, Some(100)),
    ] {
        assert_eq!(percent(part, whole), told, "{part} of {whole}");
    }
}

#[test]
fn the_first_answer_is_public_and_runs_from_the_posts_own_time() {
    let mut script = Script::new();
    // Came in late; answered in private only, then in public.
    script.clock("09:30").post_late(&said("p1", "jo", "09:00"));
    let case = case_id("jo", "p1");
    script.queue("09:35", "ana", reply_id(1), case, "p1", Purpose::DirectMessage, "in private");
    let message = MessageId::new(NetworkKind::X, "m1");
    script.tell("ana", Event::ReplyDelivered { reply: reply_id(1), case, message }, None);
    script.answer("09:40", "ana", 2, case, "p1", ACK);
    // The answer seen again on the stream is the same one.
    script.clock("09:41").post_late(&said("ours-2", "us", "09:40").by_us_to("p1", "jo").within("p1"));
    // Typed elsewhere.
    script.post(&said("p2", "mo", "10:00"));
    script.post(&said("o2", "us", "10:05").by_us_to("p2", "mo").within("p2"));
    // Handed over, and posted by hand.
    script.post(&said("p3", "li", "10:10"));
    let handed = Event::ReplyHandedOver {
        reply: reply_id(3),
        case: case_id("li", "p3"),
        to: post_id("p3"),
        purpose: ACK,
        account: AccountName::new("charter"),
    };
    script.clock("10:20").tell("bo", handed, None);
    script.post(&said("o3", "us", "10:21").by_us_to("p3", "li").within("p3"));
    // What we said before the first post we know of is no answer to it.
    script.clock("11:00").post_late(&said("o4", "us", "10:30").by_us_to("earlier", "ed").within("t4"));
    script.post(&said("p4", "ed", "11:00").within("t4"));
    // Dated in the future and answered before that.
    script.clock("11:10").post_late(&said("p5", "fay", "13:00"));
    script.answer("11:20", "bo", 5, case_id("fay", "p5"), "p5", ACK);
    // Never answered; reposts, quotes and own posts are no cases.
    script.post(&said("p6", "gus", "12:00"));
    script.post(&said("r", "hal", "12:01").reposted());
    script.post(&said("q", "ivy", "12:02").quoting());
    script.post(&said("o9", "us", "12:03").by_us_to("o4", "us").within("t4"));

    let report = reckoned(&script.told, &terms("20:00"));
    let total = &report.total;
    assert_eq!((total.seen, total.posts, total.answered, total.answered_percent), (6, 6, 4, Some(67)));
    let first = total.first.expect("answers");
    // 0, 5, 11 and 40 minutes: the second and the fourth by nearest rank.
    assert_eq!((first.median_ms, first.p90_ms), (5 * 60_000, 40 * 60_000));
    assert_eq!(rep(&report, "ana").answered, 1);
    assert_eq!(rep(&report, "bo").answered, 2);
    assert_eq!(rep(&report, "ana").replies, 1, "seen twice, sent once");
    let elsewhere = report.reps.last().expect("a row");
    assert_eq!((elsewhere.rep.as_ref(), elsewhere.answered, elsewhere.replies), (None, 1, 2));
}

#[test]
fn overdue_begins_at_24_hours_to_the_second() {
    let story = |answer: Option<&str>, now: &str| {
        let mut script = Script::new();
        script.post(&said("p", "jo", "10:00"));
        if let Some(clock) = answer {
            script.answer(clock, "ana", 1, case_id("jo", "p"), "p", ACK);
        }
        reckoned(&script.told, &terms(now))
    };
    assert_eq!(story(None, "+1d 09:59:59").total.overdue, 0);
    assert_eq!(story(None, "+1d 10:00:00").total.overdue, 1);
    assert_eq!(story(Some("+1d 09:59:59"), "+5d 00:00").total.overdue, 0);
    let late = story(Some("+1d 10:00:00"), "+5d 00:00");
    assert_eq!((late.total.overdue, rep(&late, "ana").overdue), (1, 1), "a late answer stays late");
    // Resolved without an answer, it waited until then.
    let mut script = Script::new();
    script.post(&said("p", "jo", "10:00")).deed("12:00", "ana", case_id("jo", "p"), "close");
    assert_eq!(reckoned(&script.told, &terms("+9d 00:00")).total.overdue, 0);
    // A longer target moves it.
    let mut script = Script::new();
    script.post(&said("p", "jo", "10:00"));
    let mut slow = terms("+1d 12:00");
    slow.targets.insert(column("outage"), Targets::within(SignedDuration::from_hours(48)));
    assert_eq!(reckoned(&script.told, &slow).total.overdue, 0);
    slow.now = at("+2d 10:00");
    assert_eq!(reckoned(&script.told, &slow).total.overdue, 1);
}

#[test]
fn a_later_answer_may_be_overdue_as_well_and_what_is_put_off_is_not_until_it_is_back() {
    let case = case_id("jo", "p");
    let mut script = Script::new();
    script.post(&said("p", "jo", "10:00")).answer("10:05", "ana", 1, case, "p", ACK);
    script.post(&said("p2", "jo", "11:00").within("p"));
    let before = reckoned(&script.told, &terms("+1d 10:59:59"));
    assert_eq!((before.total.overdue, before.now.overdue, before.now.new), (0, 0, 0));
    let after = reckoned(&script.told, &terms("+1d 11:00:00"));
    assert_eq!((after.total.overdue, after.now.overdue), (1, 1));
    assert_eq!(rep(&after, "ana").overdue, 0, "the first answer was in time");
    script.clock("+1d 12:00").tell("ana", Event::CaseSnoozed { case, until: at("+1d 18:00") }, None);
    let asleep = |now: &str| reckoned(&script.told, &terms(now)).now.overdue;
    assert_eq!((asleep("+1d 17:59:59"), asleep("+1d 18:00")), (0, 1));
    // Answered it is overdue no more, and stays late.
    script.answer("+1d 19:00", "bo", 2, case, "p2", ACK);
    let late = reckoned(&script.told, &terms("+2d 00:00"));
    assert_eq!((late.total.overdue, late.now.overdue), (1, 0));
}

#[test]
fn times_are_working_time_where_there_are_office_hours() {
    let mut script = Script::new();
    // A Saturday; the office opens again on Monday at nine.
    script.post(&said("p", "jo", "10:00"));
    let case = case_id("jo", "p");
    script.answer("+2d 09:30", "ana", 1, case, "p", ACK).deed("+2d 10:15", "ana", case, "resolve");
    let week = (0..5).map(|day| {
        let day = jiff::civil::Weekday::from_monday_zero_offset(day).expect("a day");
        (day, OpenSpan { from: 9 * 60, to: 17 * 60 })
    });
    let open = Terms { hours: OfficeHours::new(TimeZone::UTC, week, []), ..terms("+2d 12:00") };
    let report = reckoned(&script.told, &open);
    assert_eq!(report.clock, "in office hours");
    assert_eq!(report.total.first.map(|first| first.median_ms), Some(30 * 60_000));
    assert_eq!(report.total.resolution.map(|all| all.median_ms), Some(75 * 60_000));
    assert_eq!((report.causes[0].minutes, report.total.overdue), (75, 1), "whoever waits does not know the hours");
    assert_eq!(reckoned(&script.told, &terms("+2d 12:00")).clock, "around the clock");
}

#[test]
#[expect(clippy::many_single_char_names, reason = "six cases that differ in one thing each")]
fn reopened_and_handled_at_once() {
    let mut script = Script::new();
    let begin = |script: &mut Script, name: &str, author: &str| {
        script.post(&said(name, author, "10:00"));
        script.deed("10:01", "ana", case_id(author, name), "claim");
        script.answer(
            "10:05",
            "ana",
            name.len() as u128 * 1_000 + u128::from(name.as_bytes()[1]),
            case_id(author, name),
            name,
            ACK,
        );
        case_id(author, name)
    };
    // One answer was enough, thanks and all.
    let a = begin(&mut script, "p1", "jo");
    script.post(&said("p1b", "jo", "10:10").within("p1").thanking());
    script.deed("10:20", "ana", a, "close");
    script.post(&said("p1c", "jo", "10:30").within("p1").thanking());
    // The customer asked again before the resolve: not at once, not reopened.
    let b = begin(&mut script, "p2", "mo");
    script.post(&said("p2b", "mo", "10:31").within("p2"));
    script.deed("10:40", "bo", b, "resolve");
    // The customer wrote after it.
    let c = begin(&mut script, "p3", "li");
    script.deed("10:41", "ana", c, "resolve").post(&said("p3b", "li", "10:45").within("p3"));
    script.deed("10:50", "bo", c, "close");
    // Thanks reopen what was not closed for them.
    let d = begin(&mut script, "p4", "ed");
    script.deed("10:51", "ana", d, "resolve").post(&said("p4b", "ed", "10:55").within("p4").thanking());
    // A rep reopened it; resolving what is resolved changes nothing of that.
    let e = begin(&mut script, "p5", "fay");
    script.deed("10:56", "ana", e, "resolve").deed("10:57", "bo", e, "reopen").deed("10:58", "bo", e, "resolve");
    // A direct message of the customer's.
    let f = begin(&mut script, "p6", "gus");
    script.deed("11:00", "ana", f, "resolve").clock("11:05");
    let received = |n: &str, clock: &str| Event::DmReceived {
        message: MessageId::new(NetworkKind::X, n),
        author: author_id("gus"),
        account: AccountName::new("charter"),
        sent_at: at(clock),
    };
    script.tell("intake", received("m1", "10:59"), None).tell("intake", received("m2", "11:04"), None);

    let report = reckoned(&script.told, &terms("20:00"));
    let total = &report.total;
    assert_eq!((total.seen, total.resolved, total.reopened, total.at_once), (6, 4, 4, 1));
    let (ana, bo) = (rep(&report, "ana"), rep(&report, "bo"));
    assert_eq!((ana.claimed, ana.resolved, ana.reopened, ana.at_once), (6, 5, 4, 1));
    assert_eq!((bo.claimed, bo.resolved, bo.reopened, bo.at_once), (0, 3, 0, 0));
    for (author, name) in [("jo", "p1"), ("mo", "p2"), ("li", "p3"), ("ed", "p4"), ("fay", "p5"), ("gus", "p6")] {
        let case = script.case(author, name);
        assert_eq!(case.reopened > 0, !["p1", "p2"].contains(&name), "the desk says the same of {name}");
    }
}

#[test]
fn a_reopening_that_was_taken_back_counts_nowhere() {
    let mut script = Script::new();
    let case = case_id("jo", "p1");
    script.post(&said("p1", "jo", "10:00")).answer("10:05", "ana", 1, case, "p1", ACK);
    script.deed("10:20", "ana", case, "resolve").deed("10:30", "bo", case, "reopen").clock("10:31");
    let again = Event::CaseResolved {
        case,
        cause: Some("outage".into()),
        outcome: None,
        closing: false,
        number: Some(1),
        undone: true,
    };
    script.tell("bo", again, None);
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!((report.total.resolved, report.total.reopened, report.total.at_once), (1, 0, 1));
    assert_eq!(rep(&report, "ana").reopened, 0);
    assert_eq!(report.causes[0].reopened, 0);
    assert_eq!((script.case("jo", "p1").reopened, script.desk.counters.resolved), (0, 1));
    // Where nothing was reopened it resolves like any other.
    script.post(&said("p2", "mo", "10:40")).clock("10:50");
    script.tell(
        "bo",
        Event::CaseResolved {
            case: case_id("mo", "p2"),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: true,
        },
        None,
    );
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!((report.total.resolved, report.total.reopened), (2, 0));
}

#[test]
fn causes_are_ranked_by_cases_minutes_and_reopens_and_have_examples() {
    let mut script = Script::new();
    let mut resolve = |n: u32, cause: Option<&str>, clock: &str| {
        let (post, author) = (format!("p{n}"), format!("a{n}"));
        let case = case_id(&author, &post);
        script.post(&said(&post, &author, "10:00")).clock(clock);
        let resolved = Event::CaseResolved {
            case,
            cause: cause.map(Into::into),
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        };
        script.tell("ana", resolved, None);
        case
    };
    for n in 0..5 {
        resolve(n, Some("outage"), &format!("10:{:02}:59", 10 + n));
    }
    resolve(5, Some("billing"), "15:00");
    resolve(6, Some("billing"), "16:00");
    let last = resolve(7, Some("router"), "18:59:59");
    resolve(8, None, "11:00");
    resolve(9, None, "11:00");
    script.deed("19:00", "bo", last, "reopen");
    let mut report = reckoned(&script.told, &terms("20:00"));
    let told: Vec<_> = report
        .causes
        .iter()
        .map(|row| (row.cause.as_deref(), row.cases, row.minutes, row.reopened, row.reopened_percent))
        .collect();
    assert_eq!(
        told,
        [
            (Some("outage"), 5, 10 + 11 + 12 + 13 + 14, 0, Some(0)),
            (Some("billing"), 2, 300 + 360, 0, Some(0)),
            (None, 2, 120, 0, Some(0)),
            (Some("router"), 1, 539, 1, Some(100)),
        ]
    );
    let examples: Vec<_> =
        report.causes[0].examples.iter().map(|example| (example.post.native(), example.minutes)).collect();
    assert_eq!(examples, [("p4", 14), ("p3", 13), ("p2", 12)], "those that took longest");
    assert_eq!(report.wanted().len(), 3 + 2 + 2 + 1);
    let body = said("p4", "a4", "10:00").with_text("down again").body();
    let found = [(replydeck::model::BodyId::post(&post_id("p4")), body)];
    report.supply(&found, &[]);
    let table = &tables(&report, &[By::Cause])[0];
    assert_eq!(table.rows[0].below[0], "14 min  https://x.com/a4/status/p4  down again");
    assert_eq!(table.rows[0].below[1], "13 min  text removed");
    // A rehearsal's pages are the simulator's.
    let us = Account {
        name: AccountName::new("help"),
        network: NetworkKind::X,
        handle: "Help".to_owned(),
        id: None,
        tier: Tier::PayPerUse,
        can_send: true,
        confirm: false,
        web_url: "http://127.0.0.1:9".to_owned(),
        limits: None,
    };
    let mut rehearsed = report.clone();
    rehearsed.supply(&found, &[us]);
    assert_eq!(rehearsed.causes[0].examples[0].page.as_deref(), Some("http://127.0.0.1:9/a4/status/p4"));
    let json = serde_json::to_string(&report).expect("JSON");
    assert!(json.contains("https://x.com/a4/status/p4") && !json.contains("down again"), "{json}");
}

#[test]
fn only_what_a_rep_said_turned_round_is_counted() {
    let mut script = Script::new();
    for name in ["p1", "p2", "p3"] {
        script.post(&said(name, &format!("of-{name}"), "10:00"));
    }
    let case = |name: &str| case_id(&format!("of-{name}"), name);
    script.answer("10:05", "ana", 1, case("p1"), "p1", ACK).answer(
        "10:06",
        "bo",
        2,
        case("p1"),
        "p1",
        Purpose::HappyPost,
    );
    // A suggestion is no event: a happy post by itself counts nothing.
    script.post(&said("p1b", "of-p1", "11:00").within("p1").with_text("wow, best support ever, thank you!!!"));
    let turned = |name: &str, on| Event::CaseTurnedRound { case: case(name), post: post_id("p1b"), on };
    assert_eq!(reckoned(&script.told, &terms("20:00")).total.turned_round, 0);
    script.tell("ana", turned("p1", true), None);
    script.tell("ana", turned("p2", true), None).tell("ana", turned("p2", false), None);
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!(report.total.turned_round, 1);
    assert_eq!(
        (rep(&report, "bo").turned_round, rep(&report, "ana").turned_round),
        (1, 0),
        "theirs was the last answer"
    );
}

#[test]
fn a_case_belongs_to_the_span_of_its_first_post_and_to_every_column_it_stood_in() {
    let mut script = Script::new();
    script.post(&said("p1", "jo", "09:59:59")).post(&said("p2", "mo", "10:00").seen_in("outage billing"));
    script.post(&said("p3", "li", "11:59:59").seen_in("billing"));
    script.post(&said("p3b", "li", "13:00").within("p3").seen_in("outage"));
    script.post(&said("p4", "ed", "12:00"));
    // What happened later counts all the same.
    script.answer("+2d 08:00", "ana", 1, case_id("li", "p3"), "p3", ACK);
    let span = Terms { since: Some(at("10:00")), until: Some(at("12:00")), ..terms("+3d 00:00") };
    let report = reckoned(&script.told, &span);
    assert_eq!((report.total.seen, report.total.posts, report.total.answered), (2, 3, 1));
    let columns: Vec<_> =
        report.columns.iter().map(|row| (row.column.as_str(), row.figures.seen, row.figures.answered)).collect();
    assert_eq!(columns, [("billing", 2, 1), ("outage", 2, 1)]);
    // Hours are those of the zone.
    let rome = Terms { zone: TimeZone::get("Asia/Kolkata").expect("a zone"), ..span };
    let hours: Vec<_> = reckoned(&script.told, &rome).hours.into_iter().filter(|row| row.figures.seen > 0).collect();
    assert_eq!(hours.iter().map(|row| row.hour).collect::<Vec<_>>(), [15, 17]);
}

#[test]
fn a_quote_that_a_rep_took_up_is_a_case_of_its_columns() {
    let mut script = Script::new();
    let quote = said("q", "ivy", "10:00").quoting().seen_in("billing");
    script.post(&quote);
    let opened = Event::CaseOpened {
        case: case_id("ivy", "q"),
        author: author_id("ivy"),
        conversation: super::script::conversation_id("q"),
        post: post_id("q"),
        posted_at: at("10:00"),
    };
    script.clock("10:30").tell("ana", opened, None);
    script.answer("10:31", "ana", 1, case_id("ivy", "q"), "q", ACK);
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!((report.total.seen, report.total.posts, report.total.answered), (1, 1, 1));
    let billing = report.columns.iter().find(|row| row.column == column("billing")).expect("its column");
    assert_eq!(billing.figures.seen, 1);
}

#[test]
fn a_lead_sees_every_rep_a_rep_their_own_row_a_watcher_none() {
    let mut script = Script::new();
    for (n, who) in [(1, "ana"), (2, "bo")] {
        let (post, author) = (format!("p{n}"), format!("a{n}"));
        script.post(&said(&post, &author, "10:00")).answer("10:05", who, n, case_id(&author, &post), &post, ACK);
    }
    let me = RepName::new("bo");
    let seen_by = |role: Role| reckoned(&script.told, &Terms { eyes: Eyes::of(role, &me), ..terms("20:00") });
    let names = |report: &Report| report.reps.iter().map(|row| row.rep.clone()).collect::<Vec<_>>();
    assert_eq!(names(&seen_by(Role::Lead)), [Some(RepName::new("ana")), Some(me.clone())]);
    assert_eq!(names(&seen_by(Role::Rep)), [Some(me.clone())]);
    assert_eq!(names(&seen_by(Role::Watcher)), []);
    assert!(seen_by(Role::Lead).all_reps && !seen_by(Role::Rep).all_reps);
    assert_eq!(seen_by(Role::Watcher).total, seen_by(Role::Lead).total, "the totals are everybody's");
}

#[test]
fn an_empty_log_and_a_later_versions_events_count_nothing() {
    let report = reckoned(&[], &terms("20:00"));
    assert!(report.is_empty() && report.total.answered_percent.is_none() && report.total.first.is_none());
    let mut script = Script::new();
    script.post(&said("p", "jo", "10:00"));
    for envelope in &mut script.told {
        envelope.version += 1;
    }
    let report = reckoned(&script.told, &terms("20:00"));
    assert_eq!((report.is_empty(), report.events), (true, 2));
}

/// As intake writes it: every case is opened right behind its first post.
fn with_cases_opened(told: impl Iterator<Item = Envelope>) -> Vec<Envelope> {
    let mut known = std::collections::BTreeSet::new();
    let mut all: Vec<Envelope> = Vec::new();
    for envelope in told {
        let opened = match &envelope.event {
            Event::PostMatched { post, author, conversation, posted_at, standing, .. }
                if standing.makes_case() && known.insert(CaseId::of(author, conversation)) =>
            {
                Some(Event::CaseOpened {
                    case: CaseId::of(author, conversation),
                    author: author.clone(),
                    conversation: conversation.clone(),
                    post: post.clone(),
                    posted_at: *posted_at,
                })
            }
            _ => None,
        };
        let opened =
            opened.map(|event| Envelope { id: EventId(uuid::Uuid::nil()), event, body: None, ..envelope.clone() });
        all.extend(std::iter::once(envelope).chain(opened));
    }
    for (n, envelope) in all.iter_mut().enumerate() {
        envelope.seq = Seq(n as u64 + 1);
    }
    all
}

#[test]
fn the_report_says_of_every_case_what_the_desk_shows() {
    let mut reopened = 0;
    let mut answered = 0;
    let mut overdue = 0;
    for seed in 0..40 {
        let mut history = History::new(seed);
        // Deeds meet the same cases again and again.
        history.resolved_percent = seed % 4 * 20;
        let told = with_cases_opened(history.take(500));
        let mut desk = Desk::default();
        for envelope in &told {
            fold(&mut desk, envelope);
        }
        assert_eq!(desk.counters.cases, desk.cases.len() as u64, "nothing is forgotten yet");
        let now = told.last().expect("a history").at;
        let all = Terms { since: None, until: None, now, ..terms("00:00") };
        let total = reckoned(&told, &all).total;
        let count = |is: &dyn Fn(&Case) -> bool| desk.cases.values().filter(|case| is(case)).count() as u64;
        assert_eq!(total.seen, count(&|_| true), "seed {seed}");
        assert_eq!(total.answered, count(&|case| case.first_answer.is_some()), "seed {seed}");
        assert_eq!(total.resolved, count(&|case| case.status == CaseStatus::Resolved), "seed {seed}");
        assert_eq!(total.reopened, count(&|case| case.reopened > 0), "seed {seed}");
        // How they stand, now and when a day has gone by.
        let stops = Stops::default();
        for hours in [0, 24, 48] {
            let now = now + SignedDuration::from_hours(hours);
            let standing = reckoned(&told, &Terms { now, ..all.clone() }).now;
            assert_eq!(standing.new, count(&|case| case.status.is_new(case.owner.is_some())), "seed {seed}");
            let is_overdue = |case: &Case| {
                let columns = case.posts.iter().filter_map(|post| desk.posts.get(post)).flat_map(|post| &post.columns);
                let targets = columns.filter_map(|name| all.targets.get(name)).copied().reduce(Targets::tightened);
                let targets = targets.unwrap_or(Targets::LOOSEST);
                let at = case.overdue_at(&replydeck::desk::Terms { hours: &all.hours, targets, stops: &stops });
                at.is_some_and(|at| at <= now) && case.snoozed_until.is_none_or(|until| until <= now)
            };
            assert_eq!(standing.overdue, count(&is_overdue), "seed {seed}");
            overdue += standing.overdue;
        }
        let mut waited: Vec<i128> = desk
            .cases
            .values()
            .filter_map(|case| Some(case.first_answer?.duration_since(case.started).as_millis().max(0)))
            .collect();
        waited.sort_unstable();
        let median = waited.get(waited.len().div_ceil(2).saturating_sub(1)).copied();
        assert_eq!(total.first.map(|first| i128::from(first.median_ms)), median, "seed {seed}");
        let posts = told.iter().filter_map(|envelope| match &envelope.event {
            Event::PostMatched { post, standing: Standing::Customer | Standing::Goodbye, .. } => Some(post),
            _ => None,
        });
        assert_eq!(total.posts, posts.collect::<std::collections::BTreeSet<_>>().len() as u64, "seed {seed}");
        reopened += total.reopened;
        answered += total.answered;
    }
    assert!(overdue > 50, "{overdue}");
    assert!(reopened > 50 && answered > 500, "the histories hold what they try: {reopened} {answered}");
}
