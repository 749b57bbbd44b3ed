//! A config that fits the running simulators: columns for the invented brand, its secrets in files of their own.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::world::{BRAND_HANDLE, BRAND_ID};
use super::{Sim, bluesky, mastodon};
use crate::model::NetworkKind;

/// The ready config of a simulator that plays one network.
pub(super) const CONFIG: &str = "replydeck.toml";
/// Beside the ready config: the same with an account that has to be logged in by `replydeck auth`.
pub(super) const LOGIN_CONFIG: &str = "login.toml";

/// Writes a config for these simulators, each of another network, and their secrets into `dir`; hands back its path.
pub(super) fn write(dir: &Path, name: &str, sims: &[&Sim]) -> io::Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    std::fs::create_dir_all(&dir)?;
    let mut text = HEAD.to_owned();
    for sim in sims {
        text.push_str(&account(&dir, sim)?);
    }
    let networks: Vec<NetworkKind> = sims.iter().map(|sim| sim.network).collect();
    text.push_str(&columns(&networks));
    let path = dir.join(name);
    std::fs::write(&path, &text)?;
    if let [NetworkKind::X] = networks.as_slice() {
        std::fs::write(dir.join(LOGIN_CONFIG), with_login(&dir, sims[0], &text)?)?;
    }
    Ok(path)
}

/// The account's name in the ready config.
fn account_name(network: NetworkKind) -> &'static str {
    match network {
        NetworkKind::X => "acme",
        NetworkKind::Bluesky => "acme-bluesky",
        NetworkKind::Mastodon => "acme-mastodon",
    }
}

/// The brand's handle as its network has it.
fn handle(network: NetworkKind) -> String {
    match network {
        NetworkKind::X => BRAND_HANDLE.to_owned(),
        NetworkKind::Bluesky => bluesky::brand_handle(BRAND_HANDLE),
        NetworkKind::Mastodon => format!("{BRAND_HANDLE}@{}", mastodon::DOMAIN),
    }
}

fn secret(dir: &Path, name: &str, value: &str) -> io::Result<String> {
    let path = dir.join(name);
    write_private(&path, value)?;
    Ok(format!("{{ file = {} }}", toml::Value::String(path.display().to_string())))
}

fn account(dir: &Path, sim: &Sim) -> io::Result<String> {
    let (network, url, credentials) = (sim.network, sim.url(), &sim.credentials);
    let mut lines = vec![
        format!("[accounts.{}]", account_name(network)),
        format!("network = \"{}\"", network.prefix()),
        format!("handle = \"{}\"", handle(network)),
        format!("base_url = \"{url}\""),
    ];
    match network {
        NetworkKind::X => lines.extend([
            format!("user_id = \"{BRAND_ID}\""),
            "tier = \"pay-per-use\"".to_owned(),
            format!("bearer = {}", secret(dir, "x-bearer", &credentials.bearer)?),
            format!("consumer_key = \"{}\"", credentials.consumer_key),
            format!("consumer_secret = {}", secret(dir, "x-consumer-secret", &credentials.consumer_secret)?),
            format!("token = \"{}\"", credentials.token),
            format!("token_secret = {}", secret(dir, "x-token-secret", &credentials.token_secret)?),
        ]),
        NetworkKind::Bluesky => lines.extend([
            format!("app_password = {}", secret(dir, "bluesky-password", &sim.bluesky_secrets().app_password)?),
            format!("jetstreams = [\"{}\"]", url.replacen("http:", "ws:", 1)),
            format!("appview = \"{url}\""),
        ]),
        NetworkKind::Mastodon => lines.extend([
            format!("access_token = {}", secret(dir, "mastodon-token", &credentials.access_token)?),
            format!("streaming = \"{}\"", url.replacen("http:", "ws:", 1)),
        ]),
    }
    Ok(format!("\n{}\nwatch_own = true\n", lines.join("\n")))
}

/// The config of X's account alone, to be logged in by `replydeck auth`.
fn with_login(dir: &Path, sim: &Sim, text: &str) -> io::Result<String> {
    let credentials = &sim.credentials;
    // A free port: the page of the simulator takes any of this machine.
    let login = format!(
        "client_id = \"{}\"\nclient_secret = {}\nredirect = \"http://127.0.0.1:0/callback\"\n",
        credentials.client_id,
        secret(dir, "x-client-secret", &credentials.client_secret)?
    );
    let lines = text.lines().filter(|line| !line.starts_with("token"));
    Ok(lines
        .map(|line| if line.starts_with("consumer_key") { format!("{login}{line}\n") } else { format!("{line}\n") })
        .collect())
}

