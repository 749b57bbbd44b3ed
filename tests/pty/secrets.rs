//! Secrets go where they are meant to and nowhere else: after a day's work with the real program they are looked for
//! in everything it wrote, said, started and left behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use replydeck::config::Config;
use replydeck::net::x::XNetwork;
use replydeck::run::{clock, networks};

use super::{CTRL_S, Desk, InTerminal, SMALL};

/// Marks that the simulator knows nothing of: the way a refused token goes.
const WRONG: &str = "WRONG-MARK-77f3";

/// The simulator's own secrets, each in its own way: environment, command, file.
struct Secrets {
    bearer: String,
    consumer: String,
    token: String,
    config: PathBuf,
}

impl Secrets {
    fn new(desk: &Desk) -> Self {
        let path = &desk.simulator.config;
        let secret = |name: &str| {
            std::fs::read_to_string(path.with_file_name(name)).expect("a secret of the simulator").trim().to_owned()
        };
        let text = std::fs::read_to_string(path).expect("the config");
        let line = |key: &str| {
            text.lines().find(|line| line.starts_with(&format!("{key} ="))).unwrap_or_else(|| panic!("no {key}"))
        };
        let file = path.with_file_name("x-consumer-secret");
        let command =
            format!("consumer_secret = {{ command = [\"{}\", \"{}\"] }}", teller(desk).display(), file.display());
        let changed = text
            .replace(line("bearer"), "bearer = { env = \"ACME_BEARER\" }")
            .replace(line("consumer_secret"), &command);
        let config = path.with_file_name("secrets.toml");
        std::fs::write(&config, changed).expect("a config");
        Self {
            bearer: secret("x-bearer"),
            consumer: secret("x-consumer-secret"),
            token: secret("x-token-secret"),
            config,
        }
    }

    fn all(&self) -> [&str; 4] {
        [&self.bearer, &self.consumer, &self.token, WRONG]
    }

    #[track_caller]
    fn are_not_in(&self, place: &str, bytes: &[u8]) {
        for secret in self.all() {
            assert!(secret.len() > 8, "too short to be looked for");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {place}");
        }
    }
}

/// A program that notes its environment and the command lines of everything that runs, then does `then`.
fn noting(desk: &Desk, name: &str, then: &str) -> PathBuf {
    let path = desk.home.path().join(name);
    let script = format!(
        "#!/bin/sh\nenv > \"$HOME/{name}.env\"\ncat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' > \"$HOME/{name}.ps\"\n{then}\n"
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("a program");
    path
}

/// The command a secret comes from.
fn teller(desk: &Desk) -> PathBuf {
    noting(desk, "teller", "exec cat \"$1\"")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn after_a_days_work_no_secret_is_anywhere_but_where_it_was_kept() {
    let desk = Desk::new();
    let secrets = Secrets::new(&desk);
    let config = secrets.config.to_str().expect("a path");
    let editor = noting(&desk, "editor", "printf ' From the editor.' >> \"$1\"");
    let browser = noting(&desk, "browser", "exit 0");
    let env = [
        ("ACME_BEARER", secrets.bearer.as_str()),
        ("EDITOR", editor.to_str().expect("a path")),
        ("BROWSER", browser.to_str().expect("a path")),
        // Everything anybody cares to log.
        ("REPLYDECK_LOG", "trace"),
    ];
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &env);
    deck.shows("LIVE 1/1");
    desk.complaint();
    deck.shows("internet is really");
    deck.keys("o");
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("\x05");
    deck.shows("From the editor.");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    // The signed request was taken: the secrets are the ones that work.
    desk.simulator.written(1);
    deck.shows("sent, in case");
    deck.keys("?");
    deck.shows("help");
    deck.signal("TERM");
    deck.ended();
    secrets.are_not_in("what stood on the screen", &deck.bytes());

    // The same by way of refusals, and everything that is said without a screen.
    let recording = desk.home.path().join("empty.ndjson");
    std::fs::write(&recording, "").expect("a recording");
    let run = |bearer: &str, args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_replydeck"))
            .args(["--config", config])
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", desk.home.path())
            .env("REPLYDECK_DATA_DIR", desk.home.path().join("data"))
            .env("ACME_BEARER", bearer)
            .env("REPLYDECK_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        let said = [output.stdout, output.stderr].concat();
        secrets.are_not_in(&format!("what {args:?} said"), &said);
        String::from_utf8_lossy(&said).into_owned()
    };
    for bearer in [secrets.bearer.as_str(), WRONG, "two words WRONG-MARK-77f3", "WRONG-MARK-77f3\nand more"] {
        for args in [
            &["check"][..],
            &["check", "--online"],
            &["check", "--json"],
            &["config", "show"],
            &["report"],
            &["search", "internet"],
            &["--help"],
        ] {
            run(bearer, args);
        }
    }
    assert!(run(&secrets.bearer, &["check", "--online"]).contains("the app's token: X shows"));
    assert!(run(WRONG, &["check", "--online"]).contains("Unauthorized"));
    // What a panic could print: everything that holds a secret, as it tells of itself.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let loaded = Config::load(&desk.simulator.config).expect("the simulator's config");
    let account = &loaded.accounts[0];
    let settings = networks::x_settings(&loaded, account, account.x().expect("an account on X")).expect("its settings");
    let told = format!("{loaded:?} {settings:?}");
    let network = XNetwork::new(settings, clock::system(), 7).expect("a network");
    let told = format!("{told} {network:?}");
    assert!(told.contains("AcmeHelp") && told.contains("bearer"), "{told}");
    secrets.are_not_in("what a panic could print", told.as_bytes());

    // No terminal: it ends with words of its own.
    run(&secrets.bearer, &["replay", recording.to_str().expect("a path")]);
    run(&secrets.bearer, &[]);
    let mut deck = InTerminal::start(&["--config", config], desk.home.path(), SMALL, &[("ACME_BEARER", WRONG)]);
    deck.shows("Unauthorized");
    deck.signal("TERM");
    deck.ended();
    secrets.are_not_in("what stood on the screen", &deck.bytes());

    let mut left = Vec::new();
    files(desk.home.path(), &mut left);
    for name in ["editor.env", "editor.ps", "browser.env", "browser.ps", "teller.env", "teller.ps"] {
        let path = desk.home.path().join(name);
        assert!(left.contains(&path), "{name}: it was not started");
        assert!(!std::fs::read(&path).expect("a note").is_empty(), "{name} noted nothing");
    }
    assert!(
        left.iter().any(|path| path.ends_with("replydeck.db"))
            && left.iter().any(|path| path.ends_with("replydeck.log"))
    );
    for path in left {
        secrets.are_not_in(&path.display().to_string(), &std::fs::read(&path).expect("a file"));
    }
}
