//! *May we reply?*, answered before a word is drafted.

use super::account::{Account, Tier};
use super::id::{AuthorId, NetworkKind, PostId};
use super::post::{Post, Quoted, WhoMayReply};

/// Whether the network will take our reply to a post through its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It will; on X at the price of a summoned reply.
    Yes,
    /// It will, and there is something to know before a word is written.
    Mind { what: String },
    /// It will refuse; the rep can still hand over to the network's own page.
    No { why: String },
    /// We do not know enough to say.
    Unknown { why: String },
}

/// What a network says of a post only when it is asked, as the account that would reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOfPost {
    pub post: PostId,
    /// Whether it would show our reply to others.
    pub may_reply: Verdict,
    /// The post it quotes with its text, where the network shows one.
    pub quoted: Option<Quoted>,
}

/// Judges `post` for a reply from `account`, by what came with the post. On a network that is asked of posts
/// ([`NetworkKind::is_asked_of_posts`]) its yes says only that nothing here is in the way.
///
/// X's gate since 2026-02-23 (self-serve plans): the author must have mentioned the account or quoted one of
/// its posts. `reply_settings` binds every plan.
pub fn may_reply(post: &Post, account: &Account) -> Verdict {
    if !account.can_send {
        return Verdict::No { why: format!("no credentials for sending as @{}", account.handle) };
    }
    match account.network {
        NetworkKind::X => may_reply_on_x(post, account),
        NetworkKind::Bluesky => Verdict::Yes,
        NetworkKind::Mastodon => may_reply_on_mastodon(post, account),
    }
}

/// Mastodon itself lets everybody reply; servers of another make tell whom the author lets, and hold others' replies
/// back.
fn may_reply_on_mastodon(post: &Post, account: &Account) -> Verdict {
    let is_us = |id: &AuthorId| account.id.as_ref() == Some(id);
    let mentioned = post.mentions.iter().any(|mention| mention.id.as_ref().is_some_and(is_us));
    let author = post.author.shown();
    match post.who_may_reply {
        _ if mentioned || is_us(&post.author.id) => Verdict::Yes,
        WhoMayReply::Everyone => Verdict::Yes,
        WhoMayReply::Mentioned => Verdict::No { why: format!("{author} lets only people mentioned in the post reply") },
        WhoMayReply::Following => Verdict::Unknown {
            why: format!("{author} lets only their followers, or people they follow, reply at once"),
        },
        WhoMayReply::Subscribers | WhoMayReply::Verified | WhoMayReply::Other => {
            Verdict::Unknown { why: format!("{author} approves replies before others see them") }
        }
    }
}

