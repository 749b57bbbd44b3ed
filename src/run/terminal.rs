//! The terminal: entered, painted and always given back.
//!
//! A frame is composed in memory and written by a thread of its own, so a slow line delays the next frame
//! and never a key. Nothing is written where nothing changed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::Duration;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{execute, queue};
use ratatui::backend::Backend as _;
use ratatui::layout::{Rect, Size};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use tokio::sync::Notify;

use super::encoder::Encoder;

/// So long the last frame may take at the end.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// The screen while the deck is open; gives the terminal back when dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<Encoder>,
    painter: Option<Painter>,
}

impl Screen {
    /// Enters raw mode and the alternate screen.
    pub fn open() -> io::Result<Self> {
        let (columns, rows) = terminal::size()?;
        enter()?;
        let terminal = fresh_terminal(Size::new(columns, rows))?;
        Ok(Self { terminal, painter: Some(Painter::start()?) })
    }

    /// Columns and rows of the terminal.
    pub fn size(&self) -> (u16, u16) {
        let size = self.terminal.backend().cells();
        (size.width, size.height)
    }

    /// Completes when the line has taken the last frame.
    pub fn ready(&self) -> impl Future<Output = ()> + use<> {
        let shared = self.painter.as_ref().map(|painter| Arc::clone(&painter.shared));
        async move {
            if let Some(shared) = shared {
                while shared.busy.load(Ordering::Acquire) {
                    shared.done.notified().await;
                }
            }
        }
    }

    /// Writing failed: the terminal is gone. One that is [lent](Self::lend) is not.
    pub fn is_gone(&self) -> bool {
        self.painter.as_ref().is_some_and(|painter| painter.shared.gone.load(Ordering::Acquire))
    }

    /// Composes one frame and hands it to the line. Only to be called when [ready](Self::ready).
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        let bytes = self.terminal.backend_mut().take();
        if !bytes.is_empty() {
            let mut frame = Vec::with_capacity(bytes.len() + 16);
            queue!(frame, BeginSynchronizedUpdate)?;
            frame.extend_from_slice(&bytes);
            queue!(frame, EndSynchronizedUpdate)?;
            self.write(frame);
        }
        Ok(())
    }

    /// Writes something that is no frame, such as a clipboard sequence or a bell.
    pub fn write(&self, bytes: Vec<u8>) {
        if let Some(painter) = &self.painter {
            painter.write(bytes);
        }
    }

    /// Takes on a new size; the next frame paints everything.
    pub fn resize(&mut self, columns: u16, rows: u16) -> io::Result<()> {
        self.terminal = fresh_terminal(Size::new(columns, rows))?;
        self.terminal.backend_mut().clear()
    }

    /// Paints everything anew with the next frame.
    pub fn repaint(&mut self) -> io::Result<()> {
        let (columns, rows) = self.size();
        self.resize(columns, rows)
    }

    /// Gives the terminal to somebody else for a while: an editor, or the shell after Ctrl-Z.
    pub fn lend(&mut self) -> io::Result<()> {
        if let Some(painter) = self.painter.take() {
            painter.finish();
        }
        leave()
    }

    /// Takes the terminal back after [`Self::lend`]; its size may have changed.
    pub fn take_back(&mut self) -> io::Result<()> {
        enter()?;
        self.painter = Some(Painter::start()?);
        let (columns, rows) = terminal::size()?;
        self.resize(columns, rows)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(painter) = self.painter.take() {
            painter.finish();
        }
        if let Err(error) = leave() {
            tracing::debug!(%error, "the terminal was gone before it could be restored");
        }
    }
}

fn fresh_terminal(size: Size) -> io::Result<Terminal<Encoder>> {
    // A fixed viewport: the full-screen one clears by asking the terminal where its cursor is.
    let area = Rect::new(0, 0, size.width, size.height);
    Terminal::with_options(Encoder::new(size), TerminalOptions { viewport: Viewport::Fixed(area) })
}

fn enter() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    // Without wrapping, a cluster drawn wider than counted spoils its own row at most.
    execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, EnableBracketedPaste, Clear(ClearType::All))
}

/// Gives the terminal back as it was; also for the panic hook, so it needs nothing of the screen's state.
pub fn leave() -> io::Result<()> {
    let written = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        EnableLineWrap,
        SetAttribute(Attribute::Reset),
        LeaveAlternateScreen,
        Show
    );
    terminal::disable_raw_mode()?;
    written
}

/// After a panic anywhere the terminal is restored, the words of the panic stand on it, and the program ends:
/// a deck with a dead part would lie. What was typed is in the store.
pub fn restore_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Err(error) = leave() {
            tracing::debug!(%error, "the terminal was gone before it could be restored");
        }
        tracing::error!(%panic, "panic");
        default(panic);
        std::process::exit(101);
    }));
}

/// Writes frames on a thread of its own.
#[derive(Debug)]
struct Painter {
    frames: SyncSender<Vec<u8>>,
    shared: Arc<Shared>,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Shared {
    busy: AtomicBool,
    gone: AtomicBool,
    done: Notify,
}

impl Painter {
    fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        // Clipboard and bell may come while a frame is on its way.
        let (frames, queue) = sync_channel::<Vec<u8>>(16);
        let (alive, ended) = channel();
        std::thread::Builder::new().name("painter".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                let _alive = alive;
                // Not locked for good: the panic hook writes too.
                let mut out = io::stdout();
                let mut pending = queue.recv();
                while let Ok(bytes) = pending {
                    if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
                        shared.gone.store(true, Ordering::Release);
                    }
                    pending = queue.try_recv().or_else(|_| {
                        shared.busy.store(false, Ordering::Release);
                        shared.done.notify_waiters();
                        shared.done.notify_one();
                        queue.recv()
                    });
                }
            }
        })?;
        Ok(Self { frames, shared, ended })
    }

    fn write(&self, bytes: Vec<u8>) {
        self.shared.busy.store(true, Ordering::Release);
        if self.frames.send(bytes).is_err() {
            self.shared.gone.store(true, Ordering::Release);
        }
    }

    /// Ends after everything handed in is written, or after a second: a line that takes nothing any more
    /// must not keep the program from ending.
    fn finish(self) {
        drop(self.frames);
        if self.ended.recv_timeout(LAST_WRITE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the terminal took no more output; ending without its last frame");
        }
    }
}
