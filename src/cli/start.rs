//! Arguments of the commands that start the deck, or its streams without a screen.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::model::NetworkKind;

/// Try the deck on the built-in simulator: no account, no network, a store of its own that is thrown away
///
/// Simulated customers complain, thank, come back and answer what you send; the whole job can be learned
/// without touching a real one. Config and data folder are its own: REPLYDECK_CONFIG and REPLYDECK_DATA_DIR are not
/// looked at, and --config and --data-dir are refused.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(after_help = "Example:\n  replydeck demo --rate 30")]
pub struct DemoArgs {
    /// The same number gives the same customers
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// So many posts arrive in a minute
    #[arg(long, value_name = "POSTS_PER_MIN", default_value = "20", value_parser = rate)]
    pub rate: f64,
    /// Which simulated network to listen to
    #[arg(long, value_enum, default_value_t = DemoNetwork::X)]
    pub network: DemoNetwork,
}

/// The networks the simulator speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DemoNetwork {
    #[default]
    X,
    Bluesky,
    Mastodon,
    /// The same outage on all of them
    All,
}

impl DemoNetwork {
    pub fn kinds(self) -> Vec<NetworkKind> {
        match self {
            DemoNetwork::X => vec![NetworkKind::X],
            DemoNetwork::Bluesky => vec![NetworkKind::Bluesky],
            DemoNetwork::Mastodon => vec![NetworkKind::Mastodon],
            DemoNetwork::All => NetworkKind::ALL.to_vec(),
        }
    }
}

/// Feed the deck from recorded posts; what is sent goes to the built-in simulator
///
/// Columns and accounts are those of the config; sending works with every account of it, also one that only listens.
/// The store is the replay's own and is thrown away at its end: REPLYDECK_DATA_DIR is not looked at, and --data-dir is
/// refused.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(
    after_help = "Examples:\n  replydeck replay yesterday.ndjson --speed 10\n  zcat old.ndjson.gz | replydeck replay - --speed max"
)]
pub struct ReplayArgs {
    /// What X's stream or a Mastodon server's stream sent, one JSON object a line; `-` reads stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// So many times as fast as it happened, or `max`
    #[arg(long, value_name = "X|max", default_value = "1")]
    pub speed: Speed,
}

/// Keep the streams and the store going without a screen
///
/// Runs until it is stopped (Ctrl-C, SIGTERM). A deck on the same host shows what it takes in.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  replydeck ingest")]
pub struct IngestArgs {}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    Times(f64),
    /// As fast as it can be read.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Speed::Times(times)),
            _ => Err("a speed is a number above 0, such as 1 or 0.5 or 60, or max".to_owned()),
        }
    }
}

/// Posts a minute; the simulator is no load generator.
const HIGHEST_RATE: f64 = 60_000.0;

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=HIGHEST_RATE).contains(&rate) => Ok(rate),
        _ => Err(format!("posts a minute, from 0 to {HIGHEST_RATE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Speed, rate};

    #[test]
    fn speeds_and_rates_are_numbers_that_make_sense() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        for bad in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
        assert_eq!(rate("0"), Ok(0.0));
        for bad in ["-1", "NaN", "inf", "1e9", "x"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
