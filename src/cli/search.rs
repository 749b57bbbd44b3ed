//! `replydeck search`: stored posts, replies and notes by their words and by operators, newest first.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::app::Setup;
use crate::log::Log;
use crate::log::sqlite::{self, SqliteLog};
use crate::model::search::OPERATORS;
use crate::model::words::moment;
use crate::model::{Account, Body, Hit, NetworkKind, Search, clean};
use crate::run::searching;

/// Find stored posts, replies and notes by their words, newest first
///
/// Operators narrow it: from:HANDLE tag:TAG cause:CAUSE rep:REP before:DAY after:DAY, where a day is 2026-11-21 or so
/// long ago as 7d. Of several from:, cause: or rep: one is enough.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  replydeck search slow internet\n  replydeck search --json --limit 1000 返金 | jq -r .page\n  replydeck search from:@jo_m tag:\"slow line\" after:7d"
)]
pub struct SearchArgs {
    /// Words that must all be there, and operators
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Opens the store; a folder without one is told and left without.
pub fn store(folder: &Path) -> anyhow::Result<SqliteLog> {
    let is_there = folder.join(sqlite::FILE).try_exists();
    if !is_there.with_context(|| format!("the data folder {} cannot be read", folder.display()))? {
        anyhow::bail!("there is no store in {}; start the deck or set REPLYDECK_DATA_DIR", folder.display());
    }
    Ok(SqliteLog::open(folder)?)
}

/// Prints what the store holds, or that it holds nothing of the kind; times are told in the setup's zone, and
/// what the rep may not read is left out. True where something was found.
pub async fn run(
    args: &SearchArgs,
    log: &dyn Log,
    (now, setup): (Timestamp, &Setup),
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> anyhow::Result<bool> {
    let text = args.words.iter().map(|word| as_typed(word)).collect::<Vec<_>>().join(" ");
    let search = match Search::parse(&text, now, &setup.zone) {
        Ok(search) => search,
        Err(error) => return Err(anyhow::Error::new(WrongSearch(error.pointed(&text).to_string()))),
    };
    let limit = usize::try_from(args.limit).context("the limit is too large for this machine")?;
    let mut found = searching::search(log, &search, limit).await.context("the store could not be searched")?;
    let all = found.hits.len();
    found.hits.retain(|hit| may_read(setup, hit));
    if found.hits.len() < all {
        writeln!(err, "left out, for the reps of their account only: {}", all - found.hits.len())?;
    }
    for person in &found.people {
        let line = if args.json {
            escape_invisible(&json!({ "kind": "person", "id": person.author, "handle": person.handle }).to_string())
        } else {
            clean::line(&format!("person  @{}  {}", person.handle, person.author))
        };
        writeln!(out, "{line}")?;
    }
    for hit in &found.hits {
        let line = if args.json { as_json(hit, &setup.accounts) } else { as_text(hit, setup) };
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    let is_nothing = found.hits.is_empty() && found.people.is_empty();
    if is_nothing {
        writeln!(err, "nothing found")?;
    }
    Ok(!is_nothing)
}

/// What was typed is no search; the words point at the place and name the operators.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongSearch(String);

/// The shell has taken the quotes off `tag:"slow line"`; an argument in which a further operator stands is a whole
/// search.
fn as_typed(word: &str) -> String {
    let is_operator = |(name, _): (&str, &str)| OPERATORS.iter().any(|(known, _)| *known == name);
    match word.split_once(':') {
        Some(first @ (name, value))
            if is_operator(first)
                && value.contains(char::is_whitespace)
                && !value.contains('"')
                && !value.split_whitespace().filter_map(|word| word.split_once(':')).any(is_operator) =>
        {
            format!("{name}:\"{value}\"")
        }
        _ => word.to_owned(),
    }
}

/// The messages of an account are for its reps. Of a stored reply it is not known here whether it was one, so who is
/// kept from any messages gets no replies; those that were public are among the posts.
fn may_read(setup: &Setup, hit: &Hit) -> bool {
    match &hit.body {
        Body::Message(message) => setup.may_read_messages(None, message.id.network()),
        Body::Reply(_) => NetworkKind::ALL.into_iter().all(|network| setup.may_read_messages(None, network)),
        Body::Post(_) | Body::Note(_) | Body::BegunNote(_) | Body::Draft(_) => true,
    }
}

/// One line: time, who, words, page.
fn as_text(hit: &Hit, setup: &Setup) -> String {
    let at = moment(hit.at, &setup.zone);
    let (who, words, page) = match &hit.body {
        Body::Post(post) => (format!("@{}", post.author.handle), post.text.as_str(), Some(post.page(&setup.accounts))),
        Body::Reply(text) => ("our reply".to_owned(), text.as_str(), None),
        Body::Message(message) => {
            let way = if message.is_ours { "our direct message to" } else { "direct message from" };
            (format!("{way} @{}", message.handle), message.text.as_str(), None)
        }
        Body::Note(note) => ("note (team only)".to_owned(), note.shown(), None),
        Body::BegunNote(note) => ("note begun (team only)".to_owned(), note.text.shown(), None),
        Body::Draft(draft) => ("draft".to_owned(), draft.text.as_str(), None),
    };
    let page = page.map(|page| format!("  {page}")).unwrap_or_default();
    // Cleaned when it came in; cleaned again because a store is only a file.
    clean::line(&format!("{at}  {who}  {words}{page}"))
}

fn as_json(hit: &Hit, accounts: &[Account]) -> String {
    let at = hit.at.to_string();
    let id = hit.id.as_str();
    let value = match &hit.body {
        Body::Post(post) => json!({
            "kind": "post", "id": post.id, "at": at, "handle": post.author.handle, "name": post.author.name,
            "text": post.text, "lang": post.lang, "page": post.page(accounts),
        }),
        Body::Reply(text) => json!({ "kind": "reply", "id": id, "at": at, "text": text }),
        Body::Message(message) => json!({
            "kind": "direct-message", "id": id, "at": at, "handle": message.handle, "ours": message.is_ours,
            "text": message.text,
        }),
        Body::Note(note) => json!({ "kind": "note", "id": id, "at": at, "team_only": true, "text": note.shown() }),
        Body::BegunNote(note) => json!({
            "kind": "note-begun", "id": id, "at": at, "team_only": true, "text": note.text.shown(),
        }),
        Body::Draft(draft) => json!({ "kind": "draft", "id": id, "at": at, "text": draft.text }),
    };
    escape_invisible(&value.to_string())
}

/// JSON escapes C0 controls by itself; C1 and what reorders text it lets through.
pub(super) fn escape_invisible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let is_harmful = c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if is_harmful {
            // All of these lie in the plane that one `\u` can name.
            out.extend(format!("\\u{:04x}", u32::from(c)).chars());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{as_json, as_text, as_typed};
    use crate::app::Setup;
    use crate::config::Config;
    use crate::model::post::{Author, Counts, WhoMayReply};
    use crate::model::{
        Account, AuthorId, Body, BodyId, ConversationId, Hit, MachineName, NetworkKind, Post, PostId, SessionId,
    };

    fn hit(text: &str) -> Hit {
        let at = "2026-11-21T14:28:01Z".parse().unwrap();
        let id = PostId::new(NetworkKind::X, "1789");
        Hit {
            id: BodyId::post(&id),
            at,
            body: Body::Post(Box::new(Post {
                id,
                version: None,
                author: Author {
                    id: AuthorId::new(NetworkKind::X, "7"),
                    handle: "jo_m".to_owned(),
                    name: "Jo M".to_owned(),
                    followers: None,
                    is_verified: false,
                    is_protected: false,
                },
                conversation: ConversationId::new(NetworkKind::X, "1789"),
                in_reply_to: None,
                in_reply_to_author: None,
                quotes: None,
                is_repost: false,
                text: text.to_owned(),
                lang: Some("en".to_owned()),
                at,
                counts: Counts::default(),
                mentions: Vec::new(),
                hashtags: Vec::new(),
                links: Vec::new(),
                media: Vec::new(),
                who_may_reply: WhoMayReply::Everyone,
                is_edited: false,
            })),
        }
    }

    fn setup() -> Setup {
        let machine = MachineName::new("desk");
        let zone = TimeZone::get("Europe/Rome").unwrap();
        Setup { zone, ..Config::default().setup(machine, SessionId(uuid::Uuid::nil())) }
    }

    #[test]
    fn a_hit_is_one_line_with_time_author_words_and_page() {
        assert_eq!(
            as_text(&hit("slow\nagain"), &setup()),
            "2026-11-21 15:28:01+01:00  @jo_m  slow again  https://x.com/jo_m/status/1789"
        );
    }

    #[test]
    fn pages_are_where_the_config_says() {
        let us = Account { web_url: "http://127.0.0.1:9".to_owned(), ..Account::acme(None) };
        let setup = Setup { accounts: vec![us], ..setup() };
        let page = "http://127.0.0.1:9/jo_m/status/1789";
        assert!(as_text(&hit("slow"), &setup).ends_with(page));
        assert!(as_json(&hit("slow"), &setup.accounts).contains(&format!("\"page\":\"{page}\"")));
    }

    #[test]
    fn an_argument_is_one_operator_or_a_whole_search() {
        for (typed, meant) in [
            ("tag:slow line", "tag:\"slow line\""),
            ("cause:billing rep:ana", "cause:billing rep:ana"),
            ("cause:billing the router rep:ana", "cause:billing the router rep:ana"),
            ("tag:\"slow line\" rep:ana", "tag:\"slow line\" rep:ana"),
            ("tag:at 14:30", "tag:\"at 14:30\""),
            ("slow tag:line", "slow tag:line"),
            ("error: no line", "error: no line"),
        ] {
            assert_eq!(as_typed(typed), meant);
        }
    }

    #[test]
    fn json_reads_back_and_holds_nothing_that_acts() {
        let text = "slow \u{1b}[31m \u{9b}2J \u{202e} \"quoted\" 遅い";
        let line = as_json(&hit(text), &[]);
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["text"], text);
        assert_eq!(value["id"], "x:1789");
        assert_eq!(value["at"], "2026-11-21T14:28:01Z");
        assert!(!as_text(&hit(text), &setup()).contains('\u{1b}'));
    }
}
