//! Which database, and how it is reached.

use std::{
    error::Error as _,
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use openssl::{
    error::ErrorStack,
    ssl::{SslConnector, SslMethod},
};
use postgres_openssl::MakeTlsConnector;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
    error::SqlState,
};

use crate::{
    connection::{Connection, Opening, PasswordFileError, of_line, read_password},
    schema::OpenError,
    steps::QUEUE,
};

/// How long to wait for a connection, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(3);

/// How long what was sent may stay unacknowledged before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// How long a connection may be idle before the way to the server is tried: less than what stands
/// between the two remembers a connection for.
const IDLE: Duration = Duration::from_secs(60);

/// What keeps a request from waiting for ever, whatever the database waits for.
const PATIENCE: &str = "-c statement_timeout=10s -c lock_timeout=5s \
     -c idle_in_transaction_session_timeout=10s";

/// What the steps build on, whatever the database is set to: after a lock was waited for, the next
/// statement sees what was written meanwhile.
const ISOLATION: &str = r"-c default_transaction_isolation=read\ committed";

/// A statement is planned once. Each finds its rows by a key, whatever the key; still the server
/// would plan those anew each time that look for any of several keys, for it guesses that ten come.
const PLANS: &str = "-c plan_cache_mode=force_generic_plan";

/// A PostgreSQL database: `postgres://USER:PASSWORD@HOST:PORT/NAME`, as libpq reads it.
///
/// A connection that leaves the machine is encrypted, and the server must prove its name by a
/// certificate that the system trusts. `sslmode=disable` turns that off, for a network that is
/// private; `sslmode=require` turns it on for this machine too.
///
/// ```
/// use alias_storage_postgres::Database;
/// let database: Database = "postgres://alias:secret@db.example/alias".parse()?;
/// // Neither shows the password.
/// assert_eq!(database.to_string(), "postgres://db.example:5432/alias");
/// assert!(!format!("{database:?}").contains("secret"));
/// # Ok::<(), alias_storage_postgres::MalformedUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Database {
    config: Config,
    encrypted: bool,
    password_file: Option<PathBuf>,
}

/// A text that names no PostgreSQL database. It does not repeat the text, which may hold a
/// password.
///
/// ```
/// use alias_storage_postgres::{Database, MalformedUrl};
/// assert_eq!("postgres://alias@db".parse::<Database>(), Err(MalformedUrl::NoName));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedUrl {
    /// No URL of a PostgreSQL database.
    #[error(
        "postgres://USER:PASSWORD@HOST:PORT/NAME is expected, or an option after ? is unknown (for \
         an authority of your own set SSL_CERT_FILE)"
    )]
    Malformed,
    /// No user.
    #[error("the user is missing: postgres://USER:PASSWORD@HOST:PORT/NAME is expected")]
    NoUser,
    /// No host.
    #[error("the host is missing: postgres://USER:PASSWORD@HOST:PORT/NAME is expected")]
    NoHost,
    /// No database.
    #[error("the database's name is missing: postgres://USER:PASSWORD@HOST:PORT/NAME is expected")]
    NoName,
    /// An `sslmode` that would check less than it seems to.
    #[error(
        "sslmode is require (encrypted, the server's certificate checked against the system's; \
         verify-full means the same) or disable"
    )]
    SslMode,
}

impl FromStr for Database {
    type Err = MalformedUrl;

    fn from_str(text: &str) -> Result<Self, MalformedUrl> {
        use MalformedUrl as E;
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(E::Malformed);
        }
        let (text, ssl_mode) = without_ssl_mode(text)?;
        let mut config: Config = text.parse().map_err(|_| E::Malformed)?;
        config.get_user().ok_or(E::NoUser)?;
        config.get_dbname().ok_or(E::NoName)?;
        if config.get_hosts().is_empty() {
            return Err(E::NoHost);
        }
        let stays_here = config.get_hosts().iter().all(stays_on_this_machine)
            && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
        let encrypted = ssl_mode.unwrap_or(!stays_here);
        config.ssl_mode(match encrypted {
            true => SslMode::Require,
            false => SslMode::Disable,
        });
        config.application_name("aliasd").tcp_user_timeout(SILENCE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(IDLE);
        }
        Ok(Self {
            config,
            encrypted,
            password_file: None,
        })
    }
}

/// The URL without its `sslmode`, and whether that asks for encryption. The driver's own modes
/// encrypt without saying whom to.
fn without_ssl_mode(url: &str) -> Result<(String, Option<bool>), MalformedUrl> {
    let Some((base, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), None));
    };
    let (modes, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|it| it.starts_with("sslmode="));
    let encrypted = match modes.as_slice() {
        [] => None,
        ["sslmode=disable"] => Some(false),
        ["sslmode=require" | "sslmode=verify-full"] => Some(true),
        _ => return Err(MalformedUrl::SslMode),
    };
    let url = match rest.as_slice() {
        [] => base.to_owned(),
        rest => format!("{base}?{}", rest.join("&")),
    };
    Ok((url, encrypted))
}