fn may_reply_on_x(post: &Post, account: &Account) -> Verdict {
    let is_own = account.id.as_ref().is_some_and(|id| *id == post.author.id);
    if is_own {
        return Verdict::Yes;
    }
    let mentioned = post.mentions.iter().any(|mention| match (&mention.id, &account.id) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => mention.handle.eq_ignore_ascii_case(&account.handle),
    });
    let author = post.author.shown();
    // The gate comes first: what it refuses no setting of the author's lets through.
    let gate = match (&post.quotes, &account.id) {
        _ if account.tier == Tier::Enterprise || mentioned => Verdict::Yes,
        (Some(quoted), Some(ours)) if quoted.author.as_ref() == Some(ours) => Verdict::Yes,
        (Some(quoted), _) if quoted.author.is_none() => Verdict::Unknown {
            why: format!("{author} quotes a post we know nothing of; X accepts only quotes of ours"),
        },
        _ => Verdict::No { why: format!("not mentioned by {author}: X's API refuses it on self-serve plans") },
    };
    let limited = match post.who_may_reply {
        _ if mentioned => None,
        WhoMayReply::Everyone => None,
        WhoMayReply::Mentioned => {
            Some(Verdict::No { why: format!("{author} lets only people mentioned in the post reply") })
        }
        WhoMayReply::Following => {
            Some(Verdict::Unknown { why: format!("{author} lets only people they follow reply") })
        }
        WhoMayReply::Subscribers | WhoMayReply::Verified | WhoMayReply::Other => {
            Some(Verdict::Unknown { why: format!("{author} has limited who may reply") })
        }
    };
    match (gate, limited) {
        (Verdict::No { why }, _) => Verdict::No { why },
        (_, Some(limited)) => limited,
        (gate, None) => gate,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Verdict, may_reply};
    use crate::model::account::{Account, Tier};
    use crate::model::post::{Author, Counts, Mention, Post, Quoted, WhoMayReply};
    use crate::model::{AccountName, AuthorId, ConversationId, NetworkKind, PostId};

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Is {
        Yes,
        No,
        Unknown,
    }

    /// How the post names us.
    #[derive(Clone, Copy, Debug)]
    enum Names {
        Nobody,
        Us,
        /// Our handle in capitals, without an id.
        OurHandle,
        /// Our handle, but the id of somebody else: the handle changed hands.
        OurHandleOfAnother,
        /// Our id under an older handle.
        OurIdOfOld,
        Another,
    }

    #[derive(Clone, Copy, Debug)]
    enum Quotes {
        Nothing,
        Ours,
        Theirs,
        /// The network did not say whose.
        Somebodys,
    }

    fn us(network: NetworkKind, tier: Tier) -> Account {
        Account {
            name: AccountName::new("charter"),
            network,
            handle: "CharterHelp".into(),
            id: Some(AuthorId::new(network, "1")),
            tier,
            can_send: true,
            confirm: false,
            web_url: "https://x.com".into(),
            limits: None,
        }
    }

    fn post(network: NetworkKind, names: Names, quotes: Quotes, who_may_reply: WhoMayReply) -> Post {
        let id = |native: &str| AuthorId::new(network, native);
        let mention = |handle: &str, id: Option<AuthorId>| vec![Mention { handle: handle.into(), id }];
        let of = |author| Some(Quoted { id: PostId::new(network, "5"), author, text: String::new() });
        Post {
            id: PostId::new(network, "9"),
            version: None,
            author: Author {
                id: id("7"),
                handle: "jo_m".into(),
                name: "Jo".into(),
                followers: None,
                is_verified: false,
                is_protected: false,
            },
            conversation: ConversationId::new(network, "9"),
            in_reply_to: None,
            in_reply_to_author: None,
            quotes: match quotes {
                Quotes::Nothing => None,
                Quotes::Ours => of(Some(id("1"))),
                Quotes::Theirs => of(Some(id("8"))),
                Quotes::Somebodys => of(None),
            },
            is_repost: false,
            text: "no line since noon".into(),
            lang: None,
            at: Timestamp::UNIX_EPOCH,
            counts: Counts::default(),
            mentions: match names {
                Names::Nobody => Vec::new(),
                Names::Us => mention("CharterHelp", Some(id("1"))),
                Names::OurHandle => mention("CHARTERHELP", None),
                Names::OurHandleOfAnother => mention("CharterHelp", Some(id("66"))),
                Names::OurIdOfOld => mention("OldCharter", Some(id("1"))),
                Names::Another => mention("somebody", Some(id("8"))),
            },
            hashtags: Vec::new(),
            links: Vec::new(),
            media: Vec::new(),
            who_may_reply,
            is_edited: false,
        }
    }

    fn judged(verdict: &Verdict) -> Is {
        match verdict {
            Verdict::Yes | Verdict::Mind { .. } => Is::Yes,
            Verdict::No { .. } => Is::No,
            Verdict::Unknown { .. } => Is::Unknown,
        }
    }

    #[test]
    fn thirty_posts_on_x() {
        use WhoMayReply::{Everyone, Following, Mentioned, Other, Subscribers, Verified};
        let (own, big) = (Tier::PayPerUse, Tier::Enterprise);
        let table = [
            // Everyone may reply; X's gate alone decides.
            (own, Names::Nobody, Quotes::Nothing, Everyone, Is::No),
            (own, Names::Us, Quotes::Nothing, Everyone, Is::Yes),
            (own, Names::OurHandle, Quotes::Nothing, Everyone, Is::Yes),
            (own, Names::OurHandleOfAnother, Quotes::Nothing, Everyone, Is::No),
            (own, Names::OurIdOfOld, Quotes::Nothing, Everyone, Is::Yes),
            (own, Names::Another, Quotes::Nothing, Everyone, Is::No),
            (own, Names::Nobody, Quotes::Ours, Everyone, Is::Yes),
            (own, Names::Nobody, Quotes::Theirs, Everyone, Is::No),
            (own, Names::Nobody, Quotes::Somebodys, Everyone, Is::Unknown),
            (own, Names::Another, Quotes::Ours, Everyone, Is::Yes),
            (own, Names::Us, Quotes::Theirs, Everyone, Is::Yes),
            (own, Names::Us, Quotes::Somebodys, Everyone, Is::Yes),
            // The contract plan knows no gate.
            (big, Names::Nobody, Quotes::Nothing, Everyone, Is::Yes),
            (big, Names::Another, Quotes::Theirs, Everyone, Is::Yes),
            (big, Names::Nobody, Quotes::Somebodys, Everyone, Is::Yes),
            // The author's own setting binds every plan; what the gate refuses it does not let through.
            (own, Names::Nobody, Quotes::Nothing, Mentioned, Is::No),
            (own, Names::Us, Quotes::Nothing, Mentioned, Is::Yes),
            (own, Names::Nobody, Quotes::Ours, Mentioned, Is::No),
            (big, Names::Nobody, Quotes::Nothing, Mentioned, Is::No),
            (big, Names::Us, Quotes::Nothing, Mentioned, Is::Yes),
            (big, Names::OurHandle, Quotes::Nothing, Mentioned, Is::Yes),
            (own, Names::Nobody, Quotes::Nothing, Following, Is::No),
            (own, Names::Us, Quotes::Nothing, Following, Is::Yes),
            (own, Names::Nobody, Quotes::Ours, Following, Is::Unknown),
            (big, Names::Nobody, Quotes::Nothing, Following, Is::Unknown),
            (big, Names::Us, Quotes::Nothing, Following, Is::Yes),
            (own, Names::Us, Quotes::Nothing, Subscribers, Is::Yes),
            (big, Names::Nobody, Quotes::Nothing, Subscribers, Is::Unknown),
            (own, Names::Another, Quotes::Nothing, Verified, Is::No),
            (big, Names::Another, Quotes::Ours, Other, Is::Unknown),
        ];
        assert_eq!(table.len(), 30);
        for (tier, names, quotes, who, expected) in table {
            let verdict = may_reply(&post(NetworkKind::X, names, quotes, who), &us(NetworkKind::X, tier));
            assert_eq!(judged(&verdict), expected, "{tier:?} {names:?} {quotes:?} {who:?}: {verdict:?}");
            if let Verdict::No { why } | Verdict::Unknown { why } = verdict {
                assert!(why.contains("@jo_m"), "it says whose doing it is: {why}");
            }
        }
    }

    #[test]
    fn credentials_other_networks_and_ourselves() {
        let x = NetworkKind::X;
        let named = post(x, Names::Us, Quotes::Nothing, WhoMayReply::Everyone);
        let mut account = us(x, Tier::PayPerUse);
        account.can_send = false;
        assert_eq!(
            may_reply(&named, &account),
            Verdict::No { why: "no credentials for sending as @CharterHelp".into() }
        );

        let mut own = post(x, Names::Nobody, Quotes::Nothing, WhoMayReply::Mentioned);
        own.author.id = AuthorId::new(x, "1");
        assert_eq!(may_reply(&own, &us(x, Tier::PayPerUse)), Verdict::Yes, "our own thread goes on");

        // Before the network has told our id, the handle decides, and a quote proves nothing.
        let mut unknown = us(x, Tier::PayPerUse);
        unknown.id = None;
        assert_eq!(may_reply(&named, &unknown), Verdict::Yes);
        let quoting = post(x, Names::Nobody, Quotes::Ours, WhoMayReply::Everyone);
        assert_eq!(judged(&may_reply(&quoting, &unknown)), Is::No);

        for network in [NetworkKind::Bluesky, NetworkKind::Mastodon] {
            let plain = post(network, Names::Nobody, Quotes::Nothing, WhoMayReply::Everyone);
            assert_eq!(may_reply(&plain, &us(network, Tier::PayPerUse)), Verdict::Yes);
        }
        let mastodon = NetworkKind::Mastodon;
        for (names, who, expected) in [
            (Names::Nobody, WhoMayReply::Mentioned, Is::No),
            (Names::Us, WhoMayReply::Mentioned, Is::Yes),
            (Names::Nobody, WhoMayReply::Following, Is::Unknown),
            (Names::Nobody, WhoMayReply::Other, Is::Unknown),
        ] {
            let limited = post(mastodon, names, Quotes::Nothing, who);
            assert_eq!(judged(&may_reply(&limited, &us(mastodon, Tier::Enterprise))), expected, "{names:?} {who:?}");
        }
    }
}
