//! The figures of a log counted anew, straight from its envelopes and without the program's own reckoning: question by
//! question, each with a walk of its own over the whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use replydeck::model::event::Standing;
use replydeck::model::{CaseId, Envelope, Event, RepName, ReplyId};
use serde_json::{Map, Value, json};

type Told<'a> = &'a [Arc<Envelope>];

/// What became of one case.
#[derive(Debug, Default)]
struct Story {
    id: String,
    first: Option<(Timestamp, String)>,
    posts: usize,
    columns: BTreeSet<String>,
    /// When, by whom.
    answers: Vec<(Timestamp, Option<String>)>,
    claimed: BTreeSet<String>,
    /// When, by whom, why, and whether it was reopened after.
    ends: Vec<(Timestamp, String, Option<String>, bool)>,
    resolved: bool,
    /// The place of the post that took it up again after its last end.
    taken_up: Option<u64>,
    turned: bool,
    /// The customer's last post that is no goodbye.
    last_wish: Option<Timestamp>,
}

/// Author and conversation of every case, as it was opened.
fn cases(told: Told<'_>) -> BTreeMap<(String, String), CaseId> {
    let mut cases = BTreeMap::new();
    for envelope in told {
        if let Event::CaseOpened { case, author, conversation, .. } = &envelope.event {
            cases.entry((author.to_string(), conversation.to_string())).or_insert(*case);
        }
    }
    cases
}

/// Every customer's post once: case, own time, id, whether a goodbye, its place in the log.
fn customers_posts(told: Told<'_>) -> Vec<(CaseId, Timestamp, String, bool, u64)> {
    let cases = cases(told);
    let mut seen = BTreeSet::new();
    let mut posts = Vec::new();
    for envelope in told {
        let Event::PostMatched { post, author, conversation, posted_at, standing, .. } = &envelope.event else {
            continue;
        };
        if matches!(standing, Standing::Customer | Standing::Goodbye) && seen.insert(post.to_string()) {
            let case = cases[&(author.to_string(), conversation.to_string())];
            posts.push((case, *posted_at, post.to_string(), *standing == Standing::Goodbye, envelope.seq.0));
        }
    }
    posts
}

/// Every public answer once: case, moment, rep, its place in the log.
fn answers(told: Told<'_>) -> Vec<(CaseId, Timestamp, Option<RepName>, u64)> {
    let mut whose: BTreeMap<ReplyId, RepName> = BTreeMap::new();
    let mut sent: BTreeMap<String, (CaseId, Timestamp, Option<RepName>, u64)> = BTreeMap::new();
    for envelope in told {
        match &envelope.event {
            Event::ReplyQueued { reply, .. } => drop(whose.insert(*reply, envelope.rep.clone())),
            Event::ReplySent { reply, case, post } => {
                let rep = Some(whose[reply].clone());
                sent.insert(post.to_string(), (*case, envelope.at, rep, envelope.seq.0));
            }
            _ => {}
        }
    }
    let cases = cases(told);
    let times: BTreeMap<String, Timestamp> =
        customers_posts(told).into_iter().map(|(_, at, id, ..)| (id, at)).collect();
    let mut seen = BTreeSet::new();
    for envelope in told {
        let Event::PostMatched {
            post,
            conversation,
            posted_at,
            standing: Standing::Own,
            in_reply_to,
            in_reply_to_author,
            ..
        } = &envelope.event
        else {
            continue;
        };
        let Some(to) = in_reply_to_author.as_ref().filter(|_| seen.insert(post.to_string())) else { continue };
        let Some(case) = cases.get(&(to.to_string(), conversation.to_string())) else { continue };
        let answered = in_reply_to.as_ref().and_then(|to| times.get(to.as_str()));
        let at = answered.map_or(*posted_at, |answered| (*answered).max(*posted_at));
        let known = sent.entry(post.to_string()).or_insert((*case, at, None, envelope.seq.0));
        known.1 = known.1.min(at);
        known.3 = known.3.min(envelope.seq.0);
    }
    sent.into_values().collect()
}

