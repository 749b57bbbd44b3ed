//! Who else is at work: what this deck tells of its rep, and the words for what the others tell.
//!
//! Each run says itself when its rep goes idle, so no two clocks are ever compared, and it says something only when
//! that changes: never for a key, at most once a second while somebody walks down a column.

use jiff::{SignedDuration, Timestamp};

use super::{App, Effect, Mode};
use crate::desk::Case;
use crate::model::{CaseId, CaseStatus, Doing, Presence, RepName, Whereabouts};

/// Without a key for so long a rep is idle.
pub const IDLE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// Changes are told at most this often; the last of them goes out with the tick of the next second.
const TOLD_EVERY: SignedDuration = SignedDuration::from_millis(900);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Telling {
    last_key: Option<Timestamp>,
    told: Option<(Whereabouts, Timestamp)>,
}

impl App {
    /// A key or a paste: the rep is there.
    pub(super) fn touched(&mut self) {
        self.books.telling.last_key = Some(self.now);
    }

    /// No key has come for [`IDLE_AFTER`].
    pub fn is_idle(&self) -> bool {
        self.books.telling.last_key.is_none_or(|key| self.now.duration_since(key) >= IDLE_AFTER)
    }

    /// Tells the other runs where the rep is, where that has changed.
    pub(super) fn tell_presence(&mut self, out: &mut Vec<Effect>) {
        let (now, here) = (self.now, self.whereabouts());
        let telling = &mut self.books.telling;
        // A clock set back: both counts begin anew instead of standing still for as long as it was set back.
        telling.last_key = telling.last_key.map(|key| key.min(now));
        if let Some((told, at)) = telling.told {
            if told == here {
                return;
            }
            let next = at + TOLD_EVERY;
            if now < next && at <= now {
                return;
            }
        }
        telling.told = Some((here, now));
        out.push(Effect::TellPresence { at: here });
    }

    fn whereabouts(&self) -> Whereabouts {
        let (doing, case) = match &self.mode {
            Mode::Composer(composer) | Mode::SavedReplies(composer, _) => (Doing::Writing, Some(composer.case)),
            Mode::Preview(preview) => (Doing::Writing, Some(preview.case)),
            Mode::Note(note) => (Doing::Writing, Some(note.case)),
            Mode::Person(_)
            | Mode::History(_)
            | Mode::Columns
            | Mode::Case { .. }
            | Mode::Resolve { .. }
            | Mode::Assign { .. }
            | Mode::Tag(_)
            | Mode::Snooze(_) => (Doing::Viewing, self.viewed_case()),
            Mode::Palette(_)
            | Mode::CommandLine(_)
            | Mode::Find(_)
            | Mode::Help { .. }
            | Mode::Outbox { .. }
            | Mode::Drafts { .. }
            | Mode::Links { .. }
            | Mode::Notices { .. }
            | Mode::QuitQuestion
            | Mode::Spend(_)
            | Mode::Report(_)
            | Mode::AddColumn(_) => (Doing::Viewing, None),
        };
        Whereabouts { doing: if self.is_idle() { Doing::Idle } else { doing }, case }
    }

    /// The case the rep has taken in hand: the newest row of a column that merely follows is nobody's.
    pub(super) fn viewed_case(&self) -> Option<CaseId> {
        let by_hand = self.opened.is_some()
            || !matches!(self.mode, Mode::Columns)
            || self.columns.get(self.focus).is_some_and(|column| column.touched);
        by_hand.then(|| self.case_in_hand().map(|case| case.id)).flatten()
    }

    /// Other reps who have this case in hand, the most engaged first; each once, however many windows they have.
    pub fn others_in(&self, case: CaseId) -> Vec<(&RepName, Doing)> {
        let here = self.present.iter().filter(|presence| presence.at.case == Some(case));
        let mut others: Vec<_> = merged(here.filter(|presence| presence.rep != self.setup.me));
        others.sort_by_key(|(rep, doing)| (std::cmp::Reverse(*doing), *rep));
        others
    }

    /// What a rep does in this case.
    pub fn doing_in(&self, rep: &RepName, case: CaseId) -> Option<Doing> {
        self.others_in(case).into_iter().find(|(other, _)| *other == rep).map(|(_, doing)| doing)
    }

    /// Everybody at work on this host, the rep of this deck included; nothing while they are alone.
    pub fn team_here(&self) -> Vec<(&RepName, Doing)> {
        let mut team = merged(&self.present);
        if team.iter().all(|(rep, _)| **rep == self.setup.me) {
            return Vec::new();
        }
        let mine = self.whereabouts().doing;
        match team.iter_mut().find(|(rep, _)| **rep == self.setup.me) {
            Some((_, doing)) => *doing = (*doing).max(mine),
            None => team.push((&self.setup.me, mine)),
        }
        team.sort_unstable();
        team
    }

    /// What stands in a preview's checks: who else is at the case.
    pub(super) fn presence_words(&self, case: &Case, is_full: bool) -> Option<String> {
        let others: Vec<_> = self.others_in(case.id).into_iter().filter(|(_, doing)| *doing > Doing::Idle).collect();
        let (_, most) = others.first()?;
        let names: Vec<_> = others.iter().filter(|(_, doing)| doing == most).map(|(rep, _)| rep.as_str()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let what = match most {
            Doing::Writing => "writing in this case",
            Doing::Viewing | Doing::Idle => "viewing this post",
        };
        let claim = match &case.owner {
            None if case.status != CaseStatus::Resolved && is_full => "; nobody has claimed it",
            None if case.status != CaseStatus::Resolved => {
                "; nobody has claimed it: c claims it for you, and so does sending"
            }
            _ => "",
        };
        Some(format!("{} {verb} {what}{claim}", names.join(", ")))
    }

    /// The others' word has come.
    pub(super) fn present(&mut self, present: Vec<Presence>) {
        if self.present != present {
            self.present = present;
            self.dirty = true;
            self.recheck();
        }
    }
}

/// One line a rep, with the most engaged of their windows.
fn merged<'a>(present: impl IntoIterator<Item = &'a Presence>) -> Vec<(&'a RepName, Doing)> {
    let mut reps: Vec<(&RepName, Doing)> = Vec::new();
    for Presence { rep, at } in present {
        match reps.iter_mut().find(|(known, _)| *known == rep) {
            Some((_, doing)) => *doing = (*doing).max(at.doing),
            None => reps.push((rep, at.doing)),
        }
    }
    reps
}
