use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    Client, ClientId, ClientSecret,
    ports::{Clients, StoreError},
};

#[async_trait]
impl Clients for MemoryStore {
    async fn insert_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        state.clients.insert(client.id, client.clone());
        state.secrets.insert(client.id, secrets.to_vec());
        Ok(())
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.state()?.clients.get(&id).cloned())
    }

    async fn client_with_secrets(
        &self,
        id: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError> {
        let state = self.state()?;
        let secrets = state.secrets.get(&id).cloned().unwrap_or_default();
        Ok(state.clients.get(&id).cloned().map(|it| (it, secrets)))
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let mut clients: Vec<Client> = self.state()?.clients.values().cloned().collect();
        clients.sort_by_key(|it| it.created_at);
        Ok(clients)
    }

    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let stored = state.clients.get_mut(&next.id).filter(|it| *it == before);
        Ok(stored.map(|it| next.clone_into(it)).is_some())
    }

    async fn set_client_secrets(
        &self,
        id: ClientId,
        secrets: &[ClientSecret],
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let stored = state.secrets.get_mut(&id);
        Ok(stored.map(|it| secrets.clone_into(it)).is_some())
    }

    async fn delete_client(&self, id: ClientId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        state.secrets.remove(&id);
        state.interactions.retain(|_, it| it.client_id != id);
        state.bonds.retain(|(_, client), _| *client != id);
        state.authorizations.retain(|_, it| it.client_id != id);
        Ok(state.clients.remove(&id).is_some())
    }
}
