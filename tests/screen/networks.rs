//! Several networks on one screen: whose a post is, as whom one writes, in what unit a text is too long.

use replydeck::app::compose_text::published;
use replydeck::app::{App, ColumnSource, Mode};
use replydeck::desk::PostView;
use replydeck::model::event::Standing;
use replydeck::model::{Account, AccountName, ConversationId, NetworkKind, PostId, Purpose};
use replydeck::ui::Theme;

use super::{Screen, assert_has, deck, modes};

const LONG: &str = "customer-care.northern-region.acme-broadband.example";

fn screen(app: &App) -> String {
    Screen::new(app.size, Theme::plain()).text(app)
}

fn account(network: NetworkKind, handle: &str) -> Account {
    Account {
        network,
        name: AccountName::new(network.prefix()),
        handle: handle.to_owned(),
        id: None,
        ..deck::account()
    }
}

fn source(network: NetworkKind) -> ColumnSource {
    let name = AccountName::new(network.prefix());
    ColumnSource { network, account: name.clone(), reply_as: name }
}

/// One post of each network in a column that hears all of them.
fn shared(size: (u16, u16)) -> App {
    let mut app = deck::app(&[("outage", "acme (down OR outage) -is:retweet"), ("x-only", "acme")], size);
    "outage".clone_into(&mut app.setup.columns[0].title);
    app.setup.accounts = vec![
        account(NetworkKind::X, "AcmeHelp"),
        account(NetworkKind::Bluesky, LONG),
        account(NetworkKind::Mastodon, "help@acme.example"),
    ];
    app.setup.columns[0].sources = NetworkKind::ALL.map(source).to_vec();
    app.setup.columns[1].sources = vec![source(NetworkKind::X)];
    for (n, network) in (1..).zip(NetworkKind::ALL) {
        let minutes = i64::try_from(n).expect("few");
        let columns = if network == NetworkKind::X { &["outage", "x-only"][..] } else { &["outage"] };
        let at = deck::minutes_ago(minutes);
        let id = deck::add(&mut app, n, &format!("user{n}"), at, "acme is down", columns, Standing::Customer);
        if network != NetworkKind::X {
            moved(&mut app, &id, network);
        }
    }
    app
}

/// Makes a post one of another network.
fn moved(app: &mut App, id: &PostId, network: NetworkKind) {
    let native = format!("{}-{}", network.prefix(), id.native());
    let to = PostId::new(network, &native);
    let view = app.desk.posts.remove(id).expect("the post");
    let conversation = ConversationId::new(network, &native);
    let mut view = PostView { id: to.clone(), conversation: conversation.clone(), ..view };
    let body = view.body.as_mut().map(std::sync::Arc::make_mut).expect("its body");
    body.id = to.clone();
    body.conversation = conversation;
    for column in app.desk.columns.values_mut() {
        if column.window.remove(&(view.at, id.clone())) {
            column.window.insert((view.at, to.clone()));
        }
    }
    let case = app.desk.cases.get_mut(&view.case.expect("a case")).expect("its case");
    case.posts = vec![to.clone()];
    app.desk.posts.insert(to, view);
}

#[test]
fn rows_of_a_column_that_hears_several_networks_say_whose_they_are() {
    let all = screen(&shared((80, 24)));
    assert_has(&all, &["0:01 X @user1", "0:02 B @user2", "0:03 M @user3", "X B M  follow |"]);
    // Where all rows are of one network, none says so.
    assert_has(&all, &["0:01 @user1"]);
    assert_eq!(all.matches("@user1").count(), 2, "{all}");
}

