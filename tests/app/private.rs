//! Direct messages from the key to the outbox, gaps and their price, opt-outs, and texts that go.

use replydeck::app::command::ModeKind;
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::post::Quoted;
use replydeck::model::{
    AccountName, Body, BodyId, ColumnName, Event, GapId, Hit, LinkReport, LinkState, Message, MessageId, NetworkKind,
    Post, PostId, Purpose, Verdict,
};
use uuid::Uuid;

use super::script::{Deck, case_of, post, post_id, secs};

pub(crate) fn says(deck: &mut Deck, n: u64, verdict: Verdict) {
    let author = post(n, deck.now).author.id;
    deck.tell(Msg::MayMessage { author, verdict });
}

#[test]
fn the_network_is_asked_before_a_direct_message_is_drafted() {
    let mut deck = Deck::with_posts(3);
    deck.press("j D");
    let asked: Vec<_> =
        deck.took().into_iter().filter(|effect| matches!(effect, Effect::AskMayMessage { .. })).collect();
    let author = post(3, deck.now).author.id;
    assert_eq!(asked, [Effect::AskMayMessage { account: AccountName::new("help"), author }]);
    assert_eq!(deck.kind(), ModeKind::Columns, "nothing is drafted before the answer");
    deck.press("D");
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::AskMayMessage { .. })), "asked once");
    says(&mut deck, 3, Verdict::No { why: "@user3 takes no direct messages".to_owned() });
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(deck.notice().contains("@user3 takes no direct messages"), "{}", deck.notice());
    // Known for a while; later it is asked anew.
    deck.press("D");
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::AskMayMessage { .. })));
    deck.now += secs(16 * 60);
    deck.press("D");
    assert!(deck.took().iter().any(|effect| matches!(effect, Effect::AskMayMessage { .. })));
    says(&mut deck, 3, Verdict::Yes);
    assert_eq!(deck.kind(), ModeKind::Composer);
    assert_eq!(deck.app.composer().unwrap().purpose, Purpose::DirectMessage);
}

#[test]
fn an_answer_that_comes_late_opens_nothing_over_another_post() {
    let mut deck = Deck::with_posts(3);
    deck.press("j D j");
    says(&mut deck, 3, Verdict::Yes);
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(deck.notice().contains("@user3 takes direct messages"), "{}", deck.notice());
}

#[test]
fn a_direct_message_is_private_priced_held_and_sent_without_mention() {
    let mut deck = Deck::with_posts(3);
    deck.press("j D");
    says(&mut deck, 3, Verdict::Yes);
    deck.type_text("hello");
    deck.press("C-s");
    let Mode::Preview(preview) = &deck.app.mode else { panic!("no preview") };
    assert_eq!((preview.text.as_str(), preview.price.unwrap().to_string().as_str()), ("hello ^AN", "$0.015"));
    assert_eq!((preview.length.used, preview.length.limit), (9, 10_000));
    assert!(!preview.checks.iter().any(|check| check.stops), "{:?}", preview.checks);
    deck.press("y");
    let queued = deck.appended();
    let purposes: Vec<_> = queued
        .iter()
        .filter_map(|event| match &event.event {
            Event::ReplyQueued { purpose, .. } => Some(*purpose),
            _ => None,
        })
        .collect();
    assert_eq!(purposes, [Purpose::DirectMessage]);
    deck.wait(10);
    assert!(deck.took().iter().any(|effect| matches!(effect, Effect::Send { .. })));
    let (reply, case) = (*deck.app.desk.replies.keys().next().unwrap(), case_of(3));
    let message = MessageId::new(NetworkKind::X, "900");
    deck.by("ana", Event::ReplyDelivered { reply, case, message }, None);
    assert_eq!(deck.app.desk.unfinished_replies().count(), 0);
    assert_eq!(deck.app.desk.cases[&case].messages[0].text.as_deref(), Some("hello ^AN"));
    assert!(deck.notice().contains("sent, in case"), "{}", deck.notice());
}

