//! Databases for tests (feature `testing`): each test has one of its own, on the server that
//! `ALIAS_TEST_POSTGRES` names. The test command of the workspace starts one.

#![expect(clippy::panic, reason = "a test that lacks what it needs fails")]

mod proxy;

use std::{
    env, process,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use alias_domain::{
    AuthorizationId, Digest, Lifetimes, Redemption, Rotation,
    ports::{Anticipated, StoreError},
};
use chrono::{DateTime, Utc};
use tokio::runtime;
use tokio_postgres::types::ToSql;

pub use proxy::Proxy;

use crate::{
    Database, authorizations, grants, migrate,
    table::{Value, Values},
};

/// Names the server, and a user who may make databases.
const SERVER: &str = "ALIAS_TEST_POSTGRES";

/// A statement that requests wait for, with the parameters that the store gives it, to be measured
/// without anything around it. The text is the same for all parameters.
///
/// ```
/// # use alias_domain::{Lifetimes, testing::sample::{NOON, redemption}};
/// use alias_storage_postgres::testing::Hot;
/// let exchange = Hot::exchange(&redemption(), &Lifetimes::default(), NOON)?;
/// assert!(exchange.text().contains("UPDATE authorizations"));
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// ```
pub struct Hot {
    text: &'static str,
    values: Values,
}

impl Hot {
    /// That of an exchange. See the type for an example.
    ///
    /// # Errors
    /// If a value cannot be written.
    pub fn exchange(
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        authorizations::redeeming(redemption, lifetimes, now).map(Self::of)
    }

    /// That of a refresh. See the type for an example.
    ///
    /// # Errors
    /// If a value cannot be written.
    pub fn refresh(
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        authorizations::rotating(rotation, lifetimes, now).map(Self::of)
    }

    /// That of an authorization request which asks nobody. See the type for an example.
    ///
    /// # Errors
    /// If a value cannot be written.
    pub fn issue(
        token: Digest,
        anticipated: &Anticipated,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        grants::issuing_by_token(token, anticipated, now).map(Self::of)
    }

    /// What tells the worth of a token. See the type for an example.
    #[must_use]
    pub fn standing(id: AuthorizationId) -> Self {
        let id: Value = Box::new(id.uuid());
        Self::of((&authorizations::STANDING, Values::from_iter([id])))
    }

    fn of((text, values): (&'static str, Values)) -> Self {
        Self { text, values }
    }

    /// The statement. See the type for an example.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Its parameters, in order. See the type for an example.
    #[must_use]
    pub fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.refs()
    }
}

/// A database, dropped when this is.
///
/// ```no_run
/// let database = alias_storage_postgres::testing::TestDatabase::migrated();
/// assert!(database.url().starts_with("postgres://"));
/// ```
#[derive(Debug)]
pub struct TestDatabase(String);

impl TestDatabase {
    /// One without any table.
    ///
    /// # Panics
    /// Without a server.
    ///
    /// ```no_run
    /// let database = alias_storage_postgres::testing::TestDatabase::empty();
    /// ```
    #[must_use]
    pub fn empty() -> Self {
        Self::like("template1")
    }

    /// One with the current schema. See the type for an example.
    ///
    /// # Panics
    /// Without a server.
    #[must_use]
    pub fn migrated() -> Self {
        static TEMPLATE: LazyLock<TestDatabase> = LazyLock::new(|| {
            let database = TestDatabase::empty();
            let url = database.url();
            finish(async move {
                let database: Database = url.parse().expect("a database URL");
                migrate(&database).await.expect("a current schema");
            });
            database
        });
        Self::like(&TEMPLATE.0)
    }

    fn like(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("alias_test_{}_{number}", process::id());
        // What a process of the same number left behind.
        on(
            server(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        on(
            server(),
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        );
        Self(name)
    }

    /// Its URL.
    ///
    /// # Panics
    /// If `ALIAS_TEST_POSTGRES` names no database to begin with.
    ///
    /// ```no_run
    /// let url = alias_storage_postgres::testing::TestDatabase::empty().url();
    /// ```
    #[must_use]
    pub fn url(&self) -> String {
        let (server, _) = server_url();
        format!("{server}/{}", self.0)
    }

    /// Executes statements as another process would.
    ///
    /// # Panics
    /// If the server refuses one.
    ///
    /// ```no_run
    /// let database = alias_storage_postgres::testing::TestDatabase::migrated();
    /// database.execute("UPDATE users SET locked = TRUE");
    /// ```
    pub fn execute(&self, statements: &str) {
        on(self.url(), statements.to_owned());
    }

    /// The first column of the first row that a query finds, as text.
    ///
    /// # Panics
    /// If the server refuses the query.
    ///
    /// ```no_run
    /// let database = alias_storage_postgres::testing::TestDatabase::migrated();
    /// assert_eq!(database.ask("SELECT count(*) FROM users").as_deref(), Some("0"));
    /// ```
    #[must_use]
    pub fn ask(&self, query: &str) -> Option<String> {
        on(self.url(), query.to_owned())
    }
}

impl TestDatabase {
    /// Every row of every table, as text.
    ///
    /// # Panics
    /// Without a server.
    ///
    /// ```no_run
    /// let database = alias_storage_postgres::testing::TestDatabase::migrated();
    /// assert!(!database.dump().contains("a secret"));
    /// ```
    #[must_use]
    pub fn dump(&self) -> String {
        let all = "SELECT query_to_xml(string_agg(
                format('SELECT %L AS name, it::text AS row FROM %I it', relname, relname),
                ' UNION ALL '
            ), false, false, '')
            FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        self.ask(all).unwrap_or_default()
    }
}

/// A role that may do everything in one database and is no superuser, until this is dropped.
///
/// ```no_run
/// use alias_storage_postgres::testing::{TestDatabase, TestRole};
/// let database = TestDatabase::migrated();
/// let role = TestRole::of(&database, "CONNECTION LIMIT 7");
/// assert!(role.url().starts_with("postgres://alias_test_"));
/// ```
#[derive(Debug)]
pub struct TestRole<'a> {
    database: &'a TestDatabase,
    name: String,
}

