//! The editor: opening a draft, typing, saving as one types, saved replies, `$EDITOR`.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::acts::no_case;
use super::books::Opening;
use super::chord::{Chord, Named};
use super::compose_text::{filled, open_slot, published};
use super::composer::{Composer, Saved};
use super::{App, AppendToken, Effect, Mode, Setup, greeting};
use crate::desk::{CaseDraft, PostView};
use crate::model::{Account, Body, BodyId, CaseId, DraftText, Event, Post, PostId, Purpose, RepName, Verdict, clean};

/// A draft is in the log at latest so long after its first unsaved key.
pub const SAVED_WITHIN: SignedDuration = SignedDuration::from_millis(500);

/// No network takes a reply this long; more is cut, with a notice. X's count grows with the square of the length,
/// and is taken at every key.
pub const CHARACTERS: usize = 1_000;

impl App {
    /// The reply being written, also under its preview and its saved replies.
    pub fn composer(&self) -> Option<&Composer> {
        match &self.mode {
            Mode::Composer(composer) | Mode::SavedReplies(composer, _) => Some(composer),
            Mode::Preview(_) => self.books.composer.as_deref(),
            _ => None,
        }
    }

    pub(super) fn composer_mut(&mut self) -> Option<&mut Composer> {
        match &mut self.mode {
            Mode::Composer(composer) | Mode::SavedReplies(composer, _) => Some(composer),
            Mode::Preview(_) => self.books.composer.as_deref_mut(),
            _ => None,
        }
    }

    pub(super) fn draft_case(&self) -> Option<CaseId> {
        self.composer().map(|composer| composer.case)
    }

    /// `r`, `d`, `b`: opens the case's draft for that purpose, or a new one.
    pub(super) fn draft(&mut self, purpose: Purpose, out: &mut Vec<Effect>) {
        if self.post_in_hand().is_none() && !self.choose_newest() {
            return self.info("there is no post here yet".to_owned());
        }
        if self.open_from_quote(Some(purpose), out) {
            return;
        }
        if let Some(post) = self.post_in_hand().cloned() {
            self.draft_for(post, purpose, None, out);
        }
    }

