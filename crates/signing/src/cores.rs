use std::{sync::Arc, thread};

use alias_domain::ports::Failure;
use tokio::{sync::Semaphore, task};

use crate::crypto;

/// Runs what keeps a core busy beside the threads that serve requests, as many at a time as there
/// are cores: with more, each would only be slower, and hashes would fill the memory. Tokio's
/// blocking threads do the work, so that there is no pool of our own to start, size and stop.
#[derive(Clone)]
pub(crate) struct Cores(Arc<Semaphore>);

impl Cores {
    pub(crate) fn all() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores)))
    }

    /// The work holds its permit itself: a caller that goes away does not end it, and must not
    /// let another begin in its place.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let permit = self.0.clone().acquire_owned().await.map_err(crypto)?;
        let working = task::spawn_blocking(move || {
            let _until_done = permit;
            work()
        });
        working.await.map_err(crypto)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Barrier,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
    };

    use tokio::{sync::oneshot, task::JoinSet};

    use super::*;

    #[tokio::test]
    async fn work_runs_on_another_thread() -> Result<(), Failure> {
        let there = Cores::all().run(|| thread::current().id()).await?;
        assert_ne!(there, thread::current().id());
        Ok(())
    }

    #[tokio::test]
    async fn as_much_work_runs_at_a_time_as_there_are_permits() {
        let cores = Cores(Arc::new(Semaphore::new(2)));
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // Each piece of work waits for another one to run beside it.
        let shared = Arc::new((running, most, Barrier::new(2)));
        let mut all = JoinSet::new();
        for _ in 0..50 {
            let (cores, shared) = (cores.clone(), Arc::clone(&shared));
            let work = move || {
                let (running, most, pair) = &*shared;
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                pair.wait();
                running.fetch_sub(1, Ordering::SeqCst);
            };
            all.spawn(async move { cores.run(work).await });
        }
        assert!(all.join_all().await.iter().all(Result::is_ok));
        assert_eq!(shared.1.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn work_whose_caller_went_away_keeps_its_permit() {
        let cores = Cores(Arc::new(Semaphore::new(1)));
        let (begin, begun) = oneshot::channel();
        let (finish, finished) = mpsc::channel::<()>();
        {
            let mut working = pin!(cores.run(move || {
                _ = begin.send(());
                _ = finished.recv();
            }));
            tokio::select! {
                _ = &mut working => {}
                begun = begun => assert_eq!(begun, Ok(())),
            }
        }
        assert_eq!(cores.0.available_permits(), 0);
        drop(finish);
        assert!(cores.0.acquire().await.is_ok());
    }
}
