use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Access, AliasId, Authorization, AuthorizationId, ChosenAccount, Client, ClientId, ClientSecret,
    Connection, Digest, Email, Interaction, InteractionId, Lifetimes, LogoutNotice,
    NewAuthorization, Redeem, Redemption, Revocation, RevocationError, Rotate, Rotation, Session,
    SessionId, Standing, User, UserId,
    ports::{
        Anticipated, Anticipation, Authorizations, Claim, Clients, Decision, EmailTaken, Grants,
        Interactions, Keys, LiveGrant, Moment, Notices, PasswordHash, Recorded, SessionStart,
        Sessions, Started, Store, StoreError, StoredConnection, StoredKey, StoredNotice,
        StoredSession, Users,
    },
    redeem, revoked, rotate,
};

mod transfer;

pub use transfer::Pages;

/// A store in memory: one lock around everything, so that every step is atomic. It holds no rule.
///
/// ```
/// use alias_domain::{ports::Store, testing::MemoryStore};
/// assert!(pollster::block_on(MemoryStore::default().ping()).is_ok());
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    /// How many further steps panic.
    panics: AtomicU32,
}

#[derive(Default)]
struct State {
    clients: Vec<(Client, Vec<ClientSecret>)>,
    users: Vec<(User, PasswordHash)>,
    sessions: BTreeMap<SessionId, StoredSession>,
    /// Who took part in a session.
    session_clients: BTreeSet<(SessionId, ClientId)>,
    notices: BTreeMap<(SessionId, ClientId), StoredNotice>,
    interactions: BTreeMap<InteractionId, Interaction>,
    connections: BTreeMap<(UserId, ClientId), StoredConnection>,
    authorizations: BTreeMap<AuthorizationId, Authorization>,
    /// Oldest first.
    keys: Vec<StoredKey>,
}

