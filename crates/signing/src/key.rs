use hkdf::{Hkdf, InvalidLength};
use sha2::Sha256;
use zeroize::Zeroizing;

/// 256 secret bits. They do not print, and are wiped from memory when dropped.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(crate) const fn new(bits: Zeroizing<[u8; 32]>) -> Self {
        Self(bits)
    }

    /// The key for one purpose, which tells nothing of this one or of another purpose's: HKDF with
    /// SHA-256 (RFC 5869). It needs no salt, for its input is uniformly random.
    ///
    /// Not with OpenSSL, which looks up the algorithm by its name each time: that took an eighth of
    /// the time of a refresh.
    pub(crate) fn derive(&self, purpose: &[u8]) -> Result<Self, InvalidLength> {
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.bits()).expand(purpose, derived.as_mut_slice())?;
        Ok(Self(derived))
    }

    pub(crate) fn bits(&self) -> &[u8] {
        self.0.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: [u8; 32] = [
        0x2b, 0xe1, 0x60, 0x42, 0x92, 0xba, 0xdc, 0xe7, 0x68, 0xe0, 0x60, 0xac, 0xe7, 0xb4, 0xc7,
        0x61, 0x6b, 0xbd, 0x06, 0x0b, 0x3f, 0x97, 0xfd, 0x00, 0x3f, 0xc1, 0x66, 0x21, 0xb3, 0x4a,
        0xbd, 0x4e,
    ];

    /// The expected bits were computed with Python's `hmac`: extract with 32 zero bytes, then one
    /// round of expand.
    #[test]
    fn a_key_is_derived_as_rfc_5869_says() -> Result<(), InvalidLength> {
        let derived = Key::new(Zeroizing::new([7; 32])).derive(b"a purpose")?;
        assert_eq!(derived.bits(), EXPECTED);
        Ok(())
    }

    #[test]
    fn another_purpose_has_another_key() -> Result<(), InvalidLength> {
        let key = Key::new(Zeroizing::new([7; 32]));
        assert_ne!(key.derive(b"one")?.bits(), key.derive(b"other")?.bits());
        Ok(())
    }
}
