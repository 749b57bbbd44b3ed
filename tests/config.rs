//! The config from the outside: what a user writes, and what they are told.

use jiff::SignedDuration;
use replydeck::app::setup::Openings;
use replydeck::config::example::example;
use replydeck::config::{Config, ConfigError, SecretSource, UserSecrets};
use replydeck::model::account::Tier;
use replydeck::model::{MachineName, NetworkKind, RepName, Role, SessionId};
use replydeck::rules::Rule;
use replydeck::rules::x::{Limits, as_rule};
use uuid::Uuid;

mod config {
    mod asked_in_vain;
    mod example;
    mod faults;
    mod hours;
    mod networks;
    mod reps;
}

/// The least a config needs, to be put under a line that is tested.
const REST: &str = r#"
[accounts.one]
network = "x"
handle = "OneHelp"
bearer = { env = "REPLYDECK_TEST_BEARER" }
[[columns]]
name = "a"
account = "one"
query = "internet"
"#;

fn parse(text: &str) -> Config {
    match Config::parse(text, "config.toml") {
        Ok(config) => config,
        Err(error) => panic!("{error}"),
    }
}

fn told(text: &str) -> String {
    Config::parse(text, "config.toml").expect_err("this config has a problem").to_string()
}

/// An account with these lines, and a column that uses it.
fn account(lines: &str) -> String {
    format!(
        "[accounts.one]\nnetwork = \"x\"\nhandle = \"OneHelp\"\n{lines}\n\
         [[columns]]\nname = \"a\"\naccount = \"one\"\nquery = \"internet\"\n"
    )
}

/// A column with these lines, and its account.
fn column(lines: &str) -> String {
    format!(
        "[accounts.one]\nnetwork = \"x\"\nhandle = \"OneHelp\"\nbearer = {{ env = \"B\" }}\n[[columns]]\nname = \"a\"\n{lines}\n"
    )
}

