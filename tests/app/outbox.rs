//! Replies that need a hand, replies of a run that is gone, and quitting.

use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::{Body, BodyId, Delivery, Event, Purpose, ReplyId, SessionId};
use replydeck::ui;
use uuid::Uuid;

use super::script::{Deck, case_of, post_id, secs};

const REPLY: ReplyId = ReplyId(Uuid::from_u128(5));

/// A reply of `rep` to post 2, queued by another run and held for `hold`.
pub(crate) fn queued_by(deck: &mut Deck, rep: &str, hold: SignedDuration) -> ReplyId {
    let event = Event::ReplyQueued {
        reply: REPLY,
        case: case_of(2),
        to: post_id(2),
        purpose: Purpose::Acknowledgement,
        account: deck.app.setup.accounts[0].name.clone(),
        until: deck.now + hold,
        session: SessionId(Uuid::from_u128(77)),
    };
    deck.by(rep, event, Some(Body::Reply("@user2 from before ^AN".to_owned())));
    REPLY
}

fn failed(may_retry: bool) -> Deck {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    let session = deck.app.setup.session;
    deck.by("ana", Event::ReplyAttempted { reply: REPLY, case: case_of(2), session }, None);
    let why = "You are not permitted".to_owned();
    deck.by("ana", Event::ReplyFailed { reply: REPLY, case: case_of(2), why, may_retry }, None);
    deck
}

fn screen(deck: &Deck) -> String {
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    let mut cache = ui::Cache::new(ui::Theme::plain());
    terminal.draw(|frame| ui::draw(frame, &deck.app, &mut cache)).unwrap();
    terminal.backend().to_string()
}

fn delivery(deck: &Deck) -> Option<&Delivery> {
    deck.app.desk.replies.get(&REPLY).map(|reply| &reply.delivery)
}

#[test]
fn a_failed_reply_stays_in_sight_with_the_networks_words() {
    let mut deck = failed(true);
    assert!(deck.notice().contains("You are not permitted"));
    assert!(deck.took().contains(&Effect::Bell));
    assert_eq!(deck.app.need_a_hand(), 1);
    deck.wait(3600);
    assert_eq!(deck.app.need_a_hand(), 1);
    assert!(!deck.app.notices.shown(deck.app.now).is_empty(), "an error stays until a key is pressed");
    deck.press("U");
    assert!(deck.app.notices.shown(deck.app.now).is_empty());
    deck.press("r");
    assert!(matches!(delivery(&deck), Some(Delivery::Queued { until }) if *until == deck.now + secs(10)));
    deck.wait(10);
    assert!(deck.took().contains(&Effect::Send { reply: REPLY }));
}

#[test]
fn a_refused_reply_is_edited_not_tried_again() {
    let mut deck = failed(false);
    deck.press("U r");
    assert!(deck.notice().contains("refused again"));
    deck.press("e");
    assert_eq!(deck.text(), "from before", "mention and signature come by themselves");
    assert_eq!(delivery(&deck), None);
    assert_eq!(deck.app.drafts().len(), 1);
}

#[test]
fn dropping_takes_two_keys() {
    let mut deck = failed(true);
    deck.press("U D");
    assert_eq!(deck.app.need_a_hand(), 1);
    deck.press("D");
    assert_eq!(deck.app.need_a_hand(), 0);
    deck.press("D");
    assert!(deck.notice().contains("empty"));
}

#[test]
fn a_parked_reply_is_looked_up_before_anything_else() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    let session = deck.app.setup.session;
    deck.by("ana", Event::ReplyAttempted { reply: REPLY, case: case_of(2), session }, None);
    deck.by("ana", Event::ReplyParked { reply: REPLY, case: case_of(2), why: "no answer".to_owned() }, None);
    deck.took();
    deck.press("U r e");
    assert_eq!(deck.appended(), []);
    assert!(deck.notice().contains("may be public"));
    deck.press("b");
    assert_eq!(deck.took(), [Effect::ReadBack { reply: REPLY }]);
}

#[test]
fn others_replies_are_only_looked_at() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "bo", secs(0));
    deck.took();
    deck.press("U r D D e b");
    assert_eq!(deck.took(), []);
    deck.press("enter");
    assert_eq!(deck.selected().as_deref(), Some("2"));
    deck.press("u");
    assert!(deck.notice().contains("nothing is held"));
}

