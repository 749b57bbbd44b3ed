//! The preview: what is checked before anything goes out, and what `y` and `go` do.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::acts::expect;
use super::books::QueuedHere;
use super::command::Command;
use super::compose_text::{dm_link, has_link, open_slot, published, published_plain};
use super::composer::{Composer, Saved};
use super::preview::{Check, Preview};
use super::writing::{select_slot, typed_text};
use super::{App, ColumnSetup, Effect, Mode};
use crate::desk::PostState;
use crate::model::length::{Length, Unit};
use crate::model::words::behind_colon;
use crate::model::{Body, CaseStatus, Deed, Delivery, Event, NetworkKind, Purpose, RepName, ReplyId, Verdict, clean};

/// What may stand as it is in a link's query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same words within this time look like spam.
const SAME_TEXT: SignedDuration = SignedDuration::from_hours(24);

impl App {
    /// Ctrl-S in the editor; `gp` on a case with a draft.
    pub(super) fn preview(&mut self, out: &mut Vec<Effect>) {
        if !matches!(self.mode, Mode::Composer(_)) {
            let case = self.case_in_hand();
            let own = |case: &crate::desk::Case| {
                let mine = case.drafts.iter().find(|draft| draft.rep == self.setup.me);
                mine.or(case.drafts.first()).map(|draft| draft.purpose)
            };
            let Some(purpose) = case.and_then(own) else {
                return self.info("this case has no draft; r, d or b begins one".to_owned());
            };
            self.draft(purpose, out);
            if !matches!(self.mode, Mode::Composer(_)) {
                return;
            }
        }
        self.save_draft(out);
        if let Mode::Composer(composer) = &mut self.mode {
            let slot = open_slot(&composer.editor.lines().join("\n")).is_some();
            if slot && select_slot(composer) {
                composer.problem = Some("fill the slot first: type over it".to_owned());
                self.dirty = true;
                return;
            }
            if composer.editor.lines().iter().all(|line| line.trim().is_empty()) {
                composer.problem = Some("there are no words yet".to_owned());
                self.dirty = true;
                return;
            }
        }
        let Mode::Composer(composer) = std::mem::replace(&mut self.mode, Mode::Columns) else { return };
        if let Some(preview) = self.previewed(&composer) {
            self.mode = Mode::Preview(Box::new(preview));
            self.books.composer = Some(composer);
        } else {
            self.mode = Mode::Composer(composer);
            self.error("the account this reply was begun for is no longer in the config".to_owned());
        }
        self.dirty = true;
    }

    fn previewed(&self, composer: &Composer) -> Option<Preview> {
        let account = self.account(&composer.account)?;
        // The newest words of the post; the ones first seen where it is gone.
        let at_hand = self.desk.posts.get(&composer.to).and_then(|post| post.body.clone());
        let post = at_hand.or_else(|| composer.seen.clone())?;
        let typed = composer.editor.lines().join("\n");
        let signature = self.setup.signature.as_deref();
        let linked = published(composer.purpose, &post, account, &typed, signature);
        let plain = published_plain(composer.purpose, &post, account, &typed, signature);
        let verdict = self.verdict(composer.purpose, &post, account);
        let is_private = composer.purpose.is_private();
        let is_summoned = verdict == Verdict::Yes && summoned(&post, account);
        let prices = self.setup.budgets.get(&account.name).map(|budget| budget.prices);
        let price_of = |text: &str| {
            prices.map(|prices| if is_private { prices.dm } else { prices.reply(has_link(text), is_summoned) })
        };
        // Only where words alone are cheaper is there anything to choose; a message costs the same with a link.
        let cheaper = match (price_of(&linked), price_of(&plain)) {
            (Some(dear), Some(cheap)) if cheap < dear => Some((dear, cheap)),
            _ => None,
        };
        let text = if composer.without_link && cheaper.is_some() { plain } else { linked };
        let price = price_of(&text);
        let length = if is_private { account.message_length(&text) } else { account.length(&text) };
        let mut preview = Preview {
            case: composer.case,
            to: composer.to.clone(),
            purpose: composer.purpose,
            account: composer.account.clone(),
            text,
            length,
            price,
            verdict,
            checks: Vec::new(),
            scroll: 0,
            armed: false,
            check: 0,
            seen: composer.seen.clone(),
            cheaper,
        };
        preview.checks = self.checks(&preview, composer, &post);
        Some(preview)
    }

