//! Scripts for the desk: events in, state out. Nothing here touches a store, a screen or the clock.

mod desk {
    pub(crate) mod answers;
    pub(crate) mod checkpoint;
    pub(crate) mod clocks;
    pub(crate) mod history;
    pub(crate) mod outbox;
    pub(crate) mod private;
    pub(crate) mod properties;
    pub(crate) mod report;
    pub(crate) mod script;
    pub(crate) mod status;
    pub(crate) mod windows;
}
