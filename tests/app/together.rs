//! Several reps on one store: who is where, whose draft it is, what was read, and the days on which it goes wrong.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::{App, Effect, Mode, Msg};
use replydeck::model::event::Standing;
use replydeck::model::{
    AccountName, Body, Doing, DraftText, Event, GoneSession, Message, MessageId, NetworkKind, NoteText, Presence,
    Purpose, RepName, Whereabouts,
};
use replydeck::ui::{Cache, Theme, draw};

use super::script::{Deck, case_of, post, post_id, secs, setup};

fn rep(name: &str) -> RepName {
    RepName::new(name)
}

fn bo(doing: Doing, n: u64) -> Presence {
    Presence { rep: rep("bo"), at: Whereabouts { doing, case: Some(case_of(n)) } }
}

fn told(deck: &mut Deck) -> Vec<Whereabouts> {
    std::mem::take(&mut deck.told)
}

fn screen(app: &App, size: (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
    let mut cache = Cache::new(Theme::plain());
    terminal.draw(|frame| draw(frame, app, &mut cache)).expect("it draws");
    let buffer = terminal.backend().buffer();
    let row = |y| (0..size.0).map(move |x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_a_rep_does_is_told_when_it_changes_and_never_for_a_key() {
    let mut deck = Deck::with_posts(3);
    deck.wait(2);
    told(&mut deck);
    let at = |doing, n| Whereabouts { doing, case: Some(case_of(n)) };
    deck.press("j");
    assert_eq!(told(&mut deck), [at(Doing::Viewing, 3)]);
    // Walking down a column tells where it ends, not every step.
    deck.press("j j k j");
    assert_eq!(told(&mut deck), []);
    deck.wait(1);
    assert_eq!(told(&mut deck), [at(Doing::Viewing, 1)]);
    deck.wait(1);
    deck.press("r");
    assert_eq!(told(&mut deck), [at(Doing::Writing, 1)]);
    for n in 0..300 {
        deck.now += secs(i64::from(n % 2 == 0));
        deck.type_text("a");
    }
    assert_eq!(told(&mut deck), [], "no key is told");
    deck.wait(59);
    assert_eq!(told(&mut deck), []);
    deck.wait(1);
    assert_eq!(told(&mut deck), [at(Doing::Idle, 1)]);
    deck.wait(600);
    assert_eq!(told(&mut deck), []);
    deck.type_text("b");
    assert_eq!(told(&mut deck), [at(Doing::Writing, 1)]);
    deck.wait(1);
    deck.press("esc gd");
    deck.wait(1);
    assert_eq!(told(&mut deck).last(), Some(&Whereabouts { doing: Doing::Viewing, case: None }));
}

#[test]
fn a_clock_set_back_an_hour_makes_nobody_idle_or_busy_for_an_hour() {
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    deck.wait(2);
    told(&mut deck);
    deck.now -= secs(3_600);
    deck.press("r");
    assert_eq!(told(&mut deck), [Whereabouts { doing: Doing::Writing, case: Some(case_of(2)) }]);
    deck.wait(61);
    assert_eq!(told(&mut deck), [Whereabouts { doing: Doing::Idle, case: Some(case_of(2)) }]);
    // A claim of somebody who was cut off before the clock went back is given back in good time all the same.
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    let gone = GoneSession { rep: rep("bo"), started: deck.now - secs(60), ended: deck.now + secs(1) };
    deck.tell(Msg::Gone(vec![gone]));
    deck.wait(15 * 60 + 2);
    assert_eq!(deck.app.desk.cases[&case_of(1)].owner, None);
}

#[test]
fn the_row_the_case_the_head_and_the_preview_say_who_else_is_there() {
    let mut deck = Deck::with_posts(2);
    deck.by("bo", Event::CaseClaimed { case: case_of(2) }, None);
    let cy = Presence { rep: rep("cy"), at: Whereabouts { doing: Doing::Idle, case: None } };
    deck.app.dirty = false;
    deck.tell(Msg::Present(vec![bo(Doing::Writing, 2), bo(Doing::Viewing, 1), cy.clone()]));
    assert!(deck.app.take_dirty());
    deck.tell(Msg::Present(vec![bo(Doing::Writing, 2), bo(Doing::Viewing, 1), cy]));
    assert!(!deck.app.take_dirty(), "the same again is no reason for a frame");
    let small = screen(&deck.app, (80, 24));
    assert!(small.contains("claimed bo 0:00 (writing)"), "{small}");
    assert!(small.contains("bo viewing"), "{small}");
    assert!(!small.contains("team"), "{small}");
    deck.app.size = (200, 50);
    let wide = screen(&deck.app, (200, 50));
    assert!(wide.contains("bo* cy (idle)"), "{wide}");
    deck.app.size = (80, 24);
    deck.press("j j enter");
    assert!(screen(&deck.app, (80, 24)).contains("unclaimed  bo is viewing"), "{}", screen(&deck.app, (80, 24)));
    deck.press("r");
    deck.type_text("We look.");
    deck.press("C-s");
    let has = |deck: &Deck, words: &str| deck.checks().iter().any(|(stops, what)| !stops && what.contains(words));
    assert!(has(&deck, "bo is viewing this post; nobody has claimed it: c claims it"), "{:?}", deck.checks());
    deck.tell(Msg::Present(vec![bo(Doing::Writing, 1)]));
    assert!(has(&deck, "bo is writing in this case"), "{:?}", deck.checks());
    // Killed: the word stands nowhere any more.
    deck.tell(Msg::Present(vec![]));
    assert!(!has(&deck, "bo "), "{:?}", deck.checks());
    assert!(has(&deck, "nobody has claimed the case"), "{:?}", deck.checks());
    // One's own other window is nobody else.
    let mine = Presence { rep: rep("ana"), ..bo(Doing::Writing, 1) };
    deck.tell(Msg::Present(vec![mine]));
    assert!(deck.app.others_in(case_of(1)).is_empty() && deck.app.team_here().is_empty());
}

fn bo_drafts(deck: &mut Deck, n: u64, text: &str) {
    let saved =
        Event::DraftSaved { case: case_of(n), purpose: Purpose::Acknowledgement, rep: Some(rep("bo")), to: None };
    deck.by("bo", saved, Some(Body::Draft(DraftText { text: text.to_owned(), cursor: (0, 2) })));
}

fn drafts_of(deck: &Deck, n: u64) -> Vec<(String, String)> {
    let drafts = deck.app.desk.cases[&case_of(n)].drafts.iter();
    drafts.map(|it| (it.rep.to_string(), it.draft.as_ref().map_or(String::new(), |it| it.text.clone()))).collect()
}

#[test]
fn whoever_takes_a_case_over_sees_the_first_reps_draft_and_overwrites_nobodys() {
    let mut deck = Deck::with_posts(1);
    bo_drafts(&mut deck, 1, "bo's words");
    deck.press("j r");
    assert_eq!(deck.text(), "bo's words");
    assert!(screen(&deck.app, (80, 24)).contains("bo's draft"), "marked whose");
    deck.type_text("X");
    deck.press("esc");
    let both = [("ana".to_owned(), "boX's words".to_owned()), ("bo".to_owned(), "bo's words".to_owned())];
    assert_eq!(drafts_of(&deck, 1), both);
    bo_drafts(&mut deck, 1, "bo went on");
    deck.press("r");
    assert_eq!(deck.text(), "boX's words", "one's own comes first");
    deck.press("esc enter");
    let pane = screen(&deck.app, (80, 40));
    assert!(pane.contains("bo's: acknowledgement") && pane.contains("bo went on"), "{pane}");
    // Both live through a restart, and each may be thrown away alone.
    let mut again = deck.killed_and_restarted(9);
    assert_eq!(drafts_of(&again, 1).len(), 2);
    again.press("j r C-s y");
    assert_eq!(drafts_of(&again, 1), [("bo".to_owned(), "bo went on".to_owned())], "sending drops one's own");
}

#[test]
fn sending_anothers_draft_as_it_stands_does_its_work() {
    let mut deck = Deck::with_posts(1);
    bo_drafts(&mut deck, 1, "All good again");
    deck.press("j r C-s y");
    assert_eq!(drafts_of(&deck, 1), []);
}

#[test]
fn a_draft_of_the_time_when_reps_shared_them_is_read_and_replaced() {
    let mut deck = Deck::with_posts(1);
    let old = Event::DraftSaved { case: case_of(1), purpose: Purpose::Acknowledgement, rep: None, to: None };
    let text = |text: &str| Some(Body::Draft(DraftText { text: text.to_owned(), cursor: (0, 0) }));
    deck.by("ana", old.clone(), text("first"));
    deck.by("bo", old, text("second"));
    assert_eq!(drafts_of(&deck, 1), [("bo".to_owned(), "second".to_owned())], "there was one text");
    let dropped = Event::DraftDropped { case: case_of(1), purpose: Purpose::Acknowledgement, rep: None };
    deck.by("ana", dropped, None);
    assert_eq!(drafts_of(&deck, 1), []);
}

#[test]
fn one_key_goes_from_draft_to_draft_with_the_cursor_where_it_was() {
    let mut deck = Deck::with_posts(4);
    deck.press("j");
    for n in 0..4 {
        deck.press("r");
        deck.type_text(&format!("draft {n}"));
        deck.press("esc j");
    }
    let clocks: Vec<_> = (1..=4).map(|n| deck.app.desk.cases[&case_of(n)].waiting_since).collect();
    deck.press("C-n");
    let mut seen = Vec::new();
    for n in 0..4 {
        seen.push((deck.app.composer().expect("a draft").case, deck.text()));
        // Only the cursor moves.
        for _ in 0..=n {
            deck.press("left");
        }
        deck.press("C-n");
    }
    let mut cases: Vec<_> = seen.iter().map(|(case, _)| *case).collect();
    cases.sort_unstable();
    cases.dedup();
    assert_eq!(cases.len(), 4, "each once");
    for (n, (case, text)) in seen.into_iter().enumerate() {
        let composer = deck.app.composer().expect("a draft");
        assert_eq!((composer.case, deck.text()), (case, text.clone()));
        assert_eq!(composer.editor.cursor().1, text.chars().count() - n - 1);
        deck.press("C-n");
    }
    assert_eq!((1..=4).map(|n| deck.app.desk.cases[&case_of(n)].waiting_since).collect::<Vec<_>>(), clocks);
}

#[test]
fn n_visits_every_unanswered_case_once_across_the_columns() {
    let mut deck = Deck::new(3);
    for (n, columns) in [(1, &["c1"][..]), (2, &["c1", "c2"]), (3, &["c2"]), (4, &["c3"]), (5, &["c1"])] {
        let at = deck.now + secs(i64::try_from(n).unwrap());
        deck.arrives(&post(n, at), columns);
    }
    deck.by(
        "bo",
        Event::CaseResolved {
            case: case_of(3),
            cause: None,
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        deck.press("n");
        seen.push(deck.selected().expect("a post"));
    }
    assert_eq!(seen, ["5", "2", "1", "4"], "what stands in two columns is met once");
    deck.press("n");
    assert!(deck.notice().contains("4 seen, n begins anew"), "{}", deck.notice());
    assert!([1, 2, 4, 5].iter().all(|n| !deck.app.is_unread(&deck.app.desk.cases[&case_of(*n)])));
    // Who writes again is met again, and only they.
    deck.press("n");
    let first_again = deck.selected();
    assert!(first_again.is_some());
}

#[test]
fn read_marks_live_through_a_restart_and_come_back_for_a_new_post_alone() {
    let mut deck = Deck::with_posts(3);
    let unread = |deck: &Deck| -> Vec<u64> {
        (1..=3).filter(|n| deck.app.is_unread(&deck.app.desk.cases[&case_of(*n)])).collect()
    };
    assert_eq!(unread(&deck), [1, 2, 3]);
    assert!(screen(&deck.app, (80, 24)).contains("*0:00 @user3"), "{}", screen(&deck.app, (80, 24)));
    // Passed on the way down it is not read; where one stays it is.
    deck.press("j j j");
    assert_eq!(unread(&deck), [1, 2, 3]);
    deck.wait(2);
    assert_eq!(unread(&deck), [2, 3]);
    deck.press("k enter");
    assert_eq!(unread(&deck), [3], "opened is read");
    let marks = deck.marks.iter().filter(|it| matches!(it.event, Event::CaseRead { .. })).count();
    assert_eq!(marks, 2, "once each");
    assert_eq!(unread(&deck.killed_and_restarted(9)), [3]);
    deck.wait(120);
    let mut more = post(9, deck.now);
    let first = post(1, deck.now);
    (more.author, more.conversation) = (first.author, first.conversation);
    let body = Some(Body::Post(Box::new(more.clone())));
    deck.by("intake", Deck::matched(&more, &["c1"], Standing::Customer), body);
    assert_eq!(unread(&deck), [1, 3]);
    deck.wait(600);
    assert_eq!(unread(&deck), [1, 3], "nobody reads while they are away, and no mark appears by itself");
    deck.by("bo", Event::CaseRead { case: case_of(3), upto: deck.now }, None);
    assert_eq!(unread(&deck), [1, 3], "what bo read ana has not");
}

#[test]
fn a_resolve_that_is_taken_back_does_not_count_as_reopened() {
    let mut deck = Deck::with_posts(1);
    deck.press("j ge");
    assert_eq!(deck.app.desk.counters.resolved, 1);
    deck.press("u");
    let case = &deck.app.desk.cases[&case_of(1)];
    assert_eq!((case.reopened, case.waiting_since.is_some(), deck.app.desk.counters.resolved), (0, true, 0));
    deck.press("ge E");
    assert_eq!(deck.app.desk.cases[&case_of(1)].reopened, 1, "a rep's own reopening counts");
}

#[test]
fn an_answer_goes_out_past_the_cap_and_takes_nobody_past_it() {
    let mut setup = setup(3);
    setup.open_cases = 1;
    let mut deck = Deck::with(setup);
    for n in [1, 2] {
        deck.arrives(&post(n, deck.now), &["c1"]);
    }
    deck.by("ana", Event::CaseClaimed { case: case_of(1) }, None);
    assert!(deck.app.columns[0].selected.is_none());
    deck.press("j r");
    deck.type_text("We look.");
    deck.press("C-s");
    let told = deck.checks().into_iter().find(|(_, what)| what.contains("1 is the most")).expect("the count is told");
    assert!(!told.0 && told.1.contains("leaves it unclaimed"), "{told:?}");
    deck.took();
    deck.press("y");
    let kinds: Vec<_> = deck.appended().into_iter().map(|it| it.event).collect();
    assert!(kinds.iter().any(|it| matches!(it, Event::ReplyQueued { .. })), "{kinds:?}");
    assert!(!kinds.iter().any(|it| matches!(it, Event::CaseClaimed { .. })), "{kinds:?}");
}

#[test]
fn an_accounts_direct_messages_are_for_its_reps() {
    let with_reps = |reps: &[&str]| {
        let mut setup = setup(3);
        setup.message_reps.insert(AccountName::new("help"), reps.iter().map(|name| rep(name)).collect());
        let mut deck = Deck::with(setup);
        deck.arrives(&post(1, deck.now), &["c1"]);
        let id = MessageId::new(NetworkKind::X, "77");
        let author = post(1, deck.now).author.id;
        let message = Message {
            id: id.clone(),
            with: author.clone(),
            handle: "user1".to_owned(),
            is_ours: false,
            text: "my number is 4711".to_owned(),
            at: deck.now,
        };
        let got = Event::DmReceived { message: id, author, account: AccountName::new("help"), sent_at: deck.now };
        deck.by("intake", got, Some(Body::Message(Box::new(message))));
        deck.press("j enter");
        deck
    };
    let mut kept_out = with_reps(&["bo"]);
    let pane = screen(&kept_out.app, (80, 40));
    assert!(!pane.contains("4711") && pane.contains("only the reps of help read it"), "{pane}");
    kept_out.press("D");
    assert!(kept_out.notice().contains("only the reps of help write"), "{}", kept_out.notice());
    let rep_of_it = with_reps(&["ana", "bo"]);
    assert!(screen(&rep_of_it.app, (80, 40)).contains("4711"));
}

#[test]
fn of_a_resolve_and_an_answer_at_once_the_second_reads_who_was_first() {
    // bo resolves while ana presses y.
    let mut deck = Deck::previewing("We are on it.");
    let resolved = Event::CaseResolved {
        case: case_of(3),
        cause: None,
        outcome: None,
        closing: false,
        number: None,
        undone: false,
    };
    let theirs = deck.written("bo", resolved, None);
    deck.press("y");
    assert!(deck.notice().contains("bo was first and resolved"), "{}", deck.notice());
    assert!(deck.text().contains("We are on it."), "the words are in the editor again");
    deck.tell(Msg::Envelopes(vec![theirs]));
    // bo answers while ana resolves.
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    let reply = replydeck::model::ReplyId(uuid::Uuid::from_u128(55));
    let queued = Event::ReplyQueued {
        reply,
        case: case_of(2),
        to: post_id(2),
        purpose: Purpose::Acknowledgement,
        account: AccountName::new("help"),
        until: deck.now,
        session: replydeck::model::SessionId(uuid::Uuid::from_u128(8)),
    };
    deck.written("bo", queued, Some(Body::Reply("@user2 Fixed".to_owned())));
    deck.press("ge");
    assert!(deck.notice().contains("bo was first and is sending a reply"), "{}", deck.notice());
}

#[test]
fn a_handle_that_looks_like_a_command_is_a_handle() {
    for handle in [":q", "--help", "$(x)", "`x`;rm", "../../x", "%s%n"] {
        let mut deck = Deck::new(3);
        let mut odd = post(1, deck.now);
        odd.author.handle = handle.to_owned();
        deck.arrives(&odd, &["c1"]);
        assert!(screen(&deck.app, (80, 24)).contains(&format!("@{handle}")), "{handle}");
        deck.press("j yh");
        let copied = deck.took().into_iter().find_map(|effect| match effect {
            Effect::Copy { text } => Some(text),
            _ => None,
        });
        assert_eq!(copied.as_deref(), Some(format!("@{handle}").as_str()));
        deck.press("o");
        let opened = deck.took().into_iter().find_map(|effect| match effect {
            Effect::Open { url } => Some(url),
            _ => None,
        });
        assert!(opened.expect("a page").starts_with("https://x.com/"), "{handle}");
        deck.press("c r");
        deck.type_text("We look.");
        deck.press("C-s");
        let Mode::Preview(preview) = &deck.app.mode else { panic!("{handle}: no preview") };
        assert!(preview.text.contains(&format!("@{handle} ")), "{handle}: {}", preview.text);
        assert!(!deck.app.quitting);
    }
}

#[test]
fn a_note_pasted_into_the_reply_is_told_and_a_begun_one_is_no_draft() {
    let mut deck = Deck::with_posts(1);
    deck.press("j i");
    deck.type_text("card declined");
    deck.press("esc");
    assert!(deck.app.drafts().is_empty());
    assert!(screen(&deck.app, (80, 24)).contains("note begun ana"));
    deck.press("i");
    deck.press("C-s");
    let noted = deck.appended();
    let left = noted.iter().find(|it| matches!(it.event, Event::NoteAdded { .. })).expect("a note");
    assert_eq!(left.body, Some(Body::Note(NoteText::new("card declined"))));
}
