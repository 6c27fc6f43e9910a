//! The grant as its users meet it: the real program, a real database, a real browser.

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

mod chromium;
mod demo;
mod keys;
mod logout;
mod page;
mod resource;
mod running;
mod seed;
#[path = "../support/store.rs"]
mod store;
mod upgrade;
