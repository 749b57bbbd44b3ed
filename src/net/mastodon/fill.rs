//! Reads over REST what a stream did not say: timeline by timeline, page by page, oldest first.
//!
//! `min_id` walks forward from an id; `Link` says where the next page begins. A page says nothing of how many follow,
//! so a walk ends at an empty one.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::api::{Api, CallError, Page, Urgency};
use super::place::{Places, is_later};
use super::subscriptions::Stream;
use crate::rules::scan::status::{self, Status, id_of};

/// Entries on a page; servers give no more.
const PAGE: &str = "40";
/// So many pages of one walk are read: more would use up what the server allows for hours.
pub(super) const MOST_PAGES: usize = 150;
/// Mastodon's ids count milliseconds since 1970 in their upper bits.
const MASTODON_SHIFT: u32 = 16;
/// The digits of a ULID; its first ten count milliseconds since 1970.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A timeline that can be read page by page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timeline {
    Public {
        is_local: bool,
    },
    Tag {
        tag: String,
        is_local: bool,
    },
    /// Who mentioned us.
    Mentions,
    /// What we wrote, direct messages included; the server's id of us.
    Own(String),
}

impl Timeline {
    /// The name under which its place is kept.
    pub(super) fn name(&self) -> String {
        match self {
            Timeline::Public { is_local: false } => "public".into(),
            Timeline::Public { is_local: true } => "public/local".into(),
            Timeline::Tag { tag, is_local: false } => format!("tag/{tag}"),
            Timeline::Tag { tag, is_local: true } => format!("tag-local/{tag}"),
            Timeline::Mentions => "notifications".into(),
            Timeline::Own(_) => "own".into(),
        }
    }

    /// The timelines behind the streams that are listened to.
    pub(super) fn behind<'a>(streams: impl IntoIterator<Item = &'a Stream>, own: Option<&str>) -> Vec<Self> {
        let mut timelines = Vec::new();
        for stream in streams {
            match stream {
                Stream::User => {
                    timelines.push(Timeline::Mentions);
                    timelines.extend(own.map(|id| Timeline::Own(id.to_owned())));
                }
                // Mentions hold those to us, our own posts those from us.
                Stream::Direct => {}
                Stream::Public => timelines.push(Timeline::Public { is_local: false }),
                Stream::PublicLocal => timelines.push(Timeline::Public { is_local: true }),
                Stream::Hashtag(tag) => timelines.push(Timeline::Tag { tag: tag.clone(), is_local: false }),
                Stream::HashtagLocal(tag) => timelines.push(Timeline::Tag { tag: tag.clone(), is_local: true }),
            }
        }
        timelines
    }

    fn path(&self) -> String {
        match self {
            Timeline::Public { .. } => "/api/v1/timelines/public".into(),
            Timeline::Tag { tag, .. } => {
                let tag = percent_encoding::utf8_percent_encode(tag, percent_encoding::NON_ALPHANUMERIC);
                format!("/api/v1/timelines/tag/{tag}")
            }
            Timeline::Mentions => "/api/v1/notifications".into(),
            Timeline::Own(id) => format!("/api/v1/accounts/{id}/statuses"),
        }
    }

    /// One page: after `after`, or before `before`, or the newest.
    pub(super) async fn page(
        &self,
        api: &Api,
        urgency: Urgency,
        after: Option<&str>,
        before: Option<&str>,
    ) -> Result<Read, CallError> {
        let mut query = vec![("limit", PAGE)];
        match self {
            Timeline::Public { is_local: true } | Timeline::Tag { is_local: true, .. } => query.push(("local", "true")),
            Timeline::Mentions => query.push(("types[]", "mention")),
            _ => {}
        }
        query.extend(after.map(|id| ("min_id", id)));
        query.extend(before.map(|id| ("max_id", id)));
        let page = api.get(urgency, &self.path(), &query).await?;
        Ok(read(&page, *self == Timeline::Mentions, api.domain().as_deref()))
    }
}

/// A page, understood.
#[derive(Debug)]
pub(super) struct Read {
    /// Oldest first.
    pub(super) statuses: Vec<Status>,
    /// Entries on the page, of whatever kind.
    pub(super) entries: usize,
    /// The newest and the oldest id of an entry.
    pub(super) newest: Option<String>,
    pub(super) oldest: Option<String>,
    pub(super) newer: Option<String>,
    pub(super) older: Option<String>,
}

