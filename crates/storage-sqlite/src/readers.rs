//! The threads that read, each with a connection of its own: in WAL mode none waits for a writer.

use std::{
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use alias_domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    row::unavailable,
    schema::{self, OpenError, leave_transaction},
    workers::Workers,
};

type Question = Box<dyn FnOnce(&Connection) + Send>;

pub(crate) struct Readers(Workers<Question>);

impl Readers {
    pub(crate) fn start(path: &Path) -> Result<Self, OpenError> {
        let (mut workers, questions) = Workers::new();
        let questions = Arc::new(Mutex::new(questions));
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        for _ in 0..cores.clamp(2, 8) {
            let connection = schema::connect(path)?;
            connection.pragma_update(None, "query_only", true)?;
            let questions = Arc::clone(&questions);
            workers.spawn("sqlite-reader", move || answer(&connection, &questions))?;
        }
        Ok(Self(workers))
    }

    /// Answers a question from one snapshot.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (asker, answer) = oneshot::channel();
        let on_snapshot = move |connection: &Connection| {
            leave_transaction(connection)?;
            let snapshot = connection.unchecked_transaction().map_err(unavailable)?;
            question(&snapshot)
        };
        let ask = Box::new(move |connection: &Connection| {
            // Who asked may have gone away meanwhile.
            drop(asker.send(on_snapshot(connection)));
        });
        self.0.queue(ask).await?;
        let unanswered = |_| StoreError::Unavailable("a reader panicked".to_owned());
        answer.await.map_err(unanswered)?
    }
}

fn answer(connection: &Connection, questions: &Mutex<mpsc::Receiver<Question>>) {
    let next = || {
        let mut questions = questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.blocking_recv()
    };
    while let Some(question) = next() {
        // A panic is its asker's alone: the snapshot is given up as it unwinds.
        drop(catch_unwind(AssertUnwindSafe(|| question(connection))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What panics once more when it is let go of.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            unreachable!("it goes off")
        }
    }

    #[test]
    fn readers_answer_after_each_has_panicked_within_a_question_and_beside_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("db");
        Connection::open(&path)
            .and_then(|it| it.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n)"))
            .expect("a database");
        let readers = Readers::start(&path).expect("threads");
        let ask = |question: fn(&Connection) -> Result<(), StoreError>| {
            pollster::block_on(readers.ask(question))
        };
        // More often than there are threads.
        for _ in 0..20 {
            assert!(ask(|_| unreachable!("a question that panics")).is_err());
            assert!(ask(|_| std::panic::resume_unwind(Box::new(Bomb))).is_err());
        }
        for _ in 0..20 {
            assert_eq!(ask(|_| Ok(())), Ok(()));
        }
    }
}
