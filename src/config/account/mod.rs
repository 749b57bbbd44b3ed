//! `[accounts.NAME]`: a brand's login on a network. What all have in common is here, what a network has of its own in
//! its file.

mod bluesky;
mod mastodon;
mod x;

use std::path::Path;

use url::Url;

use super::problem::Problem;
use super::read::once_each;
use super::secret::SecretSource;
use super::secret_place::SecretPlace;
use super::table::{Reader, Table, Text, suggest};
use crate::model::account::Tier;
use crate::model::spend::Budget;
use crate::model::{Account, AccountName, AuthorId, NetworkKind, RepName};

pub use self::bluesky::{APPVIEW, BlueskyAccess, JETSTREAMS, SERVICE};
pub use self::mastodon::MastodonAccess;
pub use self::x::{UserSecrets, X_BASE_URL, XAccess};

/// An account as the config describes it. Names where its secrets are and holds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    pub name: AccountName,
    /// Without the `@`.
    pub handle: String,
    /// The network's own id of the account.
    pub user_id: Option<String>,
    /// Scheme, host and port only.
    pub base_url: Url,
    /// What only its network has.
    pub access: Access,
    /// Also listen for the account's own posts.
    pub watch_own: bool,
    /// Also read the account's direct messages.
    pub messages: bool,
    /// Who may read and write its direct messages; everybody where it is empty.
    pub reps: Vec<RepName>,
    /// Sending takes a second deliberate key.
    pub confirm: bool,
}

/// How an account reaches its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    X(XAccess),
    Bluesky(BlueskyAccess),
    Mastodon(MastodonAccess),
}

impl AccountConfig {
    pub fn network(&self) -> NetworkKind {
        match &self.access {
            Access::X(_) => NetworkKind::X,
            Access::Bluesky(_) => NetworkKind::Bluesky,
            Access::Mastodon(_) => NetworkKind::Mastodon,
        }
    }

    /// What the desk knows of it.
    pub fn account(&self) -> Account {
        let network = self.network();
        Account {
            name: self.name.clone(),
            network,
            handle: self.handle.clone(),
            id: self.user_id.as_deref().map(|id| AuthorId::new(network, id)),
            tier: self.tier(),
            can_send: self.may_send(),
            confirm: self.confirm,
            web_url: self.web_url(),
            limits: None,
        }
    }

    /// The plan; networks that sell none know no wall either.
    pub fn tier(&self) -> Tier {
        match &self.access {
            Access::X(x) => x.tier,
            Access::Bluesky(_) | Access::Mastodon(_) => Tier::Enterprise,
        }
    }

    /// Credentials for sending are named, or kept by `replydeck auth`.
    pub fn may_send(&self) -> bool {
        match &self.access {
            Access::X(x) => x.user.is_some(),
            Access::Bluesky(bluesky) => bluesky.app_password.is_some(),
            // Listening takes a user's token already.
            Access::Mastodon(_) => true,
        }
    }

    /// What it pays and may pay; `None` where nothing is paid, or prices are not known: contracts have their own.
    pub fn budget(&self) -> Option<Budget> {
        match &self.access {
            Access::X(x) => x.budget(),
            Access::Bluesky(_) | Access::Mastodon(_) => None,
        }
    }

    /// Where pages are opened: a network that is not the real one, such as the simulator, has its own.
    fn web_url(&self) -> String {
        let own = || self.base_url.as_str().trim_end_matches('/').to_owned();
        match &self.access {
            Access::X(_) => x::web_url(&self.base_url).unwrap_or_else(own),
            Access::Bluesky(_) => bluesky::web_url(&self.base_url).unwrap_or_else(own),
            Access::Mastodon(_) => own(),
        }
    }

