//! What memory the service keeps after very many passwords were hashed.

use std::{num::NonZero, path::Path, thread};

use alias_domain::{Secret, ports::Passwords};
use alias_signing::Argon2Passwords;
use anyhow::{Context, Result, ensure};
use chrono::Utc;
use futures_util::future::try_join_all;

use crate::{
    http::{Ask, Connection},
    labels::{CORES, memory_after},
    os,
    population::{self, Population},
    progress::progress,
    results::Results,
    service::{Kind, Place, Service, Settings},
};

/// How often somebody signs in.
const SIGN_INS: usize = 1000;

/// How many do at a time.
const CONNECTIONS: usize = 8;

const PASSWORD: &str = "correct horse battery staple";

/// Signs in, half of the time with a wrong password, and looks at the memory that is kept.
pub(crate) async fn memory(program: &Path, kind: Kind, results: &mut Results) -> Result<()> {
    progress(&memory_after(kind));
    let (population, place) = (Population::fresh(1), Place::new(kind)?);
    let newcomer = population::user(population.users, Utc::now());
    let hash = Argon2Passwords::new()?
        .hash(&Secret::new(PASSWORD.to_owned()))
        .await?;
    let added = place.open().await?.insert_user(&newcomer, &hash).await?;
    ensure!(added.is_ok(), "the user is there already");
    let service = Service::start(program, place, population, &Settings::default()).await?;
    let email = newcomer.email.as_str();
    let visitors = (0..CONNECTIONS).map(|_| sign_in(&service, email));
    try_join_all(visitors).await?;
    let (kept, _) = os::memory(service.process.id())?;
    results.note(memory_after(kind), kept as f64);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if results.figure(CORES).is_none() {
        results.note(CORES, cores as f64);
    }
    Ok(())
}

async fn sign_in(service: &Service, email: &str) -> Result<()> {
    let mut connection = Connection::to(service.address);
    connection.reopen().await?;
    for turn in 0..SIGN_INS / CONNECTIONS {
        let (password, status) = match turn % 2 {
            0 => (PASSWORD, 200),
            _ => ("battery staple", 401),
        };
        let ask = Ask {
            path: "/api/session",
            form: Some(format!(r#"{{"email":"{email}","password":"{password}"}}"#)),
            ..Ask::default()
        };
        connection.expect(status, ask).await.context("signing in")?;
    }
    Ok(())
}
