//! Chance: whatever is pressed and whatever comes in, in whatever order.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;
use proptest::prelude::*;
use replydeck::app::command::TABLE;
use replydeck::app::{Effect, FromStore, Mode, Msg};
use replydeck::model::{Body, BodyId, Event, Hit, NotAppended};

use super::script::{Deck, case_of, post, post_id, setup};

/// A small generator: the same seed gives the same script.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn step(deck: &mut Deck, chance: &mut Chance) {
    deck.now += SignedDuration::from_millis(i64::try_from(chance.below(400)).unwrap());
    deck.slow_store = chance.below(50) == 0 || deck.slow_store && chance.below(5) != 0;
    let n = 1 + chance.below(40);
    match chance.below(40) {
        0 => deck.tell(Msg::Tick),
        1..=3 => {
            let columns: &[&str] =
                [&["c1"] as &[&str], &["c2"], &["c1", "c3"]][usize::try_from(chance.below(3)).unwrap()];
            deck.arrives(&post(n, deck.now), columns);
        }
        4 => deck.by("bo", Event::CaseClaimed { case: case_of(n) }, None),
        5 => deck.by(
            "bo",
            Event::CaseResolved {
                case: case_of(n),
                cause: None,
                outcome: None,
                closing: false,
                number: None,
                undone: false,
            },
            None,
        ),
        6 => deck.by("intake", Event::PostDeleted { post: post_id(n) }, None),
        7 => deck.own_answer(1_000 + n, n),
        8 => {
            let size = [(1, 1), (80, 24), (200, 50), (79, 23)][usize::try_from(chance.below(4)).unwrap()];
            deck.tell(Msg::Resized { columns: size.0, rows: size.1 });
        }
        9 => deck.tell(Msg::Paste("a\r\n{slot} 日本 \u{1b}[2J https://x.example".repeat(usize::try_from(n).unwrap()))),
        10 => {
            let columns = usize::try_from(1 + chance.below(4)).unwrap();
            deck.tell(Msg::Reloaded(Ok(Box::new(setup(columns)))));
        }
        11 => {
            let posts = vec![];
            deck.tell(Msg::Store(FromStore::Older { column: usize::try_from(chance.below(5)).unwrap(), posts }));
        }
        12 => {
            let found = post(n, deck.now);
            let words = match &deck.app.mode {
                Mode::Find(find) => find.input.text.trim().to_owned(),
                _ => "x".to_owned(),
            };
            let hits = vec![Hit { id: BodyId::post(&found.id), at: found.at, body: Body::Post(Box::new(found)) }];
            deck.tell(Msg::Store(FromStore::Found { words, found: super::script::found(hits) }));
        }
        13 => {
            let ids: Vec<_> = deck.app.desk.replies.keys().copied().collect();
            deck.tell(Msg::Adopt(ids));
        }
        14 if !deck.waiting.is_empty() => {
            let (token, ..) = deck.waiting.remove(0);
            deck.tell(Msg::Appended { token, result: Err(NotAppended::Failed { why: "full".to_owned() }) });
        }
        15 => deck.tell(Msg::EditorClosed(Ok("from outside\n{x}".to_owned()))),
        16 => deck.tell(Msg::Shown(vec![usize::try_from(n).unwrap(); 3])),
        // Half of the keys are ones that are bound somewhere.
        17..=30 => {
            let row = &TABLE[usize::try_from(chance.below(TABLE.len() as u64)).unwrap()];
            let keys = row.keys[0].0;
            deck.press(keys[usize::try_from(chance.below(keys.len() as u64)).unwrap()]);
        }
        _ => {
            let code = match chance.below(12) {
                0 => KeyCode::Enter,
                1 => KeyCode::Esc,
                2 => KeyCode::Backspace,
                3 => KeyCode::F(5),
                4 => KeyCode::Char('é'),
                5 => KeyCode::Char('\u{200d}'),
                6 => KeyCode::Null,
                _ => KeyCode::Char(char::from(u8::try_from(32 + chance.below(95)).unwrap())),
            };
            let modifiers = match chance.below(8) {
                0 => KeyModifiers::CONTROL,
                1 => KeyModifiers::ALT,
                _ => KeyModifiers::NONE,
            };
            deck.tell(Msg::Key(KeyEvent::new(code, modifiers)));
        }
    }
}

fn holds(deck: &mut Deck, sent: &mut Vec<replydeck::model::ReplyId>) {
    let app = &deck.app;
    assert_eq!(app.columns.len(), app.setup.columns.len());
    assert!(app.focus < app.columns.len());
    assert!(app.notices.iter().count() <= 2 * replydeck::app::notice::KEPT);
    if let Mode::Outbox { selected } = app.mode {
        assert!(selected <= app.outbox().len());
    }
    for effect in std::mem::take(&mut deck.effects) {
        match effect {
            Effect::Send { reply } => {
                let known = &deck.app.desk.replies[&reply];
                assert_eq!(known.session, deck.app.setup.session, "only this run's replies are sent");
                sent.push(reply);
            }
            Effect::Copy { text } => assert!(text.chars().all(|c| c == '\n' || !c.is_control())),
            Effect::Open { url } => assert!(url.starts_with("https://") && !url.contains(char::is_whitespace)),
            Effect::HandOver { url, bare, .. } => assert!(url.starts_with(&bare) && !url.contains(char::is_whitespace)),
            _ => {}
        }
    }
}

#[test]
fn ten_thousand_random_steps_never_panic() {
    let mut deck = Deck::with_posts(10);
    let mut chance = Chance(20_261_121);
    let mut sent = Vec::new();
    for round in 0..10_000 {
        step(&mut deck, &mut chance);
        holds(&mut deck, &mut sent);
        // The program was ended: the next run goes on from the log.
        if deck.app.quitting {
            deck = deck.killed_and_restarted(1_000 + round);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_selection_is_moved_by_keys_alone(seed: u64) {
        let mut deck = Deck::with_posts(10);
        let mut chance = Chance(seed);
        deck.press("j j j");
        for _ in 0..200 {
            let before = deck.selected();
            let n = 20 + chance.below(1_000);
            let at = deck.now - SignedDuration::from_secs(i64::try_from(chance.below(2_000)).unwrap());
            deck.arrives(&post(n, at), &["c1"]);
            prop_assert_eq!(deck.selected(), before);
            if chance.below(10) == 0 {
                deck.press(["j", "k", "n", "N", "gg", "G"][usize::try_from(chance.below(6)).unwrap()]);
            }
        }
    }
}
