//! `replydeck auth ACCOUNT`: logs an account in, on this machine or over SSH.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use url::{Host, Url};

use super::{Cli, auth_mastodon, print};
use crate::config::{Access, AccountConfig, LoginSecrets, UserSecrets};
use crate::log::sqlite::SqliteLog;
use crate::model::price::Money;
use crate::model::spend::Act;
use crate::model::{RepName, clean};
use crate::net::Clock;
use crate::net::x::login::{Attempt, CODE_LIVES, PinAttempt, Returned, SCOPES, revoke, whose};
use crate::net::x::renew::OAuthClient;
use crate::net::x::tokens::{Kept, TokenFile, Tokens};
use crate::net::x::user_token::Consumer;
use crate::run::intake::Signer;
use crate::run::{clock, session, spend};

/// Somebody has to find the page, log in there and approve.
pub(super) const PATIENCE: Duration = Duration::from_mins(15);
/// Somebody else may be renewing the login.
const LOCK_WITHIN: Duration = Duration::from_secs(80);
const LONGEST_HEAD: usize = 16 * 1024;
/// A browser that opens a connection in advance says nothing on it.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Log an account in, so that the deck may write as it; works over SSH
///
/// Prints the address of the network's page (X or Mastodon), where you approve in any browser; for Bluesky it says how
/// to make an app password. On this machine the browser comes back by
/// itself; from another one, paste the address it was sent to, within 30 seconds of approving. The tokens are kept
/// in the data folder, readable by you alone, and renewed as long as replydeck runs now and then.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  replydeck auth acme\n  replydeck auth acme --pin          OAuth 1.0a: X shows a number to type in here\n  replydeck auth acme --log-out"
)]
pub struct AuthArgs {
    /// The account's name in the config
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// On X: OAuth 1.0a by PIN, with the account's consumer_key and consumer_secret; does not end until it is taken back
    #[arg(long)]
    pin: bool,
    /// Keep the login also where it is not the account's that the config names
    #[arg(long)]
    pub(super) any_account: bool,
    /// Take the login back at the network and forget it here
    #[arg(long, conflicts_with_all = ["pin", "any_account"])]
    pub(super) log_out: bool,
}

/// What the flows need of the config.
struct Login<'a> {
    account: &'a AccountConfig,
    client: Option<(OAuthClient, Url)>,
    consumer: Option<Consumer>,
    clock: Clock,
}

pub(super) fn run(args: &AuthArgs, cli: &Cli) -> anyhow::Result<()> {
    let (places, config) = cli.load()?;
    let Some(account) = config.accounts.iter().find(|account| account.name.as_str() == args.account) else {
        let known: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        bail!("there is no account `{}` in {}; it has {}", args.account, places.config.display(), known.join(", "));
    };
    if let Access::Mastodon(mastodon) = &account.access {
        return auth_mastodon::run(account, mastodon, args, &places.data);
    }
    if let Access::Bluesky(_) = &account.access {
        bail!(
            "account `{}` is on Bluesky: there is nothing to log in. Make an app password in Bluesky's settings and name \
             where it is kept: app_password = {{ env = \"NAME\" }}; the deck logs in with it by itself",
            account.name
        );
    }
    let secrets = match account.x().and_then(|x| x.user.as_ref()) {
        Some(UserSecrets::Login(secrets)) => secrets,
        Some(_) => bail!(
            "account `{}` has its tokens in the config, so there is nothing to log in. \
             To have them kept and renewed, put client_id there in their place",
            account.name
        ),
        None => bail!(
            "account `{}` has nothing to log in with. Add client_id (the app's OAuth 2.0 client), \
             or consumer_key and consumer_secret for a PIN",
            account.name
        ),
    };
    let login = login(account, secrets, clock::system())?;
    make_private(&places.data)?;
    let file = TokenFile::of(&places.data, &account.name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        if args.log_out {
            return log_out(&login, &file).await;
        }
        let tokens = match (&login.client, &login.consumer) {
            (Some((client, redirect)), _) if !args.pin => by_browser(&login, client, redirect).await?,
            (_, Some(consumer)) => by_pin(&login, consumer).await?,
            (_, None) => bail!("a log-in by PIN needs consumer_key and consumer_secret in account `{}`", account.name),
        };
        let kept = keep(&login, &file, tokens, args.any_account).await?;
        say(&kept.told)?;
        write_down(&login, &places.data, config.effective_rep(), kept.user_id).await
    });
    // A thread may wait for a line nobody types any more.
    runtime.shutdown_background();
    done
}

