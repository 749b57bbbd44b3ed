//! Where a case stands after each thing that can happen to it.

use replydeck::desk::answer::ANSWERS_KEPT;
use replydeck::model::{CaseStatus, Event, Mark, Purpose, RepName};

use super::script::{Script, at, author_id, case_id, column, post_id, reply_id, said};

#[test]
fn each_step_of_an_ordinary_case() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    let ana = RepName::new("ana");
    let stands = |step: &str, s: &Script, status, since: Option<&str>, mark| {
        let case = s.case("jo", "p1");
        assert_eq!((case.status, case.waiting_since), (status, since.map(at)), "{step}");
        assert_eq!(case.mark(&ana), mark, "{step}");
        assert_eq!(s.desk.unanswered(&column("outage")), usize::from(since.is_some()), "{step}");
    };
    s.post(&said("p1", "jo", "14:02"));
    stands("a post came", &s, CaseStatus::New, Some("14:02"), Mark::New);
    s.deed("14:03", "ana", jo, "claim");
    stands("claimed", &s, CaseStatus::New, Some("14:02"), Mark::Mine);
    s.answer("14:05", "ana", 1, jo, "p1", Purpose::Both);
    stands("answered", &s, CaseStatus::Acknowledged, None, Mark::Acknowledged);
    s.post(&said("p2", "jo", "14:09").within("p1")).post(&said("p3", "jo", "14:11").within("p1"));
    stands("wrote twice more", &s, CaseStatus::Waiting, Some("14:09"), Mark::Waiting);
    s.answer("14:20", "ana", 2, jo, "p3", Purpose::Acknowledgement);
    stands("answered again", &s, CaseStatus::Acknowledged, None, Mark::Acknowledged);
    s.deed("14:30", "ana", jo, "resolve");
    stands("resolved", &s, CaseStatus::Resolved, None, Mark::Resolved);
    s.post(&said("p4", "jo", "14:40").within("p1"));
    stands("came back", &s, CaseStatus::Waiting, Some("14:40"), Mark::Waiting);

    let case = s.case("jo", "p1");
    assert_eq!(case.number, 1);
    assert_eq!(case.started, at("14:02"));
    assert_eq!(case.first_answer, Some(at("14:05")));
    assert_eq!(case.dm_requested, Some(at("14:05")));
    assert_eq!(case.reopened, 1);
    assert_eq!(case.owner, Some(ana.clone()), "who had it still has it");
    assert_eq!(case.posts, ["p1", "p2", "p3", "p4"].map(post_id));
    let last = case.last_answer.as_ref().expect("answered");
    assert_eq!((last.at, &last.post, last.rep.as_ref()), (at("14:20"), &post_id("ours-2"), Some(&ana)));
    assert_eq!(s.desk.counters.cases, 1);
    assert_eq!(s.desk.counters.resolved, 1);
    assert_eq!(s.desk.counters.replies_sent, 2);
    assert_eq!(s.again(), s.desk, "told again from the start it ends the same");
}

#[test]
fn a_resolved_case_without_an_answer_is_new_again() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).deed("14:03", "ana", jo, "resolve");
    s.post(&said("p2", "jo", "14:10").within("p1"));
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.waiting_since, case.reopened), (CaseStatus::New, Some(at("14:10")), 1));
    assert_eq!(case.resolved, None);
}

#[test]
fn reopened_by_a_rep_it_stands_where_it_stood() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02"));
    s.deed("14:03", "ana", jo, "resolve").deed("14:04", "ana", jo, "reopen");
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").waiting_since), (CaseStatus::New, Some(at("14:02"))));
    s.answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.deed("14:06", "ana", jo, "resolve").deed("14:07", "ana", jo, "reopen");
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").waiting_since), (CaseStatus::Acknowledged, None));
    s.post(&said("p2", "jo", "14:08").within("p1"));
    s.deed("14:09", "ana", jo, "resolve").deed("14:10", "ana", jo, "reopen");
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").waiting_since), (CaseStatus::Waiting, Some(at("14:08"))));
    assert_eq!(s.case("jo", "p1").reopened, 3);
    let contact = &s.desk.authors[&author_id("jo")].contacts[0];
    assert_eq!((contact.resolved, contact.cause.as_deref()), (None, None));
}

