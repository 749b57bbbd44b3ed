//! Assign, tag, snooze, priority, notes, marks and the one undo; roles and the table of deeds.

use std::collections::BTreeSet;

use replydeck::app::command::{Command, ModeKind, TABLE};
use replydeck::app::until::THEY_WRITE;
use replydeck::app::{App, Effect, FromStore, Mode, Msg};
use replydeck::desk::Case;
use replydeck::model::event::Standing;
use replydeck::model::{
    Body, CaseId, CaseStatus, Delivery, Event, NoteText, Post, PostId, Purpose, RepName, Role, SessionId,
};
use uuid::Uuid;

use super::script::{Deck, case_of, post, post_id, secs, setup};

pub(crate) fn case(deck: &Deck, n: u64) -> &Case {
    &deck.app.desk.cases[&case_of(n)]
}

pub(crate) fn owner(deck: &Deck, n: u64) -> Option<&str> {
    case(deck, n).owner.as_ref().map(RepName::as_str)
}

pub(crate) fn with(change: impl FnOnce(&mut replydeck::app::Setup)) -> Deck {
    let mut setup = setup(3);
    change(&mut setup);
    let mut deck = Deck::with(setup);
    for n in 1..=3 {
        let at = deck.now - secs(60 * (3 - i64::try_from(n).unwrap()));
        deck.arrives(&post(n, at), &["c1"]);
    }
    deck.effects.clear();
    deck
}

#[test]
fn a_case_is_handed_over_with_its_draft_and_its_clock() {
    let mut deck = with(|setup| setup.team = vec![RepName::new("bo"), RepName::new("cy")]);
    deck.press("j c r");
    deck.type_text("half a sentence");
    deck.press("esc");
    let before = case(&deck, 3).clone();
    deck.press("a");
    deck.type_text("bo");
    deck.press("enter");
    assert_eq!(owner(&deck, 3), Some("bo"));
    let after = case(&deck, 3);
    assert_eq!((&after.drafts, after.waiting_since), (&before.drafts, before.waiting_since));
    assert_eq!(after.drafts[0].rep.as_str(), "ana", "the draft is still told as hers");
    assert!(deck.notice().contains("handed to bo"), "{}", deck.notice());
    deck.press("u");
    assert_eq!(owner(&deck, 3), Some("ana"));
    deck.command_line("assign CY");
    assert_eq!(owner(&deck, 3), Some("cy"));
    deck.command_line("assign ana");
    assert_eq!(owner(&deck, 3), Some("cy"), "only a lead hands on what others hold");
    deck.command_line("assign nobody");
    assert!(
        matches!(&deck.app.mode, Mode::CommandLine(line) if line.error.as_ref().unwrap().contains("nobody of the team"))
    );
}

#[test]
fn reps_seen_at_work_can_be_handed_to_and_the_cap_is_told_with_the_count() {
    let mut deck = with(|setup| setup.open_cases = 1);
    deck.by("dee", Event::CaseClaimed { case: case_of(1) }, None);
    deck.press("j a");
    let Mode::Assign { reps, .. } = &deck.app.mode else { panic!("no list of reps") };
    assert!(reps.contains(&RepName::new("dee")));
    deck.type_text("dee");
    deck.press("enter");
    assert_eq!(owner(&deck, 3), None);
    assert!(deck.notice().contains("dee has 1 open cases, and 1 is the most"), "{}", deck.notice());
    deck.press("c j c");
    assert_eq!((owner(&deck, 3), owner(&deck, 2)), (Some("ana"), None), "the cap counts for oneself");
    assert!(deck.notice().contains("you have 1 open cases"));
    deck.app.setup.role = Role::Lead;
    deck.press("c");
    assert_eq!(owner(&deck, 2), Some("ana"), "a lead may go over");
}

