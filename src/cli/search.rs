//! `replydeck search`: stored posts, replies and notes by their words, newest first.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::log::Log;
use crate::log::sqlite::{self, SqliteLog};
use crate::model::{Body, Hit, clean};

/// Find stored posts, replies and notes by their words, newest first
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  replydeck search slow internet\n  replydeck search --json --limit 1000 返金 | jq -r .page"
)]
pub struct SearchArgs {
    /// Every word must be there
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

/// Prints what the store holds, or that it holds nothing of the kind; times are told in `zone`. True where something was found.
pub async fn run(
    args: &SearchArgs,
    log: &dyn Log,
    zone: &TimeZone,
    out: &mut (dyn Write + Send),
    err: &mut (dyn Write + Send),
) -> anyhow::Result<bool> {
    let words = args.words.join(" ");
    let limit = usize::try_from(args.limit).context("the limit is too large for this machine")?;
    let hits = log.search(words, limit).await.context("the store could not be searched")?;
    for hit in &hits {
        let line = if args.json { as_json(hit) } else { as_text(hit, zone) };
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    if hits.is_empty() {
        writeln!(err, "nothing found")?;
    }
    Ok(!hits.is_empty())
}

/// One line: time, who, words, page.
fn as_text(hit: &Hit, zone: &TimeZone) -> String {
    let at = hit.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z");
    let (who, words, page) = match &hit.body {
        Body::Post(post) => (format!("@{}", post.author.handle), post.text.as_str(), Some(post.page())),
        Body::Reply(text) => ("our reply".to_owned(), text.as_str(), None),
        Body::Message(message) => {
            let way = if message.is_ours { "our direct message to" } else { "direct message from" };
            (format!("{way} @{}", message.handle), message.text.as_str(), None)
        }
        Body::Note(note) => ("note".to_owned(), note.shown(), None),
        Body::Draft(draft) => ("draft".to_owned(), draft.text.as_str(), None),
    };
    let page = page.map(|page| format!("  {page}")).unwrap_or_default();
    // Cleaned when it came in; cleaned again because a store is only a file.
    clean::line(&format!("{at}  {who}  {words}{page}"))
}

fn as_json(hit: &Hit) -> String {
    let at = hit.at.to_string();
    let id = hit.id.as_str();
    let value = match &hit.body {
        Body::Post(post) => json!({
            "kind": "post", "id": post.id, "at": at, "handle": post.author.handle, "name": post.author.name,
            "text": post.text, "lang": post.lang, "page": post.page(),
        }),
        Body::Reply(text) => json!({ "kind": "reply", "id": id, "at": at, "text": text }),
        Body::Message(message) => json!({
            "kind": "direct-message", "id": id, "at": at, "handle": message.handle, "ours": message.is_ours,
            "text": message.text,
        }),
        Body::Note(note) => json!({ "kind": "note", "id": id, "at": at, "text": note.shown() }),
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

    use super::{as_json, as_text};
    use crate::model::post::{Author, Counts, WhoMayReply};
    use crate::model::{AuthorId, Body, BodyId, ConversationId, Hit, NetworkKind, Post, PostId};

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

    #[test]
    fn a_hit_is_one_line_with_time_author_words_and_page() {
        let rome = TimeZone::get("Europe/Rome").unwrap();
        assert_eq!(
            as_text(&hit("slow\nagain"), &rome),
            "2026-11-21 15:28:01+01:00  @jo_m  slow again  https://x.com/jo_m/status/1789"
        );
    }

    #[test]
    fn json_reads_back_and_holds_nothing_that_acts() {
        let text = "slow \u{1b}[31m \u{9b}2J \u{202e} \"quoted\" 遅い";
        let line = as_json(&hit(text));
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["text"], text);
        assert_eq!(value["id"], "x:1789");
        assert_eq!(value["at"], "2026-11-21T14:28:01Z");
        assert!(!as_text(&hit(text), &TimeZone::UTC).contains('\u{1b}'));
    }
}
