//! Case work, the palette, the command line, the search, help, and what others do.

use std::collections::BTreeSet;

use replydeck::app::chord::{self, Chord};
use replydeck::app::command::{Command, ModeKind, TABLE};
use replydeck::app::keymap::{Keymap, Meaning};
use replydeck::app::notice::Weight;
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::{
    AccountName, Body, BodyId, CaseStatus, Event, Hit, LinkReport, LinkState, NotAppended, RepName,
};

use super::script::{Deck, case_of, post, post_id, secs, setup};

fn owner(deck: &Deck, n: u64) -> Option<String> {
    deck.app.desk.cases[&case_of(n)].owner.as_ref().map(RepName::to_string)
}

#[test]
fn claiming_shows_as_pending_until_the_log_has_it() {
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    deck.slow_store = true;
    deck.press("c");
    assert_eq!(deck.app.pending_word(case_of(2)), Some("claiming"));
    assert_eq!(owner(&deck, 2), None);
    deck.press("c");
    assert_eq!(deck.waiting.len(), 1, "asked once");
    deck.store();
    assert_eq!((deck.app.pending_word(case_of(2)), owner(&deck, 2).as_deref()), (None, Some("ana")));
    deck.slow_store = false;
    deck.press("C");
    assert_eq!(owner(&deck, 2), None);
    deck.press("C");
    assert!(deck.notice().contains("nobody has claimed"));
}

#[test]
fn of_two_reps_the_second_is_told_who_was_first() {
    let mut deck = Deck::with_posts(2);
    deck.press("j");
    let theirs = deck.written("bo", Event::CaseClaimed { case: case_of(2) }, None);
    deck.press("c");
    assert!(deck.notice().contains("bo was first and claimed case 2 (@user2)"), "{}", deck.notice());
    assert_eq!(deck.app.notices.newest().map(|notice| notice.weight), Some(Weight::Warning));
    deck.tell(Msg::Envelopes(vec![theirs]));
    assert_eq!(owner(&deck, 2).as_deref(), Some("bo"));
    deck.press("c");
    deck.press("c");
    assert_eq!(owner(&deck, 2).as_deref(), Some("bo"), "the key that claims takes nothing from anybody");
    deck.press("gc");
    assert_eq!(owner(&deck, 2).as_deref(), Some("ana"));
}

#[test]
fn what_others_do_to_my_case_is_told_and_to_theirs_is_not() {
    let mut deck = Deck::with_posts(2);
    deck.press("j c");
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    assert!(!deck.notice().contains("bo"));
    deck.by(
        "bo",
        Event::CaseResolved {
            case: case_of(2),
            cause: Some("outage".to_owned()),
            outcome: None,
            closing: false,
            number: None,
            undone: false,
        },
        None,
    );
    assert!(deck.notice().contains("bo resolved case 2 (@user2): outage"));
    deck.by("bo", Event::CaseAssigned { case: case_of(1), to: RepName::new("ana") }, None);
    assert!(deck.notice().contains("bo handed case 1 (@user1) to you"));
}

#[test]
fn a_case_is_resolved_with_a_cause_and_reopened() {
    let mut deck = Deck::with_posts(2);
    deck.press("j e");
    let Mode::Resolve { picker, .. } = &deck.app.mode else { panic!("no causes") };
    assert_eq!(picker.shown, [0, 1, 2]);
    deck.type_text("bill");
    deck.press("enter");
    let case = &deck.app.desk.cases[&case_of(2)];
    assert_eq!(case.resolved.as_ref().and_then(|it| it.cause.as_deref()), Some("billing"));
    deck.press("e");
    assert!(deck.notice().contains("resolved already"));
    deck.press("E");
    assert_ne!(deck.app.desk.cases[&case_of(2)].status, CaseStatus::Resolved);
    deck.press("e down down enter");
    assert_eq!(deck.app.desk.cases[&case_of(2)].resolved.as_ref().map(|it| it.cause.clone()), Some(None));
}

