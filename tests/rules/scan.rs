//! The scan finds what parsing everything finds, and counts honestly.

use std::io::{self, Read};

use proptest::prelude::*;
use replydeck::model::post::Quoted;
use replydeck::model::{Author, AuthorId, ColumnName, ConversationId, NetworkKind, Post, PostId, clean};
use replydeck::rules::Rule;
use replydeck::rules::scan::{ScanStats, Scanner};
use serde_json::{Value, json};

use crate::{post, rule};

fn columns(queries: &[&str]) -> Vec<(ColumnName, Rule)> {
    queries.iter().map(|query| (ColumnName::new(query), rule(query))).collect()
}

type Found = Vec<(String, Vec<usize>)>;

fn scan(queries: &[&str], input: &[u8]) -> (Found, ScanStats) {
    let mut found = Vec::new();
    let stats = Scanner::new(columns(queries))
        .scan(input, |post, hits| {
            found.push((post.to_string(), hits.to_vec()));
            Ok(())
        })
        .expect("bytes in memory");
    (found, stats)
}

/// The ids of the posts found by one query.
fn ids(query: &str, input: impl AsRef<[u8]>) -> Vec<String> {
    scan(&[query], input.as_ref()).0.into_iter().map(|(id, _)| id).collect()
}

fn line(id: u32, text: &str) -> String {
    format!("{}\n", json!({"data": {"id": id.to_string(), "text": text, "author_id": "7"}}))
}

/// Every character of every text as `\u` escapes.
fn escaped(line: &str) -> String {
    let record: Value = serde_json::from_str(line).expect("JSON");
    let text = record["data"]["text"].as_str().expect("a text");
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("{{\"data\":{{\"id\":{},\"text\":\"{units}\",\"author_id\":\"7\"}}}}\n", record["data"]["id"])
}

#[test]
fn hard_ways_to_write_a_word_are_all_found() {
    for (query, text, matches) in [
        ("acme", "ACME!", true),
        ("acme", "acmes", false),
        ("acme", "megaacme", false),
        ("acme", "x\nacme", true),
        ("acme", "x\\nacme", false),
        ("acme", "\"acme\"", true),
        ("acme", "a\u{200b}cme", true),
        ("acme", "ac\u{ad}me", true),
        ("acme", "ac\u{1b}[31mme", true),
        ("acme", "xx\u{1b}[31macme", false),
        ("acme", "x \u{1b}[31macme", true),
        ("acme", "ＡＣＭＥ", true),
        ("acme", "𝐚𝐜𝐦𝐞", true),
        ("acme", "acme\u{301}", false),
        ("kiosk", "\u{212a}ios\u{212a}", true),
        ("lost", "lo\u{17f}t", true),
        ("fish", "ﬁsh", true),
        ("fish", "FISH", true),
        ("strasse", "Straße", true),
        ("straße", "STRASSE", true),
        ("strasse", "STRAẞE", true),
        ("strase", "straße", false),
        ("maßstab", "MASSSTAB", true),
        ("massstab", "maßstab", true),
        ("massstab", "masßtab", true),
        ("kompass", "kompaß", true),
        ("kompas", "kompaß", false),
        ("ssl", "ßl", true),
        ("sl", "ßl", false),
        // Looked for by a part that begins or ends between the two letters.
        ("abcdefghijklmnoss", "ABCDEFGHIJKLMNOß", true),
        ("sssssabcdefgh", "ßßsabcdefgh", true),
        ("sssssabcdefgh", "sßẞabcdefgh", true),
        ("sssssabcdefgh", "ßsßabcdefgh", true),
        ("οδος", "ΟΔΟΣ", true),
        ("café", "CAFE\u{301}", true),
        ("café", "CAFÉ", true),
        ("café", "cafe", false),
        ("İstanbul", "İSTANBUL", true),
        ("istanbul", "İSTANBUL", false),
        ("ньюйорк", "НЬЮЙОРК", true),
        ("配送遅延", "昨日の配送遅延です", true),
        ("ガス", "ｶﾞｽ", true),
        ("각하", "\u{1100}\u{1161}\u{11a8}하", true),
        ("😡", "no😡", true),
        ("❤", "❤\u{fe0f}", true),
        ("🇪🇸", "🇧🇩🇪🇸", true),
        ("🇩🇪", "🇧🇩🇪🇸", false),
        ("#acme", "see #Acme.", true),
        ("#acme", "see #acmes", false),
        ("@acme", "@acme_help", false),
        ("a&b", "a&amp;b", true),
        ("amp", "a&amp;b", false),
        ("\"a < b\"", "a &lt; b", true),
        ("\"so slow\"~2", "slow and so", false),
        ("acme", "ac\u{0}me", true),
    ] {
        let record = line(1, text);
        let expected: &[&str] = if matches { &["x:1"] } else { &[] };
        assert_eq!(ids(query, &record), expected, "{query:?} in {record}");
        assert_eq!(ids(query, escaped(&record)), expected, "{query:?} in {}", escaped(&record));
    }
}

