//! The preview's checks, `y`, the hold, taking back, and the hand-over.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::{Effect, Mode, Msg};
use replydeck::model::{Body, Delivery, Event, Purpose, ReplyId};
use replydeck::ui;
use uuid::Uuid;

use super::script::{Deck, case_of, post_id, secs, setup, unsummoned};

fn stops(deck: &Deck) -> Vec<String> {
    deck.checks().into_iter().filter(|(stops, _)| *stops).map(|(_, what)| what).collect()
}

fn minds(deck: &Deck, what: &str) -> bool {
    deck.checks().iter().any(|(stops, check)| !stops && check.contains(what))
}

fn queued(deck: &Deck) -> usize {
    deck.app.desk.unfinished_replies().count()
}

#[test]
fn the_preview_shows_exactly_what_will_be_published() {
    let deck = Deck::previewing("We are on it.");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("no preview") };
    assert_eq!(preview.text, "@user3 Sorry, Jo 3. We are on it. ^AN");
    assert_eq!(preview.length.used, preview.text.len());
    assert_eq!(preview.price.map(|price| price.to_string()).as_deref(), Some("$0.01"));
    assert_eq!(stops(&deck), Vec::<String>::new());
    assert!(minds(&deck, "nobody has claimed"));
    assert!(minds(&deck, "heard as @Brand, answered as @Help"));
}

#[test]
fn y_claims_queues_and_sends_after_the_hold_once() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y y");
    let kinds: Vec<_> = deck.appended().into_iter().map(|event| event.event).collect();
    let [Event::CaseClaimed { .. }, Event::ReplyQueued { reply, until, to, .. }, Event::DraftDropped { .. }] =
        &kinds[..]
    else {
        panic!("one batch: {kinds:?}")
    };
    assert_eq!((until.duration_since(deck.now), to), (secs(10), &post_id(3)));
    assert_eq!(deck.app.prefix, "y", "the second y only begins to copy");
    deck.press("esc");
    assert_eq!(deck.app.held().len(), 1);
    assert_eq!(deck.app.next_deadline(), Some(*until));
    deck.wait(9);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    deck.wait(5);
    let sends: Vec<_> = deck.took().into_iter().filter(|effect| matches!(effect, Effect::Send { .. })).collect();
    assert_eq!(sends, [Effect::Send { reply: *reply }]);
    deck.by("ana", Event::ReplyAttempted { reply: *reply, case: case_of(3), session: deck.app.setup.session }, None);
    deck.by("ana", Event::ReplySent { reply: *reply, case: case_of(3), post: post_id(900) }, None);
    assert!(deck.notice().contains("sent"));
    deck.wait(30);
    assert!(deck.took().iter().all(|effect| !matches!(effect, Effect::Send { .. })));
}

#[test]
fn u_takes_back_until_the_last_moment() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(9);
    deck.now += jiff::SignedDuration::from_millis(999);
    deck.press("u");
    assert_eq!(deck.text(), "Sorry, Jo 3. We are on it.", "the words as they were typed");
    assert_eq!(queued(&deck), 0);
    deck.wait(30);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    assert_eq!(deck.killed_and_restarted(9).app.drafts().len(), 1, "the draft is in the log");
    deck.press("esc u");
    assert!(deck.notice().contains("nothing is held"));
}

#[test]
fn u_before_the_store_has_answered_still_takes_back() {
    let mut deck = Deck::previewing("We are on it.");
    deck.slow_store = true;
    deck.press("y u");
    assert_eq!(deck.text(), "Sorry, Jo 3. We are on it.");
    deck.now += secs(20);
    deck.tell(Msg::Tick);
    deck.store();
    deck.wait(20);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    assert_eq!(queued(&deck), 0);
    assert_eq!(deck.app.drafts().len(), 1);
}

#[test]
fn u_after_the_send_has_begun_says_so() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(10);
    deck.press("u");
    assert!(deck.notice().contains("on its way"));
    assert_eq!(queued(&deck), 1);
}

#[test]
fn two_are_held_and_come_back_last_first() {
    let mut deck = Deck::previewing("first");
    deck.press("y");
    deck.press("j r");
    deck.type_text("second");
    deck.press("C-s y");
    assert_eq!(deck.app.held().len(), 2);
    deck.press("u");
    assert!(deck.text().ends_with("second"));
    deck.press("esc u");
    assert!(deck.text().ends_with("first"));
}

