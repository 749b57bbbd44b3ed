//! Posts that were handed on: what a reply to them must name, and whose they are. Bounded by forgetting the oldest.

use std::collections::{HashMap, VecDeque};

use super::record::Refs;
use crate::model::{AuthorId, PostId};

/// A team works on far fewer posts at a time; a few megabytes.
const REMEMBERED: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Remembered {
    posts: HashMap<PostId, (AuthorId, Refs)>,
    order: VecDeque<PostId>,
}

impl Remembered {
    pub(super) fn keep(&mut self, post: &PostId, author: &AuthorId, refs: &Refs) {
        if self.posts.insert(post.clone(), (author.clone(), refs.clone())).is_none() {
            self.order.push_back(post.clone());
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.posts.remove(&oldest);
            }
        }
    }

    pub(super) fn refs(&self, post: &PostId) -> Option<&Refs> {
        self.posts.get(post).map(|(_, refs)| refs)
    }

    /// True once: the post was handed on and is gone now.
    pub(super) fn forget(&mut self, post: &PostId) -> bool {
        // Its place in the order stays and means nothing any more.
        self.posts.remove(post).is_some()
    }

    /// Forgets all of an author's posts, and says which they were.
    pub(super) fn forget_all_of(&mut self, author: &AuthorId) -> Vec<PostId> {
        let gone: Vec<PostId> =
            self.posts.iter().filter(|(_, (of, _))| of == author).map(|(post, _)| post.clone()).collect();
        for post in &gone {
            self.posts.remove(post);
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Remembered};
    use crate::model::{AuthorId, NetworkKind, PostId};
    use crate::net::bluesky::record::Refs;

    #[test]
    fn the_oldest_are_forgotten_and_a_deletion_is_told_once() {
        let post = |number: usize| PostId::new(NetworkKind::Bluesky, &format!("at://did:plc:a/c/{number}"));
        let author = AuthorId::new(NetworkKind::Bluesky, "did:plc:a");
        let mut remembered = Remembered::default();
        for number in 0..=REMEMBERED {
            remembered.keep(&post(number), &author, &Refs::default());
        }
        assert!(remembered.refs(&post(0)).is_none() && remembered.refs(&post(1)).is_some());
        assert!(remembered.forget(&post(1)) && !remembered.forget(&post(1)));
        let other = AuthorId::new(NetworkKind::Bluesky, "did:plc:b");
        remembered.keep(&post(7_000_000), &other, &Refs::default());
        assert_eq!(remembered.forget_all_of(&other), [post(7_000_000)]);
        assert!(remembered.forget_all_of(&other).is_empty());
    }
}
