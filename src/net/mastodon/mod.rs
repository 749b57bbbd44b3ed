//! Mastodon by its REST and streaming interfaces, on any server that speaks them.

pub mod decode;
