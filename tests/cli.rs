//! The built binary, without a terminal, in a home of its own.

#[path = "cli/auth.rs"]
mod auth;
#[path = "cli/auth_rig.rs"]
mod auth_rig;
#[path = "cli/renewing.rs"]
mod renewing;
#[path = "cli/report.rs"]
mod report;
#[expect(dead_code, reason = "made for the deck in a terminal; a part of it serves here")]
mod simulator;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use replydeck::cli::Cli;
use replydeck::log::sqlite::{FILE, SqliteLog};

/// The binary in `home`, with nothing of this environment but the path.
fn replydeck(home: &Path, args: &[&str], set: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_replydeck"))
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .envs(set.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn help_of_every_command_shows_an_example() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert!(names.contains(&"check"), "{names:?}");
    for name in names {
        let output = replydeck(home.path(), &[name, "--help"], &[]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        let help = stdout(&output);
        assert!(help.contains("Example") && help.contains(&format!("\n  replydeck {name}")), "{name}: {help}");
        assert!(!help.contains('\u{1b}'), "{name}: no colour into a pipe");
    }
    let output = replydeck(home.path(), &["--help"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("replydeck demo"));
}

#[test]
fn colour_is_there_when_asked_for() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let coloured = replydeck(home.path(), &["--color", "always", "--help"], &[]);
    assert!(stdout(&coloured).contains("\u{1b}["));
    let refused = replydeck(home.path(), &["--color=never", "--help"], &[("CLICOLOR_FORCE", "1")]);
    assert!(!stdout(&refused).contains('\u{1b}'));
    let no_color = replydeck(home.path(), &["--help"], &[("NO_COLOR", "1")]);
    assert!(!stdout(&no_color).contains('\u{1b}'));
}

#[test]
fn wrong_usage_and_wrong_config_are_code_two() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for args in [&["--no-such-option"][..], &["no-such-command"], &["config"], &["check", "extra"]] {
        let output = replydeck(home.path(), args, &[]);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty() && output.stdout.is_empty(), "{args:?}");
    }
    let bad = home.path().join("bad.toml");
    std::fs::write(&bad, "hodl = 1\n").expect("the folder can be written");
    let output = replydeck(home.path(), &["--config", bad.to_str().expect("UTF-8"), "config", "show"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bad.toml:1:1: unknown key `hodl`"), "{}", stderr(&output));
    assert!(stderr(&output).ends_with("the config has 2 problems; nothing was started\n"), "{}", stderr(&output));
}

#[test]
fn a_store_that_would_not_be_used_is_refused_and_not_passed_over() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (args, option) in [
        (&["demo", "--data-dir", "there"][..], "--data-dir"),
        (&["--data-dir", "there", "demo"], "--data-dir"),
        (&["--config=mine.toml", "demo"], "--config"),
        (&["replay", "--data-dir=there", "posts.ndjson"], "--data-dir"),
    ] {
        let output = replydeck(home.path(), args, &[]);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(&format!("{option} has no place here: ")), "{args:?}: {}", stderr(&output));
    }
    // Who sets the variable means the deck; the help says that it is not looked at.
    for command in ["demo", "replay"] {
        let help = stdout(&replydeck(home.path(), &[command, "--help"], &[]));
        assert!(help.contains("REPLYDECK_DATA_DIR"), "{help}");
    }
    let no_terminal = replydeck(home.path(), &["demo"], &[("REPLYDECK_DATA_DIR", "there")]);
    assert_eq!(no_terminal.status.code(), Some(1), "{}", stderr(&no_terminal));
}

