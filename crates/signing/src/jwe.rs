//! Sealing: a compact JWE (RFC 7516) with `dir` and `A256GCM`, in exactly the form that we write.
//!
//! A general reader is more lenient than a token may be: it inflates `zip`, ignores what it does
//! not know, and takes a tag of a single byte, which 256 tries forge. So the shape is checked
//! here, byte for byte, before `josekit` decrypts.

use std::fmt;

use alias_domain::ports::Failure;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jwe::{self, Dir, JweHeader};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{error::crypto, key::Key};

/// The longest sealed text, in bytes. A consent form of some 200 channels with the longest names
/// is shorter.
const MAX_LENGTH: usize = 32 * 1024;

/// 96 bits of nonce and 128 of tag (RFC 7518 5.3), as base64url.
const NONCE_LENGTH: usize = 16;
const TAG_LENGTH: usize = 22;

/// The protected header: what a sealed text tells in the open, and cannot be made to tell
/// otherwise. It has one spelling.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    typ: String,
    alg: String,
    enc: String,
    kid: String,
}

impl Header {
    /// For content of the kind `typ`. Each `kid` has a key of its own.
    pub(crate) fn new(typ: &str, kid: String) -> Self {
        Self {
            typ: typ.to_owned(),
            alg: "dir".to_owned(),
            enc: "A256GCM".to_owned(),
            kid,
        }
    }

    /// Of a sealed text, if it has one that [`Header::new`] makes. Nothing of it is proven yet.
    pub(crate) fn of(sealed: &str) -> Option<Self> {
        if sealed.len() > MAX_LENGTH {
            return None;
        }
        let (encoded, _) = sealed.split_once('.')?;
        let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let header: Self = serde_json::from_slice(&json).ok()?;
        (header == Self::new(&header.typ, header.kid.clone())).then_some(header)
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}

/// Seals `content` under the key that `key` gives for this header: so each `typ` and `kid` has its
/// own 2^32 random nonces (NIST SP 800-38D 8.3), and opens as no other.
pub(crate) fn seal(key: &Key, header: &Header, content: &[u8]) -> Result<String, Failure> {
    let json = header.json().map_err(crypto)?;
    let own_key = key.derive(&json).map_err(crypto)?;
    let encrypter = Dir.encrypter_from_bytes(own_key.bits()).map_err(crypto)?;
    let protected = JweHeader::from_bytes(&json).map_err(crypto)?;
    let sealed = jwe::serialize_compact(content, &protected, &encrypter).map_err(crypto)?;
    if sealed.len() > MAX_LENGTH {
        return Err(crypto("there is too much to seal"));
    }
    Ok(sealed)
}

/// The content of what was sealed here with this header, to the last byte.
pub(crate) fn open(key: &Key, header: &Header, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let json = header.json().ok()?;
    if !has_our_shape(sealed, &json) {
        return None;
    }
    let own_key = key.derive(&json).ok()?;
    let decrypter = Dir.decrypter_from_bytes(own_key.bits()).ok()?;
    let (content, _) = jwe::deserialize_compact(sealed, &decrypter).ok()?;
    Some(Zeroizing::new(content))
}

/// Five parts: this header, no encrypted key, a nonce, the content and a whole tag. The last three
/// are base64url without padding or stray bits, which `josekit` insists on.
fn has_our_shape(sealed: &str, header: &[u8]) -> bool {
    let mut parts = sealed.split('.');
    let mut part = || parts.next().unwrap_or_default();
    sealed.len() <= MAX_LENGTH
        && part() == URL_SAFE_NO_PAD.encode(header)
        && part().is_empty()
        && part().len() == NONCE_LENGTH
        && !part().is_empty()
        && part().len() == TAG_LENGTH
        && parts.next().is_none()
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({} {})", self.typ, self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#"{"typ":"code","alg":"dir","enc":"A256GCM","kid":"1.x"}"#;

    /// What whoever had the key could write, and general readers take.
    fn sealed_with_header(json: &str) -> Result<String, Failure> {
        let key = Key::new(Zeroizing::new([7; 32]))
            .derive(json.as_bytes())
            .map_err(crypto)?;
        let encrypter = Dir.encrypter_from_bytes(key.bits()).map_err(crypto)?;
        let header = JweHeader::from_bytes(json.as_bytes()).map_err(crypto)?;
        let sealed = jwe::serialize_compact(b"content", &header, &encrypter).map_err(crypto)?;
        let general = Dir.decrypter_from_bytes(key.bits()).map_err(crypto)?;
        jwe::deserialize_compact(&sealed, &general).map_err(crypto)?;
        Ok(sealed)
    }

    #[test]
    fn our_header_is_read_as_it_was_written() -> Result<(), Failure> {
        let header = Header::of(&sealed_with_header(OURS)?);
        assert_eq!(header, Some(Header::new("code", "1.x".to_owned())));
        Ok(())
    }

    #[test]
    fn a_sound_jwe_with_any_other_header_is_none_of_ours() -> Result<(), Failure> {
        for (ours, theirs) in [
            (r#""kid""#, r#""zip":"DEF","kid""#),
            (r#""kid""#, r#""exp":1,"kid""#),
            ("A256GCM", "A128CBC-HS256"),
            (r#","kid":"1.x""#, ""),
            (r#""typ":"code","#, ""),
        ] {
            let json = OURS.replace(ours, theirs);
            assert_eq!(Header::of(&sealed_with_header(&json)?), None, "{json}");
        }
        Ok(())
    }
}
