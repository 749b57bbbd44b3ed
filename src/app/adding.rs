//! `A`: a column before it is one. What its query would have caught here, whether the network takes it, and what it
//! would cost; nothing is written before the last key.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::chord::{Chord, Named};
use super::command::Command;
use super::{App, ColumnSetup, Effect, LineInput, Mode};
use crate::model::price::Money;
use crate::model::spend::{Gauge, Gauged};
use crate::model::{AccountName, ColumnName, Post};
use crate::rules::{QueryError, Rule};

/// The store is asked when the keys have rested so long.
const REST: SignedDuration = SignedDuration::from_millis(300);

/// A column being made.
#[derive(Clone, Debug, PartialEq)]
pub struct Adding {
    pub query: LineInput,
    pub name: LineInput,
    /// The name has the keys, not the query.
    pub in_name: bool,
    /// The name follows the query until it is typed.
    name_is_typed: bool,
    /// Whose connection would feed it.
    pub account: AccountName,
    /// The query as far as it can be read.
    pub parsed: Result<Rule, QueryError>,
    /// The post it was begun from.
    pub from: Option<Arc<Post>>,
    /// What the store said of a query.
    pub caught: Option<Caught>,
    ask_at: Option<Timestamp>,
    /// What the network said of a query, or why it said nothing.
    pub taken: Option<(String, Result<Gauged, String>)>,
    pub counted: Option<(String, Result<Gauged, String>)>,
    /// What is being asked of the network.
    pub asking: Option<Gauge>,
    /// What stands in the way, or what the next key does.
    pub said: Option<String>,
    /// On its way to the config file.
    pub is_written: bool,
}

/// Posts of the last seven days in the store that a query would have caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    pub query: String,
    pub posts: u64,
    /// So many were looked at.
    pub of: u64,
    /// The newest, newest first.
    pub examples: Vec<Arc<Post>>,
    /// Why it is not all, if it is not.
    pub cut: Option<String>,
}

/// What goes to the config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    pub name: ColumnName,
    pub account: AccountName,
    pub query: String,
}

impl Adding {
    /// Posts a day by the network's count, and their price, where it was asked for this query.
    pub fn per_day(&self, read: Option<Money>) -> Option<(u64, Option<Money>)> {
        match &self.counted {
            Some((query, Ok(Gauged::Counted { posts, days }))) if *query == self.query.text => {
                let per_day = posts.div_ceil((*days).max(1));
                // Of what is shown, so that the two agree where it is less than one.
                Some((per_day, read.map(|read| read.times(per_day))))
            }
            _ => None,
        }
    }

    fn answer(&self) -> Option<&Result<Gauged, String>> {
        self.taken.as_ref().filter(|(query, _)| *query == self.query.text).map(|(_, answer)| answer)
    }
}

impl App {
    /// `A` and `:add-column`: from the post in hand, from words, or from nothing.
    pub(super) fn open_adding(&mut self, words: &str) {
        let focused = self.setup.columns.get(self.focus).or_else(|| self.setup.columns.first());
        let from = self.post_in_hand().and_then(|post| post.body.clone());
        // What is like a post is looked for where that post was.
        let of_post = |column: &ColumnSetup| from.as_ref().and_then(|post| column.on(post.network()).cloned());
        let source = focused.map(|column| of_post(column).unwrap_or_else(|| column.main().clone()));
        let Some(account) = source.map(|source| source.account) else { return };
        let tags = from.iter().flat_map(|post| post.hashtags.iter()).map(|tag| format!("#{tag}"));
        let query = if words.is_empty() { tags.collect::<Vec<_>>().join(" OR ") } else { words.to_owned() };
        let adding = Adding {
            parsed: Rule::parse(&query),
            query: LineInput { cursor: query.len(), text: query, error: None },
            name: LineInput::default(),
            in_name: false,
            name_is_typed: false,
            account,
            from,
            caught: None,
            ask_at: None,
            taken: None,
            counted: None,
            asking: None,
            said: None,
            is_written: false,
        };
        self.open_over(Mode::AddColumn(Box::new(adding)));
        self.query_changed();
    }

