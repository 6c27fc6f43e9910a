//! The program as an operator runs it.
//!
//! | file | shows |
//! |---|---|
//! | `commands` | usage, configuration and the database |
//! | `clients`, `users`, `keys` | what their commands print, refuse and change |
//! | `running` | how `serve` and `dev` start, what they refuse, and how they stop |
//! | `sandbox` | the program in a folder of its own |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

mod clients;
mod commands;
mod keys;
mod running;
mod sandbox;
mod users;
