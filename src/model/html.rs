//! The HTML that networks send as text, made plain. Total: whatever comes in, something readable comes out.
//!
//! Paragraphs are told apart by a blank line, list items begin with `- `, quoted lines with `> `. A link becomes where
//! it leads, since what is shown of it may be cut; a mention becomes the whole handle, since what is shown of it
//! leaves the host out. What comes out is text, not yet clean: [`super::clean`] follows.

use super::post::PostLink;

/// Plain text and the links that stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    pub text: String,
    pub links: Vec<PostLink>,
}

/// Somebody a text names: the address its link leads to, and the handle without the `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub url: &'a str,
    pub handle: &'a str,
}

/// Elements nest so deep at most; deeper ones count as flat.
const DEEPEST: usize = 64;
/// So many line ends follow each other at most.
const MOST_BREAKS: usize = 3;

/// Makes `html` plain. `named` are those whom the text mentions; `without_quote`: the line by which a quoted post is
/// announced to those who cannot show it is left out.
pub fn plain(html: &str, named: &[Named<'_>], without_quote: bool) -> Plain {
    let mut writer = Writer { named, without_quote, ..Writer::default() };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        writer.words(&rest[..at]);
        rest = &rest[at..];
        if let Some((tag, after)) = tag(rest) {
            let skipped = match &tag {
                Tag::Open { name, .. } if matches!(name.as_str(), "script" | "style" | "template") => {
                    skip_to_end_of(after, name)
                }
                _ => None,
            };
            rest = skipped.unwrap_or(after);
            if skipped.is_none() {
                writer.tag(tag);
            }
        } else {
            // A lone sign, as in `a < b` by a server that does not escape.
            writer.words("<");
            rest = &rest[1..];
        }
    }
    writer.words(rest);
    writer.finish()
}

/// What stands between `<` and `>`.
enum Tag {
    Open {
        name: String,
        attributes: Vec<(String, String)>,
        is_empty: bool,
    },
    Close {
        name: String,
    },
    /// A comment or a declaration.
    Nothing,
}

/// The tag that begins `text`, and what follows it; `None` where it is none.
fn tag(text: &str) -> Option<(Tag, &str)> {
    let inner = text.strip_prefix('<')?;
    if let Some(comment) = inner.strip_prefix("!--") {
        let end = comment.find("-->")?;
        return Some((Tag::Nothing, &comment[end + 3..]));
    }
    match inner.chars().next()? {
        '!' | '?' => {
            let end = inner.find('>')?;
            Some((Tag::Nothing, &inner[end + 1..]))
        }
        '/' => {
            let end = inner.find('>')?;
            let name: String = inner[1..end].chars().take_while(|c| is_name(*c)).collect();
            Some((Tag::Close { name: name.to_ascii_lowercase() }, &inner[end + 1..]))
        }
        c if c.is_ascii_alphabetic() => {
            let length = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
            let name = inner[..length].to_ascii_lowercase();
            let (attributes, is_empty, rest) = attributes(&inner[length..])?;
            Some((Tag::Open { name, attributes, is_empty }, rest))
        }
        _ => None,
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | ':')
}

type Attributes = Vec<(String, String)>;

/// Those up to `>`; whether the element has no content, and what follows.
fn attributes(mut rest: &str) -> Option<(Attributes, bool, &str)> {
    let mut found = Vec::new();
    let mut is_empty = false;
    loop {
        rest = rest.trim_start();
        match rest.chars().next()? {
            '>' => return Some((found, is_empty, &rest[1..])),
            '/' => {
                is_empty = true;
                rest = &rest[1..];
            }
            '=' | '"' | '\'' | '<' => rest = &rest[1..],
            _ => {
                is_empty = false;
                let ends = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
                let length = rest.find(ends)?;
                let name = rest[..length].to_ascii_lowercase();
                rest = rest[length..].trim_start();
                let mut value = "";
                if let Some(given) = rest.strip_prefix('=') {
                    let given = given.trim_start();
                    let quote = given.chars().next()?;
                    if matches!(quote, '"' | '\'') {
                        let end = given[1..].find(quote)?;
                        value = &given[1..=end];
                        rest = &given[end + 2..];
                    } else {
                        let end = given.find(|c: char| c.is_whitespace() || c == '>')?;
                        value = &given[..end];
                        rest = &given[end..];
                    }
                }
                found.push((name, unescaped(value)));
            }
        }
    }
}

/// What follows the end of an element whose content is no text.
fn skip_to_end_of<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    let mut at = 0;
    while let Some(found) = rest[at..].find("</") {
        let end = at + found + 2;
        if rest[end..].get(..name.len()).is_some_and(|closing| closing.eq_ignore_ascii_case(name)) {
            let close = rest[end..].find('>')?;
            return Some(&rest[end + close + 1..]);
        }
        at = end;
    }
    Some("")
}

