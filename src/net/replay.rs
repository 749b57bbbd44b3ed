//! Feeds the columns from a recording: X's stream objects or what a Mastodon server's stream sent, one a line, matched
//! here by the columns' own rules.
//!
//! Lines come at the pace of the posts' own times, faster by a factor, or as fast as they are taken. A stretch
//! in which nobody wrote is shortened to [`LONGEST_WAIT`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::dispatch::Dispatch;
use super::lines::{Cut, LineSplitter};
use super::x::decode::{self, Line};
use super::{Clock, Feed, Inbound, mastodon};
use crate::model::ColumnName;
use crate::rules::many::Rules;

/// Between two posts the replay never waits longer, whatever the recording says.
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A post dated so far before the one it follows says that one of the two has a wrong date.
const TRUSTED_LEAP: SignedDuration = SignedDuration::from_hours(24);

/// Own posts that no column asked for are remembered under this name, which no column can have.
const OWN: &str = "/own";

/// Later than this is not slowness but a stop.
const HELD_UP: Duration = Duration::from_secs(1);

/// As long as `replydeck match` reads, so that both know the same posts.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// So many reasons for passing lines over are told apart.
const KINDS_TOLD: usize = 8;

/// How fast a recording runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was; 1 is the recording's own time.
    Times(f64),
    /// As fast as the columns take it.
    Max,
}

/// Which time the posts carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// Their own.
    #[default]
    Recorded,
    /// That of their arrival, so that due times run as if it happened now.
    Arrival,
}

/// How far a replay got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub lines: u64,
    pub posts: u64,
    /// Posts that some column took, each counted once.
    pub matched: u64,
    /// Lines that are no post and no keep-alive, passed over.
    pub malformed: u64,
    /// Why they are none, and how many each; the rarest reasons of a long list are counted as others.
    pub why_malformed: BTreeMap<String, u64>,
    pub bytes: u64,
    /// The recording was read to its end, rather than stopped.
    pub is_finished: bool,
}

impl Progress {
    /// `121 lines passed over: a post without an id (121)`; `None` where none was.
    pub fn passed_over(&self) -> Option<String> {
        let whys: Vec<_> = self.why_malformed.iter().map(|(why, count)| format!("{why} ({count})")).collect();
        let lines = if self.malformed == 1 { "line" } else { "lines" };
        (self.malformed > 0).then(|| format!("{} {lines} passed over: {}", self.malformed, whys.join(", ")))
    }
}

/// A recording and the columns it feeds.
pub struct Source<R> {
    reader: R,
    feeds: Vec<Feed>,
    own: Vec<String>,
    speed: Speed,
    times: Times,
    clock: Clock,
}

impl<R> std::fmt::Debug for Source<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("feeds", &self.feeds).field("speed", &self.speed).finish_non_exhaustive()
    }
}

impl<R: AsyncRead + Unpin + Send> Source<R> {
    pub fn new(reader: R, feeds: Vec<Feed>, speed: Speed, clock: Clock) -> Self {
        Self { reader, feeds, own: Vec::new(), speed, times: Times::Recorded, clock }
    }

    /// Handles of ours: what they wrote is handed on though no column asks for it, as the stream does, so that
    /// answers typed elsewhere reach their cases.
    #[must_use]
    pub fn with_own(self, own: Vec<String>) -> Self {
        Self { own, ..self }
    }

    pub fn with_times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// Runs to the end of the recording or until `stop`; `told` hears how far it is after each piece that was
    /// read. An error is the reader's own.
    pub async fn run(
        self,
        stop: CancellationToken,
        mut told: impl FnMut(&Progress) + Send,
    ) -> std::io::Result<Progress> {
        let Self { mut reader, feeds, own, speed, times, clock } = self;
        let mut run = Run {
            rules: Rules::new(feeds.iter().map(|feed| feed.rule.clone()).collect()),
            feeds,
            own,
            clock,
            times,
            pacing: Pacing { speed, from: None },
            dispatch: Dispatch::default(),
            progress: Progress::default(),
        };
        let finished = tokio::select! {
            () = stop.cancelled() => None,
            result = run.read(&mut reader, &mut told) => Some(result),
        };
        if let Some(result) = finished {
            result?;
            run.progress.is_finished = true;
        }
        told(&run.progress);
        Ok(run.progress)
    }
}

/// A replay under way.
struct Run {
    feeds: Vec<Feed>,
    own: Vec<String>,
    /// Those of the feeds.
    rules: Rules,
    clock: Clock,
    times: Times,
    pacing: Pacing,
    dispatch: Dispatch,
    progress: Progress,
}

