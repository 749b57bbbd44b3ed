//! Reading what was posted: recent search, counts, look-ups and an account's own posts. All of it costs.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::state::State;
use super::super::world::{SimPost, id_at, time_of};
use super::bill::Item;
use super::fields::{Choice, Place};
use super::render::render;
use super::{Answer, Call, problem};

/// A self-serve plan's longest query, in characters.
const LONGEST_QUERY: usize = 512;
const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is younger is not found yet unless the caller names an end.
const FRESH: SignedDuration = SignedDuration::from_secs(30);

/// The stretch of time and ids a caller wants.
struct Span {
    after_id: u64,
    before_id: u64,
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    fn read(call: &Call, fresh: SignedDuration) -> Result<Self, Answer> {
        let oldest = call.now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
        let mut span = Self {
            after_id: id(call, "since_id")?.unwrap_or(0),
            before_id: id(call, "until_id")?.unwrap_or(u64::MAX),
            from: time(call, "start_time")?.unwrap_or(oldest),
            to: call.now.saturating_sub(fresh).unwrap_or(call.now),
        };
        if span.after_id > 0 && span.after_id < id_at(oldest) {
            let given = span.after_id.to_string();
            let message = format!(
                "'since_id' must be a tweet id created after [{oldest:.0}]. Please use a 'since_id' that is larger than {}",
                id_at(oldest)
            );
            return Err(problem::invalid(Some(("since_id", &given)), &message));
        }
        // A minute's grace, so that "seven days ago" survives its way here.
        if span.from < oldest.saturating_sub(SignedDuration::from_mins(1)).unwrap_or(oldest) {
            let given = span.from.to_string();
            let message = format!(
                "Invalid 'start_time':'{given}'. 'start_time' must be on or after {oldest:.0}, seven days before now"
            );
            return Err(problem::invalid(Some(("start_time", &given)), &message));
        }
        if let Some(to) = time(call, "end_time")? {
            let latest = call.now.saturating_sub(SignedDuration::from_secs(10)).unwrap_or(call.now);
            if to > latest {
                let given = to.to_string();
                let message = format!(
                    "Invalid 'end_time':'{given}'. 'end_time' must be a minimum of 10 seconds prior to the request time."
                );
                return Err(problem::invalid(Some(("end_time", &given)), &message));
            }
            span.to = to;
        }
        if span.from >= span.to && call.param("start_time").is_some() {
            let given = span.from.to_string();
            return Err(problem::invalid(Some(("start_time", &given)), "'start_time' must be before 'end_time'"));
        }
        Ok(span)
    }

    fn holds(&self, post: &SimPost) -> bool {
        post.id > self.after_id && post.id < self.before_id && post.at >= self.from && post.at < self.to
    }
}

fn id(call: &Call, name: &str) -> Result<Option<u64>, Answer> {
    let read = |text: &str| {
        let message = format!("The `{name}` query parameter value [{text}] is not valid");
        text.parse().map(Some).map_err(|_| problem::invalid(Some((name, text)), &message))
    };
    call.param(name).map_or(Ok(None), read)
}

fn time(call: &Call, name: &str) -> Result<Option<Timestamp>, Answer> {
    let read = |text: &str| {
        let message = format!("The `{name}` query parameter value [{text}] is not a valid RFC3339 timestamp");
        text.parse().map(Some).map_err(|_| problem::invalid(Some((name, text)), &message))
    };
    call.param(name).map_or(Ok(None), read)
}

fn page_size(call: &Call, least: usize, usual: usize) -> Result<usize, Answer> {
    let Some(text) = call.param("max_results") else { return Ok(usual) };
    match text.parse() {
        Ok(size) if (least..=100).contains(&size) => Ok(size),
        _ => {
            let message = format!("The `max_results` query parameter value [{text}] is not between {least} and 100");
            Err(problem::invalid(Some(("max_results", text)), &message))
        }
    }
}

