//! A service with everything that it is measured beside, and the rounds in which they take turns.

use std::{collections::HashMap, env, path::Path as FilePath, process::Command, time::Duration};

use alias_domain::SigningAlgorithm;
use anyhow::Result;
use futures_util::future::try_join_all;
use tempfile::TempDir;

use crate::{
    drive::{Round, Used, Work, drive},
    labels::{COMMITS, signatures, system_signatures},
    limits::{DurableCommits, Scheme, Signatures, StaticVisitor, system_openssl},
    os,
    peer::{Peer, Way},
    progress::progress,
    results::{Results, Series},
    service::{Process, Service, free_address},
    share::Share,
    statements::{self, Bare, Statement},
    visit::{Path, Visitor},
};

/// The most connections that a subject is given.
pub(crate) const MOST: usize = 32;

/// How many turns a connection gets ready for before anything is known of how fast it is.
const FIRST_STOCK: usize = 20;

/// How long and how often.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Of one round.
    pub(crate) time: Duration,
    pub(crate) rounds: usize,
}

/// Whose processor time counts.
#[derive(Clone, Copy, Default)]
pub(crate) struct Watched {
    pub(crate) service: Option<u32>,
    pub(crate) database: Option<u32>,
}

impl Watched {
    fn used(self) -> Result<Used> {
        let service = self.service.map(os::cpu).transpose()?;
        let database = self.database.map(os::cpu_of_family).transpose()?;
        Ok(Used {
            service: service.unwrap_or_default(),
            database: database.unwrap_or_default(),
        })
    }
}

/// Something that is measured.
pub(crate) struct Subject {
    name: String,
    kind: Kind,
}

enum Kind {
    /// Connections that go round and round.
    Loop {
        works: Vec<Box<dyn Work>>,
        watched: Watched,
        /// Turns per second of one connection, as it was last.
        pace: f64,
    },
    /// So many threads that sign.
    Signing(Signatures, usize),
    /// So many processes of the system's own OpenSSL that sign.
    SystemOpenssl(usize),
}

impl Subject {
    fn going_round(name: impl Into<String>, works: Vec<Box<dyn Work>>, watched: Watched) -> Self {
        let pace = 0.0;
        Self {
            name: name.into(),
            kind: Kind::Loop {
                works,
                watched,
                pace,
            },
        }
    }

    /// One round with so many connections.
    async fn round(&mut self, connections: usize, time: Duration) -> Result<Round> {
        match &mut self.kind {
            Kind::Loop {
                works,
                watched,
                pace,
            } => {
                let connections = connections.min(works.len());
                let works = &mut works[..connections];
                let turns = (*pace * time.as_secs_f64() * 1.5) as usize;
                let turns = turns.max(FIRST_STOCK);
                try_join_all(works.iter_mut().map(|it| it.stock(turns))).await?;
                try_join_all(works.iter_mut().map(|it| it.begin())).await?;
                let round = drive(works, time, || watched.used()).await?;
                *pace = round.rate / connections as f64;
                Ok(round)
            }
            Kind::Signing(signatures, threads) => {
                let signing = signatures.measure(*threads, time)?;
                let took = *threads as f64 * 1e6 / signing.rate;
                Ok(Round {
                    rate: signing.rate,
                    p50: took,
                    p99: took,
                    service: signing.cpu,
                    database: 0.0,
                    driver: 0.0,
                })
            }
            Kind::SystemOpenssl(processes) => {
                let (rate, _) = system_openssl(1, *processes)?;
                let took = *processes as f64 * 1e6 / rate;
                Ok(Round {
                    rate,
                    p50: took,
                    p99: took,
                    service: took / 1000.0,
                    database: 0.0,
                    driver: 0.0,
                })
            }
        }
    }
}

/// What is measured together.
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) subjects: Vec<Subject>,
    /// How many shares of each service's population are taken.
    shares: HashMap<u32, u32>,
}

