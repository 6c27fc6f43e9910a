use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::Provider;
use crate::{
    ClientId, Connection, Digest, Email, Session, SessionId, UserId,
    ports::{Anticipated, Anticipation, LiveGrant, StoreError},
};

/// What a request shows of who sends it: digests of what it holds.
///
/// ```
/// use alias_domain::{Digest, flows::Visitor};
/// let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
/// ```
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Of a session token in the `Authorization` header.
    pub bearer: Option<Digest>,
    /// Of the session tokens in the cookie, latest last.
    pub cookies: Vec<Digest>,
    /// Of the cookies that know the browser, and no user: at least one, which may only now be set. Tabs
    /// that a new browser opens at once are each given one, and the browser keeps all of them.
    pub browsers: Vec<Digest>,
    /// The address that the request comes from, where it is known.
    pub source: Option<IpAddr>,
}

/// Who is there.
///
/// ```
/// # use alias_domain::{Digest, flows::Visitor, testing::{MemoryStore, provider, sample}};
/// # pollster::block_on(async {
/// let nobody = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
/// let present = provider(MemoryStore::default()).present(&nobody, sample::NOON).await?;
/// assert!(present.latest().is_none());
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Present {
    bearer: Option<Session>,
    cookies: Vec<(Digest, Session)>,
    bindings: Vec<Digest>,
    source: Option<IpAddr>,
    /// What users grant to a client, where that was looked up with them.
    granted: Vec<((UserId, ClientId), Option<Connection>)>,
}

impl Visitor {
    /// The digests of all session tokens, that of the header first.
    fn tokens(&self) -> Vec<Digest> {
        let bearer = self.bearer.into_iter();
        bearer.chain(self.cookies.iter().copied()).collect()
    }
}

impl Provider {
    /// Finds the live sessions of a visitor. A live session token outranks the cookie; a dead one
    /// counts as none.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{Digest, flows::Visitor, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let dead = Digest::of(b"a token that ended");
    /// let visitor = Visitor { bearer: Some(dead), cookies: vec![], browsers: vec![Digest::of(b"b")], source: None };
    /// let present = provider(MemoryStore::default()).present(&visitor, sample::NOON).await?;
    /// assert!(present.latest().is_none() && present.is_bound_to(visitor.browsers[0]));
    /// # Ok::<(), alias_domain::ports::StoreError>(())
    /// # });
    /// ```
    pub async fn present(
        &self,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<Present, StoreError> {
        let tokens = visitor.tokens();
        let live = match tokens.is_empty() {
            true => Vec::new(),
            false => self.store().live_sessions(&tokens, now).await?,
        };
        Ok(Present::of(visitor, live, now))
    }

    /// The session by which the user of this one is here: this one itself, or another of theirs. Tabs in
    /// which they sign in at once each begin a session, and the cookie keeps the last: what the other tabs
    /// did is the same user's at the same browser, as long as the session that they did it in lives (R15).
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// # let provider = provider(MemoryStore::default());
    /// # let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// let present = provider.present(&visitor, sample::NOON).await?;
    /// let here = provider.session_here(sample::session().id, &present, sample::NOON).await?;
    /// assert!(here.is_none());
    /// # Ok::<(), ports::StoreError>(())
    /// # });
    /// ```
    pub async fn session_here<'a>(
        &self,
        id: SessionId,
        present: &'a Present,
        now: DateTime<Utc>,
    ) -> Result<Option<&'a Session>, StoreError> {
        if let Some(session) = present.session(id) {
            return Ok(Some(session));
        }
        for session in present.sessions() {
            let theirs = self.store().sessions_of(session.user.id, now).await?;
            if theirs.iter().any(|it| it.id == id) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// The live sessions of a visitor, with what each of them grants to a client that asks, which is
    /// looked up in the same step. What is anticipated is issued in it to an only session: `true` if it was.
    pub(super) async fn present_to(
        &self,
        visitor: &Visitor,
        client: ClientId,
        anticipated: Option<&Anticipated>,
        now: DateTime<Utc>,
    ) -> Result<(Present, bool), StoreError> {
        let tokens = visitor.tokens();
        let (live, issued) = match (tokens.as_slice(), anticipated) {
            ([], _) => (Vec::new(), false),
            ([token], Some(it)) => {
                let found = self.store().issue_anticipated(*token, it, now).await?;
                let issued = matches!(found, Anticipation::Issued(_));
                (found.live().into_iter().collect(), issued)
            }
            (tokens, _) => (self.store().live_grants(tokens, client, now).await?, false),
        };
        let (mut sessions, mut granted) = (Vec::new(), Vec::new());
        for LiveGrant {
            token,
            session,
            connection,
        } in live
        {
            granted.push(((session.user.id, client), connection));
            sessions.push((token, session));
        }
        let present = Present {
            granted,
            ..Present::of(visitor, sessions, now)
        };
        Ok((present, issued))
    }
}

impl Present {
    fn of(visitor: &Visitor, mut live: Vec<(Digest, Session)>, now: DateTime<Utc>) -> Self {
        live.retain(|(_, session)| !session.is_misdated(now));
        let first_is_bearer = live
            .first()
            .is_some_and(|(digest, _)| Some(*digest) == visitor.bearer);
        let bearer = first_is_bearer.then(|| live.remove(0).1);
        Self {
            bindings: match (&bearer, visitor.bearer) {
                (Some(_), Some(token)) => vec![token],
                _ => visitor.browsers.clone(),
            },
            source: visitor.source,
            bearer,
            cookies: live,
            granted: Vec::new(),
        }
    }

