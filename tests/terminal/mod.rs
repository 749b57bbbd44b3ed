//! Drives the real program in a pseudo-terminal and reads its screen back through a terminal model.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use crate::simulator::PATIENCE;

/// The program in its terminal.
pub(crate) struct InTerminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

struct Seen {
    model: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl InTerminal {
    /// Starts `replydeck` with `args` in a terminal of this size and a home of its own.
    pub(crate) fn start(args: &[&str], home: &Path, size: (u16, u16), env: &[(&str, &str)]) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_replydeck")), args, home, size, env)
    }

    /// Starts any program in the same way.
    pub(crate) fn start_program(
        program: &Path,
        args: &[&str],
        home: &Path,
        (columns, rows): (u16, u16),
        env: &[(&str, &str)],
    ) -> Self {
        let pty = native_pty_system();
        let pair = pty.openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("HOME", home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("TZ", "UTC");
        command.env("REPLYDECK_DATA_DIR", home.join("data"));
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let writer = pair.master.take_writer().expect("a writer");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let seen = Seen { model: vt100::Parser::new(cells(rows), cells(columns), 0), bytes: Vec::new(), ended: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                let mut block = [0; 16_384];
                loop {
                    let read = reader.read(&mut block).unwrap_or(0);
                    let (state, changed) = &*seen;
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    if read == 0 {
                        state.ended = true;
                        changed.notify_all();
                        return;
                    }
                    state.model.process(&block[..read]);
                    state.bytes.extend_from_slice(&block[..read]);
                    changed.notify_all();
                }
            }
        });
        Self { child, master: pair.master, writer, seen }
    }

    /// Types text or control characters.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.writer.flush().expect("the terminal takes keys");
    }

    /// Bytes as the line delivers them, whole characters or not.
    pub(crate) fn bytes_of_keys(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).expect("the terminal takes keys");
        self.writer.flush().expect("the terminal takes keys");
    }

    /// What stands on the screen now, a line a row.
    pub(crate) fn screen(&self) -> String {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).model.screen().contents()
    }

    /// What stands on the screen once it holds this text and nothing has been written for a moment.
    #[track_caller]
    pub(crate) fn settled(&self, text: &str) -> String {
        self.shows(text);
        let (state, changed) = &*self.seen;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let before = state.bytes.len();
            let quiet = Duration::from_millis(400);
            state = changed.wait_timeout(state, quiet).unwrap_or_else(PoisonError::into_inner).0;
            if state.bytes.len() == before {
                return state.model.screen().contents();
            }
        }
    }

    /// Every byte the program wrote so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).bytes.clone()
    }

    /// Waits until the screen satisfies `wanted`, and gives it back; fails with the screen as it stands.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.within(PATIENCE, what, wanted)
    }

    /// Whether the screen satisfies `wanted` within this time.
    pub(crate) fn comes(&self, patience: Duration, wanted: impl Fn(&str) -> bool) -> bool {
        let (state, changed) = &*self.seen;
        let end = Instant::now() + patience;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        while !wanted(&state.model.screen().contents()) {
            let now = Instant::now();
            if now >= end || state.ended {
                return false;
            }
            state = changed.wait_timeout(state, end - now).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The same for what takes its time.
    #[track_caller]
    pub(crate) fn within(&self, patience: Duration, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.in_cells(patience, what, |screen| wanted(&screen.contents()))
    }

    /// The same, looking at single cells.
    #[track_caller]
    pub(crate) fn in_cells(&self, patience: Duration, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> String {
        let (state, changed) = &*self.seen;
        let end = Instant::now() + patience;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let screen = state.model.screen().contents();
            if wanted(state.model.screen()) {
                return screen;
            }
            let now = Instant::now();
            assert!(now < end, "waited for {what}; the screen shows:\n{screen}");
            assert!(!state.ended, "waited for {what}, but the program ended; its last screen:\n{screen}");
            state = changed.wait_timeout(state, end - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen holds this text.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> String {
        self.until(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.seen
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .model
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a new size");
    }

    /// The program's process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.process_id().expect("a running program")
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([format!("-{name}"), self.process_id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end of the program, and until all it wrote was read.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the program can be waited for") {
                let (state, changed) = &*self.seen;
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let left = end.saturating_duration_since(Instant::now());
                let (state, _) = changed
                    .wait_timeout_while(state, left, |state| !state.ended)
                    .unwrap_or_else(PoisonError::into_inner);
                assert!(state.ended, "the program ended and its line stays open");
                return status;
            }
            assert!(Instant::now() < end, "the program does not end; its screen:\n{}", self.screen());
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// A size in cells; no terminal has none.
fn cells(count: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(count).expect("a terminal has cells")
}

impl Drop for InTerminal {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