impl Run {
    async fn read(
        &mut self,
        reader: &mut (impl AsyncRead + Unpin),
        told: &mut impl FnMut(&Progress),
    ) -> std::io::Result<()> {
        let mut splitter = LineSplitter::new(LONGEST_LINE);
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = reader.read(&mut chunk).await?;
            self.progress.bytes += length as u64;
            let mut lines = Vec::new();
            let mut each = |cut: Cut<'_>| {
                lines.push(match cut {
                    Cut::Line(bytes) => mastodon::decode::recorded(bytes).unwrap_or_else(|| decode::line(bytes)),
                    Cut::TooLong(length) => Line::Malformed {
                        why: format!("a line of {length} bytes is too long: at most {LONGEST_LINE} are read"),
                    },
                });
            };
            match length {
                0 => splitter.finish(&mut each),
                _ => splitter.feed(&chunk[..length], &mut each),
            }
            for line in lines {
                self.take(line).await;
            }
            if length == 0 {
                return Ok(());
            }
            told(&self.progress);
        }
    }

    async fn take(&mut self, line: Line) {
        self.progress.lines += 1;
        let mut pass_over = |why: String| {
            self.progress.malformed += 1;
            // The parser names the place of each; the kinds of damage are few.
            let kind = why.split(" at line ").next().unwrap_or_default();
            let whys = &mut self.progress.why_malformed;
            let is_new = !whys.contains_key(kind) && whys.len() >= KINDS_TOLD;
            *whys.entry(if is_new { "other damage".to_owned() } else { kind.to_owned() }).or_default() += 1;
        };
        let mut post = match line {
            Line::Post { post, .. } => post,
            // A recording of a stream holds what the stream said of itself.
            Line::Blank | Line::Disconnect { .. } | Line::Problem { .. } => return,
            Line::Unknown { keys } => {
                return pass_over(format!("a message of a kind this version does not know: {keys}"));
            }
            Line::Malformed { why } => return pass_over(why),
        };
        self.progress.posts += 1;
        let takers = self.rules.matching(&post);
        let is_own = self.own.iter().any(|handle| handle.eq_ignore_ascii_case(&post.author.handle));
        if takers.is_empty() && !is_own {
            return;
        }
        self.progress.matched += u64::from(!takers.is_empty());
        if let Some(until) = self.pacing.due(post.at, Instant::now()) {
            sleep_until(until).await;
        }
        if self.times == Times::Arrival {
            post.at = (self.clock)();
        }
        if let (true, Some(feed)) = (takers.is_empty(), self.feeds.first()) {
            for inbound in self.dispatch.offer(&ColumnName::new(OWN), &post) {
                let inbound = match inbound {
                    Inbound::Post(post) => Inbound::Own(post),
                    other => other,
                };
                drop(feed.out.send(inbound).await);
            }
        }
        for taker in takers {
            let feed = &self.feeds[taker];
            for inbound in self.dispatch.offer(&feed.column, &post) {
                // A column that was closed takes no more; the others go on.
                drop(feed.out.send(inbound).await);
            }
        }
    }
}

/// Turns the recording's times into ours.
struct Pacing {
    speed: Speed,
    /// A time of the recording and when it was played.
    from: Option<(Timestamp, Instant)>,
}

