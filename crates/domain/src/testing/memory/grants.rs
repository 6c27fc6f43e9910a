use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Bond, MemoryStore};
use crate::{
    Access, Authorization, Client, ClientId, Connection, InteractionId, NewAuthorization,
    Revocation, RevocationError, SessionId, UserId,
    ports::{Decision, Grants, Recorded, StoreError},
    revoked,
};

#[async_trait]
impl Grants for MemoryStore {
    async fn connection(
        &self,
        user: UserId,
        client: ClientId,
    ) -> Result<Option<Connection>, StoreError> {
        let state = self.state()?;
        let client = state.clients.get(&client);
        Ok(client.and_then(|it| state.connection(user, it)))
    }

    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Connection)>, StoreError> {
        let state = self.state()?;
        let connected = |client: &Client| Some((client.clone(), state.connection(user, client)?));
        let mut connections: Vec<_> = state.clients.values().filter_map(connected).collect();
        connections.sort_by_key(|(_, it)| std::cmp::Reverse(it.granted_at));
        Ok(connections)
    }

    async fn issue(
        &self,
        new: &NewAuthorization,
        access: &Access,
        session: SessionId,
        interaction: Option<InteractionId>,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let mut state = self.state()?;
        let Some((client, session)) = state.parties(new, session, now) else {
            return Ok(Recorded::Changed);
        };
        if interaction.is_some_and(|it| !state.waits(it, now)) {
            return Ok(Recorded::AlreadyAnswered);
        }
        let connection = state.connection(session.user.id, &client);
        if !connection.is_some_and(|it| it.access.covers(access)) {
            return Ok(Recorded::Changed);
        }
        if let Some(interaction) = interaction {
            state.answer(interaction, now);
        }
        state.keep(new.clone().approved(access.clone(), session.auth_time));
        Ok(Recorded::Issued)
    }

    async fn record_decision(
        &self,
        decision: &Decision,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let mut state = self.state()?;
        let new = decision.new.clone();
        let Some((client, session)) = state.parties(&new, decision.session, now) else {
            return Ok(Recorded::Changed);
        };
        if !state.waits(decision.interaction, now) {
            return Ok(Recorded::AlreadyAnswered);
        }
        let Ok(selected) = decision.screen.selection(&client, &decision.answer) else {
            return Ok(Recorded::NotShown);
        };
        let before = state.connection(new.user_id, &client);
        let after = decision
            .screen
            .applied(&selected, before.as_ref().map(|it| &it.access));
        let key = (new.user_id, new.client_id);
        let alias_id = state.bonds.get(&key).map(|it| it.alias_id);
        let bond = Bond {
            alias_id: alias_id.unwrap_or(decision.alias_id),
            access: Some(after),
            granted_at: now,
        };
        state.bonds.insert(key, bond);
        state.answer(decision.interaction, now);
        state.keep(new.approved(selected, session.auth_time));
        Ok(Recorded::Issued)
    }

    async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        let mut state = self.state()?;
        let registered = state.clients.get(&client);
        let left = registered
            .and_then(|it| Some((state.connection(user, it)?.access, it)))
            .ok_or(RevocationError::NotGranted)
            .and_then(|(granted, client)| revoked(&granted, client, revocation));
        let left = match left {
            Ok(left) => left,
            Err(error) => return Ok(Err(error)),
        };
        if left.is_none() {
            let theirs = |it: &Authorization| it.user_id == user && it.client_id == client;
            state.authorizations.retain(|_, it| !theirs(it));
        }
        if let Some(bond) = state.bonds.get_mut(&(user, client)) {
            bond.access = left;
        }
        Ok(Ok(()))
    }
}
