//! Which parts of a post a caller asked for. What X does not know is refused with a 400 that names it.

use std::collections::BTreeSet;

use super::{Answer, NameFamily, problem};

/// Where the parameters stand: the stream kept its old names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stream,
    Search,
    Lookup,
    User,
}

/// The fields and expansions asked for, under their old names.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) post: BTreeSet<String>,
    pub(super) user: BTreeSet<String>,
    pub(super) expansions: BTreeSet<String>,
}

const POST_FIELDS: &[&str] = &[
    "article",
    "attachments",
    "author_id",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "id",
    "in_reply_to_user_id",
    "lang",
    "media_metadata",
    "note_tweet",
    "possibly_sensitive",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "source",
    "text",
    "withheld",
];
const USER_FIELDS: &[&str] = &[
    "affiliation",
    "connection_status",
    "created_at",
    "description",
    "entities",
    "id",
    "location",
    "name",
    "pinned_tweet_id",
    "profile_image_url",
    "protected",
    "public_metrics",
    "receives_your_dm",
    "url",
    "username",
    "verified",
    "verified_type",
    "withheld",
];
const EXPANSIONS: &[&str] = &[
    "attachments.media_keys",
    "author_id",
    "edit_history_tweet_ids",
    "entities.mentions.username",
    "in_reply_to_user_id",
    "referenced_tweets.id",
    "referenced_tweets.id.author_id",
];
const MEDIA_FIELDS: &[&str] = &["alt_text", "height", "media_key", "preview_image_url", "type", "url", "width"];
const STREAM_ONLY: &[&str] = &["backfill_minutes", "start_time", "end_time", "poll.fields", "place.fields"];
const SEARCH_ONLY: &[&str] = &[
    "query",
    "max_results",
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "next_token",
    "pagination_token",
    "sort_order",
    "poll.fields",
    "place.fields",
];
const LOOKUP_ONLY: &[&str] =
    &["ids", "max_results", "since_id", "until_id", "start_time", "end_time", "pagination_token", "exclude"];

impl Choice {
    /// What the Activity stream sends without being asked.
    pub(super) fn everything() -> Self {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { post: all(POST_FIELDS), user: all(USER_FIELDS), expansions: all(EXPANSIONS) }
    }

    /// Reads the parameters of one request.
    pub(super) fn read(query: &[(String, String)], place: Place, names: NameFamily) -> Result<Self, Answer> {
        let others = match place {
            Place::Stream => STREAM_ONLY,
            Place::Search => SEARCH_ONLY,
            Place::Lookup => LOOKUP_ONLY,
            Place::User => &[],
        };
        let new_words = names == NameFamily::Post;
        let post_parameter = if new_words && place == Place::Search { "post.fields" } else { "tweet.fields" };
        let mut choice = Self::default();
        for (name, value) in query {
            let (known, into): (&[&str], &mut BTreeSet<String>) = match name.as_str() {
                _ if name == post_parameter => (POST_FIELDS, &mut choice.post),
                "user.fields" => (USER_FIELDS, &mut choice.user),
                "expansions" if place != Place::User => (EXPANSIONS, &mut choice.expansions),
                "media.fields" => {
                    check(name, value, MEDIA_FIELDS, false)?;
                    continue;
                }
                _ if others.contains(&name.as_str()) => {
                    let enterprise = ["backfill_minutes", "start_time", "end_time"];
                    if place == Place::Stream && enterprise.contains(&name.as_str()) {
                        let message = format!("The `{name}` query parameter is not available on your plan");
                        return Err(problem::invalid(Some((name, value)), &message));
                    }
                    continue;
                }
                _ => {
                    let message = format!("The query parameter [{name}] is not one of the parameters of this endpoint");
                    return Err(problem::invalid(Some((name, value)), &message));
                }
            };
            into.extend(check(name, value, known, new_words)?);
        }
        Ok(choice)
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.post.contains(field)
    }

    pub(super) fn expands(&self, what: &str) -> bool {
        self.expansions.contains(what)
    }
}

/// The values of one list, under their old names; new names are understood where X has them.
fn check(name: &str, value: &str, known: &[&str], new_words: bool) -> Result<Vec<String>, Answer> {
    let mut found = Vec::new();
    for word in value.split(',').filter(|word| !word.is_empty()) {
        let old = match word {
            "referenced_posts" | "referenced_posts.id" if new_words && name == "expansions" => "referenced_tweets.id",
            "referenced_posts" if new_words => "referenced_tweets",
            "edit_history_post_ids" if new_words => "edit_history_tweet_ids",
            "note_post" if new_words => "note_tweet",
            "pinned_post_id" if new_words => "pinned_tweet_id",
            "referenced_posts.id.author_id" if new_words => "referenced_tweets.id.author_id",
            other => other,
        };
        if !known.contains(&old) {
            let message = format!("The `{name}` query parameter value [{word}] is not one of [{}]", known.join(","));
            return Err(problem::invalid(Some((name, word)), &message));
        }
        found.push(old.to_owned());
    }
    Ok(found)
}
