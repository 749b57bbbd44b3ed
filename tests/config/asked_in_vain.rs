//! What `check` says of queries that a network cannot answer, network by network.

use replydeck::config::Config;
use replydeck::config::check::{Line, Outcome, columns};

const THREE: &str = "[accounts.one]\nnetwork = \"x\"\nhandle = \"AcmeHelp\"\nbearer = { env = \"B\" }\n\
     [accounts.sky]\nnetwork = \"bluesky\"\nhandle = \"acme.example\"\n\
     [accounts.masto]\nnetwork = \"mastodon\"\nhandle = \"help\"\nbase_url = \"https://acme.example\"\n";

fn told(query: &str, networks: &[&str]) -> Vec<Line> {
    let networks: Vec<String> = networks.iter().map(|network| format!("\"{network}\"")).collect();
    let text = format!("{THREE}[[columns]]\nname = \"a\"\nquery = '{query}'\nnetworks = [{}]\n", networks.join(", "));
    columns(&Config::parse(&text, "config.toml").unwrap_or_else(|error| panic!("{error}")))
}

/// The lines that hold these words, and how bad they are.
#[track_caller]
fn has(lines: &[Line], words: &[(&str, Outcome)]) {
    for (words, outcome) in words {
        let found: Vec<_> = lines.iter().filter(|line| line.what.contains(words)).collect();
        assert!(matches!(found.as_slice(), [line] if line.outcome == *outcome), "{words}: {lines:#?}");
        assert!(*outcome == Outcome::Works || found[0].remedy.is_some(), "{found:?}");
    }
}

const ALL: [&str; 3] = ["x", "bluesky", "mastodon"];

#[test]
fn an_operator_that_only_x_judges_is_told_for_each_of_the_others() {
    let lines = told("acme has:geo", &ALL);
    has(
        &lines,
        &[
            ("an X rule of", Outcome::Works),
            ("hears nothing on Bluesky: `has:geo`", Outcome::Fails),
            ("hears nothing on Mastodon: `has:geo`", Outcome::Fails),
        ],
    );
    let lines = told("acme OR (router place:rome)", &ALL);
    has(
        &lines,
        &[
            ("on Bluesky `place:` cannot be evaluated", Outcome::Mind),
            ("on Mastodon `place:` cannot be evaluated", Outcome::Mind),
        ],
    );
    // A negation of what is not known is not known either.
    has(&told("acme -has:geo", &["bluesky"]), &[("hears nothing on Bluesky", Outcome::Fails)]);
    assert!(!told("acme lang:en", &ALL).iter().any(|line| line.what.contains("cannot be evaluated")));
}

#[test]
fn a_handle_of_another_network_is_told_where_it_means_nobody() {
    let lines = told("@AcmeHelp", &ALL);
    has(
        &lines,
        &[
            ("@acmehelp is no handle of Bluesky", Outcome::Mind),
            ("@acmehelp is no whole handle of Mastodon", Outcome::Mind),
        ],
    );
    let remedy =
        lines.iter().find(|line| line.what.contains("no handle of Bluesky")).and_then(|line| line.remedy.clone());
    assert_eq!(remedy.as_deref(), Some("give Bluesky a column of its own, with the handle it has there"));
    // Leaving ourselves out is right by any of our names: what we write fills no column.
    for fine in ["acme -from:AcmeHelp", "acme"] {
        assert!(!told(fine, &ALL).iter().any(|line| line.what.contains("handle")), "{fine}");
    }
    has(&told("acme -from:spammer", &["x", "bluesky"]), &[("@spammer is no handle of Bluesky", Outcome::Mind)]);
    // Each network has its own there.
    let lines = told("@acme.example OR @help@acme.example", &["bluesky", "mastodon"]);
    assert!(!lines.iter().any(|line| line.what.contains("handle")), "{lines:#?}");
}