#[test]
fn tags_are_completed_put_on_and_taken_off_emoji_and_all() {
    let mut deck = Deck::with_posts(3);
    deck.by("bo", Event::CaseTagged { case: case_of(1), tag: "slow".to_owned(), on: true }, None);
    deck.press("j t");
    deck.type_text("SL");
    deck.press("tab enter");
    assert_eq!(case(&deck, 3).tags, BTreeSet::from(["slow".to_owned()]));
    deck.press("t");
    deck.type_text("#Slow");
    deck.press("enter");
    assert_eq!(case(&deck, 3).tags, BTreeSet::new(), "the tag again, in any case, takes it off");
    let family = "👨\u{200d}👩\u{200d}👧 réseau";
    deck.press("t");
    deck.type_text(family);
    deck.press("enter");
    assert!(case(&deck, 3).tags.contains(family));
    let again = deck.killed_and_restarted(9);
    assert!(again.app.desk.cases[&case_of(3)].tags.contains(family), "it survives a restart");
    deck.press("t enter");
    assert!(matches!(&deck.app.mode, Mode::Tag(line) if line.input.error.is_some()), "an empty tag is none");
    deck.press("esc");
    deck.command_line("tag billing");
    assert!(case(&deck, 3).tags.contains("billing"));
    deck.press("u");
    assert!(!case(&deck, 3).tags.contains("billing"));
}

#[test]
fn a_snoozed_case_is_passed_over_and_comes_back_on_time_or_when_they_write() {
    let mut deck = Deck::with_posts(3);
    deck.press("j j c z");
    deck.type_text("2h");
    deck.press("enter");
    assert_eq!(case(&deck, 2).snoozed_until, Some(deck.now + secs(7_200)));
    deck.press("gg n");
    assert_eq!(deck.selected().as_deref(), Some("1"), "n passes it over");
    deck.now += secs(7_199);
    deck.tell(Msg::Tick);
    assert!(!deck.app.notices.iter().any(|notice| notice.text.contains("its time has come")));
    deck.effects.clear();
    deck.wait(1);
    assert!(deck.notice().contains("case 2 (@user2) is back"), "{}", deck.notice());
    assert!(deck.took().contains(&Effect::Bell));
    deck.press("gg n");
    assert_eq!(deck.selected().as_deref(), Some("2"));
    deck.press("z");
    deck.type_text("until they write");
    deck.press("enter");
    assert_eq!(case(&deck, 2).snoozed_until, Some(THEY_WRITE));
    let more = Post { id: post_id(77), text: "hello?".to_owned(), at: deck.now + secs(5), ..post(2, deck.now) };
    deck.arrives(&more, &["c1"]);
    assert_eq!(case(&deck, 2).snoozed_until, None, "they wrote");
    deck.press("z");
    deck.type_text("soon");
    deck.press("enter");
    assert!(matches!(&deck.app.mode, Mode::Snooze(line) if line.input.error.as_ref().unwrap().contains("no time")));
    deck.press("esc Z");
    assert!(deck.notice().contains("not put off"));
}

#[test]
fn a_kill_does_not_forget_when_a_case_is_back() {
    let mut deck = Deck::with_posts(2);
    deck.press("j c z");
    deck.type_text("1h");
    deck.press("enter");
    let mut again = deck.killed_and_restarted(9);
    again.now += secs(3_601);
    again.tell(Msg::Tick);
    assert!(again.notice().contains("is back"), "{}", again.notice());
}

#[test]
fn resolving_asks_cause_then_outcome_and_closing_keeps_a_goodbye_out() {
    let mut deck = with(|setup| setup.outcomes = vec!["restored".to_owned(), "credit".to_owned()]);
    deck.press("j e");
    deck.type_text("bill");
    deck.press("enter");
    assert_eq!(case(&deck, 3).status, CaseStatus::New, "the outcome is asked first");
    deck.type_text("cred");
    deck.press("tab enter");
    let end = case(&deck, 3).resolved.clone().expect("resolved");
    assert_eq!((end.cause.as_deref(), end.outcome.as_deref(), end.closing), (Some("billing"), Some("credit"), true));
    let thanks = Post { id: post_id(70), text: "thanks!".to_owned(), at: deck.now + secs(5), ..post(3, deck.now) };
    let body = Some(Body::Post(Box::new(thanks.clone())));
    deck.by("intake", Deck::matched(&thanks, &["c1"], Standing::of(&thanks, false)), body);
    assert_eq!(case(&deck, 3).status, CaseStatus::Resolved, "a goodbye reopens nothing");
}

