//! The service itself: a release build of the program, on a store of its own.

use std::{
    env,
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use alias_domain::{Lifetimes, ports::Store};
use alias_signing::{Keyring, MasterKey, RsaSize, TokenSealer};
use alias_storage_postgres::{Database, PostgresStore, testing::TestDatabase};
use alias_storage_sqlite::SqliteStore;
use anyhow::{Context, Result, bail};
use chrono::Utc;
use clap::ValueEnum;
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    http::{Ask, Connection},
    population::{Mint, Population},
};

/// 32 bytes of nothing.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How long the service may take until it answers.
const START: Duration = Duration::from_secs(60);

/// How often it is asked.
const POLL: Duration = Duration::from_millis(1);

/// The program that is measured: this one, or what was built beside this benchmark.
pub(crate) fn program(named: Option<PathBuf>) -> Result<PathBuf> {
    let program = match named {
        Some(program) => program,
        None => env::current_exe()?.with_file_name("aliasd"),
    };
    let missing = || {
        format!(
            "{}: build it, or name another with --program",
            program.display()
        )
    };
    program.canonicalize().with_context(missing)
}

/// Where a service keeps what it knows.
pub(crate) enum Place {
    Postgres(TestDatabase),
    Sqlite(TempDir),
}

/// The two stores.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Postgres,
    Sqlite,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

impl Place {
    /// An empty one with the current schema.
    pub(crate) fn new(kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Postgres => Self::Postgres(TestDatabase::migrated()),
            Kind::Sqlite => {
                let folder = TempDir::new()?;
                alias_storage_sqlite::migrate(&folder.path().join("alias.db"))?;
                Self::Sqlite(folder)
            }
        })
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(database) => database.url(),
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("alias.db").display()),
        }
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(match self {
            Self::Postgres(database) => {
                let database: Database = database.url().parse()?;
                Arc::new(PostgresStore::open(&database, 16).await?)
            }
            Self::Sqlite(folder) => Arc::new(SqliteStore::open(&folder.path().join("alias.db"))?),
        })
    }
}

/// How a service is set up, beyond its store.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// The size of its RSA key; the default if there is none.
    pub(crate) rsa_bits: Option<u32>,
    /// How the service reaches its database, if not directly.
    pub(crate) database_url: Option<String>,
}

/// A running service.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) place: Place,
    pub(crate) population: Population,
    pub(crate) address: SocketAddr,
    pub(crate) mint: Mint,
    /// From the start of the process until it was ready.
    pub(crate) ready_after: Duration,
    _folder: TempDir,
}

impl Service {
    /// Settles a population in an empty place, and starts the program there.
    pub(crate) async fn start(
        program: &Path,
        place: Place,
        population: Population,
        settings: &Settings,
    ) -> Result<Self> {
        population.settle(&place.open().await?).await?;
        Self::on(program, place, population, settings).await
    }

    /// Starts the program where there is a population.
    pub(crate) async fn on(
        program: &Path,
        place: Place,
        population: Population,
        settings: &Settings,
    ) -> Result<Self> {
        let (address, folder) = (free_address()?, TempDir::new()?);
        let url = settings.database_url.clone().unwrap_or_else(|| place.url());
        let mut command = Command::new(program);
        command
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .env("ALIAS_ISSUER", format!("http://{address}"))
            .env("ALIAS_HTTP__LISTEN", address.to_string())
            .env("ALIAS_HTTP__DRAIN_DELAY", "0s")
            .env("ALIAS_KEYS__MASTER", MASTER_KEY)
            .env("ALIAS_LIFETIMES__AUTH_CODE", "10m")
            .env("ALIAS_DATABASE__URL", url);
        if let Some(bits) = settings.rsa_bits {
            command.env("ALIAS_KEYS__RSA_BITS", bits.to_string());
        }
        // The first start makes the keys. What is measured is every other one.
        let (first, _) = Process::start(&mut command, folder.path(), address, "/readyz").await?;
        drop(first);
        let (process, ready_after) =
            Process::start(&mut command, folder.path(), address, "/readyz").await?;
        Ok(Self {
            mint: mint(place.open().await?).await?,
            process,
            place,
            population,
            address,
            ready_after,
            _folder: folder,
        })
    }
}

/// What opens the tokens of the service in a place, and makes such that it opens.
async fn mint(store: Arc<dyn Store>) -> Result<Mint> {
    let master: MasterKey = MASTER_KEY.parse()?;
    let (lifetimes, rsa) = (Lifetimes::default(), RsaSize::default());
    let keyring = Keyring::load_or_create(store, &master, lifetimes, rsa, Utc::now());
    Ok(Mint(Arc::new(TokenSealer::new(&keyring.await?))))
}

/// An address that nobody listened at a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A program that serves, ended when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, and says how long it took until this path answered with 200. Its log is in the
    /// folder.
    pub(crate) async fn start(
        command: &mut Command,
        folder: &Path,
        address: SocketAddr,
        path: &str,
    ) -> Result<(Self, Duration)> {
        let log = folder.join("log");
        command
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("out"))?)
            .stderr(File::create(&log)?);
        let began = Instant::now();
        let program = command.get_program().display().to_string();
        let mut process = Self(command.spawn().context(program.clone())?);
        while !answers(address, path).await {
            let ended = process.0.try_wait()?;
            if ended.is_some() || began.elapsed() > START {
                let log = fs::read_to_string(&log).unwrap_or_default();
                bail!("{program} does not serve: {log}");
            }
            sleep(POLL).await;
        }
        Ok((process, began.elapsed()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

async fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = async {
        let mut connection = Connection::to(address);
        connection.reopen().await?;
        let path = path.to_owned();
        let ask = Ask {
            path: &path,
            ..Ask::default()
        };
        connection.expect(200, ask).await
    };
    ask.await.is_ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = Pid::from_raw(self.0.id().cast_signed());
        if signal::kill(id, Signal::SIGTERM).is_err() {
            drop(self.0.kill());
        }
        drop(self.0.wait());
    }
}