/// What an open element means for the text in it.
#[derive(Clone, Copy, Debug, Default)]
struct Meaning {
    /// Not shown by the network's own page.
    is_hidden: bool,
    /// The page shows `…` behind it.
    is_cut: bool,
    is_pre: bool,
    is_quote: bool,
    is_list: bool,
}

/// A link being read: where it leads, and what stands in it.
struct Link {
    depth: usize,
    target: Target,
    shown: String,
}

enum Target {
    /// The text stands for itself: a hashtag, or a link without an address.
    Text,
    Mention(String),
    Address(String),
}

#[derive(Default)]
struct Writer<'a> {
    named: &'a [Named<'a>],
    without_quote: bool,
    out: String,
    links: Vec<PostLink>,
    open: Vec<(String, Meaning)>,
    /// Line ends that come before the next word.
    breaks: usize,
    /// A space that comes before the next word of the line.
    space: bool,
    marker: bool,
    link: Option<Link>,
}

impl Writer<'_> {
    fn any(&self, is: impl Fn(&Meaning) -> bool) -> bool {
        self.open.iter().any(|(_, meaning)| is(meaning))
    }

    fn depth_of(&self, is: impl Fn(&Meaning) -> bool) -> usize {
        self.open.iter().filter(|(_, meaning)| is(meaning)).count()
    }

    fn words(&mut self, raw: &str) {
        if raw.is_empty() {
            return;
        }
        let text = unescaped(raw);
        let is_hidden = self.any(|meaning| meaning.is_hidden);
        if let Some(link) = &mut self.link {
            if !matches!(link.target, Target::Address(_)) || !is_hidden {
                link.shown.push_str(&text);
            }
            return;
        }
        if is_hidden {
            return;
        }
        if self.any(|meaning| meaning.is_pre) {
            for (number, line) in text.split('\n').enumerate() {
                if number > 0 {
                    self.breaks = (self.breaks + 1).min(MOST_BREAKS);
                    self.space = false;
                }
                if !line.is_empty() {
                    self.put(line);
                }
            }
            return;
        }
        // Spaces around words come and go as in a browser; a no-break space is a letter.
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        for (number, word) in text.split(is_space).enumerate() {
            self.space |= number > 0;
            if !word.is_empty() {
                self.put(word);
            }
        }
    }

    /// Writes what stays as it is, behind the line ends and spaces that were waiting.
    fn put(&mut self, text: &str) {
        let is_first = self.out.is_empty();
        if is_first {
            self.breaks = 0;
            self.space = false;
        }
        let begins_line = is_first || self.breaks > 0;
        let quotes = self.depth_of(|meaning| meaning.is_quote);
        for number in 0..self.breaks {
            self.out.push('\n');
            if number + 1 < self.breaks && quotes > 0 && self.out.ends_with('\n') && self.was_quote() {
                self.out.push('>');
            }
        }
        if begins_line {
            self.out.extend(std::iter::repeat_n("> ", quotes));
            let lists = self.depth_of(|meaning| meaning.is_list);
            if self.marker {
                self.out.extend(std::iter::repeat_n("  ", lists.saturating_sub(1)));
                self.out.push_str("- ");
            }
        } else if self.space {
            self.out.push(' ');
        }
        (self.breaks, self.space, self.marker) = (0, false, false);
        self.out.push_str(text);
    }

    /// Whether the line before the last is a quoted one.
    fn was_quote(&self) -> bool {
        self.out.trim_end_matches(['\n', '>']).rsplit('\n').next().is_some_and(|line| line.starts_with('>'))
    }

    fn block(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
        self.space = false;
    }

    fn tag(&mut self, tag: Tag) {
        match tag {
            Tag::Nothing => {}
            Tag::Close { name } => self.close(&name),
            Tag::Open { name, attributes, is_empty } => {
                let get = |wanted: &str| {
                    attributes.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
                };
                let has_class = |class: &str| get("class").split_ascii_whitespace().any(|found| found == class);
                match name.as_str() {
                    "br" => {
                        self.line_end();
                        return;
                    }
                    "img" => {
                        let alt = get("alt").to_owned();
                        self.words(&alt.replace('&', "&amp;"));
                        return;
                    }
                    "hr" | "wbr" | "input" | "meta" | "source" => return,
                    _ => self.open_block(&name),
                }
                if is_empty || self.open.len() >= DEEPEST {
                    return;
                }
                let meaning = Meaning {
                    is_hidden: has_class("invisible") || (self.without_quote && has_class("quote-inline")),
                    is_cut: has_class("ellipsis"),
                    is_pre: name == "pre",
                    is_quote: name == "blockquote",
                    is_list: matches!(name.as_str(), "ul" | "ol"),
                };
                if name == "a" && self.link.is_none() {
                    let target = self.target(get("href"), has_class("mention"), has_class("hashtag"));
                    self.link = Some(Link { depth: self.open.len(), target, shown: String::new() });
                }
                self.open.push((name, meaning));
            }
        }
    }

    fn line_end(&mut self) {
        if let Some(link) = &mut self.link {
            link.shown.push(' ');
        } else if !self.any(|meaning| meaning.is_hidden) {
            self.breaks = (self.breaks + 1).min(MOST_BREAKS);
            self.space = false;
        }
    }

    fn target(&self, href: &str, is_mention: bool, is_hashtag: bool) -> Target {
        let named = self.named.iter().find(|named| !named.url.is_empty() && named.url == href);
        match named {
            Some(named) if !is_hashtag => Target::Mention(named.handle.to_owned()),
            // Hashtags carry both classes; a mention of somebody the network does not list keeps its words.
            _ if is_mention || is_hashtag || href.trim().is_empty() => Target::Text,
            _ => Target::Address(href.trim().to_owned()),
        }
    }

    fn open_block(&mut self, name: &str) {
        match name {
            // The first paragraph of a list item stands on the item's line.
            "p" | "blockquote" | "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if !self.marker => self.block(2),
            "div" | "ul" | "ol" | "tr" | "table" | "section" | "article" => self.block(1),
            "li" => {
                self.block(1);
                self.marker = true;
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|(open, _)| open == name) else {
            // An end without a beginning still parts what stands around it.
            if name == "p" {
                self.block(2);
            }
            return;
        };
        // Elements left open inside end here as well.
        while self.open.len() > at {
            let Some((name, meaning)) = self.open.pop() else { break };
            if meaning.is_cut
                && !self.any(|outer| outer.is_hidden)
                && let Some(Link { target: Target::Address(_), shown, .. }) = &mut self.link
            {
                shown.push('…');
            }
            if self.link.as_ref().is_some_and(|link| link.depth == self.open.len()) {
                self.end_link(meaning.is_hidden);
            }
            match name.as_str() {
                "p" | "blockquote" | "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.block(2),
                "ul" | "ol" if !self.any(|outer| outer.is_list) => self.block(2),
                "div" | "ul" | "ol" | "li" | "tr" | "table" | "section" | "article" => {
                    self.block(1);
                    self.marker = false;
                }
                _ => {}
            }
        }
    }

    fn end_link(&mut self, is_hidden: bool) {
        let Some(link) = self.link.take() else { return };
        if is_hidden || self.any(|meaning| meaning.is_hidden) {
            return;
        }
        let shown = link.shown.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        self.space |= link.shown.starts_with([' ', '\n']);
        match link.target {
            Target::Text if shown.is_empty() => {}
            Target::Text => self.put(&shown),
            Target::Mention(handle) => self.put(&format!("@{handle}")),
            Target::Address(address) => {
                self.put(&address);
                let display = if shown.is_empty() { address.clone() } else { shown };
                self.links.push(PostLink { short: address.clone(), target: address, display });
            }
        }
        self.space |= link.shown.len() > 1 && link.shown.ends_with([' ', '\n']);
    }

    fn finish(mut self) -> Plain {
        self.end_link(false);
        Plain { text: self.out, links: self.links }
    }
}

