//! What is counted and not timed: rows and round trips. No machine is too slow or too noisy for it.

use std::path::Path as FilePath;

use alias_storage_postgres::testing::{Proxy, TestDatabase};
use anyhow::{Context, Result};
use rusqlite::Connection;

use crate::{
    drive::Work,
    labels::{round_trips_of, rows_added},
    population::Population,
    progress::progress,
    results::Results,
    service::{Kind, Place, Service, Settings},
    share::Share,
    visit::{Path, Visitor},
};

/// How often a path is gone to count what it costs.
const TURNS: usize = 200;

/// How often one authorization is refreshed.
const REFRESHES: usize = 1000;

/// Counts the round trips of each path. Beside the requests the service asks for keys and notices,
/// which is far less often than once in two turns.
pub(crate) async fn round_trips(program: &FilePath, results: &mut Results) -> Result<()> {
    let population = Population::fresh(600);
    let database = TestDatabase::migrated();
    let proxy = Proxy::to(&database);
    let settings = Settings {
        database_url: Some(proxy.url().to_owned()),
        ..Settings::default()
    };
    let place = Place::Postgres(database);
    let service = Service::start(program, place, population, &settings).await?;
    for (subject, way) in (0..).zip(Path::ALL) {
        progress(&round_trips_of(way));
        let (mint, share) = (service.mint.clone(), Share::of(population, subject, 0));
        let mut visitor = Visitor::new(way, service.address, mint, share, None);
        // Its statements are prepared by then.
        go(&mut visitor, TURNS / 10).await?;
        visitor.stock(TURNS).await?;
        let before = proxy.round_trips();
        go(&mut visitor, TURNS).await?;
        let each = (proxy.round_trips() - before) as f64 / TURNS as f64;
        results.note(round_trips_of(way), each.round());
    }
    Ok(())
}

async fn go(visitor: &mut Visitor, turns: usize) -> Result<()> {
    visitor.stock(turns).await?;
    visitor.begin().await?;
    for _ in 0..turns {
        visitor.turn().await?;
    }
    Ok(())
}

/// Counts the rows before and after one authorization is refreshed again and again.
pub(crate) async fn rows(program: &FilePath, kind: Kind, results: &mut Results) -> Result<()> {
    progress(&rows_added(kind));
    let (population, settings) = (Population::fresh(1), Settings::default());
    let service = Service::start(program, Place::new(kind)?, population, &settings).await?;
    let share = Share::every(population, 0, population.len());
    let (address, mint) = (service.address, service.mint.clone());
    let mut visitor = Visitor::new(Path::Refresh, address, mint, share, None);
    let before = count(&service.place)?;
    go(&mut visitor, REFRESHES).await?;
    let added = count(&service.place)? - before;
    results.note(rows_added(kind), added as f64);
    Ok(())
}

/// The rows of all tables.
fn count(place: &Place) -> Result<i64> {
    match place {
        Place::Postgres(database) => {
            let all = "SELECT query_to_xml(string_agg(
                    format('SELECT count(*) FROM %I', relname), ' UNION ALL '
                ), false, true, '') FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
            let counted = database.ask(all).context("the tables")?;
            let numbers = counted
                .split(['<', '>'])
                .filter_map(|it| it.parse::<i64>().ok());
            Ok(numbers.sum())
        }
        Place::Sqlite(folder) => {
            let connection = Connection::open(folder.path().join("alias.db"))?;
            let names = "SELECT name FROM sqlite_schema WHERE type = 'table'";
            let mut names = connection.prepare(names)?;
            let names = names.query_map([], |row| row.get::<_, String>(0))?;
            let mut sum = 0;
            for name in names {
                let count = format!("SELECT count(*) FROM \"{}\"", name?);
                sum += connection.query_row(&count, [], |row| row.get::<_, i64>(0))?;
            }
            Ok(sum)
        }
    }
}
