//! Deeds that several screens share: writing to the log, notices, and what `c`, `C`, `e`, `E`, `y` and `o` do.

use super::clipboard;
use super::command::{Command, ModeKind};
use super::notice::{Notice, Weight};
use super::{App, AppendToken, Effect, Mode, PendingAction};
use crate::desk::{Case, PostState, PostView};
use crate::model::event::Standing;
use crate::model::words::{behind_colon, ended_as};
use crate::model::{
    Body, CaseId, Deed, Event, EventId, Expect, Mark, NewEvent, NotAppended, Post, Purpose, RepName, Seq, clean,
};

impl App {
    /// Appends a batch. `word` names it on the screen until its envelopes come back; a draft has none.
    pub(super) fn append(
        &mut self,
        events: Vec<(Event, Option<Body>)>,
        expect: Option<Expect>,
        word: Option<&'static str>,
        out: &mut Vec<Effect>,
    ) -> AppendToken {
        self.books.next_token += 1;
        let token = AppendToken(self.books.next_token);
        let case = events.iter().find_map(|(event, _)| event.case());
        let events: Vec<_> = events
            .into_iter()
            .map(|(event, body)| NewEvent {
                // A note is named by its own event.
                id: match &event {
                    Event::NoteAdded { note, .. } => *note,
                    _ => EventId(self.ids.next(self.now)),
                },
                at: self.now,
                rep: self.setup.me.clone(),
                machine: self.setup.machine.clone(),
                event,
                body,
            })
            .collect();
        if let Some(word) = word {
            self.pending.insert(token, PendingAction { case, word });
            self.books.under_way.insert(token, events.iter().map(|event| event.id).collect());
            self.dirty = true;
        }
        out.push(Effect::Append { token, events, expect });
        token
    }

    /// Appends one event under an id that follows from what it says; nothing waits for it, as what it says may come
    /// from elsewhere as well.
    pub(super) fn append_as(&mut self, id: EventId, event: Event, body: Option<Body>, out: &mut Vec<Effect>) {
        self.books.next_token += 1;
        let event =
            NewEvent { id, at: self.now, rep: self.setup.me.clone(), machine: self.setup.machine.clone(), event, body };
        out.push(Effect::Append { token: AppendToken(self.books.next_token), events: vec![event], expect: None });
    }

    /// The store's answer. What was written becomes real when its envelopes come back.
    pub(super) fn appended(&mut self, token: AppendToken, result: Result<Seq, NotAppended>) {
        // Of several decks that give a claim back one is first; a full disk is tried again with the next tick.
        if self.released(token, result.is_ok()) {
            return;
        }
        if self.handed_to_group(token, &result) {
            return;
        }
        let why = match result {
            Ok(seq) => {
                self.kept(token);
                if seq <= self.desk.seq {
                    self.forget_pending(token);
                }
                return;
            }
            Err(why) => why,
        };
        let word = self.pending.get(&token).map_or_else(|| self.kept_word(token), |action| action.word);
        self.forget_pending(token);
        self.draft_not_saved(token);
        self.note_not_saved(token);
        self.not_done(token);
        let is_news = self.not_kept(token);
        let queued = self.books.queued.iter().find(|queued| queued.token == token).cloned();
        self.books.queued.retain(|queued| queued.token != token);
        self.dirty = true;
        if let (Some(queued), NotAppended::Conflict { .. }) = (queued, &why) {
            self.back_after_conflict(&queued);
        }
        match why {
            NotAppended::Conflict { winner } => {
                let did = self.told(&winner.event).unwrap_or_else(|| "changed the case".to_owned());
                self.warn(format!("not {word}: {} was first and {did}", self.who(&winner.rep)));
            }
            NotAppended::Failed { why } if is_news => self.error(format!("{word} failed: {why}")),
            NotAppended::Failed { .. } => {}
        }
    }

    pub(super) fn forget_pending(&mut self, token: AppendToken) {
        self.dirty |= self.pending.remove(&token).is_some();
        self.books.under_way.remove(&token);
    }

    pub(super) fn who(&self, rep: &RepName) -> String {
        if *rep == self.setup.me { "you, in another window,".to_owned() } else { rep.to_string() }
    }

