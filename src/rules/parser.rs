//! Reads a query into a tree. One pass, no backtracking; nesting is bounded, so no query can exhaust the stack.
//!
//! What is wrong with one term is noted, and reading goes on behind it, so that all of it can be told at once. Where
//! nobody can say how to go on, such as after a quotation mark that is never closed, it ends there.

use std::ops::Range;

use super::QueryError;
use super::ast::{Kind, Node, Term};
use super::fold::is_word;
use super::matcher::has_something_to_find;
use super::operator::{self, Here, Operator, Takes};

/// So deep may parentheses be nested; X's own limit of characters is reached long before that.
const MAX_DEPTH: usize = 50;
/// X's limit for `"a b"~N`.
const MAX_WITHIN: u8 = 6;
/// So many errors of one query are told; who has more mends those first.
const MAX_ERRORS: usize = 20;

/// The tree, or what is wrong with the query, in the order of its places; at least one thing then.
pub(crate) fn parse(source: &str) -> Result<Node, Vec<QueryError>> {
    let mut parser = Parser { source, at: 0, errors: Vec::new(), is_lost: false };
    match parser.query(None, 0) {
        Ok(node) if parser.errors.is_empty() => Ok(node),
        read => {
            let mut errors = parser.errors;
            errors.extend(read.err());
            errors.sort_by_key(|error| error.span.start);
            errors.truncate(MAX_ERRORS);
            Err(errors)
        }
    }
}

