//! One fault is one error: what follows from it is not told again.

use replydeck::config::Config;

const X: &str = "[accounts.one]\nnetwork = \"x\"\nhandle = \"One\"\nbearer = { env = \"B\" }\n";
const SKY: &str = "[accounts.sky]\nnetwork = \"bluesky\"\nhandle = \"one.example\"\n";
const MASTO: &str = "[accounts.masto]\nnetwork = \"mastodon\"\nhandle = \"one\"\nbase_url = \"https://one.example\"\n";

/// All three accounts, and a column that hears all of them.
fn whole() -> String {
    format!(
        "{X}{SKY}{MASTO}[[columns]]\nname = \"a\"\nquery = \"acme\"\nnetworks = [\"x\", \"bluesky\", \"mastodon\"]\n"
    )
}

#[test]
fn one_fault_is_one_error() {
    let sky = |line: &str| whole().replace(SKY, &format!("{SKY}{line}\n"));
    let all = "networks = [\"x\", \"bluesky\", \"mastodon\"]";
    assert!(Config::parse(&whole(), "config.toml").is_ok());
    for (text, message, remedy) in [
        (
            whole().replace("\"mastodon\"\nh", "\"mastodn\"\nh"),
            "`mastodn` is not a network",
            "did you mean `mastodon`?",
        ),
        (whole().replace("\"x\"\nh", "\"twitter\"\nh"), "`twitter` is not a network", "networks: x, bluesky, mastodon"),
        (whole().replace("network = \"bluesky\"\n", ""), "account `sky` has no `network`", "add network = "),
        (whole().replace("network = \"bluesky\"", "network = 5"), "`network` is a number", ""),
        (whole().replace("base_url = \"https://one.example\"\n", ""), "has no `base_url`", "add base_url = "),
        (whole().replace("\"https://one.example\"", "5"), "`base_url` is a number", ""),
        (
            whole().replace("https://one.example", "one.example"),
            "does not begin with https://",
            "base_url = \"https://one.example\"",
        ),
        (
            whole().replace("https://one.example", "localhost:8080"),
            "does not begin with https://",
            "base_url = \"http://localhost:8080\"",
        ),
        (
            whole().replace("https://one.example", "ftp://one.example"),
            "begins with ftp://, it must begin with https://",
            "https://example.social",
        ),
        (
            whole().replace("handle = \"one.example\"\n", ""),
            "account `sky` has no `handle`",
            "add handle = \"example.bsky.social\"",
        ),
        (whole().replace("\"one.example\"\n", "7\n"), "`handle` is a number", ""),
        (
            sky("jetstreams = [\"https://jet.example\"]"),
            "begins with https://, it must begin with wss://",
            "wss://jetstream1",
        ),
        (sky("jetstreams = \"wss://jet.example\""), "`jetstreams` is text", "jetstreams = [\"wss://jet.example\"]"),
        (sky("jetstreams = []"), "`jetstreams` names no stream", "leave it away"),
        (sky("appview = \"appview.example\""), "`appview` does not begin with https://", "https://appview.example"),
        (whole().replace(all, "networks = \"bluesky\""), "`networks` is text", "networks = [\"bluesky\"]"),
        (whole().replace(all, "accounts = \"sky\""), "`accounts` is text", "accounts = [\"sky\"]"),
        (whole().replace(all, "account = [\"sky\"]"), "`account` is a list", ""),
        (whole().replace("query = \"acme\"", "query = 5"), "`query` is a number", ""),
        (whole().replace("name = \"a\"", "name = 5"), "`name` is a number", ""),
        (whole().replace(all, "networks = []"), "`networks` of column `a` is empty", "name at least one"),
    ] {
        let told = match Config::parse(&text, "config.toml") {
            Ok(_) => panic!("it was taken:\n{text}"),
            Err(error) => error.to_string(),
        };
        let errors = told.lines().filter(|line| line.starts_with("config.toml:")).count();
        assert_eq!(errors, 1, "of\n{text}\n{told}");
        assert!(told.contains(message) && told.contains(remedy) && told.contains('^'), "{message}; {remedy}:\n{told}");
    }
}

#[test]
fn all_that_is_wrong_with_a_query_is_told_each_in_its_place() {
    let text = whole().replace("query = \"acme\"", "query = \"acme or fron:us\"");
    let told = Config::parse(&text, "config.toml").expect_err("two faults").to_string();
    let line = text.lines().position(|line| line.starts_with("query")).expect("a query") + 1;
    for (column, fault) in [(15, "`or` is ambiguous"), (18, "there is no operator `fron:`")] {
        let place = format!("config.toml:{line}:{column}: the query of column `a`: {fault}");
        assert!(told.contains(&place), "{place} in\n{told}");
    }
}

#[test]
fn accounts_that_are_no_tables_are_told_once() {
    let text = "accounts = 5\n[[columns]]\nname = \"a\"\nquery = \"acme\"\naccount = \"one\"\n";
    let told = Config::parse(text, "config.toml").expect_err("no accounts").to_string();
    assert_eq!(told.lines().filter(|line| line.starts_with("config.toml:")).count(), 1, "{told}");
}
