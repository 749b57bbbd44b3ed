//! What a column gets of a post that matched it: each version once, an edit as an edit.

use std::collections::{HashMap, VecDeque};

use super::Inbound;
use crate::model::{ColumnName, Post, PostId};

/// So many (column, post) pairs are remembered; about two hours of the busiest stream X sells to a small team.
const REMEMBERED: usize = 50_000;

/// Remembers what each column got, in bounded memory.
#[derive(Debug)]
pub struct Dispatch {
    most: usize,
    /// The newest version a column got of a post.
    newest: HashMap<(ColumnName, PostId), Box<str>>,
    order: VecDeque<(ColumnName, PostId)>,
}

impl Default for Dispatch {
    fn default() -> Self {
        Self::remembering(REMEMBERED)
    }
}

impl Dispatch {
    pub fn remembering(most: usize) -> Self {
        Self { most: most.max(1), newest: HashMap::new(), order: VecDeque::new() }
    }

    /// What `column` is to be told of `post`: nothing where it had this version or a newer one.
    ///
    /// An edited post of which this run has not seen the first version comes as a post and then as an
    /// edit: the column may never have had it, or may have had its first version before a restart.
    pub fn offer(&mut self, column: &ColumnName, post: &Post) -> Vec<Inbound> {
        let version = post.version.as_deref().unwrap_or_else(|| post.id.native());
        self.offer_as(column, post, version)
    }

    /// Whether `column` was told of the post, as far back as is remembered.
    pub fn knows(&self, column: &ColumnName, post: &PostId) -> bool {
        self.newest.contains_key(&(column.clone(), post.clone()))
    }

    /// As [`Dispatch::offer`] where something else than the post's own words tells its versions apart: `version` grows
    /// with time, as numbers do.
    pub fn offer_as(&mut self, column: &ColumnName, post: &Post, version: &str) -> Vec<Inbound> {
        let key = (column.clone(), post.id.clone());
        let mut told = Vec::new();
        match self.newest.get_mut(&key) {
            Some(known) if !is_later(version, known) => return told,
            Some(known) => *known = version.into(),
            None => {
                told.push(Inbound::Post(Box::new(post.clone())));
                self.newest.insert(key.clone(), version.into());
                self.order.push_back(key);
                if self.order.len() > self.most
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.newest.remove(&oldest);
                }
            }
        }
        if post.is_edited {
            told.push(Inbound::Edited(Box::new(post.clone())));
        }
        told
    }

    /// Whether `column` was told of the post, in whichever version, as far as is remembered.
    pub fn has(&self, column: &ColumnName, post: &PostId) -> bool {
        self.newest.contains_key(&(column.clone(), post.clone()))
    }
}

/// Ids grow with time; a longer number is a larger one.
fn is_later(version: &str, known: &str) -> bool {
    (version.len(), version) > (known.len(), known)
}

#[cfg(test)]
mod tests {
    use super::Dispatch;
    use crate::model::ColumnName;
    use crate::net::Inbound;
    use crate::net::x::decode::{Line, line};

    fn post(id: &str, history: &[&str]) -> crate::model::Post {
        let text =
            serde_json::json!({"data": {"id": id, "text": id, "author_id": "7", "edit_history_tweet_ids": history}});
        match line(text.to_string().as_bytes()) {
            Line::Post { post, .. } => *post,
            other => panic!("{other:?}"),
        }
    }

    fn kinds(inbound: &[Inbound]) -> Vec<&'static str> {
        inbound
            .iter()
            .map(|inbound| match inbound {
                Inbound::Post(_) => "post",
                Inbound::Edited(_) => "edited",
                _ => "other",
            })
            .collect()
    }

    #[test]
    fn each_version_once_and_never_backwards() {
        let (a, b) = (ColumnName::new("a"), ColumnName::new("b"));
        let mut dispatch = Dispatch::default();
        let (first, second, third) =
            (post("99", &["99"]), post("100", &["99", "100"]), post("101", &["99", "100", "101"]));
        assert_eq!(kinds(&dispatch.offer(&a, &first)), ["post"]);
        assert_eq!(kinds(&dispatch.offer(&a, &first)), [""; 0]);
        assert_eq!(kinds(&dispatch.offer(&a, &third)), ["edited"]);
        assert_eq!(kinds(&dispatch.offer(&a, &second)), [""; 0]);
        assert_eq!(kinds(&dispatch.offer(&b, &third)), ["post", "edited"]);
        assert_eq!(kinds(&dispatch.offer(&b, &first)), [""; 0]);
    }

    #[test]
    fn memory_is_bounded_by_forgetting_the_oldest() {
        let a = ColumnName::new("a");
        let mut dispatch = Dispatch::remembering(2);
        for id in ["1", "2", "3"] {
            assert_eq!(dispatch.offer(&a, &post(id, &[id])).len(), 1);
        }
        assert_eq!(dispatch.newest.len(), 2);
        assert!(dispatch.offer(&a, &post("3", &["3"])).is_empty());
        assert_eq!(dispatch.offer(&a, &post("1", &["1"])).len(), 1);
    }
}
