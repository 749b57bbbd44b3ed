//! What case work looks like: a note that is no reply, marks, priority, the lines and lists a deed asks with.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use replydeck::app::{App, Msg, update};
use replydeck::model::RepName;
use replydeck::ui::Theme;

use super::{Screen, assert_has, busy, shown};

fn press(app: &mut App, code: KeyCode) {
    let now = app.now;
    drop(update(app, now, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
}

fn typed(app: &mut App, text: &str) {
    for c in text.chars() {
        press(app, KeyCode::Char(c));
    }
}

fn screen(app: &App) -> String {
    Screen::new(app.size, Theme::plain()).text(app)
}

#[test]
fn a_note_looks_like_no_reply() {
    for size in [(80, 24), (200, 50)] {
        let mut app = busy(size, "columns");
        typed(&mut app, "icalled, nobody there");
        let note = screen(&app);
        assert_has(&note, &["NOTE for the team, never sent", "====", "called, nobody there", "Ctrl-S save the note"]);
        assert!(!note.contains("REPLY"), "{note}");
    }
    let reply = shown((80, 24), "composer");
    assert!(reply.contains("REPLY draft PUBLIC") && !reply.contains("NOTE") && !reply.contains("===="), "{reply}");
}

#[test]
fn marked_and_urgent_rows_differ_by_letter_and_word() {
    let mut app = busy((80, 50), "columns");
    let case = app.case_in_hand().expect("a case").id;
    app.desk.cases.get_mut(&case).expect("held").is_urgent = true;
    assert_has(&screen(&app), &[">NP*0:04 @jo_m", "priority"]);
    typed(&mut app, "x");
    assert_has(&screen(&app), &["marked: 1", "marked"]);
    press(&mut app, KeyCode::Down);
    assert_has(&screen(&app), &["xNP*0:04 @jo_m"]);
}

#[test]
fn each_question_says_what_may_be_answered() {
    let mut app = busy((80, 24), "columns");
    app.setup.team = vec![RepName::new("dee")];
    typed(&mut app, "a");
    assert_has(&screen(&app), &["hand over to whom? case 4801", "dee", "0 open"]);
    press(&mut app, KeyCode::Esc);
    typed(&mut app, "tsl");
    assert_has(&screen(&app), &["tag case 4801", "in use (Tab):", "slow"]);
    press(&mut app, KeyCode::Esc);
    typed(&mut app, "zsoon");
    press(&mut app, KeyCode::Enter);
    assert_has(&screen(&app), &["until when? case 4801", "\"soon\" is no time", "until they write"]);
    press(&mut app, KeyCode::Esc);
    typed(&mut app, "e");
    assert_has(&screen(&app), &["what was the cause?", "[ ] closing"]);
    press(&mut app, KeyCode::Tab);
    assert_has(&screen(&app), &["[x] closing"]);
}
