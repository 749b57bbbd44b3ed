//! Changed cells to the fewest bytes a terminal needs for them.
//!
//! It knows what the terminal shows, so it writes a few unchanged cells again where that is shorter than moving
//! over them, changes only those attributes that differ, and erases long blanks instead of writing them. A
//! terminal may draw some clusters wider or narrower than counted; behind such a one the cursor is put where
//! it belongs by an absolute move before anything else is written.
//!
//! A cluster that a terminal takes apart also leaves its parts in cells that are blank here before and after, so
//! that no change would ever reach them. A row that holds such a cluster, or held one in the last frame, is
//! erased from it on and written whole as soon as anything on the row changes.

use std::io::{self, Write as _};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::{Cell, CellWidth as _};
use ratatui::layout::{Position, Size};

use look::{Look, changes};

mod look;

/// So many blanks are erased rather than written.
const ERASED: u16 = 10;

/// What stands in a cell of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Blank,
    /// A printable ASCII character.
    Plain(u8, Look),
    /// Something that is not to be written again in passing.
    Other,
}

/// How far the width of a cluster can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Every terminal draws it so.
    Sure,
    /// Nearly every terminal does: good enough to go on right behind it.
    Likely,
    Unsure,
}

impl Width {
    fn of(symbol: &str, cells: u16) -> Self {
        let mut characters = symbol.chars();
        let (Some(c), None) = (characters.next(), characters.next()) else { return Width::Unsure };
        let is_wide = matches!(u32::from(c),
            0x3001..=0x302f | 0x3041..=0x3096 | 0x309b..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
            | 0xac00..=0xd7a3 | 0xff01..=0xff60);
        match cells {
            1 if c.is_ascii() || c == '\u{a0}' => Width::Sure,
            2 if is_wide => Width::Sure,
            1 => Width::Likely,
            _ => Width::Unsure,
        }
    }
}

/// Whether some terminals draw the cluster as several, side by side: joined emoji, flags, skin tones, emoji
/// selectors, conjuncts and signs of Indic scripts, emoji that came after most tables of widths.
fn may_fall_apart(symbol: &str) -> bool {
    if symbol.len() == 1 {
        return false;
    }
    let mut characters = symbol.chars();
    let first = characters.next().map_or(0, u32::from);
    // Accents of the Latin script are laid over their letter everywhere.
    let is_accented = characters.clone().all(|c| matches!(c, '\u{300}'..='\u{36f}'));
    let is_alone = characters.next().is_none();
    match first {
        0x1f1e6..=0x1f1ff | 0x1f3fb..=0x1f3ff | 0x1fa70..=0x1faff => true,
        _ if is_alone => symbol.cell_width() == 0,
        _ => !is_accented,
    }
}

/// A backend that gathers its bytes; [`Encoder::take`] hands them out.
#[derive(Debug)]
pub struct Encoder {
    size: Size,
    out: Vec<u8>,
    shown: Vec<Shown>,
    /// What was asked for on every cell; blank where a wide cluster covers it.
    asked: Vec<Cell>,
    /// Which of them [may fall apart](may_fall_apart).
    doubtful: Vec<bool>,
    /// The terminal's cursor, while it is known.
    at: Option<Position>,
    /// Every cluster since the last absolute move was of a sure width.
    is_sure: bool,
    look: Look,
    /// Blanks to be written or erased from `at` on.
    blanks: u16,
    cursor_shown: Option<bool>,
}

impl Encoder {
    /// For a terminal of that size that was just cleared.
    pub fn new(size: Size) -> Self {
        let cells = usize::from(size.width) * usize::from(size.height);
        Self {
            size,
            out: Vec::new(),
            shown: vec![Shown::Blank; cells],
            asked: vec![Cell::EMPTY; cells],
            doubtful: vec![false; cells],
            at: None,
            is_sure: false,
            look: Look::default(),
            blanks: 0,
            cursor_shown: None,
        }
    }

    /// The bytes since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Columns and rows.
    pub fn cells(&self) -> Size {
        self.size
    }

    fn place(&self, x: u16, y: u16) -> Option<usize> {
        (x < self.size.width && y < self.size.height)
            .then(|| usize::from(y) * usize::from(self.size.width) + usize::from(x))
    }

    /// Changed cells of one row, from left to right.
    fn draw_row(&mut self, y: u16, changed: &[(u16, u16, &Cell)]) {
        let before = self.first_doubtful(y);
        let mut places = Vec::with_capacity(changed.len());
        for (x, _, cell) in changed {
            // What wide clusters covered is blank again, and terminals differ in how that blank looks.
            let end = (*x..x.saturating_add(cell.symbol().cell_width().max(1)))
                .filter_map(|x| Some(x + self.asked[self.place(x, y)?].symbol().cell_width().max(1)))
                .fold(x + 1, u16::max);
            places.extend(*x..end);
            self.keep(*x, y, cell);
        }
        places.sort_unstable();
        places.dedup();
        let after = self.first_doubtful(y);
        let from = before.into_iter().chain(after).min().unwrap_or(self.size.width);
        let mut free = 0;
        for x in places.into_iter().filter(|x| *x < from) {
            let Some(place) = self.place(x, y).filter(|_| x >= free) else { continue };
            let cell = self.asked[place].clone();
            free = x + cell.symbol().cell_width().max(1);
            self.draw_cell(x, y, &cell);
        }
        if from < self.size.width {
            self.draw_rest(from, y);
        }
    }

