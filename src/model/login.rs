//! Whether an account is logged in, where its tokens are renewed by us.

use jiff::Timestamp;

use super::id::AccountName;

/// How the login of an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// It may write; `until` is when the token at hand ends, where it does. It is renewed before.
    In { until: Option<Timestamp> },
    /// It may write until then, and whether it can be renewed nobody knows: the answer to the last renewal was lost.
    Doubtful { until: Timestamp, remedy: String },
    /// It may not write before somebody logs it in; `remedy` holds the command.
    Out { why: String, remedy: String },
}

/// What a network says of an account's login, each time it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginReport {
    pub account: AccountName,
    pub state: LoginState,
}
