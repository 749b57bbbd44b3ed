//! The rules on real posts, where they are at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use replydeck::model::ColumnName;
use replydeck::rules::scan::Scanner;

use crate::rule;

fn data() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let named = std::env::var_os("REPLYDECK_SHARED").map(|shared| PathBuf::from(shared).join("data"));
    [Some(beside), named].into_iter().flatten().find(|folder| folder.is_dir())
}

/// Post ids by column, from the scan and from the records' own `matching_rules`.
fn both(
    file: &str,
    columns: &[(&str, String)],
) -> Option<(BTreeMap<String, BTreeSet<String>>, BTreeMap<String, BTreeSet<String>>)> {
    let Some(folder) = data() else {
        println!("skipped: the folder of real posts is not beside the checkout");
        return None;
    };
    let bytes = std::fs::read(folder.join(file)).expect("a readable file");
    let rules = columns.iter().map(|(name, query)| (ColumnName::new(name), rule(query))).collect();
    let scanner = Scanner::new(rules);
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let stats = scanner
        .scan(bytes.as_slice(), |post, hits| {
            for &hit in hits {
                found.entry(columns[hit].0.to_owned()).or_default().insert(post.native().to_owned());
            }
            Ok(())
        })
        .expect("bytes in memory");
    assert_eq!(stats.malformed, 0);
    assert_eq!(stats.bytes, bytes.len() as u64);
    let mut own: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut lines = 0;
    for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        lines += 1;
        let record: serde_json::Value = serde_json::from_slice(line).expect("JSON");
        for tag in record["matching_rules"].as_array().into_iter().flatten() {
            let tag = tag["tag"].as_str().expect("a tag").to_owned();
            if columns.iter().any(|(name, _)| *name == tag) {
                own.entry(tag).or_default().insert(record["data"]["id"].as_str().expect("an id").to_owned());
            }
        }
    }
    assert_eq!(stats.posts, lines);
    Some((found, own))
}

#[test]
fn brand_columns_agree_with_the_files_own_tags() {
    let names = ["@united", "@USAirways", "@AmericanAir", "@SouthwestAir", "@JetBlue", "@VirginAmerica", "@Delta"];
    let columns: Vec<_> = names.into_iter().map(|name| (name, name.to_owned())).collect();
    let Some((found, own)) = both("airline.dev.ndjson", &columns) else { return };
    for name in names {
        let differ: Vec<_> = found[name].symmetric_difference(&own[name]).collect();
        // Two posts carry this tag though neither their text nor their entities name the brand.
        let known = if name == "@JetBlue" { 2 } else { 0 };
        assert_eq!(differ.len(), known, "{name}: {differ:?}");
        assert!(found[name].is_subset(&own[name]), "{name}");
    }
}

#[test]
fn conversations_agree_with_the_files_own_tags() {
    let Some(folder) = data() else {
        println!("skipped: the folder of real posts is not beside the checkout");
        return;
    };
    let text = std::fs::read_to_string(folder.join("conversations.ndjson")).expect("a readable file");
    let mut tags = BTreeSet::new();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        for tag in record["matching_rules"].as_array().into_iter().flatten() {
            tags.insert(tag["tag"].as_str().expect("a tag").to_owned());
        }
    }
    let from: Vec<_> =
        tags.iter().filter(|tag| tag.starts_with("from:")).map(|tag| (tag.as_str(), tag.clone())).collect();
    let Some((found, own)) = both("conversations.ndjson", &from) else { return };
    assert_eq!(found, own, "from: columns");
}
