//! The program as an operator runs it.
//!
//! | file | shows |
//! |---|---|
//! | `commands` | what the commands print, what they refuse and how they end |
//! | `running` | how `serve` and `dev` start, what they refuse, and how they stop |
//! | `sandbox` | the program in a folder of its own |

#![expect(
    clippy::panic,
    reason = "what a test presupposes fails it, and says why"
)]

mod commands;
mod running;
mod sandbox;
