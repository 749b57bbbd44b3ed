//! Posts that open nothing: reposts, our own, and what comes back from the network's own page.

use replydeck::model::{AccountName, CaseStatus, Event, Purpose};

use super::script::{Script, at, case_id, column, post_id, reply_id, said};

fn hand_over(s: &mut Script, clock: &str, purpose: Purpose) {
    let event = Event::ReplyHandedOver {
        reply: reply_id(5),
        case: case_id("jo", "p1"),
        to: post_id("p1"),
        purpose,
        account: AccountName::new("charter"),
    };
    s.clock(clock).tell("ana", event, None);
}

#[test]
fn reposts_and_own_posts_open_no_case() {
    let mut s = Script::new();
    s.post(&said("r1", "fan", "14:01").reposted());
    s.post(&said("o1", "us", "14:02").by_us_to("elsewhere", "stranger"));
    assert_eq!((s.desk.cases.len(), s.desk.counters.cases, s.desk.counters.posts), (0, 0, 2));
    assert_eq!(s.desk.newest(&column("outage")).count(), 2, "they are shown all the same");
    assert!(s.desk.case_of(&post_id("r1")).is_none());
}

#[test]
fn an_answer_typed_elsewhere_stops_the_clock() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).post(&said("o1", "us", "14:06").within("p1").by_us_to("p1", "jo"));
    let case = s.case("jo", "p1");
    assert_eq!(
        (case.status, case.waiting_since, case.first_answer),
        (CaseStatus::Acknowledged, None, Some(at("14:06")))
    );
    let last = case.last_answer.as_ref().expect("answered");
    assert_eq!((last.rep.as_ref(), last.purpose, &last.post), (None, None, &post_id("o1")));
    assert_eq!(s.desk.counters.replies_sent, 0, "it was not sent from here");
}

#[test]
fn an_answer_to_somebody_else_in_the_conversation_is_theirs() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).post(&said("p2", "mk", "14:03").within("p1"));
    s.post(&said("o1", "us", "14:06").within("p1").by_us_to("p2", "mk"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New);
    assert_eq!(s.case("mk", "p1").status, CaseStatus::Acknowledged);
    s.post(&said("o2", "us", "14:07").within("another").by_us_to("p1", "jo"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New, "another conversation");
}

#[test]
fn what_the_customer_wrote_after_an_answer_that_came_late_still_waits() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02")).post(&said("p2", "jo", "14:09").within("p1"));
    s.post_late(&said("o1", "us", "14:06").within("p1").by_us_to("p1", "jo"));
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.waiting_since), (CaseStatus::Waiting, Some(at("14:09"))));
    assert_eq!(case.first_answer, Some(at("14:06")));
}

#[test]
fn a_backfill_may_bring_the_answer_before_the_question() {
    let mut s = Script::new();
    s.clock("14:30").post_late(&said("o1", "us", "14:06").within("p1").by_us_to("p1", "jo"));
    s.post_late(&said("p1", "jo", "14:02"));
    assert_eq!(
        (s.case("jo", "p1").status, s.case("jo", "p1").first_answer),
        (CaseStatus::Acknowledged, Some(at("14:06")))
    );
    assert_eq!(s.desk.unanswered(&column("outage")), 0);
    assert!(s.desk.early_answers.is_empty());
}

#[test]
fn our_reply_seen_again_on_the_stream_tells_no_more_than_when_it_was_out() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).answer("14:05:10", "ana", 1, jo, "p1", Purpose::DmRequest);
    let before = s.case("jo", "p1").clone();
    s.post(&said("ours-1", "us", "14:05:09").within("p1").by_us_to("p1", "jo"));
    let mut expected = before;
    expected.first_answer = Some(at("14:05:09"));
    expected.last_answer.as_mut().expect("answered").at = at("14:05:09");
    assert_eq!(s.case("jo", "p1"), &expected);

    // And the other way round: the stream was faster than our own log.
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02"));
    s.post(&said("ours-1", "us", "14:05:09").within("p1").by_us_to("p1", "jo"));
    s.answer("14:05:10", "ana", 1, jo, "p1", Purpose::DmRequest);
    let last = s.case("jo", "p1").last_answer.clone().expect("answered");
    assert_eq!((last.rep.map(|rep| rep.to_string()).as_deref(), last.purpose), (Some("ana"), Some(Purpose::DmRequest)));
    assert_eq!(s.case("jo", "p1").first_answer, Some(at("14:05:09")));
    assert_eq!(s.case("jo", "p1").dm_requested, Some(at("14:05:10")));
}