#[test]
fn a_customer_s_message_is_told_and_shown_and_one_without_a_case_is_not_lost() {
    let mut deck = Deck::with_posts(3);
    deck.press("j c");
    let with = post(3, deck.now).author.id;
    let at = deck.now;
    let message = |n: &str, with: &replydeck::model::AuthorId| {
        let id = MessageId::new(NetworkKind::X, n);
        let body = Message {
            id: id.clone(),
            with: with.clone(),
            handle: "jo".to_owned(),
            is_ours: false,
            text: "my number is 7".to_owned(),
            at,
        };
        let event =
            Event::DmReceived { message: id, author: with.clone(), account: AccountName::new("help"), sent_at: at };
        (event, Some(Body::Message(Box::new(body))))
    };
    let (event, body) = message("1", &with);
    deck.by("intake", event, body);
    assert!(deck.notice().contains("the customer wrote a direct message"), "{}", deck.notice());
    let stranger = replydeck::model::AuthorId::new(NetworkKind::X, "stranger");
    let (event, body) = message("2", &stranger);
    deck.by("intake", event, body);
    assert!(deck.notice().contains("a direct message from @jo, who has no case here"), "{}", deck.notice());
}

fn gap(deck: &mut Deck, from: i64, to: i64) -> GapId {
    let gap = GapId(Uuid::from_u128(5));
    let (from, to) = (deck.now - secs(from), deck.now - secs(to));
    deck.by("intake", Event::GapOpened { gap, columns: vec![ColumnName::new("c1")], from, account: None }, None);
    deck.by("intake", Event::GapClosed { gap, to }, None);
    gap
}

#[test]
fn a_gap_s_price_is_said_first_and_enter_fetches_it() {
    let mut deck = Deck::with_posts(60);
    let gap = gap(&mut deck, 420, 0);
    deck.took();
    deck.press("gf");
    assert!(
        deck.notice().contains("13:53-14:00: about 7 posts in 1 column, $0.035 at $0.005 each"),
        "{}",
        deck.notice()
    );
    assert!(deck.took().is_empty(), "nothing is asked for yet");
    deck.press("j");
    deck.press("enter");
    assert!(!deck.took().contains(&Effect::FillGap { gap }), "another key in between takes the first back");
    deck.press("esc");
    deck.press("gf");
    deck.press("enter");
    assert!(deck.took().contains(&Effect::FillGap { gap }));
    deck.press("gf");
    deck.press("gf");
    assert!(deck.took().contains(&Effect::FillGap { gap }));
}

#[test]
fn a_gap_too_old_for_the_search_is_refused_with_the_reason() {
    let mut deck = Deck::with_posts(3);
    gap(&mut deck, 8 * 86_400, 8 * 86_400 - 60);
    deck.took();
    deck.press("gf");
    assert!(deck.notice().contains("more than 7 days ago"), "{}", deck.notice());
    deck.press("gf");
    assert!(deck.took().is_empty());
}

#[test]
fn who_asked_not_to_be_contacted_is_told_before_drafting_and_blocks_until_lifted() {
    let mut deck = Deck::with_posts(3);
    let author = post(3, deck.now).author.id;
    deck.by("bo", Event::AuthorOptedOut { author: author.clone(), post: None }, None);
    deck.press("j r");
    assert!(deck.notice().contains("@user3 asked on 2026-11-21 not to be contacted (told by bo)"), "{}", deck.notice());
    deck.type_text("sorry");
    deck.press("C-s");
    assert!(deck.checks().iter().any(|(stops, what)| *stops && what.contains("not to be contacted")));
    deck.took();
    deck.press("y");
    deck.press("go");
    assert!(deck.took().is_empty(), "neither sent nor handed over");
    deck.press("esc");
    deck.press("esc");
    deck.press("gS");
    assert!(deck.app.desk.opted_out.contains_key(&author), "once only warns");
    deck.press("gS");
    assert!(deck.app.desk.opted_out.is_empty());
    assert!(deck.notice().contains("@user3 may be contacted again"), "{}", deck.notice());
    deck.press("gs");
    assert_eq!(deck.app.desk.opted_out[&author].rep.as_str(), "ana");
    assert!(deck.notice().contains("@user3 asked not to be contacted, nothing public"), "{}", deck.notice());
    deck.command_line("lift-opt-out");
    assert!(deck.app.desk.opted_out.contains_key(&author), "once only warns");
    deck.command_line("lift-opt-out");
    assert!(deck.app.desk.opted_out.is_empty(), "a command typed twice is a command given twice");
    deck.press("gS");
    assert!(deck.notice().contains("@user3 did not ask"), "{}", deck.notice());
}

