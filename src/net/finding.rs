//! What `replydeck check` finds out, line by line.

/// One line of `replydeck check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub verdict: FindingVerdict,
    pub what: String,
    /// What to do, where something is wrong.
    pub remedy: Option<String>,
}

impl Finding {
    pub(crate) fn works(what: impl Into<String>) -> Self {
        Self { verdict: FindingVerdict::Works, what: what.into(), remedy: None }
    }

    pub(crate) fn mind(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: FindingVerdict::Mind, what: what.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn fails(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { verdict: FindingVerdict::Fails, what: what.into(), remedy: Some(remedy.into()) }
    }
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingVerdict {
    Works,
    /// Works, with something to know.
    Mind,
    Fails,
}
