//! `[accounts.NAME]`: a brand's login on a network.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::login::{ClientSecrets, ConsumerSecrets, LoginSecrets, read_redirect};
use super::problem::Problem;
use super::read::once_each;
use super::secret::SecretSource;
use super::table::{Reader, Table, Text, suggest};
use crate::model::account::{Tier, X_WEB_URL};
use crate::model::price::{Money, Prices};
use crate::model::spend::{Act, Budget};
use crate::model::{Account, AccountName, AuthorId, NetworkKind, RepName};

/// Where X's API is.
pub const X_BASE_URL: &str = "https://api.x.com";
/// Handles on X hold so many characters; old ones are a little longer than today's 15.
const HANDLE_CHARACTERS: usize = 20;

/// An account as the config describes it. Names where its secrets are and holds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    pub name: AccountName,
    pub network: NetworkKind,
    /// Without the `@`.
    pub handle: String,
    /// The network's own id of the account.
    pub user_id: Option<String>,
    pub tier: Tier,
    /// Scheme, host and port only.
    pub base_url: Url,
    /// The app's own token, for listening.
    pub bearer: SecretSource,
    /// Who writes; without it the account only listens.
    pub user: Option<UserSecrets>,
    /// Also listen for the account's own posts.
    pub watch_own: bool,
    /// Also read the account's direct messages.
    pub messages: bool,
    /// Who may read and write its direct messages; everybody where it is empty.
    pub reps: Vec<RepName>,
    /// Sending takes a second deliberate key.
    pub confirm: bool,
    /// Reading pauses when a UTC day has cost so much.
    pub daily_limit: Option<Money>,
    /// Prices other than the plan's own.
    pub prices: Vec<(Act, Money)>,
}

/// The ways to write as a user on X.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserSecrets {
    OAuth2 {
        access_token: SecretSource,
    },
    OAuth1 {
        consumer_key: String,
        consumer_secret: SecretSource,
        token: String,
        token_secret: SecretSource,
    },
    /// Logged in by `replydeck auth`.
    Login(LoginSecrets),
}

impl AccountConfig {
    /// What the desk knows of it.
    pub fn account(&self) -> Account {
        Account {
            name: self.name.clone(),
            network: self.network,
            handle: self.handle.clone(),
            id: self.user_id.as_deref().map(|id| AuthorId::new(self.network, id)),
            tier: self.tier,
            can_send: self.user.is_some(),
            confirm: self.confirm,
            web_url: self.web_url(),
        }
    }

    /// What it pays and may pay; `None` where its prices are not known: contracts have their own.
    pub fn budget(&self) -> Option<Budget> {
        if self.tier == Tier::Enterprise && self.prices.is_empty() {
            return None;
        }
        let free = || {
            let mut free = Prices::X;
            for act in Act::ALL {
                *free.of_mut(act) = Money::default();
            }
            free
        };
        let mut prices = if self.tier == Tier::Enterprise { free() } else { Prices::X };
        for (act, price) in &self.prices {
            *prices.of_mut(*act) = *price;
        }
        Some(Budget { prices, daily_limit: self.daily_limit })
    }

    /// Where pages are opened: a network that is not X itself, such as the simulator, has its own.
    fn web_url(&self) -> String {
        match self.base_url.as_str().trim_end_matches('/') {
            X_BASE_URL => X_WEB_URL.to_owned(),
            other => other.to_owned(),
        }
    }

    /// Every secret it needs, by its key in the config.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretSource)> {
        let mut all = vec![("bearer", &self.bearer)];
        match &self.user {
            Some(UserSecrets::OAuth2 { access_token }) => all.push(("access_token", access_token)),
            Some(UserSecrets::OAuth1 { consumer_secret, token_secret, .. }) => {
                all.extend([("consumer_secret", consumer_secret), ("token_secret", token_secret)]);
            }
            Some(UserSecrets::Login(LoginSecrets { client, consumer })) => {
                all.extend(client.iter().filter_map(|client| Some(("client_secret", client.secret.as_ref()?))));
                all.extend(consumer.iter().map(|consumer| ("consumer_secret", &consumer.secret)));
            }
            None => {}
        }
        all
    }
}

