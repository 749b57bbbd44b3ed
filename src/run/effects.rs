//! Carries out what [`crate::app::update`] asks for. Nothing here waits: every deed is a task or a queue.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::gaps::{self, Feeds, Filling, Underway};
use super::intake::Signer;
use super::looking::Looking;
use super::outbox::{self, Delivering};
use super::reporting::Reporting;
use super::trying::{self, Trying};
use super::{person, searching};
use crate::app::clipboard::{SEQUENCE_MOST, fitting};
use crate::app::effect::AppendToken;
use crate::app::notice::{Notice, Weight};
use crate::app::{App, Effect, FromStore, Msg, NewColumn};
use crate::config::{append, secret};
use crate::desk::report::Terms;
use crate::log::{AppendError, Log, LogError};
use crate::model::spend::Gauge;
use crate::model::{
    AccountName, AuthorId, Expect, FoundOnNetwork, GapId, NetworkKind, NewEvent, NotAppended, PostId, SessionId,
    Verdict, Whereabouts,
};
use crate::net::{Clock, Network};
use crate::rules::Rule;

/// A store that takes longer for an own action is told to be slow.
const SLOW: Duration = Duration::from_secs(2);

/// So many posts are read at once when scrolling past the window, and shown for a search.
const PAGE: usize = 50;

/// What the deck's deeds need.
pub struct Effects {
    pub log: Arc<dyn Log>,
    pub networks: BTreeMap<AccountName, Arc<dyn Network>>,
    /// Where posts found for a gap go.
    feeds: Feeds,
    underway: Underway,
    trying: Trying,
    reporting: Reporting,
    /// Who looks posts up; none: this process does.
    looking: Option<Looking>,
    pub clock: Clock,
    pub signer: Signer,
    pub session: SessionId,
    /// Where new columns are written; `None` where there is no file.
    pub config: Option<PathBuf>,
    /// Where the rep is, for the other runs.
    pub presence: watch::Sender<Option<Whereabouts>>,
    pub inbox: mpsc::Sender<Msg>,
    /// Everything begun here; the end waits for it.
    pub tasks: TaskTracker,
    /// Appends leave in the order the keys asked for them.
    appends: mpsc::UnboundedSender<Append>,
}

impl std::fmt::Debug for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").field("networks", &self.networks).finish_non_exhaustive()
    }
}

struct Append {
    token: AppendToken,
    events: Vec<NewEvent>,
    expect: Option<Expect>,
}

/// What the loop itself has to do, because it owns the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForTerminal {
    Write(Vec<u8>),
    Edit { text: String },
    Suspend,
    Repaint,
    Quit,
}

impl Effects {
    pub fn new(
        log: Arc<dyn Log>,
        networks: BTreeMap<AccountName, Arc<dyn Network>>,
        feeds: Feeds,
        clock: Clock,
        signer: Signer,
        session: SessionId,
        inbox: mpsc::Sender<Msg>,
    ) -> Self {
        let (appends, queue) = mpsc::unbounded_channel();
        let tasks = TaskTracker::new();
        tasks.spawn(append_in_order(Arc::clone(&log), queue, inbox.clone(), Arc::clone(&clock)));
        Self {
            log,
            networks,
            feeds,
            underway: Underway::default(),
            trying: Trying::default(),
            reporting: Reporting::default(),
            looking: None,
            clock,
            signer,
            session,
            config: None,
            presence: watch::Sender::new(None),
            inbox,
            tasks,
            appends,
        }
    }

    /// With other decks on this host, of which one looks posts up.
    #[must_use]
    pub fn sharing_looks(mut self, looking: Looking) -> Self {
        self.looking = Some(looking);
        self
    }