impl Scene {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            subjects: Vec::new(),
            shares: HashMap::new(),
        }
    }

    /// What the connections of the next subject have of a service's authorizations.
    fn shares(&mut self, service: &Service) -> impl Iterator<Item = Share> + use<> {
        let taken = self.shares.entry(service.process.id()).or_default();
        let (subject, population) = (*taken, service.population);
        *taken += 1;
        (0..MOST as u32).map(move |connection| Share::of(population, subject, connection))
    }

    /// A path of the service; where the algorithm matters, for clients with that one.
    pub(crate) async fn add_path(
        &mut self,
        name: impl Into<String>,
        way: Path,
        service: &Service,
        watched: Watched,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<()> {
        let mut works: Vec<Box<dyn Work>> = Vec::new();
        for share in self.shares(service) {
            let mint = service.mint.clone();
            let visitor = Visitor::new(way, service.address, mint, share, algorithm);
            works.push(Box::new(visitor));
        }
        self.subjects
            .push(Subject::going_round(name, works, watched));
        Ok(())
    }

    /// A statement, bare.
    pub(crate) async fn add_statement(
        &mut self,
        which: Statement,
        service: &Service,
        watched: Watched,
    ) -> Result<()> {
        let mut works: Vec<Box<dyn Work>> = Vec::new();
        let url = service.place.url();
        for share in self.shares(service) {
            works.push(Box::new(Bare::new(which, &url, share).await?));
        }
        self.subjects
            .push(Subject::going_round(which.name(), works, watched));
        Ok(())
    }

    /// What is measured of the peer.
    pub(crate) async fn add_peer(&mut self, peer: &Peer, database: Option<u32>) -> Result<()> {
        let watched = Watched {
            service: Some(peer.process.id()),
            database,
        };
        for way in Way::ALL {
            let mut works: Vec<Box<dyn Work>> = Vec::new();
            for _ in 0..MOST {
                works.push(Box::new(peer.visitor(way).await?));
            }
            let name = way.name();
            self.subjects
                .push(Subject::going_round(name, works, watched));
        }
        Ok(())
    }

    /// Single durable commits to a file.
    pub(crate) fn add_commits(&mut self) -> Result<()> {
        let works: Vec<Box<dyn Work>> = vec![Box::new(DurableCommits::new()?)];
        let nobody = Watched::default();
        self.subjects
            .push(Subject::going_round(COMMITS, works, nobody));
        Ok(())
    }

    /// Signatures with the library that the service is linked with, on one core and on two.
    pub(crate) fn add_signatures(&mut self, scheme: Scheme) -> Result<()> {
        for threads in [1, 2] {
            self.subjects.push(Subject {
                name: signatures(scheme, threads),
                kind: Kind::Signing(Signatures::new(scheme)?, threads),
            });
        }
        Ok(())
    }

    /// RSA-3072 signatures with the system's own library, likewise.
    pub(crate) fn add_system_openssl(&mut self) {
        for threads in [1, 2] {
            self.subjects.push(Subject {
                name: system_signatures(threads),
                kind: Kind::SystemOpenssl(threads),
            });
        }
    }

    /// A static route of the same web server.
    pub(crate) async fn add_static(&mut self, server: &StaticServer) -> Result<()> {
        let mut works: Vec<Box<dyn Work>> = Vec::new();
        for _ in 0..MOST {
            works.push(Box::new(StaticVisitor::new(server.address)));
        }
        let watched = Watched {
            service: Some(server.process.id()),
            database: None,
        };
        self.subjects
            .push(Subject::going_round("static route", works, watched));
        Ok(())
    }

    /// Measures each with so many connections: a round of each that does not count, then the rounds
    /// in turn.
    pub(crate) async fn measure(
        &mut self,
        connections: usize,
        pace: Pace,
        results: &mut Results,
    ) -> Result<()> {
        let mut rounds: Vec<Vec<Round>> = self.subjects.iter().map(|_| Vec::new()).collect();
        for turn in 0..=pace.rounds {
            for (subject, rounds) in self.subjects.iter_mut().zip(&mut rounds) {
                progress(&format!(
                    "{}, {connections} connections, round {turn} of {}: {}",
                    self.name, pace.rounds, subject.name
                ));
                let round = subject.round(connections, pace.time).await?;
                if turn > 0 {
                    rounds.push(round);
                }
            }
        }
        progress("");
        for (subject, rounds) in self.subjects.iter().zip(rounds) {
            results.series.push(Series {
                scene: self.name.clone(),
                subject: subject.name.clone(),
                connections,
                rounds,
            });
        }
        Ok(())
    }
}

/// A static route, served by a process of its own.
pub(crate) struct StaticServer {
    process: Process,
    address: std::net::SocketAddr,
    _folder: TempDir,
}

impl StaticServer {
    pub(crate) async fn start() -> Result<Self> {
        let (address, folder) = (free_address()?, TempDir::new()?);
        let mut command = Command::new(env::current_exe()?);
        command.args(["static-server", &address.to_string()]);
        let (process, _) = Process::start(&mut command, folder.path(), address, "/").await?;
        Ok(Self {
            process,
            address,
            _folder: folder,
        })
    }
}

/// The process that the PostgreSQL server began with.
pub(crate) async fn server_process(url: &str) -> Result<u32> {
    let client = statements::connect(url).await?;
    let own: i32 = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await?
        .get(0);
    os::parent(u32::try_from(own)?)
}

/// Whether there is such a file, for an error that says so.
pub(crate) fn size(program: &FilePath) -> Result<u64> {
    Ok(program.metadata()?.len())
}
