//! The modules of the OpenID Foundation's conformance plans, each under its own name: see
//! `docs/conformance.md`.
//!
//! | room | has |
//! |---|---|
//! | `basic`, `config`, `form_post`, `rp_initiated_logout`, `back_channel_logout` | a plan each |
//! | `code_flow` | what Basic OP and Form Post OP ask alike |
//! | `relying_party` | a strict client: requests, exchanges, and what must hold of each answer |
//! | `id_token`, `key_set`, `checks` | what it checks |
//! | `browser`, `cookies`, `html` | a browser without scripts, and the person at it |
//! | `service` | the program, shared by all modules |
//! | `list` | that the document and the tests name the same modules |
//! | `standards` | that `docs/standards.md` names tests that there are |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

#[path = "../support/authority.rs"]
#[expect(dead_code, reason = "other targets look at more of a certificate")]
mod authority;
mod back_channel_logout;
mod basic;
mod browser;
mod checks;
mod code_flow;
mod config;
mod cookies;
mod form_post;
mod html;
mod id_token;
mod key_set;

mod list;
mod relying_party;
mod rp_initiated_logout;
mod service;
mod standards;
#[path = "../support/store.rs"]
#[expect(dead_code, reason = "other targets look into the store")]
mod store;