    /// What an event did, in words after a name: `claimed case 12`. `None` for events nobody is told of.
    pub(super) fn told(&self, event: &Event) -> Option<String> {
        let case = self.case_words(event.case()?);
        Some(match event {
            Event::CaseClaimed { .. } => format!("claimed {case}"),
            Event::CaseReleased { .. } => format!("gave {case} back"),
            Event::CaseAssigned { to, .. } => format!("handed {case} to {to}"),
            Event::CaseSnoozed { .. } => format!("put {case} off"),
            Event::CaseResolved { cause, outcome, .. } => {
                format!("resolved {case}{}", behind_colon(ended_as(cause.as_deref(), outcome.as_deref())))
            }
            Event::CaseReopened { .. } => format!("reopened {case}"),
            Event::ReplyQueued { .. } => format!("is sending a reply in {case}"),
            Event::ReplyRecalled { .. } => format!("took a reply back in {case}"),
            Event::ReplyAttempted { .. } | Event::ReplySent { .. } | Event::ReplyDelivered { .. } => {
                format!("answered in {case}")
            }
            Event::ReplyHandedOver { .. } => format!("took a reply in {case} to the network's page"),
            Event::NoteAdded { .. } => format!("left a note in {case}"),
            _ => return None,
        })
    }

    /// `case 12 (@jo_m)`.
    pub(super) fn case_words(&self, case: CaseId) -> String {
        let Some(case) = self.desk.cases.get(&case) else { return "a case".to_owned() };
        match self.handle_of(case) {
            Some(handle) => format!("case {} (@{handle})", case.number),
            None => format!("case {}", case.number),
        }
    }

    /// `14:41` in the rep's zone.
    pub(super) fn hours(&self, at: jiff::Timestamp) -> String {
        at.to_zoned(self.setup.zone.clone()).strftime("%H:%M").to_string()
    }

    pub fn handle_of(&self, case: &Case) -> Option<String> {
        let desk = self.desk_of(case.id);
        let bodies = case.posts.iter().rev().filter_map(|post| desk.posts.get(post)?.body.as_ref());
        bodies.map(|post| post.author.handle.clone()).find(|handle| !handle.is_empty())
    }

    pub(super) fn info(&mut self, text: String) {
        self.say(Weight::Info, text);
    }

    pub(super) fn warn(&mut self, text: String) {
        self.say(Weight::Warning, text);
    }

    pub(super) fn error(&mut self, text: String) {
        self.say(Weight::Error, text);
    }

    fn say(&mut self, weight: Weight, text: String) {
        self.keep_notice(Notice { at: self.now, weight, text });
    }

    /// Takes back warnings that are no longer so; who reads them would look for what has been mended.
    pub(super) fn unsay(&mut self, is_over: impl Fn(&str) -> bool) {
        self.dirty |= self.notices.take_back(is_over);
    }

    pub(super) fn keep_notice(&mut self, notice: Notice) {
        self.notices.keep(notice);
        self.dirty = true;
    }

    /// Whether the key was pressed for the second time in a row; the first time says `warning`.
    pub(super) fn second_press(&mut self, command: Command, of: String, warning: String) -> bool {
        if self.books.armed.take_if(|armed| armed.0 == command && armed.1 == of).is_some() {
            return true;
        }
        self.books.armed = Some((command, of));
        self.warn(warning);
        false
    }

    /// The case of the post in hand, for a command that changes it. In a column that follows nothing is chosen yet:
    /// the newest post is, and the key has to be pressed again, as another post may have come in between.
    pub(super) fn case_to_change(&mut self) -> Option<Case> {
        if self.post_in_hand().is_none() {
            if self.choose_newest() {
                self.info("the newest post is now chosen; press the key again".to_owned());
            } else {
                self.info("there is no post here yet".to_owned());
            }
            return None;
        }
        let case = self.case_in_hand().cloned();
        if case.is_none()
            && let Some(post) = self.post_in_hand()
        {
            self.info(no_case(post).to_owned());
        }
        case
    }

    /// `c`: the marked cases, the case in hand, or the one a quote is worth.
    pub(super) fn claim_chosen(&mut self, out: &mut Vec<Effect>) {
        if self.marked_cases().is_empty() && self.open_from_quote(None, out) {
            return;
        }
        match self.cases_to_change().as_slice() {
            [case] => self.claim(case, out),
            many => self.claim_all(many.to_vec(), out),
        }
    }

