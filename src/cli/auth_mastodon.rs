//! `replydeck auth ACCOUNT` for an account on Mastodon: a page to approve on, a code to type in.

use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::time::timeout;

use super::auth::{AuthArgs, PATIENCE, lines, make_private, say};
use crate::config::{AccountConfig, MastodonAccess};
use crate::model::clean;
use crate::net::mastodon::login::{Attempt, KeptLogin, revoke};

/// Logs the account in or out; the login is kept in `data_dir`.
pub(super) fn run(
    account: &AccountConfig,
    mastodon: &MastodonAccess,
    args: &AuthArgs,
    data_dir: &Path,
) -> anyhow::Result<()> {
    if mastodon.token.is_some() {
        bail!(
            "account `{}` has its access_token in the config, so there is nothing to log in. To have a login made and \
             kept, take access_token out",
            account.name
        );
    }
    make_private(data_dir)?;
    let file = KeptLogin::of(data_dir, &account.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        if args.log_out { log_out(account, &file).await } else { log_in(account, &file, args.any_account).await }
    });
    // A thread may wait for a line nobody types any more.
    runtime.shutdown_background();
    done
}

async fn log_in(account: &AccountConfig, file: &KeptLogin, any_account: bool) -> anyhow::Result<()> {
    let attempt = Attempt::begin(&account.base_url).await?;
    say(&format!(
        "Account `{}`: open this page in any browser in which you are logged in as @{}, and approve:\n\n{}\n\n\
         The page then shows a code. Paste it here, then Enter:",
        account.name,
        account.handle,
        attempt.page()
    ))?;
    let mut lines = lines();
    let typed = async {
        loop {
            let Some(line) = lines.recv().await else { bail!("the input has ended without a code; nothing changed") };
            let code = line.trim();
            if !code.is_empty() && !code.contains(char::is_whitespace) && clean::line(code) == code {
                return Ok(code.to_owned());
            }
            if !code.is_empty() {
                say("That is no code: it is the one line the page shows after approving.")?;
            }
        }
    };
    let code = timeout(PATIENCE, typed)
        .await
        .map_err(|_| anyhow::anyhow!("no code within {} minutes; nothing changed", PATIENCE.as_secs() / 60))??;
    let kept = attempt.redeem(&code).await?;
    if !is_wanted(&account.handle, &kept.handle) && !any_account {
        if let Err(error) = revoke(&account.base_url, &kept).await {
            say(&format!("(The login of @{} could not be taken back: {error}.)", kept.handle))?;
        }
        bail!(
            "the server says that @{} logged in, and account `{}` is @{}: nothing was kept. Log in there as @{} and run \
             the command again, or correct the config; --any-account keeps the login all the same",
            kept.handle,
            account.name,
            account.handle,
            account.handle
        );
    }
    file.write(&kept)?;
    say(&format!(
        "Logged in as @{}. The login is kept in the data folder, readable by you alone; it lasts until it is taken back: \
         replydeck auth {} --log-out",
        kept.handle, account.name
    ))
}

/// The config may leave the server's own name away.
fn is_wanted(wanted: &str, said: &str) -> bool {
    let is_same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    is_same(wanted, said) || (!wanted.contains('@') && said.split('@').next().is_some_and(|user| is_same(wanted, user)))
}

async fn log_out(account: &AccountConfig, file: &KeptLogin) -> anyhow::Result<()> {
    let Some(kept) = file.read()? else { return say("Nobody was logged in.") };
    // Forgotten first: whatever the server says, the login is not used again.
    file.remove()?;
    revoke(&account.base_url, &kept).await.context("the login is forgotten here, but")?;
    say(&format!("@{} is logged out.", kept.handle))
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn the_account_of_the_config() {
        for (wanted, said, same) in [
            ("acme@near.example", "Acme@near.example", true),
            ("acme", "acme@near.example", true),
            ("acme@far.example", "acme@near.example", false),
            ("other", "acme@near.example", false),
        ] {
            assert_eq!(is_wanted(wanted, said), same, "{wanted} {said}");
        }
    }
}
