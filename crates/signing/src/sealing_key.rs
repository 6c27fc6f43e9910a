//! One key that seals tokens: made, kept sealed, opened again.

use alias_domain::ports::Failure;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    chance,
    error::crypto,
    jwe::{self, Header},
    key::Key,
    master::{MasterKey, Purpose},
};

/// The name of the first sealing key.
const FIRST: &str = "1";

/// A key that seals tokens, and its name, which stands at the head of every token's `kid`.
pub(crate) struct SealingKey {
    pub(crate) name: String,
    pub(crate) key: Key,
}

impl SealingKey {
    /// The first key, which is derived from the master key: before keys turned over it was the only
    /// one, and what was sealed then still opens. Its name and the text for the store.
    pub(crate) fn first(
        master: &MasterKey,
        sealing_key: &Key,
    ) -> Result<(String, String), Failure> {
        let key = master.sub_key(&Purpose::Tokens).map_err(crypto)?;
        sealed(FIRST.to_owned(), key.bits(), sealing_key)
    }

    /// Makes a key at random: its name and the text for the store. A name is in every token, so it
    /// is short.
    pub(crate) fn make(sealing_key: &Key) -> Result<(String, String), Failure> {
        let name = URL_SAFE_NO_PAD.encode(chance::bits::<6>());
        let bits = Zeroizing::new(chance::bits::<32>());
        sealed(name, bits.as_slice(), sealing_key)
    }

    /// Opens a stored key; `None` if it was sealed under another key, or for another name.
    pub(crate) fn open(name: &str, sealed: &str, sealing_key: &Key) -> Option<Self> {
        let content = jwe::open(sealing_key, &header(name), sealed)?;
        let mut bits = Zeroizing::new([0; 32]);
        if content.len() != bits.len() {
            return None;
        }
        bits.copy_from_slice(&content);
        Some(Self {
            name: name.to_owned(),
            key: Key::new(bits),
        })
    }
}

fn sealed(name: String, bits: &[u8], sealing_key: &Key) -> Result<(String, String), Failure> {
    let sealed = jwe::seal(sealing_key, &header(&name), bits)?;
    Ok((name, sealed))
}

fn header(name: &str) -> Header {
    Header::new("sealing-key", name.to_owned())
}