#[test]
fn the_table_of_deeds_refuses_in_words() {
    let mut deck = Deck::with_posts(3);
    deck.press("j e enter");
    deck.took();
    for (key, words) in [("e", "resolved already"), ("z", "nothing to put off"), ("c", "E reopens"), ("a", "E reopens")]
    {
        deck.press(key);
        assert!(deck.notice().contains(words), "{key}: {}", deck.notice());
        assert_eq!(deck.kind(), ModeKind::Columns, "{key}");
    }
    deck.press("j w");
    assert!(deck.notice().contains("nobody has answered yet"));
    deck.press("E");
    assert!(deck.notice().contains("it is open"));
    assert_eq!(deck.appended(), []);
}

#[test]
fn a_note_is_written_apart_and_never_reaches_a_reply_unseen() {
    let mut deck = Deck::with_posts(2);
    deck.press("j i");
    assert_eq!(deck.kind(), ModeKind::Note);
    deck.type_text("card declined twice");
    deck.press("esc i");
    deck.press("C-s");
    let noted = deck.appended();
    let Event::NoteAdded { note, case } = noted[0].event else { panic!("no note: {noted:?}") };
    assert_eq!((note, case), (noted[0].id, case_of(2)), "a note is named by its own event");
    assert_eq!(noted[0].body, Some(Body::Note(NoteText::new("card declined twice"))));
    assert_eq!(deck.app.desk.cases[&case_of(2)].notes, 1);

    deck.press("r");
    let asked = deck.took();
    assert!(asked.contains(&Effect::ReadCase { case: case_of(2) }), "the notes are read: {asked:?}");
    let events = deck.all_of(case_of(2));
    deck.tell(Msg::Store(FromStore::Case { case: case_of(2), events, beside: vec![] }));
    deck.tell(Msg::Paste("Card  declined twice".to_owned()));
    assert!(deck.notice().contains("words of a note"), "{}", deck.notice());
    deck.press("C-s");
    assert!(deck.checks().iter().any(|(_, what)| what.contains("words of a note")), "{:?}", deck.checks());
}

#[test]
fn what_was_noted_when_the_line_was_lost_is_kept() {
    for end in ["stop", "Q"] {
        let mut deck = Deck::with_posts(2);
        deck.press("j i");
        deck.type_text("half a note");
        if end == "stop" {
            deck.tell(Msg::Stop);
        } else {
            deck.press("esc Q");
        }
        let kept = deck.marks.iter().filter_map(|event| event.body.clone()).next_back();
        let Some(Body::BegunNote(kept)) = kept else { panic!("{end}: {kept:?}") };
        assert_eq!((kept.text, kept.cursor), (NoteText::new("half a note"), (0, 11)), "{end}");
        // Nobody has left it in the case yet; the next run goes on with it.
        let mut again = deck.killed_and_restarted(9);
        assert_eq!(case(&again, 2).notes, 0);
        again.press("j i");
        again.type_text("!");
        again.press("C-s");
        let left = again.appended().into_iter().filter_map(|event| event.body).next_back();
        assert_eq!(left, Some(Body::Note(NoteText::new("half a note!"))), "{end}");
        assert!(case(&again, 2).begun_notes.is_empty());
    }
}

#[test]
fn a_happy_post_is_asked_offered_and_counted_by_the_reps_key_alone() {
    let mut deck = Deck::with_posts(2);
    deck.press("j c r");
    deck.type_text("done");
    deck.press("C-s y");
    deck.wait(11);
    sent(&mut deck, 2, 900);
    deck.press("e enter w");
    assert_eq!(deck.app.composer().map(|composer| composer.purpose), Some(Purpose::HappyPost));
    deck.press("C-s y");
    deck.wait(11);
    sent(&mut deck, 2, 901);
    let asked = case(&deck, 2);
    assert!(asked.happy_asked.is_some() && asked.status == CaseStatus::Resolved, "asking reopens nothing");

    deck.wait(60);
    let praise = Post { id: post_id(300), text: "AcmeHelp were great".to_owned(), at: deck.now, ..post(300, deck.now) };
    let praise = Post { author: post(2, deck.now).author, ..praise };
    deck.arrives(&praise, &["c1"]);
    assert_eq!(case(&deck, 2).turned_round, None, "nothing counts by itself");
    assert!(deck.notice().contains("W on that post counts it"), "{}", deck.notice());
    deck.press("gg W");
    assert_eq!(case(&deck, 2).turned_round, Some(post_id(300)));
    deck.press("W");
    assert_eq!(case(&deck, 2).turned_round, None);
}

