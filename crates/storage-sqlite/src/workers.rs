//! Threads that work through one queue, and end with it.

use std::thread::{self, JoinHandle};

use alias_domain::ports::StoreError;
use tokio::sync::mpsc;

/// How many may wait for their turn before the next must wait to queue up.
const LONGEST_QUEUE: usize = 1024;

/// One queue and its threads. Dropping it lets them finish what is queued, and waits for them.
pub(crate) struct Workers<J> {
    queue: Option<mpsc::Sender<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Workers<J> {
    /// An empty queue without threads, and its end.
    pub(crate) fn new() -> (Self, mpsc::Receiver<J>) {
        let (queue, jobs) = mpsc::channel(LONGEST_QUEUE);
        let workers = Self {
            queue: Some(queue),
            threads: Vec::new(),
        };
        (workers, jobs)
    }

    /// Adds a thread, which is to end when the queue does.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), std::io::Error> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Queues a job, as soon as there is room.
    pub(crate) async fn queue(&self, job: J) -> Result<(), StoreError> {
        let stopped = || StoreError::Unavailable("its threads have stopped".to_owned());
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.send(job).await.map_err(|_| stopped())
    }
}

impl<J> Drop for Workers<J> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to finish.
            drop(thread.join());
        }
    }
}
