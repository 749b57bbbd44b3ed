//! The simulator from outside: over HTTP on loopback, with a clock that stands still unless it is told to jump.

#[path = "sim/activity.rs"]
mod activity;
#[path = "sim/auth.rs"]
mod auth;
#[path = "sim/bench.rs"]
mod bench;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/reading.rs"]
mod reading;
#[path = "sim/script.rs"]
mod script;
#[path = "sim/streaming.rs"]
mod streaming;
#[path = "sim/web.rs"]
mod web;
#[path = "sim/writing.rs"]
mod writing;