    /// A key that is text here.
    pub(super) fn type_in_adding(&mut self, chord: Chord) {
        let Mode::AddColumn(adding) = &mut self.mode else { return };
        adding.said = None;
        self.dirty = true;
        if !adding.in_name {
            if adding.query.take(chord) {
                self.query_changed();
            }
            return;
        }
        // A name is one word.
        if matches!(chord, Chord::Named(Named::Space) | Chord::Char('/' | '=' | ',')) {
            adding.said = Some("a name is one short word: no spaces, no `/`, `=` or `,`".to_owned());
            return;
        }
        adding.name_is_typed |= adding.name.take(chord);
    }

    /// Reads the query anew; the store is asked when the keys rest.
    pub(super) fn query_changed(&mut self) {
        let now = self.now;
        let taken: Vec<ColumnName> = self.setup.columns.iter().map(|column| column.name.clone()).collect();
        let Mode::AddColumn(adding) = &mut self.mode else { return };
        adding.parsed = Rule::parse(&adding.query.text);
        adding.ask_at = adding.parsed.is_ok().then(|| now.checked_add(REST).unwrap_or(now));
        if !adding.name_is_typed {
            let name = name_for(&adding.query.text, &taken);
            adding.name = LineInput { cursor: name.len(), text: name, error: None };
        }
        self.dirty = true;
    }

    /// When the store is to be asked.
    pub(super) fn adding_due(&self) -> Option<Timestamp> {
        match &self.mode {
            Mode::AddColumn(adding) => adding.ask_at,
            _ => None,
        }
    }

    /// Asks the store once the keys have rested.
    pub(super) fn ask_what_was_caught(&mut self, out: &mut Vec<Effect>) {
        let now = self.now;
        let network = match &self.mode {
            Mode::AddColumn(adding) => self.account(&adding.account).map(|account| account.network),
            _ => None,
        };
        let Mode::AddColumn(adding) = &mut self.mode else { return };
        if adding.ask_at.is_none_or(|at| at > now) {
            return;
        }
        adding.ask_at = None;
        if let (Ok(rule), Some(network)) = (&adding.parsed, network) {
            out.push(Effect::TryQuery { rule: rule.clone(), network });
        }
    }

    pub(super) fn caught(&mut self, caught: Caught) {
        if let Mode::AddColumn(adding) = &mut self.mode
            && adding.query.text == caught.query
        {
            adding.caught = Some(caught);
            self.dirty = true;
        }
    }

    pub(super) fn gauged(&mut self, query: String, gauge: Gauge, answer: Result<Gauged, String>) {
        let Mode::AddColumn(adding) = &mut self.mode else { return };
        if adding.asking == Some(gauge) {
            adding.asking = None;
        }
        let is_this = adding.query.text == query;
        match gauge {
            Gauge::Rule => adding.taken = Some((query, answer)),
            Gauge::Count => adding.counted = Some((query, answer)),
        }
        if is_this && gauge == Gauge::Rule {
            adding.said = Some(match adding.answer() {
                Some(Ok(Gauged::Refused { .. })) => "not added: change the query".to_owned(),
                Some(Err(_)) => "Enter adds it all the same; the link tells if the network refuses it".to_owned(),
                _ => "Enter adds the column; Esc leaves, nothing is written".to_owned(),
            });
        }
        self.dirty = true;
    }

    /// Tab: from the query to the name and back.
    pub(super) fn next_field(&mut self) {
        if let Mode::AddColumn(adding) = &mut self.mode {
            adding.in_name = !adding.in_name;
            self.dirty = true;
        }
    }

    /// Ctrl-T: how many posts a day, which the network bills, so it asks first.
    pub(super) fn ask_count(&mut self, out: &mut Vec<Effect>) {
        let Mode::AddColumn(adding) = &self.mode else { return };
        let account = adding.account.clone();
        let rule = match &adding.parsed {
            Ok(rule) => rule.clone(),
            Err(error) => {
                let why = error.message.clone();
                return self.say_in_adding(why);
            }
        };
        let price = self.setup.budgets.get(&account).map(|budget| budget.prices.count);
        let room = self.spent_today(&account).and_then(|standing| Some((standing.limit?, standing.spent)));
        if let (Some(price), Some((limit, spent))) = (price, room)
            && spent.plus(price) > limit
        {
            return self.say_in_adding(format!("not asked: today's limit of {limit} leaves no room for {price}"));
        }
        let costs = price.map_or_else(|| "the network may bill it".to_owned(), |price| format!("it costs {price}"));
        let warning = format!("the same key again asks the network how many posts a day: {costs}");
        if self.second_press(Command::AskCount, rule.source().to_owned(), warning) {
            if let Mode::AddColumn(adding) = &mut self.mode {
                adding.asking = Some(Gauge::Count);
            }
            out.push(Effect::Gauge { account, rule, gauge: Gauge::Count });
        }
    }

