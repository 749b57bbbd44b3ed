//! What the rep is told in passing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// So many notices that passed are kept for reading again, and so many that waited for a key.
pub const KEPT: usize = 100;

/// So many that wait for a key are shown at once; the next ones come when these have been read.
pub const AT_ONCE: usize = 3;

/// A letter typed into a text closes nothing younger: nobody could have read it.
const SEEN_AFTER: SignedDuration = SignedDuration::from_secs(2);

/// So long a notice of weight Info is shown at least.
const SHOWN_FOR: SignedDuration = SignedDuration::from_secs(5);

/// Of more letters than these, each so many cost a second more: people read 15 to 20 a second.
const READ_IN_TIME: usize = 75;
const LETTERS_A_SECOND: usize = 15;

/// One line at the foot of the screen; also written to the log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub weight: Weight,
    pub text: String,
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Gone after a few seconds.
    Info,
    /// Stays until a key is pressed.
    Warning,
    /// Stays until a key is pressed; something did not work.
    Error,
}

impl Notice {
    pub fn new(at: Timestamp, weight: Weight, text: impl Into<String>) -> Self {
        Self { at, weight, text: text.into() }
    }

    /// So long it is shown where no key has to be pressed: as long as reading it takes.
    pub fn shown_for(&self) -> SignedDuration {
        let more = self.text.chars().count().saturating_sub(READ_IN_TIME).div_ceil(LETTERS_A_SECOND);
        SHOWN_FOR + SignedDuration::from_secs(i64::try_from(more).unwrap_or(i64::MAX).min(60))
    }

    fn says_the_same(&self, other: &Notice) -> bool {
        self.weight == other.weight && self.text == other.text
    }
}

/// What was told, and what of it waits to be read.
#[derive(Debug, Default)]
pub struct Notices {
    /// Oldest first, each with its number.
    kept: VecDeque<(u64, Notice)>,
    /// The number of the next one.
    made: u64,
    /// Numbers of warnings and errors that no key has closed.
    waiting: BTreeSet<u64>,
    /// Of these, those on the screen and since when; `None` where nothing is drawn.
    painted: Option<BTreeMap<u64, Timestamp>>,
    /// Those that are no longer so.
    over: BTreeSet<u64>,
}

impl Notices {
    /// Takes one more. The same words once more, such as a store that stays full, take the place of those that are
    /// last or wait to be read.
    pub fn keep(&mut self, notice: Notice) {
        let (last, waiting) = (self.made.wrapping_sub(1), &mut self.waiting);
        self.kept.retain(|(number, old)| {
            let gives_way = old.says_the_same(&notice) && (*number == last || waiting.contains(number));
            if gives_way {
                waiting.remove(number);
            }
            !gives_way
        });
        if notice.weight > Weight::Info {
            self.waiting.insert(self.made);
        }
        self.kept.push_back((self.made, notice));
        self.made += 1;
        self.forget_oldest(|notice| notice.weight == Weight::Info);
        self.forget_oldest(|notice| notice.weight > Weight::Info);
    }

    /// What passes by must not push out what matters, so each kind has its own room. What waits goes last.
    fn forget_oldest(&mut self, of_kind: impl Fn(&Notice) -> bool) {
        if self.kept.iter().filter(|(_, notice)| of_kind(notice)).count() <= KEPT {
            return;
        }
        let is_read = |(number, notice): &(u64, Notice)| of_kind(notice) && !self.waiting.contains(number);
        let oldest = self.kept.iter().position(is_read);
        let oldest = oldest.or_else(|| self.kept.iter().position(|(_, notice)| of_kind(notice)));
        if let Some((number, _)) = oldest.and_then(|oldest| self.kept.remove(oldest)) {
            self.waiting.remove(&number);
            self.over.remove(&number);
        }
    }

    /// What belongs on the screen: the heaviest that wait for a key, of these the newest, and where none waits what was
    /// said last in passing.
    pub fn shown(&self, now: Timestamp) -> Vec<&Notice> {
        let mut waiting = self.to_read();
        if waiting.is_empty() {
            let passing =
                |notice: &&Notice| notice.weight == Weight::Info && now.duration_since(notice.at) < notice.shown_for();
            return self.iter().rev().find(passing).into_iter().collect();
        }
        waiting.truncate(AT_ONCE);
        waiting.into_iter().map(|(_, notice)| notice).collect()
    }

