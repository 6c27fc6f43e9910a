//! Everything that a file keeps comes out of it whole, of a file that nobody else has open.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use alias_domain::{
    Digest, Phase,
    ports::{Export, Import, ImportError, Kind, Page, StoreError, Users},
    testing::{
        MemoryStore,
        contract::transfer::{happens, number, same},
        sample,
    },
};
use alias_storage_sqlite::{OpenError, Snapshot, SqliteStore, migrate};
use pollster::FutureExt as _;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::fixture::{Fixture, approved, database, fresh};

/// A file whose store is closed.
struct Closed(TempDir);

impl Closed {
    fn after(fixture: Fixture, statements: &str) -> Self {
        let closed = Self(fixture.close());
        let raw = Connection::open(closed.path()).expect("a database");
        raw.execute_batch("PRAGMA foreign_keys = FALSE")
            .expect("a pragma");
        raw.execute_batch(statements).expect("sound statements");
        closed
    }

    /// With everything that there can be.
    fn full() -> Self {
        let fixture = fresh();
        happens(&*fixture).block_on().expect("the store answers");
        Self::after(fixture, "")
    }

    fn path(&self) -> std::path::PathBuf {
        database(self.0.path())
    }

    fn open(&self) -> Result<Snapshot, OpenError> {
        Snapshot::open(&self.path())
    }

    fn snapshot(&self) -> Snapshot {
        self.open().expect("nobody else has it open")
    }

    fn import(&self) -> Result<MemoryStore, ImportError> {
        let target = MemoryStore::default();
        target.import(&mut self.snapshot()).block_on()?;
        Ok(target)
    }
}

fn pages(mut snapshot: Snapshot) -> Vec<Page> {
    let next = || snapshot.next_page().block_on().expect("a sound page");
    std::iter::from_fn(next).collect()
}

/// What lies in the folder, but for an empty log: its name, length and digest.
fn files(folder: &Path) -> Vec<(String, usize, Digest)> {
    let files = fs::read_dir(folder).expect("the folder");
    let mut files: Vec<_> = files
        .map(|it| {
            let path = it.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            let name = path.display().to_string();
            (name, bytes.len(), Digest::of(&bytes))
        })
        .filter(|(_, length, _)| *length > 0)
        .collect();
    files.sort_by_key(|it| it.0.clone());
    files
}

#[test]
fn everything_comes_out_whole() {
    let closed = Closed::full();
    let target = MemoryStore::default();
    let counts = target.import(&mut closed.snapshot()).block_on();
    let counts = counts.expect("everything is sound");
    for kind in Kind::ALL {
        assert_eq!(counts.of(kind), number(kind), "{kind}");
    }
    let store = SqliteStore::open(&closed.path()).expect("a current database");
    same(&store, &target).block_on().expect("both answer");
}

#[test]
fn no_table_is_left_out() {
    let fixture = fresh();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let raw = fixture.raw();
    let mut statement = raw.prepare(tables).expect("a query");
    let names = statement.query_map([], |row| row.get(0)).expect("rows");
    let names: BTreeSet<String> = names.map(|it| it.expect("a name")).collect();
    let table = |kind: Kind| match kind {
        Kind::Participations => "session_clients".to_owned(),
        Kind::Notices => "logout_notices".to_owned(),
        other => other.name().to_owned(),
    };
    let mut known: BTreeSet<String> = Kind::ALL.map(table).into();
    known.extend(["client_secrets", "refinery_schema_history"].map(str::to_owned));
    assert_eq!(names, known);
}

#[test]
fn many_rows_come_in_pages() {
    let many = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO keys SELECT i, 'RS256', 'sealed', 0, 0 FROM n";
    let closed = Closed::after(fresh(), many);
    let lengths: Vec<usize> = pages(closed.snapshot()).iter().map(Page::len).collect();
    assert_eq!(lengths, [1000, 1000, 500]);
    // Who wants no more lets go of the file.
    drop(closed.snapshot());
    assert!(SqliteStore::open(&closed.path()).is_ok());
}

#[test]
fn the_greatest_generation_comes_out() {
    let greatest = "UPDATE authorizations SET code_expires_at = NULL,
        refresh_generation = 4294967295, refresh_issued_at = -1, refresh_expires_at = 253402300799999";
    let closed = Closed::after(approved(), greatest);
    let authorizations = |page| match page {
        Page::Authorizations(all) => Some(all),
        _ => None,
    };
    let mut pages = pages(closed.snapshot()).into_iter();
    let all = pages.find_map(authorizations).expect("authorizations");
    let generation = |phase| match phase {
        Phase::Redeemed { refresh } => refresh.map(|it| it.generation),
        Phase::Code { .. } => None,
    };
    assert_eq!(generation(all[0].phase), Some(u32::MAX));
}

#[test]
fn a_row_that_makes_no_sense_is_told_and_nothing_is_taken_in() {
    let (user, client) = (sample::user().id, sample::client().id);
    let authorization = sample::new_authorization().id;
    let session = sample::session().id;
    for (statements, table, key, reason) in [
        (
            "UPDATE connections SET access = 'everything'",
            "connections",
            format!("{user} {client}"),
            "access",
        ),
        (
            "UPDATE users SET email = 'nowhere'",
            "users",
            user.to_string(),
            "email",
        ),
        (
            "UPDATE sessions SET token_digest = X'00'",
            "sessions",
            session.to_string(),
            "token_digest",
        ),
        (
            "UPDATE sessions SET user_id = X'00000000000000000000000000000000'",
            "sessions",
            session.to_string(),
            "user_id",
        ),
        (
            "UPDATE authorizations SET user_id = X'00000000000000000000000000000000'",
            "authorizations",
            authorization.to_string(),
            "user_id, client_id",
        ),
        (
            "INSERT INTO client_secrets VALUES (X'00000000000000000000000000000000', X'00', NULL)",
            "client_secrets",
            "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            "client_id",
        ),
    ] {
        let imported = Closed::after(approved(), statements).import();
        let corrupt = StoreError::Corrupt {
            table,
            key,
            reason: reason.to_owned(),
        };
        assert_eq!(imported.err(), Some(ImportError::Source(corrupt)));
    }
}

