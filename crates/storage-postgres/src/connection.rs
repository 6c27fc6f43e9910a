//! One connection: how it is opened and driven, and how it ends.

use std::{
    fs::File,
    future::poll_fn,
    io::{self, Read},
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicIsize, Ordering},
    },
    task::Context,
    time::Duration,
};

use deadpool_postgres::ClientWrapper;
use postgres_openssl::MakeTlsConnector;
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tokio_postgres::{
    AsyncMessage, Client, Config, Error, NoTls, Socket,
    error::{DbError, Severity, SqlState},
    tls::{MakeTlsConnect, TlsConnect},
};

use crate::database::innermost;

/// After how long a server that does not end a connection is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// How often a server is asked to end a connection, if it answers without doing so.
const ASKED: u32 = 3;

/// Makes the server end its side, once it has done with whatever came before.
const END: &str = "ROLLBACK; SELECT pg_terminate_backend(pg_backend_pid())";

/// What opens connections.
pub(crate) struct Opening {
    /// With the password that was right last.
    config: RwLock<Config>,
    tls: Option<MakeTlsConnector>,
    password: Option<PathBuf>,
    /// How many pools have fewer connections than they want.
    short_pools: AtomicIsize,
}

/// A connection, and what the server said on it unasked.
pub(crate) struct Connection {
    client: ClientWrapper,
    unconfirmed: Arc<AtomicBool>,
    tls: Option<MakeTlsConnector>,
}

/// Why a file holds no password.
///
/// ```
/// use alias_storage_postgres::{Database, PasswordFileError};
/// let database: Database = "postgres://alias@localhost/alias".parse()?;
/// let refused = database.with_password_file("/dev/null".as_ref());
/// assert!(matches!(refused, Err(PasswordFileError::Empty)));
/// # Ok::<(), alias_storage_postgres::MalformedUrl>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// Nothing is in it.
    #[error("it is empty")]
    Empty,
    /// It is no file with a password.
    #[error("it has more than 1 MiB, the most that is read")]
    TooLong,
}

/// The password that a file holds, without the end of its line.
pub(crate) fn read_password(path: &Path) -> Result<String, PasswordFileError> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(MAX_BYTES + 1);
    file.read_to_string(&mut text)?;
    if file.limit() == 0 {
        return Err(PasswordFileError::TooLong);
    }
    of_line(&text).map(str::to_owned)
}

/// A file ends in a line's end, whoever wrote it. A password may end in a space.
pub(crate) fn of_line(text: &str) -> Result<&str, PasswordFileError> {
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(PasswordFileError::Empty),
        password => Ok(password),
    }
}

/// The most bytes of a file with a password.
const MAX_BYTES: u64 = 1 << 20;

impl Opening {
    pub(crate) fn new(
        config: Config,
        tls: Option<MakeTlsConnector>,
        password: Option<PathBuf>,
    ) -> Self {
        Self {
            config: RwLock::new(config),
            tls,
            password,
            short_pools: AtomicIsize::new(0),
        }
    }

    /// Counts pools in or out that have fewer connections than they want; how many there were before.
    pub(crate) fn short_pools(&self, more: isize) -> isize {
        self.short_pools.fetch_add(more, Ordering::Relaxed)
    }

    /// Opens a connection, whose driving task lives on this runtime. If the server refuses the
    /// password, its file is read again: somebody may have replaced both.
    pub(crate) async fn connect(&self, runtime: &Handle) -> Result<Connection, Error> {
        let config = self.config();
        let refused = match self.try_once(&config, runtime).await {
            Err(error) if is_login(&error) => error,
            done => return done,
        };
        let Some(config) = self.reread(config) else {
            return Err(refused);
        };
        let connection = self.try_once(&config, runtime).await?;
        tracing::info!("the database's password was read again from its file");
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(connection)
    }

    fn config(&self) -> Config {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        config.clone()
    }

