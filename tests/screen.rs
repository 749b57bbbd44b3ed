//! The screen: what stands on it, where the cursor is, what keeps its place, and what reaches the terminal.

use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use replydeck::app::App;
use replydeck::ui::{self, Cache, Theme};

#[path = "screen/chance.rs"]
mod chance;
#[path = "fixtures/screen/deck.rs"]
mod deck;
#[path = "screen/deeds.rs"]
mod deeds;
#[path = "screen/encoder.rs"]
mod encoder;
#[path = "screen/falling_apart.rs"]
mod falling_apart;
#[path = "screen/figures.rs"]
mod figures;
#[path = "screen/foot.rs"]
mod foot;
#[path = "screen/looks.rs"]
mod looks;
#[path = "fixtures/screen/modes.rs"]
mod modes;
#[path = "screen/networks.rs"]
mod networks;
#[path = "screen/places.rs"]
mod places;
#[path = "fixtures/screen/real_terminal.rs"]
mod real_terminal;
#[path = "screen/states.rs"]
mod states;

/// One screen kept over several frames.
struct Screen {
    terminal: Terminal<TestBackend>,
    cache: Cache,
}

impl Screen {
    fn new((columns, rows): (u16, u16), theme: Theme) -> Self {
        let terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a test terminal");
        Self { terminal, cache: Cache::new(theme) }
    }

    fn draw(&mut self, app: &App) -> Buffer {
        self.terminal.draw(|frame| ui::draw(frame, app, &mut self.cache)).expect("a frame");
        self.terminal.backend().buffer().clone()
    }

    /// How many notices had room.
    fn told(&self) -> usize {
        self.cache.told()
    }

    fn cursor(&mut self) -> Position {
        self.terminal.backend_mut().get_cursor_position().expect("a cursor")
    }

    fn text(&mut self, app: &App) -> String {
        text(&self.draw(app))
    }

    /// The line of the screen on which the words stand first.
    fn line_of(&mut self, app: &App, words: &str) -> Option<usize> {
        self.text(app).lines().position(|line| line.contains(words))
    }
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut all = String::new();
    for y in area.top()..area.bottom() {
        let mut skip = 0;
        for x in area.left()..area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = ui::text::units(symbol).map(|unit| unit.cells).sum::<u16>().saturating_sub(1);
            all.push_str(symbol);
        }
        all.truncate(all.trim_end_matches(' ').len());
        all.push('\n');
    }
    all
}

fn busy(size: (u16, u16), mode: &str) -> App {
    let mut app = deck::busy(size);
    modes::open(&mut app, mode);
    app
}

fn shown(size: (u16, u16), mode: &str) -> String {
    Screen::new(size, Theme::plain()).text(&busy(size, mode))
}

#[track_caller]
fn assert_has(screen: &str, words: &[&str]) {
    for words in words {
        assert!(screen.contains(words), "no {words:?} on\n{screen}");
    }
}
