//! One outage on X, Bluesky and Mastodon, answered from one keyboard, each on its own network.

use serde_json::json;

use super::{CTRL_S, InTerminal};
use crate::simulator::Simulator;

const LARGE: (u16, u16) = (200, 50);

#[test]
fn the_same_outage_is_answered_on_its_own_network() {
    let home = tempfile::tempdir().expect("a home");
    let simulator = Simulator::quiet(home.path());
    let config = std::fs::read_to_string(&simulator.all_config).expect("the config");
    std::fs::write(&simulator.all_config, config.replace("hold = \"10s\"", "hold = \"0s\"")).expect("a config");
    let config = simulator.all_config.to_str().expect("a path");
    let mut deck = InTerminal::start(&["--config", config], home.path(), LARGE, &[]);
    deck.shows("LIVE 3/3");
    let planes = [&*simulator, &simulator.bluesky, &simulator.mastodon];
    let complaints = planes.map(|plane| {
        let name = "no line since noon, everything is down";
        plane.post(&json!({"handle": "jo_m", "name": "Jo", "text": format!("@AcmeHelp {name} #acmedown")}))
    });
    deck.until("three labels over three columns", |screen| {
        ["@jo_m ", "@jo-m.sim.example ", "@jo_m@"].iter().all(|handle| screen.contains(handle))
    });
    for (n, (network, plane)) in ["X", "Bluesky", "Mastodon"].iter().zip(planes).enumerate() {
        let column = n + 1;
        deck.keys(&format!("{column}"));
        deck.until("the column", |screen| {
            screen.lines().nth(1).is_some_and(|tabs| tabs.contains(&format!("[{column} ")))
        });
        deck.keys("gg");
        deck.keys("r");
        deck.shows("may we reply?");
        deck.keys(&format!("we are on it: report {column}"));
        deck.shows(&format!("report {column}"));
        deck.keys(CTRL_S);
        deck.shows(&format!("({network}), visible to"));
        deck.keys("y");
        let writes = plane.written(1);
        assert_eq!(writes.len(), 1, "{network}: {writes:?}");
        let write = &writes[0];
        assert_eq!(write["kind"], "reply", "{network}");
        let answered =
            if write["in_reply_to_post"].is_null() { &write["in_reply_to"] } else { &write["in_reply_to_post"] };
        assert_eq!(answered.as_str(), Some(complaints[n].as_str()), "{network}: {write}");
        assert!(
            write["text"].as_str().is_some_and(|text| text.contains(&format!("report {column}"))),
            "{network}: {write}"
        );
        deck.shows("sent");
    }
    // The column of one query hears all of them.
    deck.keys("7");
    deck.until("the outage's column", |screen| {
        let all = ["7 #acmedown", "@jo_m@mastodon.example ", "@jo-m.sim.example ", "@jo_m  "];
        all.iter().all(|shown| screen.contains(shown))
    });
    // In the three rows and in the pane: with a reply on its way, quitting would be asked about.
    deck.until("the last answer", |screen| screen.matches("ack ana").count() >= 4);
    deck.keys("Q");
    assert!(deck.ended().success());
}