fn login<'a>(account: &'a AccountConfig, secrets: &LoginSecrets, clock: Clock) -> anyhow::Result<Login<'a>> {
    let client = match &secrets.client {
        None => None,
        Some(client) => {
            let secret = client.secret.as_ref().map(|secret| secret.resolve().context("client_secret")).transpose()?;
            Some((OAuthClient { id: client.id.clone(), secret }, client.redirect.clone()))
        }
    };
    let consumer = match &secrets.consumer {
        None => None,
        Some(consumer) => {
            let secret = consumer.secret.resolve().context("consumer_secret")?;
            Some(Consumer { key: consumer.key.clone(), secret })
        }
    };
    Ok(Login { account, client, consumer, clock })
}

/// The data folder may not be there yet; what is kept in it is the owner's.
pub(super) fn make_private(folder: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder).with_context(|| {
        format!("the data folder {} cannot be made. Set REPLYDECK_DATA_DIR to another", folder.display())
    })
}

pub(super) fn say(text: &str) -> anyhow::Result<()> {
    print::said(&format!("{}\n", clean::text(text)))?;
    Ok(())
}

/// The lines typed or pasted, read on a thread of their own: a terminal cannot be asked without waiting.
pub(super) fn lines() -> mpsc::UnboundedReceiver<String> {
    let (typed, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if typed.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// OAuth 2.0: the listener and the pasted address race; the first good answer wins.
async fn by_browser(login: &Login<'_>, client: &OAuthClient, redirect: &Url) -> anyhow::Result<Tokens> {
    let (listener, redirect) = listen(redirect).await?;
    let attempt = Attempt::new(client.clone(), redirect.clone())?;
    let account = login.account.account();
    let page = attempt.page(&account.web_url);
    let seconds = CODE_LIVES.as_secs();
    let back = match &listener {
        Ok(_) => format!("If that browser is on this machine, this goes on by itself ({redirect} is listened to)."),
        Err(why) => format!("Nothing listens at {redirect} ({why}), so the browser will find no page there."),
    };
    say(&format!(
        "Account `{}`: open this page in any browser in which you are logged in as @{}, and approve:\n\n{page}\n\n{back}\n\
         If it is on another machine (SSH), it is sent to a page that does not load: copy the whole address from its \
         address bar and paste it here, then Enter. Within {seconds} seconds of approving: the code in it lives no \
         longer.{}",
        account.name,
        account.handle,
        priced(login)
    ))?;
    let code = timeout(PATIENCE, returned(&attempt, listener.ok(), redirect.path())).await.map_err(|_| {
        anyhow::anyhow!("nobody approved within {} minutes; nothing changed", PATIENCE.as_secs() / 60)
    })??;
    Ok(Tokens::OAuth2(attempt.redeem(&login.account.base_url, &code, &login.clock).await?))
}

/// Listens where the browser is sent to, where that is this machine. Port 0 becomes a free one.
async fn listen(redirect: &Url) -> anyhow::Result<(Result<TcpListener, String>, Url)> {
    let ip = match redirect.host() {
        Some(Host::Ipv4(ip)) if ip.is_loopback() => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) if ip.is_loopback() => IpAddr::V6(ip),
        Some(Host::Domain("localhost")) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => return Ok((Err("it is not on this machine".to_owned()), redirect.clone())),
    };
    if redirect.scheme() != "http" {
        return Ok((Err("it is https".to_owned()), redirect.clone()));
    }
    let mut redirect = redirect.clone();
    let asked = redirect.port_or_known_default().unwrap_or(80);
    match TcpListener::bind(SocketAddr::new(ip, asked)).await {
        Ok(listener) => {
            let port = listener.local_addr()?.port();
            if asked != port && redirect.set_port(Some(port)).is_err() {
                bail!("the redirect {redirect} takes no port");
            }
            Ok((Ok(listener), redirect))
        }
        Err(_) if asked == 0 => bail!("no port is free to listen on"),
        Err(error) => Ok((Err(error.to_string()), redirect)),
    }
}

/// The code, by whichever way it comes first.
async fn returned(attempt: &Attempt, listener: Option<TcpListener>, path: &str) -> anyhow::Result<String> {
    let mut lines = Some(lines());
    let mut visits = FuturesUnordered::new();
    loop {
        if lines.is_none() && listener.is_none() {
            bail!("nothing can be pasted (the input has ended) and nothing listens; nothing changed");
        }
        let (answer, is_pasted) = tokio::select! {
            visit = accept(listener.as_ref()) => {
                visits.push(visited(visit, attempt, path));
                continue;
            }
            Some(answer) = visits.next(), if !visits.is_empty() => (answer, false),
            line = next(lines.as_mut()) => match line {
                Some(line) if line.trim().is_empty() => continue,
                Some(line) => (attempt.read(&line), true),
                None => {
                    lines = None;
                    continue;
                }
            },
        };
        match answer {
            Returned::Approved { code } => return Ok(code),
            Returned::Denied { error } if error == "access_denied" => {
                bail!("the approval was denied on X's page; nothing changed")
            }
            Returned::Denied { error } => bail!("X's page did not let the app in ({error}); nothing changed"),
            Returned::OtherState => {
                say("That answer belongs to another log-in (its state differs) and was not used. \
                     Approve on the page printed above.")?;
            }
            Returned::Nothing if is_pasted => {
                say("That is not the address the browser was sent to: it begins with the redirect address and holds \
                     state= and code=. Copy it whole.")?;
            }
            Returned::Nothing => {}
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((visit, _)) => return visit,
            Err(error) => {
                tracing::debug!(%error, "a visit could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn next(lines: Option<&mut mpsc::UnboundedReceiver<String>>) -> Option<String> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// Reads one request and answers it with a page.
async fn visited(mut visit: TcpStream, attempt: &Attempt, path: &str) -> Returned {
    let Ok(Some(target)) = timeout(HEAD_WITHIN, target(&mut visit)).await else { return Returned::Nothing };
    let is_ours = target.split('?').next() == Some(path);
    let answer = if is_ours { attempt.read(&target) } else { Returned::Nothing };
    let (status, words) = match &answer {
        Returned::Approved { .. } => ("200 OK", "Approved. The terminal says the rest; this page can be closed."),
        Returned::Denied { .. } => ("200 OK", "Not approved. Nothing changed; this page can be closed."),
        Returned::OtherState => ("400 Bad Request", "This belongs to another log-in and was not used."),
        Returned::Nothing => ("404 Not Found", "There is nothing here."),
    };
    let page = format!("<!doctype html><meta charset=\"utf-8\"><title>replydeck</title><p>{words}</p>\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        page.len()
    );
    let said = async {
        visit.write_all(head.as_bytes()).await?;
        visit.write_all(page.as_bytes()).await?;
        visit.shutdown().await
    };
    if let Ok(Err(error)) = timeout(HEAD_WITHIN, said).await {
        tracing::debug!(%error, "the browser did not wait for its page");
    }
    answer
}

/// The target of a GET; `None` where it is none.
async fn target(visit: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut block = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = visit.read(&mut block).await.ok()?;
        if read == 0 || head.len() + read > LONGEST_HEAD {
            return None;
        }
        head.extend_from_slice(&block[..read]);
    }
    let head = String::from_utf8(head).ok()?;
    let (target, version) = head.lines().next()?.strip_prefix("GET ")?.split_once(' ')?;
    version.starts_with("HTTP/1.").then(|| target.to_owned())
}

/// OAuth 1.0a: X shows a number, which is typed in here.
async fn by_pin(login: &Login<'_>, consumer: &Consumer) -> anyhow::Result<Tokens> {
    let base = &login.account.base_url;
    let attempt = PinAttempt::begin(base, consumer.clone(), &login.clock).await?;
    let account = login.account.account();
    say(&format!(
        "Account `{}`: open this page in any browser in which you are logged in as @{}, and approve:\n\n{}\n{}\n\
         X then shows a PIN. Type it here, then Enter:",
        account.name,
        account.handle,
        attempt.page(base),
        priced(login)
    ))?;
    let mut lines = lines();
    let typed = async {
        loop {
            let Some(line) = lines.recv().await else { bail!("the input has ended without a PIN; nothing changed") };
            let pin: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            if !pin.is_empty() && pin.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Ok(pin);
            }
            if !pin.is_empty() {
                say("That is no PIN: it is the number X shows after approving.")?;
            }
        }
    };
    let pin = timeout(PATIENCE, typed)
        .await
        .map_err(|_| anyhow::anyhow!("no PIN within {} minutes; nothing changed", PATIENCE.as_secs() / 60))??;
    Ok(attempt.redeem(base, &pin, &login.clock).await?)
}

/// Told before anything is asked that costs.
fn priced(login: &Login<'_>) -> String {
    let price = price(login);
    price.map_or_else(String::new, |price| {
        format!("\n(X then tells whose login it is, and bills that as one profile read: {price}.)")
    })
}

/// What asking whose login it is costs; `None` where the contract says it.
fn price(login: &Login<'_>) -> Option<Money> {
    login.account.budget().map(|budget| budget.prices.of(Act::UserRead))
}

/// What was asked at X was billed: it goes into the log, to the rest of the day's spending. The login stands all the
/// same where the store cannot be opened.
async fn write_down(login: &Login<'_>, data: &Path, rep: RepName, user_id: String) -> anyhow::Result<()> {
    let Some(budget) = login.account.budget() else { return Ok(()) };
    let signer = Signer { rep, machine: session::machine() };
    let written = async {
        let log = SqliteLog::open(data)?;
        let account = (login.account.name.clone(), &budget);
        let charge = (Act::UserRead, vec![user_id]);
        let written = spend::write_down(&log, &signer, (login.clock)(), account, charge).await;
        log.close().await;
        written
    };
    match written.await {
        Ok(()) => Ok(()),
        Err(why) => {
            say(&format!("(What that cost, {}, could not be written down: {why})", budget.prices.of(Act::UserRead)))
        }
    }
}

/// A login that was kept.
struct Done {
    told: String,
    user_id: String,
}

/// Finds out who logged in, and keeps the tokens if it is whom the config means.
async fn keep(login: &Login<'_>, file: &TokenFile, tokens: Tokens, any_account: bool) -> anyhow::Result<Done> {
    let (base, wanted) = (&login.account.base_url, login.account);
    let (handle, user_id) = whose(base, &tokens, login.consumer.as_ref(), &login.clock).await?;
    let is_wanted = match &wanted.user_id {
        Some(id) => *id == user_id,
        None => wanted.handle.eq_ignore_ascii_case(&handle),
    };
    if !is_wanted && !any_account {
        if let (Tokens::OAuth2(tokens), Some((client, _))) = (&tokens, &login.client)
            && let Err(error) = revoke(base, client, tokens).await
        {
            say(&format!("(The tokens of @{handle} could not be taken back at X: {error}.)"))?;
        }
        bail!(
            "X says that @{handle} (user id {user_id}) logged in, and account `{}` is @{}{}: nothing was kept. \
             Log in to X's page as @{} and run the command again, or correct the config; \
             --any-account keeps the login all the same",
            wanted.name,
            wanted.handle,
            wanted.user_id.as_ref().map(|id| format!(" (user id {id})")).unwrap_or_default(),
            wanted.handle
        );
    }
    let Some(lock) = file.lock(LOCK_WITHIN).await? else {
        bail!("another replydeck holds {} and does not let go; try again", file.path().display())
    };
    file.write(&lock, &Kept::new(&handle, &user_id, tokens.clone()))?;
    let mut told = format!("Logged in as @{handle}, user id {user_id}; the tokens are in {}.", file.path().display());
    if let Tokens::OAuth2(tokens) = &tokens {
        let missing = missing_scopes(&tokens.scopes);
        if tokens.refresh_token.is_none() {
            told.extend([format!(
                "\nX gave no refresh token (offline.access): the login ends at {:.0}.",
                tokens.expires
            )]);
        } else {
            told += "\nThe login is renewed by itself while replydeck runs; left alone it lasts six months.";
        }
        if !missing.is_empty() {
            told.extend([format!("\nNot approved: {}. What needs them will be refused.", missing.join(", "))]);
        }
    }
    if !handle.eq_ignore_ascii_case(&wanted.handle) {
        told.extend([format!("\nThe config calls the account @{}: correct its handle.", wanted.handle)]);
    }
    if wanted.user_id.is_none() {
        told.extend([format!("\nAdd user_id = \"{user_id}\" to the account in the config: a DM request needs it.")]);
    }
    Ok(Done { told, user_id })
}

/// What replydeck asks for and X did not give.
pub(super) fn missing_scopes(given: &[String]) -> Vec<&'static str> {
    SCOPES.into_iter().filter(|scope| !given.iter().any(|given| given == scope)).collect()
}

async fn log_out(login: &Login<'_>, file: &TokenFile) -> anyhow::Result<()> {
    let Some(lock) = file.lock(LOCK_WITHIN).await? else {
        bail!("another replydeck holds {} and does not let go; try again", file.path().display())
    };
    let Some(kept) = file.read()? else { return say("Nobody was logged in.") };
    // Forgotten first: whatever the network says, the tokens are not used again.
    file.remove(&lock)?;
    match (&kept.tokens, &login.client) {
        (Tokens::OAuth2(tokens), Some((client, _))) => {
            revoke(&login.account.base_url, client, tokens).await.context("the tokens are forgotten here, but")?;
            say(&format!("@{} is logged out.", kept.handle))
        }
        _ => say(&format!(
            "The tokens of @{} are forgotten here. X takes them until you remove the app on its page of connected apps.",
            kept.handle
        )),
    }
}
