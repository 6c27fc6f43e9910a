//! The program as an operator runs it.
//!
//! | file | shows |
//! |---|---|
//! | `commands` | usage, configuration and the database |
//! | `clients`, `users`, `keys` | what their commands print, refuse and change |
//! | `connections` | many of them, under a limit of open files, and floods |
//! | `import` | what moving to PostgreSQL prints and refuses |
//! | `logging` | a log that cannot be written, and what is not in one |
//! | `postgres` | what is said of a database that is not as it must be |
//! | `products` | which are registered by name, and that their pages are what is printed |
//! | `pooler` | which PgBouncer is worked with, and what is said of any other |
//! | `rehashing` | sign-ins while a password's hash is replaced by one of today |
//! | `running` | how `serve` and `dev` start, what they refuse, and how they stop |
//! | `stopping` | what becomes of requests when `serve` is told to stop |
//! | `sweeping` | what is removed, and when the clock is not believed |
//! | `terminal` | a terminal at which a password is asked for |
//! | `tls` | certificates: shown, renewed, refused |
//! | `watching` | health, metrics and the log, from where `serve` is watched |
//! | `authority` | certificates that an authority of our own signed |
//! | `sandbox` | the program in a folder of its own |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

#[path = "../support/authority.rs"]
mod authority;
mod clients;
mod commands;
mod connections;
mod import;
mod keys;
mod logging;
mod pooler;
mod postgres;
mod products;
mod rehashing;
mod running;
mod sandbox;
mod stopping;
#[path = "../support/store.rs"]
mod store;
mod sweeping;
mod terminal;
mod tls;
mod users;
mod watching;