    fn keep(&mut self, x: u16, y: u16, cell: &Cell) {
        if let Some(place) = self.place(x, y) {
            self.doubtful[place] = may_fall_apart(cell.symbol());
            self.asked[place] = cell.clone();
        }
        for covered in 1..cell.symbol().cell_width() {
            if let Some(place) = self.place(x + covered, y) {
                self.doubtful[place] = false;
                self.asked[place] = Cell::EMPTY;
            }
        }
    }

    /// Where on a row the first cluster stands that [may fall apart](may_fall_apart).
    fn first_doubtful(&self, y: u16) -> Option<u16> {
        let from = self.place(0, y)?;
        let row = self.doubtful.get(from..from + usize::from(self.size.width))?;
        row.iter().position(|doubtful| *doubtful).and_then(|x| u16::try_from(x).ok())
    }

    /// Writes a row from `from` on, whatever stands there.
    fn draw_rest(&mut self, from: u16, y: u16) {
        self.end_blanks();
        let mut is_erased = false;
        let mut x = 0;
        while let Some(place) = self.place(x, y) {
            let cell = self.asked[place].clone();
            // A wide cluster on the left may cover the first cell of it.
            if x >= from {
                if !is_erased {
                    self.go_absolutely(x, y);
                    self.look_bare();
                    self.control(&[], b'K');
                    is_erased = true;
                }
                self.draw_cell(x, y, &cell);
            }
            x += cell.symbol().cell_width().max(1);
        }
    }

    fn draw_cell(&mut self, x: u16, y: u16, cell: &Cell) {
        let symbol = cell.symbol();
        let look = Look::of(cell);
        let cells = symbol.cell_width().max(1);
        let ascii = match symbol.as_bytes() {
            [byte @ b' '..=b'~'] => Some(*byte),
            _ => None,
        };
        let is_blank = ascii == Some(b' ') && look.is_bare_on_blank();
        if let Some(place) = self.place(x, y) {
            self.shown[place] = match ascii {
                Some(_) if is_blank => Shown::Blank,
                Some(byte) => Shown::Plain(byte, look),
                None => Shown::Other,
            };
        }
        for covered in 1..cells {
            if let Some(place) = self.place(x + covered, y) {
                self.shown[place] = Shown::Other;
            }
        }

        if is_blank {
            self.bridge_blanks(x, y);
        }
        let follows = self.at.is_some_and(|at| at.y == y && at.x + self.blanks == x);
        if !follows {
            self.go_to(x, y);
        }
        if is_blank && self.is_sure {
            self.blanks += 1;
            return;
        }
        self.write_blanks();
        if !(ascii == Some(b' ') && self.look.is_same_on_blank(look)) {
            self.change_look(look);
        }
        self.out.extend_from_slice(symbol.as_bytes());
        let after = x + cells;
        match Width::of(symbol, cells) {
            // Behind the last cell terminals differ in where the cursor is.
            Width::Unsure => self.at = None,
            _ if after >= self.size.width => self.at = None,
            Width::Sure => self.at = Some(Position::new(after, y)),
            Width::Likely => {
                self.at = Some(Position::new(after, y));
                self.is_sure = false;
            }
        }
    }

    /// A line that is wiped changes at its words alone: what was blank between them is erased with them, in one stretch.
    fn bridge_blanks(&mut self, x: u16, y: u16) {
        let Some(at) = self.at.filter(|at| at.y == y && self.blanks > 0) else { return };
        let between = at.x + self.blanks..x;
        let are_blank = |x: u16| self.place(x, y).is_some_and(|place| self.shown[place] == Shown::Blank);
        if !between.is_empty() && between.clone().all(are_blank) {
            self.blanks = x - at.x;
        }
    }

    /// Writes the blanks that wait, or erases them and moves behind them.
    fn write_blanks(&mut self) {
        let blanks = std::mem::take(&mut self.blanks);
        let Some(at) = self.at.filter(|_| blanks > 0) else { return };
        if blanks >= ERASED {
            self.erase(blanks);
            self.forward(blanks);
        } else {
            self.look_bare();
            self.out.extend(std::iter::repeat_n(b' ', usize::from(blanks)));
        }
        let after = at.x + blanks;
        self.at = (after < self.size.width).then_some(Position::new(after, at.y));
    }