fn read(page: &Page, are_notifications: bool, host: Option<&str>) -> Read {
    let entries = page.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let ids = || entries.iter().filter_map(|entry| id_of(entry.get("id")));
    let by_age = |a: &String, b: &String| (a.len(), a).cmp(&(b.len(), b));
    let mut statuses: Vec<Status> = entries
        .iter()
        .filter_map(|entry| if are_notifications { entry.get("status") } else { Some(entry) })
        .filter(|entry| Value::is_object(entry))
        .filter_map(|entry| status::status(entry, host).ok())
        .collect();
    statuses.sort_by(|a, b| (a.id.len(), &a.id).cmp(&(b.id.len(), &b.id)));
    Read {
        statuses,
        entries: entries.len(),
        newest: ids().max_by(by_age),
        oldest: ids().min_by(by_age),
        newer: page.newer.clone(),
        older: page.older.clone(),
    }
}

/// A walk through one timeline.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) timeline: Timeline,
    after: Option<String>,
    /// Nothing was in the timeline when it was heard last: it is read from its newest page back.
    before: Option<String>,
    pages: usize,
}

/// What is to be done after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    More,
    Done,
    /// There is more than is read.
    TooMuch,
}

impl Walk {
    /// From behind `after`; the whole timeline where that is nothing.
    pub(super) fn new(timeline: Timeline, after: Option<String>) -> Self {
        Self { timeline, after, before: None, pages: 0 }
    }

    pub(super) async fn step(&self, api: &Api, urgency: Urgency) -> Result<Read, CallError> {
        self.timeline.page(api, urgency, self.after.as_deref(), self.before.as_deref()).await
    }

    /// Goes on behind the page.
    pub(super) fn went(&mut self, read: &Read) -> Then {
        self.pages += 1;
        if read.entries == 0 {
            return Then::Done;
        }
        let next = if let Some(after) = &self.after {
            // The header is the server's own word; where it is missing, the newest entry will do.
            let next = read.newer.clone().or_else(|| read.newest.clone());
            let next = next.filter(|next| is_later(next, after));
            let Some(next) = next else { return Then::Done };
            self.after = Some(next);
            true
        } else {
            let next = read.older.clone().or_else(|| read.oldest.clone());
            let goes_back = |next: &String| self.before.as_ref().is_none_or(|before| is_later(before, next));
            match next.filter(goes_back) {
                Some(next) => self.before = Some(next),
                None => return Then::Done,
            }
            read.older.is_some()
        };
        match next {
            false => Then::Done,
            true if self.pages >= MOST_PAGES => Then::TooMuch,
            true => Then::More,
        }
    }
}

/// Everything that may have been missed since a line was lost.
#[derive(Debug)]
pub(super) struct Fill {
    walks: VecDeque<Walk>,
    /// In words what could not be read.
    pub(super) missing: Vec<String>,
    pub(super) failures: u32,
}

impl Fill {
    /// From where each timeline was heard until `heard_until`. Timelines never heard before begin now.
    pub(super) fn since(
        places: &Places,
        timelines: Vec<Timeline>,
        heard_until: Timestamp,
        overlap: SignedDuration,
    ) -> Self {
        let walks = timelines
            .into_iter()
            .filter(|timeline| places.knows(&timeline.name()))
            .map(|timeline| {
                let after = places.from(&timeline.name(), heard_until, overlap).map(str::to_owned);
                Walk::new(timeline, after)
            })
            .collect();
        Self { walks, missing: Vec::new(), failures: 0 }
    }

    pub(super) fn current(&self) -> Option<&Walk> {
        self.walks.front()
    }

    pub(super) fn went(&mut self, read: &Read) {
        let Some(walk) = self.walks.front_mut() else { return };
        self.failures = 0;
        match walk.went(read) {
            Then::More => {}
            Then::Done => drop(self.walks.pop_front()),
            Then::TooMuch => {
                let name = walk.timeline.name();
                self.missing.push(format!("{name}: more than {} posts were missed", MOST_PAGES * 40));
                self.walks.pop_front();
            }
        }
    }

