//! Searching in stored posts, and on a network itself.

use std::sync::Arc;

use super::ingest::post_view;
use super::{App, Effect, Find, Mode, NetworkFind};
use crate::desk::{PostState, PostView};
use crate::model::account::Tier;
use crate::model::event::Standing;
use crate::model::{
    Account, Body, BodyId, CaseId, Envelope, Found, FoundOnNetwork, FoundPerson, Hit, NetworkKind, Post, Search,
};
use crate::rules::x::{Limits, as_search};
use crate::rules::{QueryError, Rule, bluesky};

/// A network is asked for so many posts at most: what they cost is told before.
pub const MOST_FROM_NETWORK: u64 = 50;

impl Find {
    /// People and hits.
    pub fn rows(&self) -> usize {
        self.people.len() + self.hits.len()
    }

    /// The person selected.
    pub fn person(&self) -> Option<&FoundPerson> {
        self.people.get(self.selected)
    }

    /// The hit selected.
    pub fn hit(&self) -> Option<&Hit> {
        self.hits.get(self.selected.checked_sub(self.people.len())?)
    }
}

impl App {
    /// `g/`: a search of the network of the post in hand, or of one that feeds the focused column.
    pub(super) fn open_network_find(&mut self) {
        if let Mode::Find(find) = &mut self.mode
            && find.network.is_some()
        {
            find.in_list = false;
            self.dirty = true;
            return;
        }
        let Some(account) = self.searched_source().and_then(|source| self.account(&source.account)) else {
            return self.error("this column's account is not in the config: no network can be searched".to_owned());
        };
        let network = NetworkFind {
            account: account.name.clone(),
            kind: account.network,
            priced: None,
            judged_here: String::new(),
            is_asking: false,
            read: 0,
            has_more: false,
        };
        self.switch_to(Mode::Find(Find { network: Some(network), ..Find::default() }));
    }

    /// Enter on the line of words.
    pub(super) fn ask_found(&mut self, out: &mut Vec<Effect>) {
        match &self.mode {
            Mode::Find(find) if find.network.is_some() => self.ask_network(out),
            _ => self.ask_store(out),
        }
    }

    /// The first Enter shows what the search costs at most, the second asks.
    fn ask_network(&mut self, out: &mut Vec<Effect>) {
        self.dirty = true;
        let Mode::Find(find) = &self.mode else { return };
        let Some(network) = &find.network else { return };
        let words = find.input.text.trim().to_owned();
        let query = match self.account(&network.account) {
            Some(account) => askable(&words, account),
            None => Err("this account is no longer in the config".to_owned()),
        };
        let Mode::Find(find) = &mut self.mode else { return };
        let Some(network) = &mut find.network else { return };
        if find.answered.as_ref() == Some(&words) {
            find.in_list = !find.hits.is_empty();
            return;
        }
        if network.is_asking {
            return;
        }
        match query {
            Err(why) => find.input.error = Some(why),
            Ok(askable) if network.priced.as_ref() != Some(&words) => {
                find.input.error = None;
                network.priced = Some(words);
                network.judged_here = askable.judged_here;
            }
            Ok(Askable { query, .. }) => {
                network.is_asking = true;
                network.has_more = false;
                network.read = 0;
                find.answered = None;
                find.hits.clear();
                find.selected = 0;
                let account = network.account.clone();
                out.push(Effect::FindOnNetwork { account, words, query, most: MOST_FROM_NETWORK });
            }
        }
    }

    /// The network's answer. It is paid for: if the words have changed, or the search was left, that is told.
    pub(super) fn found_on_network(&mut self, words: &str, found: FoundOnNetwork) {
        let FoundOnNetwork { posts, read, has_more, refused } = found;
        let refused = refused.map(|refused| match refused.until {
            Some(until) => format!("{}; free again at {}", refused.why, self.hours(until)),
            None => refused.why,
        });
        self.dirty = true;
        let find = match (&mut self.mode, self.back.as_deref_mut()) {
            (Mode::Find(find), _) | (_, Some(Mode::Find(find))) => Some(find),
            _ => None,
        };
        let asked = find.and_then(|find| {
            let network = find.network.as_mut().filter(|network| network.priced.as_deref() == Some(words))?;
            network.is_asking = false;
            network.priced = None;
            (network.read, network.has_more) = (read, has_more);
            find.hits = posts.into_iter().map(hit).collect();
            find.in_list = !find.hits.is_empty();
            find.input.error = match refused.clone() {
                Some(why) => Some(format!("not searched: {why}")),
                None => find.hits.is_empty().then(|| match (network.kind, read) {
                    (NetworkKind::X, _) => "no post of the last 7 days fits".to_owned(),
                    (kind, 0) => format!("{kind} finds no post"),
                    (kind, read) => format!("{kind} found {read}; not one of them fits the whole query"),
                }),
            };
            find.answered = refused.is_none().then(|| words.to_owned());
            find.selected = 0;
            Some(())
        });
        if asked.is_none() {
            self.info(match refused {
                Some(why) => format!("the search that was left was refused: {why}"),
                None => format!(
                    "the search that was left found {read} post{}, paid all the same",
                    if read == 1 { "" } else { "s" }
                ),
            });
        }
    }

