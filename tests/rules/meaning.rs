//! What a query matches.

use replydeck::model::post::{Media, Mention, PostLink};
use replydeck::model::{AuthorId, NetworkKind, Post, PostId};

use crate::{post, quoting, rule};

#[track_caller]
fn check(table: &[(&str, &str, bool)]) {
    for &(query, text, matches) in table {
        assert_eq!(rule(query).matches(&post(text)), matches, "{query:?} on {text:?}");
    }
}

#[test]
fn words_match_whole_and_folded() {
    check(&[
        ("acme", "Acme internet is slow", true),
        ("acme", "ACME's fault", true),
        ("acme", "(acme)", true),
        ("acme", "acme-based", true),
        ("acme", "#Acme", true),
        ("acme", "@acme help", true),
        ("acme", "acmeonline", false),
        ("acme", "@acme_help", false),
        ("acme", "megaacme", false),
        ("acme", "acme2", false),
        ("acme", "acme😡", true),
        ("straße", "STRASSE", true),
        ("strasse", "Straße", true),
        ("fish", "ﬁsh", true),
        ("οδος", "ΟΔΟΣ", true),
        ("kelvin", "\u{212a}elvin", true),
        ("lost", "lo\u{17f}t", true),
        ("acme", "ＡＣＭＥ", true),
        ("café", "CAFE\u{301}", true),
        ("café", "cafe", false),
        ("cafe", "café", false),
        ("İstanbul", "i\u{307}stanbul", true),
        ("istanbul", "İstanbul", false),
        ("at&t", "I hate AT&T!", true),
        ("at&t", "at the t", false),
        ("don't", "I don’t know", true),
        ("c++", "c", true),
        ("\u{200b}acme", "acme", true),
    ]);
}

#[test]
fn scripts_without_spaces_match_inside_and_emoji_as_themselves() {
    check(&[
        ("配送", "acmeの配送遅延です", true),
        ("遅延", "acmeの配送遅延です", true),
        ("acme", "acmeの配送遅延です", true),
        ("送遅", "acmeの配送遅延です", true),
        ("配達", "acmeの配送遅延です", false),
        ("ガス", "ｶﾞｽが止まった", true),
        ("อินเทอร์เน็ต", "ทำไมอินเทอร์เน็ตช้า", true),
        ("😡", "now😡😡", true),
        ("❤", "love ❤\u{fe0f} it", true),
        ("❤\u{fe0f}", "love ❤ it", true),
        ("👍", "👍🏽", true),
        ("👍🏽", "👍", false),
        ("👩", "👩\u{200d}💻", false),
        ("👩\u{200d}💻", "me 👩\u{200d}💻", true),
        ("🇩🇪", "🇧🇩🇪🇸", false),
        ("🇪🇸", "🇧🇩🇪🇸", true),
    ]);
}

#[test]
fn phrases_and_nearness() {
    check(&[
        ("\"slow internet\"", "such SLOW  internet", true),
        ("\"slow internet\"", "slow, internet", true),
        ("\"slow internet\"", "internet slow", false),
        ("\"slow internet\"", "slow bad internet", false),
        ("\"slow internet\"", "slow internets", false),
        ("\"so angry 😡\"", "I am so angry 😡", true),
        ("\"acme 配送\"", "acme配送遅延", true),
        ("\"遅延 acme\"", "配送遅延acme", true),
        ("\"配送 acme\"", "配送遅延 acme", false),
        ("\"call #acme\"", "call #acme", true),
        ("\"call #acme\"", "call acme", false),
        ("\"internet slow\"~2", "internet is very slow", true),
        ("\"internet slow\"~2", "internet is very very slow", false),
        ("\"internet slow\"~2", "slow internet", true),
        ("\"internet slow\"~2", "slow bad internet", false),
        ("\"internet slow\"~3", "slow bad internet", true),
        ("\"a b c\"~1", "a x b c", true),
        ("\"a b c\"~1", "a x b x c", false),
    ]);
}

#[test]
fn tags_handles_and_symbols_match_whole_in_any_case() {
    check(&[
        ("#CharterOutage", "see #charteroutage!", true),
        ("#charteroutage", "#CharterOutages", false),
        ("#charteroutage", "charteroutage", false),
        ("#charteroutage", "x#charteroutage", false),
        ("#配送遅延", "#配送遅延です", false),
        ("#配送遅延", "#配送遅延 です", true),
        ("#acme", "＃acme", true),
        ("@acme", "hey @ACME's", true),
        ("@acme", "@acmehelp", false),
        ("@acme", "mail me@acme", false),
        ("@acme", "acme", false),
        ("@acme", ".@acme", true),
        ("$ACME", "buy $acme.", true),
        ("$ACME", "buy $acmex", false),
        ("$ACME", "buy acme", false),
    ]);
}

