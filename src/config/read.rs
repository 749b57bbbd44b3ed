//! From the parsed file to [`Config`], collecting every problem on the way.

use std::ops::Range;
use std::path::Path;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::account;
use super::column_sources::{self, Accounts};
use super::problem::{Invalid, Problem};
use super::table::{Reader, Table, Text, suggest};
use super::{Config, duration, hours, keys, people, query};
use crate::app::setup::{ColumnSetup, Openings, SavedReply};
use crate::model::sla::Targets;
use crate::model::{ColumnName, RepName, Role, clean};

/// A hold beyond this is no second thought but a forgotten reply.
const LONGEST_HOLD: SignedDuration = SignedDuration::from_mins(10);
/// Whoever is away longer has left their cases.
const LONGEST_RELEASE: SignedDuration = SignedDuration::from_hours(7 * 24);
pub(super) const SHORTEST_TARGET: SignedDuration = SignedDuration::from_mins(1);
pub(super) const LONGEST_TARGET: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Names go into rule tags, file names and narrow column heads.
const NAME_CHARACTERS: usize = 40;

/// The config, and where in it the holiday file is named.
pub(super) fn config(
    file: &str,
    name: &str,
    folder: &Path,
    home: Option<&Path>,
) -> Result<(Config, Option<Range<usize>>), Invalid> {
    let (root, errors) = DeTable::parse_recoverable(file);
    if !errors.is_empty() {
        return Err(Invalid::new(name, file, syntax_problems(file, &errors)));
    }
    let mut reader = Reader { file, problems: Vec::new() };
    let read = everything(&mut reader, root.get_ref(), folder, home);
    if reader.problems.is_empty() { Ok(read) } else { Err(Invalid::new(name, file, reader.problems)) }
}

/// One per line: what follows a slip on the same line is mostly its echo.
fn syntax_problems(file: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let line = file.get(..span.start).unwrap_or(file).matches('\n').count();
        if !lines.contains(&line) {
            lines.push(line);
            problems.push(Problem::new(span, format!("not TOML: {}", error.message())));
        }
    }
    problems
}

