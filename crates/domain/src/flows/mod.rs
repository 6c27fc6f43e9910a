//! The flows: they run the ports in order and hold no rule. Each takes the present time; none
//! keeps any state between calls.

mod account;
mod again;
mod authorize;
mod clients;
mod consent;
mod exchange;
mod hint;
mod logout;
mod notes;
mod notices;
mod operator;
mod refresh;
mod sign_in;
mod tokens;
mod visitor;

use std::sync::Arc;

use crate::{
    Email, Lifetimes, Secret, User,
    ports::{Chance, IdTokens, Limits, PasswordHash, Passwords, Sealer, Store, StoreError},
};

pub use account::ConnectedClient;
pub use authorize::{Ask, Outcome, Refused, Stage};
pub use consent::{ConsentAnswer, Refusal, Verdict};
pub use exchange::TokenResponse;
pub use logout::{Logout, LogoutAsk, LogoutRefusal, SignedOut};
pub use notices::Told;
pub use operator::{Operator, TakenBack, UserChange};
pub use sign_in::{SignIn, SignInFault, SignedIn};
pub use tokens::{Introspection, UserInfo};
pub use visitor::{Present, Visitor};

/// The user whom somebody means by this address, and the hash of their password. As it is written
/// first: a user of an earlier day may have an address that is registered otherwise today.
///
/// ```
/// # use alias_domain::{flows::user_of, testing::{MemoryStore, sample}};
/// # pollster::block_on(async {
/// let user = user_of(&MemoryStore::default(), &sample::user().email).await?;
/// assert!(user.is_none());
/// # Ok::<(), alias_domain::ports::StoreError>(())
/// # });
/// ```
///
/// # Errors
/// If the store does not answer.
pub async fn user_of(
    store: &dyn Store,
    email: &Email,
) -> Result<Option<(User, PasswordHash)>, StoreError> {
    match (store.user_by_email(email).await?, email.respelled()) {
        (None, Some(respelled)) => store.user_by_email(&respelled).await,
        (found, _) => Ok(found),
    }
}

/// The collaborators of the flows.
///
/// ```
/// # use std::sync::Arc;
/// use alias_domain::{flows::Ports, testing::*};
/// let ports = Ports {
///     store: Arc::new(MemoryStore::default()),
///     sealer: Arc::new(TestSealer::default()),
///     id_tokens: Arc::new(TestIdTokens),
///     passwords: Arc::new(TestPasswords),
///     chance: Arc::new(TestChance::default()),
///     limits: Arc::new(Unlimited),
/// };
/// ```
#[derive(Clone)]
pub struct Ports {
    /// Everything that is kept.
    pub store: Arc<dyn Store>,
    /// Seals tokens.
    pub sealer: Arc<dyn Sealer>,
    /// Signs ID tokens, and knows them again.
    pub id_tokens: Arc<dyn IdTokens>,
    /// Hashes passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Draws lots.
    pub chance: Arc<dyn Chance>,
    /// Bounds what strangers may do.
    pub limits: Arc<dyn Limits>,
}

/// An OpenID provider: one issuer with its collaborators.
///
/// ```
/// use alias_domain::testing::{MemoryStore, provider};
/// assert_eq!(provider(MemoryStore::default()).issuer(), "https://projectalias.com");
/// ```
#[derive(Clone)]
pub struct Provider {
    issuer: String,
    lifetimes: Lifetimes,
    ports: Ports,
}

impl Provider {
    /// A provider that calls itself `issuer`; see `testing::provider` for one with fakes.
    ///
    /// ```
    /// # use alias_domain::{Lifetimes, flows::{Ports, Provider}};
    /// fn make(ports: Ports) -> Provider {
    ///     Provider::new("https://id.example".to_owned(), Lifetimes::default(), ports)
    /// }
    /// ```
    #[must_use]
    pub const fn new(issuer: String, lifetimes: Lifetimes, ports: Ports) -> Self {
        Self {
            issuer,
            lifetimes,
            ports,
        }
    }

    /// The issuer identifier.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// assert!(provider(MemoryStore::default()).issuer().starts_with("https://"));
    /// ```
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The store, for reading what no flow is about, and for administration.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// # pollster::block_on(async {
    /// assert!(provider(MemoryStore::default()).store().ping().await.is_ok());
    /// # });
    /// ```
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.ports.store.as_ref()
    }

    /// A fresh secret of 256 bits, for a cookie that knows a browser.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// let provider = provider(MemoryStore::default());
    /// assert_ne!(provider.fresh_secret().expose(), provider.fresh_secret().expose());
    /// ```
    #[must_use]
    pub fn fresh_secret(&self) -> Secret {
        Secret::from_bits(self.ports.chance.secret())
    }

    /// How long things live here.
    ///
    /// ```
    /// # use alias_domain::testing::{MemoryStore, provider};
    /// assert_eq!(provider(MemoryStore::default()).lifetimes().session.num_days(), 14);
    /// ```
    #[must_use]
    pub const fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }
}
