//! Writing a note: an editor of its own, whose text is of a type nothing sends.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::{App, Effect, Mode};
use crate::model::{Body, CaseId, Deed, Event, EventId, NoteText, clean};

/// A longer note is a document.
pub const NOTE_CHARACTERS: usize = 4_000;

/// A note being written.
#[derive(Debug)]
pub struct NoteEditor {
    pub case: CaseId,
    pub editor: TextArea<'static>,
    /// What stands in the way of saving.
    pub problem: Option<String>,
}

impl NoteEditor {
    fn words(&self) -> String {
        self.editor.lines().join("\n")
    }

    fn characters(&self) -> usize {
        self.editor.lines().iter().map(|line| line.chars().count() + 1).sum()
    }
}

impl App {
    /// `i`: goes on with what was left, or begins a note.
    pub(super) fn write_note(&mut self) {
        let Some(case) = self.case_to_change() else { return };
        if let Some(why) = Deed::Note.refused(case.status) {
            return self.info(why.to_owned());
        }
        let text = self.books.notes_begun.remove(&case.id).unwrap_or_default();
        let mut editor = TextArea::new(text.split('\n').map(str::to_owned).collect());
        editor.set_wrap_mode(WrapMode::WordOrGlyph);
        editor.set_cursor_line_style(Style::default());
        editor.move_cursor(CursorMove::Bottom);
        editor.move_cursor(CursorMove::End);
        self.open_over(Mode::Note(Box::new(NoteEditor { case: case.id, editor, problem: None })));
    }

    /// A key that is no command, while the note has the keys.
    pub(super) fn type_note(&mut self, key: KeyEvent) {
        let Mode::Note(note) = &mut self.mode else { return };
        let is_line_feed = key.code == KeyCode::Char('j') && key.modifiers.contains(KeyModifiers::CONTROL);
        let key = if is_line_feed { KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE) } else { key };
        let adds = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter);
        if adds && note.characters() > NOTE_CHARACTERS && !note.editor.is_selecting() {
            note.problem = Some(format!("a note holds at most {NOTE_CHARACTERS} characters"));
        } else {
            note.problem = None;
            note.editor.input(key);
        }
        self.dirty = true;
    }

    pub(super) fn paste_note(&mut self, text: &str) {
        let Mode::Note(note) = &mut self.mode else { return };
        let room = NOTE_CHARACTERS.saturating_sub(note.characters());
        let head: String = text.chars().take(room.saturating_mul(4) + 64).collect();
        let cleaned = clean::text(&head);
        let kept: String = cleaned.chars().take(room).collect();
        let is_cut = kept.len() < cleaned.len() || head.len() < text.len();
        note.editor.insert_str(&kept);
        self.dirty = true;
        if is_cut {
            self.warn(format!("the paste was cut: a note holds at most {NOTE_CHARACTERS} characters"));
        }
    }

    /// Ctrl-S in the note.
    pub(super) fn save_note(&mut self, out: &mut Vec<Effect>) {
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

    /// Esc in the note: what was written waits in this run.
    pub(super) fn leave_note(&mut self) {
        let Mode::Note(note) = self.leave_screen() else { return };
        let words = note.words();
        if !words.trim().is_empty() {
            self.books.notes_begun.insert(note.case, words);
            self.info("the note is not saved yet; i goes on with it, quitting saves it".to_owned());
        }
    }

    /// The deck ends: what was begun is kept as it stands rather than lost.
    pub(super) fn keep_notes(&mut self, out: &mut Vec<Effect>) {
        if let Mode::Note(note) = &self.mode {
            self.books.notes_begun.insert(note.case, note.words());
            self.leave_screen();
        }
        for (case, words) in std::mem::take(&mut self.books.notes_begun) {
            if !words.trim().is_empty() {
                self.add_note(case, &words, out);
            }
        }
    }

    /// The notes of a case, oldest first, as far as the store was asked for them: when, whose, and the words; `None`
    /// for words that were removed.
    pub fn notes_of(&self, case: CaseId) -> Vec<(&crate::model::Envelope, Option<&NoteText>)> {
        let events = self.case_events.as_ref().filter(|events| events.case == case);
        let notes = events.into_iter().flat_map(|events| &events.events);
        let notes = notes.filter(|envelope| matches!(envelope.event, Event::NoteAdded { .. }));
        notes
            .map(|envelope| match &envelope.body {
                Some(Body::Note(text)) => (&**envelope, Some(text)),
                _ => (&**envelope, None),
            })
            .collect()
    }

    /// Whether a text on its way to a customer holds the words of a note of its case.
    pub(super) fn repeats_note(&self, case: CaseId, text: &str) -> bool {
        self.notes_of(case).iter().filter_map(|(_, note)| *note).any(|note| !note.is_empty() && note.is_within(text))
    }
}