    /// Every secret it needs, by its key in the config.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretSource)> {
        match &self.access {
            Access::X(x) => x.secrets(),
            Access::Bluesky(bluesky) => bluesky.app_password.iter().map(|source| ("app_password", source)).collect(),
            Access::Mastodon(mastodon) => mastodon.token.iter().map(|source| ("access_token", source)).collect(),
        }
    }

    /// What only X has.
    pub fn x(&self) -> Option<&XAccess> {
        match &self.access {
            Access::X(x) => Some(x),
            Access::Bluesky(_) | Access::Mastodon(_) => None,
        }
    }
}

/// Reads one account; `folder` is where relative paths start, `home` what `~/` stands for. Of one that cannot be used,
/// the network it is on, where that much is known.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &Text<'_>,
    mut table: Table<'_>,
    folder: &Path,
    home: Option<&Path>,
) -> Result<AccountConfig, Option<NetworkKind>> {
    let place = SecretPlace { folder, home };
    let network = table.text(reader, "network", "\"x\", \"bluesky\" or \"mastodon\"");
    let handle = table.text(reader, "handle", "the account's handle in quotes");
    let user_id = table.text(reader, "user_id", "the account's id in quotes, such as \"1234567890\"");
    let base_url = table.text(reader, "base_url", "an address such as \"https://api.x.com\"");
    let watch_own = table.yes_or_no(reader, "watch_own").unwrap_or(true);
    let messages = table.yes_or_no(reader, "messages").unwrap_or(true);
    let reps = table.take("reps").map_or_else(Vec::new, |value| {
        let reps = reader.as_texts("reps", value, "a list such as [\"ana\", \"bo\"]").unwrap_or_default();
        once_each(reader, ("reps", "rep"), &reps).into_iter().map(|rep| RepName::new(&rep)).collect()
    });
    let confirm = table.yes_or_no(reader, "confirm").unwrap_or(false);
    let kind = match &network {
        None => {
            if !table.holds("network") {
                reader.problem(missing(name, "network", "\"x\", or \"bluesky\", \"mastodon\""));
            }
            None
        }
        Some(network) => {
            let kind = NetworkKind::ALL.into_iter().find(|kind| kind.prefix() == network.value);
            if kind.is_none() {
                let known = NetworkKind::ALL.map(NetworkKind::prefix);
                reader.problem(
                    Problem::new(network.span.clone(), format!("`{}` is not a network", network.value))
                        .remedy(suggest(network.value, &known, "networks")),
                );
            }
            kind
        }
    };
    // What an account of a network nobody knows must hold, nobody knows either.
    let Some(kind) = kind else { return Err(None) };
    match &handle {
        None if table.holds("handle") => {}
        None => reader.problem(missing(name, "handle", &format!("\"{}\", without the @", handle_of(kind)))),
        Some(handle) => check_handle(reader, kind, handle),
    }
    let account = Part { name, user_id: user_id.as_ref(), base_url: base_url.as_ref(), place };
    let read = match kind {
        NetworkKind::X => x::read(reader, &account, &mut table).map(|(url, x)| (url, Access::X(x))),
        NetworkKind::Bluesky => {
            bluesky::read(reader, &account, &mut table).map(|(url, bluesky)| (url, Access::Bluesky(bluesky)))
        }
        NetworkKind::Mastodon => {
            mastodon::read(reader, &account, &mut table).map(|(url, mastodon)| (url, Access::Mastodon(mastodon)))
        }
    };
    table.finish(reader);
    let (Some((base_url, access)), Some(handle)) = (read, handle) else { return Err(Some(kind)) };
    Ok(AccountConfig {
        name: AccountName::new(name.value),
        handle: whole_handle(&access, handle.value, &base_url),
        user_id: user_id.map(|id| id.value.to_owned()),
        base_url,
        access,
        watch_own,
        messages,
        reps,
        confirm,
    })
}

/// What a network's own reader gets of the common part.
struct Part<'p> {
    name: &'p Text<'p>,
    user_id: Option<&'p Text<'p>>,
    base_url: Option<&'p Text<'p>>,
    place: SecretPlace<'p>,
}

