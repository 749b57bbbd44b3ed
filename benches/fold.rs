//! Folding a history, and starting from a checkpoint instead: 8 columns of 1,000 posts and 20,000 open cases.
//!
//! `cargo bench --bench fold`; ratios are told within the one run.

#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use replydeck::desk::{Desk, fold};
use replydeck::model::{CaseStatus, Envelope};

#[path = "../tests/desk/history.rs"]
mod history;

/// So many envelopes make a desk with at least 20,000 open cases.
const EVENTS: usize = 65_000;

fn folded(told: &[Envelope]) -> Desk {
    let mut desk = Desk::default();
    for envelope in told {
        fold(&mut desk, envelope);
    }
    desk
}

/// Median of nine runs of what `c` is given, in seconds: enough for a ratio.
fn seconds(run: &mut dyn FnMut()) -> f64 {
    let mut took: Vec<Duration> = (0..9)
        .map(|_| {
            #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
            let start = std::time::Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[4].as_secs_f64()
}

fn main() {
    let mut history = history::History::new(1);
    history.resolved_percent = 15;
    let told: Vec<Envelope> = history.by_ref().take(EVENTS).collect();
    let desk = folded(&told);
    let bytes = desk.checkpoint();
    let open = desk.cases.values().filter(|case| case.status != CaseStatus::Resolved).count();
    let shown: usize = desk.columns.values().map(|column| column.window.len()).sum();
    println!(
        "desk: {} columns, {shown} posts shown, {} posts held, {} cases of which {open} open, checkpoint {} bytes",
        desk.columns.len(),
        desk.posts.len(),
        desk.cases.len(),
        bytes.len()
    );
    assert!(open >= 20_000 && shown == 8_000, "the desk is as large as the bench says");

    let mut c = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3)).configure_from_args();
    let mut group = c.benchmark_group("fold");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("a history from zero", |b| {
        b.iter_batched(|| (), |()| black_box(folded(&told)), BatchSize::PerIteration);
    });
    group.finish();
    c.bench_function("checkpoint/write", |b| b.iter(|| black_box(desk.checkpoint())));
    c.bench_function("checkpoint/load", |b| {
        b.iter_batched(|| (), |()| black_box(Desk::from_checkpoint(&bytes)), BatchSize::PerIteration);
    });
    c.bench_function("checkpoint/gaps alone", |b| b.iter(|| black_box(Desk::gaps_in_checkpoint(&bytes))));
    c.bench_function("checkpoint/missing words", |b| {
        let loaded = Desk::from_checkpoint(&bytes).expect("its own checkpoint");
        b.iter(|| black_box(loaded.missing_words()));
    });

    let from_zero = seconds(&mut || drop(black_box(folded(&told))));
    let from_checkpoint = seconds(&mut || drop(black_box(Desk::from_checkpoint(&bytes))));
    println!(
        "from zero {:.1} ms, from the checkpoint {:.1} ms: {:.1} times as fast",
        from_zero * 1e3,
        from_checkpoint * 1e3,
        from_zero / from_checkpoint
    );
}
