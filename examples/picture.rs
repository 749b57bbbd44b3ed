//! Draws the real screen to an SVG for the README:
//! `cargo run --example picture > docs/deck.svg`, or with a size: `… --example picture 200 50`.
//!
//! Any buffer of the screen can be given to [`svg`]; the deck shown here is built by hand.

use std::fmt::Write as _;
use std::io::Write as _;

use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};
use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};
use replydeck::ui::{self, Cache, Theme};

#[path = "../tests/fixtures/screen/deck.rs"]
#[expect(dead_code, reason = "the picture needs a part of the deck builder")]
mod deck;

/// Pixels of one cell, and where in it the text stands.
const CELL: (f32, f32) = (8.4, 18.0);
const BASELINE: f32 = 13.5;
const MARGIN: f32 = 14.0;
const TITLE: f32 = 30.0;
const PAPER: &str = "#16181d";
const INK: &str = "#d6d9df";

fn main() -> std::io::Result<()> {
    let mut sizes = std::env::args().skip(1).filter_map(|word| word.parse::<u16>().ok());
    let size = (sizes.next().unwrap_or(120), sizes.next().unwrap_or(36));
    let app = deck::busy(size);
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a test terminal");
    let mut cache = Cache::new(Theme::colour());
    terminal.draw(|frame| ui::draw(frame, &app, &mut cache)).expect("a frame");
    let cursor = terminal.backend_mut().get_cursor_position().expect("a cursor");
    let picture = svg(terminal.backend().buffer(), Some(cursor), "replydeck");
    std::io::stdout().write_all(picture.as_bytes())
}

/// A picture of a buffer: neighbouring cells of one look are one rectangle and one text.
fn svg(buffer: &Buffer, cursor: Option<Position>, title: &str) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN + TITLE);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" font-family=\"'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,'Noto Sans Mono CJK JP',monospace\" \
         font-size=\"14\" xml:space=\"preserve\">\n<title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>"
    );
    for (i, colour) in ["#ff5f57", "#febc2e", "#28c840"].into_iter().enumerate() {
        let x = [20.0, 38.0, 56.0][i];
        let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"18\" r=\"5.5\" fill=\"{colour}\"/>");
    }
    for y in buffer.area.top()..buffer.area.bottom() {
        row(&mut out, buffer, y);
    }
    if let Some(at) = cursor {
        let (x, y) = corner(at.x, at.y);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"none\" stroke=\"{INK}\"/>",
            CELL.0, CELL.1
        );
    }
    out.push_str("</svg>\n");
    out
}

fn corner(x: u16, y: u16) -> (f32, f32) {
    (MARGIN + f32::from(x) * CELL.0, MARGIN + TITLE + f32::from(y) * CELL.1)
}

/// Foreground, background, and whether it is bold or dim.
type Look = (String, String, bool, bool);

fn look(cell: &Cell) -> Look {
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let (mut ink, mut paper) = (colour(cell.fg, INK), colour(cell.bg, PAPER));
    if reversed {
        std::mem::swap(&mut ink, &mut paper);
    }
    (ink, paper, cell.modifier.contains(Modifier::BOLD), cell.modifier.contains(Modifier::DIM))
}

fn row(out: &mut String, buffer: &Buffer, y: u16) {
    let right = buffer.area.right();
    let mut x = buffer.area.left();
    while x < right {
        let look = look(&buffer[(x, y)]);
        let (start, mut words) = (x, String::new());
        // A wide cluster stands alone: its font may be of another width.
        while x < right && self::look(&buffer[(x, y)]) == look {
            let cell = &buffer[(x, y)];
            let cells = cell.cell_width().max(1);
            if cells > 1 && !words.is_empty() {
                break;
            }
            words.push_str(cell.symbol());
            x += cells;
            if cells > 1 {
                break;
            }
        }
        run(out, start, y, x - start, &words, &look);
    }
}

fn run(out: &mut String, x: u16, y: u16, cells: u16, words: &str, (ink, paper, bold, dim): &Look) {
    let (left, top) = corner(x, y);
    let width = f32::from(cells) * CELL.0;
    if paper != PAPER {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{paper}\"/>",
            CELL.1
        );
    }
    if words.trim_matches([' ', '\u{a0}']).is_empty() {
        return;
    }
    let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}");
    let weight = if *bold { " font-weight=\"bold\"" } else { "" };
    let opacity = if *dim { " opacity=\"0.65\"" } else { "" };
    // The length keeps the cells in place whatever font the reader has.
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{ink}\"{weight}{opacity}>{escaped}</text>",
        top + BASELINE
    );
}

fn colour(colour: Color, reset: &str) -> String {
    let name = match colour {
        Color::Reset => reset,
        Color::Black => "#1d1f21",
        Color::Red => "#cc6666",
        Color::Green => "#8fbf7f",
        Color::Yellow => "#e5c07b",
        Color::Blue => "#6a9fd8",
        Color::Magenta => "#c595d0",
        Color::Cyan => "#70c0ba",
        Color::Gray => "#b0b4bb",
        Color::DarkGray => "#5c626e",
        Color::LightRed => "#ff7b72",
        Color::LightGreen => "#a5d6a7",
        Color::LightYellow => "#ffd580",
        Color::LightBlue => "#82b1ff",
        Color::LightMagenta => "#e0a8f0",
        Color::LightCyan => "#7fdbe8",
        Color::White => "#ffffff",
        Color::Rgb(r, g, b) => return format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(_) => reset,
    };
    name.to_owned()
}