#[test]
fn what_the_network_refuses_is_handed_over() {
    let mut deck = Deck::with_posts(1);
    let at = deck.now + secs(1);
    deck.arrives(&unsummoned(9, at), &["c1"]);
    deck.press("j r");
    deck.type_text("100 % & more");
    deck.press("C-s y");
    assert!(matches!(deck.app.mode, Mode::Preview(_)));
    assert!(deck.notice().contains("go takes"), "{}", deck.notice());
    assert_eq!(queued(&deck), 0);
    deck.took();
    deck.press("go");
    let effects = deck.took();
    let text = "@user9 Sorry, Jo 9. 100 % & more ^AN";
    let url =
        "https://x.com/intent/tweet?in_reply_to=9&text=%40user9%20Sorry%2C%20Jo%209.%20100%20%25%20%26%20more%20%5EAN";
    let bare = "https://x.com/intent/tweet?in_reply_to=9";
    let handed = Effect::HandOver { url: url.to_owned(), bare: bare.to_owned(), text: text.to_owned() };
    assert!(effects.contains(&handed), "{effects:?}");
    assert!(!deck.notice().contains("opened"), "nobody knows that yet: {}", deck.notice());
    let case = &deck.app.desk.cases[&case_of(9)];
    assert!(case.handed_over.is_some() && case.owner.as_ref().is_some_and(|owner| owner.as_str() == "ana"));
    deck.own_answer(500, 9);
    assert!(deck.app.desk.cases[&case_of(9)].handed_over.is_none());
    assert!(deck.notice().contains("your reply is public"));
    assert_eq!(deck.app.drafts().len(), 0, "its draft has done its work");
}

#[test]
fn an_answer_given_meanwhile_stops_y_and_is_shown() {
    let mut deck = Deck::previewing("We are on it.");
    deck.now += secs(5);
    deck.own_answer(500, 3);
    assert!(
        stops(&deck).iter().any(|what| what.contains("answered since you began: “we are on it”")),
        "{:?}",
        deck.checks()
    );
    deck.press("y");
    assert_eq!(queued(&deck), 0);
    deck.press("e");
    deck.type_text(" And more.");
    deck.press("C-s");
    assert_eq!(stops(&deck), Vec::<String>::new(), "the rep knows it now");
}

#[test]
fn two_reps_only_one_reply() {
    let mut deck = Deck::previewing("We are on it.");
    let reply = ReplyId(Uuid::from_u128(5));
    let event = Event::ReplyQueued {
        reply,
        case: case_of(3),
        to: post_id(3),
        purpose: Purpose::Acknowledgement,
        account: deck.app.setup.accounts[0].name.clone(),
        until: deck.now,
        session: replydeck::model::SessionId(Uuid::from_u128(77)),
    };
    let late = deck.written("bo", event, Some(Body::Reply("@user3 hello".to_owned())));
    deck.press("y");
    assert!(deck.notice().contains("bo was first and is sending a reply in case 3"), "{}", deck.notice());
    assert_eq!(deck.app.held().len(), 0);
    deck.tell(Msg::Envelopes(vec![late]));
    assert_eq!(deck.app.drafts().len(), 1, "the words are kept");
    assert!(deck.app.pending.is_empty());
    deck.press("r C-s");
    assert!(stops(&deck)[0].contains("bo's reply in this case is on its way"));
    deck.wait(20);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })), "bo's program sends it");
}

#[test]
fn a_case_a_colleague_has_resolved_is_minded_and_ones_own_end_is_not() {
    let end = |cause: Option<&str>, outcome: Option<&str>| Event::CaseResolved {
        case: case_of(3),
        cause: cause.map(str::to_owned),
        outcome: outcome.map(str::to_owned),
        closing: false,
        number: Some(3),
        undone: false,
    };
    let mut deck = Deck::with_posts(3);
    deck.by("bo", end(Some("billing"), Some("refunded")), None);
    deck.wait(180);
    deck.press("j r");
    deck.type_text("We are on it.");
    deck.press("C-s");
    assert!(minds(&deck, "bo resolved the case 3 min ago: billing, refunded"), "{:?}", deck.checks());
    assert!(!minds(&deck, "nobody has claimed"), "what is over is not claimed: {:?}", deck.checks());
    assert_eq!(stops(&deck), Vec::<String>::new());
    deck.press("y");
    assert_eq!(queued(&deck), 1, "it minds, it does not stop");

    let mut deck = Deck::previewing("We are on it.");
    deck.by("bo", end(None, None), None);
    assert!(minds(&deck, "bo resolved the case 0 min ago. It stays"), "under an open preview: {:?}", deck.checks());
    deck.by("bo", Event::CaseReopened { case: case_of(3), undone: false }, None);
    assert!(!minds(&deck, "resolved the case"), "{:?}", deck.checks());
    deck.by("ana", end(None, None), None);
    assert!(!minds(&deck, "resolved the case"), "my own end needs no words: {:?}", deck.checks());
}

