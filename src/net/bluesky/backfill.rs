//! Fills a gap from the stream itself: a socket of its own that begins where the gap does and ends where it ends.

use std::collections::{BTreeSet, HashMap};

use futures_util::StreamExt as _;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::jetstream::{Dialect, LONGEST_FRAME, What};
use super::packed::Unpacker;
use super::profiles::{self, Profile};
use super::record::Made;
use super::sift::{Pins, Sift};
use super::xrpc::{Api, Place};
use crate::model::PostId;
use crate::net::dispatch::Dispatch;
use crate::net::{Backfill, Feed, Inbound, Missing, socket};

const LONGEST_MESSAGE: usize = 32 * 1024 * 1024;
/// So many matching posts are kept until their authors are known.
const BATCH: usize = 25;
/// The servers' first message may lie so much later than what was asked for without meaning anything, in microseconds.
const SILENCE: i64 = 60_000_000;

pub(super) async fn backfill(api: &Api, feeds: &[Feed], from: Timestamp, to: Timestamp) -> Backfill {
    if feeds.is_empty() {
        return Backfill::refused("none of its columns is there any more");
    }
    let look_back = i64::try_from(api.pace.look_back.as_micros()).unwrap_or(i64::MAX);
    if api.now().as_microsecond() - to.as_microsecond() > look_back {
        let hours = api.pace.look_back.as_secs() / 3600;
        return Backfill::refused(format!(
            "it ended more than {hours} hours ago, further back than the stream reaches"
        ));
    }
    let mut why = String::new();
    for place in &api.jetstreams {
        match from_one(api, place, feeds, from, to).await {
            Ok(backfill) => return backfill,
            Err(error) => why = format!("{}: {error}", place.host()),
        }
    }
    Backfill::refused(why)
}

/// Reads the stretch from one server. The words say why it could not be read there at all.
async fn from_one(
    api: &Api,
    place: &Place,
    feeds: &[Feed],
    from: Timestamp,
    to: Timestamp,
) -> Result<Backfill, String> {
    let handles: Vec<String> = Sift::handles(feeds).into_iter().collect();
    let mut pins = Pins::default();
    for profile in
        profiles::ask(api, &handles, api.pace.answer_within).await.map_err(|error| error.words().to_owned())?
    {
        pins.keep(&profile.handle.to_ascii_lowercase(), Some(&profile.did));
    }
    let own = api.did();
    let mut run = Run {
        sift: Sift::new(feeds, pins, own.as_deref()),
        own: own.filter(|_| api.watch_own),
        feeds,
        dispatch: Dispatch::default(),
        profiles: HashMap::new(),
        waiting: Vec::new(),
        backfill: Backfill::default(),
        is_lost: false,
    };
    let dialect = Dialect::of(&place.url);
    let decoder = dialect.decoder();
    let is_packed = api.packs() && dialect.packs();
    let address = decoder.address(&place.url, Some(from.as_microsecond()), is_packed);
    let unpacker = is_packed.then(|| Unpacker::new(LONGEST_FRAME)).transpose();
    let mut unpacker = unpacker.map_err(|unfit| format!("packed frames cannot be read: {unfit}"))?;
    let mut room = Vec::new();
    let opened = socket::open(&place.client, &address, HeaderMap::new(), LONGEST_MESSAGE, api.pace.answer_within).await;
    let mut socket = opened.map_err(|error| error.to_string())?;
    let mut first = None;
    let mut last = from.as_microsecond();
    let mut why = None;
    // Messages that may have been posts.
    let mut unread = 0_u64;
    loop {
        let message = match timeout(api.pace.dead_after, socket.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                why = Some(format!("the stream broke: {error}"));
                break;
            }
            Ok(None) => {
                why = Some("the server closed the stream".to_owned());
                break;
            }
            Err(_) => {
                why = Some(format!("not a byte for {} s", api.pace.dead_after.as_secs()));
                break;
            }
        };
        let text;
        let bytes: &[u8] = match (message, &mut unpacker) {
            (Message::Text(plain), _) => {
                text = plain;
                text.as_bytes()
            }
            (Message::Binary(packed), Some(unpacker)) => {
                if let Err(unfit) = unpacker.unpack(&packed, &mut room) {
                    unread += 1;
                    if unpacker.is_strange() {
                        api.pack_no_more();
                        why = Some(format!(
                            "the server packs its frames in a way that is not ours ({unfit}); plain ones are asked for from now on"
                        ));
                        break;
                    }
                    continue;
                }
                &room
            }
            // A server that has no more to replay is only kept alive: the stretch is over, or nobody wrote in it.
            (Message::Ping(_), _) if first.is_none() || api.now().as_microsecond() > to.as_microsecond() + SILENCE => {
                break;
            }
            _ => continue,
        };
        let at_us = if let Some(at_us) = run.sift.passes_over(bytes) {
            run.backfill.read += 1;
            Some(at_us)
        } else {
            let frame = decoder.frame(bytes);
            unread += u64::from(matches!(frame.what, What::Malformed { .. }));
            if let What::Post(made) = frame.what
                && frame.at_us.is_none_or(|at| at <= to.as_microsecond())
            {
                run.backfill.read += 1;
                run.take(api, made).await;
            }
            frame.at_us
        };
        let Some(at_us) = at_us else { continue };
        first.get_or_insert(at_us);
        last = last.max(at_us);
        if at_us > to.as_microsecond() {
            break;
        }
    }
    run.flush(api).await;
    let mut reasons: Vec<String> = Vec::new();
    if let Some(why) = why {
        let at = Timestamp::from_microsecond(last).map(|at| at.to_string()).unwrap_or_default();
        reasons.push(format!("{why}; read up to {at}"));
    }
    if let Some(first) = first.filter(|first| first - from.as_microsecond() > SILENCE) {
        let look_back = i64::try_from(api.pace.look_back.as_micros()).unwrap_or(i64::MAX);
        if api.now().as_microsecond() - from.as_microsecond() > look_back {
            let at = Timestamp::from_microsecond(first).map(|at| at.to_string()).unwrap_or_default();
            reasons.push(format!("the stream looks back no further than {at}"));
        }
    }
    if unread > 0 {
        reasons.push(format!("{unread} messages of it could not be read"));
    }
    if run.is_lost {
        reasons.push("a column closed while it was being filled".to_owned());
    }
    run.backfill.missing = (!reasons.is_empty()).then(|| Missing { why: reasons.join("; "), until: None });
    Ok(run.backfill)
}