#[test]
fn young_replies_of_a_gone_run_are_held_anew() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    deck.now += secs(60);
    deck.wait(1);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })), "not this run's to send");
    deck.tell(Msg::Adopt(vec![REPLY]));
    assert!(matches!(delivery(&deck), Some(Delivery::Queued { until }) if *until == deck.now + secs(10)));
    assert!(deck.notice().contains("held anew"));
    deck.press("u");
    assert_eq!(deck.text(), "from before");
    assert_eq!(delivery(&deck), None);
}

/// The lines of a case's history with who and what, without the moments.
fn history(deck: &mut Deck, n: u64) -> Vec<String> {
    let case = case_of(n);
    let events = deck.all_of(case);
    deck.press("H");
    deck.tell(Msg::Store(FromStore::Case { case, events, beside: vec![] }));
    deck.app.history_lines(case).into_iter().map(|line| format!("{}: {}", line.who, line.did)).collect()
}

#[test]
fn a_reply_taken_up_again_was_not_confirmed_a_second_time() {
    let mut deck = Deck::with_posts(2);
    queued_by(&mut deck, "ana", secs(10));
    deck.now += secs(60);
    deck.tell(Msg::Adopt(vec![REPLY]));
    let us = deck.app.setup.session;
    deck.by("ana", Event::ReplyAttempted { reply: REPLY, case: case_of(2), session: us }, None);
    let why = "503".to_owned();
    deck.by("ana", Event::ReplyFailed { reply: REPLY, case: case_of(2), why, may_retry: true }, None);
    deck.press("U r esc j");
    let told = history(&mut deck, 2);
    let of_reply = [
        "ana on desk-2: confirmed the acknowledgement to their post of 2026-11-21 14:00:00 as @Help, held until 14:00:10",
        "ana on desk-1: took the reply up again after the program had ended, held until 14:01:10",
        "ana on desk-2: began to send it",
        "ana on desk-2: could not send it: 503; it may be tried again",
        "ana on desk-1: queued the reply once more, held until 14:01:10",
    ];
    assert!(told.ends_with(&of_reply.map(str::to_owned)), "{told:#?}");
    // The clock was set back: the same run begins its hold anew.
    deck.now -= secs(60);
    deck.tell(Msg::Tick);
    let told = history(&mut deck, 2);
    let last = told.last().unwrap();
    assert_eq!(last, "ana on desk-1: began the hold of the reply anew, as the clock was set back, held until 14:00:10");
}

#[test]
fn old_replies_of_a_gone_run_wait_for_the_rep() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    deck.now += secs(15 * 60);
    deck.took();
    deck.tell(Msg::Adopt(vec![REPLY]));
    assert_eq!(deck.took(), []);
    deck.wait(60);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    deck.press("U r");
    deck.wait(10);
    assert!(deck.took().contains(&Effect::Send { reply: REPLY }));
}

#[test]
fn an_attempt_without_outcome_is_read_back() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    let session = SessionId(Uuid::from_u128(77));
    deck.by("ana", Event::ReplyAttempted { reply: REPLY, case: case_of(2), session }, None);
    deck.took();
    deck.tell(Msg::Adopt(vec![REPLY, ReplyId(Uuid::from_u128(404))]));
    assert_eq!(deck.took(), [Effect::ReadBack { reply: REPLY }]);
}

#[test]
fn quitting_with_replies_held_asks() {
    let mut deck = Deck::previewing("words");
    deck.press("y Q");
    assert!(matches!(deck.app.mode, Mode::QuitQuestion));
    deck.press("esc");
    assert!(matches!(deck.app.mode, Mode::Columns) && !deck.app.quitting);
    deck.command_line("q");
    deck.took();
    deck.press("k");
    assert!(matches!(&deck.took()[..], [Effect::Append { .. }, Effect::Quit]));
    let kept = deck.app.desk.unfinished_replies().next().map(|reply| reply.delivery.clone());
    let why = "kept for later when the deck was closed".to_owned();
    assert_eq!(kept, Some(Delivery::Failed { why, may_retry: true }), "it stays in the log");
    let mut again = deck.killed_and_restarted(8);
    let ids: Vec<_> = again.app.desk.unfinished_replies().map(|reply| reply.id).collect();
    again.tell(Msg::Adopt(ids));
    again.wait(60);
    assert_eq!(again.took(), [], "what was kept is not sent by itself");
    again.press("U r");
    assert_eq!(again.app.held().len(), 1);

    let mut deck = Deck::previewing("words");
    deck.press("y Q");
    deck.took();
    deck.press("s");
    assert!(matches!(&deck.took()[..], [Effect::Send { .. }, Effect::Quit]));
}

