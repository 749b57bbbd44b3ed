//! Finding in the store what a rep asked for: the words by the index of words, the rest by keys and authors. The
//! screen and `replydeck search` both come here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::log::{KeyGroups, Log, LogError, Wanted};
use crate::model::words::are_same_words;
use crate::model::{
    AuthorId, Body, BodyId, CaseId, ConversationId, Envelope, Event, Found, FoundPerson, Hit, Search, key,
};

/// So many people are offered.
const PEOPLE: usize = 5;
/// So many people may have had one handle.
const OF_HANDLE: usize = 5_000;
/// Of an author so many posts.
const OF_AUTHOR: usize = 2_000;
/// Texts of so many cases are read before a page counts as full: cases are in the order of their last change, their
/// texts need not be.
const CASES_AT_LEAST: usize = 64;
/// Texts of more cases are not read.
const CASES_AT_MOST: usize = 1_000;
/// Of texts found by their words so many are looked through for those of the cases asked for, the newest.
const OF_WORDS: usize = 2_000;

/// At most `limit` texts, newest first, and people.
pub async fn search(log: &dyn Log, search: &Search, limit: usize) -> Result<Found, LogError> {
    let mut found = Found { people: people(log, search).await?, hits: Vec::new() };
    // A reply and the post it became are two finds and one hit.
    let (shown, limit) = (limit, limit.saturating_mul(2));
    let wanted = Wanted::of(&search.words);
    let fits = |hit: &Hit| search.between.holds(hit.at) && hit.body.searchable().is_some_and(|text| wanted.is_in(text));
    let mut hits = if !search.from.is_empty() {
        let mut hits = Vec::new();
        for author in authors(log, &search.from).await? {
            let posts = log.of_author(author, OF_AUTHOR).await?;
            hits.extend(posts.iter().filter_map(|post| hit_of(post)).filter(&fits));
        }
        in_order(&mut hits);
        if search.asks_cases() {
            let hits_of_case = hits.into_iter().filter_map(|hit| Some((case_of_post(&hit.body)?, hit)));
            standing(log, search, hits_of_case.collect(), limit).await?
        } else {
            hits
        }
    } else if search.asks_cases() {
        of_asked_cases(log, search, limit, &fits).await?
    } else {
        log.search_within(search.words.clone(), search.between, limit).await?
    };
    in_order(&mut hits);
    let mut hits = without_twins(log, hits).await?;
    hits.truncate(shown);
    found.hits = hits;
    Ok(found)
}

/// Newest first, each once.
fn in_order(hits: &mut Vec<Hit>) {
    hits.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    hits.dedup_by(|a, b| a.id == b.id);
}

/// A reply that is out is stored twice: as it was confirmed, and as the network shows it. Where both are found, the
/// network's stays, which has a page.
async fn without_twins(log: &dyn Log, hits: Vec<Hit>) -> Result<Vec<Hit>, LogError> {
    let mut once = Vec::with_capacity(hits.len());
    for hit in &hits {
        let Body::Reply(words) = &hit.body else {
            once.push(hit.clone());
            continue;
        };
        let alike: Vec<&Hit> = hits.iter().filter(|other| shows(other, words)).collect();
        let is_twin = match written_in(log, &hit.id).await?.filter(|_| !alike.is_empty()) {
            Some(queued) => {
                let case = queued.event.case();
                let events = if let Some(case) = case { log.of_case(case).await? } else { Vec::new() };
                alike.iter().any(|other| events.iter().any(|it| is_of_reply(&it.event, &hit.id, other)))
            }
            None => false,
        };
        if !is_twin {
            once.push(hit.clone());
        }
    }
    Ok(once)
}

/// Whether the network shows these words there.
fn shows(hit: &Hit, words: &str) -> bool {
    match &hit.body {
        Body::Post(post) => are_same_words(words, &post.text),
        Body::Message(message) => message.is_ours && are_same_words(words, &message.text),
        Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) => false,
    }
}

/// Whether the event says that this reply became that hit, or was posted by hand where the hit stands.
fn is_of_reply(event: &Event, reply: &BodyId, hit: &Hit) -> bool {
    match event {
        Event::ReplySent { reply: of, post, .. } => BodyId::reply(*of) == *reply && BodyId::post(post) == hit.id,
        Event::ReplyDelivered { reply: of, message, .. } => {
            BodyId::reply(*of) == *reply && BodyId::message(message) == hit.id
        }
        Event::ReplyHandedOver { reply: of, to, .. } => {
            let is_there = matches!(&hit.body, Body::Post(post) if post.in_reply_to.as_ref() == Some(to));
            BodyId::reply(*of) == *reply && (is_there || matches!(hit.body, Body::Message(_)))
        }
        _ => false,
    }
}