    /// Begins the deed; hands back what only the owner of the terminal can do.
    pub fn run(&self, effect: Effect, app: &App) -> Option<ForTerminal> {
        match effect {
            Effect::Append { token, events, expect } => {
                if self.appends.send(Append { token, events, expect }).is_err() {
                    tracing::error!("the store's queue is gone");
                }
                None
            }
            Effect::Send { reply } => self.deliver(reply, app, false),
            Effect::ReadBack { reply } => self.deliver(reply, app, true),
            Effect::ReadBodies { ids } => self.read(move |log| async move {
                log.bodies(ids.clone()).await.map(|found| FromStore::Bodies { asked: ids, found })
            }),
            Effect::ReadOlder { column, name, before } => self.read(move |log| async move {
                log.older(name, before, PAGE).await.map(|posts| FromStore::Older { column, posts })
            }),
            Effect::ReadCase { case } => {
                let is_held = app.desk.cases.contains_key(&case);
                self.read(move |log| async move {
                    let (events, beside) = person::read_case(&*log, case, !is_held).await?;
                    Ok(FromStore::Case { case, events, beside })
                })
            }
            Effect::Find { words, search } => self.read(move |log| async move {
                let found = searching::search(&*log, &search, PAGE).await?;
                Ok(FromStore::Found { words, found })
            }),
            Effect::FindCaseOf { text } => self.read(move |log| async move {
                let found = searching::case_of_text(&*log, &text).await?;
                Ok(FromStore::TextOf { text, found })
            }),
            Effect::ReadPerson { author } => self.read(move |log| async move {
                person::read(&*log, author).await.map(|record| FromStore::Person(Box::new(record)))
            }),
            Effect::FindOnNetwork { account, words, query, most } => self.find_on_network(&account, words, query, most),
            Effect::Report { number, terms } => self.report(number, *terms),
            Effect::FillGap { gap } => self.fill_gap(gap, app),
            Effect::TryQuery { rule, network } => self.try_query(rule, network, app),
            Effect::Gauge { account, rule, gauge } => self.gauge(&account, rule, gauge),
            Effect::AddColumn { column } => self.add_column(column),
            Effect::LookUp { account, posts } => self.look_up(&account, posts),
            Effect::AskMayMessage { account, author } => self.ask_may_message(account, author),
            Effect::AskOfPosts { account, posts } => self.ask_of_posts(account, posts),
            Effect::Open { url } => self.open(url),
            Effect::HandOver { url, bare, text } => Some(ForTerminal::Write(self.hand_over(url, &bare, &text))),
            Effect::Copy { text } => Some(ForTerminal::Write(clipboard(&text))),
            Effect::EditExternally { text } => Some(ForTerminal::Edit { text }),
            Effect::TellPresence { at } => {
                self.presence.send_replace(Some(at));
                None
            }
            Effect::Bell => Some(ForTerminal::Write(vec![0x07])),
            Effect::Suspend => Some(ForTerminal::Suspend),
            Effect::Repaint => Some(ForTerminal::Repaint),
            Effect::Quit => Some(ForTerminal::Quit),
        }
    }

    /// Ends after everything begun is done.
    pub async fn end(self) {
        let Self { tasks, appends, .. } = self;
        drop(appends);
        tasks.close();
        tasks.wait().await;
    }

    fn deliver(&self, reply: crate::model::ReplyId, app: &App, only_look: bool) -> Option<ForTerminal> {
        let known = app.desk.replies.get(&reply);
        let network = known.and_then(|reply| self.networks.get(&reply.account)).cloned();
        let attempted = known.and_then(|reply| reply.attempted);
        let ready = outbox::outgoing(&app.desk, app.setup.role, reply).and_then(|ready| {
            network.ok_or_else(|| "its account is not set up for sending".to_owned()).map(|network| (ready, network))
        });
        match ready {
            Ok(((confirmed, expect), network)) => {
                let delivering = Delivering {
                    log: Arc::clone(&self.log),
                    network,
                    clock: Arc::clone(&self.clock),
                    signer: self.signer.clone(),
                    session: self.session,
                    inbox: self.inbox.clone(),
                };
                if only_look {
                    let attempted = attempted.unwrap_or(app.now);
                    self.tasks.spawn(delivering.read_back(confirmed, attempted, expect));
                } else {
                    self.tasks.spawn(delivering.send(confirmed, expect));
                }
            }
            Err(why) => self.tell(Weight::Error, format!("a reply cannot be sent: {why}; it stays in the outbox (U)")),
        }
        None
    }

    fn fill_gap(&self, gap: GapId, app: &App) -> Option<ForTerminal> {
        match gaps::prepare(gap, app, &self.networks, &self.feeds) {
            Ok(ask) => {
                let filling = Filling {
                    ask,
                    log: Arc::clone(&self.log),
                    clock: Arc::clone(&self.clock),
                    signer: self.signer.clone(),
                    inbox: self.inbox.clone(),
                };
                self.tasks.spawn(filling.run(self.underway.clone()));
            }
            Err(why) => self.tell(Weight::Warning, format!("not filled: {why}")),
        }
        None
    }

    fn find_on_network(&self, account: &AccountName, words: String, query: Rule, most: u64) -> Option<ForTerminal> {
        let (network, inbox) = (self.networks.get(account).cloned(), self.inbox.clone());
        self.tasks.spawn(async move {
            let found = match network {
                Some(network) => network.search(&query, most).await,
                None => FoundOnNetwork::refused("the account is not set up", None),
            };
            if inbox.send(Msg::FoundOnNetwork { words, found }).await.is_err() {
                tracing::debug!("nobody is left to read what the network found");
            }
        });
        None
    }

