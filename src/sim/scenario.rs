//! What happens among the simulated people: who posts when, and how they take what the brand answers.
//!
//! Everything follows from the seed, the time and our own replies. Strangers draw from sources of their own, so
//! that a reply of ours changes only the life of the person who got it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use super::chance::Chance;
use super::clock::seconds;
use super::people::invent;
use super::texts::{Cause, Lang, Matter, Naming, write};
use super::world::{Draft, World};

/// Posts of a day by hour, in percent, 0 to 23 in the customers' zone: as measured for brands of this kind.
const BY_HOUR: [f64; 24] = [
    3.0, 2.0, 1.3, 0.9, 0.8, 1.2, 1.6, 2.5, 3.3, 4.3, 5.4, 6.4, 6.6, 6.4, 6.5, 5.7, 6.2, 6.4, 5.4, 5.1, 5.2, 5.2, 4.7,
    4.2,
];
/// The customers' zone, in hours from UTC.
const CUSTOMERS_ZONE: i64 = -5;
/// Somebody who complained and got no answer writes again with this probability, each time anew.
const WRITES_AGAIN: f64 = 0.55;
const COMPLAINS: f64 = 0.70;
/// How many posts one newcomer makes on average when nobody answers; newcomers are that much rarer than posts.
const POSTS_PER_PERSON: f64 = 1.0 + COMPLAINS * WRITES_AGAIN / (1.0 - WRITES_AGAIN);
/// An incident doubles the posts.
const INCIDENT_FACTOR: f64 = 2.0;

/// Something due at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Happening {
    /// Deals out the newcomers of one minute; counted from 1970.
    Minute(i64),
    Newcomer(u64),
    /// Unanswered, the person comes back.
    Again {
        person: u64,
        last: u64,
        cause: Cause,
        times: u32,
    },
    Say {
        person: u64,
        matter: Matter,
        reply_to: Option<u64>,
        turn: u64,
    },
    /// A direct message to the brand.
    Message {
        person: u64,
        turn: u64,
    },
    Edit(u64),
    Delete(u64),
    IncidentBegins(u64),
    Notice(u64),
    IncidentEnds,
}

/// What came of a happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Posted(u64),
    Deleted(u64),
    Messaged { person: u64, text: String },
}

/// The script as it unfolds.
#[derive(Debug)]
pub(super) struct Scenario {
    seed: u64,
    outages: u64,
    per_minute: f64,
    due: BTreeMap<(Timestamp, u64), Happening>,
    order: u64,
    newcomers: u64,
    incident_until: Option<Timestamp>,
    /// What may be reposted or quoted: newest last.
    recent: VecDeque<u64>,
    notices: VecDeque<u64>,
    /// How often we answered each person.
    answers: BTreeMap<u64, u64>,
    opted_out: BTreeSet<u64>,
}

impl Scenario {
    #[cfg(test)]
    fn new(seed: u64, per_minute: f64, start: Timestamp) -> Self {
        Self::among((seed, seed), per_minute, start)
    }

    /// People of the seed `seed` in the outages of `outages`. `per_minute` is the mean over a day; 0 means that nobody posts by
    /// themselves.
    pub(super) fn among((seed, outages): (u64, u64), per_minute: f64, start: Timestamp) -> Self {
        let mut scenario = Self {
            seed,
            outages,
            per_minute: 0.0,
            due: BTreeMap::new(),
            order: 0,
            newcomers: 0,
            incident_until: None,
            recent: VecDeque::new(),
            notices: VecDeque::new(),
            answers: BTreeMap::new(),
            opted_out: BTreeSet::new(),
        };
        if per_minute > 0.0 {
            // A few people are there from the start, so that a newcomer sees the deck fill.
            for n in 0..5 {
                let at = start + seconds(1.0 + 14.0 * Chance::of(seed, "opening", n).unit());
                let who = scenario.newcomer();
                scenario.at(at, Happening::Newcomer(who));
            }
            // Minutes are dealt out whole; what is left of the one under way gets its share here.
            let gone = i32::try_from(start.as_millisecond().rem_euclid(60_000)).unwrap_or(0);
            let left = 60.0 - f64::from(gone) / 1_000.0;
            let mut opening = Chance::of(seed, "first minute", 0);
            for _ in 0..opening.poisson(per_minute * left / 60.0 / POSTS_PER_PERSON) {
                let at = start + seconds(left * opening.unit());
                let who = scenario.newcomer();
                scenario.at(at, Happening::Newcomer(who));
            }
            let first = 20.0 + 20.0 * Chance::of(outages, "incident", 0).unit();
            scenario.at(start + seconds(first * 60.0), Happening::IncidentBegins(0));
            scenario.set_rate(per_minute, start);
        }
        scenario
    }

