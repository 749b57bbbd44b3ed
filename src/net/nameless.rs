//! Names are not found any more (DNS is gone): each network says so of its link and of a reply, and nothing leaves.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::bluesky::{BlueskyNetwork, BlueskySettings};
use super::mastodon::{MastodonNetwork, MastodonSettings, Visibility};
use super::x::{UserCredentials, XNetwork, XSettings};
use super::{Clock, Feed, Network, Outgoing, SendError};
use crate::model::account::Tier;
use crate::model::{Account, AccountName, ColumnName, LinkReport, LinkState, NetworkKind, PostId, ReplyId};
use crate::rules::Rule;

fn account(network: NetworkKind, handle: &str) -> Account {
    Account {
        name: AccountName::new("acme"),
        network,
        handle: handle.into(),
        id: None,
        tier: Tier::PayPerUse,
        can_send: true,
        confirm: false,
        web_url: "https://acme.example".into(),
        limits: None,
    }
}

fn networks(folder: &std::path::Path) -> [(Box<dyn Network>, &'static str); 3] {
    let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
    let clock: Clock = Arc::new(move || now);
    let url = |text: &str| text.parse::<url::Url>().unwrap();
    let x = XSettings {
        account: account(NetworkKind::X, "acme"),
        base_url: url("https://api.x.example"),
        bearer: "bearer".to_owned().into(),
        user: Some(UserCredentials::OAuth2 { access_token: "token".to_owned().into() }),
        deck: "d".into(),
        watch_own: false,
        messages: false,
        activity: false,
    };
    let bluesky = BlueskySettings {
        account: account(NetworkKind::Bluesky, "acme.example"),
        service: url("https://pds.example"),
        app_password: Some("password".to_owned().into()),
        jetstreams: vec![url("wss://jetstream.example")],
        appview: url("https://appview.example"),
        chat: String::new(),
        zstd: true,
        data_dir: folder.join("bluesky"),
        messages: false,
        watch_own: false,
    };
    let mastodon = MastodonSettings {
        account: account(NetworkKind::Mastodon, "acme@mastodon.example"),
        base_url: url("https://mastodon.example"),
        streaming_url: None,
        token: Some("token".to_owned().into()),
        data_dir: folder.join("mastodon"),
        messages: false,
        watch_own: false,
        visibility: Visibility::Public,
    };
    [
        (Box::new(XNetwork::new(x, clock.clone(), 7).unwrap()), "5"),
        (Box::new(BlueskyNetwork::new(bluesky, clock.clone(), 7).unwrap()), "at://did:plc:a/app.bsky.feed.post/3k"),
        (Box::new(MastodonNetwork::new(mastodon, clock, 7).unwrap()), "https://mastodon.example/@jo/1"),
    ]
}

#[tokio::test]
async fn a_name_that_is_not_found_is_told_on_each_network_and_nothing_leaves() {
    const WORDS: &str = "its name could not be looked up";
    let folder = tempfile::tempdir().unwrap();
    for (network, post) in networks(folder.path()) {
        let kind = network.account().network;
        let (out, _column) = mpsc::channel(8);
        let feed = Feed { column: ColumnName::new("a"), rule: Rule::parse("slow").unwrap(), out };
        let (_feeds, changed) = watch::channel(Arc::new(vec![feed]));
        let (links, mut reports) = mpsc::channel::<LinkReport>(8);
        let told = async {
            loop {
                match reports.recv().await.expect("it listens").state {
                    LinkState::BackingOff { why, .. } | LinkState::Down { why, .. } => return why,
                    LinkState::Connecting => {}
                    other => panic!("{kind:?}: {other:?}"),
                }
            }
        };
        let why = tokio::select! {
            () = network.listen(changed, links, CancellationToken::new()) => panic!("{kind:?}: it ended"),
            why = tokio::time::timeout(Duration::from_secs(30), told) => why.expect("nothing was told"),
        };
        assert!(why.contains(WORDS), "{kind:?}: {why}");
        let outgoing = Outgoing {
            reply: ReplyId(uuid::Uuid::from_u128(7)),
            to: PostId::new(kind, post),
            to_version: Some("1".into()),
            text: "Sorry!".into(),
        };
        let error = network.send(&outgoing).await.unwrap_err();
        assert!(matches!(&error, SendError::NotSent { why } if why.contains(WORDS)), "{kind:?}: {error:?}");
    }
}