    /// The same with the password that is in the file now, if that is another.
    fn reread(&self, mut config: Config) -> Option<Config> {
        let path = self.password.as_ref()?;
        match read_password(path) {
            Ok(now) if config.get_password() == Some(now.as_bytes()) => None,
            Ok(now) => {
                config.password(now);
                Some(config)
            }
            Err(error) => {
                let path = path.display();
                tracing::warn!(%error, %path, "database.password_file cannot be read again");
                None
            }
        }
    }

    async fn try_once(&self, config: &Config, runtime: &Handle) -> Result<Connection, Error> {
        let unconfirmed = Arc::new(AtomicBool::new(false));
        // Boxed, for whoever may need a connection would carry all of it along.
        let flag = Arc::clone(&unconfirmed);
        let (client, driving) = match self.tls.clone() {
            Some(tls) => Box::pin(open(config, tls, runtime, flag)).await?,
            None => Box::pin(open(config, NoTls, runtime, flag)).await?,
        };
        Ok(Connection {
            client: ClientWrapper::new(client, driving),
            unconfirmed,
            tls: self.tls.clone(),
        })
    }
}

/// Whether the server does not let the user in. A pooler may say so by the code of a protocol error.
fn is_login(error: &Error) -> bool {
    let codes = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::PROTOCOL_VIOLATION,
    ];
    error.code().is_some_and(|it| codes.contains(it))
}

/// Opens a connection, and drives it by a task on a runtime that outlives whoever first needs it.
async fn open<T>(
    config: &Config,
    tls: T,
    runtime: &Handle,
    unconfirmed: Arc<AtomicBool>,
) -> Result<(Client, JoinHandle<()>), Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let mut opening = pin!(config.connect(tls));
    // The socket belongs to the runtime within which it is made.
    let within = |context: &mut Context<'_>| {
        let _entered = runtime.enter();
        opening.as_mut().poll(context)
    };
    let (client, mut connection) = poll_fn(within).await?;
    let driving = runtime.spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                // What follows the notice is not handed on before this is known.
                Ok(AsyncMessage::Notice(notice)) => {
                    if is_doubt(&notice) {
                        unconfirmed.store(true, Ordering::Release);
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(reason = innermost(&error), "a database connection was lost");
                    break;
                }
            }
        }
    });
    Ok((client, driving))
}

/// Whether the server says that it committed, and cannot tell whether the standby did, which the
/// operator wants to be sure of. Its words are in the server's language, the routine is not.
fn is_doubt(notice: &DbError) -> bool {
    notice.parsed_severity() == Some(Severity::Warning)
        && notice.routine() == Some("SyncRepWaitForLSN")
}

impl Connection {
    /// Whether the server has warned, instead of confirming a commit, since this was asked last.
    pub(crate) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed.swap(false, Ordering::AcqRel)
    }

    /// Waits until nothing is outstanding.
    pub(crate) async fn settle(&self) -> Result<(), Error> {
        self.client.simple_query("").await.map(drop)
    }

    /// Ends the connection, and waits until the server's side has ended, too. What the server is at
    /// is cancelled: to close the connection alone would not wake a process that waits for a standby.
    pub(crate) async fn end(self) {
        let mut answered = 0;
        while !self.client.is_closed() && answered < ASKED {
            self.cancel().await;
            // Whatever is outstanding is answered before.
            match timeout(AGAIN, self.client.simple_query(END)).await {
                Ok(Err(error)) if error.code() == Some(&SqlState::ADMIN_SHUTDOWN) => {
                    // It was the last answer; the end follows.
                    let _closed = timeout(AGAIN, self.settle()).await;
                }
                Ok(_) => answered += 1,
                Err(_) => {}
            }
        }
    }

    async fn cancel(&self) {
        let token = self.client.cancel_token();
        let cancelled = async {
            match self.tls.clone() {
                Some(tls) => token.cancel_query(tls).await,
                None => token.cancel_query(NoTls).await,
            }
        };
        if let Ok(Err(error)) = timeout(AGAIN, cancelled).await {
            let reason = innermost(&error);
            tracing::debug!(
                reason,
                "a statement that was given up cannot be cancelled yet"
            );
        }
    }
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }
}