impl MemoryStore {
    /// From now on so many steps panic: for testing what becomes of who asks. To export is none.
    ///
    /// ```should_panic
    /// use alias_domain::{ports::Users, testing::MemoryStore};
    /// let store = MemoryStore::default();
    /// store.panic_in_next(1);
    /// let _ = pollster::block_on(store.users());
    /// ```
    pub fn panic_in_next(&self, steps: u32) {
        self.panics.store(steps, Ordering::SeqCst);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let left = |steps: u32| steps.checked_sub(1);
        let panics = self
            .panics
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        assert!(panics.is_err(), "the step panics, as it was asked to");
        self.locked()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn client(&self, id: ClientId) -> Option<&Client> {
        self.clients.iter().map(|it| &it.0).find(|it| it.id == id)
    }

    fn user(&self, id: UserId) -> Option<&User> {
        self.users.iter().map(|it| &it.0).find(|it| it.id == id)
    }

    fn session(&self, id: SessionId, now: DateTime<Utc>) -> Option<Session> {
        let stored = self.sessions.get(&id)?;
        let user = self.user(stored.user_id).filter(|it| !it.locked)?;
        (now < stored.expires_at).then(|| Session {
            id,
            user: user.clone(),
            auth_time: stored.auth_time,
            expires_at: stored.expires_at,
        })
    }

    fn session_of(&self, token: Digest, now: DateTime<Utc>) -> Option<Session> {
        let (id, _) = self.sessions.iter().find(|(_, it)| it.token == token)?;
        self.session(*id, now)
    }

    fn live_grant(&self, token: Digest, client: ClientId, now: DateTime<Utc>) -> Option<LiveGrant> {
        let session = self.session_of(token, now)?;
        Some(LiveGrant {
            token,
            connection: self.connection(session.user.id, client),
            session,
        })
    }

    fn waiting(&mut self, id: InteractionId, now: DateTime<Utc>) -> Option<&mut Interaction> {
        self.interactions
            .get_mut(&id)
            .filter(|it| !it.answered && now < it.expires_at)
    }

    fn connection(&self, user: UserId, client: ClientId) -> Option<Connection> {
        let stored = self.connections.get(&(user, client))?;
        Some(Connection {
            alias_id: stored.alias_id,
            access: self.client(client)?.live(stored.access.clone()?),
            granted_at: stored.granted_at,
            since: stored.since,
            changed_at: stored.changed_at,
        })
    }

    fn moment(
        &mut self,
        new: &NewAuthorization,
        session: SessionId,
        interaction: Option<InteractionId>,
        now: DateTime<Utc>,
    ) -> Moment {
        let connection = self.connection(new.user_id, new.client_id);
        Moment {
            waits: interaction.is_none_or(|id| self.waiting(id, now).is_some()),
            client: self.client(new.client_id).cloned(),
            session: self.session(session, now),
            connection,
        }
    }

    fn standing(&self, id: AuthorizationId) -> Option<Standing> {
        let authorization = self.authorizations.get(&id)?;
        let (user, client) = (authorization.user_id, authorization.client_id);
        let connection = self.connections.get(&(user, client))?;
        Some(Standing {
            authorization: authorization.clone(),
            client: self.client(client)?.clone(),
            user: self.user(user)?.clone(),
            alias_id: connection.alias_id,
            connection: connection.access.clone(),
        })
    }

    fn newest_key(&self, algorithm: &str) -> Option<&StoredKey> {
        self.keys.iter().rfind(|it| it.algorithm == algorithm)
    }

    fn add_key(&mut self, key: &StoredKey) {
        self.keys.push(key.clone());
        self.keys
            .sort_by(|one, other| (one.created_at, &one.kid).cmp(&(other.created_at, &other.kid)));
    }

    /// Adds an authorization, and that its client took part in the session.
    fn issue(&mut self, new: Authorization) {
        let session = new.session_id.filter(|it| self.sessions.contains_key(it));
        let part = session.map(|it| (it, new.client_id));
        self.session_clients.extend(part);
        self.authorizations.insert(new.id, new);
    }

    /// Ends sessions, with a notice to each client that took part and wants to know.
    fn end_sessions(&mut self, ended: impl Fn(SessionId, &StoredSession) -> bool) {
        for (session, client) in &self.session_clients {
            let stored = self.sessions.get(session).filter(|it| ended(*session, it));
            let alias = stored.and_then(|it| self.connections.get(&(it.user_id, *client)));
            let wanted = self
                .client(*client)
                .is_some_and(|it| it.backchannel_logout.is_some());
            if let Some(connection) = alias.filter(|_| wanted) {
                let notice = StoredNotice {
                    session_id: *session,
                    client_id: *client,
                    alias_id: connection.alias_id,
                    attempts: 0,
                    due_at: None,
                };
                self.notices.insert((*session, *client), notice);
            }
        }
        self.drop_sessions(ended);
    }

    fn drop_sessions(&mut self, ended: impl Fn(SessionId, &StoredSession) -> bool) {
        self.sessions.retain(|id, it| !ended(*id, it));
        self.session_clients
            .retain(|(session, _)| self.sessions.contains_key(session));
    }

    /// A notice, if it is still claimed as it says.
    fn claimed(&mut self, notice: &LogoutNotice) -> Option<&mut StoredNotice> {
        let stored = self.notices.get_mut(&(notice.session, notice.client.id));
        stored.filter(|it| it.attempts == notice.attempt)
    }

    fn end_authorizations(&mut self, ended: impl Fn(&Authorization) -> bool) {
        self.authorizations.retain(|_, it| !ended(it));
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn latest_activity(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let state = self.state();
        let sign_ins = state.sessions.values().map(|it| it.auth_time);
        let requests = state.interactions.values();
        let requests = requests.map(|it| it.expires_at - Lifetimes::INTERACTION);
        let issued = state.authorizations.values().map(|it| match it.phase {
            crate::Phase::Redeemed {
                refresh: Some(chain),
            } => chain.issued_at.max(it.auth_time),
            _ => it.auth_time,
        });
        Ok(sign_ins.chain(requests).chain(issued).max())
    }

    async fn purge(&self, _: u32) -> Result<u32, StoreError> {
        // What is deleted is gone at once.
        Ok(0)
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let state = &mut *self.state();
        let some = usize::try_from(limit).unwrap_or(usize::MAX);
        let authorizations = ended(&state.authorizations, some, |it| it.ends_at <= now);
        let interactions = ended(&state.interactions, some, |it| it.expires_at <= now);
        let sessions = ended(&state.sessions, some, |it| it.expires_at <= now);
        state
            .authorizations
            .retain(|id, _| !authorizations.contains(id));
        state
            .interactions
            .retain(|id, _| !interactions.contains(id));
        state.drop_sessions(|id, _| sessions.contains(&id));
        let mut secrets = 0;
        for (_, stored) in &mut state.clients {
            stored.retain(|it| {
                let ended = secrets < some && it.expires_at.is_some_and(|end| end <= now);
                secrets += usize::from(ended);
                !ended
            });
        }
        let removed = authorizations.len() + interactions.len() + sessions.len() + secrets;
        Ok(u32::try_from(removed).unwrap_or(u32::MAX))
    }
}

/// The keys of at most `limit` entries that have ended.
fn ended<K: Copy, V>(
    entries: &BTreeMap<K, V>,
    limit: usize,
    has_ended: impl Fn(&V) -> bool,
) -> Vec<K> {
    let ended = entries.iter().filter(|(_, it)| has_ended(it));
    ended.map(|(key, _)| *key).take(limit).collect()
}

#[async_trait]
impl Clients for MemoryStore {
    async fn insert_client(
        &self,
        client: &Client,
        secrets: &[ClientSecret],
    ) -> Result<(), StoreError> {
        let entry = (client.clone(), secrets.to_vec());
        self.state().clients.push(entry);
        Ok(())
    }

    async fn client(&self, id: ClientId) -> Result<Option<Client>, StoreError> {
        Ok(self.state().client(id).cloned())
    }

    async fn client_with_secrets(
        &self,
        id: ClientId,
    ) -> Result<Option<(Client, Vec<ClientSecret>)>, StoreError> {
        let state = self.state();
        Ok(state.clients.iter().find(|it| it.0.id == id).cloned())
    }

    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        let mut clients: Vec<Client> = self.state().clients.iter().map(|it| it.0.clone()).collect();
        clients.sort_by_key(|it| it.created_at);
        Ok(clients)
    }

    async fn update_client(&self, before: &Client, next: &Client) -> Result<bool, StoreError> {
        let mut state = self.state();
        let stored = state.clients.iter_mut().find(|it| it.0 == *before);
        Ok(stored.map(|it| it.0 = next.clone()).is_some())
    }

    async fn set_client_secrets(
        &self,
        id: ClientId,
        secrets: &[ClientSecret],
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let stored = state.clients.iter_mut().find(|it| it.0.id == id);
        Ok(stored.map(|it| it.1 = secrets.to_vec()).is_some())
    }

    async fn delete_client(&self, id: ClientId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let before = state.clients.len();
        state.clients.retain(|it| it.0.id != id);
        state.connections.retain(|key, _| key.1 != id);
        state.interactions.retain(|_, it| it.client_id != id);
        state.session_clients.retain(|it| it.1 != id);
        state.notices.retain(|key, _| key.1 != id);
        state.end_authorizations(|it| it.client_id == id);
        Ok(state.clients.len() < before)
    }
}

#[async_trait]
impl Users for MemoryStore {
    async fn insert_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<Result<(), EmailTaken>, StoreError> {
        let mut state = self.state();
        if state.users.iter().any(|it| it.0.email == user.email) {
            return Ok(Err(EmailTaken));
        }
        state.users.push((user.clone(), password.clone()));
        Ok(Ok(()))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.state().user(id).cloned())
    }