#[test]
fn in_a_column_that_follows_a_case_is_never_changed_unseen() {
    for key in ["c", "e", "E", "C"] {
        let mut deck = Deck::with_posts(2);
        deck.press(key);
        assert_eq!(deck.appended(), []);
        assert!(matches!(deck.app.mode, Mode::Columns));
        assert!(deck.notice().contains("press the key again"));
        assert_eq!(deck.selected().as_deref(), Some("2"));
    }
}

#[test]
fn prefixes_wait_for_ever_and_say_what_may_follow() {
    let mut deck = Deck::with_posts(2);
    deck.press("j y");
    deck.wait(3_600);
    assert_eq!(deck.app.prefix, "y");
    let follows = deck.app.setup.keys.may_follow(ModeKind::Columns, "y");
    let keys: BTreeSet<_> = follows.iter().map(|(keys, _)| keys.as_str()).collect();
    assert_eq!(keys, BTreeSet::from(["c", "h", "l", "t"]));
    deck.took();
    deck.press("l");
    assert_eq!(deck.took(), [Effect::Copy { text: "https://x.com/user2/status/2".to_owned() }]);
    deck.press("g esc j");
    assert_eq!(deck.selected().as_deref(), Some("1"));
    deck.press("g z");
    assert_eq!(deck.app.prefix, "");
    assert!(deck.notice().contains("gz is bound to nothing"));
}

#[test]
fn posts_are_copied_and_opened() {
    let mut deck = Deck::with_posts(2);
    deck.press("j yt yh yc o");
    let copied = |text: &str| Effect::Copy { text: text.to_owned() };
    let page = Effect::Open { url: "https://x.com/user2/status/2".to_owned() };
    assert_eq!(deck.took(), [copied("so slow today 2"), copied("@user2"), copied("2"), page]);
    deck.by("intake", Event::PostDeleted { post: post_id(2) }, None);
    deck.press("yt o");
    assert_eq!(deck.took(), []);
}

#[test]
fn the_palette_finds_any_command_by_three_letters() {
    for row in TABLE {
        if !row.works_in(ModeKind::Columns)
            || matches!(row.command, Command::Palette | Command::CommandLine | Command::Open)
        {
            continue;
        }
        let mut deck = Deck::with_posts(1);
        deck.press(";");
        deck.type_text(row.name);
        let Mode::Palette(picker) = &deck.app.mode else { panic!("no palette") };
        let first = picker.shown.first().map(|index| TABLE[*index].name);
        assert_eq!(first, Some(row.name));
    }
    let mut deck = Deck::with_posts(1);
    deck.press("j ;");
    deck.type_text("ackn");
    deck.press("enter");
    assert!(matches!(deck.app.mode, Mode::Composer(_)));
    deck.press("esc ;");
    deck.type_text("zzzz");
    deck.press("enter esc");
    assert!(matches!(deck.app.mode, Mode::Columns));
}

#[test]
fn the_command_line_takes_every_name() {
    let mut deck = Deck::with_posts(1);
    deck.press("j");
    deck.command_line("claim");
    assert_eq!(owner(&deck, 1).as_deref(), Some("ana"));
    deck.command_line("relase");
    let Mode::CommandLine(line) = &deck.app.mode else { panic!("left") };
    assert!(line.error.as_deref().is_some_and(|error| error.contains("did you mean \"release\"")));
    deck.press("esc");
    deck.command_line("send");
    assert!(
        matches!(&deck.app.mode, Mode::CommandLine(line) if line.error.as_deref() == Some("send works in: preview"))
    );
    deck.press("esc");
    deck.command_line("find slow line");
    assert!(deck.took().contains(&super::script::find("slow line")));
    assert!(matches!(deck.app.mode, Mode::Find(_)));
}

fn hit(n: u64, deck: &Deck) -> Hit {
    let post = post(n, deck.now);
    Hit { id: BodyId::post(&post.id), at: post.at, body: Body::Post(Box::new(post)) }
}

