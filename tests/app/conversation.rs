//! What was said in a case: in the pane, at both sizes, read from the store as it is needed, and nothing of a direct
//! message for who is not among its account's reps.

use replydeck::app::command::ModeKind;
use replydeck::app::{Effect, FromStore, Msg, Queue};
use replydeck::model::{
    AccountName, Body, BodyId, CaseId, Delivery, Event, EventId, Hit, Message, MessageId, NetworkKind, NoteText, Post,
    PostId, Purpose, RepName, ReplyId, SessionId, Verdict,
};
use uuid::Uuid;

use super::people::{resolved, screen};
use super::script::{Deck, case_of, found, post, post_id, secs, setup, start};

const WIDE: (u16, u16) = (200, 50);
const SMALL: (u16, u16) = (80, 24);
const SECRET: &str = "my customer number is 4711";

/// Answers what the deck asked the store for, from the whole log; hands back the texts that were asked for.
fn answer(deck: &mut Deck) -> Vec<BodyId> {
    let mut asked = Vec::new();
    for effect in deck.took() {
        match effect {
            Effect::ReadCase { case } => {
                let events = deck.all_of(case);
                deck.tell(Msg::Store(FromStore::Case { case, events, beside: vec![] }));
            }
            Effect::ReadBodies { ids } => {
                let gone = |id: &BodyId| {
                    deck.all().iter().any(|it| matches!(&it.event, Event::BodyErased { body } if body == id))
                };
                let body = |id: &BodyId| {
                    let of = deck.all().iter().rev().filter(|it| it.event.body_id().as_ref() == Some(id));
                    of.filter_map(|it| it.body.clone()).find(|_| !gone(id))
                };
                let found = ids.iter().filter_map(|id| Some((id.clone(), body(id)?))).collect();
                deck.tell(Msg::Store(FromStore::Bodies { asked: ids.clone(), found }));
                asked.extend(ids);
            }
            _ => {}
        }
    }
    asked
}

fn follow_up(n: u64, of: u64, words: &str, deck: &Deck) -> Post {
    let first = post(of, deck.now);
    Post {
        author: first.author,
        conversation: first.conversation,
        text: words.to_owned(),
        in_reply_to: Some(first.id),
        ..post(n, deck.now)
    }
}

/// A reply that `rep` sent from another deck.
fn sent(deck: &mut Deck, rep: &str, n: u128, to: u64, purpose: Purpose, words: &str) {
    let (reply, case) = (ReplyId(Uuid::from_u128(n)), case_of(to));
    let queued = Event::ReplyQueued {
        reply,
        case,
        to: post_id(to),
        purpose,
        account: AccountName::new("help"),
        until: deck.now,
        session: SessionId(Uuid::from_u128(77)),
    };
    deck.by(rep, queued, Some(Body::Reply(words.to_owned())));
    deck.now += secs(2);
    let out = if purpose.is_private() {
        Event::ReplyDelivered { reply, case, message: MessageId::new(NetworkKind::X, &n.to_string()) }
    } else {
        Event::ReplySent { reply, case, post: PostId::new(NetworkKind::X, &format!("9{n}")) }
    };
    deck.by(rep, out, None);
}

pub(crate) fn message(deck: &mut Deck, id: &str, of: u64, words: &str) {
    let (id, with) = (MessageId::new(NetworkKind::X, id), post(of, deck.now).author.id);
    let body = Message {
        id: id.clone(),
        with: with.clone(),
        handle: "user1".to_owned(),
        is_ours: false,
        text: words.to_owned(),
        at: deck.now,
    };
    let event = Event::DmReceived { message: id, author: with, account: AccountName::new("help"), sent_at: deck.now };
    deck.by("intake", event, Some(Body::Message(Box::new(body))));
}

fn note(deck: &mut Deck, rep: &str, words: &str) {
    let event = Event::NoteAdded { case: case_of(1), note: EventId::of("note", &[words]) };
    deck.by(rep, event, Some(Body::Note(NoteText::new(words))));
}

