use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{MemoryStore, SignIn};
use crate::{
    Digest, Session, SessionId,
    ports::{SessionStart, Sessions, Started, StoreError},
};

#[async_trait]
impl Sessions for MemoryStore {
    async fn start_session(&self, start: &SessionStart) -> Result<Started, StoreError> {
        let mut state = self.state()?;
        if state.users.get(&start.user).is_none_or(|it| it.0.locked) {
            return Ok(Started::Locked);
        }
        let renewed = start.presented.iter().find_map(|token| {
            let session = state.live_session_of(*token, start.auth_time)?;
            (session.user.id == start.user).then_some((session.id, *token))
        });
        let (id, replaced) = renewed.unzip();
        let id = id.unwrap_or(start.id);
        let sign_in = SignIn {
            user: start.user,
            token: start.token,
            auth_time: start.auth_time,
            expires_at: start.expires_at,
        };
        state.sessions.insert(id, sign_in);
        Ok(Started::Session { id, replaced })
    }

    async fn live_sessions(
        &self,
        tokens: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError> {
        let state = self.state()?;
        let live = |token: &Digest| Some((*token, state.live_session_of(*token, now)?));
        Ok(tokens.iter().filter_map(live).collect())
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.state()?.sessions.remove(&id);
        Ok(())
    }
}
