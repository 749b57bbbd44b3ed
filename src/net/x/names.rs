//! The names of X's parameters, which it renamed between two versions of its own description.

use super::problem::Problem;

/// What is asked for with every post, in the older or the newer family of names.
pub(super) fn parameters(new_names: bool) -> &'static [(&'static str, &'static str)] {
    if new_names { &NEW_NAMES } else { &OLD_NAMES }
}

const OLD_NAMES: [(&str, &str); 4] = [
    (
        "tweet.fields",
        "created_at,author_id,conversation_id,in_reply_to_user_id,referenced_tweets,entities,lang,public_metrics,reply_settings,note_tweet,edit_history_tweet_ids,attachments",
    ),
    ("expansions", "author_id,referenced_tweets.id,attachments.media_keys"),
    ("user.fields", "name,username,verified,protected,public_metrics"),
    ("media.fields", "type,alt_text"),
];

const NEW_NAMES: [(&str, &str); 4] = [
    (
        "post.fields",
        "created_at,author_id,conversation_id,in_reply_to_user_id,referenced_posts,entities,lang,public_metrics,reply_settings,note_post,edit_history_post_ids,attachments",
    ),
    ("expansions", "author_id,referenced_posts,attachments.media_keys"),
    ("user.fields", "name,username,verified,protected,public_metrics"),
    ("media.fields", "type,alt_text"),
];

/// The refusal is about names we can say differently.
pub(super) fn names_our_parameters(problem: &Problem) -> bool {
    problem.status == 400
        && problem
            .parameters
            .iter()
            .any(|name| matches!(name.as_str(), "tweet.fields" | "expansions" | "referenced_tweets"))
}
