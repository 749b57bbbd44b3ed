//! A thread that owns something and does to it what it is sent, one deed after the other.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::log::LogError;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The owner's handle. After its end every question is answered with [`LogError::Closed`].
pub(super) struct Worker<S> {
    life: Mutex<Option<Life<S>>>,
}

struct Life<S> {
    jobs: Sender<Job<S>>,
    thread: JoinHandle<()>,
    /// Resolves when the thread has dropped what it owns.
    gone: oneshot::Receiver<()>,
}

impl<S> std::fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_alive = self.life.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        f.debug_struct("Worker").field("is_alive", &is_alive).finish_non_exhaustive()
    }
}

impl<S: Send + 'static> Worker<S> {
    /// Starts the thread; `owned` is dropped on it.
    pub(super) fn start(name: &str, mut owned: S) -> Result<Self, LogError> {
        let (jobs, inbox) = channel::<Job<S>>();
        let (end, gone) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in inbox {
                    job(&mut owned);
                }
                drop(owned);
                // Nobody waits where the handle was dropped instead of closed.
                let _ = end.send(());
            })
            .map_err(|error| super::no_thread(&error))?;
        Ok(Self { life: Mutex::new(Some(Life { jobs, thread, gone })) })
    }

    /// Has something done.
    pub(super) fn send(&self, job: impl FnOnce(&mut S) + Send + 'static) -> Result<(), LogError> {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        let life = life.as_ref().ok_or(LogError::Closed)?;
        life.jobs.send(Box::new(job)).map_err(|_| LogError::Closed)
    }

    /// Has something done and waits for what comes of it.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let (answer, outcome) = oneshot::channel();
        self.send(move |owned| {
            // A caller that went away wants no answer.
            let _ = answer.send(job(owned));
        })?;
        outcome.await.map_err(|_| LogError::Closed)?
    }

    /// Lets the thread finish what it was sent, and waits for its end without blocking the caller's thread.
    pub(super) async fn close(&self) {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Life { jobs, thread, gone }) = life {
            drop(jobs);
            // An error means that it ended by a panic, which joining tells.
            let _ = gone.await;
            join(thread);
        }
    }

    /// The same, blocking.
    pub(super) fn end(&self) {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Life { jobs, thread, .. }) = life {
            drop(jobs);
            join(thread);
        }
    }
}

fn join(thread: JoinHandle<()>) {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    if thread.join().is_err() {
        tracing::error!(name, "a thread of the store ended by a panic");
    }
}