#[test]
fn search_jumps_to_the_row_or_opens_the_post_alone() {
    let mut deck = Deck::with_posts(3);
    deck.press("/");
    deck.type_text("slow");
    deck.press("enter");
    assert_eq!(deck.took(), [super::script::find("slow")]);
    let hits = vec![hit(77, &deck), hit(1, &deck)];
    deck.tell(Msg::Store(FromStore::Found { words: "other".to_owned(), found: super::script::found(hits.clone()) }));
    assert!(matches!(&deck.app.mode, Mode::Find(find) if find.answered.is_none()), "an answer to other words");
    deck.tell(Msg::Store(FromStore::Found { words: "slow".to_owned(), found: super::script::found(hits) }));
    assert_eq!(deck.kind(), ModeKind::Hits);
    deck.press("yh");
    assert_eq!(deck.took(), [Effect::Copy { text: "@user77".to_owned() }]);
    deck.press("enter");
    assert_eq!((deck.kind(), deck.selected().as_deref()), (ModeKind::Case, Some("77")));
    deck.press("r");
    assert!(deck.notice().contains("no case"), "it is not on the desk");
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Hits);
    deck.press("n enter");
    assert_eq!((deck.kind(), deck.selected().as_deref()), (ModeKind::Columns, Some("1")));
    deck.press("/");
    deck.type_text("nothing");
    deck.press("enter");
    deck.tell(Msg::Store(FromStore::Found { words: "nothing".to_owned(), found: super::script::found(vec![]) }));
    assert!(matches!(&deck.app.mode, Mode::Find(find) if find.input.error.is_some()));
}

#[test]
fn links_are_logged_and_told_when_down() {
    let mut deck = Deck::with_posts(1);
    let account = AccountName::new("promo");
    let report = |state| LinkReport {
        account: account.clone(),
        state,
        last_byte: None,
        note: None,
        is_calm: false,
        refused: vec![],
    };
    deck.tell(Msg::Link(report(LinkState::Live)));
    deck.tell(Msg::Link(report(LinkState::Live)));
    assert_eq!(deck.app.link_log.len(), 1);
    let down = LinkState::Down { why: "401 Unauthorized".to_owned(), remedy: "check the token".to_owned() };
    deck.tell(Msg::Link(report(down)));
    assert!(deck.notice().contains("401") && deck.notice().contains("check the token"));
    deck.press("gl");
    assert!(matches!(deck.app.mode, Mode::Links { .. }));
    deck.press("q");
    assert!(matches!(deck.app.mode, Mode::Columns));
}

fn shown(deck: &Deck) -> Vec<&replydeck::app::Notice> {
    deck.app.notices.shown(deck.app.now)
}

#[test]
fn notices_have_weight_and_pass() {
    let mut deck = Deck::with_posts(1);
    deck.press("C-l ga");
    assert_eq!(shown(&deck).first().map(|notice| notice.weight), Some(Weight::Info));
    deck.wait(5);
    assert_eq!(shown(&deck).first(), None);
    let notice = |weight, text: &str| replydeck::app::Notice { at: deck.now, weight, text: text.to_owned() };
    let (error, info) = (notice(Weight::Error, "disk full"), notice(Weight::Info, "hello"));
    deck.tell(Msg::Notice(error));
    deck.tell(Msg::Notice(info));
    assert_eq!(shown(&deck).first().map(|notice| notice.text.as_str()), Some("disk full"));
    deck.wait(600);
    assert_eq!(shown(&deck).first().map(|notice| notice.text.as_str()), Some("disk full"));
    deck.press("j");
    assert_eq!(shown(&deck).first(), None);
}

#[test]
fn screens_lead_back_where_they_came_from() {
    let mut deck = Deck::with_posts(2);
    deck.press("j enter ? ");
    assert_eq!((deck.kind(), deck.app.mode_below()), (ModeKind::Help, ModeKind::Case));
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Case);
    deck.press("r esc");
    assert_eq!(deck.kind(), ModeKind::Case);
    deck.press("U gd gl U backspace");
    assert_eq!(deck.kind(), ModeKind::Case);
    deck.press("q q");
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(!deck.app.quitting);
    deck.press("C-z C-l");
    assert_eq!(deck.took().split_off(1), [Effect::Suspend, Effect::Repaint]);
}