#[test]
fn every_problem_points_at_its_place_and_says_what_to_do() {
    let top = |line: &str| format!("{line}{REST}");
    let bearer = "bearer = { env = \"B\" }";
    let table = [
        (
            top("hodl = \"10s\""),
            r#"config.toml:1:1: unknown key `hodl`
1 | hodl = "10s"
  | ^^^^
  = did you mean `hold`? keys here: rep, role, team, open_cases, deck, signature, hold, release_after, zone, bell, shortcodes, reach_percent, people, causes, outcomes, queues, clocks, office_hours, openings, saved_replies, accounts, columns, keys"#,
        ),
        (
            top("bell = true\nxyzzy = 1"),
            "config.toml:2:1: unknown key `xyzzy`\n2 | xyzzy = 1\n  | ^^^^^\n  \
             = keys here: rep, role, team, open_cases, deck, signature, hold, release_after, zone, bell, shortcodes, reach_percent, people, causes, outcomes, queues, clocks, office_hours, openings, saved_replies, accounts, columns, keys",
        ),
        (
            top("hold = 10"),
            "config.toml:1:8: `hold` is a number, it must be a duration in quotes such as \"10s\"\n\
             1 | hold = 10\n  |        ^^",
        ),
        (
            top("hold = \"10\""),
            "config.toml:1:8: `hold`: `10` is not a duration: `10` has no unit\n\
             1 | hold = \"10\"\n  |        ^^^^\n  = write it like \"90s\", \"15m\", \"1h30m\" or \"2d\"",
        ),
        (
            top("hold = \"11m\""),
            "config.toml:1:8: `hold` is out of range\n1 | hold = \"11m\"\n  |        ^^^^^\n  = from 0s to 10m",
        ),
        (
            top("zone = \"Europe/Rom\""),
            "config.toml:1:8: `Europe/Rom` is not a time zone\n1 | zone = \"Europe/Rom\"\n  |        ^^^^^^^^^^^^\n  \
             = did you mean `Europe/Rome`? Leave `zone` away for the system's",
        ),
        (
            top("zone = \"rome\""),
            "config.toml:1:8: `rome` is not a time zone\n1 | zone = \"rome\"\n  |        ^^^^^^\n  \
             = did you mean `Europe/Rome`? Leave `zone` away for the system's",
        ),
        (
            top("bell = \"yes\""),
            "config.toml:1:8: `bell` is text, it must be true or false\n1 | bell = \"yes\"\n  |        ^^^^^",
        ),
        (
            top("reach_percent = 300"),
            "config.toml:1:17: `reach_percent` is 300, it must be a whole number from 0 to 100\n\
             1 | reach_percent = 300\n  |                 ^^^",
        ),
        (
            top("causes = [\"slow\", \"slow\"]"),
            "config.toml:1:19: the cause `slow` is there twice\n\
             1 | causes = [\"slow\", \"slow\"]\n  |                   ^^^^^^\n  = keep one",
        ),
        (
            top("[openings]\nboth = \"Hi {name, sorry\""),
            "config.toml:2:12: `openings.both`: this slot is not closed\n\
             2 | both = \"Hi {name, sorry\"\n  |            ^\n  \
             = a slot is one word in braces, such as {what_next}; {name} and {handle} fill themselves",
        ),
        (
            top("[saved_replies]\nslow = '''\nSorry, {what next}'''"),
            "config.toml:3:8: `saved_replies.slow`: `{what next}` is not a slot\n\
             3 | Sorry, {what next}'''\n  |        ^^^^^^^^^^^\n  \
             = a slot is one word in braces, such as {what_next}; {name} and {handle} fill themselves",
        ),
        (
            top("rep = \"a\\u202Eb\""),
            "config.toml:1:7: `rep` holds line breaks, spaces at an end or characters nobody can see\n\
             1 | rep = \"a\\u202Eb\"\n  |       ^^^^^^^^^^\n  = keep it to one line of visible text",
        ),
        (
            top("role = \"reps\""),
            "config.toml:1:8: `reps` is not a role\n1 | role = \"reps\"\n  |        ^^^^^^\n  \
             = did you mean `rep`? roles: watcher, rep, lead",
        ),
        (
            top("team = [\"ana\", \"ana\"]"),
            "config.toml:1:16: the rep `ana` is there twice\n\
             1 | team = [\"ana\", \"ana\"]\n  |                ^^^^^\n  = keep one",
        ),
        (
            top("deck = \"a/b\""),
            "config.toml:1:8: the deck's name holds '/'\n1 | deck = \"a/b\"\n  |        ^^^^^\n  \
             = a name is one short word: no spaces, no `/`, `=` or `,`",
        ),
        (
            account(&format!("{bearer}\ntier = \"entreprise\"")),
            "config.toml:5:8: `entreprise` is not a plan\n5 | tier = \"entreprise\"\n  |        ^^^^^^^^^^^^\n  \
             = did you mean `enterprise`? plans: pay-per-use, enterprise",
        ),
        (
            account(&format!("{bearer}\nbase_url = \"http://api.x.com\"")),
            "config.toml:5:12: `base_url` would send secrets over http\n\
             5 | base_url = \"http://api.x.com\"\n  |            ^^^^^^^^^^^^^^^^^^\n  \
             = use https; only loopback, such as http://127.0.0.1:8080, may go without",
        ),
        (
            account(&format!("{bearer}\nbase_url = \"https://api.x.com/2\"")),
            "config.toml:5:12: `base_url` holds more than scheme, host and port\n\
             5 | base_url = \"https://api.x.com/2\"\n  |            ^^^^^^^^^^^^^^^^^^^^^\n  \
             = paths are the program's business: write it like \"https://api.x.com\"",
        ),
        (
            account(""),
            "config.toml:1:11: account `one` has no `bearer`\n1 | [accounts.one]\n  |           ^^^\n  \
             = add bearer = { env = \"REPLYDECK_X_BEARER\" }",
        ),
        (
            account(&format!("{bearer}\nconsumer_key = \"k\"\ntoken = \"t\"")),
            "config.toml:1:11: account `one` has `consumer_key`, `token` but no `consumer_secret`, `token_secret`\n\
             1 | [accounts.one]\n  |           ^^^\n  \
             = OAuth 1.0a takes all four: consumer_key, consumer_secret, token, token_secret",
        ),
        (
            account(&format!("{bearer}\nclient_id = \"c\"\naccess_token = {{ env = \"T\" }}")),
            "config.toml:1:11: account `one` has both `client_id` and `access_token`\n\
             1 | [accounts.one]\n  |           ^^^\n  \
             = with client_id `replydeck auth` gets the tokens: remove them from the config",
        ),
        (
            account(&format!("{bearer}\nclient_secret = {{ env = \"T\" }}")),
            "config.toml:1:11: account `one` has `client_secret` but no `client_id`\n\
             1 | [accounts.one]\n  |           ^^^\n  \
             = client_id = \"from the console\": the app's OAuth 2.0 client, for `replydeck auth`",
        ),
        (
            account(&format!("{bearer}\nclient_id = \"c\"\nredirect = \"http://example.com/\"")),
            "config.toml:6:12: `redirect` must be https, or http on this machine\n\
             6 | redirect = \"http://example.com/\"\n  |            ^^^^^^^^^^^^^^^^^^^^^\n  \
             = write it like \"http://127.0.0.1:8739/callback\"",
        ),
        (
            account(&format!("{bearer}\naccess_token = {{ env = \"T\" }}\ntoken = \"t\"")),
            "config.toml:1:11: account `one` has both `access_token` and `token`\n\
             1 | [accounts.one]\n  |           ^^^\n  \
             = keep `access_token` (OAuth 2.0) or the four of OAuth 1.0a, not both",
        ),
        (
            account(&format!("{bearer}\nuser_id = \"@one\"")),
            "config.toml:5:11: `@one` is not a user id of X\n5 | user_id = \"@one\"\n  |           ^^^^^^\n  \
             = it is the account's number, at most 19 digits; the handle goes to `handle`",
        ),
        (
            column("account = \"onne\"\nquery = \"internet\""),
            "config.toml:7:11: `account` of column `a` names no account: `onne`\n\
             7 | account = \"onne\"\n  |           ^^^^^^\n  = did you mean `one`? accounts here: one",
        ),
        (
            column("account = \"one\"\nquery = \"internet\"\nreply_as = \"two\""),
            "config.toml:9:12: `reply_as` of column `a` names no account: `two`\n\
             9 | reply_as = \"two\"\n  |            ^^^^^\n  = accounts here: one",
        ),
        (
            column("account = \"one\""),
            "config.toml:5:1: column `a` has no `query`\n5 | [[columns]]\n  | ^^^^^^^^^^^\n  \
             = add query = \"#exampleoutage -is:retweet\"",
        ),
        (
            column("account = \"one\"\nquery = \"internet\"\ntarget = \"30s\""),
            "config.toml:9:10: `target` is out of range\n9 | target = \"30s\"\n  |          ^^^^^\n  = from 1m to 30d",
        ),
        (
            format!("{REST}[[columns]]\nname = \"a\"\naccount = \"one\"\nquery = \"other\""),
            "config.toml:11:8: two columns are called `a`\n11 | name = \"a\"\n   |        ^^^\n   \
             = give one another name; the head of the column shows its `title`",
        ),
        (
            "bell = true\n\n".to_owned(),
            "config.toml:1:1: there are no columns\n1 | bell = true\n  | ^^^^^^^^^^^\n  \
             = add one: [[columns]] with name, account and query; `replydeck config example` shows how",
        ),
        (
            "[columns]\nname = \"a\"".to_owned(),
            "config.toml:1:1: `columns` must be tables, one per column: [[columns]]\n\
             1 | [columns]\n  | ^^^^^^^^^\n  = double the brackets",
        ),
        (top("bell = true\nbell = false"), "config.toml:2:1: not TOML: duplicate key\n2 | bell = false\n  | ^^^^"),
    ];
    for (config, expected) in table {
        assert_eq!(told(&config), expected, "of\n{config}");
    }
}

