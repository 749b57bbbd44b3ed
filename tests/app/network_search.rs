//! The search of a network itself: asked for apart, its price shown first, its hits never taken for stored ones.

use replydeck::app::command::ModeKind;
use replydeck::app::finding::MOST_FROM_NETWORK;
use replydeck::app::{Effect, Find, Mode, Msg};
use replydeck::model::account::Tier;
use replydeck::model::{AccountName, FoundOnNetwork};
use replydeck::rules::Rule;

use super::script::{Deck, post, setup};

fn find(deck: &Deck) -> &Find {
    match &deck.app.mode {
        Mode::Find(find) => find,
        other => panic!("no search: {other:?}"),
    }
}

fn error(deck: &Deck) -> &str {
    find(deck).input.error.as_deref().unwrap_or_default()
}

fn asked(words: &str) -> Effect {
    Effect::FindOnNetwork {
        account: AccountName::new("promo"),
        words: words.to_owned(),
        query: Rule::parse(words).unwrap(),
        most: MOST_FROM_NETWORK,
    }
}

fn found(deck: &mut Deck, words: &str, posts: &[u64]) {
    let posts: Vec<_> = posts.iter().map(|n| post(*n, deck.now)).collect();
    let found = FoundOnNetwork { read: posts.len() as u64, posts, has_more: true, refused: None };
    deck.tell(Msg::FoundOnNetwork { words: words.to_owned(), found });
}

#[test]
fn the_network_is_asked_only_after_its_price_was_shown() {
    let mut deck = Deck::with_posts(3);
    deck.command_line("find network router is:reply");
    assert_eq!(deck.took(), [], "the price comes first");
    let network = find(&deck).network.clone().expect("the network's search");
    assert_eq!(network.priced.as_deref(), Some("router is:reply"));
    // Other words have another answer: their price is shown again.
    deck.type_text("s");
    deck.press("backspace backspace enter");
    assert!(error(&deck).contains("repl"), "{}", error(&deck));
    deck.type_text("y");
    deck.press("enter");
    assert_eq!(deck.took(), [asked("router is:reply")]);
    deck.press("enter enter");
    assert_eq!(deck.took(), [], "an impatient key does not pay twice");
    found(&mut deck, "router is:reply", &[77, 3]);
    assert_eq!(deck.kind(), ModeKind::Hits);
    assert_eq!(
        (find(&deck).hits.len(), find(&deck).network.as_ref().map(|it| (it.read, it.has_more))),
        (2, Some((2, true)))
    );
    let on_desk: Vec<_> = find(&deck).hits.iter().map(|hit| deck.app.is_on_desk(hit)).collect();
    assert_eq!(on_desk, [false, true]);
}

#[test]
fn a_hit_from_the_network_is_read_and_opened_but_is_no_case() {
    let mut deck = Deck::with_posts(3);
    deck.press("g/");
    deck.type_text("router");
    deck.press("enter enter");
    found(&mut deck, "router", &[77]);
    deck.took();
    deck.press("yh enter");
    // Whether it was a case once is looked up in our own store.
    let case = replydeck::model::CaseId::of(&post(77, deck.now).author.id, &post(77, deck.now).conversation);
    assert_eq!(deck.took(), [Effect::Copy { text: "@user77".to_owned() }, Effect::ReadCase { case }]);
    assert_eq!((deck.kind(), deck.selected().as_deref()), (ModeKind::Case, Some("77")));
    for key in ["r", "c", "e"] {
        deck.press(key);
        assert!(deck.notice().contains("no case on the desk"), "{}", deck.notice());
    }
    assert_eq!(deck.appended(), [], "nothing of it is stored");
    deck.press("o");
    assert_eq!(deck.took(), [Effect::Open { url: "https://x.com/user77/status/77".to_owned() }]);
}

#[test]
fn what_cannot_be_asked_is_said_before_anything_is_paid() {
    let mut deck = Deck::with_posts(1);
    for (words, said) in [("", "type a query"), ("(slow", ""), ("slow sample:10", "does not know"), ("-slow", "")] {
        deck.press("g/");
        deck.press("C-u");
        deck.type_text(words);
        deck.press("enter enter");
        assert!(!error(&deck).is_empty() && error(&deck).contains(said), "{words}: {}", error(&deck));
        deck.press("esc");
    }
    // The line itself ends before X's 512 characters do; a paste is no way around it.
    deck.press("g/");
    deck.tell(Msg::Paste("slow OR ".repeat(100)));
    assert!(find(&deck).input.text.chars().count() <= 512);
    assert_eq!(deck.took(), []);
}

#[test]
fn an_enterprise_account_may_ask_longer_and_a_lone_column_of_no_account_nobody() {
    let mut settings = setup(1);
    settings.accounts[1].tier = Tier::Enterprise;
    settings.accounts.retain(|account| account.tier == Tier::Enterprise);
    let mut deck = Deck::with(settings.clone());
    deck.command_line("find-network slow");
    deck.press("enter");
    assert_eq!(deck.took(), [asked("slow")]);
    settings.accounts.clear();
    let mut deck = Deck::with(settings);
    deck.command_line("find network slow");
    assert!(deck.notice().contains("no network can be searched"), "{}", deck.notice());
    assert_eq!(deck.took(), []);
}

#[test]
fn an_answer_nobody_waits_for_is_told_and_a_refusal_keeps_the_networks_words() {
    let mut deck = Deck::with_posts(1);
    deck.command_line("find network router");
    deck.press("enter esc");
    assert_eq!(deck.kind(), ModeKind::Columns);
    found(&mut deck, "router", &[77]);
    assert!(deck.notice().contains("found 1 post, paid all the same"), "{}", deck.notice());

    deck.command_line("find network router");
    deck.press("enter");
    let until = deck.now + super::script::secs(600);
    let refused = FoundOnNetwork::refused("Too Many Requests", Some(until));
    deck.tell(Msg::FoundOnNetwork { words: "router".to_owned(), found: refused });
    assert!(error(&deck).contains("Too Many Requests; free again at 14:10"), "{}", error(&deck));
    // And it can be asked again, at a price shown again.
    deck.took();
    deck.press("enter");
    assert_eq!((deck.took(), error(&deck)), (vec![], ""));
    deck.press("enter");
    assert_eq!(deck.took(), [asked("router")]);
}

#[test]
fn the_stored_search_stays_what_it_was() {
    let mut deck = Deck::with_posts(1);
    deck.command_line("find networks are slow");
    assert_eq!(deck.took(), [super::script::find("networks are slow")]);
    deck.press("esc /");
    deck.type_text("network");
    deck.press("enter");
    assert_eq!(deck.took(), [super::script::find("network")]);
    assert!(find(&deck).network.is_none());
    // An answer of the network does not land among stored posts.
    found(&mut deck, "network", &[77]);
    assert!(find(&deck).hits.is_empty());
}
