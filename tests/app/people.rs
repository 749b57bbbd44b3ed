//! A person over renames, whom to look at first, who did what in a case, and searches with operators.

use std::sync::Arc;

use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use replydeck::app::command::ModeKind;
use replydeck::app::people::People;
use replydeck::app::{App, Effect, FromStore, Mode, Msg, PersonRecord};
use replydeck::model::post::Quoted;
use replydeck::model::{
    AuthorId, Body, CaseId, ConversationId, Envelope, Event, Found, FoundPerson, NetworkKind, NoteText, Post, RepName,
    Role, Verdict,
};
use replydeck::ui::{self, Cache, Theme};

use super::script::{Deck, case_of, post, post_id, secs, start};

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// Post `n` of one author, whatever they are called then, in a conversation of its own.
fn post_of(author: &str, handle: &str, n: u64, deck: &Deck) -> Post {
    let mut post = post(n, deck.now);
    post.author.id = AuthorId::new(NetworkKind::X, author);
    handle.clone_into(&mut post.author.handle);
    post
}

fn case_by(author: &str, n: u64) -> CaseId {
    CaseId::of(&AuthorId::new(NetworkKind::X, author), &ConversationId::new(NetworkKind::X, &n.to_string()))
}

pub(crate) fn resolved(case: CaseId, cause: &str, number: u64) -> Event {
    Event::CaseResolved {
        case,
        cause: Some(cause.to_owned()),
        outcome: Some("reset".to_owned()),
        closing: false,
        number: Some(number),
        undone: false,
    }
}

/// What the store would tell of an author, from the whole log.
fn record(deck: &Deck, author: &str) -> PersonRecord {
    let id = AuthorId::new(NetworkKind::X, author);
    let mut posts: Vec<Arc<Envelope>> = deck
        .all()
        .iter()
        .filter(|it| matches!(&it.event, Event::PostMatched { author, .. } if *author == id))
        .cloned()
        .collect();
    posts.reverse();
    let mut cases: Vec<(CaseId, Vec<Arc<Envelope>>)> = Vec::new();
    for envelope in &posts {
        let Event::PostMatched { conversation, .. } = &envelope.event else { continue };
        let case = CaseId::of(&id, conversation);
        if cases.iter().all(|(known, _)| *known != case) {
            cases.push((case, deck.all_of(case)));
        }
    }
    PersonRecord { author: id, posts, cases, is_all: true }
}

/// Answers what the deck asked the store for.
fn answer(deck: &mut Deck) {
    for effect in deck.took() {
        match effect {
            Effect::ReadPerson { author } => {
                let record = record(deck, author.native());
                deck.tell(Msg::Store(FromStore::Person(Box::new(record))));
            }
            Effect::ReadCase { case } => {
                let events = deck.all_of(case);
                deck.tell(Msg::Store(FromStore::Case { case, events, beside: vec![] }));
            }
            _ => {}
        }
    }
}

