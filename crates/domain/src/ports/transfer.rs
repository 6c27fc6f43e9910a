//! Moving from one store to another: everything that one keeps, into one that keeps nothing yet.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{PasswordHash, StoreError, StoredKey};
use crate::{
    Access, AliasId, Authorization, Client, ClientId, ClientSecret, Digest, Interaction, SessionId,
    User, UserId,
};

/// A kind of thing that a store keeps.
///
/// ```
/// use alias_domain::ports::Kind;
/// assert_eq!(Kind::ALL[0].to_string(), "keys");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Keys that sign ID tokens or seal tokens.
    Keys,
    /// Clients with their secrets.
    Clients,
    /// Users with their password hashes.
    Users,
    /// Sessions.
    Sessions,
    /// Requests that wait for their users, or had their answer.
    Interactions,
    /// What users grant to clients, and the alias IDs of those who disconnected.
    Connections,
    /// Authorizations.
    Authorizations,
    /// Who took part in which session.
    Participations,
    /// The clients that are still to be told that a session ended.
    Notices,
}

impl Kind {
    /// All kinds, each after those that it refers to.
    ///
    /// ```
    /// use alias_domain::ports::Kind;
    /// assert!(Kind::ALL.is_sorted());
    /// ```
    pub const ALL: [Self; 9] = [
        Self::Keys,
        Self::Clients,
        Self::Users,
        Self::Sessions,
        Self::Interactions,
        Self::Connections,
        Self::Authorizations,
        Self::Participations,
        Self::Notices,
    ];

    /// What it is called, in the plural.
    ///
    /// ```
    /// assert_eq!(alias_domain::ports::Kind::Users.name(), "users");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::Interactions => "interactions",
            Self::Connections => "connections",
            Self::Authorizations => "authorizations",
            Self::Participations => "participations",
            Self::Notices => "notices",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A session as a store keeps it.
///
/// ```
/// # use alias_domain::{Digest, ports::StoredSession, testing::sample};
/// let session = StoredSession {
///     id: sample::session().id,
///     token: Digest::of(b"a session token"),
///     user_id: sample::user().id,
///     auth_time: sample::NOON,
///     expires_at: sample::session().expires_at,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Its identifier.
    pub id: SessionId,
    /// The digest of its token.
    pub token: Digest,
    /// Whose it is.
    pub user_id: UserId,
    /// When its user last authenticated.
    pub auth_time: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

/// What ties a user to a client, connected or not, as a store keeps it.
///
/// ```
/// # use alias_domain::{ports::StoredConnection, testing::sample};
/// let disconnected = StoredConnection {
///     user_id: sample::user().id,
///     client_id: sample::client().id,
///     alias_id: sample::standing().alias_id,
///     access: None,
///     granted_at: sample::NOON,
///     since: sample::NOON,
///     changed_at: sample::NOON,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConnection {
    /// Who grants.
    pub user_id: UserId,
    /// To whom.
    pub client_id: ClientId,
    /// The `sub` that the client sees. It outlives a disconnect.
    pub alias_id: AliasId,
    /// What is granted; `None` when disconnected.
    pub access: Option<Access>,
    /// When the user last answered.
    pub granted_at: DateTime<Utc>,
    /// When the connection began.
    pub since: DateTime<Utc>,
    /// When what is granted last became more or less.
    pub changed_at: DateTime<Utc>,
}

/// That a client took part in a session.
///
/// ```
/// # use alias_domain::{ports::Participation, testing::sample};
/// let took_part = Participation {
///     session_id: sample::session().id,
///     client_id: sample::client().id,
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participation {
    /// The session, which lives.
    pub session_id: SessionId,
    /// The client.
    pub client_id: ClientId,
}

/// A client that is still to be told that a session ended, as a store keeps it.
///
/// ```
/// # use alias_domain::{ports::StoredNotice, testing::sample};
/// let waiting = StoredNotice {
///     session_id: sample::session().id,
///     client_id: sample::client().id,
///     alias_id: sample::decision().alias_id,
///     attempts: 0,
///     due_at: None,
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    /// The session, which has ended.
    pub session_id: SessionId,
    /// Who is to be told.
    pub client_id: ClientId,
    /// Whose session it was, as the client sees them.
    pub alias_id: AliasId,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due; `None` as long as nobody has tried.
    pub due_at: Option<DateTime<Utc>>,
}

