//! The keys of an account that is logged in by `replydeck auth`.

use url::Url;

use super::problem::Problem;
use super::secret::SecretSource;
use super::table::{Reader, Text};

/// Where the browser is sent after the approval, unless the config says otherwise.
pub const REDIRECT: &str = "http://127.0.0.1:8739/callback";

/// What `replydeck auth` needs; the tokens it gets are kept in the data folder. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSecrets {
    pub client: Option<ClientSecrets>,
    pub consumer: Option<ConsumerSecrets>,
}

/// An app's OAuth 2.0 client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecrets {
    pub id: String,
    /// A public client has none.
    pub secret: Option<SecretSource>,
    /// One of the app's redirect addresses, letter by letter.
    pub redirect: Url,
}

/// An app's keys of OAuth 1.0a.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSecrets {
    pub key: String,
    pub secret: SecretSource,
}

/// An address a browser may be sent to with a code: https, or http on this machine.
pub(super) fn read_redirect(reader: &mut Reader<'_>, text: Option<&Text<'_>>) -> Option<Url> {
    let Some(text) = text else { return Url::parse(REDIRECT).ok() };
    let problem = |message: &str| {
        Problem::new(text.span.clone(), message.to_owned()).remedy(format!("write it like \"{REDIRECT}\""))
    };
    let Ok(url) = Url::parse(text.value) else {
        reader.problem(problem("`redirect` is not an address"));
        return None;
    };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !(url.scheme() == "https" || url.scheme() == "http" && is_loopback) {
        reader.problem(problem("`redirect` must be https, or http on this machine"));
        return None;
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        reader.problem(problem("`redirect` holds more than an address"));
        return None;
    }
    Some(url)
}