#[test]
fn every_command_has_a_row_a_name_and_keys_anybody_can_press() {
    let keymap = Keymap::default();
    let mut names = BTreeSet::new();
    for row in TABLE {
        assert!(names.insert(row.name), "{} twice", row.name);
        assert_eq!(Command::named(row.name), Some(row.command));
        assert!(row.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
        assert!(!row.words.is_empty());
        assert!(row.modes().next().is_some());
        for mode in row.modes() {
            let keys = keymap.keys(mode, row.command);
            assert!(!keys.is_empty(), "{} has no key in {mode:?}", row.name);
            for key in keys {
                let chords = chord::parse(&key).unwrap();
                assert_eq!(keymap.meaning(mode, &chords), Meaning::Command(row.command), "{key} in {mode:?}");
                assert!(!mode.takes_text() || !chords[0].is_text(), "{key} is text in {mode:?}");
                assert!(chords.iter().all(|chord| *chord != Chord::Ctrl('m') && *chord != Chord::Ctrl('i')), "{key}");
            }
        }
    }
}

#[test]
fn help_and_the_readme_tell_every_command_of_a_screen() {
    let keymap = Keymap::default();
    let markdown = keymap.markdown();
    for mode in ModeKind::ALL {
        let told: BTreeSet<_> = keymap.bindings(mode).into_iter().map(|binding| binding.command).collect();
        let works: BTreeSet<_> = TABLE.iter().filter(|row| row.works_in(mode)).map(|row| row.command).collect();
        assert_eq!(told, works);
        assert!(markdown.contains(&format!("### In the {}", mode.title())));
    }
    for row in TABLE {
        assert!(markdown.contains(&format!("| `{}` | {} |", row.name, row.words)), "{}", row.name);
    }
}

#[test]
fn changed_keys_are_in_force() {
    let mut settings = setup(1);
    settings.keys = Keymap::with(&[("acknowledge".to_owned(), vec!["R".to_owned(), "g R".to_owned()])]).unwrap();
    let mut deck = Deck::with(settings);
    deck.arrives(&post(1, deck.now), &["c1"]);
    deck.press("r");
    assert_eq!(deck.kind(), ModeKind::Columns);
    for keys in ["R", "gR"] {
        deck.press(keys);
        assert_eq!(deck.kind(), ModeKind::Composer);
        deck.press("esc");
    }
}

#[test]
fn every_command_does_something_in_every_mode_it_works_in() {
    for row in TABLE {
        for mode in row.modes() {
            let mut deck = in_mode(mode);
            deck.app.take_dirty();
            deck.run(row.command);
            assert!(deck.app.dirty || !deck.effects.is_empty(), "{} in {mode:?}", row.name);
        }
    }
}

fn in_mode(mode: ModeKind) -> Deck {
    let mut deck = Deck::with_posts(3);
    deck.press("j j");
    match mode {
        ModeKind::Columns => {}
        ModeKind::Case => deck.press("enter"),
        ModeKind::Composer => deck.press("r"),
        ModeKind::Preview => deck.press("r C-s"),
        ModeKind::Palette => deck.press(";"),
        ModeKind::CommandLine => deck.press(":"),
        ModeKind::Find => deck.press("/"),
        ModeKind::Hits => {
            deck.press("/");
            deck.type_text("slow");
            deck.press("enter");
            let hits = vec![hit(1, &deck), hit(2, &deck)];
            deck.tell(Msg::Store(FromStore::Found { words: "slow".to_owned(), found: super::script::found(hits) }));
        }
        ModeKind::Help => deck.press("?"),
        ModeKind::Outbox => deck.press("U"),
        ModeKind::Drafts => deck.press("gd"),
        ModeKind::Links => deck.press("gl"),
        ModeKind::Notices => deck.press("gn"),
        ModeKind::SavedReplies => deck.press("r C-o"),
        ModeKind::Resolve => deck.press("e"),
        ModeKind::Assign => deck.press("a"),
        ModeKind::Tag => deck.press("t"),
        ModeKind::Snooze => deck.press("z"),
        ModeKind::Note => deck.press("i"),
        ModeKind::QuitQuestion => deck.press("r C-s y Q"),
        ModeKind::Spend => deck.press("g$"),
        ModeKind::Report => deck.press("gr"),
        ModeKind::AddColumn => deck.press("A"),
        ModeKind::Person => deck.press("p"),
        ModeKind::History => deck.press("H"),
    }
    assert_eq!(deck.kind(), mode);
    deck.effects.clear();
    deck
}

#[test]
fn a_failed_append_is_an_error_with_its_reason() {
    let mut deck = Deck::with_posts(1);
    deck.press("j");
    deck.slow_store = true;
    deck.press("c");
    let (token, ..) = deck.waiting.remove(0);
    deck.now += secs(1);
    deck.tell(Msg::Appended { token, result: Err(NotAppended::Failed { why: "the disk is full".to_owned() }) });
    assert!(deck.app.pending.is_empty());
    assert_eq!(deck.notice(), "claiming failed: the disk is full");
}

#[test]
fn help_can_be_read_to_its_end_at_every_size() {
    for size in [(80, 24), (200, 50)] {
        let mut deck = Deck::with_posts(2);
        deck.tell(Msg::Resized { columns: size.0, rows: size.1 });
        deck.press("?");
        assert!(!super::people::screen(&deck.app, size).contains("reach_percent"), "there is more than fits");
        deck.press("G");
        let end = super::people::screen(&deck.app, size);
        for words in ["overdue: 24 hours without an answer", "reach_percent"] {
            assert!(end.contains(words), "{words} in:\n{end}");
        }
    }
}

#[test]
fn what_happened_on_the_links_can_be_read_to_its_end() {
    let mut deck = Deck::with_posts(2);
    let account = AccountName::new("acme");
    for n in 0..40 {
        let why =
            format!("the reason numbered {n}, which is told in so many words that at 80 columns it takes two lines");
        let state = LinkState::BackingOff { until: deck.now + secs(60), why };
        let report = LinkReport {
            account: account.clone(),
            state,
            last_byte: None,
            note: None,
            is_calm: false,
            refused: Vec::new(),
        };
        deck.tell(Msg::Link(report));
        let report = LinkReport {
            account: account.clone(),
            state: LinkState::Live,
            last_byte: None,
            note: None,
            is_calm: false,
            refused: Vec::new(),
        };
        deck.tell(Msg::Link(report));
    }
    for (keys, last) in [("gl", "the reason numbered 0,"), ("gn", "the reason numbered 0,")] {
        deck.press(keys);
        assert!(!super::people::screen(&deck.app, (80, 24)).contains(last), "there is more than fits");
        deck.press("G");
        let end = super::people::screen(&deck.app, (80, 24));
        assert!(end.contains(last), "{end}");
        deck.press("esc");
    }
}

#[test]
fn every_outage_is_a_warning_and_what_is_well_is_said_in_passing() {
    let mut deck = Deck::with_posts(1);
    let account = AccountName::new("acme");
    let report = |state, note: Option<&str>, is_calm| {
        let note = note.map(str::to_owned);
        Msg::Link(LinkReport { account: account.clone(), state, last_byte: None, note, is_calm, refused: Vec::new() })
    };
    let down = |deck: &Deck| LinkState::BackingOff { until: deck.now + secs(5), why: "the line broke".to_owned() };
    for _ in 0..2 {
        let calm = report(LinkState::Live, Some("listening at 127.0.0.1"), true);
        deck.tell(calm);
        assert_eq!(shown(&deck).first().map(|notice| notice.weight), Some(Weight::Info));
        // Tried again and again, it is told once.
        for _ in 0..3 {
            let broken = report(down(&deck), Some("the line broke"), false);
            deck.tell(broken);
            deck.wait(5);
            deck.tell(report(LinkState::Connecting, None, false));
        }
        let told: Vec<_> = shown(&deck).into_iter().map(|notice| (notice.weight, notice.text.clone())).collect();
        assert_eq!(told, [(Weight::Warning, "acme: the line broke".to_owned())]);
    }
    deck.tell(report(LinkState::Live, Some("column a: X refuses the rule"), false));
    assert_eq!(shown(&deck).first().map(|notice| notice.weight), Some(Weight::Warning), "not all is well");
}