#[test]
fn who_wrote_again_is_not_asked_to_be_happy_without_a_word() {
    let mut deck = Deck::with_posts(2);
    deck.press("j c r");
    deck.type_text("done");
    deck.press("C-s y");
    deck.wait(11);
    sent(&mut deck, 2, 900);
    deck.press("e enter w C-s");
    let is_told = |deck: &Deck| deck.checks().iter().any(|(stops, what)| !stops && what.contains("asked for after it"));
    assert!(!is_told(&deck), "{:?}", deck.checks());
    let again = Post { id: post_id(300), in_reply_to: Some(post_id(2)), ..post(300, deck.now) };
    let again = Post { author: post(2, deck.now).author, conversation: post(2, deck.now).conversation, ..again };
    deck.arrives(&again, &["c1"]);
    assert_eq!(case(&deck, 2).status, CaseStatus::Waiting);
    assert!(is_told(&deck), "{:?}", deck.checks());
}

/// The network took the queued reply of case `n`.
pub(crate) fn sent(deck: &mut Deck, n: u64, id: u64) {
    let reply = *deck.app.desk.unfinished_replies().map(|reply| &reply.id).next().expect("a queued reply");
    let case = case_of(n);
    deck.by("ana", Event::ReplyAttempted { reply, case, session: SessionId(Uuid::from_u128(7)) }, None);
    deck.by("ana", Event::ReplySent { reply, case, post: post_id(id) }, None);
}

fn quote(n: u64, deck: &Deck) -> Post {
    let quoted = replydeck::model::post::Quoted {
        id: PostId::new(replydeck::model::NetworkKind::X, "1"),
        author: None,
        text: String::new(),
    };
    Post { quotes: Some(quoted), ..post(n, deck.now) }
}

#[test]
fn a_rep_opens_a_case_from_a_quote_by_claiming_or_drafting() {
    for key in ["c", "r"] {
        let mut deck = Deck::with_posts(2);
        let quote = quote(50, &deck);
        let body = Some(Body::Post(Box::new(quote.clone())));
        deck.by("intake", Deck::matched(&quote, &["c1"], Standing::Quote), body);
        assert!(!deck.app.desk.cases.contains_key(&case_of(50)), "a quote opens none by itself");
        deck.press("gg");
        deck.press(key);
        assert_eq!(owner(&deck, 50), Some("ana"), "{key}");
        assert_eq!(case(&deck, 50).posts, [post_id(50)]);
        assert_eq!(deck.kind() == ModeKind::Composer, key == "r");
        let again = deck.killed_and_restarted(9);
        assert_eq!(again.app.desk.cases[&case_of(50)].posts, [post_id(50)], "told again it is the same");
    }
}

#[test]
fn a_watcher_tags_and_notes_and_every_way_out_is_refused() {
    let mut deck = with(|setup| setup.role = Role::Watcher);
    deck.press("j t");
    deck.type_text("slow");
    deck.press("enter i");
    deck.type_text("looks bad");
    deck.press("C-s");
    let kinds: Vec<_> = deck.appended().into_iter().map(|event| event.event).collect();
    assert!(matches!(kinds.as_slice(), [Event::CaseTagged { .. }, Event::NoteAdded { .. }]), "{kinds:?}");
    for row in TABLE.iter().filter(|row| row.command.needs() > Role::Watcher) {
        for mode in row.modes().filter(|mode| [ModeKind::Columns, ModeKind::Case].contains(mode)) {
            let key = deck.app.setup.keys.key(mode, row.command);
            deck.press(&key);
            assert!(deck.notice().contains("your role is watcher"), "{}: {}", row.name, deck.notice());
            deck.command_line(row.name);
            assert!(deck.notice().contains("your role is watcher"), ":{}: {}", row.name, deck.notice());
        }
    }
    for command in [Command::Send, Command::HandOver, Command::RetryReply, Command::QuitSendNow, Command::Preview] {
        assert!(command.needs() > Role::Watcher, "{command:?}");
    }
    assert_eq!(deck.appended(), []);
}

