//! Relying parties: a small program for each package, which runs in a folder of its own.

use std::{
    fs,
    io::Read,
    os::unix::{
        fs::{MetadataExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::rand::rand_bytes;
use tempfile::TempDir;

use crate::running::free_port;

/// Who owns nothing, and may do nothing.
const NOBODY: u32 = 65_534;

/// What Apache says of a variable of its configuration that nobody set, and goes on with the name.
const UNDEFINED: &str = "AH00111";

/// A package, and the relying party that stands on it.
pub(crate) struct Package {
    /// Of its folder here, and of its page in the docs.
    pub(crate) name: &'static str,
    /// Where it comes from, as its page says it.
    pub(crate) registry: &'static str,
    /// What stands before its version where that is locked.
    pub(crate) locked: &'static str,
    /// What the relying party consists of, the program first.
    pub(crate) files: &'static [&'static str],
    runs: fn(&Path) -> Command,
    /// What it says once it listens.
    listens: &'static str,
}

impl Package {
    pub(crate) const ALL: &[Self] = &[
        Self {
            name: "auth-core",
            registry: "npm",
            locked: "\"@auth/core\": \"",
            files: &["auth-core/party.mjs"],
            ..Self::ON_NODE
        },
        Self {
            name: "authlib",
            registry: "PyPI",
            locked: "authlib==",
            files: &["authlib/party.py"],
            ..Self::ON_PYTHON
        },
        Self {
            name: "idpyoidc",
            registry: "PyPI",
            locked: "idpyoidc==",
            files: &["idpyoidc/party.py"],
            ..Self::ON_PYTHON
        },
        Self {
            name: "mod_auth_openidc",
            registry: "Debian",
            locked: "",
            files: &[
                "mod_auth_openidc/httpd.conf",
                "mod_auth_openidc/index.html",
                "mod_auth_openidc/notes.html",
            ],
            runs: apache,
            listens: "resuming normal operations",
        },
        Self {
            name: "oauth4webapi",
            registry: "npm",
            locked: "\"oauth4webapi\": \"",
            files: &["oauth4webapi/party.mjs"],
            ..Self::ON_NODE
        },
        Self {
            name: "oidc-client-ts",
            registry: "npm",
            locked: "\"oidc-client-ts\": \"",
            files: &["oidc-client-ts/party.mjs", "oidc-client-ts/app.mjs"],
            ..Self::ON_NODE
        },
        Self {
            name: "openid-client",
            registry: "npm",
            locked: "\"openid-client\": \"",
            files: &["openid-client/party.mjs"],
            ..Self::ON_NODE
        },
        Self {
            name: "openidconnect",
            registry: "crates.io",
            locked: "name = \"openidconnect\"\nversion = \"",
            files: &["openidconnect/src/main.rs", "openidconnect/Cargo.toml"],
            runs: |_| Command::new(installed("openidconnect/debug/matrix-openidconnect")),
            ..Self::ON_NODE
        },
        Self {
            name: "passport-openidconnect",
            registry: "npm",
            locked: "\"passport-openidconnect\": \"",
            files: &["passport-openidconnect/party.mjs"],
            ..Self::ON_NODE
        },
    ];

    const ON_NODE: Self = Self {
        name: "",
        registry: "",
        locked: "",
        files: &[],
        runs: node,
        listens: "listening",
    };

    const ON_PYTHON: Self = Self {
        runs: python,
        ..Self::ON_NODE
    };

    pub(crate) fn named(name: &str) -> &'static Self {
        let found = Self::ALL.iter().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("no package {name}"))
    }
}

/// What a relying party must be told.
pub(crate) struct Registered<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) client_secret: &'a str,
    /// The authority that signed the issuer's certificate, in PEM.
    pub(crate) authority: &'a str,
    /// What else its environment has.
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// Where a relying party will be, once there is one.
pub(crate) struct Address(u16);

impl Address {
    pub(crate) fn free() -> Self {
        Self(free_port())
    }

    /// Another site than the issuer's, to a browser.
    pub(crate) fn base_url(&self) -> String {
        format!("http://localhost:{}", self.0)
    }
}

