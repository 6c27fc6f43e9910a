//! Bringing a database up to date, and refusing one that this version does not know.

use std::{collections::BTreeSet, fs};

use alias_storage_postgres::{
    Database, MalformedUrl, OpenError, PostgresStore, migrate, testing::TestDatabase,
};

use crate::fixture::{parsed, wait};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");

fn open(database: &Database) -> Result<PostgresStore, OpenError> {
    wait(PostgresStore::open(database, 2))
}

/// What opening a current database comes to, after a change of its history.
fn after(statement: &str) -> Result<PostgresStore, OpenError> {
    let database = TestDatabase::migrated();
    database.execute(statement);
    open(&parsed(&database))
}

/// The server's URL with another part.
fn altered(database: &TestDatabase, from: &str, to: &str) -> Result<Database, MalformedUrl> {
    database.url().replace(from, to).parse()
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
    let database = TestDatabase::empty();
    let report = wait(migrate(&parsed(&database))).expect("a fresh database");
    let applied = report
        .applied
        .iter()
        .map(|it| format!("{it}.sql"))
        .collect();
    assert_eq!(files, applied);
}

#[test]
fn an_empty_database_is_behind() {
    let database = TestDatabase::empty();
    let Err(error @ OpenError::Behind { .. }) = open(&parsed(&database)) else {
        unreachable!("it lacks everything");
    };
    assert!(error.to_string().contains("V1__grant"));
    assert!(error.to_string().contains("run `aliasd migrate`"));
}

#[test]
fn a_database_that_is_behind_is_refused() {
    let opened = after("DELETE FROM refinery_schema_history").err();
    assert!(matches!(opened, Some(OpenError::Behind { .. })));
}

#[test]
fn a_database_that_is_ahead_is_refused() {
    let opened = after(
        "INSERT INTO refinery_schema_history
         VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')",
    );
    assert!(
        opened
            .err()
            .is_some_and(|it| it.to_string().contains("V999__later"))
    );
}

#[test]
fn a_migration_that_was_edited_afterwards_is_refused() {
    let opened = after("UPDATE refinery_schema_history SET checksum = '1'");
    assert!(matches!(opened.err(), Some(OpenError::Ahead { .. })));
}

#[test]
fn a_history_that_makes_no_sense_is_refused() {
    for change in ["applied_on = 'x'", "checksum = 'x'", "applied_on = NULL"] {
        let opened = after(&format!("UPDATE refinery_schema_history SET {change}")).err();
        assert!(matches!(opened, Some(OpenError::Migration(_))), "{change}");
    }
}

#[test]
fn migrating_twice_applies_nothing_more() {
    let database = TestDatabase::migrated();
    let again = wait(migrate(&parsed(&database))).expect("a current database");
    assert!(again.applied.is_empty());
}

#[test]
fn of_rivals_that_migrate_one_applies_and_all_succeed() {
    let database = TestDatabase::empty();
    let url = parsed(&database);
    let applied: usize = wait(async {
        let rivals: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { migrate(&url).await })
            })
            .collect();
        let mut applied = 0;
        for rival in rivals {
            let report = rival.await.expect("no panic").expect("it becomes current");
            applied += report.applied.len();
        }
        applied
    });
    assert_eq!(
        applied,
        fs::read_dir(MIGRATIONS).expect("the migrations").count()
    );
}

#[test]
fn a_failed_migration_leaves_the_schema_as_it_was() {
    let database = TestDatabase::empty();
    database.execute("CREATE TABLE keys ()");
    let failed = wait(migrate(&parsed(&database))).err();
    assert!(
        matches!(failed, Some(OpenError::Migration(_))),
        "{failed:?}"
    );
    let tables = "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'";
    let left = database.ask(tables);
    assert!(left.is_some_and(|it| !it.contains("clients")));
}

#[test]
fn a_server_that_is_away_is_told_from_one_that_refuses() {
    let database = TestDatabase::empty();
    let nobody = "postgres://alias@127.0.0.1:1/alias".parse().expect("a URL");
    assert!(matches!(open(&nobody).err(), Some(OpenError::Away { .. })));

    let name = database
        .url()
        .rsplit('/')
        .next()
        .expect("a name")
        .to_owned();
    let elsewhere = altered(&database, &name, "no_such_database").expect("a URL");
    let refused = open(&elsewhere).err();
    assert!(
        matches!(refused, Some(OpenError::NoDatabase { .. })),
        "{refused:?}"
    );

    let stranger = altered(&database, "alias@", "nobody@").expect("a URL");
    let refused = open(&stranger).err();
    assert!(
        matches!(refused, Some(OpenError::Login { .. })),
        "{refused:?}"
    );
}