/// Some of one kind, of a number that memory has room for.
///
/// ```
/// # use alias_domain::{ports::{Kind, Page, PasswordHash}, testing::sample};
/// let page = Page::Users(vec![(sample::user(), PasswordHash::new("$argon2id$…"))]);
/// assert_eq!((page.kind(), page.len()), (Kind::Users, 1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Keys, sealed as they are.
    Keys(Vec<StoredKey>),
    /// Clients, each with its secrets.
    Clients(Vec<(Client, Vec<ClientSecret>)>),
    /// Users, each with the hash of their password.
    Users(Vec<(User, PasswordHash)>),
    /// Sessions.
    Sessions(Vec<StoredSession>),
    /// Interactions.
    Interactions(Vec<Interaction>),
    /// Connections.
    Connections(Vec<StoredConnection>),
    /// Authorizations.
    Authorizations(Vec<Authorization>),
    /// Who took part in which session.
    Participations(Vec<Participation>),
    /// The clients that are still to be told that a session ended.
    Notices(Vec<StoredNotice>),
}

impl Page {
    /// Of what kind they are; see the type for an example.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Keys(_) => Kind::Keys,
            Self::Clients(_) => Kind::Clients,
            Self::Users(_) => Kind::Users,
            Self::Sessions(_) => Kind::Sessions,
            Self::Interactions(_) => Kind::Interactions,
            Self::Connections(_) => Kind::Connections,
            Self::Authorizations(_) => Kind::Authorizations,
            Self::Participations(_) => Kind::Participations,
            Self::Notices(_) => Kind::Notices,
        }
    }

    /// How many they are; see the type for an example.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Keys(them) => them.len(),
            Self::Clients(them) => them.len(),
            Self::Users(them) => them.len(),
            Self::Sessions(them) => them.len(),
            Self::Interactions(them) => them.len(),
            Self::Connections(them) => them.len(),
            Self::Authorizations(them) => them.len(),
            Self::Participations(them) => them.len(),
            Self::Notices(them) => them.len(),
        }
    }

    /// Whether there are none.
    ///
    /// ```
    /// assert!(alias_domain::ports::Page::Keys(vec![]).is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How many of each kind.
///
/// ```
/// use alias_domain::ports::{Counts, Kind, Page};
/// let mut counts = Counts::default();
/// counts.add(&Page::Keys(vec![]));
/// assert_eq!(counts.of(Kind::Keys), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Kind::ALL.len()]);

impl Counts {
    /// Counts a page in; see the type for an example.
    pub fn add(&mut self, page: &Page) {
        self.0[page.kind() as usize] += page.len() as u64;
    }

    /// How many of a kind; see the type for an example.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// Each kind with its number, in the order of [`Kind::ALL`].
    ///
    /// ```
    /// use alias_domain::ports::{Counts, Kind};
    /// assert!(Counts::default().iter().eq(Kind::ALL.map(|kind| (kind, 0))));
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(self.0)
    }
}

/// Everything that a store keeps, as it was at one moment, page after page.
///
/// ```
/// # use alias_domain::{ports::Export, testing::MemoryStore};
/// # pollster::block_on(async {
/// let mut export = MemoryStore::default().export();
/// assert_eq!(export.next_page().await?, None);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[async_trait]
pub trait Export: Send {
    /// The next page, which is not empty; `None` at the end. A kind comes after those that it refers
    /// to, in the order of [`Kind::ALL`]; within a kind there is no order.
    ///
    /// # Errors
    /// If the store does not answer, or a row makes no sense. Nothing comes after that.
    async fn next_page(&mut self) -> Result<Option<Page>, StoreError>;
}

/// Why nothing was taken in.
///
/// ```
/// use alias_domain::ports::ImportError;
/// assert_eq!(ImportError::NotEmpty.to_string(), "it holds keys, clients or users already");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Something is there that could be lost, or could contradict.
    #[error("it holds keys, clients or users already")]
    NotEmpty,
    /// Somebody writes there, and does not stop.
    #[error("something else writes to it")]
    Busy,
    /// Where it was to come from.
    #[error("the source: {0}")]
    Source(StoreError),
    /// Where it was to go.
    #[error("the target: {0}")]
    Target(StoreError),
}

/// A store that can take in everything that another one keeps.
///
/// ```
/// # use alias_domain::{ports::{Clients, Import, ImportError, Kind}, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let (one, other) = (MemoryStore::default(), MemoryStore::default());
/// one.insert_client(&sample::client(), &[]).await?;
/// let counts = other.import(&mut one.export()).await;
/// assert_eq!(counts.map(|it| it.of(Kind::Clients)), Ok(1));
/// assert_eq!(other.import(&mut one.export()).await, Err(ImportError::NotEmpty));
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[async_trait]
pub trait Import: Send + Sync {
    /// Takes in all that comes and says how much that was, in one step: all of it or nothing. Of any
    /// number of rivals, one succeeds.
    ///
    /// # Errors
    /// If the store keeps something already, or one of the two does not answer or makes no sense. The
    /// store is as before then.
    async fn import(&self, from: &mut dyn Export) -> Result<Counts, ImportError>;
}
