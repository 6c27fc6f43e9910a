use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    Capsule, Digest, IdTokenClaims, Lifetimes, LogoutTokenClaims, Secret, SigningAlgorithm,
    flows::{Ports, Provider},
    opaque_string,
    ports::{
        Chance, Failure, IdTokens, Limits, PasswordHash, PasswordVerdict, Passwords, Sealer, Store,
    },
};

/// A provider on a store, mostly the one in memory, and fakes: a whole grant without a runtime.
///
/// ```
/// use alias_domain::testing::{MemoryStore, provider};
/// let provider = provider(MemoryStore::default());
/// assert_eq!(provider.issuer(), "https://projectalias.com");
/// ```
#[must_use]
pub fn provider(store: impl Store + 'static) -> Provider {
    let store: Arc<dyn Store> = Arc::new(store);
    Provider::new(
        "https://projectalias.com".to_owned(),
        Lifetimes::default(),
        Ports {
            store,
            sealer: Arc::new(TestSealer::default()),
            id_tokens: Arc::new(TestIdTokens),
            passwords: Arc::new(TestPasswords),
            chance: Arc::new(TestChance::default()),
            limits: Arc::new(Unlimited),
        },
    )
}

/// Hands out numbers for tokens and remembers what each stands for. Nothing is encrypted.
///
/// ```
/// use alias_domain::{ports::Sealer, testing::TestSealer};
/// assert_eq!(TestSealer::default().open("a guess"), None);
/// ```
#[derive(Default)]
pub struct TestSealer(Mutex<Vec<Capsule>>);

impl Sealer for TestSealer {
    fn seal(&self, capsule: &Capsule) -> Result<Secret, Failure> {
        let mut sealed = self
            .0
            .lock()
            .map_err(|_| Failure::Crypto("poisoned".to_owned()))?;
        sealed.push(capsule.clone());
        Ok(Secret::new(format!("{:0>40}", sealed.len())))
    }

    fn open(&self, sealed: &str) -> Option<Capsule> {
        let number: usize = sealed.parse().ok().filter(|_| sealed.len() == 40)?;
        self.0.lock().ok()?.get(number.checked_sub(1)?).cloned()
    }
}

/// Puts a digest of the algorithm and the claims where a signature would be.
///
/// ```
/// use alias_domain::{ports::IdTokens, testing::TestIdTokens};
/// assert_eq!(TestIdTokens.verified("a guess"), None);
/// ```
pub struct TestIdTokens;

impl TestIdTokens {
    fn token(algorithm: &str, claims: &[u8]) -> String {
        let signed = format!("{algorithm}.{}", URL_SAFE_NO_PAD.encode(claims));
        let digest = URL_SAFE_NO_PAD.encode(Digest::of(signed.as_bytes()).bytes());
        format!("{signed}.{digest}")
    }
}

#[async_trait]
impl IdTokens for TestIdTokens {
    async fn sign(
        &self,
        algorithm: SigningAlgorithm,
        claims: &IdTokenClaims,
    ) -> Result<Secret, Failure> {
        let claims = serde_json::to_vec(claims).map_err(|it| Failure::Crypto(it.to_string()))?;
        Ok(Secret::new(Self::token(algorithm.name(), &claims)))
    }

    async fn sign_logout(
        &self,
        algorithm: SigningAlgorithm,
        claims: &LogoutTokenClaims,
    ) -> Result<Secret, Failure> {
        let claims = serde_json::to_vec(claims).map_err(|it| Failure::Crypto(it.to_string()))?;
        let algorithm = format!("logout+{algorithm}");
        Ok(Secret::new(Self::token(&algorithm, &claims)))
    }

    fn verified(&self, token: &str) -> Option<Vec<u8>> {
        let mut parts = token.split('.');
        let (algorithm, claims) = (parts.next()?, parts.next()?);
        algorithm.parse::<SigningAlgorithm>().ok()?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        (token == Self::token(algorithm, &claims)).then_some(claims)
    }
}

/// A fast digest where a password hash would be. Never for real passwords.
///
/// ```
/// let passwords = alias_domain::testing::TestPasswords;
/// ```
pub struct TestPasswords;

#[async_trait]
impl Passwords for TestPasswords {
    async fn hash(&self, password: &Secret) -> Result<PasswordHash, Failure> {
        Ok(PasswordHash::new(
            URL_SAFE_NO_PAD.encode(opaque_string(password).digest().bytes()),
        ))
    }

    async fn verify(
        &self,
        password: &Secret,
        stored: Option<PasswordHash>,
    ) -> Result<PasswordVerdict, Failure> {
        Ok(if stored == Some(self.hash(password).await?) {
            PasswordVerdict::Right { rehash: None }
        } else {
            PasswordVerdict::Wrong
        })
    }
}

/// Counts instead of drawing lots.
///
/// ```
/// use alias_domain::{ports::Chance, testing::TestChance};
/// let chance = TestChance::default();
/// assert_ne!(chance.secret(), chance.secret());
/// ```
#[derive(Default)]
pub struct TestChance(AtomicU64);

impl Chance for TestChance {
    fn id(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }

    fn secret(&self) -> [u8; 32] {
        Digest::of(self.id().as_bytes()).bytes()
    }
}

/// Admits everybody.
///
/// ```
/// use alias_domain::{ports::Limits, testing::Unlimited};
/// assert!(Unlimited.admit_request(None).is_ok());
/// ```
pub struct Unlimited;

impl Limits for Unlimited {
    fn admit_request(&self, _source: Option<IpAddr>) -> Result<(), TimeDelta> {
        Ok(())
    }
}