#[test]
fn only_the_posts_and_the_quoted_posts_text_count() {
    let reference = |kind: &str| json!([{"type": kind, "id": "2"}]);
    for (record, matches) in [
        (
            json!({"data": {"id": "1", "text": "no", "author_id": "7"},
            "includes": {"users": [{"id": "7", "name": "acme", "username": "acme", "description": "acme"}]}}),
            false,
        ),
        (
            json!({"data": {"id": "1", "text": "no", "entities": {"urls": [{"url": "https://t.co/a", "title": "acme"}]}},
            "matching_rules": [{"id": "1", "tag": "acme"}]}),
            false,
        ),
        (
            json!({"data": {"id": "1", "text": "no", "referenced_tweets": reference("quoted")},
            "includes": {"tweets": [{"id": "2", "text": "acme"}]}}),
            true,
        ),
        (
            json!({"data": {"id": "1", "text": "no", "referenced_posts": reference("quoted")},
            "includes": {"posts": [{"id": "2", "text": "short", "note_post": {"text": "acme"}}]}}),
            true,
        ),
        (
            json!({"data": {"id": "1", "text": "no", "referenced_tweets": reference("replied_to")},
            "includes": {"tweets": [{"id": "2", "text": "acme"}]}}),
            false,
        ),
        (json!({"data": {"id": "1", "text": "cut…", "note_tweet": {"text": "cut off acme"}}}), true),
        (json!({"data": {"id": "1", "text": "acme", "note_tweet": {"text": "the note wins"}}}), false),
        (json!({"data": {"id": 1, "text": "acme"}}), true),
        (json!({"id": "1", "text": "acme"}), true),
        (json!({"data": {"id": "5", "text": "acme", "edit_history_tweet_ids": ["1", "5"]}}), true),
    ] {
        let expected: &[&str] = if matches { &["x:1"] } else { &[] };
        assert_eq!(ids("acme", record.to_string()), expected, "without a line end: {record}");
        assert_eq!(ids("acme", format!("{record}\r\n")), expected, "{record}");
        let spaced = serde_json::to_string_pretty(&record).expect("JSON").replace('\n', " ");
        assert_eq!(ids("acme", format!("{spaced}\n")), expected, "{spaced}");
    }
    let odd = "{\"data\":{\"id\":\"1\",\"text\":\"no\",\"text\" : \"acme\"}}\n";
    assert_eq!(ids("acme", odd), ["x:1"], "of a key given twice the last one counts");
    let odd = "{\"data\":{\"id\":\"1\",\"t\\u0065xt\":\"acme\"}}\n";
    assert_eq!(ids("acme", odd), ["x:1"], "a key written with escapes");
}

#[test]
fn rules_without_a_word_are_found_too() {
    let record = |id: u32, handle: &str| {
        format!(
            "{}\n",
            json!({"data": {"id": id.to_string(), "text": "hi", "author_id": "7", "lang": "it"},
                "includes": {"users": [{"id": "7", "username": handle, "public_metrics": {"followers_count": id}}]}})
        )
    };
    let input = [record(1, "Acme"), record(2, "other")].concat();
    assert_eq!(ids("from:acme", &input), ["x:1"]);
    assert_eq!(ids("-from:acme", &input), ["x:2"]);
    assert_eq!(ids("lang:it min_followers:2", &input), ["x:2"]);
    let (found, _) = scan(&["hi", "from:acme", "nothing", "hi -from:acme"], input.as_bytes());
    assert_eq!(found, [("x:1".to_owned(), vec![0, 1]), ("x:2".to_owned(), vec![0, 3])]);
}