    /// Enter: the network is asked whether it takes the rule; once it has answered, the column is written down.
    pub(super) fn add_column(&mut self, out: &mut Vec<Effect>) {
        let Mode::AddColumn(adding) = &self.mode else { return };
        let name = adding.name.text.trim().to_owned();
        let rule = match &adding.parsed {
            Ok(rule) => rule.clone(),
            Err(error) => {
                let why = error.message.clone();
                return self.say_in_adding(why);
            }
        };
        if name.is_empty() {
            return self.say_in_adding("the column needs a name; Tab leads to it".to_owned());
        }
        if self.setup.columns.iter().any(|column| column.name.as_str() == name) {
            return self.say_in_adding(format!("there is a column called {name} already; Tab leads to the name"));
        }
        if adding.is_written {
            return;
        }
        let account = adding.account.clone();
        // A network that gets no rules has nothing to say of one.
        let takes_rules = self.account(&account).is_none_or(|account| account.network.takes_rules());
        match adding.answer() {
            None if !takes_rules => self.write_column(&name, account, &rule, out),
            None if adding.asking == Some(Gauge::Rule) => {}
            None => {
                if let Mode::AddColumn(adding) = &mut self.mode {
                    adding.asking = Some(Gauge::Rule);
                    adding.said = None;
                }
                out.push(Effect::Gauge { account, rule, gauge: Gauge::Rule });
            }
            Some(Ok(Gauged::Refused { why })) => {
                let why = format!("not added: {why}");
                self.say_in_adding(why);
            }
            Some(Ok(Gauged::Taken | Gauged::Counted { .. }) | Err(_)) => {
                self.write_column(&name, account, &rule, out);
            }
        }
        self.dirty = true;
    }

    fn write_column(&mut self, name: &str, account: AccountName, rule: &Rule, out: &mut Vec<Effect>) {
        if let Mode::AddColumn(adding) = &mut self.mode {
            adding.is_written = true;
        }
        let column = NewColumn { name: ColumnName::new(name), account, query: rule.source().to_owned() };
        out.push(Effect::AddColumn { column });
    }

    /// The config file has the column, or why not.
    pub(super) fn column_added(&mut self, name: &ColumnName, result: Result<String, String>) {
        match result {
            Ok(file) => {
                if matches!(self.mode, Mode::AddColumn(_)) {
                    self.leave_screen();
                }
                self.info(format!("column {name} is in {file}; it comes up in a moment"));
            }
            Err(why) => {
                if let Mode::AddColumn(adding) = &mut self.mode {
                    adding.is_written = false;
                }
                self.error(format!("column {name} was not added: {why}"));
            }
        }
        self.dirty = true;
    }

    fn say_in_adding(&mut self, words: String) {
        if let Mode::AddColumn(adding) = &mut self.mode {
            adding.said = Some(words);
        }
        self.dirty = true;
    }
}

/// A name made of the query's first words that no column has.
fn name_for(query: &str, taken: &[ColumnName]) -> String {
    let words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && *word != "OR");
    let mut name = words.take(2).collect::<Vec<_>>().join("-").to_lowercase();
    name = name.chars().take(24).collect();
    if name.is_empty() {
        return name;
    }
    let is_free = |name: &str| !taken.iter().any(|column| column.as_str() == name);
    if is_free(&name) {
        return name;
    }
    (2..=taken.len() + 2).map(|n| format!("{name}-{n}")).find(|name| is_free(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::name_for;
    use crate::model::ColumnName;

    #[test]
    fn names_follow_the_query_and_are_free() {
        let taken = [ColumnName::new("acme"), ColumnName::new("acme-2")];
        for (query, name) in [
            ("", ""),
            ("#AcmeDown", "acmedown"),
            ("(\"acme internet\" OR router) -is:retweet", "acme-internet"),
            ("acme", "acme-3"),
            ("アクメ", "アクメ"),
        ] {
            assert_eq!(name_for(query, &taken), name, "{query}");
        }
    }
}