/// One column of the ready config.
struct Column {
    name: &'static str,
    title: Option<&'static str>,
    /// `%AT%` stands for the brand's handle.
    query: &'static str,
    target: &'static str,
}

/// On one network all columns are that network's. On several the brand's name is watched on each by itself, so that one
/// sees where something comes from; what is asked for by other words comes into one column from all of them.
fn columns(networks: &[NetworkKind]) -> String {
    let named = |column: &Column| column.query.starts_with("(@") || column.name == "acme";
    let mut text = String::new();
    for column in &COLUMNS {
        match networks {
            [network] => text.push_str(&written(column, column.name, column.title, &[*network])),
            _ if named(column) => {
                for network in networks {
                    let name = format!("{}-{}", network.prefix(), column.name);
                    text.push_str(&written(column, &name, Some(column.title.unwrap_or(column.name)), &[*network]));
                }
            }
            _ => text.push_str(&written(column, column.name, column.title, networks)),
        }
    }
    text
}

fn written(column: &Column, name: &str, title: Option<&str>, networks: &[NetworkKind]) -> String {
    let at = networks.first().copied().map(handle).unwrap_or_default();
    let title = title.map(|title| format!("title = \"{}\"\n", title.replace("%AT%", &at))).unwrap_or_default();
    let heard = if let [network] = networks {
        format!("account = \"{}\"", account_name(*network))
    } else {
        let names: Vec<String> = networks.iter().map(|network| format!("\"{}\"", network.prefix())).collect();
        format!("networks = [{}]", names.join(", "))
    };
    let query = column.query.replace("%AT%", &at).replace('"', "\\\"");
    format!("\n[[columns]]\nname = \"{name}\"\n{title}{heard}\nquery = \"{query}\"\ntarget = \"{}\"\n", column.target)
}

/// Writes a file that only its owner may read, from its first byte on.
fn write_private(path: &Path, value: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A file that was there before keeps its mode on opening.
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    writeln!(file, "{value}")
}

const HEAD: &str = r#"# Made by the simulator: an invented brand, invented customers, and no way out to the real network.
rep = "ana"
deck = "rehearsal"
signature = "^AN"
hold = "10s"
causes = ["outage", "hold times", "billing", "slow line", "technician", "delivery", "praise"]
outcomes = ["restored", "reset", "refund", "explained", "no answer"]
team = ["ana", "bo", "cy"]

[openings]
acknowledgement = "Hi {name}, sorry about this. "
dm_request = "Hi {name}, please send us a DM with your customer number, so that we can look into it. "
both = "Hi {name}, sorry about this, we are on it. Please send us a DM with your customer number. "

[saved_replies]
outage = "Sorry, {name}. We see an outage in {place} and our engineers are on it. Next update at {time}."
hold = "Sorry for the long wait, {name}. {what_next}"
billing = "That does not look right, {name}. Please send us the invoice number and we will check it."
slow = "Sorry about the slow line, {name}. {what_next}"
contact = "You reach us at help@acme.example or 0800 555 0100."
thanks = "Thank you, {name}! We will pass it on."
fixed = "Good news, {name}: it is fixed on our side. Is it working for you?"
"#;

const COLUMNS: [Column; 6] = [
    Column {
        name: "mentions",
        title: Some("@%AT%"),
        query: "(@%AT% OR to:%AT%) -is:retweet -from:%AT%",
        target: "15m",
    },
    Column { name: "acme", title: Some("acme"), query: "(acme OR アクメ) -is:retweet -from:%AT%", target: "1h" },
    Column { name: "acmedown", title: Some("#acmedown"), query: "#acmedown -is:retweet", target: "30m" },
    Column {
        name: "billing",
        title: None,
        query: "(acme OR アクメ OR @%AT%) (bill OR billing OR charged OR fee OR invoice OR refund OR bolletta OR rimborso OR factura OR cobrado OR devolución OR Rechnung OR abgebucht OR Gutschrift OR 請求 OR 返金) -is:retweet -from:%AT%",
        target: "2h",
    },
    Column {
        name: "hold",
        title: Some("hold times"),
        query: r#"(acme OR アクメ OR @%AT%) ("on hold" OR hotline OR queue OR "hung up" OR "in attesa" OR "in coda" OR espera OR cola OR Warteschleife OR weiterverbunden OR 待ち OR 保留) -is:retweet -from:%AT%"#,
        target: "30m",
    },
    Column {
        name: "praise",
        title: Some("happy"),
        query: "(acme OR アクメ OR @%AT%) (thanks OR thank OR happy OR love OR great OR kind OR grazie OR complimenti OR gracias OR contento OR danke OR zufrieden OR ありがとう OR 助かりました) -is:retweet -from:%AT%",
        target: "4h",
    },
];
