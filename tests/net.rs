//! The X adapter against small scripted servers on loopback, and the other networks' against the simulator.

#[path = "net/activity.rs"]
mod activity;
#[path = "net/activity_bad_days.rs"]
mod activity_bad_days;
#[path = "net/activity_rig.rs"]
mod activity_rig;
#[path = "net/activity_simulated.rs"]
mod activity_simulated;
#[path = "net/bad_days.rs"]
mod bad_days;
#[path = "net/bluesky_bad_days.rs"]
mod bluesky_bad_days;
#[path = "net/bluesky_frames.rs"]
mod bluesky_frames;
#[path = "net/bluesky_gates.rs"]
mod bluesky_gates;
#[path = "net/bluesky_listening.rs"]
mod bluesky_listening;
#[path = "net/bluesky_rig.rs"]
mod bluesky_rig;
#[path = "net/bluesky_search.rs"]
mod bluesky_search;
#[path = "net/bluesky_writing.rs"]
mod bluesky_writing;
#[path = "net/each_outage.rs"]
mod each_outage;
#[path = "net/filling.rs"]
mod filling;
#[path = "net/gap_to_screen.rs"]
mod gap_to_screen;
#[path = "net/going_private.rs"]
mod going_private;
#[path = "net/handing_over.rs"]
mod handing_over;
#[path = "net/listening.rs"]
mod listening;
#[path = "net/mastodon_listening.rs"]
mod mastodon_listening;
#[path = "net/mastodon_outages.rs"]
mod mastodon_outages;
#[path = "net/mastodon_rig.rs"]
mod mastodon_rig;
#[path = "net/mastodon_servers.rs"]
mod mastodon_servers;
#[path = "net/mastodon_twice.rs"]
mod mastodon_twice;
#[path = "net/mastodon_writing.rs"]
mod mastodon_writing;
#[path = "net/messages.rs"]
mod messages;
#[path = "net/replay_sends.rs"]
mod replay_sends;
#[path = "net/replaying.rs"]
mod replaying;
#[path = "net/restarting.rs"]
mod restarting;
#[path = "net/rig.rs"]
mod rig;
#[path = "net/rules.rs"]
mod rules;
#[path = "net/searching.rs"]
mod searching;
#[path = "net/server.rs"]
mod server;
#[path = "net/spending.rs"]
mod spending;
#[path = "net/standing.rs"]
mod standing;
#[path = "net/threads.rs"]
mod threads;
#[path = "net/unreachable.rs"]
mod unreachable;
#[path = "net/verdicts.rs"]
mod verdicts;
#[path = "net/whole_desk.rs"]
mod whole_desk;
#[path = "net/writing.rs"]
mod writing;