    /// Changes the mean from the minute after `now` on; 0 stops newcomers.
    pub(super) fn set_rate(&mut self, per_minute: f64, now: Timestamp) {
        self.per_minute = per_minute;
        self.due.retain(|_, happening| !matches!(happening, Happening::Minute(_)));
        if per_minute > 0.0 {
            let minute = now.as_second().div_euclid(60) + 1;
            self.at(minute_start(minute), Happening::Minute(minute));
        }
    }

    /// An incident that begins now and ends by itself after `lasts`.
    pub(super) fn begin_incident(&mut self, now: Timestamp, lasts: SignedDuration) {
        self.incident_until = now.checked_add(lasts).ok();
        let n = Chance::of(self.seed, "told incident", self.order).next();
        self.at(now + seconds(120.0), Happening::Notice(n));
        self.at(now.saturating_add(lasts).unwrap_or(Timestamp::MAX), Happening::IncidentEnds);
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Lets the next happening that is due by `now` happen; `None` once there is none.
    pub(super) fn step(&mut self, now: Timestamp, world: &mut World) -> Option<(Timestamp, Vec<Deed>)> {
        let (at, _) = *self.due.keys().next()?;
        if at > now {
            return None;
        }
        let (_, happening) = self.due.pop_first()?;
        Some((at, self.happen(at, happening, world)))
    }

    fn at(&mut self, at: Timestamp, happening: Happening) {
        self.order += 1;
        self.due.insert((at, self.order), happening);
    }

    fn newcomer(&mut self) -> u64 {
        self.newcomers += 1;
        self.newcomers
    }

    fn in_incident(&self, at: Timestamp) -> bool {
        self.incident_until.is_some_and(|until| at < until)
    }

    fn happen(&mut self, at: Timestamp, happening: Happening, world: &mut World) -> Vec<Deed> {
        match happening {
            Happening::Minute(minute) => {
                self.deal_out(minute);
                Vec::new()
            }
            Happening::Newcomer(n) => self.arrive(n, at, world),
            Happening::Again { person, last, cause, times } => self.come_back(at, person, last, cause, times, world),
            Happening::Say { person, matter, reply_to, turn } => self.say(at, person, matter, reply_to, turn, world),
            Happening::Message { person, turn } => {
                let Some(lang) = world.people.get(&person).map(|person| person.lang) else { return Vec::new() };
                let mut chance = Chance::of(self.seed, "message", person ^ turn);
                let text = write(lang, Matter::DirectMessage, Naming::Unnamed, false, &mut chance);
                if chance.happens(0.75) {
                    let later = at + seconds(240.0 + 600.0 * chance.unit());
                    self.at(later, Happening::Say { person, matter: Matter::AfterDm, reply_to: None, turn });
                }
                vec![Deed::Messaged { person, text }]
            }
            Happening::Edit(id) => self.edit(at, id, world),
            Happening::Delete(id) => {
                if world.visible(id).is_none() {
                    return Vec::new();
                }
                world.delete(id);
                vec![Deed::Deleted(id)]
            }
            Happening::IncidentBegins(n) => {
                let mut chance = Chance::of(self.outages, "incident", n + 1);
                let lasts = seconds(60.0 * (30.0 + 40.0 * chance.unit()));
                self.begin_incident(at, lasts);
                let pause = seconds(3600.0 * (14.0 + 12.0 * chance.unit()));
                self.at(at + pause, Happening::IncidentBegins(n + 1));
                Vec::new()
            }
            Happening::Notice(n) => {
                let id = self.notice(at, n, world);
                if self.in_incident(at) {
                    self.at(at + seconds(1800.0), Happening::Notice(n.wrapping_add(1)));
                }
                vec![Deed::Posted(id)]
            }
            Happening::IncidentEnds => {
                if self.incident_until.is_some_and(|until| until <= at) {
                    self.incident_until = None;
                }
                Vec::new()
            }
        }
    }

    fn notice(&mut self, at: Timestamp, n: u64, world: &mut World) -> u64 {
        let mut chance = Chance::of(self.seed, "notice", n);
        let draft = Draft {
            author: world.brand.id,
            text: write(Lang::English, Matter::Notice, Naming::Unnamed, false, &mut chance),
            lang: "en".to_owned(),
            ..Draft::default()
        };
        let id = world.publish(draft, at);
        self.notices.push_back(id);
        self.notices.truncate(8);
        id
    }

    /// Poisson within the minute, uneven by hour.
    fn deal_out(&mut self, minute: i64) {
        let start = minute_start(minute);
        let hour = usize::try_from((minute.div_euclid(60) + CUSTOMERS_ZONE).rem_euclid(24)).unwrap_or(0);
        let mut mean = self.per_minute * BY_HOUR[hour] * 24.0 / 100.0 / POSTS_PER_PERSON;
        if self.in_incident(start) {
            mean *= INCIDENT_FACTOR;
        }
        let mut chance = Chance::of(self.seed, "minute", u64::try_from(minute).unwrap_or(0));
        for _ in 0..chance.poisson(mean) {
            let at = start + seconds(60.0 * chance.unit());
            let who = self.newcomer();
            self.at(at, Happening::Newcomer(who));
        }
        self.at(minute_start(minute + 1), Happening::Minute(minute + 1));
    }

    fn arrive(&mut self, n: u64, at: Timestamp, world: &mut World) -> Vec<Deed> {
        let mut chance = Chance::of(self.seed, "person", n);
        let person = invent(&mut chance, n, world);
        let (id, lang) = (person.id, person.lang);
        world.add_person(person);
        let incident = self.in_incident(at);
        let kind = chance.unit();
        let mut draft = Draft { author: id, lang: lang.code().to_owned(), ..Draft::default() };
        if kind < COMPLAINS {
            let cause = if incident && chance.happens(0.75) {
                Cause::Outage
            } else {
                let lot = chance.unit();
                [(0.22, Cause::Outage), (0.47, Cause::Hold), (0.67, Cause::Billing), (0.86, Cause::Slow)]
                    .into_iter()
                    .find(|(below, _)| lot < *below)
                    .map_or(Cause::Visit, |(_, cause)| cause)
            };
            let tag = cause == Cause::Outage && chance.happens(if incident { 0.6 } else { 0.12 });
            let naming = if chance.happens(0.54) { Naming::Mention } else { Naming::Word };
            draft.text = write(lang, Matter::Complaint(cause), naming, tag, &mut chance);
            draft.reply_settings = match chance.unit() {
                lot if lot < 0.03 => Some("mentionedUsers"),
                lot if lot < 0.05 => Some("following"),
                _ => None,
            };
            let post = world.publish(draft, at);
            self.remember(post);
            self.fate(at, id, post, cause, 1, &mut chance);
            return vec![Deed::Posted(post)];
        }
        let recent = self.recent_post(&mut chance, world);
        let notice = self.notices.back().copied();
        match (kind, recent, notice) {
            (lot, Some(original), _) if lot > 0.95 => {
                let text = world.posts.get(&original).map_or("", |post| &post.text);
                let author = world.posts.get(&original).and_then(|post| world.people.get(&post.author));
                let handle = author.map_or("", |person| &person.handle);
                let words = format!("RT @{handle}: {text}");
                // X cuts what a repost says of the original.
                draft.text = match words.char_indices().nth(139) {
                    Some((cut, _)) => format!("{}…", &words[..cut]),
                    None => words,
                };
                draft.reposts = Some(original);
            }
            (lot, Some(original), quoted) if lot > 0.91 => {
                draft.text = write(lang, Matter::Quoting, Naming::Unnamed, incident, &mut chance);
                draft.quotes = quoted.filter(|_| chance.happens(0.6)).or(Some(original));
            }
            (lot, ..) if lot > 0.87 => {
                draft.text = write(lang, Matter::Spam, Naming::Word, incident, &mut chance);
            }
            (lot, ..) if lot > 0.82 => {
                let naming = if chance.happens(0.6) { Naming::Mention } else { Naming::Word };
                draft.text = write(lang, Matter::Question, naming, false, &mut chance);
            }
            _ => {
                let naming = if chance.happens(0.5) { Naming::Mention } else { Naming::Word };
                draft.text = write(lang, Matter::Praise, naming, false, &mut chance);
            }
        }
        let original = draft.reposts.is_none();
        draft.counts = [chance.below(4), 0, chance.below(25), 0];
        let post = world.publish(draft, at);
        if original {
            self.remember(post);
        }
        vec![Deed::Posted(post)]
    }

    fn remember(&mut self, post: u64) {
        self.recent.push_back(post);
        if self.recent.len() > 60 {
            self.recent.pop_front();
        }
    }

    fn recent_post(&self, chance: &mut Chance, world: &World) -> Option<u64> {
        let at = usize::try_from(chance.below(self.recent.len() as u64)).unwrap_or(0);
        self.recent.get(at).copied().filter(|id| world.visible(*id).is_some())
    }

    /// What becomes of somebody who has complained for the `times`th time.
    fn fate(&mut self, at: Timestamp, person: u64, post: u64, cause: Cause, times: u32, chance: &mut Chance) {
        let lot = chance.unit();
        if lot < 0.03 {
            self.at(at + seconds(120.0 + 480.0 * chance.unit()), Happening::Delete(post));
            return;
        }
        if lot < 0.07 {
            self.at(at + seconds(60.0 + 400.0 * chance.unit()), Happening::Edit(post));
        }
        // Those who delete do not come back, so the others make up for them.
        if times < 8 && chance.happens(WRITES_AGAIN / 0.97) {
            let wait = if chance.happens(0.39) {
                45.0 + 555.0 * chance.unit()
            } else {
                600.0 + 17_400.0 * chance.unit().powi(2)
            };
            self.at(at + seconds(wait), Happening::Again { person, last: post, cause, times });
        }
    }

    fn come_back(
        &mut self,
        at: Timestamp,
        person: u64,
        last: u64,
        cause: Cause,
        times: u32,
        world: &mut World,
    ) -> Vec<Deed> {
        if self.opted_out.contains(&person) {
            return Vec::new();
        }
        let Some(lang) = world.people.get(&person).map(|person| person.lang) else { return Vec::new() };
        let mut chance = Chance::of(self.seed, "again", person.wrapping_add(u64::from(times)));
        let naming = if chance.happens(0.6) { Naming::Mention } else { Naming::Word };
        let tag = cause == Cause::Outage && chance.happens(0.4);
        let draft = Draft {
            author: person,
            text: write(lang, Matter::Angrier(cause, times), naming, tag, &mut chance),
            lang: lang.code().to_owned(),
            // Some go on in their own thread, some start anew.
            reply_to: Some(last).filter(|last| world.visible(*last).is_some() && chance.happens(0.6)),
            ..Draft::default()
        };
        let post = world.publish(draft, at);
        self.remember(post);
        self.fate(at, person, post, cause, times + 1, &mut chance);
        vec![Deed::Posted(post)]
    }

    fn say(
        &mut self,
        at: Timestamp,
        person: u64,
        matter: Matter,
        reply_to: Option<u64>,
        turn: u64,
        world: &mut World,
    ) -> Vec<Deed> {
        let Some(lang) = world.people.get(&person).map(|person| person.lang) else { return Vec::new() };
        if self.opted_out.contains(&person) {
            return Vec::new();
        }
        let mut chance = Chance::of(self.seed, "say", person ^ (turn << 8));
        let draft = Draft {
            author: person,
            text: write(lang, matter, Naming::Mention, false, &mut chance),
            lang: lang.code().to_owned(),
            reply_to: reply_to.filter(|id| world.visible(*id).is_some()),
            ..Draft::default()
        };
        if matter == Matter::OptOut {
            self.opted_out.insert(person);
            if let Some(person) = world.people.get_mut(&person) {
                person.blocks_us = true;
            }
        }
        let post = world.publish(draft, at);
        if matches!(matter, Matter::StillNot | Matter::PublicInstead) {
            self.fate(at, person, post, Cause::Hold, 1, &mut chance);
        }
        vec![Deed::Posted(post)]
    }

    fn edit(&mut self, at: Timestamp, id: u64, world: &mut World) -> Vec<Deed> {
        let Some(post) = world.visible(id).cloned() else { return Vec::new() };
        let Some(lang) = world.people.get(&post.author).map(|person| person.lang) else { return Vec::new() };
        let phrases = lang.phrases();
        let mut chance = Chance::of(self.seed, "edit", id);
        let closer = chance.pick(phrases.closers).replace("{c}", chance.pick(phrases.cities));
        let draft = Draft {
            author: post.author,
            text: format!("{}{}{closer}", post.text, phrases.gap),
            lang: post.lang,
            edits: Some(id),
            reply_settings: Some(post.reply_settings),
            counts: post.counts,
            ..Draft::default()
        };
        vec![Deed::Posted(world.publish(draft, at))]
    }

    /// Somebody takes our reply `ours`, whose words as we sent them are `text`.
    pub(super) fn answered(&mut self, ours: u64, text: &str, at: Timestamp, world: &World) {
        let parent = world.posts.get(&ours).and_then(|post| post.reply_to).and_then(|id| world.posts.get(&id));
        let Some(parent) = parent.filter(|parent| parent.author != world.brand.id) else { return };
        let person = parent.author;
        // Answered people have no reason to come back for want of an answer.
        self.due.retain(|_, due| !matches!(due, Happening::Again { person: who, .. } if *who == person));
        if self.opted_out.contains(&person) {
            return;
        }
        let turn = *self.answers.entry(person).and_modify(|times| *times += 1).or_insert(1);
        let mut chance = Chance::of(self.seed, "answered", person.wrapping_add(turn << 32));
        let when = at + seconds(20.0 + 55.0 * chance.unit());
        let lot = chance.unit();
        let say = |matter| Happening::Say { person, matter, reply_to: Some(ours), turn };
        let reaction = if lot < 0.04 {
            Some(say(Matter::OptOut))
        } else if asks_for_dm(text) {
            match lot {
                // A quarter answers in public all the same.
                _ if lot < 0.30 => Some(say(Matter::PublicInstead)),
                _ if lot < 0.85 => Some(Happening::Message { person, turn }),
                _ => None,
            }
        } else {
            match lot {
                _ if lot < 0.50 => Some(say(Matter::Thanks)),
                _ if lot < 0.78 && turn < 4 => Some(say(Matter::StillNot)),
                _ => None,
            }
        };
        if let Some(reaction) = reaction {
            self.at(when, reaction);
        }
    }
}

fn minute_start(minute: i64) -> Timestamp {
    Timestamp::from_second(minute.saturating_mul(60)).unwrap_or(Timestamp::MAX)
}

/// Whether a reply of ours asks to go on in direct messages.
pub(super) fn asks_for_dm(text: &str) -> bool {
    static ASKS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)/messages/compose|(?-u:\b)dms?(?-u:\b)|direct message|privat|por mensaje|direktnachricht|メッセージ",
        )
        .expect("a constant pattern")
    });
    ASKS.is_match(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};

    use super::{BY_HOUR, Deed, Scenario, asks_for_dm};
    use crate::sim::world::{BRAND_ID, Brand, World};

    fn start() -> Timestamp {
        "2026-03-02T05:00:00Z".parse().unwrap()
    }

    fn run(seed: u64, per_minute: f64, hours: i64) -> (World, Vec<(Timestamp, u64)>) {
        let mut world = World::new(start(), Brand::default());
        let mut scenario = Scenario::new(seed, per_minute, start());
        let end = start() + SignedDuration::from_hours(hours);
        let mut posted = Vec::new();
        while let Some((at, deeds)) = scenario.step(end, &mut world) {
            posted.extend(deeds.into_iter().filter_map(|deed| match deed {
                Deed::Posted(id) => Some((at, id)),
                Deed::Deleted(_) | Deed::Messaged { .. } => None,
            }));
        }
        (world, posted)
    }

    #[test]
    fn the_rate_is_the_mean_and_uneven_by_hour() {
        let (world, posted) = run(11, 4.0, 48);
        let people = posted.iter().filter(|(_, id)| world.posts[id].author != BRAND_ID).count();
        let expected = 4 * 60 * 48;
        assert!(people > expected * 85 / 100 && people < expected * 125 / 100, "{people} of {expected}");
        let mut by_hour = [0_usize; 24];
        for (at, _) in &posted {
            let hour = (at.as_second() / 3600 - 5).rem_euclid(24);
            by_hour[usize::try_from(hour).unwrap()] += 1;
        }
        assert!(BY_HOUR[3] < BY_HOUR[12] && by_hour[3] * 3 < by_hour[12], "{by_hour:?}");
    }

    #[test]
    fn people_come_back_as_measured() {
        let (world, posted) = run(3, 3.0, 48);
        let mut of_person: BTreeMap<u64, Vec<Timestamp>> = BTreeMap::new();
        for (at, id) in &posted {
            of_person.entry(world.posts[id].author).or_default().push(*at);
        }
        of_person.remove(&BRAND_ID);
        let all: usize = of_person.values().map(Vec::len).sum();
        let busy: usize = of_person.values().filter(|posts| posts.len() >= 3).map(Vec::len).sum();
        let share = busy * 100 / all;
        assert!((35..=60).contains(&share), "{share} % of posts come from people with three or more");
        let waits: Vec<i64> =
            of_person.values().flat_map(|posts| posts.windows(2).map(|w| (w[1] - w[0]).get_seconds())).collect();
        let soon = waits.iter().filter(|wait| **wait < 600).count() * 100 / waits.len();
        assert!((30..=50).contains(&soon), "{soon} % of next posts within ten minutes");
    }

    #[test]
    fn a_dm_request_is_known_in_every_language() {
        for text in [
            "Please send us a DM",
            "@x write us https://x.com/messages/compose?recipient_id=1",
            "ci scriva in privato",
            "bitte per Direktnachricht",
            "DMでお知らせください",
        ] {
            assert!(asks_for_dm(text), "{text}");
        }
        assert!(!asks_for_dm("Sorry, the admin is on it"));
    }
}
