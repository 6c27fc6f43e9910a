use super::{Operator, Provider};
use crate::{
    AliasId, Client, ClientId, Connection, Revocation, RevocationError, Scope, UserId,
    ports::StoreError,
};
use chrono::{DateTime, Utc};

/// A connection as its user sees it.
///
/// ```
/// # use alias_domain::flows::ConnectedClient;
/// fn has_meta(connected: &ConnectedClient) -> bool {
///     connected.channels.iter().any(|name| name == "_meta")
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedClient {
    /// The client.
    pub client: Client,
    /// What it knows the user as.
    pub alias_id: AliasId,
    /// The granted scopes, in canonical order.
    pub scopes: Vec<Scope>,
    /// The granted channels, `_meta` first (R27).
    pub channels: Vec<String>,
    /// When the user last answered.
    pub granted_at: DateTime<Utc>,
    /// When the connection began.
    pub since: DateTime<Utc>,
    /// When what is granted last became more or less.
    pub changed_at: DateTime<Utc>,
}

/// A connection with its client, by the names that its user reads.
pub(super) fn as_its_user_sees(client: Client, connection: &Connection) -> ConnectedClient {
    ConnectedClient {
        alias_id: connection.alias_id,
        scopes: connection.access.scopes().collect(),
        channels: connection
            .channel_names(&client)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        granted_at: connection.granted_at,
        since: connection.since,
        changed_at: connection.changed_at,
        client,
    }
}

impl Provider {
    /// The user's connections, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// assert_eq!(provider.connected_clients(sample::user().id).await?, []);
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn connected_clients(
        &self,
        user: UserId,
    ) -> Result<Vec<ConnectedClient>, StoreError> {
        Operator::new(self.store()).connections(user).await
    }

    /// Takes back what a user granted to a client (R24, R25).
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let (user, client) = (sample::user().id, sample::client().id);
    /// let answer = provider.revoke(user, client, &Revocation::Disconnect, sample::NOON).await?;
    /// assert_eq!(answer, Err(RevocationError::NotGranted));
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        self.store().revoke(user, client, revocation, now).await
    }
}