    /// Opens the rep's own draft; without one that of somebody else, which stays as it is. `of`: whose draft is wanted
    /// beside one's own.
    pub(super) fn draft_for(&mut self, post: PostView, purpose: Purpose, of: Option<RepName>, out: &mut Vec<Effect>) {
        let post = self.drafted_for(post, purpose, of.as_ref());
        // The store has brought what was missing: what is still missing was erased.
        let answered = |opening: &mut Opening| {
            opening.awaited.is_empty() && opening.post.id == post.id && opening.purpose == purpose && opening.of == of
        };
        let is_read = self.books.opening.take_if(answered).is_some();
        let Some(seen) = post.body.clone() else {
            if post.lacks_text() && !is_read {
                return self.await_draft(post, purpose, of, "reading the post", out);
            }
            return self.info("the post's text was removed; there is nothing to answer".to_owned());
        };
        let Some(account) = self.reply_account(&post).cloned() else {
            return self
                .error(format!("no account of ours answers on {}: see reply_as in the config", post.id.network()));
        };
        let case = post.case.and_then(|case| self.desk.cases.get(&case)).or_else(|| self.desk.case_of(&post.id));
        let Some(case) = case else {
            return self.info(no_case(&post).to_owned());
        };
        let case_id = case.id;
        let author = case.author.clone();
        if purpose.is_private() && !self.may_read_messages(Some(&account.name), account.network) {
            return self.warn(format!("only the reps of {} write its direct messages", account.name));
        }
        if purpose.is_private() && !self.knows_may_message(&account, &author, &post, out) {
            return;
        }
        // Looked up anew: asking may have changed what the deck keeps.
        let Some(case) = self.desk.cases.get(&case_id) else { return };
        let me = &self.setup.me;
        let on_its_way = self.draft_on_its_way(case_id, purpose).and_then(|it| Some((it.draft.clone()?, it.saved)));
        let own = case.draft_of(purpose, me);
        let mut others = case.others_drafts(purpose, me);
        others.retain(|draft| self.may_read_draft(draft));
        let wanted = others.iter().copied().find(|draft| of.as_ref() == Some(&draft.rep));
        let is_first = own.is_none() && on_its_way.is_none();
        let theirs = wanted.or_else(|| others.first().copied().filter(|_| is_first));
        let lacks = |draft: Option<&CaseDraft>| draft.is_some_and(|draft| draft.draft.is_none());
        if !is_read && (lacks(theirs) || (lacks(own) && on_its_way.is_none())) {
            return self.await_draft(post, purpose, of, "reading the draft", out);
        }
        let mine = match (on_its_way, own) {
            // Saved once more: the store may have refused it.
            (Some((text, saved)), _) => Some((text, saved, Saved::Typing { since: self.now })),
            // Without a text where it was erased.
            (None, own) => own.and_then(|draft| Some((draft.draft.clone()?, draft.saved, Saved::At(draft.saved)))),
        };
        let from = theirs.and_then(|draft| Some((draft.rep.clone(), draft.draft.clone()?, draft.saved)));
        let beside = others.first().filter(|_| from.is_none()).map(|draft| draft.rep.clone());
        let (text, began, saved) = match (mine, &from) {
            (None, None) => (self.opening(purpose, &seen), self.now, Saved::Untouched),
            (Some(mine), None) => mine,
            (None, Some((_, text, saved))) => (text.clone(), *saved, Saved::Untouched),
            // Both texts are in the editor, and saved as one's own with the first key.
            (Some((mine, began, _)), Some((_, theirs, _))) if mine.text.trim() != theirs.text.trim() => {
                let text = format!("{}\n\n{}", mine.text.trim_end(), theirs.text);
                (DraftText { text, cursor: mine.cursor }, began, Saved::Untouched)
            }
            (Some(mine), Some(_)) => mine,
        };
        let from = from.map(|(rep, _, _)| rep);
        let is_resumed = !is_first || from.is_some();
        match (&from, beside) {
            (Some(rep), _) => self.warn(format!("this is {rep}'s draft; what you change is saved as yours")),
            (None, Some(rep)) => self.info(format!("{rep} has a draft of this too; gd lists both")),
            (None, None) => {}
        }
        if let Some(asked) = self.opt_out_words(&author) {
            self.warn(format!("{asked}; :lift-opt-out lifts it"));
        }
        let began = *self.books.began.entry((case_id, purpose)).or_insert(began);
        self.open_composer(case_id, &post, &seen, purpose, &account, &text, saved, began);
        if let Mode::Composer(composer) = &mut self.mode {
            composer.from = from;
        }
        if is_resumed {
            self.say_written_since(&post.id);
        }
    }

    /// `C-n`: the rep's next draft, in the order of their cases; the one in hand is kept as it stands, cursor included.
    pub(super) fn next_draft(&mut self, out: &mut Vec<Effect>) {
        let here = self.composer().map(|composer| (composer.case, composer.purpose));
        let me = &self.setup.me;
        let mut mine: Vec<(u64, CaseId, Purpose, Timestamp)> = self
            .drafts()
            .into_iter()
            .filter(|(_, _, draft)| draft.rep == *me)
            .map(|(case, purpose, draft)| (case.number, case.id, purpose, draft.saved))
            .collect();
        mine.retain(|(_, case, purpose, _)| here != Some((*case, *purpose)));
        mine.sort_unstable_by_key(|(number, _, purpose, _)| (*number, *purpose));
        let next = match here {
            Some((case, purpose)) => {
                let number = self.desk.cases.get(&case).map_or(0, |case| case.number);
                mine.iter().find(|(of, _, kind, _)| (*of, *kind) > (number, purpose)).or(mine.first())
            }
            // The one that was in hand last.
            None => mine.iter().max_by_key(|(_, _, _, saved)| *saved),
        };
        let Some((_, case, purpose, _)) = next.copied() else {
            let words =
                if here.is_some() { "no other draft of yours" } else { "no draft of yours; r, d or b begins one" };
            return self.info(words.to_owned());
        };
        if here.is_some() {
            self.save_draft(out);
            self.save_cursor(out);
            self.leave_screen();
        }
        match self.post_to_answer(case) {
            Some(post) => self.draft_for(post, purpose, None, out),
            None => self.info("the case's posts are gone; there is nothing to answer".to_owned()),
        }
    }

