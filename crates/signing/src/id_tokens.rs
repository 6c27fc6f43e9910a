use std::{fmt, sync::Arc};

use alias_domain::{
    IdTokenClaims, Secret,
    ports::{Failure, IdTokens, Keys, StoreError, StoredKey},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    cores::Cores,
    crypto,
    key::Key,
    master::{MasterKey, Purpose},
    signing_key::{Algorithm, SigningKey},
};

/// Signs ID tokens with the latest key of the store, and publishes all of them (R18).
///
/// ```
/// # use std::sync::Arc;
/// # use alias_domain::{ports::Keys, testing::sample::NOON};
/// # use alias_signing::{IdTokenSigner, MasterKey, SigningError};
/// async fn first_start(store: Arc<dyn Keys>) -> Result<IdTokenSigner, SigningError> {
///     IdTokenSigner::load_or_create(store, &MasterKey::generate(), NOON).await
/// }
/// ```
#[derive(Clone)]
pub struct IdTokenSigner {
    signing: Arc<SigningKey>,
    key_set: Value,
    cores: Cores,
}

/// The signing keys cannot be used, so the service cannot start.
///
/// ```
/// use alias_signing::SigningError;
/// let error = SigningError::WrongMaster { kid: "RIpbfh4fpqMpHn2C7WxrKQ".to_owned() };
/// assert_eq!(
///     error.to_string(),
///     "keys.master does not open the stored signing key RIpbfh4fpqMpHn2C7WxrKQ",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The stored key was sealed under another master key, or was altered.
    #[error("keys.master does not open the stored signing key {kid}")]
    WrongMaster {
        /// The key's ID.
        kid: String,
    },
    /// The store took a first key, or said it had one, and then had none.
    #[error("the store keeps no signing key")]
    NoKey,
    /// The store does not answer, or the cryptography fails.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<StoreError> for SigningError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl IdTokenSigner {
    /// Opens the stored keys. Where there is none yet it makes the first, created `now`; of any
    /// number of nodes that do so at once, all end with the same key.
    ///
    /// # Errors
    /// [`SigningError::WrongMaster`] if `master` is not what the keys were sealed under.
    ///
    /// See the type for an example.
    pub async fn load_or_create(
        store: Arc<dyn Keys>,
        master: &MasterKey,
        now: DateTime<Utc>,
    ) -> Result<Self, SigningError> {
        let cores = Cores::all();
        let sealing_key = master.sub_key(&Purpose::SigningKeys).map_err(crypto)?;
        let mut keys = opened(&store.keys().await?, &sealing_key)?;
        if keys.is_empty() {
            let for_it = sealing_key.clone();
            let make = move || SigningKey::make(Algorithm::Rs256, &for_it, now);
            let first = cores.run(make).await??;
            if store.add_first_key(&first).await? {
                tracing::info!(kid = first.kid, "made the first ID token signing key");
            }
            // A rival's key may be there instead of ours.
            keys = opened(&store.keys().await?, &sealing_key)?;
        }
        let published: Vec<_> = keys.iter().map(SigningKey::public).collect();
        Ok(Self {
            key_set: json!({ "keys": published }),
            signing: keys.pop().map(Arc::new).ok_or(SigningError::NoKey)?,
            cores,
        })
    }

    /// The key set (RFC 7517 5): public keys alone.
    ///
    /// ```
    /// # use alias_signing::IdTokenSigner;
    /// fn published(signer: &IdTokenSigner) -> String {
    ///     signer.key_set().to_string()
    /// }
    /// ```
    #[must_use]
    pub fn key_set(&self) -> Value {
        self.key_set.clone()
    }
}

/// A key with an algorithm that this version does not know is a newer node's: it is left alone.
fn opened(stored: &[StoredKey], sealing_key: &Key) -> Result<Vec<SigningKey>, SigningError> {
    let mut keys = Vec::with_capacity(stored.len());
    for key in stored {
        let Ok(algorithm) = key.algorithm.parse() else {
            tracing::warn!(
                kid = key.kid,
                algorithm = key.algorithm,
                "unknown signing key"
            );
            continue;
        };
        let opened = SigningKey::open(algorithm, key, sealing_key)?;
        keys.push(opened.ok_or_else(|| SigningError::WrongMaster {
            kid: key.kid.clone(),
        })?);
    }
    Ok(keys)
}

#[async_trait]
impl IdTokens for IdTokenSigner {
    async fn sign(&self, claims: &IdTokenClaims) -> Result<Secret, Failure> {
        let claims = serde_json::to_vec(claims).map_err(crypto)?;
        let key = Arc::clone(&self.signing);
        self.cores.run(move || key.sign(&claims)).await?
    }
}

impl fmt::Debug for IdTokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenSigner")
            .field("kid", &self.signing.kid())
            .finish_non_exhaustive()
    }
}