#[test]
fn following_opens_the_author_s_page() {
    let mut deck = Deck::with_posts(3);
    deck.press("j");
    deck.took();
    deck.command_line("follow");
    assert!(deck.took().contains(&Effect::Open { url: "https://x.com/user3".to_owned() }));
}

#[test]
fn a_deleted_post_leaves_no_copy_on_the_screen_nor_in_what_quotes_it() {
    const WORDS: &str = "my private words";
    let mut deck = Deck::with_posts(2);
    let gone = Post { text: WORDS.to_owned(), ..post(9, deck.now) };
    deck.arrives(&gone, &["c1"]);
    let quoting = Post {
        quotes: Some(Quoted { id: gone.id.clone(), author: None, text: WORDS.to_owned() }),
        ..post(10, deck.now)
    };
    deck.arrives(&quoting, &["c1"]);
    // In the editor, in the hits below it, and opened from them.
    deck.press("/");
    deck.type_text("private");
    deck.press("enter");
    let hit = Hit { id: BodyId::post(&gone.id), at: gone.at, body: Body::Post(Box::new(gone.clone())) };
    deck.tell(Msg::Store(FromStore::Found { words: "private".to_owned(), found: super::script::found(vec![hit]) }));
    assert!(format!("{:?}", deck.app).contains(WORDS));
    deck.took();
    deck.by("intake", Event::PostDeleted { post: gone.id.clone() }, None);
    let kept: Vec<_> = deck.appended().into_iter().map(|event| (event.id, event.event, event.body)).collect();
    let [(_, Event::PostEdited { post: edited }, Some(Body::Post(body)))] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((edited, body.quotes.as_ref().unwrap().text.as_str()), (&post_id(10), ""));
    assert!(!format!("{:?}", deck.app).contains(WORDS), "a copy is left");
}

#[test]
fn posts_of_open_cases_are_looked_up_while_the_link_lives() {
    let mut deck = Deck::with_posts(2);
    // One deck on the host looks for all of them; X is not asked for what it does not have.
    deck.arrives(&post(30, deck.now), &["of-another-deck"]);
    let elsewhere = PostId::new(NetworkKind::Bluesky, "at://did:plc:jo/app.bsky.feed.post/1");
    deck.arrives(&Post { id: elsewhere, ..post(31, deck.now) }, &["c1"]);
    deck.wait(100);
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::LookUp { .. })), "no link, no look");
    deck.tell(Msg::Link(LinkReport {
        account: AccountName::new("promo"),
        state: LinkState::Live,
        last_byte: Some(deck.now),
        note: None,
        is_calm: false,
        refused: Vec::new(),
    }));
    deck.wait(130);
    let looks: Vec<_> = deck
        .took()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::LookUp { account, posts } => Some((account.to_string(), posts)),
            _ => None,
        })
        .collect();
    // What is deleted must be gone within a minute, the look's answer and its way through the store included.
    assert!((3..=5).contains(&looks.len()), "each at least every 40 s: {looks:?}");
    for (account, mut posts) in looks {
        posts.sort_unstable();
        assert_eq!((account.as_str(), posts), ("promo", vec![post_id(1), post_id(2), post_id(30)]));
    }
}
