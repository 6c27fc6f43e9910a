//! What `aliasd import` prints, and what it refuses. The tests of the grant show that everything
//! goes on afterwards.

use alias_storage_postgres::testing::TestDatabase;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    clients::URI,
    sandbox::{MASTER_KEY, Sandbox},
};

const FROM: [&str; 3] = ["import", "--from", "sqlite:.alias/alias.db"];

/// A folder with an embedded database, and an empty one on PostgreSQL.
struct Move {
    sandbox: Sandbox,
    target: TestDatabase,
}

impl Move {
    /// With a client in the embedded database.
    fn begun() -> Self {
        let (mut sandbox, target) = (Sandbox::embedded(), TestDatabase::empty());
        sandbox.run(&["migrate"]).succeeded();
        let create = ["client", "create", "--name", "Fieldnotes", "--redirect-uri"];
        let create = [&create[..], &[URI]].concat();
        sandbox.run(&create).succeeded();
        sandbox.set("ALIAS_DATABASE__URL", &target.url());
        Self { sandbox, target }
    }

    fn url(&self) -> String {
        self.target.url().replace("alias@", "")
    }

    fn tables(&self) -> Option<String> {
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        self.target.ask(tables)
    }

    /// The embedded database, changed by another program.
    fn tampered(self, statements: &str) -> Self {
        let file = self.sandbox.path().join(".alias/alias.db");
        let file = Connection::open(file).expect("a database");
        file.execute_batch(statements).expect("sound statements");
        self
    }
}

#[test]
fn one_command_makes_the_schema_and_takes_everything_in() {
    let begun = Move::begun();
    let imported = begun.sandbox.json(&FROM);
    assert_eq!(imported["from"], "sqlite:.alias/alias.db");
    assert_eq!(imported["database"], begun.url());
    assert_ne!(imported["applied"], json!([]));
    let counts = &imported["imported"];
    let keys: Vec<&String> = counts.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 9);
    assert_eq!(counts["clients"], 1);
    assert_eq!(counts["users"], 0);
    let clients = begun.sandbox.json(&["client", "list"]);
    assert_eq!(clients[0]["name"], "Fieldnotes");
}

