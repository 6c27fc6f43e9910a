use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use crate::{
    AuthorizationId, Lifetimes, Redeem, Redemption, Rotate, Rotation, Standing,
    ports::{Authorizations, StoreError},
    redeem, rotate,
};

#[async_trait]
impl Authorizations for MemoryStore {
    async fn standing(&self, id: AuthorizationId) -> Result<Option<Standing>, StoreError> {
        Ok(self.state()?.standing(id))
    }

    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        let mut state = self.state()?;
        let Some(standing) = state.standing(redemption.authorization) else {
            return Ok(None);
        };
        let verdict = redeem(&standing, redemption, lifetimes, now);
        match &verdict {
            Redeem::Granted { next, .. } => state.keep((**next).clone()),
            Redeem::Replayed => _ = state.authorizations.remove(&redemption.authorization),
            Redeem::Refused => {}
        }
        Ok(Some((standing, verdict)))
    }

    async fn rotate(
        &self,
        rotation: &Rotation,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Rotate)>, StoreError> {
        let mut state = self.state()?;
        let Some(standing) = state.standing(rotation.authorization) else {
            return Ok(None);
        };
        let verdict = rotate(&standing, rotation, lifetimes, now);
        match &verdict {
            Rotate::Granted { next, .. } => state.keep((**next).clone()),
            Rotate::Replayed => _ = state.authorizations.remove(&rotation.authorization),
            Rotate::Refused | Rotate::ScopeRefused => {}
        }
        Ok(Some((standing, verdict)))
    }

    async fn end_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.state()?.authorizations.remove(&id);
        Ok(())
    }

    async fn void_user_tokens(
        &self,
        id: AuthorizationId,
        through: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if let Some(it) = self.state()?.authorizations.get_mut(&id) {
            it.user_tokens_void_through = it.user_tokens_void_through.max(Some(through));
        }
        Ok(())
    }
}