fn everything<'a>(
    reader: &mut Reader<'_>,
    root: &'a DeTable<'a>,
    folder: &Path,
    home: Option<&Path>,
) -> (Config, Option<Range<usize>>) {
    let mut config = Config::default();
    let mut table = Table::new(root, 0..0);
    if let Some(rep) = table.text(reader, "rep", "your name in quotes") {
        config.rep = one_line(reader, "rep", &rep).map(RepName::new);
    }
    if let Some(role) = table.text(reader, "role", "watcher, rep or lead, in quotes") {
        config.role = read_role(reader, &role);
    }
    if let Some(value) = table.take("team") {
        let team = reader.as_texts("team", value, "a list such as [\"ana\", \"bo\"]").unwrap_or_default();
        config.team = once_each(reader, ("team", "rep"), &team).into_iter().map(|rep| RepName::new(&rep)).collect();
    }
    if let Some(most) = table.whole_number(reader, "open_cases", 0..=10_000) {
        config.open_cases = usize::try_from(most).unwrap_or(config.open_cases);
    }
    if let Some(deck) = table.text(reader, "deck", "a name in quotes") {
        check_name(reader, "deck", &deck);
        deck.value.clone_into(&mut config.deck);
    }
    if let Some(signature) = table.text(reader, "signature", "text in quotes such as \"^AN\"") {
        config.signature = one_line(reader, "signature", &signature).map(str::to_owned);
    }
    if let Some(hold) = table.text(reader, "hold", "a duration in quotes such as \"10s\"") {
        let range = (SignedDuration::ZERO, LONGEST_HOLD);
        config.hold = read_duration(reader, "hold", &hold, range).unwrap_or(config.hold);
    }
    if let Some(after) = table.text(reader, "release_after", "a duration in quotes such as \"15m\"") {
        let range = (SignedDuration::ZERO, LONGEST_RELEASE);
        config.release_after = read_duration(reader, "release_after", &after, range).unwrap_or(config.release_after);
    }
    if let Some(zone) = table.text(reader, "zone", "a time zone in quotes such as \"Europe/Rome\"") {
        config.zone = read_zone(reader, &zone);
    }
    config.bell = table.yes_or_no(reader, "bell").unwrap_or(config.bell);
    config.shortcodes = table.yes_or_no(reader, "shortcodes").unwrap_or(config.shortcodes);
    if let Some(percent) = table.whole_number(reader, "reach_percent", 0..=100) {
        config.reach_percent = u8::try_from(percent).unwrap_or(config.reach_percent);
    }
    if let Some(value) = table.take("people")
        && let Some(people) = reader.as_table("people", value, "a table: [people]")
    {
        config.people = people::read(reader, people, &config.team);
    }
    if let Some(value) = table.take("causes") {
        let causes = reader.as_texts("causes", value, "a list such as [\"outage\", \"billing\"]").unwrap_or_default();
        config.causes = once_each(reader, ("causes", "cause"), &causes);
    }
    if let Some(value) = table.take("outcomes") {
        let outcomes = reader.as_texts("outcomes", value, "a list such as [\"restored\", \"credit\"]");
        config.outcomes = once_each(reader, ("outcomes", "outcome"), &outcomes.unwrap_or_default());
    }
    if let Some(value) = table.take("queues")
        && let Some(words) = reader.as_texts("queues", value, "a list such as [\"mine\", \"due\"]")
    {
        config.queues = hours::read_queues(reader, &words);
    }
    if let Some(value) = table.take("clocks")
        && let Some(clocks) = reader.as_table("clocks", value, "a table: [clocks]")
    {
        config.clocks = hours::read_clocks(reader, clocks);
    }
    let mut holidays_at = None;
    if let Some(value) = table.take("office_hours")
        && let Some(office) = reader.as_table("office_hours", value, "a table: [office_hours]")
    {
        let (office, at) = hours::read_office(reader, office, folder);
        (config.office, holidays_at) = (Some(office), at);
    }
    if let Some(value) = table.take("openings")
        && let Some(openings) = reader.as_table("openings", value, "a table: [openings]")
    {
        config.openings = read_openings(reader, openings, config.openings);
    }
    if let Some(value) = table.take("saved_replies")
        && let Some(saved) = reader.as_table("saved_replies", value, "a table: [saved_replies]")
    {
        config.saved_replies = read_saved_replies(reader, &saved);
    }
    let accounts = table
        .take("accounts")
        .and_then(|value| reader.as_table("accounts", value, "tables, one per account: [accounts.NAME]"));
    let account_names = accounts.as_ref().map(Table::all).unwrap_or_default();
    let mut unusable = Vec::new();
    for (name, value) in &account_names {
        check_name(reader, "account", name);
        let what = format!("accounts.{}", name.value);
        let read = match reader.as_table(&what, value, &format!("a table: [{what}]")) {
            Some(table) => account::read(reader, name, table, folder, home),
            None => Err(None),
        };
        match read {
            Ok(account) => config.accounts.push(account),
            Err(network) => unusable.push(network),
        }
    }
    let names: Vec<&str> = account_names.iter().map(|(name, _)| name.value).collect();
    let are_told = accounts.is_some() || !table.holds("accounts");
    let columns = table.take("columns");
    let accounts =
        Accounts { names: are_told.then_some(names.as_slice()), usable: &config.accounts, unusable: &unusable };
    config.columns = read_columns(reader, columns, accounts, config.clocks.targets);
    if let Some(value) = table.take("keys")
        && let Some(overrides) = reader.as_table("keys", value, "a table: [keys]")
    {
        (config.keys, config.keymap) = keys::read(reader, &overrides);
    }
    table.finish(reader);
    (config, holidays_at)
}

