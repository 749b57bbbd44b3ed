//! Any search, however odd, is answered, and both stores find the same texts: the index and the plain comparison
//! check each other.

use proptest::prelude::*;
use replydeck::log::Log;
use replydeck::log::memory::MemoryLog;
use replydeck::log::sqlite::SqliteLog;

use super::sample::matched;

const TEXTS: [&str; 16] = [
    "¿Dónde está mi ENVÍO? @charterhelp #outage",
    "lot opóźniony, café zamknięte; not again",
    "荷物まだ届かない、配送遅延?",
    "网络太慢了,客服没有回复 again",
    "สินค้ายังไม่มา ช้ามาก",
    "배송이 너무 늦어요 ㅠㅠ",
    "ｶﾀｶﾅのﾃﾞｰﾀ ＡＣＭＥ",
    "late again 😡😡 👍🏽 ❤️",
    "مرحبا أين طلبي؟ לא עובד",
    "सेवा बंद है, मदद करो",
    "don't \"quote\" me: a-b_c NEAR(x) OR y* ^z",
    "acme配送acme 2026年3月 5550100",
    "می‌خواهم کمک",
    "e\u{301}te\u{301} cafe\u{301} nai\u{308}ve",
    "the the the quick brown",
    "x",
];

/// A piece of one of the texts, or of two, or anything.
fn searches() -> impl Strategy<Value = String> {
    let piece = (0..TEXTS.len(), any::<prop::sample::Index>(), 1..12usize).prop_map(|(text, from, length)| {
        let chars: Vec<char> = TEXTS[text].chars().collect();
        let from = from.index(chars.len());
        chars[from..].iter().take(length).collect::<String>()
    });
    prop_oneof![
        6 => piece.clone(),
        2 => (piece.clone(), piece).prop_map(|(one, other)| format!("{one} {other}")),
        2 => "\\PC{0,12}",
        1 => "[\"*^:(){}+\\-a ]{0,10}",
    ]
}

#[test]
fn both_stores_find_the_same() {
    the_same(&TEXTS, 600);
}

/// Beside rare words, frequent ones: the index takes other ways.
#[test]
fn both_stores_find_the_same_where_much_is_common() {
    let common = ["lot opóźniony, again not late acme", "the quick 荷物まだ 배송이 again"];
    let texts: Vec<&str> = TEXTS.into_iter().chain(common.into_iter().cycle().take(600)).collect();
    the_same(&texts, 150);
}

fn the_same(texts: &[&str], cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let sqlite = SqliteLog::open(dir.path()).expect("opens");
    let memory = MemoryLog::new();
    let posts: Vec<_> = texts.iter().zip(1..).map(|(text, n)| matched(n, text)).collect();
    runtime.block_on(sqlite.append(posts.clone(), None)).expect("written");
    runtime.block_on(memory.append(posts, None)).expect("written");
    let ask = |search: &str, limit| {
        let of_sqlite = runtime.block_on(sqlite.search(search.to_owned(), limit)).expect("answered");
        let of_memory = runtime.block_on(memory.search(search.to_owned(), limit)).expect("answered");
        (of_sqlite, of_memory)
    };
    // A sign the index's tables do not know yet.
    for search in ["\u{11f43}x", "x\u{11f43}"] {
        let (of_sqlite, of_memory) = ask(search, 4);
        assert_eq!(of_sqlite, of_memory, "{search}");
        assert_eq!(of_sqlite.len(), 2, "{search} is x and a sign: the x alone, and what begins with it");
    }
    for search in [
        // Common and rare, in any order, whole or begun, beside each other or alone.
        "again 客服没有回复",
        "客服没有回复 again",
        "again opóźniony lot",
        "brown the qui",
        "the brow",
        "- late",
        "late -",
        "acme 5550100",
        "배송이 너무",
    ] {
        let (of_sqlite, of_memory) = ask(search, 4);
        assert_eq!(of_sqlite, of_memory, "{search}");
        assert!(!of_sqlite.is_empty(), "{search}");
    }
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(search in searches(), limit in 1..4usize)| {
        let (of_sqlite, of_memory) = ask(&search, limit);
        prop_assert_eq!(of_sqlite, of_memory, "{:?}", search);
    });
    for text in TEXTS {
        assert!(!ask(text, 1).0.is_empty(), "{text} is found by itself");
    }
}
