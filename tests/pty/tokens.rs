//! The tokens of a login made by `replydeck auth`, over a day of two-hour tokens with the deck open: they are in their
//! file, and nowhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use super::auth_rig::{Rig, until};
use super::{InTerminal, SMALL};

/// No token is on its way to X.
fn renewed(rig: &Rig) -> bool {
    kept(rig)["tokens"]["oauth2"]["renewal"] == "unused"
}

/// The tokens as they are kept now.
fn tokens(rig: &Rig) -> [String; 2] {
    let kept = kept(rig);
    ["access_token", "refresh_token"].map(|name| kept["tokens"]["oauth2"][name].as_str().expect("a token").to_owned())
}

/// Every file below `folder`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], token: &str) -> bool {
    assert!(token.len() > 8, "too short to be looked for");
    bytes.windows(token.len()).any(|window| window == token.as_bytes())
}

fn kept(rig: &Rig) -> Value {
    let text = std::fs::read_to_string(rig.token_file()).expect("a token file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_tokens_of_a_day_are_in_their_file_and_in_no_log_store_screen_or_process() {
    let rig = Rig::start();
    rig.log_in();
    let (config, data) = (rig.config.to_str().expect("a path"), rig.data());
    let args = ["--config", config, "--data-dir", data.to_str().expect("a path")];
    let mut deck = InTerminal::start(&args, rig.home.path(), SMALL, &[("REPLYDECK_LOG", "trace")]);
    deck.shows("LIVE");
    let mut given: Vec<String> = Vec::new();
    let mut said = String::new();
    for _ in 0..3 {
        given.extend(tokens(&rig));
        rig.jump(7_201);
        said += &rig.check_online().1;
        for args in [&["check"][..], &["check", "--json"], &["config", "show"], &["report"], &["search", "slow"]] {
            let (_, out, err) = rig.run(args);
            said += &(out + &err);
        }
        until("a renewal", || renewed(&rig) && !given.contains(&tokens(&rig)[0]));
    }
    let earlier = given.len();
    given.extend(tokens(&rig));
    assert_eq!(given.iter().collect::<BTreeSet<_>>().len(), 8, "four logins' worth of tokens, all different");

    // While the tokens are being renewed, in whatever process that is.
    #[cfg(target_os = "linux")]
    {
        rig.jump(7_201);
        rig.control("fault", &json!({"kind": "late_answer", "target": "oauth", "ms": 1_000}));
        let before = rig.refreshes().len();
        let mut asking = rig.replydeck(&["check", "--online"]);
        let mut asking =
            asking.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        until("the rotation", || rig.refreshes().len() > before);
        let mut looked_at = 0;
        for process in std::fs::read_dir("/proc").expect("the processes").flatten() {
            for what in ["cmdline", "environ"] {
                // Others' processes, and those that have just ended, cannot be looked at.
                let Ok(bytes) = std::fs::read(process.path().join(what)) else { continue };
                looked_at += usize::from(what == "cmdline" && holds(&bytes, "login.toml"));
                assert!(given.iter().all(|token| !holds(&bytes, token)), "{what} of {:?}", process.path());
            }
        }
        assert!(looked_at > 1, "the deck and the one that asks were not among them");
        until("the renewal", || renewed(&rig) && !given.contains(&tokens(&rig)[0]));
        drop(asking.wait());
        given.extend(tokens(&rig));
    }

    // A login that X takes no more, and the words about it.
    rig.control("oauth", &json!({"revoke": true}));
    rig.jump(7_201);
    said += &rig.check_online().1;
    assert!(said.contains("is logged out"), "{said}");
    deck.shows("logged out");
    deck.signal("TERM");
    deck.ended();
    let screen = deck.bytes();
    let mut left = Vec::new();
    files(rig.home.path(), &mut left);
    assert!(left.iter().any(|path| path.ends_with("replydeck.log")), "{left:?}");
    for token in &given {
        assert!(!holds(said.as_bytes(), token), "a token was told");
        assert!(!holds(&screen, token), "a token stood on the screen");
        for path in left.iter().filter(|path| **path != rig.token_file()) {
            assert!(!holds(&std::fs::read(path).expect("a file"), token), "a token is in {}", path.display());
        }
    }
    let kept = std::fs::read(rig.token_file()).expect("the token file");
    assert!(given[..earlier].iter().all(|token| !holds(&kept, token)), "what is used up is kept no longer");
}
