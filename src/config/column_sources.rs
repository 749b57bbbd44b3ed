//! Where a column's posts come from, as the config writes it: one account, several, or networks by name.

use std::ops::Range;

use super::account::AccountConfig;
use super::problem::Problem;
use super::table::{Reader, Text, suggest};
use crate::app::ColumnSource;
use crate::model::{AccountName, NetworkKind};

/// What a column's table says of it.
pub(super) struct Written<'a> {
    /// The column's name.
    pub(super) called: &'a str,
    /// The column's table.
    pub(super) span: Range<usize>,
    pub(super) account: Option<Text<'a>>,
    pub(super) several: Option<Vec<Text<'a>>>,
    pub(super) networks: Option<Vec<Text<'a>>>,
    pub(super) reply_as: Option<Vec<Text<'a>>>,
}

/// The accounts of the file.
#[derive(Clone, Copy)]
pub(super) struct Accounts<'a> {
    /// `None` where they are no table, which was told: then nobody knows who is named.
    pub(super) names: Option<&'a [&'a str]>,
    pub(super) usable: &'a [AccountConfig],
    /// The networks of those that cannot be used, which was told; `None` where nobody knows which it is.
    pub(super) unusable: &'a [Option<NetworkKind>],
}

/// What could be made of it.
pub(super) struct Heard<'a> {
    /// The accounts whose network must be able to do what the query asks.
    pub(super) listening: Vec<&'a AccountConfig>,
    /// `None` where something is wrong, which was told.
    pub(super) sources: Option<Vec<ColumnSource>>,
}

pub(super) fn read<'a>(reader: &mut Reader<'_>, written: Written<'_>, accounts: Accounts<'a>) -> Heard<'a> {
    let problems_before = reader.problems.len();
    let Written { called, span, account, several, networks, reply_as } = written;
    let given = [("account", account.is_some()), ("accounts", several.is_some()), ("networks", networks.is_some())];
    let given: Vec<&str> = given.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect();
    if let [first, second, ..] = given.as_slice() {
        reader.problem(
            Problem::new(span.clone(), format!("column `{called}` has both `{first}` and `{second}`"))
                .remedy("keep one: `account` for one account, `accounts` or `networks` for several"),
        );
        return Heard { listening: Vec::new(), sources: None };
    }
    let key = given.first().copied().unwrap_or("account");
    // Each account with the place that names it.
    let mut heard: Vec<(AccountName, Option<&AccountConfig>, Text<'_>)> = Vec::new();
    for text in account.into_iter().chain(several.unwrap_or_default()) {
        let account = known_account(reader, (called, key), &text, accounts);
        heard.push((AccountName::new(text.value), account, text));
    }
    for text in networks.unwrap_or_default() {
        if let Some(account) = account_on(reader, called, &text, accounts) {
            heard.push((account.name.clone(), Some(account), text));
        }
    }
    let mut is_sound = !heard.is_empty();
    if let (false, Some(key), 0) = (is_sound, given.first(), reader.problems.len() - problems_before) {
        reader.problem(
            Problem::new(span.clone(), format!("`{key}` of column `{called}` is empty"))
                .remedy("name at least one, or remove the column"),
        );
    }
    for (n, (_, account, text)) in heard.iter().enumerate() {
        let Some(account) = account else { continue };
        let is_second =
            heard[..n].iter().any(|(_, other, _)| other.is_some_and(|other| other.network() == account.network()));
        if is_second {
            is_sound = false;
            let message = format!("column `{called}` is heard on {} twice", account.network());
            reader.problem(
                Problem::new(text.span.clone(), message)
                    .remedy("one account of each network feeds a column; make another column for the other account"),
            );
        }
    }
    let mut answering: Vec<(&AccountConfig, NetworkKind)> = Vec::new();
    for text in reply_as.unwrap_or_default() {
        let Some(answers) = known_account(reader, (called, "reply_as"), &text, accounts) else {
            is_sound = false;
            continue;
        };
        let fits =
            heard.iter().any(|(_, account, _)| account.is_none_or(|account| account.network() == answers.network()));
        if !fits {
            is_sound = false;
            let listens: Vec<String> = heard
                .iter()
                .filter_map(|(_, account, _)| account.map(|account| account.network().to_string()))
                .collect();
            let message = format!(
                "column `{called}` listens on {} and would answer on {}",
                listens.join(", "),
                answers.network()
            );
            reader.problem(
                Problem::new(text.span.clone(), message).remedy("an answer goes out on the network of its post"),
            );
        }
        answering.push((answers, answers.network()));
    }
    let listening: Vec<&AccountConfig> = heard.iter().filter_map(|(_, account, _)| *account).collect();
    let sources = heard
        .iter()
        .map(|(name, account, _)| {
            let network = account.map_or(NetworkKind::X, AccountConfig::network);
            let reply_as = answering.iter().find(|(_, on)| *on == network).map(|(answers, _)| answers.name.clone());
            ColumnSource { network, account: name.clone(), reply_as: reply_as.unwrap_or_else(|| name.clone()) }
        })
        .collect();
    Heard { listening, sources: is_sound.then_some(sources) }
}

fn known_account<'a>(
    reader: &mut Reader<'_>,
    (called, key): (&str, &str),
    text: &Text<'_>,
    accounts: Accounts<'a>,
) -> Option<&'a AccountConfig> {
    if let Some(names) = accounts.names
        && !names.contains(&text.value)
    {
        let remedy = if names.is_empty() {
            format!("describe it: [accounts.{}]", text.value)
        } else {
            suggest(text.value, names, "accounts here")
        };
        let message = format!("`{key}` of column `{called}` names no account: `{}`", text.value);
        reader.problem(Problem::new(text.span.clone(), message).remedy(remedy));
    }
    accounts.usable.iter().find(|account| account.name.as_str() == text.value)
}

/// The one account on a network.
fn account_on<'a>(
    reader: &mut Reader<'_>,
    called: &str,
    text: &Text<'_>,
    accounts: Accounts<'a>,
) -> Option<&'a AccountConfig> {
    let Some(network) = NetworkKind::ALL.into_iter().find(|network| network.prefix() == text.value) else {
        let known = NetworkKind::ALL.map(NetworkKind::prefix);
        reader.problem(
            Problem::new(text.span.clone(), format!("`{}` is not a network", text.value))
                .remedy(suggest(text.value, &known, "networks")),
        );
        return None;
    };
    let on: Vec<&AccountConfig> = accounts.usable.iter().filter(|account| account.network() == network).collect();
    let may_be_there = accounts.unusable.iter().any(|known| known.is_none_or(|known| known == network));
    match on.as_slice() {
        [account] => Some(account),
        [] if may_be_there || accounts.names.is_none() => None,
        [] => {
            reader.problem(
                Problem::new(
                    text.span.clone(),
                    format!("column `{called}` asks for {network}, but no account is there"),
                )
                .remedy(format!("describe one: [accounts.NAME] with network = \"{}\"", network.prefix())),
            );
            None
        }
        several => {
            let names: Vec<&str> = several.iter().map(|account| account.name.as_str()).collect();
            reader.problem(
                Problem::new(text.span.clone(), format!("column `{called}`: several accounts are on {network}"))
                    .remedy(format!("name the ones you mean: accounts = [\"{}\", …]", names.join("\" or \""))),
            );
            None
        }
    }
}
