//! Writing a note: an editor of its own, whose text is of a type nothing sends.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::composer::Saved;
use super::writing::SAVED_WITHIN;
use super::{App, AppendToken, Effect, Mode};
use crate::model::{BegunNote, Body, BodyId, CaseId, Deed, Event, EventId, NoteText, clean};

/// A longer note is a document.
pub const NOTE_CHARACTERS: usize = 4_000;

/// A note being written.
#[derive(Debug)]
pub struct NoteEditor {
    pub case: CaseId,
    pub editor: TextArea<'static>,
    /// What stands in the way of leaving it in the case.
    pub problem: Option<String>,
    /// Whether what was begun is in the store.
    pub saved: Saved,
}

impl NoteEditor {
    fn words(&self) -> String {
        self.editor.lines().join("\n")
    }

    fn begun(&self) -> BegunNote {
        let cursor = self.editor.cursor();
        BegunNote { text: NoteText::new(self.words()), cursor: (cursor.0, cursor.1) }
    }

    fn characters(&self) -> usize {
        self.editor.lines().iter().map(|line| line.chars().count() + 1).sum()
    }
}

impl App {
    /// `i`: goes on with what was left, or begins a note.
    pub(super) fn write_note(&mut self, out: &mut Vec<Effect>) {
        let Some(case) = self.case_to_change() else { return };
        if let Some(why) = Deed::Note.refused(case.status) {
            return self.info(why.to_owned());
        }
        let begun = case.begun_notes.get(&self.setup.me);
        let left = self.books.notes_begun.remove(&case.id);
        if left.is_none() && begun.is_some_and(|begun| begun.note.is_none()) {
            // Read anew: what a checkpoint left out, or nothing where it was erased.
            let id = BodyId::note_begun(case.id, &self.setup.me);
            if self.books.asked_note != Some(case.id) {
                self.books.asked_note = Some(case.id);
                out.push(Effect::ReadBodies { ids: vec![id] });
                return self.info("the note begun here is being read; press the key again".to_owned());
            }
        }
        self.books.asked_note = None;
        let saved = begun.map_or(Saved::Untouched, |begun| Saved::At(begun.saved));
        let note = left.or_else(|| begun.and_then(|begun| begun.note.clone()));
        let (text, cursor) = note.map_or_else(Default::default, |note| (clean::text(note.text.shown()), note.cursor));
        let mut editor = TextArea::new(text.split('\n').map(str::to_owned).collect());
        editor.set_wrap_mode(WrapMode::WordOrGlyph);
        editor.set_cursor_line_style(Style::default());
        let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        editor.move_cursor(CursorMove::Jump(place(cursor.0), place(cursor.1)));
        self.books.note_append = None;
        self.open_over(Mode::Note(Box::new(NoteEditor { case: case.id, editor, problem: None, saved })));
    }

    pub(super) fn note_due(&self) -> Option<Timestamp> {
        match &self.mode {
            Mode::Note(note) => match note.saved {
                Saved::Typing { since } => Some(since + SAVED_WITHIN),
                Saved::Untouched | Saved::At(_) => None,
            },
            _ => None,
        }
    }

    pub(super) fn save_note_when_due(&mut self, out: &mut Vec<Effect>) {
        // A clock set back must not keep it from being saved.
        if self.note_due().is_some_and(|due| due <= self.now || due > self.now + SAVED_WITHIN) {
            self.save_note(out);
        }
    }

    /// Writes down what was begun where it has changed. An emptied note is given up.
    pub(super) fn save_note(&mut self, out: &mut Vec<Effect>) {
        let (now, rep) = (self.now, self.setup.me.clone());
        let Mode::Note(note) = &mut self.mode else { return };
        if !matches!(note.saved, Saved::Typing { .. }) {
            return;
        }
        note.saved = Saved::At(now);
        let (case, begun) = (note.case, note.begun());
        let event = if begun.text.is_empty() {
            (Event::NoteBegun { case, rep, on: false }, None)
        } else {
            (Event::NoteBegun { case, rep, on: true }, Some(Body::BegunNote(begun)))
        };
        self.books.note_append = Some(self.append_surely(vec![event], None, out));
        self.dirty = true;
    }

