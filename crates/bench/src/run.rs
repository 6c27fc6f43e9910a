//! The whole benchmark: every scene, one after the other.

use std::{
    io::{self, Write},
    path::Path as FilePath,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    counts, growth,
    labels::{BINARY, MANY, algorithms, ready, under_load},
    limits::Scheme,
    os,
    peer::Peer,
    population::Population,
    progress::progress,
    results::Results,
    scene::{Pace, Scene, StaticServer, Watched, server_process, size},
    service::{Kind, Place, Service, Settings},
    sign_ins,
    statements::{self, Statement, TWO_INSERTS_SCHEMA},
    table,
    visit::Path,
};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) pace: Pace,
    pub(crate) users: u32,
    pub(crate) connections: &'static [usize],
}

impl Extent {
    /// What the figures of the documentation are of.
    pub(crate) const WHOLE: Self = Self {
        pace: Pace {
            time: Duration::from_millis(700),
            rounds: 5,
        },
        users: 1000,
        connections: &[1, 8, 32],
    };

    /// As brief as can be.
    const BRIEF: Self = Self {
        pace: Pace {
            time: Duration::from_millis(50),
            rounds: 1,
        },
        users: 600,
        connections: &[1, 8, 32],
    };

    /// A first look.
    pub(crate) const QUICK: Self = Self {
        pace: Pace {
            time: Duration::from_millis(400),
            rounds: 3,
        },
        users: 1000,
        connections: &[8],
    };
}

pub(crate) async fn run(program: &FilePath, extent: Extent, stores: &[Kind]) -> Result<Results> {
    let mut results = Results::of_this_machine();
    results.note(BINARY, size(program)? as f64);
    let fixed = StaticServer::start().await?;
    for &kind in stores {
        let population = Population::fresh(extent.users);
        let place = Place::new(kind)?;
        let service = Service::start(program, place, population, &Settings::default()).await?;
        let server = server_of(&service).await?;
        let watched = Watched {
            service: Some(service.process.id()),
            database: server,
        };
        note_start(kind, &service, &mut results)?;
        let mut scene = Scene::new(kind.name());
        for way in Path::ALL {
            let name = way.name();
            scene.add_path(name, way, &service, watched, None).await?;
        }
        match kind {
            Kind::Postgres => add_statements(&mut scene, &service, watched).await?,
            Kind::Sqlite => scene.add_commits()?,
        }
        scene.add_static(&fixed).await?;
        for &connections in extent.connections {
            tidy_up(&service).await?;
            scene
                .measure(connections, extent.pace, &mut results)
                .await?;
        }
        let (_, peak) = os::memory(service.process.id())?;
        results.note(under_load(kind), peak as f64);

        // On databases of their own: what was left of the paths is not their cost.
        drop(scene);
        drop(service);
        let with = async |rsa_bits| {
            let settings = Settings {
                rsa_bits: Some(rsa_bits),
                ..Settings::default()
            };
            Service::start(program, Place::new(kind)?, population, &settings).await
        };
        let (large, small) = (with(3072).await?, with(2048).await?);
        let mut scene = Scene::new(algorithms(kind));
        for scheme in Scheme::ALL {
            let service = match scheme {
                Scheme::Rsa(2048) => &small,
                _ => &large,
            };
            let watched = Watched {
                service: Some(service.process.id()),
                database: server,
            };
            for way in [Path::Flow, Path::Exchange] {
                let name = format!("{} {}", way.name(), scheme.name());
                let algorithm = Some(scheme.algorithm());
                scene
                    .add_path(name, way, service, watched, algorithm)
                    .await?;
            }
            scene.add_signatures(scheme)?;
        }
        scene.add_system_openssl();
        let peer = match kind {
            Kind::Postgres => Some(Peer::start().await?),
            Kind::Sqlite => None,
        };
        if let Some(peer) = &peer {
            scene.add_peer(peer, server).await?;
        }
        tidy_up(&large).await?;
        tidy_up(&small).await?;
        scene.measure(MANY, extent.pace, &mut results).await?;
    }
    for &kind in stores {
        counts::rows(program, kind, &mut results).await?;
        sign_ins::memory(program, kind, &mut results).await?;
    }
    if stores.contains(&Kind::Postgres) {
        counts::round_trips(program, &mut results).await?;
    }
    progress("");
    Ok(results)
}

/// Measures everything briefly. What is counted must be as it should; what is timed must be there.
pub(crate) async fn check(program: &FilePath) -> Result<()> {
    let brief = Extent::BRIEF;
    let mut results = run(program, brief, &[Kind::Postgres, Kind::Sqlite]).await?;
    results.join(growth::grow(program, growth::SMALL, 1, brief.pace).await?);
    for row in table::rows(&results) {
        let is_met = row
            .is_met()
            .with_context(|| format!("not measured: {}", row.what))?;
        ensure!(
            !row.counted || is_met,
            "{}: {:?}, and {} is allowed",
            row.what,
            row.measured,
            row.goal
        );
    }
    progress("the benchmark works, and what is counted is as it should");
    Ok(())
}

/// See [`statements::tidy_up`].
async fn tidy_up(service: &Service) -> Result<()> {
    match &service.place {
        Place::Postgres(database) => {
            statements::tidy_up(&statements::connect(&database.url()).await?).await
        }
        Place::Sqlite(_) => Ok(()),
    }
}

/// The database's own process, where it is not the service's.
async fn server_of(service: &Service) -> Result<Option<u32>> {
    Ok(match &service.place {
        Place::Postgres(database) => Some(server_process(&database.url()).await?),
        Place::Sqlite(_) => None,
    })
}

/// Goes one path, and prints what came of it.
pub(crate) async fn drive(
    program: &FilePath,
    kind: Kind,
    way: Path,
    connections: usize,
    time: Duration,
) -> Result<()> {
    let population = Population::fresh(1000);
    let settings = Settings::default();
    let service = Service::start(program, Place::new(kind)?, population, &settings).await?;
    let watched = Watched {
        service: Some(service.process.id()),
        database: server_of(&service).await?,
    };
    let mut scene = Scene::new(kind.name());
    scene
        .add_path(way.name(), way, &service, watched, None)
        .await?;
    progress(&format!("the service is process {}", service.process.id()));
    let mut results = Results::default();
    scene
        .measure(connections, Pace { time, rounds: 1 }, &mut results)
        .await?;
    io::stdout().write_all(table::series(&results).as_bytes())?;
    Ok(())
}

fn note_start(kind: Kind, service: &Service, results: &mut Results) -> Result<()> {
    let (idle, _) = os::memory(service.process.id())?;
    os::forget_peak(service.process.id())?;
    results.note(format!("{}: memory idle, bytes", kind.name()), idle as f64);
    results.note(ready(kind), service.ready_after.as_secs_f64());
    Ok(())
}

async fn add_statements(scene: &mut Scene, service: &Service, watched: Watched) -> Result<()> {
    let url = service.place.url();
    let client = statements::connect(&url).await?;
    client
        .batch_execute(TWO_INSERTS_SCHEMA)
        .await
        .context("the plain tables")?;
    let alone = Watched {
        service: None,
        ..watched
    };
    for which in Statement::ALL {
        scene.add_statement(which, service, alone).await?;
    }
    Ok(())
}
