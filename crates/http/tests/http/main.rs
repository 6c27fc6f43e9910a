//! The endpoints and pages, over real HTTP, on an in-memory store.

#![expect(clippy::panic, reason = "what a test presupposes fails it")]

mod account;
mod authorize;
mod browsers;
mod busy;
mod clients;
mod connections;
mod consent;
mod door;
mod failing;
mod form_post;
mod hints;
mod logout;
mod measures;
mod metadata;
mod openid;
mod resource_server;
mod sign_in;
mod support;
mod tls;
mod tokens;
