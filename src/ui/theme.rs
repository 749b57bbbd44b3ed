//! How states look. Every state also differs by a letter, a word or a mark, so colour only helps.
//!
//! The plain theme sets no foreground and no background at all: with `NO_COLOR` the terminal library
//! turns any colour change into a full reset, which would take the reversed selection away with it.
//! The coloured one uses the 16 colours of the terminal's own palette and no red-green pair: what
//! presses is yellow, what is overdue is bold red with a `!`, what is ours is blue.

use ratatui::style::{Color, Modifier, Style};

use crate::app::notice::Weight;
use crate::model::sla::Used;
use crate::model::{LinkState, Mark};

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    has_colour: bool,
}

impl Theme {
    pub fn colour() -> Self {
        Self { has_colour: true }
    }

    /// For `NO_COLOR` and terminals of one colour.
    pub fn plain() -> Self {
        Self { has_colour: false }
    }

    fn style(self, colour: Color, modifier: Modifier) -> Style {
        let style = Style::new().add_modifier(modifier);
        if self.has_colour { style.fg(colour) } else { style }
    }

    /// The same in both themes.
    #[expect(clippy::unused_self, reason = "styles are asked of the theme, whether or not they differ")]
    fn only(self, modifier: Modifier) -> Style {
        Style::new().add_modifier(modifier)
    }

    /// Borders and the lines between posts.
    pub(super) fn frame(self) -> Style {
        self.style(Color::DarkGray, Modifier::empty())
    }

    pub(super) fn text(self) -> Style {
        self.only(Modifier::empty())
    }

    /// What may be passed over: ages, counts.
    pub(super) fn quiet(self) -> Style {
        if self.has_colour { Style::new().add_modifier(Modifier::DIM) } else { Style::new() }
    }

    pub(super) fn strong(self) -> Style {
        self.only(Modifier::BOLD)
    }

    /// The column or box that has the keys.
    pub(super) fn focused(self) -> Style {
        self.style(Color::LightCyan, Modifier::BOLD)
    }

    /// The selected row, beside its `>`.
    pub(super) fn selected(self) -> Style {
        self.only(Modifier::BOLD | Modifier::REVERSED)
    }

    pub(super) fn handle(self) -> Style {
        self.strong()
    }

    pub(super) fn mark(self, mark: Mark) -> Style {
        match mark {
            Mark::New => self.style(Color::LightCyan, Modifier::BOLD),
            Mark::Mine => self.style(Color::LightBlue, Modifier::BOLD),
            Mark::Claimed => self.style(Color::Magenta, Modifier::empty()),
            Mark::Waiting => self.style(Color::Yellow, Modifier::BOLD),
            Mark::Acknowledged | Mark::Resolved | Mark::None => self.quiet(),
        }
    }

    /// The time left, beside its words.
    pub(super) fn used(self, used: Used) -> Style {
        match used {
            Used::Little => self.quiet(),
            Used::Half => Style::new(),
            Used::Most => self.style(Color::Yellow, Modifier::empty()),
            Used::All => self.style(Color::Yellow, Modifier::BOLD),
            Used::Overdue => self.overdue(),
        }
    }

    pub(super) fn overdue(self) -> Style {
        self.style(Color::LightRed, Modifier::BOLD)
    }

    pub(super) fn link(self, state: &LinkState) -> Style {
        match state {
            LinkState::Live | LinkState::Ended { .. } => Style::new(),
            LinkState::Connecting => self.quiet(),
            LinkState::Stale | LinkState::BackingOff { .. } | LinkState::Paused { .. } => {
                self.style(Color::Yellow, Modifier::BOLD)
            }
            LinkState::Down { .. } => self.overdue(),
        }
    }

    pub(super) fn notice(self, weight: Weight) -> Style {
        match weight {
            Weight::Info => Style::new(),
            Weight::Warning => self.warning(),
            Weight::Error => self.overdue(),
        }
    }

    /// Something to know before going on; also a gap.
    pub(super) fn warning(self) -> Style {
        self.style(Color::Yellow, Modifier::BOLD)
    }

    /// A key in a hint.
    pub(super) fn key(self) -> Style {
        self.style(Color::LightCyan, Modifier::BOLD)
    }
}
