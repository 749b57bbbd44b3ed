//! Bluesky.
pub mod jetstream;
pub(crate) mod record;
