//! Logging in with the real binary at the simulator's authorization pages.

use replydeck::desk::Spending;
use replydeck::log::Log;
use replydeck::log::sqlite::{FILE, SqliteLog};
use replydeck::model::spend::Act;
use replydeck::model::{AccountName, Event, Seq};
use serde_json::json;

use crate::auth_rig::{Rig, browse, location};

/// Every token in the file, to look for where none may be.
fn tokens(rig: &Rig) -> Vec<String> {
    let text = std::fs::read_to_string(rig.token_file()).expect("a token file");
    let kept: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let of = &kept["tokens"]["oauth2"];
    let all: Vec<String> =
        ["access_token", "refresh_token"].iter().filter_map(|name| Some(of[name].as_str()?.to_owned())).collect();
    assert_eq!(all.len(), 2, "two tokens");
    all
}

#[test]
fn on_this_machine_the_browser_comes_back_by_itself() {
    let rig = Rig::start();
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(1));
    assert!(told.contains("acme: nobody has logged in\n") && told.contains("-> run `replydeck auth acme`"), "{told}");

    let mut auth = rig.auth(&[]);
    let page = auth.page();
    let back = rig.approve(&page);
    assert_eq!(browse(&back.replace("/callback", "/favicon.ico")).status, 404);
    let seen = browse(&back);
    assert_eq!(seen.status, 200);
    assert!(seen.body.contains("Approved"), "{}", seen.body);
    let (status, said) = auth.ended();
    assert!(status.success(), "{said}");
    assert!(
        said.contains("Logged in as @AcmeHelp, user id 3805104374") && said.contains("Within 30 seconds"),
        "{said}"
    );
    for token in tokens(&rig) {
        assert!(!said.contains(&token), "no token is printed");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(rig.token_file()), mode(rig.data())), (0o600, 0o700));
    }
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("acme: logged in as @AcmeHelp; the token at hand ends at "), "{told}");
    assert!(told.contains("acme: writing as @AcmeHelp, user id 3805104374"), "{told}");
    assert_eq!(rig.refreshes().len(), 0, "nothing was due");

    let (code, said, err) = rig.run(&["auth", "acme", "--log-out"]);
    assert_eq!((code, said.as_str()), (Some(0), "@AcmeHelp is logged out.\n"), "{err}");
    assert!(!rig.token_file().exists());
    assert_eq!(rig.check_online().0, Some(1));
}

#[test]
fn over_ssh_the_address_is_pasted_and_only_the_right_one_is_taken() {
    let rig = Rig::start();
    let mut auth = rig.auth(&[]);
    let page = auth.page();
    auth.paste("");
    auth.paste("hello");
    auth.line("That is not the address the browser was sent to");
    let other = page.replace("state=", "state=x");
    auth.paste(&rig.approve(&other));
    auth.line("belongs to another log-in");
    auth.paste(&rig.approve(&page));
    let (status, said) = auth.ended();
    assert!(status.success(), "{said}");
    assert_eq!(rig.check_online().0, Some(0));
}

#[test]
fn a_denial_a_late_code_and_a_used_one_are_told_and_keep_nothing() {
    let rig = Rig::start();
    let mut auth = rig.auth(&[]);
    let page = auth.page();
    let denied = location(&rig.decide(&page, "deny", "AcmeHelp"));
    assert!(denied.contains("error=access_denied"), "{denied}");
    assert!(browse(&denied).body.contains("Not approved"));
    let (status, said) = auth.ended();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("the approval was denied on X's page; nothing changed"), "{said}");

    let mut auth = rig.auth(&[]);
    let page = auth.page();
    let back = rig.approve(&page);
    rig.jump(31);
    auth.paste(&back);
    let (status, said) = auth.ended();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("a code lives 30 seconds and works once"), "{said}");

    let mut auth = rig.auth(&[]);
    drop(auth.page());
    drop(auth);
    assert!(!rig.token_file().exists());
}

#[test]
fn another_account_is_refused_unless_it_is_wanted() {
    let rig = Rig::start();
    rig.control("post", &json!({"text": "acme, hello", "handle": "otter"}));
    let mut auth = rig.auth(&[]);
    let page = auth.page();
    auth.paste(&location(&rig.decide(&page, "approve", "otter")));
    let (status, said) = auth.ended();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("X says that @otter") && said.contains("nothing was kept"), "{said}");
    assert!(!rig.token_file().exists());

    let mut auth = rig.auth(&["--any-account"]);
    let page = auth.page();
    auth.paste(&location(&rig.decide(&page, "approve", "otter")));
    let (status, said) = auth.ended();
    assert!(status.success() && said.contains("correct its handle"), "{said}");
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(1));
    assert!(told.contains("the token writes as @otter, the config says @AcmeHelp"), "{told}");
}

