//! Server-sent events, read from pieces that may end anywhere. Pure.

/// An event, or a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Event {
        kind: String,
        data: String,
    },
    /// An event too long to keep, of so many bytes.
    TooLong(usize),
}

/// Puts events together.
#[derive(Debug)]
pub(super) struct Reader {
    longest: usize,
    line: Vec<u8>,
    kind: String,
    data: String,
    /// Bytes of the event under way; it is too long where they are more than `longest`.
    length: usize,
}

impl Reader {
    /// Events longer than `longest` bytes are told as that and not kept.
    pub(super) fn new(longest: usize) -> Self {
        Self { longest, line: Vec::new(), kind: String::new(), data: String::new(), length: 0 }
    }

    /// Takes a piece; hands back what is whole. Comments (`:thump`) are signs of life and nothing else.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<Sent> {
        let mut sent = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.length += part.len();
            if self.length <= self.longest {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let is_blank = part.len() <= 2 && part.trim_ascii().is_empty() && self.line.trim_ascii().is_empty();
                let line = std::mem::take(&mut self.line);
                self.take(&line, is_blank, &mut sent);
            }
        }
        sent
    }

    fn take(&mut self, line: &[u8], is_blank: bool, sent: &mut Vec<Sent>) {
        if is_blank {
            let (kind, data, length) =
                (std::mem::take(&mut self.kind), std::mem::take(&mut self.data), std::mem::take(&mut self.length));
            if length > self.longest {
                sent.push(Sent::TooLong(length));
            } else if !(kind.is_empty() && data.is_empty()) {
                sent.push(Sent::Event { kind, data });
            }
            return;
        }
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\n', '\r']);
        if line.starts_with(':') {
            if self.kind.is_empty() && self.data.is_empty() {
                self.length = 0;
            }
            return;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, Sent};

    fn event(kind: &str, data: &str) -> Sent {
        Sent::Event { kind: kind.into(), data: data.into() }
    }

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let bytes = ":)\n:thump\nevent: update\ndata: {\"é\":1}\n\n:thump\r\nevent: delete\r\ndata: 5\r\n\r\ndata: a\ndata: b\nid: 9\n\n".as_bytes();
        let expected = [event("update", "{\"é\":1}"), event("delete", "5"), event("", "a\nb")];
        for size in 1..bytes.len() {
            let mut reader = Reader::new(1_000);
            let sent: Vec<Sent> = bytes.chunks(size).flat_map(|piece| reader.feed(piece)).collect();
            assert_eq!(sent, expected, "{size}");
        }
    }

    #[test]
    fn a_giant_event_costs_only_itself() {
        let mut reader = Reader::new(100);
        let giant = format!("event: update\ndata: {}\n\n", "x".repeat(5_000));
        let mut sent: Vec<Sent> = giant.as_bytes().chunks(7).flat_map(|piece| reader.feed(piece)).collect();
        sent.extend(reader.feed(b"event: delete\ndata: 1\n\n"));
        assert_eq!(sent, [Sent::TooLong(giant.len()), event("delete", "1")]);
    }
}
