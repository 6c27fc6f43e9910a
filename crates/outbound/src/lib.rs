//! The one way out of Alias. Some addresses that it asks were chosen by others, such as the
//! back-channel logout URIs of clients. Whoever chooses one must not reach what only this machine,
//! or its network, can reach.
//!
//! - `https` alone. `http` is for a loopback address that is allowed.
//! - No private address, unless it is in a network that the operator allows ([`PrivateNetworks`]). A
//!   name is resolved once, and the connection goes to an address that was looked at: what the
//!   name's owner answers the next time is not asked for.
//! - No redirect, no proxy of the environment, no cookie, no connection that is kept.
//! - Little time, and small answers.
//!
//! | file | holds |
//! |---|---|
//! | `address` | which addresses are public, and which others are allowed |
//! | `client` | the HTTP client, and its way to back-channel logout URIs |
//! | `resolver` | names, resolved to addresses that may be connected to |

#![forbid(unsafe_code)]

mod address;
mod client;
mod resolver;

pub use address::{MalformedNetworks, PrivateNetworks};
pub use client::{Answer, Outbound, OutboundError, Unsent};
