//! The words of the desk as plain data: ids, posts, cases, replies, events and bodies.
//!
//! Nothing here does I/O, asks the time or waits. Every other module speaks in these
//! types, so a word has one meaning in the whole program (see the crate's docs).

pub mod account;
pub mod body;
pub mod case;
pub mod clean;
pub mod deed;
pub mod event;
pub mod gap;
pub mod goodbye;
pub mod html;
pub mod id;
pub mod instance_length;
pub mod key;
pub mod length;
pub mod link;
pub mod login;
pub mod message;
pub mod note;
pub mod office;
pub mod post;
pub mod presence;
pub mod price;
pub mod reach;
pub mod reply;
pub mod search;
pub mod sla;
pub mod spend;
pub mod verdict;
pub mod words;

pub use account::Account;
pub use body::{BegunNote, Body, BodyId, DraftText, FoundOnNetwork, Hit, SearchRefused};
pub use case::{CaseStatus, Mark};
pub use deed::{Deed, Role};
pub use event::{Envelope, Event, Expect, NewEvent, NotAppended};
pub use id::{
    AccountName, AuthorId, CaseId, ColumnName, ConversationId, EventId, GapId, IdSource, MachineName, MessageId,
    NetworkKind, PostId, RepName, ReplyId, Seq, SessionId,
};
pub use link::{GapFill, GoneSession, LinkReport, LinkState};
pub use login::{LoginReport, LoginState};
pub use message::Message;
pub use note::NoteText;
pub use office::{OfficeHours, OpenSpan};
pub use post::{Author, Post};
pub use presence::{Doing, Presence, Whereabouts};
pub use reply::{Delivery, Purpose};
pub use search::{Between, Found, FoundPerson, Search, SearchError};
pub use verdict::{ToldOfPost, Verdict};