#[test]
fn match_says_what_is_wrong_with_its_queries_and_its_lines() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("posts.ndjson");
    std::fs::write(
        &file,
        "{\"text\":\"slow\"}\n{\"text\":\"slow\"}\nnothing\n{\"data\":{\"id\":\"1\",\"text\":\"slow\"}}\n",
    )
    .expect("the folder can be written");
    let file = file.to_str().expect("UTF-8");
    let run = |args: &[&str]| replydeck(home.path(), &[&["match", file], args].concat(), &[]);
    let twice = run(&["--rule", "a=slow", "--rule", "a=dead"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(stderr(&twice).contains("two queries have the name a"), "{}", stderr(&twice));
    let none = run(&["--rule", "a=(slow"]);
    assert_eq!(none.status.code(), Some(2));

    let negative = run(&["--rule", "a=-dead", "--stats"]);
    assert_eq!(negative.status.code(), Some(0));
    assert_eq!(stdout(&negative), "{\"post\":\"x:1\",\"columns\":[\"a\"]}\n");
    let told = stderr(&negative);
    assert!(told.contains("X would refuse it in a column:\n  -dead\n  ^^^^^ X needs something to look for"), "{told}");
    let stats: serde_json::Value = serde_json::from_str(told.lines().last().expect("a line")).expect("JSON");
    assert_eq!(stats["malformed"], 3);
    assert_eq!(stats["why_malformed"], serde_json::json!({"no JSON object": 1, "no id": 2}));

    let plain = run(&["--rule", "a=slow"]);
    assert_eq!(plain.status.code(), Some(0));
    assert_eq!(
        stderr(&plain),
        "replydeck: 3 lines that are no posts were passed over: 1 with no JSON object, 2 with no id\n"
    );
}

#[test]
fn match_without_a_config_asks_for_a_rule() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for args in [&["match", "-"][..], &["match", "--config", "/no/such.toml"]] {
        let output = replydeck(home.path(), args, &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("Give one, such as --rule 'slow=slow OR down'"), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn match_tells_all_that_is_wrong_with_a_query() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let told = |rule: &str| stderr(&replydeck(home.path(), &["match", "-", "--rule", rule], &[]));
    let grammar = told("a=slow or (fron:acme lang:english) down)");
    for fault in ["`or` is ambiguous", "no operator `fron:`", "`english` is not a language code", "closes nothing"] {
        assert!(grammar.contains(fault), "{fault} in {grammar}");
    }
    let unjudged = told("a=acme place:rome sample:10");
    assert!(unjudged.contains("place:") && unjudged.contains("^^^^^^^^^ "), "{unjudged}");
    assert_eq!(unjudged.matches("acme place:rome sample:10").count(), 2, "{unjudged}");
}

#[test]
fn what_a_command_refuses_is_not_in_its_help() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (command, gone, there) in [
        ("demo", &["--config <", "--data-dir <"][..], "--color"),
        ("replay", &["--data-dir <"], "--config <"),
        ("check", &[], "--data-dir <"),
    ] {
        let help = stdout(&replydeck(home.path(), &[command, "--help"], &[]));
        assert!(help.contains(there) && gone.iter().all(|option| !help.contains(option)), "{help}");
    }
}

#[test]
fn check_says_that_only_the_deck_needs_a_terminal() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let told = stdout(&replydeck(home.path(), &["--config", "/no/such.toml", "check"], &[]));
    assert!(told.contains("this is not a terminal") && told.contains("every other command does without"), "{told}");
}

#[test]
fn without_a_config_the_deck_says_how_to_begin() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = replydeck(home.path(), &[], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("`replydeck demo`") && told.contains("replydeck config example > "), "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn the_places_follow_option_then_environment_then_home() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = |args: &[&str], set: &[(&str, &str)]| stdout(&replydeck(home.path(), args, set));
    let set = [("REPLYDECK_CONFIG", "/from/the/environment.toml")];
    assert_eq!(path(&["--config", "/asked/for.toml", "config", "path"], &set), "/asked/for.toml\n");
    assert_eq!(path(&["config", "path"], &set), "/from/the/environment.toml\n");
    let in_home = path(&["config", "path"], &[]);
    assert!(in_home.starts_with(home.path().to_str().expect("UTF-8")), "{in_home}");
    assert!(in_home.ends_with("config.toml\n"), "{in_home}");
}

