//! WebSockets over the account's own HTTP client: the same proxy, certificates, time limits and User-Agent as
//! everything else it asks.

use std::time::Duration;

use reqwest::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Client, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;

use super::http;

/// An open WebSocket; pings are answered by the library as it is read.
pub(crate) type Socket = WebSocketStream<Upgraded>;

/// Why no socket came about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// The server answered the request with something else, in its own words where it sent some; the headers say when
    /// to come again.
    #[error("the server answered {status}{}{words}", if words.is_empty() { "" } else { ": " })]
    Refused { status: StatusCode, words: String, headers: Box<HeaderMap> },
    /// It agreed, but not to this request.
    #[error("the server did not answer our WebSocket request: {why}")]
    NotASocket { why: &'static str },
    #[error("{0}")]
    Line(String),
    #[error("no answer within {} s", .0.as_secs())]
    Silent(Duration),
}

/// Asks `url` (`ws:`, `wss:`, `http:` or `https:`) for a WebSocket. `client` must be one of [`http::client`], made for
/// this host. Messages longer than `longest` bytes end the socket with an error.
pub(crate) async fn open(
    client: &Client,
    url: &Url,
    headers: HeaderMap,
    longest: usize,
    within: Duration,
) -> Result<Socket, SocketError> {
    match tokio::time::timeout(within, asked(client, url, headers, longest)).await {
        Ok(opened) => opened,
        Err(_elapsed) => Err(SocketError::Silent(within)),
    }
}

async fn asked(client: &Client, url: &Url, headers: HeaderMap, longest: usize) -> Result<Socket, SocketError> {
    let line = |error: reqwest::Error| SocketError::Line(http::words(error));
    let key = generate_key();
    let request = client
        .get(as_http(url))
        .headers(headers)
        .header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .header(UPGRADE, HeaderValue::from_static("websocket"))
        .header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
        .header(SEC_WEBSOCKET_KEY, key.as_str());
    let mut response = request.send().await.map_err(line)?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let headers = Box::new(response.headers().clone());
        let body = http::body(&mut response).await.map_err(line)?;
        return Err(SocketError::Refused { status, words: in_short(&body), headers });
    }
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(SocketError::NotASocket { why: "its key does not fit" });
    }
    let io = response.upgrade().await.map_err(line)?;
    let config = WebSocketConfig::default().max_message_size(Some(longest)).max_frame_size(Some(longest));
    Ok(WebSocketStream::from_raw_socket(io, Role::Client, Some(config)).await)
}

/// The same address for an HTTP client; others than WebSocket's stay as they are.
pub(crate) fn as_http(url: &Url) -> Url {
    let scheme = match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        _ => return url.clone(),
    };
    let rest = url.as_str().split_once(':').map_or("", |(_, rest)| rest);
    Url::parse(&format!("{scheme}:{rest}")).unwrap_or_else(|_| url.clone())
}

/// What a server said, short enough for one line: of JSON its `error` or `message`, of a page nothing.
fn in_short(body: &[u8]) -> String {
    const CHARACTERS: usize = 200;
    let text = String::from_utf8_lossy(body);
    let words = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) => ["message", "error", "detail"]
            .iter()
            .find_map(|key| json[*key].as_str().map(str::to_owned))
            .unwrap_or_default(),
        Err(_) if text.trim_start().starts_with('<') => "a page instead of words".to_owned(),
        Err(_) => text.into_owned(),
    };
    crate::model::clean::line(&words.chars().take(CHARACTERS).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{as_http, in_short};

    #[test]
    fn addresses_become_those_of_http() {
        for (given, expected) in [
            ("wss://jetstream.example/subscribe?a=b", "https://jetstream.example/subscribe?a=b"),
            ("ws://127.0.0.1:81/x", "http://127.0.0.1:81/x"),
            ("http://127.0.0.1:81/x", "http://127.0.0.1:81/x"),
        ] {
            assert_eq!(as_http(&given.parse().unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn what_a_server_says_fits_a_line() {
        assert_eq!(in_short(br#"{"error": "Unknown stream\u001b[2J type"}"#), "Unknown stream type");
        assert_eq!(in_short(b"<html><h1>502</h1>"), "a page instead of words");
        assert_eq!(
            in_short(b"I'm a teapot: no user-agent sent with request\n"),
            "I'm a teapot: no user-agent sent with request"
        );
        assert_eq!(in_short("x".repeat(999).as_bytes()).len(), 200);
        assert_eq!(in_short(b"[]"), "");
    }
}
