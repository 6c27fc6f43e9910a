//! Making a database, and refusing one that this version does not know.

use std::{collections::BTreeSet, fs, sync::Barrier, thread};

use alias_storage_sqlite::{OpenError, SqliteStore, migrate};

use crate::fixture::{Fixture, database, fresh};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");

/// What opening the database of a fixture comes to, after a change of its history.
fn after(fixture: &Fixture, statement: &str) -> Result<SqliteStore, OpenError> {
    fixture
        .raw()
        .execute_batch(statement)
        .expect("a sound statement");
    SqliteStore::open(&database(fixture.folder()))
}

#[test]
fn every_file_is_a_migration() {
    let files: BTreeSet<String> = fs::read_dir(MIGRATIONS)
        .expect("the migrations")
        .map(|it| {
            it.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let report = migrate(&database(temporary.path())).expect("a fresh database");
    let applied = report
        .applied
        .iter()
        .map(|it| format!("{it}.sql"))
        .collect();
    assert_eq!(files, applied);
}

#[test]
fn a_missing_database_is_refused_and_not_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = SqliteStore::open(&database(folder.path())).err();
    assert!(refused.is_some_and(|it| it.to_string().contains("run `aliasd migrate`")));
    assert!(!database(folder.path()).exists());
}

#[test]
fn a_database_that_is_behind_is_refused() {
    let opened = after(&fresh(), "DELETE FROM refinery_schema_history");
    let Err(error @ OpenError::Behind { .. }) = opened else {
        unreachable!("it lacks everything");
    };
    assert!(error.to_string().contains("V1__grant"));
    assert!(error.to_string().contains("run `aliasd migrate`"));
}

#[test]
fn an_empty_database_is_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(database(folder.path()), "").expect("an empty file");
    let refused = SqliteStore::open(&database(folder.path())).err();
    assert!(matches!(refused, Some(OpenError::Behind { .. })));
}

#[test]
fn a_database_that_is_ahead_is_refused() {
    let later = "INSERT INTO refinery_schema_history
         VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')";
    let fixture = fresh();
    let opened = after(&fixture, later).err();
    assert!(opened.is_some_and(|it| it.to_string().contains("V999__later")));
    let migrated = migrate(&database(fixture.folder())).err();
    assert!(matches!(migrated, Some(OpenError::Ahead { .. })));
}

#[test]
fn a_migration_that_was_edited_afterwards_is_refused() {
    let opened = after(
        &fresh(),
        "UPDATE refinery_schema_history SET checksum = '1'",
    );
    assert!(matches!(opened.err(), Some(OpenError::Ahead { .. })));
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(database(folder.path()), "Dear diary, ".repeat(1000)).expect("a file");
    let refused = SqliteStore::open(&database(folder.path())).err();
    let path = database(folder.path());
    assert!(matches!(refused, Some(OpenError::NotADatabase(it)) if it == path));
}

#[test]
fn migrating_twice_applies_nothing_more() {
    let fixture = fresh();
    let again = migrate(&database(fixture.folder())).expect("a current database");
    assert!(again.applied.is_empty());
}

#[test]
fn of_rivals_that_migrate_one_applies_and_all_succeed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = database(&folder.path().join("made"));
    let barrier = Barrier::new(8);
    let applied: usize = thread::scope(|scope| {
        let rival = || {
            barrier.wait();
            migrate(&path).expect("it becomes current").applied.len()
        };
        let rivals: Vec<_> = (0..8).map(|_| scope.spawn(rival)).collect();
        rivals
            .into_iter()
            .map(|it| it.join().expect("no panic"))
            .sum()
    });
    assert_eq!(
        applied,
        fs::read_dir(MIGRATIONS).expect("the migrations").count()
    );
}