impl<'a> TestRole<'a> {
    /// One with these options. See the type for an example.
    ///
    /// # Panics
    /// Without a server.
    #[must_use]
    pub fn of(database: &'a TestDatabase, options: &str) -> Self {
        let name = format!("{}_role", database.0);
        let role = Self { database, name };
        role.drop_role();
        role.alter(&format!(
            "CREATE ROLE {name} LOGIN {options}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}",
            name = role.name
        ));
        role
    }

    /// Its name. See the type for an example.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database's URL with this role. See the type for an example.
    #[must_use]
    pub fn url(&self) -> String {
        let url = self.database.url();
        let (_, place) = url.split_once('@').expect("a user");
        format!("postgres://{}@{place}", self.name)
    }

    /// Executes statements as somebody who may.
    ///
    /// # Panics
    /// If the server refuses one.
    ///
    /// ```no_run
    /// # use alias_storage_postgres::testing::{TestDatabase, TestRole};
    /// # let database = TestDatabase::migrated();
    /// let role = TestRole::of(&database, "");
    /// role.alter(&format!("ALTER ROLE {} CONNECTION LIMIT 7", role.name()));
    /// ```
    pub fn alter(&self, statements: &str) {
        self.database.execute(statements);
    }

    /// How many connections it has.
    ///
    /// # Panics
    /// Without a server.
    ///
    /// ```no_run
    /// # use alias_storage_postgres::testing::{TestDatabase, TestRole};
    /// # let database = TestDatabase::migrated();
    /// assert_eq!(TestRole::of(&database, "").connections(), 0);
    /// ```
    #[must_use]
    pub fn connections(&self) -> usize {
        let name = &self.name;
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'");
        let counted = self.database.ask(&count).and_then(|it| it.parse().ok());
        counted.expect("a number")
    }

    fn drop_role(&self) {
        let name = &self.name;
        self.database.execute(&format!(
            "DO $$ BEGIN
                IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{name}') THEN
                    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE usename = '{name}';
                    DROP OWNED BY {name}; DROP ROLE {name};
                END IF;
            END $$"
        ));
    }
}

impl Drop for TestRole<'_> {
    fn drop(&mut self) {
        self.drop_role();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        on(
            server(),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0),
        );
    }
}

/// The server's URL, without and with the database that is there to begin with.
fn server_url() -> (String, String) {
    let Ok(url) = env::var(SERVER) else {
        panic!("{SERVER} is not set: the test command, .ci/test, starts a server and sets it");
    };
    let (server, _) = url.rsplit_once('/').expect("a database URL");
    (server.to_owned(), url)
}

fn server() -> String {
    server_url().1
}

/// Executes statements on a server of a test's own, and returns the first column of the first row.
///
/// # Panics
/// If the server is not there, or refuses one.
///
/// ```no_run
/// let one = alias_storage_postgres::testing::ask_at("postgres://alias@127.0.0.1/alias", "SELECT 1");
/// assert_eq!(one.as_deref(), Some("1"));
/// ```
#[must_use]
pub fn ask_at(url: &str, query: &str) -> Option<String> {
    on(url.to_owned(), query.to_owned())
}

/// Executes statements on a connection of their own.
fn on(url: String, statements: String) -> Option<String> {
    finish(async move {
        let database: Database = url.parse().expect("a database URL");
        let client = database.connect().await.expect("a server");
        let answers = client.simple_query(&statements).await.expect(&statements);
        let row = answers.iter().find_map(|it| match it {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        row.and_then(|it| it.get(0)).map(str::to_owned)
    })
}

/// Runs a future to its end, whatever runtime the caller is on.
fn finish<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let work = || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    };
    thread::spawn(work).join().expect("it does not panic")
}