#[test]
fn jetstream_events_are_told_apart_by_content() {
    let event = |operation: &str, collection: &str, record: &Value| {
        format!(
            "{}\n",
            json!({"did": "did:plc:a", "time_us": 1, "kind": "commit",
                "commit": {"rev": "r", "operation": operation, "collection": collection, "rkey": "k", "record": record}})
        )
    };
    let post = json!({"$type": "app.bsky.feed.post", "text": "Acme is down", "langs": ["en-GB"]});
    let feed = "app.bsky.feed.post";
    let input = [
        event("create", feed, &post),
        event("delete", feed, &Value::Null),
        event("update", feed, &post),
        event("create", "app.bsky.feed.like", &json!({"subject": {"uri": "at://acme"}})),
        event("create", "app.bsky.other", &json!({"text": "acme"})),
        format!("{}\n", json!({"did": "did:plc:a", "kind": "identity", "identity": {"handle": "acme"}})),
        event("create", feed, &json!({"text": "nothing", "tags": ["acme"]})),
        event("create", feed, &json!({"langs": []})),
    ]
    .concat();
    let first = "bluesky:at://did:plc:a/app.bsky.feed.post/k";
    let (found, stats) = scan(&["acme", "#acme", "acme lang:en"], input.as_bytes());
    assert_eq!(found, [(first.to_owned(), vec![0, 2]), (first.to_owned(), vec![1])]);
    assert_eq!((stats.posts, stats.matched, stats.malformed), (2, 2, 1));
    // serde_json sorts the keys; Jetstream begins with the did.
    let as_sent = "{\"did\":\"did:plc:a\",\"time_us\":1,\"kind\":\"commit\",\"commit\":{\"rev\":\"r\",\"operation\":\"create\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"k\",\"record\":{\"text\":\"ACME!\"}}}\n";
    assert_eq!(ids("acme", as_sent.repeat(2)), [first, first]);
    assert_eq!(scan(&["acme"], as_sent.replace("create", "update").as_bytes()).1.posts, 0);
}

/// A status whose words are `html`.
fn status(id: u32, html: &str) -> Value {
    json!({"id": id.to_string(), "url": format!("https://m.example/@jo/{id}"), "content": html, "visibility": "public",
        "account": {"id": "7", "acct": "jo", "url": "https://m.example/@jo"}, "language": "en"})
}

#[test]
fn what_a_mastodon_stream_sent_is_read_as_people_read_it() {
    let framed = |event: &str, payload: &Value| {
        format!("{}\n", json!({"stream": ["public"], "event": event, "payload": payload.to_string()}))
    };
    for (html, matches) in [
        ("<p>Acme is down</p>", true),
        ("<p>AT&amp;T, not <b>ac</b>me? <i>acme</i>!</p>", true),
        ("<p>#<span>acme</span></p>", true),
        ("<p>a<span>c</span>me</p>", true),
        ("<p>ac&shy;me</p>", true),
        ("<p>acmes, mega<b>acme</b></p>", false),
        ("<p class=\"acme\">nothing</p>", false),
        ("<p><a href=\"https://acme.example/x\"><span class=\"invisible\">https://</span>x</a></p>", true),
        ("&lt;acme&gt;", true),
    ] {
        let expected: &[&str] = if matches { &["mastodon:https://m.example/@jo/1"] } else { &[] };
        let status = status(1, html);
        for line in [framed("update", &status), framed("status.update", &status), format!("{status}\n")] {
            assert_eq!(ids("acme", &line), expected, "{html}");
        }
        // A server that writes the words beside the HTML as well changes nothing.
        let mut with_text = status.clone();
        with_text["text"] = json!(if matches { "nothing" } else { "acme" });
        assert_eq!(ids("acme", format!("{with_text}\n")), expected, "{html}");
    }
    let mut direct = status(2, "<p>acme</p>");
    direct["visibility"] = json!("direct");
    let mut reply = status(3, "<p>acme</p>");
    reply["in_reply_to_id"] = json!("1");
    let input = [
        framed("update", &direct),
        framed("delete", &json!("1")),
        framed("update", &json!({"id": "4"})),
        framed("update", &status(5, "<p>fine</p>")),
        framed("notification", &json!({"type": "mention", "status": reply})),
        line(1, "acme"),
    ]
    .concat();
    let (found, stats) = scan(&["acme", "acme -is:reply", "from:jo@m.example"], input.as_bytes());
    let of = |id: u32| format!("mastodon:https://m.example/@jo/{id}");
    assert_eq!(found, [(of(5), vec![2]), (of(3), vec![0, 2]), ("x:1".to_owned(), vec![0, 1])]);
    assert_eq!((stats.posts, stats.matched, stats.malformed), (3, 3, 1));
}

