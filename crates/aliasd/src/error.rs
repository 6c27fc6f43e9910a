//! Why a command did not do what it was asked.

#[cfg(feature = "dev")]
use std::path::PathBuf;
use std::{io, net::SocketAddr};

use alias_domain::{
    ClientError, EmailError, MalformedEmail, MalformedNickname, RevocationError,
    ports::{EmailTaken, Failure, ImportError, StoreError},
};
use alias_signing::SigningError;
use alias_storage_postgres::OpenError as PostgresError;
use alias_storage_sqlite::OpenError as SqliteError;
use metrics_exporter_prometheus::BuildError;

use crate::config::ConfigError;
#[cfg(feature = "dev")]
use crate::config::Issuer;

/// The text of each is the one line that standard error gets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Email(#[from] MalformedEmail),
    #[error(transparent)]
    NewEmail(#[from] EmailError),
    #[error(transparent)]
    EmailTaken(#[from] EmailTaken),
    #[error(transparent)]
    Nickname(#[from] MalformedNickname),
    #[error("{0}")]
    Usage(&'static str),
    #[error("the password {0}")]
    Password(&'static str),
    #[error("there is no client {0}")]
    NoClient(String),
    #[error("there is no product {0}: `aliasd client products` lists those that there are")]
    NoProduct(String),
    #[error("--for {0}: say where it is, with --url https://…")]
    NoProductUrl(String),
    #[error("there is no user {0}")]
    NoUser(String),
    #[error(
        "{user} has no session {sessions}, and none was ended; `aliasd user sessions {user}` lists those \
         there are"
    )]
    NoSession { user: String, sessions: String },
    #[error("{client}: {reason}")]
    NotRevoked {
        client: String,
        reason: RevocationError,
    },
    #[error("there is no key {0}")]
    NoKey(String),
    #[error(
        "no other key can take the place of {0}: rotate, and remove it once its successor is active"
    )]
    LastKey(String),
    #[error("client {0} is public: it has no secret")]
    PublicClient(String),
    #[error("client {0} has no back-channel logout URI that could require a session")]
    NoBackchannel(String),
    #[error("client {client} declares no channel {channel}")]
    NoChannel { client: String, channel: String },
    #[error("channel {0} is both declared and removed")]
    TornChannel(String),
    #[error("database.url is {0}: import goes into PostgreSQL, so set it to postgres://…")]
    ImportTarget(String),
    #[error("--from {from}: {reason}")]
    ImportSource { from: String, reason: String },
    #[error("database.url {0}: {1}; nothing was changed")]
    Refused(String, ImportError),
    #[error("database.url: {0}; nothing was imported")]
    ImportFailed(StoreError),
    #[error("{setting}{0}", setting = named_by(.0))]
    Sqlite(#[from] SqliteError),
    #[error("database.url: {0}")]
    Postgres(#[from] PostgresError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Keys(#[from] SigningError),
    #[cfg(feature = "dev")]
    #[error("{0}: name a port, for addresses are registered before anything listens")]
    NoPort(&'static str),
    #[cfg(feature = "dev")]
    #[error("dev is for this machine alone, not for {0}: everybody knows the demo user's password")]
    PublicDemo(Issuer),
    #[cfg(feature = "dev")]
    #[error(
        "./.alias is in use by another aliasd dev; stop it, or start this one in another folder"
    )]
    HomeInUse,
    #[error("port {} is in use; set {setting} to another address", address.port())]
    PortInUse {
        address: SocketAddr,
        setting: &'static str,
    },
    #[error("cannot listen on {address} ({setting}): {reason}")]
    Listen {
        address: SocketAddr,
        setting: &'static str,
        reason: io::Error,
    },
    #[error(
        "http.connections: {connections} need {needed} open files, and the limit is {limit}: raise it \
         (LimitNOFILE in systemd, `ulimit -n` in a shell), or set fewer"
    )]
    TooFewFiles {
        connections: usize,
        needed: usize,
        limit: usize,
    },
    #[cfg(feature = "dev")]
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("metrics: {0}")]
    Metrics(#[from] BuildError),
    #[error("standard output: {0}")]
    Output(io::Error),
    #[error("{error}; all the same, {done}")]
    DoneUnsaid { done: String, error: Box<Self> },
    #[error("{0}; nothing was registered, for nobody saw the client's secret")]
    SecretNotShown(Box<Self>),
    #[error("{error}: nobody saw the secret; run `aliasd client rotate-secret {again}`")]
    SecretLost { again: String, error: Box<Self> },
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// The setting that names the file, where the file itself is at fault.
const fn named_by(error: &SqliteError) -> &'static str {
    match error {
        SqliteError::Unreachable { .. }
        | SqliteError::NotADatabase(_)
        | SqliteError::Damaged { .. } => "database.url: ",
        _ => "",
    }
}

impl Error {
    /// The exit status of the process.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::NoProductUrl(_) => 2,
            _ => 1,
        }
    }

    /// Whether waiting may mend it: the store is away, and not wrong.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Postgres(PostgresError::Away { .. })
                | Self::Failure(Failure::Store(StoreError::Unavailable(_)))
                | Self::Keys(SigningError::Failed(Failure::Store(
                    StoreError::Unavailable(_)
                )))
        )
    }
}
