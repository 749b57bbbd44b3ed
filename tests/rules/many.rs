//! Many rules at once say what each says alone.

use proptest::prelude::*;
use replydeck::model::post::{Mention, Quoted};
use replydeck::model::{Author, AuthorId, NetworkKind, Post, PostId, clean};
use replydeck::rules::Rule;
use replydeck::rules::many::Rules;

use crate::scan::{WORDS, query, scrap};
use crate::{post, rule};

fn alone(rules: &[Rule], post: &Post) -> Vec<usize> {
    (0..rules.len()).filter(|&index| rules[index].matches(post)).collect()
}

#[test]
fn what_a_post_lists_beside_its_text_announces_rules_too() {
    let queries =
        ["#down", "@acme.test", "from:cat_lover", "from:42", "from:dog", "-acme", "sign -#down", "from:dog OR #down"];
    let rules = Rules::new(queries.map(rule).to_vec());
    for (network, found) in [(NetworkKind::Bluesky, &[0, 1, 2, 3, 5, 7][..]), (NetworkKind::X, &[2, 3, 5, 6])] {
        let tagged = Post {
            id: PostId::new(network, "1"),
            hashtags: vec!["Down".to_owned()],
            mentions: vec![Mention { handle: "ACME.test".to_owned(), id: None }],
            ..post("no sign of it")
        };
        assert_eq!(rules.matching(&tagged), found);
        assert_eq!(alone(rules.as_slice(), &tagged), found);
    }
    assert_eq!(Rules::new(Vec::new()).matching(&post("acme")), [] as [usize; 0]);
}

/// Where a rule asks for other things than words, alone and beside them.
fn any_query() -> impl Strategy<Value = String> {
    let beside = || {
        prop::sample::select(
            &[
                "from:acme",
                "-from:acme",
                "from:\"did:plc:a\"",
                "from:fish",
                "is:quote",
                "-lang:en",
                "has:mentions",
                "to:acme",
            ][..],
        )
    };
    prop_oneof![
        5 => query(),
        2 => (query(), beside()).prop_map(|(query, beside)| format!("({query}) {beside}")),
        2 => (query(), beside()).prop_map(|(query, beside)| format!("{query} OR {beside}")),
        1 => (query(), query(), beside()).prop_map(|(a, b, c)| format!("-({a}) ({b} OR ({c} {a}))")),
        1 => beside().prop_map(str::to_owned),
    ]
}

fn any_post() -> impl Strategy<Value = Post> {
    let text = || prop::collection::vec(scrap(), 0..8).prop_map(|scraps| clean::text(&scraps.concat()));
    let name = || prop::sample::select(WORDS).prop_map(clean::line);
    let network = prop::sample::select(&[NetworkKind::X, NetworkKind::Bluesky, NetworkKind::Mastodon][..]);
    let handle = prop::sample::select(&["acme", "Acme", "FISH", "ＡＣＭＥ", "", "cat"][..]);
    let lang = prop::option::of(prop::sample::select(&["en", "it"][..]));
    let lists = (prop::collection::vec(name(), 0..3), prop::collection::vec(name(), 0..3));
    (text(), prop::option::of(text()), lists, network, handle, prop::bool::ANY, lang).prop_map(
        |(text, quoted, (hashtags, mentions), network, handle, is_did, lang)| {
            let base = post(&text);
            let id = AuthorId::new(network, if is_did { "did:plc:A" } else { "42" });
            Post {
                id: PostId::new(network, "1"),
                quotes: quoted.map(|text| Quoted { id: PostId::new(network, "2"), author: None, text }),
                author: Author { id, handle: handle.to_owned(), ..base.author.clone() },
                hashtags,
                mentions: mentions.into_iter().map(|handle| Mention { handle, id: None }).collect(),
                lang: lang.map(str::to_owned),
                ..base
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn many_rules_at_once_say_what_each_says_alone(
        queries in prop::collection::vec(any_query(), 1..12),
        posts in prop::collection::vec(any_post(), 1..24),
    ) {
        let rules = Rules::new(queries.iter().map(|query| rule(query)).collect());
        for post in &posts {
            prop_assert_eq!(rules.matching(post), alone(rules.as_slice(), post), "{:?} in {:?}", queries, post);
        }
    }
}