#[test]
fn what_is_malformed_does_not_hang_on_the_rules() {
    let mut input = Vec::new();
    let mut add = |bytes: &[u8]| {
        input.extend_from_slice(bytes);
        input.push(b'\n');
    };
    add(line(1, "fine").trim_end().as_bytes());
    for bad in [
        &b"not json"[..],
        b"{}",
        b"[1,2]",
        b"[{\"id\":\"9\",\"text\":\"fine\"}]",
        b"\"text\"",
        b"null",
        b"\0\0\0",
        b"{\"data\":{\"id\":\"2\"}}",
        b"{\"data\":{\"text\":\"fine\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":null}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fine\"}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fi",
        b"{\"data\":{\"id\":\"2\",\"te{\"data\":{\"id\":\"3\",\"text\":\"fine\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fine \xff\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fine\",\"name\":\"\xc3\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fi\0ne\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fine \\ud83d\"}}",
        b"{\"data\":{\"id\":\"2\",\"text\":\"fine \\u12g4\"}}",
    ] {
        add(bad);
    }
    for other in [&b""[..], b"\r", b"   ", b"{\"errors\":[{\"title\":\"operational-disconnect\"}]}"] {
        add(other);
    }
    input.extend_from_slice(line(4, "fine").trim_end().as_bytes());
    input.push(b'\r');
    input.push(b'\n');
    input.extend_from_slice(b"{\"data\":{\"id\":\"5\",\"text\":\"fine\"}");
    for queries in [&["fine"][..], &["nothing"], &["from:x"], &["nothing", "fine", "from:x"], &[]] {
        let (found, stats) = scan(queries, &input);
        assert_eq!((stats.posts, stats.malformed), (2, 19), "{queries:?}");
        assert_eq!(stats.bytes, input.len() as u64);
        assert_eq!(found.len(), if queries.contains(&"fine") { 2 } else { 0 });
    }
}

/// Hands out a few bytes at a time, and is interrupted now and then.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(5) {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let count = (self.1 % 37 + 1).min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn lines_may_be_cut_anywhere_and_be_very_long() {
    let long = line(2, &format!("{} acme", "x ".repeat(5_000_000)));
    let junk = "y".repeat(3_000_000);
    let input = [line(1, "acme"), long, junk, "\n".to_owned(), line(3, "Acme"), line(4, "other")].concat();
    let (found, stats) = scan(&["acme"], input.as_bytes());
    assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["x:1", "x:2", "x:3"]);
    assert_eq!((stats.posts, stats.malformed), (4, 1));

    let short = [line(1, "acme 配送"), line(2, "no"), "\r\n".to_owned(), line(3, "Acme \"quoted\"")].concat();
    let mut found = Vec::new();
    let stats = Scanner::new(columns(&["acme"]))
        .scan(Trickle(short.as_bytes(), 0), |post, _| {
            found.push(post.to_string());
            Ok(())
        })
        .expect("bytes in memory");
    assert_eq!(found, ["x:1", "x:3"]);
    assert_eq!((stats.posts, stats.malformed, stats.bytes), (3, 0, short.len() as u64));
}