#[test]
fn a_late_older_post_changes_neither_an_answered_nor_a_resolved_case() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).answer("14:10", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.clock("14:30").post_late(&said("p0", "jo", "14:01").within("p1"));
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").started), (CaseStatus::Acknowledged, at("14:01")));
    s.post_late(&said("same", "jo", "14:10").within("p1"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Waiting, "of the very second of the answer, and nobody saw it");
    s.answer("14:30:30", "ana", 2, jo, "same", Purpose::Acknowledgement);
    s.deed("14:31", "ana", jo, "resolve").post_late(&said("p00", "jo", "14:00").within("p1"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Resolved);
    s.post_late(&said("p9", "jo", "14:30:59").within("p1"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Waiting, "newer than all the rep had seen");
}

/// The customer writes at 14:04, the rep answers at 14:05 and resolves at 14:06, and only then we hear of it.
#[test]
fn what_nobody_had_seen_when_they_answered_and_resolved_takes_the_case_up_again() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.deed("14:06", "ana", jo, "resolve").clock("14:07").post_late(&said("p2", "jo", "14:04").within("p1"));
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.reopened, case.waiting_since), (CaseStatus::Waiting, 1, Some(at("14:04"))));
    assert_eq!(s.again(), s.desk);
    // Answered on the network itself, where it stood already: it is answered.
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).post(&said("o1", "us", "14:05").within("p1").by_us_to("p1", "jo"));
    s.deed("14:06", "ana", jo, "resolve").clock("14:07").post_late(&said("p2", "jo", "14:04").within("p1"));
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").reopened), (CaseStatus::Resolved, 0));
    // A case that is open waits again.
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.clock("14:07").post_late(&said("p2", "jo", "14:04").within("p1"));
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").waiting_since), (CaseStatus::Waiting, Some(at("14:04"))));
}

#[test]
fn all_answers_of_a_case_are_known_and_each_once() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.post(&said("o2", "us", "14:06").within("p1").by_us_to("p1", "jo"));
    s.answer("14:07", "bo", 3, jo, "p1", Purpose::DmRequest);
    // The first of them is seen on the network after the others.
    s.post_late(&said("ours-1", "us", "14:04:59").within("p1").by_us_to("p1", "jo"));
    let case = s.case("jo", "p1");
    let told: Vec<_> = case
        .answers()
        .map(|answer| (answer.post.native(), answer.rep.as_ref().map(RepName::as_str), answer.reply, answer.at))
        .collect();
    assert_eq!(
        told,
        [
            ("ours-1", Some("ana"), Some(reply_id(1)), at("14:04:59")),
            ("o2", None, None, at("14:06")),
            ("ours-3", Some("bo"), Some(reply_id(3)), at("14:07")),
        ]
    );
    assert_eq!(case.last_answer.as_ref().map(|answer| answer.post.native()), Some("ours-3"));
    for n in 10..110 {
        s.answer("14:08", "ana", n, jo, "p1", Purpose::Acknowledgement);
    }
    let case = s.case("jo", "p1");
    assert_eq!(case.answers().count(), ANSWERS_KEPT, "the newest");
    assert_eq!(case.answers().last().map(|answer| answer.post.native()), Some("ours-109"));
}

#[test]
fn an_older_post_before_any_answer_moves_the_clock_back() {
    let mut s = Script::new();
    s.post(&said("p2", "jo", "14:05").within("p1")).post_late(&said("p1", "jo", "14:02"));
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.waiting_since, case.number), (CaseStatus::New, Some(at("14:02")), 1));
}

#[test]
fn claims_releases_and_assignments_set_the_owner() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    let owner = |s: &Script| s.case("jo", "p1").owner.as_ref().map(ToString::to_string);
    s.post(&said("p1", "jo", "14:02")).deed("14:03", "ana", jo, "claim");
    assert_eq!((owner(&s).as_deref(), s.case("jo", "p1").claimed_at), (Some("ana"), Some(at("14:03"))));
    let contended = s.case("jo", "p1").contended;
    assert_eq!(contended, s.desk.seq);
    s.deed("14:04", "bo", jo, "note").draft("14:04", "bo", jo, "half a");
    assert_eq!(s.case("jo", "p1").contended, contended, "what nobody can race for does not count");
    s.deed("14:04", "bo", jo, "claim");
    assert_eq!(owner(&s).as_deref(), Some("bo"), "the log let the second claim in, so it knew of the first");
    s.tell("bo", Event::CaseAssigned { case: jo, to: RepName::new("cy") }, None);
    assert_eq!(owner(&s).as_deref(), Some("cy"));
    s.deed("14:06", "cy", jo, "release");
    assert_eq!((owner(&s), s.case("jo", "p1").claimed_at), (None, None));
    assert_eq!((s.case("jo", "p1").notes, s.case("jo", "p1").contended), (1, s.desk.seq));
}

