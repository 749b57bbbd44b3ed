//! The last look before anything is sent.

use std::sync::Arc;

use crate::model::length::Length;
use crate::model::price::Money;
use crate::model::{AccountName, CaseId, Post, PostId, Purpose, Verdict};

/// Exactly what will be published, as whom, in answer to what, at what price.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub case: CaseId,
    pub to: PostId,
    pub purpose: Purpose,
    pub account: AccountName,
    /// To the letter.
    pub text: String,
    pub length: Length,
    /// `None` where the network takes no money.
    pub price: Option<Money>,
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    pub scroll: u16,
    /// The first of the two keys of an account with `confirm = true` has been pressed.
    pub armed: bool,
    /// The check that Tab has moved to.
    pub check: usize,
    /// The post as the rep saw it when the draft was opened.
    pub seen: Option<Arc<Post>>,
    /// What it costs with the DM link and by words alone, where that makes a difference.
    pub cheaper: Option<(Money, Money)>,
}

impl Preview {
    /// What stops it, if anything does.
    pub fn stop(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.stops)
    }
}

/// One thing to know before sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// It stops `y`; else it only warns.
    pub stops: bool,
    pub what: String,
}
