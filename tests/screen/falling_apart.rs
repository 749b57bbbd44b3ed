//! A terminal that draws a joined cluster as its characters side by side, wider than we count: nothing of an earlier
//! frame may be left on it. The model of a terminal is such a one.

use proptest::prelude::*;
use ratatui::Frame;
use ratatui::style::Style;

use super::encoder::seen;
use super::real_terminal::{emulator, own_terminal};

const SIZE: (u16, u16) = (60, 4);

/// Words to put, and where.
type Puts = Vec<(u16, u16, String)>;

fn draw(frame: &mut Frame<'_>, puts: &Puts) {
    for (x, y, words) in puts {
        frame.buffer_mut().set_stringn(*x, *y, words, 20, Style::new());
    }
}

/// What stands there after all frames, and after the last one alone.
fn after(frames: &[Puts]) -> [Vec<String>; 2] {
    let paint = |frames: &[Puts]| {
        let mut terminal = own_terminal(SIZE);
        let mut parser = emulator(SIZE);
        for puts in frames {
            terminal.draw(|frame| draw(frame, puts)).expect("a frame");
            parser.process(&terminal.backend_mut().take());
        }
        seen(&parser)
    };
    [paint(frames), paint(&frames[frames.len() - 1..])]
}

fn put(x: u16, y: u16, words: &str) -> (u16, u16, String) {
    (x, y, words.to_owned())
}

#[test]
fn nothing_of_a_cluster_taken_apart_is_left() {
    let post = put(1, 1, "👩‍👩‍👧‍👦🇮🇹🏳️‍🌈 हिन्दी");
    let inside = put(0, 1, "+--          --+");
    let [all, last] = after(&[vec![post.clone()], vec![inside.clone()]]);
    assert_eq!(all, last, "a box over it");
    let [all, last] = after(&[vec![post.clone()], vec![post.clone(), put(30, 1, "0:04")], vec![post.clone()]]);
    assert_eq!(all, last, "a change far behind it");
    let [all, last] = after(&[vec![post], vec![]]);
    assert_eq!(all, last);
    assert!(all[..4].iter().all(|line| line.ends_with(&" ".repeat(60))), "{all:?}");
}

#[test]
fn an_ordinary_row_is_not_written_whole() {
    let mut terminal = own_terminal(SIZE);
    let mut bytes = |words: &str, age: &str| {
        let puts = vec![put(1, 1, words), put(40, 1, age)];
        terminal.draw(|frame| draw(frame, &puts)).expect("a frame");
        terminal.backend_mut().take().len()
    };
    for words in ["slow again", "回線がとても", "cafe\u{301} é 😡"] {
        bytes(words, "0:04");
        assert!(bytes(words, "0:05") < 16, "{words}");
    }
    bytes("🇮🇹 slow again", "0:04");
    assert!(bytes("🇮🇹 slow again", "0:05") > 16, "it is known by its bytes");
}

fn words() -> impl Strategy<Value = String> {
    "[a-c |]{1,6}| {1,20}|[回線]{1,3}|😡|(👩‍👩‍👧‍👦|🇮🇹|🏳️‍🌈|❤️|👍🏽|हि|न्दी|กำ|e\u{301}){1,3}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_frame_looks_the_same_whatever_was_there_before(
        frames in prop::collection::vec(prop::collection::vec((0_u16..36, 0_u16..4, words()), 0..8), 1..5)
    ) {
        let [all, last] = after(&frames);
        prop_assert_eq!(all, last);
    }
}
