//! `replydeck match`: every column's query over recorded posts, without a screen.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::model::ColumnName;
use crate::rules::scan::{ScanStats, Scanner};
use crate::rules::x::{Limits, as_rule};
use crate::rules::{QueryError, Rule};

/// Match recorded posts against the columns' queries.
///
/// Reads X stream objects, Jetstream events or what a Mastodon stream sent, one a line, and writes one JSON line for each post that at least one
/// query matches: `{"post":"x:123","columns":["outage","billing"]}`
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  replydeck match posts.ndjson --rule 'slow=(slow OR down) @acme -is:retweet' --stats"
)]
pub struct MatchArgs {
    /// NDJSON to read; `-` or nothing is the standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// A query under a name, beside those of the config; may be given several times
    #[arg(long = "rule", value_name = "NAME=QUERY", value_parser = named_rule)]
    pub rules: Vec<(ColumnName, Rule)>,
    /// End with one JSON line of counts on the standard error
    #[arg(long)]
    pub stats: bool,
}

/// Queries that cannot be used: wrong usage, not a failure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableRules(String);

impl UnusableRules {
    /// There is no config from which queries could come.
    pub(super) fn none_at(config: &Path) -> Self {
        Self(format!(
            "there is no config at {}, and so no query to match. Give one, such as --rule 'slow=slow OR down', or name \
             a config with --config",
            config.display()
        ))
    }
}

fn named_rule(given: &str) -> Result<(ColumnName, Rule), String> {
    let Some((name, query)) = given.split_once('=').map(|(name, query)| (name.trim(), query)) else {
        return Err("a rule is NAME=QUERY, such as slow='slow OR down'".to_owned());
    };
    if name.is_empty() {
        return Err("the rule has no name: NAME=QUERY".to_owned());
    }
    let rule = Rule::read(query).map_err(|errors| format!("the query cannot be read:\n{}", pointed(&errors, query)))?;
    Ok((ColumnName::new(name), rule))
}

/// Each error with its place in the query, one below the other.
fn pointed(errors: &[QueryError], query: &str) -> String {
    let pointed: Vec<_> = errors.iter().map(|error| error.pointed(query)).collect();
    pointed.join("\n")
}

#[derive(Serialize)]
struct Found<'a> {
    post: &'a str,
    columns: Vec<&'a str>,
}

#[derive(Serialize)]
struct Stats {
    posts: u64,
    matched: u64,
    malformed: u64,
    /// What the malformed lines lack; left out where there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    why_malformed: BTreeMap<&'static str, u64>,
    bytes: u64,
    seconds: f64,
}

/// `rules` are the config's columns, in its order; those of the arguments follow. A reader of `out` that goes
/// away ends it quietly. Errors: [`UnusableRules`], a file that cannot be read, an `out` that cannot be written.
pub fn run(
    args: &MatchArgs,
    mut rules: Vec<(ColumnName, Rule)>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<()> {
    rules.extend(args.rules.iter().cloned());
    check(&rules)?;
    for (name, rule) in &args.rules {
        tell_what_x_refuses(name, rule, err)?;
    }
    #[expect(clippy::disallowed_methods, reason = "a stopwatch for the last line of output; nothing depends on it")]
    let started = std::time::Instant::now();
    let scanner = Scanner::new(rules);

    let (input, name): (Box<dyn Read>, String) = match args.file.as_deref() {
        None => (Box::new(io::stdin().lock()), "the standard input".to_owned()),
        Some(path) if path == Path::new("-") => (Box::new(io::stdin().lock()), "the standard input".to_owned()),
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            (Box::new(file), path.display().to_string())
        }
    };
    let out = RefCell::new(BufWriter::with_capacity(64 * 1024, out));
    let input = Flushing { input, out: &out };
    let result = scanner.scan(input, |post, columns| {
        let columns = columns.iter().map(|&column| scanner.names()[column].as_str()).collect();
        let mut out = out.borrow_mut();
        serde_json::to_writer(&mut *out, &Found { post: post.as_str(), columns })
            .map_err(|error| Unwritten::wrap(error.into()))?;
        out.write_all(b"\n").map_err(Unwritten::wrap)
    });
    let result = result.and_then(|stats| out.borrow_mut().flush().map_err(Unwritten::wrap).map(|()| stats));
    let stats = match result {
        Ok(stats) => stats,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(error) if Unwritten::is(&error) => return Err(error).context("cannot write what was found"),
        Err(error) => return Err(error).with_context(|| format!("cannot read {name}")),
    };
    if args.stats {
        let seconds = started.elapsed().as_secs_f64();
        let (posts, matched, malformed, bytes) = (stats.posts, stats.matched, stats.malformed, stats.bytes);
        let why_malformed = stats.flaws.seen().map(|(flaw, count)| (flaw.word(), count)).collect();
        serde_json::to_writer(&mut *err, &Stats { posts, matched, malformed, why_malformed, bytes, seconds })?;
        err.write_all(b"\n")?;
    } else if stats.malformed > 0 {
        writeln!(err, "{}", passed_over(&stats))?;
    }
    Ok(())
}

/// `replydeck: 121 lines that are no posts were passed over: 121 with no id`
fn passed_over(stats: &ScanStats) -> String {
    let why: Vec<_> = stats.flaws.seen().map(|(flaw, count)| format!("{count} with {}", flaw.word())).collect();
    let lines = if stats.malformed == 1 { "line that is no post was" } else { "lines that are no posts were" };
    format!("replydeck: {} {lines} passed over: {}", stats.malformed, why.join(", "))
}

fn check(rules: &[(ColumnName, Rule)]) -> Result<(), UnusableRules> {
    if rules.is_empty() {
        return Err(UnusableRules(
            "there is no query to match: name a config with --config, or give --rule NAME=QUERY".to_owned(),
        ));
    }
    let mut names = HashSet::new();
    if let Some((twice, _)) = rules.iter().find(|(name, _)| !names.insert(name)) {
        return Err(UnusableRules(format!("two queries have the name {twice}; give one of them another")));
    }
    for (name, rule) in rules {
        if !rule.local_problems().is_empty() {
            let problems = pointed(rule.local_problems(), rule.source());
            return Err(UnusableRules(format!("the query of {name}:\n{problems}")));
        }
    }
    Ok(())
}

/// A query tried here may become a column: what X would refuse of it is said, as the config's check says it.
fn tell_what_x_refuses(name: &ColumnName, rule: &Rule, err: &mut impl Write) -> io::Result<()> {
    for problem in as_rule(rule, Limits::SELF_SERVE).err().unwrap_or_default() {
        let pointed = problem.pointed(rule.source());
        writeln!(err, "replydeck: the query of {name} is matched here, but X would refuse it in a column:\n{pointed}")?;
    }
    Ok(())
}

/// Before it waits for more input, what was found is handed on: a pipe that trickles shows its matches at once.
struct Flushing<'a, R, W: Write> {
    input: R,
    out: &'a RefCell<BufWriter<W>>,
}

impl<R: Read, W: Write> Read for Flushing<'_, R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.out.borrow_mut().flush().map_err(Unwritten::wrap)?;
        self.input.read(buffer)
    }
}

/// Marks an error of the output, so that it is not told as one of the input.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unwritten(io::Error);

impl Unwritten {
    fn wrap(error: io::Error) -> io::Error {
        io::Error::new(error.kind(), Unwritten(error))
    }

    fn is(error: &io::Error) -> bool {
        matches!(error.get_ref(), Some(inner) if inner.is::<Unwritten>())
    }
}
