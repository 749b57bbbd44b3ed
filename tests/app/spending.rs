//! Money on the screen, and columns before they are columns.

use std::sync::Arc;

use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::command::ModeKind;
use replydeck::app::{Caught, Effect, FromStore, Mode, Msg};
use replydeck::model::price::{Money, Prices};
use replydeck::model::spend::{Act, Charge, Gauge, Gauged, Usage, billed_day};
use replydeck::model::{AccountName, ColumnName, Event, NetworkKind, Purpose};
use replydeck::ui;

use super::script::{Deck, case_of, post, unsummoned};

fn screen(deck: &Deck) -> String {
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    let mut cache = ui::Cache::new(ui::Theme::plain());
    terminal.draw(|frame| ui::draw(frame, &deck.app, &mut cache)).unwrap();
    terminal.backend().to_string()
}

/// `promo` feeds the columns; it reads posts `from` up to `to`.
fn read(deck: &mut Deck, from: u64, to: u64, columns: &[&str]) {
    let charge = Charge {
        act: Act::PostRead,
        price: Prices::X.post_read,
        what: (from..to).map(|id| id.to_string()).collect(),
        columns: columns.iter().map(|name| ColumnName::new(name)).collect(),
    };
    let event = Event::Spent { account: AccountName::new("promo"), day: billed_day(deck.now), charges: vec![charge] };
    deck.by("intake", event, None);
}

#[test]
fn the_foot_tells_the_day_and_the_deck_warns_once_and_stops_once() {
    let mut deck = Deck::with_posts(2);
    assert!(screen(&deck).contains("spend $0.00/$20"), "{}", screen(&deck));
    read(&mut deck, 0, 620, &["c1", "c2"]);
    assert!(screen(&deck).contains("spend $3.10/$20"));
    assert_eq!(deck.notice(), "");
    read(&mut deck, 620, 3_200, &["c2"]);
    assert_eq!(deck.notice(), "promo has spent $16.00 of today's $20.00; column c2 costs most ($14.45)");
    let made = deck.app.notices.made();
    read(&mut deck, 3_200, 3_999, &["c1"]);
    assert_eq!(deck.app.notices.made(), made, "said once");
    read(&mut deck, 3_990, 4_000, &["c1"]);
    assert!(
        deck.notice().contains("reading is paused until the UTC day ends; column c2 costs most"),
        "{}",
        deck.notice()
    );
    assert!(deck.notice().contains("g$ raises the limit"), "{}", deck.notice());
    deck.press("esc");
    assert!(screen(&deck).contains("spend $20.00/$20 PAUSED"), "{}", screen(&deck));
}

#[test]
fn the_screen_lists_columns_kinds_days_and_xs_own_count() {
    let mut deck = Deck::with_posts(1);
    read(&mut deck, 0, 100, &["c1"]);
    deck.now += SignedDuration::from_hours(24);
    deck.tell(Msg::Tick);
    read(&mut deck, 0, 40, &["c1", "c2"]);
    read(&mut deck, 40, 60, &["c2"]);
    let day = billed_day(deck.now);
    let reply = Charge { act: Act::PostWithLink, price: Money::cents(20), what: vec!["9".to_owned()], columns: vec![] };
    deck.by("ana", Event::Spent { account: AccountName::new("promo"), day, charges: vec![reply] }, None);
    let usage = Usage { asked: deck.now, used: 812, cap: Some(3_000_000), reset_day: Some(1), today: Some(64) };
    deck.by("intake", Event::UsageTold { account: AccountName::new("promo"), usage }, None);
    deck.press("g$");
    assert_eq!(deck.kind(), ModeKind::Spend);
    let screen = screen(&deck);
    for words in [
        "@Brand (X): $0.50 of today's $20; the day ends at 00:00",
        "column c2 costs most: $0.20",
        "posts with a link",
        "812 of 3,000,000 posts read in this period",
        "today 64, 4 more than ours",
        "most: c1 $0.50",
    ] {
        assert!(screen.contains(words), "{words}:\n{screen}");
    }
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Columns);
}

#[test]
fn the_limit_is_raised_for_today_by_two_keys_or_by_words() {
    let mut deck = Deck::with_posts(1);
    deck.press("g$ +");
    assert!(screen(&deck).contains("+ raises today's limit to $25.00; Esc does not"), "{}", screen(&deck));
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Spend);
    assert!(!screen(&deck).contains("raises today's limit to"));
    assert!(deck.appended().is_empty(), "nothing was written");
    deck.press("+ +");
    let raised = Event::SpendLimitRaised {
        account: AccountName::new("promo"),
        day: billed_day(deck.now),
        to: Money::cents(2_500),
    };
    assert_eq!(deck.appended().into_iter().map(|it| it.event).collect::<Vec<_>>(), [raised]);
    assert!(screen(&deck).contains("of today's $25, raised for today"), "{}", screen(&deck));
    deck.press("esc");
    deck.command_line("spend 22");
    let Mode::CommandLine(line) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert!(line.error.as_ref().is_some_and(|error| error.contains("can only be raised")), "{:?}", line.error);
    deck.press("esc");
    deck.command_line("spend 40");
    assert_eq!(deck.kind(), ModeKind::Spend);
    deck.press("+");
    assert_eq!(deck.appended().len(), 1);
    // Tomorrow it is the config's again.
    deck.now += SignedDuration::from_hours(24);
    deck.tell(Msg::Tick);
    assert!(screen(&deck).contains("of today's $20;"), "{}", screen(&deck));
}