    /// How many wait for a key.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The last frame had room for the first so many of [`Self::shown`].
    pub fn painted(&mut self, count: usize, now: Timestamp) {
        let before = self.painted.take().unwrap_or_default();
        let since = |number| before.get(&number).copied().unwrap_or(now);
        let numbers: Vec<u64> = self.to_read().into_iter().take(count).map(|(number, _)| number).collect();
        self.painted = Some(numbers.into_iter().map(|number| (number, since(number))).collect());
    }

    /// A key was pressed: what was on the screen has been read. Tells whether anything waited. `typing`: the key went
    /// into a text, and its writer may not have looked up yet.
    pub fn read(&mut self, now: Timestamp, typing: bool) -> bool {
        let shown = self.to_read().into_iter().take(AT_ONCE);
        let since = |(number, notice): (u64, &Notice)| match &self.painted {
            Some(painted) => painted.get(&number).map(|since| (number, *since)),
            None => Some((number, notice.at)),
        };
        let is_seen = |since: Timestamp| !typing || now.duration_since(since) >= SEEN_AFTER;
        let read: Vec<u64> =
            shown.filter_map(since).filter(|(_, since)| is_seen(*since)).map(|(number, _)| number).collect();
        self.waiting.retain(|number| !read.contains(number));
        !read.is_empty()
    }

    /// What is no longer so waits no longer. Tells whether any of it did.
    pub fn take_back(&mut self, is_over: impl Fn(&str) -> bool) -> bool {
        let heavy = self.kept.iter().filter(|(_, notice)| notice.weight > Weight::Info && is_over(&notice.text));
        let over: BTreeSet<u64> = heavy.map(|(number, _)| *number).collect();
        let before = self.waiting.len();
        self.waiting.retain(|number| !over.contains(number));
        self.over.extend(over);
        self.waiting.len() < before
    }

    /// Oldest first, and whether each is no longer so.
    pub fn told(&self) -> impl DoubleEndedIterator<Item = (&Notice, bool)> {
        self.kept.iter().map(|(number, notice)| (notice, self.over.contains(number)))
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.kept.iter().map(|(_, notice)| notice)
    }

    pub fn newest(&self) -> Option<&Notice> {
        self.kept.back().map(|(_, notice)| notice)
    }

