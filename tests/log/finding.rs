//! What every back end must find: by words, by key, by handle, by quote.

use replydeck::model::post::Quoted;
use replydeck::model::{Between, Body, BodyId, Event, EventId, key};

use super::sample::{at, author_id, case, claimed, matched, new, post_id, queued, seqs};
use super::suite::{Store, append, found, over_every_back_end, texts};

over_every_back_end! {
    words_are_found_whole_without_case_and_accents
    scripts_without_spaces_are_found_by_pieces
    emoji_are_found
    nothing_in_a_search_is_a_command
    the_newest_texts_come_first
    events_are_found_by_what_they_name
    people_are_found_by_any_handle_a_stored_post_shows
    a_text_that_is_erased_goes_out_of_the_posts_that_quote_it
    a_search_may_be_of_a_time
}

async fn words_are_found_whole_without_case_and_accents(store: &Store) {
    let log = store.log();
    let all = ["¿Dónde está mi ENVÍO?", "lot opóźniony, café zamknięte", "the delivery is late", "cafeteria queue"];
    append(log, all.iter().zip(1..).map(|(text, n)| matched(n, text)).collect()).await;
    for (search, index) in [("donde envio", 0), ("ESTÁ", 0), ("opozniony", 1), ("delivery late", 2), ("late  the", 2)]
    {
        assert_eq!(found(log, search).await, [all[index]], "{search}");
    }
    assert_eq!(found(log, "deliv").await, [all[2]], "the last word may be the beginning of one");
    assert_eq!(found(log, "cafe").await, [all[3], all[1]], "and is, where whole words do not fill the page");
    assert_eq!(found(log, "deliv late").await, Vec::<String>::new(), "only the last");
    assert_eq!(found(log, "late missing").await, Vec::<String>::new(), "every word must be there");
    let one = log.search("cafe".to_owned(), 1).await.expect("answered");
    assert_eq!(texts(&one), [all[1]], "a page full of whole words has no beginnings");
}

async fn scripts_without_spaces_are_found_by_pieces(store: &Store) {
    let log = store.log();
    let all =
        ["荷物まだ届かない、配送遅延?", "网络太慢了,客服没有回复", "สินค้ายังไม่มา", "배송이 너무 늦어요", "ｶﾀｶﾅのﾃﾞｰﾀ"];
    append(log, all.iter().zip(1..).map(|(text, n)| matched(n, text)).collect()).await;
    let cases = [
        ("荷物", 0),
        ("遅延", 0),
        ("荷物まだ", 0),
        ("荷物 遅延", 0),
        ("物", 0),
        ("延", 0),
        ("客服", 1),
        ("回复", 1),
        ("太慢", 1),
        ("复", 1),
        ("ไม่มา", 2),
        ("สินค้า", 2),
        ("배송", 3),
        ("늦어요", 3),
        ("カタカナ", 4),
        ("データ", 4),
    ];
    for (search, index) in cases {
        assert_eq!(found(log, search).await, [all[index]], "{search}");
    }
    for search in ["物荷", "荷まだ", "客复", "送遅荷", "服"] {
        let expected: &[&str] = if search == "服" { &[all[1]] } else { &[] };
        assert_eq!(found(log, search).await, expected, "{search}");
    }
}

async fn emoji_are_found(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "3 hours on hold 😡"), matched(2, "thank you 👍🏽"), matched(3, "❤️❤️ fixed")]).await;
    assert_eq!(found(log, "😡").await, ["3 hours on hold 😡"]);
    assert_eq!(found(log, "👍").await, ["thank you 👍🏽"]);
    assert_eq!(found(log, "❤ fixed").await, ["❤️❤️ fixed"]);
    assert_eq!(found(log, "😡 fixed").await, Vec::<String>::new());
    assert_eq!(found(log, "🤷").await, Vec::<String>::new());
}

