//! Secrets: types that neither print nor compare, and the digests that a store may see.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text: a client secret, a password, a session token, a sealed token. It does not print,
/// does not compare, and is wiped from memory when dropped.
///
/// ```
/// use alias_domain::Secret;
/// let secret = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into keeping.
    ///
    /// ```
    /// let secret = alias_domain::Secret::new("hunter2".to_owned());
    /// ```
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// 256 bits as 43 characters of base64url (R17).
    ///
    /// ```
    /// let secret = alias_domain::Secret::from_bits([7; 32]);
    /// assert_eq!(secret.expose().len(), 43);
    /// ```
    #[must_use]
    pub fn from_bits(bits: [u8; 32]) -> Self {
        Self::new(URL_SAFE_NO_PAD.encode(bits))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    ///
    /// ```
    /// assert_eq!(alias_domain::Secret::new("x".to_owned()).expose(), "x");
    /// ```
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a store may keep of a secret that is random itself.
    ///
    /// ```
    /// use alias_domain::Secret;
    /// let stored = Secret::from_bits([7; 32]).digest();
    /// assert!(stored == Secret::from_bits([7; 32]).digest());
    /// ```
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A SHA-256 digest, compared in constant time.
///
/// ```
/// use alias_domain::Digest;
/// assert!(Digest::of(b"a") != Digest::of(b"b"));
/// ```
#[derive(Clone, Copy, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    ///
    /// ```
    /// assert_eq!(alias_domain::Digest::of(b"a").bytes().len(), 32);
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A digest that was computed before, as a store returns it.
    ///
    /// ```
    /// use alias_domain::Digest;
    /// let digest = Digest::of(b"a");
    /// assert!(Digest::from_bytes(digest.bytes()) == digest);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    ///
    /// ```
    /// assert_eq!(alias_domain::Digest::of(b"").bytes()[0], 0xe3);
    /// ```
    #[must_use]
    pub const fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(text.as_bytes(), &mut bytes) {
            Ok(32) => Ok(Self(bytes)),
            _ => Err(de::Error::custom("not a digest")),
        }
    }
}
