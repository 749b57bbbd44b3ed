//! A rep's own search on Bluesky: through the account's server, judged here, told where it is refused.

use replydeck::model::FoundOnNetwork;
use replydeck::net::Network;
use replydeck::net::bluesky::BlueskyNetwork;
use replydeck::rules::Rule;
use serde_json::json;

use crate::bluesky_rig::Bluesky;

async fn search(network: &BlueskyNetwork, query: &str, most: u64) -> FoundOnNetwork {
    network.search(&Rule::parse(query).unwrap(), most).await
}

fn texts(found: &FoundOnNetwork) -> Vec<&str> {
    assert_eq!(found.refused, None);
    found.posts.iter().map(|post| post.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_is_found_newest_first_and_the_rest_is_judged_here() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    for (handle, text) in [
        ("cat", "the teapot is cold"),
        ("dog", "teapots are cold"),
        ("cat", "a kettle, and cold"),
        ("cat", "@AcmeHelp my teapot #broken"),
        ("dog", "teapot and router"),
        ("fox", "cold teapot of mine https://acme.example/status"),
    ] {
        bluesky.post(handle, text).await;
    }
    let all = search(&network, "teapot", 50).await;
    // That search finds other forms of a word as well: only whole words are words here.
    assert_eq!((all.posts.len(), all.read, all.has_more), (4, 5, false));
    assert_eq!(texts(&all)[3], "the teapot is cold");
    let first = &all.posts[3];
    assert_eq!((first.author.handle.as_str(), first.author.name.as_str()), ("cat.sim.example", "cat"));
    assert_eq!(first.counts.replies, Some(0));
    for (query, found) in [
        ("teapot cold -mine", vec!["the teapot is cold"]),
        ("\"teapot is\" OR kettle", vec!["a kettle, and cold", "the teapot is cold"]),
        ("from:cat.sim.example -kettle -\"teapot is\"", vec!["@acmehelp.sim.example my teapot #broken"]),
        ("#broken", vec!["@acmehelp.sim.example my teapot #broken"]),
        ("@acmehelp.sim.example teapot", vec!["@acmehelp.sim.example my teapot #broken"]),
        ("url:acme.example", vec!["cold teapot of mine https://acme.example/status"]),
        ("teapot has:links", vec!["cold teapot of mine https://acme.example/status"]),
        ("teapot min_followers:1000", vec![]),
        ("cold min_followers:100 -teapot -mine", vec!["a kettle, and cold", "teapots are cold"]),
        ("nothing_of_this", vec![]),
    ] {
        assert_eq!(texts(&search(&network, query, 50).await), found, "{query}");
    }
    // The words of a quoted post count, as on X.
    let original = bluesky.rows("posts").await[0]["id"].as_str().unwrap().to_owned();
    bluesky.control("post", json!({"handle": "owl", "text": "look at this", "quotes": original})).await;
    assert_eq!(texts(&search(&network, "look", 50).await), ["look at this"]);
    assert_eq!(
        search(&network, "look is:quote", 50).await.posts[0].quotes.as_ref().unwrap().text,
        "the teapot is cold"
    );
    // Who blocks us is not shown to us, here either.
    bluesky.control("account", json!({"handle": "cat", "blocks_us": true})).await;
    assert_eq!(texts(&search(&network, "kettle", 50).await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_read_until_enough_fits_and_not_for_ever() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    for n in 0..45 {
        let who = if n % 9 == 0 { "kept" } else { "left" };
        bluesky.post("cat", &format!("teapot {who} n{n}")).await;
    }
    let found = search(&network, "teapot -left", 5).await;
    assert_eq!(texts(&found), ["teapot kept n36", "teapot kept n27", "teapot kept n18"]);
    assert_eq!((found.read, found.has_more), (30, true), "six pages, and it says that there is more");
    let found = search(&network, "teapot kept", 3).await;
    assert_eq!((found.posts.len(), found.read, found.has_more), (3, 3, true));
    let found = search(&network, "n41 OR n9 OR n33", 5).await;
    assert_eq!(texts(&found), ["teapot left n41", "teapot left n33", "teapot kept n9"], "each side of an OR by itself");
    assert_eq!((found.read, found.has_more), (3, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_with_what_to_do() {
    let bluesky = Bluesky::start().await;
    let dir = tempfile::tempdir().unwrap();
    let network = bluesky.network(dir.path(), |_| {});
    bluesky.post("cat", "teapot").await;
    let refused = async |query: &str| search(&network, query, 50).await.refused.expect("a refusal");
    let html = json!("<html>Forbidden</html>");
    for (status, body, said) in [
        (
            400,
            json!({"error": "BadQueryString", "message": "syntax error"}),
            "Bluesky does not understand the query: syntax error",
        ),
        (
            401,
            json!({"error": "AuthMissing", "message": "Authentication Required"}),
            "does not let this account search",
        ),
        (403, html, "does not let this account search"),
        (502, json!({"error": "UpstreamFailure", "message": "Upstream service unreachable"}), "unreachable"),
    ] {
        bluesky.fault(json!({"kind": "status", "target": "search", "status": status, "body": body})).await;
        let refused = refused("teapot").await;
        assert!(refused.why.contains(said) && refused.until.is_none(), "{status}: {}", refused.why);
    }
    bluesky.fault(json!({"kind": "status", "target": "search", "status": 429, "reset_in": 120})).await;
    assert!(refused("teapot").await.until.is_some());
    assert!(refused("is:reply").await.why.contains("needs something to look for"));
    // A login that ended is renewed on the way.
    bluesky.jump(3);
    assert_eq!(search(&network, "teapot", 50).await.posts.len(), 1);
    let dir = tempfile::tempdir().unwrap();
    let mute = bluesky.network(dir.path(), |settings| settings.app_password = None);
    let refused = search(&mute, "teapot", 50).await.refused.expect("no password");
    assert!(refused.why.contains("app password"), "{}", refused.why);
}
