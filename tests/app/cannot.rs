//! What the network at hand cannot do is said in hints and notices, and never begun.

use replydeck::app::command::{Command, ModeKind};
use replydeck::app::{ColumnSource, Effect, Mode};
use replydeck::model::{Account, AccountName, NetworkKind, Verdict};

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
fn a_network_without_a_search_is_not_searched_and_says_so_before_the_key() {
    let mut deck = on(&[NetworkKind::Bluesky]);
    assert_eq!(deck.app.cannot(Command::FindNetwork).as_deref(), Some("Bluesky has no search this deck can ask"));
    deck.press("g/");
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(deck.notice().contains("Bluesky has no search"), "{}", deck.notice());
    // Of several networks the first that can be searched is.
    let mut deck = on(&[NetworkKind::Bluesky, NetworkKind::Mastodon]);
    assert_eq!(deck.app.cannot(Command::FindNetwork), None);
    deck.press("g/");
    let Mode::Find(find) = &deck.app.mode else { panic!("no search") };
    assert_eq!(find.network.as_ref().map(|network| network.kind), Some(NetworkKind::Mastodon));
    assert_eq!(on(&[NetworkKind::X, NetworkKind::Bluesky]).app.cannot(Command::FindNetwork), None);
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
    deck.tell(replydeck::app::Msg::MayMessage { author, verdict: Verdict::Mind { what: what.clone() } });
    assert_eq!(deck.kind(), ModeKind::Composer);
    deck.type_text("hello");
    deck.press("C-s");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("no preview") };
    let told: Vec<_> = preview.checks.iter().filter(|check| check.what.contains("not private")).collect();
    assert!(matches!(told.as_slice(), [check] if check.what == what && !check.stops), "{told:?}");
}
