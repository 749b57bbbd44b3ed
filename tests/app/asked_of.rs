//! What a network says of posts when it is asked: before a word is drafted, with few questions, kept nowhere.

use std::collections::BTreeSet;

use replydeck::app::command::ModeKind;
use replydeck::app::{ColumnSource, Effect, Mode, Msg};
use replydeck::model::post::Quoted;
use replydeck::model::{
    Account, AccountName, AuthorId, ConversationId, Event, NetworkKind, Post, PostId, Purpose, ToldOfPost, Verdict,
};

use super::script::{Deck, post, secs, setup};

const BLUESKY: NetworkKind = NetworkKind::Bluesky;
const CLOSED: &str = "@user3 lets nobody reply: Bluesky would take ours and show it to nobody";

fn id(n: u64) -> PostId {
    PostId::new(BLUESKY, &format!("at://did:plc:u{n}/app.bsky.feed.post/{n}"))
}

fn on_bluesky(n: u64, deck: &Deck) -> Post {
    let mut post = post(n, deck.now - secs(60 * (60 - i64::try_from(n).unwrap())));
    post.id = id(n);
    post.author.id = AuthorId::new(BLUESKY, &format!("did:plc:u{n}"));
    post.conversation = ConversationId::new(BLUESKY, id(n).native());
    post.mentions = vec![];
    post
}

/// One column of Bluesky with posts 1 to `n`.
fn deck(n: u64) -> Deck {
    let mut settings = setup(1);
    let account = AccountName::new("sky");
    let us = settings.accounts[0].clone();
    settings.accounts =
        vec![Account { network: BLUESKY, name: account.clone(), id: Some(AuthorId::new(BLUESKY, "did:plc:us")), ..us }];
    settings.columns[0].sources = vec![ColumnSource { network: BLUESKY, account: account.clone(), reply_as: account }];
    settings.budgets.clear();
    let mut deck = Deck::with(settings);
    for k in 1..=n {
        let post = on_bluesky(k, &deck);
        deck.arrives(&post, &["c1"]);
    }
    deck.took();
    deck
}

fn asked(deck: &mut Deck) -> Vec<Vec<PostId>> {
    let asked = deck.took().into_iter().filter_map(|effect| match effect {
        Effect::AskOfPosts { account, posts } => {
            assert_eq!(account.as_str(), "sky");
            Some(posts)
        }
        _ => None,
    });
    asked.collect()
}

fn says(deck: &mut Deck, posts: &[u64], may_reply: &Verdict) {
    let told = posts.iter().map(|n| ToldOfPost { post: id(*n), may_reply: may_reply.clone(), quoted: None });
    deck.tell(Msg::ToldOfPosts { account: AccountName::new("sky"), told: told.collect() });
}

fn no(why: &str) -> Verdict {
    Verdict::No { why: why.to_owned() }
}

fn drafted(deck: &Deck) -> Verdict {
    deck.app.composer().expect("a draft").verdict.clone()
}

#[test]
fn a_draft_learns_at_once_that_the_conversation_is_closed_and_y_sends_nothing() {
    let mut deck = deck(3);
    deck.press("j");
    assert_eq!(asked(&mut deck), Vec::<Vec<PostId>>::new(), "nobody is about to answer anything");
    deck.press("r");
    let questions = asked(&mut deck);
    assert_eq!(questions.len(), 1, "{questions:?}");
    assert_eq!(questions[0][0], id(3), "the one that is answered first");
    assert_eq!(questions[0].iter().collect::<BTreeSet<_>>(), [id(1), id(2), id(3)].iter().collect());
    assert_eq!(drafted(&deck), Verdict::Unknown { why: "Bluesky is being asked".to_owned() });
    deck.type_text("so");
    says(&mut deck, &[1, 2], &Verdict::Yes);
    says(&mut deck, &[3], &no(CLOSED));
    assert_eq!((deck.kind(), drafted(&deck)), (ModeKind::Composer, no(CLOSED)));
    assert!(deck.notice().starts_with(CLOSED), "{}", deck.notice());
    assert!(deck.text().ends_with("so"), "what was typed stands: {}", deck.text());
    deck.press("C-s");
    assert!(deck.checks().iter().any(|(stops, what)| *stops && what.starts_with(CLOSED)), "{:?}", deck.checks());
    deck.took();
    deck.press("y");
    assert!(deck.notice().starts_with("not sent: @user3 lets nobody reply"), "{}", deck.notice());
    assert_eq!(deck.appended(), []);
    // The same override as everywhere.
    deck.press("go");
    let took = deck.took();
    assert!(took.iter().any(|effect| matches!(effect, Effect::HandOver { .. })), "{took:?}");
}

#[test]
fn a_preview_that_is_open_learns_it_too() {
    let mut deck = deck(3);
    deck.press("j r");
    deck.type_text("sorry");
    deck.press("C-s");
    let doubts = |deck: &Deck| deck.checks().iter().filter(|(_, what)| what.contains("is being asked")).count();
    assert_eq!(doubts(&deck), 1, "{:?}", deck.checks());
    says(&mut deck, &[3], &Verdict::Yes);
    assert_eq!(doubts(&deck), 0, "{:?}", deck.checks());
    assert!(!deck.checks().iter().any(|(stops, _)| *stops), "{:?}", deck.checks());
    deck.now += secs(16 * 60);
    deck.tell(Msg::Tick);
    assert_eq!(
        asked(&mut deck).iter().flatten().filter(|post| **post == id(3)).count(),
        2,
        "an old answer is asked anew"
    );
    says(&mut deck, &[3], &no(CLOSED));
    assert!(deck.checks().iter().any(|(stops, what)| *stops && what.starts_with(CLOSED)), "{:?}", deck.checks());
    assert!(deck.notice().starts_with(CLOSED), "{}", deck.notice());
}

