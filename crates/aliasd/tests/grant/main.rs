//! The grant as its users meet it: the real program, a real database, a real browser.

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

mod answers;
mod browser;
#[path = "../support/chromium.rs"]
mod chromium;
mod demo;
mod form_post;
mod keys;
mod leaving;
mod logout;
mod moving;
mod operator;
mod page;
mod pages;
#[path = "../support/parties.rs"]
mod parties;
mod refusals;
mod resource;
#[path = "../support/running.rs"]
mod running;
mod seed;
mod sites;
#[path = "../support/store.rs"]
mod store;
mod upgrade;