#[test]
fn an_error_of_the_receiver_ends_the_scan() {
    let input = line(1, "acme").repeat(3);
    let mut calls = 0;
    let error = Scanner::new(columns(&["acme"]))
        .scan(input.as_bytes(), |_, _| {
            calls += 1;
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        })
        .expect_err("handed on");
    assert_eq!((calls, error.kind()), (1, io::ErrorKind::BrokenPipe));
}

/// Parses everything, by other means than the scan.
fn oracle(queries: &[String], input: &str) -> Found {
    let rules: Vec<Rule> = queries.iter().map(|query| rule(query)).collect();
    let words = |post: &Value| {
        let note = ["note_tweet", "note_post"]
            .into_iter()
            .find_map(|key| post[key]["text"].as_str().filter(|text| !text.is_empty()));
        let text = note.or(post["text"].as_str()).unwrap_or_default();
        clean::text(&text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    };
    let mut found = Vec::new();
    for line in input.lines() {
        let Ok(record) = serde_json::from_str::<Value>(line) else { continue };
        let data = &record["data"];
        let (Some(id), Some(_)) = (data["id"].as_str(), data["text"].as_str()) else { continue };
        let x = NetworkKind::X;
        let reference = ["referenced_tweets", "referenced_posts"].into_iter().find_map(|key| data[key].as_array());
        let quoted = reference.into_iter().flatten().find(|reference| reference["type"] == "quoted");
        let quotes = quoted.map(|quoted| {
            let includes = &record["includes"];
            let mut posts = ["tweets", "posts"].into_iter().filter_map(|key| includes[key].as_array()).flatten();
            Quoted {
                id: PostId::new(x, quoted["id"].as_str().expect("an id")),
                author: None,
                text: posts.find(|post| post["id"] == quoted["id"]).map(words).unwrap_or_default(),
            }
        });
        let base = post(&words(data));
        let handle = record["includes"]["users"][0]["username"].as_str().unwrap_or_default().to_owned();
        let lang = data["lang"].as_str().map(str::to_owned);
        let whole = Post {
            id: PostId::new(x, id),
            author: Author { id: AuthorId::new(x, "7"), handle, ..base.author.clone() },
            conversation: ConversationId::new(x, id),
            quotes,
            lang,
            ..base
        };
        let hits: Vec<usize> = (0..rules.len()).filter(|&index| rules[index].matches(&whole)).collect();
        if !hits.is_empty() {
            found.push((whole.id.to_string(), hits));
        }
    }
    found
}

/// Scraps of text that are hard on a search, and the words the rules look for.
pub(crate) fn scrap() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(WORDS).prop_map(str::to_owned),
        2 => prop::sample::select(WORDS).prop_map(str::to_uppercase),
        1 => prop::sample::select(WORDS).prop_map(|word| {
            use unicode_normalization::UnicodeNormalization;
            word.nfd().collect()
        }),
        4 => prop::sample::select(&[" ", " ", " ", "", "\n", "-", "#", "@", "\"", "\\", "_", "s", "x", "&amp;", "/", "."][..])
            .prop_map(str::to_owned),
        2 => prop::sample::select(&[
            "\u{200b}", "\u{ad}", "\u{301}", "\u{fe0f}", "\u{200d}", "\u{1b}[1m", "\u{0}", "\u{202e}", "\u{3099}", "\u{345}", "ß", "ẞ", "s", "İ",
            "ﬁ", "\u{212a}", "\u{17f}", "ſ", "™", "𝐚", "Ａ", "か", "1", "é", "σ", "🏽", "\\n", "\\u0061", "{", "]",
        ][..]).prop_map(str::to_owned),
    ]
}

pub(crate) const WORDS: &[&str] = &[
    "acme",
    "fish",
    "kiosk",
    "strasse",
    "straße",
    "massstab",
    "sssssabcdefgh",
    "café",
    "οδος",
    "σας",
    "配送遅延",
    "配送",
    "ガス",
    "😡",
    "👍🏽",
    "🇩🇪",
    "각하",
    "istanbul",
    "İz",
    "ньюйорк",
    "a",
    "ᾳδης",
    "tm",
    "ǰa",
];