/// A name that goes into tags, options and file names.
pub(super) fn check_name(reader: &mut Reader<'_>, what: &str, name: &Text<'_>) {
    let bad = name
        .value
        .chars()
        .find(|c| c.is_whitespace() || "/=,".contains(*c) || clean::line(c.encode_utf8(&mut [0; 4])).is_empty());
    let message = match bad {
        _ if name.value.is_empty() => format!("the {what}'s name is empty"),
        Some(c) => format!("the {what}'s name holds {c:?}"),
        None if name.value.chars().count() > NAME_CHARACTERS => {
            format!("the {what}'s name is longer than {NAME_CHARACTERS} characters")
        }
        None => return,
    };
    reader.problem(
        Problem::new(name.span.clone(), message).remedy("a name is one short word: no spaces, no `/`, `=` or `,`"),
    );
}

/// Text for one line of the screen. What is invisible or acts on a terminal is refused, not taken out in silence.
pub(super) fn one_line<'a>(reader: &mut Reader<'_>, key: &str, text: &Text<'a>) -> Option<&'a str> {
    if text.value.trim().is_empty() {
        reader.problem(
            Problem::new(text.span.clone(), format!("`{key}` is empty"))
                .remedy(format!("write it out, or leave `{key}` away")),
        );
        return None;
    }
    if clean::line(text.value) != text.value {
        reader.problem(
            Problem::new(
                text.span.clone(),
                format!("`{key}` holds line breaks, spaces at an end or characters nobody can see"),
            )
            .remedy("keep it to one line of visible text"),
        );
        return None;
    }
    Some(text.value)
}

/// Text that will be published: several lines are fine; slots must be closed.
fn prepared_text(reader: &mut Reader<'_>, key: &str, text: &Text<'_>) -> Option<String> {
    if clean::text(text.value) != text.value {
        reader.problem(
            Problem::new(text.span.clone(), format!("`{key}` holds tabs or characters nobody can see"))
                .remedy("keep it to visible text and line breaks"),
        );
        return None;
    }
    let mut open: Option<usize> = None;
    for (at, c) in text.value.char_indices() {
        let wrong = match (c, open) {
            ('{', None) => {
                open = Some(at);
                continue;
            }
            ('}', Some(from)) => {
                let slot = &text.value[from + 1..at];
                open = None;
                let is_name = slot.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
                if is_name && !slot.is_empty() {
                    continue;
                }
                (from..at + 1, format!("`{{{slot}}}` is not a slot"))
            }
            ('{', Some(from)) => (from..from + 1, "this slot is not closed".to_owned()),
            ('}', None) => (at..at + 1, "this brace closes no slot".to_owned()),
            _ => continue,
        };
        let span = reader.locate(text, wrong.0);
        reader.problem(Problem::new(span, format!("`{key}`: {}", wrong.1)).remedy(SLOTS));
        return None;
    }
    if let Some(from) = open {
        let span = reader.locate(text, from..from + 1);
        reader.problem(Problem::new(span, format!("`{key}`: this slot is not closed")).remedy(SLOTS));
        return None;
    }
    Some(text.value.to_owned())
}

const SLOTS: &str = "a slot is one word in braces, such as {what_next}; {name} and {handle} fill themselves";

pub(super) fn read_duration(
    reader: &mut Reader<'_>,
    key: &str,
    text: &Text<'_>,
    (least, most): (SignedDuration, SignedDuration),
) -> Option<SignedDuration> {
    let problem = match duration::parse(text.value) {
        Ok(length) if length >= least && length <= most => return Some(length),
        Ok(_) => Problem::new(text.span.clone(), format!("`{key}` is out of range")).remedy(format!(
            "from {} to {}",
            duration::write(least),
            duration::write(most)
        )),
        Err(why) => Problem::new(text.span.clone(), format!("`{key}`: {why}")).remedy(duration::HOW),
    };
    reader.problem(problem);
    None
}

