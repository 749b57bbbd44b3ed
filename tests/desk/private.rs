//! Direct messages on a case, who asked not to be contacted, renames, and edits after our answer.

use replydeck::desk::Desk;
use replydeck::model::{
    AccountName, Body, BodyId, CaseStatus, Delivery, Event, Message, MessageId, NetworkKind, PostId, Purpose,
};

use super::script::{Said, Script, at, author_id, case_id, post_id, reply_id, said, session};

fn id(n: u64) -> MessageId {
    MessageId::new(NetworkKind::X, &n.to_string())
}

fn body(n: u64, author: &str, is_ours: bool, clock: &str, text: &str) -> Body {
    let (with, handle, text) = (author_id(author), author.to_owned(), text.to_owned());
    Body::Message(Box::new(Message { id: id(n), with, handle, is_ours, text, at: at(clock) }))
}

fn received(s: &mut Script, n: u64, author: &str, clock: &str, text: &str) {
    let account = AccountName::new("charter");
    let event = Event::DmReceived { message: id(n), author: author_id(author), account, sent_at: at(clock) };
    s.clock(clock).tell("intake", event, Some(body(n, author, false, clock, text)));
}

fn sent(s: &mut Script, n: u64, author: &str, clock: &str, text: &str) {
    let account = AccountName::new("charter");
    let event = Event::DmSent { message: id(n), to: author_id(author), account, sent_at: at(clock) };
    s.clock(clock).tell("intake", event, Some(body(n, author, true, clock, text)));
}

#[test]
fn a_message_joins_the_case_that_asked_for_it_and_makes_it_wait_on_us_again() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00")).post(&said("p2", "jo", "14:01"));
    s.answer("14:05", "ana", 1, case_id("jo", "p1"), "p1", Purpose::DmRequest);
    received(&mut s, 1, "jo", "14:10", "my number is 7");
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.waiting_since), (CaseStatus::Waiting, Some(at("14:10"))));
    assert_eq!(case.messages[0].text.as_deref(), Some("my number is 7"));
    assert!(s.case("jo", "p2").messages.is_empty());
    // Seen again it is the same.
    received(&mut s, 1, "jo", "14:10", "my number is 7");
    assert_eq!(s.case("jo", "p1").messages.len(), 1);
    // Answered elsewhere, in private: our turn is over, and the first public answer stands as it was.
    let first = s.case("jo", "p1").first_answer;
    sent(&mut s, 2, "jo", "14:12", "thank you");
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.waiting_since, case.first_answer), (CaseStatus::Acknowledged, None, first));
    // An old message that is read late changes nobody's turn.
    received(&mut s, 3, "jo", "14:11", "hello?");
    assert_eq!(s.case("jo", "p1").waiting_since, None);
    let order: Vec<_> = s.case("jo", "p1").messages.iter().map(|message| message.id.native()).collect();
    assert_eq!(order, ["1", "3", "2"]);
    assert_eq!(s.again(), s.desk);
}

#[test]
fn a_message_that_comes_after_the_end_reopens_and_one_older_than_what_was_known_does_not() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:00")).answer("14:05", "ana", 1, jo, "p1", Purpose::Both);
    s.deed("14:30", "ana", jo, "resolve");
    received(&mut s, 1, "jo", "13:50", "from before all we know of");
    assert_eq!(s.case("jo", "p1").status, CaseStatus::Resolved);
    received(&mut s, 2, "jo", "14:40", "still down");
    let case = s.case("jo", "p1");
    assert_eq!((case.status, case.reopened, case.resolved.as_ref()), (CaseStatus::Waiting, 1, None));
    // Written before the end and asked for after it: nobody had read it.
    s.deed("14:50", "ana", jo, "resolve");
    received(&mut s, 4, "jo", "14:45", "and the phone too");
    assert_eq!((s.case("jo", "p1").status, s.case("jo", "p1").reopened), (CaseStatus::Waiting, 2));
    received(&mut s, 3, "nobody", "14:41", "hello");
    assert_eq!(s.desk.cases.len(), 1, "somebody without a case makes none");
}

#[test]
fn a_message_of_the_outbox_is_one_with_the_one_the_network_shows() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    s.post(&said("p1", "jo", "14:00"));
    s.queue("14:02", "ana", reply_id(1), jo, "p1", Purpose::DirectMessage, "hello ^AN");
    s.tell("ana", Event::ReplyAttempted { reply: reply_id(1), case: jo, session: session(1) }, None);
    // Read on the network before the outcome is written down.
    sent(&mut s, 9, "jo", "14:03", "hello ^AN");
    s.clock("14:04").tell("ana", Event::ReplyDelivered { reply: reply_id(1), case: jo, message: id(9) }, None);
    let case = s.case("jo", "p1");
    assert_eq!(case.messages.len(), 1);
    assert_eq!(case.messages[0].rep.as_ref().map(replydeck::model::RepName::as_str), Some("ana"));
    assert_eq!((case.status, case.first_answer, case.last_answer.as_ref()), (CaseStatus::Acknowledged, None, None));
    assert_eq!(s.reply(1).delivery, Delivery::Delivered { message: id(9), at: at("14:04") });
    assert_eq!(s.desk.unfinished_replies().count(), 0);
}

