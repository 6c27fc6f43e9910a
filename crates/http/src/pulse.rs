//! Whether the store can commit, for whoever asks. Anybody may ask, as often as they like, and each
//! commit costs: so one is made at a time, and what it came to is everybody's answer for a moment.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::rt;
use alias_domain::ports::StoreError;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(1);

/// How long a commit may take before the store counts as unavailable. It is not given up then: the
/// next who asks is told what it came to.
const PATIENCE: Duration = Duration::from_secs(4);

/// The pulse of a store. Its clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Pulse(Arc<Mutex<Option<Beat>>>);

/// The commit that is made, or was made last.
#[derive(Clone)]
struct Beat {
    began: Instant,
    /// What it came to, and when.
    outcome: watch::Receiver<Option<(Instant, Outcome)>>,
}

type Outcome = Result<(), StoreError>;

impl Pulse {
    /// Whether the store can commit, as was found out a moment ago or is found out now, by a commit
    /// that nobody waits for unless it is needed.
    pub(crate) async fn of(&self, commit: impl Future<Output = Outcome> + 'static) -> Outcome {
        let Beat { began, mut outcome } = self.beat(commit);
        let came = timeout_at(began + PATIENCE, outcome.wait_for(Option::is_some)).await;
        match came {
            Ok(Ok(outcome)) => match outcome.as_ref() {
                Some((_, outcome)) => outcome.clone(),
                None => unavailable("it has not answered".to_owned()),
            },
            Ok(Err(_)) => unavailable("whoever asked it has stopped".to_owned()),
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                unavailable(format!("it has not committed within {seconds} seconds"))
            }
        }
    }

    /// The commit that is under way or was just made, or else a new one.
    fn beat(&self, commit: impl Future<Output = Outcome> + 'static) -> Beat {
        let mut last = self.last();
        match last.as_ref() {
            Some(beat) if beat.counts() => beat.clone(),
            _ => last.insert(Beat::begin(commit)).clone(),
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Beat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beat {
    fn begin(commit: impl Future<Output = Outcome> + 'static) -> Self {
        let (tell, outcome) = watch::channel(None);
        rt::spawn(async move {
            let outcome = commit.await;
            tell.send_replace(Some((Instant::now(), outcome)));
        });
        Self {
            began: Instant::now(),
            outcome,
        }
    }

    fn counts(&self) -> bool {
        match self.outcome.borrow().as_ref() {
            Some((at, _)) => at.elapsed() < FRESH,
            // Whoever made it may have been stopped with its thread.
            None => self.outcome.has_changed().is_ok(),
        }
    }
}

fn unavailable(reason: String) -> Outcome {
    Err(StoreError::Unavailable(reason))
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::{pending, ready},
        rc::Rc,
    };

    use super::*;

    #[actix_web::test]
    async fn however_many_ask_there_is_one_commit_and_one_answer() {
        let (pulse, commits) = (Pulse::default(), Rc::new(Cell::new(0)));
        for _ in 0..1000 {
            let commits = Rc::clone(&commits);
            let commit = async move {
                commits.set(commits.get() + 1);
                unavailable("the disk is full".to_owned())
            };
            let answer = pulse.of(commit).await;
            assert_eq!(answer, unavailable("the disk is full".to_owned()));
        }
        assert_eq!(commits.get(), 1);
    }

    #[actix_web::test]
    async fn a_commit_that_hangs_is_waited_for_by_all_together_and_not_for_long() {
        let pulse = Pulse::default();
        let began = Instant::now();
        let hung = pulse.of(pending()).await;
        assert_eq!(
            hung,
            unavailable("it has not committed within 4 seconds".to_owned())
        );
        // It is under way still, and has had its time: another does not begin.
        assert_eq!(pulse.of(ready(Ok(()))).await, hung);
        assert!(began.elapsed() < 2 * PATIENCE, "they waited for each other");
    }
}
