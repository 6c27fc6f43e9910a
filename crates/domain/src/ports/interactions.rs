use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::StoreError;
use crate::{ChosenAccount, Interaction, InteractionId};

/// The requests that wait for their users.
///
/// ```
/// # use alias_domain::{ports::{Clients, Interactions}, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let store = MemoryStore::default();
/// store.insert_client(&sample::client(), &[]).await?;
/// let interaction = sample::interaction();
/// store.open_interaction(&interaction).await?;
/// // An answer is consumed once.
/// assert!(store.close_interaction(interaction.id, sample::NOON).await?);
/// assert!(!store.close_interaction(interaction.id, sample::NOON).await?);
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Interactions: Send + Sync {
    /// Keeps a request until it is answered or forgotten. Its ID is fresh; a request of a client
    /// that is gone is not kept.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn open_interaction(&self, interaction: &Interaction) -> Result<(), StoreError>;

    /// The interaction, if it is not forgotten.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError>;

    /// Sets the account that an interaction goes on with; `false` if it was answered or forgotten.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn choose_account(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Consumes the interaction as denied (R12), without granting anything: of any number of rivals, one
    /// is told `true`.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn close_interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}
