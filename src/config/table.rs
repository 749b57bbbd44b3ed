//! Reading a TOML table key by key: whoever asks for a key makes it known, and what nobody asked for is a problem.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, names_a_secret};
use super::text_span;
use crate::model::price::Money;

/// Nobody spends more in a day by intention.
const MOST_DOLLARS: Money = Money::cents(100_000_000);

/// What is being read, and everything found wrong so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub file: &'a str,
    pub problems: Vec<Problem>,
}

/// A string with the place it came from.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub value: &'a str,
    /// Bytes of the file, quotes included.
    pub span: Range<usize>,
}

/// A table on its way through the reader.
#[derive(Debug)]
pub(super) struct Table<'a> {
    entries: &'a DeTable<'a>,
    /// Where problems of the table as a whole point.
    pub span: Range<usize>,
    known: Vec<&'static str>,
    /// It may hold a secret by mistake: problems in it show no values.
    is_secret: bool,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The part `of` of a string's value, as a place in the file.
    pub(super) fn locate(&self, text: &Text<'_>, of: Range<usize>) -> Range<usize> {
        text_span::locate(&self.file[text.span.clone()], text.span.start, text.value, of)
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, masked: bool) {
        let found = type_words(value.get_ref());
        self.problem(
            Problem::new(value.span(), format!("`{key}` is {found}, it must be {wanted}"))
                .masked(masked || names_a_secret(key)),
        );
    }

    /// A table under a key, or the problem that it is something else.
    pub(super) fn as_table<'a>(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        wanted: &str,
    ) -> Option<Table<'a>> {
        if let Some(entries) = value.get_ref().as_table() {
            return Some(Table::new(entries, value.span()));
        }
        self.wrong_type(key, value, wanted, false);
        None
    }

    /// A string under a key, or the problem that it is something else.
    pub(super) fn as_text<'a>(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        wanted: &str,
        masked: bool,
    ) -> Option<Text<'a>> {
        if let Some(text) = value.get_ref().as_str() {
            return Some(Text { value: text, span: value.span() });
        }
        self.wrong_type(key, value, wanted, masked);
        None
    }

    /// An array of strings under a key; what is no string in it is a problem each and left out.
    pub(super) fn as_texts<'a>(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        wanted: &str,
    ) -> Option<Vec<Text<'a>>> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, wanted, false);
            // A lone one is the likeliest slip.
            let lone = value.get_ref().as_str().filter(|text| !names_a_secret(key) && !text.contains('"'));
            if let (Some(lone), Some(problem)) = (lone, self.problems.last_mut()) {
                problem.remedy = Some(format!("{key} = [\"{lone}\"]"));
            }
            return None;
        };
        Some(items.iter().filter_map(|item| self.as_text(key, item, "text in quotes", false)).collect())
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(entries: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { entries, span, known: Vec::new(), is_secret: false }
    }

    pub(super) fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// The value of a key, which is known from now on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.entries.iter().find(|(found, _)| found.get_ref() == key).map(|(_, value)| value)
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.entries.iter().any(|(found, _)| found.get_ref() == key)
    }

    /// Every entry with the place of its key, in file order, for tables whose keys are names of the user's own.
    pub(super) fn all(&self) -> Vec<(Text<'a>, &'a Spanned<DeValue<'a>>)> {
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| (Text { value: key.get_ref().as_ref(), span: key.span() }, value))
            .collect();
        all.sort_by_key(|(key, _)| key.span.start);
        all
    }

    pub(super) fn text(&mut self, reader: &mut Reader<'_>, key: &'static str, wanted: &str) -> Option<Text<'a>> {
        let value = self.take(key)?;
        reader.as_text(key, value, wanted, self.is_secret)
    }

    pub(super) fn yes_or_no(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        let found = value.get_ref().as_bool();
        if found.is_none() {
            reader.wrong_type(key, value, "true or false", self.is_secret);
        }
        found
    }

    pub(super) fn whole_number(
        &mut self,
        reader: &mut Reader<'_>,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let value = self.take(key)?;
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(number) = value.get_ref().as_integer() else {
            reader.wrong_type(key, value, &wanted, self.is_secret);
            return None;
        };
        let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number));
        if parsed.is_none() {
            reader.problem(Problem::new(value.span(), format!("`{key}` is {number}, it must be {wanted}")));
        }
        parsed
    }

    /// An amount of US dollars, written as a number, and its place.
    pub(super) fn dollars(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<(Money, Range<usize>)> {
        const WANTED: &str = "dollars as a number from 0 to 1000000, such as 20.0 or 0.005";
        let value = self.take(key)?;
        let written = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => {
                reader.wrong_type(key, value, WANTED, self.is_secret);
                return None;
            }
        };
        let read = Money::parse(written).filter(|money| *money <= MOST_DOLLARS);
        if read.is_none() {
            reader.problem(Problem::new(value.span(), format!("`{key}` is {written}, it must be {WANTED}")));
        }
        Some((read?, value.span()))
    }

    /// Tells of every key nobody asked for.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for (key, _) in self.all() {
            if self.known.contains(&key.value) {
                continue;
            }
            reader.problem(
                Problem::new(key.span, format!("unknown key `{}`", key.value))
                    .remedy(suggest(key.value, &self.known, "keys here"))
                    .masked(self.is_secret || names_a_secret(key.value)),
            );
        }
    }
}

/// What may have been meant, and all there is.
pub(super) fn suggest(found: &str, known: &[&str], what: &str) -> String {
    let list = known.join(", ");
    match nearest(found, known) {
        Some(near) => format!("did you mean `{near}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}

fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&found, &known.to_lowercase()), *known))
        // A third of the letters may be wrong; beyond that a guess misleads.
        .filter(|(distance, known)| *distance <= known.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

fn type_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
