//! A panic is a fault in the program. It costs what it happened in, is logged and counted, and what
//! is to run for ever is started again.

use std::{
    any::Any,
    io::{Write, stderr},
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

use crate::logs;

/// Between a first panic and the next start. It doubles with each further panic.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause, and how long a task must have run for the first to hold again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

static COUNT: AtomicU64 = AtomicU64::new(0);

/// From now on every panic, on whichever thread, is counted and logged with its place.
pub(crate) fn watch() {
    panic::set_hook(Box::new(|panic| {
        COUNT.fetch_add(1, Ordering::Relaxed);
        let place = panic.location().map(ToString::to_string);
        let (place, message) = (place.unwrap_or_default(), message(panic.payload()));
        if logs::are_written() {
            let thread = thread::current();
            let thread = thread.name().unwrap_or_default();
            tracing::error!(place, message, thread, "a panic: this is a fault in Alias");
        } else {
            // That nobody reads it is no reason for another panic.
            let _ = writeln!(stderr(), "aliasd: a fault in Alias at {place}: {message}");
        }
    }));
}

/// What the panic says, if it stands so in the source: what was put together when it happened may
/// hold what must not be in a log.
fn message(payload: &dyn Any) -> &'static str {
    payload.downcast_ref().copied().unwrap_or("(not shown)")
}

/// How many panics there were so far.
pub(crate) fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Runs a task to its end. If it panics, it is started again after a pause that grows.
pub(crate) async fn supervise<T>(name: &'static str, mut task: impl AsyncFnMut() -> T) -> T {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        // A panic leaves nothing half done that the next run would meet: it begins from the store.
        if let Ok(done) = AssertUnwindSafe(task()).catch_unwind().await {
            return done;
        }
        if started.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        tracing::error!(task = name, ?pause, "a task panicked; it is started again");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_after_pauses_that_grow() {
        let (mut starts, began) = (Vec::new(), Instant::now());
        let done = supervise("test", async || {
            starts.push(began.elapsed().as_millis());
            assert!(starts.len() > 3, "as it is to");
            "done"
        });
        assert_eq!(done.await, "done");
        assert_eq!(starts, [0, 500, 1500, 3500]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ran_for_long_is_started_again_soon() {
        let (mut starts, began) = (Vec::new(), Instant::now());
        supervise("test", async || {
            starts.push(began.elapsed().as_secs());
            sleep(Duration::from_secs(100)).await;
            assert!(starts.len() > 2, "as it is to");
        })
        .await;
        assert_eq!(starts, [0, 100, 201]);
    }

    #[test]
    fn what_was_put_together_is_not_shown() {
        assert_eq!(message(&"in the source"), "in the source");
        assert_eq!(message(&"a secret".to_owned()), "(not shown)");
    }
}
