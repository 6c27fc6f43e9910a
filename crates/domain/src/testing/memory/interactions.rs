use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use crate::{
    ChosenAccount, Interaction, InteractionId,
    ports::{Interactions, StoreError},
};

#[async_trait]
impl Interactions for MemoryStore {
    async fn open_interaction(&self, interaction: &Interaction) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if state.clients.contains_key(&interaction.client_id) {
            let row = interaction.clone();
            state.interactions.insert(row.id, row);
        }
        Ok(())
    }

    async fn interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError> {
        let state = self.state()?;
        let row = state.interactions.get(&id);
        Ok(row.filter(|it| now < it.expires_at).cloned())
    }

    async fn choose_account(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let waits = state.waits(id, now);
        if let Some(it) = state.interactions.get_mut(&id).filter(|_| waits) {
            it.account = Some(account);
        }
        Ok(waits)
    }

    async fn close_interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(self.state()?.answer(id, now))
    }
}