    /// The timeline in hand cannot be read.
    pub(super) fn give_up(&mut self, why: &str) {
        if let Some(walk) = self.walks.pop_front() {
            self.missing.push(format!("{}: {why}", walk.timeline.name()));
        }
        self.failures = 0;
    }
}

/// An id that posts of this moment and later have, written as `sample` is; `None` where nobody knows how this server
/// counts.
pub(super) fn id_at(at: Timestamp, sample: &str) -> Option<String> {
    let millis = u64::try_from(at.as_millisecond()).ok()?;
    let is_ulid = sample.len() == 26 && sample.bytes().all(|byte| CROCKFORD.contains(&byte.to_ascii_uppercase()));
    if is_ulid {
        let digit = |place: u32| char::from(CROCKFORD[usize::try_from(millis >> (5 * place) & 31).unwrap_or(0)]);
        let time: String = (0..10).rev().map(digit).collect();
        return Some(format!("{time}{}", "0".repeat(16)));
    }
    // Smaller numbers are counted one by one, by servers of other makes.
    let is_snowflake = sample.parse::<u64>().is_ok_and(|id| id >> MASTODON_SHIFT > 1_000_000_000_000);
    is_snowflake.then(|| (millis << MASTODON_SHIFT).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Page, Then, Timeline, Walk, id_at, read};

    fn page(ids: &[&str], newer: Option<&str>, older: Option<&str>) -> super::Read {
        let entries: Vec<_> = ids
            .iter()
            .map(|id| json!({"id": id, "url": format!("https://a.example/{id}"), "content": "x", "account": {}}))
            .collect();
        read(
            &Page { value: json!(entries), newer: newer.map(str::to_owned), older: older.map(str::to_owned) },
            false,
            None,
        )
    }

    #[test]
    fn a_walk_goes_forward_until_nothing_comes() {
        let mut walk = Walk::new(Timeline::Public { is_local: false }, Some("100".into()));
        let first = page(&["140", "120", "110"], Some("140"), Some("110"));
        assert_eq!(first.statuses.iter().map(|status| status.id.as_str()).collect::<Vec<_>>(), ["110", "120", "140"]);
        assert_eq!(walk.went(&first), Then::More);
        assert_eq!(walk.after.as_deref(), Some("140"));
        assert_eq!(walk.went(&page(&["1000"], None, None)), Then::More, "without the header");
        assert_eq!(walk.after.as_deref(), Some("1000"));
        // A server that knows no min_id gives its newest page for ever.
        assert_eq!(walk.went(&page(&["1000", "140"], None, None)), Then::Done);
        assert_eq!(walk.went(&page(&[], None, None)), Then::Done);
    }

    #[test]
    fn a_walk_from_nothing_goes_back_as_far_as_there_is() {
        let mut walk = Walk::new(Timeline::Mentions, None);
        assert_eq!(walk.went(&page(&["9", "8"], None, Some("8"))), Then::More);
        assert_eq!(walk.before.as_deref(), Some("8"));
        assert_eq!(walk.went(&page(&["7"], None, None)), Then::Done);
    }

    #[test]
    fn a_walk_has_an_end() {
        let mut walk = Walk::new(Timeline::Public { is_local: false }, Some("1".into()));
        let ends = (2..1_000).find(|n: &u32| walk.went(&page(&[&n.to_string()], None, None)) == Then::TooMuch).unwrap();
        assert_eq!(ends as usize, super::MOST_PAGES + 1);
    }

    #[test]
    fn ids_of_a_moment() {
        let at = "2026-01-15T10:00:00Z".parse().unwrap();
        let numeric = id_at(at, "115898123456789012").unwrap();
        assert_eq!(numeric.parse::<u64>().unwrap() >> 16, 1_768_471_200_000);
        let ulid = id_at(at, "01KF0Z7R7SJZ7V7T8B2D4K5N6P").unwrap();
        assert_eq!((ulid.len(), &ulid[..4]), (26, "01KF"));
        assert_eq!(id_at(at, "42"), None);
        assert_eq!(id_at(at, "AnF1akeIdOfAnotherServer"), None);
    }
}
