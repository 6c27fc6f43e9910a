//! PgBouncer before PostgreSQL.

use std::{
    fs::{self, Permissions},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use alias_storage_postgres::testing::TestDatabase;
use tempfile::TempDir;

use crate::sandbox::{MASTER_KEY, Sandbox, free_address};

/// However slow the machine is, nothing takes as long.
const HANGS: Duration = Duration::from_secs(60);

/// PgBouncer on a port of its own, killed when dropped.
struct Pooler {
    child: Child,
    address: String,
    database: TestDatabase,
    _folder: TempDir,
}

impl Pooler {
    /// With these lines of its configuration.
    fn start(settings: &str) -> Self {
        let database = TestDatabase::migrated();
        let folder = TempDir::new().expect("a folder");
        let (address, path) = (free_address(), folder.path());
        let (host, port) = address.rsplit_once(':').expect("a port");
        let url = database.url();
        let (_, server) = url.split_once('@').expect("a user");
        let (server, _) = server.split_once('/').expect("a database");
        let (server, server_port) = server.rsplit_once(':').expect("a port");
        let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("a file");
        write("users", "\"alias\" \"\"\n");
        write(
            "pgbouncer.ini",
            &format!(
                "[databases]\n* = host={server} port={server_port}\n[pgbouncer]\n\
                listen_addr = {host}\nlisten_port = {port}\nunix_socket_dir =\n\
                auth_type = trust\nauth_file = {users}\n{settings}\n",
                users = path.join("users").display(),
            ),
        );
        let child = command(path).spawn().unwrap_or_else(|error| {
            panic!(
                "PgBouncer does not run ({error}); .ci/test installs it: apt-get install pgbouncer"
            )
        });
        let pooler = Self {
            child,
            address,
            database,
            _folder: folder,
        };
        let began = Instant::now();
        while TcpStream::connect(&pooler.address).is_err() {
            assert!(began.elapsed() < HANGS, "it does not listen");
        }
        pooler
    }

    /// The program, whose way to the database leads through it.
    fn sandbox(&self) -> Sandbox {
        let url = self.database.url();
        let (_, name) = url.rsplit_once('/').expect("a database");
        let mut sandbox = Sandbox::embedded();
        sandbox
            .set(
                "ALIAS_DATABASE__URL",
                &format!("postgres://alias@{}/{name}", self.address),
            )
            .set("ALIAS_KEYS__MASTER", MASTER_KEY)
            .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
            .set("ALIAS_HTTP__DRAIN_DELAY", "0s");
        sandbox
    }

    /// What every command says that needs the database.
    #[track_caller]
    fn refused(&self) -> String {
        let sandbox = self.sandbox();
        let refused = sandbox.run(&["client", "list"]).refused();
        assert_eq!(sandbox.run(&["migrate"]).refused(), refused);
        // Its log may tell more, before its last word.
        let served = sandbox.run(&["serve"]);
        assert_eq!(served.status, Some(1));
        let last = served.err.lines().last();
        assert_eq!(last, Some(format!("aliasd: {refused}").as_str()));
        refused
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It does not run as root, who may make it another's.
fn command(folder: &Path) -> Command {
    let debian = "/usr/sbin/pgbouncer";
    let mut command = Command::new(match Path::new(debian).exists() {
        true => debian,
        false => "pgbouncer",
    });
    if folder.metadata().expect("a folder").uid() == 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("it is ours");
        command.args(["--user", "postgres"]);
    }
    command
        .arg(folder.join("pgbouncer.ini"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_pooler_that_shares_its_connections_is_refused_with_the_remedy() {
    for mode in ["transaction", "statement"] {
        let settings = format!("pool_mode = {mode}\nignore_startup_parameters = options");
        let refused = Pooler::start(&settings).refused();
        assert!(refused.starts_with("database.url: 127.0.0.1:"), "{refused}");
        assert!(refused.contains("is a pooler"), "{refused}");
        assert!(refused.contains("set pool_mode = session"), "{refused}");
    }
}

/// However few connections to the server it has, and in whichever order it hands them out.
#[test]
fn a_pooler_that_shares_is_known_in_whatever_way_it_does() {
    for settings in [
        "default_pool_size = 1",
        "server_round_robin = 1\nmin_pool_size = 5",
        "default_pool_size = 20",
    ] {
        let shared = "pool_mode = transaction\nignore_startup_parameters = options";
        let sandboxed = Pooler::start(&format!("{shared}\n{settings}"));
        let refused = sandboxed.sandbox().run(&["client", "list"]).refused();
        assert!(refused.contains("set pool_mode = session"), "{refused}");
    }
}

#[test]
fn a_pooler_that_refuses_what_a_node_asks_for_is_named_with_the_remedy() {
    let refused = Pooler::start("pool_mode = session").refused();
    assert!(refused.contains("options"), "{refused}");
    let remedy = "ignore_startup_parameters = options";
    assert!(refused.contains(remedy), "{refused}");
}

#[test]
fn a_pooler_in_session_mode_is_worked_with() {
    let settings = "pool_mode = session\nignore_startup_parameters = options";
    let pooler = Pooler::start(settings);
    let sandbox = pooler.sandbox();
    sandbox.run(&["migrate"]).succeeded();
    let redirect = "https://example.com/callback";
    let arguments = [
        "client",
        "create",
        "--name",
        "Example",
        "--redirect-uri",
        redirect,
    ];
    let client = sandbox.json(&arguments);
    let (service, _) = sandbox.start(&["serve"]);
    let listed = sandbox.json(&["client", "list"]);
    assert_eq!(listed[0]["client_id"], client["client_id"]);
    assert_eq!(service.stop().status, Some(0));
}