#[test]
fn a_case_claimed_by_another_wants_a_second_y() {
    let mut deck = Deck::previewing("We are on it.");
    deck.by("bo", Event::CaseClaimed { case: case_of(3) }, None);
    assert!(deck.notice().contains("bo claimed case 3"), "told, as I am writing in it");
    deck.press("y");
    assert!(deck.notice().contains("bo has claimed"));
    deck.press("j y");
    assert_eq!(queued(&deck), 0, "a key in between takes the first back");
    deck.press("y");
    assert_eq!(queued(&deck), 1);
}

#[test]
fn an_account_that_asks_for_care_takes_two_keys() {
    let mut settings = setup(1);
    settings.accounts[0].confirm = true;
    let mut deck = Deck::with(settings);
    deck.arrives(&super::script::post(1, deck.now), &["c1"]);
    deck.press("r");
    deck.type_text("x");
    deck.press("C-s y");
    assert_eq!(queued(&deck), 0);
    assert!(deck.notice().contains("as @Help"));
    deck.press("y");
    assert_eq!(queued(&deck), 1);
}

#[test]
fn c_claims_from_the_preview() {
    let mut deck = Deck::previewing("x");
    deck.press("c");
    assert!(!minds(&deck, "nobody has claimed"));
    assert!(matches!(deck.app.mode, Mode::Preview(_)));
}

#[test]
fn the_same_text_a_deleted_post_and_too_many_letters_are_seen() {
    let mut deck = Deck::previewing("We are on it and will tell you more within the hour, promise.");
    deck.press("y");
    deck.wait(10);
    let reply = deck.app.desk.unfinished_replies().next().map(|reply| reply.id).unwrap();
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session }, None);
    deck.by("ana", Event::ReplySent { reply, case: case_of(3), post: post_id(900) }, None);
    deck.press("j r");
    deck.type_text("We are on it and will tell you more within the hour, promise.");
    deck.press("C-s");
    assert!(minds(&deck, "nearly the same text went to @user3"), "{:?}", deck.checks());
    deck.by("intake", Event::PostDeleted { post: post_id(2) }, None);
    assert!(stops(&deck)[0].contains("deleted by its author"));
    let mut deck = Deck::previewing(&"long ".repeat(60));
    assert!(stops(&deck)[0].contains("too long"));
    deck.press("y");
    assert_eq!(queued(&deck), 0);
}

#[test]
fn an_edited_post_and_a_dearer_link_are_told() {
    let mut deck = Deck::previewing("See status.example.com");
    assert!(minds(&deck, "$0.20 instead of $0.01"));
    let mut changed = super::script::post(3, deck.now);
    changed.text = "works again".to_owned();
    changed.is_edited = true;
    deck.by("intake", Event::PostEdited { post: post_id(3) }, Some(Body::Post(Box::new(changed))));
    assert!(minds(&deck, "changed the post"));
}

#[test]
fn a_post_changed_after_our_answer_is_told_and_shown() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(11);
    let reply = *deck.app.desk.replies.keys().next().expect("a reply");
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session }, None);
    deck.by("ana", Event::ReplySent { reply, case: case_of(3), post: post_id(900) }, None);
    let mut changed = super::script::post(3, deck.now);
    changed.text = "quite another matter".to_owned();
    changed.is_edited = true;
    deck.by("intake", Event::PostEdited { post: post_id(3) }, Some(Body::Post(Box::new(changed))));
    assert!(deck.notice().contains("the customer changed their post after our answer"), "{}", deck.notice());
    let screen = screen(&deck);
    assert!(screen.contains("edited") && screen.contains("quite another matter"), "{screen}");
}

