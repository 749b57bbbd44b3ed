//! What the network at hand cannot do is said in hints and notices, and never begun.

use replydeck::app::command::{Command, ModeKind};
use replydeck::app::{ColumnSource, Effect, Mode, Msg};
use replydeck::model::{Account, AccountName, FoundOnNetwork, NetworkKind, Verdict};

use super::script::{Deck, post, setup};

fn on(networks: &[NetworkKind]) -> Deck {
    let mut settings = setup(1);
    let account = settings.accounts[0].clone();
    let named = |network: NetworkKind| AccountName::new(network.prefix());
    settings.accounts = networks
        .iter()
        .map(|network| Account { network: *network, name: named(*network), ..account.clone() })
        .collect();
    let source =
        |network: &NetworkKind| ColumnSource { network: *network, account: named(*network), reply_as: named(*network) };
    settings.columns[0].sources = networks.iter().map(source).collect();
    settings.budgets.clear();
    Deck::with(settings)
}

#[test]
fn a_network_that_lets_only_those_search_who_log_in_says_so_before_the_key() {
    let mut deck = on(&[NetworkKind::Bluesky]);
    assert_eq!(deck.app.cannot(Command::FindNetwork), None);
    deck.app.setup.accounts[0].can_send = false;
    let why = deck.app.cannot(Command::FindNetwork).expect("no login, no search");
    assert!(why.starts_with("Bluesky is searched only by accounts that can write"), "{why}");
    deck.press("g/");
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert_eq!(deck.notice(), why);
    // Of several networks the first that can be searched is.
    let mut deck = on(&[NetworkKind::Bluesky, NetworkKind::Mastodon]);
    deck.app.setup.accounts[0].can_send = false;
    assert_eq!(deck.app.cannot(Command::FindNetwork), None);
    deck.press("g/");
    let Mode::Find(find) = &deck.app.mode else { panic!("no search") };
    assert_eq!(find.network.as_ref().map(|network| network.kind), Some(NetworkKind::Mastodon));
    assert_eq!(on(&[NetworkKind::X, NetworkKind::Bluesky]).app.cannot(Command::FindNetwork), None);
}

#[test]
fn what_bluesky_cannot_be_asked_is_told_before_it_is_asked() {
    let mut deck = on(&[NetworkKind::Bluesky]);
    deck.command_line("find network is:reply");
    let find = |deck: &Deck| match &deck.app.mode {
        Mode::Find(find) => (find.input.error.clone(), find.network.clone().expect("a network")),
        other => panic!("no search: {other:?}"),
    };
    let error = find(&deck).0.expect("nothing to look for");
    assert!(error.contains("needs something to look for") && error.contains("add a word"), "{error}");
    deck.press("C-u");
    deck.type_text("outage -router has:images");
    deck.press("enter");
    let (error, network) = find(&deck);
    assert_eq!((error, network.judged_here.as_str()), (None, "-router has:images"));
    assert_eq!(deck.took(), [], "what it costs comes first, be it nothing");
    deck.press("enter");
    assert!(
        matches!(deck.took().as_slice(), [Effect::FindOnNetwork { words, .. }] if words == "outage -router has:images")
    );
    let found = FoundOnNetwork { read: 12, ..FoundOnNetwork::default() };
    deck.tell(Msg::FoundOnNetwork { words: "outage -router has:images".to_owned(), found });
    assert_eq!(find(&deck).0.as_deref(), Some("Bluesky found 12; not one of them fits the whole query"));
}

#[test]
fn a_column_of_a_network_that_gets_no_rules_is_added_without_asking_it() {
    let mut deck = on(&[NetworkKind::Bluesky]);
    deck.press("A");
    deck.type_text("router");
    assert!(deck.app.cannot(Command::AskCount).is_some());
    deck.press("C-t C-t");
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Gauge { .. })));
    let Mode::AddColumn(adding) = &deck.app.mode else { panic!("no new column") };
    assert!(
        adding.said.as_ref().is_some_and(|said| said.contains("Bluesky does not say how many")),
        "{:?}",
        adding.said
    );
    deck.press("enter");
    let added = deck.took();
    assert!(matches!(added.as_slice(), [Effect::AddColumn { column }] if column.query == "router"), "{added:?}");
}

#[test]
fn what_must_be_known_of_a_direct_message_is_told_as_that_and_not_as_a_doubt() {
    let mut deck = Deck::with_posts(3);
    deck.press("j D");
    let author = post(3, deck.now).author.id;
    let what = "a direct post is not private".to_owned();
    deck.tell(Msg::MayMessage { author, verdict: Verdict::Mind { what: what.clone() } });
    assert_eq!(deck.kind(), ModeKind::Composer);
    deck.type_text("hello");
    deck.press("C-s");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("no preview") };
    let told: Vec<_> = preview.checks.iter().filter(|check| check.what.contains("not private")).collect();
    assert!(matches!(told.as_slice(), [check] if check.what == what && !check.stops), "{told:?}");
}