fn stays_on_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback())
        }
    }
}

impl Database {
    /// Whether the URL has a password.
    ///
    /// ```
    /// # use alias_storage_postgres::Database;
    /// let database: Database = "postgres://alias@localhost/alias".parse()?;
    /// assert!(!database.has_password());
    /// # Ok::<(), alias_storage_postgres::MalformedUrl>(())
    /// ```
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The same database, with a password that stood elsewhere.
    ///
    /// ```
    /// # use alias_storage_postgres::Database;
    /// let database: Database = "postgres://alias@localhost/alias".parse()?;
    /// assert!(database.with_password("secret").has_password());
    /// # Ok::<(), alias_storage_postgres::MalformedUrl>(())
    /// ```
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// The same database, with the password that a file holds now. When the server refuses it, the
    /// file is read again.
    ///
    /// ```
    /// # use alias_storage_postgres::Database;
    /// # let folder = std::env::temp_dir().join(format!("alias-password-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// let file = folder.join("database.password");
    /// std::fs::write(&file, "secret\n")?;
    /// let database: Database = "postgres://alias@localhost/alias".parse()?;
    /// assert!(database.with_password_file(&file)?.has_password());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If it cannot be read, or is empty.
    pub fn with_password_file(self, path: &Path) -> Result<Self, PasswordFileError> {
        let mut database = self.with_password(&read_password(path)?);
        database.password_file = Some(path.to_owned());
        Ok(database)
    }

    /// The same with a password that was read from a file, and without its line's end.
    ///
    /// ```
    /// # use alias_storage_postgres::Database;
    /// let database: Database = "postgres://alias@localhost/alias".parse()?;
    /// assert!(database.with_password_line("secret\n")?.has_password());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is none.
    pub fn with_password_line(self, text: &str) -> Result<Self, PasswordFileError> {
        Ok(self.with_password(of_line(text)?))
    }

    /// A connection for a single task that may take its time, as a migration does.
    pub(crate) async fn connect(&self) -> Result<Connection, OpenError> {
        let opening = self.opening(self.config.clone())?;
        self.open(&opening).await
    }

    /// One as requests are served on, for a question at the start.
    pub(crate) async fn connect_serving(&self) -> Result<Connection, OpenError> {
        self.open(&self.serving()?).await
    }

    async fn open(&self, opening: &Opening) -> Result<Connection, OpenError> {
        let runtime = Handle::current();
        let opened = timeout(QUEUE, opening.connect(&runtime)).await;
        let late = |_| OpenError::Away {
            server: self.server(),
            reason: "it does not answer in time".to_owned(),
        };
        opened.map_err(late)?.map_err(|error| self.refused(&error))
    }

    /// What opens the connections that serve requests.
    pub(crate) fn serving(&self) -> Result<Opening, OpenError> {
        let mut config = self.config.clone();
        let options = config.get_options().unwrap_or(PATIENCE);
        let options = format!("{options} {ISOLATION} {PLANS}");
        config.options(options);
        self.opening(config)
    }

    fn opening(&self, config: Config) -> Result<Opening, OpenError> {
        let tls = match self.encrypted {
            true => Some(trusting_the_system()),
            false => None,
        };
        let tls = tls.transpose().map_err(|error| OpenError::Tls {
            server: self.server(),
            reason: error.to_string(),
        })?;
        Ok(Opening::new(config, tls, self.password_file.clone()))
    }

    /// Host and port, for people.
    pub(crate) fn server(&self) -> String {
        let ports = self.config.get_ports();
        let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let name = |(at, host): (usize, &Host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(at)),
            Host::Unix(path) => path.display().to_string(),
        };
        let servers: Vec<_> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(name)
            .collect();
        servers.join(",")
    }

    pub(crate) fn name(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// Why there is no connection, so that whoever reads it knows what to do.
    pub(crate) fn refused(&self, error: &tokio_postgres::Error) -> OpenError {
        let server = self.server();
        let user = || self.config.get_user().unwrap_or_default().to_owned();
        let reason = || innermost(error);
        match error.code() {
            Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
                OpenError::Login {
                    server,
                    user: user(),
                }
            }
            // PgBouncer, and it stands in the way of what keeps a request from waiting for ever.
            Some(&SqlState::PROTOCOL_VIOLATION) if reason().contains("startup parameter") => {
                OpenError::Pooler {
                    server,
                    reason: format!("says `{}`", reason()),
                }
            }
            Some(&SqlState::INVALID_CATALOG_NAME) => OpenError::NoDatabase {
                server,
                name: self.name().to_owned(),
            },
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => OpenError::NoRight {
                name: self.name().to_owned(),
                user: user(),
                reason: reason(),
            },
            Some(_) => OpenError::Away {
                server,
                reason: reason(),
            },
            None if is_away(error) => OpenError::Away {
                server,
                reason: reason(),
            },
            // What is left is said before there is a connection: by the handshake, or where the
            // server wants a password and the URL has none.
            None if innermost(error).contains("password") => OpenError::Login {
                server,
                user: user(),
            },
            None => OpenError::Tls {
                server,
                reason: reason(),
            },
        }
    }
}