/// A backfill under way.
struct Run<'a> {
    sift: Sift,
    /// Our own id, where our own posts are wanted.
    own: Option<String>,
    feeds: &'a [Feed],
    dispatch: Dispatch,
    profiles: HashMap<String, Option<Profile>>,
    waiting: Vec<Made>,
    backfill: Backfill,
    is_lost: bool,
}

impl Run<'_> {
    async fn take(&mut self, api: &Api, mut made: Box<Made>) {
        let did = made.post.author.id.native().to_owned();
        if let Some(handle) = self.sift.pins.handle(&did) {
            handle.clone_into(&mut made.post.author.handle);
        }
        let (sure, open) = self.sift.rules.matching_or_open(&made.post);
        if sure.is_empty() && open.is_empty() && self.own.as_ref() != Some(&did) {
            return;
        }
        self.waiting.push(*made);
        if self.waiting.len() >= BATCH {
            self.flush(api).await;
        }
    }

    /// Hands on what waited, oldest first. Nobody is in a hurry here: authors are asked for first.
    async fn flush(&mut self, api: &Api) {
        let unknown: BTreeSet<String> = self
            .waiting
            .iter()
            .map(|made| made.post.author.id.native().to_owned())
            .filter(|did| !self.profiles.contains_key(did))
            .collect();
        let unknown: Vec<String> = unknown.into_iter().collect();
        match profiles::ask(api, &unknown, api.pace.answer_within).await {
            Ok(found) => {
                for did in unknown {
                    let profile = found.iter().find(|profile| profile.did == did).cloned();
                    self.profiles.insert(did, profile);
                }
            }
            Err(error) => tracing::warn!(why = error.words(), "a gap is filled without its authors' names"),
        }
        for mut made in std::mem::take(&mut self.waiting) {
            let did = made.post.author.id.native().to_owned();
            if let Some(Some(profile)) = self.profiles.get(&did) {
                profile.tell(&mut made.post.author);
            }
            self.give(api, &made).await;
        }
    }

    async fn give(&mut self, api: &Api, made: &Made) {
        let takers = self.sift.rules.matching(&made.post);
        let mut is_given = false;
        for feed in takers.iter().filter_map(|&taker| self.feeds.get(taker)) {
            for inbound in self.dispatch.offer_as(&feed.column, &made.post, &made.rev) {
                self.is_lost |= feed.out.send(inbound).await.is_err();
            }
            is_given = true;
        }
        if is_given {
            self.backfill.found.insert(made.post.id.clone());
        } else if let (true, Some(feed)) =
            (self.own.as_deref() == Some(made.post.author.id.native()), self.feeds.first())
        {
            self.is_lost |= feed.out.send(Inbound::Own(Box::new(made.post.clone()))).await.is_err();
        } else {
            return;
        }
        let mut remembered = api.remembered.lock().expect("nothing panics while remembering");
        remembered.keep(&made.post.id, &made.post.author.id, &made.refs);
    }
}

/// Whether posts still stand, by asking for them; edits are told by the stream.
pub(super) async fn look_up(api: &Api, posts: &[PostId]) -> Result<Vec<Inbound>, Missing> {
    let mut gone = Vec::new();
    for batch in posts.chunks(BATCH) {
        let query: Vec<(&str, &str)> = batch.iter().map(|post| ("uris", post.native())).collect();
        let ask = super::xrpc::Ask::get("app.bsky.feed.getPosts", &query, api.pace.answer_within);
        let answer = api.public(&ask).await.map_err(|error| Missing {
            why: error.words().to_owned(),
            until: match &error {
                super::xrpc::CallError::No(problem) => problem.until,
                _ => None,
            },
        })?;
        let there: BTreeSet<&str> =
            super::record::items(answer.get("posts")).map(|post| super::record::text_of(post, "uri")).collect();
        if there.is_empty() && batch.len() > 1 {
            // None of many at once is rather the directory's trouble than theirs.
            let why = "Bluesky's directory showed none of the posts asked for".to_owned();
            return Err(Missing { why, until: None });
        }
        // Deleted, taken down, or of an account that is gone: which of these is not said. The words go either way.
        gone.extend(batch.iter().filter(|post| !there.contains(post.native())));
    }
    Ok(gone.into_iter().map(|post| Inbound::Withheld { post: post.clone() }).collect())
}
