//! The open line: one WebSocket on which streams are asked for, or, where a server takes none, one endless answer of
//! server-sent events for each stream.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Client, Response, StatusCode};
use tokio_tungstenite::tungstenite::Message;
use url::{Host, Url};

use super::api::{Api, CallError};
use super::decode::{self, Event};
use super::problem::{Class, Problem};
use super::sse::{Reader, Sent};
use super::subscriptions::Stream;
use crate::net::http;
use crate::net::socket::{self, Socket, SocketError};

/// A status with everything in it stays far below.
const LONGEST: usize = 4 * 1024 * 1024;
/// So many endless answers are kept open at most; a server counts them.
const MOST_ANSWERS: usize = 12;
const PATH: &str = "/api/v1/streaming";

/// What came over the line.
#[derive(Debug)]
pub(super) enum Heard {
    Event(Event),
    /// A sign of life.
    Alive,
    /// The line is over, in words why.
    End(String),
}

/// An open line.
pub(super) enum Wire {
    Socket(Box<Socket>),
    Events { api: Client, base: Url, open: FuturesUnordered<Reading>, streams: BTreeSet<Stream> },
}

type Reading = Pin<Box<dyn Future<Output = (Line, Result<Option<Bytes>, reqwest::Error>)> + Send>>;

/// One endless answer.
pub(super) struct Line {
    stream: Stream,
    response: Response,
    reader: Reader,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Wire::Socket(_) => "Wire::Socket",
            Wire::Events { .. } => "Wire::Events",
        })
    }
}

/// Why a streaming address is not used.
fn checked(url: &Url) -> Result<(), String> {
    let is_local = match url.host() {
        None => return Err(format!("the streaming address {url} names no host")),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
    };
    match url.scheme() {
        "wss" | "https" => Ok(()),
        "ws" | "http" if is_local => Ok(()),
        _ => Err(format!("the streaming address {url} is not encrypted: the login is not sent there")),
    }
}