impl Pacing {
    /// When a post of `at` is due; none if at once.
    fn due(&mut self, at: Timestamp, now: Instant) -> Option<Instant> {
        let Speed::Times(factor) = self.speed else { return None };
        let Some((recorded, played)) = self.from else {
            self.from = Some((at, now));
            return None;
        };
        if recorded.duration_since(at) > TRUSTED_LEAP {
            // The one before was dated wrongly, or this one is: it goes on from here either way.
            self.from = Some((at, now));
            return None;
        }
        // Recordings are not in strict order; what lies before its turn goes at once.
        let ahead = Duration::try_from(at.duration_since(recorded)).ok()?;
        let ahead = if factor > 0.0 {
            Duration::try_from_secs_f64(ahead.as_secs_f64() / factor).unwrap_or(Duration::MAX)
        } else {
            Duration::MAX
        };
        let due = played.checked_add(ahead).unwrap_or(now + LONGEST_WAIT * 2);
        if due <= now {
            // Held up, by a column or by whoever stopped the tape, it goes on from here rather than catch up.
            if now.duration_since(due) > HELD_UP {
                self.from = Some((at, now));
            }
            return None;
        }
        let due = due.min(now + LONGEST_WAIT);
        self.from = Some((at, due));
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::sync::mpsc;
    use tokio::time::Instant;
    use tokio_util::sync::CancellationToken;

    use super::{LONGEST_WAIT, Pacing, Source, Speed, Times};
    use crate::model::ColumnName;
    use crate::net::{Feed, Inbound};
    use crate::rules::Rule;

    fn feed(column: &str, query: &str, out: mpsc::Sender<Inbound>) -> Feed {
        Feed { column: ColumnName::new(column), rule: Rule::parse(query).unwrap(), out }
    }

    #[tokio::test]
    async fn every_column_whose_rule_matches_gets_each_post_once() {
        let recording = "{\"data\":{\"id\":\"1\",\"text\":\"so slow\",\"author_id\":\"7\"}}\r\n\r\nnot json\n\
            {\"data\":{\"id\":\"2\",\"text\":\"slow billing\",\"author_id\":\"7\"}}\n\
            {\"data\":{\"id\":\"2\",\"text\":\"slow billing\",\"author_id\":\"7\"}}\n\
            {\"data\":{\"id\":\"3\",\"text\":\"nice\",\"author_id\":\"7\"}}";
        let (slow, mut slow_in) = mpsc::channel(8);
        let (bill, mut bill_in) = mpsc::channel(8);
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let feeds = vec![feed("slow", "slow", slow), feed("billing", "billing", bill)];
        let source =
            Source::new(recording.as_bytes(), feeds, Speed::Max, Arc::new(move || now)).with_times(Times::Arrival);
        let progress = source.run(CancellationToken::new(), |_| {}).await.unwrap();
        assert_eq!((progress.posts, progress.matched, progress.malformed, progress.is_finished), (4, 3, 1, true));
        assert_eq!(progress.bytes, recording.len() as u64);
        let mut got = [0, 0];
        while let Some(Inbound::Post(post)) = slow_in.recv().await {
            assert_eq!(post.at, now);
            got[0] += 1;
        }
        while bill_in.recv().await.is_some() {
            got[1] += 1;
        }
        assert_eq!(got, [2, 1]);
    }

    #[tokio::test]
    async fn a_large_record_is_a_post() {
        let padding = "x".repeat(10 * 1024 * 1024);
        let recording =
            format!("{{\"data\":{{\"id\":\"1\",\"text\":\"slow\",\"author_id\":\"7\"}},\"other\":\"{padding}\"}}\n");
        let (out, _in) = mpsc::channel(8);
        let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
        let source = Source::new(recording.as_bytes(), vec![feed("slow", "slow", out)], Speed::Max, clock);
        let progress = source.run(CancellationToken::new(), |_| {}).await.unwrap();
        assert_eq!((progress.matched, progress.malformed), (1, 0), "{:?}", progress.why_malformed);
    }

    #[test]
    fn the_pace_is_the_posts_own_and_long_silence_is_shortened() {
        let start = Instant::now();
        let at = |secs: i64| Timestamp::from_second(1_000_000 + secs).unwrap();
        let mut pacing = Pacing { speed: Speed::Times(10.0), from: None };
        assert_eq!(pacing.due(at(0), start), None);
        assert_eq!(pacing.due(at(20), start), Some(start + Duration::from_secs(2)));
        assert_eq!(pacing.due(at(10), start + Duration::from_secs(2)), None);
        let long = pacing.due(at(200_000_000), start + Duration::from_secs(2));
        assert_eq!(long, Some(start + Duration::from_secs(2) + LONGEST_WAIT));
        assert_eq!(pacing.due(at(200_000_010), long.unwrap()), Some(long.unwrap() + Duration::from_secs(1)));
        // Stopped for a minute: the next ones come at the recording's pace again, not all at once.
        let mut stopped = Pacing { speed: Speed::Times(10.0), from: Some((at(0), start)) };
        let late = start + Duration::from_mins(1);
        assert_eq!(stopped.due(at(10), late), None);
        assert_eq!(stopped.due(at(20), late), Some(late + Duration::from_secs(1)));
        // One post of a far year costs a wait, not the pace of all that follow.
        let mut wrong = Pacing { speed: Speed::Times(1.0), from: Some((at(0), start)) };
        let after = wrong.due(at(2_000_000_000), start).unwrap();
        assert_eq!(after, start + LONGEST_WAIT);
        assert_eq!(wrong.due(at(1), after), None);
        assert_eq!(wrong.due(at(4), after), Some(after + Duration::from_secs(3)));
        let mut still = Pacing { speed: Speed::Times(0.0), from: Some((at(0), start)) };
        assert_eq!(still.due(at(1), start), Some(start + LONGEST_WAIT));
        let mut max = Pacing { speed: Speed::Max, from: None };
        assert_eq!((max.due(at(0), start), max.due(at(9), start)), (None, None));
    }
}
