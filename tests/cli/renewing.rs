//! The login over a day: two-hour tokens, refresh tokens that work once, several processes, and kills.

#![expect(clippy::print_stdout, reason = "it tells at which moment it killed")]

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::auth_rig::{Rig, until};

fn start(rig: &Rig, args: &[&str]) -> Child {
    let mut command = rig.replydeck(args);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary runs")
}

fn kill(children: Vec<Child>) {
    for mut child in children {
        // SIGKILL; one that ended by itself is as good.
        drop(child.kill());
        drop(child.wait());
    }
}

fn is_fault_taken(rig: &Rig) -> bool {
    rig.get("fault")["faults"].as_array().is_some_and(Vec::is_empty)
}

fn renewal(rig: &Rig) -> Value {
    let text = std::fs::read_to_string(rig.token_file()).expect("a token file");
    let kept: Value = serde_json::from_str(&text).expect("JSON");
    kept["tokens"]["oauth2"]["renewal"].clone()
}

/// Whether X's answer was written down whole beside the tokens and not put in their place any more.
#[cfg(target_os = "linux")]
fn is_beside(rig: &Rig) -> bool {
    let text = std::fs::read_to_string(rig.data().join("login-acme.next")).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok_and(|kept| kept["tokens"]["oauth2"]["renewal"] == "unused")
}

/// No process of ours is renewing any more.
fn settled(rig: &Rig) {
    let lock = std::fs::File::open(rig.data().join("login-acme.lock")).expect("a lock file");
    until("the renewal's end", || lock.try_lock().is_ok());
}

#[test]
fn a_day_of_three_processes_and_kills_uses_no_token_twice_and_ends_logged_in() {
    let rig = Rig::start();
    rig.log_in();
    // A small generator: the same kills each time, as far as a busy machine allows.
    let mut chance: u32 = 17;
    for round in 0..12_u32 {
        rig.jump(7_201);
        let before = rig.refreshes().len();
        let fault = match round % 4 {
            // The request has arrived and nothing has been done with it.
            0 => Some(json!({"kind": "delay", "target": "oauth", "ms": 250})),
            // The old token is used up, and the new one is on its way.
            1 | 2 => Some(json!({"kind": "late_answer", "target": "oauth", "ms": 250})),
            _ => None,
        };
        if let Some(fault) = &fault {
            rig.control("fault", fault);
        }
        let three: Vec<Child> = (0..3).map(|_| start(&rig, &["check", "--online"])).collect();
        match round % 4 {
            0 => until("the request", || is_fault_taken(&rig)),
            1 | 2 => until("the rotation", || rig.refreshes().len() > before),
            _ => {
                chance = chance.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                std::thread::park_timeout(Duration::from_millis(u64::from(chance >> 16) % 150));
            }
        }
        kill(three);
        if fault.is_some() {
            until("the renewal that outlives its askers", || {
                rig.refreshes().len() > before && renewal(&rig) == "unused"
            });
            assert_eq!(rig.refreshes().len(), before + 1, "three asked and one renewed");
        } else {
            // What the killed ones left behind comes to its end before the next round.
            let (code, told) = rig.check_online();
            assert_eq!(code, Some(0), "{told}");
        }
    }
    settled(&rig);
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    let refreshes = rig.refreshes();
    assert!(refreshes.len() >= 9, "{refreshes:?}");
    assert!(refreshes.iter().all(|outcome| outcome == "renewed"), "{refreshes:?}");
}

#[test]
fn trouble_at_x_costs_nothing_and_a_login_taken_back_is_told_with_the_command() {
    let rig = Rig::start();
    rig.log_in();
    for fault in [
        json!({"kind": "status", "target": "oauth", "status": 503}),
        json!({"kind": "status", "target": "oauth", "status": 429}),
        json!({"kind": "status", "target": "oauth", "status": 302}),
    ] {
        rig.jump(7_201);
        rig.control("fault", &fault);
        let (code, told) = rig.check_online();
        assert_eq!(code, Some(1), "{told}");
        assert_eq!(renewal(&rig), "unused", "{fault}: nothing was used: {told}");
        assert_eq!(rig.check_online().0, Some(0), "{fault}");
    }
    assert!(rig.refreshes().iter().all(|outcome| outcome == "renewed"), "{:?}", rig.refreshes());

    rig.control("oauth", &json!({"revoke": true}));
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(1));
    assert!(told.contains("acme is logged out (X says: Value passed for the token was invalid. (400))"), "{told}");
    assert!(told.contains("run `replydeck auth acme`"), "{told}");
    let uses = rig.refreshes().len();
    assert_eq!(rig.check_online().0, Some(1));
    assert_eq!(rig.refreshes().len(), uses, "what X refused is not sent again");
    rig.log_in();
    assert_eq!(rig.check_online().0, Some(0));
}

#[test]
fn an_answer_lost_on_the_way_is_told_and_its_token_not_used_while_the_other_lives() {
    let rig = Rig::start();
    rig.log_in();
    rig.jump(7_201);
    rig.control("fault", &json!({"kind": "lose_answer", "target": "oauth"}));
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(1));
    assert!(told.contains("replydeck auth acme"), "{told}");
    assert!(renewal(&rig)["sent"]["at"].is_string(), "{}", renewal(&rig));
    assert_eq!(rig.refreshes(), ["renewed"]);
    let (code, told, _) = rig.run(&["check"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("mind") && told.contains("was lost, the login may end"), "{told}");
    // The access token has ended as well: the one last try, which this time comes too late.
    assert_eq!(rig.check_online().0, Some(1));
    assert_eq!(rig.refreshes(), ["renewed", "used twice"]);
    assert_eq!(rig.check_online().0, Some(1));
    assert_eq!(rig.refreshes().len(), 2, "and no further one");
    rig.log_in();
    assert_eq!(rig.check_online().0, Some(0));
}