pub(crate) fn screen(app: &App, (columns, rows): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut cache = Cache::new(Theme::plain());
    terminal.draw(|frame| ui::draw(frame, app, &mut cache)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..rows).map(|y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n");
    rows.collect()
}

/// Somebody who came three times in a week under three handles, and once long before.
fn thrice() -> Deck {
    let mut deck = Deck::new(3);
    for (n, handle, passed, cause) in
        [(1, "first", days(60), "billing"), (2, "first", days(3), "outage"), (3, "second", days(2), "slow line")]
    {
        let post = post_of("a", handle, n, &deck);
        deck.arrives(&post, &["c1"]);
        deck.now += secs(360);
        deck.by("bo", Event::CaseClaimed { case: case_by("a", n) }, None);
        deck.own_answer_to(100 + n, &post);
        deck.by("bo", Event::CaseTagged { case: case_by("a", n), tag: "😡 line".to_owned(), on: true }, None);
        deck.now += secs(7_440);
        deck.by("bo", resolved(case_by("a", n), cause, n), None);
        deck.now += passed;
    }
    let now = post_of("a", "third", 4, &deck);
    deck.arrives(&now, &["c1"]);
    deck.effects.clear();
    deck
}

#[test]
fn a_person_renamed_twice_keeps_their_history() {
    let mut deck = thrice();
    deck.press("j p");
    assert_eq!(deck.kind(), ModeKind::Person);
    assert!(screen(&deck.app, (80, 24)).contains("asking the store for older cases"));
    answer(&mut deck);
    let shown = screen(&deck.app, (80, 24));
    for words in [
        "@third  Jo 4   x:a",
        "earlier: @second until 2027-01-23, @first until 2027-01-20",
        "400 followers",
        "reach about 80 (20% of 400, an assumption you can set), next hop about 6,400",
        "3rd contact in 7 days   4 cases in 90 days",
        "last ended: slow line, reset",
        "2027-01-23  3  slow line  bo  acked 0:06  resolved 2:10  reset",
        "2026-11-21  1  billing  bo  acked 0:06  resolved 2:10  reset",
        "tags: 😡  line",
        "open",
        "direct message? not known: nobody asked; D asks X, which costs $0.01",
        "https://x.com/third",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    deck.press("yh");
    assert!(deck.took().contains(&Effect::Copy { text: "@third".to_owned() }));
    deck.press("o");
    assert_eq!(deck.took(), [Effect::Open { url: "https://x.com/third".to_owned() }]);
    deck.press("D");
    let asked = deck.took();
    assert!(matches!(&asked[..], [Effect::AskMayMessage { author, .. }] if author.native() == "a"), "{asked:?}");
    let verdict = Verdict::No { why: "@third takes none".to_owned() };
    deck.tell(Msg::MayMessage { author: AuthorId::new(NetworkKind::X, "a"), verdict });
    assert_eq!(deck.kind(), ModeKind::Person, "asking drafts nothing");
    assert!(screen(&deck.app, (80, 24)).contains("direct message? no, X at"), "told with the reason");
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Columns);
}

#[test]
fn cases_the_desk_has_let_go_are_told_from_the_store() {
    let mut deck = thrice();
    let record = record(&deck, "a");
    // A desk that knows nothing of them but the last.
    deck.app.desk.authors.get_mut(&AuthorId::new(NetworkKind::X, "a")).unwrap().contacts.drain(..3);
    for n in 1..=3 {
        deck.app.desk.cases.remove(&case_by("a", n));
    }
    deck.press("j p");
    deck.tell(Msg::Store(FromStore::Person(Box::new(record))));
    let shown = screen(&deck.app, (80, 24));
    assert!(shown.contains("2026-11-21  1  billing  bo  not acked  resolved 2:10  reset"), "{shown}");
    assert!(shown.contains("3rd contact in 7 days   4 cases in 90 days"), "{shown}");
}

#[test]
fn notes_stand_there_for_the_team_until_they_are_erased() {
    let mut deck = thrice();
    deck.press("j i");
    deck.type_text("open a field ticket");
    deck.press("C-s");
    deck.took();
    deck.press("p");
    answer(&mut deck);
    let shown = screen(&deck.app, (200, 50));
    assert!(shown.contains("NOTES (team only)") && shown.contains("ana 2027-01-25: open a field ticket"), "{shown}");
    let note = deck.all().iter().find(|it| matches!(it.event, Event::NoteAdded { .. })).cloned().unwrap();
    deck.by("bo", Event::BodyErased { body: note.event.body_id().unwrap() }, None);
    let shown = screen(&deck.app, (200, 50));
    assert!(shown.contains("ana 2027-01-25: text removed") && !shown.contains("field ticket"), "{shown}");
    // The texts of their posts go as well, and with the last one the handle.
    for n in 1..=4 {
        deck.by("intake", Event::PostDeleted { post: post_id(n) }, None);
    }
    let shown = screen(&deck.app, (200, 50));
    assert!(!shown.contains("@third  ") && !shown.contains("first"), "{shown}");
    assert!(shown.contains("handle not known   x:a"), "{shown}");
}

#[test]
fn the_third_contact_in_a_week_is_raised_whatever_the_handle() {
    let deck = thrice();
    let case = &deck.app.desk.cases[&case_by("a", 4)];
    assert_eq!(deck.app.desk.contacts_up_to(case, 7), 3);
    assert!(deck.app.is_raised(case) && !case.is_urgent);
    assert!(screen(&deck.app, (80, 24)).contains("NP"), "a letter in front of the row");
    // Months later it is still the third: what follows from the log does not change with the clock.
    let mut later = thrice();
    later.now += days(90);
    later.tell(Msg::Tick);
    assert!(later.app.is_raised(&later.app.desk.cases[&case_by("a", 4)]));
    let mut never = thrice();
    never.app.setup.people.repeat_contacts = 0;
    assert!(!never.app.is_raised(&never.app.desk.cases[&case_by("a", 4)]));
}

fn group() -> People {
    People { repeat_reps: vec![RepName::new("cy"), RepName::new("dee")], ..People::default() }
}

#[test]
fn a_repeat_contact_goes_to_whom_of_the_group_has_least_and_once_only() {
    let mut deck = thrice();
    deck.app.setup.people = group();
    let other = post_of("b", "busy", 20, &deck);
    deck.arrives(&other, &["c1"]);
    deck.by("cy", Event::CaseClaimed { case: case_by("b", 20) }, None);
    let fourth = post_of("a", "third", 5, &deck);
    deck.slow_store = true;
    deck.arrives(&fourth, &["c1"]);
    assert_eq!(deck.waiting.len(), 1, "one event for one case");
    let (_, events, expect) = deck.waiting[0].clone();
    assert_eq!(events[0].event, Event::CaseAssigned { case: case_by("a", 5), to: RepName::new("dee") });
    assert_eq!(expect.unwrap().case, case_by("a", 5));
    // Another deck names the same event: the log keeps one of them.
    let second = deck.killed_and_restarted(9);
    let same = second.all().iter().filter(|it| it.event == events[0].event).map(|it| it.id);
    assert_eq!(same.collect::<Vec<_>>(), [events[0].id]);
    deck.slow_store = false;
    deck.store();
    assert_eq!(deck.app.desk.cases[&case_by("a", 5)].owner, Some(RepName::new("dee")));
    // Given back it is free for anybody, and not given out again.
    deck.by("dee", Event::CaseReleased { case: case_by("a", 5) }, None);
    deck.took();
    deck.tell(Msg::Tick);
    assert_eq!(deck.appended(), []);
}

#[test]
fn a_claim_that_was_faster_than_the_rule_stands_and_nobody_is_bothered() {
    let mut deck = thrice();
    deck.app.setup.people = group();
    let fourth = post_of("a", "third", 5, &deck);
    deck.slow_store = true;
    deck.arrives(&fourth, &["c1"]);
    deck.by("bo", Event::CaseClaimed { case: case_by("a", 5) }, None);
    let told = deck.app.notices.iter().count();
    deck.slow_store = false;
    deck.store();
    assert_eq!(deck.app.desk.cases[&case_by("a", 5)].owner, Some(RepName::new("bo")));
    assert_eq!(deck.app.notices.iter().count(), told);
    // A watcher's deck hands nothing over.
    let mut watcher = thrice();
    watcher.app.setup.people = group();
    watcher.app.setup.role = Role::Watcher;
    let fourth = post_of("a", "third", 5, &watcher);
    watcher.arrives(&fourth, &["c1"]);
    assert_eq!(watcher.appended(), []);
}

#[test]
fn notable_people_have_a_word_in_front_of_their_handle() {
    let mut deck = Deck::new(1);
    deck.app.setup.people.vip = vec!["user1".to_owned(), "x:a2".to_owned()];
    deck.app.setup.people.follower_floor = Some(10_000);
    for n in 1..=4 {
        let mut post = post(n, deck.now);
        post.author.followers = Some(if n == 3 { 12_345 } else { 9 });
        if n == 2 {
            "renamed".clone_into(&mut post.author.handle);
        }
        deck.arrives(&post, &["c1"]);
    }
    let shown = screen(&deck.app, (80, 24));
    assert!(shown.contains("VIP @user1") && shown.contains("VIP @renamed"), "{shown}");
    assert!(shown.contains("12k @user3") && shown.contains(" @user4"), "{shown}");
    assert!(!shown.contains("VIP @user4"));
}

#[test]
fn a_case_tells_who_did_what_and_from_where() {
    let mut deck = Deck::with_posts(2);
    deck.press("j c");
    deck.by("bo", Event::CaseTagged { case: case_of(2), tag: "😡".to_owned(), on: true }, None);
    deck.by(
        "bo",
        Event::DraftSaved { case: case_of(2), purpose: replydeck::model::Purpose::Both, rep: None, to: None },
        None,
    );
    deck.by(
        "bo",
        Event::DraftSaved { case: case_of(2), purpose: replydeck::model::Purpose::Both, rep: None, to: None },
        None,
    );
    deck.by(
        "bo",
        Event::NoteAdded { case: case_of(2), note: replydeck::model::EventId::of("n", &[]) },
        Some(Body::Note(NoteText::new("secret words"))),
    );
    deck.press("H");
    assert_eq!(deck.kind(), ModeKind::History);
    assert!(screen(&deck.app, (80, 24)).contains("asking the store"));
    answer(&mut deck);
    let shown = screen(&deck.app, (80, 24));
    for words in [
        "history of case 2, newest last",
        "2026-11-21 14:00:00Z ana on desk-1: claimed it",
        "bo on desk-2: put the tag",
        "bo on desk-2: wrote a note (team only)",
        "intake on desk-2: took in the first post, written",
        "the customer: wrote a post",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    assert_eq!(shown.matches("saved a draft").count(), 1, "{shown}");
    assert!(!shown.contains("secret words"));
    // What happens meanwhile is added at the end.
    deck.by("cy", resolved(case_of(2), "outage", 2), None);
    let shown = screen(&deck.app, (80, 24));
    assert!(shown.contains("cy on desk-2: resolved it: outage, reset"), "{shown}");
    deck.press("yt");
    let copied = deck.took().into_iter().find_map(|effect| match effect {
        Effect::Copy { text } => Some(text),
        _ => None,
    });
    assert!(copied.unwrap().ends_with("resolved it: outage, reset"), "the newest lines are copied");
}

#[test]
fn an_open_case_that_nobody_has_names_nobody() {
    let mut deck = Deck::with_posts(1);
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    deck.press("j p");
    answer(&mut deck);
    let row = |deck: &Deck| {
        let shown = screen(&deck.app, (80, 24));
        shown.lines().find(|line| line.contains("not acked")).expect("its case").to_owned()
    };
    assert!(row(&deck).contains("1  -  bo  not acked"), "{}", row(&deck));
    deck.by("bo", Event::CaseReleased { case: case_of(1) }, None);
    assert!(row(&deck).contains("1  -  not acked"), "{}", row(&deck));
    // The same from the events alone, where the desk has let the case go.
    let past = replydeck::desk::PastCase::of(case_of(1), &deck.all_of(case_of(1))).expect("it has events");
    assert_eq!((past.rep, past.resolved), (None, None));
}

#[test]
fn a_search_with_operators_is_taken_apart_and_mistakes_are_told_at_once() {
    let mut deck = Deck::with_posts(2);
    deck.press("/");
    deck.type_text("slow fom:jo");
    deck.press("enter");
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::Find { .. })));
    let shown = screen(&deck.app, (80, 24));
    assert!(shown.contains("there is no operator fom:") && shown.contains("after:"), "{shown}");
    deck.press("C-u");
    deck.type_text("slow from:@jo_m tag:😡 rep:ana cause:outage after:2026-11-01");
    deck.press("enter");
    let search = deck.took().into_iter().find_map(|effect| match effect {
        Effect::Find { search, .. } => Some(*search),
        _ => None,
    });
    let search = search.expect("the store is asked");
    assert_eq!(
        (search.words.as_str(), search.from, search.tags),
        ("slow", vec!["jo_m".to_owned()], vec!["😡".to_owned()])
    );
    assert_eq!(search.between.after.unwrap().to_string(), "2026-11-01T00:00:00Z");
}