/// Entities by name that servers write; any other character they send as itself.
const ENTITIES: [(&str, char); 24] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("shy", '\u{ad}'),
];

/// Takes one level of escapes out of a text; what is no escape stays.
pub fn unescaped(raw: &str) -> String {
    let Some(first) = raw.find('&') else { return raw.to_owned() };
    let mut plain = raw[..first].to_owned();
    let mut rest = &raw[first..];
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let meant = rest.find(';').filter(|end| *end <= 10).and_then(|end| Some((entity(&rest[..end])?, end)));
        if let Some((c, end)) = meant {
            plain.push(c);
            rest = &rest[end + 1..];
        } else {
            plain.push('&');
        }
    }
    plain.push_str(rest);
    plain
}

fn entity(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    // Nothing is hidden by a number that is no character.
    Some(code.ok().and_then(char::from_u32).filter(|c| *c != '\0').unwrap_or('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Named, plain, unescaped};

    fn text(html: &str) -> String {
        plain(html, &[], false).text
    }

    #[test]
    fn paragraphs_lines_lists_and_quotes() {
        for (html, expected) in [
            ("<p>One</p><p>Two</p>", "One\n\nTwo"),
            ("<p>a<br>b<br/>c<br />d</p>", "a\nb\nc\nd"),
            ("<p>a<br><br>b</p>", "a\n\nb"),
            ("<p>List:</p><ul><li>one</li><li><p>two</p></li></ul><p>end</p>", "List:\n\n- one\n- two\n\nend"),
            ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
            ("<blockquote><p>said</p><p>twice</p></blockquote><p>no</p>", "> said\n>\n> twice\n\nno"),
            ("<p>  spaces \n collapse </p>", "spaces collapse"),
            ("<pre><code>let a = 1;\n  b</code></pre>", "let a = 1;\n  b"),
            ("<p><strong>b</strong>o<em>l</em>d <del>x</del></p>", "bold x"),
            ("plain, not HTML & more", "plain, not HTML & more"),
            ("a < b and 3 <4", "a < b and 3 <4"),
            ("", ""),
            ("<p></p><p> </p>", ""),
            ("<p>😡😡</p>", "😡😡"),
            ("<p>x<script>alert(1)</script>y<!-- no -->z</p>", "xyz"),
            ("<p>never closed <b>here", "never closed here"),
            ("</p></div>stray", "stray"),
            ("<p>ok <img alt=\":blob:\" src=\"x\"> end</p>", "ok :blob: end"),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn entities_once() {
        for (raw, expected) in [
            ("&lt;b&gt; &amp;amp; &quot;x&quot; &#39;y&#39; &#x1F621;", "<b> &amp; \"x\" 'y' 😡"),
            ("a&nbsp;b", "a\u{a0}b"),
            ("&unknown; & &; &#xZZ; &#0; AT&T", "&unknown; & &; \u{fffd} \u{fffd} AT&T"),
        ] {
            assert_eq!(unescaped(raw), expected, "{raw}");
        }
        // What is escaped twice is shown escaped once, and escaped brackets make no tag.
        assert_eq!(text("<p>&amp;lt;p&amp;gt; &lt;b&gt;</p>"), "&lt;p&gt; <b>");
    }

    #[test]
    fn a_link_is_where_it_leads() {
        let html = "<p>see <a href=\"https://acme.example/status?a=1&amp;b=2\" rel=\"nofollow\">\
            <span class=\"invisible\">https://</span><span class=\"ellipsis\">acme.example/stat</span>\
            <span class=\"invisible\">us?a=1&amp;b=2</span></a>, thanks</p>";
        let read = plain(html, &[], false);
        assert_eq!(read.text, "see https://acme.example/status?a=1&b=2, thanks");
        assert_eq!(read.links.len(), 1);
        assert_eq!(read.links[0].target, "https://acme.example/status?a=1&b=2");
        assert_eq!(read.links[0].display, "acme.example/stat…");
    }

    #[test]
    fn a_mention_is_the_whole_handle_and_a_hashtag_itself() {
        let html = "<p><span class=\"h-card\" translate=\"no\"><a href=\"https://far.example/@jo\" class=\"u-url mention\">\
            @<span>jo</span></a></span> look at <a href=\"https://near.example/tags/acme\" class=\"mention hashtag\" \
            rel=\"tag\">#<span>acme</span></a>!</p>";
        let named = [Named { url: "https://far.example/@jo", handle: "jo@far.example" }];
        assert_eq!(plain(html, &named, false).text, "@jo@far.example look at #acme!");
        assert_eq!(text(html), "@jo look at #acme!");
        assert!(plain(html, &named, false).links.is_empty());
    }

    #[test]
    fn the_line_that_announces_a_quote_is_left_out_where_the_quote_is_there() {
        let html =
            "<p class=\"quote-inline\">RE: <a href=\"https://a.example/1\">https://a.example/1</a></p><p>so wrong</p>";
        assert_eq!(plain(html, &[], true).text, "so wrong");
        assert_eq!(text(html), "RE: https://a.example/1\n\nso wrong");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn nothing_panics_and_nothing_grows_without_end(
            html in "(<|>|/|p|a|br|li|ul|pre|blockquote| |=|\"|'|href|class|invisible|&|;|#|x|lt|😡|\u{301}|\n){0,60}"
        ) {
            let read = plain(&html, &[], true);
            prop_assert!(read.text.len() <= html.len() * 8 + 64 * html.len());
        }

        #[test]
        fn escaped_text_comes_back_as_it_was(words in prop::collection::vec("[a-z<>&\"'#;😡é]{1,8}", 1..12)) {
            let escape = |word: &String| word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let html = format!("<p>{}</p>", words.iter().map(escape).collect::<Vec<_>>().join(" "));
            prop_assert_eq!(text(&html), words.join(" "));
        }
    }
}
