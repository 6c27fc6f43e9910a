use std::{fmt, str::FromStr};

use alias_domain::Secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::InvalidLength;
use zeroize::Zeroizing;

use crate::{chance, key::Key};

/// The key that the operator keeps (`keys.master`): 32 bytes, the same on all nodes. Every other
/// key stems from it, or is sealed under one that does. It does not print.
///
/// ```
/// use alias_signing::MasterKey;
/// let master = MasterKey::generate();
/// let again: MasterKey = master.to_text().expose().parse()?;
/// assert_eq!(again.to_text().expose(), master.to_text().expose());
/// assert_eq!(format!("{master:?}"), "[redacted]");
/// # Ok::<(), alias_signing::MalformedMasterKey>(())
/// ```
#[derive(Clone)]
pub struct MasterKey(Key);

/// A text that is no master key.
///
/// ```
/// use alias_signing::{MalformedMasterKey, MasterKey};
/// assert_eq!("a guess".parse::<MasterKey>().err(), Some(MalformedMasterKey));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a master key: 32 bytes are expected, as 43 characters of base64url without padding")]
pub struct MalformedMasterKey;

/// What sub-keys are for. A label stands for good: with another, nothing sealed before opens.
pub(crate) enum Purpose {
    /// Codes, user tokens, refresh tokens and form tokens, by the first sealing key.
    Tokens,
    /// The keys in the store.
    Keys,
}

impl MasterKey {
    /// A new one, from the operating system's randomness.
    ///
    /// # Panics
    /// If the operating system has none.
    ///
    /// ```
    /// let master = alias_signing::MasterKey::generate();
    /// ```
    #[must_use]
    pub fn generate() -> Self {
        Self(Key::new(Zeroizing::new(chance::bits())))
    }

    /// The text that [`FromStr`] reads: 43 characters of base64url. See the type for an example.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0.bits()))
    }

    pub(crate) fn sub_key(&self, purpose: &Purpose) -> Result<Key, InvalidLength> {
        self.0.derive(purpose.label())
    }
}

impl Purpose {
    const fn label(&self) -> &'static [u8] {
        match self {
            Self::Tokens => b"alias token sealing 1",
            Self::Keys => b"alias signing key sealing",
        }
    }
}

impl FromStr for MasterKey {
    type Err = MalformedMasterKey;

    /// Strict: no padding, no blanks, and no stray bits at the end.
    fn from_str(text: &str) -> Result<Self, MalformedMasterKey> {
        let mut bits = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(text, bits.as_mut_slice()) {
            Ok(32) => Ok(Self(Key::new(bits))),
            _ => Err(MalformedMasterKey),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
