//! The people of the scenario: names, handles and habits of nobody at all.

use super::chance::Chance;
use super::texts::Lang;
use super::world::{Person, World};

/// Somebody who does not exist.
pub(super) fn invent(chance: &mut Chance, n: u64, world: &World) -> Person {
    let lot = chance.unit();
    let lang = [(0.58, Lang::English), (0.70, Lang::Italian), (0.82, Lang::Spanish), (0.92, Lang::German)]
        .into_iter()
        .find(|(below, _)| lot < *below)
        .map_or(Lang::Japanese, |(_, lang)| lang);
    let phrases = lang.phrases();
    let given = chance.pick(phrases.given_names);
    let name = match chance.below(5) {
        0 => given.to_owned(),
        1 => format!("{given} {}", chance.pick(&["🌻", "☕️", "🏳️‍🌈", "🚲", "🐈‍⬛", "⚡️"])),
        _ if lang == Lang::Japanese => format!("{}{given}", chance.pick(phrases.family_names)),
        _ => format!("{given} {}", chance.pick(phrases.family_names)),
    };
    let (first, second) = (chance.pick(phrases.handle_words), chance.pick(phrases.handle_words));
    let wish = match chance.below(4) {
        0 => format!("{first}_{second}"),
        1 => format!("{first}{}", chance.below(9_000)),
        2 => format!("the_{first}{}", chance.below(90)),
        _ => format!("{first}{second}{}", chance.below(100)),
    };
    let wish: String = wish.chars().take(15).collect();
    let taken = world.person_named(&wish).is_some();
    let handle = if taken { format!("{}_{n}", wish.chars().take(5).collect::<String>()) } else { wish };
    let magnitude = u32::try_from(chance.below(100)).unwrap_or(0);
    // Most have tens or hundreds of followers, one in a hundred has very many.
    let ceiling = match magnitude {
        0..=34 => 90,
        35..=79 => 900,
        80..=94 => 6_000,
        95..=98 => 60_000,
        _ => 900_000,
    };
    let mut id = 10_000_000 + chance.below(1_900_000_000_000_000_000);
    while world.people.contains_key(&id) {
        id += 1;
    }
    Person {
        id,
        handle,
        name,
        lang,
        followers: chance.below(ceiling),
        following: chance.below(700),
        posts: chance.below(9_000),
        is_verified: chance.happens(0.06),
        dm_open: chance.happens(0.6),
        blocks_us: false,
        follows_us: false,
        wrote_us: false,
    }
}
