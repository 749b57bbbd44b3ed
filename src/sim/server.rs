//! HTTP on loopback: connections served side by side inside one future, and the faults that break them.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::select_all;
use futures_util::stream::{self, FuturesUnordered, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::{SignedDuration, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::call::{Answer, Body, Call, Pieces};
use super::faults::{Fault, Kind};
use super::socket::{self, Line};
use super::state::State;
use super::x::stream::{Connection, Delivery};
use super::x::{self, problem};
use super::{bluesky, control, mastodon};
use crate::model::NetworkKind;

type Outgoing = UnsyncBoxBody<Bytes, io::Error>;

const LARGEST_BODY: usize = 1 << 20;
/// How long the simulator sleeps at most: a clock that is moved by hand is noticed within this.
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// Time for the writer to hand its bytes to the system before a piece or a break follows.
const WRITE_OUT: Duration = Duration::from_millis(2);
/// So many things happen at once; then the connections have their turn. A simulator that is behind its clock would
/// else stand still for as long as it catches up, and what it has to say would pile up unsent.
const SLICE: usize = 64;
/// A client that hung up a moment ago is given so long to be noticed before its place counts as taken.
const HANG_UP_GRACE: Duration = Duration::from_millis(60);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something changed that the pacemaker should know.
    changed: Notify,
    /// Counts liftings of faults, for requests that are held back.
    lifted: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Notify::new(), lifted: watch::Sender::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a handler leaves the state usable: each change is made whole before the next.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell_lifted(&self) {
        self.lifted.send_modify(|count| *count += 1);
    }
}

/// Serves until `stop`.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>> = FuturesUnordered::new();
    let mut pacemaker = std::pin::pin!(pace(shared.clone()));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = &mut pacemaker => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.push(Box::pin(connection(stream, shared.clone()))),
                Err(why) => tracing::warn!(%why, "the simulator could not take a connection"),
            },
            Some(()) = connections.next(), if !connections.is_empty() => {}
        }
    }
}

/// Lets everything happen that is due now, and hands back what time that is.
async fn catch_up(shared: &Shared) -> Timestamp {
    let now = shared.lock().clock.now();
    while shared.lock().let_happen(now, SLICE) {
        tokio::task::yield_now().await;
    }
    now
}