/// Where streams are asked for: the address of the config, else the one the server names, else the server itself.
fn address(api: &Api) -> Url {
    let named = || api.known_facts().and_then(|facts| facts.streaming.clone());
    let mut url = api.settings.streaming_url.clone().or_else(named).unwrap_or_else(|| api.settings.base_url.clone());
    if !url.path().ends_with(PATH) {
        let path = format!("{}{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url
}

/// Opens a line for these streams. On a WebSocket the first is asked for in the address, as servers expect.
pub(super) async fn open(api: &Api, streams: &BTreeSet<Stream>) -> Result<Wire, CallError> {
    let url = address(api);
    let refused =
        |words: String| CallError::No(Box::new(Problem { status: 0, class: Class::Redirected, words, until: None }));
    checked(&url).map_err(refused)?;
    let mut plain = socket::as_http(&url);
    plain.set_query(None);
    // Certificates, proxy and the rule for plain http are those of the host that is called.
    let client =
        http::client(&plain, api.pace.connect_within).map_err(|error| CallError::NotSent(error.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(
        AUTHORIZATION,
        api.authorization().map_err(|words| {
            CallError::No(Box::new(Problem { status: 401, class: Class::Unauthorised, words, until: None }))
        })?,
    );
    let mut at = url.clone();
    if streams.contains(&Stream::User) {
        at.set_query(Some("stream=user"));
    }
    let status = match socket::open(&client, &at, headers, LONGEST, api.pace.answer_within).await {
        Ok(socket) => return Ok(Wire::Socket(Box::new(socket))),
        Err(SocketError::Line(why)) => return Err(CallError::Lost(why)),
        Err(error @ SocketError::Silent(_)) => return Err(CallError::Lost(error.to_string())),
        Err(SocketError::Refused { status, words, headers }) => {
            let said = serde_json::json!({"error": words}).to_string();
            let problem = super::problem::decode(status.as_u16(), &headers, said.as_bytes(), api.now());
            let is_final = matches!(
                problem.class,
                Class::Unauthorised | Class::RateLimited | Class::ServerTrouble | Class::Teapot | Class::Redirected
            ) && status != StatusCode::NOT_IMPLEMENTED;
            if is_final {
                return Err(CallError::No(Box::new(problem)));
            }
            problem
        }
        Err(SocketError::NotASocket { why }) => {
            Problem { status: 200, class: Class::Unknown, words: why.to_owned(), until: None }
        }
    };
    // No WebSocket here: the older way.
    let mut wire = Wire::Events { api: client, base: plain, open: FuturesUnordered::new(), streams: BTreeSet::new() };
    for stream in streams.iter().take(MOST_ANSWERS) {
        if let Err(error) = wire.listen_to(api, stream).await {
            let words = format!("no WebSocket: {}; no events: {}", status.words, error.words());
            return Err(match error {
                CallError::No(problem) => CallError::No(Box::new(Problem { words, ..*problem })),
                CallError::Lost(_) => CallError::Lost(words),
                CallError::NotSent(_) => CallError::NotSent(words),
            });
        }
    }
    Ok(wire)
}

impl Wire {
    /// Whether what is asked for in the address of the socket needs no asking again.
    pub(super) fn has_begun(&self, stream: &Stream) -> bool {
        match self {
            Wire::Socket(_) => *stream == Stream::User,
            Wire::Events { streams, .. } => streams.contains(stream),
        }
    }

    pub(super) fn is_socket(&self) -> bool {
        matches!(self, Wire::Socket(_))
    }

    /// Begins a stream. Streams beyond what a server carries as separate answers are not begun; it is told which.
    pub(super) async fn begin(&mut self, api: &Api, stream: &Stream) -> Result<(), String> {
        match self {
            Wire::Socket(socket) => {
                socket.send(Message::text(stream.order("subscribe"))).await.map_err(|error| error.to_string())
            }
            Wire::Events { open, .. } if open.len() >= MOST_ANSWERS => {
                tracing::warn!(?stream, "the server takes no WebSocket, and this is one stream too many without");
                Ok(())
            }
            Wire::Events { .. } => self.listen_to(api, stream).await.map_err(|error| error.words().to_owned()),
        }
    }

    /// Ends a stream. One that is an answer of its own goes on until the line ends; what it brings is matched all the
    /// same.
    pub(super) async fn end(&mut self, stream: &Stream) -> Result<(), String> {
        match self {
            Wire::Socket(socket) => {
                socket.send(Message::text(stream.order("unsubscribe"))).await.map_err(|error| error.to_string())
            }
            Wire::Events { .. } => Ok(()),
        }
    }

    async fn listen_to(&mut self, api: &Api, stream: &Stream) -> Result<(), CallError> {
        let Wire::Events { api: client, base, open, streams } = self else { return Ok(()) };
        let (name, tag) = stream.name();
        let mut url = base.clone();
        url.set_path(&format!("{}/{}", base.path().trim_end_matches('/'), name.replace(':', "/")));
        if let Some(tag) = tag {
            url.query_pairs_mut().append_pair("tag", tag);
        }
        let response = api.open(client, url).await?;
        open.push(read(Line { stream: stream.clone(), response, reader: Reader::new(LONGEST) }));
        streams.insert(stream.clone());
        Ok(())
    }

    /// Asks for a sign of life. Servers that send events send one by themselves.
    pub(super) async fn ping(&mut self) -> Result<(), String> {
        match self {
            Wire::Socket(socket) => socket.send(Message::Ping(Bytes::new())).await.map_err(|error| error.to_string()),
            Wire::Events { .. } => Ok(()),
        }
    }

    /// What comes next; may be dropped and asked again.
    pub(super) async fn next(&mut self, host: Option<&str>) -> Vec<Heard> {
        match self {
            Wire::Socket(socket) => vec![match socket.next().await {
                Some(Ok(Message::Text(text))) => Heard::Event(decode::frame(text.as_str(), host)),
                Some(Ok(Message::Binary(bytes))) => {
                    Heard::Event(Event::Malformed { why: format!("{} bytes that are no text", bytes.len()) })
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Alive,
                Some(Ok(Message::Close(frame))) => Heard::End(match frame {
                    Some(frame) if !frame.reason.is_empty() => {
                        format!(
                            "the server closed the stream: {} ({})",
                            decode::bounded(&frame.reason),
                            u16::from(frame.code)
                        )
                    }
                    Some(frame) => format!("the server closed the stream ({})", u16::from(frame.code)),
                    None => "the server closed the stream".to_owned(),
                }),
                Some(Err(error)) => Heard::End(decode::bounded(&error.to_string())),
                None => Heard::End("the line ended".to_owned()),
            }],
            Wire::Events { open, .. } => {
                let Some((mut line, piece)) = open.next().await else {
                    return vec![Heard::End("the line ended".to_owned())];
                };
                let bytes = match piece {
                    Ok(Some(bytes)) => bytes,
                    Ok(None) => return vec![Heard::End("the server closed the stream".to_owned())],
                    Err(error) => return vec![Heard::End(http::words(error))],
                };
                let (name, tag) = line.stream.name();
                let names: Vec<String> = [Some(name), tag].into_iter().flatten().map(str::to_owned).collect();
                let mut heard = vec![Heard::Alive];
                heard.extend(line.reader.feed(&bytes).into_iter().map(|sent| {
                    Heard::Event(match sent {
                        Sent::Event { kind, data } => decode::event(&kind, &data, names.clone(), host),
                        Sent::TooLong(length) => Event::Malformed { why: format!("an event of {length} bytes") },
                    })
                }));
                open.push(read(line));
                heard
            }
        }
    }
}

fn read(mut line: Line) -> Reading {
    Box::pin(async move {
        let piece = line.response.chunk().await;
        (line, piece)
    })
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn the_login_goes_over_encrypted_lines_only() {
        for good in ["wss://stream.example", "https://stream.example", "ws://127.0.0.1:81", "http://localhost:9"] {
            assert_eq!(checked(&good.parse().unwrap()), Ok(()), "{good}");
        }
        for bad in ["ws://stream.example", "http://10.0.0.1", "ftp://stream.example"] {
            assert!(checked(&bad.parse().unwrap()).unwrap_err().contains("not encrypted"), "{bad}");
        }
    }
}
