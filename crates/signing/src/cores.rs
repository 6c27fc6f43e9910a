use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use alias_domain::ports::Failure;
use tokio::{sync::oneshot, task};

use crate::crypto;

/// Runs what keeps a core busy beside the threads that serve requests, as many at a time as there
/// are cores: with more, each would only be slower, and hashes would fill the memory. Tokio's
/// blocking threads do the work, so that there is no pool of our own to start, size and stop.
///
/// Work waits in a line, and a thread that is done with one takes the next. Were it to give back a
/// permit instead, whoever waits would have to be woken to send for a thread again, which takes as
/// long as a small signature.
#[derive(Clone)]
pub(crate) struct Cores(Arc<Shared>);

struct Shared {
    most: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Box<dyn FnOnce() + Send>>,
    /// How many threads are at it.
    busy: usize,
}

impl Cores {
    pub(crate) fn all() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }

    fn of(most: usize) -> Self {
        let line = Mutex::default();
        Self(Arc::new(Shared { most, line }))
    }

    /// A caller that goes away does not end work that has begun; what has not begun is left out.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (asker, answer) = oneshot::channel();
        let work = move || {
            if !asker.is_closed() {
                drop(asker.send(work()));
            }
        };
        if self.0.queue(Box::new(work)) {
            let mut busy = Busy(Some(Arc::clone(&self.0)));
            task::spawn_blocking(move || busy.work_off());
        }
        // If the work panics, it has no answer.
        answer.await.map_err(crypto)
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more thread is to be at it.
    fn queue(&self, work: Box<dyn FnOnce() + Send>) -> bool {
        let mut line = self.line();
        line.waiting.push_back(work);
        let is_core_free = line.busy < self.most;
        line.busy += usize::from(is_core_free);
        is_core_free
    }

    fn next(&self) -> Option<Box<dyn FnOnce() + Send>> {
        let mut line = self.line();
        let next = line.waiting.pop_front();
        line.busy -= usize::from(next.is_none());
        next
    }
}

/// A thread at work. Where none can be had, or it ends before the line does, its core is free again.
struct Busy(Option<Arc<Shared>>);

impl Busy {
    fn work_off(&mut self) {
        while let Some(shared) = &self.0 {
            match shared.next() {
                // A panic is its asker's alone.
                Some(work) => drop(catch_unwind(AssertUnwindSafe(work))),
                None => self.0 = None,
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.line().busy -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Barrier,
            atomic::{AtomicBool, AtomicUsize, Ordering},
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
    async fn as_much_work_runs_at_a_time_as_there_are_cores() {
        let cores = Cores::of(2);
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

    /// One core, busy with work whose caller went away; it ends when the sender is dropped.
    async fn abandoned() -> (Cores, mpsc::Sender<()>) {
        let cores = Cores::of(1);
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
        (cores, finish)
    }

    #[tokio::test]
    async fn work_whose_caller_went_away_keeps_its_core() {
        let (cores, finish) = abandoned().await;
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        let mut next = pin!(cores.run(move || begins.store(true, Ordering::SeqCst)));
        tokio::select! {
            biased;
            _ = &mut next => {}
            () = std::future::ready(()) => {}
        }
        assert_eq!(cores.0.line().busy, 1);
        assert!(!began.load(Ordering::SeqCst));
        drop(finish);
        assert!(next.await.is_ok());
        assert!(began.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_does_not_begin() {
        let (cores, finish) = abandoned().await;
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        {
            let mut given_up = pin!(cores.run(move || begins.store(true, Ordering::SeqCst)));
            tokio::select! {
                biased;
                _ = &mut given_up => {}
                () = std::future::ready(()) => {}
            }
        }
        drop(finish);
        assert!(cores.run(|| ()).await.is_ok());
        assert!(!began.load(Ordering::SeqCst));
    }

    #[test]
    fn a_core_for_which_no_thread_can_be_had_is_free_again() {
        let cores = Cores::of(1);
        let runtime = || tokio::runtime::Builder::new_current_thread().build();
        // It ends before a thread of its takes the work.
        let ended = runtime().expect("a runtime");
        let handle = ended.handle().clone();
        ended.shutdown_background();
        let entered = handle.enter();
        let mut asked = pin!(cores.run(|| ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(asked.as_mut().poll(&mut context).is_pending());
        drop(entered);
        assert_eq!(cores.0.line().busy, 0);
        let next = async { cores.run(|| ()).await };
        assert!(runtime().expect("a runtime").block_on(next).is_ok());
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_frees_its_core() {
        let cores = Cores::of(1);
        let panics: fn() = || std::panic::resume_unwind(Box::new("as it is to"));
        assert!(cores.run(panics).await.is_err());
        assert!(cores.run(|| ()).await.is_ok());
    }
}
