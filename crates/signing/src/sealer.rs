use std::{fmt, sync::Arc};

use alias_domain::{
    Capsule, Secret,
    ports::{Failure, Sealer},
};
use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    Keyring,
    error::crypto,
    jwe::{self, Header},
    ring::Ring,
};

/// Seals tokens (R17) with the keys of a [`Keyring`]: standard JWEs, opaque to whoever lacks them.
/// The name of the key that sealed stands at the head of a token's `kid`.
///
/// Each authorization has a key of its own, and so has each kind of token: no number of sign-ins
/// brings a key near the 2^32 nonces it may use, and no code opens as a refresh token.
///
/// ```
/// use alias_domain::{Capsule, ports::{Failure, Sealer}, testing::sample};
/// use alias_signing::{Keyring, TokenSealer};
/// fn seal_and_open(keyring: &Keyring) -> Result<(), Failure> {
///     let sealer = TokenSealer::new(keyring);
///     let code = Capsule::Code { authorization: sample::standing().authorization.id };
///     let sealed = sealer.seal(&code)?;
///     assert_eq!(sealer.open(sealed.expose()), Some(code));
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct TokenSealer(Arc<ArcSwap<Ring>>);

impl TokenSealer {
    /// See the type for an example.
    #[must_use]
    pub fn new(keyring: &Keyring) -> Self {
        Self(keyring.ring())
    }
}

impl Sealer for TokenSealer {
    fn seal(&self, capsule: &Capsule) -> Result<Secret, Failure> {
        let content = serde_json::to_vec(capsule).map_err(crypto)?;
        let ring = self.0.load();
        let header = header(capsule, &ring.sealer.name);
        jwe::seal(&ring.sealer.key, &header, &content).map(Secret::new)
    }

    fn open(&self, sealed: &str) -> Option<Capsule> {
        let claimed = Header::of(sealed)?;
        let (key_name, _) = claimed.kid().split_once('.')?;
        let ring = self.0.load();
        let content = jwe::open(ring.opener(key_name)?, &claimed, sealed)?;
        let capsule = serde_json::from_slice(&content).ok()?;
        (header(&capsule, key_name) == claimed).then_some(capsule)
    }
}

/// The kind of token, and what its key is derived for.
fn header(capsule: &Capsule, key_name: &str) -> Header {
    let (kind, subject) = match capsule {
        Capsule::Code { authorization } => ("code", authorization.uuid().into_bytes()),
        Capsule::User(token) => ("user", token.authorization.uuid().into_bytes()),
        Capsule::Refresh(token) => ("refresh", token.authorization.uuid().into_bytes()),
        Capsule::Form(form) => ("form", left_half(form.binding.bytes())),
        Capsule::Note { id, .. } => ("note", left_half(id.bytes())),
    };
    let subject = URL_SAFE_NO_PAD.encode(subject);
    Header::new(kind, format!("{key_name}.{subject}"))
}

/// Enough to tell browsers apart. A form's token need not tell the whole digest.
fn left_half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

impl fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSealer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use alias_domain::testing::sample;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{key::Key, sealing_key::SealingKey};

    /// A code, sealed as whoever had the key could do it.
    fn code_with_header(kind: &str, kid: &str) -> Result<Option<Capsule>, Failure> {
        let key = Arc::new(SealingKey {
            name: "1".to_owned(),
            key: Key::new(Zeroizing::new([7; 32])),
        });
        let ring = Ring {
            signers: HashMap::new(),
            verifiers: Vec::new(),
            sealer: Arc::clone(&key),
            openers: vec![Arc::clone(&key)],
            key_set: serde_json::Value::Null,
            held: Vec::new(),
            early: Vec::new(),
        };
        let code = Capsule::Code {
            authorization: sample::redemption().authorization,
        };
        let content = serde_json::to_vec(&code).map_err(crypto)?;
        let sealed = jwe::seal(&key.key, &Header::new(kind, kid.to_owned()), &content)?;
        Ok(TokenSealer(Arc::new(ArcSwap::from_pointee(ring))).open(&sealed))
    }

    #[test]
    fn r17_a_code_opens_with_its_own_header_alone() -> Result<(), Failure> {
        assert!(code_with_header("code", "1.AAAAAAAAACgAAAAAAAAAAA")?.is_some());
        for (kind, kid) in [
            ("refresh", "1.AAAAAAAAACgAAAAAAAAAAA"),
            ("code", "1.AAAAAAAAACkAAAAAAAAAAA"),
            ("code", "2.AAAAAAAAACgAAAAAAAAAAA"),
            ("code", "1"),
        ] {
            assert_eq!(code_with_header(kind, kid)?, None, "{kind} {kid}");
        }
        Ok(())
    }
}