/// Makes things happen at their time; never ends.
async fn pace(shared: Arc<Shared>) {
    loop {
        catch_up(&shared).await;
        let wait = {
            let state = shared.lock();
            state.next_due().map_or(LONGEST_SLEEP, |due| state.clock.until(due))
        };
        // Never zero: a clock that stands still must not keep a core busy.
        let wait = wait.clamp(Duration::from_millis(1), LONGEST_SLEEP);
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.changed.notified() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(why) = stream.set_nodelay(true) {
        tracing::debug!(%why, "no TCP_NODELAY on a simulator connection");
    }
    // What goes on as a WebSocket, once its request is answered.
    let (goes_on, upgraded) = oneshot::channel();
    let goes_on = Arc::new(Mutex::new(Some(goes_on)));
    let at_service = shared.clone();
    let service = service_fn(move |request| {
        let (shared, goes_on) = (at_service.clone(), goes_on.clone());
        async move { respond(shared, request, &goes_on).await }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    // Faults end connections on purpose, and clients hang up on streams as a matter of course.
    if let Err(why) = served {
        tracing::debug!(%why, "a simulator connection ended");
        return;
    }
    // The service is gone with the connection, and with it a sender nobody used.
    let Ok((upgrade, line)) = upgraded.await else { return };
    match upgrade.await {
        Ok(io) => socket::carry(io, line, &shared).await,
        Err(why) => tracing::debug!(%why, "a WebSocket of the simulator did not come about"),
    }
}

type GoesOn = Mutex<Option<oneshot::Sender<(OnUpgrade, Line)>>>;

/// Closes the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct NoAnswer;

/// An endpoint of the network that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    X(x::Endpoint, &'a str),
    Bluesky(bluesky::Endpoint),
    Mastodon(mastodon::Endpoint),
}

impl<'a> Route<'a> {
    fn of(network: NetworkKind, method: &str, path: &'a str) -> Option<Self> {
        match network {
            NetworkKind::X => x::route(method, path).map(|(endpoint, id)| Route::X(endpoint, id)),
            NetworkKind::Bluesky => bluesky::route(method, path).map(Route::Bluesky),
            NetworkKind::Mastodon => mastodon::route(method, path).map(Route::Mastodon),
        }
    }

    /// The name a fault is aimed with.
    fn target(self) -> &'static str {
        match self {
            Route::X(endpoint, _) => endpoint.target(),
            Route::Bluesky(endpoint) => endpoint.target(),
            Route::Mastodon(endpoint) => endpoint.target(),
        }
    }

    /// It stays open and takes faults post by post.
    fn is_stream(self) -> bool {
        match self {
            Route::X(endpoint, _) => endpoint.line().is_some(),
            Route::Bluesky(endpoint) => endpoint.is_stream(),
            Route::Mastodon(endpoint) => endpoint.is_stream(),
        }
    }

    fn answer(self, state: &mut State, call: &Call) -> Answer {
        match self {
            Route::X(endpoint, id) => x::answer(state, endpoint, id, call),
            Route::Bluesky(endpoint) => bluesky::answer(state, endpoint, call),
            Route::Mastodon(endpoint) => mastodon::answer(state, endpoint, call),
        }
    }
}

/// The network's own words for a status.
fn usual(network: NetworkKind, status: u16) -> Answer {
    match network {
        NetworkKind::X => problem::usual(status),
        NetworkKind::Bluesky => bluesky::usual(status),
        NetworkKind::Mastodon => mastodon::usual(status),
    }
}

async fn respond(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
    goes_on: &GoesOn,
) -> Result<Response<Outgoing>, NoAnswer> {
    let upgrade = request.headers().contains_key(SEC_WEBSOCKET_KEY).then(|| hyper::upgrade::on(&mut request));
    let network = shared.lock().network;
    let (parts, body) = request.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(why) => return Ok(send(problem::problem(400, "Bad Request", &why.to_string()), None)),
    };
    let path = parts.uri.path().to_owned();
    let method = parts.method.as_str().to_owned();
    if let Some(rest) = path.strip_prefix("/_sim/") {
        let now = catch_up(&shared).await;
        let answer = control::answer(&shared, (&method, rest), &body, now);
        // Time may have been led on.
        catch_up(&shared).await;
        shared.changed.notify_one();
        return Ok(send(answer, None));
    }
    let call = |now| Call {
        method: method.clone(),
        origin: format!("http://{}", text(HOST).unwrap_or_default().to_lowercase()),
        path: path.clone(),
        query: url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect(),
        headers: parts.headers.clone(),
        is_upgrade: upgrade.is_some(),
        is_form: text(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")),
        body: body.clone(),
        now,
    };
    let Some(route) = Route::of(network, &method, &path) else {
        let now = catch_up(&shared).await;
        let page = {
            let mut state = shared.lock();
            match network {
                NetworkKind::X => x::web::answer(&mut state, &call(now)),
                NetworkKind::Bluesky | NetworkKind::Mastodon => None,
            }
        };
        shared.changed.notify_one();
        return Ok(send(page.unwrap_or_else(|| usual(network, 404)), None));
    };
    let target = route.target();
    if let Some(fault) = take(&shared, target, |kind| matches!(kind, Kind::Delay { .. }))
        && let Kind::Delay { ms } = fault.kind
    {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if !route.is_stream()
        && let Some(fault) = take(&shared, target, |kind| *kind == Kind::Stall)
    {
        hold_back(&shared, &fault).await;
    }
    if let Some(fault) = take(&shared, target, |kind| matches!(kind, Kind::Status { .. }))
        && let Kind::Status { status, body, reset_in } = fault.kind
    {
        return Ok(send(faulty_status(&shared, network, status, body, reset_in), None));
    }
    if let Route::X(endpoint, _) = route
        && let Some(line) = endpoint.line()
    {
        notice_hang_ups(&shared, line).await;
    }
    let now = catch_up(&shared).await;
    let mut answer = route.answer(&mut shared.lock(), &call(now));
    // The time by the simulated clock, in the form of HTTP.
    answer.headers.push(("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    shared.changed.notify_one();
    if let Some(fault) = take(&shared, target, |kind| matches!(kind, Kind::LateAnswer { .. }))
        && let Kind::LateAnswer { ms } = fault.kind
    {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if take(&shared, target, |kind| *kind == Kind::LoseAnswer).is_some() {
        return Err(NoAnswer);
    }
    let answer = match (answer.body, upgrade, text(SEC_WEBSOCKET_KEY)) {
        (Body::Socket(line), Some(upgrade), Some(key)) => {
            let waiting = goes_on.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(Err(_unheard)) = waiting.map(|waiting| waiting.send((upgrade, line))) {
                tracing::debug!("the connection was given up before its WebSocket began");
            }
            return Ok(switch(key, answer.headers));
        }
        (Body::Socket(_), ..) => usual(network, 400),
        (body, ..) => Answer { status: answer.status, headers: answer.headers, body },
    };
    // An open stream takes these itself, post by post.
    let broken = if route.is_stream() {
        None
    } else {
        take(&shared, target, |kind| matches!(kind, Kind::Cut { .. } | Kind::Split))
    };
    Ok(send(answer, broken.as_ref()))
}

/// The answer after which a connection is a WebSocket.
fn switch(key: &str, headers: Vec<(&'static str, String)>) -> Response<Outgoing> {
    let mut response = Response::new(empty());
    *response.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
    let fixed = [
        (CONNECTION, "upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, socket::accept(key)),
    ];
    let own = headers.into_iter().map(|(name, value)| (hyper::header::HeaderName::from_static(name), value));
    for (name, value) in fixed.into_iter().chain(own) {
        match value.parse() {
            Ok(value) => drop(response.headers_mut().insert(name, value)),
            Err(why) => tracing::error!(%why, "a header of the simulator could not be written"),
        }
    }
    response
}

fn take(shared: &Shared, target: &str, wanted: impl Fn(&Kind) -> bool) -> Option<Fault> {
    shared.lock().faults.take(target, wanted)
}

/// Waits until the fault is lifted. A fault that is used up can be lifted all the same.
async fn hold_back(shared: &Shared, fault: &Fault) {
    shared.lock().faults.hold(&fault.id);
    let mut liftings = shared.lifted.subscribe();
    loop {
        if !shared.lock().faults.is_holding(&fault.id) {
            return;
        }
        if liftings.changed().await.is_err() {
            return;
        }
    }
}

/// Lets the server see that a listener is gone before a new one is refused for it.
async fn notice_hang_ups(shared: &Shared, line: x::stream::Line) {
    let watched: Vec<_> = {
        let state = shared.lock();
        let listeners = state.x.streams.iter().filter(|listener| listener.line == line && listener.is_open());
        listeners.map(Connection::watch).collect()
    };
    if watched.len() >= line.most() {
        // Running out of time means that they are really listening; the endpoint says so.
        let any = select_all(watched.iter().map(|listener| Box::pin(listener.closed())));
        drop(tokio::time::timeout(HANG_UP_GRACE, any).await);
    }
}

fn faulty_status(
    shared: &Shared,
    network: NetworkKind,
    status: u16,
    body: Option<serde_json::Value>,
    reset_in: Option<u32>,
) -> Answer {
    let mut answer = match body {
        Some(body) => Answer::json(status, body),
        None => usual(network, status),
    };
    if let Some(seconds) = reset_in {
        let now = shared.lock().clock.now();
        if network == NetworkKind::Mastodon {
            let end = now + SignedDuration::from_secs(i64::from(seconds));
            return mastodon::limited(&shared.lock(), answer, end);
        }
        let reset = now.as_second() + i64::from(seconds);
        let [limit, remaining, end] = match network {
            NetworkKind::Bluesky => ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"],
            NetworkKind::X | NetworkKind::Mastodon => {
                ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"]
            }
        };
        answer.headers.push((limit, "100".to_owned()));
        answer.headers.push((remaining, "0".to_owned()));
        answer.headers.push((end, reset.to_string()));
    }
    answer
}

/// Turns an answer into bytes, broken where a fault says so.
fn send(answer: Answer, broken: Option<&Fault>) -> Response<Outgoing> {
    let is_problem = answer.status >= 400;
    let (body, kind): (Outgoing, &str) = match answer.body {
        Body::Stream(pieces, delivery) => (as_they_come(pieces, Some(delivery)), "application/json; charset=utf-8"),
        Body::Events(pieces) => (as_they_come(pieces, None), "text/event-stream"),
        // Taken over before anything is written.
        Body::Socket(_) => (empty(), "text/plain"),
        Body::Html(html) => {
            let whole = Full::new(Bytes::from(html)).map_err(|never: Infallible| match never {});
            (whole.boxed_unsync(), "text/html; charset=utf-8")
        }
        Body::Json(json) => {
            let bytes = match json {
                serde_json::Value::String(raw) => Bytes::from(raw),
                other => Bytes::from(other.to_string()),
            };
            let body = match broken.map(|fault| &fault.kind) {
                Some(Kind::Cut { .. }) => {
                    let half = bytes.slice(..bytes.len() / 2);
                    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut by a fault");
                    in_pieces(vec![Ok(half), Err(broken)])
                }
                Some(Kind::Split) => {
                    in_pieces(x::stream::split_inside_characters(&bytes).into_iter().map(Ok).collect())
                }
                _ => Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync(),
            };
            let kind = if is_problem { "application/problem+json" } else { "application/json; charset=utf-8" };
            (body, kind)
        }
    };
    let mut response = Response::builder().status(answer.status).header(CONTENT_TYPE, kind);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap_or_else(|why| {
        tracing::error!(%why, "an answer of the simulator could not be written");
        Response::new(empty())
    })
}

fn empty() -> Outgoing {
    Full::new(Bytes::new()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A body that goes on as long as somebody writes it; what leaves is written down.
fn as_they_come(pieces: Pieces, delivery: Option<Arc<Delivery>>) -> Outgoing {
    let frames = stream::unfold((pieces, delivery), |(mut pieces, delivery)| async move {
        let frame = pieces.recv().await?;
        if frame.is_err() {
            // What was sent before the break must be on its way first.
            tokio::time::sleep(WRITE_OUT).await;
        } else if let Some(delivery) = &delivery {
            delivery.take();
        }
        Some((frame, (pieces, delivery)))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A body whose pieces leave one by one, each in a write of its own.
fn in_pieces(pieces: Vec<Result<Bytes, io::Error>>) -> Outgoing {
    let frames = stream::unfold(pieces.into_iter(), |mut rest| async move {
        let piece = rest.next()?;
        // The writer gets the chance to send what it has before the next piece, or the break, comes.
        tokio::time::sleep(WRITE_OUT).await;
        Some((piece.map(Frame::data), rest))
    });
    StreamBody::new(frames).boxed_unsync()
}