#[test]
fn a_clock_set_back_makes_nobody_wait_and_one_set_ahead_sends_once() {
    let sends =
        |deck: &mut Deck| deck.took().into_iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.took();
    deck.now -= secs(7200);
    deck.wait(1);
    assert!(deck.notice().contains("clock was set back"), "{}", deck.notice());
    assert_eq!(queued(&deck), 1);
    deck.wait(11);
    assert_eq!(sends(&mut deck), 1, "not two hours later");
    deck.now += secs(7200);
    deck.wait(30);
    assert_eq!(sends(&mut deck), 0, "and not again when it is set right");

    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.took();
    deck.now += secs(7200);
    deck.wait(1);
    assert_eq!(sends(&mut deck), 1);
    deck.now -= secs(7200);
    deck.wait(30);
    assert_eq!(sends(&mut deck), 0);
}

#[test]
fn the_rep_goes_back_edits_or_keeps() {
    let mut deck = Deck::previewing("words");
    deck.press("esc");
    assert_eq!(deck.text(), "Sorry, Jo 3. words");
    deck.press("C-x s");
    assert!(matches!(deck.app.mode, Mode::Columns));
    assert_eq!(deck.app.drafts().len(), 1);
    deck.press("gp");
    assert!(matches!(deck.app.mode, Mode::Preview(_)), "the preview of a kept draft, from the row");
    let Mode::Preview(before) = &deck.app.mode else { panic!() };
    let checks = before.checks.len();
    for _ in 0..checks {
        deck.press("tab");
    }
    assert!(matches!(&deck.app.mode, Mode::Preview(preview) if preview.check == 0), "round once");
}

#[test]
fn the_network_may_make_a_reply_wait() {
    let mut deck = Deck::previewing("words");
    deck.press("y");
    deck.wait(10);
    let Some(Effect::Send { reply }) = deck.took().into_iter().find(|effect| matches!(effect, Effect::Send { .. }))
    else {
        panic!("not sent")
    };
    deck.tell(Msg::SendWaits { reply, until: deck.now + secs(60) });
    deck.wait(59);
    assert!(!deck.took().contains(&Effect::Send { reply }));
    deck.wait(1);
    assert!(deck.took().contains(&Effect::Send { reply }));
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session }, None);
    assert_eq!(deck.app.desk.replies[&reply].delivery, Delivery::Sending);
}

/// Held for its ten seconds, told to the shell, and the store did not take the attempt.
fn not_begun() -> (Deck, ReplyId) {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(10);
    let reply = deck.app.desk.unfinished_replies().next().map(|reply| reply.id).unwrap();
    assert!(deck.took().contains(&Effect::Send { reply }));
    deck.tell(Msg::NotBegun { reply, why: "the disk is full".to_owned() });
    (deck, reply)
}

#[test]
fn a_reply_the_store_did_not_let_out_is_tried_every_second_and_told_once() {
    let (mut deck, reply) = not_begun();
    assert!(deck.notice().contains("the disk is full"), "{}", deck.notice());
    let notices = deck.app.notices.made();
    for _ in 0..3 {
        assert_eq!(deck.app.next_deadline(), None, "the second's tick is soon enough");
        deck.wait(1);
        assert_eq!(deck.took(), [Effect::Send { reply }]);
        deck.tell(Msg::NotBegun { reply, why: "the disk is full".to_owned() });
    }
    assert_eq!(deck.app.notices.made(), notices);
    deck.wait(1);
    deck.took();
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session }, None);
    deck.wait(5);
    assert_eq!(deck.took(), [], "on its way");
}

#[test]
fn a_reply_the_store_did_not_let_out_can_be_taken_back() {
    let (mut deck, _) = not_begun();
    deck.press("u");
    assert_eq!(deck.text(), "Sorry, Jo 3. We are on it.");
    assert_eq!(queued(&deck), 0);
    deck.wait(20);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    let (mut deck, _) = not_begun();
    deck.press("U e");
    assert_eq!(deck.text(), "Sorry, Jo 3. We are on it.");
    let (mut deck, _) = not_begun();
    deck.press("U D D");
    assert_eq!(queued(&deck), 0);
}

#[test]
fn an_attempt_the_store_kept_after_all_is_read_back_and_not_sent_again() {
    let attempted =
        |deck: &Deck, reply| Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session };
    let (mut deck, reply) = not_begun();
    let event = attempted(&deck, reply);
    deck.by("ana", event, None);
    deck.wait(5);
    assert_eq!(deck.took(), [Effect::ReadBack { reply }]);
}

