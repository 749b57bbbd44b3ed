//! The shell around the deck: the only tasks, the only clock, the only terminal.
//!
//! One loop owns the [`App`](crate::app::App). Its arms are a policy: a key comes before a frame, a frame before the clock, the
//! clock before what networks and store have to say, so a flood starves none of them.
//!
//! ```text
//! networks ─> column tasks ─> intake ─> log ─> inbox ─┐
//! keys ───────────────────────────────────────────────┼─> update ─> effects ─> log, networks, terminal
//! seconds ────────────────────────────────────────────┘      └────> frame
//! ```

pub mod clock;
pub mod column;
pub mod columns;
pub mod deck;
pub mod editor;
pub mod effects;
pub mod encoder;
pub mod feeding;
pub mod frame;
pub mod gaps;
pub mod holder;
pub mod intake;
pub mod listened;
pub mod logs;
pub mod looking;
pub mod networks;
pub mod outbox;
pub mod person;
pub mod presence;
pub mod recording;
pub mod reload;
pub mod renewing;
pub mod reporting;
pub mod searching;
pub mod session;
pub mod signals;
pub mod spend;
pub mod store;
pub mod terminal;
pub mod together;
mod trying;