    /// The newest look is the one that counts: an earlier one still under way is given up.
    fn try_query(&self, rule: Rule, network: NetworkKind, app: &App) -> Option<ForTerminal> {
        let columns = app.setup.columns.iter().map(|column| column.name.clone()).collect();
        let since = (self.clock)().checked_sub(trying::REACH).unwrap_or(Timestamp::MIN);
        let (log, stop) = (Arc::clone(&self.log), self.trying.begin());
        let (inbox, clock) = (self.inbox.clone(), Arc::clone(&self.clock));
        self.tasks.spawn(async move {
            let msg = tokio::select! {
                () = stop.cancelled() => return,
                caught = trying::look(&*log, (&rule, network), columns, since) => match caught {
                    Ok(caught) => Msg::Store(FromStore::Caught(caught)),
                    Err(error) => Msg::Notice(Notice::new(clock(), Weight::Error, error.to_string())),
                },
            };
            if inbox.send(msg).await.is_err() {
                tracing::debug!("nobody is left to read what the store said");
            }
        });
        None
    }

    fn gauge(&self, account: &AccountName, rule: Rule, gauge: Gauge) -> Option<ForTerminal> {
        let network = self.networks.get(account).cloned();
        self.answer(async move {
            let answer = match network {
                Some(network) => network.gauge(&rule, gauge).await,
                None => Err("its account is not set up".to_owned()),
            };
            Msg::Gauged { query: rule.source().to_owned(), gauge, answer }
        })
    }

    fn add_column(&self, column: NewColumn) -> Option<ForTerminal> {
        let config = self.config.clone();
        self.answer(async move {
            let name = column.name.clone();
            let result = match config {
                None => Err("this deck runs without a config file".to_owned()),
                Some(path) => {
                    let shown = path.display().to_string();
                    match tokio::task::spawn_blocking(move || append::add_column(&path, &column)).await {
                        Ok(added) => added.map(|()| shown),
                        Err(error) => Err(error.to_string()),
                    }
                }
            };
            Msg::ColumnAdded { name, result }
        })
    }

