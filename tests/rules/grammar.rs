//! What can be read, and what is said of what cannot.

use proptest::prelude::*;
use replydeck::rules::Rule;

#[test]
fn what_x_accepts_can_be_read() {
    for query in [
        "outage",
        "slow internet",
        "\"slow internet\"",
        "\"slow internet\"~3",
        "#CharterOutage",
        "@acme",
        "$ACME",
        "(slow OR down) @acme -is:retweet",
        "acme OR (slow (down OR \"so bad\")) -from:acme",
        "from:acme to:acme retweets_of:acme",
        "from:@acme",
        "from:3805104374",
        "url:\"https://acme.example/status\" url:acme",
        "conversation_id:1334987486343299072 in_reply_to_tweet_id:1334987486343299072",
        "acme lang:en is:retweet is:reply is:quote is:verified -is:nullcast",
        "acme has:links has:media has:images has:videos has:mentions has:hashtags",
        "acme min_followers:500 followers_count:1000..10000 followers_count:5",
        "bio:\"phd student\" bio_name:cat bio_location:rome place:rome place_country:IT sample:10",
        "acme point_radius:[12.49 41.89 10km]",
        "配送遅延 OR 荷物",
        "😡",
        "don't at&t c++ 24/7",
        "-(slow OR down) acme",
        "FROM:acme LANG:en",
        "\"or\" \"and\"",
        "10:30",
    ] {
        assert!(Rule::parse(query).is_ok(), "{query}: {:?}", Rule::parse(query));
    }
}

#[test]
fn errors_say_where_what_and_what_to_do() {
    for (query, spanned, message, remedy) in [
        ("", "", "empty", "keyword"),
        ("   ", "   ", "empty", "keyword"),
        ("slow or down", "or", "ambiguous", "OR in capitals"),
        ("slow and down", "and", "ambiguous", "a space already means AND"),
        ("slow AND down", "AND", "ambiguous", "a space already means AND"),
        ("slow NOT down", "NOT", "not an operator", "`-`"),
        ("slow OR", "OR", "nothing follows", "joins two terms"),
        ("OR slow", "OR", "nothing stands before", "joins two terms"),
        ("slow OR OR down", "OR", "nothing stands before", "joins two terms"),
        ("\"slow internet", "\"", "never closed", "\""),
        ("acme (slow OR down", "(", "never closed", ")"),
        ("slow) down", ")", "closes nothing", "("),
        ("acme ( )", "( )", "empty", "parentheses"),
        ("acme - slow", "-", "stands alone", "-is:retweet"),
        ("acme -", "-", "stands alone", "-is:retweet"),
        ("acme --slow", "--", "one `-`", "leaves out"),
        ("acme -OR slow", "OR", "cannot be negated", "-\"or\""),
        ("acme –slow", "–", "dash", "plain `-`"),
        ("fron:acme", "fron:", "no operator `fron:`", "`from:`"),
        ("https://acme.example", "https:", "no operator", "url:"),
        ("from:", "from:", "needs a value", "from:acme"),
        ("from: acme", "from:", "needs a value", "without a space"),
        ("from:a!b", "a!b", "not a handle", "from:acme"),
        ("acme lang:english", "english", "language code", "lang:en"),
        ("acme is:bad", "bad", "only retweet, reply, quote", "is:retweet"),
        ("acme min_followers:many", "many", "takes a number", "min_followers:500"),
        ("acme followers_count:9..5", "9..5", "low to high", "1000..10000"),
        ("acme sample:0", "0", "1 to 100", "sample:10"),
        ("\"a b\"~9", "~9", "1 to 6", "~3"),
        ("\"a\"~2", "\"a\"~2", "two or more words", "~3"),
        ("“slow internet”", "“", "quotation mark", "straight"),
        ("\"slow \\\"down\"", "\\\"", "cannot hold", "leave it out"),
        ("#", "#", "not a hashtag", "#"),
        ("#a-b", "#a-b", "not a hashtag", "#"),
        ("@", "@", "not a handle", "@acme"),
        ("cancel*", "cancel*", "no wildcards", "OR"),
        ("!!!", "!!!", "nothing to look for", "a word"),
        ("\"...\"", "\"...\"", "nothing to look for", "one word"),
    ] {
        let error = Rule::parse(query).expect_err(query);
        assert_eq!(query.get(error.span.clone()), Some(spanned), "{query}: {error:?}");
        assert!(error.message.contains(message), "{query}: {error:?}");
        assert!(error.remedy.as_deref().unwrap_or_default().contains(remedy), "{query}: {error:?}");
    }
}

#[test]
fn all_that_is_wrong_is_told_in_the_order_of_its_places() {
    for (query, spanned) in [
        ("slow or down", &["or"][..]),
        ("or fron:acme \"a\" –b lang:english ) c", &["or", "fron:", "–", "english", ")"]),
        ("(or fron:acme) OR", &["or", "fron:", "OR"]),
        ("OR a OR", &["OR", "OR"]),
        ("OR fron:a OR b", &["OR", "fron:"]),
        ("(((slow or", &["(", "or"]),
        ("“slow” and \"never", &["“", "and", "\""]),
        ("( ) -( ) --a from: -OR", &["( )", "( )", "--", "from:", "OR"]),
        // Nothing behind it can be told apart.
        ("(a \"b or –c) d or", &["\""]),
    ] {
        let errors = Rule::read(query).expect_err(query);
        let places: Vec<&str> = errors.iter().map(|error| &query[error.span.clone()]).collect();
        assert_eq!(places, spanned, "{query}: {errors:#?}");
        assert_eq!(Rule::parse(query).expect_err(query), errors[0], "{query}");
    }
    assert_eq!(Rule::read(&"or ".repeat(100)).expect_err("wrong").len(), 20);
}

#[test]
fn an_error_points_into_the_query() {
    let query = "配送 or 遅延";
    let error = Rule::parse(query).expect_err(query);
    let pointed = error.pointed(query);
    // Two wide characters and a space before it.
    assert!(pointed.starts_with("  配送 or 遅延\n       ^^ "), "{pointed}");
}

#[test]
fn hostile_nesting_is_an_error_and_not_a_crash() {
    for query in [
        "(".repeat(1_000_000),
        "-(".repeat(1_000_000),
        "(a ".repeat(500_000),
        format!("{}a{}", "(".repeat(60), ")".repeat(60)),
    ] {
        let error = Rule::parse(&query).expect_err("too deep");
        assert!(error.message.contains("nested deeper"), "{error:?}");
    }
    assert!(Rule::parse(&format!("{}a{}", "(".repeat(40), ")".repeat(40))).is_ok());
}

#[test]
fn operators_that_only_the_network_can_judge_are_named() {
    let query = "acme place:rome -sample:10 bio:cat lang:en";
    let rule = Rule::parse(query).expect(query);
    let spans: Vec<&str> = rule.local_problems().iter().map(|problem| &query[problem.span.clone()]).collect();
    assert_eq!(spans, ["place:rome", "sample:10", "bio:cat"]);
    assert!(Rule::parse("acme lang:en").expect("fine").local_problems().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_is_total_and_spans_lie_in_the_query(query in "[ a-c()\"#@$:~*\\-0-9éß配😡]{0,40}|\\PC{0,60}") {
        for error in Rule::read(&query).err().unwrap_or_default() {
            prop_assert!(query.get(error.span.clone()).is_some(), "{error:?}");
            prop_assert!(!error.pointed(&query).is_empty());
        }
    }
}