fn missing(name: &Text<'_>, key: &str, example: &str) -> Problem {
    Problem::new(name.span.clone(), format!("account `{}` has no `{key}`", name.value))
        .remedy(format!("add {key} = {example}"))
}

/// What a handle looks like there.
fn handle_of(network: NetworkKind) -> &'static str {
    match network {
        NetworkKind::X => "ExampleHelp",
        NetworkKind::Bluesky => "example.bsky.social",
        NetworkKind::Mastodon => "help",
    }
}

fn check_handle(reader: &mut Reader<'_>, network: NetworkKind, handle: &Text<'_>) {
    if let Some(bare) = handle.value.strip_prefix('@') {
        reader.problem(
            Problem::new(handle.span.clone(), "a handle is written without the @".to_owned())
                .remedy(format!("handle = \"{bare}\"")),
        );
        return;
    }
    let (fits, remedy) = match network {
        NetworkKind::X => (x::is_handle(handle.value), x::HANDLE),
        NetworkKind::Bluesky => (bluesky::is_handle(handle.value), bluesky::HANDLE),
        NetworkKind::Mastodon => (mastodon::is_handle(handle.value), mastodon::HANDLE),
    };
    if !fits {
        let message = format!("`{}` is not a handle of {network}", handle.value);
        reader.problem(Problem::new(handle.span.clone(), message).remedy(remedy));
    }
}

/// On Mastodon a handle names its server; the account's own may be left away in the config.
fn whole_handle(access: &Access, written: &str, base_url: &Url) -> String {
    match access {
        Access::Mastodon(_) if !written.contains('@') => {
            format!("{written}@{}", base_url.host_str().unwrap_or_default())
        }
        Access::X(_) | Access::Bluesky(_) | Access::Mastodon(_) => written.to_owned(),
    }
}

/// An address of scheme, host and port: TLS everywhere but on this machine, where a rehearsal runs. `secure` and
/// `plain` are the schemes with and without TLS.
fn read_address(
    reader: &mut Reader<'_>,
    key: &str,
    text: &Text<'_>,
    (secure, plain): (&str, &str),
    example: &str,
) -> Option<Url> {
    let written = format!("write it like \"{example}\"");
    let refuse = |reader: &mut Reader<'_>, message: String, remedy: &str| {
        reader.problem(Problem::new(text.span.clone(), message).remedy(remedy));
        None
    };
    if !text.value.contains("://") {
        // `localhost:8080` would pass for an address of the scheme `localhost`.
        let remedy = match Url::parse(&format!("{secure}://{}", text.value)) {
            Ok(meant) if is_loopback(&meant) => format!("{key} = \"{plain}://{}\"", text.value),
            Ok(_) => format!("{key} = \"{secure}://{}\"", text.value),
            Err(_) => written,
        };
        return refuse(reader, format!("`{key}` does not begin with {secure}://"), &remedy);
    }
    let url = match Url::parse(text.value) {
        Ok(url) => url,
        Err(why) => return refuse(reader, format!("`{key}` is not an address: {why}"), &written),
    };
    if url.host().is_none() {
        return refuse(reader, format!("`{key}` names no host"), &written);
    }
    if url.scheme() != secure && url.scheme() != plain {
        let message = format!("`{key}` begins with {}://, it must begin with {secure}://", url.scheme());
        return refuse(reader, message, &written);
    }
    if url.scheme() == plain && !is_loopback(&url) {
        let message = format!("`{key}` would send secrets over {plain}");
        let remedy = format!("use {secure}; only loopback, such as {plain}://127.0.0.1:8080, may go without");
        return refuse(reader, message, &remedy);
    }
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        let remedy = format!("paths are the program's business: {written}");
        return refuse(reader, format!("`{key}` holds more than scheme, host and port"), &remedy);
    }
    Some(url)
}

/// This machine, where a rehearsal runs.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
