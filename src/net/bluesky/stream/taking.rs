//! What each message of the stream does.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{End, Held, Listener, Waiting};
use crate::model::post::Mention;
use crate::model::{AuthorId, NetworkKind, PostId};
use crate::net::Inbound;
use crate::net::bluesky::jetstream::{Decoder, Dialect, LONGEST_FRAME, POSTS, What};
use crate::net::bluesky::packed::{Unfit, Unpacker};
use crate::net::bluesky::record::{Made, bounded};

const BLUESKY: NetworkKind = NetworkKind::Bluesky;

const TOO_LONG: &str = "that are too long";
/// So many posts are kept for columns that cannot judge them yet.
const MOST_LATE: usize = 2_000;

/// One connection, as its messages are read.
pub(super) struct Line<'a> {
    decoder: &'static dyn Decoder,
    pub(super) host: &'a str,
    /// Where packed frames were asked for.
    unpacker: Option<Unpacker>,
    room: Vec<u8>,
}

impl<'a> Line<'a> {
    pub(super) fn new(dialect: Dialect, host: &'a str, is_packed: bool) -> Result<Self, Unfit> {
        let unpacker = is_packed.then(|| Unpacker::new(LONGEST_FRAME)).transpose()?;
        Ok(Self { decoder: dialect.decoder(), host, unpacker, room: Vec::new() })
    }
}

impl Listener {
    /// One message; an end if it ends the stream.
    pub(super) async fn hear(&mut self, message: Message, line: &mut Line<'_>) -> Option<End> {
        let Line { decoder, host, unpacker, room } = line;
        match message {
            // A server that does not pack says so by sending text.
            Message::Text(text) => self.take(text.as_bytes(), *decoder, host).await,
            Message::Binary(bytes) => {
                let Some(unpacker) = unpacker else {
                    self.skip("in a form nobody asked for", &format!("{} bytes", bytes.len()));
                    return None;
                };
                match unpacker.unpack(&bytes, room) {
                    Ok(()) => self.take(room, *decoder, host).await,
                    Err(unfit) => {
                        let what = match unfit {
                            Unfit::TooLong { .. } => TOO_LONG,
                            Unfit::Broken(_) => "that cannot be unpacked",
                        };
                        self.skip(what, &unfit.to_string());
                        // Nothing was heard of these frames: plain ones begin where the last good one was.
                        unpacker.is_strange().then(|| {
                            self.api.pack_no_more();
                            End::Lost { why: format!("{host} packs its frames in a way that is not ours ({unfit}); plain ones are asked for") }
                        })
                    }
                }
            }
            Message::Close(frame) => {
                let words = frame.map(|frame| bounded(frame.reason.as_str())).filter(|words| !words.is_empty());
                let why = words.map_or_else(|| format!("{host} closed the stream"), |words| format!("{host}: {words}"));
                Some(End::Lost { why })
            }
            // Pings are answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
        }
    }

    async fn take(&mut self, bytes: &[u8], decoder: &dyn Decoder, host: &str) -> Option<End> {
        if bytes.len() > LONGEST_FRAME {
            self.skip(TOO_LONG, &format!("{} bytes", bytes.len()));
            return None;
        }
        if let Some(at_us) = self.sift.passes_over(bytes) {
            self.came(at_us).await;
            return None;
        }
        let frame = decoder.frame(bytes);
        if let Some(at_us) = frame.at_us {
            self.came(at_us).await;
        }
        match frame.what {
            What::Post(made) => self.posted(made, frame.at_us),
            What::Deleted { did, key, .. } => {
                let post = PostId::new(BLUESKY, &format!("at://{did}/{POSTS}/{key}"));
                if self.is_known(&post) {
                    self.hold(frame.at_us, Held::Tell(Inbound::Deleted { post }));
                }
            }
            What::Identity { did, handle } => self.renamed(&did, handle).await,
            What::Account { did, is_active, status } => self.account(&did, is_active, &status, frame.at_us),
            What::Other => {}
            What::Info { name, message } => {
                if name == "OutdatedCursor" {
                    tracing::info!("the stream begins later than was asked for");
                } else {
                    let note = format!("{host} says: {name} {message}");
                    self.tell(self.state.clone(), Some(note)).await;
                }
            }
            What::Ends { name, message } => {
                return Some(End::Lost { why: format!("{host} ended the stream: {name} {message}") });
            }
            What::Unknown { kind } => self.skip("of a kind this version does not know", &kind),
            What::Malformed { why } => self.skip("that cannot be read", &why),
        }
        None
    }

    /// A message of this time came. The first one after a cursor tells whether the server still had what was asked for.
    async fn came(&mut self, at_us: i64) {
        let now = self.api.now();
        // A server's clock that is ahead must not take the cursor with it: what is said until then would be lost.
        let at_us = at_us.min(now.as_microsecond().saturating_add(60_000_000));
        if let Some(from) = self.missing_from.take() {
            self.place.note(at_us);
            self.gap(from, at_us).await;
        } else if let Some(asked) = self.asked_from.take() {
            let look_back = i64::try_from(self.api.pace.look_back.as_micros()).unwrap_or(i64::MAX);
            let is_beyond = now.as_microsecond() - asked > look_back;
            let silence = match self.place.unlikely_silence() {
                Some(silence) => Some(silence),
                // Of a stream whose pace is not known the servers' usual look-back decides.
                None => is_beyond.then_some(60_000_000),
            };
            let from = self.place.at_us;
            if silence.is_some_and(|silence| at_us - from > silence) {
                self.gap(from, at_us).await;
            }
            self.place.note(at_us);
        } else {
            self.place.note(at_us);
        }
    }

