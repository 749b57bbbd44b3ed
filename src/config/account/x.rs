//! An account on X.

use url::Url;

use super::{Part, missing, read_address};
use crate::config::login::{ClientSecrets, ConsumerSecrets, LoginSecrets, read_redirect};
use crate::config::problem::Problem;
use crate::config::secret::SecretSource;
use crate::config::secret_place::read_secret;
use crate::config::table::{Reader, Table, suggest};
use crate::model::account::{Tier, X_WEB_URL};
use crate::model::price::{Money, Prices};
use crate::model::spend::{Act, Budget};

/// Where X's API is.
pub const X_BASE_URL: &str = "https://api.x.com";
/// Handles on X hold so many characters; old ones are a little longer than today's 15.
const HANDLE_CHARACTERS: usize = 20;

/// What a handle looks like.
pub(super) const HANDLE: &str = "it has up to 15 letters, digits and underscores, such as ExampleHelp";

/// How an account reaches X, and what that may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XAccess {
    pub tier: Tier,
    /// The app's own token, for listening.
    pub bearer: SecretSource,
    /// Who writes; without it the account only listens.
    pub user: Option<UserSecrets>,
    /// Be told by X's Activity stream of what concerns the account, where the plan has it.
    pub activity: bool,
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

impl XAccess {
    pub(super) fn budget(&self) -> Option<Budget> {
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

    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretSource)> {
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

/// Where the pages are, if this is X itself.
pub(super) fn web_url(base_url: &Url) -> Option<String> {
    (base_url.as_str().trim_end_matches('/') == X_BASE_URL).then(|| X_WEB_URL.to_owned())
}

pub(super) fn is_handle(handle: &str) -> bool {
    !handle.is_empty()
        && handle.len() <= HANDLE_CHARACTERS
        && handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn read(reader: &mut Reader<'_>, account: &Part<'_>, table: &mut Table<'_>) -> Option<(Url, XAccess)> {
    let (name, place) = (account.name, &account.place);
    let tier = table.text(reader, "tier", "\"pay-per-use\" or \"enterprise\"");
    let bearer_value = table.take("bearer");
    let access_token_value = table.take("access_token");
    let consumer_key = table.text(reader, "consumer_key", "text in quotes");
    let consumer_secret_value = table.take("consumer_secret");
    let token = table.text(reader, "token", "text in quotes");
    let token_secret_value = table.take("token_secret");
    let client_id = table.text(reader, "client_id", "text in quotes");
    let client_secret_value = table.take("client_secret");
    let redirect = table.text(reader, "redirect", "an address such as \"http://127.0.0.1:8739/callback\"");
    let activity = table.yes_or_no(reader, "activity").unwrap_or(true);
    let daily_limit = table.dollars(reader, "daily_limit");
    let prices_value = table.take("prices");
    let prices = prices_value
        .and_then(|value| reader.as_table("prices", value, "a table such as { post_read = 0.005 }"))
        .map_or_else(Vec::new, |table| read_prices(reader, table));
    if let Some(id) = account.user_id
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
    let base_url = match account.base_url {
        Some(text) => read_address(reader, "base_url", text, ("https", "http"), X_BASE_URL),
        None => Url::parse(X_BASE_URL).ok(),
    };
    let bearer = match bearer_value {
        None => {
            reader.problem(missing(name, "bearer", "{ env = \"REPLYDECK_X_BEARER\" }"));
            None
        }
        Some(value) => read_secret(reader, "bearer", value, place),
    };
    let access_token = access_token_value.map(|value| read_secret(reader, "access_token", value, place));
    let consumer_secret = consumer_secret_value.map(|value| read_secret(reader, "consumer_secret", value, place));
    let token_secret = token_secret_value.map(|value| read_secret(reader, "token_secret", value, place));

    let client_secret = client_secret_value.map(|value| read_secret(reader, "client_secret", value, place));
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
    let daily_limit = daily_limit.map(|(limit, _)| limit);
    let access = XAccess { tier, bearer: bearer?, user, activity, daily_limit, prices };
    Some((base_url?, access))
}

fn read_prices(reader: &mut Reader<'_>, mut table: Table<'_>) -> Vec<(Act, Money)> {
    let prices = Act::ALL.into_iter().filter_map(|act| Some((act, table.dollars(reader, act.key())?.0))).collect();
    table.finish(reader);
    prices
}

fn quoted(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