#[test]
fn the_help_explains_the_letters_where_there_are_any() {
    let mut app = shared((80, 24));
    app.mode = Mode::Help { scroll: u16::MAX };
    let help = |app: &App| {
        let words = screen(app);
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(help(&app).contains("a post of X, Bluesky or Mastodon"), "{}", help(&app));
    app.setup.accounts.truncate(1);
    assert!(!help(&app).contains("a post of X, Bluesky or Mastodon"), "{}", help(&app));
}

#[test]
fn a_column_without_a_title_shows_its_name_and_as_much_of_its_query_as_there_is_room_for() {
    assert_has(&screen(&shared((80, 24))), &["1 outage  acme (down..  X B M"]);
    assert_has(&screen(&shared((140, 24))), &["1 outage  acme (down OR outage) -is:retweet"]);
    let mut named = shared((140, 24));
    named.setup.columns[0].title = "Outages".to_owned();
    assert!(!screen(&named).contains("-is:retweet"), "{}", screen(&named));
}

/// Focuses the post of Bluesky.
fn on_bluesky(size: (u16, u16)) -> App {
    let mut app = shared(size);
    let post = app.desk.posts.values().find(|post| post.id.network() == NetworkKind::Bluesky).expect("one");
    app.columns[0].selected = Some(post.id.clone());
    app
}

#[test]
fn the_head_shortens_the_handle_before_it_drops_what_matters() {
    let app = on_bluesky((80, 24));
    let all = screen(&app);
    let head = all.lines().next().expect("a head");
    assert_has(head, &["as @customer-", ".. (Bluesky)  link 0/3  mine 0  new 3", "14:32Z"]);
    let mut app = on_bluesky((80, 24));
    modes::open(&mut app, "preview");
    let all = screen(&app);
    let head = all.lines().next().expect("a head");
    assert_has(head, &["PREVIEW - nothing is sent yet", "14:32Z"]);
    // Beside a login that is lost the same is said in one word.
    app.logins.insert(
        AccountName::new("x"),
        replydeck::model::LoginState::Out { why: "over".to_owned(), remedy: "replydeck auth x".to_owned() },
    );
    let all = screen(&app);
    let head = all.lines().next().expect("a head");
    assert_has(head, &["PREVIEW", "x LOGGED OUT: replydeck auth x"]);
}

#[test]
fn what_stands_behind_a_content_warning_is_folded_until_the_case_is_opened() {
    let mut app = shared((200, 50));
    for view in app.desk.posts.values_mut() {
        let body = view.body.as_mut().map(std::sync::Arc::make_mut).expect("its body");
        body.text = "CW: outage rant\n\nNo kettle since Monday".to_owned();
    }
    let of = |network| move |post: &&PostView| post.id.network() == network;
    let select = |app: &mut App, network| {
        let id = app.desk.posts.values().find(of(network)).expect("one").id.clone();
        app.columns[0].selected = Some(id);
    };
    select(&mut app, NetworkKind::Mastodon);
    let all = screen(&app);
    // In its row and in the pane beside the columns; the other networks have no such thing.
    assert_eq!(all.matches("[4 words folded]").count(), 2, "{all}");
    assert_eq!(all.matches("No kettle since Monday").count(), 3, "X twice and Bluesky once\n{all}");
    modes::open(&mut app, "case");
    select(&mut app, NetworkKind::Mastodon);
    let opened = screen(&app);
    assert_eq!(opened.matches("No kettle since Monday").count(), 4, "the case tells all\n{opened}");
    assert_eq!(opened.matches("[4 words folded]").count(), 1, "its row does not\n{opened}");
    modes::open(&mut app, "find-list");
    let hits = screen(&app);
    assert_eq!(hits.matches("CW: outage rant [4 words folded]").count(), 1, "nor does a hit\n{hits}");
}

fn write(app: &mut App, purpose: Purpose, text: &str) {
    modes::open(app, "composer");
    let post = app.columns[0].selected.clone().expect("a post");
    let view = app.desk.posts[&post].clone();
    let account = app.setup.accounts.iter().find(|account| account.network == post.network()).expect("one").clone();
    let Mode::Composer(composer) = &mut app.mode else { panic!("no composer") };
    (composer.to, composer.account, composer.purpose) = (post, account.name.clone(), purpose);
    composer.case = view.case.expect("a case");
    let body = view.body.expect("a body");
    composer.length = account.length(&published(purpose, &body, &account, text, None));
}

#[test]
fn the_composer_says_who_will_see_it_and_what_for_whatever_the_handle() {
    let mut app = on_bluesky((80, 24));
    write(&mut app, Purpose::Both, "Sorry!");
    let all = screen(&app);
    assert_has(&all, &["REPLY draft PUBLIC  as @customer", "  saved  ack + ask-DM"]);
    let mut app = on_bluesky((80, 24));
    write(&mut app, Purpose::Acknowledgement, "Sorry!");
    assert_has(&screen(&app), &["REPLY draft PUBLIC  as @customer-care", ".. (Bluesky)  saved  ack"]);
}

#[test]
fn a_text_that_is_too_long_in_bytes_says_bytes() {
    let mut app = on_bluesky((80, 24));
    write(&mut app, Purpose::Acknowledgement, &"👨‍👩‍👧‍👦".repeat(125));
    assert_has(&screen(&app), &["3125/3000 bytes TOO LONG by 125"]);
    write(&mut app, Purpose::Acknowledgement, &"a".repeat(301));
    assert_has(&screen(&app), &["301/300 TOO LONG by 1"]);
}

#[test]
fn the_preview_says_how_each_network_counts() {
    let mut app = shared((80, 24));
    modes::open(&mut app, "preview");
    for (network, words) in [
        (NetworkKind::X, "X weighted, link counts 23"),
        (NetworkKind::Bluesky, "/300 (characters)"),
        (NetworkKind::Mastodon, "/500 (characters, link counts 23)"),
    ] {
        let account = app.setup.accounts.iter().find(|account| account.network == network).expect("one").clone();
        let Mode::Preview(preview) = &mut app.mode else { panic!("no preview") };
        preview.account = account.name.clone();
        preview.length = account.length(&preview.text);
        assert_has(&screen(&app), &[words]);
    }
}
