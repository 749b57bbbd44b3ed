//! Who asked not to be contacted: written down for the whole team, told before drafting, in the way of anything public
//! until somebody lifts it. Also following, which X's self-serve API refuses: the author's page is opened instead.

use super::command::Command;
use super::{App, Effect};
use crate::model::{AuthorId, Event, NetworkKind};

impl App {
    /// `@jo_m asked on 2026-03-02 not to be contacted (written down by bo)`; `None` where they did not.
    pub fn opt_out_words(&self, author: &AuthorId) -> Option<String> {
        let opt_out = self.desk.opted_out.get(author)?;
        let who = self.author_words(author);
        let day = opt_out.at.to_zoned(self.setup.zone.clone()).strftime("%Y-%m-%d").to_string();
        let how =
            if opt_out.post.is_some() { "in a post to us".to_owned() } else { format!("told by {}", opt_out.rep) };
        Some(format!("{who} asked on {day} not to be contacted ({how})"))
    }

    /// `@jo_m`, as their newest post here has it.
    fn author_words(&self, author: &AuthorId) -> String {
        let posts = self.desk.posts.values().filter(|view| view.author == *author);
        let known = posts.filter_map(|view| view.body.as_ref()).filter(|post| !post.author.handle.is_empty());
        let newest = known.max_by_key(|post| post.at);
        newest.map_or_else(|| "the author".to_owned(), |post| format!("@{}", post.author.handle))
    }

    /// `:opt-out`
    pub(super) fn opt_out(&mut self, out: &mut Vec<Effect>) {
        let Some(case) = self.case_to_change() else { return };
        if let Some(asked) = self.opt_out_words(&case.author) {
            return self.info(format!("{asked} already"));
        }
        let who = self.author_words(&case.author);
        let event = Event::AuthorOptedOut { author: case.author, post: None };
        self.append(vec![(event, None)], None, None, out);
        self.info(format!(
            "written down: {who} asked not to be contacted, nothing public goes to them until :lift-opt-out"
        ));
    }

    /// `:lift-opt-out`, twice.
    pub(super) fn lift_opt_out(&mut self, out: &mut Vec<Effect>) {
        let Some(case) = self.case_to_change() else { return };
        let Some(asked) = self.opt_out_words(&case.author) else {
            let who = self.author_words(&case.author);
            return self.info(format!("{who} did not ask not to be contacted"));
        };
        let warning = format!("{asked}; the same command again lifts it for the whole team");
        if self.second_press(Command::LiftOptOut, case.author.to_string(), warning) {
            let who = self.author_words(&case.author);
            let event = Event::AuthorOptOutLifted { author: case.author };
            self.append(vec![(event, None)], None, None, out);
            self.info(format!("lifted: {who} may be contacted again"));
        }
    }

    /// `:follow`
    pub(super) fn follow_author(&mut self, out: &mut Vec<Effect>) {
        let post = self.post_in_hand().and_then(|view| view.body.clone());
        let Some(post) = post else { return self.info("there is no author at hand".to_owned()) };
        let page = match post.network() {
            NetworkKind::X => {
                let account = self.setup.accounts.iter().find(|us| us.network == NetworkKind::X);
                let web = account.map_or(crate::model::account::X_WEB_URL, |us| us.web_url.as_str());
                format!("{web}/{}", post.author.handle)
            }
            NetworkKind::Bluesky => {
                let page = self.page_of(&post);
                page.split_once("/post/").map_or(page.clone(), |(profile, _)| profile.to_owned())
            }
            // The id of an author is their page.
            NetworkKind::Mastodon => post.author.id.native().to_owned(),
        };
        out.push(Effect::Open { url: page });
        self.info(match post.network() {
            NetworkKind::X => "X lets self-serve apps not follow: their page is opened, follow there".to_owned(),
            NetworkKind::Bluesky | NetworkKind::Mastodon => "their page is opened: follow there".to_owned(),
        });
    }
}