struct Parser<'a> {
    source: &'a str,
    /// In bytes, always at a character boundary.
    at: usize,
    /// Noted on the way.
    errors: Vec<QueryError>,
    /// What follows cannot be told apart any more: what is open there is not missed.
    is_lost: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_spaces(&mut self) {
        self.at = self.source.len() - self.rest().trim_start().len();
    }

    /// Notes an error and goes on behind it, at the next term.
    fn note(&mut self, error: QueryError) {
        self.at = if self.is_lost { self.source.len() } else { self.at.max(error.span.end) };
        self.at += self.word_here().len();
        self.errors.push(error);
    }

    /// An error after which nothing more can be read.
    fn lost(&mut self, error: QueryError) -> QueryError {
        self.is_lost = true;
        error
    }

    /// Up to the closing parenthesis of the group that was opened at `open`, or to the end.
    fn query(&mut self, open: Option<usize>, depth: usize) -> Result<Node, QueryError> {
        let mut branches: Vec<Node> = Vec::new();
        let mut terms: Vec<Node> = Vec::new();
        // Where the last OR stands, while nothing follows it.
        let mut dangling: Option<Range<usize>> = None;
        // A term with an error stood in this branch: it is not empty.
        let mut has_noted = false;
        let noted_before = self.errors.len();
        loop {
            self.skip_spaces();
            match (self.peek(), open) {
                (None, Some(open)) if !self.is_lost => {
                    let error = QueryError::new(open..open + 1, "this parenthesis is never closed");
                    return Err(self.lost(error.with_remedy("add a `)` where the group ends")));
                }
                (None, _) => break,
                (Some(')'), None) => {
                    self.errors.push(
                        QueryError::new(self.at..self.at + 1, "this parenthesis closes nothing")
                            .with_remedy("take it out, or add a `(` where the group begins"),
                    );
                    self.at += 1;
                    continue;
                }
                (Some(')'), Some(_)) => break,
                (Some(_), _) => {}
            }
            if self.word_here() == "OR" {
                let or = self.at..self.at + 2;
                self.at = or.end;
                if terms.is_empty() && !has_noted {
                    self.errors.push(
                        QueryError::new(or, "nothing stands before this OR")
                            .with_remedy("OR joins two terms: `slow OR down`"),
                    );
                    continue;
                }
                has_noted = false;
                branches.push(join(std::mem::take(&mut terms), Kind::All));
                dangling = Some(or);
                continue;
            }
            match self.term(depth) {
                Ok(term) => terms.push(term),
                Err(error) => {
                    self.note(error);
                    has_noted = true;
                }
            }
            dangling = None;
        }
        if let Some(or) = dangling {
            return Err(
                QueryError::new(or, "nothing follows this OR").with_remedy("OR joins two terms: `slow OR down`")
            );
        }
        if self.errors.len() > noted_before {
            // Whoever asked learns of it from the errors.
            return Ok(Node { span: 0..0, kind: Kind::All(Vec::new()) });
        }
        if terms.is_empty() {
            return Err(match open {
                Some(open) => QueryError::new(open..self.at + 1, "this group is empty")
                    .with_remedy("take the parentheses out, or put terms between them"),
                None => QueryError::new(0..self.source.len(), "the query is empty")
                    .with_remedy("write a keyword, such as `outage`"),
            });
        }
        branches.push(join(terms, Kind::All));
        Ok(join(branches, Kind::Any))
    }

    /// The run of characters that a bare word may hold, from here.
    fn word_here(&self) -> &str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(rest.len());
        &rest[..end]
    }

    fn term(&mut self, depth: usize) -> Result<Node, QueryError> {
        let start = self.at;
        match self.peek() {
            Some('-') => {
                self.at += 1;
                match self.peek() {
                    None | Some(')') => Err(lone_minus(start)),
                    Some(c) if c.is_whitespace() => Err(lone_minus(start)),
                    Some('-') => Err(QueryError::new(start..self.at + 1, "one `-` is enough")
                        .with_remedy("a `-` in front of a term leaves out what matches it; two would say nothing")),
                    Some(_) if self.word_here() == "OR" => {
                        Err(QueryError::new(self.at..self.at + 2, "OR cannot be negated").with_remedy(
                            "put the `-` in front of a term; to leave out the word itself write `-\"or\"`",
                        ))
                    }
                    Some(_) => {
                        let inner = self.positive(depth)?;
                        Ok(Node { span: start..self.at, kind: Kind::Not(Box::new(inner)) })
                    }
                }
            }
            Some(c @ ('–' | '—' | '−')) => {
                Err(QueryError::new(start..start + c.len_utf8(), format!("`{c}` is a dash, not a minus"))
                    .with_remedy("to leave something out write a plain `-` in front of it"))
            }
            _ => self.positive(depth),
        }
    }

    fn positive(&mut self, depth: usize) -> Result<Node, QueryError> {
        let start = self.at;
        match self.peek() {
            Some('(') => {
                if depth >= MAX_DEPTH {
                    let error = QueryError::new(start..start + 1, format!("groups are nested deeper than {MAX_DEPTH}"));
                    return Err(self.lost(error.with_remedy("take out parentheses that are not needed")));
                }
                self.at += 1;
                let inner = self.query(Some(start), depth + 1)?;
                // `query` ended at the parenthesis, if there is one.
                self.at += usize::from(self.peek() == Some(')'));
                Ok(Node { span: start..self.at, kind: inner.kind })
            }
            Some('"') => {
                let text = self.quoted()?;
                self.phrase(start, text)
            }
            Some(c @ ('“' | '”' | '„' | '«' | '»')) => {
                Err(QueryError::new(start..start + c.len_utf8(), format!("`{c}` is not a quotation mark of the query"))
                    .with_remedy("use straight ones: \"slow internet\""))
            }
            _ => self.word(),
        }
    }

    /// The text between two quotation marks; stands after the second one then.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let open = self.at;
        let inside = &self.source[open + 1..];
        let Some(length) = inside.find('"') else {
            let error = QueryError::new(open..open + 1, "this quotation mark is never closed");
            return Err(self.lost(error.with_remedy("add a `\"` where the phrase ends")));
        };
        if inside[..length].ends_with('\\') {
            let at = open + length;
            let error = QueryError::new(at..at + 2, "a phrase cannot hold a quotation mark");
            return Err(self.lost(error.with_remedy("leave it out: punctuation does not count inside a phrase")));
        }
        self.at = open + 1 + length + 1;
        Ok(inside[..length].to_owned())
    }

    /// After a quoted text: what may be a proximity.
    fn phrase(&mut self, start: usize, text: String) -> Result<Node, QueryError> {
        let span = start..self.at;
        if !has_something_to_find(&text) {
            return Err(QueryError::new(span, "this phrase holds nothing to look for")
                .with_remedy("write at least one word, number or emoji between the quotation marks"));
        }
        if !self.rest().starts_with('~') {
            return Ok(Node { span, kind: Kind::Term(Term::Words { text, quoted: true }) });
        }
        let tilde = self.at;
        self.at += 1;
        let digits = self.word_here().to_owned();
        self.at += digits.len();
        let span = start..self.at;
        match digits.parse::<u8>() {
            Ok(within) if (1..=MAX_WITHIN).contains(&within) && digits.bytes().all(|b| b.is_ascii_digit()) => {
                if text.split_whitespace().nth(1).is_none() {
                    return Err(QueryError::new(span, "`~` needs two or more words in the phrase")
                        .with_remedy("such as \"internet slow\"~3"));
                }
                Ok(Node { span, kind: Kind::Term(Term::Near { text, within }) })
            }
            _ => Err(QueryError::new(tilde..self.at, format!("`~` takes a number from 1 to {MAX_WITHIN}"))
                .with_remedy("such as \"internet slow\"~3: at most three words between them")),
        }
    }

    fn word(&mut self) -> Result<Node, QueryError> {
        let start = self.at;
        let word = self.word_here().to_owned();
        if let Some((name, _)) = word.split_once(':')
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
        {
            let name = name.to_owned();
            return self.operator(start, &name);
        }
        self.at = start + word.len();
        let span = start..self.at;
        let node = |term| Ok(Node { span: span.clone(), kind: Kind::Term(term) });
        let bad = |message: String, remedy: &str| Err(QueryError::new(span.clone(), message).with_remedy(remedy));
        if word.eq_ignore_ascii_case("or") {
            return bad(
                format!("`{word}` is ambiguous"),
                "write OR in capitals to join two terms, or \"or\" in quotes for the word",
            );
        }
        if word.eq_ignore_ascii_case("and") {
            return bad(
                format!("`{word}` is ambiguous"),
                "a space already means AND; write \"and\" in quotes for the word",
            );
        }
        if word == "NOT" {
            return bad(
                "NOT is not an operator".to_owned(),
                "write `-` right in front of a term to leave it out, or \"not\" in quotes for the word",
            );
        }
        if let Some(tag) = word.strip_prefix(['#', '＃']) {
            if tag.is_empty() || !tag.chars().all(is_word) {
                return bad(
                    format!("`{word}` is not a hashtag"),
                    "a hashtag is `#` and letters, digits or `_`, without a space",
                );
            }
            return node(Term::Hashtag(tag.to_owned()));
        }
        if let Some(handle) = word.strip_prefix(['@', '＠']) {
            if !is_handle(handle) {
                return bad(
                    format!("`{word}` is not a handle"),
                    "a handle is `@` and letters, digits or `_`, such as @acme",
                );
            }
            return node(Term::Mention(handle.to_owned()));
        }
        if let Some(symbol) = word.strip_prefix('$') {
            let letters =
                symbol.split(['.', '_']).all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic()));
            if letters {
                return node(Term::Cashtag(symbol.to_owned()));
            }
        }
        if word.len() > 1 && word.ends_with('*') {
            return bad("there are no wildcards".to_owned(), "list the forms: (cancel OR cancelled OR cancelling)");
        }
        if !has_something_to_find(&word) {
            return bad(format!("`{word}` holds nothing to look for"), "write a word, a number or an emoji");
        }
        node(Term::Words { text: word, quoted: false })
    }

    /// At `name:`.
    fn operator(&mut self, start: usize, name: &str) -> Result<Node, QueryError> {
        let named = start..start + name.len() + 1;
        let Some(operator) = operator::named(name) else {
            let error = QueryError::new(named, format!("there is no operator `{name}:`"));
            return Err(match operator::nearest(name) {
                _ if name.eq_ignore_ascii_case("http") || name.eq_ignore_ascii_case("https") => {
                    error.with_remedy("to find a link write url:\"acme.example/status\"")
                }
                Some(known) => {
                    error.with_remedy(format!("did you mean `{known}:`? To look for the words put them in quotes"))
                }
                None => error.with_remedy("to look for the words put them in quotes"),
            });
        };
        self.at = named.end;
        let value_at = self.at;
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            Some('[') => {
                let Some(length) = self.rest().find(']') else {
                    let error = QueryError::new(value_at..value_at + 1, "this bracket is never closed");
                    return Err(self.lost(error.with_remedy("add a `]` where the area ends")));
                };
                self.at += length + 1;
                self.source[value_at..self.at].to_owned()
            }
            _ => {
                let word = self.word_here().to_owned();
                self.at += word.len();
                word
            }
        };
        if value.is_empty() {
            return Err(QueryError::new(named, format!("`{}:` needs a value", operator.name))
                .with_remedy(format!("such as {}, without a space after the colon", example(operator))));
        }
        let value = checked(operator, &value).map_err(|message| {
            QueryError::new(value_at..self.at, message).with_remedy(format!("such as {}", example(operator)))
        })?;
        Ok(Node { span: start..self.at, kind: Kind::Term(Term::Op { operator, value }) })
    }
}