    async fn user_by_email(
        &self,
        email: &Email,
    ) -> Result<Option<(User, PasswordHash)>, StoreError> {
        let state = self.state();
        Ok(state.users.iter().find(|it| it.0.email == *email).cloned())
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        let mut users: Vec<User> = self.state().users.iter().map(|it| it.0.clone()).collect();
        users.sort_by_key(|it| it.created_at);
        Ok(users)
    }

    async fn rehash_password(
        &self,
        id: UserId,
        before: &PasswordHash,
        next: &PasswordHash,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let mut users = state.users.iter_mut();
        if let Some(stored) = users.find(|it| it.0.id == id && it.1 == *before) {
            stored.1 = next.clone();
        }
        Ok(())
    }

    async fn update_user(
        &self,
        before: &User,
        next: &User,
    ) -> Result<Result<bool, EmailTaken>, StoreError> {
        let mut state = self.state();
        let taken = |it: &(User, _)| it.0.email == next.email && it.0.id != next.id;
        if state.users.iter().any(taken) {
            return Ok(Err(EmailTaken));
        }
        let same = |it: &User| {
            it.id == next.id && it.email == before.email && it.nickname == before.nickname
        };
        let stored = state.users.iter_mut().find(|it| same(&it.0));
        Ok(Ok(stored
            .map(|it| {
                it.0.email.clone_from(&next.email);
                it.0.nickname.clone_from(&next.nickname);
            })
            .is_some()))
    }

