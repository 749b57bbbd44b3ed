//! The tables. `PRAGMA user_version` holds their format; a store of a later format is left alone.

/// The format this version reads and writes.
pub(super) const FORMAT: u32 = 4;

/// The oldest format that [`super::migrate`] can bring to this one.
pub(super) const OLDEST: u32 = 1;

/// Marks the file as ours (`rply`), so that another program's database is never written to.
pub(super) const APPLICATION: i32 = 0x7270_6c79;

/// Makes an empty database a store. Times are nanoseconds, `posted_at` and `near` microseconds, since 1970-01-01 UTC.
///
/// - `events.seq` is the place in the log. Events are never deleted, so places have no gaps.
/// - `events.near` stands before the id in its index: ids of what a network delivers are spread evenly, and each
///   would touch another page. With the post's time in front new ids come to lie side by side. It follows
///   from the event alone ([`super::append::near`]).
/// - `bodies.place` is about the text's time in milliseconds, moved on where taken: the index hands out
///   rows by this number, so the newest texts come first without sorting, back-filled ones included.
/// - `words` keeps no texts of its own; it is told the old text to forget it. `secure-delete` takes forgotten words
///   out of the index at once instead of marking them.
/// - `automerge` and `crisismerge`: runs of the index are merged sixteen at a time, so a word is rewritten about
///   three times until a million texts are there, and not six.
pub(super) const TABLES: [&str; 4] = [EVENTS, EVENT_INDEXES, OTHERS, FINDING];

/// See [`TABLES`].
pub(super) const EVENTS: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    near INTEGER NOT NULL,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    rep TEXT NOT NULL,
    machine TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    case_id BLOB,
    contends INTEGER NOT NULL
) STRICT;
";

/// See [`TABLES`].
pub(super) const EVENT_INDEXES: &str = "
CREATE UNIQUE INDEX events_by_id ON events (near, id);
CREATE INDEX events_of_case ON events (case_id, seq) WHERE case_id IS NOT NULL;
CREATE INDEX events_contending ON events (case_id, seq) WHERE contends = 1;
";

/// See [`TABLES`]. What [`super::finding`] keeps:
/// - `events_of_key`: events by [`crate::model::key`].
/// - `quotes`: by the id of a text, the ids of the posts that hold a copy of it.
/// - `people`: handles in lower case and whose they are or were, as long as a stored post shows them.
pub(super) const FINDING: &str = "
CREATE TABLE events_of_key (
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE quotes (
    quoted TEXT NOT NULL,
    quoting TEXT NOT NULL,
    PRIMARY KEY (quoted, quoting)
) STRICT, WITHOUT ROWID;
CREATE INDEX quotes_by_quoting ON quotes (quoting);

CREATE TABLE people (
    handle TEXT NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (handle, author)
) STRICT, WITHOUT ROWID;
CREATE INDEX people_by_author ON people (author);
";

/// How the index of words merges its runs.
pub(super) const MERGING: &str = "INSERT INTO words (words, rank) VALUES ('automerge', 16), ('crisismerge', 64);";

const OTHERS: &str = "
CREATE TABLE posts_of_author (
    author TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    post TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (author, posted_at, post)
) STRICT, WITHOUT ROWID;

CREATE TABLE posts_of_column (
    column_name TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    post TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (column_name, posted_at, post)
) STRICT, WITHOUT ROWID;

CREATE TABLE bodies (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE words USING fts5 (
    text,
    content = '',
    columnsize = 0,
    tokenize = \"unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'\"
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1), ('automerge', 16), ('crisismerge', 64);

CREATE TABLE checkpoints (
    kind TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
";

/// One row of each table, read when the store is opened: damage to their first pages shows before anything is
/// written.
pub(super) const PROBES: [&str; 9] = [
    "SELECT count(payload) FROM (SELECT payload FROM events ORDER BY seq DESC LIMIT 1)",
    "SELECT count(*) FROM (SELECT seq FROM posts_of_author LIMIT 1)",
    "SELECT count(*) FROM (SELECT seq FROM posts_of_column LIMIT 1)",
    "SELECT count(json) FROM (SELECT json FROM bodies ORDER BY place DESC LIMIT 1)",
    "SELECT count(*) FROM (SELECT rowid FROM words WHERE words MATCH '\"the\"' LIMIT 1)",
    "SELECT count(*) FROM (SELECT seq FROM checkpoints LIMIT 1)",
    "SELECT count(*) FROM (SELECT seq FROM events_of_key LIMIT 1)",
    "SELECT count(*) FROM (SELECT quoting FROM quotes LIMIT 1)",
    "SELECT count(*) FROM (SELECT author FROM people LIMIT 1)",
];
