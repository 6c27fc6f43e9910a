//! Alias, the OpenID Connect identity service: configuration, wiring and command line.
//!
//! | file | holds |
//! |---|---|
//! | `cli` | the command line, one file for each noun |
//! | `global` | what every command takes |
//! | `config` | the settings, where each came from, and the types that they become |
//! | `store` | the database that the configuration names |
//! | `serve` | the service: wired together, listening, and stopped gracefully |
//! | `dev` | the service with everything that a first look needs: with the feature `dev` alone, which `cargo run` has and a deployed program has not |
//! | `opening` | the store, waited for while the service listens |
//! | `files` | the limits of files: of how many may be open, with the connections that this leaves room for, and of their size |
//! | `certificate` | what TLS connections are shown, and its renewal |
//! | `limits` | how often strangers may do what costs something |
//! | `metrics` | what the service measures of itself |
//! | `upkeep` | what is done beside requests: `sweep` removes what has ended, `keys` follows the keys, `logout` tells clients that sessions ended |
//! | `logs`, `panics` | what becomes of a line that cannot be written, and of a panic |
//! | `products` | what products that people put behind the service need |
//! | `view`, `output`, `error` | what is said, and how |

#![forbid(unsafe_code)]

mod certificate;
mod cli;
mod clock;
mod config;
#[cfg(feature = "dev")]
mod dev;
mod error;
mod files;
mod global;
mod keys;
mod limits;
mod logout;
mod logs;
mod metrics;
mod opening;
mod output;
mod panics;
mod products;
mod serve;
mod store;
mod sweep;
mod upkeep;
mod view;
#[cfg(not(feature = "dev"))]
mod without_dev;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::ExitCode,
};

use clap::Parser;

fn main() -> ExitCode {
    panics::watch();
    let cli = cli::Cli::parse();
    let run = || {
        actix_web::rt::System::new().block_on(async {
            files::survive_the_size_limit();
            cli.run().await
        })
    };
    let ended = catch_unwind(AssertUnwindSafe(run));
    if let Ok(Err(error)) = &ended {
        output::complain(error);
    }
    // Whatever happened is in the log before the process ends.
    logs::flush();
    match ended {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => ExitCode::from(error.status()),
        Err(panic) => resume_unwind(panic),
    }
}