/// A running relying party, stopped when dropped.
pub(crate) struct Party {
    child: Child,
    folder: TempDir,
}

impl Party {
    /// Starts it, and waits until it listens.
    pub(crate) fn start(package: &Package, at: &Address, registered: &Registered<'_>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path();
        let authority = path.join("authority.pem");
        fs::write(&authority, registered.authority).expect("a file to write");
        for file in package.files {
            let name = Path::new(file).file_name().expect("a file");
            fs::copy(room(file), path.join(name)).expect("a copy");
        }
        let mut command = (package.runs)(path);
        command
            .current_dir(path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ISSUER", registered.issuer)
            .env("CLIENT_ID", registered.client_id)
            .env("CLIENT_SECRET", registered.client_secret)
            .env("BASE_URL", at.base_url())
            .env("PORT", at.0.to_string())
            // By each of these some of them are told whom to trust.
            .env("NODE_EXTRA_CA_CERTS", &authority)
            .env("REQUESTS_CA_BUNDLE", &authority)
            .env("CA_FILE", &authority)
            .env("PASSPHRASE", passphrase())
            .envs(registered.variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(path.join("log")).expect("a log"));
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{} runs: {error}", package.name));
        let mut party = Self { child, folder };
        let mut out = party.child.stdout.take().expect("its output");
        line_with(&mut out, package.listens);
        let defined = !party.log().contains(UNDEFINED);
        assert!(defined, "{}: a variable is not set", package.name);
        // Whatever else it says is read, or it would block on a full pipe.
        std::thread::spawn(move || std::io::copy(&mut out.by_ref(), &mut std::io::sink()));
        party
    }

    /// What it wrote to standard error so far.
    fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).expect("its log");
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Party {
    #[expect(clippy::print_stderr, reason = "it tells why a test failed")]
    fn drop(&mut self) {
        // Not a kill: Apache would leave its children behind.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the relying party said: {}", self.log());
        }
    }
}

/// What one of them encrypts its cookies with.
fn passphrase() -> String {
    let mut bytes = [0; 32];
    rand_bytes(&mut bytes).expect("random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A file of the relying parties.
pub(crate) fn room(file: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.join("tests/matrix").join(file)
}

/// What `.ci/matrix` installed.
fn installed(what: &str) -> PathBuf {
    let folder = std::env::var_os("ALIAS_TEST_MATRIX").expect(".ci/matrix runs this");
    Path::new(&folder).join(what)
}

fn node(folder: &Path) -> Command {
    symlink(installed("npm/node_modules"), folder.join("node_modules")).expect("a link");
    fs::copy(room("page.mjs"), folder.join("page.mjs")).expect("a copy");
    let mut command = Command::new("node");
    command.arg("party.mjs");
    command
}

fn python(folder: &Path) -> Command {
    fs::copy(room("page.py"), folder.join("page.py")).expect("a copy");
    let mut command = Command::new(installed("python/bin/python"));
    command.arg("party.py");
    command
}

/// Apache, in the folder alone and not as root.
fn apache(folder: &Path) -> Command {
    let site = folder.join("site");
    fs::create_dir_all(site.join("notes")).expect("a folder");
    for (page, place) in [
        ("index.html", "index.html"),
        ("notes.html", "notes/index.html"),
    ] {
        fs::rename(folder.join(page), site.join(place)).expect("a page");
    }
    let mut command = Command::new("/usr/sbin/apache2");
    command.args(["-D", "FOREGROUND", "-f", "httpd.conf", "-d"]);
    command.arg(folder);
    if fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0) {
        chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Reads a line that has a mark in it from a program that starts.
fn line_with(out: &mut impl Read, mark: &str) -> String {
    let started = Instant::now();
    let (mut text, mut byte) = (String::new(), [0; 1]);
    while started.elapsed() < Duration::from_secs(60) && out.read(&mut byte).is_ok_and(|it| it > 0)
    {
        text.push(char::from(byte[0]));
        if byte[0] == b'\n' && text.lines().last().is_some_and(|it| it.contains(mark)) {
            return text.lines().last().unwrap_or_default().to_owned();
        }
    }
    panic!("no line with {mark:?}: {text}");
}