/// The posts a query finds, newest first. Search knows no reposts and does not look into quoted posts.
fn found<'a>(state: &'a State, call: &Call, span: &Span) -> Result<Vec<&'a SimPost>, Answer> {
    let query = call
        .param("query")
        .filter(|query| !query.trim().is_empty())
        .ok_or_else(|| problem::invalid(None, "The `query` query parameter can not be empty"))?;
    let length = query.chars().count();
    if length > LONGEST_QUERY {
        let message = format!(
            "The `query` query parameter must be at most {LONGEST_QUERY} characters long, this one has {length}"
        );
        return Err(problem::invalid(Some(("query", query)), &message));
    }
    let rule = super::query::read(query).map_err(|details| {
        problem::invalid(
            Some(("query", query)),
            &format!("There were errors processing your request: {}", details.join("; ")),
        )
    })?;
    Ok(state
        .world
        .posts
        .values()
        .rev()
        .filter(|post| !post.deleted && post.reposts.is_none() && span.holds(post))
        .filter(|post| {
            let mut seen = state.world.as_model(post);
            if let Some(quoted) = &mut seen.quotes {
                quoted.text.clear();
            }
            rule.matches(&seen)
        })
        .collect())
}

pub(super) fn recent(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::Search, state.x.names)?;
    if state.x.reads >= state.x.post_cap {
        return Err(problem::usage_capped());
    }
    let size = page_size(call, 10, 10)?;
    let span = Span::read(call, FRESH)?;
    if let Some(order) = call.param("sort_order").filter(|order| !matches!(*order, "recency" | "relevancy")) {
        let message = format!("The `sort_order` query parameter value [{order}] is not one of [recency,relevancy]");
        return Err(problem::invalid(Some(("sort_order", order)), &message));
    }
    let posts = found(state, call, &span)?;
    let (answer, read) = page(state.x.names, &state.world, posts, size, call, &choice)?;
    billed(&mut state.x, &read, call.now);
    Ok(answer)
}

/// What was read counts against the plan each time, and on the bill once a day.
fn billed(x: &mut super::XApp, read: &[u64], now: Timestamp) {
    x.reads += read.len() as u64;
    for id in read {
        x.bill.add(Item::PostRead, *id, now);
    }
}

/// One page of `posts`, newest first, and which were read.
fn page(
    names: super::NameFamily,
    world: &super::super::world::World,
    posts: Vec<&SimPost>,
    size: usize,
    call: &Call,
    choice: &Choice,
) -> Result<(Answer, Vec<u64>), Answer> {
    let token = call.param("next_token").or_else(|| call.param("pagination_token"));
    let before: u64 = match token {
        None => u64::MAX,
        Some(token) => token
            .strip_prefix("b26v")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| problem::invalid(Some(("next_token", token)), "The `next_token` is not a valid token"))?,
    };
    let rest: Vec<&SimPost> = posts.into_iter().filter(|post| post.id < before).collect();
    let page = &rest[..rest.len().min(size)];
    let (data, includes) = render(world, page, choice, names);
    let mut meta = json!({"result_count": page.len()});
    if let (Some(newest), Some(oldest)) = (page.first(), page.last()) {
        meta["newest_id"] = json!(newest.id.to_string());
        meta["oldest_id"] = json!(oldest.id.to_string());
        if rest.len() > page.len() {
            meta["next_token"] = json!(format!("b26v{}", oldest.id));
        }
    }
    let mut body = json!({"meta": meta});
    if !data.is_empty() {
        body["data"] = Value::Array(data);
    }
    if let Some(includes) = includes {
        body["includes"] = includes;
    }
    Ok((Answer::json(200, body), page.iter().map(|post| post.id).collect()))
}