#[test]
fn the_example_can_be_checked_and_shown() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let example = replydeck(home.path(), &["config", "example"], &[]);
    assert_eq!(example.status.code(), Some(0));
    let file = home.path().join("config.toml");
    std::fs::write(&file, &example.stdout).expect("the folder can be written");
    let file = file.to_str().expect("UTF-8");
    let data = home.path().join("data");
    let data = data.to_str().expect("UTF-8");

    let without = replydeck(home.path(), &["--config", file, "--data-dir", data, "check"], &[]);
    assert_eq!(without.status.code(), Some(1), "its secret is not there");
    let told = stdout(&without);
    assert!(
        told.contains("secret    FAILS  example: bearer: the environment variable REPLYDECK_X_BEARER is not set"),
        "{told}"
    );
    assert!(told.contains("1 thing fails; nothing was sent."), "{told}");

    let set = [("REPLYDECK_X_BEARER", "a-very-secret-token"), ("LANG", "C.UTF-8")];
    let with = replydeck(home.path(), &["--config", file, "--data-dir", data, "check"], &set);
    assert_eq!(with.status.code(), Some(0), "{}{}", stdout(&with), stderr(&with));
    assert!(stdout(&with).contains("Nothing fails; nothing was sent."));
    assert!(!Path::new(data).exists(), "a check makes nothing");

    // Each fault of the config is a thing of its own.
    let broken = String::from_utf8(example.stdout).expect("UTF-8") + "\n[nonsense]\n[more_nonsense]\n";
    let beside = home.path().join("broken.toml");
    std::fs::write(&beside, broken).expect("the folder can be written");
    let beside = beside.to_str().expect("UTF-8");
    let broken = replydeck(home.path(), &["--config", beside, "--data-dir", data, "check"], &[]);
    assert_eq!(broken.status.code(), Some(2));
    let told = stdout(&broken);
    assert_eq!(told.matches("config    FAILS").count(), 2, "{told}");
    assert!(told.contains("2 things fail; nothing was sent."), "{told}");

    let json = replydeck(home.path(), &["--config", file, "--data-dir", data, "check", "--json"], &set);
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).expect("one JSON object");
    assert_eq!(found["ok"], true);
    let lines = found["lines"].as_array().expect("lines");
    assert!(lines.iter().any(|line| line["part"] == "secret" && line["outcome"] == "works"), "{found}");

    let shown = replydeck(home.path(), &["--config", file, "config", "show"], &set);
    assert_eq!(shown.status.code(), Some(0));
    assert!(stdout(&shown).contains("bearer = { env = \"REPLYDECK_X_BEARER\" }"));
    for output in [&with, &json, &shown] {
        assert!(!stdout(output).contains("a-very-secret-token") && !stderr(output).contains("a-very-secret-token"));
    }
}

#[test]
fn check_says_what_it_can_when_the_config_cannot_be_used() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("config.toml");
    std::fs::write(&file, "hodl = 1\n").expect("the folder can be written");
    let file = file.to_str().expect("UTF-8");
    let output = replydeck(home.path(), &["--config", file, "check"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = stdout(&output);
    assert!(told.contains("unknown key `hodl`") && told.contains("\ndata      works"), "{told}");
    let json = replydeck(home.path(), &["--config", file, "check", "--json"], &[]);
    assert_eq!(json.status.code(), Some(2));
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).expect("one JSON object");
    assert_eq!((&found["ok"], &found["lines"][0]["part"]), (&false.into(), &"config".into()));
}

#[test]
fn completions_and_manual_come_from_the_command_line() {
    let home = tempfile::tempdir().expect("a temporary folder");
    for shell in ["bash", "zsh", "fish"] {
        let output = replydeck(home.path(), &["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("data-dir"), "{shell}");
    }
    let page = stdout(&replydeck(home.path(), &["man"], &[]));
    assert!(page.contains(".TH replydeck 1"), "{page}");
    let folder = home.path().join("man1");
    let output = replydeck(home.path(), &["man", "--dir", folder.to_str().expect("UTF-8")], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(folder.join("replydeck.1").is_file() && folder.join("replydeck-check.1").is_file());
    let file = home.path().join("file");
    std::fs::write(&file, "").expect("the folder can be written");
    let refused = replydeck(home.path(), &["man", "--dir", file.to_str().expect("UTF-8")], &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).starts_with("replydeck: the manual pages cannot be written to "), "{}", stderr(&refused));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_replydeck"))
        .args(["completions", "bash"])
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_search_makes_no_store_and_says_when_nothing_is_found() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data");
    let search = || replydeck(home.path(), &["--data-dir", data.to_str().expect("UTF-8"), "search", "slow"], &[]);
    for _ in ["no folder", "an empty folder"] {
        let output = search();
        assert_eq!(output.status.code(), Some(1));
        let told = format!("there is no store in {}; start the deck or set REPLYDECK_DATA_DIR", data.display());
        assert!(stderr(&output).contains(&told) && output.stdout.is_empty(), "{}", stderr(&output));
        std::fs::create_dir_all(&data).expect("made");
        assert_eq!(std::fs::read_dir(&data).expect("there").count(), 0);
    }
    drop(SqliteLog::open(&data).expect("a store"));
    let output = search();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(1), "nothing found\n"));
    assert!(output.stdout.is_empty());
}

#[test]
fn check_finds_a_store_the_deck_would_refuse() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let check = || {
        let data = home.path().to_str().expect("UTF-8");
        stdout(&replydeck(home.path(), &["--config", "/no/such.toml", "--data-dir", data, "check"], &[]))
    };
    assert!(!check().contains("the store"), "there is none");
    drop(SqliteLog::open(home.path()).expect("a store"));
    assert!(check().contains(&format!("works  the store {}", home.path().display())), "{}", check());
    std::fs::write(home.path().join(FILE), "Dear diary, ".repeat(1000)).expect("written");
    let told = check();
    assert!(told.contains("data      FAILS  the store") && told.contains("it is not a database"), "{told}");
}