#[test]
fn a_file_that_somebody_has_open_is_in_use_and_free_again_after() {
    let fixture = approved();
    let path = database(fixture.folder());
    let open = || Snapshot::open(&path);
    assert!(matches!(open().err(), Some(OpenError::InUse(_))));
    let folder = fixture.close();
    assert!(open().is_ok());
    // Another program, which is about to read something more.
    let other = Connection::open(&path).expect("a database");
    other
        .execute_batch("BEGIN; SELECT count(*) FROM users")
        .expect("a count");
    let refused = open().err().map(|it| it.to_string());
    let said = format!(
        "{} is in use: stop the service that runs on it first",
        path.display()
    );
    assert_eq!(refused, Some(said));
    drop(other);
    assert!(open().is_ok());
    drop(folder);
}

#[test]
fn a_snapshot_keeps_others_out() {
    let closed = Closed::full();
    let snapshot = closed.snapshot();
    assert!(matches!(closed.open().err(), Some(OpenError::InUse(_))));
    let other = Connection::open(closed.path()).expect("a file");
    other.busy_timeout(Duration::ZERO).expect("a pragma");
    let read = other.query_row("SELECT count(*) FROM users", [], |_| Ok(()));
    assert!(read.is_err());
    drop(snapshot);
    assert!(closed.open().is_ok());
}

#[test]
fn the_file_is_left_as_it_was() {
    let closed = Closed::full();
    let before = files(closed.0.path());
    pages(closed.snapshot());
    assert_eq!(files(closed.0.path()), before);
}

#[test]
fn what_a_killed_service_left_in_its_log_comes_out_and_stays_there() {
    let fixture = approved();
    let left = tempfile::tempdir().expect("a temporary folder");
    for name in ["alias.db", "alias.db-wal"] {
        fs::copy(fixture.folder().join(name), left.path().join(name)).expect("a file");
    }
    let left = Closed(left);
    let before = files(left.0.path());
    let imported = left.import().expect("everything is sound");
    assert_eq!(files(left.0.path()), before);
    assert_eq!(before.len(), 2, "the log is not empty");
    assert_eq!(imported.users().block_on(), Ok(vec![sample::user()]));
    let store = SqliteStore::open(&left.path()).expect("a current database");
    assert_eq!(store.users().block_on(), Ok(vec![sample::user()]));
}

#[test]
fn a_copy_without_a_log_comes_out_too() {
    let closed = Closed::full();
    let copy = closed.0.path().join("copy.db");
    let raw = Connection::open(closed.path()).expect("a database");
    let path = copy.to_str().expect("UTF-8");
    raw.execute("VACUUM INTO ?1", [path]).expect("a copy");
    drop(raw);
    let before = files(closed.0.path());
    let snapshot = Snapshot::open(&copy).expect("nobody else has it open");
    let other = Connection::open(&copy).expect("a database");
    other.busy_timeout(Duration::ZERO).expect("a pragma");
    let write = other.execute_batch("DELETE FROM users");
    assert!(write.is_err(), "it keeps others out");
    let out: usize = pages(snapshot).iter().map(Page::len).sum();
    assert_eq!(out as u64, Kind::ALL.map(number).iter().sum::<u64>());
    assert_eq!(files(closed.0.path()), before);
}

#[test]
fn what_is_missing_or_behind_is_refused_and_not_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = database(folder.path());
    assert!(matches!(
        Snapshot::open(&path).err(),
        Some(OpenError::Missing(_))
    ));
    assert!(!path.exists());
    fs::write(&path, "").expect("an empty file");
    let refused = Snapshot::open(&path).err();
    assert!(matches!(refused, Some(OpenError::Behind { .. })));
    migrate(&path).expect("it becomes current");
    assert_eq!(
        pages(Snapshot::open(&path).expect("a current database")),
        []
    );
    fs::write(&path, "Dear diary, ".repeat(1000)).expect("a file");
    let refused = Snapshot::open(&path).err();
    assert!(matches!(refused, Some(OpenError::NotADatabase(it)) if it == path));
}

#[test]
fn a_copy_without_the_log_that_belongs_to_it_is_refused_by_the_logs_name() {
    let fixture = approved();
    let copied = tempfile::tempdir().expect("a temporary folder");
    let copy = database(copied.path());
    fs::copy(database(fixture.folder()), &copy).expect("a file");
    let refused = Snapshot::open(&copy).err();
    let log = copied.path().join("alias.db-wal");
    assert!(
        matches!(&refused, Some(OpenError::LogMissing(path)) if *path == log),
        "{refused:?}"
    );
    fs::copy(fixture.folder().join("alias.db-wal"), log).expect("a file");
    let users: Vec<Page> = pages(Snapshot::open(&copy).expect("whole"));
    assert!(users.iter().any(|it| it.kind() == Kind::Users));
}
