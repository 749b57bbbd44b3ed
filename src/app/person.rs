//! `p`: a person, by the id the network gave them, whatever they were called when: earlier cases, how far they reach,
//! whether a direct message is possible and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::clipboard;
use super::command::Command;
use super::{App, Effect, Mode};
use crate::desk::{PastCase, PostView};
use crate::model::account::{BLUESKY_WEB_URL, X_WEB_URL};
use crate::model::{
    Account, AuthorId, Body, BodyId, CaseId, Envelope, Event, NetworkKind, NoteText, Post, Verdict, clean,
};

/// What the store knows of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRecord {
    pub author: AuthorId,
    /// Newest first.
    pub posts: Vec<Arc<Envelope>>,
    /// Their cases, the newest first, each with its events in order.
    pub cases: Vec<(CaseId, Vec<Arc<Envelope>>)>,
    /// There is nothing older.
    pub is_all: bool,
}

/// The screen of one person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonScreen {
    pub author: AuthorId,
    /// Where the rep came from.
    pub post: Option<PostView>,
    pub scroll: u16,
    /// `None` while the store is asked.
    pub record: Option<PersonRecord>,
}

impl PersonScreen {
    /// A text that is gone is not shown here either.
    pub(super) fn forget(&mut self, gone: &BodyId) {
        if let Some(post) = self.post.as_mut().filter(|post| BodyId::post(&post.id) == *gone) {
            post.body = None;
        }
        let Some(record) = &mut self.record else { return };
        let events = record.cases.iter_mut().flat_map(|(_, events)| events);
        for envelope in record.posts.iter_mut().chain(events) {
            if envelope.event.body_id().as_ref() == Some(gone) {
                *envelope = Arc::new(Envelope { body: None, ..(**envelope).clone() });
            }
        }
    }

    /// The person's posts as the store has them, newest first.
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        let posts = self.record.iter().flat_map(|record| &record.posts);
        posts.filter_map(|envelope| match &envelope.body {
            Some(Body::Post(post)) => Some(&**post),
            _ => None,
        })
    }
}

/// A handle somebody had, and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleSeen {
    pub handle: String,
    pub first: Timestamp,
    pub last: Timestamp,
}

impl App {
    /// `p`
    pub(super) fn show_person(&mut self, out: &mut Vec<Effect>) {
        if let Mode::Find(find) = &self.mode
            && let Some(person) = find.person()
        {
            let author = person.author.clone();
            return self.open_person(author, None, out);
        }
        let hit = self.post_of_hit();
        if hit.is_none() && self.post_in_hand().is_none() {
            self.choose_newest();
        }
        match hit.or_else(|| self.post_in_hand().cloned()) {
            Some(post) => self.open_person(post.author.clone(), Some(post), out),
            None => self.info("there is no post here yet".to_owned()),
        }
    }

    pub(super) fn open_person(&mut self, author: AuthorId, post: Option<PostView>, out: &mut Vec<Effect>) {
        out.push(Effect::ReadPerson { author: author.clone() });
        self.open_over(Mode::Person(Box::new(PersonScreen { author, post, scroll: 0, record: None })));
    }

    /// The store's answer.
    pub(super) fn person_read(&mut self, record: &PersonRecord) {
        let screens = self.books.deeper.iter_mut().chain(self.back.as_deref_mut()).chain([&mut self.mode]);
        for mode in screens {
            if let Mode::Person(screen) = mode
                && screen.author == record.author
            {
                screen.record = Some(record.clone());
            }
        }
    }

    /// The newest post of theirs that is at hand: their name, handle and followers stand in it.
    pub fn newest_post<'a>(&'a self, screen: &'a PersonScreen) -> Option<&'a Post> {
        let of_desk = self.desk.posts.values().filter(|view| view.author == screen.author);
        let of_desk = of_desk.filter_map(|view| view.body.as_deref());
        let here = screen.post.iter().filter_map(|view| view.body.as_deref());
        of_desk.chain(here).chain(screen.posts()).max_by_key(|post| (post.at, &post.id))
    }

    /// Every handle they had here, the present one first.
    pub fn handles_of(&self, screen: &PersonScreen) -> Vec<HandleSeen> {
        let mut posts: Vec<&Post> = screen.posts().chain(self.newest_post(screen)).collect();
        posts.retain(|post| !post.author.handle.is_empty());
        posts.sort_by_key(|post| (post.at, &post.id));
        let mut handles: Vec<HandleSeen> = Vec::new();
        for post in posts {
            let handle = &post.author.handle;
            match handles.last_mut() {
                Some(last) if last.handle == *handle => last.last = post.at,
                _ => handles.push(HandleSeen { handle: handle.clone(), first: post.at, last: post.at }),
            }
        }
        handles.reverse();
        handles
    }

    /// All their cases that are known, the newest first: from the store, and better known where the desk holds them.
    pub fn cases_of(&self, screen: &PersonScreen) -> Vec<PastCase> {
        let stored = screen.record.iter().flat_map(|record| &record.cases);
        let mut cases: BTreeMap<CaseId, PastCase> =
            stored.filter_map(|(case, events)| Some((*case, PastCase::of(*case, events)?))).collect();
        let contacts = self.desk.authors.get(&screen.author).into_iter().flat_map(|history| &history.contacts);
        for contact in contacts {
            let before = cases.remove(&contact.case);
            cases.insert(contact.case, PastCase::remembered(contact, before));
        }
        for (id, past) in &mut cases {
            if let Some(case) = self.desk.cases.get(id) {
                *past = past.clone().held(case);
            }
        }
        let mut cases: Vec<PastCase> = cases.into_values().collect();
        cases.sort_by_key(|past| (std::cmp::Reverse(past.began), past.case));
        cases
    }