/// Sent at 14:05, word of it at 14:07: what the customer wrote at 14:06 was written to it, in whatever order we hear.
#[test]
fn what_was_written_to_a_reply_before_we_had_word_of_it_waits() {
    let question = said("p1", "jo", "14:02");
    let follow_up = said("p2", "jo", "14:06").within("p1");
    let reply = said("ours-1", "us", "14:05").within("p1").by_us_to("p1", "jo");
    for order in [
        "sent, reply, p2",
        "sent, p2, reply",
        "reply, sent, p2",
        "reply, p2, sent",
        "p2, sent, reply",
        "p2, reply, sent",
    ] {
        let mut s = Script::new();
        s.post(&question).clock("14:08");
        for part in order.split(", ") {
            match part {
                "sent" => s.answer("14:07", "ana", 1, case_id("jo", "p1"), "p1", Purpose::Acknowledgement),
                "reply" => s.post_late(&reply),
                _ => s.post_late(&follow_up),
            };
        }
        let case = s.case("jo", "p1");
        assert_eq!((case.status, case.waiting_since), (CaseStatus::Waiting, Some(at("14:06"))), "{order}");
        assert_eq!((case.first_answer, case.last_said()), (Some(at("14:05")), Some(at("14:05"))), "{order}");
        // Written before our reply, seen after: that reply answers it, and the follow-up still leads.
        s.post_late(&said("p3", "jo", "14:04").within("p1"));
        assert_eq!(s.case("jo", "p1").waiting_since, Some(at("14:06")), "{order}");
    }
}

/// The goodbye to a closed case is no wait, not even once the case is open again and another answer is seen late.
#[test]
fn a_goodbye_is_no_wait_after_the_case_was_reopened() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02")).answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    s.deed("14:06", "ana", jo, "close").post(&said("p2", "jo", "14:07").within("p1").thanking());
    s.post(&said("p3", "jo", "14:20").within("p1"));
    assert_eq!(s.case("jo", "p1").waiting_since, Some(at("14:20")));
    s.post_late(&said("ours-1", "us", "14:05").within("p1").by_us_to("p1", "jo"));
    assert_eq!(s.case("jo", "p1").waiting_since, Some(at("14:20")), "our reply came back late");
    s.post_late(&said("o2", "us", "14:06:30").within("p1").by_us_to("p1", "jo"));
    assert_eq!(s.case("jo", "p1").waiting_since, Some(at("14:20")), "one typed elsewhere came late");
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Waiting);
}

#[test]
fn a_post_dated_in_the_future_can_be_answered_today() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.clock("14:02").post_late(&said("p1", "jo", "2031-01-01T00:00:00Z"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New);
    s.answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Acknowledged);
    s.clock("14:06").post_late(&said("ours-1", "us", "14:05").within("p1").by_us_to("p1", "jo"));
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Acknowledged);
}

#[test]
fn a_hand_over_is_closed_by_what_comes_back() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02"));
    hand_over(&mut s, "14:30", Purpose::Both);
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New, "nothing is public yet");
    assert!(s.case("jo", "p1").handed_over.is_some());
    s.post_late(&said("o0", "us", "14:10").within("p1").by_us_to("p1", "jo"));
    assert!(s.case("jo", "p1").handed_over.is_some(), "an answer from before is not the one handed over");
    s.post(&said("o1", "us", "14:31").within("p1").by_us_to("p1", "jo"));
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.handed_over.is_some()), (CaseStatus::Acknowledged, false));
    assert_eq!(case.dm_requested, Some(at("14:31")));
    let last = case.last_answer.as_ref().expect("answered");
    assert_eq!(last.rep.as_ref().map(ToString::to_string).as_deref(), Some("ana"));
    assert_eq!(last.purpose, Some(Purpose::Both));
}

#[test]
fn a_failed_reply_handed_over_leaves_the_outbox() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02"));
    s.queue("14:03", "ana", reply_id(5), jo, "p1", Purpose::Acknowledgement, "ours");
    s.tell("ana", Event::ReplyFailed { reply: reply_id(5), case: jo, why: "no".into(), may_retry: false }, None);
    assert_eq!(s.desk.unfinished_replies().count(), 1);
    hand_over(&mut s, "14:04", Purpose::Acknowledgement);
    assert_eq!(s.desk.unfinished_replies().count(), 0);
    assert!(s.case("jo", "p1").replies.is_empty());
}

#[test]
fn edits_deletions_and_erasures() {
    use replydeck::desk::PostState;
    use replydeck::model::BodyId;

    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02"));
    let state =
        |s: &Script| s.desk.post(&post_id("p1")).map(|post| (post.state, post.body.clone().map(|b| b.text.clone())));
    assert_eq!(state(&s), Some((PostState::Present, Some("words of p1".into()))));
    let mut edited = said("p1", "jo", "14:02");
    edited = edited.with_text("better words");
    s.tell("intake", Event::PostEdited { post: post_id("p1") }, Some(edited.body()));
    assert_eq!(state(&s), Some((PostState::Edited, Some("better words".into()))));
    s.tell("intake", Event::BodyErased { body: BodyId::post(&post_id("p1")) }, None);
    assert_eq!(state(&s), Some((PostState::Erased, None)));
    s.tell("intake", Event::PostDeleted { post: post_id("p1") }, None);
    s.tell("intake", Event::BodyErased { body: BodyId::post(&post_id("p1")) }, None);
    s.tell("intake", Event::PostEdited { post: post_id("p1") }, Some(edited.body()));
    assert_eq!(state(&s), Some((PostState::Deleted, None)), "deleted is deleted");
    assert_eq!(s.desk.newest(&column("outage")).count(), 1, "the row stays");
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New, "and so does the case");
}
