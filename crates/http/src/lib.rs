//! Alias over HTTP: endpoints, pages, and the mapping of what the domain decides to the wire.
//!
//! No rule of the grant stands here. A handler reads a request into domain types, runs one flow,
//! and writes what came of it: `respond` for what people see, `api` for what programs do.

#![forbid(unsafe_code)]

mod account;
mod address;
mod api;
mod authorize;
mod body;
mod connections;
mod consent;
mod context;
mod cookies;
mod cors;
mod discovery;
mod door;
mod encoding;
mod forwarded;
mod grants;
mod guard;
mod headers;
mod health;
mod identify;
mod interaction;
mod introspection;
mod logout;
mod measures;
mod notes;
mod notice;
pub mod pages;
mod panics;
mod paths;
mod presence;
mod problem;
mod pulse;
mod quota;
mod refusal;
mod respond;
mod revocation;
mod routes;
mod server;
mod session;
mod sign_in;
mod state;
mod tls;
mod token;
mod trace;
mod userinfo;
mod visitor;

pub use connections::Bounds;
pub use door::Door;
pub use forwarded::{MalformedProxies, TrustedProxies, source_network};
pub use measures::{
    DURATION_BUCKETS, Exposition, describe as describe_measures, faults as measure_faults,
    logout as measure_logout, over_limit as measure_over_limit,
};
pub use server::{Bound, Public, WATCHERS};
pub use state::{KeySet, Service};
pub use tls::{Identity, IdentityError, Tls};
