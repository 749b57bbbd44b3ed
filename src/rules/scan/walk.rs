//! The search in the texts: one automaton over four of them at a time.
//!
//! Each step of the automaton waits for the one before it; four walks side by side fill the waiting.

use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};

use super::line::{Kind, Line, Scratch, Segment, unescape_whole};
use super::window::{self, Wanted};

/// So many texts are walked through together.
const LANES: usize = 4;

#[derive(Debug)]
pub(in crate::rules) struct Walker {
    dfa: DFA,
    start: StateID,
    /// Of each pattern the string it is a way to write; patterns beyond are triggers.
    strings: Vec<u32>,
    wanted: Vec<Strings>,
}

/// A wanted string and whose it is.
#[derive(Debug)]
struct Strings {
    starts_word: bool,
    ends_word: bool,
    rules: Vec<u32>,
}

/// What a state of the automaton says about a text.
enum Sign {
    Nothing,
    /// A wanted string stands here.
    Hit,
    /// The text must be folded to know.
    Unsure,
}

impl Walker {
    /// `None` without a string to look for, and where they are too many for one automaton.
    pub(in crate::rules) fn new(wanted: HashMap<Wanted, Vec<u32>>) -> Option<Self> {
        if wanted.is_empty() {
            return None;
        }
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut strings = Vec::new();
        let triggers = window::triggers(wanted.keys().map(|wanted| wanted.text.as_str()));
        let mut kept = Vec::new();
        for (string, rules) in wanted {
            let number = u32::try_from(kept.len()).ok()?;
            for way in window::written(&string) {
                patterns.push(way.into_bytes());
                strings.push(number);
            }
            kept.push(Strings { starts_word: string.starts_word, ends_word: string.ends_word, rules });
        }
        patterns.extend(triggers);
        let dfa = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(&patterns)
            .ok()?;
        let start = dfa.start_state(Anchored::No).ok()?;
        Some(Self { dfa, start, strings, wanted: kept })
    }

    /// Marks the lines of which a text may hold a wanted string.
    pub(super) fn mark(&self, block: &[u8], scratch: &mut Scratch) {
        let Scratch { lines, segments, unescaped, .. } = scratch;
        let bytes_of = |segment: &Segment| {
            let from: &[u8] = if segment.unescaped { unescaped } else { block };
            &from[segment.start..segment.end]
        };
        let mut waiting = segments.iter();
        let mut lanes = [Lane { text: &[], at: 0, state: self.start, segment: None }; LANES];
        loop {
            let mut together = usize::MAX;
            for lane in &mut lanes {
                while lane.at == lane.text.len() {
                    match waiting.next() {
                        Some(segment) => {
                            let text = bytes_of(segment);
                            *lane = Lane { text, at: 0, state: self.start, segment: Some(segment) };
                        }
                        None => break,
                    }
                }
                together = together.min(lane.text.len() - lane.at);
            }
            if together == 0 {
                break;
            }
            self.step(&mut lanes, together, lines);
        }
        for lane in &mut lanes {
            while lane.at < lane.text.len() {
                lane.state = self.dfa.next_state(Anchored::No, lane.state, lane.text[lane.at]);
                lane.at += 1;
                if self.dfa.is_special(lane.state) {
                    self.note(lane, lines);
                }
            }
        }
    }

