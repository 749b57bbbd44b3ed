//! The script: the same seed plays the same play; the ready config fits; the start line is there.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use replydeck::cli::sim::{SimArgs, run};
use replydeck::rules::Rule;
use replydeck::sim::{Script, Sim};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::bench::{quiet, start, still, with};

/// The posts of three hours, the time taken in these steps.
fn posts(seed: u64, steps: &[u32]) -> Vec<Value> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let keep = found.clone();
    let steps = steps.to_vec();
    with(Script::new(seed, 4.0, still()), |sim| async move {
        for step in steps {
            sim.jump(step).await;
        }
        let ledger = sim.ledger().await;
        let mut rows = ledger["posts"].as_array().unwrap().clone();
        rows.extend(ledger["deleted"].as_array().unwrap().clone());
        *keep.lock().unwrap() = rows;
    });
    Arc::into_inner(found).unwrap().into_inner().unwrap()
}

#[test]
fn the_same_seed_and_clock_give_the_same_posts() {
    let at_once = posts(42, &[3 * 3600]);
    assert!(at_once.len() > 300, "{}", at_once.len());
    assert_eq!(at_once, posts(42, &[3 * 3600]));
    assert_eq!(at_once, posts(42, &[1, 59, 3540, 600, 6600]), "however the time passes");
    assert_ne!(at_once, posts(43, &[3 * 3600]));
}

#[test]
fn people_write_in_five_languages_and_some_call_us() {
    let posts = posts(5, &[3 * 3600]);
    let share = |what: &dyn Fn(&Value) -> bool| posts.iter().filter(|post| what(post)).count() * 100 / posts.len();
    for lang in ["en", "it", "es", "de", "ja"] {
        assert!(share(&|post| post["lang"] == lang) >= 3, "{lang}");
    }
    assert!((35..=75).contains(&share(&|post| post["summons_us"] == true)), "some may be answered, some not");
    for kind in ["reposts", "quotes", "in_reply_to"] {
        assert!(posts.iter().any(|post| post[kind].is_string()), "{kind}");
    }
    assert!(posts.iter().any(|post| post["id"] != post["first_id"] && post["first_id"].is_string()), "an edit");
    assert!(posts.iter().any(|post| post.get("text").is_none()), "a deletion");
    assert!(posts.iter().any(|post| post["text"].as_str().unwrap_or("").to_lowercase().contains("#acmedown")));
    assert!(posts.iter().any(|post| post["is_own"] == true), "the brand's own notice");
}

#[test]
fn an_incident_doubles_the_posts_and_a_new_rate_holds() {
    with(Script::new(9, 0.0, still()), |sim| async move {
        let count = || async { sim.ledger().await["posts"].as_array().unwrap().len() };
        sim.jump(3600).await;
        assert_eq!(count().await, 0, "nobody posts unless told to");
        sim.control("scenario", json!({"per_minute": 30})).await;
        sim.jump(1200).await;
        let usual = count().await;
        sim.control("scenario", json!({"incident_minutes": 20})).await;
        sim.jump(1200).await;
        let incident = count().await - usual;
        assert!(incident * 10 > usual * 15, "{usual} before, {incident} in the incident");
    });
}

#[test]
fn the_ready_config_fits_and_its_secrets_are_private() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let dir = tempfile::tempdir().unwrap();
    let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), quiet()).unwrap();
    let path = sim.ready_config(&dir.path().join("below")).unwrap();
    let config: toml::Table = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let account = &config["accounts"]["acme"];
    assert_eq!(account["base_url"].as_str().unwrap(), sim.url());
    let columns = config["columns"].as_array().unwrap();
    assert_eq!(columns.len(), 6);
    for column in columns {
        let query = column["query"].as_str().unwrap();
        Rule::parse(query).unwrap_or_else(|why| panic!("{query}: {why}"));
        assert!(query.chars().count() <= 512, "search can fill its gaps: {query}");
    }
    for (key, secret) in [
        ("bearer", &sim.credentials().bearer),
        ("consumer_secret", &sim.credentials().consumer_secret),
        ("token_secret", &sim.credentials().token_secret),
    ] {
        let file = Path::new(account[key]["file"].as_str().unwrap());
        assert_eq!(std::fs::read_to_string(file).unwrap().trim(), secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn only_loopback_is_listened_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let refused = Sim::bind("0.0.0.0:0".parse().unwrap(), quiet()).unwrap_err();
    assert!(refused.to_string().contains("loopback"), "{refused}");
}

/// Hands what is printed to the test and stops the simulator at the first line.
struct FirstLine {
    text: Vec<u8>,
    stop: CancellationToken,
}

impl Write for FirstLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stop.cancel();
        Ok(())
    }
}

#[test]
fn the_start_line_says_where_and_how() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let args = SimArgs {
        listen: "127.0.0.1:0".parse().unwrap(),
        seed: 3,
        rate: 0.0,
        speed: 1.0,
        new_names: false,
        config_dir: Some(dir.path().to_owned()),
    };
    let stop = CancellationToken::new();
    let mut out = FirstLine { text: Vec::new(), stop: stop.clone() };
    runtime.block_on(run(args, Arc::new(start), stop, &mut out)).unwrap();
    let text = String::from_utf8(out.text).unwrap();
    assert_eq!(text.lines().count(), 1);
    let line: Value = serde_json::from_str(&text).unwrap();
    for network in ["x", "bluesky", "mastodon"] {
        assert!(line[network].as_str().unwrap().starts_with("http://127.0.0.1:"), "{network}");
    }
    let all = replydeck::config::Config::load(Path::new(line["all_config"].as_str().unwrap())).unwrap();
    assert_eq!(all.accounts.len(), 3);
    assert!(Path::new(line["config"].as_str().unwrap()).is_file());
    let login = std::fs::read_to_string(line["login_config"].as_str().unwrap()).unwrap();
    assert!(login.contains("\nclient_id = ") && !login.contains("\ntoken"), "{login}");
    assert_eq!(line.as_object().unwrap().len(), 6, "{line}");
}