/// Reads one account; `folder` is where relative paths start, `home` what `~/` stands for.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &Text<'_>,
    mut table: Table<'_>,
    folder: &Path,
    home: Option<&Path>,
) -> Option<AccountConfig> {
    let missing = |key: &str, example: &str| {
        Problem::new(name.span.clone(), format!("account `{}` has no `{key}`", name.value))
            .remedy(format!("add {key} = {example}"))
    };
    let place = SecretPlace { folder, home };
    let network = table.text(reader, "network", "\"x\"");
    let handle = table.text(reader, "handle", "the account's handle in quotes");
    let user_id = table.text(reader, "user_id", "the account's number in quotes, such as \"1234567890\"");
    let tier = table.text(reader, "tier", "\"pay-per-use\" or \"enterprise\"");
    let base_url = table.text(reader, "base_url", "an address such as \"https://api.x.com\"");
    let bearer_value = table.take("bearer");
    let access_token_value = table.take("access_token");
    let consumer_key = table.text(reader, "consumer_key", "text in quotes");
    let consumer_secret_value = table.take("consumer_secret");
    let token = table.text(reader, "token", "text in quotes");
    let token_secret_value = table.take("token_secret");
    let client_id = table.text(reader, "client_id", "text in quotes");
    let client_secret_value = table.take("client_secret");
    let redirect = table.text(reader, "redirect", "an address such as \"http://127.0.0.1:8739/callback\"");
    let watch_own = table.yes_or_no(reader, "watch_own").unwrap_or(true);
    let messages = table.yes_or_no(reader, "messages").unwrap_or(true);
    let reps = table.take("reps").map_or_else(Vec::new, |value| {
        let reps = reader.as_texts("reps", value, "a list such as [\"ana\", \"bo\"]").unwrap_or_default();
        once_each(reader, ("reps", "rep"), &reps).into_iter().map(|rep| RepName::new(&rep)).collect()
    });
    let confirm = table.yes_or_no(reader, "confirm").unwrap_or(false);
    let daily_limit = table.dollars(reader, "daily_limit");
    let prices_value = table.take("prices");
    table.finish(reader);
    let prices = prices_value
        .and_then(|value| reader.as_table("prices", value, "a table such as { post_read = 0.005 }"))
        .map_or_else(Vec::new, |table| read_prices(reader, table));

    match &network {
        None => reader.problem(missing("network", "\"x\"")),
        Some(network) if network.value == "x" => {}
        Some(network) => reader.problem(
            Problem::new(network.span.clone(), format!("`{}` is not a network this version speaks", network.value))
                .remedy("network = \"x\" is the one there is"),
        ),
    }
    match &handle {
        None => reader.problem(missing("handle", "\"ExampleHelp\", without the @")),
        Some(handle) => check_handle(reader, handle),
    }
    if let Some(id) = &user_id
        && (id.value.is_empty() || id.value.len() > 19 || !id.value.bytes().all(|byte| byte.is_ascii_digit()))
    {
        reader.problem(
            Problem::new(id.span.clone(), format!("`{}` is not a user id of X", id.value))
                .remedy("it is the account's number, at most 19 digits; the handle goes to `handle`"),
        );
    }
    let tier = match tier.as_ref().map(|tier| (tier.value, &tier.span)) {
        None | Some(("pay-per-use", _)) => Tier::PayPerUse,
        Some(("enterprise", _)) => Tier::Enterprise,
        Some((other, span)) => {
            reader.problem(Problem::new(span.clone(), format!("`{other}` is not a plan")).remedy(suggest(
                other,
                &["pay-per-use", "enterprise"],
                "plans",
            )));
            Tier::PayPerUse
        }
    };
    let base_url = read_base_url(reader, base_url.as_ref());
    let bearer = match bearer_value {
        None => {
            reader.problem(missing("bearer", "{ env = \"REPLYDECK_X_BEARER\" }"));
            None
        }
        Some(value) => read_secret(reader, "bearer", value, &place),
    };
    let access_token = access_token_value.map(|value| read_secret(reader, "access_token", value, &place));
    let consumer_secret = consumer_secret_value.map(|value| read_secret(reader, "consumer_secret", value, &place));
    let token_secret = token_secret_value.map(|value| read_secret(reader, "token_secret", value, &place));

    let client_secret = client_secret_value.map(|value| read_secret(reader, "client_secret", value, &place));
    let has_redirect = redirect.is_some();
    let redirect = read_redirect(reader, redirect.as_ref());
    if client_id.is_none() && (client_secret.is_some() || has_redirect) {
        let given = if client_secret.is_some() { "client_secret" } else { "redirect" };
        reader.problem(
            Problem::new(name.span.clone(), format!("account `{}` has `{given}` but no `client_id`", name.value))
                .remedy("client_id = \"from the console\": the app's OAuth 2.0 client, for `replydeck auth`"),
        );
    }
    if client_id.is_some() && (access_token.is_some() || token.is_some()) {
        let other = if access_token.is_some() { "access_token" } else { "token" };
        reader.problem(
            Problem::new(name.span.clone(), format!("account `{}` has both `client_id` and `{other}`", name.value))
                .remedy("with client_id `replydeck auth` gets the tokens: remove them from the config"),
        );
    }
    let four = [
        ("consumer_key", consumer_key.is_some()),
        ("consumer_secret", consumer_secret.is_some()),
        ("token", token.is_some()),
        ("token_secret", token_secret.is_some()),
    ];
    let given: Vec<&str> = four.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect();
    let lacking: Vec<&str> = four.iter().filter(|(_, there)| !*there).map(|(key, _)| *key).collect();
    if access_token.is_some() && !given.is_empty() {
        reader.problem(
            Problem::new(
                name.span.clone(),
                format!("account `{}` has both `access_token` and {}", name.value, quoted(&given)),
            )
            .remedy("keep `access_token` (OAuth 2.0) or the four of OAuth 1.0a, not both"),
        );
    } else if !given.is_empty() && !lacking.is_empty() && lacking != ["token", "token_secret"] {
        reader.problem(
            Problem::new(
                name.span.clone(),
                format!("account `{}` has {} but no {}", name.value, quoted(&given), quoted(&lacking)),
            )
            .remedy("OAuth 1.0a takes all four: consumer_key, consumer_secret, token, token_secret"),
        );
    }
    if let Some((_, span)) = &daily_limit
        && tier == Tier::Enterprise
        && prices.is_empty()
    {
        reader.problem(
            Problem::new(span.clone(), format!("account `{}` has a `daily_limit` but no prices", name.value)).remedy(
                "the prices of an enterprise contract are its own: add them, such as prices = { post_read = 0.002 }",
            ),
        );
    }
    let client = match (client_id, client_secret, redirect) {
        // A secret that cannot be read was told.
        (Some(_), Some(None), _) => return None,
        (Some(id), secret, redirect) => {
            Some(ClientSecrets { id: id.value.to_owned(), secret: secret.flatten(), redirect: redirect? })
        }
        (None, ..) => None,
    };
    let user = match (access_token, consumer_key, consumer_secret, token, token_secret) {
        (Some(access_token), ..) => Some(UserSecrets::OAuth2 { access_token: access_token? }),
        (None, Some(key), Some(secret), None, None) => {
            let consumer = Some(ConsumerSecrets { key: key.value.to_owned(), secret: secret? });
            Some(UserSecrets::Login(LoginSecrets { client, consumer }))
        }
        (None, Some(consumer_key), Some(consumer_secret), Some(token), Some(token_secret)) => {
            Some(UserSecrets::OAuth1 {
                consumer_key: consumer_key.value.to_owned(),
                consumer_secret: consumer_secret?,
                token: token.value.to_owned(),
                token_secret: token_secret?,
            })
        }
        _ if client.is_some() => Some(UserSecrets::Login(LoginSecrets { client, consumer: None })),
        _ => None,
    };
    Some(AccountConfig {
        name: AccountName::new(name.value),
        network: NetworkKind::X,
        handle: handle?.value.to_owned(),
        user_id: user_id.map(|id| id.value.to_owned()),
        tier,
        base_url: base_url?,
        bearer: bearer?,
        user,
        watch_own,
        messages,
        reps,
        confirm,
        daily_limit: daily_limit.map(|(limit, _)| limit),
        prices,
    })
}