#[test]
fn all_problems_are_told_at_once_in_file_order() {
    let text = "hodl = 1\nbell = 2\n[accounts.one]\nnetwork = \"x\"\nhandle = \"@One\"\nbearer = {}\n\
                [[columns]]\nname = \"a\"\naccount = \"two\"\nquery = \"\"\n[[columns]]\nname = \"b\"\n";
    let told = told(text);
    let places: Vec<&str> = told.lines().filter(|line| line.starts_with("config.toml:")).collect();
    let starts = ["1:1", "2:8", "5:10", "6:10", "9:11", "10:10", "11:1", "11:1"];
    assert_eq!(places.len(), starts.len(), "{told}");
    for (place, start) in places.iter().zip(starts) {
        assert!(place.starts_with(&format!("config.toml:{start}: ")), "{place} is not at {start}\n{told}");
    }
    let Err(ConfigError::Invalid(invalid)) = Config::parse(text, "config.toml") else { panic!("it has problems") };
    assert_eq!(invalid.count(), starts.len());
}

/// The caret must stand under the very character of the file that wrote the bad part of the query, however the
/// string was written. What is bad, and in which words, is for the rules to say.
#[test]
fn a_bad_query_is_pointed_at_inside_its_string() {
    let bad = "internet has:nonsense OR down";
    let error = Rule::parse(bad).expect_err("`has:nonsense` is no operator");
    let from_word = error.span.start.checked_sub("internet ".len()).expect("the span is in the bad word");
    assert!(error.span.end <= "internet has:nonsense".len(), "{error:?}");
    for (written, line, before) in [
        ("\"internet has:nonsense OR down\"".to_owned(), 8, "query = \"internet "),
        ("'internet has:nonsense OR down'".to_owned(), 8, "query = 'internet "),
        ("\"inter\\u006eet has:nonsense OR down\"".to_owned(), 8, "query = \"inter\\u006eet "),
        ("\"\"\"\ninternet has:nonsense OR down\"\"\"".to_owned(), 9, "internet "),
        ("\"\"\"internet \\\n    has:nonsense OR down\"\"\"".to_owned(), 9, "    "),
    ] {
        let told = told(&column(&format!("account = \"one\"\nquery = {written}")));
        let cells = before.chars().count() + from_word;
        let start = format!("config.toml:{line}:{}: the query of column `a`: ", cells + 1);
        assert!(told.starts_with(&start), "{told}\nshould start with {start}");
        assert!(told.lines().next().is_some_and(|first| first.ends_with(&error.message)), "{told}");
        let caret = told.lines().nth(2).expect("a caret line");
        assert_eq!(caret, format!("  | {}{}", " ".repeat(cells), "^".repeat(error.span.len())));
    }
}

