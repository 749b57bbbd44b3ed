//! The authorization server from outside: codes, tokens that end, and refresh tokens that work once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::bench::{Bench, quiet, with};

const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-as-pkce-asks";
const REDIRECT: &str = "http://127.0.0.1:8739/callback";
const SCOPES: &str = "tweet.read users.read offline.access";

type Fields<'a> = Vec<(&'a str, String)>;

fn encoded(fields: &[(&str, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Sends a form, as the confidential client where `basic`.
async fn form(sim: &Bench, path: &str, fields: &[(&str, String)], basic: bool) -> (u16, Value) {
    let kind = "application/x-www-form-urlencoded";
    let request = sim.http.post(format!("{}{path}", sim.url)).header("content-type", kind).body(encoded(fields));
    let known = &sim.credentials;
    let request = if basic { request.basic_auth(&known.client_id, Some(&known.client_secret)) } else { request };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Approves; the code.
async fn code(sim: &Bench, client: &str, scopes: &str) -> String {
    let fields: Fields<'_> = vec![
        ("response_type", "code".into()),
        ("client_id", client.into()),
        ("redirect_uri", REDIRECT.into()),
        ("scope", scopes.into()),
        ("state", "some-state".into()),
        ("code_challenge", URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))),
        ("code_challenge_method", "S256".into()),
        ("decision", "approve".into()),
    ];
    let kind = "application/x-www-form-urlencoded";
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let asked =
        http.post(format!("{}/i/oauth2/authorize", sim.url)).header("content-type", kind).body(encoded(&fields));
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 302);
    let back: url::Url = response.headers()["location"].to_str().unwrap().parse().unwrap();
    assert!(
        back.as_str().starts_with(REDIRECT)
            && back.query_pairs().any(|pair| pair == ("state".into(), "some-state".into()))
    );
    back.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned()
}

fn redemption<'a>(code: &str, verifier: &str) -> Fields<'a> {
    vec![
        ("grant_type", "authorization_code".into()),
        ("code", code.into()),
        ("redirect_uri", REDIRECT.into()),
        ("code_verifier", verifier.into()),
    ]
}

async fn refresh(sim: &Bench, answer: &Value) -> (u16, Value) {
    let token = answer["refresh_token"].as_str().unwrap().to_owned();
    form(sim, "/2/oauth2/token", &[("grant_type", "refresh_token".into()), ("refresh_token", token)], true).await
}

async fn me(sim: &Bench, answer: &Value) -> u16 {
    let token = answer["access_token"].as_str().unwrap();
    sim.send(Method::GET, "/2/users/me", None, token).await.unwrap().status().as_u16()
}

async fn log_in(sim: &Bench, scopes: &str) -> Value {
    let code = code(sim, &sim.credentials.client_id, scopes).await;
    let (status, answer) = form(sim, "/2/oauth2/token", &redemption(&code, VERIFIER), true).await;
    assert_eq!((status, &answer["expires_in"], &answer["scope"]), (200, &json!(7200), &json!(scopes)), "{answer}");
    answer
}

#[test]
fn a_code_is_for_its_client_its_verifier_and_thirty_seconds() {
    with(quiet(), |sim| async move {
        let known = sim.credentials.clone();
        let first = code(&sim, &known.client_id, SCOPES).await;
        let (status, told) = form(&sim, "/2/oauth2/token", &redemption(&first, VERIFIER), false).await;
        assert_eq!(status, 400, "{told}");
        let (_, told) = form(&sim, "/2/oauth2/token", &redemption(&first, "another"), true).await;
        assert_eq!(told["error_description"], "Value passed for the code verifier did not match the code challenge.");
        let (_, told) = form(&sim, "/2/oauth2/token", &redemption(&first, VERIFIER), true).await;
        assert_eq!(told["error_description"], "Value passed for the authorization code was invalid.", "it was used");

        let late = code(&sim, &known.client_id, SCOPES).await;
        sim.jump(30).await;
        assert_eq!(form(&sim, "/2/oauth2/token", &redemption(&late, VERIFIER), true).await.0, 400);

        // A public client says its name and proves nothing; a confidential one must prove it.
        let public = code(&sim, &known.public_client_id, SCOPES).await;
        let mut fields = redemption(&public, VERIFIER);
        fields.push(("client_id", known.public_client_id.clone()));
        assert_eq!(form(&sim, "/2/oauth2/token", &fields, false).await.0, 200);
        let own = code(&sim, &known.client_id, SCOPES).await;
        let mut fields = redemption(&own, VERIFIER);
        fields.push(("client_id", known.client_id.clone()));
        let (status, told) = form(&sim, "/2/oauth2/token", &fields, false).await;
        assert_eq!((status, &told["error"]), (401, &json!("unauthorized_client")));
    });
}

#[test]
fn tokens_end_rotate_and_a_second_use_ends_everything() {
    with(quiet(), |sim| async move {
        let first = log_in(&sim, SCOPES).await;
        assert_eq!(me(&sim, &first).await, 200);
        sim.jump(7199).await;
        assert_eq!(me(&sim, &first).await, 200);
        sim.jump(1).await;
        assert_eq!(me(&sim, &first).await, 401);
        let (status, second) = refresh(&sim, &first).await;
        assert_eq!((status, me(&sim, &second).await), (200, 200));
        let other = log_in(&sim, SCOPES).await;
        assert_eq!(refresh(&sim, &first).await.0, 400);
        assert_eq!(me(&sim, &second).await, 401, "the whole grant is gone");
        assert_eq!(refresh(&sim, &second).await.0, 400);
        assert_eq!(me(&sim, &other).await, 200, "and no other one");
        let ledger = sim.ledger().await;
        let rows: Vec<(&str, &str)> = ledger["refreshes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["token"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
            .collect();
        assert_eq!(rows, [("1.1", "renewed"), ("1.1", "used twice"), ("1.2", "revoked")]);
        assert_eq!(ledger["logins"].as_array().unwrap().len(), 2);
        for secret in [&first, &second, &other] {
            assert!(!ledger.to_string().contains(secret["refresh_token"].as_str().unwrap()), "tokens have names there");
        }

        let token = other["refresh_token"].as_str().unwrap().to_owned();
        assert_eq!(form(&sim, "/2/oauth2/revoke", &[("token", token)], true).await.0, 200);
        assert_eq!(me(&sim, &other).await, 401);
    });
}

#[test]
fn what_was_not_approved_is_refused() {
    with(quiet(), |sim| async move {
        let reader = log_in(&sim, "tweet.read users.read").await;
        assert!(reader.get("refresh_token").is_none(), "no offline.access: {reader}");
        assert_eq!(me(&sim, &reader).await, 200);
        let token = reader["access_token"].as_str().unwrap();
        let body = json!({"text": "hello"});
        assert_eq!(sim.send(Method::POST, "/2/tweets", Some(body.clone()), token).await.unwrap().status(), 403);
        let writer = log_in(&sim, "tweet.read tweet.write users.read offline.access").await;
        let token = writer["access_token"].as_str().unwrap();
        assert_eq!(sim.send(Method::POST, "/2/tweets", Some(body), token).await.unwrap().status(), 201);
        assert_eq!(sim.send(Method::GET, "/2/dm_events", None, token).await.unwrap().status(), 403);
    });
}
