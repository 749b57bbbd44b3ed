//! Accounts of Bluesky and Mastodon, and columns that hear several networks.

use replydeck::config::{Access, Config};
use replydeck::model::NetworkKind;
use replydeck::model::account::Tier;

const THREE: &str = "[accounts.one]\nnetwork = \"x\"\nhandle = \"One\"\nbearer = { env = \"B\" }\n\
     [accounts.sky]\nnetwork = \"bluesky\"\nhandle = \"one.example\"\napp_password = { env = \"P\" }\n\
     [accounts.masto]\nnetwork = \"mastodon\"\nhandle = \"one\"\nbase_url = \"https://one.example\"\n";

fn parse(text: &str) -> Config {
    Config::parse(text, "config.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn told(text: &str) -> String {
    match Config::parse(text, "config.toml") {
        Ok(_) => panic!("it was taken:\n{text}"),
        Err(error) => error.to_string(),
    }
}

fn column(keys: &str) -> String {
    format!("{THREE}[[columns]]\nname = \"a\"\nquery = \"acme\"\n{keys}\n")
}

#[test]
fn accounts_of_every_network_have_their_own_keys() {
    let config = parse(&column("account = \"one\""));
    let [one, sky, masto] = config.accounts.as_slice() else { panic!("{:?}", config.accounts.len()) };
    assert_eq!(
        [one, sky, masto].map(|account| (account.network(), account.handle.as_str(), account.may_send())),
        [
            (NetworkKind::X, "One", false),
            (NetworkKind::Bluesky, "one.example", true),
            (NetworkKind::Mastodon, "one@one.example", true)
        ]
    );
    assert_eq!((sky.tier(), sky.budget()), (Tier::Enterprise, None), "no wall, and nothing to pay");
    assert_eq!((sky.base_url.as_str(), sky.account().web_url.as_str()), ("https://bsky.social/", "https://bsky.app"));
    let Access::Bluesky(bluesky) = &sky.access else { panic!("{:?}", sky.access) };
    assert_eq!((bluesky.jetstreams.len(), bluesky.compress), (4, true));
    assert_eq!(masto.account().web_url, "https://one.example");
    assert_eq!(parse(&config.show()).accounts, config.accounts);
}

#[test]
fn a_column_hears_one_network_or_several() {
    let names = |keys: &str| -> Vec<(NetworkKind, String, String)> {
        let config = parse(&column(keys));
        let sources = &config.columns[0].sources;
        assert_eq!(parse(&config.show()).columns, config.columns);
        sources.iter().map(|source| (source.network, source.account.to_string(), source.reply_as.to_string())).collect()
    };
    let (x, bluesky, mastodon) = (NetworkKind::X, NetworkKind::Bluesky, NetworkKind::Mastodon);
    let source = |network, name: &str| (network, name.to_owned(), name.to_owned());
    assert_eq!(names("account = \"sky\""), [source(bluesky, "sky")]);
    let all = [source(x, "one"), source(bluesky, "sky"), source(mastodon, "masto")];
    assert_eq!(names("networks = [\"x\", \"bluesky\", \"mastodon\"]"), all);
    assert_eq!(names("accounts = [\"one\", \"sky\", \"masto\"]"), all);
    let other = "[accounts.help]\nnetwork = \"bluesky\"\nhandle = \"help.example\"\n";
    let config = parse(&format!("{other}{}", column("accounts = [\"one\", \"sky\"]\nreply_as = \"help\"")));
    assert_eq!(config.columns[0].on(bluesky).map(|source| source.reply_as.as_str()), Some("help"));
    assert_eq!(config.columns[0].on(x).map(|source| source.reply_as.as_str()), Some("one"));
}

#[test]
fn what_is_wrong_with_them_is_pointed_at() {
    let second = "[accounts.two]\nnetwork = \"bluesky\"\nhandle = \"two.example\"\n";
    for (text, expected) in [
        (column(""), "column `a` has no `account`"),
        (column("account = \"one\"\nnetworks = [\"x\"]"), "has both `account` and `networks`"),
        (column("networks = [\"bluesy\"]"), "did you mean `bluesky`?"),
        (format!("{second}{}", column("networks = [\"bluesky\"]")), "several accounts are on Bluesky"),
        (format!("{second}{}", column("accounts = [\"sky\", \"two\"]")), "is heard on Bluesky twice"),
        (column("account = \"one\"\nreply_as = \"sky\""), "listens on X and would answer on Bluesky"),
        (column("accounts = [\"one\", \"skyy\"]"), "`accounts` of column `a` names no account: `skyy`"),
        (THREE.replace("bluesky", "bluesy"), "`bluesy` is not a network"),
        (THREE.replace("one.example\"\napp", "one\"\napp"), "`one` is not a handle of Bluesky"),
        (THREE.replace("base_url = \"https://one.example\"", ""), "account `masto` has no `base_url`"),
        (THREE.replace("https://one.example", "http://one.example"), "`base_url` would send secrets over http"),
        (format!("{THREE}visibility = \"direct\"\n"), "`direct` is nothing a public reply may be"),
        (format!("{THREE}bearer = {{ env = \"B\" }}\n"), "unknown key `bearer`"),
    ] {
        let told = told(&text);
        assert!(told.contains(expected), "{expected}: {told}");
    }
    // X takes no rule of negations alone; the others match here and take it.
    let negated = |networks: &str| column(networks).replace("query = \"acme\"", "query = \"-acme\"");
    assert!(told(&negated("networks = [\"x\", \"bluesky\"]")).contains("X cannot do what column `a` asks of `one`"));
    assert_eq!(parse(&negated("networks = [\"bluesky\", \"mastodon\"]")).columns[0].sources.len(), 2);
}
