//! What a column shows, what is next, and what memory holds.

use jiff::SignedDuration;
use replydeck::desk::author::{CONTACTS_KEPT, IDLE_KEPT};
use replydeck::desk::case::POSTS_KEPT;
use replydeck::desk::column::{COLUMNS_KEPT, WINDOW};
use replydeck::desk::gap::GAPS_KEPT;
use replydeck::desk::outbox::FINISHED_KEPT;
use replydeck::desk::{Case, Desk, fold};
use replydeck::model::{CaseStatus, ColumnName, Event, GapFill, PostId, Purpose};

use super::history::History;
use super::script::{Script, at, case_id, column, gap_id, post_id, said};

fn shown(desk: &Desk, name: &str) -> Vec<String> {
    desk.newest(&column(name)).map(|post| post.id.native().to_owned()).collect()
}

#[test]
fn posts_stand_by_their_own_time_whenever_they_come() {
    let mut s = Script::new();
    s.post(&said("b", "jo", "14:02")).post(&said("c", "mk", "14:03"));
    s.post_late(&said("a", "ol", "14:01"));
    s.post_late(&said("old", "pa", "2006-03-21T20:50:14Z")).post_late(&said("future", "qu", "2099-01-01T00:00:00Z"));
    assert_eq!(shown(&s.desk, "outage"), ["future", "c", "b", "a", "old"]);
    assert_eq!(s.desk.newest(&column("none")).count(), 0);
    let mut back = s.desk.newest(&column("outage"));
    assert_eq!(back.next_back().map(|post| post.id.native()), Some("old"));
}

#[test]
fn a_post_matched_twice_is_one_post_in_both_columns() {
    let mut s = Script::new();
    s.post(&said("a", "jo", "14:02").seen_in("outage"));
    s.post(&said("a", "jo", "14:02").seen_in("outage billing")).post(&said("a", "jo", "14:02").seen_in("outage"));
    assert_eq!((shown(&s.desk, "outage"), shown(&s.desk, "billing")), (vec!["a".to_owned()], vec!["a".to_owned()]));
    assert_eq!((s.desk.posts.len(), s.desk.counters.posts, s.desk.cases.len()), (1, 1, 1));
    assert_eq!((s.desk.columns[&column("outage")].matched, s.desk.columns[&column("billing")].matched), (1, 1));
    assert_eq!((s.desk.unanswered(&column("outage")), s.desk.unanswered(&column("billing"))), (1, 1));
}

#[test]
fn next_unanswered_visits_each_case_once() {
    let mut s = Script::new();
    s.post(&said("a", "jo", "14:01")).post(&said("b", "mk", "14:02")).post(&said("c", "jo", "14:03").within("a"));
    s.post(&said("r", "fan", "14:04").reposted()).post(&said("d", "ol", "14:05")).post(&said("e", "pa", "14:06"));
    s.answer("14:07", "ana", 1, case_id("ol", "d"), "d", Purpose::Acknowledgement);
    let name = column("outage");
    let walk = |forward: bool| {
        let mut met: Vec<PostId> = Vec::new();
        while let Some(next) = s.desk.next_unanswered(&name, met.last(), forward, at("15:00")) {
            met.push(next);
        }
        met
    };
    assert_eq!(walk(true), ["e", "c", "b"].map(post_id), "jo's case is met at its newest post");
    assert_eq!(walk(false), ["b", "c", "e"].map(post_id));
    assert_eq!(s.desk.unanswered(&name), 3);
    assert_eq!(
        s.desk.next_unanswered(&name, Some(&post_id("r")), true, at("15:00")),
        Some(post_id("c")),
        "from any row"
    );
    assert_eq!(s.desk.next_unanswered(&name, Some(&post_id("unknown")), true, at("15:00")), Some(post_id("e")));
    assert_eq!(s.desk.next_unanswered(&column("none"), None, true, at("15:00")), None);
}