pub(super) fn read_zone(reader: &mut Reader<'_>, text: &Text<'_>) -> Option<TimeZone> {
    // Only names: a zone like `+01:00` knows no summer time and is mostly a mistake.
    if let Ok(zone) = TimeZone::get(text.value) {
        return Some(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    let wanted = text.value.to_lowercase();
    let near = known
        .iter()
        .map(|name| {
            let name_lower = name.to_lowercase();
            let city = name_lower.rsplit('/').next().unwrap_or_default().to_owned();
            (strsim::damerau_levenshtein(&wanted, &name_lower).min(strsim::damerau_levenshtein(&wanted, &city)), name)
        })
        .filter(|(distance, _)| *distance <= 2)
        .min();
    let remedy = match near {
        Some((_, name)) => format!("did you mean `{name}`? Leave `zone` away for the system's"),
        None => "take a name of the time zone database, such as \"Europe/Rome\"; leave `zone` away for the system's"
            .to_owned(),
    };
    reader.problem(Problem::new(text.span.clone(), format!("`{}` is not a time zone", text.value)).remedy(remedy));
    None
}

fn read_role(reader: &mut Reader<'_>, role: &Text<'_>) -> Role {
    Role::named(role.value).unwrap_or_else(|| {
        let roles = Role::ALL.map(Role::word);
        reader.problem(
            Problem::new(role.span.clone(), format!("`{}` is not a role", role.value))
                .remedy(suggest(role.value, &roles, "roles")),
        );
        // Whoever is not trusted by name is not trusted.
        Role::Watcher
    })
}

pub(super) fn once_each(reader: &mut Reader<'_>, (key, what): (&str, &str), causes: &[Text<'_>]) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    for cause in causes {
        let Some(text) = one_line(reader, key, cause) else { continue };
        if read.iter().any(|known| known == text) {
            reader.problem(
                Problem::new(cause.span.clone(), format!("the {what} `{text}` is there twice")).remedy("keep one"),
            );
        } else {
            read.push(text.to_owned());
        }
    }
    read
}

fn read_openings(reader: &mut Reader<'_>, mut table: Table<'_>, defaults: Openings) -> Openings {
    let mut one =
        |reader: &mut Reader<'_>, key: &'static str, default: String| match table.text(reader, key, "text in quotes") {
            Some(text) => prepared_text(reader, &format!("openings.{key}"), &text).unwrap_or(default),
            None => default,
        };
    let openings = Openings {
        acknowledgement: one(reader, "acknowledgement", defaults.acknowledgement),
        dm_request: one(reader, "dm_request", defaults.dm_request),
        both: one(reader, "both", defaults.both),
        happy_post: one(reader, "happy_post", defaults.happy_post),
    };
    table.finish(reader);
    openings
}

fn read_saved_replies(reader: &mut Reader<'_>, table: &Table<'_>) -> Vec<SavedReply> {
    let mut saved = Vec::new();
    for (name, value) in table.all() {
        check_name(reader, "saved reply", &name);
        let key = format!("saved_replies.{}", name.value);
        let Some(text) = reader.as_text(&key, value, "text in quotes", false) else { continue };
        if let Some(text) = prepared_text(reader, &key, &text) {
            saved.push(SavedReply { name: name.value.to_owned(), text });
        }
    }
    saved
}

