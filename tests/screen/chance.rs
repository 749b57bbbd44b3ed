//! States and sizes by chance.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::Mode;
use replydeck::model::event::Standing;
use replydeck::ui::{self, Cache, Theme};

use super::{deck, modes};

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nothing_drawn_ever_panics(
        sizes in prop::collection::vec((1_u16..230, 1_u16..60), 1..5),
        steps in prop::collection::vec((0_usize..14, 0_usize..8, 0_u64..25, any::<u16>(), any::<bool>()), 1..6),
        texts in prop::collection::vec("\\PC{0,60}|[a-z 回線👨‍👩‍👧‍👦\n]{0,80}", 1..8),
    ) {
        let mut app = deck::busy(sizes[0]);
        for (n, text) in (30_u64..).zip(&texts) {
            let text = replydeck::model::clean::text(text);
            deck::add(&mut app, n, "who", deck::minutes_ago(1), &text, &["charter", "speed"], Standing::Customer);
        }
        let mut cache = Cache::new(Theme::colour());
        for (size, (mode, focus, selected, scroll, has_selection)) in sizes.iter().cycle().zip(&steps) {
            modes::open(&mut app, modes::NAMES[*mode]);
            app.focus = *focus;
            if let Some(column) = app.columns.get_mut(*focus) {
                column.selected = has_selection.then(|| deck::post_id(*selected));
                column.held = scroll % 2 == 0;
            }
            match &mut app.mode {
                Mode::Case { scroll: at } | Mode::Help { scroll: at } | Mode::Links { scroll: at } => *at = *scroll,
                Mode::Outbox { selected } | Mode::Drafts { selected } => *selected = usize::from(*scroll),
                Mode::Preview(preview) => preview.scroll = *scroll,
                _ => {}
            }
            if *has_selection {
                app.prefix = "g".to_owned();
            } else {
                app.prefix.clear();
            }
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a test terminal");
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            let first = terminal.backend().buffer().clone();
            terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
            prop_assert_eq!(terminal.backend().buffer(), &first);
        }
    }
}
