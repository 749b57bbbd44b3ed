//! A config that fits the running simulator: six columns for the invented brand, its secrets in files of their own.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::world::{BRAND_HANDLE, BRAND_ID};
use super::x::auth::Credentials;

/// Beside the ready config: the same with an account that has to be logged in by `replydeck auth`.
pub(super) const LOGIN_CONFIG: &str = "login.toml";

/// Writes the configs and their secrets into `dir` and hands back the path of the one that needs no log-in.
pub(super) fn write(dir: &Path, x_url: &str, credentials: &Credentials) -> io::Result<PathBuf> {
    let dir = std::path::absolute(dir)?;
    std::fs::create_dir_all(&dir)?;
    let secret = |name: &str, value: &str| -> io::Result<String> {
        let path = dir.join(name);
        write_private(&path, value)?;
        Ok(toml::Value::String(path.display().to_string()).to_string())
    };
    let bearer = secret("x-bearer", &credentials.bearer)?;
    let consumer_secret = secret("x-consumer-secret", &credentials.consumer_secret)?;
    let token_secret = secret("x-token-secret", &credentials.token_secret)?;
    let text = CONFIG
        .replace("%URL%", x_url)
        .replace("%HANDLE%", BRAND_HANDLE)
        .replace("%USER%", &BRAND_ID.to_string())
        .replace("%BEARER%", &bearer)
        .replace("%CONSUMER_KEY%", &credentials.consumer_key)
        .replace("%CONSUMER_SECRET%", &consumer_secret)
        .replace("%TOKEN%", &credentials.token)
        .replace("%TOKEN_SECRET%", &token_secret);
    let client_secret = secret("x-client-secret", &credentials.client_secret)?;
    // A free port: the page of the simulator takes any of this machine.
    let login = format!(
        "client_id = \"{}\"\nclient_secret = {{ file = {client_secret} }}\nredirect = \"http://127.0.0.1:0/callback\"\n",
        credentials.client_id
    );
    let login_text: String = text
        .lines()
        .filter(|line| !line.starts_with("token"))
        .map(|line| if line.starts_with("consumer_key") { format!("{login}{line}\n") } else { format!("{line}\n") })
        .collect();
    std::fs::write(dir.join(LOGIN_CONFIG), login_text)?;
    let path = dir.join("replydeck.toml");
    std::fs::write(&path, text)?;
    Ok(path)
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

const CONFIG: &str = r##"# Made by the simulator: an invented brand, invented customers, and no way out to the real network.
rep = "ana"
deck = "rehearsal"
signature = "^AN"
hold = "10s"
causes = ["outage", "hold times", "billing", "slow line", "technician", "delivery", "praise"]

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

[accounts.acme]
network = "x"
handle = "%HANDLE%"
user_id = "%USER%"
tier = "pay-per-use"
base_url = "%URL%"
bearer = { file = %BEARER% }
consumer_key = "%CONSUMER_KEY%"
consumer_secret = { file = %CONSUMER_SECRET% }
token = "%TOKEN%"
token_secret = { file = %TOKEN_SECRET% }
watch_own = true

[[columns]]
name = "mentions"
title = "@%HANDLE%"
account = "acme"
query = "(@%HANDLE% OR to:%HANDLE%) -is:retweet -from:%HANDLE%"
target = "15m"

[[columns]]
name = "acme"
title = "acme"
account = "acme"
query = "(acme OR アクメ) -is:retweet -from:%HANDLE%"
target = "1h"

[[columns]]
name = "acmedown"
title = "#acmedown"
account = "acme"
query = "#acmedown -is:retweet"
target = "30m"

[[columns]]
name = "billing"
account = "acme"
query = "(acme OR アクメ OR @%HANDLE%) (bill OR billing OR charged OR fee OR invoice OR refund OR bolletta OR rimborso OR factura OR cobrado OR devolución OR Rechnung OR abgebucht OR Gutschrift OR 請求 OR 返金) -is:retweet -from:%HANDLE%"
target = "2h"

[[columns]]
name = "hold"
title = "hold times"
account = "acme"
query = "(acme OR アクメ OR @%HANDLE%) (\"on hold\" OR hotline OR queue OR \"hung up\" OR \"in attesa\" OR \"in coda\" OR espera OR cola OR Warteschleife OR weiterverbunden OR 待ち OR 保留) -is:retweet -from:%HANDLE%"
target = "30m"

[[columns]]
name = "praise"
title = "happy"
account = "acme"
query = "(acme OR アクメ OR @%HANDLE%) (thanks OR thank OR happy OR love OR great OR kind OR grazie OR complimenti OR gracias OR contento OR danke OR zufrieden OR ありがとう OR 助かりました) -is:retweet -from:%HANDLE%"
target = "4h"
"##;