    /// The post of a case that an answer is for: the oldest that waits, else the newest.
    pub(super) fn post_to_answer(&self, case: CaseId) -> Option<PostView> {
        let case = self.desk.cases.get(&case)?;
        let mut posts: Vec<_> = case.posts.iter().filter_map(|post| self.desk.posts.get(post)).collect();
        posts.retain(|post| post.has_text());
        posts.sort_by_key(|post| (case.waiting_since != Some(post.at), std::cmp::Reverse(post.at)));
        posts.first().map(|post| (*post).clone())
    }

    /// A draft that is left is found again with the cursor where it was.
    pub(super) fn save_cursor(&mut self, out: &mut Vec<Effect>) {
        let Mode::Composer(composer) = &mut self.mode else { return };
        let (case, purpose, typed) = (composer.case, composer.purpose, typed_text(composer));
        let known = self.desk.cases.get(&case).and_then(|case| case.draft_of(purpose, &self.setup.me)?.draft.as_ref());
        if matches!(composer.saved, Saved::At(_))
            && known.is_some_and(|known| known.text == typed.text && known.cursor != typed.cursor)
        {
            composer.saved = Saved::Typing { since: self.now };
            self.save_draft(out);
        }
    }

    fn opening(&self, purpose: Purpose, post: &Post) -> DraftText {
        let openings = &self.setup.openings;
        let text = match purpose {
            Purpose::Acknowledgement => openings.acknowledgement.as_str(),
            Purpose::DmRequest => openings.dm_request.as_str(),
            Purpose::Both => openings.both.as_str(),
            Purpose::DirectMessage => "",
            Purpose::HappyPost => openings.happy_post.as_str(),
        };
        let text = filled(text, post);
        let lines: Vec<_> = text.split('\n').collect();
        let end = (lines.len() - 1, lines.last().map_or(0, |line| line.chars().count()));
        DraftText { text, cursor: end }
    }

    /// Asks the store for what a draft lacks: the post's text, its own, or both.
    fn await_draft(
        &mut self,
        post: PostView,
        purpose: Purpose,
        of: Option<RepName>,
        told: &str,
        out: &mut Vec<Effect>,
    ) {
        let mut awaited = Vec::new();
        if post.lacks_text() {
            awaited.push(BodyId::post(&post.id));
        }
        let case = post.case.and_then(|case| self.desk.cases.get(&case)).or_else(|| self.desk.case_of(&post.id));
        if let Some(case) = case {
            let lacking = case.drafts.iter().filter(|draft| draft.purpose == purpose && draft.draft.is_none());
            awaited.extend(lacking.map(|draft| draft.body_id(case.id)));
        }
        out.push(Effect::ReadBodies { ids: awaited.clone() });
        self.books.opening = Some(Opening { post, purpose, of, awaited });
        self.info(told.to_owned());
    }