#[test]
fn tags_snooze_and_drafts() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02"));
    for (tag, on) in [("slow", true), ("happy", true), ("slow", false)] {
        s.tell("ana", Event::CaseTagged { case: jo, tag: tag.into(), on }, None);
    }
    assert_eq!(s.case("jo", "p1").tags.iter().collect::<Vec<_>>(), ["happy"]);
    s.tell("ana", Event::CaseSnoozed { case: jo, until: at("18:00") }, None);
    assert_eq!(s.case("jo", "p1").snoozed_until, Some(at("18:00")));
    s.post(&said("p2", "jo", "14:09").within("p1"));
    assert_eq!(s.case("jo", "p1").snoozed_until, None, "a new post wakes the case");
    s.draft("14:10", "ana", jo, "Sorry abou");
    let draft = &s.case("jo", "p1").drafts[0];
    assert_eq!(draft.draft.as_ref().map(|draft| draft.text.as_str()), Some("Sorry abou"));
    s.tell("ana", Event::DraftDropped { case: jo, purpose: Purpose::Acknowledgement, rep: None }, None);
    assert!(s.case("jo", "p1").drafts.is_empty());
}

#[test]
fn one_case_per_author_and_conversation() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).post(&said("p2", "mk", "14:03").within("p1"));
    s.post(&said("p3", "jo", "14:04").within("p1")).post(&said("p4", "jo", "14:05"));
    assert_eq!(s.desk.cases.len(), 3);
    assert_eq!((s.case("jo", "p1").number, s.case("mk", "p1").number, s.case("jo", "p4").number), (1, 2, 3));
    assert_eq!(s.desk.case_of(&post_id("p3")).map(|case| case.number), Some(1));
}

#[test]
fn what_was_done_for_an_author_before_is_known() {
    let mut s = Script::new();
    s.post(&said("old", "jo", "14:00")).deed("14:10", "ana", case_id("jo", "old"), "resolve");
    s.post(&said("mid", "jo", "+6d 09:00")).post(&said("new", "jo", "+9d 09:00"));
    let jo = author_id("jo");
    let now = at("+9d 10:00");
    assert_eq!(s.desk.contacts_within(&jo, now, 7), 2);
    assert_eq!(s.desk.contacts_within(&jo, now, 30), 3);
    assert_eq!(s.desk.contacts_within(&author_id("nobody"), now, 7), 0);
    let last = s.desk.last_outcome(&jo, case_id("jo", "new")).expect("one was resolved");
    assert_eq!((last.number, last.cause.as_deref()), (1, Some("outage")));
    assert_eq!(s.desk.last_outcome(&jo, case_id("jo", "old")), None);
}

#[test]
fn a_goodbye_reopens_only_what_was_not_closed_for_it() {
    let mut s = Script::new();
    let (jo, kim) = (case_id("jo", "p1"), case_id("kim", "q1"));
    s.post(&said("p1", "jo", "14:02")).post(&said("q1", "kim", "14:02"));
    s.deed("14:03", "ana", jo, "close").deed("14:03", "ana", kim, "resolve");
    s.post(&said("p2", "jo", "14:10").within("p1").thanking())
        .post(&said("q2", "kim", "14:10").within("q1").thanking());
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").reopened), (CaseStatus::Resolved, 0));
    assert_eq!(s.case("jo", "p1").posts.len(), 2, "it is in the case all the same");
    assert_eq!((s.case("kim", "q1").status, s.case("kim", "q1").reopened), (CaseStatus::New, 1));
    s.post(&said("p3", "jo", "14:20").within("p1"));
    let case = s.case("jo", "p1");
    assert_eq!(
        (case.status, case.waiting_since),
        (CaseStatus::New, Some(at("14:20"))),
        "more than a goodbye reopens it"
    );
    assert_eq!(s.again(), s.desk);
}

#[test]
fn a_quote_opens_no_case() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02").quoting()).post(&said("p2", "kim", "14:03").reposted());
    assert!(s.desk.cases.is_empty());
    assert!(s.desk.posts.contains_key(&post_id("p1")), "the column shows it");
}

#[test]
fn priority_waking_reading_and_turning_round_are_kept_on_the_case() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).deed("14:03", "ana", jo, "urgent");
    s.tell("ana", Event::CaseSnoozed { case: jo, until: at("16:00") }, None).deed("14:05", "bo", jo, "wake");
    s.tell("bo", Event::CaseRead { case: jo, upto: at("14:02") }, None);
    s.tell("bo", Event::CaseRead { case: jo, upto: at("13:00") }, None);
    s.tell("ana", Event::CaseTurnedRound { case: jo, post: post_id("p9"), on: true }, None);
    let case = s.case("jo", "p1");
    assert!(case.is_urgent && case.snoozed_until.is_none());
    assert!(
        !case.is_unread_by(&RepName::new("bo"), at("14:02")) && case.is_unread_by(&RepName::new("bo"), at("14:03"))
    );
    assert!(case.is_unread_by(&RepName::new("ana"), at("14:02")));
    assert_eq!(case.turned_round, Some(post_id("p9")));
    assert!(s.desk.authors[&author_id("jo")].contacts[0].turned_round);
    s.tell("ana", Event::CaseTurnedRound { case: jo, post: post_id("p9"), on: false }, None);
    assert_eq!(s.case("jo", "p1").turned_round, None);
    assert_eq!(s.again(), s.desk);
}
