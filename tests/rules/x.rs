//! How X hears a query.

use replydeck::rules::x::{Limits, as_rule, as_search};

use crate::rule;

#[test]
fn rules_are_said_in_xs_grammar() {
    for (query, said) in [
        ("outage", "outage"),
        ("(slow OR down)  @acme -is:retweet", "(slow OR down) @acme -is:retweet"),
        ("acme OR (slow (down OR bad))", "acme OR slow (down OR bad)"),
        ("don't", "\"don't\""),
        ("😡", "\"😡\""),
        ("\"outage\"", "outage"),
        ("\"or\" acme", "\"or\" acme"),
        ("\"slow\n internet\"~3", "\"slow internet\"~3"),
        ("配送遅延", "配送遅延"),
        ("from:@acme url:\"https://acme.example\"", "from:acme url:\"https://acme.example\""),
        ("acme LANG:EN IS:Reply", "acme lang:en is:reply"),
        ("acme followers_count:1..5 -is:nullcast", "acme followers_count:1..5 -is:nullcast"),
        ("acme point_radius:[12.49 41.89 10km]", "acme point_radius:[12.49 41.89 10km]"),
        ("$ACME #down", "$ACME #down"),
    ] {
        assert_eq!(as_rule(&rule(query), Limits::SELF_SERVE).as_deref(), Ok(said), "{query}");
        // What X gets can be read back and says the same.
        assert_eq!(as_rule(&rule(said), Limits::SELF_SERVE).as_deref(), Ok(said));
    }
}

#[test]
fn what_x_refuses_is_said_before_it_is_asked() {
    for (query, spanned, message, remedy) in [
        ("-acme", "-acme", "left out", "keyword"),
        ("-acme -is:retweet", "-acme -is:retweet", "left out", "keyword"),
        ("is:reply lang:en", "is:reply lang:en", "together with something else", "keyword"),
        ("acme OR is:reply", "is:reply", "together with something else", "each side"),
        ("acme OR -slow", "-slow", "left out", "each side"),
        ("acme -(slow OR down)", "(slow OR down)", "group", "-slow -down"),
        ("acme -(slow down)", "(slow down)", "group", "(-slow OR -down)"),
        ("acme is:nullcast", "is:nullcast", "only with a `-`", "-is:nullcast"),
        ("@acme.test", "@acme.test", "not a handle at X", "letters"),
        (
            "acme conversation_id:\"at://did:plc:x/app.bsky.feed.post/1\"",
            "conversation_id:\"at://did:plc:x/app.bsky.feed.post/1\"",
            "number",
            "conversation_id:1",
        ),
    ] {
        let errors = as_rule(&rule(query), Limits::SELF_SERVE).expect_err(query);
        let [error] = errors.as_slice() else { panic!("{query}: {errors:?}") };
        assert_eq!(&query[error.span.clone()], spanned, "{query}: {error:?}");
        assert!(error.message.contains(message), "{query}: {error:?}");
        assert!(error.remedy.as_deref().unwrap_or_default().contains(remedy), "{query}: {error:?}");
    }
}

#[test]
fn length_is_counted_in_characters_and_depends_on_the_plan() {
    let of = |chars: usize| rule(&"é".repeat(chars));
    assert!(as_rule(&of(1_024), Limits::SELF_SERVE).is_ok());
    let errors = as_rule(&of(1_025), Limits::SELF_SERVE).expect_err("too long");
    assert!(errors[0].message.contains("1024") && errors[0].message.contains("1025"), "{errors:?}");
    assert!(as_rule(&of(2_048), Limits::ENTERPRISE).is_ok());
    assert!(as_rule(&of(2_049), Limits::ENTERPRISE).is_err());
    assert!(as_search(&of(512), Limits::SELF_SERVE).is_ok());
    assert!(as_search(&of(513), Limits::SELF_SERVE).is_err());
    assert!(as_search(&of(4_096), Limits::ENTERPRISE).is_ok());
}

#[test]
fn recent_search_lacks_operators() {
    for query in ["acme sample:10", "acme bio:cat", "acme bio_name:cat", "acme bio_location:rome"] {
        assert!(as_rule(&rule(query), Limits::SELF_SERVE).is_ok(), "{query}");
        let errors = as_search(&rule(query), Limits::SELF_SERVE).expect_err(query);
        assert!(errors[0].message.contains("recent search"), "{errors:?}");
        assert_eq!(&query[errors[0].span.clone()], &query[5..]);
    }
}