fn read_prices(reader: &mut Reader<'_>, mut table: Table<'_>) -> Vec<(Act, Money)> {
    let prices = Act::ALL.into_iter().filter_map(|act| Some((act, table.dollars(reader, act.key())?.0))).collect();
    table.finish(reader);
    prices
}

fn quoted(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn check_handle(reader: &mut Reader<'_>, handle: &Text<'_>) {
    let problem = |message: String| Problem::new(handle.span.clone(), message);
    if let Some(bare) = handle.value.strip_prefix('@') {
        reader.problem(problem("a handle is written without the @".to_owned()).remedy(format!("handle = \"{bare}\"")));
    } else if handle.value.is_empty()
        || handle.value.len() > HANDLE_CHARACTERS
        || !handle.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        reader.problem(
            problem(format!("`{}` is not a handle of X", handle.value))
                .remedy("it has up to 15 letters, digits and underscores, such as ExampleHelp"),
        );
    }
}

/// TLS everywhere but on this machine, where a rehearsal runs.
fn read_base_url(reader: &mut Reader<'_>, text: Option<&Text<'_>>) -> Option<Url> {
    let Some(text) = text else { return Url::parse(X_BASE_URL).ok() };
    let refuse = |reader: &mut Reader<'_>, message: String, remedy: &str| {
        reader.problem(Problem::new(text.span.clone(), message).remedy(remedy));
        None
    };
    let url = match Url::parse(text.value) {
        Ok(url) => url,
        Err(why) => {
            return refuse(
                reader,
                format!("`base_url` is not an address: {why}"),
                "write it like \"https://api.x.com\"",
            );
        }
    };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return refuse(reader, "`base_url` names no host".to_owned(), "write it like \"https://api.x.com\""),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        scheme => {
            let message = format!("`base_url` would send secrets over {scheme}");
            return refuse(reader, message, "use https; only loopback, such as http://127.0.0.1:8080, may go without");
        }
    }
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !is_bare || !url.username().is_empty() || url.password().is_some() {
        return refuse(
            reader,
            "`base_url` holds more than scheme, host and port".to_owned(),
            "paths are the program's business: write it like \"https://api.x.com\"",
        );
    }
    Some(url)
}

