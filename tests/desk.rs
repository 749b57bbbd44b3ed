//! Scripts for the desk: events in, state out. Nothing here touches a store, a screen or the clock.

mod desk {
    pub mod answers;
    pub mod checkpoint;
    pub mod history;
    pub mod outbox;
    pub mod properties;
    pub mod script;
    pub mod status;
    pub mod windows;
}