#[test]
fn gaps_open_close_and_are_filled() {
    let mut s = Script::new();
    let columns = vec![column("outage"), column("billing")];
    s.tell(
        "intake",
        Event::GapOpened { gap: gap_id(1), columns: columns.clone(), from: at("14:02"), account: None },
        None,
    );
    s.tell("intake", Event::GapOpened { gap: gap_id(1), columns, from: at("15:00"), account: None }, None);
    let gap = &s.desk.gaps[&gap_id(1)];
    assert_eq!((gap.from, gap.to, &gap.fill), (at("14:02"), None, &None));
    s.tell("intake", Event::GapClosed { gap: gap_id(1), to: at("14:09") }, None);
    s.tell("intake", Event::GapFilled { gap: gap_id(1), fill: GapFill::Filled { posts: 4 } }, None);
    let gap = &s.desk.gaps[&gap_id(1)];
    assert_eq!((gap.to, &gap.fill), (Some(at("14:09")), &Some(GapFill::Filled { posts: 4 })));
    for name in ["outage", "billing"] {
        assert!(s.desk.columns[&column(name)].gaps.contains(&(at("14:02"), gap_id(1))), "{name}");
    }
    s.tell("intake", Event::GapClosed { gap: gap_id(7), to: at("14:09") }, None);
    assert_eq!(s.desk.gaps.len(), 1, "a gap nobody opened is none");
    for n in 100..100 + 3 * GAPS_KEPT as u128 {
        let opened =
            Event::GapOpened { gap: gap_id(n), columns: vec![column("outage")], from: at("15:00"), account: None };
        s.tell("intake", opened, None);
    }
    assert_eq!(s.desk.columns[&column("outage")].gaps.len(), GAPS_KEPT);
    assert_eq!(s.desk.gaps.len(), GAPS_KEPT + 1, "the other column still shows the first");
}

#[test]
fn what_a_full_window_pushes_out_goes_unless_it_is_open_work() {
    let mut s = Script::new();
    let gap = Event::GapOpened { gap: gap_id(1), columns: vec![column("outage")], from: at("13:00"), account: None };
    s.tell("intake", gap, None).tell("intake", Event::GapClosed { gap: gap_id(1), to: at("13:30") }, None);
    s.post(&said("open", "jo", "14:00")).post(&said("done", "mk", "14:00:01"));
    s.post(&said("again", "mk", "14:00:02").within("done")).post(&said("repost", "fan", "14:00:03").reposted());
    s.deed("14:00:04", "ana", case_id("mk", "done"), "resolve");
    assert_eq!(s.desk.posts.len(), 4);
    let start = at("14:01");
    for n in 0..i64::try_from(WINDOW).expect("fits") {
        let filler = said(&format!("f{n}"), "bot", "14:01").within("flood").reposted();
        s.post(&filler.dated(start.checked_add(SignedDuration::from_secs(n)).expect("within time")));
    }
    assert_eq!(s.desk.columns[&column("outage")].window.len(), WINDOW);
    assert!(s.desk.post(&post_id("open")).is_some(), "its case is open");
    for gone in ["done", "again", "repost"] {
        assert!(s.desk.post(&post_id(gone)).is_none(), "{gone}");
    }
    assert_eq!((s.desk.cases.len(), s.desk.gaps.len()), (1, 0));
    assert_eq!(s.desk.unanswered(&column("outage")), 0, "no row of the window is unanswered");
    assert!(s.case("jo", "open").is_unanswered(), "but it is not forgotten");
    assert_eq!(s.desk.columns[&column("outage")].matched, WINDOW as u64 + 4);

    // Whoever comes back later is known, with the old number and the outcome.
    s.post(&said("back", "mk", "+1d 09:00").within("done"));
    let case = s.case("mk", "done");
    assert_eq!((case.number, case.status, case.reopened), (2, CaseStatus::New, 1));
    assert_eq!(case.contended, s.told[s.told.len() - 1].seq, "a claim does not lose against what is long past");
    assert_eq!(s.desk.counters.cases, 2);

    // An old post from before it was resolved opens nothing.
    s.deed("+1d 09:01", "ana", case_id("mk", "done"), "resolve");
    let late = said("late", "mk", "13:59").within("done").seen_in("");
    s.post_late(&late);
    assert!(s.desk.post(&post_id("late")).is_some(), "listed by the case that a window still shows");
    assert_eq!(s.case("mk", "done").status, CaseStatus::Resolved);
}

#[test]
fn a_flood_in_one_case_keeps_the_first_and_the_newest() {
    let mut s = Script::new();
    for n in 0..200 {
        let post = said(&format!("p{n:03}"), "jo", "14:00").within("p000").seen_in("");
        s.post(&post.dated(at("14:00").checked_add(SignedDuration::from_secs(n)).expect("within time")));
    }
    let case = s.case("jo", "p000");
    assert_eq!((case.posts.len(), s.desk.posts.len()), (POSTS_KEPT, POSTS_KEPT));
    assert_eq!((&case.posts[0], case.posts.last()), (&post_id("p000"), Some(&post_id("p199"))));
    assert_eq!(case.waiting_since, Some(at("14:00")));
}

