//! Threads that work through one queue, and end with it and not before.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use alias_domain::ports::StoreError;
use tokio::sync::mpsc;

/// How many may wait for their turn before the next must wait to queue up.
const LONGEST_QUEUE: usize = 1024;

/// Between a first panic and the next start. It doubles with each further panic.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The longest pause, and how long a thread must have worked for the first to hold again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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

    /// Adds a thread, which is to end when the queue does. If its work panics before, it is started
    /// again.
    pub(crate) fn spawn(
        &mut self,
        name: &str,
        work: impl FnMut() + Send + 'static,
    ) -> Result<(), std::io::Error> {
        let thread = thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(move || to_its_end(work))?;
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
            // It caught whatever panicked.
            drop(thread.join());
        }
    }
}

fn to_its_end(mut work: impl FnMut()) {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        if catch_unwind(AssertUnwindSafe(&mut work)).is_ok() {
            return;
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        // To say so may be what panics.
        let say = || tracing::error!(?pause, "a thread of the store panicked; it goes on");
        drop(catch_unwind(say));
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
