use std::{future::poll_fn, pin::pin, task::Poll};

use chrono::{DateTime, Utc};

use super::{Outcome, Present, Provider};
use crate::{
    ChosenAccount, Digest, Email, InteractionId, Secret, SessionId, User, UserId,
    ports::{Failure, PasswordHash, PasswordVerdict, SessionStart, Started},
};

/// What became of a sign-in.
///
/// ```
/// use alias_domain::flows::{SignIn, SignInFault};
/// let refused = SignIn::Refused(SignInFault::UnknownAddress);
/// ```
#[derive(Clone, Debug)]
pub enum SignIn {
    /// The user is signed in.
    Done(SignedIn),
    /// An unknown address, a wrong password or a locked user: nobody is told which (R30), but the
    /// operator's log.
    Refused(SignInFault),
    /// Whoever asked went away while the password waited to be hashed: it was not.
    Abandoned,
}

/// Why nobody was signed in, for the operator's log alone.
///
/// ```
/// use alias_domain::flows::SignInFault;
/// assert_eq!(SignInFault::UnknownAddress.name(), "nobody has this address");
/// assert_eq!(SignInFault::UnknownAddress.user(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInFault {
    /// Nobody has this address.
    UnknownAddress,
    /// The password is not this user's.
    WrongPassword(UserId),
    /// The password is right, and the user is locked.
    Locked(UserId),
}

impl SignInFault {
    /// What it is called; see the type for an example.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownAddress => "nobody has this address",
            Self::WrongPassword(_) => "the password is wrong",
            Self::Locked(_) => "the user is locked",
        }
    }

    /// Whose address it is; see the type for an example.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::UnknownAddress => None,
            Self::WrongPassword(user) | Self::Locked(user) => Some(user),
        }
    }
}

/// A session that began, or was renewed.
///
/// ```
/// # use alias_domain::flows::SignedIn;
/// fn cookie(signed_in: &SignedIn) -> &str {
///     signed_in.token.expose()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// Its new token.
    pub token: Secret,
    /// The presented token that it replaces.
    pub replaced: Option<Digest>,
    /// How long it lives, in seconds.
    pub expires_in: i64,
}

/// What a future comes to, unless this one ends before it.
async fn unless<T>(gone: impl Future<Output = ()>, wanted: impl Future<Output = T>) -> Option<T> {
    let (mut gone, mut wanted) = (pin!(gone), pin!(wanted));
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(it) => Poll::Ready(Some(it)),
        Poll::Pending => gone.as_mut().poll(context).map(|()| None),
    })
    .await
}

