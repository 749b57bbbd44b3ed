//! The figures on the command line.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::event::Standing;
use replydeck::model::{
    AuthorId, CaseId, ColumnName, ConversationId, Event, EventId, IdSource, MachineName, NetworkKind, NewEvent, PostId,
    RepName, ReplyId,
};

use super::{replydeck, stderr, stdout};

const CONFIG: &str = r#"
rep = "bo"
role = "ROLE"
zone = "UTC"

[accounts.help]
network = "x"
handle = "Help"
user_id = "99"
bearer = { env = "NOT_THERE" }

[[columns]]
name = "outage"
account = "help"
query = "outage"
"#;

/// 100 cases of an hour ago, 37 of them answered after a minute by one of two reps, one resolved.
fn filled(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let log = SqliteLog::open(folder).expect("a store");
        let mut ids = IdSource::new(5);
        #[expect(clippy::disallowed_methods, reason = "the command asks the clock, so the story has to be of now")]
        let begun = Timestamp::now() - SignedDuration::from_hours(1);
        let mut events = Vec::new();
        let mut tell = |rep: &str, at: Timestamp, event: Event| {
            let id = EventId(ids.next(at));
            let (rep, machine) = (RepName::new(rep), MachineName::new("desk"));
            events.push(NewEvent { id, at, rep, machine, event, body: None });
        };
        for n in 0..100u32 {
            let (post, author) =
                (PostId::new(NetworkKind::X, &n.to_string()), AuthorId::new(NetworkKind::X, &n.to_string()));
            let conversation = ConversationId::new(NetworkKind::X, &n.to_string());
            let case = CaseId::of(&author, &conversation);
            let opened = Event::CaseOpened {
                case,
                author: author.clone(),
                conversation: conversation.clone(),
                post: post.clone(),
                posted_at: begun,
            };
            tell("intake", begun, opened);
            let matched = Event::PostMatched {
                post,
                author,
                conversation,
                columns: vec![ColumnName::new("outage")],
                posted_at: begun,
                in_reply_to: None,
                in_reply_to_author: None,
                standing: Standing::Customer,
            };
            tell("intake", begun, matched);
            if n < 37 {
                let at = begun + SignedDuration::from_mins(1);
                let reply = ReplyId(uuid::Uuid::from_u128(n.into()));
                let post = PostId::new(NetworkKind::X, &(9_000 + n).to_string());
                tell(if n < 30 { "=ana\u{1b}[31m" } else { "bo" }, at, Event::ReplySent { reply, case, post });
            }
            if n == 0 {
                let cause = Some("=1+1".to_owned());
                let resolved =
                    Event::CaseResolved { case, cause, outcome: None, closing: false, number: None, undone: false };
                tell("bo", begun + SignedDuration::from_mins(5), resolved);
            }
        }
        log.append(events, None).await.expect("written");
        log.close().await;
    });
}

#[test]
fn a_report_comes_as_text_csv_and_json_and_follows_the_role() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data");
    std::fs::create_dir_all(&data).expect("made");
    filled(&data);
    let config = |role: &str| {
        let file = home.path().join(format!("{role}.toml"));
        std::fs::write(&file, CONFIG.replace("ROLE", role)).expect("written");
        file
    };
    let report = |role: &str, args: &[&str]| {
        let file = config(role);
        let mut all =
            vec!["--config", file.to_str().expect("UTF-8"), "--data-dir", data.to_str().expect("UTF-8"), "report"];
        all.extend(args);
        let output = replydeck(home.path(), &all, &[]);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{args:?}");
        stdout(&output)
    };

    let text = report("lead", &[]);
    for words in [
        "100 seen and 37 answered: 37 %; first answer median 1m00s, p90 1m00s",
        "0 overdue, 1 resolved, 0 reopened, 0 turned round; now: 63 new, 0\noverdue\n",
        "\noutage      100    37 37 %",
        "\n=ana ",
        "\nbo ",
        "\nby hour of the day\n",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let json: serde_json::Value = serde_json::from_str(&report("lead", &["--json", "--since", "all"])).expect("JSON");
    assert_eq!((&json["version"], &json["since"], &json["until"]), (&2.into(), &().into(), &().into()));
    assert_eq!((&json["now"]["new"], &json["now"]["overdue"]), (&63.into(), &0.into()));
    assert_eq!((&json["total"]["seen"], &json["total"]["answered_percent"]), (&100.into(), &37.into()));
    assert_eq!(json["total"]["first"]["p90_ms"], 60_000);
    assert_eq!((json["columns"].as_array().map(Vec::len), json["hours"].as_array().map(Vec::len)), (Some(1), Some(24)));
    assert_eq!((&json["reps"][1]["rep"], &json["reps"][1]["answered"]), (&"bo".into(), &7.into()));
    let by_rep: serde_json::Value = serde_json::from_str(&report("lead", &["--json", "--by", "rep"])).expect("JSON");
    assert_eq!(
        (by_rep["columns"].as_array().map(Vec::len), by_rep["reps"].as_array().map(Vec::len)),
        (Some(0), Some(2))
    );

    let csv = report("lead", &["--csv", "--by", "column,rep,cause"]);
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 1 + 1 + 2 + 1, "{csv}");
    assert!(lines[1].starts_with("total,all,100,100,37,37,60000,60000,0,,,1,"), "{csv}");
    assert!(lines[2].starts_with("column,outage,100,"), "{csv}");
    assert!(lines[3].starts_with("rep,\"'=ana\","), "{csv}");
    assert!(lines[5].starts_with("cause,\"'=1+1\",1,"), "{csv}");
    let fields = |line: &str| line.split(',').count();
    assert!(lines.iter().all(|line| fields(line) == fields(lines[0])), "{csv}");

    // A rep sees the totals and their own row, a watcher the totals.
    let own = report("rep", &["--csv", "--by", "rep"]);
    assert!(own.contains("\r\nrep,bo,") && !own.contains("ana") && own.contains("total,all,100,"), "{own}");
    let none = report("watcher", &["--csv", "--by", "rep"]);
    assert_eq!(none.split_terminator("\r\n").count(), 2, "{none}");
}

#[test]
fn an_empty_span_a_wrong_one_and_no_store_are_told() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data");
    let folder = data.to_str().expect("UTF-8");
    let report = |args: &[&str]| replydeck(home.path(), &[&["--data-dir", folder, "report"], args].concat(), &[]);
    let output = report(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("there is no store in "), "{}", stderr(&output));
    std::fs::create_dir_all(&data).expect("made");
    drop(SqliteLog::open(&data).expect("a store"));
    let output = report(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("no case began in this span"), "{}", stdout(&output));
    let told = stderr(&output);
    assert!(told.contains("--since all") && told.contains("without a config nobody knows your role"), "{told}");
    for args in [
        &["--since", "often"][..],
        &["--until", "7x"],
        &["--since", "1d", "--until", "2d"],
        &["--csv", "--json"],
        &["--by", "mood"],
    ] {
        let output = report(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty() && output.stdout.is_empty(), "{args:?}");
    }
    let help = stdout(&report(&["--help"]));
    assert!(help.contains("answered % answered of seen, in whole percent, the nearest."), "{help}");
}
