//! The log: one suite over every back end, the stored form of every event, and what only the SQLite store can
//! go through (bad files, full disks, kills, several processes).

#[path = "log/asking.rs"]
mod asking;
#[path = "log/claim_race.rs"]
mod claim_race;
#[path = "log/finding.rs"]
mod finding;
#[path = "log/fixtures.rs"]
mod fixtures;
#[path = "log/large.rs"]
mod large;
#[path = "log/sample.rs"]
mod sample;
#[path = "log/search_property.rs"]
mod search_property;
#[path = "log/sqlite_bad_days.rs"]
mod sqlite_bad_days;
#[path = "log/sqlite_formats.rs"]
mod sqlite_formats;
#[path = "log/sqlite_sharing.rs"]
mod sqlite_sharing;
#[path = "log/suite.rs"]
mod suite;
