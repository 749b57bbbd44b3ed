//! The config as it is in force, written as TOML that gives the same config again. Secrets appear only as the
//! places they are kept in.

use std::fmt::Write;

use jiff::tz::TimeZone;
use url::Url;

use super::account::{Access, AccountConfig, BlueskyAccess, MastodonAccess, UserSecrets, XAccess};
use super::hours::ClockConfig;
use super::login::LoginSecrets;
use super::secret::SecretSource;
use super::{Config, duration, hours};
use crate::model::account::Tier;
use crate::model::sla::Targets;

impl Config {
    /// Everything in force, defaults included.
    pub fn show(&self) -> String {
        let mut out = String::new();
        let mut line = |key: &str, value: String| {
            // Writing to a string cannot fail.
            let _written = writeln!(out, "{key} = {value}");
        };
        line("rep", text(self.effective_rep().as_str()));
        line("role", text(self.role.word()));
        let team: Vec<String> = self.team.iter().map(ToString::to_string).collect();
        line("team", list(&team));
        line("open_cases", self.open_cases.to_string());
        line("deck", text(&self.deck));
        if let Some(signature) = &self.signature {
            line("signature", text(signature));
        }
        line("hold", text(&duration::write(self.hold)));
        line("release_after", text(&duration::write(self.release_after)));
        if let Some(zone) = self.effective_zone().iana_name() {
            line("zone", text(zone));
        }
        line("bell", self.bell.to_string());
        line("shortcodes", self.shortcodes.to_string());
        line("reach_percent", self.reach_percent.to_string());
        line("causes", list(&self.causes));
        line("outcomes", list(&self.outcomes));
        let queues: Vec<String> = self.queues.iter().map(|queue| queue.word().to_owned()).collect();
        line("queues", list(&queues));
        self.show_clocks(&mut out);
        out.push_str("\n[openings]\n");
        let openings = &self.openings;
        for (key, value) in [
            ("acknowledgement", &openings.acknowledgement),
            ("dm_request", &openings.dm_request),
            ("both", &openings.both),
            ("happy_post", &openings.happy_post),
        ] {
            push(&mut out, key, &text(value));
        }
        self.people.show(&mut out);
        if !self.saved_replies.is_empty() {
            out.push_str("\n[saved_replies]\n");
            for saved in &self.saved_replies {
                push(&mut out, &key(&saved.name), &text(&saved.text));
            }
        }
        for account in &self.accounts {
            show_account(&mut out, account);
        }
        for column in &self.columns {
            out.push_str("\n[[columns]]\n");
            push(&mut out, "name", &text(column.name.as_str()));
            push(&mut out, "title", &text(&column.title));
            let accounts: Vec<String> = column.sources.iter().map(|source| source.account.to_string()).collect();
            match accounts.as_slice() {
                [account] => push(&mut out, "account", &text(account)),
                _ => push(&mut out, "accounts", &list(&accounts)),
            }
            push(&mut out, "query", &text(column.rule.source()));
            show_targets(&mut out, column.targets);
            let answering: Vec<String> = column.sources.iter().map(|source| source.reply_as.to_string()).collect();
            match answering.as_slice() {
                [account] => push(&mut out, "reply_as", &text(account)),
                _ => push(&mut out, "reply_as", &list(&answering)),
            }
        }
        if !self.keys.is_empty() {
            out.push_str("\n[keys]\n");
            for (command, keys) in &self.keys {
                push(&mut out, &key(command), &list(keys));
            }
        }
        out
    }

    fn show_clocks(&self, out: &mut String) {
        if let Some(office) = &self.office {
            out.push_str("\n[office_hours]\n");
            if let Some(zone) = office.zone.as_ref().and_then(TimeZone::iana_name) {
                push(out, "zone", &text(zone));
            }
            for (key, day) in hours::DAYS {
                let spans = office.hours.iter().filter(|(of, _)| *of == day);
                let spans: Vec<String> = spans.map(|(_, span)| hours::write_span(*span)).collect();
                if !spans.is_empty() {
                    push(out, key, &list(&spans));
                }
            }
            let holidays: Vec<String> = office.holidays.iter().map(ToString::to_string).collect();
            push(out, "holidays", &list(&holidays));
            if let Some(file) = &office.holidays_file {
                push(out, "holidays_file", &text(&file.display().to_string()));
            }
        }
        out.push_str("\n[clocks]\n");
        let ClockConfig { targets, stops, alert_outside_hours } = &self.clocks;
        show_targets(out, *targets);
        for (key, clocks) in [("snooze_stops", &stops.snoozed), ("waiting_stops", &stops.waiting)] {
            let words: Vec<String> = clocks.iter().map(|clock| clock.word().to_owned()).collect();
            push(out, key, &list(&words));
        }
        push(out, "alert_outside_hours", &alert_outside_hours.to_string());
    }
}

