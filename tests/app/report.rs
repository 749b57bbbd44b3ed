//! The report on the screen.

use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::command::ModeKind;
use replydeck::app::{Effect, Mode, Msg, Queue, ReportTold};
use replydeck::desk::report::{Eyes, Reckoning, Report, Terms};
use replydeck::model::sla::Targets;
use replydeck::model::{Event, Mark, RepName, ReplyId, Role};
use replydeck::ui;

use super::script::{Deck, case_of, post, post_id, setup};

fn screen(deck: &Deck, size: (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let mut cache = ui::Cache::new(ui::Theme::plain());
    terminal.draw(|frame| ui::draw(frame, &deck.app, &mut cache)).unwrap();
    terminal.backend().to_string()
}

/// The report that was asked for last; nothing else was.
fn asked(deck: &mut Deck) -> (u64, Terms) {
    let mut asked = std::mem::take(&mut deck.effects).into_iter().filter_map(|effect| match effect {
        Effect::Report { number, terms } => Some((number, *terms)),
        _ => None,
    });
    let first = asked.next().expect("a report was asked for");
    assert!(asked.next().is_none(), "once");
    first
}

fn made(deck: &Deck, terms: &Terms) -> Report {
    let mut reckoning = Reckoning::default();
    for envelope in &deck.log {
        reckoning.take(envelope);
    }
    reckoning.report(terms)
}

#[test]
fn gr_reads_the_last_week_in_the_background_and_shows_it() {
    let mut deck = Deck::with_posts(3);
    deck.effects.clear();
    deck.press("gr");
    assert_eq!(deck.kind(), ModeKind::Report);
    let (number, terms) = asked(&mut deck);
    assert_eq!(
        (terms.until, terms.now, terms.since),
        (None, deck.now, Some(deck.now - SignedDuration::from_hours(168)))
    );
    assert_eq!(terms.eyes, Eyes::Own(RepName::new("ana")));
    assert_eq!(terms.targets.len(), deck.app.setup.columns.len());
    assert!(screen(&deck, (80, 24)).contains("reading the log"));
    deck.tell(Msg::Report { number, told: ReportTold::Reading { read: 70_000, of: 1_000_000 } });
    assert!(screen(&deck, (80, 24)).contains("reading the log: 70,000 of 1,000,000 events"));

    let report = made(&deck, &terms);
    assert_eq!(report.total.seen, 3);
    deck.tell(Msg::Report { number, told: ReportTold::Made(Box::new(report.clone())) });
    for size in [(80, 24), (200, 50)] {
        let all = screen(&deck, size);
        for words in ["report: 7d", "3 seen and 0 answered: 0 %", "by column", "around the clock"] {
            assert!(all.contains(words), "no {words:?} at {size:?} on\n{all}");
        }
        assert!(!all.contains("reading the log"));
    }
    let all = screen(&deck, (80, 24));
    assert!(!all.contains("what is counted") && all.contains("more v"), "{all}");
    deck.press("G");
    assert!(screen(&deck, (80, 24)).contains("longest."), "the definitions stand below\n{}", screen(&deck, (80, 24)));
    deck.press("gg esc");
    assert_eq!(deck.kind(), ModeKind::Columns);
}

#[test]
fn the_head_the_queue_and_the_report_count_what_is_new_and_overdue_alike() {
    let mut setup = setup(2);
    setup.queues = Queue::ALL.to_vec();
    setup.columns[1].targets = Targets::within(SignedDuration::from_hours(30));
    let mut deck = Deck::with(setup);
    let hours_ago = |deck: &Deck, hours: i64| deck.now - SignedDuration::from_hours(hours);
    // New and young; overdue and new; young by its column's longer target; overdue and somebody's; put off; resolved.
    for (n, hours, column) in
        [(1, 1, "c1"), (2, 25, "c1"), (3, 25, "c2"), (4, 26, "c1"), (5, 27, "c1"), (6, 28, "c1"), (7, 29, "c1")]
    {
        let at = hours_ago(&deck, hours);
        deck.arrives(&post(n, at), &[column]);
    }
    deck.by("bo", Event::CaseClaimed { case: case_of(4) }, None);
    let until = deck.now + SignedDuration::from_hours(2);
    deck.by("bo", Event::CaseSnoozed { case: case_of(5), until }, None);
    let closed = Event::CaseResolved {
        case: case_of(6),
        cause: None,
        outcome: None,
        closing: false,
        number: None,
        undone: false,
    };
    deck.by("bo", closed, None);
    // Answered, and written to again a day ago.
    let case = case_of(7);
    deck.by("bo", Event::ReplySent { reply: ReplyId(uuid::Uuid::from_u128(7)), case, post: post_id(70) }, None);
    for waited in [0, 25, 3, 72] {
        deck.now += SignedDuration::from_hours(waited);
        deck.tell(Msg::Tick);
        if waited == 0 {
            let mut more = post(71, deck.now);
            more.author.id = post(7, deck.now).author.id;
            more.conversation = post(7, deck.now).conversation;
            deck.arrives(&more, &["c1"]);
        }
        deck.effects.clear();
        deck.press("gr");
        let (_, terms) = asked(&mut deck);
        let report = made(&deck, &Terms { since: None, ..terms });
        deck.press("esc");
        let rows = deck.app.queues.len(Queue::Overdue);
        let head = screen(&deck, (80, 24)).lines().next().unwrap_or_default().to_owned();
        let now = report.now;
        assert_eq!(now.overdue, rows as u64, "after {waited} h\n{head}");
        assert!(head.contains(&format!("new {} ", now.new)), "{now:?}\n{head}");
        assert!(head.contains(&format!("OVERDUE {} ", now.overdue)), "{now:?}\n{head}");
        let marked = deck.app.desk.cases.values().filter(|case| case.mark(&deck.app.setup.me) == Mark::New).count();
        assert_eq!(now.new, marked as u64, "the letter N");
        assert!(now.new >= 3 && now.overdue >= 2, "{now:?}");
    }
}

#[test]
fn another_span_or_a_newer_report_takes_the_place_of_the_one_under_way() {
    let mut deck = Deck::with_posts(1);
    deck.effects.clear();
    deck.press("gr");
    let (old, terms) = asked(&mut deck);
    deck.press("tab");
    let (number, month) = asked(&mut deck);
    assert!(number > old && month.since < terms.since);
    // The answer to the first comes too late.
    let report = made(&deck, &terms);
    deck.tell(Msg::Report { number: old, told: ReportTold::Made(Box::new(report.clone())) });
    assert!(matches!(&deck.app.mode, Mode::Report(screen) if screen.report.is_none() && screen.since == "30d"));
    deck.tell(Msg::Report { number, told: ReportTold::Made(Box::new(made(&deck, &month))) });
    assert!(matches!(&deck.app.mode, Mode::Report(screen) if screen.report.is_some() && screen.reading.is_none()));
    // Read again, the old one stays until the new one is there; what went wrong is told.
    deck.press("r");
    let (number, again) = asked(&mut deck);
    assert_eq!(again.since, month.since);
    assert!(screen(&deck, (80, 24)).contains("1 seen and 0 answered"));
    deck.tell(Msg::Report { number, told: ReportTold::Failed("the store is busy. Try again".to_owned()) });
    assert!(screen(&deck, (80, 24)).contains("the store is busy. Try again"));
    // Under the help it is told all the same.
    deck.press("r ?");
    let (number, again) = asked(&mut deck);
    deck.tell(Msg::Report { number, told: ReportTold::Made(Box::new(made(&deck, &again))) });
    deck.press("esc");
    assert!(!screen(&deck, (80, 24)).contains("reading the log"));
    // Left, it is nobody's.
    deck.press("r esc");
    let (number, again) = asked(&mut deck);
    deck.tell(Msg::Report { number, told: ReportTold::Made(Box::new(made(&deck, &again))) });
    assert_eq!(deck.kind(), ModeKind::Columns);
}

#[test]
fn a_span_can_be_typed_and_a_wrong_one_is_told_on_the_line() {
    let mut deck = Deck::with_posts(1);
    deck.effects.clear();
    deck.press(":");
    deck.type_text("report 2026-11-20");
    deck.press("enter");
    let (_, terms) = asked(&mut deck);
    assert_eq!(terms.since, Some("2026-11-20T00:00:00Z".parse().unwrap()));
    deck.press("esc :");
    deck.type_text("report often");
    deck.press("enter");
    assert_eq!(deck.kind(), ModeKind::CommandLine);
    assert!(screen(&deck, (100, 24)).contains("\"often\" is no beginning of a span"), "{}", screen(&deck, (100, 24)));
}

#[test]
fn the_role_decides_whose_figures_are_asked_for() {
    for (role, eyes) in [(Role::Lead, Eyes::All), (Role::Watcher, Eyes::Team)] {
        let mut deck = Deck::with_posts(1);
        deck.app.setup.role = role;
        deck.effects.clear();
        deck.press("gr");
        assert_eq!(asked(&mut deck).1.eyes, eyes);
    }
}
