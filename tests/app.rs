//! The deck without a terminal, a network or a store: keys and messages in, state and effects out.

mod app {
    mod answering;
    mod asked_of;
    mod cannot;
    mod casework;
    mod chance;
    mod conversation;
    mod drafted_for;
    mod gap_rows;
    mod left_behind;
    mod network_search;
    mod outbox;
    mod people;
    mod places;
    mod private;
    mod queues;
    mod report;
    mod screens;
    mod script;
    mod sending;
    mod spending;
    mod taking_over;
    mod texts;
    mod together;
    mod undoing;
    mod unsaid;
}
