//! Lists narrowed by typing: the palette, the saved replies, the causes; and the command line.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::command::{Command, ModeKind, TABLE};
use super::keymap::nearest;
use super::{App, Effect, Find, LineInput, Mode, Picker, Resolving};

impl App {
    pub(super) fn open_palette(&mut self) {
        self.open_over(Mode::Palette(Picker::default()));
        self.narrow();
    }

    pub(super) fn pick_saved_reply(&mut self, called_by: &'static str) {
        if self.setup.saved_replies.is_empty() {
            return self.info("the config has no saved replies".to_owned());
        }
        match std::mem::replace(&mut self.mode, Mode::Columns) {
            Mode::Composer(composer) => {
                self.books.called_by = called_by;
                self.mode = Mode::SavedReplies(composer, Picker::default());
                self.narrow();
                self.dirty = true;
            }
            other => self.mode = other,
        }
    }

    /// Esc in the saved replies: what called them up is typed after all.
    pub(super) fn leave_saved_replies(&mut self, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.mode, Mode::Columns) {
            Mode::SavedReplies(mut composer, _) => {
                let typed = std::mem::take(&mut self.books.called_by);
                let changed = composer.editor.insert_str(typed);
                self.mode = Mode::Composer(composer);
                if changed {
                    self.edited(out);
                }
            }
            other => self.mode = other,
        }
        self.dirty = true;
    }

    /// Lists again what fits the words typed so far.
    pub(super) fn narrow(&mut self) {
        let below = self.mode_below();
        let setup = &self.setup;
        let (picker, list): (&mut Picker, Vec<(usize, String)>) = match &mut self.mode {
            Mode::Palette(picker) => {
                let rows = TABLE.iter().enumerate().filter(|(_, row)| in_palette(row.command, below));
                (picker, rows.map(|(index, row)| (index, format!("{} {}", row.name, row.words))).collect())
            }
            Mode::SavedReplies(_, picker) => {
                let texts = setup.saved_replies.iter().enumerate();
                (picker, texts.map(|(index, saved)| (index, format!("{} {}", saved.name, saved.text))).collect())
            }
            Mode::Resolve { picker, step, .. } => {
                let (choices, none) = match step {
                    Resolving::Cause => (&setup.causes, "no cause"),
                    Resolving::Outcome { .. } => (&setup.outcomes, "no outcome"),
                };
                let choices = choices.iter().cloned().chain([none.to_owned()]);
                (picker, choices.enumerate().collect())
            }
            Mode::Assign { picker, reps, .. } => (picker, reps.iter().map(ToString::to_string).enumerate().collect()),
            _ => return,
        };
        let words = picker.input.text.trim();
        if words.is_empty() {
            picker.shown = list.into_iter().map(|(index, _)| index).collect();
        } else {
            let pattern = Pattern::parse(words, CaseMatching::Ignore, Normalization::Smart);
            let mut matcher = Matcher::new(Config::DEFAULT);
            let mut letters = Vec::new();
            let mut scored: Vec<_> = list
                .iter()
                .filter_map(|(index, text)| {
                    let score = pattern.score(Utf32Str::new(text, &mut letters), &mut matcher)?;
                    // A name that begins with the words is what was meant.
                    Some((!text.starts_with(words), std::cmp::Reverse(score), *index))
                })
                .collect();
            scored.sort_unstable();
            picker.shown = scored.into_iter().map(|(_, _, index)| index).collect();
        }
        picker.selected = picker.selected.min(picker.shown.len().saturating_sub(1));
        self.dirty = true;
    }

    /// Enter in a list.
    pub(super) fn take_chosen(&mut self, out: &mut Vec<Effect>) {
        let (Mode::Palette(picker)
        | Mode::SavedReplies(_, picker)
        | Mode::Resolve { picker, .. }
        | Mode::Assign { picker, .. }) = &self.mode
        else {
            return;
        };
        let Some(chosen) = picker.shown.get(picker.selected).copied() else { return };
        match self.mode {
            Mode::Palette(_) => {
                self.leave_screen();
                if let Some(row) = TABLE.get(chosen) {
                    self.run(row.command, out);
                }
            }
            Mode::SavedReplies(..) => self.insert_saved_reply(chosen, out),
            Mode::Resolve { .. } => self.resolve(chosen, out),
            Mode::Assign { .. } => {
                if let Mode::Assign { cases, reps, .. } = self.leave_screen()
                    && let Some(to) = reps.get(chosen)
                {
                    self.assign(&cases, to, out);
                }
            }
            _ => {}
        }
    }

    /// Enter on the command line.
    pub(super) fn run_line(&mut self, out: &mut Vec<Effect>) {
        let Mode::CommandLine(line) = &mut self.mode else { return };
        let text = line.text.trim().trim_start_matches(':').to_owned();
        let (name, words) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let words = words.trim().to_owned();
        let command = if name == "q" { Some(Command::Quit) } else { Command::named(name) };
        let below = self.mode_below();
        let error = match command {
            None if name.is_empty() => {
                self.leave_screen();
                return;
            }
            None => match nearest(name) {
                Some(near) => format!("there is no command {name:?}; did you mean {near:?}?"),
                None => format!("there is no command {name:?}; ; finds one by a few letters"),
            },
            Some(Command::Find | Command::FindNetwork) if !words.is_empty() => {
                self.leave_screen();
                let of_network =
                    words.strip_prefix("network").filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()));
                let words = match (command, of_network) {
                    (Some(Command::Find), None) => {
                        self.open_find();
                        words
                    }
                    (Some(Command::Find), Some(rest)) => {
                        self.open_network_find();
                        rest.trim().to_owned()
                    }
                    _ => {
                        self.open_network_find();
                        words
                    }
                };
                if words.is_empty() {
                    return;
                }
                if let Mode::Find(find) = &mut self.mode {
                    find.input = LineInput { cursor: words.len(), text: words, error: None };
                }
                return self.ask_found(out);
            }
            Some(command @ (Command::Assign | Command::Tag | Command::Snooze))
                if !words.is_empty() && in_palette(command, below) =>
            {
                return self.run_case_line(command, &words, out);
            }
            Some(Command::Spend) if !words.is_empty() => {
                let below = self.leave_screen();
                match self.open_spending(&words) {
                    Ok(()) => return,
                    Err(why) => {
                        self.open_over(below);
                        why
                    }
                }
            }
            Some(Command::Report) if !words.is_empty() => {
                let below = self.leave_screen();
                match self.open_report(&words, out) {
                    Ok(()) => return,
                    Err(why) => {
                        self.open_over(below);
                        why
                    }
                }
            }
            Some(Command::AddColumn) if !words.is_empty() => {
                self.leave_screen();
                return self.open_adding(&words);
            }
            Some(Command::GoToColumn) if !words.is_empty() && in_palette(Command::GoToColumn, below) => {
                match self.column_named(&words) {
                    Ok(column) => {
                        self.leave_screen();
                        return self.go_to_column(column);
                    }
                    Err(why) => why,
                }
            }
            Some(command) if !words.is_empty() => format!("{} takes no words after it", command.name()),
            Some(command) if in_palette(command, below) || command == Command::Quit => {
                self.leave_screen();
                return self.run(command, out);
            }
            Some(command) => {
                let modes: Vec<_> = command.row().modes().map(ModeKind::title).collect();
                format!("{} works in: {}", command.name(), modes.join(", "))
            }
        };
        if let Mode::CommandLine(line) = &mut self.mode {
            line.error = Some(error);
            self.dirty = true;
        }
    }

    /// `:tag slow`, `:assign bo`, `:snooze 2h`.
    fn run_case_line(&mut self, command: Command, words: &str, out: &mut Vec<Effect>) {
        let line = self.leave_screen();
        if !self.has_role_for(command) {
            return;
        }
        let cases: Vec<_> = self.cases_to_change().iter().map(|case| case.id).collect();
        if cases.is_empty() {
            return;
        }
        let done = match command {
            Command::Assign => self.assign_named(words, out),
            Command::Tag => self.tag(&cases, words, out),
            _ => self.snooze(&cases, words, out),
        };
        if let Err(why) = done {
            self.open_over(line);
            if let Mode::CommandLine(line) = &mut self.mode {
                line.error = Some(why);
            }
        }
    }

    pub(super) fn open_find(&mut self) {
        match &mut self.mode {
            Mode::Find(find) if find.network.is_none() => {
                find.in_list = false;
                self.dirty = true;
            }
            _ => self.switch_to(Mode::Find(Find::default())),
        }
    }
}

/// What the palette and the command line offer over a screen: all that works in it, but not what only moves about.
fn in_palette(command: Command, below: ModeKind) -> bool {
    command.row().works_in(below) && !matches!(command, Command::Palette | Command::CommandLine | Command::Open)
}
