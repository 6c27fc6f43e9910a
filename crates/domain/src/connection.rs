//! Connections: what one user grants to one client now, and taking it back (R24 to R27).

use chrono::{DateTime, Utc};

use crate::{Access, AliasId, Client, META_CHANNEL, Scope};

/// What one user grants to one client now.
///
/// ```
/// # use alias_domain::*;
/// let connection = Connection {
///     alias_id: "epGEcGfc6LQMmKTqffWW2g".parse()?,
///     access: Access::openid().with(Scope::Contact),
///     granted_at: chrono::DateTime::UNIX_EPOCH,
///     since: chrono::DateTime::UNIX_EPOCH,
///     changed_at: chrono::DateTime::UNIX_EPOCH,
/// };
/// // A user's own list has `_meta` (R27).
/// assert_eq!(connection.channel_names(&testing::sample::client()), ["_meta"]);
/// # Ok::<(), MalformedId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The `sub` that the client sees.
    pub alias_id: AliasId,
    /// What is granted.
    pub access: Access,
    /// When the user last answered.
    pub granted_at: DateTime<Utc>,
    /// When the user first granted something; after a disconnect, something again.
    pub since: DateTime<Utc>,
    /// When what is granted last became more or less.
    pub changed_at: DateTime<Utc>,
}

impl Connection {
    /// What an answer makes of the connection that there was before, if there was one. The alias ID is
    /// used if the two have not met before.
    ///
    /// ```
    /// # use alias_domain::{testing::sample::NOON, *};
    /// let alias_id = "epGEcGfc6LQMmKTqffWW2g".parse()?;
    /// let later = NOON + chrono::TimeDelta::hours(1);
    /// let first = Connection::answered(None, alias_id, Access::openid(), NOON);
    /// let wider = Access::openid().with(Scope::Nickname);
    /// let next = Connection::answered(Some(&first), alias_id, wider, later);
    /// assert_eq!((next.since, next.changed_at), (NOON, later));
    /// # Ok::<(), MalformedId>(())
    /// ```
    #[must_use]
    pub fn answered(
        before: Option<&Self>,
        alias_id: AliasId,
        access: Access,
        now: DateTime<Utc>,
    ) -> Self {
        let same = before.filter(|it| it.access == access);
        Self {
            alias_id: before.map_or(alias_id, |it| it.alias_id),
            access,
            granted_at: now,
            since: before.map_or(now, |it| it.since),
            changed_at: same.map_or(now, |it| it.changed_at),
        }
    }

    /// The granted channels as their user sees them: `_meta` first, then the declared ones in
    /// declared order (R27). See the type for an example.
    #[must_use]
    pub fn channel_names<'a>(&'a self, client: &'a Client) -> Vec<&'a str> {
        let Some(channels) = self.access.channels() else {
            return Vec::new();
        };
        let declared = client.declared(channels).map(|it| it.name.as_str());
        [META_CHANNEL].into_iter().chain(declared).collect()
    }
}

/// What a user takes back.
///
/// ```
/// use alias_domain::{Revocation, Scope};
/// let revocation = Revocation::Scope(Scope::Contact);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One scope; `openid` disconnects (R25).
    Scope(Scope),
    /// One channel, by name.
    Channel(String),
    /// Everything.
    Disconnect,
}

/// Why nothing was taken back.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let access = Access::openid().with(Scope::Contact);
/// let meta = Revocation::Channel("_meta".to_owned());
/// assert_eq!(revoked(&access, &client, &meta), Err(RevocationError::MetaAlone));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// There is no such grant.
    #[error("this was not granted")]
    NotGranted,
    /// `_meta` cannot be revoked alone (R25).
    #[error("_meta is part of contact and cannot be revoked alone")]
    MetaAlone,
}

/// What is left after a revocation; `None` means disconnected, and every authorization dies for
/// good (R25).
///
/// # Errors
/// If there is no such grant, or it cannot be revoked alone.
///
/// ```
/// # use alias_domain::*;
/// let client = testing::sample::client();
/// let access = Access::openid().with_contact([ChannelId(1)].into());
/// let left = revoked(&access, &client, &Revocation::Channel("notifications".to_owned()));
/// assert_eq!(left, Ok(Some(Access::openid().with(Scope::Contact))));
/// let left = revoked(&access, &client, &Revocation::Scope(Scope::OpenId));
/// assert_eq!(left, Ok(None));
/// ```
pub fn revoked(
    granted: &Access,
    client: &Client,
    revocation: &Revocation,
) -> Result<Option<Access>, RevocationError> {
    match revocation {
        Revocation::Disconnect => Ok(None),
        Revocation::Scope(scope) if !granted.has(*scope) => Err(RevocationError::NotGranted),
        Revocation::Scope(scope) => Ok(granted.clone().without(*scope)),
        Revocation::Channel(name) if name == META_CHANNEL => Err(match granted.channels() {
            Some(_) => RevocationError::MetaAlone,
            None => RevocationError::NotGranted,
        }),
        Revocation::Channel(name) => {
            let channel = client.channel(name).filter(|it| granted.has_channel(it.id));
            let channel = channel.ok_or(RevocationError::NotGranted)?.id;
            Ok(Some(granted.clone().with_channels_that(|it| it != channel)))
        }
    }
}
