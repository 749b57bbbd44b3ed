//! One message in, what the shell must do out.

use jiff::Timestamp;

use super::{App, Effect, Mode, Msg};

/// Takes one message. `now` is the time of the message; every clock of the deck is reckoned from it.
pub fn update(app: &mut App, now: Timestamp, msg: Msg) -> Vec<Effect> {
    // A machine's clock may be set back; the deck's does not run backwards within a second of typing.
    app.now = now;
    app.follow_time();
    let mut out = Vec::new();
    let is_input = matches!(msg, Msg::Key(_) | Msg::Paste(_));
    if is_input {
        app.touched();
    }
    let may_move = is_input || matches!(msg, Msg::Tick | Msg::CaughtUp | Msg::EditorClosed(_));
    match msg {
        Msg::Key(key) => app.key(key, &mut out),
        Msg::Paste(text) => app.paste(&text, &mut out),
        Msg::Resized { columns, rows } => {
            app.dirty |= app.size != (columns, rows);
            app.size = (columns, rows);
        }
        Msg::Tick => app.tick(&mut out),
        Msg::Envelopes(envelopes) => app.ingest(&envelopes, &mut out),
        Msg::CaughtUp => app.caught_up(&mut out),
        Msg::Adopt(replies) => app.adopt(&replies, &mut out),
        Msg::Gone(gone) => {
            app.dirty |= app.gone != gone;
            app.gone = gone;
        }
        Msg::Present(present) => app.present(present),
        Msg::Link(report) => app.link(report),
        Msg::Account(account) => app.reached(account),
        Msg::Login(report) => app.login(report),
        Msg::Appended { token, result } => app.appended(token, result),
        Msg::Store(answer) => app.store_answered(answer, &mut out),
        Msg::FoundOnNetwork { words, found } => app.found_on_network(&words, found),
        Msg::Report { number, told } => app.report_told(number, told),
        Msg::SendWaits { reply, until } => app.send_waits(reply, until),
        Msg::NotBegun { reply, why } => app.not_begun(reply, &why, &mut out),
        Msg::MayMessage { author, verdict } => app.may_message(&author, verdict, &mut out),
        Msg::ToldOfPosts { account, told } => app.told_of_posts(&account, told),
        Msg::EditorClosed(text) => app.editor_closed(text, &mut out),
        Msg::Gauged { query, gauge, answer } => app.gauged(query, gauge, answer),
        Msg::ColumnAdded { name, result } => app.column_added(&name, result),
        Msg::Reloaded(setup) => app.reloaded(setup),
        Msg::Notice(notice) => app.keep_notice(notice),
        Msg::Shown(shown) => {
            for (column, shown) in app.columns.iter_mut().zip(shown) {
                column.shown = shown;
            }
        }
        Msg::ScrollEnd(end) => app.scrolls_to(end),
        Msg::Told(count) => app.notices.painted(count, app.now),
        Msg::Stop => {
            app.save_draft(&mut out);
            app.save_note(&mut out);
            app.quitting = true;
            out.push(Effect::Quit);
        }
    }
    app.save_when_due(&mut out);
    app.save_note_when_due(&mut out);
    app.ask_what_was_caught(&mut out);
    app.keep_pane_read(&mut out);
    app.ask_of_posts(&mut out);
    app.keep_texts(&mut out);
    app.keep_answer_texts(&mut out);
    app.quit_when_nothing_is_left_to_ask(&mut out);
    if may_move {
        app.read_in_hand(&mut out);
        app.tell_presence(&mut out);
    }
    out
}

/// How the notice of a config that cannot be used begins.
const BAD_CONFIG: &str = "the config has a mistake";