/// The texts of the cases that the operators ask for. Few cases are read through; of many, those texts are looked
/// through that hold the words.
async fn of_asked_cases(
    log: &dyn Log,
    search: &Search,
    limit: usize,
    fits: &(dyn Fn(&Hit) -> bool + Sync),
) -> Result<Vec<Hit>, LogError> {
    let groups = groups(search);
    let cases = log.cases_of_keys(groups.clone(), CASES_AT_LEAST + 1).await?;
    if cases.len() <= CASES_AT_LEAST || search.words.is_empty() {
        let hits = of_cases(log, search, &cases, limit, fits).await?;
        if cases.len() <= CASES_AT_LEAST || hits.len() >= limit {
            return Ok(hits);
        }
        let cases = log.cases_of_keys(groups, CASES_AT_MOST).await?;
        return of_cases(log, search, &cases, limit, fits).await;
    }
    let (words, between) = (search.words.clone(), search.between);
    // Of what the keys give some cases may not stand so any more.
    for asked in [limit, limit.saturating_mul(4), OF_WORDS] {
        let found = log.search_of_keys(words.clone(), between, groups.clone(), OF_WORDS.max(limit), asked).await?;
        let is_all = found.len() < asked;
        let hits = standing(log, search, found, limit).await?;
        if is_all || hits.len() >= limit || asked == OF_WORDS {
            return Ok(hits);
        }
    }
    Ok(Vec::new())
}

/// Those whose case stands as it was asked for, at most `limit`.
async fn standing(
    log: &dyn Log,
    search: &Search,
    found: Vec<(CaseId, Hit)>,
    limit: usize,
) -> Result<Vec<Hit>, LogError> {
    let mut known: BTreeMap<CaseId, bool> = BTreeMap::new();
    let mut hits = Vec::new();
    for (case, hit) in found {
        if hits.len() >= limit {
            break;
        }
        let stands = match known.get(&case) {
            Some(stands) => *stands,
            None => stands_so(search, &log.of_case(case).await?),
        };
        known.insert(case, stands);
        if stands {
            hits.push(hit);
        }
    }
    Ok(hits)
}

/// What a case must have been through to be asked for: every tag, one of the causes, one of the reps.
fn groups(search: &Search) -> KeyGroups {
    let tags = search.tags.iter().map(|tag| vec![key::tag(tag)]);
    let causes = search.causes.iter().map(|cause| key::cause(cause)).collect();
    let reps = search.reps.iter().map(|rep| key::rep(rep)).collect();
    tags.chain([causes, reps]).filter(|group| !group.is_empty()).collect()
}

/// Whether a case with these events stands as it was asked for: the tags are on it, and what a resolve says of cause
/// and rep counts only where it was not taken back.
fn stands_so(search: &Search, events: &[Arc<Envelope>]) -> bool {
    let mut tags: BTreeSet<String> = BTreeSet::new();
    let mut worked: BTreeSet<String> = BTreeSet::new();
    let mut ends: Vec<(Option<String>, String)> = Vec::new();
    for envelope in events {
        match &envelope.event {
            Event::CaseTagged { tag, on: true, .. } => {
                tags.insert(key::folded(tag));
            }
            Event::CaseTagged { tag, on: false, .. } => {
                tags.remove(&key::folded(tag));
            }
            Event::CaseResolved { cause, .. } => {
                ends.push((cause.as_deref().map(key::folded), key::folded(envelope.rep.as_str())));
            }
            Event::CaseReopened { undone: true, .. } => {
                ends.pop();
            }
            event => worked.extend(key::keys(event, &envelope.rep)),
        }
    }
    let is_on = |tag: &String| tags.contains(&key::folded(tag));
    let has_cause = |cause: &String| ends.iter().any(|(of, _)| of.as_ref() == Some(&key::folded(cause)));
    let has_worked =
        |rep: &String| worked.contains(&key::rep(rep)) || ends.iter().any(|(_, by)| *by == key::folded(rep));
    search.tags.iter().all(is_on)
        && (search.causes.is_empty() || search.causes.iter().any(has_cause))
        && (search.reps.is_empty() || search.reps.iter().any(has_worked))
}

