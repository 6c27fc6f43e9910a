//! What the keys of Alias promise, from outside: R17, R18.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixture;
mod hints;
mod id_tokens;
mod keyring;
mod logout_tokens;
mod master;
mod passwords;
mod sealer;