impl App {
    /// The earliest moment at which something is due before the next second's tick has to bring it: a draft to be
    /// saved, a hold that runs out. The shell sends a [`Msg::Tick`] then.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let held = self.held().into_iter().map(|(reply, until)| match self.send_waits.get(&reply.id) {
            Some(waits) => until.max(*waits),
            None => until,
        });
        // What waits for the store is tried with the tick of each second.
        let held = held.filter(|until| *until > self.now);
        held.chain(self.draft_due()).chain(self.note_due()).chain(self.adding_due()).min()
    }

    fn send_waits(&mut self, reply: crate::model::ReplyId, until: Timestamp) {
        self.send_waits.insert(reply, until);
        self.books.told_to_send.remove(&reply);
        self.dirty = true;
    }

    /// Puts a screen on top of the present one; Esc leads back to it.
    pub(super) fn open_over(&mut self, mode: Mode) {
        self.books.scroll_end = None;
        let below = std::mem::replace(&mut self.mode, mode);
        if let Some(deeper) = self.back.replace(Box::new(below)) {
            self.books.deeper.push(*deeper);
        }
        self.dirty = true;
    }

    /// Goes back to the screen underneath.
    pub(super) fn leave_screen(&mut self) -> Mode {
        self.books.scroll_end = None;
        let below = self.back.take().map_or(Mode::Columns, |mode| *mode);
        self.back = self.books.deeper.pop().map(Box::new);
        if matches!(below, Mode::Columns | Mode::Find(_)) {
            self.opened = None;
        }
        self.dirty = true;
        std::mem::replace(&mut self.mode, below)
    }

    /// Straight to the columns, whatever lies in between.
    pub(super) fn go_to_columns(&mut self) {
        self.mode = Mode::Columns;
        self.books.scroll_end = None;
        self.back = None;
        self.books.deeper.clear();
        self.opened = None;
        self.dirty = true;
    }

    /// Screens that stand in each other's place instead of piling up.
    pub(super) fn switch_to(&mut self, mode: Mode) {
        self.books.scroll_end = None;
        match self.mode {
            Mode::Outbox { .. }
            | Mode::Drafts { .. }
            | Mode::Links { .. }
            | Mode::Notices { .. }
            | Mode::Find(_)
            | Mode::Spend(_)
            | Mode::Report(_) => {
                self.mode = mode;
                self.dirty = true;
            }
            _ => self.open_over(mode),
        }
    }

    fn reloaded(&mut self, setup: Result<Box<super::Setup>, String>) {
        let mut setup = match setup {
            Ok(setup) => *setup,
            Err(why) => {
                self.unsay(|text| text.starts_with(BAD_CONFIG));
                return self.error(format!("{BAD_CONFIG}, the old settings stay:\n{why}"));
            }
        };
        if setup.columns.is_empty() {
            return self.error("the config has no columns, the old settings stay".to_owned());
        }
        // Who we are in this run is not a matter of the config.
        setup.session = self.setup.session;
        let focused = self.setup.columns.get(self.focus).map(|column| column.name.clone());
        let names = self.setup.columns.iter().map(|column| column.name.clone());
        let mut views = std::mem::take(&mut self.columns);
        let of_queues = views.split_off(self.setup.columns.len().min(views.len()));
        let mut kept: std::collections::BTreeMap<_, _> = names.zip(views).collect();
        let queue = self.queue_of(self.focus);
        let queues = std::mem::take(&mut self.setup.queues);
        let mut kept_queues: std::collections::BTreeMap<_, _> = queues.into_iter().zip(of_queues).collect();
        for column in &setup.columns {
            let mut view = kept.remove(&column.name).unwrap_or_default();
            // An answer under way would come back under the old number.
            view.asking_older = false;
            self.columns.push(view);
        }
        self.columns.extend(setup.queues.iter().map(|queue| kept_queues.remove(queue).unwrap_or_default()));
        let place = focused.and_then(|name| setup.columns.iter().position(|column| column.name == name));
        let queued = queue.and_then(|queue| setup.queues.iter().position(|known| *known == queue));
        let place = place.or(queued.map(|at| setup.columns.len() + at));
        self.focus = place.unwrap_or_else(|| self.focus.min(self.columns.len() - 1));
        self.books.arrived.clear();
        self.prefix.clear();
        // Secrets are fetched anew with the config, so an account may have become able to send.
        let may_send: Vec<_> = setup.accounts.iter().map(|account| (account.name.clone(), account.can_send)).collect();
        for account in &mut self.setup.accounts {
            if let Some((_, can_send)) = may_send.iter().find(|(name, _)| *name == account.name) {
                account.can_send = *can_send;
            }
        }
        self.unsay(|text| text.starts_with(BAD_CONFIG));
        if setup.accounts == self.setup.accounts {
            self.info("the config was read again".to_owned());
        } else {
            // Connections were made at the start.
            setup.accounts.clone_from(&self.setup.accounts);
            self.warn("the config was read again; what changed in its accounts counts from the next start".to_owned());
        }
        self.setup = setup;
        self.requeue_all();
        self.tell_mistakes();
    }

    /// What of the holidays was not understood.
    pub(super) fn tell_mistakes(&mut self) {
        for mistake in self.setup.clocks.mistakes.clone() {
            self.warn(mistake);
        }
    }
}
