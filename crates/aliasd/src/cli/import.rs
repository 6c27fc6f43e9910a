//! `aliasd import`.

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};

use alias_domain::ports::{Counts, Export, Import, ImportError, Page, StoreError};
use alias_storage_postgres::{Database, PostgresStore, migrate_if_bare};
use alias_storage_sqlite::{OpenError, Snapshot};
use async_trait::async_trait;
use clap::Args;
use serde::{Serialize, Serializer};

use crate::global::Global;
use crate::{
    config::{Config, DatabaseUrl},
    error::Error,
    output::{self, row},
};

#[derive(Args, Debug)]
#[command(after_help = "\
Stop the service first. database.url names the PostgreSQL database; it must be there, and must hold
nothing yet: a schema is made if there is none. Everything is taken in or nothing. The embedded
database is not changed. Keep the master key: what was issued before goes on working.

Examples:
  ALIAS_DATABASE__URL=postgres://alias@db.example/alias aliasd import --from sqlite:.alias/alias.db
  aliasd import --config /etc/alias/aliasd.toml --from sqlite:/var/lib/alias/alias.db")]
pub(super) struct Options {
    /// The embedded database
    #[arg(long, value_name = "sqlite:PATH", value_parser = sqlite)]
    from: PathBuf,
}

/// What was taken in, and where.
#[derive(Serialize)]
struct Imported {
    from: String,
    database: String,
    /// The migrations that made its schema; none if that was there.
    applied: Vec<String>,
    #[serde(serialize_with = "by_kind")]
    imported: Counts,
}

pub(super) async fn run(global: &Global, options: &Options) -> Result<(), Error> {
    let config = Config::load(global.config_file())?;
    let database = match config.database.read()? {
        DatabaseUrl::Postgres(database) => database,
        file @ DatabaseUrl::Sqlite(_) => return Err(Error::ImportTarget(file.to_string())),
    };
    let from = DatabaseUrl::Sqlite(options.from.clone()).to_string();
    let snapshot = Snapshot::open(&options.from).map_err(|error| unfit(&from, error))?;
    let applied = migrate_if_bare(&database).await?.applied;
    let store = PostgresStore::open(&database, 1).await?;
    let mut told = Told::of(snapshot);
    let imported = store.import(&mut told).await;
    let imported = imported.map_err(|error| not_done(&from, &database, error))?;
    let done = format!("everything was imported into {database}");
    let imported = Imported {
        from,
        database: database.to_string(),
        applied,
        imported,
    };
    global.format().report(&imported, done)
}

fn sqlite(text: &str) -> Result<PathBuf, String> {
    match text.parse() {
        Ok(DatabaseUrl::Sqlite(path)) => Ok(path),
        Ok(DatabaseUrl::Postgres(_)) => Err("only an embedded database is imported".to_owned()),
        Err(_) => Err("sqlite:PATH is expected, such as sqlite:/var/lib/alias/alias.db".to_owned()),
    }
}

/// Why nothing can be taken from there.
fn unfit(from: &str, error: OpenError) -> Error {
    let reason = match error {
        OpenError::Missing(_) => "there is no such file".to_owned(),
        OpenError::Behind { missing } => format!(
            "the database is behind this version (it lacks {}): run \
             `ALIAS_DATABASE__URL={from} aliasd migrate` first",
            missing.join(", ")
        ),
        OpenError::InUse(_) => "it is in use: stop the service that runs on it first".to_owned(),
        other => other.to_string(),
    };
    Error::ImportSource {
        from: from.to_owned(),
        reason,
    }
}

fn not_done(from: &str, database: &Database, error: ImportError) -> Error {
    match error {
        ImportError::NotEmpty | ImportError::Busy => Error::Refused(database.to_string(), error),
        ImportError::Source(error) => Error::ImportSource {
            from: from.to_owned(),
            reason: format!("{error}; nothing was imported"),
        },
        ImportError::Target(error) => Error::ImportFailed(error),
    }
}

/// An export of which is told, now and then, how far it is.
struct Told<E> {
    export: E,
    counts: Counts,
    last: Instant,
}

/// How long nothing is said.
const SILENCE: Duration = Duration::from_secs(2);

impl<E> Told<E> {
    fn of(export: E) -> Self {
        Self {
            export,
            counts: Counts::default(),
            last: Instant::now(),
        }
    }
}

#[async_trait]
impl<E: Export> Export for Told<E> {
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError> {
        let page = self.export.next_page().await?;
        if let Some(page) = &page {
            self.counts.add(page);
            if self.last.elapsed() >= SILENCE {
                let kind = page.kind();
                output::progress(&format!("{kind}: {} so far", self.counts.of(kind)));
                self.last = Instant::now();
            }
        }
        Ok(page)
    }
}

fn by_kind<S: Serializer>(counts: &Counts, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().map(|(kind, number)| (kind.name(), number)))
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} was imported into {}\n", self.from, self.database)?;
        for (kind, number) in self.imported.iter() {
            f.write_str(&row(kind.name(), number))?;
        }
        write!(f, "\nStart the service on it, with the same master key.")
    }
}