    /// The store has answered: opens the draft that was waiting for just that.
    pub(super) fn open_awaited_draft(&mut self, answered: &[BodyId], out: &mut Vec<Effect>) {
        let Some(opening) = &mut self.books.opening else { return };
        opening.awaited.retain(|id| !answered.contains(id));
        if !opening.awaited.is_empty() {
            return;
        }
        let (post, purpose, of) = (opening.post.clone(), opening.purpose, opening.of.clone());
        if matches!(self.mode, Mode::Columns | Mode::Case { .. } | Mode::Drafts { .. }) {
            self.draft_for(post, purpose, of, out);
        }
        self.books.opening = None;
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site per way into the editor; a struct would be the composer"
    )]
    pub(super) fn open_composer(
        &mut self,
        case: CaseId,
        post: &PostView,
        seen: &Arc<Post>,
        purpose: Purpose,
        account: &Account,
        text: &DraftText,
        saved: Saved,
        began: Timestamp,
    ) {
        let mut composer = Composer {
            case,
            to: post.id.clone(),
            purpose,
            account: account.name.clone(),
            editor: editor(text),
            length: account.length(""),
            verdict: self.verdict(purpose, seen, account),
            saved,
            problem: None,
            seen: Some(Arc::clone(seen)),
            began,
            without_link: false,
            from: None,
        };
        self.say_refused(purpose, &composer.verdict);
        recount(&mut composer, &self.setup);
        select_slot(&mut composer);
        self.books.draft_append = None;
        self.open_over(Mode::Composer(Box::new(composer)));
    }

    /// Said once, as soon as it is known that the network will not have a public reply.
    pub(super) fn say_refused(&mut self, purpose: Purpose, verdict: &Verdict) {
        if let Verdict::No { why } = verdict
            && !purpose.is_private()
        {
            let why = format!("{why}. Write it all the same: the preview's go hands it over to the network's own page");
            self.warn(why);
        }
    }

    /// A key that is no command, while the editor has the keys.
    pub(super) fn type_key(&mut self, key: KeyEvent, out: &mut Vec<Effect>) {
        let Mode::Composer(composer) = &mut self.mode else { return };
        // A line feed is what some terminals and pastes send for Enter; the editor's own meaning, deleting the
        // line up to the cursor, would lose words.
        let is_line_feed = key.code == KeyCode::Char('j') && key.modifiers.contains(KeyModifiers::CONTROL);
        let key = if is_line_feed { KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE) } else { key };
        let chord = Chord::of(key);
        let is_full = composer.editor.lines().iter().map(|line| line.chars().count() + 1).sum::<usize>() > CHARACTERS;
        let adds = matches!(chord, Some(Chord::Char(_) | Chord::Named(Named::Space | Named::Enter)));
        if is_full && adds && !composer.editor.is_selecting() {
            return self.warn(format!("no network takes a reply of {CHARACTERS} characters"));
        }
        let called = match chord {
            Some(Chord::Char('/')) if composer.editor.is_empty() => Some("/"),
            Some(Chord::Char(':')) if before_cursor(&composer.editor).ends_with(':') => Some("::"),
            _ => None,
        };
        if let Some(called) = called.filter(|_| !self.setup.saved_replies.is_empty()) {
            if called == "::" {
                composer.editor.delete_char();
                self.edited(out);
            }
            return self.pick_saved_reply(called);
        }
        // No post has tabs: it leads on to the next slot, and where there is none nothing is put in its place.
        if chord == Some(Chord::Named(Named::Tab)) {
            select_next_slot(composer);
            self.dirty = true;
            return;
        }
        let cursor = composer.editor.cursor();
        let changed = composer.editor.input(key);
        self.dirty |= changed || composer.editor.cursor() != cursor || composer.editor.is_selecting();
        if changed {
            self.edited(out);
        }
    }

    /// After every change of the text.
    pub(super) fn edited(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        let (Mode::Composer(composer) | Mode::SavedReplies(composer, _)) = &mut self.mode else { return };
        composer.problem = None;
        if !matches!(composer.saved, Saved::Typing { .. }) {
            composer.saved = Saved::Typing { since: now };
        }
        recount(composer, &self.setup);
        self.dirty = true;
        self.save_when_due(out);
    }

    pub(super) fn draft_due(&self) -> Option<Timestamp> {
        match self.composer()?.saved {
            Saved::Typing { since } => Some(since + SAVED_WITHIN),
            Saved::Untouched | Saved::At(_) => None,
        }
    }

    pub(super) fn save_when_due(&mut self, out: &mut Vec<Effect>) {
        // A clock set back must not keep a draft from being saved.
        let is_due = self.draft_due().is_some_and(|due| due <= self.now || due > self.now + SAVED_WITHIN);
        if is_due {
            self.save_draft(out);
        }
    }

    /// Saves the open draft where it has changed. An emptied draft is dropped.
    pub(super) fn save_draft(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        let Some(composer) = self.composer_mut().filter(|composer| matches!(composer.saved, Saved::Typing { .. }))
        else {
            return;
        };
        composer.saved = Saved::At(now);
        let (case, purpose, to) = (composer.case, composer.purpose, composer.to.clone());
        let text = typed_text(composer);
        let event = if text.text.trim().is_empty() {
            // What is written next is begun anew.
            self.books.began.remove(&(case, purpose));
            (Event::DraftDropped { case, purpose, rep: Some(self.setup.me.clone()) }, None)
        } else {
            (self.draft_saved(case, purpose, &to), Some(Body::Draft(text)))
        };
        let token = self.append_surely(vec![event], None, out);
        self.books.draft_append = Some(token);
        self.dirty = true;
    }

    pub(super) fn draft_saved(&self, case: CaseId, purpose: Purpose, to: &PostId) -> Event {
        Event::DraftSaved { case, purpose, rep: Some(self.setup.me.clone()), to: Some(to.clone()) }
    }

    /// The store did not take it: the text is still unsaved, and saved again when due.
    pub(super) fn draft_not_saved(&mut self, token: AppendToken) {
        if self.books.draft_append == Some(token) {
            self.books.draft_append = None;
            let now = self.now;
            if let Some(composer) = self.composer_mut() {
                composer.saved = Saved::Typing { since: now };
            }
        }
    }

    /// A paste goes in as one piece, cleaned, and never acts as keys.
    pub(super) fn paste(&mut self, text: &str, out: &mut Vec<Effect>) {
        let chord_line = match &mut self.mode {
            Mode::Composer(composer) => {
                let has: usize = composer.editor.lines().iter().map(|line| line.chars().count() + 1).sum();
                let room = CHARACTERS.saturating_sub(has);
                // Cleaning is linear, but there is no need to clean megabytes to keep a few lines.
                let head: String = text.chars().take(room.saturating_mul(4) + 64).collect();
                let cleaned = clean::text(&head);
                let kept: String = cleaned.chars().take(room).collect();
                let cut = kept.len() < cleaned.len() || head.len() < text.len();
                let case = composer.case;
                if composer.editor.insert_str(&kept) {
                    self.edited(out);
                }
                if self.repeats_note(case, &kept) {
                    self.warn("these are words of a note: the team's own, and this is a public reply".to_owned());
                }
                if cut {
                    self.warn(format!("the paste was cut: a reply holds at most {CHARACTERS} characters here"));
                }
                return;
            }
            Mode::Note(_) => return self.paste_note(text, out),
            Mode::Tag(line) | Mode::Snooze(line) => {
                line.completing = None;
                &mut line.input
            }
            Mode::Palette(picker)
            | Mode::SavedReplies(_, picker)
            | Mode::Resolve { picker, .. }
            | Mode::Assign { picker, .. } => &mut picker.input,
            Mode::CommandLine(line) => line,
            Mode::Find(find) if !find.in_list => &mut find.input,
            Mode::AddColumn(adding) if adding.in_name => &mut adding.name,
            Mode::AddColumn(adding) => &mut adding.query,
            _ => return self.info("pasted text goes into an editor only; r opens one".to_owned()),
        };
        let head: String = text.chars().take(2_000).collect();
        chord_line.insert(&head);
        self.dirty = true;
        self.query_changed();
        self.narrow();
    }

    pub(super) fn edit_externally(&mut self, out: &mut Vec<Effect>) {
        self.save_draft(out);
        if let Mode::Composer(composer) = &self.mode {
            out.push(Effect::EditExternally { text: typed_text(composer).text });
        }
    }

    pub(super) fn editor_closed(&mut self, text: Result<String, String>, out: &mut Vec<Effect>) {
        let text = match text {
            Ok(text) => text,
            Err(why) => return self.error(format!("the editor failed, the text is as it was: {why}")),
        };
        let Mode::Composer(composer) = &mut self.mode else {
            return self.warn("the editor's text came after the draft was closed and was not taken".to_owned());
        };
        let cleaned = clean::text(&text);
        let kept: String = cleaned.trim_end().chars().take(CHARACTERS).collect();
        let cut = kept.len() < cleaned.trim_end().len();
        if kept != composer.editor.lines().join("\n") {
            composer.editor.select_all();
            composer.editor.cut();
            composer.editor.insert_str(&kept);
            self.edited(out);
        }
        if cut {
            self.warn(format!("the text was cut: a reply holds at most {CHARACTERS} characters here"));
        }
        self.dirty = true;
    }

    /// Puts a saved reply in at the cursor, slots filled as far as they fill themselves.
    pub(super) fn insert_saved_reply(&mut self, index: usize, out: &mut Vec<Effect>) {
        let Mode::SavedReplies(composer, _) = std::mem::replace(&mut self.mode, Mode::Columns) else { return };
        let mut composer = composer;
        if let Some(saved) = self.setup.saved_replies.get(index) {
            let post = composer.seen.clone();
            let opening = post.as_deref().map(|post| self.opening(composer.purpose, post).text);
            let is_untouched = opening.is_some_and(|opening| opening == composer.editor.lines().join("\n"));
            // An opening that asks for something is kept: the saved reply does not ask for it.
            if is_untouched && !composer.purpose.asks_for_dm() && greeting::speaks_to_them(&saved.text) {
                composer.editor.select_all();
                composer.editor.cut();
            }
            let text = greeting::going_on(&before_cursor(&composer.editor), &saved.text, post.as_deref());
            composer.editor.insert_str(clean::text(&text).trim_end());
        }
        select_slot(&mut composer);
        self.mode = Mode::Composer(composer);
        self.edited(out);
    }
}