    fn answer(&self, ask: impl Future<Output = Msg> + Send + 'static) -> Option<ForTerminal> {
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            if inbox.send(ask.await).await.is_err() {
                tracing::debug!("nobody is left to hear the answer");
            }
        });
        None
    }

    /// What the look shows goes the way of the stream: the intake writes it down and erases.
    fn look_up(&self, account: &AccountName, posts: Vec<PostId>) -> Option<ForTerminal> {
        if self.looking.as_ref().is_some_and(|looking| !looking.is_ours(account)) {
            return None;
        }
        let feed = self.feeds.get(account).and_then(|feeds| feeds.borrow().first().cloned());
        if let (Some(network), Some(feed)) = (self.networks.get(account).cloned(), feed) {
            self.tasks.spawn(async move {
                match network.look_up(&posts).await {
                    Ok(changed) => {
                        for inbound in changed {
                            if feed.out.send(inbound).await.is_err() {
                                return;
                            }
                        }
                    }
                    // The next look tries again.
                    Err(missing) => tracing::warn!(why = %missing.why, "posts could not be looked up"),
                }
            });
        }
        None
    }

    fn ask_may_message(&self, account: AccountName, author: AuthorId) -> Option<ForTerminal> {
        let network = self.networks.get(&account).cloned();
        self.answer(async move {
            let verdict = match network {
                Some(network) => network.may_message(&author).await,
                None => Verdict::No { why: format!("the account {account} is not set up for sending") },
            };
            Msg::MayMessage { author, verdict }
        })
    }

    fn ask_of_posts(&self, account: AccountName, posts: Vec<PostId>) -> Option<ForTerminal> {
        let network = self.networks.get(&account).cloned();
        self.answer(async move {
            let told = match network {
                Some(network) => network.told_of(&posts).await,
                None => Vec::new(),
            };
            Msg::ToldOfPosts { account, told }
        })
    }

    fn read<F>(&self, ask: impl FnOnce(Arc<dyn Log>) -> F) -> Option<ForTerminal>
    where
        F: Future<Output = Result<FromStore, LogError>> + Send + 'static,
    {
        let answer = ask(Arc::clone(&self.log));
        let (inbox, clock) = (self.inbox.clone(), Arc::clone(&self.clock));
        self.tasks.spawn(async move {
            let msg = match answer.await {
                Ok(answer) => Msg::Store(answer),
                Err(error) => Msg::Notice(Notice::new(clock(), Weight::Error, error.to_string())),
            };
            if inbox.send(msg).await.is_err() {
                tracing::debug!("nobody is left to read what the store said");
            }
        });
        None
    }

    fn report(&self, number: u64, terms: Terms) -> Option<ForTerminal> {
        self.tasks.spawn(self.reporting.make(number, terms, Arc::clone(&self.log), self.inbox.clone()));
        None
    }

    fn tell(&self, weight: Weight, text: String) {
        // The log file never holds what was written to customers, which an address or a reason may repeat.
        tracing::warn!(?weight, "the screen was told that something did not go as asked");
        let (inbox, notice) = (self.inbox.clone(), Notice::new((self.clock)(), weight, text));
        self.tasks.spawn(async move {
            if inbox.send(Msg::Notice(notice)).await.is_err() {
                tracing::debug!("nobody is left to read the notice");
            }
        });
    }

    /// Opens a page with the desktop's opener; over SSH and without one its address is copied and shown instead.
    fn open(&self, url: String) -> Option<ForTerminal> {
        let Some(opener) = opener() else {
            self.tell(Weight::Info, format!("no browser here: the page's address is on the clipboard: {url}"));
            return Some(ForTerminal::Write(clipboard(&url)));
        };
        self.start(opener, url, None);
        None
    }

    /// Opens the page on which a reply is published, the text at hand; hands back what goes to the clipboard.
    fn hand_over(&self, url: String, bare: &str, text: &str) -> Vec<u8> {
        let Some(opener) = opener() else {
            let (copied, told) = without_browser(&url, bare);
            self.tell(Weight::Warning, told);
            return clipboard(copied);
        };
        if fitting(text).len() < text.len() {
            // Half a reply on the clipboard would be worse than none.
            self.start(
                opener,
                url,
                Some("the page is open with the text in it (too long for the clipboard): press Post there"),
            );
            return Vec::new();
        }
        self.start(opener, url, Some("the page is open, the text is also on the clipboard: press Post there"));
        clipboard(text)
    }

    /// Starts the opener; `done` is told once it has taken the page.
    fn start(&self, opener: PathBuf, url: String, done: Option<&'static str>) {
        let (inbox, clock) = (self.inbox.clone(), Arc::clone(&self.clock));
        self.tasks.spawn(async move {
            let mut command = tokio::process::Command::new(&opener);
            for name in secret::variables() {
                command.env_remove(name);
            }
            let opened =
                command.arg(&url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
            let (weight, text) = match (opened, done) {
                (Ok(status), None) if status.success() => return,
                (Ok(status), Some(done)) if status.success() => (Weight::Info, done.to_owned()),
                (Ok(status), _) => {
                    let told = format!("{} ended with {status}: open this page yourself: {url}", opener.display());
                    (Weight::Warning, told)
                }
                (Err(error), _) => {
                    let told =
                        format!("{} could not be started ({error}): open this page yourself: {url}", opener.display());
                    (Weight::Warning, told)
                }
            };
            if inbox.send(Msg::Notice(Notice::new(clock(), weight, text))).await.is_err() {
                tracing::debug!("nobody is left to read the notice");
            }
        });
    }
}

/// What is copied where no browser is, and what is said: the whole address holds the text, but mosh passes on
/// only so much.
fn without_browser<'a>(url: &'a str, bare: &'a str) -> (&'a str, String) {
    if osc52(url).len() <= SEQUENCE_MOST {
        let told = format!(
            "no browser here: the page's address is on the clipboard; open it, press Post there. The address: {url}"
        );
        (url, told)
    } else {
        let told = format!(
            "no browser here, and the address with the text in it is too long for some clipboards: the page without \
             the text is on the clipboard; open it, write the draft's text, press Post there. The whole address: {url}"
        );
        (bare, told)
    }
}

/// The program that opens pages: `$BROWSER`, or the desktop's own where there is a display and no SSH between.
fn opener() -> Option<PathBuf> {
    if let Some(browser) = std::env::var_os("BROWSER").filter(|browser| !browser.is_empty()) {
        return Some(PathBuf::from(browser));
    }
    if std::env::var_os("SSH_CONNECTION").is_some() {
        return None;
    }
    if cfg!(target_os = "macos") {
        return Some(PathBuf::from("open"));
    }
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(|name| std::env::var_os(name).is_some());
    display.then(|| PathBuf::from("xdg-open"))
}