impl Provider {
    /// Signs a user in with a password. `presented` are the session tokens of the browser; `gone` ends
    /// when whoever asks has hung up, for a hash that waits for a core is then left out.
    ///
    /// # Errors
    /// If the store or the cryptography fails.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// let provider = provider(MemoryStore::default());
    /// let password = Secret::new("guess".to_owned());
    /// let gone = std::future::pending();
    /// let outcome = provider.sign_in("nobody@example.com", &password, &[], gone, sample::NOON).await?;
    /// assert!(matches!(outcome, SignIn::Refused(SignInFault::UnknownAddress)));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn sign_in(
        &self,
        email: &str,
        password: &Secret,
        presented: &[Digest],
        gone: impl Future<Output = ()>,
        now: DateTime<Utc>,
    ) -> Result<SignIn, Failure> {
        let mut gone = pin!(gone);
        loop {
            let checked = self.checked_password(email, password, gone.as_mut());
            let (user, hash) = match checked.await? {
                Some(Ok(known)) => known,
                Some(Err(fault)) => return Ok(SignIn::Refused(fault)),
                None => return Ok(SignIn::Abandoned),
            };
            let token = Secret::from_bits(self.ports.chance.secret());
            let start = SessionStart {
                id: SessionId::from_uuid(self.ports.chance.id()),
                user: user.id,
                token: token.digest(),
                password: Some(hash.clone()),
                presented: presented.to_vec(),
                auth_time: now,
                expires_at: now + self.lifetimes.session,
            };
            match self.store().start_session(&start).await? {
                Started::Session { id, replaced } => {
                    return Ok(SignIn::Done(SignedIn {
                        session: id,
                        token,
                        replaced,
                        expires_in: self.lifetimes.session.num_seconds(),
                    }));
                }
                // Another sign-in may have replaced the hash by one of the same password meanwhile:
                // what counts is whether the password is right by the one that is stored now.
                Started::Locked if self.has_another_hash(&user, &hash).await? => {}
                Started::Locked => return Ok(SignIn::Refused(SignInFault::Locked(user.id))),
            }
        }
    }

    /// Whether another hash is stored than this one, by which the password was right.
    async fn has_another_hash(&self, user: &User, hash: &PasswordHash) -> Result<bool, Failure> {
        let stored = self.store().user_by_email(&user.email).await?;
        Ok(stored.is_some_and(|(it, stored)| it.id == user.id && stored != *hash))
    }

    /// The user of this address, if the password is theirs, and its hash. Whatever the answer, a
    /// password is hashed for it; there is none if whoever asks went away before.
    async fn checked_password(
        &self,
        email: &str,
        password: &Secret,
        gone: impl Future<Output = ()>,
    ) -> Result<Option<Result<(User, PasswordHash), SignInFault>>, Failure> {
        let known = match email.parse::<Email>() {
            Ok(email) => super::user_of(self.store(), &email).await?,
            Err(_) => None,
        };
        let (user, stored) = known.unzip();
        let verified = self.ports.passwords.verify(password, stored.clone());
        let Some(verdict) = unless(gone, verified).await else {
            return Ok(None);
        };
        Ok(Some(match (user.zip(stored), verdict?) {
            (Some((user, before)), PasswordVerdict::Right { rehash: Some(next) }) => {
                self.store()
                    .rehash_password(user.id, &before, &next)
                    .await?;
                Ok((user, next))
            }
            (Some(known), PasswordVerdict::Right { rehash: None }) => Ok(known),
            (Some((user, _)), PasswordVerdict::Wrong) => Err(SignInFault::WrongPassword(user.id)),
            (None, _) => Err(SignInFault::UnknownAddress),
        }))
    }

    /// Lets an interaction go on with an account (R15): one that is signed in at this browser, or
    /// one that has just authenticated for it. `None` if it may go on.
    ///
    /// # Errors
    /// If the store does not answer.
    ///
    /// ```
    /// # use alias_domain::{*, flows::*, testing::{MemoryStore, provider, sample}};
    /// # pollster::block_on(async {
    /// # let provider = provider(MemoryStore::default());
    /// # let visitor = Visitor { bearer: None, cookies: vec![], browsers: vec![Digest::of(b"browser")], source: None };
    /// # let present = provider.present(&visitor, sample::NOON).await?;
    /// let account = ChosenAccount { session: sample::session().id, authenticated: false };
    /// let id = sample::interaction().id;
    /// let outcome = provider.go_on_with(id, account, &present, sample::NOON).await?;
    /// assert!(matches!(outcome, Some(Outcome::UnknownInteraction(_))));
    /// # Ok::<(), ports::Failure>(())
    /// # });
    /// ```
    pub async fn go_on_with(
        &self,
        id: InteractionId,
        account: ChosenAccount,
        present: &Present,
        now: DateTime<Utc>,
    ) -> Result<Option<Outcome>, Failure> {
        let interaction = match self.open(id, present, now).await? {
            Ok(interaction) => interaction,
            Err(outcome) => return Ok(Some(outcome)),
        };
        match self.store().choose_account(id, account, now).await? {
            true => Ok(None),
            false => self.answered_already(&interaction).await.map(Some),
        }
    }
}
