//! The life of a reply.

use replydeck::desk::outbox::FINISHED_KEPT;
use replydeck::model::{Body, BodyId, CaseStatus, Delivery, Event, Purpose};

use super::script::{Script, at, case_id, post_id, reply_id, said, session};

fn queued() -> Script {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:02"));
    s.queue("14:05", "ana", reply_id(1), case_id("jo", "p1"), "p1", Purpose::Acknowledgement, "@jo on it ^AN");
    s
}

#[test]
fn from_the_key_to_the_network() {
    let case = case_id("jo", "p1");
    let reply = reply_id(1);
    let mut s = queued();
    assert_eq!(s.reply(1).delivery, Delivery::Queued { until: at("14:05:10") });
    assert_eq!(s.reply(1).text.as_deref(), Some("@jo on it ^AN"));
    assert_eq!(s.case("jo", "p1").replies, [reply]);
    assert_eq!(s.case("jo", "p1").status, CaseStatus::New, "a queued reply is no answer");
    s.clock("14:05:11").tell("ana", Event::ReplyAttempted { reply, case, session: session(2) }, None);
    assert_eq!((&s.reply(1).delivery, s.reply(1).attempted), (&Delivery::Sending, Some(at("14:05:11"))));
    s.clock("14:05:12").tell("ana", Event::ReplySent { reply, case, post: post_id("o1") }, None);
    assert_eq!(s.reply(1).delivery, Delivery::Sent { post: post_id("o1"), at: at("14:05:12") });
    s.tell("ana", Event::ReplySent { reply, case, post: post_id("o1") }, None);
    assert_eq!(s.desk.counters.replies_sent, 1, "told twice, sent once");
    for late in [
        Event::ReplyFailed { reply, case, why: "late".into(), may_retry: true },
        Event::ReplyParked { reply, case, why: "late".into() },
        Event::ReplyDropped { reply, case },
        Event::ReplyRecalled { reply, case },
        Event::ReplyAttempted { reply, case, session: session(3) },
    ] {
        s.tell("ana", late.clone(), None);
        assert_eq!(s.reply(1).delivery.word(), "sent", "{late:?}");
    }
    assert_eq!(s.desk.unfinished_replies().count(), 0);
}

#[test]
fn taken_back_during_the_hold_but_not_on_its_way() {
    let case = case_id("jo", "p1");
    let reply = reply_id(1);
    let mut s = queued();
    s.tell("ana", Event::ReplyRecalled { reply, case }, None);
    assert!(s.desk.replies.is_empty() && s.case("jo", "p1").replies.is_empty());

    let mut s = queued();
    s.tell("ana", Event::ReplyAttempted { reply, case, session: session(1) }, None);
    s.tell("ana", Event::ReplyRecalled { reply, case }, None);
    assert_eq!(s.reply(1).delivery, Delivery::Sending);
}

#[test]
fn queued_again_after_a_failure_and_by_the_next_run() {
    let case = case_id("jo", "p1");
    let reply = reply_id(1);
    let mut s = queued();
    s.queue("14:08", "ana", reply, case, "p1", Purpose::Acknowledgement, "@jo on it ^AN");
    assert_eq!(s.reply(1).queued, at("14:05"), "taking it over does not make it younger");
    assert_eq!(s.reply(1).delivery, Delivery::Queued { until: at("14:08:10") });
    s.tell("ana", Event::ReplyFailed { reply, case, why: "429".into(), may_retry: true }, None);
    assert_eq!(s.reply(1).delivery, Delivery::Failed { why: "429".into(), may_retry: true });
    s.queue("14:20", "ana", reply, case, "p1", Purpose::Acknowledgement, "@jo on it now ^AN");
    assert_eq!((s.reply(1).queued, s.reply(1).text.as_deref()), (at("14:20"), Some("@jo on it now ^AN")));
    assert_eq!(s.case("jo", "p1").replies, [reply], "listed once");
    s.tell("ana", Event::ReplyAttempted { reply, case, session: session(1) }, None);
    s.queue("14:21", "ana", reply, case, "p1", Purpose::Acknowledgement, "again");
    assert_eq!(s.reply(1).delivery, Delivery::Sending, "it may be public: never queued again");
    s.tell("ana", Event::ReplyParked { reply, case, why: "no answer".into() }, None);
    assert_eq!(s.desk.unfinished_replies().count(), 1);
    s.tell("ana", Event::ReplyDropped { reply, case }, None);
    assert!(s.desk.replies.is_empty());
}