#[test]
fn people_found_stand_before_the_hits_and_enter_opens_them() {
    let mut deck = Deck::with_posts(2);
    deck.press("/");
    deck.type_text("user2");
    deck.press("enter");
    let people = vec![FoundPerson { author: AuthorId::new(NetworkKind::X, "a2"), handle: "user2".to_owned() }];
    let note = replydeck::model::Hit {
        id: replydeck::model::BodyId::note(replydeck::model::EventId::of("n", &[])),
        at: start(),
        body: Body::Note(NoteText::new("user2 again")),
    };
    let words = "user2".to_owned();
    let found = Found { people, hits: vec![note.clone()] };
    deck.tell(Msg::Store(FromStore::Found { words, found }));
    let shown = screen(&deck.app, (80, 24));
    assert!(shown.contains("> person @user2 (x:a2)") && shown.contains("note (team only): user2 again"), "{shown}");
    deck.took();
    deck.press("j enter");
    assert_eq!(deck.took(), [Effect::FindCaseOf { text: note.id.clone() }]);
    deck.tell(Msg::Store(FromStore::TextOf { text: note.id, found: Some((case_of(2), None)) }));
    assert_eq!(deck.selected().as_deref(), Some("2"), "the note leads to its case");
    deck.press("/");
    deck.type_text("user2");
    deck.press("enter");
    let people = vec![FoundPerson { author: AuthorId::new(NetworkKind::X, "a2"), handle: "user2".to_owned() }];
    deck.tell(Msg::Store(FromStore::Found { words: "user2".to_owned(), found: Found { people, hits: vec![] } }));
    deck.press("enter");
    assert_eq!(deck.kind(), ModeKind::Person);
    deck.press("esc");
    assert_eq!(deck.kind(), ModeKind::Hits, "back to what was found");
}