#[test]
fn a_dm_is_asked_for_by_words_alone_at_a_twentieth() {
    let mut deck = Deck::with_posts(3);
    deck.press("j d");
    deck.type_text("your number, please");
    deck.press("C-s");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert_eq!(preview.price, Some(Money::cents(20)));
    assert!(preview.text.contains("recipient_id="));
    let said = |deck: &Deck, words: &str| deck.checks().iter().any(|(stops, what)| !stops && what == words);
    assert!(said(&deck, "the DM link makes it $0.20; L asks by words alone for $0.01"), "{:?}", deck.checks());
    deck.press("L");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert_eq!(preview.price, Some(Money::cents(1)));
    assert!(!preview.text.contains("http"), "{}", preview.text);
    assert!(
        said(&deck, "the words alone ask for the DM: $0.01; L puts the link back for $0.20"),
        "{:?}",
        deck.checks()
    );
    let words = preview.text.clone();
    deck.press("y");
    let queued = deck.app.desk.replies.values().next().expect("queued");
    assert_eq!((queued.text.as_deref(), queued.purpose), (Some(words.as_str()), Purpose::DmRequest));
}

#[test]
fn a_column_is_tried_before_it_is_added() {
    let mut deck = Deck::with_posts(2);
    deck.press("A");
    assert_eq!(deck.kind(), ModeKind::AddColumn);
    deck.type_text("acme (slow");
    let shown = screen(&deck);
    assert!(shown.contains("query") && shown.contains('^'), "{shown}");
    deck.press("enter");
    assert!(deck.took().iter().all(|effect| !matches!(effect, Effect::Gauge { .. } | Effect::AddColumn { .. })));
    deck.type_text(")");
    // The store is asked once the keys have rested.
    assert!(deck.took().is_empty());
    assert!(deck.app.next_deadline().is_some());
    deck.wait(1);
    let asked = deck.took();
    let [Effect::TryQuery { rule, network: NetworkKind::X }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(rule.source(), "acme (slow)");
    let caught = |query: &str| Caught {
        query: query.to_owned(),
        posts: 37,
        of: 812,
        examples: vec![Arc::new(unsummoned(9, deck_now()))],
        cut: None,
    };
    deck.tell(Msg::Store(FromStore::Caught(caught("another query"))));
    assert!(screen(&deck).contains("looking in the store"), "an answer to older words is passed over");
    deck.tell(Msg::Store(FromStore::Caught(caught("acme (slow)"))));
    let shown = screen(&deck);
    assert!(shown.contains("37 of the 812 posts") && shown.contains("@user9: so slow today 9"), "{shown}");

    // The count costs money: asked twice.
    deck.press("C-t");
    assert!(deck.notice().contains("costs $0.005"), "{}", deck.notice());
    assert!(deck.took().is_empty());
    deck.press("C-t");
    let asked = deck.took();
    assert!(matches!(asked.as_slice(), [Effect::Gauge { gauge: Gauge::Count, .. }]), "{asked:?}");
    let counted = Ok(Gauged::Counted { posts: 700, days: 7 });
    deck.tell(Msg::Gauged { query: "acme (slow)".to_owned(), gauge: Gauge::Count, answer: counted });
    assert!(screen(&deck).contains("100 posts a day, $0.50 a day"), "{}", screen(&deck));

    deck.press("enter");
    let asked = deck.took();
    assert!(matches!(asked.as_slice(), [Effect::Gauge { gauge: Gauge::Rule, .. }]), "{asked:?}");
    let refused = Ok(Gauged::Refused { why: "this word is not allowed".to_owned() });
    deck.tell(Msg::Gauged { query: "acme (slow)".to_owned(), gauge: Gauge::Rule, answer: refused });
    deck.press("enter");
    assert!(deck.took().is_empty(), "what the network refuses is not added");
    assert!(screen(&deck).contains("this word is not allowed"), "{}", screen(&deck));
    deck.type_text(" x");
    deck.press("enter");
    deck.took();
    deck.tell(Msg::Gauged { query: "acme (slow) x".to_owned(), gauge: Gauge::Rule, answer: Ok(Gauged::Taken) });
    deck.press("enter");
    let asked = deck.took();
    let Some(Effect::AddColumn { column }) = asked.last() else { panic!("{asked:?}") };
    assert_eq!((column.name.as_str(), column.query.as_str()), ("acme-slow", "acme (slow) x"));
    deck.press("enter");
    assert!(deck.took().is_empty(), "once");
    deck.tell(Msg::ColumnAdded { name: column.name.clone(), result: Ok("deck.toml".to_owned()) });
    assert_eq!(deck.kind(), ModeKind::Columns);
}

#[test]
fn esc_leaves_and_nothing_is_written_and_a_post_lends_its_tags() {
    let mut deck = Deck::with_posts(1);
    let mut tagged = post(50, deck.now);
    tagged.hashtags = vec!["acmedown".to_owned(), "reno".to_owned()];
    deck.arrives(&tagged, &["c1"]);
    deck.press("gg");
    deck.took();
    assert_eq!(deck.selected().as_deref(), Some("50"));
    deck.press("A");
    let Mode::AddColumn(adding) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert_eq!((adding.query.text.as_str(), adding.name.text.as_str()), ("#acmedown OR #reno", "acmedown-reno"));
    deck.press("tab");
    deck.type_text("x y");
    let Mode::AddColumn(adding) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert_eq!(adding.name.text, "acmedown-renoxy", "a name holds no spaces");
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(deck.took().iter().all(|effect| matches!(effect, Effect::TryQuery { .. })));
    deck.command_line("add-column slow lines");
    let Mode::AddColumn(adding) = &deck.app.mode else { panic!("{:?}", deck.app.mode) };
    assert_eq!(adding.query.text, "slow lines");
    assert!(deck.app.desk.cases.contains_key(&case_of(1)));
}

fn deck_now() -> jiff::Timestamp {
    super::script::start()
}
