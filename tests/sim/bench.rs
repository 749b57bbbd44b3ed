//! What the tests stand on: a simulator, a client, and a reader of lines.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use replydeck::sim::{Credentials, RealClock, Script, Sim};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Monday, five in the morning at the customers' place.
pub(crate) fn start() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

/// A clock that stands still; time passes by `/_sim/clock`.
pub(crate) fn still() -> RealClock {
    Arc::new(start)
}

/// Nobody posts unless told to.
pub(crate) fn quiet() -> Script {
    Script::new(7, 0.0, still())
}

/// Long enough for a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) url: String,
    pub(crate) credentials: Credentials,
    pub(crate) http: Client,
}

/// Runs `test` against a simulator that plays `script`.
pub(crate) fn with<F, T>(script: Script, test: F)
where
    F: FnOnce(Bench) -> T,
    T: Future<Output = ()>,
{
    // Another test of this process may have chosen it before.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sim = Sim::bind("127.0.0.1:0".parse().unwrap(), script).unwrap();
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let bench = Bench { url: sim.url(), credentials: sim.credentials().clone(), http };
        let stop = CancellationToken::new();
        let (served, ()) = tokio::join!(sim.serve(stop.clone()), async {
            test(bench).await;
            stop.cancel();
        });
        served.unwrap();
    });
}

impl Bench {
    /// As the app.
    pub(crate) async fn app(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.send(method, path, body, &self.credentials.bearer).await.unwrap()
    }

    /// As the brand's user.
    pub(crate) async fn user(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.send(method, path, body, &self.credentials.access_token).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        token: &str,
    ) -> reqwest::Result<Response> {
        let request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.app(Method::GET, path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// The control plane; refusals are failures.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let (status, told) = self.ask_control(path, body).await;
        assert_eq!(status, 200, "{path}: {told}");
        told
    }

    pub(crate) async fn ask_control(&self, path: &str, body: Value) -> (u16, Value) {
        let response = self.http.post(format!("{}/_sim/{path}", self.url)).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn ledger(&self) -> Value {
        self.http.get(format!("{}/_sim/ledger", self.url)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn jump(&self, seconds: u32) {
        self.control("clock", json!({"jump": seconds})).await;
    }

    /// Somebody posts; the id.
    pub(crate) async fn post(&self, wish: Value) -> String {
        self.control("post", wish).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn add_rule(&self, value: &str, tag: &str) -> Value {
        let body = json!({"add": [{"value": value, "tag": tag}]});
        self.app(Method::POST, "/2/tweets/search/stream/rules", Some(body)).await.json().await.unwrap()
    }

    /// Replies as the brand: the status and the body.
    pub(crate) async fn reply(&self, to: &str, text: &str) -> (u16, Value) {
        self.create(json!({"text": text, "reply": {"in_reply_to_tweet_id": to}})).await
    }

    pub(crate) async fn create(&self, body: Value) -> (u16, Value) {
        let response = self.user(Method::POST, "/2/tweets", Some(body)).await;
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn listen(&self, query: &str) -> Lines {
        let response = self.app(Method::GET, &format!("/2/tweets/search/stream{query}"), None).await;
        assert_eq!(response.status(), 200);
        Lines::of(response)
    }
}

/// The lines of a stream.
pub(crate) struct Lines {
    response: Response,
    buffer: Vec<u8>,
}

impl Lines {
    pub(crate) fn of(response: Response) -> Self {
        Self { response, buffer: Vec::new() }
    }

    /// The next line without its end; `Err` where the connection broke, `None` where it ended.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return Ok(Some(String::from_utf8(line).expect("lines are whole characters")));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("bytes in time");
            match chunk {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) => return Ok(None),
                Err(why) => return Err(why.to_string()),
            }
        }
    }

    /// The next line, which must be a post.
    pub(crate) async fn post(&mut self) -> Value {
        let line = self.next().await.expect("an open stream").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"))
    }

    /// The next raw chunk, as it came.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("bytes in time");
        chunk.unwrap().expect("an open stream").to_vec()
    }

    /// What came of a line that was broken off.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer
    }
}