fn stories(told: Told<'_>) -> Vec<Story> {
    let mut stories: BTreeMap<CaseId, Story> = BTreeMap::new();
    for case in cases(told).into_values() {
        stories.insert(case, Story { id: case.to_string(), ..Story::default() });
    }
    let posts = customers_posts(told);
    for (case, at, id, is_goodbye, _) in &posts {
        let story = stories.get_mut(case).expect("a case");
        story.posts += 1;
        if story.first.as_ref().is_none_or(|(first, _)| at < first) {
            story.first = Some((*at, id.clone()));
        }
        if !is_goodbye && story.last_wish.is_none_or(|last| last < *at) {
            story.last_wish = Some(*at);
        }
    }
    let case_of: BTreeMap<&String, CaseId> = posts.iter().map(|(case, _, id, ..)| (id, *case)).collect();
    for envelope in told {
        if let Event::PostMatched { post, columns, .. } = &envelope.event
            && let Some(case) = case_of.get(&post.to_string())
        {
            let story = stories.get_mut(case).expect("a case");
            story.columns.extend(columns.iter().map(|column| column.as_str().to_owned()));
        }
    }
    let answers = answers(told);
    for (case, at, rep, _) in &answers {
        stories.get_mut(case).expect("a case").answers.push((*at, rep.as_ref().map(|rep| rep.as_str().to_owned())));
    }
    for envelope in told {
        let rep = envelope.rep.as_str().to_owned();
        let Some(story) = envelope.event.case().and_then(|case| stories.get_mut(&case)) else { continue };
        match &envelope.event {
            Event::CaseClaimed { .. } => drop(story.claimed.insert(rep)),
            Event::CaseAssigned { to, .. } => drop(story.claimed.insert(to.as_str().to_owned())),
            Event::CaseTurnedRound { on, .. } => story.turned = *on,
            Event::CaseResolved { cause, closing, .. } => {
                let (from, case) = (envelope.seq.0, envelope.event.case().expect("a case"));
                let until = told.iter().find(|next| {
                    next.seq.0 > from
                        && next.event.case() == Some(case)
                        && matches!(next.event, Event::CaseResolved { .. })
                });
                let until = until.map_or(u64::MAX, |next| next.seq.0);
                // A wish that came in between this end and the next one, newer than all the customer had said before; what
                // was answered elsewhere before that, somebody read on the network.
                let taken_up = posts.iter().find(|(of, at, _, is_goodbye, seq)| {
                    let said = answers
                        .iter()
                        .filter(|(of, _, rep, place)| *of == case && place < seq && rep.is_none())
                        .map(|(_, at, ..)| *at)
                        .max();
                    let heard = posts
                        .iter()
                        .filter(|(of, _, _, _, place)| *of == case && place < seq)
                        .map(|(_, at, ..)| *at)
                        .max();
                    *of == case
                        && (from..until).contains(seq)
                        && !(*is_goodbye && *closing)
                        && said.is_none_or(|said| said < *at)
                        && heard.is_none_or(|heard| heard < *at)
                });
                story.taken_up = taken_up.map(|post| post.4);
                let reopened = taken_up.is_some();
                story.ends.push((envelope.at, rep, cause.clone(), reopened));
                story.resolved = !reopened;
            }
            _ => {}
        }
    }
    stories.into_values().collect()
}

impl Story {
    fn began(&self) -> Timestamp {
        self.first.as_ref().expect("a post").0
    }

    fn first_answer(&self) -> Option<&(Timestamp, Option<String>)> {
        self.answers.iter().min_by_key(|(at, _)| *at)
    }

    fn after(&self, at: Timestamp) -> i64 {
        i64::try_from(at.duration_since(self.began()).as_millis()).expect("a shift").max(0)
    }

    /// Waited for a day, until the first answer, the end, or now; every column's target is shorter.
    fn overdue(&self, now: Timestamp) -> bool {
        let end = self.ends.last().filter(|_| self.resolved).map(|end| end.0);
        let until = self.first_answer().map(|(at, _)| *at).or(end).unwrap_or(now);
        until.duration_since(self.began()).as_hours() >= 24
    }

    fn reopened(&self) -> bool {
        self.ends.iter().any(|end| end.3)
    }

    fn at_once(&self) -> bool {
        let first = self.first_answer().map(|(at, _)| *at);
        self.resolved && !self.reopened() && first.is_some_and(|first| self.last_wish.is_none_or(|wish| wish <= first))
    }
}

/// Of a list in order, the value with so many tenths of it at or below.
fn spread(mut times: Vec<i64>) -> Value {
    times.sort_unstable();
    let Some(count) = times.len().checked_sub(1).map(|last| last + 1) else { return Value::Null };
    let rank = |tenths: usize| {
        let mut place = 1;
        while place * 10 < count * tenths {
            place += 1;
        }
        times[place - 1]
    };
    json!({"median_ms": rank(5), "p90_ms": rank(9)})
}

/// The whole percent that is nearest to `part` of `of`, of which only all is 100 and only none 0.
fn share(part: usize, of: usize) -> Value {
    let wanted = 200 * part;
    let nearest = (0..=100).find(|percent| wanted < (2 * percent + 1) * of);
    match (of, part) {
        (0, _) => Value::Null,
        (_, 0) => json!(0),
        (all, part) if all == part => json!(100),
        _ => json!(nearest.unwrap_or(100).clamp(1, 99)),
    }
}