/// The text and the cursor as they are kept.
pub(super) fn typed_text(composer: &Composer) -> DraftText {
    let cursor = composer.editor.cursor();
    DraftText { text: composer.editor.lines().join("\n"), cursor: (cursor.0, cursor.1) }
}

pub(super) fn recount(composer: &mut Composer, setup: &Setup) {
    let text = composer.editor.lines().join("\n");
    let account = setup.accounts.iter().find(|account| account.name == composer.account);
    if let (Some(account), Some(post)) = (account, composer.seen.as_deref()) {
        let whole = published(composer.purpose, post, account, &text, setup.signature.as_deref());
        composer.length =
            if composer.purpose.is_private() { account.message_length(&whole) } else { account.length(&whole) };
    }
}

/// Selects the first slot nobody has filled, so that the next letter takes its place. Whether there is one.
pub(super) fn select_slot(composer: &mut Composer) -> bool {
    select_slot_from(composer, 0)
}

/// Selects the first slot after the cursor, and after the last one the first.
fn select_next_slot(composer: &mut Composer) -> bool {
    let cursor = composer.editor.cursor();
    let (line, column) = (cursor.0, cursor.1);
    let lines = composer.editor.lines();
    let before: usize = lines.iter().take(line).map(|line| line.len() + 1).sum();
    let within = lines.get(line).and_then(|line| line.char_indices().nth(column)).map(|(at, _)| at);
    let at = before + within.unwrap_or_else(|| lines.get(line).map_or(0, String::len));
    select_slot_from(composer, at) || select_slot_from(composer, 0)
}