    /// What a user who is here grants to a client; `None` if that was not looked up.
    pub(super) fn connection(&self, user: UserId, client: ClientId) -> Option<Option<&Connection>> {
        let known = self.granted.iter().find(|(it, _)| *it == (user, client));
        known.map(|(_, connection)| connection.as_ref())
    }

    /// The session that a request without further wishes uses: that of the session token, else
    /// the latest sign-in (R15). See the type for an example.
    #[must_use]
    pub fn latest(&self) -> Option<&Session> {
        self.latest_where(|_| true)
    }

    /// The same, of these users.
    ///
    /// ```
    /// # use alias_domain::{UserId, flows::Present};
    /// fn is_here(present: &Present, user: UserId) -> bool {
    ///     present.latest_of(&[user]).is_some()
    /// }
    /// ```
    #[must_use]
    pub fn latest_of(&self, users: &[UserId]) -> Option<&Session> {
        self.latest_where(|it| users.contains(&it.user.id))
    }

    /// The session of the account that a client guesses, or else the latest (R32). That of a session token
    /// is used whatever the guess.
    ///
    /// ```
    /// # use alias_domain::{Email, flows::Present};
    /// fn is_here(present: &Present, guess: &Email) -> bool {
    ///     present.likely(Some(guess)).is_some_and(|it| it.user.email == *guess)
    /// }
    /// ```
    #[must_use]
    pub fn likely(&self, hint: Option<&Email>) -> Option<&Session> {
        let hinted = hint.and_then(|hint| self.latest_where(|it| it.user.email == *hint));
        self.bearer.as_ref().or(hinted).or(self.latest())
    }

    fn latest_where(&self, wanted: impl Fn(&Session) -> bool) -> Option<&Session> {
        let cookies = self.cookies.iter().map(|it| &it.1);
        let latest = cookies
            .filter(|it| wanted(it))
            .max_by_key(|it| it.auth_time);
        self.bearer.as_ref().filter(|it| wanted(it)).or(latest)
    }

    /// A session by its ID, if it is one of those.
    ///
    /// ```
    /// # use alias_domain::{SessionId, flows::Present};
    /// fn is_there(present: &Present, id: SessionId) -> bool {
    ///     present.session(id).is_some()
    /// }
    /// ```
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions().find(|it| it.id == id)
    }

    /// All of them: the accounts signed in here.
    ///
    /// ```
    /// # use alias_domain::flows::Present;
    /// fn emails(present: &Present) -> Vec<String> {
    ///     present.sessions().map(|it| it.user.email.to_string()).collect()
    /// }
    /// ```
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.bearer
            .iter()
            .chain(self.cookies.iter().map(|it| &it.1))
    }

    /// The digests of the cookie's session tokens that are alive, latest last.
    ///
    /// ```
    /// # use alias_domain::{Digest, flows::Present};
    /// fn keep(present: &Present, token: Digest) -> bool {
    ///     present.live_cookies().any(|it| it == token)
    /// }
    /// ```
    pub fn live_cookies(&self) -> impl Iterator<Item = Digest> {
        self.cookies.iter().map(|it| it.0)
    }

    /// The address that the request comes from, where it is known.
    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// What pages and forms shown to this visitor are bound to from now on.
    pub(super) fn binding(&self) -> Digest {
        self.bindings.first().copied().unwrap_or(Digest::of(b""))
    }

    /// Whether what is bound so was shown to this visitor; see the type for an example.
    #[must_use]
    pub fn is_bound_to(&self, binding: Digest) -> bool {
        self.bindings.contains(&binding)
    }
}
