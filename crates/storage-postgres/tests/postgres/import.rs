//! The store takes in what another one keeps, whole or not at all.

use std::sync::mpsc;

use alias_domain::{
    ports::{Clients, Export, Import, ImportError, Page, StoreError, Users},
    testing::{MemoryStore, Pages, contract::transfer::happens, sample},
};
use alias_storage_postgres::{OpenError, PostgresStore, migrate_if_bare, testing::TestDatabase};
use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::fixture::{fresh, parsed, run, wait};

alias_domain::import_contract_tests!(fresh(), run);

fn origin() -> Pages {
    let store = MemoryStore::default();
    wait(happens(&store)).expect("it answers");
    store.export()
}

#[test]
fn a_database_without_a_schema_gets_it_and_any_other_is_left_alone() {
    let database = TestDatabase::empty();
    let url = parsed(&database);
    let report = wait(migrate_if_bare(&url)).expect("it becomes current");
    assert!(!report.applied.is_empty());
    let report = wait(migrate_if_bare(&url)).expect("it is current");
    assert_eq!(report.applied, [] as [String; 0]);
    // One that another version migrated.
    database.execute("UPDATE refinery_schema_history SET checksum = '1'");
    let refused = wait(migrate_if_bare(&url)).err();
    assert!(matches!(refused, Some(OpenError::Ahead { .. })));
}

#[test]
fn a_row_that_the_database_refuses_leaves_nothing() {
    let fixture = fresh();
    let mut twice = Pages::of([1, 2].map(|_| Page::Clients(vec![(sample::client(), vec![])])));
    let refused = wait(fixture.import(&mut twice));
    assert!(matches!(
        refused,
        Err(ImportError::Target(StoreError::Unavailable(_)))
    ));
    assert_eq!(wait(fixture.clients()), Ok(vec![]));
    assert!(wait(fixture.import(&mut origin())).is_ok());
}

#[test]
fn who_writes_and_does_not_stop_is_told_of() {
    let fixture = fresh();
    let (held, told) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let url = parsed(&fixture.database);
    let holder = std::thread::spawn(move || {
        let other = wait(PostgresStore::open(&url, 1)).expect("the schema is current");
        let mut writing = Holding {
            first: true,
            held,
            released,
        };
        wait(other.import(&mut writing))
    });
    told.recv().expect("it holds the tables");
    assert_eq!(wait(fixture.import(&mut origin())), Err(ImportError::Busy));
    // Who reads is not held up.
    assert_eq!(wait(fixture.users()), Ok(vec![]));
    drop(release);
    assert!(holder.join().expect("no panic").is_ok());
}

/// An export that waits in its middle until it is released.
struct Holding {
    first: bool,
    held: mpsc::Sender<()>,
    released: mpsc::Receiver<()>,
}

#[async_trait]
impl Export for Holding {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        if std::mem::take(&mut self.first) {
            self.held.send(()).expect("somebody waits");
            // It ends when the other end is dropped.
            let _ = self.released.recv();
        }
        Ok(None)
    }
}

#[test]
fn an_import_that_is_given_up_leaves_nothing() {
    let fixture = fresh();
    let (stalls, stalled) = oneshot::channel();
    let mut endless = Endless {
        pages: origin(),
        stalls: Some(stalls),
    };
    wait(async {
        tokio::select! {
            _ = fixture.import(&mut endless) => unreachable!("it waits for a page"),
            told = stalled => told.expect("everything else was taken"),
        }
    });
    assert_eq!(wait(fixture.users()), Ok(vec![]));
    assert!(wait(fixture.import(&mut origin())).is_ok());
}

/// An export whose end never comes.
struct Endless {
    pages: Pages,
    stalls: Option<oneshot::Sender<()>>,
}

#[async_trait]
impl Export for Endless {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        match self.pages.next_page().await? {
            Some(page) => Ok(Some(page)),
            None => {
                let stalls = self.stalls.take().expect("it is asked once");
                stalls.send(()).expect("somebody waits");
                std::future::pending().await
            }
        }
    }
}