fn of_cases(stories: &[&Story], now: Timestamp) -> Map<String, Value> {
    let count = |is: &dyn Fn(&Story) -> bool| stories.iter().filter(|story| is(story)).count();
    let answered = count(&|story| !story.answers.is_empty());
    let first = stories.iter().filter_map(|story| Some(story.after(story.first_answer()?.0))).collect();
    let ended = stories.iter().filter(|story| story.resolved);
    let resolution = ended.filter_map(|story| Some(story.after(story.ends.last()?.0))).collect();
    let all = json!({
        "seen": stories.len(),
        "posts": stories.iter().map(|story| story.posts).sum::<usize>(),
        "answered": answered,
        "answered_percent": share(answered, stories.len()),
        "first": spread(first),
        "overdue": count(&|story| story.overdue(now)),
        "resolved": count(&|story| story.resolved),
        "resolution": spread(resolution),
        "at_once": count(&Story::at_once),
        "reopened": count(&Story::reopened),
        "turned_round": count(&|story| story.turned),
    });
    all.as_object().cloned().expect("an object")
}

/// The report as JSON, as of `now`: total, columns with cases, hours, reps and causes.
pub(crate) fn figures(told: Told<'_>, now: Timestamp) -> Value {
    let stories = stories(told);
    let all: Vec<&Story> = stories.iter().collect();
    let part = |is: &dyn Fn(&Story) -> bool| -> Vec<&Story> { all.iter().copied().filter(|story| is(story)).collect() };
    let with = |name: &str, value: Value, mut figures: Map<String, Value>| {
        figures.insert(name.to_owned(), value);
        Value::Object(figures)
    };
    let columns: BTreeSet<&String> = stories.iter().flat_map(|story| &story.columns).collect();
    let columns: Vec<Value> = columns
        .into_iter()
        .map(|column| with("column", json!(column), of_cases(&part(&|story| story.columns.contains(column)), now)))
        .collect();
    let hour_of = |story: &Story| story.began().to_zoned(TimeZone::UTC).hour();
    let hours: Vec<Value> = (0..24i8)
        .map(|hour| with("hour", json!(hour), of_cases(&part(&|story| hour_of(story) == hour), now)))
        .collect();

    let mut names: BTreeSet<Option<String>> = BTreeSet::new();
    for story in &stories {
        names.extend(story.claimed.iter().cloned().map(Some));
        names.extend(story.answers.iter().map(|(_, rep)| rep.clone()));
        names.extend(story.ends.iter().map(|end| Some(end.1.clone())));
    }
    let mut reps: Vec<Value> = names
        .iter()
        .map(|name| {
            let is_theirs = |rep: &String| Some(rep) == name.as_ref();
            let answered = part(&|story| story.first_answer().is_some_and(|(_, rep)| rep == name));
            let count = |is: &dyn Fn(&Story) -> bool| part(is).len();
            let ended = |story: &Story| story.ends.iter().any(|end| is_theirs(&end.1));
            json!({
                "rep": name,
                "claimed": count(&|story| story.claimed.iter().any(is_theirs)),
                "answered": answered.len(),
                "first": spread(answered.iter().map(|story| story.after(story.first_answer().expect("one").0)).collect()),
                "overdue": answered.iter().filter(|story| story.overdue(now)).count(),
                "replies": stories.iter().flat_map(|story| &story.answers).filter(|(_, rep)| rep == name).count(),
                "resolved": count(&ended),
                "at_once": count(&|story| ended(story) && story.at_once()),
                "reopened": count(&|story| story.ends.iter().any(|end| is_theirs(&end.1) && end.3)),
                "turned_round": count(&|story| {
                    story.turned && story.answers.iter().max_by_key(|(at, _)| *at).is_some_and(|(_, rep)| rep == name)
                }),
            })
        })
        .collect();
    reps.sort_by_key(|row| (row["rep"].is_null(), std::cmp::Reverse(row["answered"].as_u64()), row["rep"].to_string()));

    let causes: BTreeSet<&Option<String>> = stories.iter().flat_map(|story| &story.ends).map(|end| &end.2).collect();
    let mut causes: Vec<Value> = causes
        .into_iter()
        .map(|cause| {
            let of = part(&|story| story.ends.iter().any(|end| end.2 == *cause));
            let minutes = |story: &Story| {
                let last = story.ends.iter().rev().find(|end| end.2 == *cause).expect("an end");
                story.after(last.0) / 60_000
            };
            let reopened = of.iter().filter(|story| story.ends.iter().any(|end| end.2 == *cause && end.3)).count();
            let mut longest: Vec<_> = of.iter().map(|story| (-minutes(story), story.began(), &story.id)).collect();
            longest.sort();
            json!({
                "cause": cause,
                "cases": of.len(),
                "minutes": of.iter().map(|story| minutes(story)).sum::<i64>(),
                "reopened": reopened,
                "reopened_percent": share(reopened, of.len()),
                "examples": longest.iter().take(3).map(|(.., id)| (*id).clone()).collect::<Vec<String>>(),
            })
        })
        .collect();
    causes.sort_by_key(|row| {
        let number = |name: &str| std::cmp::Reverse(row[name].as_u64());
        (number("cases"), number("minutes"), number("reopened"), row["cause"].to_string())
    });
    json!({"total": of_cases(&all, now), "columns": columns, "hours": hours, "reps": reps, "causes": causes})
}

