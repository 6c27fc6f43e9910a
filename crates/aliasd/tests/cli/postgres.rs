//! What an operator is told when PostgreSQL is not as it must be: one line that names the setting.

use std::time::{Duration, Instant};

use alias_storage_postgres::testing::TestDatabase;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    authority::Authority,
    sandbox::{MASTER_KEY, Ran, Sandbox},
};

/// What `serve` and every other command say of a database URL.
#[track_caller]
fn refused(url: &str) -> String {
    let mut sandbox = Sandbox::embedded();
    sandbox
        .set("ALIAS_DATABASE__URL", url)
        .set("ALIAS_KEYS__MASTER", MASTER_KEY);
    let refused = sandbox.run(&["client", "list"]).refused();
    assert!(!refused.contains("hunter2"), "{refused}");
    refused
}

#[test]
fn a_malformed_url_is_refused_with_its_setting() {
    let refused = refused("postgres://alias:hunter2@db:port/alias");
    assert!(
        refused.starts_with("database.url (ALIAS_DATABASE__URL): postgres://USER"),
        "{refused}"
    );
}

#[test]
fn a_wrong_user_or_password_is_said() {
    let database = TestDatabase::migrated();
    let refused = refused(&database.url().replace("alias@", "stranger:hunter2@"));
    assert!(
        refused.starts_with("database.url: the server at 127.0.0.1:"),
        "{refused}"
    );
    assert!(
        refused.ends_with("refuses user stranger or the password"),
        "{refused}"
    );
}

#[test]
fn a_database_that_is_not_there_is_named_with_the_remedy() {
    let database = TestDatabase::migrated();
    let refused = refused(&format!("{}_not", database.url()));
    assert!(
        refused.starts_with("database.url: the server at "),
        "{refused}"
    );
    assert!(
        refused.contains("make it with `createdb alias_test_"),
        "{refused}"
    );
}

#[test]
fn a_schema_that_is_behind_is_said_with_the_remedy() {
    let sandbox = Sandbox::postgres(TestDatabase::empty());
    let refused = sandbox.run(&["user", "list"]).refused();
    let behind = "database.url: the database is behind this version (it lacks V1__grant";
    assert!(refused.starts_with(behind), "{refused}");
    assert!(refused.ends_with("): run `aliasd migrate`"), "{refused}");
}

#[test]
fn a_command_does_not_wait_for_a_server_that_is_away() {
    let refused = refused("postgres://alias:hunter2@127.0.0.1:1/alias");
    assert!(
        refused.starts_with("database.url: the server at 127.0.0.1:1 cannot be reached: "),
        "{refused}"
    );
}

#[test]
fn a_number_of_connections_that_cannot_be_is_refused() {
    for number in ["0", "-1", "1001", "many"] {
        let mut sandbox = Sandbox::embedded();
        sandbox.set("ALIAS_DATABASE__CONNECTIONS", number);
        let refused = sandbox.run(&["config"]).failed();
        assert!(
            refused.starts_with("database.connections (ALIAS_DATABASE__CONNECTIONS): a number"),
            "{refused}"
        );
    }
}

#[test]
fn a_password_may_stand_in_a_file_of_its_own() {
    let mut sandbox = Sandbox::postgres(TestDatabase::migrated());
    let file = sandbox.write("password", "hunter2\n");
    let file = file.to_str().expect("UTF-8");
    sandbox.set("ALIAS_DATABASE__PASSWORD_FILE", file);
    assert_eq!(sandbox.json(&["user", "list"]), serde_json::json!([]));
    let shown = sandbox.json(&["config"]);
    assert_eq!(shown["database.password_file"]["value"], file);
}