/// A case that bo and cy worked on for an hour; ana looks at it for the first time.
fn worked_on(columns: &[Queue], is_rep: bool) -> Deck {
    let mut setup = setup(1);
    setup.queues = columns.to_vec();
    if !is_rep {
        setup.message_reps = [(AccountName::new("help"), vec![RepName::new("bo")])].into();
    }
    let mut deck = Deck::with(setup);
    let first = post(1, deck.now);
    deck.arrives(&first, &["c1"]);
    deck.now += secs(60);
    deck.by("bo", Event::CaseClaimed { case: case_of(1) }, None);
    sent(&mut deck, "bo", 501, 1, Purpose::DmRequest, "@user1 Do send us word. ^BO");
    deck.now += secs(60);
    deck.own_answer_to(301, &first);
    deck.now += secs(60);
    message(&mut deck, "m1", 1, SECRET);
    deck.now += secs(60);
    sent(&mut deck, "bo", 502, 1, Purpose::DirectMessage, "Thank you, we look. ^BO");
    deck.now += secs(60);
    note(&mut deck, "bo", "card in rack 4 suspected");
    deck.by("bo", Event::CaseAssigned { case: case_of(1), to: RepName::new("ana") }, None);
    deck.now += secs(60);
    let again = follow_up(2, 1, "still nothing, it is noon", &deck);
    deck.arrives(&again, &["c1"]);
    deck.effects.clear();
    deck
}

/// Where the words stand on the screen, each further down than the one before.
#[track_caller]
fn assert_in_order(shown: &str, words: &[&str]) {
    let mut from = 0;
    for words in words {
        let at = shown[from..].find(words);
        from += at.unwrap_or_else(|| panic!("no {words:?} after what stands before it:\n{shown}")) + words.len();
    }
}

#[test]
fn who_takes_a_case_over_reads_what_was_said_in_order() {
    let mut deck = worked_on(&[], true);
    deck.app.size = WIDE;
    deck.press("j enter");
    let asked = answer(&mut deck);
    assert!(asked.contains(&BodyId::post(&post_id(301))), "our answer from elsewhere is in the store alone: {asked:?}");
    let shown = screen(&deck.app, WIDE);
    let pane: String = shown.lines().map(|line| line.chars().skip(130).collect::<String>() + "\n").collect();
    assert_in_order(
        &pane,
        &[
            "CONVERSATION  2 posts  2 replies  2 direct messages  1 note -",
            " 2026-11-21 14:00:00Z @user1",
            "so slow today 1",
            "2026-11-21 14:01:02Z bo, DM request",
            "     @user1 Do send us word. ^BO",
            "2026-11-21 14:02:02Z our account, elsewhere, answer",
            "     so slow today 301",
            "2026-11-21 14:03:02Z @user1, direct message to us",
            "  my customer number is 4711",
            "2026-11-21 14:04:04Z bo, direct message",
            "     Thank you, we look. ^BO",
            ":= NOTE bo 2026-11-21 14:05:04Z, team only ===",
            ": card in rack 4 suspected",
            ":====",
            ">2026-11-21 14:06:04Z @user1",
            "  still nothing, it is noon",
            "HISTORY",
        ],
    );
    // The same where the case is a screen of its own, page by page; the frame says where it ends.
    deck.app.size = SMALL;
    let mut pages = screen(&deck.app, SMALL);
    for _ in 0..4 {
        deck.press("space");
        pages += &screen(&deck.app, SMALL);
    }
    for words in
        ["Do send us word. ^BO", "so slow today 301", SECRET, "Thank you, we look", ": card in rack 4", ">2026"]
    {
        assert!(pages.contains(words), "no {words:?} on the pages:\n{pages}");
    }
}

#[test]
fn texts_that_are_gone_are_told_as_removed() {
    let mut deck = worked_on(&[], true);
    deck.app.size = WIDE;
    deck.press("j enter");
    answer(&mut deck);
    let message = MessageId::new(NetworkKind::X, "m1");
    for gone in [
        BodyId::message(&message),
        BodyId::post(&post_id(301)),
        BodyId::note(EventId::of("note", &["card in rack 4 suspected"])),
        BodyId::reply(ReplyId(Uuid::from_u128(501))),
    ] {
        deck.by("bo", Event::BodyErased { body: gone }, None);
    }
    deck.by("intake", Event::PostDeleted { post: post_id(1) }, None);
    answer(&mut deck);
    let shown = screen(&deck.app, WIDE);
    for words in [SECRET, "so slow today", "card in rack", "Do send us word"] {
        assert!(!shown.contains(words) && !format!("{:?}", deck.app).contains(words), "{words} is left:\n{shown}");
    }
    assert_eq!(shown.matches("text removed").count(), 6, "the row and each text of the pane:\n{shown}");
    assert!(shown.contains("Thank you, we look. ^BO"));
}