    /// How many there have ever been.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// Those that wait for a key, the heaviest and newest first.
    fn to_read(&self) -> Vec<(u64, &Notice)> {
        let waits = self.kept.iter().filter(|(number, _)| self.waiting.contains(number));
        let mut waiting: Vec<_> = waits.map(|(number, notice)| (*number, notice)).collect();
        waiting.sort_by_key(|(number, notice)| std::cmp::Reverse((notice.weight, *number)));
        waiting
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{AT_ONCE, KEPT, Notice, Notices, Weight};

    #[test]
    fn a_long_notice_stands_long_enough_to_be_read() {
        let of = |letters: usize| Notice::new(Timestamp::UNIX_EPOCH, Weight::Info, "x".repeat(letters)).shown_for();
        assert_eq!(of(10), SignedDuration::from_secs(5));
        assert_eq!(of(75), SignedDuration::from_secs(5));
        assert_eq!(of(76), SignedDuration::from_secs(6));
        assert_eq!(of(225), SignedDuration::from_secs(15));
        assert_eq!(of(100_000), SignedDuration::from_secs(65));
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn told(notices: &mut Notices, weight: Weight, text: &str) {
        notices.keep(Notice::new(NOW, weight, text));
    }

    fn shown(notices: &Notices) -> Vec<&str> {
        notices.shown(NOW).into_iter().map(|notice| notice.text.as_str()).collect()
    }

    #[test]
    fn nothing_that_waits_is_hidden_by_what_came_after_it() {
        let mut notices = Notices::default();
        told(&mut notices, Weight::Info, "hello");
        assert_eq!(shown(&notices), ["hello"]);
        told(&mut notices, Weight::Warning, "one");
        told(&mut notices, Weight::Error, "full");
        told(&mut notices, Weight::Warning, "two");
        told(&mut notices, Weight::Info, "by the way");
        told(&mut notices, Weight::Warning, "three");
        assert_eq!((shown(&notices), notices.waiting()), (vec!["full", "three", "two"], 4));
        assert!(notices.read(NOW, false));
        assert_eq!((shown(&notices), notices.waiting()), (vec!["one"], 1));
        assert!(notices.read(NOW, false));
        assert_eq!(shown(&notices), ["by the way"]);
        assert!(!notices.read(NOW, false));
        assert_eq!(notices.shown(NOW + SignedDuration::from_secs(5)), Vec::<&Notice>::new());
    }

    #[test]
    fn a_letter_typed_into_a_text_closes_only_what_could_be_read() {
        let mut notices = Notices::default();
        told(&mut notices, Weight::Error, "full");
        assert!(!notices.read(NOW + SignedDuration::from_millis(1_900), true));
        assert_eq!(shown(&notices), ["full"]);
        assert!(notices.read(NOW + SignedDuration::from_secs(2), true));
        assert_eq!(shown(&notices), Vec::<&str>::new());
    }

    #[test]
    fn a_key_closes_what_was_painted_and_a_letter_what_stood_there_long_enough() {
        let mut notices = Notices::default();
        let later = |millis| NOW + SignedDuration::from_millis(millis);
        told(&mut notices, Weight::Warning, "one");
        told(&mut notices, Weight::Warning, "two");
        told(&mut notices, Weight::Warning, "three");
        notices.painted(1, NOW);
        notices.read(NOW, false);
        assert_eq!(shown(&notices), ["two", "one"], "there was room for the first alone");
        notices.painted(1, later(500));
        notices.painted(1, later(2_400));
        assert!(!notices.read(later(2_400), true), "it came up 1.9 s ago");
        assert!(notices.read(later(2_500), true));
        assert!(!notices.read(later(9_000), true), "nothing was drawn since");
        notices.painted(1, later(9_000));
        assert!(!notices.read(later(10_900), true));
        assert!(notices.read(later(10_900), false));
    }

    #[test]
    fn the_same_words_wait_once_and_bring_nothing_back() {
        let mut notices = Notices::default();
        told(&mut notices, Weight::Error, "old");
        notices.read(NOW, false);
        for _ in 0..=AT_ONCE {
            told(&mut notices, Weight::Warning, "full");
        }
        assert_eq!((shown(&notices), notices.iter().count()), (vec!["full"], 2));
        told(&mut notices, Weight::Warning, "other");
        told(&mut notices, Weight::Warning, "full");
        assert_eq!(shown(&notices), ["full", "other"]);
        notices.read(NOW, false);
        told(&mut notices, Weight::Warning, "full");
        assert_eq!(shown(&notices), ["full"], "it is so again");
    }

    #[test]
    fn what_is_over_waits_no_longer_and_what_is_too_old_is_forgotten() {
        let mut notices = Notices::default();
        told(&mut notices, Weight::Error, "acme is down");
        told(&mut notices, Weight::Warning, "the disk is nearly full");
        assert!(notices.take_back(|text| text.starts_with("acme")));
        assert!(!notices.take_back(|text| text.starts_with("acme")));
        assert_eq!(shown(&notices), ["the disk is nearly full"]);
        for n in 0..2 * KEPT {
            told(&mut notices, Weight::Info, &n.to_string());
        }
        assert_eq!((notices.iter().count(), shown(&notices)), (KEPT + 2, vec!["the disk is nearly full"]));
        let first: Vec<_> = notices.told().take(3).map(|(notice, is_over)| (notice.text.as_str(), is_over)).collect();
        assert_eq!(first, [("acme is down", true), ("the disk is nearly full", false), ("100", false)]);
        assert_eq!(notices.newest().map(|notice| notice.text.as_str()), Some("199"));
    }
}
