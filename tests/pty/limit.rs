//! A day with a limit of 20 dollars in the real program: told before the end, reading paused within one post, what a rep
//! has confirmed sent all the same, more for today by two keys, and a new column priced before it is added. What is
//! metered is what the simulator bills by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use replydeck::desk::Spending;
use replydeck::log::Log;
use replydeck::log::sqlite::SqliteLog;
use replydeck::model::price::Prices;
use replydeck::model::spend::{Act, Charge, billed_day};
use replydeck::model::{AccountName, ColumnName, Event, EventId, MachineName, NewEvent, RepName, Seq};
use serde_json::json;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{CTRL_S, Desk, ESC};

const CTRL_T: &str = "\x14";
/// Wide enough for the notice's last word.
const WIDE: (u16, u16) = (160, 40);

/// Another process of this host, as far as its money goes.
struct Other {
    runtime: Runtime,
    log: SqliteLog,
    read: u64,
}

impl Other {
    fn on(desk: &Desk) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let log = SqliteLog::open(&desk.home.path().join("data")).expect("the store opens");
        Self { runtime, log, read: 0 }
    }

    /// It reads so many posts more for the column `acme`.
    fn reads(&mut self, posts: u64) {
        let what = (self.read..self.read + posts).map(|id| (1_000 + id).to_string()).collect();
        self.read += posts;
        let columns = vec![ColumnName::new("acme")];
        let charge = Charge { act: Act::PostRead, price: Prices::X.post_read, what, columns };
        let at = Timestamp::now();
        let event = Event::Spent { account: AccountName::new("acme"), day: billed_day(at), charges: vec![charge] };
        let new = NewEvent {
            id: EventId(Uuid::from_u128(u128::from(self.read))),
            at,
            rep: RepName::new("bo"),
            machine: MachineName::new("here"),
            event,
            body: None,
        };
        self.runtime.block_on(self.log.append(vec![new], None)).expect("the store takes it");
    }

    /// The meter by kind, without what this process read, and all of it in thousandths of a dollar.
    fn metered(&self) -> (BTreeMap<String, u64>, u64) {
        let all = self.runtime.block_on(self.log.events(Seq(0), usize::MAX)).expect("read");
        let mut spending = Spending::default();
        for envelope in &all {
            spending.take(&envelope.event);
        }
        let days = spending.of(&AccountName::new("acme")).map(|account| account.days.clone()).unwrap_or_default();
        let (mut acts, mut total) = (BTreeMap::<String, u64>::new(), 0);
        for day in days.values() {
            total += day.total.0 / 1_000;
            for (act, tally) in &day.acts {
                *acts.entry(act.key().to_owned()).or_default() += tally.count;
            }
        }
        *acts.entry("post_read".to_owned()).or_default() -= self.read;
        (acts, total - 5 * self.read)
    }
}

/// The simulator's own bill, all days in one.
fn billed(desk: &Desk) -> (BTreeMap<String, u64>, u64) {
    let bill = desk.simulator.bill();
    let (mut items, mut total) = (BTreeMap::<String, u64>::new(), 0);
    for day in bill["days"].as_object().expect("days").values() {
        total += day["thousandths"].as_u64().expect("a sum");
        for (item, count) in day["items"].as_object().expect("items") {
            *items.entry(item.clone()).or_default() += count.as_u64().expect("a count");
        }
    }
    (items, total)
}

#[test]
fn a_day_of_twenty_dollars_warns_pauses_within_one_post_and_keeps_back_no_confirmed_reply() {
    let desk = Desk::new();
    let path = &desk.simulator.config;
    let config = std::fs::read_to_string(path).expect("the config");
    let limited = config.replace("watch_own = true\n", "watch_own = true\ndaily_limit = 20.0\n");
    assert_ne!(limited, config);
    std::fs::write(path, limited).expect("a config with a limit");
    let mut deck = desk.deck(WIDE);
    // Whose token it is was asked at the start.
    deck.shows("spend $0.01/$20");
    let mut other = Other::on(&desk);
    let ask = |n: u32| {
        desk.simulator.post(&json!({"handle": format!("cust{n}"), "text": format!("@AcmeHelp question{n}x, please")}));
    };

    // The last but one post before four fifths of the limit, and that one.
    desk.complaint();
    deck.shows("internet is really");
    for n in 1..10 {
        ask(n);
    }
    deck.shows("question9x");
    other.reads((15_990 - billed(&desk).1) / 5);
    deck.shows("spend $15.99/$20");
    ask(10);
    deck.shows("question10x");
    assert!(!deck.screen().contains("costs most"), "too early:\n{}", deck.screen());
    ask(11);
    let warned = deck.shows("of today's $20.00; column acme costs most ($15.9");
    assert!(warned.contains("spend $16.00/$20"), "{warned}");
    deck.keys(ESC);

    // Room for three more. A reply is confirmed before the last of them comes.
    other.reads((20_000 - 3 * 5 - billed(&desk).1 - 5 * other.read) / 5);
    deck.shows("spend $19.99/$20");
    ask(12);
    deck.shows("question12x");
    ask(13);
    deck.shows("question13x");
    assert!(!deck.screen().contains("PAUSED"), "too early:\n{}", deck.screen());
    deck.keys("r");
    deck.shows("may we reply? yes");
    deck.keys("We are on it.");
    deck.shows("We are on it.");
    deck.keys(CTRL_S);
    deck.shows("y send");
    deck.keys("y");
    deck.shows("u=undo");
    ask(14);
    deck.shows("spend $20.00/$20 PAUSED");
    deck.shows("reading is paused until the UTC day ends; column acme costs most");
    deck.keys(ESC);
    // What is paid for is shown.
    deck.keys(".");
    deck.shows("question14x");
    ask(15);
    desk.simulator.written(1);
    deck.shows("sent, in case");
    let (items, _) = billed(&desk);
    assert_eq!((items.get("post_read"), items.get("summoned_reply")), (Some(&15), Some(&1)), "not one post more");
    assert!(!deck.screen().contains("question15x"), "{}", deck.screen());

    // Which column, and more for today.
    deck.keys("g$");
    let screen = deck.shows("column acme costs most");
    assert!(screen.contains("reading is paused; replies go out all the same"), "{screen}");
    deck.keys("+");
    deck.shows("raises today's limit to $25");
    deck.keys("+");
    deck.shows("of today's $25, raised for today");
    deck.keys(ESC);
    deck.shows("LIVE 1/1");
    ask(16);
    deck.shows("question16x");
    deck.shows("~ gap ");

    // A column is rehearsed: what the store has, how many a day by X's count, what a day costs.
    desk.simulator.jump("1m");
    deck.keys("A");
    deck.shows("new column");
    deck.keys("question16x OR @AcmeHelp");
    // Whoever was answered may have thanked us by now.
    let screen = deck.shows("in the store it would have caught 1");
    assert!(screen.contains("posts of the last 7 days") && screen.contains("question16x, please"), "{screen}");
    deck.keys(CTRL_T);
    deck.shows("it costs $0.005");
    assert!(!billed(&desk).0.contains_key("count"), "not asked yet");
    deck.keys(CTRL_T);
    let screen = deck.shows("by the network's count");
    // Some 16 in seven days.
    assert!(screen.contains("3 posts a day, $0.015 a day"), "{screen}");
    assert_eq!(billed(&desk).0.get("count"), Some(&1));
    deck.keys(ESC);
    deck.keys("Q");
    assert!(deck.ended().success());
    assert_eq!(other.metered(), billed(&desk), "the meter is the bill");
}