#[test]
fn the_same_words_again_are_noticed() {
    let mut s = Script::new();
    let words = "Sorry about the slow line, we are looking into it. Please send us your postcode.";
    for (n, name) in [(1, "jo"), (2, "mk")] {
        let case = case_id(name, name);
        s.post(&said(name, name, "14:00"));
        let text = format!("@{name} {words} ^AN");
        s.queue("14:05", "ana", reply_id(n), case, name, Purpose::Acknowledgement, &text);
    }
    assert_eq!(s.desk.same_text_sent(words, at("13:00")), None, "nothing was sent yet");
    let sent = Event::ReplySent { reply: reply_id(1), case: case_id("jo", "jo"), post: post_id("o") };
    s.clock("14:06").tell("ana", sent, None);
    let found = |s: &Script, text: &str, since| s.desk.same_text_sent(text, at(since)).map(|reply| reply.id);
    assert_eq!(found(&s, &format!("@zed {words} ^BO"), "14:00"), Some(reply_id(1)));
    assert_eq!(found(&s, words, "14:07"), None, "sent before then");
    assert_eq!(found(&s, "Sorry, the line in your street is down until noon.", "14:00"), None);
    s.tell("ana", Event::BodyErased { body: BodyId::reply(reply_id(1)) }, None);
    assert_eq!(found(&s, words, "14:00"), None, "erased words are not compared");
    assert_eq!(s.reply(1).text, None);
}

#[test]
fn finished_replies_go_after_a_while_and_unfinished_ones_stay() {
    let mut s = Script::new();
    let case = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:02"));
    s.queue("14:03", "ana", reply_id(1), case, "p1", Purpose::Acknowledgement, "stays");
    let many = u128::try_from(FINISHED_KEPT).expect("fits") + 50;
    for n in 2..many + 2 {
        s.answer("14:05", "ana", n, case, "p1", Purpose::Acknowledgement);
    }
    assert_eq!(s.desk.replies.len(), FINISHED_KEPT + 1);
    assert_eq!(s.case("jo", "p1").replies.len(), FINISHED_KEPT + 1);
    assert_eq!(s.desk.unfinished_replies().map(|reply| reply.id).collect::<Vec<_>>(), [reply_id(1)]);
    assert_eq!(u128::from(s.desk.counters.replies_sent), many);
}

#[test]
fn a_resolved_case_stays_while_a_reply_of_its_is_unfinished() {
    let mut s = Script::new();
    let case = case_id("jo", "p1");
    // In no column: nothing shows the post.
    s.post(&said("p1", "jo", "14:02").seen_in(""));
    s.queue("14:03", "ana", reply_id(1), case, "p1", Purpose::Acknowledgement, "on it");
    s.deed("14:04", "ana", case, "resolve");
    assert!(s.desk.cases.contains_key(&case) && s.desk.post(&post_id("p1")).is_some());
    s.tell("ana", Event::ReplyDropped { reply: reply_id(1), case }, None);
    assert!(s.desk.cases.is_empty() && s.desk.posts.is_empty());
}

#[test]
fn erased_drafts_and_texts_come_back_nowhere() {
    let mut s = queued();
    let case = case_id("jo", "p1");
    s.draft("14:06", "ana", case, "half");
    let body = BodyId::draft(case, Purpose::Acknowledgement);
    s.tell("ana", Event::BodyErased { body: body.clone() }, None);
    assert_eq!(s.case("jo", "p1").drafts[0].draft, None);
    // What is supplied must be what was asked for.
    s.desk.supply(&BodyId::reply(reply_id(1)), Body::Reply("other".into()));
    assert_eq!(s.reply(1).text.as_deref(), Some("@jo on it ^AN"), "a text that is there is not replaced");
}
