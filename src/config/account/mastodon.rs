//! An account on Mastodon, or on another server that speaks its API.

use url::Url;

use super::{Part, missing, read_address};
use crate::config::problem::Problem;
use crate::config::secret::SecretSource;
use crate::config::secret_place::read_secret;
use crate::config::table::{Reader, Table, suggest};
use crate::model::account::Visibility;

/// What a handle looks like.
pub(super) const HANDLE: &str = "it is the name, with the server behind it where that differs from base_url, \
                                 such as help or help@example.social";

/// How an account reaches its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MastodonAccess {
    /// A user's token; `None` where `replydeck auth` gets and keeps it.
    pub token: Option<SecretSource>,
    /// Where the streams are; `None`: where the server says.
    pub streaming: Option<Url>,
    /// Who sees our replies.
    pub visibility: Visibility,
}

pub(super) fn is_handle(handle: &str) -> bool {
    let (name, server) = handle.split_once('@').map_or((handle, None), |(name, server)| (name, Some(server)));
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !name.starts_with('.');
    let is_server = |server: &str| {
        !server.is_empty() && server.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
    };
    is_name && server.is_none_or(is_server)
}

pub(super) fn read(
    reader: &mut Reader<'_>,
    account: &Part<'_>,
    table: &mut Table<'_>,
) -> Option<(Url, MastodonAccess)> {
    let token = table.take("access_token");
    let streaming = table.text(reader, "streaming", "an address such as \"wss://streaming.example.social\"");
    let visibility = table.text(reader, "visibility", "\"public\" or \"unlisted\"");
    if account.base_url.is_none() && !table.holds("base_url") {
        reader.problem(missing(account.name, "base_url", "\"https://example.social\", the account's server"));
    }
    if let Some(id) = account.user_id
        && !id.value.starts_with("https://")
        && !id.value.starts_with("http://")
    {
        reader.problem(
            Problem::new(id.span.clone(), format!("`{}` is not an id of Mastodon", id.value))
                .remedy("it is the address of the account's page, such as \"https://example.social/@help\""),
        );
    }
    let base_url = account
        .base_url
        .and_then(|text| read_address(reader, "base_url", text, ("https", "http"), "https://example.social"));
    let streaming = match &streaming {
        None => None,
        Some(text) => Some(read_address(reader, "streaming", text, ("wss", "ws"), "wss://streaming.example.social")?),
    };
    let visibility = match &visibility {
        None => Visibility::default(),
        Some(text) => {
            let found = Visibility::ALL.into_iter().find(|known| known.word() == text.value);
            if found.is_none() {
                let known = Visibility::ALL.map(Visibility::word);
                reader.problem(
                    Problem::new(text.span.clone(), format!("`{}` is nothing a public reply may be", text.value))
                        .remedy(suggest(text.value, &known, "visibilities")),
                );
            }
            found.unwrap_or_default()
        }
    };
    let token = match token {
        None => None,
        Some(value) => Some(read_secret(reader, "access_token", value, &account.place)?),
    };
    Some((base_url?, MastodonAccess { token, streaming, visibility }))
}

#[cfg(test)]
mod tests {
    use super::is_handle;

    #[test]
    fn handles_may_name_their_server() {
        for good in ["help", "help@example.social", "a.b-c_d", "help@127.0.0.1:8080"] {
            assert!(is_handle(good), "{good}");
        }
        for bad in ["", "help@", "@help", "he lp", "a@b@c", ".a", "ä"] {
            assert!(!is_handle(bad), "{bad}");
        }
    }
}
