//! One request to the simulator and what goes back, whichever network it plays.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::Frame;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

use super::socket::Line;
use super::x::stream::Delivery;

/// Pieces of a body that goes on.
pub(super) type Pieces = mpsc::Receiver<Result<Frame<Bytes>, io::Error>>;

/// One request, as far as a handler needs it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// `http://127.0.0.1:PORT`, from the `Host` header: part of what OAuth 1.0a signs.
    pub(super) origin: String,
    pub(super) path: String,
    /// Decoded, in order.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// The body is a form, whose fields OAuth 1.0a signs as well.
    pub(super) is_form: bool,
    /// The client asks to go on over a WebSocket.
    pub(super) is_upgrade: bool,
    pub(super) body: Bytes,
    pub(super) now: Timestamp,
}

impl Call {
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// A field of the body, which is a form.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body as a JSON object; in words what it is instead.
    pub(super) fn json(&self) -> Result<serde_json::Map<String, Value>, String> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("The request body must be a JSON object.".to_owned()),
            Err(why) => Err(format!("The request body is not JSON: {why}")),
        }
    }
}

/// What goes back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    Html(String),
    /// JSON line by line, as long as it is open, and the record of what leaves.
    Stream(Pieces, Arc<Delivery>),
    /// Server-sent events, as long as it is open.
    Events(Pieces),
    /// The connection goes on as a WebSocket; only in answer to a call that asks for it.
    Socket(Line),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}
