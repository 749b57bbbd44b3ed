//! The table of operators: what each takes, whether X lets it stand alone, and who can judge it.

/// One `name:value`.
#[derive(Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: &'static str,
    pub takes: Takes,
    /// X accepts it as the only positive part of a rule.
    pub stands_alone: bool,
    /// X's recent search knows it too.
    pub in_search: bool,
    pub here: Here,
}

/// The kind of value an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// A handle without `@`, or the network's own number of an account.
    Handle,
    /// A word or a quoted phrase.
    Words,
    /// A post's native id.
    PostId,
    /// `en`, `pt-br`.
    Language,
    OneOf(&'static [&'static str]),
    /// One number: at least so many.
    AtLeast,
    /// `a..b` or one number: at least so many.
    Count,
    /// 1 to 100.
    Percent,
    /// `[…]`, the network's own notation.
    Area,
    /// The network's own notation.
    Verbatim,
}

/// How an operator is judged on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    From,
    To,
    RepostsOf,
    Url,
    Conversation,
    InReplyTo,
    QuoteOf,
    Language,
    Is,
    Has,
    Followers,
    AuthorName,
    /// Only the network can: the reason, as it is told.
    Not(&'static str),
}

const NOT_SENT: &str = "the network does not send along what it asks about";
const CHANCE: &str = "only the network can draw the same sample";

const fn op(name: &'static str, takes: Takes, here: Here) -> Operator {
    Operator { name, takes, stands_alone: true, in_search: true, here }
}

const fn with_others(mut operator: Operator) -> Operator {
    operator.stands_alone = false;
    operator
}

const fn stream_only(mut operator: Operator) -> Operator {
    operator.in_search = false;
    operator
}

/// All of them.
pub static TABLE: &[Operator] = &[
    op("from", Takes::Handle, Here::From),
    op("to", Takes::Handle, Here::To),
    op("retweets_of", Takes::Handle, Here::RepostsOf),
    op("url", Takes::Words, Here::Url),
    op("url_title", Takes::Words, Here::Not(NOT_SENT)),
    op("url_description", Takes::Words, Here::Not(NOT_SENT)),
    op("conversation_id", Takes::PostId, Here::Conversation),
    op("in_reply_to_tweet_id", Takes::PostId, Here::InReplyTo),
    op("retweets_of_tweet_id", Takes::PostId, Here::Not(NOT_SENT)),
    op("quotes_of_tweet_id", Takes::PostId, Here::QuoteOf),
    op("context", Takes::Verbatim, Here::Not("only the network sorts posts into its topics")),
    op("entity", Takes::Words, Here::Not("only the network sorts posts into its topics")),
    op("list", Takes::PostId, Here::Not("who is on the list is known to the network alone")),
    op("place", Takes::Words, Here::Not(NOT_SENT)),
    op("place_country", Takes::Verbatim, Here::Not(NOT_SENT)),
    op("point_radius", Takes::Area, Here::Not(NOT_SENT)),
    op("bounding_box", Takes::Area, Here::Not(NOT_SENT)),
    op("source", Takes::Words, Here::Not(NOT_SENT)),
    stream_only(op("bio", Takes::Words, Here::Not(NOT_SENT))),
    stream_only(op("bio_name", Takes::Words, Here::AuthorName)),
    stream_only(op("bio_location", Takes::Words, Here::Not(NOT_SENT))),
    op("min_followers", Takes::AtLeast, Here::Followers),
    op("followers_count", Takes::Count, Here::Followers),
    op("following_count", Takes::Count, Here::Not(NOT_SENT)),
    op("tweets_count", Takes::Count, Here::Not(NOT_SENT)),
    op("listed_count", Takes::Count, Here::Not(NOT_SENT)),
    with_others(op("lang", Takes::Language, Here::Language)),
    with_others(op("is", Takes::OneOf(&["retweet", "reply", "quote", "verified", "nullcast"]), Here::Is)),
    with_others(op(
        "has",
        Takes::OneOf(&["links", "media", "images", "videos", "mentions", "hashtags", "cashtags", "video_link", "geo"]),
        Here::Has,
    )),
    with_others(stream_only(op("sample", Takes::Percent, Here::Not(CHANCE)))),
];

/// The operator of that name, in any case.
pub fn named(name: &str) -> Option<&'static Operator> {
    TABLE.iter().find(|operator| operator.name.eq_ignore_ascii_case(name))
}

/// The operator somebody may have meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    TABLE
        .iter()
        .map(|operator| (strsim::damerau_levenshtein(&name, operator.name), operator.name))
        .filter(|&(distance, known)| distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, known)| known)
}