fn show_targets(out: &mut String, targets: Targets) {
    push(out, "first", &text(&duration::write(targets.first)));
    push(out, "next", &text(&duration::write(targets.next)));
    if let Some(resolution) = targets.resolution {
        push(out, "resolution", &text(&duration::write(resolution)));
    }
}

fn show_account(out: &mut String, account: &AccountConfig) {
    out.push_str("\n[accounts.");
    out.push_str(&key(account.name.as_str()));
    out.push_str("]\n");
    push(out, "network", &text(account.network().prefix()));
    push(out, "handle", &text(&account.handle));
    if let Some(id) = &account.user_id {
        push(out, "user_id", &text(id));
    }
    push(out, "base_url", &text(&address(&account.base_url)));
    match &account.access {
        Access::X(x) => show_x(out, x),
        Access::Bluesky(bluesky) => show_bluesky(out, bluesky),
        Access::Mastodon(mastodon) => show_mastodon(out, mastodon),
    }
    push(out, "watch_own", &account.watch_own.to_string());
    push(out, "messages", &account.messages.to_string());
    if !account.reps.is_empty() {
        let reps: Vec<String> = account.reps.iter().map(ToString::to_string).collect();
        push(out, "reps", &list(&reps));
    }
    push(out, "confirm", &account.confirm.to_string());
}

fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn show_x(out: &mut String, x: &XAccess) {
    let tier = match x.tier {
        Tier::PayPerUse => "pay-per-use",
        Tier::Enterprise => "enterprise",
    };
    push(out, "tier", &text(tier));
    push(out, "bearer", &source(&x.bearer));
    match &x.user {
        None => {}
        Some(UserSecrets::OAuth2 { access_token }) => push(out, "access_token", &source(access_token)),
        Some(UserSecrets::OAuth1 { consumer_key, consumer_secret, token, token_secret }) => {
            push(out, "consumer_key", &text(consumer_key));
            push(out, "consumer_secret", &source(consumer_secret));
            push(out, "token", &text(token));
            push(out, "token_secret", &source(token_secret));
        }
        Some(UserSecrets::Login(LoginSecrets { client, consumer })) => {
            if let Some(client) = client {
                push(out, "client_id", &text(&client.id));
                if let Some(secret) = &client.secret {
                    push(out, "client_secret", &source(secret));
                }
                push(out, "redirect", &text(client.redirect.as_str()));
            }
            if let Some(consumer) = consumer {
                push(out, "consumer_key", &text(&consumer.key));
                push(out, "consumer_secret", &source(&consumer.secret));
            }
        }
    }
    push(out, "activity", &x.activity.to_string());
    if let Some(limit) = x.daily_limit {
        push(out, "daily_limit", &limit.as_number());
    }
    if !x.prices.is_empty() {
        let prices: Vec<_> =
            x.prices.iter().map(|(act, price)| format!("{} = {}", act.key(), price.as_number())).collect();
        push(out, "prices", &format!("{{ {} }}", prices.join(", ")));
    }
}

fn show_bluesky(out: &mut String, bluesky: &BlueskyAccess) {
    if let Some(password) = &bluesky.app_password {
        push(out, "app_password", &source(password));
    }
    push(out, "jetstreams", &list(&bluesky.jetstreams.iter().map(address).collect::<Vec<_>>()));
    push(out, "appview", &text(&address(&bluesky.appview)));
    push(out, "compress", &bluesky.compress.to_string());
}

fn show_mastodon(out: &mut String, mastodon: &MastodonAccess) {
    if let Some(token) = &mastodon.token {
        push(out, "access_token", &source(token));
    }
    if let Some(streaming) = &mastodon.streaming {
        push(out, "streaming", &text(&address(streaming)));
    }
    push(out, "visibility", &text(mastodon.visibility.word()));
}

pub(super) fn push(out: &mut String, key: &str, value: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(out, "{key} = {value}");
}

/// A string in TOML's basic form on one line: what acts on a terminal is escaped.
pub(super) fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if crate::model::clean::text(c.encode_utf8(&mut [0; 4])).is_empty() => {
                let _written = write!(out, "\\U{:08X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

pub(super) fn list(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "))
}

/// A key, in quotes where TOML wants them.
pub(super) fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { name.to_owned() } else { text(name) }
}

fn source(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(name) => format!("{{ env = {} }}", text(name)),
        SecretSource::Command(words) => format!("{{ command = {} }}", list(words)),
        SecretSource::File(path) => format!("{{ file = {} }}", text(&path.display().to_string())),
        SecretSource::Keyring(name) => format!("{{ keyring = {} }}", text(name)),
    }
}
