use std::{path::PathBuf, sync::mpsc};

use alias_domain::ports::StoreError;
use rusqlite::Connection;
use tempfile::TempDir;

use super::Writer;
use crate::row::{execute, unavailable};

type Outcome = Result<(), StoreError>;

/// A writer on a table of numbers, each of which may demand that another is there at the commit.
struct Scene {
    writer: Writer,
    folder: TempDir,
}

fn scene(pragma: &str) -> Scene {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::open(folder.path().join("db")).expect("a database");
    let table = "
        PRAGMA journal_mode = WAL;
        PRAGMA foreign_keys = ON;
        CREATE TABLE numbers (
            number INTEGER PRIMARY KEY,
            needs INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED,
            weight BLOB
        )";
    connection.execute_batch(table).expect("a table");
    connection.execute_batch(pragma).expect("a pragma");
    Scene {
        writer: Writer::start(connection).expect("a thread"),
        folder,
    }
}

impl Scene {
    fn path(&self) -> PathBuf {
        self.folder.path().join("db")
    }

    /// The numbers that are committed.
    fn numbers(&self) -> Vec<i64> {
        committed(&self.path())
    }

    /// Has three steps wait behind a fourth one until all of them have queued up.
    fn batch(&self, steps: [fn(&Connection) -> Outcome; 3]) -> [Outcome; 3] {
        let (open, gate) = mpsc::channel::<()>();
        let [a, b, c] = steps.map(|step| self.writer.run(step));
        let closed = self.writer.run(move |_| {
            gate.recv().expect("somebody opens the gate");
            Ok(())
        });
        let opener = async { open.send(()).expect("the gate is watched") };
        let all = async { tokio::join!(biased; closed, a, b, c, opener) };
        let (_, a, b, c, ()) = pollster::block_on(all);
        [a, b, c]
    }
}

fn committed(path: &std::path::Path) -> Vec<i64> {
    let connection = Connection::open(path).expect("a database");
    let mut all = connection
        .prepare("SELECT number FROM numbers ORDER BY number")
        .expect("a query");
    let numbers = all.query_map([], |row| row.get(0)).expect("rows");
    numbers.map(|it| it.expect("a number")).collect()
}

fn add(connection: &Connection, number: i64) -> Outcome {
    execute(
        connection,
        "INSERT INTO numbers (number) VALUES (?1)",
        [number],
    )
    .map(drop)
}

fn own_error() -> StoreError {
    StoreError::Unavailable("its own".to_owned())
}

fn is_unavailable(outcome: &Outcome) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

#[test]
fn waiting_steps_share_a_commit() {
    let scene = scene("");
    let outcomes = scene.batch([
        |connection| add(connection, 1),
        |connection| add(connection, 2),
        |connection| {
            let path = connection.path().expect("a file").to_owned();
            assert_eq!(committed(path.as_ref()), [] as [i64; 0]);
            add(connection, 3)
        },
    ]);
    assert_eq!(outcomes, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(scene.numbers(), [1, 2, 3]);
}

#[test]
fn a_failing_step_takes_no_neighbour_along() {
    let scene = scene("");
    let outcomes = scene.batch([
        |connection| add(connection, 1),
        |connection| {
            add(connection, 2)?;
            Err(own_error())
        },
        |connection| add(connection, 3),
    ]);
    assert_eq!(outcomes, [Ok(()), Err(own_error()), Ok(())]);
    assert_eq!(scene.numbers(), [1, 3]);
}

#[test]
fn a_panicking_step_takes_no_neighbour_along() {
    let scene = scene("");
    let [first, panicked, last] = scene.batch([
        |connection| add(connection, 1),
        |connection| {
            add(connection, 2)?;
            unreachable!("a step that panics")
        },
        |connection| add(connection, 3),
    ]);
    assert_eq!([first, last], [Ok(()), Ok(())]);
    assert!(is_unavailable(&panicked));
    assert_eq!(scene.numbers(), [1, 3]);
}

/// What panics once more when it is let go of.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        unreachable!("it goes off")
    }
}

#[test]
fn a_panic_beside_a_step_undoes_its_batch_and_the_writer_goes_on() {
    let scene = scene("");
    let [first, panicked, last] = scene.batch([
        |connection| add(connection, 1),
        |connection| {
            add(connection, 2)?;
            // What catches the panic drops this, in the midst of the transaction.
            std::panic::resume_unwind(Box::new(Bomb))
        },
        |connection| add(connection, 3),
    ]);
    assert!([first, panicked, last].iter().all(is_unavailable));
    assert_eq!(scene.numbers(), [] as [i64; 0]);
    for number in [4, 5] {
        let next = scene.writer.run(move |connection| add(connection, number));
        assert_eq!(pollster::block_on(next), Ok(()));
    }
    assert_eq!(scene.numbers(), [4, 5]);
}

#[test]
fn a_transaction_that_was_left_open_is_given_up_before_the_next() {
    let scene = scene("");
    let connection = Connection::open(scene.path()).expect("a database");
    connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
    add(&connection, 1).expect("added");
    // As it is after a panic that nothing undid.
    let writer = Writer::start(connection).expect("a thread");
    let next = writer.run(|connection| add(connection, 2));
    assert_eq!(pollster::block_on(next), Ok(()));
    assert_eq!(scene.numbers(), [2]);
}

#[test]
fn a_failed_commit_fails_every_step_and_changes_nothing() {
    let scene = scene("");
    let outcomes = scene.batch([
        |connection| add(connection, 1),
        |connection| {
            let statement = "INSERT INTO numbers (number, needs) VALUES (2, 99)";
            connection.execute_batch(statement).map_err(unavailable)
        },
        |connection| add(connection, 3),
    ]);
    assert!(outcomes.iter().all(is_unavailable));
    assert_eq!(scene.numbers(), [] as [i64; 0]);
}

#[test]
fn the_writer_goes_on_after_a_failed_commit() {
    let scene = scene("");
    let orphan = "INSERT INTO numbers (number, needs) VALUES (2, 99)";
    let failing = scene
        .writer
        .run(move |connection| connection.execute_batch(orphan).map_err(unavailable));
    assert!(is_unavailable(&pollster::block_on(failing)));
    let next = scene.writer.run(|connection| add(connection, 3));
    assert_eq!(pollster::block_on(next), Ok(()));
    assert_eq!(scene.numbers(), [3]);
}

#[test]
fn what_a_full_disk_answers_is_what_it_keeps() {
    let scene = scene("PRAGMA max_page_count = 20");
    let outcomes = scene.batch([
        |connection| add(connection, 1),
        |connection| {
            let statement = "INSERT INTO numbers (number, weight) VALUES (2, zeroblob(1000000))";
            connection.execute_batch(statement).map_err(unavailable)
        },
        |connection| add(connection, 3),
    ]);
    assert!(is_unavailable(&outcomes[1]));
    let answered = [1, 2, 3].into_iter().zip(&outcomes);
    let kept: Vec<i64> = answered.filter(|it| it.1.is_ok()).map(|it| it.0).collect();
    assert_eq!(scene.numbers(), kept);
}

#[test]
fn dropping_the_writer_finishes_what_was_queued() {
    let Scene { writer, folder } = scene("");
    {
        let asked = std::pin::pin!(writer.run(|connection| add(connection, 1)));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // Who asked goes away at once.
        drop(asked.poll(&mut context));
    }
    drop(writer);
    assert_eq!(committed(&folder.path().join("db")), [1]);
}
