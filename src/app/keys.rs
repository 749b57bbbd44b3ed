//! From a press of a key to a command, and from a command to what it does on the present screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::chord::{self, Chord};
use super::command::{Command, ModeKind};
use super::keymap::Meaning;
use super::{App, Effect, LineInput, Mode};
use crate::model::{Event, Purpose};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, out: &mut Vec<Effect>) {
        if self.quitting || key.kind == crossterm::event::KeyEventKind::Release {
            return;
        }
        let mode = self.mode.kind();
        let is_typed = mode.takes_text() && Chord::of(key).is_some_and(Chord::is_text);
        self.dirty |= self.notices.read(self.now, is_typed);
        // A slow line brings Esc and the key after it together, which terminals spell like Alt and that key. Nothing
        // needs Alt, and in the editor the second key would end up in the text.
        if key.modifiers.contains(KeyModifiers::ALT) {
            self.key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE), out);
            // A capital letter brings Shift as well.
            return self.key(KeyEvent::new(key.code, key.modifiers - KeyModifiers::ALT), out);
        }
        let Some(chord) = Chord::of(key) else {
            self.prefix.clear();
            match mode {
                ModeKind::Composer => self.type_key(key, out),
                ModeKind::Note => self.type_note(key, out),
                _ => {}
            }
            return;
        };
        let mut keys = chord::parse(&self.prefix).unwrap_or_default();
        let in_prefix = !keys.is_empty();
        keys.push(chord);
        match self.setup.keys.meaning(mode, &keys) {
            Meaning::Command(command) => {
                self.dirty |= in_prefix;
                self.prefix.clear();
                self.run(command, out);
            }
            Meaning::Prefix => {
                self.prefix = chord::written(&keys);
                self.dirty = true;
            }
            Meaning::Nothing if in_prefix => {
                self.prefix.clear();
                self.dirty = true;
                if chord != Chord::Named(chord::Named::Esc) {
                    self.info(format!("{} is bound to nothing; ? shows all keys", chord::written(&keys)));
                }
            }
            Meaning::Nothing => {
                // A command typed by its name may be the second of two as well.
                if !self.is_naming_a_command() {
                    self.books.armed = None;
                }
                self.plain_key(key, chord, out);
            }
        }
    }

    fn is_naming_a_command(&self) -> bool {
        matches!(self.mode, Mode::CommandLine(_) | Mode::Palette(_))
    }

    /// Any other command takes back the first of two; finding one by its name does not yet.
    fn disarm(&mut self, command: Command) {
        let names = matches!(command, Command::CommandLine | Command::Palette)
            || (self.is_naming_a_command() && command != Command::Back);
        let confirms = |armed: Command| {
            armed == command
                || (armed == Command::FillGap && command == Command::Open && matches!(self.mode, Mode::Columns))
        };
        if self.books.armed.as_ref().is_some_and(|armed| !names && !confirms(armed.0)) {
            self.books.armed = None;
        }
        if command != Command::Send
            && let Mode::Preview(preview) = &mut self.mode
        {
            preview.armed = false;
        }
    }

    /// A key that is no command here: text where one types.
    fn plain_key(&mut self, key: KeyEvent, chord: Chord, out: &mut Vec<Effect>) {
        match &mut self.mode {
            Mode::Composer(_) => self.type_key(key, out),
            Mode::Note(_) => self.type_note(key, out),
            Mode::Tag(line) | Mode::Snooze(line) => {
                line.completing = None;
                line.input.error = None;
                line.input.take(chord);
                self.dirty = true;
            }
            Mode::Palette(picker)
            | Mode::SavedReplies(_, picker)
            | Mode::Resolve { picker, .. }
            | Mode::Assign { picker, .. } => {
                let cursor = picker.input.cursor;
                if picker.input.take(chord) {
                    picker.selected = 0;
                    self.narrow();
                } else {
                    self.dirty |= cursor != self.line_cursor();
                }
            }
            Mode::CommandLine(line) => {
                // Backspace on an empty line leaves it, as in other programs.
                if line.text.is_empty() && chord == Chord::Named(chord::Named::Backspace) {
                    self.leave_screen();
                } else {
                    line.take(chord);
                    self.dirty = true;
                }
            }
            Mode::Find(find) if !find.in_list => {
                find.input.take(chord);
                self.dirty = true;
            }
            Mode::AddColumn(_) => self.type_in_adding(chord),
            _ => self.info(format!("{chord} is bound to nothing here; ? shows all keys")),
        }
    }

    fn line_cursor(&self) -> usize {
        match &self.mode {
            Mode::Palette(picker)
            | Mode::SavedReplies(_, picker)
            | Mode::Resolve { picker, .. }
            | Mode::Assign { picker, .. } => picker.input.cursor,
            Mode::CommandLine(line) => line.cursor,
            Mode::Find(find) => find.input.cursor,
            _ => 0,
        }
    }

    /// Does what a command says on the present screen. Every command is named here: a new one does not build
    /// without its deed.
    pub(super) fn run(&mut self, command: Command, out: &mut Vec<Effect>) {
        self.dirty = true;
        self.disarm(command);
        if !self.has_role_for(command) || self.is_for_a_post_at_a_gap(command) || self.says_it_cannot(command) {
            return;
        }
        match command {
            Command::MoveDown
            | Command::MoveUp
            | Command::ToTop
            | Command::ToBottom
            | Command::HalfPageDown
            | Command::HalfPageUp
            | Command::PageDown
            | Command::PageUp => self.go(command, out),
            Command::Column(number) => self.go_to_column(usize::from(number).saturating_sub(1)),
            Command::LastColumn => self.go_to_column(self.columns.len().saturating_sub(1)),
            Command::GoToColumn => self.ask_column(),
            Command::ColumnLeft | Command::ColumnRight => {
                self.leave_case();
                self.step_column(command == Command::ColumnRight);
            }
            Command::NextPane => self.step_pane(true, out),
            Command::PreviousPane => self.step_pane(false, out),
            Command::NextNews => {
                self.leave_case();
                self.next_news();
            }
            Command::GoLive => {
                self.leave_case();
                self.go_live();
            }
            Command::HoldColumn => {
                self.leave_case();
                self.hold();
            }
            Command::NextUnanswered | Command::PreviousUnanswered => {
                let forward = command == Command::NextUnanswered;
                if matches!(self.mode, Mode::Find(_)) {
                    self.go(if forward { Command::MoveDown } else { Command::MoveUp }, out);
                } else {
                    self.next_unanswered(forward, out);
                    if let Mode::Case { scroll } = &mut self.mode {
                        *scroll = 0;
                    }
                }
            }
            Command::MostOverdue => self.most_overdue(out),
            Command::MyQueue => self.go_to_queue(),
            Command::FillGap => self.fill_gap(out),
            Command::Open => self.open(out),
            Command::Back => self.go_back(out),
            Command::Acknowledge => self.draft(Purpose::Acknowledgement, out),
            Command::RequestDm => self.draft(Purpose::DmRequest, out),
            Command::AcknowledgeAndRequestDm => self.draft(Purpose::Both, out),
            Command::DirectMessage if matches!(self.mode, Mode::Person(_)) => self.ask_about_person(out),
            Command::DirectMessage => self.draft(Purpose::DirectMessage, out),
            Command::Claim if matches!(self.mode, Mode::Preview(_)) => self.claim_in_preview(out),
            Command::Claim => self.claim_chosen(out),
            Command::TakeOver => self.take_over(out),
            Command::Release => {
                if let Some(case) = self.case_to_change() {
                    self.release(&case, out);
                }
            }
            Command::OptOut => self.opt_out(out),
            Command::LiftOptOut => self.lift_opt_out(out),
            Command::Follow => self.follow_author(out),
            Command::Assign => self.ask_assign(),
            Command::Tag => self.ask_tag(),
            Command::CompleteTag => self.complete_tag(),
            Command::Note => self.write_note(out),
            Command::SaveNote => self.leave_in_case(out),
            Command::Snooze => self.ask_snooze(),
            Command::Wake => self.wake(out),
            Command::Prioritise => self.prioritise(out),
            Command::Mark => self.toggle_mark(),
            Command::ClearMarks => self.clear_marks(),
            Command::AskHappyPost => self.ask_happy_post(out),
            Command::TurnRound => self.turn_round(out),
            Command::Resolve => self.ask_cause(),
            Command::ToggleClosing => self.toggle_closing(),
            Command::Dismiss => self.dismiss(out),
            Command::Reopen => self.reopen(out),
            Command::CopyHandle | Command::OpenPage if matches!(self.mode, Mode::Person(_)) => {
                self.of_person(command, out);
            }
            Command::CopyText if matches!(self.mode, Mode::History(_)) => self.copy_history(out),
            Command::CopyLink | Command::CopyText | Command::CopyHandle | Command::CopyCase | Command::OpenPage => {
                // In the list of hits the keys mean the hit.
                let hit = self.post_of_hit();
                let before = self.opened.take();
                let in_hits = hit.is_some();
                self.opened = hit.or_else(|| before.clone());
                match command {
                    Command::OpenPage => self.open_page(out),
                    _ => self.copy(command, out),
                }
                if in_hits {
                    self.opened = before;
                }
            }
            Command::Person => self.show_person(out),
            Command::History => self.show_history(out),
            Command::Undo => self.undo(out),
            Command::Outbox => self.switch_to(Mode::Outbox { selected: 0 }),
            Command::Drafts => self.switch_to(Mode::Drafts { selected: 0 }),
            Command::Links => self.switch_to(Mode::Links { scroll: 0 }),
            Command::Notices => self.switch_to(Mode::Notices { scroll: 0 }),
            Command::Find => self.open_find(),
            Command::FindNetwork => self.open_network_find(),
            Command::Palette => self.open_palette(),
            Command::CommandLine => self.open_over(Mode::CommandLine(LineInput::default())),
            Command::Help => self.open_over(Mode::Help { scroll: 0 }),
            Command::Repaint => out.push(Effect::Repaint),
            Command::Suspend => {
                self.save_draft(out);
                out.push(Effect::Suspend);
            }
            Command::Interrupt => self.interrupt(out),
            Command::Quit => self.ask_quit(out),
            Command::InsertSavedReply => self.pick_saved_reply(""),
            Command::EditExternally => self.edit_externally(out),
            Command::UndoTyping | Command::RedoTyping => {
                if let Mode::Composer(composer) = &mut self.mode {
                    let changed =
                        if command == Command::UndoTyping { composer.editor.undo() } else { composer.editor.redo() };
                    if changed {
                        self.edited(out);
                    }
                }
            }
            Command::Preview => self.preview(out),
            Command::Send => self.send(out),
            Command::Edit => self.edit_again(),
            Command::Keep => self.keep_draft(out),
            Command::HandOver => self.hand_over(out),
            Command::NextCheck => self.next_check(),
            Command::RetryReply | Command::EditReply | Command::DropReply | Command::ReadBack => {
                self.outbox_key(command, out);
            }
            Command::DropDraft => self.drop_draft(out),
            Command::NextDraft => self.next_draft(out),
            Command::QuitSendNow => self.quit_sending(out),
            Command::QuitKeep => self.quit_keeping(out),
            Command::ToggleLink => self.toggle_link(),
            Command::AnswerNewest => self.answer_newest(out),
            Command::Spend => {
                if let Err(why) = self.open_spending("") {
                    self.warn(why);
                }
            }
            Command::Report => {
                if let Err(why) = self.open_report("", out) {
                    self.warn(why);
                }
            }
            Command::RefreshReport => self.refresh_report(out),
            Command::NextSpan => self.next_span(out),
            Command::RaiseLimit => self.raise_limit(out),
            Command::AddColumn => self.open_adding(""),
            Command::NextField => self.next_field(),
            Command::AskCount => self.ask_count(out),
        }
    }

    /// Column keys in the case pane lead back to the columns.
    fn leave_case(&mut self) {
        if matches!(self.mode, Mode::Case { .. }) {
            self.go_to_columns();
        }
    }

    pub(super) fn go_to_column(&mut self, column: usize) {
        self.leave_case();
        self.focus_on(column);
    }

    /// Ctrl-C once says how to quit, twice quits; on the quit question it keeps what is held.
    fn interrupt(&mut self, out: &mut Vec<Effect>) {
        if self.second_press(Command::Interrupt, String::new(), "Ctrl-C again quits".to_owned()) {
            if matches!(self.mode, Mode::QuitQuestion) {
                return self.quit(out);
            }
            self.save_draft(out);
            self.ask_quit(out);
        }
    }

    fn open(&mut self, out: &mut Vec<Effect>) {
        match &self.mode {
            Mode::Columns if self.books.armed.as_ref().is_some_and(|armed| armed.0 == Command::FillGap) => {
                self.fill_gap(out);
            }
            Mode::Columns if self.gap_in_hand().is_some() => self.fill_gap(out),
            Mode::Columns => self.open_case(out),
            Mode::Find(find) if find.in_list => self.open_hit(out),
            Mode::Find(_) => self.ask_found(out),
            Mode::Outbox { .. } => self.outbox_key(Command::Open, out),
            Mode::Drafts { .. } => self.open_draft(out),
            Mode::Palette(_) | Mode::SavedReplies(..) | Mode::Resolve { .. } | Mode::Assign { .. } => {
                self.take_chosen(out);
            }
            Mode::Tag(_) | Mode::Snooze(_) => self.take_case_line(out),
            Mode::CommandLine(_) => self.run_line(out),
            Mode::AddColumn(_) => self.add_column(out),
            Mode::Case { .. }
            | Mode::Composer(_)
            | Mode::Note(_)
            | Mode::Preview(_)
            | Mode::Help { .. }
            | Mode::Links { .. }
            | Mode::Notices { .. }
            | Mode::Spend(_)
            | Mode::Report(_)
            | Mode::Person(_)
            | Mode::History(_)
            | Mode::QuitQuestion => {}
        }
    }

    fn go_back(&mut self, out: &mut Vec<Effect>) {
        match &mut self.mode {
            Mode::Columns => {
                self.opened = None;
                let key = self.setup.keys.key(ModeKind::Columns, Command::Quit);
                self.info(format!("{key} quits"));
            }
            Mode::Composer(_) => {
                self.save_draft(out);
                self.save_cursor(out);
                self.leave_screen();
            }
            Mode::Preview(_) => self.edit_again(),
            Mode::SavedReplies(..) => self.leave_saved_replies(out),
            Mode::Note(_) => self.leave_note(out),
            Mode::Spend(_) => self.leave_spending(),
            Mode::Case { .. }
            | Mode::Palette(_)
            | Mode::CommandLine(_)
            | Mode::Find(_)
            | Mode::Help { .. }
            | Mode::Outbox { .. }
            | Mode::Drafts { .. }
            | Mode::Links { .. }
            | Mode::Notices { .. }
            | Mode::Report(_)
            | Mode::Resolve { .. }
            | Mode::Assign { .. }
            | Mode::Tag(_)
            | Mode::Snooze(_)
            | Mode::AddColumn(_)
            | Mode::Person(_)
            | Mode::History(_)
            | Mode::QuitQuestion => {
                self.leave_screen();
            }
        }
    }

    /// Movement on whatever screen has the keys.
    fn go(&mut self, command: Command, out: &mut Vec<Effect>) {
        if matches!(self.mode, Mode::Columns) {
            return self.walk(command, out);
        }
        // Before the first frame nobody knows how long a screen is; that frame ends what goes too far.
        let lines = self.books.scroll_end.map_or(usize::from(u16::MAX), |end| usize::from(end) + 1);
        // A page is what is seen at once: the bars, the border and a case's head take the rest.
        let around = if matches!(self.mode, Mode::Case { .. }) { 8 } else { 6 };
        let page = usize::from(self.size.1.saturating_sub(around)).max(1);
        let (outbox, drafts) = (self.outbox().len(), self.drafts().len());
        let step = |at: usize, length: usize| {
            let last = length.saturating_sub(1);
            let to = match command {
                Command::MoveDown => at + 1,
                Command::MoveUp => at.saturating_sub(1),
                Command::ToTop => 0,
                Command::ToBottom => last,
                Command::HalfPageDown => at + (page / 2).max(1),
                Command::HalfPageUp => at.saturating_sub((page / 2).max(1)),
                Command::PageDown => at + page,
                _ => at.saturating_sub(page),
            };
            to.min(last)
        };
        if let Some(scroll) = self.mode.scroll() {
            *scroll = u16::try_from(step(usize::from(*scroll), lines)).unwrap_or(u16::MAX);
            return;
        }
        match &mut self.mode {
            Mode::Outbox { selected } => *selected = step(*selected, outbox),
            Mode::Drafts { selected } => *selected = step(*selected, drafts),
            // From the line of words the arrow leads into the hits.
            Mode::Find(find) if !find.in_list => find.in_list = find.rows() > 0,
            Mode::Find(find) => find.selected = step(find.selected, find.rows()),
            Mode::Palette(picker)
            | Mode::SavedReplies(_, picker)
            | Mode::Resolve { picker, .. }
            | Mode::Assign { picker, .. } => {
                picker.selected = step(picker.selected, picker.shown.len());
            }
            // They have nothing to choose from; what scrolls was scrolled above.
            Mode::Columns
            | Mode::Composer(_)
            | Mode::Note(_)
            | Mode::Tag(_)
            | Mode::Snooze(_)
            | Mode::CommandLine(_)
            | Mode::AddColumn(_)
            | Mode::QuitQuestion
            | Mode::Case { .. }
            | Mode::History(_)
            | Mode::Help { .. }
            | Mode::Links { .. }
            | Mode::Notices { .. }
            | Mode::Spend(_)
            | Mode::Report(_)
            | Mode::Person(_)
            | Mode::Preview(_) => {}
        }
    }

    /// As the last frame told it.
    pub fn scroll_end(&self) -> Option<u16> {
        self.books.scroll_end
    }

    /// The last frame has told how long the screen is: nothing is scrolled past its end.
    pub(super) fn scrolls_to(&mut self, end: Option<u16>) {
        self.books.scroll_end = end;
        if let (Some(end), Some(scroll)) = (end, self.mode.scroll()) {
            *scroll = (*scroll).min(end);
        }
    }

    /// Enter in the list of drafts.
    fn open_draft(&mut self, out: &mut Vec<Effect>) {
        let Mode::Drafts { selected } = self.mode else { return };
        let draft = self.drafts().get(selected).map(|(case, purpose, draft)| (case.id, *purpose, draft.rep.clone()));
        let Some((case, purpose, rep)) = draft else {
            return self.info("there are no drafts".to_owned());
        };
        match self.post_to_answer(case) {
            Some(post) => self.draft_for(post, purpose, Some(rep), out),
            None => self.info("the case's posts are gone; there is nothing to answer".to_owned()),
        }
    }

    fn drop_draft(&mut self, out: &mut Vec<Effect>) {
        let Mode::Drafts { selected } = self.mode else { return };
        let draft = self.drafts().get(selected).map(|(case, purpose, draft)| (case.id, *purpose, draft.rep.clone()));
        let Some((case, purpose, rep)) = draft else { return self.info("there are no drafts".to_owned()) };
        let whose = if rep == self.setup.me { "this".to_owned() } else { format!("{rep}'s") };
        let of = format!("{case} {purpose:?}");
        if self.second_press(Command::DropDraft, of, format!("the same key again throws {whose} draft away")) {
            if rep == self.setup.me {
                self.books.began.remove(&(case, purpose));
            }
            self.append_surely(
                vec![(Event::DraftDropped { case, purpose, rep: Some(rep) }, None)],
                Some("dropping"),
                out,
            );
        }
    }
}
