use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use alias_domain::ports::Failure;
use tokio::{sync::oneshot, task, time::timeout};

use crate::error::crypto;

/// Runs what keeps a core busy beside the threads that serve requests, as many at a time as there
/// are cores: with more, each would only be slower, and hashes would fill the memory. Tokio's
/// blocking threads do the work, so that there is no pool of our own to start, size and stop.
///
/// Work waits in a line, and a thread that is done with one takes the next. Were it to give back a
/// permit instead, whoever waits would have to be woken to send for a thread again, which takes as
/// long as a small signature.
#[derive(Clone)]
pub(crate) struct Cores(Arc<Shared>);

/// How much work may wait, and for how long.
///
/// Signatures have no such bound: each is asked for at the end of a step that is done already, such
/// as a code that is spent. There are never more of them than requests, and each takes a
/// millisecond.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) waiting_per_core: usize,
    pub(crate) time: Duration,
}

struct Shared {
    most: usize,
    patience: Option<Patience>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Box<dyn Work>>,
    /// How many threads are at it.
    busy: usize,
}

/// What waits in the line.
trait Work: Send {
    /// Whether its caller still waits for it.
    fn is_wanted(&self) -> bool;

    fn run(self: Box<Self>);
}

struct Asked<W, T> {
    work: W,
    asker: oneshot::Sender<T>,
    /// Whoever sets it decides: the thread that begins, or the caller that waits no longer.
    settled: Arc<AtomicBool>,
}

impl<T: Send, W: FnOnce() -> T + Send> Work for Asked<W, T> {
    fn is_wanted(&self) -> bool {
        !self.asker.is_closed()
    }

    fn run(self: Box<Self>) {
        if self.is_wanted() && !self.settled.swap(true, Ordering::AcqRel) {
            drop(self.asker.send((self.work)()));
        }
    }
}

impl Cores {
    pub(crate) fn all() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from), None)
    }

    /// The same number of cores, and a bound on what waits for them.
    pub(crate) fn with_patience(self, patience: Patience) -> Self {
        Self::of(self.0.most, Some(patience))
    }

    fn of(most: usize, patience: Option<Patience>) -> Self {
        let line = Mutex::default();
        Self(Arc::new(Shared {
            most,
            patience,
            line,
        }))
    }

    /// A caller that goes away does not end work that has begun; what has not begun is left out.
    ///
    /// # Errors
    /// [`Failure::Busy`] beyond the bounds of [`Patience`]: the work has not begun, and does not.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (asker, mut answer) = oneshot::channel();
        let settled = Arc::new(AtomicBool::new(false));
        let work = Asked {
            work,
            asker,
            settled: Arc::clone(&settled),
        };
        if self.0.queue(Box::new(work))? {
            let mut busy = Busy(Some(Arc::clone(&self.0)));
            task::spawn_blocking(move || busy.work_off());
        }
        if let Some(patience) = self.0.patience {
            match timeout(patience.time, &mut answer).await {
                // If the work panics, it has no answer.
                Ok(answer) => return answer.map_err(crypto),
                Err(_) if !settled.swap(true, Ordering::AcqRel) => return Err(Failure::Busy),
                // It has begun, so it ends soon.
                Err(_) => {}
            }
        }
        answer.await.map_err(crypto)
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more thread is to be at it.
    fn queue(&self, work: Box<dyn Work>) -> Result<bool, Failure> {
        let mut line = self.line();
        if let Some(patience) = self.patience
            && line.busy == self.most
        {
            let most = patience.waiting_per_core.saturating_mul(self.most);
            if line.waiting.len() >= most {
                line.waiting.retain(|it| it.is_wanted());
            }
            if line.waiting.len() >= most {
                return Err(Failure::Busy);
            }
        }
        line.waiting.push_back(work);
        let is_core_free = line.busy < self.most;
        line.busy += usize::from(is_core_free);
        Ok(is_core_free)
    }

    fn next(&self) -> Option<Box<dyn Work>> {
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
                Some(work) => drop(catch_unwind(AssertUnwindSafe(|| work.run()))),
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
        let cores = Cores::of(2, None);
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
        let cores = Cores::of(1, None);
        let finish = keep_busy(&cores).await;
        (cores, finish)
    }

    async fn keep_busy(cores: &Cores) -> mpsc::Sender<()> {
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
        finish
    }

    /// One core that is busy, for which few wait, and those not for long.
    async fn busy(waiting_per_core: usize, time: Duration) -> (Cores, mpsc::Sender<()>) {
        let patience = Patience {
            waiting_per_core,
            time,
        };
        let cores = Cores::of(1, Some(patience));
        let finish = keep_busy(&cores).await;
        (cores, finish)
    }

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn beyond_its_length_the_line_refuses_at_once_and_nothing_is_done() {
        let (cores, finish) = busy(2, LONG).await;
        let mut waiting: JoinSet<_> = (0..2).map(|it| queued(&cores, it)).collect();
        task::yield_now().await;
        assert_eq!(cores.0.line().waiting.len(), 2);
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        let refused = cores
            .run(move || begins.store(true, Ordering::SeqCst))
            .await;
        assert_eq!(refused, Err(Failure::Busy));
        drop(finish);
        while let Some(done) = waiting.join_next().await {
            assert!(done.is_ok_and(|it| it.is_ok()));
        }
        assert!(!began.load(Ordering::SeqCst));
        assert_eq!(cores.run(|| 1).await, Ok(1), "and then there is room again");
    }

    #[tokio::test]
    async fn who_went_away_takes_no_place_in_the_line() {
        let (cores, finish) = busy(2, LONG).await;
        let mut waiting: JoinSet<_> = (0..2).map(|it| queued(&cores, it)).collect();
        task::yield_now().await;
        waiting.shutdown().await;
        let next = tokio::spawn(queued(&cores, 7));
        task::yield_now().await;
        assert_eq!(cores.0.line().waiting.len(), 1);
        drop(finish);
        assert_eq!(next.await.expect("no panic"), Ok(7));
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused_and_nothing_is_done() {
        let (cores, finish) = busy(2, Duration::from_millis(10)).await;
        let began = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&began);
        let refused = cores
            .run(move || begins.store(true, Ordering::SeqCst))
            .await;
        assert_eq!(refused, Err(Failure::Busy));
        drop(finish);
        while cores.0.line().busy > 0 {
            task::yield_now().await;
        }
        assert!(!began.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn work_that_has_begun_is_waited_for_however_long_it_takes() {
        let patience = Patience {
            waiting_per_core: 2,
            time: Duration::from_millis(2),
        };
        let cores = Cores::of(1, Some(patience));
        let (began, mut done) = (Arc::new(AtomicUsize::new(0)), 0);
        while done < 3 {
            let begins = Arc::clone(&began);
            let work = cores.run(move || {
                begins.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(20));
            });
            done += usize::from(work.await.is_ok());
        }
        assert_eq!(began.load(Ordering::SeqCst), done);
    }

    fn queued(cores: &Cores, it: u32) -> impl Future<Output = Result<u32, Failure>> + use<> {
        let cores = cores.clone();
        async move { cores.run(move || it).await }
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
        let cores = Cores::of(1, None);
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
        let cores = Cores::of(1, None);
        let panics: fn() = || std::panic::resume_unwind(Box::new("as it is to"));
        assert!(cores.run(panics).await.is_err());
        assert!(cores.run(|| ()).await.is_ok());
    }
}
