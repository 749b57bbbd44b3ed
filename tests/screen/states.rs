//! States that come seldom and must not be missed: what they say on the screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;
use replydeck::app::command::{Command, ModeKind};
use replydeck::app::{App, Effect, LineInput, Mode, Msg, NetworkFind, update};
use replydeck::model::price::Prices;
use replydeck::model::spend::Budget;
use replydeck::model::{
    AccountName, Body, BodyId, ColumnName, Delivery, GoneSession, Hit, NetworkKind, NotAppended, Seq,
};
use replydeck::ui::Theme;

use super::{Screen, assert_has, busy, deck, shown};

fn screen(app: &App) -> String {
    Screen::new(app.size, Theme::plain()).text(app)
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    let now = app.now;
    update(app, now, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// What the store answers to every append among the effects.
fn refuse(app: &mut App, effects: Vec<Effect>) {
    let now = app.now;
    for effect in effects {
        if let Effect::Append { token, .. } = effect {
            let why = "the disk is full: make room".to_owned();
            update(app, now, Msg::Appended { token, result: Err(NotAppended::Failed { why }) });
        }
    }
}

#[test]
fn a_column_whose_rule_was_refused_says_so_in_its_head() {
    let mut app = deck::busy((80, 24));
    let report = app.links.values_mut().next().expect("a link");
    report.refused = vec![(ColumnName::new("outage"), "this word is not allowed".to_owned())];
    let all = screen(&app);
    assert_has(&all, &["x  REFUSED |", "| X refuses its rule: this word is not..|"]);
    assert_eq!(all.matches("REFUSED").count(), 1, "{all}");
    app.size = (200, 50);
    assert_has(&screen(&app), &["X refuses its rule: this word is not a"]);
}

#[test]
fn a_claim_of_a_session_that_was_cut_off_is_marked_for_the_others() {
    let mut app = deck::busy((200, 60));
    assert_has(&screen(&app), &["claimed bo 0:02"]);
    let ended = deck::now() - SignedDuration::from_mins(4);
    let started = deck::now() - SignedDuration::from_hours(2);
    let claimed =
        app.desk.cases.values_mut().find(|case| case.owner == Some(deck::rep("bo")) && case.last_answer.is_none());
    let claimed = claimed.expect("bo's case");
    claimed.claimed_at = Some(ended - SignedDuration::from_mins(1));
    update(&mut app, deck::now(), Msg::Gone(vec![GoneSession { rep: deck::rep("bo"), started, ended }]));
    assert!(app.take_dirty());
    let all = screen(&app);
    assert_has(&all, &["claimed bo 0:05", "their session ended 0:04 ago"]);
    update(&mut app, deck::now(), Msg::Gone(vec![]));
    let all = screen(&app);
    assert!(all.contains("claimed bo 0:05") && !all.contains("their session"), "{all}");
}

#[test]
fn a_search_of_the_network_says_its_price_and_that_nothing_is_stored() {
    let mut app = deck::busy((80, 24));
    let account = AccountName::new("charter");
    app.setup.budgets.insert(account, Budget { prices: Prices::X, daily_limit: None });
    press(&mut app, KeyCode::Char('g'));
    press(&mut app, KeyCode::Char('/'));
    assert_has(&screen(&app), &["find on X itself, not in stored posts", "each post X returns costs $0.005"]);
    for c in "slow".chars() {
        press(&mut app, KeyCode::Char(c));
    }
    press(&mut app, KeyCode::Enter);
    assert_has(&screen(&app), &["/slow", "Enter again asks X for at most 50 posts: $0.25 at most"]);
    let asked = press(&mut app, KeyCode::Enter);
    assert!(matches!(asked.as_slice(), [Effect::FindOnNetwork { .. }]));
    assert_has(&screen(&app), &["asking X.."]);

    let known = app.desk.posts[&deck::post_id(1)].body.clone().expect("a text");
    let mut other = (*known).clone();
    other.id = deck::post_id(900);
    let hit = |post: replydeck::model::Post| Hit {
        id: BodyId::post(&post.id),
        at: post.at,
        body: Body::Post(Box::new(post)),
    };
    let Mode::Find(find) = &mut app.mode else { panic!("no search") };
    find.hits = vec![hit((*known).clone()), hit(other)];
    find.answered = Some("slow".to_owned());
    find.in_list = true;
    find.network = Some(NetworkFind {
        judged_here: String::new(),
        account: AccountName::new("charter"),
        kind: NetworkKind::X,
        priced: None,
        is_asking: false,
        read: 2,
        has_more: true,
    });
    let all = screen(&app);
    assert_has(&all, &["2 posts from X, not stored here ($0.01), newest first; there are older ones"]);
    assert_eq!(all.matches("on the desk: @jo_m").count(), 1, "{all}");
    assert_eq!(all.matches("@jo_m: Charter internet").count(), 2, "{all}");
}

#[test]
fn a_question_mark_shows_every_key_of_the_screen_it_was_asked_on_first() {
    let names = [
        ("columns", ModeKind::Columns),
        ("case", ModeKind::Case),
        ("preview", ModeKind::Preview),
        ("find-list", ModeKind::Hits),
        ("outbox", ModeKind::Outbox),
        ("drafts", ModeKind::Drafts),
        ("links", ModeKind::Links),
        ("notices", ModeKind::Notices),
        ("quit", ModeKind::QuitQuestion),
        ("spend", ModeKind::Spend),
        ("report", ModeKind::Report),
        ("person", ModeKind::Person),
        ("history", ModeKind::History),
    ];
    let with_help: Vec<_> = Command::Help.row().modes().collect();
    assert_eq!(with_help.len(), names.len(), "{with_help:?}");
    for (name, kind) in names {
        assert!(with_help.contains(&kind));
        let mut app = busy((140, 600), name);
        press(&mut app, KeyCode::Char('?'));
        assert_eq!(app.mode.kind(), ModeKind::Help, "{name}");
        let all = screen(&app);
        let first = all.lines().find(|line| line.contains("In the ")).unwrap_or_default();
        assert!(first.contains(&format!("In the {}", kind.title())), "{name}: {first}");
        let section = all.split("In the ").nth(1).expect("its section");
        for binding in app.setup.keys.bindings(kind) {
            let is_column = matches!(binding.command, Command::Column(_));
            assert!(is_column || section.contains(binding.words), "{name}: no {:?} in\n{section}", binding.words);
        }
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.mode.kind(), kind, "{name}: back to where it was asked");
    }
    // Where one types, a question mark is a question mark; the commands are found by the command line.
    let mut app = busy((80, 24), "command");
    app.mode = Mode::CommandLine(LineInput::default());
    press(&mut app, KeyCode::Char('?'));
    assert!(matches!(&app.mode, Mode::CommandLine(line) if line.text == "?"));
}

#[test]
fn a_draft_the_store_does_not_take_is_not_saved_wherever_it_shows() {
    let mut app = busy((80, 24), "columns");
    press(&mut app, KeyCode::Char('r'));
    for c in "slow indeed".chars() {
        let effects = press(&mut app, KeyCode::Char(c));
        refuse(&mut app, effects);
    }
    let effects = press(&mut app, KeyCode::Esc);
    refuse(&mut app, effects);
    assert_has(&screen(&app), &["the disk is full: make room"]);
    press(&mut app, KeyCode::Char('g'));
    press(&mut app, KeyCode::Char('d'));
    assert_has(&screen(&app), &["NOT SAVED"]);
    press(&mut app, KeyCode::Char('Q'));
    assert_has(&screen(&app), &["One draft is NOT SAVED; quitting loses it."]);
    // The store takes it after all.
    let now = app.now;
    let effects = update(&mut app, now, Msg::Tick);
    for effect in effects {
        if let Effect::Append { token, .. } = effect {
            let seq = app.desk.seq;
            update(&mut app, now, Msg::Appended { token, result: Ok(seq) });
        }
    }
    let all = screen(&app);
    assert!(!all.contains("NOT SAVED"), "{all}");
}

#[test]
fn a_reply_that_waits_for_the_network_says_until_when() {
    let mut app = deck::busy((80, 24));
    let queued = Delivery::Queued { until: deck::now() - SignedDuration::from_secs(2) };
    let reply = deck::reply(&mut app, 9, &deck::post_id(1), queued, "words");
    app.send_waits.insert(reply, deck::now() + SignedDuration::from_mins(9));
    app.mode = Mode::Outbox { selected: 0 };
    assert_has(&screen(&app), &["waits for the network, free again at 14:41"]);
    assert!(!shown((80, 24), "outbox").contains("free again"), "only where a limit was told");
}

#[test]
fn a_store_that_is_being_read_says_how_much_of_it_has_been() {
    let mut app = deck::busy((80, 24));
    let seq = app.desk.seq;
    (app.caught_up, app.past) = (false, Some((Seq(0), Seq(seq.0 * 4))));
    assert!(screen(&app).contains("reading the store 25%"), "{}", screen(&app));
    // What came meanwhile is read as well.
    app.past = Some((Seq(0), Seq(seq.0 / 2)));
    assert!(screen(&app).contains("reading the store 99%"), "{}", screen(&app));
    app.past = Some((seq, seq));
    assert!(screen(&app).contains("reading the store.."), "{}", screen(&app));
}