    /// All lanes forward by `together` bytes, or up to the first sign.
    #[inline]
    fn step(&self, lanes: &mut [Lane<'_>; LANES], together: usize, marks: &mut [Line]) {
        let dfa = &self.dfa;
        let ahead = |lane: &Lane<'_>| lane.at..lane.at + together;
        let [a, b, c, d] = [0, 1, 2, 3].map(|i: usize| &lanes[i].text[ahead(&lanes[i])]);
        let [mut first, mut second, mut third, mut fourth] = [0, 1, 2, 3].map(|i: usize| lanes[i].state);
        let mut done = together;
        let bytes = a.iter().zip(b).zip(c).zip(d);
        for (i, (((&a, &b), &c), &d)) in bytes.enumerate() {
            first = dfa.next_state(Anchored::No, first, a);
            second = dfa.next_state(Anchored::No, second, b);
            third = dfa.next_state(Anchored::No, third, c);
            fourth = dfa.next_state(Anchored::No, fourth, d);
            if dfa.is_special(first) | dfa.is_special(second) | dfa.is_special(third) | dfa.is_special(fourth) {
                done = i + 1;
                break;
            }
        }
        for (lane, state) in lanes.iter_mut().zip([first, second, third, fourth]) {
            lane.at += done;
            lane.state = state;
            if dfa.is_special(state) {
                self.note(lane, marks);
            }
        }
    }

    /// Looks at the sign a lane stands on; a lane that says what it can is at its end then.
    #[cold]
    fn note(&self, lane: &mut Lane<'_>, lines: &mut [Line]) {
        let Some(segment) = lane.segment else { return };
        let found = match self.sign(lane.state, lane.text, lane.at) {
            Sign::Nothing => return,
            Sign::Hit => true,
            Sign::Unsure => self.holds_when_folded(lane.text, segment.unescaped),
        };
        if found {
            lines[segment.line].kind = Kind::Candidate;
        }
        lane.at = lane.text.len();
    }

    fn sign(&self, state: StateID, text: &[u8], end: usize) -> Sign {
        if !self.dfa.is_match(state) {
            return Sign::Nothing;
        }
        let mut sign = Sign::Nothing;
        for i in 0..self.dfa.match_len(state) {
            let pattern = self.dfa.match_pattern(state, i);
            let Some(&string) = self.strings.get(pattern.as_usize()) else {
                sign = Sign::Unsure;
                continue;
            };
            if self.fits(string, text, end - self.dfa.pattern_len(pattern), end) {
                return Sign::Hit;
            }
        }
        sign
    }

    /// Whether the neighbours of a find let it be a whole word.
    fn fits(&self, string: u32, text: &[u8], start: usize, end: usize) -> bool {
        let wanted = &self.wanted[string as usize];
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        if wanted.ends_word && text.get(end).is_some_and(is_word) {
            return false;
        }
        // The letter before it may be that of an escape: `\nacme`.
        let escaped = start >= 2 && text[start - 2] == b'\\';
        !(wanted.starts_word && start > 0 && is_word(&text[start - 1]) && !escaped)
    }

    /// For texts with characters that folding changes.
    fn holds_when_folded(&self, text: &[u8], is_unescaped: bool) -> bool {
        let mut plain = Vec::new();
        let text = if is_unescaped {
            text
        } else if unescape_whole(text, &mut plain).is_some() {
            &plain
        } else {
            return true;
        };
        let Ok(text) = std::str::from_utf8(text) else { return true };
        let folded = window::folded(text);
        let mut found = false;
        self.each_hit(folded.as_bytes(), |_| found = true);
        found
    }

    /// Adds the rules of which a string stands in a folded text.
    pub(in crate::rules) fn announced(&self, folded: &[u8], rules: &mut Vec<usize>) {
        self.each_hit(folded, |wanted| rules.extend(wanted.rules.iter().map(|&rule| rule as usize)));
    }

    fn each_hit(&self, folded: &[u8], mut found: impl FnMut(&Strings)) {
        let mut state = self.start;
        for (i, &b) in folded.iter().enumerate() {
            state = self.dfa.next_state(Anchored::No, state, b);
            if !self.dfa.is_special(state) || !self.dfa.is_match(state) {
                continue;
            }
            for m in 0..self.dfa.match_len(state) {
                let pattern = self.dfa.match_pattern(state, m);
                if let Some(&string) = self.strings.get(pattern.as_usize())
                    && self.fits(string, folded, i + 1 - self.dfa.pattern_len(pattern), i + 1)
                {
                    found(&self.wanted[string as usize]);
                }
            }
        }
    }
}

/// One text on its way through the automaton.
#[derive(Clone, Copy)]
struct Lane<'a> {
    text: &'a [u8],
    at: usize,
    state: StateID,
    segment: Option<&'a Segment>,
}
