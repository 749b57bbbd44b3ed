//! Where in a conversation a post stands: the server is asked for what is above it.

use std::sync::Arc;

use super::api::{Api, CallError, Urgency};
use crate::rules::scan::status::{self, Status};

/// A post that matched and is handed on once its thread is known.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) status: Box<Status>,
    /// It was read back, not heard.
    pub(super) is_fill: bool,
}

/// The same after the look.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) waiting: Box<Waiting>,
    /// What stands above it, the first post first; nothing where the server did not say.
    pub(super) ancestors: Vec<Status>,
}

/// A status's thread.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) ancestors: Vec<Status>,
    pub(super) descendants: Vec<Status>,
}

/// Asks for the thread of a status by the server's id of it.
pub(super) async fn thread(api: &Api, urgency: Urgency, id: &str) -> Result<Thread, CallError> {
    let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    let page = api.get(urgency, &format!("/api/v1/statuses/{id}/context"), &[]).await?;
    let host = api.domain();
    let read = |name: &str| {
        let entries = page.value.get(name).and_then(|list| list.as_array()).into_iter().flatten();
        entries.filter_map(|entry| status::status(entry, host.as_deref()).ok()).collect::<Vec<_>>()
    };
    Ok(Thread { ancestors: read("ancestors"), descendants: read("descendants") })
}

/// Looks where a post that matched stands. Where the server does not say, it goes on as it is.
pub(super) async fn look(api: Arc<Api>, waiting: Box<Waiting>) -> Looked {
    let ancestors = match thread(&api, Urgency::Background, &waiting.status.id).await {
        Ok(thread) => from_root(&waiting.status, thread.ancestors),
        Err(error) => {
            tracing::info!(why = error.words(), "the thread of a post is not known");
            Vec::new()
        }
    };
    Looked { waiting, ancestors }
}

/// The chain from the first post down to the one that is answered, whatever else a server sends along or in whichever
/// order.
fn from_root(status: &Status, ancestors: Vec<Status>) -> Vec<Status> {
    let mut chain = Vec::new();
    let mut above = status.in_reply_to.clone();
    let mut left = ancestors;
    while let Some(at) = above.as_ref().and_then(|id| left.iter().position(|ancestor| ancestor.id == *id)) {
        let found = left.swap_remove(at);
        above.clone_from(&found.in_reply_to);
        chain.push(found);
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Status, from_root};
    use crate::rules::scan::status::status;

    fn read(id: &str, parent: Option<&str>) -> Status {
        let value = json!({"id": id, "url": format!("https://a.example/{id}"), "content": "x", "in_reply_to_id": parent, "account": {}});
        status(&value, None).unwrap()
    }

    #[test]
    fn the_chain_is_followed_upwards() {
        let ids = |chain: Vec<Status>| chain.into_iter().map(|status| status.id).collect::<Vec<_>>();
        let post = read("9", Some("5"));
        let given = || vec![read("5", Some("2")), read("3", None), read("2", None)];
        assert_eq!(ids(from_root(&post, given())), ["2", "5"]);
        assert_eq!(ids(from_root(&post, vec![])), [""; 0]);
        // A server that leads in a circle does not keep us.
        let circle = vec![read("5", Some("6")), read("6", Some("5"))];
        assert_eq!(ids(from_root(&post, circle)), ["6", "5"]);
    }
}
