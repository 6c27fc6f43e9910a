use std::{fmt, sync::Arc};

use alias_domain::{
    IdTokenClaims, LogoutTokenClaims, Secret, SigningAlgorithm,
    ports::{Failure, IdTokens},
};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use serde::Serialize;

use crate::{Keyring, cores::Cores, error::crypto, ring::Ring, signing_key::Token};

/// The longest token that is looked at, in bytes; ours are a fifth of that.
const LONGEST: usize = 8192;

/// Signs ID tokens and logout tokens with the keys of a [`Keyring`] (R18): see there for an example.
#[derive(Clone)]
pub struct IdTokenSigner {
    ring: Arc<ArcSwap<Ring>>,
    cores: Cores,
}

impl IdTokenSigner {
    /// Signs with what the keyring holds at each moment.
    #[must_use]
    pub fn new(keyring: &Keyring) -> Self {
        Self {
            ring: keyring.ring(),
            cores: keyring.cores(),
        }
    }
}

impl IdTokenSigner {
    async fn signed(
        &self,
        algorithm: SigningAlgorithm,
        token: Token,
        claims: &(impl Serialize + Sync),
    ) -> Result<Secret, Failure> {
        let claims = serde_json::to_vec(claims).map_err(crypto)?;
        let key = self.ring.load().signer(algorithm)?;
        self.cores.run(move || key.sign(token, &claims)).await?
    }
}

#[async_trait]
impl IdTokens for IdTokenSigner {
    async fn sign(
        &self,
        algorithm: SigningAlgorithm,
        claims: &IdTokenClaims,
    ) -> Result<Secret, Failure> {
        self.signed(algorithm, Token::Id, claims).await
    }

    async fn sign_logout(
        &self,
        algorithm: SigningAlgorithm,
        claims: &LogoutTokenClaims,
    ) -> Result<Secret, Failure> {
        self.signed(algorithm, Token::Logout, claims).await
    }

    /// A verification takes microseconds, so it runs in place.
    fn verified(&self, token: &str) -> Option<Vec<u8>> {
        if token.len() > LONGEST {
            return None;
        }
        let ring = self.ring.load();
        ring.verifiers.iter().find_map(|it| it.verified(token))
    }
}

impl fmt::Debug for IdTokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokenSigner").finish_non_exhaustive()
    }
}