#[test]
fn one_case_at_a_time_is_read_and_walking_down_a_column_asks_nothing_of_its_answers() {
    let mut deck = worked_on(&[], true);
    deck.app.size = SMALL;
    for n in 11..=13 {
        let other = post(n, deck.now - secs(7_200));
        deck.arrives(&other, &["c1"]);
        deck.own_answer_to(300 + n, &other);
    }
    deck.effects.clear();
    deck.press("j j j j");
    assert!(!deck.took().iter().any(|effect| matches!(effect, Effect::ReadBodies { .. } | Effect::ReadCase { .. })));
    // Beside the columns its events are read once somebody rests on it.
    deck.app.size = WIDE;
    deck.press("gg");
    let of_case = |effects: &[Effect]| effects.iter().filter(|it| matches!(it, Effect::ReadCase { .. })).count();
    let taken = deck.took();
    assert_eq!(of_case(&taken), 0);
    deck.press("j");
    deck.press("k");
    assert_eq!(of_case(&deck.took()), 0, "passed on the way");
    deck.wait(1);
    assert_eq!(of_case(&deck.took()), 1);
    deck.wait(3);
    assert_eq!(of_case(&deck.took()), 0, "asked once");
}

#[test]
fn only_the_reps_of_the_account_see_a_direct_message_anywhere() {
    let mut deck = worked_on(&[Queue::Messages], false);
    let body = Body::Draft(replydeck::model::DraftText { text: "as to 4711".to_owned(), cursor: (0, 0) });
    let case = case_of(1);
    let draft = Event::DraftSaved {
        case,
        purpose: Purpose::DirectMessage,
        rep: Some(RepName::new("bo")),
        to: Some(post_id(1)),
    };
    deck.by("bo", draft, Some(body));
    let reply = ReplyId(Uuid::from_u128(503));
    let held = Event::ReplyQueued {
        reply,
        case,
        to: post_id(1),
        purpose: Purpose::DirectMessage,
        account: AccountName::new("help"),
        until: deck.now + secs(60),
        session: SessionId(Uuid::from_u128(77)),
    };
    deck.by("bo", held, Some(Body::Reply("we found 4711".to_owned())));
    assert!(matches!(deck.app.desk.replies[&reply].delivery, Delivery::Queued { .. }));
    deck.app.size = WIDE;
    let look = |deck: &mut Deck, what: &str| {
        answer(deck);
        let shown = screen(&deck.app, WIDE);
        assert!(!shown.contains("4711") && !shown.contains("Thank you, we look"), "{what}:\n{shown}");
        shown
    };
    deck.press("j enter");
    let shown = look(&mut deck, "the pane");
    assert_eq!(
        shown.matches("only the reps of help read it").count(),
        4,
        "two messages, the held one, a row:\n{shown}"
    );
    deck.press("G");
    look(&mut deck, "the end of the pane");
    deck.press("H");
    let shown = look(&mut deck, "the history");
    assert!(shown.contains("the customer: wrote a direct message to help"), "{shown}");
    deck.press("esc esc p");
    look(&mut deck, "the person");
    deck.press("esc U");
    look(&mut deck, "the outbox");
    deck.press("gd");
    look(&mut deck, "the drafts");
    deck.press("esc 2");
    look(&mut deck, "the messages");
    deck.press("D");
    assert_eq!(deck.kind(), ModeKind::Columns);
    assert!(deck.notice().contains("only the reps of help write its direct messages"), "{}", deck.notice());
    let told: Vec<_> = deck.app.notices.iter().filter(|notice| notice.text.contains("4711")).collect();
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_direct_message_is_answered_under_the_message_it_answers() {
    let mut deck = worked_on(&[Queue::Messages], true);
    // Their last word is a message.
    deck.now += secs(60);
    message(&mut deck, "m2", 1, "and the box blinks red");
    deck.press("2");
    let shown = screen(&deck.app, SMALL);
    assert!(shown.contains("@user1: and the box blinks red"), "the row tells the message:\n{shown}");
    let queue = shown.lines().map(|line| line.chars().skip(39).collect::<String>()).collect::<String>();
    assert!(!queue.contains("still nothing") && !queue.contains("so slow"), "not the public post:\n{shown}");
    deck.press("D");
    deck.tell(Msg::MayMessage { author: post(1, start()).author.id, verdict: Verdict::Yes });
    assert_eq!(deck.kind(), ModeKind::Composer);
    let shown = screen(&deck.app, SMALL);
    assert_in_order(
        &shown,
        &["In answer to the direct message of @user1  2026-11-21 14:07:04Z", "and the box blinks red"],
    );
    assert!(!shown.contains("In reply to") && !shown.contains("still nothing"), "{shown}");
    deck.type_text("We send one.");
    deck.press("C-s");
    let shown = screen(&deck.app, SMALL);
    assert_in_order(
        &shown,
        &["In answer to the direct message of @user1", "and the box blinks red", "We send one. ^AN"],
    );
    // To somebody who has written none the public post is what one writes about.
    let mut deck = Deck::with_posts(1);
    deck.press("j D");
    deck.tell(Msg::MayMessage { author: post(1, start()).author.id, verdict: Verdict::Yes });
    let shown = screen(&deck.app, SMALL);
    assert_in_order(&shown, &["To @user1", "in public:", "so slow today 1"]);
    deck.type_text("We can look into it here.");
    deck.press("C-s");
    let shown = screen(&deck.app, SMALL);
    assert_eq!(shown.matches("go send it by hand").count(), 2, "beside the text and at the foot\n{shown}");
    assert!(!shown.contains("post it by hand"), "a message is no post\n{shown}");
}

#[test]
fn the_pane_tells_what_happened_as_the_history_does() {
    let mut deck = worked_on(&[], true);
    deck.app.size = WIDE;
    deck.press("j enter");
    answer(&mut deck);
    deck.press("G");
    let shown = screen(&deck.app, WIDE);
    let case = case_of(1);
    let lines: Vec<_> = deck.app.history_lines(case).iter().map(|line| deck.app.history_words(line)).collect();
    let told = |words: &str| assert!(lines.iter().any(|line| line.contains(words)), "no {words:?} in {lines:#?}");
    // The claim before the hand-over is not forgotten.
    told("2026-11-21 14:01:00Z bo on desk-2: claimed it");
    told("bo on desk-2: handed it to ana");
    told("14:03:02Z the customer: wrote a direct message to help");
    told("our account, elsewhere: answered");
    told("bo on desk-2: sent the direct message");
    told("bo on desk-2: confirmed the DM request to their post of 2026-11-21 14:00:00 as @Help");
    assert!(lines.iter().all(|line| !line.contains("x:")), "words, no ids: {lines:#?}");
    let flat: String = shown
        .lines()
        .map(|line| line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().to_owned() + " ")
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for line in &lines {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&line), "not in the pane: {line}\n{shown}");
    }
}