    async fn gap(&mut self, from: i64, to: i64) {
        if let (Ok(from), Ok(to)) = (Timestamp::from_microsecond(from), Timestamp::from_microsecond(to))
            && from < to
        {
            self.tell_gap(from, to).await;
        }
    }

    fn hold(&mut self, at_us: Option<i64>, what: Held) {
        self.waiting.push_back(Waiting { at_us, since: Instant::now(), what });
    }

    /// A post was written: it is handed on if a column wants it, or may once its author is known.
    fn posted(&mut self, mut made: Box<Made>, at_us: Option<i64>) {
        self.name(&mut made);
        let (sure, open) = self.sift.rules.matching_or_open(&made.post);
        let is_ours = self.api.watch_own && self.is_own(&made);
        let is_change = made.is_update && self.is_known(&made.post.id);
        if sure.is_empty() && open.is_empty() && !is_ours && !is_change {
            return;
        }
        self.profiles.want(made.post.author.id.native());
        self.hold(at_us, Held::Post(made));
    }

    pub(super) fn is_own(&self, made: &Made) -> bool {
        self.api.did().is_some_and(|did| made.post.author.id.native() == did)
    }

    /// Whether the post was handed on, or is about to be.
    fn is_known(&self, post: &PostId) -> bool {
        let remembered = self.api.remembered.lock().expect("nothing panics while remembering");
        remembered.refs(post).is_some()
            || self.waiting.iter().any(|held| matches!(&held.what, Held::Post(made) if made.post.id == *post))
    }

    /// Puts in what is known of the author and of whom the post names.
    pub(super) fn name(&self, made: &mut Made) {
        let post = &mut made.post;
        if let Some(profile) = self.profiles.get(post.author.id.native()) {
            profile.tell(&mut post.author);
        } else if let Some(handle) = self.sift.pins.handle(post.author.id.native()) {
            handle.clone_into(&mut post.author.handle);
        }
        let handle = |author: &AuthorId| {
            let known = self.profiles.get(author.native()).map(|profile| profile.handle.clone());
            known.or_else(|| self.sift.pins.handle(author.native()).map(str::to_owned))
        };
        for mention in &mut post.mentions {
            if let Some(known) = mention.id.as_ref().and_then(handle) {
                mention.handle = known;
            }
        }
        // Whom a reply answers is told of it though its text names nobody: it counts as named, as on X.
        if let Some(author) = post.in_reply_to_author.as_ref().filter(|author| **author != post.author.id)
            && !post.mentions.iter().any(|mention| mention.id.as_ref() == Some(author))
            && let Some(handle) = handle(author)
        {
            post.mentions.push(Mention { handle, id: Some(author.clone()) });
        }
    }

    async fn renamed(&mut self, did: &str, handle: Option<String>) {
        self.profiles.forget(did);
        if self.sift.pins.forget(did) {
            // Whose it is now is asked with the next look.
            self.handles_at = Instant::now();
        }
        let own = self.api.account();
        if let Some(handle) = handle.filter(|handle| !handle.eq_ignore_ascii_case(&own.handle))
            && own.id.as_ref().is_some_and(|id| id.native() == did)
        {
            self.api.take_identity(did, &handle);
            let note = format!("@{} is called @{handle} now; correct the handle in the config", own.handle);
            self.tell(self.state.clone(), Some(note)).await;
        }
    }

    /// An account that is gone takes its posts with it; one that comes back brings none.
    fn account(&mut self, did: &str, is_active: bool, status: &str, at_us: Option<i64>) {
        self.profiles.forget(did);
        if is_active {
            return;
        }
        let author = AuthorId::new(BLUESKY, did);
        self.waiting.retain(|held| !matches!(&held.what, Held::Post(made) if made.post.author.id == author));
        self.late.remove(did);
        let gone = self.api.remembered.lock().expect("nothing panics while remembering").forget_all_of(&author);
        for post in gone {
            let told = if status == "deleted" { Inbound::Deleted { post } } else { Inbound::Withheld { post } };
            self.hold(at_us, Held::Tell(told));
        }
    }

    /// Counts a message that is passed over; the words go out with the next beat.
    fn skip(&mut self, what: &'static str, why: &str) {
        self.skipped.count(what, why);
    }

    /// At most once a beat: a flood of them must not drown the rest.
    pub(super) async fn tell_skipped(&mut self) {
        let now = self.api.now();
        if !self.skipped.is_due(now, self.api.pace.beat) || (self.skipped.is_empty() && self.unjudged == 0) {
            return;
        }
        let mut told = Vec::new();
        told.extend(self.skipped.take(now).map(|words| format!("messages passed over: {words}")));
        let unjudged = std::mem::take(&mut self.unjudged);
        if unjudged > 0 {
            let posts = if unjudged == 1 { "post was" } else { "posts were" };
            told.push(format!("{unjudged} {posts} judged without knowing their authors' followers or names"));
        }
        self.tell(self.state.clone(), Some(told.join("; "))).await;
    }

    /// Keeps a post for columns that ask for what is not known of its author yet.
    pub(super) fn keep_late(&mut self, made: Box<Made>) {
        let did = made.post.author.id.native().to_owned();
        if self.late.len() >= MOST_LATE || !self.profiles.want(&did) {
            self.unjudged += 1;
            return;
        }
        self.late.entry(did).or_default().push((made, Instant::now()));
    }

    /// Gives up on authors of whom nothing was said in time.
    pub(super) fn expire_late(&mut self) {
        let most: Duration = self.api.pace.judged_within;
        let mut expired = 0;
        self.late.retain(|_, posts| {
            let before = posts.len();
            posts.retain(|(_, since)| since.elapsed() < most);
            expired += before - posts.len();
            !posts.is_empty()
        });
        self.unjudged += u64::try_from(expired).unwrap_or(0);
    }
}
