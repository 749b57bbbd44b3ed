//! replydeck: hear what customers say in public, and answer before it becomes a fire.

pub mod app;
pub mod cli;
pub mod config;
pub mod desk;
pub mod log;
pub mod model;
pub mod net;
pub mod rules;
pub mod run;
pub mod sim;
pub mod ui;