/// One word alone may be the beginning of a handle.
async fn people(log: &dyn Log, search: &Search) -> Result<Vec<FoundPerson>, LogError> {
    let word = search.words.trim().trim_start_matches('@');
    let is_alone = Search { words: String::new(), ..search.clone() }.is_empty();
    if !is_alone || word.chars().count() < 2 || word.contains(char::is_whitespace) {
        return Ok(Vec::new());
    }
    let people = log.people(word.to_owned(), PEOPLE).await?;
    Ok(people.into_iter().map(|(handle, author)| FoundPerson { author, handle }).collect())
}

/// Everybody who has or had one of these handles, or is named by id.
async fn authors(log: &dyn Log, from: &[String]) -> Result<BTreeSet<AuthorId>, LogError> {
    let mut authors: BTreeSet<AuthorId> = BTreeSet::new();
    for name in from {
        if let Some(author) = AuthorId::written(name) {
            authors.insert(author);
            continue;
        }
        let handle = name.to_lowercase();
        let people = log.people(handle.clone(), OF_HANDLE).await?;
        authors.extend(people.into_iter().filter(|(known, _)| *known == handle).map(|(_, author)| author));
    }
    Ok(authors)
}

/// The texts of these cases: posts, replies and notes.
async fn of_cases(
    log: &dyn Log,
    search: &Search,
    cases: &[CaseId],
    limit: usize,
    fits: &(dyn Fn(&Hit) -> bool + Sync),
) -> Result<Vec<Hit>, LogError> {
    let mut hits = Vec::new();
    for (index, case) in cases.iter().take(CASES_AT_MOST).enumerate() {
        if index >= CASES_AT_LEAST && hits.len() >= limit {
            break;
        }
        let events = log.of_case(*case).await?;
        if !stands_so(search, &events) {
            continue;
        }
        if let Some((author, conversation)) = whose(&events) {
            let posts = log.posts_in(author, conversation, OF_AUTHOR).await?;
            hits.extend(posts.iter().filter_map(|post| hit_of(post)).filter(|hit| fits(hit)));
        }
        let texts = events.iter().filter(|envelope| {
            matches!(
                envelope.event,
                Event::NoteAdded { .. } | Event::ReplyQueued { .. } | Event::ReplyHandedOver { .. }
            )
        });
        hits.extend(texts.filter_map(|envelope| hit_of(envelope)).filter(|hit| fits(hit)));
    }
    Ok(hits)
}

/// Whose case it is, and in which conversation.
fn whose(events: &[Arc<Envelope>]) -> Option<(AuthorId, ConversationId)> {
    events.iter().find_map(|envelope| match &envelope.event {
        Event::CaseOpened { author, conversation, .. } => Some((author.clone(), conversation.clone())),
        _ => None,
    })
}

fn hit_of(envelope: &Envelope) -> Option<Hit> {
    let (id, body) = (envelope.event.body_id()?, envelope.body.clone()?);
    let at = match &body {
        Body::Post(post) => post.at,
        Body::Message(message) => message.at,
        Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) => envelope.at,
    };
    Some(Hit { id, at, body })
}

fn case_of_post(body: &Body) -> Option<CaseId> {
    match body {
        Body::Post(post) => Some(CaseId::of(&post.author.id, &post.conversation)),
        Body::Draft(_) | Body::Reply(_) | Body::Note(_) | Body::BegunNote(_) | Body::Message(_) => None,
    }
}

/// The event that speaks of a note or a reply.
async fn written_in(log: &dyn Log, text: &BodyId) -> Result<Option<Arc<Envelope>>, LogError> {
    Ok(log.of_key(text.as_str().to_owned(), 1).await?.pop())
}

/// The case in which a note or a reply was written, and the newest post of its author there.
pub async fn case_of_text(log: &dyn Log, text: &BodyId) -> Result<Option<(CaseId, Option<Arc<Envelope>>)>, LogError> {
    let Some(case) = written_in(log, text).await?.and_then(|envelope| envelope.event.case()) else { return Ok(None) };
    let post = match whose(&log.of_case(case).await?) {
        Some((author, conversation)) => log.posts_in(author, conversation, OF_AUTHOR).await?.into_iter().next(),
        None => None,
    };
    Ok(Some((case, post)))
}