/// OSC 52 with target `c` and BEL.
fn osc52(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text))
}

/// OSC 52; inside tmux also wrapped for its pass-through. What does not fit is left out: whoever asks has cut it and
/// said so.
fn clipboard(text: &str) -> Vec<u8> {
    sequences(fitting(text), std::env::var_os("TMUX").is_some())
}

fn sequences(text: &str, in_tmux: bool) -> Vec<u8> {
    let plain = osc52(text);
    let mut bytes = Vec::with_capacity(plain.len() * 2 + 16);
    if in_tmux {
        // tmux takes the plain form where `set-clipboard` is on and the wrapped one where pass-through is.
        let wrapped = plain.replace('\x1b', "\x1b\x1b");
        if write!(bytes, "\x1bPtmux;{wrapped}\x1b\\").is_err() {
            tracing::error!("writing to memory failed");
        }
    }
    bytes.extend_from_slice(plain.as_bytes());
    bytes
}

async fn append_in_order(
    log: Arc<dyn Log>,
    mut queue: mpsc::UnboundedReceiver<Append>,
    inbox: mpsc::Sender<Msg>,
    clock: Clock,
) {
    while let Some(Append { token, events, expect }) = queue.recv().await {
        let mut appending = std::pin::pin!(log.append(events, expect));
        let result = if let Ok(result) = timeout(SLOW, &mut appending).await {
            result
        } else {
            tracing::warn!("the store is slow to take an own action");
            let told = "the store is slow (its disk?): what you do shows as pending until it is kept";
            let notice = Notice::new(clock(), Weight::Warning, told.to_owned());
            if inbox.send(Msg::Notice(notice)).await.is_err() {
                tracing::debug!("nobody is left to read the notice");
            }
            appending.await
        };
        let result = result.map_err(|error| match error {
            AppendError::Conflict { winner } => NotAppended::Conflict { winner },
            AppendError::Log(error) => NotAppended::Failed { why: error.to_string() },
        });
        if let Err(NotAppended::Failed { why }) = &result {
            tracing::error!(%why, "an own action did not reach the log");
        }
        if inbox.send(Msg::Appended { token, result }).await.is_err() {
            tracing::debug!("nobody is left to hear of the append");
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::{SEQUENCE_MOST, osc52, sequences, without_browser};
    use crate::app::clipboard::{TEXT_MOST, fitting};

    #[test]
    fn the_longest_text_that_is_copied_makes_a_sequence_that_mosh_takes() {
        let long = "a".repeat(TEXT_MOST);
        let whole = osc52(&long);
        assert!(whole.len() <= SEQUENCE_MOST && osc52(&format!("{long}abc")).len() > SEQUENCE_MOST);
        for text in [long, "回線がとても遅い".repeat(60), "👨‍👩‍👧‍👦".repeat(90)] {
            let copied = fitting(&text);
            let plain = String::from_utf8(sequences(copied, false)).unwrap();
            let inside = plain.strip_prefix("\x1b]52;c;").and_then(|rest| rest.strip_suffix('\x07')).unwrap();
            let back = base64::engine::general_purpose::STANDARD.decode(inside).unwrap();
            assert_eq!(back, copied.as_bytes());
            assert!(plain.len() <= SEQUENCE_MOST, "{}", plain.len());
            // tmux unwraps the first form, or takes the second.
            let both = String::from_utf8(sequences(copied, true)).unwrap();
            let (wrapped, rest) = both.split_at(both.len() - plain.len());
            assert_eq!(rest, plain);
            let inner = wrapped.strip_prefix("\x1bPtmux;").and_then(|rest| rest.strip_suffix("\x1b\\")).unwrap();
            assert_eq!(inner.replace("\x1b\x1b", "\x1b"), plain);
        }
    }

    #[test]
    fn without_a_browser_the_address_is_copied_whole_if_it_passes_and_shown_whole_always() {
        let bare = "https://x.com/intent/tweet?in_reply_to=9";
        let short = format!("{bare}&text={}", "sorry%20".repeat(30));
        let (copied, told) = without_browser(&short, bare);
        assert_eq!(copied, short);
        assert!(told.contains(&short) && told.contains("is on the clipboard"), "{told}");
        let long = format!("{bare}&text={}", "%E8%AB%8B".repeat(140));
        let (copied, told) = without_browser(&long, bare);
        assert_eq!(copied, bare);
        assert!(told.contains(&long) && told.contains("without the text"), "{told}");
        for sent in [short.as_str(), bare] {
            assert!(osc52(sent).len() <= SEQUENCE_MOST);
        }
    }
}