    /// A quote opens no case by itself; a rep's key does, and claims it. `purpose`: the draft to begin then. Whether
    /// the post in hand was one.
    pub(super) fn open_from_quote(&mut self, purpose: Option<Purpose>, out: &mut Vec<Effect>) -> bool {
        let quote = |post: &&PostView| {
            post.standing == Standing::Quote
                && post.case.is_none()
                && self.desk.posts.contains_key(&post.id)
                && post.body.is_some()
        };
        let Some(post) = self.post_in_hand().filter(quote).cloned() else { return false };
        let case = CaseId::of(&post.author, &post.conversation);
        if self.pending.values().any(|action| action.case == Some(case)) {
            self.info("still on its way".to_owned());
            return true;
        }
        if let Some(why) = self.over_the_cap(&self.setup.me.clone(), 1) {
            self.warn(why);
            return true;
        }
        let opened = Event::CaseOpened {
            case,
            author: post.author.clone(),
            conversation: post.conversation.clone(),
            post: post.id.clone(),
            posted_at: post.at,
        };
        let known = self.desk.cases.get(&case);
        let expected = Expect { case, seq: known.map_or(Seq(0), |case| case.contended) };
        let events = vec![(opened, None), (Event::CaseClaimed { case }, None)];
        self.append(events, Some(expected), Some("claiming"), out);
        self.books.draft_after = purpose.map(|purpose| (post, purpose));
        true
    }

    pub(super) fn claim(&mut self, case: &Case, out: &mut Vec<Effect>) {
        if let Some(why) = Deed::Claim.refused(case.status) {
            return self.info(why.to_owned());
        }
        if self.pending.values().any(|action| action.case == Some(case.id)) {
            return self.info("still on its way".to_owned());
        }
        match &case.owner {
            Some(owner) if *owner == self.setup.me => return self.info("it is yours already".to_owned()),
            _ if self.over_the_cap(&self.setup.me, 1).is_some() => {
                let why = self.over_the_cap(&self.setup.me, 1).unwrap_or_default();
                return self.warn(why);
            }
            // A key pressed twice must not take somebody's work away: taking over has a key of its own.
            Some(owner) => {
                let held = self.held_words(case, owner);
                let key = self.setup.keys.key(ModeKind::Columns, Command::TakeOver);
                let key = if key.is_empty() { format!(":{}", Command::TakeOver.name()) } else { key };
                self.books.armed = Some((Command::TakeOver, case.id.to_string()));
                return self.warn(format!("not claimed: {held}; {key} takes it over from {owner}"));
            }
            None => {}
        }
        self.claim_now(case, out);
    }

    /// `bo has it since 14:02 and is writing`
    fn held_words(&self, case: &Case, owner: &RepName) -> String {
        let since = case.claimed_at.map_or_else(String::new, |at| format!(" since {}", self.hours(at)));
        let doing = match (self.left_behind(case), self.doing_in(owner, case.id)) {
            (Some(_), _) => ", but their session was cut off".to_owned(),
            (None, Some(doing)) => format!(" and is {} it now", doing.word()),
            (None, None) => String::new(),
        };
        format!("{owner} has it{since}{doing}")
    }

    /// `gc`: right after the claim was refused with the owner's name it takes the case over; else it names them first.
    pub(super) fn take_over(&mut self, out: &mut Vec<Effect>) {
        let Some(case) = self.case_to_change() else { return };
        let Some(owner) = case.owner.clone().filter(|owner| *owner != self.setup.me) else {
            return self.claim(&case, out);
        };
        if let Some(why) = Deed::Claim.refused(case.status) {
            return self.info(why.to_owned());
        }
        if self.pending.values().any(|action| action.case == Some(case.id)) {
            return self.info("still on its way".to_owned());
        }
        if let Some(why) = self.over_the_cap(&self.setup.me, 1) {
            return self.warn(why);
        }
        let warning = format!("{}; the same keys again take it over from {owner}", self.held_words(&case, &owner));
        if self.second_press(Command::TakeOver, case.id.to_string(), warning) {
            self.claim_now(&case, out);
            let words = self.case_words(case.id);
            self.info(format!("taking {words} over from {owner}, who is told; u gives it back"));
        }
    }