/// The report's part is the recount's: columns without cases are left out, examples are known by their case.
#[track_caller]
pub(crate) fn assert_same(part: &str, report: &Value, recount: &Value) {
    let mut report = report.clone();
    if let Some(rows) = report.as_array_mut() {
        rows.retain(|row| part != "columns" || row["seen"] != 0);
        for row in rows.iter_mut().filter(|_| part == "causes") {
            let of = row["examples"].as_array().expect("a list").iter().map(|example| example["case"].clone());
            row["examples"] = of.collect();
        }
    }
    assert_eq!(report, *recount, "{part}");
}

/// Who holds each case at the end, and since when the customer of each open case waits for an answer.
pub(crate) fn owners_and_clocks(told: Told<'_>) -> (BTreeMap<CaseId, RepName>, BTreeMap<CaseId, Timestamp>) {
    let mut owners = BTreeMap::new();
    for envelope in told {
        match &envelope.event {
            Event::CaseClaimed { case } => drop(owners.insert(*case, envelope.rep.clone())),
            Event::CaseAssigned { case, to } => drop(owners.insert(*case, to.clone())),
            Event::CaseReleased { case } => drop(owners.remove(case)),
            _ => {}
        }
    }
    let (posts, answers) = (customers_posts(told), answers(told));
    let mut waiting = BTreeMap::new();
    for story in stories(told).iter().filter(|story| !story.resolved) {
        let ours = || answers.iter().filter(|(case, ..)| case.to_string() == story.id);
        let theirs = || posts.iter().filter(|(case, ..)| case.to_string() == story.id);
        // Whoever answered on the network itself had read what was there. An answer from here could only know what had
        // been heard: what came in after it, newer than all that was known, waits though it was written before it.
        let waits = |at: Timestamp, place: u64| {
            let is_read = ours().any(|(_, said, rep, _)| rep.is_none() && at <= *said);
            let is_newer = ours().all(|(_, said, ..)| *said < at);
            let is_unheard = ours().all(|(.., told)| *told < place)
                && theirs().filter(|(.., heard)| *heard < place).all(|(_, earlier, ..)| *earlier < at);
            !is_read && (is_newer || is_unheard)
        };
        // The last end settled what had come in before it; a goodbye that came after it, before the post that took the
        // case up again, asks for nothing.
        let from = story.taken_up.unwrap_or(0);
        let of = theirs().filter(|(_, at, .., place)| *place >= from && waits(*at, *place));
        let since = of.map(|(_, at, ..)| *at).min();
        if let (Some(since), Some((case, ..))) = (since, posts.iter().find(|post| post.0.to_string() == story.id)) {
            waiting.insert(*case, since);
        }
    }
    (owners, waiting)
}

/// What the log tells of a case, line by line, for who must find out which of two is wrong.
pub(crate) fn told_of(told: Told<'_>, case: CaseId) -> String {
    let cases = cases(told);
    let of = cases.iter().find(|(_, id)| **id == case).map(|(key, _)| key.clone());
    let mut lines = String::new();
    for envelope in told {
        let is_of_case = envelope.event.case() == Some(case);
        let line = match &envelope.event {
            Event::PostMatched {
                post,
                author,
                conversation,
                posted_at,
                standing,
                in_reply_to,
                in_reply_to_author,
                ..
            } => {
                let ours = [Some(author), in_reply_to_author.as_ref()].into_iter().flatten();
                let is_of_case = ours.map(|who| Some((who.to_string(), conversation.to_string()))).any(|key| key == of);
                is_of_case.then(|| format!("{standing:?} {post} of {posted_at}, answers {in_reply_to:?}"))
            }
            event => is_of_case.then(|| format!("{event:?}")),
        };
        if let Some(line) = line {
            lines += &envelope.seq.0.to_string();
            lines += &[" ", &envelope.at.to_string(), " ", envelope.rep.as_str(), ": ", &line, "\n"].concat();
        }
    }
    lines
}
