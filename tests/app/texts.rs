//! Words come near before they are looked at, and go again; what is erased is gone everywhere.

use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::desk::{Desk, PostView};
use replydeck::model::event::Standing;
use replydeck::model::{Body, BodyId, DraftText, Event, Hit, Purpose};

use super::script::{Deck, case_of, post, post_id, secs};

/// The deck as it starts from a checkpoint: no words at all.
fn without_words(mut deck: Deck) -> Deck {
    deck.app.desk = Desk::from_checkpoint(&deck.app.desk.checkpoint()).unwrap();
    deck
}

fn asked(deck: &mut Deck) -> Vec<Vec<BodyId>> {
    let reads = deck.took().into_iter().filter_map(|effect| match effect {
        Effect::ReadBodies { ids } => Some(ids),
        _ => None,
    });
    reads.collect()
}

/// The store brings what was asked for.
fn bring(deck: &mut Deck, asked: &[BodyId]) {
    let found = asked.iter().map(|id| {
        let n: u64 = id.as_str().strip_prefix("post/x:").unwrap().parse().unwrap();
        (id.clone(), Body::Post(Box::new(post(n, deck.now))))
    });
    let found = found.collect();
    deck.tell(Msg::Store(FromStore::Bodies { asked: asked.to_vec(), found }));
}

fn has_words(deck: &Deck, n: u64) -> bool {
    deck.app.desk.posts[&post_id(n)].body.is_some()
}

fn words_held(deck: &Deck) -> usize {
    deck.app.desk.posts.values().filter(|post| post.body.is_some()).count()
}

#[test]
fn words_come_near_ahead_of_the_keys_in_few_questions() {
    let mut deck = without_words(Deck::with_posts(400));
    deck.tell(Msg::CaughtUp);
    let reads = asked(&mut deck);
    assert_eq!(reads.len(), 1, "one question for all");
    assert!(reads[0].contains(&BodyId::post(&post_id(400))) && !reads[0].contains(&BodyId::post(&post_id(100))));
    assert!((40..=200).contains(&reads[0].len()), "{}", reads[0].len());
    deck.wait(3);
    assert!(asked(&mut deck).is_empty(), "it is asked for once");
    bring(&mut deck, &reads[0]);
    let mut questions = 0;
    for _ in 0..200 {
        deck.press("j");
        for ids in asked(&mut deck) {
            questions += 1;
            bring(&mut deck, &ids);
        }
        let here: u64 = deck.selected().unwrap().parse().unwrap();
        let near = (here - 15).max(1)..=(here + 15).min(400);
        assert!(near.clone().all(|n| has_words(&deck, n)), "around {here}");
    }
    assert!(questions <= 6, "{questions} questions for 200 steps");
}

#[test]
fn a_far_jump_shows_its_words_as_soon_as_they_are_read() {
    let mut deck = without_words(Deck::with_posts(300));
    deck.tell(Msg::CaughtUp);
    deck.took();
    deck.press("G");
    assert!(deck.app.post_in_hand().is_some_and(PostView::lacks_text));
    deck.press("y t");
    assert!(deck.notice().contains("being read"), "{}", deck.notice());
    let reads = asked(&mut deck).concat();
    assert!(reads.contains(&BodyId::post(&post_id(1))));
    bring(&mut deck, &reads);
    deck.press("y t");
    assert!(deck.took().contains(&Effect::Copy { text: "so slow today 1".to_owned() }));
}

#[test]
fn an_answer_that_never_comes_is_asked_for_again() {
    let mut deck = without_words(Deck::with_posts(5));
    deck.tell(Msg::CaughtUp);
    let first = asked(&mut deck);
    deck.wait(9);
    assert!(asked(&mut deck).is_empty());
    deck.wait(2);
    assert_eq!(asked(&mut deck), first);
}

#[test]
fn words_nobody_looks_at_are_let_go_and_nothing_else_changes() {
    let mut deck = Deck::new(3);
    for n in 1..=2_500 {
        let post = post(n, deck.now + secs(i64::try_from(n).unwrap()));
        deck.arrives(&post, &[["c1", "c2", "c3"][usize::try_from(n % 3).unwrap()]]);
        if n == 3 {
            deck.by("ana", Event::DraftSaved { case: case_of(3), purpose: Purpose::Both, rep: None, to: None }, None);
        }
    }
    assert_eq!(deck.app.desk.posts.len(), 2_500, "every case is open");
    assert!(words_held(&deck) < 1_600, "{}", words_held(&deck));
    assert!((2_450..=2_500).all(|n| has_words(&deck, n)), "what is on the screen stays");
    assert!(has_words(&deck, 3) && !has_words(&deck, 6), "what a draft is about stays");
    let mut replayed = Desk::from_checkpoint(&deck.app.desk.checkpoint()).unwrap();
    replayed.shed_texts(|_| false);
    deck.app.desk.shed_texts(|_| false);
    assert!(deck.app.desk == replayed, "the fold knows nothing of it");
}

#[test]
fn a_draft_waits_for_its_own_words() {
    let mut deck = without_words(Deck::with_posts(60));
    let case = case_of(60);
    deck.by("ana", Event::DraftSaved { case, purpose: Purpose::Acknowledgement, rep: None, to: None }, None);
    deck.took();
    deck.press("j r");
    let draft = BodyId::draft(case, Purpose::Acknowledgement);
    let both = vec![BodyId::post(&post_id(60)), draft.clone()];
    assert!(asked(&mut deck).contains(&both));
    bring(&mut deck, &[BodyId::post(&post_id(59)), BodyId::post(&post_id(60))]);
    assert!(matches!(deck.app.mode, Mode::Columns), "an answer to something else opens nothing");
    let text = DraftText { text: "from before".to_owned(), cursor: (0, 4) };
    let found = vec![(draft.clone(), Body::Draft(text))];
    deck.tell(Msg::Store(FromStore::Bodies { asked: vec![draft], found }));
    assert_eq!(deck.text(), "from before");
}

#[test]
fn erasing_reaches_the_words_beside_the_desk() {
    let mut deck = Deck::with_posts(2);
    let old = post(900, deck.now - secs(100_000));
    let envelope = deck.written("intake", Deck::matched(&old, &["c1"], Standing::Customer), None);
    let body = Some(Body::Post(Box::new(old.clone())));
    let envelope = std::sync::Arc::new(replydeck::model::Envelope { body, ..(*envelope).clone() });
    deck.app.columns[0].asking_older = true;
    deck.tell(Msg::Store(FromStore::Older { column: 0, posts: vec![envelope.clone()] }));
    deck.press("/");
    deck.type_text("slow");
    deck.press("enter");
    let hit = Hit { id: BodyId::post(&old.id), at: old.at, body: Body::Post(Box::new(old.clone())) };
    deck.tell(Msg::Store(FromStore::Found { words: "slow".to_owned(), found: super::script::found(vec![hit]) }));
    assert!(deck.app.columns[0].older[0].body.is_some());
    deck.by("intake", Event::BodyErased { body: BodyId::post(&old.id) }, None);
    assert!(deck.app.columns[0].older[0].body.is_none());
    let Mode::Find(find) = &deck.app.mode else { panic!("the list of hits") };
    assert!(find.hits.is_empty());
}