    async fn reset_password(
        &self,
        id: UserId,
        password: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let stored = state.users.iter_mut().find(|it| it.0.id == id);
        let found = stored.map(|it| it.1 = password.clone()).is_some();
        state.end_sessions(|_, it| it.user_id == id);
        Ok(found)
    }

    async fn lock_user(&self, id: UserId, locked: bool) -> Result<bool, StoreError> {
        let mut state = self.state();
        let stored = state.users.iter_mut().find(|it| it.0.id == id);
        let found = stored.map(|it| it.0.locked = locked).is_some();
        if locked {
            state.end_sessions(|_, it| it.user_id == id);
        }
        Ok(found)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let before = state.users.len();
        state.users.retain(|it| it.0.id != id);
        state.end_sessions(|_, it| it.user_id == id);
        state.connections.retain(|key, _| key.0 != id);
        state.end_authorizations(|it| it.user_id == id);
        Ok(state.users.len() < before)
    }
}

#[async_trait]
impl Sessions for MemoryStore {
    async fn start_session(&self, start: &SessionStart) -> Result<Started, StoreError> {
        let mut state = self.state();
        let is_admitted = |it: &(User, PasswordHash)| {
            it.0.id == start.user
                && !it.0.locked
                && start.password.as_ref().is_none_or(|hash| *hash == it.1)
        };
        if !state.users.iter().any(is_admitted) {
            return Ok(Started::Locked);
        }
        let renewed = start.presented.iter().find_map(|token| {
            let session = state.session_of(*token, start.auth_time)?;
            (session.user.id == start.user).then_some((session.id, *token))
        });
        let (id, replaced) = renewed.map_or((start.id, None), |(id, token)| (id, Some(token)));
        let session = StoredSession {
            id,
            token: start.token,
            user_id: start.user,
            auth_time: start.auth_time,
            expires_at: start.expires_at,
        };
        state.sessions.insert(id, session);
        let of_user = state
            .sessions
            .values()
            .filter(|it| it.user_id == start.user);
        let mut latest: Vec<_> = of_user.map(|it| (Reverse(it.auth_time), it.id)).collect();
        latest.sort_unstable();
        let beyond: Vec<_> = latest
            .iter()
            .skip(Session::MOST as usize)
            .map(|it| it.1)
            .collect();
        state.end_sessions(|id, _| beyond.contains(&id));
        Ok(Started::Session { id, replaced })
    }

    async fn live_sessions(
        &self,
        tokens: &[Digest],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Digest, Session)>, StoreError> {
        let state = self.state();
        let live = |token: &Digest| Some((*token, state.session_of(*token, now)?));
        Ok(tokens.iter().filter_map(live).collect())
    }

    async fn sessions_of(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        let state = self.state();
        let of_user = state.sessions.values().filter(|it| it.user_id == user);
        let mut live: Vec<Session> = of_user.filter_map(|it| state.session(it.id, now)).collect();
        live.sort_by_key(|it| (Reverse(it.auth_time), it.id));
        Ok(live)
    }

    async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.state().end_sessions(|it, _| it == id);
        Ok(())
    }

    async fn end_sessions_of(&self, user: UserId) -> Result<(), StoreError> {
        self.state().end_sessions(|_, it| it.user_id == user);
        Ok(())
    }
}

#[async_trait]
impl Interactions for MemoryStore {
    async fn open_interaction(&self, interaction: &Interaction) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.client(interaction.client_id).is_some() {
            state
                .interactions
                .insert(interaction.id, interaction.clone());
        }
        Ok(())
    }

    async fn interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Interaction>, StoreError> {
        let state = self.state();
        let found = state.interactions.get(&id);
        Ok(found.filter(|it| now < it.expires_at).cloned())
    }

    async fn choose_account(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let waiting = state.waiting(id, now);
        Ok(waiting.map(|it| it.account = Some(account)).is_some())
    }

    async fn close_interaction(
        &self,
        id: InteractionId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let waiting = state.waiting(id, now);
        let denied = waiting.map(|it| (it.answered, it.denied) = (true, true));
        Ok(denied.is_some())
    }
}