    /// Enter on the line of words, for the store.
    fn ask_store(&mut self, out: &mut Vec<Effect>) {
        let Mode::Find(find) = &mut self.mode else { return };
        let words = find.input.text.trim().to_owned();
        self.dirty = true;
        if words.is_empty() {
            find.input.error = Some("type words that the posts hold".to_owned());
            return;
        }
        if find.answered.as_ref() == Some(&words) {
            find.in_list = find.rows() > 0;
            return;
        }
        let search = match Search::parse(&words, self.now, &self.setup.zone) {
            Ok(search) => search,
            Err(error) => {
                // The cursor goes to what is wrong.
                let lead = find.input.text.len() - find.input.text.trim_start().len();
                find.input.cursor = (lead + error.span.end).min(find.input.text.len());
                find.input.error = Some(error.to_string());
                return;
            }
        };
        find.answered = None;
        find.people.clear();
        find.hits.clear();
        find.selected = 0;
        out.push(Effect::Find { words, search: Box::new(search) });
    }

    /// The store's answer; one to words no longer on the line is passed over.
    pub(super) fn found(&mut self, words: &str, mut found: Found) {
        let all = found.hits.len();
        found.hits.retain(|hit| self.may_read_hit(hit));
        let hidden = all - found.hits.len();
        let ((Mode::Find(find), _) | (_, Some(Mode::Find(find)))) = (&mut self.mode, self.back.as_deref_mut()) else {
            return;
        };
        if find.network.is_some() || find.input.text.trim() != words {
            return;
        }
        (find.people, find.hits) = (found.people, found.hits);
        find.in_list = find.rows() > 0;
        find.input.error = match (find.rows(), hidden) {
            (0, 0) => Some("nothing stored holds all of this".to_owned()),
            (_, 0) => None,
            (_, hidden) => Some(format!("left out, for the reps of their account only: {hidden}")),
        };
        find.answered = Some(words.to_owned());
        find.selected = 0;
        self.dirty = true;
    }

    /// Enter on a hit: to its row where a column shows it, else its case alone.
    pub(super) fn open_hit(&mut self, out: &mut Vec<Effect>) {
        let Mode::Find(find) = &self.mode else { return };
        if let Some(person) = find.person() {
            let author = person.author.clone();
            return self.open_person(author, None, out);
        }
        let Some(hit) = find.hit().cloned() else { return };
        match hit.body {
            Body::Post(post) => {
                if !self.go_to_post(&post.id) {
                    let view = self.known_or_judged(Arc::new(*post));
                    self.open_post(view, out);
                }
            }
            Body::Reply(_) => {
                let reply = self.desk.replies.values().find(|reply| BodyId::reply(reply.id) == hit.id);
                match reply.map(|reply| reply.case) {
                    Some(case) => self.go_to_case(case, out),
                    None => out.push(Effect::FindCaseOf { text: hit.id }),
                }
            }
            Body::Message(message) => match self.desk.case_with(&message.with) {
                Some(case) => self.go_to_case(case, out),
                None => self.info("there is no case of theirs at hand".to_owned()),
            },
            Body::Note(_) => out.push(Effect::FindCaseOf { text: hit.id }),
            Body::Draft(_) | Body::BegunNote(_) => self.info("a draft is opened from the list of drafts".to_owned()),
        }
    }