async fn nothing_in_a_search_is_a_command(store: &Store) {
    let log = store.log();
    append(log, vec![matched(1, "late OR never, \"quoted\" text: a-b NEAR c*"), matched(2, "never")]).await;
    for search in ["late OR never", "\"quoted\"", "quoted\"", "text: late", "a-b", "NEAR", "late AND never NOT"] {
        let expected: &[&str] =
            if search.ends_with("NOT") { &[] } else { &["late OR never, \"quoted\" text: a-b NEAR c*"] };
        if search.starts_with("late AND") {
            assert_eq!(found(log, search).await, Vec::<String>::new(), "AND and NOT are words like others");
        } else {
            assert_eq!(found(log, search).await, expected, "{search}");
        }
    }
    for harmless in [
        "", "   ", "\"", "\"\"", "*", "-", "(", ")", "^", "text:", "a:b:", "{x}", "\\", "'", ";--", "\0", "+ +",
        "\u{301}", "\u{fe0f}", "…",
    ] {
        found(log, harmless).await;
    }
    assert_eq!(found(log, "* \" -").await, Vec::<String>::new(), "signs only: nothing");
}

async fn the_newest_texts_come_first(store: &Store) {
    let log = store.log();
    // Back-filled: later appended, earlier written.
    append(log, vec![matched(500, "outage five"), matched(300, "outage three")]).await;
    append(log, vec![matched(400, "outage four")]).await;
    append(log, vec![matched(100, "outage one"), matched(200, "outage two")]).await;
    assert_eq!(found(log, "outage").await, ["outage five", "outage four", "outage three", "outage two", "outage one"]);
    let two = log.search("outage".to_owned(), 2).await.expect("answered");
    assert_eq!(texts(&two), ["outage five", "outage four"]);
    assert_eq!(two[0].at, at(500), "a post's own time");
    append(
        log,
        vec![new(
            "n",
            Event::NoteAdded { case: case(1), note: EventId::of("test", &["n"]) },
            Some(Body::Note(replydeck::model::NoteText::new("outage note"))),
        )],
    )
    .await;
    let note = log.search("note".to_owned(), 2).await.expect("answered");
    assert_eq!((note[0].at, note[0].id.as_str().split('/').next()), (at(0), Some("note")));
}

async fn events_are_found_by_what_they_name(store: &Store) {
    let log = store.log();
    let tagged = |name: &str, n: u64, tag: &str, on| {
        new(name, Event::CaseTagged { case: case(n), tag: tag.to_owned(), on }, None)
    };
    let note = EventId::of("test", &["note"]);
    let noted = Event::NoteAdded { case: case(4), note };
    let resolved = Event::CaseResolved {
        case: case(2),
        cause: Some("Slow Line".to_owned()),
        outcome: None,
        closing: false,
        number: Some(2),
        undone: false,
    };
    append(
        log,
        vec![
            matched(1, "x"),
            tagged("a", 1, "Outage 😡", true),
            tagged("b", 2, "outage 😡", true),
            claimed("c", "Ben", 3),
            tagged("d", 1, "outage 😡", false),
            new("note", noted, Some(Body::Note(replydeck::model::NoteText::new("line card")))),
            new("e", resolved, None),
            queued(5, "on it"),
        ],
    )
    .await;
    let of = async |key: String| seqs(&log.of_key(key, 10).await.expect("answered"));
    assert_eq!(of(key::tag("OUTAGE 😡")).await, [5, 3, 2]);
    assert_eq!(of(key::cause("slow line")).await, [7]);
    assert_eq!(of(key::rep("ben")).await, [4]);
    assert_eq!(of(key::rep("ana")).await, [8, 7, 6], "what was resolved, noted and answered; tags are nobody's");
    assert_eq!(of(BodyId::note(note).as_str().to_owned()).await, [6]);
    assert_eq!(of(key::tag("none")).await, Vec::<u64>::new());
    let newest = log.of_key(key::tag("outage 😡"), 1).await.expect("answered");
    assert_eq!(seqs(&newest), [5]);
}