#[test]
fn a_checkpoint_holds_no_message_s_words_and_erasing_takes_them_for_good() {
    let mut s = Script::new();
    s.post(&said("p1", "jo", "14:00"));
    received(&mut s, 1, "jo", "14:10", "my secret number");
    received(&mut s, 2, "jo", "14:11", "another one");
    let bytes = s.desk.checkpoint();
    assert!(!bytes.windows(6).any(|window| window == b"secret"));
    let mut desk = Desk::from_checkpoint(&bytes).unwrap();
    let missing = desk.missing_words();
    assert!(missing.contains(&BodyId::message(&id(1))) && missing.contains(&BodyId::message(&id(2))));
    desk.supply(&BodyId::message(&id(1)), body(1, "jo", false, "14:10", "my secret number"));
    let text = |desk: &Desk, n: usize| desk.cases[&case_id("jo", "p1")].messages[n].text.clone();
    assert_eq!(text(&desk, 0).as_deref(), Some("my secret number"));
    s.tell("ana", Event::BodyErased { body: BodyId::message(&id(1)) }, None);
    assert_eq!(text(&s.desk, 0), None);
    s.desk.supply(&BodyId::message(&id(1)), body(1, "jo", false, "14:10", "my secret number"));
    assert_eq!(text(&s.desk, 0), None, "what was erased does not come back");
    assert_eq!(text(&s.desk, 1).as_deref(), Some("another one"));
}

#[test]
fn an_opt_out_stands_until_it_is_lifted_and_survives_a_checkpoint() {
    let mut s = Script::new();
    let (jo, post) = (author_id("jo"), Some(post_id("p1")));
    s.post(&said("p1", "jo", "14:00"));
    s.clock("14:01").tell("bo", Event::AuthorOptedOut { author: jo.clone(), post: post.clone() }, None);
    s.clock("14:09").tell("cy", Event::AuthorOptedOut { author: jo.clone(), post: None }, None);
    let desk = Desk::from_checkpoint(&s.desk.checkpoint()).unwrap();
    let kept = &desk.opted_out[&jo];
    assert_eq!((kept.at, kept.rep.as_str(), &kept.post), (at("14:01"), "bo", &post));
    s.tell("ana", Event::AuthorOptOutLifted { author: jo.clone() }, None);
    assert!(s.desk.opted_out.is_empty());
}

fn named(said: &Said, handle: &str) -> (Event, Body) {
    let Body::Post(mut post) = said.body() else { panic!("a post") };
    handle.clone_into(&mut post.author.handle);
    (Event::PostEdited { post: post.id.clone() }, Body::Post(post))
}

#[test]
fn a_renamed_author_has_the_new_handle_on_every_post_and_never_the_old_one_again() {
    let mut s = Script::new();
    let (old, new) = (said("p1", "jo", "14:00"), said("p2", "jo", "14:10"));
    s.post(&old);
    let handle = |desk: &Desk, post: &PostId| desk.posts[post].body.as_ref().unwrap().author.handle.clone();
    assert_eq!(handle(&s.desk, &post_id("p1")), "jo");
    s.post(&new);
    let (event, body) = named(&new, "jo_renamed");
    s.tell("intake", event, Some(body.clone()));
    assert_eq!(handle(&s.desk, &post_id("p1")), "jo_renamed");
    // The store still has the older post as it came.
    let mut desk = Desk::from_checkpoint(&s.desk.checkpoint()).unwrap();
    desk.supply(&BodyId::post(&post_id("p2")), body);
    desk.supply(&BodyId::post(&post_id("p1")), old.body());
    assert_eq!(handle(&desk, &post_id("p1")), "jo_renamed");
    // Somebody else of the old name is nobody's rename.
    s.post(&said("q1", "kim", "14:20"));
    assert_eq!(handle(&s.desk, &post_id("q1")), "kim");
}

#[test]
fn an_edit_after_our_answer_is_told_on_the_case_until_we_answer_again() {
    let mut s = Script::new();
    let jo = case_id("jo", "p1");
    let post = said("p1", "jo", "14:00");
    s.post(&post);
    let edit = |s: &mut Script, clock: &str, is_edited: bool| {
        let Body::Post(mut changed) = post.body() else { panic!("a post") };
        changed.is_edited = is_edited;
        "other words".clone_into(&mut changed.text);
        s.clock(clock).tell("intake", Event::PostEdited { post: post_id("p1") }, Some(Body::Post(changed)));
    };
    edit(&mut s, "14:01", true);
    assert_eq!(s.case("jo", "p1").edited_since, None, "nothing was answered yet");
    s.answer("14:05", "ana", 1, jo, "p1", Purpose::Acknowledgement);
    edit(&mut s, "14:00", false);
    assert_eq!(s.case("jo", "p1").edited_since, None, "the same words are no edit");
    edit(&mut s, "14:07", true);
    assert_eq!(s.case("jo", "p1").edited_since, Some(at("14:07")));
    s.answer("14:09", "ana", 2, jo, "p1", Purpose::Acknowledgement);
    assert_eq!(s.case("jo", "p1").edited_since, None);
}