    fn checks(&self, preview: &Preview, composer: &Composer, post: &Arc<crate::model::Post>) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut mind_gone = None;
        let mut stop = |what: String| checks.push(Check { stops: true, what });
        let view = self.desk.posts.get(&preview.to);
        let case = self.desk.cases.get(&preview.case);
        if let Some(state @ (PostState::Deleted | PostState::Erased)) = view.map(|view| view.state) {
            let word = if state == PostState::Deleted { "deleted by its author" } else { "erased here" };
            if preview.purpose.is_private() {
                mind_gone = Some(format!("the post was {word}"));
            } else {
                stop(format!("the post was {word}; there is nothing to answer any more"));
            }
        }
        if case.is_none() {
            stop("the case is no longer at hand".to_owned());
        }
        if let Some(asked) = case.and_then(|case| self.opt_out_words(&case.author)) {
            if preview.purpose.is_private() {
                mind_gone = Some(asked);
            } else {
                stop(format!("{asked}; :lift-opt-out on their case lifts it"));
            }
        }
        if let Verdict::No { why } = &preview.verdict {
            let ready = if preview.purpose.is_private() { "send" } else { "post" };
            stop(format!("{why}. go takes it to the network's own page, ready to {ready}"));
        }
        if preview.length.used > preview.length.limit {
            let Length { used, limit, unit } = preview.length;
            let unit = if unit == Unit::Bytes { " bytes" } else { "" };
            stop(format!("too long: {used} of {limit}{unit}. e edits it"));
        }
        // What a rep answered they know.
        let of_others = |it: &&crate::desk::Answer| it.at > composer.began && it.rep.as_ref() != Some(&self.setup.me);
        if let Some(answer) = case.and_then(|case| case.last_answer.as_ref()).filter(of_others) {
            stop(format!("{}. e goes back to your text, knowing it", self.answer_words(answer)));
        }
        if let Some(reply) = self.desk.under_way(preview.case).next() {
            let who = if reply.rep == self.setup.me { "your".to_owned() } else { format!("{}'s", reply.rep) };
            stop(format!("{who} reply in this case is on its way already (U shows it)"));
        }
        let mut mind = |what: String| checks.push(Check { stops: false, what });
        if let Some(gone) = mind_gone {
            mind(gone);
        }
        if let Some(newest) =
            self.written_since(preview.case, &preview.to).last().filter(|_| !preview.purpose.is_private())
        {
            let words = newest.body.as_ref().map_or(String::new(), |body| format!(": “{}”", clean::line(&body.text)));
            mind(format!("they wrote again {}{words}", ago(newest.at, self.now)));
        }
        if let Some(at) =
            case.filter(|_| preview.purpose == Purpose::HappyPost).and_then(|it| self.unanswered_message(it))
        {
            mind(format!("their direct message of {} is not answered", ago(at, self.now)));
        }
        if let Some(why) = case
            .filter(|_| preview.purpose == Purpose::HappyPost)
            .and_then(|case| Deed::AskHappyPost.refused(case.status))
        {
            mind(why.to_owned());
        }
        match &preview.verdict {
            Verdict::Unknown { why } => mind(format!("{why}: the network may refuse it; go always works")),
            Verdict::Mind { what } => mind(what.clone()),
            Verdict::Yes | Verdict::No { .. } => {}
        }
        if composer.seen.as_ref().is_some_and(|seen| seen.text != post.text) {
            mind("the author changed the post since you began; read it again".to_owned());
        }
        if let Some(resolved) = case.and_then(|case| self.resolved_words(case)) {
            mind(resolved);
        }
        let over = self.over_the_cap(&self.setup.me, 1);
        let seen = case.and_then(|case| self.presence_words(case, over.is_some()));
        if let Some(seen) = &seen {
            mind(seen.clone());
        }
        match case.and_then(|case| case.owner.as_ref()) {
            // Neither a key nor sending claims what is over.
            None if case.is_some_and(|case| Deed::Claim.refused(case.status).is_some()) => {}
            None => match over {
                Some(over) => mind(format!("{over}: sending answers the case and leaves it unclaimed")),
                None if seen.is_some() => {}
                None => mind("nobody has claimed the case: c claims it for you, and so does sending".to_owned()),
            },
            Some(owner) if *owner != self.setup.me => {
                mind(format!("{owner} has claimed the case: y twice sends all the same"));
            }
            Some(_) => {}
        }
        if self.repeats_note(preview.case, &typed_text(composer).text) {
            mind("it holds the words of a note, which are the team's own: e edits it".to_owned());
        }
        if let Some(same) = self.desk.same_text_sent(&preview.text, self.now - SAME_TEXT) {
            let to = self.desk.cases.get(&same.case).and_then(|case| self.handle_of(case));
            let to = to.map_or_else(|| "somebody".to_owned(), |handle| format!("@{handle}"));
            let ago = match same.delivery {
                Delivery::Sent { at, .. } | Delivery::Delivered { at, .. } => ago(at, self.now),
                _ => "lately".to_owned(),
            };
            mind(format!("nearly the same text went to {to} {ago}: edit it, copies look like spam"));
        }
        if let Some(account) = self.account(&preview.account) {
            let key = self.setup.keys.key(super::command::ModeKind::Preview, Command::ToggleLink);
            match preview.cheaper {
                Some((dear, cheap)) if composer.without_link => {
                    mind(format!("the words alone ask for the DM: {cheap}; {key} puts the link back for {dear}"));
                }
                Some((dear, cheap)) => {
                    mind(format!("the DM link makes it {dear}; {key} asks by words alone for {cheap}"));
                }
                None if preview.purpose.is_private() => {}
                None => {
                    let prices = self.setup.budgets.get(&account.name).map(|budget| budget.prices);
                    let plain = prices.map(|prices| prices.reply(false, summoned(post, account)));
                    if let (Some(dear), Some(cheap), true) = (preview.price, plain, has_link(&preview.text))
                        && cheap < dear
                    {
                        mind(format!("a link makes it dearer: {dear} instead of {cheap}"));
                    }
                }
            }
            if preview.purpose.asks_for_dm()
                && account.network == NetworkKind::X
                && dm_link(preview.purpose, account).is_none()
            {
                mind("no DM link: set user_id of the account in the config".to_owned());
            }
            if account.confirm {
                mind(format!("@{} asks for care: y twice sends", account.handle));
            }
            let holds = |column: &&ColumnSetup| view.is_some_and(|view| view.columns.contains(&column.name));
            let sources = self.setup.columns.iter().filter(holds).filter_map(|column| column.on(account.network));
            let source = sources.into_iter().find(|source| source.reply_as != source.account);
            if let Some(heard) =
                source.filter(|source| source.reply_as == account.name).and_then(|source| self.account(&source.account))
            {
                mind(format!("heard as @{}, answered as @{}", heard.handle, account.handle));
            }
        }
        checks
    }

    /// `bo resolved the case 12 min ago: billing, refunded`; `None` where it is open, or where the rep closed it
    /// themselves and knows.
    fn resolved_words(&self, case: &crate::desk::Case) -> Option<String> {
        let end = case.resolved.as_ref().filter(|_| case.status == CaseStatus::Resolved)?;
        if end.rep == self.setup.me {
            return None;
        }
        let how = behind_colon(end.ended_as());
        Some(format!(
            "{} resolved the case {}{how}. It stays resolved after your reply",
            end.rep,
            ago(end.at, self.now)
        ))
    }

    /// `bo answered since you began: “…”`
    pub(super) fn answer_words(&self, answer: &crate::desk::case::Answer) -> String {
        let text = self.desk.posts.get(&answer.post).and_then(|post| post.body.as_ref()).map(|body| body.text.clone());
        let of_reply = || {
            let sent = |reply: &&crate::desk::Reply| matches!(&reply.delivery, Delivery::Sent { post, .. } if *post == answer.post);
            self.desk.replies.values().find(sent).and_then(|reply| reply.text.clone())
        };
        let who = answer.rep.as_ref().map_or_else(|| "our account, elsewhere,".to_owned(), ToString::to_string);
        let words = text.or_else(of_reply).map_or(String::new(), |text| format!(": “{}”", clean::line(&text)));
        format!("{who} answered since you began{words}")
    }

    /// What is known of the case may have changed under an open preview.
    pub(super) fn recheck(&mut self) {
        let (Mode::Preview(old), Some(composer)) = (&self.mode, &self.books.composer) else { return };
        let Some(new) = self.previewed(composer) else { return };
        // Something new to know takes the first of two keys back.
        let armed = old.armed && new.checks == old.checks && new.text == old.text;
        let (scroll, check) = (old.scroll, old.check.min(new.checks.len().saturating_sub(1)));
        let new = Preview { scroll, armed, check, ..new };
        if **old != new {
            self.dirty = true;
            self.mode = Mode::Preview(Box::new(new));
        }
    }

    /// Somebody changed the case in the moment of sending: nothing was queued, and the text is in the editor again,
    /// whose preview shows what they said.
    pub(super) fn back_after_conflict(&mut self, queued: &QueuedHere) {
        self.books.began.insert((queued.case, queued.purpose), queued.began);
        let post = self.desk.posts.get(&queued.to).cloned();
        let seen = post.as_ref().and_then(|post| post.body.clone());
        let account = post.as_ref().and_then(|post| self.reply_account(post)).cloned();
        if let (Some(post), Some(seen), Some(account)) = (post, seen, account)
            && matches!(self.mode, Mode::Columns | Mode::Case { .. })
        {
            let saved = Saved::At(self.now);
            self.open_composer(queued.case, &post, &seen, queued.purpose, &account, &queued.typed, saved, queued.began);
        }
    }

    /// Back into the editor; what the preview told is known from now on.
    pub(super) fn edit_again(&mut self) {
        if !matches!(self.mode, Mode::Preview(_)) {
            return;
        }
        let now = self.now;
        if let Some(mut composer) = self.books.composer.take() {
            composer.began = now;
            let at_hand = self.desk.posts.get(&composer.to).and_then(|post| post.body.clone());
            composer.seen = at_hand.or(composer.seen.take());
            self.books.began.insert((composer.case, composer.purpose), now);
            self.mode = Mode::Composer(composer);
        }
        self.dirty = true;
    }

    /// Leaves preview and editor; the draft stays.
    pub(super) fn keep_draft(&mut self, out: &mut Vec<Effect>) {
        self.save_draft(out);
        self.books.composer = None;
        self.leave_screen();
        self.info("the draft is kept; gd lists all drafts".to_owned());
    }

    /// `y`: the only key after which something is published, and not before the hold has run out.
    pub(super) fn send(&mut self, out: &mut Vec<Effect>) {
        self.recheck();
        let Mode::Preview(preview) = &mut self.mode else { return };
        if let Some(check) = preview.stop() {
            let what = format!("not sent: {}", check.what);
            return self.warn(what);
        }
        let preview = (**preview).clone();
        let Some(case) = self.desk.cases.get(&preview.case).cloned() else { return };
        let Some(account) = self.account(&preview.account).cloned() else {
            return self.error("the account is no longer in the config".to_owned());
        };
        let others = case.owner.as_ref().filter(|owner| **owner != self.setup.me);
        if (account.confirm || others.is_some()) && !preview.armed {
            if let Mode::Preview(preview) = &mut self.mode {
                preview.armed = true;
            }
            let why = match others {
                Some(owner) => format!("{owner} has claimed the case; y again sends as @{}", account.handle),
                None => format!("this goes out as @{}; y again sends", account.handle),
            };
            return self.warn(why);
        }
        let Some(composer) = self.books.composer.take() else { return };
        let reply = ReplyId(self.ids.next(self.now));
        let until = self.now + self.setup.hold;
        let mut events = Vec::new();
        if self.claims_by_sending(&case) {
            events.push((Event::CaseClaimed { case: case.id }, None));
        }
        let queued = Event::ReplyQueued {
            reply,
            case: case.id,
            to: preview.to.clone(),
            purpose: preview.purpose,
            account: preview.account.clone(),
            until,
            session: self.setup.session,
        };
        events.push((queued, Some(Body::Reply(preview.text))));
        // Whoever sent another's draft as it stands has done that one's work too; any other text stays.
        let typed = typed_text(&composer);
        let is_sent = |draft: &&crate::desk::CaseDraft| {
            let same = draft.draft.as_ref().is_some_and(|draft| draft.text.trim() == typed.text.trim());
            draft.purpose == preview.purpose && (draft.rep == self.setup.me || same)
        };
        let mut whose: Vec<RepName> = case.drafts.iter().filter(is_sent).map(|draft| draft.rep.clone()).collect();
        if !whose.contains(&self.setup.me) {
            whose.push(self.setup.me.clone());
        }
        events.extend(
            whose
                .into_iter()
                .map(|rep| (Event::DraftDropped { case: case.id, purpose: preview.purpose, rep: Some(rep) }, None)),
        );
        let token = self.append(events, Some(expect(&case)), Some("queueing"), out);
        self.books.queued.push(QueuedHere {
            reply,
            case: case.id,
            to: preview.to,
            purpose: preview.purpose,
            typed,
            token,
            began: composer.began,
        });
        self.books.began.remove(&(case.id, preview.purpose));
        self.leave_screen();
        let key = self.setup.keys.key(super::command::ModeKind::Columns, Command::Undo);
        self.info(format!("goes out in {} s; {key} takes it back", self.setup.hold.as_secs()));
    }

    /// An answer is never held up by the cap on open cases; but it does not take the rep past it either.
    fn claims_by_sending(&self, case: &crate::desk::Case) -> bool {
        case.owner.is_none()
            && Deed::Claim.refused(case.status).is_none()
            && self.over_the_cap(&self.setup.me, 1).is_none()
    }

    /// `go`: the text to the clipboard, X's own page opened with it; the case follows when our reply comes back.
    pub(super) fn hand_over(&mut self, out: &mut Vec<Effect>) {
        self.recheck();
        let Mode::Preview(preview) = &self.mode else { return };
        let preview = (**preview).clone();
        let Some(case) = self.desk.cases.get(&preview.case).cloned() else { return };
        let body = self.desk.posts.get(&preview.to).and_then(|post| post.body.clone()).or_else(|| preview.seen.clone());
        let Some(post) = body else {
            return self.warn("the post is gone; there is nothing to answer any more".to_owned());
        };
        if let Some(asked) = self.opt_out_words(&case.author).filter(|_| !preview.purpose.is_private()) {
            return self.warn(format!("{asked}; :lift-opt-out on their case lifts it"));
        }
        // Only what makes the answer pointless stops it here: the network's own page judges the rest.
        let gone = self
            .desk
            .posts
            .get(&preview.to)
            .is_some_and(|view| matches!(view.state, PostState::Deleted | PostState::Erased));
        if gone {
            return self.warn("the post is gone; there is nothing to answer any more".to_owned());
        }
        let Some(account) = self.account(&preview.account) else {
            return self.error("the account is no longer in the config".to_owned());
        };
        let (bare, url) = match post.network() {
            NetworkKind::X if preview.purpose.is_private() => {
                let to = utf8_percent_encode(case.author.native(), IN_QUERY);
                let bare = format!("{}/messages/compose?recipient_id={to}", account.web_url);
                let url = format!("{bare}&text={}", utf8_percent_encode(&preview.text, IN_QUERY));
                (bare, url)
            }
            NetworkKind::X => {
                let id = post.version.as_deref().unwrap_or_else(|| post.id.native());
                let id = utf8_percent_encode(id, IN_QUERY);
                let bare = format!("{}/intent/tweet?in_reply_to={id}", account.web_url);
                let url = format!("{bare}&text={}", utf8_percent_encode(&preview.text, IN_QUERY));
                (bare, url)
            }
            NetworkKind::Bluesky | NetworkKind::Mastodon => {
                let page = post.page_on(&account.web_url);
                (page.clone(), page)
            }
        };
        let mut events = Vec::new();
        if self.claims_by_sending(&case) {
            events.push((Event::CaseClaimed { case: case.id }, None));
        }
        let handed = Event::ReplyHandedOver {
            reply: ReplyId(self.ids.next(self.now)),
            case: case.id,
            to: preview.to.clone(),
            purpose: preview.purpose,
            account: preview.account.clone(),
        };
        events.push((handed, Some(Body::Reply(preview.text.clone()))));
        self.append(events, Some(expect(&case)), Some("handing over"), out);
        out.push(Effect::HandOver { url, bare, text: preview.text });
        self.books.composer = None;
        self.leave_screen();
        // What became of the page is told by whoever opens it.
        self.info("handed over; the draft is kept until your reply comes back".to_owned());
    }

    /// Asks for the message by words alone, or by the link again.
    pub(super) fn toggle_link(&mut self) {
        let Mode::Preview(preview) = &self.mode else { return };
        if preview.cheaper.is_none() {
            return self.info("no other form of this reply is cheaper".to_owned());
        }
        if let Some(composer) = &mut self.books.composer {
            composer.without_link = !composer.without_link;
        }
        self.recheck();
    }

    pub(super) fn next_check(&mut self) {
        if let Mode::Preview(preview) = &mut self.mode {
            let checks = preview.checks.len().max(1);
            preview.check = (preview.check + 1) % checks;
            self.dirty = true;
        }
    }

    pub(super) fn claim_in_preview(&mut self, out: &mut Vec<Effect>) {
        let Mode::Preview(preview) = &self.mode else { return };
        if let Some(case) = self.desk.cases.get(&preview.case).cloned() {
            self.claim(&case, out);
        }
    }
}

/// X's cheaper price is for authors who called us by name.
fn summoned(post: &crate::model::Post, account: &crate::model::Account) -> bool {
    let named = post.mentions.iter().any(|mention| match (&mention.id, &account.id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => mention.handle.eq_ignore_ascii_case(&account.handle),
    });
    let quoted = || {
        post.quotes
            .as_ref()
            .and_then(|quoted| quoted.author.as_ref())
            .is_some_and(|author| account.id.as_ref() == Some(author))
    };
    named || quoted()
}

/// `12 min ago`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(at).as_mins().max(0);
    if minutes < 60 { format!("{minutes} min ago") } else { format!("{} h ago", minutes / 60) }
}
