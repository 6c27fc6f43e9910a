//! A peer: npm's oidc-provider on PostgreSQL, driven by the same client in the same run.

use std::{collections::BTreeMap, env, fs, net::SocketAddr, path::PathBuf, process::Command};

use alias_storage_postgres::testing::TestDatabase;
use anyhow::{Context, Result};
use async_trait::async_trait;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hyper::header::{LOCATION, SET_COOKIE};
use openssl::{bn::BigNumRef, rsa::Rsa};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    drive::Work,
    http::{Answer, Ask, Connection},
    service::{Process, free_address},
};

/// Where the peer's program and its packages are. The benchmark's script installs them.
const PEER: &str = "ALIAS_BENCH_PEER";

/// The Node.js that runs it.
const NODE: &str = "ALIAS_BENCH_NODE";

const CLIENT_ID: &str = "benchmark";
const CLIENT_SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const REDIRECT_URI: &str = "https://example.com/callback";

/// A running peer.
pub(crate) struct Peer {
    pub(crate) process: Process,
    address: SocketAddr,
    _folder: TempDir,
    _database: TestDatabase,
}

impl Peer {
    /// Starts it on an empty database of the same server, with an RSA key of 2048 bits.
    pub(crate) async fn start() -> Result<Self> {
        let missing =
            |name| format!("{name} is not set: `just bench` installs the peer and sets it");
        let program = PathBuf::from(env::var_os(PEER).with_context(|| missing(PEER))?);
        let node = env::var_os(NODE).with_context(|| missing(NODE))?;
        let (address, folder) = (free_address()?, TempDir::new()?);
        let database = TestDatabase::empty();
        let key = folder.path().join("key.json");
        fs::write(&key, signing_key()?.to_string())?;
        let mut command = Command::new(node);
        command
            .arg(program.join("server.mjs"))
            .current_dir(&program)
            .env("PEER_PORT", address.port().to_string())
            .env("PEER_DATABASE", database.url())
            .env("PEER_KEY", key)
            .env("PEER_CLIENT_ID", CLIENT_ID)
            .env("PEER_CLIENT_SECRET", CLIENT_SECRET)
            .env("PEER_REDIRECT_URI", REDIRECT_URI);
        let ready = "/.well-known/openid-configuration";
        let (process, _) = Process::start(&mut command, folder.path(), address, ready).await?;
        Ok(Self {
            process,
            address,
            _folder: folder,
            _database: database,
        })
    }

    /// One connection, whose user has signed in and agreed.
    pub(crate) async fn visitor(&self, way: Way) -> Result<PeerVisitor> {
        let mut connection = Connection::to(self.address);
        connection.reopen().await?;
        let cookies = sign_in(&mut connection).await?;
        let mut visitor = PeerVisitor {
            way,
            connection,
            cookies,
            refresh_token: String::new(),
        };
        visitor.refresh_token = text(&visitor.flow().await?, "refresh_token")?;
        Ok(visitor)
    }
}

/// RFC 7518 6.3.
fn signing_key() -> Result<Value> {
    let key = Rsa::generate(2048)?;
    let encoded = |number: &BigNumRef| URL_SAFE_NO_PAD.encode(number.to_vec());
    let private = |number: Option<&BigNumRef>| number.map(encoded).context("a whole key");
    Ok(json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
        "n": encoded(key.n()), "e": encoded(key.e()), "d": encoded(key.d()),
        "p": private(key.p())?, "q": private(key.q())?,
        "dp": private(key.dmp1())?, "dq": private(key.dmq1())?, "qi": private(key.iqmp())?,
    }))
}

fn authorize() -> String {
    format!(
        "/auth?response_type=code&client_id={CLIENT_ID}&redirect_uri={REDIRECT_URI}\
         &scope=openid%20offline_access&state=af0ifjsldkj&nonce=n-0S6_WzA2Mj"
    )
}

fn text(answer: &Value, name: &str) -> Result<String> {
    let found = answer[name].as_str();
    Ok(found
        .with_context(|| format!("the peer gave no {name}"))?
        .to_owned())
}

/// Goes from page to page with the cookies that it is given, and returns them once it is at home.
async fn sign_in(connection: &mut Connection) -> Result<String> {
    let (mut jar, mut path) = (BTreeMap::new(), authorize());
    loop {
        let cookie = header(&jar);
        let ask = Ask {
            path: &path,
            cookie: &cookie,
            ..Ask::default()
        };
        let answer = connection.expect(303, ask).await?;
        keep_cookies(&mut jar, &answer);
        let location = answer
            .headers
            .get(LOCATION)
            .context("no redirect")?
            .to_str()?;
        if location.starts_with(REDIRECT_URI) {
            return Ok(header(&jar));
        }
        let after_host = location
            .splitn(4, '/')
            .nth(3)
            .filter(|_| location.contains("://"));
        path = after_host.map_or_else(|| location.to_owned(), |it| format!("/{it}"));
    }
}

fn keep_cookies(jar: &mut BTreeMap<String, String>, answer: &Answer) {
    for cookie in answer.headers.get_all(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap_or_default();
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            jar.insert(name.to_owned(), value.to_owned());
        }
    }
}

fn header(jar: &BTreeMap<String, String>) -> String {
    let pairs = jar.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("; ")
}

/// What is measured of the peer.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Flow,
    Refresh,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Flow, Self::Refresh];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Flow => "oidc-provider: flow RSA-2048",
            Self::Refresh => "oidc-provider: refresh",
        }
    }
}

/// A connection to the peer, with a session of its own.
pub(crate) struct PeerVisitor {
    way: Way,
    connection: Connection,
    cookies: String,
    refresh_token: String,
}

impl PeerVisitor {
    async fn flow(&mut self) -> Result<Value> {
        let path = authorize();
        let ask = Ask {
            path: &path,
            cookie: &self.cookies,
            ..Ask::default()
        };
        let code = self
            .connection
            .expect(303, ask)
            .await?
            .redirected_with("code")?;
        self.tokens(format!(
            "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT_URI}"
        ))
        .await
    }

    async fn tokens(&mut self, form: String) -> Result<Value> {
        let basic = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let ask = Ask {
            path: "/token",
            authorization: &format!("Basic {basic}"),
            form: Some(form),
            ..Ask::default()
        };
        let answer = self.connection.expect(200, ask).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

#[async_trait(?Send)]
impl Work for PeerVisitor {
    async fn begin(&mut self) -> Result<()> {
        self.connection.reopen().await
    }

    async fn turn(&mut self) -> Result<bool> {
        match self.way {
            Way::Flow => {
                self.flow().await?;
            }
            Way::Refresh => {
                let form = format!(
                    "grant_type=refresh_token&refresh_token={}",
                    self.refresh_token
                );
                self.refresh_token = text(&self.tokens(form).await?, "refresh_token")?;
            }
        }
        Ok(true)
    }
}