struct SecretPlace<'p> {
    folder: &'p Path,
    home: Option<&'p Path>,
}

const SOURCES: &str = "{ env = \"NAME\" }, { command = [\"pass\", \"show\", \"x\"] }, { file = \"path, mode 0600\" } or { keyring = \"name\" }";

/// Reads where a secret is kept. What stands on these lines is never shown in a problem.
fn read_secret(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Spanned<DeValue<'_>>,
    place: &SecretPlace<'_>,
) -> Option<SecretSource> {
    let secret_problem = |message: String| Problem::new(value.span(), message).masked(true);
    if value.get_ref().is_str() {
        reader.problem(
            secret_problem(format!("`{key}` must name where the secret is kept, not be the secret"))
                .remedy(format!("{key} = {SOURCES}")),
        );
        return None;
    }
    let mut table = reader.as_table(key, value, &format!("one of {SOURCES}"))?.secret();
    let problems_before = reader.problems.len();
    let env = table.text(reader, "env", "the name of an environment variable");
    let file = table.text(reader, "file", "a path in quotes");
    let keyring = table.text(reader, "keyring", "a user name in quotes");
    let command_value = table.take("command");
    table.finish(reader);
    let mut found = Vec::new();
    if let Some(env) = env {
        let is_name = !env.value.is_empty()
            && !env.value.starts_with(|c: char| c.is_ascii_digit())
            && env.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            found.push(SecretSource::env(env.value));
        } else {
            // It may be the secret itself, so it is not repeated.
            reader.problem(
                Problem::new(env.span, "`env` is not the name of an environment variable".to_owned())
                    .remedy("env = \"REPLYDECK_X_BEARER\" names it; its value stays in the environment")
                    .masked(true),
            );
        }
    }
    if let Some(command) = command_value {
        let words = command.get_ref().as_array().map(|_| reader.as_texts("command", command, "a list of words"));
        match words {
            Some(Some(words)) if words.first().is_some_and(|program| !program.value.is_empty()) => {
                found.push(SecretSource::Command(words.iter().map(|word| word.value.to_owned()).collect()));
            }
            _ => reader.problem(
                Problem::new(command.span(), "`command` must be a list: a program and its arguments".to_owned())
                    .remedy("command = [\"pass\", \"show\", \"x\"]; there is no shell between")
                    .masked(true),
            ),
        }
    }
    if let Some(file) = file {
        found.push(SecretSource::File(resolve_path(file.value, place)));
    }
    if let Some(name) = keyring {
        if cfg!(feature = "keyring") {
            found.push(SecretSource::Keyring(name.value.to_owned()));
        } else {
            reader.problem(
                Problem::new(name.span, "this replydeck was built without the keyring".to_owned())
                    .remedy("build it with `--features keyring`, or use env, command or file")
                    .masked(true),
            );
        }
    }
    match found.len() {
        1 => found.pop(),
        0 => {
            if reader.problems.len() == problems_before {
                reader.problem(secret_problem(format!("`{key}` names no place")).remedy(format!("{key} = {SOURCES}")));
            }
            None
        }
        _ => {
            reader.problem(
                secret_problem(format!("`{key}` names more than one place"))
                    .remedy("keep one of env, command, file, keyring"),
            );
            None
        }
    }
}

fn resolve_path(written: &str, place: &SecretPlace<'_>) -> PathBuf {
    match (written.strip_prefix("~/"), place.home) {
        (Some(rest), Some(home)) => home.join(rest),
        // An absolute path stays what it is.
        _ => place.folder.join(written),
    }
}