    /// The store did not take it: it is saved again when due.
    pub(super) fn note_not_saved(&mut self, token: AppendToken) {
        if self.books.note_append == Some(token) {
            self.books.note_append = None;
            let now = self.now;
            if let Mode::Note(note) = &mut self.mode {
                note.saved = Saved::Typing { since: now };
            }
        }
    }

    fn note_changed(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        if let Mode::Note(note) = &mut self.mode
            && !matches!(note.saved, Saved::Typing { .. })
        {
            note.saved = Saved::Typing { since: now };
        }
        self.save_note_when_due(out);
    }

    /// A key that is no command, while the note has the keys.
    pub(super) fn type_note(&mut self, key: KeyEvent, out: &mut Vec<Effect>) {
        let Mode::Note(note) = &mut self.mode else { return };
        let is_line_feed = key.code == KeyCode::Char('j') && key.modifiers.contains(KeyModifiers::CONTROL);
        let key = if is_line_feed { KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE) } else { key };
        let adds = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter);
        if key.code == KeyCode::Tab {
            // A note has no tabs and no slots.
            return;
        }
        if adds && note.characters() > NOTE_CHARACTERS && !note.editor.is_selecting() {
            note.problem = Some(format!("a note holds at most {NOTE_CHARACTERS} characters"));
        } else {
            note.problem = None;
            if note.editor.input(key) {
                self.note_changed(out);
            }
        }
        self.dirty = true;
    }

    pub(super) fn paste_note(&mut self, text: &str, out: &mut Vec<Effect>) {
        let Mode::Note(note) = &mut self.mode else { return };
        let room = NOTE_CHARACTERS.saturating_sub(note.characters());
        let head: String = text.chars().take(room.saturating_mul(4) + 64).collect();
        let cleaned = clean::text(&head);
        let kept: String = cleaned.chars().take(room).collect();
        let is_cut = kept.len() < cleaned.len() || head.len() < text.len();
        note.editor.insert_str(&kept);
        self.note_changed(out);
        self.dirty = true;
        if is_cut {
            self.warn(format!("the paste was cut: a note holds at most {NOTE_CHARACTERS} characters"));
        }
    }

    /// Ctrl-S in the note.
    pub(super) fn leave_in_case(&mut self, out: &mut Vec<Effect>) {
        let Mode::Note(note) = &mut self.mode else { return };
        let (case, words) = (note.case, note.words());
        if words.trim().is_empty() {
            note.problem = Some("there are no words yet".to_owned());
            self.dirty = true;
            return;
        }
        self.leave_screen();
        self.add_note(case, &words, out);
        let case = self.case_words(case);
        self.info(format!("noted in {case}; only the team reads it"));
    }

    fn add_note(&mut self, case: CaseId, words: &str, out: &mut Vec<Effect>) {
        let note = EventId(self.ids.next(self.now));
        let text = NoteText::new(clean::text(words).trim().to_owned());
        let event = (Event::NoteAdded { case, note }, Some(Body::Note(text)));
        self.append_surely(vec![event], Some("noting"), out);
    }

    /// Esc in the note: what was begun is kept for its rep, and nobody has left it in the case.
    pub(super) fn leave_note(&mut self, out: &mut Vec<Effect>) {
        self.save_note(out);
        let Mode::Note(note) = self.leave_screen() else { return };
        let begun = note.begun();
        if !begun.text.is_empty() {
            self.books.notes_begun.insert(note.case, begun);
            self.info("the note is kept as you left it, for you alone; i goes on with it".to_owned());
        }
    }

    /// Whether a text on its way to a customer holds the words of a note of its case.
    pub(super) fn repeats_note(&self, case: CaseId, text: &str) -> bool {
        self.notes_of(case).iter().filter_map(|(_, note)| *note).any(|note| !note.is_empty() && note.is_within(text))
    }
}