pub(crate) fn query() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(WORDS);
    let term = prop_oneof![
        6 => word().prop_map(|word| format!("\"{word}\"")),
        2 => (word(), word()).prop_map(|(a, b)| format!("\"{a} {b}\"")),
        1 => (word(), word(), 1..6_u8).prop_map(|(a, b, n)| format!("\"{a} {b} \"~{n}")),
        1 => prop::sample::select(&["#acme", "#配送", "@acme", "@fish", "#café", "lang:en", "from:acme", "is:quote"][..])
            .prop_map(str::to_owned),
    ];
    (prop::collection::vec((prop::bool::weighted(0.15), term, prop::bool::ANY), 1..4)).prop_map(|terms| {
        let mut query = String::new();
        for (i, (negated, term, or)) in terms.into_iter().enumerate() {
            if i > 0 {
                query.push_str(if or { " OR " } else { " " });
            }
            if negated {
                query.push('-');
            }
            query.push_str(&term);
        }
        query
    })
}

/// A JSON text, each character written as it is or escaped.
fn written(text: &str, escape: u32) -> String {
    let mut out = String::from("\"");
    for (i, c) in text.chars().enumerate() {
        let every = escape > 0 && (i as u32 * 7 + escape).is_multiple_of(escape);
        match c {
            '"' | '\\' if !every => out.extend(['\\', c]),
            '\n' if !every => out.push_str("\\n"),
            '/' if escape == 3 => out.push_str("\\/"),
            c if every || c < ' ' => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04X}")))
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn record() -> impl Strategy<Value = String> {
    let text = || prop::collection::vec(scrap(), 0..8).prop_map(|scraps| scraps.concat());
    (text(), text(), text(), 0..4_u32, 0..7_u8, 0..3_u32).prop_map(|(text, other, decoy, kind, shape, escape)| {
        let escape = [0, 1, 3][escape as usize];
        let (text, other, decoy) = (written(&text, escape), written(&other, escape), written(&decoy, 0));
        let colon = if shape == 1 { ": " } else { ":" };
        let note = if shape == 2 { format!(",\"note_tweet\"{colon}{{\"text\"{colon}{other}}}") } else { String::new() };
        let (key, list) = if shape == 3 { ("referenced_posts", "posts") } else { ("referenced_tweets", "tweets") };
        let kind = ["quoted", "replied_to", "retweeted", ""][kind as usize];
        let references = if kind.is_empty() { String::new() } else { format!(",\"{key}\":[{{\"type\":\"{kind}\",\"id\":\"77\"}}]") };
        let lang = if shape == 4 { ",\"lang\":\"en\"" } else { "" };
        let name = if shape == 5 { "Acme" } else { "cat" };
        let data = format!("\"data\":{{\"id\":\"ID\",\"text\"{colon}{text},\"author_id\":\"7\"{lang}{references}{note}}}");
        let includes = format!(
            "\"includes\":{{\"users\":[{{\"id\":\"7\",\"username\":\"{name}\",\"name\":\"cat\",\"description\":{decoy}}}],\"{list}\":[{{\"id\":\"77\",\"text\":{other}}}]}}"
        );
        if shape == 6 { format!("{{{includes},{data}}}") } else { format!("{{{data},{includes}}}") }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_scan_finds_what_parsing_everything_finds(
        queries in prop::collection::vec(query(), 1..5),
        records in prop::collection::vec(record(), 1..24),
    ) {
        let input: String =
            records.iter().enumerate().map(|(i, record)| record.replacen("ID", &(i + 1).to_string(), 1) + "\n").collect();
        let expected = oracle(&queries, &input);
        let named: Vec<&str> = queries.iter().map(String::as_str).collect();
        let (found, stats) = scan(&named, input.as_bytes());
        prop_assert_eq!(&found, &expected, "{}", input);
        prop_assert_eq!((stats.posts, stats.malformed), (records.len() as u64, 0));
        // Alone, so that a rule that asks for no word does not make the scan parse every line.
        for (i, query) in queries.iter().enumerate() {
            let alone: Vec<&String> = expected.iter().filter(|(_, hits)| hits.contains(&i)).map(|(id, _)| id).collect();
            let found = ids(query, &input);
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), alone, "{} in {}", query, input);
        }
    }
}
