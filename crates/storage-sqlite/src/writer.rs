//! The one thread that writes. It takes one step, then whatever else waits, and commits them all at
//! once: each waits for the disk, but they wait together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use alias_domain::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::{
    row::unavailable,
    schema::{self, OpenError, leave_transaction},
    workers::Workers,
};

#[cfg(test)]
mod tests;

/// The most steps that one commit makes durable.
const LARGEST_BATCH: usize = 64;

pub(crate) struct Writer(Workers<Box<dyn Job>>);

impl Writer {
    pub(crate) fn start(mut connection: Connection) -> Result<Self, OpenError> {
        let (mut workers, mut jobs) = Workers::new();
        workers.spawn("sqlite-writer", move || work(&mut connection, &mut jobs))?;
        Ok(Self(workers))
    }

    /// Does one step, all of it or nothing, and answers once it is durable.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (asker, answer) = oneshot::channel();
        let job = Box::new(Step {
            step: Some(step),
            outcome: None,
            asker,
        });
        self.0.queue(job).await?;
        let unanswered = |_| StoreError::Unavailable("the writer panicked".to_owned());
        answer.await.map_err(unanswered)?
    }
}

/// What the writer sees of a step.
trait Job: Send {
    /// Does it; `false` if it failed and is to be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells who asked, once it is known whether the batch is durable.
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
}

struct Step<F, T> {
    step: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    asker: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Job for Step<F, T>
where
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome = self.step.take().map(|step| step(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let panicked = || Err(StoreError::Unavailable("the step panicked".to_owned()));
        let answer = match committed {
            Err(error) => Err(error.clone()),
            Ok(()) => self.outcome.unwrap_or_else(panicked),
        };
        // Who asked may have gone away meanwhile.
        drop(self.asker.send(answer));
    }
}

fn work(connection: &mut Connection, jobs: &mut mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < LARGEST_BATCH
            && let Ok(next) = jobs.try_recv()
        {
            batch.push(next);
        }
        let committed = commit(connection, &mut batch);
        if let Err(error) = &committed {
            tracing::warn!(%error, steps = batch.len(), "nothing was written");
            // Who queued up meanwhile has waited as long as for a try, and gets the same answer:
            // nobody waits through one failure after another.
            while let Ok(waiting) = jobs.try_recv() {
                batch.push(waiting);
            }
        }
        for job in batch {
            job.answer(&committed);
        }
    }
    schema::release(connection);
}

/// Runs each job within a savepoint, and commits those that succeed.
fn commit(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    leave_transaction(connection)?;
    let mut transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(unavailable)?;
    for job in batch {
        let savepoint = transaction.savepoint().map_err(unavailable)?;
        let succeeded = catch_unwind(AssertUnwindSafe(|| job.run(&savepoint))).unwrap_or(false);
        // When the disk is full or fails, SQLite may undo the whole transaction by itself: what
        // ran before is gone, and what ran next would be committed alone.
        if savepoint.is_autocommit() {
            let undone = "the database undid the transaction: the disk is full or failing";
            return Err(StoreError::Unavailable(undone.to_owned()));
        }
        if succeeded {
            savepoint.commit().map_err(unavailable)?;
        } else {
            savepoint.finish().map_err(unavailable)?;
        }
    }
    transaction.commit().map_err(unavailable)
}
