//! What Alias holds keys for: sealed tokens, ID token signatures and password hashes. One stack
//! does nearly all of it: OpenSSL, which `josekit` brings along. Password hashes and the derivation
//! of keys are crates of their own.
//!
//! Everything secret hangs on one [`MasterKey`], which the operator keeps and every node has. The
//! keys that seal tokens and sign ID tokens are in the store, sealed under a key that stems from it,
//! so that a stolen database gives away none of them.
//!
//! - [`Keyring`] holds these keys, opened, and turns them over while the service runs.
//! - [`TokenSealer`] makes codes, user tokens, refresh tokens and form tokens, and reads them.
//! - [`IdTokenSigner`] signs ID tokens, and knows them again.
//! - [`Argon2Passwords`] hashes passwords.
//! - [`OsChance`] draws lots.
//!
//! Signing and hashing take milliseconds of a core, so they run beside the threads that serve
//! requests, as many at a time as there are cores. Sealing takes microseconds and runs in place.

#![forbid(unsafe_code)]

mod argon2id;
mod chance;
mod cores;
mod error;
mod id_tokens;
mod jwe;
mod key;
mod keyring;
mod master;
mod passwords;
mod ring;
mod sealer;
mod sealing_key;
mod signing_key;

pub use chance::OsChance;
pub use error::SigningError;
pub use id_tokens::IdTokenSigner;
pub use keyring::Keyring;
pub use master::{MalformedMasterKey, MasterKey};
pub use passwords::Argon2Passwords;
pub use sealer::TokenSealer;
pub use signing_key::{RsaSize, UnknownRsaSize};