fn read_columns<'a>(
    reader: &mut Reader<'_>,
    value: Option<&'a Spanned<DeValue<'a>>>,
    accounts: Accounts<'_>,
    targets: Targets,
) -> Vec<ColumnSetup> {
    const WANTED: &str = "tables, one per column: [[columns]]";
    let items = match value.map(|value| (value, value.get_ref().as_array())) {
        Some((_, Some(items))) if !items.is_empty() => items,
        Some((value, None)) => {
            // A lone table is the likeliest slip.
            reader.problem(
                Problem::new(value.span(), format!("`columns` must be {WANTED}")).remedy("double the brackets"),
            );
            return Vec::new();
        }
        Some((_, Some(_))) | None => {
            let end = reader.file.trim_end().len();
            let at = reader.file[..end].rfind('\n').map_or(0, |at| at + 1);
            reader.problem(
                Problem::new(at..end, "there are no columns")
                    .remedy("add one: [[columns]] with name, account and query; `replydeck config example` shows how"),
            );
            return Vec::new();
        }
    };
    let mut seen: Vec<&str> = Vec::new();
    let mut columns = Vec::new();
    for item in items {
        let Some(table) = reader.as_table("columns", item, WANTED) else { continue };
        columns.extend(read_column(reader, table, &mut seen, accounts, targets));
    }
    columns
}

fn read_column<'a>(
    reader: &mut Reader<'_>,
    mut table: Table<'a>,
    seen: &mut Vec<&'a str>,
    accounts: Accounts<'_>,
    targets: Targets,
) -> Option<ColumnSetup> {
    let span = table.span.clone();
    let name = table.text(reader, "name", "a name in quotes");
    let title = table.text(reader, "title", "text in quotes");
    let account = table.text(reader, "account", "an account's name in quotes");
    let several = table.take("accounts").and_then(|value| {
        reader.as_texts("accounts", value, "a list of accounts' names such as [\"example\", \"example-bluesky\"]")
    });
    let networks = table
        .take("networks")
        .and_then(|value| reader.as_texts("networks", value, "a list such as [\"x\", \"bluesky\", \"mastodon\"]"));
    let query = table.text(reader, "query", "a query in quotes");
    let targets = hours::read_targets(reader, &mut table, targets);
    let reply_as = table.take("reply_as").map(|value| match value.get_ref().as_array() {
        Some(_) => reader.as_texts("reply_as", value, "accounts' names").unwrap_or_default(),
        None => reader.as_text("reply_as", value, "an account's name in quotes", false).into_iter().collect(),
    });
    let is_heard = ["account", "accounts", "networks"].iter().any(|key| table.holds(key));
    let is_there = |key| if key == "account" { is_heard } else { table.holds(key) };
    let one_of = accounts.names.and_then(<[_]>::first).copied().unwrap_or("example");
    let of_account = format!("\"{one_of}\", one of [accounts.…]");
    let missing: Vec<_> =
        [("name", "\"outage\""), ("account", &of_account), ("query", "\"#exampleoutage -is:retweet\"")]
            .into_iter()
            .filter(|(key, _)| !is_there(key))
            .collect();
    table.finish(reader);

    let called = name.as_ref().map_or("?", |name| name.value);
    let which = if called == "?" { "a column".to_owned() } else { format!("column `{called}`") };
    for (key, example) in missing {
        reader.problem(
            Problem::new(span.clone(), format!("{which} has no `{key}`")).remedy(format!("add {key} = {example}")),
        );
    }
    if let Some(name) = &name {
        check_name(reader, "column", name);
        if seen.contains(&name.value) {
            reader.problem(
                Problem::new(name.span.clone(), format!("two columns are called `{}`", name.value))
                    .remedy("give one another name; the head of the column shows its `title`"),
            );
        }
        seen.push(name.value);
    }
    let title = title.and_then(|title| one_line(reader, "title", &title)).map(str::to_owned);
    let heard = column_sources::Written { called, span, account, several, networks, reply_as };
    let heard = column_sources::read(reader, heard, accounts);
    let rule = query.as_ref().and_then(|query| query::read(reader, called, query, &heard.listening));
    let name = name?;
    let sources = heard.sources?;
    Some(ColumnSetup {
        name: ColumnName::new(name.value),
        title: title.unwrap_or_else(|| name.value.to_owned()),
        sources,
        rule: rule?,
        targets,
    })
}