/// The index and the keeping rules, checked against a count of everything.
pub(crate) fn assert_sound(desk: &Desk) {
    let mut anew = desk.clone();
    anew.reindex();
    assert_eq!(anew.index, desk.index, "the running counts are right");
    for (name, column) in &desk.columns {
        assert!(column.window.len() <= WINDOW && column.gaps.len() <= GAPS_KEPT);
        for (time, id) in &column.window {
            let view = desk.post(id).expect("a shown post is held");
            assert!(view.at == *time && view.columns.contains(name));
        }
        let mut cases: Vec<_> =
            desk.newest(name).filter_map(|post| desk.case_of(&post.id)).filter(|case| case.is_unanswered()).collect();
        cases.sort_by_key(|case| case.id);
        cases.dedup_by_key(|case| case.id);
        let listed = |case: &&Case| {
            case.posts.iter().any(|id| desk.post(id).is_some_and(|post| column.window.contains(&post.place())))
        };
        assert_eq!(desk.unanswered(name), cases.into_iter().filter(listed).count(), "{name}");
    }
    for post in desk.posts.values() {
        let is_shown = desk.columns.values().any(|column| column.window.contains(&post.place()));
        let is_listed = desk.case_of(&post.id).is_some_and(|case| case.posts.contains(&post.id));
        assert!(is_shown || is_listed, "{} is held for a reason", post.id);
    }
    for case in desk.cases.values() {
        assert!(case.posts.len() <= POSTS_KEPT);
        assert_eq!(case.is_unanswered(), matches!(case.status, CaseStatus::New | CaseStatus::Waiting), "{case:?}");
        assert_eq!(case.resolved.is_some(), case.status == CaseStatus::Resolved);
        assert!(desk.authors.contains_key(&case.author));
    }
    let finished = desk.replies.values().filter(|reply| reply.is_finished()).count();
    assert!(finished <= FINISHED_KEPT);
    assert!(desk.idle_authors.len() <= IDLE_KEPT);
    assert!(desk.authors.values().all(|author| author.contacts.len() <= CONTACTS_KEPT));
}

#[test]
fn memory_is_bounded_whatever_the_history() {
    let mut history = History::new(11);
    history.resolved_percent = 100;
    let mut desk = Desk::default();
    for (n, envelope) in history.by_ref().take(300_000).enumerate() {
        fold(&mut desk, &envelope);
        if n % 60_000 == 0 {
            assert_sound(&desk);
        }
    }
    assert_sound(&desk);
    assert_eq!(desk.counters.events, 300_000);
    assert!(desk.counters.posts > 100_000, "{:?}", desk.counters);
    let open = desk.cases.values().filter(|case| case.status != CaseStatus::Resolved).count();
    let windows = desk.columns.len() * WINDOW;
    let unfinished = desk.unfinished_replies().count();
    assert_eq!(desk.columns.len(), 8);
    assert!(desk.cases.len() <= open + windows + unfinished, "{} cases, {open} open", desk.cases.len());
    assert!(desk.posts.len() <= windows + desk.cases.len() * 4, "{} posts", desk.posts.len());
    assert!(desk.authors.len() <= desk.cases.len() + IDLE_KEPT, "{} authors", desk.authors.len());
    assert!(desk.gaps.len() <= 8 * GAPS_KEPT);
    assert!(desk.replies.len() <= FINISHED_KEPT + unfinished);
}

#[test]
fn even_columns_are_bounded() {
    let mut s = Script::new();
    for n in 0..2 * COLUMNS_KEPT {
        let time = at("14:00").checked_add(SignedDuration::from_secs(i64::try_from(n).expect("fits"))).expect("time");
        s.post(&said(&format!("p{n}"), "fan", "14:00").seen_in(&format!("c{n}")).reposted().dated(time));
    }
    assert_eq!((s.desk.columns.len(), s.desk.posts.len()), (COLUMNS_KEPT, COLUMNS_KEPT));
    assert!(s.desk.columns.contains_key(&ColumnName::new(&format!("c{}", 2 * COLUMNS_KEPT - 1))));
    assert_sound(&s.desk);
}
