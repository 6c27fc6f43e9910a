use std::fmt;

use alias_domain::{
    Capsule, Secret,
    ports::{Failure, Sealer},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    crypto,
    jwe::{self, Header},
    key::Key,
    master::{MasterKey, Purpose},
};

/// The name of the key that seals, at the head of every token's `kid`. When keys are turned over,
/// the next is another name, and tokens of both open for a while.
const KEY_NAME: &str = "1";

/// Seals tokens (R17): standard JWEs, opaque to whoever lacks the master key.
///
/// Each authorization has a key of its own, and so has each kind of token: no number of sign-ins
/// brings a key near the 2^32 nonces it may use, and no code opens as a refresh token.
///
/// ```
/// use alias_domain::{Capsule, ports::Sealer, testing::sample};
/// use alias_signing::{MasterKey, TokenSealer};
/// let sealer = TokenSealer::new(&MasterKey::generate())?;
/// let code = Capsule::Code { authorization: sample::standing().authorization.id };
/// let sealed = sealer.seal(&code)?;
/// assert_eq!(sealer.open(sealed.expose()), Some(code));
/// # Ok::<(), alias_domain::ports::Failure>(())
/// ```
#[derive(Clone)]
pub struct TokenSealer(Key);

impl TokenSealer {
    /// See the type for an example.
    ///
    /// # Errors
    /// If the cryptography fails.
    pub fn new(master: &MasterKey) -> Result<Self, Failure> {
        let key = master.sub_key(&Purpose::Tokens).map_err(crypto)?;
        Ok(Self(key))
    }

    fn key(&self, name: &str) -> Option<&Key> {
        (name == KEY_NAME).then_some(&self.0)
    }
}

impl Sealer for TokenSealer {
    fn seal(&self, capsule: &Capsule) -> Result<Secret, Failure> {
        let content = serde_json::to_vec(capsule).map_err(crypto)?;
        jwe::seal(&self.0, &header(capsule), &content).map(Secret::new)
    }

    fn open(&self, sealed: &str) -> Option<Capsule> {
        let claimed = Header::of(sealed)?;
        let (key_name, _) = claimed.kid().split_once('.')?;
        let content = jwe::open(self.key(key_name)?, &claimed, sealed)?;
        let capsule = serde_json::from_slice(&content).ok()?;
        (header(&capsule) == claimed).then_some(capsule)
    }
}

/// The kind of token, and what its key is derived for.
fn header(capsule: &Capsule) -> Header {
    let (kind, subject) = match capsule {
        Capsule::Code { authorization } => ("code", authorization.uuid().into_bytes()),
        Capsule::User(token) => ("user", token.authorization.uuid().into_bytes()),
        Capsule::Refresh(token) => ("refresh", token.authorization.uuid().into_bytes()),
        Capsule::Form(form) => ("form", left_half(form.binding.bytes())),
    };
    let subject = URL_SAFE_NO_PAD.encode(subject);
    Header::new(kind, format!("{KEY_NAME}.{subject}"))
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
    use alias_domain::testing::sample;

    use super::*;

    /// A code, sealed as whoever had the key could do it.
    fn code_with_header(kind: &str, kid: &str) -> Result<Option<Capsule>, Failure> {
        let sealer = TokenSealer::new(&MasterKey::generate())?;
        let code = Capsule::Code {
            authorization: sample::redemption().authorization,
        };
        let content = serde_json::to_vec(&code).map_err(crypto)?;
        let sealed = jwe::seal(&sealer.0, &Header::new(kind, kid.to_owned()), &content)?;
        Ok(sealer.open(&sealed))
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
