//! How a cell looks, and the fewest parameters that lead from one look to another.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// Modifiers that show on a blank.
const SEEN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::CROSSED_OUT)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK);

/// What each modifier switches on, and what switches it off.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

/// How a cell looks, apart from its characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    fg: Color,
    bg: Color,
    underline: Color,
    modifier: Modifier,
}

impl Look {
    pub(super) fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, underline: cell.underline_color, modifier: cell.modifier }
    }

    /// Whether a blank looks the same with either.
    pub(super) fn is_same_on_blank(self, other: Self) -> bool {
        let seen = |look: Self| look.modifier & SEEN_ON_BLANK;
        self.bg == other.bg && seen(self) == seen(other) && (seen(self).is_empty() || self == other)
    }

    /// Nothing of it shows on a blank, so erasing does as well as writing.
    pub(super) fn is_bare_on_blank(self) -> bool {
        self.is_same_on_blank(Look::default())
    }
}

/// The parameters that lead from one look to another.
pub(super) fn changes(from: Look, to: Look) -> Vec<u8> {
    let mut codes: Vec<u8> = Vec::new();
    let mut push = |code: &str| {
        if !codes.is_empty() {
            codes.push(b';');
        }
        codes.extend_from_slice(code.as_bytes());
    };
    let gone = from.modifier - to.modifier;
    let mut kept = from.modifier & to.modifier;
    let mut off = 0;
    for (modifier, _, code) in MODIFIERS {
        if gone.contains(modifier) {
            if off != code {
                push(&code.to_string());
                off = code;
            }
            // Some share the code that switches them off.
            for (sharing, _, shared) in MODIFIERS {
                if shared == code {
                    kept.remove(sharing);
                }
            }
        }
    }
    for (modifier, code, _) in MODIFIERS {
        if (to.modifier - kept).contains(modifier) {
            push(&code.to_string());
        }
    }
    if from.fg != to.fg {
        push(&colour(to.fg, 30));
    }
    if from.bg != to.bg {
        push(&colour(to.bg, 40));
    }
    if from.underline != to.underline {
        push(&underline_colour(to.underline));
    }
    codes
}

/// `base` is 30 for the characters and 40 for what is behind them.
fn colour(colour: Color, base: u8) -> String {
    let plain = |n: u8| (base + n).to_string();
    let bright = |n: u8| (base + 60 + n).to_string();
    match colour {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
        Color::Indexed(n) => format!("{};5;{n}", base + 8),
    }
}

/// Underlines have no short codes; the sixteen colours are the first of the indexed ones.
fn underline_colour(colour: Color) -> String {
    let index = match colour {
        Color::Reset => return "59".to_owned(),
        Color::Rgb(r, g, b) => return format!("58;2;{r};{g};{b}"),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(n) => n,
    };
    format!("58;5;{index}")
}
