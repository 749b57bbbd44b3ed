//! The example file: every key with what it is for, the defaults as values. `config.example.toml` in the
//! repository is this text, and a test holds the two equal.

use super::account::{APPVIEW, JETSTREAMS, SERVICE, X_BASE_URL};
use super::login::REDIRECT;
use super::show::text;
use super::{Config, DEFAULT_TARGET, duration};
use crate::model::sla::Clock;

/// A file to start from. It is a valid config: only the handle, the queries and the secrets are still examples.
pub fn example() -> String {
    let Config {
        role,
        open_cases,
        deck,
        hold,
        release_after,
        bell,
        shortcodes,
        reach_percent,
        openings,
        queues,
        clocks,
        people,
        ..
    } = Config::default();
    let (repeat_contacts, repeat_days) = (people.people.repeat_contacts, people.people.repeat_days);
    let role = text(role.word());
    let release_after = text(&duration::write(release_after));
    let (deck, hold, target) = (text(&deck), text(&duration::write(hold)), text(&duration::write(DEFAULT_TARGET)));
    let (acknowledgement, dm_request, both, happy_post) =
        (text(&openings.acknowledgement), text(&openings.dm_request), text(&openings.both), text(&openings.happy_post));
    let queues: Vec<String> = queues.iter().map(|queue| text(queue.word())).collect();
    let queues = format!("[{}]", queues.join(", "));
    let words = |clocks: &[Clock]| clocks.iter().map(|clock| text(clock.word())).collect::<Vec<_>>().join(", ");
    let (snooze_stops, waiting_stops) = (words(&clocks.stops.snoozed), words(&clocks.stops.waiting));
    let alert_outside_hours = clocks.alert_outside_hours;
    let (base_url, redirect) = (text(X_BASE_URL), text(REDIRECT));
    let (service, appview) = (text(SERVICE), text(APPVIEW));
    let jetstreams = JETSTREAMS.map(text).join(", ");
    format!(
        r#"# replydeck: everything it can be told. Values are the defaults unless a line says "example".
# Unknown keys are errors. `replydeck check` says what works, without sending anything.

# Your name on claims and replies; the team sees it. Default: your login name.
# rep = "ana"

# What you are trusted with: "watcher" reads, tags and notes, and can send nothing; "rep" does a rep's work;
# "lead" may also hand over what others hold and go over open_cases.
role = {role}

# Whom `a` offers to hand a case to; reps seen at work are offered as well. Default: none.
# team = ["ana", "bo"]

# So many open cases a rep may hold; one more is refused, with the count. 0: as many as they like.
open_cases = {open_cases}

# Part of the tags of our rules at X (replydeck/DECK/COLUMN). Rules with other tags are never touched,
# so give each deck that shares an X app a name of its own.
deck = {deck}

# Put once at the end of every reply, after a space, and counted in its length. Default: none.
# signature = "^AN"

# A confirmed reply waits so long before it is sent; `u` takes it back. From "0s" to "10m".
hold = {hold}

# A case claimed in a session that was cut off (killed, its line lost) is marked for the others, and free again
# after so long. "0s": never.
release_after = {release_after}

# All times on the screen are told in this zone. Default: the system's.
# zone = "Europe/Rome"

# Ring the terminal's bell: when cases become overdue (once for each, one bell for a burst), when a case is handed to
# you or is back from a snooze, and when a reply of yours fails.
bell = {bell}

# Show emoji that terminals measure differently as their :shortcode:. Only on the screen, never in what is sent.
shortcodes = {shortcodes}

# A post is assumed to reach this share of its author's followers, in percent.
reach_percent = {reach_percent}

# The causes to choose from when a case is resolved. Default: none, resolving asks nothing.
# causes = ["outage", "slow line", "billing"]

# The outcomes to choose from after the cause. Default: none, resolving does not ask.
# outcomes = ["restored", "credit", "explained"]

# Cases in the order in which they are due, as columns behind the others: "mine", "due" (everything, whoever has it),
# "overdue", "waiting" (on the customer, or put off) and "messages" (with direct messages). []: none.
queues = {queues}

# By what the clocks of cases run. The first answer and the next ones are due so long after the customer's post (its own
# time), the end of the case so long after its first post. Default: no target for the end. Columns may say otherwise.
# From "1m" to "30d"; after 24 hours without an answer any case is overdue, by the wall clock, whatever the office hours.
[clocks]
first = {target}
next = {target}
# resolution = "2d"
# Which clocks ("first", "next", "resolution") stand still while a case is put off (`z`), and while it is the
# customer's turn. A resolved case's clocks stand still; reopened, they go on.
snooze_stops = [{snooze_stops}]
waiting_stops = [{waiting_stops}]
# Ring for overdue cases outside office hours as well; else the bell waits for the morning.
alert_outside_hours = {alert_outside_hours}

# When the team works: only then do the clocks run. Default: day and night.
# [office_hours]
# Default: `zone`.
# zone = "Europe/Rome"
# monday = ["09:00-13:00", "14:00-18:00"]
# tuesday = ["09:00-13:00", "14:00-18:00"]
# wednesday = ["09:00-13:00", "14:00-18:00"]
# thursday = ["09:00-13:00", "14:00-18:00"]
# friday = ["09:00-13:00", "14:00-18:00"]
# "22:00-06:00" goes on until the next morning, "00:00-24:00" is the whole day.
# saturday = ["10:00-14:00"]
# Closed from midnight to midnight.
# holidays = ["2026-12-25", "2027-01-01"]
# More of them, one date a line with anything behind it; read again when the config is.
# holidays_file = "holidays.txt"

# Who is marked in front of their posts, and who is looked at first. All of it may be left away.
[people]
# Shown as VIP: "@handle", or the author's id, such as "x:1234567890", which a new handle does not change. Example:
# vip = ["@example_daily", "x:1234567890"]
# Whoever has so many followers is shown with their number in front. Default: nobody. Example:
# follower_floor = 10000
# So many contacts of one person within so many days raise the priority of a case. 0: never.
repeat_contacts = {repeat_contacts}
repeat_days = {repeat_days}
# Such a case is handed to whoever of this group has the fewest. Default: whoever claims it. Example:
# repeat_group = "seniors"

# Groups of reps by name. Default: none; this one is an example.
# [people.groups]
# seniors = ["ana", "bo"]

# What a new draft starts with. Slots stand in braces: {{name}} and {{handle}} fill themselves, any other
# must be filled by hand before the preview opens.
[openings]
acknowledgement = {acknowledgement}
dm_request = {dm_request}
both = {both}
happy_post = {happy_post}

# Texts to insert with `::` in the editor, by name. Default: none; this one is an example.
[saved_replies]
slow-line = "Sorry about the slow line, {{name}}. {{what_next}}"

# One table per login of the brand; the name after the dot is yours to choose. All of this one is an example.
[accounts.example]
network = "x"
# Without the @.
handle = "ExampleHelp"
# The account's number. A DM request needs it for its link, and X's answers are judged by it.
user_id = "1234567890"
# Your plan with X: "pay-per-use" or "enterprise". It decides who may be answered and how long a query may be.
tier = "pay-per-use"
# Where the API is. A rehearsal (`replydeck sim`) is just another address.
base_url = {base_url}
# A secret never stands in this file; name where it is kept:
#   {{ env = "NAME" }}                          an environment variable
#   {{ command = ["pass", "show", "x/bearer"] }} the first line a program prints (no shell, 30 s at most)
#   {{ file = "x.bearer" }}                     the first line of a file of mode 0600, beside this one or absolute
#   {{ keyring = "x-bearer" }}                  the desktop's keyring (only if built with `--features keyring`)
# The app's own bearer token: listening takes no other.
bearer = {{ env = "REPLYDECK_X_BEARER" }}
# To send, one of three ways; without any the account only listens.
# OAuth 2.0 by `replydeck auth`, which keeps the tokens in the data folder and renews them:
# client_id = "from the console"
# Only where the app is a confidential client; a public one has no secret.
# client_secret = {{ env = "REPLYDECK_X_CLIENT_SECRET" }}
# One of the app's redirect addresses, letter by letter. This one is the default:
# redirect = {redirect}
# Or OAuth 1.0a, valid until revoked. With the first two `replydeck auth --pin` gets the others:
# consumer_key = "from the console"
# consumer_secret = {{ env = "REPLYDECK_X_CONSUMER_SECRET" }}
# token = "from the console"
# token_secret = {{ env = "REPLYDECK_X_TOKEN_SECRET" }}
# Or an OAuth 2.0 user token made elsewhere, which lives two hours and is not renewed:
# access_token = {{ env = "REPLYDECK_X_ACCESS_TOKEN" }}
# Also listen for the account's own posts, so that answers written elsewhere and hand-overs are seen.
# Each costs what any post read costs.
watch_own = true
# Also read the account's direct messages, which takes its own token with the scope dm.read. X asks $0.01 for each.
messages = true
# Be told by X's Activity stream, a line of its own, where the plan has it: of direct messages at once, of our own posts
# (with watch_own) and of those deleted, and of mentions and replies where a column shows them all, such as one that asks
# for (@ExampleHelp OR to:ExampleHelp). What no column shows is not asked for, as X bills it. Where the plan has no such
# stream, direct messages are looked for every two minutes.
activity = true
# Who may read and write its direct messages. Default: the whole team.
# reps = ["ana", "bo"]
# Ask for a second deliberate key before anything is sent from this account.
confirm = false
# When a UTC day has cost so many dollars, reading pauses until the next one, or until you raise the limit for today.
# What you confirm goes out all the same. Default: no limit. `g$` in the deck shows what was spent.
# daily_limit = 20.0
# Prices other than X's pay-per-use list, in dollars. An enterprise contract has its own; without them nothing is counted.
# prices = {{ post_read = 0.005, user_read = 0.01, post = 0.015, post_with_link = 0.2, summoned_reply = 0.01 }}

# An account on Bluesky; example, without the #.
# [accounts.example-bluesky]
# network = "bluesky"
# handle = "example.bsky.social"
# The account's permanent id. Default: asked for.
# user_id = "did:plc:…"
# Made in Bluesky's settings, with direct messages allowed; without it the account only listens.
# app_password = {{ env = "REPLYDECK_BLUESKY_PASSWORD" }}
# Where it logs in; an account on a server of its own names that.
# base_url = {service}
# Where every post of Bluesky comes from, taken in turn; queries are matched here.
# jetstreams = [{jetstreams}]
# Ask for packed frames, which need less than half the bytes and little more time; a server that sends plain ones is
# read all the same.
# compress = true
# Where profiles are read.
# appview = {appview}

# An account on Mastodon, or on a server that speaks as it does; example, without the #.
# [accounts.example-mastodon]
# network = "mastodon"
# The server may be left away where it is that of base_url.
# handle = "help@example.social"
# base_url = "https://example.social"
# A user's token, or leave it away and log in with `replydeck auth`.
# access_token = {{ env = "REPLYDECK_MASTODON_TOKEN" }}
# Where its streams are. Default: where the server says.
# streaming = "wss://streaming.example.social"
# Our replies are for everybody: "public" also in the timelines, "unlisted" only in their conversation.
# visibility = "public"

# One table per column, shown in this order. All of these are examples.
[[columns]]
# One short word, unique: it names the column's rule at X and in `replydeck match`.
name = "mentions"
# Shown in the column's head. Default: the name, and behind it as much of the query as fits.
title = "@ExampleHelp"
account = "example"
# Or several accounts, one of each network, or the one account of each network:
# accounts = ["example", "example-bluesky"]
# networks = ["x", "bluesky", "mastodon"]
# X's own query language: words, "phrases", #tags, @mentions, from: to: url: lang: is: has:, OR, - and ( ).
query = "(@ExampleHelp OR to:ExampleHelp) -is:retweet -from:ExampleHelp"
# Of this column's cases. `first` alone holds for the next answers as well; its older word is
# target = "1h"
first = {target}
# next = "4h"
# resolution = "2d"
# Answers go out as this account, or these, one of each network. Default: those it is heard as.
reply_as = "example"

[[columns]]
name = "outage"
account = "example"
query = "(#exampleoutage OR \"example internet\") -is:retweet"
first = "15m"

# Other keys for commands; a command named here has only the keys given here. `?` in the deck lists all commands.
[keys]
# acknowledge = ["r"]
"#
    )
}