#[test]
fn and_or_not_and_groups() {
    check(&[
        ("a b OR c", "c", true),
        ("a b OR c", "a b", true),
        ("a b OR c", "a", false),
        ("a (b OR c)", "a", false),
        ("a (b OR c)", "c a", true),
        ("a -b", "a", true),
        ("a -b", "a b", false),
        ("a -(b OR c)", "a c", false),
        ("a -(b c)", "a c", true),
        ("-a", "b", true),
        ("a OR b OR c OR \"d e\" OR 配", "x 配達", true),
        ("a OR b OR c OR \"d e\" OR 配", "d", false),
    ]);
}

#[test]
fn the_quoted_posts_text_counts() {
    assert!(rule("acme").matches(&quoting("look at this", "Acme is down")));
    assert!(rule("look acme").matches(&quoting("look at this", "Acme is down")));
    assert!(rule("@acme #down").matches(&quoting("look", "@acme #down")));
    assert!(!rule("\"this acme\"").matches(&quoting("look at this", "Acme is down")));
    assert!(!rule("look -acme").matches(&quoting("look at this", "Acme is down")));
}

#[test]
fn operators_look_at_the_post() {
    let x = NetworkKind::X;
    let full = Post {
        in_reply_to: Some(PostId::new(x, "999")),
        in_reply_to_author: Some(AuthorId::new(x, "7")),
        mentions: vec![Mention { handle: "AcmeCare".to_owned(), id: Some(AuthorId::new(x, "7")) }],
        links: vec![PostLink {
            short: "https://t.co/a".to_owned(),
            target: "https://status.acme.example/outage/7".to_owned(),
            display: "status.acme.example/out…".to_owned(),
        }],
        media: vec![Media { kind: "photo".to_owned(), alt: None }],
        ..quoting("@AcmeCare look $ACME #down", "old")
    };
    for (query, matches) in [
        ("from:cat_lover", true),
        ("from:42", true),
        ("from:cat", false),
        ("to:acmecare", true),
        ("to:7", true),
        ("to:cat_lover", false),
        ("url:acme.example", true),
        ("url:\"status.acme.example/outage\"", true),
        ("url:acm", false),
        ("conversation_id:1000", true),
        ("conversation_id:1001", false),
        ("in_reply_to_tweet_id:999", true),
        ("quotes_of_tweet_id:900", true),
        ("lang:en", true),
        ("lang:EN", true),
        ("lang:it", false),
        ("is:reply", true),
        ("is:quote", true),
        ("is:retweet", false),
        ("is:verified", false),
        ("-is:nullcast", true),
        ("has:links has:media has:images has:mentions has:hashtags has:cashtags", true),
        ("has:videos", false),
        ("min_followers:400", true),
        ("min_followers:401", false),
        ("followers_count:100..400", true),
        ("followers_count:401..900", false),
        ("bio_name:lover", true),
        // What cannot be known decides nothing, negated or not.
        ("look place:rome", false),
        ("look -place:rome", false),
        ("look OR place:rome", true),
        ("nowhere place:rome", false),
    ] {
        assert_eq!(rule(query).matches(&full), matches, "{query}");
    }
    let unknown = Post { lang: None, ..post("look") };
    assert!(!rule("look lang:en").matches(&unknown) && !rule("look -lang:en").matches(&unknown));
    let repost = Post { is_repost: true, ..post("RT @AcmeCare: we are back") };
    assert!(rule("retweets_of:acmecare").matches(&repost) && rule("is:retweet").matches(&repost));
    assert!(!rule("retweets_of:acme").matches(&repost));
}

#[test]
fn lists_beside_the_text_count_where_the_network_keeps_them_there() {
    let tagged = |network| Post {
        id: PostId::new(network, "1"),
        hashtags: vec!["Down".to_owned()],
        mentions: vec![Mention { handle: "acme.test".to_owned(), id: None }],
        ..post("no sign of it")
    };
    assert!(rule("#down @acme.test").matches(&tagged(NetworkKind::Bluesky)));
    assert!(!rule("#down OR @acme.test").matches(&tagged(NetworkKind::X)));
    let dotted = Post { id: PostId::new(NetworkKind::Bluesky, "1"), ..post("hi @acme.test.") };
    assert!(rule("@acme.test").matches(&dotted) && !rule("@acme").matches(&dotted));
}
