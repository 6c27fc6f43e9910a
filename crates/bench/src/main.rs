//! Measures Alias beside what the machine can do, and prints ratios. `docs/performance.md` says how
//! to repeat it and what came of it.

mod census;
mod counts;
mod drive;
mod growth;
mod http;
mod labels;
mod limits;
mod os;
mod peer;
mod plot;
mod population;
mod progress;
mod results;
mod run;
mod scene;
mod service;
mod share;
mod sign_ins;
mod statements;
mod table;
mod visit;

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    slice,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::{population::Population, results::Results, run::Extent, service::Kind};

/// Measures Alias beside what the machine can do.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything and prints a table of ratios.
    Run {
        /// A first look: fewer rounds, one number of connections.
        #[arg(long)]
        quick: bool,
        /// Measures on one store alone.
        #[arg(long, value_name = "STORE")]
        store: Option<Kind>,
        /// Writes what was measured to this file, too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Measures this program instead of a fresh release build.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Measures the hot paths on few authorizations and on many, and after a year of refreshes. Ten
    /// million of them take a quarter of an hour, and 12 GB; it says how long is left.
    Growth {
        /// How many authorizations: a multiple of 10.
        #[arg(long, value_name = "NUMBER", default_value_t = 10_000_000)]
        authorizations: u32,
        /// Writes what was measured to this file, too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Measures this program instead of the one beside this.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Measures everything as briefly as can be, and fails if what is counted has grown: for CI.
    Check {
        /// Measures this program instead of the one beside this.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Goes one path for a while, for a profiler to look at: prints the service's process first.
    Drive {
        /// Which.
        path: visit::Path,
        #[arg(long, value_name = "STORE", default_value = "postgres")]
        store: Kind,
        #[arg(long, value_name = "NUMBER", default_value_t = 8)]
        connections: usize,
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        seconds: u64,
        /// Drives this program instead of the one beside this.
        #[arg(long, value_name = "FILE")]
        program: Option<PathBuf>,
    },
    /// Prints the table of what runs wrote with --json, and draws it into a folder.
    Plot {
        /// What was written: of `run`, and of `growth`.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Where the pictures go.
        #[arg(long, value_name = "FOLDER")]
        into: PathBuf,
    },
    /// Serves a static route, as a limit.
    #[command(hide = true)]
    StaticServer {
        /// Where.
        address: SocketAddr,
    },
}

#[actix_web::main]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run {
            quick,
            store,
            json,
            program,
        } => {
            let program = service::program(program)?;
            let extent = if quick { Extent::QUICK } else { Extent::WHOLE };
            let both = [Kind::Postgres, Kind::Sqlite];
            let stores = store.as_ref().map_or(both.as_slice(), slice::from_ref);
            let results = run::run(&program, extent, stores).await?;
            tell(&results, json.as_deref())
        }
        Command::Growth {
            authorizations,
            json,
            program,
        } => {
            let largest = Population::fresh(authorizations / population::CLIENTS);
            let results = growth::grow(
                &service::program(program)?,
                largest,
                growth::YEAR,
                Extent::WHOLE.pace,
            )
            .await?;
            tell(&results, json.as_deref())
        }
        Command::Check { program } => run::check(&service::program(program)?).await,
        Command::Drive {
            path,
            store,
            connections,
            seconds,
            program,
        } => {
            let program = service::program(program)?;
            let time = Duration::from_secs(seconds);
            run::drive(&program, store, path, connections, time).await
        }
        Command::Plot { files, into } => {
            let mut all = Results::default();
            for file in files {
                let json = fs::read(&file).with_context(|| file.display().to_string())?;
                let results: Results = serde_json::from_slice(&json)?;
                all.machine.clone_from(&results.machine);
                all.join(results);
            }
            plot::draw(&all, &into)?;
            tell(&all, None)
        }
        Command::StaticServer { address } => limits::serve_static(address).await,
    }
}

/// Prints the table, and writes what it is made from.
fn tell(results: &Results, json: Option<&Path>) -> Result<()> {
    io::stdout().write_all(table::text(results).as_bytes())?;
    if let Some(file) = json {
        let json = serde_json::to_vec_pretty(results)?;
        fs::write(file, json).context(file.display().to_string())?;
    }
    Ok(())
}
