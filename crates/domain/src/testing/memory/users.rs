use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    Email, User, UserId,
    ports::{EmailTaken, PasswordHash, StoreError, Users},
};

#[async_trait]
impl Users for MemoryStore {
    async fn insert_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError> {
        let mut state = self.state()?;
        if state.users.values().any(|(it, _)| it.email == user.email) {
            return Ok(Err(EmailTaken));
        }
        let row = (user.clone(), password.clone());
        state.users.insert(user.id, row);
        Ok(Ok(()))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.state()?.users.get(&id).map(|(user, _)| user.clone()))
    }

    async fn user_by_email(
        &self,
        email: &Email,
    ) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let state = self.state()?;
        let mut rows = state.users.values();
        Ok(rows.find(|(user, _)| user.email == *email).cloned())
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let state = self.state()?;
        let mut users: Vec<User> = state.users.values().map(|it| it.0.clone()).collect();
        users.sort_by_key(|it| it.created_at);
        Ok(users)
    }

    async fn rehash_password(
        &self,
        id: UserId,
        before: &PasswordHash,
        next: &PasswordHash,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if let Some((_, hash)) = state.users.get_mut(&id).filter(|it| it.1 == *before) {
            next.clone_into(hash);
        }
        Ok(())
    }

    async fn lock_user(&self, id: UserId, locked: bool) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let Some((user, _)) = state.users.get_mut(&id) else {
            return Ok(false);
        };
        user.locked = locked;
        if locked {
            state.sessions.retain(|_, it| it.user != id);
        }
        Ok(true)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        state.sessions.retain(|_, it| it.user != id);
        state.bonds.retain(|(user, _), _| *user != id);
        state.authorizations.retain(|_, it| it.user_id != id);
        Ok(state.users.remove(&id).is_some())
    }
}