#[test]
fn a_query_the_network_cannot_take_is_told_with_its_column() {
    let long = (0..150).map(|n| format!("word{n}")).collect::<Vec<_>>().join(" OR ");
    for query in ["-internet -is:retweet", long.as_str()] {
        let rule = Rule::parse(query).expect("the grammar allows it");
        let errors = as_rule(&rule, Limits::SELF_SERVE).expect_err("X does not");
        let told = told(&column(&format!("account = \"one\"\nquery = \"{query}\"")));
        for error in errors {
            let what = format!("X cannot do what column `a` asks of `one`: {}", error.message);
            assert!(told.contains(&what), "{told}\nshould hold {what}");
        }
    }
    let enterprise = "tier = \"enterprise\"\nbearer = { env = \"B\" }";
    let allowed = account(enterprise).replace("\"internet\"", &format!("{long:?}"));
    assert_eq!(parse(&allowed).columns.len(), 1, "a larger plan takes a longer rule");
}

#[test]
fn unknown_commands_in_keys_are_pointed_at() {
    let text = format!("{REST}[keys]\nacknowledge = [\"r\"]\nno-such-command = [\"x\"]\n");
    let told = told(&text);
    assert!(told.starts_with("config.toml:12:1: "), "{told}");
    assert!(told.contains("12 | no-such-command = [\"x\"]\n   | ^^^^^^^^^^^^^^^"), "{told}");
    let config = parse(&format!("{REST}[keys]\nacknowledge = [\"r\"]\n"));
    assert_eq!(config.keys, [("acknowledge".to_owned(), vec!["r".to_owned()])]);
}

