use chrono::{DateTime, Utc};

use super::{ConnectedClient, account::as_its_user_sees};
use crate::{
    Client, Email, Nickname, Revocation, RevocationError, Secret, Session, SessionId, User, UserId,
    ports::{EmailTaken, Failure, Passwords, Store, StoreError},
};

/// What an operator does about users. It takes the same steps as what users do themselves, so no rule
/// is another one because somebody else asks; and it needs the store alone, no key of the service.
///
/// ```
/// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// let operator = Operator::new(&store);
/// assert_eq!(operator.sessions(sample::user().id, sample::NOON).await?, []);
/// # Ok::<(), ports::StoreError>(())
/// # });
/// ```
#[derive(Clone, Copy)]
pub struct Operator<'a> {
    store: &'a dyn Store,
}

/// What an operator changes of a user; `None` stays.
///
/// ```
/// use alias_domain::flows::UserChange;
/// let without_nickname = UserChange { nickname: Some(None), ..UserChange::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The address to sign in with.
    pub email: Option<Email>,
    /// The nickname; none with `Some(None)`.
    pub nickname: Option<Option<Nickname>>,
}

impl UserChange {
    fn of(&self, user: &User) -> User {
        let mut next = user.clone();
        if let Some(email) = &self.email {
            next.email.clone_from(email);
        }
        if let Some(nickname) = &self.nickname {
            next.nickname.clone_from(nickname);
        }
        next
    }
}

/// A client from which something was taken back.
///
/// ```
/// # use alias_domain::flows::TakenBack;
/// fn is_disconnected(taken: &TakenBack) -> bool {
///     taken.left.is_none()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The client.
    pub client: Client,
    /// What the user still grants to it; `None` if they are not connected any more.
    pub left: Option<ConnectedClient>,
}

impl<'a> Operator<'a> {
    /// An operator at a store; see the type for an example.
    #[must_use]
    pub const fn new(store: &'a dyn Store) -> Self {
        Self { store }
    }

    /// Takes back what a user granted to a client, as the user would (R24, R25).
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// let (user, client) = (sample::user().id, sample::client());
    /// let all = Revocation::Disconnect;
    /// let taken = Operator::new(&store).revoke(user, &client, &all, sample::NOON).await?;
    /// assert_eq!(taken, Err(RevocationError::NotGranted));
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn revoke(
        &self,
        user: UserId,
        client: &Client,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<TakenBack, RevocationError>, StoreError> {
        let revoked = self.store.revoke(user, client.id, revocation, now).await?;
        if let Err(refused) = revoked {
            return Ok(Err(refused));
        }
        let left = self.store.connection(user, client.id).await?;
        Ok(Ok(TakenBack {
            left: left.map(|it| as_its_user_sees(client.clone(), &it)),
            client: client.clone(),
        }))
    }

    /// The same from every client that has it.
    ///
    /// # Errors
    /// If the store does not answer. It may have been taken back from some then.
    ///
    /// ```
    /// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// let (user, all) = (sample::user().id, Revocation::Disconnect);
    /// let taken = Operator::new(&store).revoke_all(user, &all, sample::NOON).await?;
    /// assert_eq!(taken, []);
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn revoke_all(
        &self,
        user: UserId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Vec<TakenBack>, StoreError> {
        let mut taken = Vec::new();
        for (client, _) in self.store.connections(user).await? {
            // Who has nothing of it, or no more, is passed over.
            taken.extend(self.revoke(user, &client, revocation, now).await?.ok());
        }
        Ok(taken)
    }

    /// What the user grants to clients now, as they see it themselves, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{flows::Operator, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// assert_eq!(Operator::new(&store).connections(sample::user().id).await?, []);
    /// # Ok::<(), alias_domain::ports::StoreError>(())
    /// # });
    /// ```
    pub async fn connections(&self, user: UserId) -> Result<Vec<ConnectedClient>, StoreError> {
        let connections = self.store.connections(user).await?.into_iter();
        let seen = connections.map(|(client, connection)| as_its_user_sees(client, &connection));
        Ok(seen.collect())
    }

    /// The user's sessions that have not ended, the latest sign-in first; see the type for an example.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sessions(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        self.store.sessions_of(user, now).await
    }

    /// Ends one session of the user and tells the clients that took part (R30); `false` if it is none
    /// of theirs.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// let (user, session) = (sample::user().id, sample::session().id);
    /// assert!(!Operator::new(&store).end_session(user, session, sample::NOON).await?);
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn end_session(
        &self,
        user: UserId,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sessions = self.sessions(user, now).await?;
        let is_theirs = sessions.iter().any(|it| it.id == session);
        if is_theirs {
            self.store.end_session(session).await?;
        }
        Ok(is_theirs)
    }

    /// Ends every session of the user, and tells the clients that took part (R30).
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// Operator::new(&MemoryStore::default()).end_sessions(sample::user().id).await?;
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn end_sessions(&self, user: UserId) -> Result<(), StoreError> {
        self.store.end_sessions_of(user).await
    }

    /// Sets another password, which ends every session of the user (R30); `false` if there is no such
    /// user.
    ///
    /// # Errors
    /// If the store or the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::{*, flows::Operator, testing::{MemoryStore, TestPasswords, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// let (user, password) = (sample::user().id, Secret::new("correct horse".to_owned()));
    /// assert!(!Operator::new(&store).reset_password(user, &password, &TestPasswords).await?);
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn reset_password(
        &self,
        user: UserId,
        password: &Secret,
        passwords: &dyn Passwords,
    ) -> Result<bool, Failure> {
        let hash = passwords.hash(password).await?;
        Ok(self.store.reset_password(user, &hash).await?)
    }

    /// Changes address and nickname, whatever others change of them at the same time; `None` if there
    /// is no such user.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::{Operator, UserChange}, testing::{MemoryStore, sample}};
    /// # pollster::block_on(async {
    /// let store = MemoryStore::default();
    /// let nothing = UserChange::default();
    /// let changed = Operator::new(&store).change_user(sample::user().id, &nothing).await?;
    /// assert_eq!(changed, Ok(None));
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn change_user(
        &self,
        user: UserId,
        change: &UserChange,
    ) -> Result<Result<Option<User>, EmailTaken>, StoreError> {
        loop {
            let Some(before) = self.store.user(user).await? else {
                return Ok(Ok(None));
            };
            let next = change.of(&before);
            match self.store.update_user(&before, &next).await? {
                Ok(true) => return Ok(Ok(Some(next))),
                Ok(false) => {}
                Err(taken) => return Ok(Err(taken)),
            }
        }
    }
}
