//! What works and what does not, found out without sending anything.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::matched_here::{nobody_there, not_judged};
use super::query::{Spelled, spell_for_x};
use super::{Access, AccountConfig, Config, SecretSource};
use crate::model::words::counted;
use crate::model::{ColumnName, NetworkKind};
use crate::rules::QueryError;

/// One line of `replydeck check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub part: Part,
    pub outcome: Outcome,
    pub what: String,
    /// What to do, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Config,
    Column,
    Account,
    Secret,
    Data,
    Terminal,
    Network,
}

impl Part {
    pub fn word(self) -> &'static str {
        match self {
            Part::Config => "config",
            Part::Column => "column",
            Part::Account => "account",
            Part::Secret => "secret",
            Part::Data => "data",
            Part::Terminal => "terminal",
            Part::Network => "network",
        }
    }
}

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Works,
    /// Works, with something to know.
    Mind,
    Fails,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Works => "works",
            Outcome::Mind => "mind",
            Outcome::Fails => "FAILS",
        }
    }
}

impl Line {
    pub fn new(part: Part, outcome: Outcome, what: impl Into<String>) -> Self {
        Self { part, outcome, what: what.into(), remedy: None }
    }

    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// The office hours: what of the holiday file is no date. The others are kept, so nothing fails.
pub fn office(config: &Config) -> Vec<Line> {
    let Some(office) = &config.office else { return Vec::new() };
    let mut lines: Vec<Line> = Vec::new();
    if let (Some(file), true) = (&office.holidays_file, office.mistakes.is_empty()) {
        let what = format!("{}: {}", file.display(), counted(office.from_file.len(), "holiday"));
        lines.push(Line::new(Part::Config, Outcome::Works, what));
    }
    for mistake in &office.mistakes {
        let line = Line::new(Part::Config, Outcome::Mind, format!("the holiday file {mistake}"));
        lines.push(line.remedy("correct the lines: on a day that is missing the clocks run as on any other"));
    }
    lines
}

/// Every column: what its network makes of its query.
pub fn columns(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    for column in &config.columns {
        for account in column.sources.iter().filter_map(|source| config.account(&source.account)) {
            match account.network() {
                NetworkKind::X => lines.push(x_column(&spell_for_x(&column.name, &column.rule, account.tier()))),
                NetworkKind::Bluesky => {
                    let what = format!(
                        "{}: Bluesky's stream knows no words: every post is read and matched here",
                        column.name
                    );
                    lines.push(Line::new(Part::Column, Outcome::Works, what));
                }
                NetworkKind::Mastodon => {
                    lines.push(mastodon_column(&column.name, !column.rule.hashtags().0.is_empty()));
                }
            }
            if account.network() != NetworkKind::X {
                lines.extend(not_judged(column, account.network()));
                lines.extend(nobody_there(config, column, account.network()));
            }
        }
    }
    lines
}

fn mastodon_column(column: &ColumnName, has_hashtags: bool) -> Line {
    if has_hashtags {
        let what = format!(
            "{column}: Mastodon's streams of its hashtags, and what its server shows in public, are matched here; replies to \
             others are heard only with such a hashtag"
        );
        return Line::new(Part::Column, Outcome::Works, what);
    }
    Line::new(
        Part::Column,
        Outcome::Mind,
        format!(
            "{column}: Mastodon has no stream of words: what its server shows in public is matched here, and replies to \
             others are not among it"
        ),
    )
    .remedy("ask for a hashtag or a mention of the account as well: replies that hold one are heard")
}

fn x_column(spelled: &Spelled) -> Line {
    let Spelled { column, rule, search, limits } = spelled;
    match (rule, search) {
        (Err(errors), _) => {
            Line::new(Part::Column, Outcome::Fails, format!("{column}: X takes no such rule: {}", words(errors)))
                .remedy(remedies(errors).unwrap_or_else(|| "change the query".to_owned()))
        }
        (Ok(rule), Ok(search)) => Line::new(
            Part::Column,
            Outcome::Works,
            format!(
                "{column}: an X rule of {} of {} characters, a search of {} of {}",
                rule.chars().count(),
                limits.rule_chars,
                search.chars().count(),
                limits.search_chars
            ),
        ),
        (Ok(_), Err(errors)) => Line::new(
            Part::Column,
            Outcome::Mind,
            format!("{column}: works as an X rule, but its gaps cannot be filled by search: {}", words(errors)),
        )
        .remedy(remedies(errors).unwrap_or_else(|| "shorten the query, or live with gaps that stay open".to_owned())),
    }
}

pub(super) fn words(errors: &[QueryError]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn remedies(errors: &[QueryError]) -> Option<String> {
    let all: Vec<&str> = errors.iter().filter_map(|error| error.remedy.as_deref()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Every account: what it is able to do as it is set up.
pub fn accounts(config: &Config) -> Vec<Line> {
    config
        .accounts
        .iter()
        .map(|account| {
            let who = format!("{}: @{} on {}", account.name, account.handle, account.network());
            let Some(x) = account.x() else { return elsewhere(account, &who) };
            if x.user.is_none() {
                Line::new(Part::Account, Outcome::Mind, format!("{who} only listens"))
                    .remedy("to send, add client_id and run `replydeck auth`, or the four strings of OAuth 1.0a")
            } else if account.user_id.is_none() {
                Line::new(Part::Account, Outcome::Mind, format!("{who} may send, but its number is not known"))
                    .remedy("add user_id: a DM request needs it for its link")
            } else {
                let limit = x
                    .daily_limit
                    .map_or_else(String::new, |limit| format!("; reading pauses when a day has cost {limit}"));
                let messages = match (account.messages, x.activity) {
                    (true, true) => {
                        "; direct messages come at once where the plan has X's Activity stream, else they are looked for \
                         every 2 minutes"
                    }
                    (true, false) => "; direct messages are looked for every 2 minutes (activity = false)",
                    (false, _) => "",
                };
                Line::new(Part::Account, Outcome::Works, format!("{who} listens and may send{limit}{messages}"))
            }
        })
        .collect()
}

/// An account that neither pays nor has a plan.
fn elsewhere(account: &AccountConfig, who: &str) -> Line {
    match &account.access {
        Access::Bluesky(bluesky) if bluesky.app_password.is_none() => {
            Line::new(Part::Account, Outcome::Mind, format!("{who} only listens"))
                .remedy("to send, add app_password: one made in Bluesky's settings, with direct messages allowed")
        }
        Access::Mastodon(mastodon) if mastodon.token.is_none() => {
            Line::new(Part::Account, Outcome::Works, format!("{who} is logged in by `replydeck auth {}`", account.name))
        }
        Access::X(_) | Access::Bluesky(_) | Access::Mastodon(_) => {
            Line::new(Part::Account, Outcome::Works, format!("{who} listens and may send"))
        }
    }
}

/// Every secret: whether it can be had. Runs the commands; shows nothing of what they give.
pub fn secrets(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut tried: Vec<&SecretSource> = Vec::new();
    for account in &config.accounts {
        for (key, source) in account.secrets() {
            // Two accounts of one app share its token; asking twice might mean unlocking twice.
            if tried.contains(&source) {
                continue;
            }
            tried.push(source);
            let what = format!("{}: {key} from {source}", account.name);
            lines.push(match source.resolve() {
                Ok(_secret) => Line::new(Part::Secret, Outcome::Works, what),
                Err(why) => Line::new(Part::Secret, Outcome::Fails, format!("{}: {key}: {why}", account.name)),
            });
        }
    }
    lines
}

/// Whether the store can be kept in `folder`. Leaves nothing behind.
pub fn data(folder: &Path) -> Line {
    let mut there: PathBuf = folder.to_owned();
    while !there.exists() {
        match there.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => there = parent.to_owned(),
            _ => {
                there = PathBuf::from(".");
            }
        }
    }
    let fails = |why: String| {
        Line::new(Part::Data, Outcome::Fails, format!("{} cannot be written: {why}", folder.display()))
            .remedy("give it to your user, or choose another folder with --data-dir or REPLYDECK_DATA_DIR")
    };
    if !there.is_dir() {
        return fails(format!("{} is not a folder", there.display()));
    }
    let probe = there.join(format!(".replydeck-check-{}", std::process::id()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe).and_then(|mut file| {
        use std::io::Write;
        file.write_all(b"replydeck check\n")
    });
    let removed = std::fs::remove_file(&probe);
    match written.and(removed) {
        Err(why) => fails(why.to_string()),
        Ok(()) if there == folder => {
            Line::new(Part::Data, Outcome::Works, format!("{} can be written", folder.display()))
        }
        Ok(()) => Line::new(Part::Data, Outcome::Works, format!("{} can be made at the first start", folder.display())),
    }
}

/// What the terminal says of itself, gathered by the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalFacts {
    /// Both input and output are terminals.
    pub is_terminal: bool,
    /// Columns and rows, where they could be asked.
    pub size: Option<(u16, u16)>,
    pub term: Option<String>,
    /// `COLORTERM`.
    pub color_term: Option<String>,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    pub locale: Option<String>,
    pub in_tmux: bool,
    pub over_ssh: bool,
}

impl TerminalFacts {
    /// From the environment; whether there is a terminal and its size are for the caller to find out.
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self {
            is_terminal: false,
            size: None,
            term: set("TERM"),
            color_term: set("COLORTERM"),
            no_color: set("NO_COLOR").is_some(),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set),
            in_tmux: set("TMUX").is_some(),
            over_ssh: set("SSH_CONNECTION").is_some() || set("SSH_TTY").is_some(),
        }
    }
}

/// The smallest screen the deck is made for.
const SMALLEST: (u16, u16) = (80, 24);

/// Whether the deck will look right.
pub fn terminal(facts: &TerminalFacts) -> Vec<Line> {
    let line = |outcome, what: String| Line::new(Part::Terminal, outcome, what);
    let mut lines = Vec::new();
    match facts.term.as_deref() {
        None | Some("dumb") if facts.is_terminal => lines.push(
            line(Outcome::Fails, "TERM says the terminal cannot place its cursor".to_owned())
                .remedy("set TERM to what the terminal is, such as xterm-256color"),
        ),
        _ if !facts.is_terminal => lines.push(
            line(Outcome::Mind, "this is not a terminal".to_owned())
                .remedy("the deck needs one, on a simulator as well; every other command does without"),
        ),
        term => lines.push(line(Outcome::Works, format!("TERM is {}", term.unwrap_or_default()))),
    }
    if let Some((columns, rows)) = facts.size {
        let what = format!("{columns} columns, {rows} rows");
        lines.push(if columns < SMALLEST.0 || rows < SMALLEST.1 {
            line(Outcome::Mind, what).remedy("the deck is made for 80x24 and more; it draws what fits")
        } else {
            line(Outcome::Works, what)
        });
    }
    let is_utf8 = facts.locale.as_deref().is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8") || locale.contains("utf-8@") || locale.contains("utf8@")
    });
    lines.push(match (&facts.locale, is_utf8) {
        (Some(locale), true) => line(Outcome::Works, format!("the locale {locale} is UTF-8")),
        (Some(locale), false) => line(Outcome::Mind, format!("the locale {locale} is not UTF-8"))
            .remedy("letters outside ASCII may come out wrong: export LC_ALL=C.UTF-8"),
        (None, _) => line(Outcome::Mind, "no locale is set".to_owned())
            .remedy("letters outside ASCII may come out wrong: export LC_ALL=C.UTF-8"),
    });
    lines.push(line(
        Outcome::Works,
        match (facts.no_color, facts.color_term.as_deref()) {
            (true, _) => "no colour, as NO_COLOR asks; every state has its letter".to_owned(),
            (false, Some("truecolor" | "24bit")) => "colour (true colour)".to_owned(),
            (false, _) => "colour".to_owned(),
        },
    ));
    if facts.in_tmux {
        lines.push(
            line(Outcome::Mind, "inside tmux, copying works only if tmux lets it through".to_owned())
                .remedy("put `set -s set-clipboard on` into ~/.tmux.conf"),
        );
    }
    if facts.over_ssh {
        lines.push(line(
            Outcome::Works,
            "over SSH: copies go to your own clipboard by OSC 52, links are shown as addresses".to_owned(),
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Outcome, TerminalFacts, data, terminal};

    fn facts(set: &[(&str, &str)]) -> TerminalFacts {
        TerminalFacts::from_variables(&|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn worst(facts: &TerminalFacts) -> Outcome {
        terminal(facts).iter().map(|line| line.outcome).max().unwrap()
    }

    #[test]
    fn a_good_terminal_works_and_a_bad_one_is_told() {
        let mut good = facts(&[("TERM", "xterm-256color"), ("LANG", "it_IT.UTF-8"), ("COLORTERM", "truecolor")]);
        good.is_terminal = true;
        good.size = Some((80, 24));
        assert_eq!(worst(&good), Outcome::Works);
        assert_eq!(worst(&TerminalFacts { size: Some((79, 24)), ..good.clone() }), Outcome::Mind);
        assert_eq!(worst(&TerminalFacts { term: Some("dumb".to_owned()), ..good.clone() }), Outcome::Fails);
        assert_eq!(worst(&TerminalFacts { term: None, ..good.clone() }), Outcome::Fails);
        assert_eq!(worst(&TerminalFacts { is_terminal: false, ..good.clone() }), Outcome::Mind);
        assert_eq!(worst(&TerminalFacts { in_tmux: true, ..good.clone() }), Outcome::Mind);
        assert_eq!(worst(&TerminalFacts { locale: Some("C".to_owned()), ..good.clone() }), Outcome::Mind);
        assert_eq!(worst(&TerminalFacts { locale: None, ..good }), Outcome::Mind);
    }

    #[test]
    fn the_locale_is_the_first_that_is_set() {
        let told = facts(&[("LC_ALL", ""), ("LC_CTYPE", "de_DE.utf8@euro"), ("LANG", "C"), ("NO_COLOR", "1")]);
        assert_eq!(told.locale.as_deref(), Some("de_DE.utf8@euro"));
        assert!(terminal(&told).iter().any(|line| line.what.contains("NO_COLOR")));
        assert!(!terminal(&told).iter().any(|line| line.what.contains("not UTF-8")));
    }

    #[test]
    fn the_data_folder_is_tried_and_left_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let there = data(home.path());
        assert_eq!(there.outcome, Outcome::Works);
        assert!(there.what.ends_with("can be written"));
        let later = data(&home.path().join("a/b"));
        assert_eq!(later.outcome, Outcome::Works);
        assert!(later.what.ends_with("can be made at the first start"));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is left behind");
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let fails = data(&path);
            assert_eq!(fails.outcome, Outcome::Fails);
            assert!(fails.remedy.unwrap().contains("--data-dir"));
        }
        assert_eq!(data(Path::new("relative/folder")).outcome, Outcome::Works);
    }
}