#[test]
fn who_rests_on_a_post_has_it_asked_with_those_around_it_once() {
    let mut deck = deck(40);
    deck.tell(Msg::Resized { columns: 200, rows: 50 });
    deck.tell(Msg::Shown(vec![30]));
    deck.press("j j j");
    assert_eq!(asked(&mut deck), Vec::<Vec<PostId>>::new(), "passing by asks nothing");
    deck.wait(2);
    let questions = asked(&mut deck);
    assert_eq!(questions.iter().map(Vec::len).collect::<Vec<_>>(), [25]);
    assert_eq!(questions[0].iter().collect::<BTreeSet<_>>().len(), 25, "each once");
    deck.wait(5);
    assert_eq!(asked(&mut deck), Vec::<Vec<PostId>>::new(), "it is on its way");
    let all: Vec<u64> = (16..=40).collect();
    says(&mut deck, &all, &Verdict::Yes);
    for _ in 0..10 {
        deck.press("j");
        deck.wait(2);
    }
    assert_eq!(asked(&mut deck), Vec::<Vec<PostId>>::new(), "the answers for the rows below are there");
    deck.press("enter");
    assert_eq!(deck.kind(), ModeKind::Case);
    let here = on_bluesky(28, &deck);
    let us = deck.app.setup.accounts[0].clone();
    assert_eq!(deck.app.may_reply(&here, &us), Verdict::Yes);
    // Where it said nothing it is asked again, not at once.
    says(&mut deck, &all, &Verdict::Unknown { why: "Bluesky did not say".to_owned() });
    deck.wait(20);
    assert_eq!(asked(&mut deck), Vec::<Vec<PostId>>::new());
    deck.wait(15);
    assert_eq!(asked(&mut deck).len(), 1);
}

#[test]
fn a_refusal_at_the_last_moment_makes_the_answer_before_it_worth_nothing() {
    let mut deck = deck(3);
    deck.press("j r");
    says(&mut deck, &[1, 2, 3], &Verdict::Yes);
    deck.type_text("sorry");
    deck.press("C-s");
    deck.press("y");
    let reply = *deck.app.desk.replies.keys().next().expect("queued");
    let case = deck.app.desk.replies[&reply].case;
    deck.took();
    deck.by("ana", Event::ReplyFailed { reply, case, why: CLOSED.to_owned(), may_retry: false }, None);
    assert!(deck.notice().contains("lets nobody reply"), "{}", deck.notice());
    deck.press("r");
    assert_eq!(asked(&mut deck), [vec![id(3)]]);
    assert!(matches!(drafted(&deck), Verdict::Unknown { .. }), "{:?}", drafted(&deck));
}

#[test]
fn nothing_is_asked_for_a_direct_message_nor_without_credentials_nor_on_other_networks() {
    let mut sky = deck(3);
    sky.press("j D");
    sky.tell(Msg::MayMessage { author: AuthorId::new(BLUESKY, "did:plc:u3"), verdict: Verdict::Yes });
    assert_eq!(sky.app.composer().map(|composer| composer.purpose), Some(Purpose::DirectMessage));
    assert_eq!(asked(&mut sky), Vec::<Vec<PostId>>::new());
    let mut mute = deck(3);
    mute.app.setup.accounts[0].can_send = false;
    mute.press("j r");
    assert_eq!(asked(&mut mute), Vec::<Vec<PostId>>::new());
    assert!(matches!(drafted(&mute), Verdict::No { why } if why.contains("no credentials")));
    let mut x = Deck::with_posts(3);
    x.press("j r");
    assert_eq!(asked(&mut x), Vec::<Vec<PostId>>::new());
}

#[test]
fn a_quoted_post_s_words_are_shown_not_kept_and_go_with_their_post() {
    const WORDS: &str = "my private words";
    let mut deck = deck(2);
    let quoted = |text: &str| Quoted { id: id(1), author: None, text: text.to_owned() };
    let quoting = Post { quotes: Some(quoted("")), ..on_bluesky(9, &deck) };
    deck.arrives(&quoting, &["c1"]);
    deck.press("j enter");
    assert_eq!(asked(&mut deck).concat().first(), Some(&quoting.id));
    assert_eq!(deck.app.quoted_text(&quoting), None);
    let told = ToldOfPost { post: quoting.id.clone(), may_reply: Verdict::Yes, quoted: Some(quoted(WORDS)) };
    deck.tell(Msg::ToldOfPosts { account: AccountName::new("sky"), told: vec![told] });
    assert_eq!(deck.app.quoted_text(&quoting), Some(WORDS));
    assert_eq!(deck.appended(), [], "nothing of it is stored");
    deck.by("intake", Event::PostDeleted { post: id(1) }, None);
    assert_eq!(deck.app.quoted_text(&quoting), None);
    assert!(!format!("{:?}", deck.app).contains(WORDS), "a copy is left");
    // Also one that nobody could answer for want of credentials.
    let mut mute = self::deck(0);
    mute.app.setup.accounts[0].can_send = false;
    mute.arrives(&quoting, &["c1"]);
    mute.press("j enter");
    assert_eq!(asked(&mut mute), [vec![quoting.id]]);
    assert!(matches!(mute.app.mode, Mode::Case { .. }));
}