/// Asked to quit while its only reply is held; the hold has run out since.
fn asked_to_quit_while_sending() -> (Deck, ReplyId) {
    let mut deck = Deck::previewing("words");
    deck.press("y Q");
    assert!(screen(&deck).contains("One reply is held"), "{}", screen(&deck));
    deck.wait(10);
    let reply = deck.app.desk.unfinished_replies().next().expect("queued").id;
    assert_eq!(deck.took().last(), Some(&Effect::Send { reply }));
    let (case, session) = (case_of(2), deck.app.setup.session);
    deck.by("ana", Event::ReplyAttempted { reply, case, session }, None);
    assert!(screen(&deck).contains("One reply is on its way.") && !deck.app.quitting, "{}", screen(&deck));
    assert!(screen(&deck).contains("It ends by itself once nothing is waited for."), "{}", screen(&deck));
    (deck, reply)
}

#[test]
fn the_quit_question_ends_by_itself_once_the_last_reply_is_out() {
    let (mut deck, reply) = asked_to_quit_while_sending();
    let sent = Event::ReplySent { reply, case: case_of(2), post: post_id(900) };
    deck.by("ana", sent, None);
    assert_eq!(deck.took(), [Effect::Quit]);
    assert!(deck.app.quitting);
    deck.wait(1);
    assert_eq!(deck.took(), [], "once");
}

#[test]
fn the_quit_question_stays_where_a_reply_was_not_sent() {
    let (mut deck, reply) = asked_to_quit_while_sending();
    let why = "You are not permitted".to_owned();
    deck.by("ana", Event::ReplyFailed { reply, case: case_of(2), why, may_retry: false }, None);
    deck.wait(1);
    assert!(!deck.app.quitting);
    assert!(screen(&deck).contains("One reply was NOT SENT"), "{}", screen(&deck));
    deck.press("esc U");
    assert!(screen(&deck).contains("You are not permitted"), "{}", screen(&deck));
    // Asked anew it is not asked again for what was seen.
    deck.press("esc");
    deck.took();
    deck.press("Q");
    assert_eq!(deck.took(), [Effect::Quit]);
}

#[test]
fn quitting_with_nothing_held_does_not_ask() {
    for keys in ["Q", "C-c C-c"] {
        let mut deck = Deck::with_posts(1);
        deck.press(keys);
        assert_eq!(deck.effects, [Effect::Quit], "{keys}");
    }
    let mut deck = Deck::with_posts(1);
    deck.press("C-c j C-c");
    assert!(!deck.app.quitting);
}

#[test]
fn a_hang_up_never_asks_and_keeps_what_is_queued() {
    let mut deck = Deck::previewing("words");
    deck.press("y");
    deck.took();
    deck.tell(Msg::Stop);
    assert_eq!(deck.took(), [Effect::Quit]);
    let mut again = deck.killed_and_restarted(8);
    let ids: Vec<_> = again.app.desk.unfinished_replies().map(|reply| reply.id).collect();
    again.tell(Msg::Adopt(ids));
    assert_eq!(again.app.held().len(), 1);
}

#[test]
fn a_young_reply_whose_text_is_not_read_yet_waits_for_it() {
    let mut deck = Deck::with_posts(3);
    queued_by(&mut deck, "ana", secs(0));
    // As after a checkpoint.
    deck.app.desk.replies.get_mut(&REPLY).unwrap().text = None;
    deck.now += secs(5);
    deck.took();
    deck.tell(Msg::Adopt(vec![REPLY]));
    assert_eq!(deck.took(), [Effect::ReadBodies { ids: vec![BodyId::reply(REPLY)] }]);
    assert!(!deck.notice().contains("long ago"), "{}", deck.notice());
    deck.tell(Msg::Store(FromStore::Bodies { asked: vec![BodyId::reply(REPLY)], found: Vec::new() }));
    assert_eq!(deck.app.held().len(), 0, "an answer to something else");
    let body = Body::Reply("@user2 from before ^AN".to_owned());
    deck.tell(Msg::Store(FromStore::Bodies {
        asked: vec![BodyId::reply(REPLY)],
        found: vec![(BodyId::reply(REPLY), body)],
    }));
    assert!(matches!(delivery(&deck), Some(Delivery::Queued { until }) if *until == deck.now + secs(10)));
    assert!(deck.notice().contains("held anew"));
}
