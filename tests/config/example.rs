//! The example config: it is the one in the repository, says the defaults and names every key.

use std::path::Path;

use replydeck::config::Config;
use replydeck::config::example::example;

use super::super::{REST, account, column, parse, told};

#[test]
fn the_example_in_the_repository_is_the_one_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    let file = std::fs::read_to_string(&path).expect("config.example.toml is in the repository");
    assert_eq!(file, example(), "write it again: cargo run -- config example > config.example.toml");
}

#[test]
fn the_example_says_the_defaults() {
    let (config, defaults) = (parse(&example()), Config::default());
    assert_eq!(
        (config.rep, config.deck, config.signature, config.hold, config.zone, config.bell, config.reach_percent),
        (
            defaults.rep,
            defaults.deck,
            defaults.signature,
            defaults.hold,
            defaults.zone,
            defaults.bell,
            defaults.reach_percent
        )
    );
    assert_eq!((config.release_after, config.shortcodes), (defaults.release_after, defaults.shortcodes));
    assert_eq!((config.causes, config.openings, config.keys), (defaults.causes, defaults.openings, defaults.keys));
    // What the account leaves out is what the example writes out.
    let bare = parse(REST);
    let (bare, full) = (&bare.accounts[0], &config.accounts[0]);
    assert_eq!(
        (bare.tier(), &bare.base_url, bare.watch_own, bare.confirm),
        (full.tier(), &full.base_url, full.watch_own, full.confirm)
    );
    assert_eq!(config.columns[0].targets, parse(REST).columns[0].targets);
}

/// Every key the reader knows stands in the example, so that nobody has to guess that it exists.
#[test]
fn the_example_names_every_key() {
    let example = example();
    for (text, place) in [
        (format!("no_such = 1{REST}"), "top"),
        (account("bearer = { env = \"B\" }\nno_such = 1"), "account"),
        (account("bearer = { env = \"B\", no_such = 1 }"), "secret"),
        (column("account = \"one\"\nquery = \"internet\"\nno_such = 1"), "column"),
        (format!("[openings]\nno_such = 1{REST}"), "openings"),
    ] {
        let told = told(&text);
        let (_, keys) = told.split_once("keys here: ").unwrap_or_else(|| panic!("{place}: {told}"));
        for key in keys.lines().next().unwrap_or_default().split(", ") {
            let is_there = example.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ', '{']);
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("[{key}"))
                    || line.starts_with(&format!("[[{key}"))
            });
            assert!(is_there, "{place}: the example does not name `{key}`");
        }
    }
}

#[test]
fn what_show_prints_gives_the_same_config() {
    let long = format!(
        "rep = \"ana\"\nsignature = \"^A\\\"N\"\nzone = \"Asia/Tokyo\"\ncauses = [\"slow line\"]\n\
         [saved_replies]\nslow = \"\"\"two\nlines \\\\ {{name}}\"\"\"\n\"遅い\" = \"ごめん\"\n{REST}\
         [accounts.\"b.c\"]\nnetwork = \"x\"\nhandle = \"Two\"\nbearer = {{ command = [\"a b\", \"c\\\"d\"] }}\n\
         access_token = {{ file = \"x y\" }}\n[keys]\nacknowledge = [\"r\", \"C-r\"]\n"
    );
    for text in [long, format!("zone = \"UTC\"\nrep = \"bo\"\n{}", example())] {
        let config = parse(&text);
        let shown = config.show();
        assert_eq!(parse(&shown), config, "{shown}");
        assert_eq!(parse(&shown).show(), shown);
    }
}
