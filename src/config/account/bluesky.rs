//! An account on Bluesky.

use url::Url;

use super::{Part, read_address};
use crate::config::problem::Problem;
use crate::config::secret::SecretSource;
use crate::config::secret_place::read_secret;
use crate::config::table::{Reader, Table};
use crate::model::account::BLUESKY_WEB_URL;

/// Where accounts of Bluesky itself log in; one with a PDS of its own names that.
pub const SERVICE: &str = "https://bsky.social";
/// Where profiles are read without a login.
pub const APPVIEW: &str = "https://public.api.bsky.app";
/// The streams, taken in turn.
pub const JETSTREAMS: [&str; 4] = [
    "wss://jetstream1.us-east.bsky.network",
    "wss://jetstream2.us-east.bsky.network",
    "wss://jetstream1.us-west.bsky.network",
    "wss://jetstream2.us-west.bsky.network",
];
/// What a handle looks like.
pub(super) const HANDLE: &str = "it is a domain name, such as example.bsky.social";

/// How an account reaches Bluesky.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueskyAccess {
    /// Made in the app's settings; without it the account only listens.
    pub app_password: Option<SecretSource>,
    /// Never empty.
    pub jetstreams: Vec<Url>,
    pub appview: Url,
    /// Ask the stream for packed frames.
    pub compress: bool,
}

/// Where the pages are, unless the service is on this machine.
pub(super) fn web_url(service: &Url) -> Option<String> {
    (service.scheme() == "https").then(|| BLUESKY_WEB_URL.to_owned())
}

pub(super) fn is_handle(handle: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    handle.len() <= 253 && handle.contains('.') && handle.split('.').all(is_label)
}

pub(super) fn read(reader: &mut Reader<'_>, account: &Part<'_>, table: &mut Table<'_>) -> Option<(Url, BlueskyAccess)> {
    let app_password = table.take("app_password");
    let jetstreams = table.take("jetstreams");
    let appview = table.text(reader, "appview", "an address such as \"https://public.api.bsky.app\"");
    let compress = table.yes_or_no(reader, "compress").unwrap_or(true);
    if let Some(id) = account.user_id
        && !id.value.starts_with("did:")
    {
        reader.problem(
            Problem::new(id.span.clone(), format!("`{}` is not an id of Bluesky", id.value))
                .remedy("it begins with did:, such as \"did:plc:…\"; the handle goes to `handle`"),
        );
    }
    let service = match account.base_url {
        Some(text) => read_address(reader, "base_url", text, ("https", "http"), SERVICE),
        None => Url::parse(SERVICE).ok(),
    };
    let appview = match &appview {
        Some(text) => read_address(reader, "appview", text, ("https", "http"), APPVIEW),
        None => Url::parse(APPVIEW).ok(),
    };
    let jetstreams = match jetstreams {
        None => JETSTREAMS.iter().filter_map(|stream| Url::parse(stream).ok()).collect(),
        Some(value) => {
            let wanted = format!("a list such as [\"{}\"]", JETSTREAMS[0]);
            let texts = reader.as_texts("jetstreams", value, &wanted)?;
            if let Some(items) = value.get_ref().as_array()
                && items.is_empty()
            {
                reader.problem(
                    Problem::new(value.span(), "`jetstreams` names no stream".to_owned())
                        .remedy("leave it away for Bluesky's own, or name at least one"),
                );
            }
            let address = |text| read_address(reader, "jetstreams", text, ("wss", "ws"), JETSTREAMS[0]);
            texts.iter().filter_map(address).collect::<Vec<Url>>()
        }
    };
    let app_password = match app_password {
        None => None,
        Some(value) => Some(read_secret(reader, "app_password", value, &account.place)?),
    };
    let access = BlueskyAccess { app_password, jetstreams, appview: appview?, compress };
    (!access.jetstreams.is_empty()).then_some((service?, access))
}

#[cfg(test)]
mod tests {
    use super::is_handle;

    #[test]
    fn handles_are_domain_names() {
        for good in ["example.bsky.social", "acme.example", "a-b.c.example", "xn--80ak6aa92e.example"] {
            assert!(is_handle(good), "{good}");
        }
        for bad in ["", "example", "a..b", "-a.b", "a-.b", "a b.c", "ä.example", ".a", "a."] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
