//! Many rules met by one post at once.
//!
//! Most rules can match only a post that holds a certain string, or whose author is a certain one. One walk through
//! the post's texts finds all these strings, and only the rules they announce are asked: the cost hangs on how many
//! rules a post is near to, not on how many there are. Rules that announce themselves by nothing (`-is:retweet
//! lang:en`) are asked every time. The answer is that of [`Rule::matches`], rule by rule.

use std::collections::HashMap;

use super::Rule;
use super::fold::Folded;
use super::matcher::Test;
use super::needle::folded_name;
use super::scan::walk::Walker;
use super::scan::window::{self, Needed, Wanted};
use crate::model::{NetworkKind, Post};

/// Rules in their order, which is that of the indices in every answer.
#[derive(Debug)]
pub struct Rules {
    all: Vec<Rule>,
    /// Rules that nothing announces.
    always: Vec<usize>,
    /// By the author's handle, folded, or native id, in lower case.
    by_author: HashMap<String, Vec<u32>>,
    walker: Option<Walker>,
}

impl Rules {
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut always = Vec::new();
        let mut wanted: HashMap<Wanted, Vec<u32>> = HashMap::new();
        let mut by_author: HashMap<String, Vec<u32>> = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            let (Some(needed), Ok(number)) = (window::required(rule.test()), u32::try_from(index)) else {
                always.push(index);
                continue;
            };
            for needed in needed {
                let announced = match needed {
                    Needed::Text(string) => wanted.entry(string).or_default(),
                    Needed::Author(who) => by_author.entry(who).or_default(),
                };
                if announced.last() != Some(&number) {
                    announced.push(number);
                }
            }
        }
        let walker = (!wanted.is_empty()).then(|| Walker::new(wanted));
        if let Some(None) = walker {
            // Too many strings for one automaton: still exact, only slower.
            always = (0..rules.len()).collect();
            by_author.clear();
        }
        Self { all: rules, always, by_author, walker: walker.flatten() }
    }

    /// Those that match the post, in order.
    pub fn matching(&self, post: &Post) -> Vec<usize> {
        let mut found = Vec::new();
        self.matching_folded(&Folded::new(post), &mut found);
        found
    }

    /// As [`Rules::matching`] for a text that was folded already; what `found` held is forgotten.
    pub fn matching_folded(&self, folded: &Folded<'_>, found: &mut Vec<usize>) {
        self.announced(folded, found);
        found.retain(|&rule| self.all[rule].matches_folded(folded));
    }

    /// Those that match the post, and those of which it hangs on what is not known of it, such as its author's
    /// followers.
    pub fn matching_or_open(&self, post: &Post) -> (Vec<usize>, Vec<usize>) {
        let folded = Folded::new(post);
        let mut found = Vec::new();
        self.announced(&folded, &mut found);
        let mut open = Vec::new();
        found.retain(|&rule| {
            let judged = self.test(rule).judge(&folded);
            if judged.is_none() {
                open.push(rule);
            }
            judged == Some(true)
        });
        (found, open)
    }

    /// The rules of which something announces that they may match.
    fn announced(&self, folded: &Folded<'_>, found: &mut Vec<usize>) {
        found.clear();
        found.extend(&self.always);
        let post = folded.post;
        if let Some(walker) = &self.walker {
            for text in &folded.texts {
                walker.announced(text.text.as_bytes(), found);
            }
            if post.network() != NetworkKind::X {
                // There the lists beside the text count too.
                let handles = post.mentions.iter().map(|mention| &mention.handle);
                for name in post.hashtags.iter().chain(handles) {
                    walker.announced(folded_name(name).as_bytes(), found);
                }
            }
        }
        if !self.by_author.is_empty() {
            for name in [folded_name(&post.author.handle), post.author.id.native().to_ascii_lowercase()] {
                found.extend(self.by_author.get(&name).into_iter().flatten().map(|&rule| rule as usize));
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    pub fn as_slice(&self) -> &[Rule] {
        &self.all
    }

    pub(super) fn test(&self, rule: usize) -> &Test {
        self.all[rule].test()
    }

    /// The search by which texts announce rules, where whoever asks looks at the authors himself; `None` where a post
    /// can match whatever its texts and its author's name are.
    pub(super) fn by_words(&self) -> Option<&Walker> {
        self.walker.as_ref().filter(|_| self.always.is_empty())
    }

    /// The search by which recorded texts announce rules; `None` where a post can match whatever its texts hold.
    pub(super) fn by_text(&self) -> Option<&Walker> {
        self.walker.as_ref().filter(|_| self.always.is_empty() && self.by_author.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;
    use crate::rules::Rule;

    #[test]
    fn only_rules_that_say_nothing_of_text_or_author_are_always_asked() {
        for (query, by_text, always) in [
            ("acme", true, 0),
            ("acme from:acme -slow", true, 0),
            ("from:acme lang:en", false, 0),
            ("from:acme OR slow", false, 0),
            ("lang:en -is:retweet", false, 1),
            ("-acme", false, 1),
            ("acme OR -slow", false, 1),
        ] {
            let rules = Rules::new(vec![Rule::parse(query).unwrap()]);
            assert_eq!((rules.by_text().is_some(), rules.always.len()), (by_text, always), "{query}");
        }
    }
}
