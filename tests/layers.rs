//! Who may import whom, and how the tree is kept: held by reading every source file.

use std::fs;
use std::path::{Path, PathBuf};

/// Each folder of `src` and what it may use of the crate. `lib.rs` and `main.rs` put it all together and are not
/// in it.
const TABLE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("rules", &["model"]),
    ("log", &["model"]),
    ("net", &["model", "rules"]),
    ("desk", &["model"]),
    ("app", &["model", "desk", "rules"]),
    ("ui", &["model", "desk", "app"]),
    ("config", &["model", "rules", "app"]),
    ("sim", &["model", "rules"]),
    ("run", ROOMS),
    ("cli", ROOMS),
];

const ROOMS: &[&str] = &["model", "rules", "log", "net", "desk", "app", "ui", "config", "sim", "run", "cli"];

const LONGEST_FILE: usize = 600;

/// Names that say nothing of what is in a file.
const EMPTY_NAMES: [&str; 5] = ["util", "utils", "helpers", "common", "misc"];

/// One use of a room by a file.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Use {
    line: usize,
    room: String,
}

/// A word, a sign or the end of a path, with its line.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Sign(char),
}

/// Splits Rust source into words and signs; comments, strings, characters and lifetimes are left out.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let c = chars[i];
        let start = i;
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < chars.len() {
                match (chars[i], at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
        } else if c == '"' {
            i = after_string(&chars, i + 1);
        } else if c.is_alphabetic() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            let hashes = (i..chars.len()).take_while(|i| at(*i) == '#').count();
            match (word.as_str(), at(i), at(i + hashes)) {
                ("r" | "br" | "cr", _, '"') => {
                    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    i += hashes + 1;
                    while i < chars.len() && !chars[i..].starts_with(&close) {
                        i += 1;
                    }
                    i += close.len();
                }
                ("b" | "c", '"', _) => i = after_string(&chars, i + 1),
                ("b", '\'', _) => i = after_character(&chars, i),
                // `r#crate` is no keyword, but `r#type` is an ordinary name.
                ("r", '#', _) => i += 1,
                _ => found.push((line, Token::Word(word))),
            }
        } else if c == '\'' {
            i = after_character(&chars, i);
        } else if c == ':' && at(i + 1) == ':' {
            found.push((line, Token::Path));
            i += 2;
        } else {
            if !c.is_whitespace() {
                found.push((line, Token::Sign(c)));
            }
            i += 1;
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn after_string(chars: &[char], mut i: usize) -> usize {
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// After a character literal, or after the `'` of a lifetime.
fn after_character(chars: &[char], i: usize) -> usize {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    if at(i + 1) == '\\' {
        let mut end = i + 3;
        while end < chars.len() && chars[end] != '\'' {
            end += 1;
        }
        return end + 1;
    }
    if at(i + 2) == '\'' { i + 3 } else { i + 1 }
}

/// Every room a file uses. `module` is where the file stands: `["desk", "column"]` for `src/desk/column.rs`.
fn uses(source: &str, module: &[&str]) -> Vec<Use> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Modules written inside the file, and the depth of braces at which each ends.
    let mut inner: Vec<usize> = Vec::new();
    let mut depth = 0;
    let mut i = 0;
    while i < tokens.len() {
        let word = |i: usize| match tokens.get(i) {
            Some((_, Token::Word(word))) => word.as_str(),
            _ => "",
        };
        let is = |i: usize, token: &Token| tokens.get(i).is_some_and(|(_, found)| found == token);
        match &tokens[i].1 {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth -= 1;
                if inner.last() == Some(&depth) {
                    inner.pop();
                }
            }
            Token::Word(w) if w == "mod" && is(i + 2, &Token::Sign('{')) => inner.push(depth),
            Token::Word(w) if w == "replydeck" && is(i + 1, &Token::Path) => {
                // The library by its own name, as a binary says it.
                i = tree(&tokens, i + 2, 0, &mut found);
                continue;
            }
            Token::Word(w) if w == "crate" && is(i + 1, &Token::Path) => {
                i = tree(&tokens, i + 2, 0, &mut found);
                continue;
            }
            Token::Word(w) if w == "super" && !is(i.wrapping_sub(1), &Token::Path) => {
                let mut up = 1;
                let mut end = i + 1;
                while is(end, &Token::Path) && word(end + 1) == "super" {
                    (up, end) = (up + 1, end + 2);
                }
                // Out of the room only when it climbs past it, to the root of the crate.
                if up >= module.len() + inner.len() && is(end, &Token::Path) {
                    i = tree(&tokens, end + 1, 0, &mut found);
                    continue;
                }
                i = end;
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// The names at the root of a path or of a group: `a::b`, `{a::b, c::{d, e}}`. Names deeper than `level` 0 are
/// inside a room and of no concern. Gives back the place after it.
fn tree(tokens: &[(usize, Token)], mut i: usize, level: usize, found: &mut Vec<Use>) -> usize {
    match tokens.get(i) {
        Some((_, Token::Sign('{'))) => {
            i += 1;
            while let Some((_, token)) = tokens.get(i) {
                match token {
                    Token::Sign('}') => return i + 1,
                    Token::Sign(',') => i += 1,
                    _ => i = tree(tokens, i, level, found),
                }
            }
            i
        }
        Some((line, Token::Word(word))) => {
            if level == 0 && word != "self" {
                found.push(Use { line: *line, room: word.clone() });
            }
            i += 1;
            if matches!(tokens.get(i), Some((_, Token::Path))) {
                let deeper = if word == "self" && level == 0 { 0 } else { level + 1 };
                return tree(tokens, i + 1, deeper, found);
            }
            if matches!(tokens.get(i), Some((_, Token::Word(word))) if word == "as") {
                i += 2;
            }
            i
        }
        // `use crate::*` reaches everything.
        Some((line, Token::Sign('*'))) => {
            if level == 0 {
                found.push(Use { line: *line, room: "*".to_owned() });
            }
            i + 1
        }
        _ => i + 1,
    }
}

/// What is wrong in one file, in words with its line.
fn complaints(file: &str, source: &str) -> Vec<String> {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let module: Vec<&str> = path.split('/').collect();
    let room = module[0];
    if ["lib", "main"].contains(&room) && module.len() == 1 {
        return Vec::new();
    }
    let Some((_, may)) = TABLE.iter().find(|(name, _)| *name == room) else {
        return vec![format!(
            "{file}:1: `{room}` is not in the table of tests/layers.rs; put it in with what it may use"
        )];
    };
    uses(source, &module)
        .into_iter()
        .filter(|found| found.room != room && !may.contains(&found.room.as_str()))
        .map(|found| format!("{file}:{}: `{room}` may not use `{}`, only {may:?}", found.line, found.room))
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder of the repository, with their names from its root, apart from what is built.
fn files(folder: &Path, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("its entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["target", ".git"].contains(&name.as_str()) {
                files(&path, found);
            }
        } else if name != ".git" {
            let short = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            found.push((short, path));
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root().join("src"), &mut found);
    found.retain(|(name, _)| Path::new(name).extension().is_some_and(|ending| ending == "rs"));
    found.sort();
    assert!(found.len() > 20, "the sources were found");
    found.into_iter().map(|(name, path)| (name, fs::read_to_string(path).expect("a source is text"))).collect()
}

#[test]
fn imports_go_one_way() {
    let wrong: Vec<String> = sources().iter().flat_map(|(name, source)| complaints(name, source)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_names_only_rooms_that_can_be_and_has_no_circle() {
    for (room, may) in TABLE {
        assert!(ROOMS.contains(room));
        for used in may.iter().filter(|_| !["run", "cli"].contains(room)) {
            let (_, back) = TABLE.iter().find(|(name, _)| name == used).expect("what is used is in the table");
            assert!(!back.contains(room), "{room} and {used} use each other");
        }
    }
    assert_eq!(TABLE.len(), ROOMS.len());
}

#[test]
fn each_form_of_import_is_seen() {
    // What stands in `src/desk/column.rs`, and the lines with a room it names.
    let cases: &[(&str, &[(usize, &str)])] = &[
        ("use crate::ui::draw;", &[(1, "ui")]),
        ("\nuse crate::{model::Post, ui};", &[(2, "model"), (2, "ui")]),
        (
            "use crate::{\n  model::{self, id::{PostId, CaseId}},\n  app::App as Deck,\n  log,\n};",
            &[(2, "model"), (3, "app"), (4, "log")],
        ),
        ("use {crate::net, std::fmt};", &[(1, "net")]),
        ("pub use crate::run::Loop;", &[(1, "run")]),
        ("pub(crate) use crate::run;", &[(1, "run")]),
        ("use crate::*;", &[(1, "*")]),
        ("use ::replydeck::sim::Sim;", &[(1, "sim")]),
        ("fn f() { let x = crate::config::Config::load(); }", &[(1, "config")]),
        ("fn f(x: Vec<crate::net::Feed>) -> Option<crate::app::App> {}", &[(1, "net"), (1, "app")]),
        ("use super::super::rules::Rule;", &[(1, "rules")]),
        ("use super::super::{model, cli::{self}};", &[(1, "model"), (1, "cli")]),
        ("mod tests { use super::super::super::log::Log; }", &[(1, "log")]),
        ("#[cfg(test)]\nmod tests {\n use crate::sim::Sim;\n}", &[(3, "sim")]),
        ("macro_rules! m { () => { $crate::ui::draw() } }", &[(1, "ui")]),
        ("fn f<'a>(x: &'a str) { g('\"', crate::ui::x); }", &[(1, "ui")]),
        ("let s = r#\"quoted \" \"#; crate::log::x();", &[(1, "log")]),
        ("let s = \"\n\n\"; crate::log::x();", &[(3, "log")]),
        ("let c = '\\''; let d = b'\\\\'; crate::log::x();", &[(1, "log")]),
        ("/* a /* b */ c */ crate::log::x();", &[(1, "log")]),
        // And what is none.
        ("use super::{Case, Desk}; use super::case::Answer;", &[]),
        ("mod tests { use super::*; use super::super::Desk; }", &[]),
        ("// use crate::ui::draw;\n/// [`crate::ui`]\n//! crate::ui::x", &[]),
        ("/* use crate::ui; /* nested */ crate::ui::x */", &[]),
        ("let s = \"crate::ui::x \\\" crate::log::y\"; let b = b\"crate::ui::x\"; let r = r\"crate::ui::\\\";", &[]),
        ("let s = r##\"crate::ui::x \"# crate::log::x\"##;", &[]),
        ("pub(crate) fn f() {} pub(in crate::desk) fn g() {}", &[(1, "desk")]),
        ("use std::{fmt, ui::x}; use serde::ui;", &[]),
    ];
    for (source, expected) in cases {
        let found: Vec<(usize, String)> =
            uses(source, &["desk", "column"]).into_iter().map(|found| (found.line, found.room)).collect();
        let expected: Vec<(usize, String)> = expected.iter().map(|(line, room)| (*line, (*room).to_owned())).collect();
        assert_eq!(found, expected, "{source}");
    }
    assert_eq!(uses("use super::ui::draw;", &["desk"]).len(), 1, "one step up from the room's own file");
}

#[test]
fn what_the_table_forbids_is_named_with_its_line() {
    let source = "use crate::model::Post;\n\nuse crate::{desk, app::App};\n";
    assert_eq!(
        complaints("src/desk/column.rs", source),
        ["src/desk/column.rs:3: `desk` may not use `app`, only [\"model\"]"]
    );
    assert_eq!(complaints("src/ui/mod.rs", "use crate::log::Log;").len(), 1);
    assert_eq!(complaints("src/run/mod.rs", "use crate::{log, ui, net::x};"), Vec::<String>::new());
    assert_eq!(complaints("src/lib.rs", "pub use crate::ui::draw;"), Vec::<String>::new());
    assert_eq!(complaints("src/extra/mod.rs", "").len(), 1, "a room nobody put in the table");
    assert_eq!(complaints("src/model.rs", "use crate::desk::Desk;").len(), 1);
}

#[test]
fn no_source_is_too_long_or_named_for_nothing() {
    let mut wrong = Vec::new();
    for (name, source) in sources() {
        let lines = source.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{name}: {lines} lines, {LONGEST_FILE} at most"));
        }
        if name.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part)) {
            wrong.push(format!("{name}: say what is in it"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn modules_are_documented() {
    for (name, source) in sources() {
        if name != "src/main.rs" {
            assert!(source.starts_with("//!"), "{name}: begins with what it is for");
        }
    }
}

/// Nothing in the repository may point at the machine it was written on, or hold a secret by accident. The words
/// are put together here, so that this file does not hold them.
#[test]
fn no_file_speaks_of_one_machine() {
    let forbidden = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["/ho", "me/"].concat(),
        ["/Us", "ers/"].concat(),
        ["/tm", "p/"].concat(),
        ["C:\\", "Users"].concat(),
        ["BEGIN ", "PRIVATE KEY"].concat(),
        ["BRIEF", ".md"].concat(),
        ["work", "tree"].concat(),
        ["sub", "agent"].concat(),
        ["the ", "briefing"].concat(),
        ["help", "er agent"].concat(),
        ["language ", "model"].concat(),
    ];
    let mut found = Vec::new();
    files(&root(), &mut found);
    let mut wrong = Vec::new();
    for (name, path) in found {
        let Ok(text) = String::from_utf8(fs::read(path).expect("a file can be read")) else { continue };
        for (n, line) in text.lines().enumerate() {
            let said = forbidden.iter().find(|word| line.contains(word.as_str()));
            if let Some(said) = said {
                wrong.push(format!("{name}:{}: `{said}`", n + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What the README tells a newcomer to run is what the checks run, and so what is known to work.
#[test]
fn the_checks_run_the_command_of_the_readme() {
    let checks = fs::read_to_string(root().join(".ci/run")).expect("the checks are there");
    let command = checks.lines().find_map(|line| line.strip_prefix("TEST_COMMAND=")).expect("they name the command");
    let command = command.trim_matches('"');
    assert!(command.starts_with("cargo test"), "{command}");
    match fs::read_to_string(root().join("README.md")) {
        Ok(readme) => {
            let is_told = readme.lines().any(|line| line.split('#').next().unwrap_or_default().trim() == command);
            assert!(is_told, "README.md has no line `{command}`");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "README.md: {error}"),
    }
}