    /// The store's answer to where a note or a reply stands; one that comes after the rep went on is passed over.
    pub(super) fn found_case_of(
        &mut self,
        text: &BodyId,
        found: Option<(CaseId, Option<Arc<Envelope>>)>,
        out: &mut Vec<Effect>,
    ) {
        let Mode::Find(find) = &self.mode else { return };
        if find.hit().is_none_or(|hit| hit.id != *text) {
            return;
        }
        match found {
            Some((case, _)) if self.desk.cases.contains_key(&case) => self.go_to_case(case, out),
            Some((_, Some(post))) => match post_view(&post) {
                Some(view) => self.open_post(view, out),
                None => self.info("the case's posts are gone".to_owned()),
            },
            Some((_, None)) | None => self.info("its case is no longer stored".to_owned()),
        }
    }

    /// Whether a hit is a post that the desk holds; another one found on a network is stored nowhere here.
    pub fn is_on_desk(&self, hit: &Hit) -> bool {
        matches!(&hit.body, Body::Post(post) if self.desk.posts.contains_key(&post.id))
    }

    /// The hit's own post as the keys take it: `yl`, `o` and the like in the list of hits.
    pub(super) fn post_of_hit(&self) -> Option<PostView> {
        let Mode::Find(find) = &self.mode else { return None };
        match &find.hit().filter(|_| find.in_list)?.body {
            Body::Post(post) => Some(self.known_or_judged(Arc::new((**post).clone()))),
            Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) | Body::Message(_) => None,
        }
    }

    /// As the desk knows it, with the text in hand where the desk has let it go.
    fn known_or_judged(&self, post: Arc<Post>) -> PostView {
        match self.desk.posts.get(&post.id).cloned() {
            Some(known) if known.lacks_text() => PostView { body: Some(post), ..known },
            Some(known) => known,
            None => self.view_of(post),
        }
    }

    /// A stored post that is not on the desk, judged as it would be if it came in now.
    fn view_of(&self, post: Arc<Post>) -> PostView {
        let own = self.setup.accounts.iter().any(|account| account.id.as_ref() == Some(&post.author.id));
        let standing = Standing::of(&post, own);
        let columns = self
            .setup
            .columns
            .iter()
            .filter(|column| column.on(post.network()).is_some() && column.rule.matches(&post));
        let columns = columns.map(|column| column.name.clone()).collect();
        PostView {
            id: post.id.clone(),
            author: post.author.id.clone(),
            conversation: post.conversation.clone(),
            at: post.at,
            arrived: post.at,
            in_reply_to: post.in_reply_to.clone(),
            in_reply_to_author: post.in_reply_to_author.clone(),
            standing,
            columns,
            case: standing.makes_case().then(|| CaseId::of(&post.author.id, &post.conversation)),
            state: if post.is_edited { PostState::Edited } else { PostState::Present },
            body: Some(post),
        }
    }
}

fn hit(post: Post) -> Hit {
    Hit { id: BodyId::post(&post.id), at: post.at, body: Body::Post(Box::new(post)) }
}

/// What the network asks this account for so many posts, in words.
pub fn price_of_search(app: &App, network: &NetworkFind, posts: u64) -> String {
    match app.setup.budgets.get(&network.account) {
        Some(budget) => budget.prices.post_read.times(posts).to_string(),
        None if network.kind == NetworkKind::X => "the contract's price".to_owned(),
        None => "free of charge".to_owned(),
    }
}

/// A query that the account's network can be asked.
struct Askable {
    query: Rule,
    /// The parts of it that are judged here, over what the network finds.
    judged_here: String,
}

/// The words as a query that the account's network can be asked, or all that is in its way.
fn askable(words: &str, account: &Account) -> Result<Askable, String> {
    if words.is_empty() {
        return Err("type a query, such as: outage -is:retweet".to_owned());
    }
    let told = |errors: Vec<QueryError>| {
        let told = errors.into_iter().map(|error| match error.remedy {
            Some(remedy) => format!("{}: {remedy}", error.message),
            None => error.message,
        });
        told.collect::<Vec<_>>().join("; ")
    };
    let query = Rule::read(words).map_err(told)?;
    let judged_here = match account.network {
        NetworkKind::X => {
            let limits = match account.tier {
                Tier::PayPerUse => Limits::SELF_SERVE,
                Tier::Enterprise => Limits::ENTERPRISE,
            };
            as_search(&query, limits).map_err(told)?;
            String::new()
        }
        NetworkKind::Bluesky => bluesky::as_questions(&query).map_err(told)?.judged_here.join(" "),
        NetworkKind::Mastodon => String::new(),
    };
    Ok(Askable { query, judged_here })
}
