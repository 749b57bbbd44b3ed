//! Finding in the store what a rep asked for: the words by the index of words, the rest by keys and authors. The
//! screen and `replydeck search` both come here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::log::{Log, LogError, Wanted};
use crate::model::{
    AuthorId, Body, BodyId, CaseId, ConversationId, Envelope, Event, Found, FoundPerson, Hit, Search, key,
};

/// So many people are offered.
const PEOPLE: usize = 5;
/// Of a key so many events are looked through, the newest.
const OF_KEY: usize = 5_000;
/// Of an author so many posts.
const OF_AUTHOR: usize = 2_000;
/// Texts of so many cases are read before a page counts as full: cases are in the order of their last change, their
/// texts need not be.
const CASES_AT_LEAST: usize = 64;
/// Texts of more cases are not read.
const CASES_AT_MOST: usize = 1_000;
/// Of texts found by their words so many are looked through for those of the cases asked for.
const OF_WORDS: usize = 2_000;

/// At most `limit` texts, newest first, and people.
pub async fn search(log: &dyn Log, search: &Search, limit: usize) -> Result<Found, LogError> {
    let mut found = Found { people: people(log, search).await?, hits: Vec::new() };
    let cases = if search.asks_cases() { Some(cases(log, search).await?) } else { None };
    if cases.as_ref().is_some_and(Vec::is_empty) {
        return Ok(found);
    }
    let wanted = Wanted::of(&search.words);
    let set: Option<BTreeSet<CaseId>> = cases.as_ref().map(|cases| cases.iter().copied().collect());
    let fits = |hit: &Hit| search.between.holds(hit.at) && hit.body.searchable().is_some_and(|text| wanted.is_in(text));
    let mut hits = if !search.from.is_empty() {
        let mut hits = Vec::new();
        for author in authors(log, &search.from).await? {
            let posts = log.of_author(author, OF_AUTHOR).await?;
            hits.extend(posts.iter().filter_map(|post| hit_of(post)).filter(&fits));
        }
        if let Some(set) = &set {
            hits.retain(|hit| case_of_post(&hit.body).is_some_and(|case| set.contains(&case)));
        }
        hits
    } else if let (Some(cases), true) = (&cases, search.words.is_empty() || set.as_ref().is_some_and(is_few)) {
        of_cases(log, cases, limit, &fits).await?
    } else if let Some(set) = &set {
        let mut hits = Vec::new();
        for hit in log.search_within(search.words.clone(), search.between, OF_WORDS.max(limit)).await? {
            if hits.len() < limit && of_case(log, &hit).await?.is_some_and(|case| set.contains(&case)) {
                hits.push(hit);
            }
        }
        hits
    } else {
        log.search_within(search.words.clone(), search.between, limit).await?
    };
    hits.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    hits.dedup_by(|a, b| a.id == b.id);
    hits.truncate(limit);
    found.hits = hits;
    Ok(found)
}

fn is_few(cases: &BTreeSet<CaseId>) -> bool {
    cases.len() <= CASES_AT_LEAST
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
        let people = log.people(handle.clone(), OF_KEY).await?;
        authors.extend(people.into_iter().filter(|(known, _)| *known == handle).map(|(_, author)| author));
    }
    Ok(authors)
}

/// The cases the operators ask for, those changed last first.
async fn cases(log: &dyn Log, search: &Search) -> Result<Vec<CaseId>, LogError> {
    let mut sets: Vec<Vec<CaseId>> = Vec::new();
    for tag in &search.tags {
        // The newest event of a case says whether the tag is on.
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for envelope in log.of_key(key::tag(tag), OF_KEY).await? {
            if let Event::CaseTagged { case, on, .. } = &envelope.event
                && seen.insert(*case)
                && *on
            {
                order.push(*case);
            }
        }
        sets.push(order);
    }
    for keys in [
        search.causes.iter().map(|cause| key::cause(cause)).collect::<Vec<_>>(),
        search.reps.iter().map(|rep| key::rep(rep)).collect(),
    ] {
        if keys.is_empty() {
            continue;
        }
        let mut events = Vec::new();
        for key in keys {
            events.extend(log.of_key(key, OF_KEY).await?);
        }
        events.sort_by_key(|envelope| std::cmp::Reverse(envelope.seq));
        let mut seen = BTreeSet::new();
        let of = events.iter().filter_map(|envelope| envelope.event.case());
        sets.push(of.filter(|case| seen.insert(*case)).collect());
    }
    let mut sets = sets.into_iter();
    let Some(mut cases) = sets.next() else { return Ok(Vec::new()) };
    for other in sets {
        let other: BTreeSet<CaseId> = other.into_iter().collect();
        cases.retain(|case| other.contains(case));
    }
    Ok(cases)
}

/// The texts of these cases: posts, replies and notes.
async fn of_cases(
    log: &dyn Log,
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
        if let Some((author, conversation)) = whose(&events) {
            let posts = posts_of(log, author, conversation).await?;
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

/// The author's posts in one conversation, newest first.
async fn posts_of(log: &dyn Log, author: AuthorId, of: ConversationId) -> Result<Vec<Arc<Envelope>>, LogError> {
    let mut posts = log.of_author(author, OF_AUTHOR).await?;
    posts.retain(|envelope| matches!(&envelope.event, Event::PostMatched { conversation, .. } if *conversation == of));
    Ok(posts)
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

async fn of_case(log: &dyn Log, hit: &Hit) -> Result<Option<CaseId>, LogError> {
    if let Some(case) = case_of_post(&hit.body) {
        return Ok(Some(case));
    }
    Ok(written_in(log, &hit.id).await?.and_then(|envelope| envelope.event.case()))
}

/// The event that speaks of a note or a reply.
async fn written_in(log: &dyn Log, text: &BodyId) -> Result<Option<Arc<Envelope>>, LogError> {
    Ok(log.of_key(text.as_str().to_owned(), 1).await?.pop())
}

/// The case in which a note or a reply was written, and the newest post of its author there.
pub async fn case_of_text(log: &dyn Log, text: &BodyId) -> Result<Option<(CaseId, Option<Arc<Envelope>>)>, LogError> {
    let Some(case) = written_in(log, text).await?.and_then(|envelope| envelope.event.case()) else { return Ok(None) };
    let post = match whose(&log.of_case(case).await?) {
        Some((author, conversation)) => posts_of(log, author, conversation).await?.into_iter().next(),
        None => None,
    };
    Ok(Some((case, post)))
}