#[async_trait]
impl Grants for MemoryStore {
    async fn connection(
        &self,
        user: UserId,
        client: ClientId,
    ) -> Result<Option<Connection>, StoreError> {
        Ok(self.state().connection(user, client))
    }

    async fn live_grants(
        &self,
        tokens: &[Digest],
        client: ClientId,
        now: DateTime<Utc>,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        let state = self.state();
        let live = |token: &Digest| state.live_grant(*token, client, now);
        Ok(tokens.iter().filter_map(live).collect())
    }

    async fn issue_anticipated(
        &self,
        token: Digest,
        anticipated: &Anticipated,
        now: DateTime<Utc>,
    ) -> Result<Anticipation, StoreError> {
        let mut state = self.state();
        let Some(live) = state.live_grant(token, anticipated.client_id, now) else {
            return Ok(Anticipation::NoSession);
        };
        let new = anticipated.of_user(live.session.user.id);
        let moment = state.moment(&new, live.session.id, None, now);
        let Ok(authorization) = new.issued(&anticipated.access, &moment) else {
            return Ok(Anticipation::NotIssued(live));
        };
        state.issue(authorization);
        Ok(Anticipation::Issued(live))
    }

    async fn known_as(
        &self,
        alias_id: AliasId,
        client: ClientId,
    ) -> Result<Option<UserId>, StoreError> {
        let state = self.state();
        let mut bonds = state.connections.iter();
        let known = bonds.find(|(key, it)| key.1 == client && it.alias_id == alias_id);
        Ok(known.map(|(key, _)| key.0))
    }

    async fn connections(&self, user: UserId) -> Result<Vec<(Client, Connection)>, StoreError> {
        let state = self.state();
        let of_user = state.connections.keys().filter(|key| key.0 == user);
        let mut connections: Vec<(Client, Connection)> = of_user
            .filter_map(|(user, client)| {
                let connection = state.connection(*user, *client)?;
                Some((state.client(*client)?.clone(), connection))
            })
            .collect();
        connections.sort_by_key(|it| std::cmp::Reverse(it.1.granted_at));
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
        let mut state = self.state();
        let moment = state.moment(new, session, interaction, now);
        let authorization = match new.issued(access, &moment) {
            Ok(authorization) => authorization,
            Err(refused) => return Ok(refused),
        };
        state.issue(authorization);
        if let Some(waiting) = interaction.and_then(|id| state.waiting(id, now)) {
            waiting.answered = true;
        }
        Ok(Recorded::Issued)
    }

    async fn record_decision(
        &self,
        decision: &Decision,
        now: DateTime<Utc>,
    ) -> Result<Recorded, StoreError> {
        let mut state = self.state();
        let new = &decision.new;
        let moment = state.moment(new, decision.session, Some(decision.interaction), now);
        let approval = match decision.judged(&moment, now) {
            Ok(approval) => approval,
            Err(refused) => return Ok(refused),
        };
        let stored = state
            .connections
            .entry((new.user_id, new.client_id))
            .or_insert_with(|| StoredConnection {
                user_id: new.user_id,
                client_id: new.client_id,
                alias_id: decision.alias_id,
                access: None,
                granted_at: now,
                since: now,
                changed_at: now,
            });
        let connection = approval.connection;
        stored.access = Some(connection.access);
        stored.granted_at = connection.granted_at;
        stored.since = connection.since;
        stored.changed_at = connection.changed_at;
        state.issue(approval.authorization);
        if let Some(waiting) = state.waiting(decision.interaction, now) {
            waiting.answered = true;
        }
        Ok(Recorded::Issued)
    }

    async fn revoke(
        &self,
        user: UserId,
        client: ClientId,
        revocation: &Revocation,
        now: DateTime<Utc>,
    ) -> Result<Result<(), RevocationError>, StoreError> {
        let mut state = self.state();
        let (Some(connection), Some(declared)) =
            (state.connection(user, client), state.client(client))
        else {
            return Ok(Err(RevocationError::NotGranted));
        };
        let left = match revoked(&connection.access, declared, revocation) {
            Ok(left) => left,
            Err(error) => return Ok(Err(error)),
        };
        if left.is_none() {
            state.end_authorizations(|it| it.user_id == user && it.client_id == client);
        }
        if let Some(stored) = state.connections.get_mut(&(user, client)) {
            stored.access = left;
            stored.changed_at = now;
        }
        Ok(Ok(()))
    }
}