    /// Cases that began in the last `days` days.
    pub fn contacts_in(&self, cases: &[PastCase], days: i64) -> usize {
        let reach = SignedDuration::from_hours(24 * days);
        cases.iter().filter(|past| self.now.duration_since(past.began) <= reach).count()
    }

    /// What the team wrote for itself in their cases, newest first; `None` where the words were erased.
    pub fn notes_on(screen: &PersonScreen) -> Vec<(&Envelope, Option<&NoteText>)> {
        let events = screen.record.iter().flat_map(|record| &record.cases).flat_map(|(_, events)| events);
        let mut notes: Vec<(&Envelope, Option<&NoteText>)> = events
            .filter(|envelope| matches!(envelope.event, Event::NoteAdded { .. }))
            .map(|envelope| match &envelope.body {
                Some(Body::Note(note)) => (&**envelope, Some(note)),
                _ => (&**envelope, None),
            })
            .collect();
        notes.sort_by_key(|(envelope, _)| std::cmp::Reverse(envelope.seq));
        notes
    }

    /// The account that would write to them: the focused column's, else one of their network.
    fn account_towards(&self, author: &AuthorId) -> Option<&Account> {
        let column = self.setup.columns.get(self.focus);
        let focused = column.and_then(|column| column.on(author.network()));
        let focused = focused.and_then(|source| self.account(&source.reply_as));
        let fits = |account: &&Account| account.network == author.network();
        focused.filter(fits).or_else(|| self.setup.accounts.iter().find(fits))
    }

    /// Whether a direct message is possible, and the words why.
    pub fn direct_message_words(&self, screen: &PersonScreen) -> (bool, String) {
        let network = screen.author.network().title();
        let Some(account) = self.account_towards(&screen.author) else {
            return (false, format!("no: no account of ours on {network}"));
        };
        if !account.can_send {
            return (false, format!("no: no credentials for writing as @{}", account.handle));
        }
        let wrote = self.desk.cases.values().filter(|case| case.author == screen.author);
        let wrote = wrote.flat_map(|case| &case.messages).any(|message| !message.is_ours);
        match self.known_may_message(&screen.author) {
            Some((Verdict::Yes, at)) => (true, format!("yes: {network} said so at {}", self.hours(*at))),
            Some((Verdict::Mind { what }, _)) => (true, format!("yes, but mind: {what}")),
            Some((Verdict::No { why }, at)) => (false, format!("no, {network} at {}: {why}", self.hours(*at))),
            _ if wrote => (true, "yes: they wrote us one".to_owned()),
            Some((Verdict::Unknown { why }, _)) => (false, format!("not known: {why}")),
            None => {
                let key = self.setup.keys.key(super::command::ModeKind::Person, Command::DirectMessage);
                let price = self.setup.budgets.get(&account.name).map(|budget| budget.prices.user_read);
                let price = price.map_or_else(String::new, |price| format!(", which costs {price}"));
                (false, format!("not known: nobody asked; {key} asks {network}{price}"))
            }
        }
    }

    /// `D` on the person's screen: asks the network, drafts nothing.
    pub(super) fn ask_about_person(&mut self, out: &mut Vec<Effect>) {
        let Mode::Person(screen) = &self.mode else { return };
        let author = screen.author.clone();
        let Some(account) = self.account_towards(&author).filter(|account| account.can_send) else {
            let (_, words) = self.direct_message_words(screen);
            return self.warn(format!("a direct message is not possible: {words}"));
        };
        out.push(Effect::AskMayMessage { account: account.name.clone(), author: author.clone() });
        self.info(format!("asking {} whether they take direct messages", author.network().title()));
    }

    /// The person's own page.
    pub fn page_of_person(&self, screen: &PersonScreen) -> String {
        let handle = self.newest_post(screen).map(|post| post.author.handle.clone());
        match screen.author.network() {
            NetworkKind::X => {
                let account = self.setup.accounts.iter().find(|us| us.network == NetworkKind::X);
                let web = account.map_or(X_WEB_URL, |us| us.web_url.as_str());
                match handle.filter(|handle| !handle.is_empty()) {
                    Some(handle) => format!("{web}/{handle}"),
                    None => format!("{web}/i/user/{}", screen.author.native()),
                }
            }
            NetworkKind::Bluesky => {
                let account = self.account_towards(&screen.author);
                let web = account.map_or(BLUESKY_WEB_URL, |us| us.web_url.as_str());
                format!("{web}/profile/{}", screen.author.native())
            }
            NetworkKind::Mastodon => screen.author.native().to_owned(),
        }
    }

    /// `o` and `yh` on the person's screen.
    pub(super) fn of_person(&mut self, command: Command, out: &mut Vec<Effect>) {
        let Mode::Person(screen) = &self.mode else { return };
        if command == Command::OpenPage {
            out.push(Effect::Open { url: clean::line(&self.page_of_person(screen)) });
            return;
        }
        match self.newest_post(screen).map(|post| format!("@{}", clean::line(&post.author.handle))) {
            Some(handle) => {
                let told = clipboard::told("the handle", &handle, &handle);
                out.push(Effect::Copy { text: handle });
                self.info(told);
            }
            None => self.info("no post of theirs is stored: the handle is not known".to_owned()),
        }
    }
}
