//! Queries: what they accept, what they mean, how X hears them, and that the scan finds exactly what they mean.

#![expect(
    clippy::print_stdout,
    clippy::type_complexity,
    clippy::similar_names,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    clippy::semicolon_if_nothing_returned,
    reason = "tests say what they skip, and small data is built the short way"
)]

#[path = "rules/grammar.rs"]
mod grammar;
#[path = "rules/many.rs"]
mod many;
#[path = "rules/meaning.rs"]
mod meaning;
#[path = "rules/real_posts.rs"]
mod real_posts;
#[path = "rules/scan.rs"]
mod scan;
#[path = "rules/x.rs"]
mod x;

use replydeck::model::post::{Counts, Quoted, WhoMayReply};
use replydeck::model::{Author, AuthorId, ConversationId, NetworkKind, Post, PostId};
use replydeck::rules::Rule;

/// A plain post on X.
fn post(text: &str) -> Post {
    let x = NetworkKind::X;
    Post {
        id: PostId::new(x, "1001"),
        version: None,
        author: Author {
            id: AuthorId::new(x, "42"),
            handle: "Cat_Lover".to_owned(),
            name: "Cat Lover".to_owned(),
            followers: Some(400),
            is_verified: false,
            is_protected: false,
        },
        conversation: ConversationId::new(x, "1000"),
        in_reply_to: None,
        in_reply_to_author: None,
        quotes: None,
        is_repost: false,
        text: text.to_owned(),
        lang: Some("en".to_owned()),
        at: jiff::Timestamp::UNIX_EPOCH,
        counts: Counts::default(),
        mentions: Vec::new(),
        hashtags: Vec::new(),
        links: Vec::new(),
        media: Vec::new(),
        who_may_reply: WhoMayReply::default(),
        is_edited: false,
    }
}

fn quoting(text: &str, quoted: &str) -> Post {
    let about = Some(Quoted { id: PostId::new(NetworkKind::X, "900"), author: None, text: quoted.to_owned() });
    Post { quotes: about, ..post(text) }
}

fn rule(query: &str) -> Rule {
    match Rule::parse(query) {
        Ok(rule) => rule,
        Err(error) => panic!("{query}\n{}", error.pointed(query)),
    }
}