#[test]
fn a_secret_written_into_the_file_is_refused_and_not_repeated() {
    for line in [
        "bearer = \"AAAAverysecret\"",
        "bearer = { value = \"AAAAverysecret\" }",
        "bearer = { env = \"AAAA-verysecret\" }",
        "bearer = { command = \"echo AAAAverysecret\" }",
        "bearer = [\"AAAAverysecret\"]",
        "bearer = \"AAAAverysecret",
        "bearer = AAAAverysecret",
        "bearer_token = \"AAAAverysecret\"",
        "bearer = { env = \"B\", file = \"AAAAverysecret\" }",
        "[accounts.one.bearer]\nvalue = \"AAAAverysecret\"",
    ] {
        let told = told(&account(line));
        assert!(!told.contains("verysecret"), "{line}\n{told}");
        assert!(told.contains("config.toml:"), "{told}");
    }
    let told = told(&account("bearer = \"AAAAverysecret\""));
    assert_eq!(
        told,
        "config.toml:4:10: `bearer` must name where the secret is kept, not be the secret\n\
         4 | bearer = \"**************\"\n  |          ^^^^^^^^^^^^^^^^\n  \
         = bearer = { env = \"NAME\" }, { command = [\"pass\", \"show\", \"x\"] }, \
         { file = \"path, mode 0600\" } or { keyring = \"name\" }"
    );
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = parse(REST);
    let defaults = Config::default();
    assert_eq!(config.hold, SignedDuration::from_secs(10));
    assert_eq!((config.bell, config.reach_percent, config.deck.as_str()), (true, 20, "main"));
    assert_eq!((config.release_after, config.shortcodes), (SignedDuration::from_mins(15), false));
    assert_eq!(config.openings, defaults.openings);
    assert_eq!((config.rep, config.zone, config.signature), (None, None, None));
    let account = &config.accounts[0];
    assert_eq!((account.tier(), account.watch_own, account.confirm), (Tier::PayPerUse, true, false));
    assert_eq!(account.base_url.as_str(), "https://api.x.com/");
    assert!(account.x().unwrap().user.is_none());
    let column = &config.columns[0];
    assert_eq!((column.title.as_str(), column.main().reply_as.as_str()), ("a", "one"), "the name stands for a title");
    assert_eq!((column.targets.first, column.main().network), (SignedDuration::from_hours(1), NetworkKind::X));
}

