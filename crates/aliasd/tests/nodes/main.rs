//! Several nodes on one PostgreSQL database, as an operator runs them. There is always such a
//! database here: the embedded store has one node.
//!
//! | file | shows |
//! |---|---|
//! | `races` | what becomes of rivals that come to both nodes at once |
//! | `sharing` | what one node began, another goes on with, and what one took back is gone at all |
//! | `commands` | what the command line changes holds at every running node |
//! | `outages` | a node that is killed, a server that restarts, is away or is not the right one |
//! | `few_connections` | a server that grants fewer connections than are wanted |
//! | `standby` | a server whose commits wait for a standby that does not answer |
//! | `cluster` | two nodes, a client, and Fred, who has allowed it everything |
//! | `peer` | one who talks to a node |
//! | `server` | a PostgreSQL server that a test may stop |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

mod cluster;
mod commands;
mod few_connections;
mod outages;
mod peer;
mod races;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "the tests of the command line use all of it")]
mod sandbox;
mod server;
mod sharing;
mod standby;
#[path = "../support/store.rs"]
mod store;
