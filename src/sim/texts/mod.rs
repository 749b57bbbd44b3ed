//! What the people of the scenario write. Every word is our own, for a brand that does not exist.
//!
//! A text is put together from phrases with slots, then roughened as people type: small letters, missing
//! stops, stretched vowels, swapped letters, emoji, hashtags.

mod de;
mod en;
mod es;
mod it;
mod ja;

use super::chance::Chance;
use super::world::BRAND_HANDLE;

/// The languages the scenario speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lang {
    #[default]
    English,
    Italian,
    Spanish,
    German,
    Japanese,
}

impl Lang {
    pub(super) const ALL: [Lang; 5] = [Lang::English, Lang::Italian, Lang::Spanish, Lang::German, Lang::Japanese];

    /// BCP 47.
    pub(super) fn code(self) -> &'static str {
        match self {
            Lang::English => "en",
            Lang::Italian => "it",
            Lang::Spanish => "es",
            Lang::German => "de",
            Lang::Japanese => "ja",
        }
    }

    pub(super) fn phrases(self) -> &'static Phrases {
        match self {
            Lang::English => &en::PHRASES,
            Lang::Italian => &it::PHRASES,
            Lang::Spanish => &es::PHRASES,
            Lang::German => &de::PHRASES,
            Lang::Japanese => &ja::PHRASES,
        }
    }
}

/// What somebody complains of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Outage,
    Hold,
    Billing,
    Slow,
    Visit,
}

/// What a post is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matter {
    Complaint(Cause),
    /// The same person again, for the so-manieth time, without an answer.
    Angrier(Cause, u32),
    Praise,
    Question,
    Spam,
    /// Words above a quoted post.
    Quoting,
    /// Public thanks for an acknowledgement.
    Thanks,
    /// Answered, and not content.
    StillNot,
    /// The answer to a DM request, given in public all the same.
    PublicInstead,
    /// The words of a direct message to the brand.
    DirectMessage,
    /// Public thanks after the direct messages.
    AfterDm,
    OptOut,
    /// The brand's own note in an outage.
    Notice,
}

/// The phrases of one language. Slots: `{b}` the brand, `{n}` a count, `{y}` years, `{t}` a time of day, `{c}` a city, `{a}` an
/// amount of money.
pub(super) struct Phrases {
    pub(super) openers: &'static [&'static str],
    pub(super) outage: &'static [&'static str],
    pub(super) hold: &'static [&'static str],
    pub(super) billing: &'static [&'static str],
    pub(super) slow: &'static [&'static str],
    pub(super) visit: &'static [&'static str],
    pub(super) consequences: &'static [&'static str],
    pub(super) closers: &'static [&'static str],
    pub(super) angrier: &'static [&'static str],
    pub(super) praise: &'static [&'static str],
    pub(super) questions: &'static [&'static str],
    pub(super) spam: &'static [&'static str],
    pub(super) quoting: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
    pub(super) still_not: &'static [&'static str],
    pub(super) public_instead: &'static [&'static str],
    pub(super) direct_message: &'static [&'static str],
    pub(super) after_dm: &'static [&'static str],
    pub(super) opt_out: &'static [&'static str],
    pub(super) notices: &'static [&'static str],
    /// The brand as it is written where it is not addressed.
    pub(super) brand: &'static [&'static str],
    pub(super) cities: &'static [&'static str],
    pub(super) given_names: &'static [&'static str],
    pub(super) family_names: &'static [&'static str],
    /// Parts of handles, plain ASCII.
    pub(super) handle_words: &'static [&'static str],
    pub(super) money: (&'static str, &'static str),
    /// Between sentences.
    pub(super) gap: &'static str,
}

/// How the brand is named in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `@AcmeHelp`: addressed, may be answered.
    Mention,
    /// As a word only.
    Word,
    /// Not at all, beyond what the text itself holds.
    Unnamed,
}

