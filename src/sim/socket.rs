//! The simulator's side of a WebSocket.

use std::fmt;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::server::Shared;
use super::state::State;

/// What the simulator sends.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Text(String),
    Packed(Vec<u8>),
    Ping,
    /// A closing frame, and the end.
    Close {
        code: u16,
        reason: String,
    },
    /// The connection breaks off without a word.
    Cut,
    /// Nothing is read or said until something else is sent, not even in answer to a ping.
    Silence,
}

/// The handler's end of a socket: what is sent into `said` goes out; dropping the sender closes it. What the client
/// says is given to `heard` with the id of the connection, under the simulator's lock.
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) said: mpsc::Receiver<Said>,
    pub(super) heard: fn(&mut State, u64, &str),
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The key a client must find in the answer to its upgrade.
pub(super) fn accept(key: &str) -> String {
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes())
}

/// Carries a socket until either side ends it.
pub(super) async fn carry(io: Upgraded, mut line: Line, shared: &Shared) {
    let config = WebSocketConfig::default();
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await;
    let mut is_silent = false;
    loop {
        let sent = tokio::select! {
            said = line.said.recv() => match said.inspect(|said| is_silent = matches!(said, Said::Silence)) {
                Some(Said::Silence) => Ok(()),
                Some(Said::Text(text)) => socket.send(Message::text(text)).await,
                Some(Said::Packed(bytes)) => socket.send(Message::binary(bytes)).await,
                Some(Said::Ping) => socket.send(Message::Ping(Bytes::new())).await,
                Some(Said::Close { code, reason }) => {
                    let frame = CloseFrame { code: code.into(), reason: reason.into() };
                    let closed = socket.close(Some(frame)).await;
                    tracing::debug!(?closed, "a simulated socket was closed");
                    return;
                }
                Some(Said::Cut) => return,
                None => {
                    let closed = socket.close(None).await;
                    tracing::debug!(?closed, "a simulated socket was closed");
                    return;
                }
            },
            heard = socket.next(), if !is_silent => match heard {
                Some(Ok(Message::Text(text))) => {
                    let mut state = shared.lock();
                    state.advance();
                    (line.heard)(&mut state, line.id, text.as_str());
                    Ok(())
                }
                // Pings are answered by the library.
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
                Some(Ok(Message::Close(_))) | None => return,
                Some(Err(why)) => Err(why),
            },
        };
        if let Err(why) = sent {
            tracing::debug!(%why, "a simulated socket ended");
            return;
        }
    }
}