/// Everything the store has of a case, as the deck gets it where the desk has let the case go.
fn from_store(deck: &Deck, case: CaseId) -> Msg {
    let customer = post(1, deck.now).author.id;
    let of_network = |event: &Event| match event {
        Event::PostMatched { author, .. } | Event::DmReceived { author, .. } => *author == customer,
        Event::DmSent { to, .. } => *to == customer,
        _ => false,
    };
    let beside = deck.all().iter().filter(|it| of_network(&it.event)).cloned().collect();
    Msg::Store(FromStore::Case { case, events: deck.all_of(case), beside })
}

#[test]
fn a_case_the_desk_let_go_still_tells_what_was_said_in_private() {
    let mut deck = worked_on(&[], true);
    sent(&mut deck, "bo", 503, 1, Purpose::DirectMessage, "We have replaced the card. ^BO");
    deck.by("bo", resolved(case_of(1), "outage", 1), None);
    let first = deck.all().iter().find(|it| matches!(it.event, Event::PostMatched { .. })).cloned().expect("a post");
    // So many others that the window has no place for it.
    for n in 0..u64::try_from(replydeck::desk::column::WINDOW).expect("few") {
        deck.now += secs(1);
        deck.arrives(&post(10_000 + n, deck.now), &["c1"]);
    }
    assert!(!deck.app.desk.cases.contains_key(&case_of(1)), "the desk has let it go");
    deck.press("/");
    deck.type_text("user1");
    deck.press("enter");
    deck.took();
    let hit = Hit { id: BodyId::post(&post_id(1)), at: deck.now, body: first.body.clone().expect("its text") };
    deck.tell(Msg::Store(FromStore::Found { words: "user1".to_owned(), found: found(vec![hit]) }));
    deck.press("enter H");
    assert!(deck.took().contains(&Effect::ReadCase { case: case_of(1) }));
    let answer = from_store(&deck, case_of(1));
    deck.tell(answer);
    let told = screen(&deck.app, WIDE);
    for words in ["the customer: wrote a direct message to help", "sent the direct message", "bo on", "resolved it"] {
        assert!(told.contains(words), "{words} in:\n{told}");
    }
    // And the pane has the words, for those who may read them.
    deck.press("esc");
    let told = screen(&deck.app, WIDE);
    assert!(told.contains(SECRET) && told.contains("not on the desk"), "{told}");
    deck.app.setup.message_reps = [(AccountName::new("help"), vec![RepName::new("bo")])].into();
    let told = screen(&deck.app, WIDE);
    assert!(!told.contains(SECRET), "{told}");
}