#[test]
fn a_limit_outlives_the_failure_and_no_request_goes_before_its_end() {
    let mut deck = Deck::previewing("words");
    deck.press("y");
    deck.wait(10);
    let reply = deck.app.desk.unfinished_replies().next().map(|reply| reply.id).unwrap();
    let session = deck.app.setup.session;
    let until = deck.now + secs(600);
    deck.tell(Msg::SendWaits { reply, until });
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session }, None);
    let why = format!("too many; nothing was sent; free again at {until:.0}");
    deck.by("ana", Event::ReplyFailed { reply, case: case_of(3), why, may_retry: true }, None);
    assert!(deck.notice().contains("nothing was sent; free again at 14:10"), "{}", deck.notice());
    assert_eq!(deck.app.send_waits.get(&reply), Some(&until));
    deck.took();
    deck.press("U r");
    assert!(deck.notice().contains("goes out at 14:10"), "{}", deck.notice());
    deck.wait(599);
    assert!(!deck.took().contains(&Effect::Send { reply }));
    deck.wait(1);
    assert!(deck.took().contains(&Effect::Send { reply }));
    assert!(deck.app.send_waits.is_empty());
}

/// Under way, its answer lost; `own` of our posts comes in on the stream.
fn came_back(own: &str, to: u64) -> (Deck, ReplyId) {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(10);
    let reply = deck.app.desk.unfinished_replies().next().map(|reply| reply.id).unwrap();
    deck.by("ana", Event::ReplyAttempted { reply, case: case_of(3), session: deck.app.setup.session }, None);
    deck.took();
    deck.own_words(500, to, own);
    (deck, reply)
}

#[test]
fn a_reply_whose_answer_was_lost_is_sent_once_it_is_seen_in_public() {
    let (mut deck, reply) = came_back("Sorry, Jo 3.  We are on it. ^AN", 3);
    assert!(matches!(&deck.app.desk.replies[&reply].delivery, Delivery::Sent { post, .. } if *post == post_id(500)));
    let events = deck.appended();
    let sent = Event::ReplySent { reply, case: case_of(3), post: post_id(500) };
    assert_eq!(events.iter().map(|event| &event.event).collect::<Vec<_>>(), [&sent]);
    assert!(deck.notice().starts_with("sent, in case 3"), "{}", deck.notice());
    assert!(!deck.app.notices.iter().any(|notice| notice.text.contains("elsewhere")));
    let answer = deck.app.desk.cases[&case_of(3)].last_answer.clone().unwrap();
    assert_eq!(answer.rep.as_ref().map(replydeck::model::RepName::as_str), Some("ana"));
    let (counted, notices) = (deck.app.desk.counters.replies_sent, deck.app.notices.made());
    deck.by("ana", sent, None);
    deck.by("ana", Event::ReplyParked { reply, case: case_of(3), why: "late".to_owned() }, None);
    assert_eq!(deck.app.desk.counters.replies_sent, counted, "told again by the reading back");
    assert!(deck.app.desk.replies[&reply].is_finished());
    assert_eq!(deck.app.notices.made(), notices);
}

#[test]
fn another_post_of_ours_ends_no_reply() {
    for (own, to) in [("we are on it", 3), ("@user3 Sorry, Jo 3. We are on it. ^AN", 2)] {
        let (mut deck, reply) = came_back(own, to);
        assert_eq!(deck.app.desk.replies[&reply].delivery, Delivery::Sending);
        assert_eq!(deck.appended(), []);
    }
}

/// The screen's text, without line ends.
fn screen(deck: &Deck) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut cache = ui::Cache::new(ui::Theme::plain());
    terminal.draw(|frame| ui::draw(frame, &deck.app, &mut cache)).unwrap();
    terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect()
}

#[test]
fn the_screen_promises_undo_only_while_u_works() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(9);
    assert!(screen(&deck).contains("sent to @user3 in 0:01  u=undo"));
    assert!(!screen(&deck).contains("outbox 1"));
    deck.wait(1);
    let text = screen(&deck);
    assert!(!text.contains("u=undo") && text.contains("outbox 1"), "{text}");
    let (deck, _) = not_begun();
    let text = screen(&deck);
    assert!(text.contains("outbox 1") && text.contains("tried every second"), "{text}");
}