#[test]
fn an_account_that_is_logged_in_by_the_program_names_its_client_or_its_keys() {
    let client = parse(&account("bearer = { env = \"B\" }\nclient_id = \"c\""));
    let Some(UserSecrets::Login(login)) = &client.accounts[0].x().unwrap().user else {
        panic!("{:?}", client.accounts[0].x().unwrap().user)
    };
    let of = login.client.as_ref().expect("a client");
    assert_eq!((of.id.as_str(), of.redirect.as_str()), ("c", "http://127.0.0.1:8739/callback"));
    assert!(of.secret.is_none() && login.consumer.is_none());
    assert!(client.accounts[0].account().can_send);
    let both = parse(&account(
        "bearer = { env = \"B\" }\nclient_id = \"c\"\nclient_secret = { env = \"S\" }\n\
         redirect = \"https://acme.example/back\"\nconsumer_key = \"k\"\nconsumer_secret = { env = \"C\" }",
    ));
    let keys: Vec<&str> = both.accounts[0].secrets().iter().map(|(key, _)| *key).collect();
    assert_eq!(keys, ["bearer", "client_secret", "consumer_secret"]);
    for config in [client, both] {
        assert_eq!(parse(&config.show()).accounts, config.accounts, "{}", config.show());
    }
}

#[test]
fn what_is_said_is_taken() {
    let config = parse(
        r##"
rep = "ana"
deck = "night"
signature = "^AN"
hold = "0s"
release_after = "90s"
zone = "Europe/Rome"
bell = false
shortcodes = true
reach_percent = 0
causes = ["outage", "billing"]
role = "lead"
team = ["ana", "bo"]
open_cases = 20
outcomes = ["restored"]
[openings]
acknowledgement = ""
[saved_replies]
zeta = "Z {name}"
alpha = """
A {what_next}
second line"""
[accounts.zed]
network = "x"
handle = "ZedHelp"
user_id = "42"
tier = "enterprise"
base_url = "http://[::1]:8080"
bearer = { command = ["pass", "show", "x"] }
consumer_key = "k"
consumer_secret = { env = "CS" }
token = "t"
token_secret = { file = "/run/x" }
watch_own = false
confirm = true
[accounts.abe]
network = "x"
handle = "AbeHelp"
bearer = { env = "B" }
access_token = { env = "T" }
[[columns]]
name = "outage"
title = "#outage"
account = "abe"
query = "#outage"
target = "1h30m"
reply_as = "zed"
"##,
    );
    let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
    assert_eq!(names, ["zed", "abe"], "in file order");
    let replies: Vec<&str> = config.saved_replies.iter().map(|saved| saved.name.as_str()).collect();
    assert_eq!(replies, ["zeta", "alpha"], "in file order");
    assert_eq!(
        config.accounts[0].x().unwrap().user,
        Some(UserSecrets::OAuth1 {
            consumer_key: "k".to_owned(),
            consumer_secret: SecretSource::Env("CS".to_owned()),
            token: "t".to_owned(),
            token_secret: SecretSource::File("/run/x".into()),
        })
    );
    let session = SessionId(Uuid::nil());
    let setup = config.setup(MachineName::new("desk1"), session);
    assert_eq!(setup.me, RepName::new("ana"));
    assert_eq!((setup.hold, setup.bell, setup.reach_percent), (SignedDuration::ZERO, false, 0));
    assert_eq!((setup.release_after, setup.shortcodes), (SignedDuration::from_secs(90), true));
    assert_eq!((setup.role, setup.open_cases, setup.outcomes), (Role::Lead, 20, vec!["restored".to_owned()]));
    assert_eq!(setup.team, [RepName::new("ana"), RepName::new("bo")]);
    assert_eq!(setup.zone.iana_name(), Some("Europe/Rome"));
    assert_eq!(setup.openings, Openings { acknowledgement: String::new(), ..Config::default().openings });
    assert!(setup.accounts[0].can_send && setup.accounts[0].confirm);
    assert_eq!(setup.accounts[0].id.as_ref().map(|id| id.as_str().to_owned()), Some("x:42".to_owned()));
    assert_eq!(setup.accounts[1].id, None);
    assert_eq!((setup.columns[0].main().account.as_str(), setup.columns[0].main().reply_as.as_str()), ("abe", "zed"));
    assert_eq!(setup.columns[0].targets.first, SignedDuration::from_mins(90));
    assert_eq!((setup.machine, setup.session), (MachineName::new("desk1"), session));
}