fn select_slot_from(composer: &mut Composer, from: usize) -> bool {
    let text = composer.editor.lines().join("\n");
    let Some(slot) = text.get(from..).and_then(open_slot) else { return false };
    let slot = slot.start + from..slot.end + from;
    let place = |at: usize| {
        let head = &text[..at];
        let line = head.rfind('\n').map_or(head, |feed| &head[feed + 1..]);
        let column = u16::try_from(line.chars().count()).unwrap_or(u16::MAX);
        CursorMove::Jump(u16::try_from(head.matches('\n').count()).unwrap_or(u16::MAX), column)
    };
    composer.editor.cancel_selection();
    composer.editor.move_cursor(place(slot.start));
    composer.editor.start_selection();
    composer.editor.move_cursor(place(slot.end));
    true
}

fn editor(draft: &DraftText) -> TextArea<'static> {
    let text: String = clean::text(&draft.text).chars().take(CHARACTERS).collect();
    let mut editor = TextArea::new(text.split('\n').map(str::to_owned).collect());
    editor.set_wrap_mode(WrapMode::WordOrGlyph);
    editor.set_cursor_line_style(Style::default());
    let line = u16::try_from(draft.cursor.0).unwrap_or(u16::MAX);
    editor.move_cursor(CursorMove::Jump(line, u16::try_from(draft.cursor.1).unwrap_or(u16::MAX)));
    editor
}

/// The text up to the cursor.
fn before_cursor(editor: &TextArea<'_>) -> String {
    let cursor = editor.cursor();
    let mut before = editor.lines().get(..cursor.0).unwrap_or_default().join("\n");
    if cursor.0 > 0 {
        before.push('\n');
    }
    before.extend(editor.lines().get(cursor.0).into_iter().flat_map(|line| line.chars().take(cursor.1)));
    before
}