#[test]
fn a_password_file_that_is_of_no_use_is_refused() {
    let with = |url: &str, file: &str| {
        let mut sandbox = Sandbox::embedded();
        sandbox.write("empty", "\n");
        sandbox
            .set("ALIAS_DATABASE__URL", url)
            .set("ALIAS_DATABASE__PASSWORD_FILE", file);
        let refused = sandbox.run(&["client", "list"]).refused();
        assert!(!refused.contains("hunter2"), "{refused}");
        refused
    };
    let refused = with("postgres://alias@127.0.0.1:1/alias", "none");
    let named = "database.password_file none: ";
    assert!(refused.starts_with(named), "{refused}");
    assert_eq!(
        with("postgres://alias@127.0.0.1:1/alias", "empty"),
        "database.password_file empty: it is empty"
    );
    assert_eq!(
        with("postgres://alias:hunter2@127.0.0.1:1/alias", "empty"),
        "database.url has a password and database.password_file is set; keep one"
    );
    assert_eq!(
        with("sqlite:.alias/alias.db", "empty"),
        "database.password_file (ALIAS_DATABASE__PASSWORD_FILE): database.url names a file, which \
         has no password"
    );
}

#[test]
fn config_shows_the_database_without_its_password() {
    let mut sandbox = Sandbox::embedded();
    sandbox.set("ALIAS_DATABASE__URL", "postgres://alias:hunter2@db/alias");
    let shown = sandbox.run(&["config"]).succeeded().out;
    assert!(
        shown.contains("postgres://alias:********@db/alias"),
        "{shown}"
    );
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// The test server with a certificate, until this is dropped.
struct Encrypting<'a>(&'a TestDatabase);

impl<'a> Encrypting<'a> {
    /// `database` is any on the server.
    fn begin(database: &'a TestDatabase, authority: &Authority) -> Self {
        let signed = authority.sign("localhost");
        for (name, pem) in [
            ("server.crt", signed.certificate),
            ("server.key", signed.key),
        ] {
            let pem = STANDARD.encode(pem);
            database.execute(&format!(
                "COPY (SELECT '{pem}') TO PROGRAM 'umask 077; base64 --decode >{name}'"
            ));
        }
        let encrypting = Self(database);
        encrypting.switch("on");
        encrypting
    }

    fn switch(&self, state: &str) {
        self.0.execute(&format!("ALTER SYSTEM SET ssl = {state}"));
        self.0.execute("SELECT pg_reload_conf()");
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.0.ask("SHOW ssl").as_deref() != Some(state) {
            assert!(Instant::now() < deadline, "the server does not take it up");
        }
    }
}

impl Drop for Encrypting<'_> {
    fn drop(&mut self) {
        self.switch("off");
    }
}

/// One after the other, for they are about one server.
#[test]
fn a_server_must_encrypt_and_prove_its_name_where_that_is_asked_for() {
    let (database, authority) = (TestDatabase::migrated(), Authority::new());
    let list = |host: &str, roots: Option<&str>| -> Ran {
        let mut sandbox = Sandbox::embedded();
        let url = database.url().replace("127.0.0.1", host);
        sandbox.set("ALIAS_DATABASE__URL", &format!("{url}?sslmode=require"));
        if let Some(roots) = roots {
            let roots = sandbox.write("ca.pem", roots);
            sandbox.set("SSL_CERT_FILE", &roots.to_string_lossy());
        }
        sandbox.run(&["client", "list", "--json"])
    };
    let refused = list("localhost", Some(&authority.pem())).refused();
    assert!(refused.contains("does not support TLS"), "{refused}");

    let _encrypting = Encrypting::begin(&database, &authority);
    assert_eq!(
        list("localhost", Some(&authority.pem()))
            .succeeded()
            .out
            .trim(),
        "[]"
    );
    for (host, roots) in [
        ("localhost", None),
        ("localhost", Some(Authority::new().pem())),
        ("127.0.0.1", Some(authority.pem())),
    ] {
        let refused = list(host, roots.as_deref()).refused();
        assert!(
            refused.starts_with("database.url: no encrypted connection to"),
            "{refused}"
        );
        assert!(refused.contains("certificate verify failed"), "{refused}");
        assert!(refused.contains("sslmode=disable"), "{refused}");
    }
}