fn lone_minus(at: usize) -> QueryError {
    QueryError::new(at..at + 1, "this `-` stands alone")
        .with_remedy("put it right in front of what is to be left out: -is:retweet")
}

/// One node as it is, several under `kind`.
fn join(mut nodes: Vec<Node>, kind: fn(Vec<Node>) -> Kind) -> Node {
    if nodes.len() == 1 {
        return nodes.remove(0);
    }
    let start = nodes.first().map_or(0, |node| node.span.start);
    let end = nodes.last().map_or(0, |node| node.span.end);
    Node { span: start..end, kind: kind(nodes) }
}

/// X: letters, digits, `_`. Bluesky and Mastodon: dots, hyphens and a second `@` as well.
fn is_handle(handle: &str) -> bool {
    handle.bytes().any(|b| b.is_ascii_alphanumeric() || b == b'_')
        && handle.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'@'))
}

/// The value in the form it is kept in, or what is wrong with it.
fn checked(operator: &Operator, value: &str) -> Result<String, String> {
    let name = operator.name;
    let number = |text: &str| !text.is_empty() && text.len() <= 19 && text.bytes().all(|b| b.is_ascii_digit());
    match operator.takes {
        Takes::Handle => {
            let handle = value.strip_prefix('@').unwrap_or(value);
            // Bluesky's permanent ids hold colons.
            let id = handle.starts_with("did:") && handle.bytes().all(|b| b.is_ascii_graphic());
            if is_handle(handle) || id { Ok(handle.to_owned()) } else { Err(format!("`{value}` is not a handle")) }
        }
        Takes::Words if has_something_to_find(value) => Ok(value.to_owned()),
        Takes::Words => Err(format!("`{name}:` needs a word")),
        Takes::PostId if number(value) || value.starts_with("at://") || value.starts_with("https://") => {
            Ok(value.to_owned())
        }
        Takes::PostId => Err(format!("`{value}` is not an id")),
        Takes::Language => {
            let mut parts = value.split('-');
            let primary = parts.next().unwrap_or_default();
            let fits = (2..=3).contains(&primary.len())
                && primary.bytes().all(|b| b.is_ascii_alphabetic())
                && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
            if fits { Ok(value.to_ascii_lowercase()) } else { Err(format!("`{value}` is not a language code")) }
        }
        Takes::OneOf(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(value)) {
            Some(word) => Ok((*word).to_owned()),
            None => Err(format!("`{name}:` knows no `{value}`, only {}", words.join(", "))),
        },
        Takes::AtLeast if number(value) => Ok(value.to_owned()),
        Takes::AtLeast => Err(format!("`{name}:` takes a number")),
        Takes::Count => {
            let range = value.split_once("..");
            let fits = match range {
                Some((from, to)) => number(from) && number(to) && from.parse::<u64>().ok() <= to.parse::<u64>().ok(),
                None => number(value),
            };
            if fits {
                Ok(value.to_owned())
            } else {
                Err(format!("`{name}:` takes a number or a range from low to high"))
            }
        }
        Takes::Percent if number(value) && value.parse().is_ok_and(|n: u32| (1..=100).contains(&n)) => {
            Ok(value.to_owned())
        }
        Takes::Percent => Err(format!("`{name}:` takes a number from 1 to 100")),
        Takes::Area if value.starts_with('[') && value.len() > 2 => Ok(value.to_owned()),
        Takes::Area => Err(format!("`{name}:` takes an area in brackets")),
        Takes::Verbatim => Ok(value.to_owned()),
    }
}

fn example(operator: &Operator) -> String {
    let name = operator.name;
    match operator.takes {
        Takes::Handle => format!("{name}:acme"),
        Takes::Words if operator.here == Here::Url => format!("{name}:\"acme.example\""),
        Takes::Words => format!("{name}:\"two words\""),
        Takes::PostId => format!("{name}:1334987486343299072"),
        Takes::Language => format!("{name}:en"),
        Takes::OneOf(words) => format!("{name}:{}", words.first().copied().unwrap_or_default()),
        Takes::AtLeast => format!("{name}:500"),
        Takes::Count => format!("{name}:1000..10000"),
        Takes::Percent => format!("{name}:10"),
        Takes::Area if name == "point_radius" => format!("{name}:[12.49 41.89 10km]"),
        Takes::Area => format!("{name}:[12.2 41.6 12.8 42.1]"),
        Takes::Verbatim => format!("{name}:IT"),
    }
}