#[test]
fn a_reply_queued_before_the_role_was_taken_is_not_sent() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.app.setup.role = Role::Watcher;
    deck.wait(20);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    let ids: Vec<_> = deck.app.desk.replies.keys().copied().collect();
    let refused = replydeck::run::outbox::outgoing(&deck.app.desk, Role::Watcher, ids[0]).unwrap_err();
    assert!(refused.contains("watcher"));
    assert!(replydeck::run::outbox::outgoing(&deck.app.desk, Role::Rep, ids[0]).is_ok());
    let mut again = deck.killed_and_restarted(9);
    again.tell(Msg::Adopt(ids));
    assert_eq!(again.appended(), []);
    assert!(again.notice().contains("watcher"), "{}", again.notice());
}

#[test]
fn four_open_drafts_keep_text_cursor_and_clock_each() {
    let mut deck = Deck::with_posts(4);
    deck.press("j");
    for n in 0..4 {
        deck.press("r");
        deck.type_text(&format!("draft {n}"));
        deck.press("left left");
        deck.type_text("|");
        deck.press("esc j");
    }
    let clocks: Vec<_> = (1..=4).map(|n| case(&deck, n).waiting_since).collect();
    deck.press("gg");
    for n in 0..4 {
        deck.press("r");
        assert!(deck.text().ends_with(&format!("draft| {n}")), "{}", deck.text());
        let cursor = deck.app.composer().unwrap().editor.cursor().1;
        assert_eq!(deck.text().chars().nth(cursor - 1), Some('|'));
        deck.press("esc j");
    }
    assert_eq!((1..=4).map(|n| case(&deck, n).waiting_since).collect::<Vec<_>>(), clocks);
}

#[test]
fn of_two_answers_at_once_the_second_is_stopped_and_shows_the_first() {
    let mut deck = Deck::previewing("We are on it.");
    // bo's reply is in the log before ana's key, and she has not seen it.
    let reply = replydeck::model::ReplyId(Uuid::from_u128(55));
    let queued = Event::ReplyQueued {
        reply,
        case: case_of(3),
        to: post_id(3),
        purpose: Purpose::Acknowledgement,
        account: replydeck::model::AccountName::new("help"),
        until: deck.now,
        session: SessionId(Uuid::from_u128(8)),
    };
    let theirs = deck.written("bo", queued, Some(Body::Reply("@user3 Fixed, try now".to_owned())));
    deck.press("y");
    assert!(deck.notice().contains("bo was first"), "{}", deck.notice());
    assert!(deck.text().contains("We are on it."), "the text is in the editor again");
    deck.tell(Msg::Envelopes(vec![theirs]));
    deck.now += secs(1);
    let case = case_of(3);
    deck.by("bo", Event::ReplyAttempted { reply, case, session: SessionId(Uuid::from_u128(8)) }, None);
    deck.by("bo", Event::ReplySent { reply, case, post: post_id(99) }, None);
    deck.press("C-s y");
    assert!(deck.notice().contains("not sent") && deck.notice().contains("Fixed, try now"), "{}", deck.notice());
    assert!(!deck.app.desk.replies.values().any(|reply| reply.rep.as_str() == "ana"));
}

#[test]
fn a_failed_reply_is_not_sent_again_past_an_answer_nobody_read() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y");
    deck.wait(11);
    let reply = *deck.app.desk.replies.keys().next().unwrap();
    let case = case_of(3);
    deck.by("ana", Event::ReplyFailed { reply, case, why: "503".to_owned(), may_retry: true }, None);
    deck.own_words(700, 3, "we fixed it on the phone");
    deck.press("U r");
    assert!(deck.notice().contains("we fixed it on the phone"), "{}", deck.notice());
    assert!(matches!(deck.app.desk.replies[&reply].delivery, Delivery::Failed { .. }));
    deck.press("r");
    assert!(matches!(deck.app.desk.replies[&reply].delivery, Delivery::Queued { .. }), "knowing it, the rep may");
}

#[test]
fn of_two_reps_who_resolve_at_once_one_resolves_and_the_other_reads_it() {
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    let end = Event::CaseResolved {
        case: case_of(2),
        cause: Some("outage".to_owned()),
        outcome: None,
        closing: false,
        number: None,
        undone: false,
    };
    let theirs = deck.written("bo", end, None);
    deck.press("e down enter");
    assert!(deck.notice().contains("bo was first and resolved case 2"), "{}", deck.notice());
    deck.tell(Msg::Envelopes(vec![theirs]));
    assert_eq!(case(&deck, 2).resolved.as_ref().map(|end| end.rep.as_str()), Some("bo"));
}

