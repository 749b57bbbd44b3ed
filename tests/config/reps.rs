//! Whose eyes direct messages are for, as the config says it.

use replydeck::app::Setup;
use replydeck::model::{AccountName, MachineName, NetworkKind, SessionId};

use super::super::{parse, told};

/// Two accounts, of which the second has a list of its own; `rep` sits at the deck.
fn setup(rep: &str, reps: &str) -> Setup {
    let config = format!(
        r#"
rep = "{rep}"
[accounts.one]
network = "x"
handle = "OneHelp"
bearer = {{ env = "REPLYDECK_TEST_BEARER" }}
[accounts.two]
network = "x"
handle = "TwoHelp"
bearer = {{ env = "REPLYDECK_TEST_BEARER" }}
{reps}
[[columns]]
name = "a"
account = "one"
query = "internet"
"#
    );
    parse(&config).setup(MachineName::new("desk"), SessionId(uuid::Uuid::nil()))
}

#[test]
fn the_list_of_an_account_says_who_reads_its_messages() {
    let (one, two) = (AccountName::new("one"), AccountName::new("two"));
    let reads = |rep: &str, reps: &str| {
        let setup = setup(rep, reps);
        let of = |account| setup.may_read_messages(account, NetworkKind::X);
        (of(Some(&one)), of(Some(&two)), of(None))
    };
    assert_eq!(reads("ana", ""), (true, true, true), "without a list everybody does");
    assert_eq!(reads("ana", r#"reps = ["ana", "bo"]"#), (true, true, true));
    assert_eq!(reads("cy", r#"reps = ["ana", "bo"]"#), (true, false, false), "of an unknown account none");
    assert_eq!(reads("Ana", r#"reps = ["ana", "bo"]"#), (true, false, false), "a name is spelled one way");
    assert_eq!(reads("cy", "reps = []"), (true, true, true), "an empty list is none");
}

#[test]
fn a_list_that_is_none_is_told() {
    let of = |reps: &str| {
        told(&format!(
            "[accounts.one]\nnetwork = \"x\"\nhandle = \"OneHelp\"\nbearer = {{ env = \"B\" }}\n{reps}\n\
             [[columns]]\nname = \"a\"\naccount = \"one\"\nquery = \"internet\"\n"
        ))
    };
    assert!(of("reps = \"ana\"").contains("a list such as [\"ana\", \"bo\"]"), "{}", of("reps = \"ana\""));
    assert!(of("reps = [\"ana\", \"ana\"]").contains("ana"), "{}", of("reps = [\"ana\", \"ana\"]"));
}