/// Writes one text. `tag` puts the incident's hashtag in.
pub(super) fn write(lang: Lang, matter: Matter, naming: Naming, tag: bool, chance: &mut Chance) -> String {
    let phrases = lang.phrases();
    let core = match matter {
        Matter::Complaint(cause) => complaint(phrases, cause, chance),
        Matter::Angrier(cause, times) => {
            let mut text = chance.pick(phrases.angrier).to_owned();
            if chance.happens(0.35) {
                text = [text.as_str(), chance.pick(of_cause(phrases, cause))].join(phrases.gap);
            }
            if times > 1 && lang != Lang::Japanese && chance.happens(0.4) {
                text = text
                    .to_uppercase()
                    .replace("{B}", "{b}")
                    .replace("{N}", "{n}")
                    .replace("{T}", "{t}")
                    .replace("{Y}", "{y}");
                text = text.replace("{C}", "{c}").replace("{A}", "{a}");
            }
            text
        }
        Matter::Praise => chance.pick(phrases.praise).to_owned(),
        Matter::Question => chance.pick(phrases.questions).to_owned(),
        Matter::Spam => chance.pick(phrases.spam).to_owned(),
        Matter::Quoting => chance.pick(phrases.quoting).to_owned(),
        Matter::Thanks => chance.pick(phrases.thanks).to_owned(),
        Matter::StillNot => chance.pick(phrases.still_not).to_owned(),
        Matter::PublicInstead => chance.pick(phrases.public_instead).to_owned(),
        Matter::DirectMessage => chance.pick(phrases.direct_message).to_owned(),
        Matter::AfterDm => chance.pick(phrases.after_dm).to_owned(),
        Matter::OptOut => chance.pick(phrases.opt_out).to_owned(),
        Matter::Notice => chance.pick(phrases.notices).to_owned(),
    };
    let by_the_brand = matter == Matter::Notice;
    let mut text = fill_slots(phrases, &core, naming, chance);
    if !by_the_brand && matter != Matter::Spam {
        text = roughen(lang, text, chance);
        if let Some(emoji) = emoji(matter, chance) {
            text = format!("{text} {emoji}");
        }
    }
    if tag {
        text = format!("{text} {}", chance.pick(&["#acmedown", "#acmedown", "#AcmeDown", "#ACMEDOWN"]));
    }
    let lower = text.to_lowercase();
    match naming {
        Naming::Mention if !lower.contains(&format!("@{}", BRAND_HANDLE.to_lowercase())) => {
            format!("@{BRAND_HANDLE} {text}")
        }
        Naming::Word if !tag && !phrases.brand.iter().any(|brand| lower.contains(&brand.to_lowercase())) => {
            format!("{} {text}", chance.pick(phrases.brand))
        }
        _ => text,
    }
}

fn of_cause(phrases: &Phrases, cause: Cause) -> &'static [&'static str] {
    match cause {
        Cause::Outage => phrases.outage,
        Cause::Hold => phrases.hold,
        Cause::Billing => phrases.billing,
        Cause::Slow => phrases.slow,
        Cause::Visit => phrases.visit,
    }
}

fn complaint(phrases: &Phrases, cause: Cause, chance: &mut Chance) -> String {
    let mut parts = Vec::new();
    if chance.happens(0.3) {
        parts.push(chance.pick(phrases.openers));
    }
    parts.push(chance.pick(of_cause(phrases, cause)));
    if chance.happens(0.45) {
        parts.push(chance.pick(phrases.consequences));
    }
    if chance.happens(0.35) {
        parts.push(chance.pick(phrases.closers));
    }
    // A few write an essay.
    if chance.happens(0.03) {
        for part in [phrases.consequences, phrases.angrier, of_cause(phrases, cause), phrases.closers] {
            parts.push(chance.pick(part));
        }
    }
    parts.join(phrases.gap)
}

fn fill_slots(phrases: &Phrases, core: &str, naming: Naming, chance: &mut Chance) -> String {
    let mut text = String::with_capacity(core.len() + 24);
    let mut rest = core;
    let mut named = false;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let slot = &rest[at..rest.len().min(at + 3)];
        match slot {
            "{b}" if naming == Naming::Mention && !named => {
                named = true;
                text.push('@');
                text.push_str(BRAND_HANDLE);
            }
            "{b}" => text.push_str(chance.pick(phrases.brand)),
            "{n}" => text.push_str(&(2 + chance.below(58)).to_string()),
            "{t}" => {
                let (hour, minute) = (7 + chance.below(15), 5 * chance.below(12));
                text.extend([hour.to_string(), format!(":{minute:02}")]);
            }
            "{y}" => text.push_str(&(2 + chance.below(17)).to_string()),
            "{c}" => text.push_str(chance.pick(phrases.cities)),
            "{a}" => {
                let (before, after) = phrases.money;
                let amount = (12 + chance.below(180)).to_string();
                text.extend([before, &amount, after]);
            }
            _ => text.push_str(slot),
        }
        rest = &rest[at + slot.len()..];
    }
    text.push_str(rest);
    text
}

/// As people type.
fn roughen(lang: Lang, text: String, chance: &mut Chance) -> String {
    let mut text = text;
    if lang == Lang::Japanese {
        if chance.happens(0.2) {
            text.push_str(chance.pick(&["。。。", "！！", "？？", "(泣)", "w"]));
        }
        return text;
    }
    if chance.happens(0.28) {
        text = text.to_lowercase().replace("@acmehelp", "@AcmeHelp");
    }
    if chance.happens(0.3) {
        text = text.trim_end_matches(['.', '!']).to_owned();
    }
    if chance.happens(0.1) {
        text = text.replace(", ", " ");
    }
    if chance.happens(0.12) {
        text = swap_letters(&text, chance);
    }
    if chance.happens(0.08) {
        text = stretch_a_word(&text, chance);
    }
    if chance.happens(0.12) {
        text.push_str(chance.pick(&["!!", "!!!", "...", "??", "?!", " smh", " …"]));
    }
    if chance.happens(0.04) {
        text = text.replacen(". ", ".\n\n", 1);
    }
    text
}

