//! What the machine can do at best: sign, commit, answer a request.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use alias_domain::SigningAlgorithm;
use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use openssl::{
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    sign::Signer,
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{drive::Work, http, os};

/// What signs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Rsa(u32),
    Es256,
    EdDsa,
}

impl Scheme {
    pub(crate) const ALL: [Self; 4] = [Self::Rsa(3072), Self::Rsa(2048), Self::Es256, Self::EdDsa];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rsa(2048) => "RSA-2048",
            Self::Rsa(_) => "RSA-3072",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) const fn algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Rsa(_) => SigningAlgorithm::Rs256,
            Self::Es256 => SigningAlgorithm::Es256,
            Self::EdDsa => SigningAlgorithm::EdDsa,
        }
    }

    fn key(self) -> Result<PKey<Private>> {
        Ok(match self {
            Self::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits)?)?,
            Self::Es256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                PKey::from_ec_key(EcKey::generate(&group)?)?
            }
            Self::EdDsa => PKey::generate_ed25519()?,
        })
    }
}

/// What signing comes to with the library that the service is linked with.
#[derive(Clone, Copy)]
pub(crate) struct Signing {
    /// Signatures per second.
    pub(crate) rate: f64,
    /// Processor seconds for 1,000.
    pub(crate) cpu: f64,
}

/// A key that signs as often as it can.
pub(crate) struct Signatures {
    scheme: Scheme,
    key: PKey<Private>,
}

impl Signatures {
    pub(crate) fn new(scheme: Scheme) -> Result<Self> {
        let key = scheme.key()?;
        Ok(Self { scheme, key })
    }

    /// So many threads at once, for so long.
    pub(crate) fn measure(&self, threads: usize, time: Duration) -> Result<Signing> {
        let over = AtomicBool::new(false);
        let began = Instant::now();
        let counted = thread::scope(|scope| {
            let work = || -> Result<(u32, Duration)> {
                let (before, mut count) = (os::own_thread()?, 0);
                while !over.load(Ordering::Relaxed) {
                    self.sign()?;
                    count += 1;
                }
                Ok((count, os::own_thread()? - before))
            };
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            thread::sleep(time);
            over.store(true, Ordering::Relaxed);
            let joined = threads.into_iter().map(|it| it.join());
            let joined = joined.map(|it| it.map_err(|_| anyhow!("a thread panicked"))?);
            joined.collect::<Result<Vec<_>>>()
        })?;
        let count: u32 = counted.iter().map(|it| it.0).sum();
        let cpu: Duration = counted.iter().map(|it| it.1).sum();
        Ok(Signing {
            rate: f64::from(count) / began.elapsed().as_secs_f64(),
            cpu: cpu.as_secs_f64() * 1000.0 / f64::from(count),
        })
    }

    /// As long as the signing input of an ID token.
    fn sign(&self) -> Result<Vec<u8>> {
        const INPUT: [u8; 512] = [b'a'; 512];
        let mut signer = match self.scheme {
            Scheme::EdDsa => Signer::new_without_digest(&self.key)?,
            Scheme::Rsa(_) | Scheme::Es256 => Signer::new(MessageDigest::sha256(), &self.key)?,
        };
        Ok(signer.sign_oneshot_to_vec(&INPUT)?)
    }
}

/// Signatures per second of the system's own OpenSSL, by its own measure, and which one that is.
pub(crate) fn system_openssl(seconds: u64, processes: usize) -> Result<(f64, String)> {
    let openssl = Path::new("/usr/bin/openssl");
    let version = Command::new(openssl).arg("version").output();
    let version = version.context("openssl: the system's own is missing")?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let mut speed = Command::new(openssl);
    speed.args(["speed", "-mr", "-seconds", &seconds.to_string()]);
    if processes > 1 {
        speed.args(["-multi", &processes.to_string()]);
    }
    let said = speed.arg("rsa3072").output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // +F2:INDEX:BITS:SIGNATURES PER SECOND:…; those of several processes come added up, and last.
    let line = said.lines().rfind(|it| it.starts_with("+F2:"));
    let rate = line.and_then(|it| it.split(':').nth(3));
    Ok((
        rate.context("openssl speed")?
            .parse()
            .context("openssl speed")?,
        version,
    ))
}

/// A writer that commits one row after another to a file, each durably.
pub(crate) struct DurableCommits {
    connection: Connection,
    count: i64,
    _folder: TempDir,
}

impl DurableCommits {
    pub(crate) fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let connection = Connection::open(folder.path().join("commits.db"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute(
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, content TEXT)",
            [],
        )?;
        Ok(Self {
            connection,
            count: 0,
            _folder: folder,
        })
    }
}

#[async_trait(?Send)]
impl Work for DurableCommits {
    async fn turn(&mut self) -> Result<bool> {
        self.count += 1;
        let content = "a row of about the length of an authorization, which has its identifiers, \
             its scopes and channels, where it redirects to, and when it ends";
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO rows (id, content) VALUES (?1, ?2)")?;
        insert.execute((self.count, content))?;
        Ok(true)
    }
}

/// Serves a static route until the process ends, at an address that is printed nowhere.
pub(crate) async fn serve_static(address: SocketAddr) -> Result<()> {
    const BODY: &str = "{\"issuer\":\"http://localhost:8080\"}";
    let listener = TcpListener::bind(address)?;
    let app = || {
        let answer = || async {
            HttpResponse::Ok()
                .content_type("application/json")
                .body(BODY)
        };
        App::new().route("/", web::get().to(answer))
    };
    HttpServer::new(app).listen(listener)?.run().await?;
    Ok(())
}

/// One connection to the static route.
pub(crate) struct StaticVisitor(http::Connection);

impl StaticVisitor {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self(http::Connection::to(address))
    }
}

#[async_trait(?Send)]
impl Work for StaticVisitor {
    async fn begin(&mut self) -> Result<()> {
        self.0.reopen().await
    }

    async fn turn(&mut self) -> Result<bool> {
        let ask = http::Ask {
            path: "/",
            ..http::Ask::default()
        };
        self.0.expect(200, ask).await?;
        Ok(true)
    }
}