async fn people_are_found_by_any_handle_a_stored_post_shows(store: &Store) {
    let log = store.log();
    let called = |n: u64, handle: &str| {
        let mut event = matched(n, "x");
        if let Some(Body::Post(post)) = &mut event.body {
            handle.clone_into(&mut post.author.handle);
        }
        event
    };
    let mut joan = called(12, "joan");
    if let Event::PostMatched { author, .. } = &mut joan.event {
        *author = author_id(2);
    }
    let mut all = vec![called(1, "Jo_First"), called(11, "jo_second"), joan, called(21, "jo_third")];
    for event in &mut all {
        // The event names the author as the text does.
        if let (Event::PostMatched { author, .. }, Some(Body::Post(post))) = (&mut event.event, &event.body) {
            *author = post.author.id.clone();
        }
    }
    append(log, all).await;
    let people = async |beginning: &str| {
        let people = log.people(beginning.to_owned(), 10).await.expect("answered");
        people.into_iter().map(|(handle, author)| format!("{handle} {author}")).collect::<Vec<_>>()
    };
    assert_eq!(people("JO").await, ["jo_first x:1", "jo_second x:1", "jo_third x:1", "joan x:2"]);
    assert_eq!(people("jo_s").await, ["jo_second x:1"]);
    log.erase(BodyId::post(&post_id(11))).await.expect("erased");
    assert_eq!(people("jo_").await, ["jo_first x:1", "jo_third x:1"], "no post shows it any more");
    log.erase(BodyId::post(&post_id(1))).await.expect("erased");
    log.erase(BodyId::post(&post_id(21))).await.expect("erased");
    assert_eq!(people("jo").await, ["joan x:2"]);
}

async fn a_text_that_is_erased_goes_out_of_the_posts_that_quote_it(store: &Store) {
    let log = store.log();
    let quoting = |n: u64, quoted: u64| {
        let mut event = matched(n, "look at this");
        if let Some(Body::Post(post)) = &mut event.body {
            post.quotes = Some(Quoted { id: post_id(quoted), author: None, text: "regretted words".to_owned() });
        }
        event
    };
    append(log, vec![matched(1, "regretted words"), quoting(2, 1), quoting(3, 1), quoting(4, 9)]).await;
    log.erase(BodyId::post(&post_id(1))).await.expect("erased");
    let quoted = async |n: u64| match log.bodies(vec![BodyId::post(&post_id(n))]).await.expect("answered").pop() {
        Some((_, Body::Post(post))) => {
            assert_eq!(post.text, "look at this");
            post.quotes.expect("it still says what it quotes").text
        }
        other => panic!("no post: {other:?}"),
    };
    assert_eq!((quoted(2).await.as_str(), quoted(3).await.as_str()), ("", ""));
    assert_eq!(quoted(4).await, "regretted words", "another post that happens to say the same");
    // A post that never came here by itself.
    log.erase(BodyId::post(&post_id(9))).await.expect("erased");
    assert_eq!(quoted(4).await, "");
    assert_eq!(found(log, "look").await.len(), 3);
}

async fn a_search_may_be_of_a_time(store: &Store) {
    let log = store.log();
    append(log, (1..=2_000).map(|n| matched(n, if n % 2 == 0 { "late 荷物" } else { "late 荷" })).collect()).await;
    // Many texts of one moment: their places line up beyond it.
    let of_one_moment = (1..=1_500).map(|n| {
        let mut event = matched(10_000 + n, "late again");
        if let Some(Body::Post(post)) = &mut event.body {
            post.at = at(3_000);
        }
        event
    });
    append(log, of_one_moment.collect()).await;
    let within = async |words: &str, after: Option<i64>, before: Option<i64>, limit: usize| {
        let between = Between { after: after.map(at), before: before.map(at) };
        let hits = log.search_within(words.to_owned(), between, limit).await.expect("answered");
        assert!(hits.iter().all(|hit| between.holds(hit.at)));
        hits.iter().map(|hit| hit.at.as_second() - at(0).as_second()).collect::<Vec<_>>()
    };
    assert_eq!(within("late", Some(10), Some(14), 50).await, [13, 12, 11, 10]);
    assert_eq!(within("荷物", Some(10), Some(14), 50).await, [12, 10]);
    assert_eq!(within("荷", Some(10), Some(13), 2).await, [12, 11]);
    assert_eq!(within("lat", None, Some(4), 50).await, [3, 2, 1]);
    assert_eq!(within("", Some(1_999), Some(2_500), 50).await, [2_000, 1_999], "a time alone");
    assert_eq!(within("late", Some(2_000), Some(3_000), 5).await, [2_000]);
    assert_eq!(within("late", Some(3_000), None, 5_000).await.len(), 1_500);
    assert_eq!(within("", None, None, 50).await, Vec::<i64>::new());
}
