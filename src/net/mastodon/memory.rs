//! What is known of statuses the server has shown: who wrote them, what conversation they belong to, and which were
//! handed to columns, so that a deletion, which names an id only, finds its post. Bounded.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::{AccountName, AuthorId, ConversationId, NetworkKind, PostId};
use crate::net::kept::StateFile;
use crate::rules::scan::status::Status;

/// So many statuses are remembered; on a busy server some minutes, which is when most answers come.
const REMEMBERED: usize = 20_000;
/// So many of those that a column took are remembered beyond the end of the run.
const WRITTEN: usize = 2_000;
const VERSION: u8 = 1;

/// A status of which something is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) post: PostId,
    pub(super) author: AuthorId,
    /// Known where the status begins it, or where its thread was looked at.
    pub(super) conversation: Option<ConversationId>,
    /// A column took it.
    pub(super) is_ours_to_tell: bool,
}

/// Statuses by the server's id of them.
#[derive(Debug)]
pub(super) struct Memory {
    known: HashMap<String, Known>,
    order: VecDeque<String>,
    /// The newest message with each person, to go on in its thread.
    direct: HashMap<AuthorId, String>,
    /// The server's ids of those handed to columns, oldest first.
    handed: VecDeque<(String, PostId, AuthorId, ConversationId)>,
    file: StateFile,
    is_changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u8,
    handed: Vec<(String, PostId, AuthorId, ConversationId)>,
}

impl Memory {
    /// With what an earlier run wrote down, where that can be read: without it, old deletions go unnoticed.
    pub(super) fn of(data_dir: &Path, account: &AccountName) -> Self {
        let mut file = StateFile::of(data_dir, "seen", account, "deletions of posts of earlier runs go unnoticed");
        let written: Option<Written> = file.read();
        let mut memory = Self {
            known: HashMap::new(),
            order: VecDeque::new(),
            direct: HashMap::new(),
            handed: VecDeque::new(),
            file,
            is_changed: false,
        };
        for (id, post, author, conversation) in
            written.filter(|written| written.version == VERSION).into_iter().flat_map(|written| written.handed)
        {
            let known = Known {
                post: post.clone(),
                author: author.clone(),
                conversation: Some(conversation.clone()),
                is_ours_to_tell: true,
            };
            memory.put(id.clone(), known);
            memory.handed.push_back((id, post, author, conversation));
        }
        memory
    }

