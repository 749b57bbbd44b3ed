//! Faults on demand: what goes wrong, where, and how often.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Kind {
    /// The connection breaks in the middle of the body; with `mid_line` an open stream breaks inside the next post.
    Cut {
        #[serde(default)]
        mid_line: bool,
    },
    /// Not a byte more, and no keep-alive, until it is lifted or the client hangs up.
    Stall,
    /// The request is answered with this and has no effect. Without `body`: X's own words for the status.
    Status {
        status: u16,
        #[serde(default)]
        body: Option<Value>,
        /// Seconds of simulated time from now, put into `x-rate-limit-reset` with nothing remaining.
        #[serde(default)]
        reset_in: Option<u32>,
    },
    /// The answer comes so many milliseconds (of real time) late.
    Delay { ms: u64 },
    /// The request is carried out at once and its answer held back so many milliseconds (of real time).
    LateAnswer { ms: u64 },
    /// The request is carried out, and the connection closed without an answer.
    LoseAnswer,
    /// The body comes in pieces that end inside characters.
    Split,
    /// The stream delivers a post twice.
    Duplicate,
    /// The stream delivers a post after the one that follows it.
    Reorder,
    /// The stream says in a line of its own that it ends; with `close` false it goes on all the same.
    Disconnect {
        #[serde(default = "upstream")]
        disconnect_type: String,
        #[serde(default = "yes")]
        close: bool,
    },
    /// A post on the stream carries an `errors` array as well.
    Partial,
    /// The stream sends this line, whatever it is.
    Line { text: String },
    /// The stream sends a message of so many bytes that says nothing.
    Giant { bytes: usize },
    /// The stream sends something that is no text.
    Garble,
}

fn upstream() -> String {
    "UpstreamOperationalDisconnect".to_owned()
}

fn yes() -> bool {
    true
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Cut { .. } => "cut",
            Kind::Stall => "stall",
            Kind::Status { .. } => "status",
            Kind::Delay { .. } => "delay",
            Kind::LateAnswer { .. } => "late_answer",
            Kind::LoseAnswer => "lose_answer",
            Kind::Split => "split",
            Kind::Duplicate => "duplicate",
            Kind::Reorder => "reorder",
            Kind::Disconnect { .. } => "disconnect",
            Kind::Partial => "partial",
            Kind::Line { .. } => "line",
            Kind::Giant { .. } => "giant",
            Kind::Garble => "garble",
        }
    }

    /// Strikes a stream's connection as a whole, rather than a post on it or a request.
    pub(super) fn is_for_connections(&self) -> bool {
        matches!(
            self,
            Kind::Stall
                | Kind::Cut { mid_line: false }
                | Kind::Disconnect { .. }
                | Kind::Line { .. }
                | Kind::Giant { .. }
                | Kind::Garble
        )
    }

    /// Makes sense only where posts are delivered.
    pub(super) fn is_for_streams_only(&self) -> bool {
        match self {
            Kind::Duplicate
            | Kind::Reorder
            | Kind::Disconnect { .. }
            | Kind::Partial
            | Kind::Line { .. }
            | Kind::Giant { .. }
            | Kind::Garble => true,
            Kind::Cut { mid_line } => *mid_line,
            Kind::Stall
            | Kind::Status { .. }
            | Kind::Delay { .. }
            | Kind::LateAnswer { .. }
            | Kind::LoseAnswer
            | Kind::Split => false,
        }
    }
}

/// Where it goes wrong; the names of the control plane.
pub(super) const TARGETS: [&str; 15] = [
    "stream",
    "activity",
    "subscriptions",
    "rules",
    "search",
    "counts",
    "posts",
    "users",
    "dms",
    "connections",
    "usage",
    "oauth",
    "instance",
    "threads",
    "timelines",
];

/// One fault in force.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) kind: Kind,
    /// How often still; `None` until it is lifted.
    pub(super) left: Option<u64>,
}

/// The faults in force, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    given: u64,
    /// Faults that hold requests back, used up or not.
    holding: BTreeSet<String>,
}

impl Faults {
    /// Puts a fault in force and hands back its id. `times` is `None` for "until it is lifted".
    pub(super) fn add(&mut self, target: &str, kind: Kind, times: Option<u64>) -> String {
        self.given += 1;
        let id = format!("f{}", self.given);
        self.list.push(Fault { id: id.clone(), target: target.to_owned(), kind, left: times });
        id
    }

    /// Uses the oldest fault of `target` that `wanted` takes.
    pub(super) fn take(&mut self, target: &str, wanted: impl Fn(&Kind) -> bool) -> Option<Fault> {
        self.take_unless(target, &[], wanted)
    }

    /// The same, passing over the faults in `met`.
    pub(super) fn take_unless(
        &mut self,
        target: &str,
        met: &[String],
        wanted: impl Fn(&Kind) -> bool,
    ) -> Option<Fault> {
        let at = self.list.iter().position(|fault| {
            (fault.target == target || fault.target == "all") && !met.contains(&fault.id) && wanted(&fault.kind)
        })?;
        let fault = self.list[at].clone();
        match &mut self.list[at].left {
            Some(left) if *left > 1 => *left -= 1,
            Some(_) => {
                self.list.remove(at);
            }
            None => {}
        }
        Some(fault)
    }

    /// Notes that `id` holds a request back.
    pub(super) fn hold(&mut self, id: &str) {
        self.holding.insert(id.to_owned());
    }

    pub(super) fn is_holding(&self, id: &str) -> bool {
        self.holding.contains(id)
    }

    /// Lifts one fault, or all where `id` is `all`; says how many there were. Requests held back by it go on.
    pub(super) fn lift(&mut self, id: &str) -> usize {
        let before = self.list.len() + self.holding.len();
        self.list.retain(|fault| id != "all" && fault.id != id);
        self.holding.retain(|holding| id != "all" && holding != id);
        before - self.list.len() - self.holding.len()
    }

    pub(super) fn as_json(&self) -> Value {
        self.list
            .iter()
            .map(|fault| json!({"fault": fault.id, "kind": fault.kind.name(), "target": fault.target, "left": fault.left}))
            .collect()
    }
}
