//! The command line: one file for each noun.

pub(crate) mod client;
mod config;
mod deleting;
mod import;
mod key;
mod password;
mod terminal;
pub(crate) mod user;

use clap::{Parser, Subcommand};

#[cfg(feature = "dev")]
use crate::dev;
#[cfg(not(feature = "dev"))]
use crate::without_dev as dev;
use crate::{error::Error, global::Global, serve, store};

/// Alias, an OpenID Connect identity service.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Try it:\n  aliasd dev\n\nRun it:\n  aliasd --config aliasd.toml migrate\n  \
                  aliasd --config aliasd.toml serve\n\n\
                  Errors are one line on standard error, with exit status 1; a wrong usage has 2."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine, with a demo user and a demo client
    #[cfg_attr(not(feature = "dev"), command(hide = true))]
    Dev(dev::Options),
    /// Run the service
    #[command(
        after_help = "Examples:\n  ALIAS_KEYS__MASTER_FILE=/etc/alias/master.key aliasd serve\n  \
                      aliasd serve --config /etc/alias/aliasd.toml"
    )]
    Serve,
    /// Bring the database to the current schema, making it if there is none
    #[command(after_help = "Examples:\n  aliasd migrate\n  \
                            aliasd migrate --config /etc/alias/aliasd.toml --json")]
    Migrate,
    /// Take everything from an embedded database into PostgreSQL
    Import(import::Options),
    /// Clients: the services that users connect to
    #[command(subcommand)]
    Client(client::Command),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// Keys: those that sign ID tokens and those that seal tokens
    #[command(subcommand)]
    Key(key::Command),
    /// Show the effective configuration and where each value came from
    #[command(after_help = config::HELP)]
    Config,
}

impl Cli {
    /// Does what the command line asks.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) async fn run(self) -> Result<(), Error> {
        let global = &self.global;
        match self.command {
            Command::Dev(options) => dev::run(global, &options).await,
            Command::Serve => serve::run(global).await,
            Command::Migrate => store::migrate(global).await,
            Command::Import(options) => import::run(global, &options).await,
            Command::Client(command) => client::run(global, command).await,
            Command::User(command) => user::run(global, command).await,
            Command::Key(command) => key::run(global, command).await,
            Command::Config => config::run(global),
        }
    }
}