    fn put(&mut self, id: String, known: Known) {
        if self.known.insert(id.clone(), known).is_none() {
            self.order.push_back(id);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }

    /// The server showed this status.
    pub(super) fn see(&mut self, status: &Status) {
        let is_known = self.known.get(&status.id);
        let conversation = match (&status.in_reply_to, is_known) {
            (_, Some(Known { conversation: Some(conversation), .. })) => Some(conversation.clone()),
            (None, _) => Some(status.post.conversation.clone()),
            (Some(parent), _) => self.known.get(parent).and_then(|parent| parent.conversation.clone()),
        };
        let known = Known {
            post: status.post.id.clone(),
            author: status.post.author.id.clone(),
            conversation,
            is_ours_to_tell: is_known.is_some_and(|known| known.is_ours_to_tell),
        };
        self.put(status.id.clone(), known);
    }

    /// The thread of `id` was looked at: these are above it, the first one first.
    pub(super) fn see_thread(&mut self, id: &str, ancestors: &[Status]) {
        let Some(root) = ancestors.first().map(|root| root.post.id.clone()) else { return };
        let conversation = ConversationId::new(NetworkKind::Mastodon, root.native());
        for ancestor in ancestors {
            self.see(ancestor);
        }
        for id in ancestors.iter().map(|ancestor| ancestor.id.as_str()).chain([id]) {
            if let Some(known) = self.known.get_mut(id) {
                known.conversation = Some(conversation.clone());
            }
        }
    }

    /// Puts addresses where the server gave ids of its own. False: the thread is not known here.
    pub(super) fn complete(&self, status: &mut Status) -> bool {
        let Some(parent) = &status.in_reply_to else { return true };
        let above = self.known.get(parent);
        if let Some(above) = above {
            status.post.in_reply_to = Some(above.post.clone());
            status.post.in_reply_to_author = Some(above.author.clone());
        }
        let conversation = above
            .and_then(|above| above.conversation.clone())
            .or_else(|| self.known.get(&status.id).and_then(|known| known.conversation.clone()));
        match conversation {
            Some(conversation) => {
                status.post.conversation = conversation;
                above.is_some()
            }
            None => false,
        }
    }

    /// A column took it.
    pub(super) fn handed(&mut self, status: &Status) {
        let Some(known) = self.known.get_mut(&status.id) else { return };
        if std::mem::replace(&mut known.is_ours_to_tell, true) {
            return;
        }
        let post = &status.post;
        self.handed.push_back((status.id.clone(), post.id.clone(), post.author.id.clone(), post.conversation.clone()));
        if self.handed.len() > WRITTEN {
            self.handed.pop_front();
        }
        self.is_changed = true;
    }

    /// The status is gone: its post, where a column took it.
    pub(super) fn forget(&mut self, id: &str) -> Option<PostId> {
        let known = self.known.remove(id).filter(|known| known.is_ours_to_tell)?;
        self.handed.retain(|(handed, ..)| handed != id);
        self.is_changed = true;
        Some(known.post)
    }

    /// This is the newest direct message with somebody.
    pub(super) fn direct_with(&mut self, author: AuthorId, id: &str) {
        self.direct.insert(author, id.to_owned());
    }

    pub(super) fn last_direct(&self, author: &AuthorId) -> Option<&str> {
        self.direct.get(author).map(String::as_str)
    }

    /// Writes down what a later run needs, where that changed.
    pub(super) fn keep(&mut self) {
        if !std::mem::take(&mut self.is_changed) {
            return;
        }
        let written = Written { version: VERSION, handed: self.handed.iter().cloned().collect() };
        self.file.keep(&written);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Memory;
    use crate::model::AccountName;
    use crate::rules::scan::status::{Status, status};

    fn read(id: &str, parent: Option<&str>) -> Status {
        let value: Value = json!({"id": id, "url": format!("https://a.example/@jo/{id}"), "content": "x", "in_reply_to_id": parent,
            "in_reply_to_account_id": parent.map(|_| "9"),
            "account": {"id": "7", "acct": "jo", "url": "https://a.example/@jo"}});
        status(&value, None).unwrap()
    }

    #[test]
    fn a_thread_is_known_from_its_root_or_by_looking() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::of(dir.path(), &AccountName::new("a"));
        memory.see(&read("1", None));
        let mut child = read("2", Some("1"));
        memory.see(&child);
        assert!(memory.complete(&mut child));
        assert_eq!(child.post.in_reply_to.as_ref().unwrap().native(), "https://a.example/@jo/1");
        assert_eq!(child.post.conversation.native(), "https://a.example/@jo/1");
        assert_eq!(child.post.in_reply_to_author.as_ref().unwrap().native(), "https://a.example/@jo");

        let mut stray = read("9", Some("8"));
        memory.see(&stray);
        assert!(!memory.complete(&mut stray));
        memory.see_thread("9", &[read("7", None), read("8", Some("7"))]);
        assert!(memory.complete(&mut stray));
        assert_eq!(stray.post.conversation.native(), "https://a.example/@jo/7");
        // An answer to it needs no look.
        let mut next = read("10", Some("9"));
        assert!(memory.complete(&mut next));
        assert_eq!(next.post.conversation.native(), "https://a.example/@jo/7");
    }

    #[test]
    fn a_deletion_finds_its_post_in_this_run_and_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let account = AccountName::new("a");
        let mut memory = Memory::of(dir.path(), &account);
        for id in ["1", "2", "3"] {
            memory.see(&read(id, None));
        }
        memory.handed(&read("1", None));
        memory.handed(&read("2", None));
        assert_eq!(memory.forget("1").unwrap().native(), "https://a.example/@jo/1");
        assert_eq!((memory.forget("1"), memory.forget("3")), (None, None));
        memory.keep();
        let mut later = Memory::of(dir.path(), &account);
        assert_eq!(later.forget("1"), None);
        assert_eq!(later.forget("2").unwrap().native(), "https://a.example/@jo/2");
    }
}