    fn claim_now(&mut self, case: &Case, out: &mut Vec<Effect>) {
        let claimed = Event::CaseClaimed { case: case.id };
        self.do_to(Deed::Claim, ("claiming", "claimed"), vec![(case.clone(), Ok(claimed))], out);
    }

    pub(super) fn release(&mut self, case: &Case, out: &mut Vec<Effect>) {
        match &case.owner {
            Some(owner) if *owner == self.setup.me => {
                let released = Event::CaseReleased { case: case.id };
                self.do_to(Deed::Release, ("releasing", "released"), vec![(case.clone(), Ok(released))], out);
            }
            Some(owner) => {
                let key = self.setup.keys.key(ModeKind::Columns, Command::TakeOver);
                self.info(format!("it is {owner}'s, not yours; {key} takes it over"));
            }
            None => self.info("nobody has claimed it".to_owned()),
        }
    }

    /// `yl`, `yt`, `yh`, `yc`.
    pub(super) fn copy(&mut self, command: Command, out: &mut Vec<Effect>) {
        if self.post_in_hand().is_none() {
            self.choose_newest();
        }
        let Some(post) = self.post_in_hand().cloned() else {
            return self.info("there is no post here yet".to_owned());
        };
        let body = post.body.as_ref();
        let (what, text) = match command {
            Command::CopyText => ("the text", body.map(|post| clean::text(&post.text))),
            Command::CopyHandle => ("the handle", body.map(|post| clean::line(&post.author.shown()))),
            Command::CopyCase => ("the case's number", self.case_in_hand().map(|case| case.number.to_string())),
            _ => ("the link", body.map(|post| clean::line(&self.page_of(post)))),
        };
        match text {
            Some(text) => {
                let copied = clipboard::fitting(&text);
                let told = clipboard::told(what, &text, copied);
                out.push(Effect::Copy { text: copied.to_owned() });
                if copied.len() == text.len() { self.info(told) } else { self.warn(told) }
            }
            None if command == Command::CopyCase => self.info("this post is no case".to_owned()),
            None => self.say_no_text(&post),
        }
    }

    /// `o`: the page of the post in hand, in the outbox that of the post the reply answers.
    pub(super) fn open_page(&mut self, out: &mut Vec<Effect>) {
        if matches!(self.mode, Mode::Columns) && self.post_in_hand().is_none() {
            self.choose_newest();
        }
        let post = match self.mode {
            Mode::Outbox { selected } => {
                self.outbox().get(selected).and_then(|reply| self.desk.posts.get(&reply.to)).cloned()
            }
            _ => self.post_in_hand().cloned(),
        };
        let Some(post) = post else { return self.info("there is no post to open".to_owned()) };
        if matches!(post.state, PostState::Deleted | PostState::Erased) {
            return self.info("the post is gone".to_owned());
        }
        match &post.body {
            Some(body) => out.push(Effect::Open { url: clean::line(&self.page_of(body)) }),
            None => self.say_no_text(&post),
        }
    }

    /// The page of a post: the network's own, or the simulator's where one stands in for it.
    pub fn page_of(&self, post: &Post) -> String {
        let source = self.setup.columns.get(self.focus).and_then(|column| column.on(post.network()));
        let of_column = source.and_then(|source| self.account(&source.account));
        of_column.map_or_else(|| post.page(&self.setup.accounts), |us| post.page_on(&us.web_url))
    }

    /// The letter of a case as this rep sees it.
    pub fn mark(&self, case: Option<&Case>) -> Mark {
        case.map_or(Mark::None, |case| case.mark(&self.setup.me))
    }
}

/// Why there is nothing to claim, answer or resolve.
pub(super) fn no_case(post: &PostView) -> &'static str {
    match post.case {
        Some(_) => "this post is no case on the desk: it was only found; o opens its page",
        None => "this post is no case: it is ours, or passed on by somebody",
    }
}

/// What compare-and-set expects of a case as it is known here.
pub(super) fn expect(case: &Case) -> Expect {
    Expect { case: case.id, seq: case.contended }
}