/// Changes one word that may be misspelt: not one that means something to the network.
fn change_a_word(
    text: &str,
    least: usize,
    chance: &mut Chance,
    misspell: impl Fn(&str, &mut Chance) -> String,
) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let plain: Vec<usize> = (0..words.len())
        .filter(|at| words[*at].chars().count() >= least && words[*at].chars().all(char::is_alphabetic))
        .filter(|at| !words[*at].to_lowercase().contains("acme"))
        .collect();
    let lot = usize::try_from(chance.below(plain.len() as u64)).unwrap_or(0);
    if let Some(at) = plain.get(lot) {
        words[*at] = misspell(&words[*at], chance);
    }
    words.join(" ")
}

fn swap_letters(text: &str, chance: &mut Chance) -> String {
    change_a_word(text, 5, chance, |word, chance| {
        let mut letters: Vec<char> = word.chars().collect();
        let at = 1 + usize::try_from(chance.below(letters.len() as u64 - 3)).unwrap_or(0);
        letters.swap(at, at + 1);
        letters.into_iter().collect()
    })
}

fn stretch_a_word(text: &str, chance: &mut Chance) -> String {
    change_a_word(text, 2, chance, |word, chance| {
        let Some(at) = word.rfind(|c| "aeiouAEIOU".contains(c)) else { return word.to_owned() };
        let many = usize::try_from(2 + chance.below(9)).unwrap_or(2);
        format!("{}{}{}", &word[..=at], word[at..=at].repeat(many), &word[at + 1..])
    })
}

fn emoji(matter: Matter, chance: &mut Chance) -> Option<&'static str> {
    let (probability, choice): (f64, &[&'static str]) = match matter {
        Matter::Complaint(_) | Matter::StillNot | Matter::PublicInstead => {
            (0.22, &["😡", "😤", "🙄", "🤦‍♀️", "🤦🏽‍♂️", "😩", "😭", "🤷‍♂️", "👎", "📵", "🐌", "🆘", "⏳"])
        }
        Matter::Angrier(..) => (0.35, &["🤬", "😡😡😡", "💀", "🤡", "👎👎", "🔥", "🖕🏼", "⏰", "😠"]),
        Matter::Praise | Matter::Thanks | Matter::AfterDm => {
            (0.45, &["❤️", "🙏", "🙏🏾", "👍", "👏👏", "🎉", "😊", "🥳", "💚", "👩‍💻✨"])
        }
        Matter::Question => (0.1, &["🤔", "👀"]),
        Matter::Quoting => (0.3, &["👀", "😂", "🤡", "🧐"]),
        Matter::Spam | Matter::DirectMessage | Matter::OptOut | Matter::Notice => return None,
    };
    chance.happens(probability).then(|| chance.pick(choice))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Cause, Lang, Matter, Naming, write};
    use crate::model::NetworkKind;
    use crate::model::length::length;
    use crate::sim::chance::Chance;

    const EVERY: [Matter; 17] = [
        Matter::Complaint(Cause::Outage),
        Matter::Complaint(Cause::Hold),
        Matter::Complaint(Cause::Billing),
        Matter::Complaint(Cause::Slow),
        Matter::Complaint(Cause::Visit),
        Matter::Angrier(Cause::Hold, 3),
        Matter::Praise,
        Matter::Question,
        Matter::Spam,
        Matter::Quoting,
        Matter::Thanks,
        Matter::StillNot,
        Matter::PublicInstead,
        Matter::DirectMessage,
        Matter::AfterDm,
        Matter::OptOut,
        Matter::Notice,
    ];

    #[test]
    fn every_matter_is_written_in_every_language_with_no_slot_left() {
        for lang in Lang::ALL {
            for (n, matter) in EVERY.into_iter().enumerate() {
                for turn in 0..60 {
                    let mut chance = Chance::of(turn, lang.code(), n as u64);
                    let text = write(lang, matter, Naming::Mention, false, &mut chance);
                    assert!(!text.contains(['{', '}']), "{text}");
                    assert!(text.contains("@AcmeHelp"), "{text}");
                    assert_eq!(text.matches('@').count(), 1, "nobody else is named: {text}");
                }
            }
        }
    }

    #[test]
    fn hundreds_of_complaints_read_as_if_written_by_different_people() {
        for lang in Lang::ALL {
            let texts: BTreeSet<String> = (0..300)
                .map(|n| {
                    let mut chance = Chance::of(5, lang.code(), n);
                    let causes = [Cause::Outage, Cause::Hold, Cause::Billing, Cause::Slow, Cause::Visit];
                    write(lang, Matter::Complaint(causes[(n % 5) as usize]), Naming::Word, false, &mut chance)
                })
                .collect();
            assert!(texts.len() > 230, "{}: only {} of 300 differ", lang.code(), texts.len());
            let long = texts
                .iter()
                .filter(|text| text.chars().count() > 140)
                .filter(|text| length(NetworkKind::X, text).used > 280);
            let long = long.count();
            assert!(long < 30, "{}: {long} of 300 longer than a post", lang.code());
        }
    }
}