    /// Makes sure of the blanks that wait where nothing is to be written behind them: erasing leaves the cursor in
    /// front of them.
    fn end_blanks(&mut self) {
        let Some(at) = self.at else { return };
        match self.blanks {
            0..=4 => self.write_blanks(),
            blanks if at.x + blanks >= self.size.width => {
                self.blanks = 0;
                self.look_bare();
                self.control(&[], b'K');
            }
            blanks => {
                self.blanks = 0;
                self.erase(blanks);
            }
        }
    }

    fn erase(&mut self, blanks: u16) {
        self.look_bare();
        self.control(&[blanks], b'X');
    }

    fn look_bare(&mut self) {
        if !self.look.is_bare_on_blank() {
            self.change_look(Look::default());
        }
    }

    /// Moves to a cell that does not follow on the last one.
    fn go_to(&mut self, x: u16, y: u16) {
        self.end_blanks();
        let Some(at) = self.at else { return self.go_absolutely(x, y) };
        let is_ahead = self.is_sure && at.y == y && at.x < x;
        if !is_ahead {
            return self.go_absolutely(x, y);
        }
        let gap = x - at.x;
        let cost = match gap {
            1 => 3,
            2..=9 => 4,
            _ => 5,
        };
        let again: Option<Vec<u8>> = (gap <= cost).then(|| self.in_passing(at, gap)).flatten();
        match again {
            Some(again) => self.out.extend(again),
            None => self.forward(gap),
        }
        self.at = Some(Position::new(x, y));
    }

    /// The unchanged cells from a place on, where all of them can be written again as they are now.
    fn in_passing(&self, from: Position, cells: u16) -> Option<Vec<u8>> {
        (from.x..from.x + cells)
            .map(|x| match self.shown[self.place(x, from.y)?] {
                Shown::Blank => self.look.is_bare_on_blank().then_some(b' '),
                Shown::Plain(byte, look) => (look == self.look).then_some(byte),
                Shown::Other => None,
            })
            .collect()
    }

    fn go_absolutely(&mut self, x: u16, y: u16) {
        if x == 0 {
            self.control(&[y + 1], b'H');
        } else {
            self.control(&[y + 1, x + 1], b'H');
        }
        self.at = Some(Position::new(x, y));
        self.is_sure = true;
    }

    fn forward(&mut self, cells: u16) {
        if cells == 1 { self.control(&[], b'C') } else { self.control(&[cells], b'C') }
    }

    fn control(&mut self, numbers: &[u16], end: u8) {
        self.out.extend_from_slice(b"\x1b[");
        for (i, number) in numbers.iter().enumerate() {
            if i > 0 {
                self.out.push(b';');
            }
            put_number(&mut self.out, *number);
        }
        self.out.push(end);
    }

    /// By what differs, or from the ground up, whichever is shorter.
    fn change_look(&mut self, look: Look) {
        if look == self.look {
            return;
        }
        let step = changes(self.look, look);
        let mut anew = Vec::new();
        if look != Look::default() {
            anew.extend_from_slice(b"0;");
            anew.extend(changes(Look::default(), look));
        }
        let best = if step.len() <= anew.len() { &step } else { &anew };
        self.out.extend_from_slice(b"\x1b[");
        self.out.extend_from_slice(best);
        self.out.push(b'm');
        self.look = look;
    }

    fn finish(&mut self) {
        self.end_blanks();
        // Whoever writes next finds the terminal as it is by default.
        self.change_look(Look::default());
        if !self.is_sure {
            self.at = None;
        }
    }
}

fn put_number(out: &mut Vec<u8>, number: u16) {
    let written = write!(out, "{number}");
    debug_assert!(written.is_ok(), "a Vec takes everything");
}

impl Backend for Encoder {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let content: Vec<(u16, u16, &Cell)> = content.collect();
        if content.is_empty() {
            return Ok(());
        }
        // A frame relies on nothing that came before it.
        self.at = None;
        for changed in content.chunk_by(|(_, y, _), (_, next, _)| y == next) {
            self.draw_row(changed[0].1, changed);
        }
        self.finish();
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(false) {
            self.cursor_shown = Some(false);
            self.out.extend_from_slice(b"\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor_shown != Some(true) {
            self.cursor_shown = Some(true);
            self.out.extend_from_slice(b"\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Never asked of the terminal: nobody may answer.
        Ok(self.at.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.at != Some(position) {
            self.go_absolutely(position.x, position.y);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.out.extend_from_slice(b"\x1b[m\x1b[2J");
        self.shown.fill(Shown::Blank);
        self.asked.fill(Cell::EMPTY);
        self.doubtful.fill(false);
        (self.at, self.look, self.blanks) = (None, Look::default(), 0);
        Ok(())
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let code: &[u8] = match region {
            ClearType::All => return self.clear(),
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        };
        self.out.extend_from_slice(code);
        self.shown.fill(Shown::Other);
        // Whoever clears a region sends everything anew.
        self.asked.fill(Cell::EMPTY);
        self.doubtful.fill(false);
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