#[test]
fn people_are_told_how_many_of_each_kind_there_are_and_what_comes_next() {
    let begun = Move::begun();
    begun.sandbox.run(&["migrate"]).succeeded();
    let ran = begun.sandbox.run(&FROM).succeeded();
    let first = format!("sqlite:.alias/alias.db was imported into {}\n", begun.url());
    assert!(ran.out.starts_with(&first), "{}", ran.out);
    assert!(ran.out.contains("clients         1\n"), "{}", ran.out);
    assert!(
        ran.out.ends_with("with the same master key.\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.err, "", "it was quick");
}

#[test]
fn a_database_that_holds_something_is_left_alone() {
    let begun = Move::begun();
    begun.sandbox.run(&FROM).succeeded();
    let before = begun.target.dump();
    let said = format!(
        "database.url {}: it holds keys, clients or users already; nothing was changed",
        begun.url()
    );
    assert_eq!(begun.sandbox.run(&FROM).refused(), said);
    assert_eq!(begun.target.dump(), before);
}

#[test]
fn a_row_that_makes_no_sense_is_named_and_then_it_can_be_tried_again() {
    let begun = Move::begun().tampered("UPDATE clients SET kind = 'odd'");
    let refused = begun.sandbox.run(&FROM).refused();
    let (before, after) = refused.split_once("clients row ").expect("a row");
    assert_eq!(before, "--from sqlite:.alias/alias.db: ");
    let makes_no_sense = " makes no sense: kind; nothing was imported";
    assert!(after.ends_with(makes_no_sense), "{refused}");
    assert_eq!(begun.sandbox.json(&["client", "list"]), json!([]));
    let mended = begun.tampered("UPDATE clients SET kind = 'confidential'");
    assert_eq!(mended.sandbox.json(&FROM)["imported"]["clients"], 1);
}

#[test]
fn a_service_that_runs_is_noticed_and_nothing_is_changed() {
    let mut begun = Move::begun();
    begun
        .sandbox
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", "0s")
        .set("ALIAS_DATABASE__URL", "sqlite:.alias/alias.db");
    let (running, _) = begun.sandbox.start(&["serve"]);
    let url = begun.target.url();
    begun.sandbox.set("ALIAS_DATABASE__URL", &url);
    assert_eq!(
        begun.sandbox.run(&FROM).refused(),
        "--from sqlite:.alias/alias.db: it is in use: stop the service that runs on it first"
    );
    assert_eq!(begun.tables().as_deref(), Some("0"));
    running.stop().succeeded();
    let imported: Value = begun.sandbox.json(&FROM);
    assert_eq!(imported["imported"]["keys"], 4);
}

#[test]
fn what_cannot_be_imported_is_said_in_one_line_and_nothing_is_changed() {
    let begun = Move::begun();
    let from = |source: &str| begun.sandbox.run(&["import", "--from", source]).refused();
    assert_eq!(
        from("sqlite:none.db"),
        "--from sqlite:none.db: there is no such file"
    );
    assert!(!begun.sandbox.path().join("none.db").exists());
    begun.sandbox.write("old.db", "");
    let refused = from("sqlite:old.db");
    let behind = "--from sqlite:old.db: the database is behind this version (it lacks V1__grant";
    assert!(refused.starts_with(behind), "{refused}");
    let remedy = "run `ALIAS_DATABASE__URL=sqlite:old.db aliasd migrate` first";
    assert!(refused.ends_with(remedy), "{refused}");
    begun
        .sandbox
        .write("diary.db", &"Dear diary, ".repeat(1000));
    let refused = from("sqlite:diary.db");
    assert_eq!(
        refused,
        "--from sqlite:diary.db: diary.db is no SQLite database"
    );
    assert_eq!(begun.tables().as_deref(), Some("0"));
}

#[test]
fn the_target_is_postgres_and_the_source_is_not() {
    let mut begun = Move::begun();
    let postgres = begun.target.url();
    for source in [&postgres, "alias.db"] {
        let ran = begun.sandbox.run(&["import", "--from", source]);
        assert_eq!(ran.status, Some(2), "{}", ran.err);
    }
    begun
        .sandbox
        .set("ALIAS_DATABASE__URL", "sqlite:.alias/alias.db");
    assert_eq!(
        begun.sandbox.run(&FROM).refused(),
        "database.url is sqlite:.alias/alias.db: import goes into PostgreSQL, so set it to postgres://…"
    );
}

#[test]
fn a_target_of_another_version_is_left_alone() {
    let begun = Move::begun();
    begun.sandbox.run(&["migrate"]).succeeded();
    let later = "INSERT INTO refinery_schema_history 
        VALUES (999, 'later', '2030-01-01T00:00:00Z', '1')";
    begun.target.execute(later);
    let refused = begun.sandbox.run(&FROM).refused();
    assert!(refused.contains("is ahead of this version"), "{refused}");
    let away = begun
        .sandbox
        .command(&FROM)
        .env("ALIAS_DATABASE__URL", "postgres://a@127.0.0.1:1/a")
        .output();
    let refused = crate::sandbox::Ran::from(away.expect("aliasd runs")).refused();
    assert!(refused.contains("cannot be reached"), "{refused}");
}

#[test]
fn a_copy_without_its_log_is_refused_and_not_taken_for_an_empty_database() {
    let begun = Move::begun();
    let (folder, store) = (
        begun.sandbox.path(),
        begun.sandbox.path().join(".alias/alias.db"),
    );
    let open = Connection::open(&store).expect("a database");
    let log: String = open
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .expect("a log");
    assert_eq!(log, "wal");
    open.execute_batch("DELETE FROM clients").expect("written");
    std::fs::copy(store, folder.join("copy.db")).expect("a copy");
    let refused = begun.sandbox.run(&["import", "--from", "sqlite:copy.db"]);
    let refused = refused.refused();
    assert!(
        refused.starts_with("--from sqlite:copy.db: copy.db-wal is missing"),
        "{refused}"
    );
    assert_eq!(begun.tables().as_deref(), Some("0"));
}
