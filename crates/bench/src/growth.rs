//! Whether a database that has grown is slower: by many authorizations, or by a year of refreshes.

use std::{env, path::Path as FilePath, process::Command, time::Instant};

use alias_domain::ports::Import;
use alias_storage_postgres::{Database, PostgresStore, testing::TestDatabase};
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use crate::{
    census::Census,
    drive::Work,
    labels::{GROWTH, MANY, SIZES, after_a_year, on},
    os,
    population::Population,
    progress::progress,
    results::Results,
    scene::{Pace, Scene, Watched, server_process},
    service::{Place, Service, Settings},
    share::Share,
    statements::{self, Bare, Statement},
    visit::Path,
};

/// What everything is compared with.
pub(crate) const SMALL: Population = Population::fresh(1000);

/// The paths that meet a row of their own.
pub(crate) const PATHS: [Path; 5] = [
    Path::Authorize,
    Path::Exchange,
    Path::Refresh,
    Path::UserInfo,
    Path::Introspection,
];

/// How many refreshes make a year: one a day.
pub(crate) const YEAR: u32 = 365;

/// How many connections refresh in that year.
const AT_ONCE: u32 = 32;

/// What an authorization takes on the disk with all that belongs to it, in bytes, about.
const EACH: u64 = 1200;

/// What a server has for its tables if nobody says how much, in bytes.
const USUAL_MEMORY: u64 = 128 << 20;

/// What stops the server and starts it again.
const SERVER_CTL: &str = "ALIAS_TEST_POSTGRES_CTL";

/// Gives the server as much memory for its tables as they need, but at most two fifths of the
/// machine's: more is seldom of use, as PostgreSQL's manual says.
fn give_memory(authorizations: u32) -> Result<()> {
    let most = os::memory_of_machine()? / 5 * 2;
    let needed = (u64::from(authorizations) * EACH).min(most);
    if needed <= USUAL_MEMORY {
        return Ok(());
    }
    progress(&format!("the server has {} MB for tables", needed >> 20));
    let set = format!("ALTER SYSTEM SET shared_buffers = '{}MB'", needed >> 20);
    TestDatabase::empty().execute(&set);
    let ctl = env::var(SERVER_CTL).context(SERVER_CTL)?;
    let restart = format!("{ctl} restart");
    let status = Command::new("sh").args(["-c", &restart]).status()?;
    ensure!(status.success(), "{restart}: {status}");
    Ok(())
}

/// Measures the paths on populations up to this one, in alternate rounds.
pub(crate) async fn grow(
    program: &FilePath,
    largest: Population,
    days: u32,
    pace: Pace,
) -> Result<Results> {
    let (began, mut results) = (Instant::now(), Results::of_this_machine());
    give_memory(largest.len())?;
    let mut sizes = vec![SMALL];
    // Beside the ends of the curve a point in between.
    let between = Population::fresh(largest.users / 10);
    sizes.extend(
        [between, largest]
            .into_iter()
            .filter(|it| it.users > SMALL.users),
    );
    let mut services = Vec::new();
    for population in &sizes {
        let seconds = Instant::now();
        let service = settle(program, *population).await?;
        let name = format!("seconds to copy in {} authorizations", population.len());
        results.note(name, seconds.elapsed().as_secs_f64().round());
        results.note(SIZES, f64::from(population.len()));
        services.push((service, *population));
    }
    let mut aged = settle(program, SMALL).await?;
    live(&aged, days, &mut results).await?;
    aged.population.generation += days;

    let mut scene = Scene::new(GROWTH);
    for way in PATHS {
        for (service, population) in &services {
            let watched = watching(service).await?;
            let name = on(way, population.len());
            scene.add_path(name, way, service, watched, None).await?;
        }
        let watched = watching(&aged).await?;
        scene
            .add_path(after_a_year(way), way, &aged, watched, None)
            .await?;
    }
    scene.measure(MANY, pace, &mut results).await?;
    results.note(
        "minutes that it took",
        (began.elapsed().as_secs_f64() / 60.0).round(),
    );
    Ok(results)
}

async fn watching(service: &Service) -> Result<Watched> {
    Ok(Watched {
        service: Some(service.process.id()),
        database: Some(server_process(&service.place.url()).await?),
    })
}

/// A service on a population that was copied in, with nothing left for the server to tidy up, and
/// its tables in memory as far as they go, as if it had served for a while.
async fn settle(program: &FilePath, population: Population) -> Result<Service> {
    let place = TestDatabase::migrated();
    let database: Database = place.url().parse()?;
    let store = PostgresStore::open(&database, 1).await?;
    let counts = store.import(&mut Census::of(population)).await?;
    let rows: u64 = counts.iter().map(|it| it.1).sum();
    progress(&format!("{rows} rows are there; the server tidies up"));
    let client = statements::connect(&place.url()).await?;
    statements::tidy_up(&client).await?;
    client.batch_execute(WARM_UP).await?;
    Service::on(
        program,
        Place::Postgres(place),
        population,
        &Settings::default(),
    )
    .await
}

const WARM_UP: &str = "
    CREATE EXTENSION pg_prewarm;
    SELECT sum(pg_prewarm(oid)) FROM pg_class
    WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace";

/// Refreshes every authorization once a day, by the statement that the service uses.
async fn live(service: &Service, days: u32, results: &mut Results) -> Result<()> {
    let url = service.place.url();
    let client = statements::connect(&url).await?;
    let before = size(&client).await?;
    let mut works = Vec::new();
    for connection in 0..AT_ONCE {
        let share = Share::every(service.population, connection, AT_ONCE);
        let each = share.len();
        works.push((Bare::new(Statement::Refresh, &url, share).await?, each));
    }
    for day in 1..=days {
        progress(&format!("refreshes: day {day} of {days}"));
        let refreshes = works.iter_mut().map(|(work, each)| async move {
            for _ in 0..*each {
                work.turn().await?;
            }
            anyhow::Ok(())
        });
        try_join_all(refreshes).await?;
    }
    for (work, _) in &works {
        work.be_counted().await?;
    }
    let after = size(&client).await?;
    results.note("bytes of the authorizations before the year", before.0);
    results.note("bytes of the authorizations after the year", after.0);
    results.note("bytes of their indexes before the year", before.1);
    results.note("bytes of their indexes after the year", after.1);
    let statement = "
        SELECT n_tup_hot_upd::float8 / nullif(n_tup_upd, 0) FROM pg_stat_user_tables
        WHERE relname = 'authorizations'";
    let hot: Option<f64> = client.query_one(statement, &[]).await?.get(0);
    results.note(
        "share of updates that found room on their page",
        hot.context("no updates")?,
    );
    Ok(())
}

/// Of the table, and of its indexes.
async fn size(client: &tokio_postgres::Client) -> Result<(f64, f64)> {
    let statement = "
        SELECT pg_table_size('authorizations')::float8, pg_indexes_size('authorizations')::float8";
    let row = client.query_one(statement, &[]).await?;
    Ok((row.get(0), row.get(1)))
}