pub(super) fn counts(state: &mut State, call: &Call) -> Result<Answer, Answer> {
    let known = ["query", "granularity", "start_time", "end_time", "since_id", "until_id", "next_token"];
    if let Some((name, value)) = call.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        let message = format!("The query parameter [{name}] is not one of [{}]", known.join(","));
        return Err(problem::invalid(Some((name, value)), &message));
    }
    let step: i64 = match call.param("granularity").unwrap_or("hour") {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        other => {
            let message = format!("The `granularity` query parameter value [{other}] is not one of [minute,hour,day]");
            return Err(problem::invalid(Some(("granularity", other)), &message));
        }
    };
    let span = Span::read(call, FRESH)?;
    let times: Vec<i64> = found(state, call, &span)?.iter().map(|post| post.at.as_second()).collect();
    let question = state.world.next_id(call.now);
    state.x.bill.add(Item::Count, question, call.now);
    let (first, end) = (span.from.as_second(), span.to.as_second());
    let mut rows = Vec::new();
    let mut start = first;
    while start < end {
        let until = ((start.div_euclid(step) + 1) * step).min(end);
        // The last stretch holds what falls into its broken second as well.
        let is_last = until == end;
        let count = times.iter().filter(|at| **at >= start && (**at < until || is_last)).count();
        rows.push(json!({
            "start": format!("{:.3}", Timestamp::from_second(start).unwrap_or(span.from)),
            "end": format!("{:.3}", Timestamp::from_second(until).unwrap_or(span.to)),
            "tweet_count": count,
        }));
        start = until;
    }
    Ok(Answer::json(200, json!({"data": rows, "meta": {"total_tweet_count": times.len()}})))
}

/// `GET /2/tweets/:id` and `GET /2/tweets?ids=`.
pub(super) fn by_id(state: &mut State, id: &str, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::Lookup, state.x.names)?;
    let (parameter, ids) = if id.is_empty() { ("ids", call.param("ids").unwrap_or("")) } else { ("id", id) };
    let mut posts = Vec::new();
    let mut errors = Vec::new();
    for one in ids.split(',') {
        let number: u64 = one.parse().map_err(|_| {
            let message = format!("The `{parameter}` query parameter value [{one}] is not valid");
            problem::invalid(Some((parameter, one)), &message)
        })?;
        match state.world.visible(number) {
            Some(post) => match state.world.withheld.get(&post.author) {
                Some(why) => errors.push(problem::withheld(*why, parameter, one)),
                None => posts.push(post),
            },
            None => errors.push(problem::not_found("tweet", parameter, one)),
        }
    }
    let (data, includes) = render(&state.world, &posts, &choice, state.x.names);
    let read: Vec<u64> = posts.iter().map(|post| post.id).collect();
    let mut body = json!({});
    if id.is_empty() && !data.is_empty() {
        body["data"] = Value::Array(data);
    } else if let Some(one) = data.into_iter().next() {
        body["data"] = one;
    }
    if let Some(includes) = includes {
        body["includes"] = includes;
    }
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    billed(&mut state.x, &read, call.now);
    Ok(Answer::json(200, body))
}

/// `GET /2/users/:id/tweets`: an account's own posts, the very newest included.
pub(super) fn of_user(state: &mut State, id: &str, call: &Call) -> Result<Answer, Answer> {
    let choice = Choice::read(&call.query, Place::Lookup, state.x.names)?;
    let size = page_size(call, 5, 10)?;
    let author: u64 = id.parse().map_err(|_| {
        problem::invalid(Some(("id", id)), &format!("The `id` query parameter value [{id}] is not valid"))
    })?;
    let after = self::id(call, "since_id")?.unwrap_or(0);
    let from = time(call, "start_time")?.unwrap_or(Timestamp::MIN);
    let to = time(call, "end_time")?.unwrap_or(Timestamp::MAX);
    let posts: Vec<&SimPost> = state
        .world
        .posts
        .range(after.saturating_add(1)..)
        .rev()
        .map(|(_, post)| post)
        .filter(|post| post.author == author && !post.deleted)
        .filter(|post| (from..=to).contains(&time_of(post.id)))
        .collect();
    let (answer, read) = page(state.x.names, &state.world, posts, size, call, &choice)?;
    billed(&mut state.x, &read, call.now);
    Ok(answer)
}