#[test]
fn the_quoted_words_of_a_deleted_post_go_from_the_screen_and_the_log() {
    let mut deck = Deck::new(1);
    let mut quoting = post(2, deck.now);
    quoting.quotes = Some(Quoted { id: post_id(1), author: None, text: "regretted words".to_owned() });
    deck.arrives(&quoting, &["c1"]);
    deck.press("j enter");
    assert!(screen(&deck.app, (80, 24)).contains("regretted words"));
    deck.by("intake", Event::PostDeleted { post: post_id(1) }, None);
    assert!(!screen(&deck.app, (80, 24)).contains("regretted words"));
}

/// A shift in short: posts, claims, tags, notes, answers, ends, a rename and a deletion.
fn shift() -> Deck {
    let mut deck = thrice();
    deck.app.setup.people = group();
    deck.app.setup.people.vip = vec!["user7".to_owned()];
    // The rule is new: what it asks of the cases at hand is done once.
    deck.tell(Msg::CaughtUp);
    for n in 6..=9 {
        let post = post(n, deck.now);
        deck.arrives(&post, &["c1", "c2"]);
        deck.now += secs(61);
    }
    deck.press("gg c t");
    deck.type_text("outage");
    deck.press("enter i");
    deck.type_text("line card");
    deck.press("C-s");
    deck.by("bo", Event::CaseClaimed { case: case_of(8) }, None);
    deck.own_answer(30, 8);
    deck.by("bo", resolved(case_of(7), "outage", 6), None);
    deck.by("intake", Event::PostDeleted { post: post_id(6) }, None);
    let again = post_of("a", "third", 12, &deck);
    deck.arrives(&again, &["c2"]);
    deck.press("esc");
    deck
}

#[test]
fn a_desk_folded_from_zero_draws_the_same_screens_byte_for_byte() {
    let mut live = shift();
    let mut fresh = live.killed_and_restarted(7);
    // Nothing that only this run was told is on the screen any more.
    for deck in [&mut live, &mut fresh] {
        deck.press(". 2 . 1 . j");
        deck.now += secs(3_600);
        deck.tell(Msg::Tick);
        deck.took();
    }
    for keys in ["", "enter", "esc p", "esc H", "esc j H", "esc gg enter", "esc 2 gg p", "esc j enter H"] {
        for deck in [&mut live, &mut fresh] {
            if !keys.is_empty() {
                deck.press(keys);
            }
            answer(deck);
        }
        for size in [(80, 24), (200, 50)] {
            let (a, b) = (screen(&live.app, size), screen(&fresh.app, size));
            assert!(a == b, "after {keys:?} at {size:?}:\n{a}\n---\n{b}");
        }
        assert!(matches!(
            (&live.app.mode, &fresh.app.mode),
            (Mode::Columns, Mode::Columns)
                | (Mode::Case { .. }, Mode::Case { .. })
                | (Mode::Person(_), Mode::Person(_))
                | (Mode::History(_), Mode::History(_))
        ));
    }
}
