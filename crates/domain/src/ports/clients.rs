use async_trait::async_trait;

use super::StoreError;
use crate::{Client, ClientId, ClientSecret};

/// The registered clients.
///
/// ```
/// # use alias_domain::{ports::Clients, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// store.insert_client(&sample::client(), &[]).await?;
/// assert_eq!(store.client(sample::client().id).await?, Some(sample::client()));
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Clients: Send + Sync {
    /// Adds a client with its secrets (none for a public client). Its ID is fresh.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn insert_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
    ) -> Result<(), StoreError>;

    /// The client, if it is registered.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError>;

    /// The client with its secrets, expired ones perhaps among them.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn client_with_secrets(
        &self,
        id: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError>;

    /// All clients, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Replaces what is stored of `next.id`, if it still equals `before`; `false` if it does not.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError>;

    /// Replaces a client's secrets; `false` if there is no such client.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn set_client_secrets(
        &self,
        id: ClientId,
        secrets: &[ClientSecret],
    ) -> Result<bool, StoreError>;

    /// Ends everything of the client, pending codes included (R30); `false` if there is none. From this
    /// step on nothing of it counts. Where it has very many rows, some go later: see
    /// [`Store::purge`](super::Store::purge).
    ///
    /// # Errors
    /// If the store does not answer.
    async fn delete_client(&self, id: ClientId) -> Result<bool, StoreError>;
}
