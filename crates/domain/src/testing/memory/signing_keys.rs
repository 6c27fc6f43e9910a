use async_trait::async_trait;

use super::MemoryStore;
use crate::ports::{SigningKeys, StoreError, StoredSigningKey};

#[async_trait]
impl SigningKeys for MemoryStore {
    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        let mut keys = self.state()?.signing_keys.clone();
        keys.sort_by_key(|it| it.created_at);
        Ok(keys)
    }

    async fn add_first_signing_key(&self, key: &StoredSigningKey) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let first = state
            .signing_keys
            .iter()
            .all(|it| it.algorithm != key.algorithm);
        if first {
            state.signing_keys.push(key.clone());
        }
        Ok(first)
    }
}