#[async_trait]
impl Authorizations for MemoryStore {
    async fn standing(&self, id: AuthorizationId) -> Result<Option<Standing>, StoreError> {
        Ok(self.state().standing(id))
    }

    async fn redeem(
        &self,
        redemption: &Redemption,
        lifetimes: &Lifetimes,
        now: DateTime<Utc>,
    ) -> Result<Option<(Standing, Redeem)>, StoreError> {
        let mut state = self.state();
        let Some(standing) = state.standing(redemption.authorization) else {
            return Ok(None);
        };
        let verdict = redeem(&standing, redemption, lifetimes, now);
        match &verdict {
            Redeem::Granted { next, .. } => {
                state.authorizations.insert(next.id, (**next).clone());
            }
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
        let mut state = self.state();
        let Some(standing) = state.standing(rotation.authorization) else {
            return Ok(None);
        };
        let verdict = rotate(&standing, rotation, lifetimes, now);
        match &verdict {
            Rotate::Granted { next, .. } => {
                state.authorizations.insert(next.id, (**next).clone());
            }
            Rotate::Replayed => _ = state.authorizations.remove(&rotation.authorization),
            Rotate::Refused | Rotate::ScopeRefused => {}
        }
        Ok(Some((standing, verdict)))
    }

    async fn end_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.state().authorizations.remove(&id);
        Ok(())
    }

    async fn void_user_tokens(
        &self,
        id: AuthorizationId,
        through: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if let Some(stored) = self.state().authorizations.get_mut(&id) {
            stored.user_tokens_void_through = stored.user_tokens_void_through.max(Some(through));
        }
        Ok(())
    }
}

#[async_trait]
impl Keys for MemoryStore {
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        Ok(self.state().keys.clone())
    }

    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
        let mut state = self.state();
        let first = state.newest_key(&key.algorithm).is_none();
        if first {
            state.add_key(key);
        }
        Ok(first)
    }

    async fn add_key(&self, key: &StoredKey, after: &str) -> Result<bool, StoreError> {
        let mut state = self.state();
        let newest = state.newest_key(&key.algorithm);
        let next = newest.is_some_and(|it| it.kid == after);
        if next {
            state.add_key(key);
        }
        Ok(next)
    }

    async fn replace_key(&self, before: &StoredKey, after: &StoredKey) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.keys.iter_mut().find(|it| *it == before);
        Ok(found.map(|it| it.clone_from(after)).is_some())
    }

    async fn remove_key(&self, kid: &str) -> Result<bool, StoreError> {
        let mut state = self.state();
        let before = state.keys.len();
        state.keys.retain(|it| it.kid != kid);
        Ok(state.keys.len() < before)
    }
}

#[async_trait]
impl Notices for MemoryStore {
    async fn claim_notices(&self, claim: &Claim) -> Result<Vec<LogoutNotice>, StoreError> {
        let state = &mut *self.state();
        let some = usize::try_from(claim.limit).unwrap_or(usize::MAX);
        let mut due: Vec<_> = state
            .notices
            .iter()
            .filter(|(key, it)| {
                let is_due = it
                    .due_at
                    .is_none_or(|at| at <= claim.now || at > claim.latest_due());
                is_due && !claim.except.contains(&key.1)
            })
            .map(|(key, it)| (it.due_at, *key))
            .collect();
        due.sort_unstable();
        let mut claimed = Vec::new();
        for (_, key) in due.into_iter().take(some) {
            let client = state.client(key.1).cloned();
            if let (Some(client), Some(stored)) = (client, state.notices.get_mut(&key)) {
                stored.attempts += 1;
                stored.due_at = Some(claim.until);
                claimed.push(LogoutNotice {
                    client,
                    session: key.0,
                    alias_id: stored.alias_id,
                    attempt: stored.attempts,
                });
            }
        }
        Ok(claimed)
    }

    async fn postpone_notice(
        &self,
        notice: &LogoutNotice,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if let Some(stored) = self.state().claimed(notice) {
            stored.due_at = Some(until);
        }
        Ok(())
    }

    async fn close_notice(&self, notice: &LogoutNotice) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.claimed(notice).is_some() {
            state.notices.remove(&(notice.session, notice.client.id));
        }
        Ok(())
    }
}
