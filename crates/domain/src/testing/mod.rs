//! For testing the grant, here and in services that reuse it (feature `testing`): samples, fakes
//! of what cryptography and chance do, an in-memory store, and the contract that every store keeps.
//! Mocks of the ports are beside the ports.

pub mod contract;
mod fakes;
mod memory;
pub mod sample;

pub use fakes::{TestChance, TestIdTokens, TestPasswords, TestSealer, Unlimited, provider};
pub use memory::{MemoryStore, Pages};
