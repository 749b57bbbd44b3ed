//! Two fresh processes with the same reply in hand, on a server that ignores keys: the log they share lets one of them
//! send.

use std::sync::Arc;

use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::{CaseId, ConversationId, Event, Expect, MachineName, NetworkKind, RepName, Seq, SessionId};
use replydeck::run::intake::Signer;
use replydeck::run::outbox::{Confirmed, Delivering};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::mastodon_rig::{Place, next_whole, reply_to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_send_the_same_reply_at_once_publish_it_once() {
    const ROUNDS: u128 = 12;
    let place = Place::open();
    place.manner(json!({"ignores_keys": true})).await;
    let (mut ear, [mut slow]) = place.listen([("slow", "slow")]);
    ear.settled(place.folder.path()).await;
    place.post("jo_m", "so slow", json!({})).await;
    let post = next_whole(&mut slow).await;
    ear.end().await;

    let shared = tempfile::tempdir().unwrap();
    let (inbox, _heard) = mpsc::channel(64);
    // A log, an adapter and a session of its own: all that two processes have.
    let process = |session: u128| {
        let log: Arc<dyn Log> = Arc::new(SqliteLog::open(shared.path()).unwrap());
        Delivering {
            log,
            network: Arc::new(place.network()),
            clock: Arc::clone(&place.clock),
            signer: Signer { rep: RepName::new("ana"), machine: MachineName::new("desk-1") },
            session: SessionId(Uuid::from_u128(session)),
            inbox: inbox.clone(),
        }
    };
    let (first, second) = (process(1), process(2));
    for round in 1..=ROUNDS {
        let conversation = ConversationId::new(NetworkKind::Mastodon, &format!("https://far.example/{round}"));
        let case = CaseId::of(&post.author.id, &conversation);
        let outgoing = reply_to(&post, &format!("Sorry, number {round}"), round);
        let reply = outgoing.reply;
        let confirmed = Confirmed { case, outgoing, private_to: None };
        let expect = Expect { case, seq: Seq(0) };
        tokio::join!(first.clone().send(confirmed.clone(), expect), second.clone().send(confirmed, expect));
        let told: Vec<Event> = first.log.of_case(case).await.unwrap().iter().map(|it| it.event.clone()).collect();
        let [Event::ReplyAttempted { reply: begun, .. }, Event::ReplySent { reply: sent, .. }] = told.as_slice() else {
            panic!("round {round}: {told:?}")
        };
        assert_eq!((*begun, *sent), (reply, reply));
    }
    let writes = place.ledger("writes").await;
    assert_eq!(writes.len(), usize::try_from(ROUNDS).unwrap(), "{writes:?}");
}