#[test]
fn by_pin_the_number_is_typed_in() {
    let rig = Rig::start();
    let pin_of = |page: &str| {
        let shown = rig.decide(page, "approve", "AcmeHelp").body;
        let (_, rest) = shown.split_once("<code>").unwrap_or_else(|| panic!("no PIN in {shown}"));
        rest.split('<').next().expect("a PIN").to_owned()
    };
    let mut auth = rig.auth(&["--pin"]);
    let page = auth.page();
    let pin = pin_of(&page);
    auth.paste(if pin == "0000000" { "1111111" } else { "0000000" });
    let (status, said) = auth.ended();
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("Could not authenticate you") && said.contains("check the PIN"), "{said}");

    let mut auth = rig.auth(&["--pin"]);
    let page = auth.page();
    auth.paste(&format!(" {} ", pin_of(&page)));
    let (status, said) = auth.ended();
    assert!(status.success(), "{said}");
    rig.jump(86_400);
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("acme: logged in as @AcmeHelp by PIN, until it is taken back"), "{told}");
}

#[test]
fn an_account_that_cannot_log_in_is_told_why() {
    let rig = Rig::start();
    let (code, _, told) = rig.run(&["auth", "acmi"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("there is no account `acmi`") && told.contains("it has acme"), "{told}");
    let ready = rig.config.with_file_name("replydeck.toml");
    std::fs::copy(ready, &rig.config).expect("the folder can be written");
    let (code, _, told) = rig.run(&["auth", "acme"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("has its tokens in the config, so there is nothing to log in"), "{told}");
}

/// The profiles read that the log says were billed, and what the log says of their price.
fn metered(rig: &Rig) -> (Vec<String>, u64) {
    let log = SqliteLog::open(&rig.data()).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let events = runtime.block_on(log.events(Seq(0), 1_000)).expect("read");
    let mut spending = Spending::default();
    let mut read = Vec::new();
    for envelope in &events {
        spending.take(&envelope.event);
        if let Event::Spent { charges, .. } = &envelope.event {
            assert!(charges.iter().all(|charge| charge.act == Act::UserRead), "{charges:?}");
            read.extend(charges.iter().flat_map(|charge| charge.what.clone()));
        }
    }
    let days = spending.of(&AccountName::new("acme")).map(|spend| spend.days.clone()).unwrap_or_default();
    (read, days.values().map(|day| day.total.0 / 1_000).sum())
}

fn billed(rig: &Rig) -> u64 {
    let bill = rig.get("bill");
    let days = bill["days"].as_object().expect("days");
    days.values().map(|day| day["thousandths"].as_u64().expect("a sum")).sum()
}

#[test]
fn what_a_log_in_and_a_check_ask_is_priced_before_and_metered_as_x_bills_it() {
    let rig = Rig::start();
    // Nothing is asked of X while nobody is logged in, and a check makes no store.
    let (_, told) = rig.check_online();
    assert!(told.contains("asking whose credentials these are costs: acme $0.01\n"), "{told}");
    assert_eq!(billed(&rig), 0);
    assert!(!rig.data().join(FILE).exists());

    let mut auth = rig.auth(&[]);
    let page = auth.page();
    auth.line("bills that as one profile read: $0.01");
    assert_eq!(billed(&rig), 0, "told before it is asked");
    assert_eq!(browse(&rig.approve(&page)).status, 200);
    let (status, said) = auth.ended();
    assert!(status.success(), "{said}");
    assert_eq!((metered(&rig), billed(&rig)), ((vec!["3805104374".to_owned()], 10), 10));

    // Asked again on the same day it costs nothing more; on the next it does.
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!((metered(&rig).1, billed(&rig)), (10, 10));

    // The first check of a day when the store is gone makes one: what X bills is in it.
    std::fs::remove_file(rig.data().join(FILE)).expect("a store");
    rig.jump(86_400);
    let (code, told) = rig.check_online();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!((metered(&rig).1, billed(&rig)), (10, 20));

    // A store that cannot be opened loses nobody their login.
    std::fs::write(rig.data().join(FILE), "no database").expect("written");
    rig.jump(1);
    let mut auth = rig.auth(&[]);
    let page = auth.page();
    assert_eq!(browse(&rig.approve(&page)).status, 200);
    let (status, said) = auth.ended();
    assert!(status.success() && said.contains("What that cost, $0.01, could not be written down"), "{said}");
    let (_, told) = rig.check_online();
    assert!(told.contains("what was asked is not in the log of the day's spending"), "{told}");
}
