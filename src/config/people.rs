//! `[people]`: who is marked, who is looked at first, and who gets them.

use super::problem::Problem;
use super::read::{check_name, once_each, one_line};
use super::show::{key, list, push, text};
use super::table::{Reader, Table, suggest};
use crate::app::people::People;
use crate::model::{AuthorId, RepName};

/// Days beyond which a contact is no repeat.
const MOST_DAYS: i64 = 365;

/// What `[people]` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleConfig {
    pub people: People,
    /// The group that gets repeat contacts.
    pub repeat_group: Option<String>,
    /// In file order.
    pub groups: Vec<(String, Vec<RepName>)>,
}

/// `team`: the reps the config names; where it names none, a group may hold anybody.
pub(super) fn read(reader: &mut Reader<'_>, mut table: Table<'_>, team: &[RepName]) -> PeopleConfig {
    let mut config = PeopleConfig::default();
    if let Some(value) = table.take("vip") {
        let listed = reader.as_texts("vip", value, "a list such as [\"@jo_m\", \"x:7\"]").unwrap_or_default();
        for name in listed {
            let Some(word) = one_line(reader, "vip", &name) else { continue };
            if AuthorId::written(word).is_some() {
                config.people.vip.push(word.to_owned());
            } else if let Some(handle) = word.strip_prefix('@').filter(|handle| !handle.is_empty()) {
                config.people.vip.push(handle.to_lowercase());
            } else {
                let problem = Problem::new(name.span.clone(), format!("`vip` names nobody: `{word}`"));
                reader
                    .problem(problem.remedy("write a handle with its @, or an id with its network: \"x:1234567890\""));
            }
        }
    }
    if let Some(floor) = table.whole_number(reader, "follower_floor", 1..=10_000_000_000) {
        config.people.follower_floor = u64::try_from(floor).ok();
    }
    if let Some(contacts) = table.whole_number(reader, "repeat_contacts", 0..=100) {
        config.people.repeat_contacts = u32::try_from(contacts).unwrap_or_default();
    }
    if let Some(days) = table.whole_number(reader, "repeat_days", 1..=MOST_DAYS) {
        config.people.repeat_days = u32::try_from(days).unwrap_or(config.people.repeat_days);
    }
    let group = table.text(reader, "repeat_group", "a group's name in quotes");
    let groups = table.take("groups").and_then(|value| reader.as_table("groups", value, "a table: [people.groups]"));
    for (name, value) in groups.as_ref().map(Table::all).unwrap_or_default() {
        check_name(reader, "group", &name);
        let what = format!("groups.{}", name.value);
        let reps = reader.as_texts(&what, value, "a list such as [\"ana\", \"bo\"]").unwrap_or_default();
        for rep in reps.iter().filter(|rep| !team.is_empty() && team.iter().all(|known| known.as_str() != rep.value)) {
            // What is handed to somebody who does not exist waits for ever.
            let problem =
                Problem::new(rep.span.clone(), format!("`{what}` names `{}`, who is not in `team`", rep.value));
            let known: Vec<&str> = team.iter().map(RepName::as_str).collect();
            reader.problem(problem.remedy(suggest(rep.value, &known, "reps in `team`")));
        }
        let reps = once_each(reader, (&what, "rep"), &reps);
        if reps.is_empty() {
            let problem = Problem::new(value.span(), format!("the group `{}` has nobody in it", name.value));
            reader.problem(problem.remedy("name reps, or leave the group away"));
        }
        config.groups.push((name.value.to_owned(), reps.iter().map(|rep| RepName::new(rep)).collect()));
    }
    if let Some(group) = group {
        if let Some((name, reps)) = config.groups.iter().find(|(name, _)| name == group.value) {
            config.repeat_group = Some(name.clone());
            config.people.repeat_reps.clone_from(reps);
        } else {
            let known: Vec<&str> = config.groups.iter().map(|(name, _)| name.as_str()).collect();
            let remedy = if known.is_empty() {
                format!("describe it: [people.groups] with {} = [\"ana\"]", group.value)
            } else {
                suggest(group.value, &known, "groups here")
            };
            let problem = Problem::new(group.span.clone(), format!("there is no group `{}`", group.value));
            reader.problem(problem.remedy(remedy));
        }
    }
    table.finish(reader);
    config
}

impl PeopleConfig {
    /// As TOML that reads back as the same.
    pub(super) fn show(&self, out: &mut String) {
        out.push_str("\n[people]\n");
        let People { vip, follower_floor, repeat_contacts, repeat_days, .. } = &self.people;
        let vip: Vec<String> = vip
            .iter()
            .map(|name| if AuthorId::written(name).is_some() { name.clone() } else { format!("@{name}") })
            .collect();
        push(out, "vip", &list(&vip));
        if let Some(floor) = follower_floor {
            push(out, "follower_floor", &floor.to_string());
        }
        push(out, "repeat_contacts", &repeat_contacts.to_string());
        push(out, "repeat_days", &repeat_days.to_string());
        if let Some(group) = &self.repeat_group {
            push(out, "repeat_group", &text(group));
        }
        if !self.groups.is_empty() {
            out.push_str("\n[people.groups]\n");
            for (name, reps) in &self.groups {
                let reps: Vec<String> = reps.iter().map(ToString::to_string).collect();
                push(out, &key(name), &list(&reps));
            }
        }
    }
}