#[test]
fn a_case_with_a_colleagues_reply_in_its_hold_is_ended_by_a_second_key() {
    for (key, rest, command) in [("e", "down enter", "resolve"), ("ge", "", "dismiss")] {
        let mut deck = Deck::with_posts(2);
        deck.press("j");
        let reply = super::outbox::queued_by(&mut deck, "bo", secs(8));
        deck.press(key);
        assert!(
            deck.notice().contains("bo's reply in case 2 (@user2) is held and goes out in 8 s"),
            "{}",
            deck.notice()
        );
        assert_eq!((deck.kind(), case(&deck, 2).status), (ModeKind::Columns, CaseStatus::New));
        // Any other key takes the first back; a line with the command's name is the same command.
        deck.press(&format!("j k {key}"));
        assert_eq!((deck.kind(), case(&deck, 2).status), (ModeKind::Columns, CaseStatus::New));
        deck.command_line(command);
        if !rest.is_empty() {
            deck.press(rest);
        }
        assert_eq!(case(&deck, 2).status, CaseStatus::Resolved, "{}", deck.notice());
        assert!(deck.notice().contains("bo's reply in it is not out yet"), "{}", deck.notice());
        assert!(deck.app.desk.replies.contains_key(&reply), "it goes out all the same");
    }
    // One's own is no surprise.
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y e");
    assert_eq!(deck.kind(), ModeKind::Resolve, "{}", deck.notice());
}

#[test]
fn a_reply_confirmed_while_the_cause_is_chosen_is_told_with_the_end() {
    let mut deck = Deck::with_posts(2);
    deck.press("j e");
    super::outbox::queued_by(&mut deck, "bo", secs(8));
    deck.press("enter");
    assert_eq!(case(&deck, 2).status, CaseStatus::Resolved);
    assert!(deck.notice().contains("bo's reply in it is not out yet; u takes it back"), "{}", deck.notice());
}

#[test]
fn a_handle_that_looks_like_a_command_does_nothing() {
    let mut deck = Deck::with_posts(1);
    let mut odd = post(5, deck.now);
    ":quit".clone_into(&mut odd.author.handle);
    "Q\n:resolve\u{1b}[2J {name} ::".clone_into(&mut odd.author.name);
    deck.arrives(&odd, &["c1"]);
    deck.press("gg c t");
    deck.type_text(":quit");
    deck.press("enter r");
    assert!(!deck.app.quitting);
    assert_eq!(deck.kind(), ModeKind::Composer);
    deck.tell(Msg::Paste("@:quit\n:resolve\nQ".to_owned()));
    assert!(!deck.app.quitting && deck.text().contains(":resolve"));
    deck.press("esc");
    assert_eq!((owner(&deck, 5), case(&deck, 5).status), (Some("ana"), CaseStatus::New));
    assert!(case(&deck, 5).tags.contains(":quit"));
}

#[test]
fn priority_is_a_letter_and_a_word() {
    let mut deck = Deck::with_posts(1);
    deck.press("j *");
    assert!(case(&deck, 1).is_urgent);
    deck.press("*");
    assert!(!case(&deck, 1).is_urgent);
}

/// A rep whose process was killed with a case, a draft and a held reply: everything is where it was.
#[test]
fn a_kill_while_owning_writing_and_holding_loses_nothing() {
    let mut deck = Deck::previewing("We are on it.");
    deck.press("y j c r");
    deck.type_text("half a sentence");
    deck.wait(1);
    let again = deck.killed_and_restarted(9);
    let app: &App = &again.app;
    assert_eq!(app.desk.cases[&case_of(2)].owner.as_ref().map(RepName::as_str), Some("ana"));
    let draft = app.desk.cases[&case_of(2)].drafts[0].draft.clone().expect("a text");
    assert!(draft.text.contains("half a sentence"));
    let held: Vec<_> = app.desk.unfinished_replies().collect();
    assert!(matches!(held.as_slice(), [reply] if matches!(reply.delivery, Delivery::Queued { .. })));
    let ids: Vec<CaseId> = held.iter().map(|reply| reply.case).collect();
    assert_eq!(ids, [case_of(3)]);
}