/// Whether it is the network that fails, which may pass.
fn is_away(error: &tokio_postgres::Error) -> bool {
    let source = error.source();
    error.is_closed() || source.is_none_or(|it| it.is::<io::Error>())
}

/// What the error at the bottom says, which is the most telling.
pub(crate) fn innermost(error: &tokio_postgres::Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return refusal.message().to_owned();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn trusting_the_system() -> Result<MakeTlsConnector, ErrorStack> {
    let mut tls = SslConnector::builder(SslMethod::tls_client())?;
    // A vendored OpenSSL does not know where the system keeps its certificates.
    let system = openssl_probe::probe();
    if let Some(file) = &system.cert_file {
        tls.set_ca_file(file)?;
    }
    for folder in &system.cert_dir {
        tls.load_verify_locations(None, Some(folder))?;
    }
    Ok(MakeTlsConnector::new(tls.build()))
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}/{}", self.server(), self.name())
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Database {
        url.parse().expect("a database URL")
    }

    #[test]
    fn a_url_names_its_database_and_never_its_password() {
        for (url, shown) in [
            ("postgres://a:secret@db/alias", "postgres://db:5432/alias"),
            ("postgresql://a:secret@db:6/x", "postgres://db:6/x"),
            ("postgres://a@[::1]/x", "postgres://::1:5432/x"),
            (
                "postgres://a:secret@one,two:7/x",
                "postgres://one:5432,two:7/x",
            ),
            ("postgres://a@%2Frun%2Fpg/x", "postgres:///run/pg/x"),
        ] {
            assert_eq!(parsed(url).to_string(), shown);
        }
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_the_url_says_otherwise() {
        for (url, encrypted) in [
            ("postgres://a@db.example/x", true),
            ("postgres://a@10.0.0.1/x", true),
            ("postgres://a@localhost,db.example/x", true),
            ("postgres://a@localhost/x", false),
            ("postgres://a@127.0.0.1/x", false),
            ("postgres://a@%2Frun%2Fpg/x", false),
            ("postgres://a@db.example/x?sslmode=disable", false),
            ("postgres://a@localhost/x?sslmode=require", true),
            ("postgres://a@localhost/x?hostaddr=10.0.0.1", true),
            ("postgres://a@localhost/x?hostaddr=127.0.0.1", false),
            ("postgres://a@localhost/x?sslmode=verify-full", true),
        ] {
            assert_eq!(parsed(url).encrypted, encrypted, "{url}");
        }
    }

    #[test]
    fn a_password_from_elsewhere_is_as_one_in_the_url() {
        let elsewhere = parsed("postgres://a@db/x").with_password("a:b@/?");
        assert_eq!(elsewhere, parsed("postgres://a:a%3Ab%40%2F%3F@db/x"));
    }

    #[test]
    fn other_parameters_are_the_drivers() {
        let database = parsed("postgres://a@db/x?connect_timeout=7&sslmode=disable&keepalives=0");
        assert_eq!(
            database.config.get_connect_timeout(),
            Some(&Duration::from_secs(7))
        );
        assert!(!database.config.get_keepalives());
        let idle = |url| parsed(url).config.get_keepalives_idle().as_secs();
        assert_eq!(idle("postgres://a@db/x"), IDLE.as_secs());
        assert_eq!(idle("postgres://a@db/x?keepalives_idle=7"), 7);
    }

    #[test]
    fn what_names_no_database_is_refused_with_its_reason() {
        use MalformedUrl as E;
        for (url, reason) in [
            ("", E::Malformed),
            ("host=db user=a", E::Malformed),
            ("postgres://a@db:port/x", E::Malformed),
            ("postgres://a@db/x?no_such_option=1", E::Malformed),
            ("postgres://db/x", E::NoUser),
            ("postgres://a@db", E::NoName),
            ("postgres:///x?user=a", E::NoHost),
            ("postgres://a@db/x?sslmode=prefer", E::SslMode),
            ("postgres://a@db/x?sslmode=verify-ca", E::SslMode),
            (
                "postgres://a@db/x?sslmode=disable&sslmode=require",
                E::SslMode,
            ),
        ] {
            assert_eq!(url.parse::<Database>(), Err(reason), "{url}");
        }
    }
}
