//! What an account does beside answering: follow somebody, take something back.

use serde_json::{Value, json};

use super::record::{text_of, uri_of};
use super::send::{not_begun, refused};
use super::xrpc::{Api, Ask, CallError};
use crate::model::{AuthorId, PostId};
use crate::net::SendError;

const FOLLOWS: &str = "app.bsky.graph.follow";

/// Follows somebody, so that they can write to us; the address of the record that says so.
pub(super) async fn follow(api: &Api, author: &AuthorId) -> Result<String, SendError> {
    let session = api.session().await.map_err(|error| not_begun(&error))?;
    let record = json!({"$type": FOLLOWS, "subject": author.native(), "createdAt": format!("{:.3}", api.now())});
    let body = json!({"repo": session.did, "collection": FOLLOWS, "record": record});
    let answer = write(api, "com.atproto.repo.createRecord", &body).await?;
    uri_of(text_of(&answer, "uri"))
        .ok_or_else(|| SendError::Unknown { why: "Bluesky took it but did not say under which address".into() })
}

/// Deletes a post of our own, or a follow, by its address. What is gone already is no error.
pub(super) async fn delete(api: &Api, record: &PostId) -> Result<(), SendError> {
    let session = api.session().await.map_err(|error| not_begun(&error))?;
    let place = uri_of(record.native());
    let parts: Vec<&str> = place.as_deref().unwrap_or_default().trim_start_matches("at://").split('/').collect();
    let &[did, collection, key] = parts.as_slice() else {
        let why = format!("{} is the address of no record", record.native());
        return Err(SendError::Refused { why, remedy: String::new(), may_retry: false });
    };
    if did != session.did {
        let why = "only what this account wrote can be deleted".to_owned();
        return Err(SendError::Refused { why, remedy: String::new(), may_retry: false });
    }
    let body = json!({"repo": did, "collection": collection, "rkey": key});
    write(api, "com.atproto.repo.deleteRecord", &body).await.map(|_| ())
}

async fn write(api: &Api, name: &str, body: &Value) -> Result<Value, SendError> {
    match api.write(&Ask::post(name, body, api.pace.send_within)).await {
        Ok(answer) => Ok(answer),
        Err(CallError::NotSent(why)) => Err(SendError::NotSent { why }),
        Err(CallError::Lost(why)) => Err(SendError::Unknown { why }),
        Err(CallError::No(problem)) => Err(refused(api, &problem)),
    }
}
