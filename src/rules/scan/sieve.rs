//! One message of a live stream at a time: whether it need be parsed at all.

use super::line::{Kind, Scratch};
use super::texts::Texts;
use super::window;
use crate::rules::many::Rules;

/// Looks at Jetstream's messages as they came, before anything is parsed.
#[derive(Debug)]
pub struct Sieve {
    scratch: Scratch,
    asks_tags: bool,
}

impl Sieve {
    /// For these rules; every later call is to be given the same ones.
    pub fn new(rules: &Rules) -> Self {
        let asks_tags = rules.as_slice().iter().any(|rule| window::asks_tags(rule.test()));
        Self { scratch: Scratch::default(), asks_tags }
    }

    /// False where the message is a new post that no rule can match by its words. Who wrote it is not looked at: a rule
    /// that asks for an author by name has to be announced by somebody else.
    pub fn may_match(&mut self, rules: &Rules, message: &[u8]) -> bool {
        let Some(walker) = rules.by_words() else { return true };
        let scratch = &mut self.scratch;
        scratch.cut(message, false, self.asks_tags);
        walker.mark(message, scratch);
        match scratch.lines.as_slice() {
            [] => false,
            [line] => match line.kind {
                Kind::Plain => false,
                Kind::Candidate => Texts::new(message, scratch).may_match(0, walker, rules),
                Kind::Parse => true,
            },
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Sieve;
    use crate::rules::Rule;
    use crate::rules::many::Rules;

    #[test]
    fn only_what_words_rule_out_is_passed_over() {
        let rules = |queries: &[&str]| Rules::new(queries.iter().map(|query| Rule::parse(query).unwrap()).collect());
        let words = rules(&["acme slow", "\"no service\"", "from:cat.example", "#down"]);
        let mut sieve = Sieve::new(&words);
        let mut may = |operation: &str, record: serde_json::Value| {
            let rest = json!({"time_us": 1, "kind": "commit", "commit": {"operation": operation,
                "collection": "app.bsky.feed.post", "rkey": "k", "record": record}});
            let rest = rest.to_string();
            sieve.may_match(&words, format!("{{\"did\":\"did:plc:a\",{}", &rest[1..]).as_bytes())
        };
        assert!(!may("create", json!({"text": "a fine day"})));
        assert!(!may("create", json!({"text": "acme is fast", "langs": ["en"]})));
        assert!(may("create", json!({"text": "ACME is so slow"})));
        assert!(may("create", json!({"text": "see", "embed": {"images": [{"alt": "a screen: No service"}]}})));
        assert!(may(
            "create",
            json!({"text": "see", "embed": {"external": {"title": "no service", "description": ""}}})
        ));
        assert!(!may(
            "create",
            json!({"text": "see", "embed": {"external": {"title": "no", "description": "service"}}})
        ));
        assert!(may("create", json!({"text": "x", "tags": ["down"]})));
        // What is no new post is for the decoder.
        assert!(may("delete", json!({"text": "a fine day"})));
        assert!(may("create", json!({"texts": "a fine day"})));
        let all = rules(&["acme", "-slow lang:en"]);
        assert!(Sieve::new(&all).may_match(&all, b"{}"));
    }
}