/// The processes whose parent is `parent`.
#[cfg(target_os = "linux")]
fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split(' ').nth(1) == Some(parent.to_string().as_str())
    };
    let all = std::fs::read_dir("/proc").expect("a list of processes");
    all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(|pid| is_child(*pid)).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_kill_of_the_renewal_itself_before_x_acted_loses_nothing() {
    let rig = Rig::start();
    rig.log_in();
    rig.jump(7_201);
    rig.control("fault", &json!({"kind": "delay", "target": "oauth", "ms": 20_000}));
    let asker = start(&rig, &["check", "--online"]);
    until("the request", || is_fault_taken(&rig));
    let helpers = children_of(asker.id());
    assert_eq!(helpers.len(), 1, "the renewal is a process of its own");
    kill(vec![asker]);
    let status = std::process::Command::new("kill").args(["-9", &helpers[0].to_string()]).status().expect("kill runs");
    assert!(status.success());
    settled(&rig);
    assert!(renewal(&rig)["sent"]["at"].is_string(), "the mark was there before the token left");
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(rig.refreshes(), ["renewed"], "it had not been used");
}

/// Starts an asker and kills it with its renewing helper so long after the helper began.
#[cfg(target_os = "linux")]
fn kill_helper(rig: &Rig, ready: impl Fn() -> bool, after: Duration) {
    let asker = start(rig, &["check", "--online"]);
    until("the helper", || !children_of(asker.id()).is_empty());
    let helpers = children_of(asker.id());
    until("the moment", ready);
    std::thread::park_timeout(after);
    // One that is through already is as good.
    for helper in helpers {
        drop(std::process::Command::new("kill").args(["-9", &helper.to_string()]).stderr(Stdio::null()).status());
    }
    kill(vec![asker]);
    settled(rig);
}

#[cfg(target_os = "linux")]
#[test]
fn a_kill_of_the_renewal_itself_after_x_acted_is_told_with_the_command_and_uses_no_token_in_secret() {
    let rig = Rig::start();
    rig.log_in();
    rig.jump(7_201);
    rig.control("fault", &json!({"kind": "late_answer", "target": "oauth", "ms": 20_000}));
    kill_helper(&rig, || rig.refreshes().len() == 1, Duration::ZERO);
    assert!(renewal(&rig)["sent"]["at"].is_string(), "the mark was there before the token left");
    let (_, told, _) = rig.run(&["check"]);
    assert!(told.contains("was lost, the login may end"), "{told}");
    // The access token has ended: one last try, and then the command that helps.
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("run `replydeck auth acme`"), "{told}");
    assert_eq!(rig.refreshes(), ["renewed", "used twice"]);
    rig.log_in();
    assert_eq!(rig.check_online().0, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_kill_of_the_renewal_itself_at_any_moment_leaves_a_login_or_words() {
    let rig = Rig::start();
    // From the mark in the file on: X sits on the question for a moment, answers, and the answer is written down.
    for after in [0, 20, 40, 48, 50, 51, 52, 54, 58, 66, 90] {
        rig.log_in();
        rig.jump(7_201);
        let before = rig.refreshes().len();
        rig.control("fault", &json!({"kind": "delay", "target": "oauth", "ms": 50}));
        let is_marked = || renewal(&rig) != "unused" || rig.refreshes().len() > before;
        kill_helper(&rig, is_marked, Duration::from_millis(after));
        let has_acted = rig.refreshes().len() > before;
        let is_marked = renewal(&rig)["sent"]["at"].is_string();
        assert!(is_marked || renewal(&rig) == "unused", "after {after} ms: {}", renewal(&rig));
        let is_beside = is_beside(&rig);
        let (code, told) = rig.check_online();
        let uses = rig.refreshes()[before..].to_vec();
        let what = format!(
            "killed after {after} ms: X had acted: {has_acted}, marked: {is_marked}, the answer beside: {is_beside}, \
             then {code:?}, {uses:?}"
        );
        println!("{what}");
        if has_acted && is_marked && !is_beside {
            // Killed between X's deed and the disk: nobody has the new token. X is asked once more with the old one,
            // and what it says is told, with what to do.
            assert_eq!(code, Some(1), "{what}: {told}");
            assert!(told.contains("run `replydeck auth acme`"), "{what}: {told}");
            assert_eq!(uses, ["renewed", "used twice"], "{what}");
        } else {
            // Not acted: the token is good still. Acted and written down, in its place or one step before: the next
            // run puts it there.
            assert_eq!(code, Some(0), "{what}: {told}");
            assert_eq!(uses, ["renewed"], "{what}");
        }
    }
}

#[test]
fn running_programs_renew_ahead_and_together() {
    let rig = Rig::start();
    rig.control("oauth", &json!({"access_seconds": 4}));
    rig.log_in();
    let three: Vec<Child> = (0..3).map(|_| start(&rig, &["ingest"])).collect();
    until("two renewals", || rig.refreshes().len() >= 2);
    kill(three);
    settled(&rig);
    assert!(rig.refreshes().iter().all(|outcome| outcome == "renewed"), "{:?}", rig.refreshes());
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
}