#[test]
fn a_file_names_secrets_beside_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("my config.toml");
    let text = account("bearer = { file = \"x.bearer\" }\naccess_token = { file = \"/abs/x\" }");
    std::fs::write(&path, text).expect("the folder can be written");
    let config = Config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.accounts[0].x().unwrap().bearer, SecretSource::File(folder.path().join("x.bearer")));
    let Some(UserSecrets::OAuth2 { access_token }) = &config.accounts[0].x().unwrap().user else {
        panic!("it has an access token")
    };
    assert_eq!(*access_token, SecretSource::File("/abs/x".into()));
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shown = folder.path().display();
    let missing = Config::load(&folder.path().join("c.toml")).expect_err("there is none").to_string();
    assert_eq!(
        missing,
        format!(
            "there is no config file {shown}/c.toml. `replydeck demo` shows the deck without one; \
             to start your own: replydeck config example > {shown}/c.toml"
        )
    );
    let deep = Config::load(&folder.path().join("a b/c.toml")).expect_err("there is none").to_string();
    assert!(
        deep.ends_with(&format!("mkdir -p '{shown}/a b' && replydeck config example > '{shown}/a b/c.toml'")),
        "{deep}"
    );
    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"rep = \"caf\xe9\"").expect("the folder can be written");
    let told = Config::load(&latin).expect_err("it is Latin-1").to_string();
    assert!(told.ends_with("it is not UTF-8 (byte 11). Save it as UTF-8"), "{told}");
    assert!(matches!(Config::load(folder.path()), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn no_text_makes_the_reader_panic() {
    use proptest::prelude::*;
    let pieces = "[]{}=\"'\\\n.,#aké遅\u{1b}\u{202e}1";
    let strategy = proptest::collection::vec(proptest::sample::select(pieces.chars().collect::<Vec<_>>()), 0..60);
    proptest!(|(noise in strategy, at in 0_usize..2_000)| {
        let noise: String = noise.into_iter().collect();
        let example = example();
        let at = (0..=at.min(example.len())).rev().find(|at| example.is_char_boundary(*at)).unwrap_or(0);
        for text in [noise.clone(), format!("{}{noise}{}", &example[..at], &example[at..])] {
            if let Err(error) = Config::parse(&text, "c.toml") {
                prop_assert!(error.to_string().chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    });
}

#[test]
fn people_are_marked_and_handed_to_a_group_that_must_exist() {
    let people = "[people]\nvip = [\"@Jo_M\", \"x:7\"]\nfollower_floor = 10000\nrepeat_days = 14\n\
                  repeat_group = \"seniors\"\n[people.groups]\nseniors = [\"ana\", \"bo\"]\n";
    let config = parse(&format!("{people}{REST}"));
    let setup = config.setup(MachineName::new("desk1"), SessionId(Uuid::nil()));
    assert_eq!(setup.people.vip, ["jo_m", "x:7"]);
    assert_eq!(
        (setup.people.follower_floor, setup.people.repeat_contacts, setup.people.repeat_days),
        (Some(10_000), 3, 14)
    );
    assert_eq!(setup.people.repeat_reps, [RepName::new("ana"), RepName::new("bo")]);
    assert_eq!(parse(&config.show()).people, config.people, "what is shown reads back as the same");
    for (wrong, told) in [
        ("[people]\nrepeat_group = \"seniors\"\n", "there is no group `seniors`"),
        ("[people]\nvip = [\"jo\"]\n", "`vip` names nobody: `jo`"),
        ("[people.groups]\nempty = []\n", "the group `empty` has nobody in it"),
        (
            "team = [\"ana\", \"bo\"]\n[people.groups]\nseniors = [\"ana\", \"boo\"]\n",
            "c.toml:3:19: `groups.seniors` names `boo`, who is not in `team`",
        ),
    ] {
        let error = Config::parse(&format!("{wrong}{REST}"), "c.toml").unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
