//! What the simulator accepted, what it refused, and what it let people post: the truth a test compares with.

use serde_json::{Value, json};

/// Rows as JSON, each list in the order things happened.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    writes: Vec<Value>,
    refused: Vec<Value>,
    posts: Vec<Value>,
    deleted: Vec<Value>,
    messages: Vec<Value>,
    logins: Vec<Value>,
    refreshes: Vec<Value>,
}

impl Ledger {
    pub(super) fn wrote(&mut self, row: Value) {
        self.writes.push(row);
    }

    pub(super) fn refused(&mut self, row: Value) {
        self.refused.push(row);
    }

    pub(super) fn posted(&mut self, row: Value) {
        self.posts.push(row);
    }

    pub(super) fn deleted(&mut self, row: Value) {
        self.deleted.push(row);
    }

    /// A direct message from a customer to the brand.
    pub(super) fn messaged(&mut self, row: Value) {
        self.messages.push(row);
    }

    /// Somebody let an app in.
    pub(super) fn logged_in(&mut self, row: Value) {
        self.logins.push(row);
    }

    /// A refresh token came; the outcome is `renewed`, `used twice`, `revoked` or `refused`.
    pub(super) fn refreshed(&mut self, row: Value) {
        self.refreshes.push(row);
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "writes": self.writes,
            "refused": self.refused,
            "posts": self.posts,
            "deleted": self.deleted,
            "messages": self.messages,
            "logins": self.logins,
            "refreshes": self.refreshes,
        })
    }
}
