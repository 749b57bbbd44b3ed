//! The adapters against servers that none of us wrote. Run by the scripts beside these files, which start them; without
//! their switches in the environment every test here says that it was skipped.

#[path = "real/bluesky.rs"]
mod bluesky;
