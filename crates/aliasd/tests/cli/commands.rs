//! Usage, configuration and the database.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    clients::URI,
    sandbox::{MASTER_KEY, Ran, Sandbox, ready_to_serve},
};

// Usage.

#[test]
fn every_command_has_help_with_examples() {
    let sandbox = Sandbox::new();
    for command in [
        "dev",
        "serve",
        "migrate",
        "import",
        "config",
        "client create",
        "client list",
        "client show",
        "client update",
        "client rotate-secret",
        "client delete",
        "user create",
        "user list",
        "user show",
        "user update",
        "user reset-password",
        "user sessions",
        "user revoke",
        "user lock",
        "user unlock",
        "user delete",
        "key list",
        "key rotate",
        "key remove",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = sandbox.run(&words).succeeded().out;
        assert!(help.contains(&format!("Usage: aliasd {command}")), "{help}");
        assert!(help.contains("Example"), "{help}");
        assert!(
            help.contains("--config") && help.contains("--json"),
            "{help}"
        );
    }
}

#[test]
fn a_wrong_usage_ends_with_status_2() {
    let sandbox = Sandbox::migrated();
    for words in [
        &[][..],
        &["nonsense"],
        &["client"],
        &["client", "show"],
        &["client", "create", "--name", "Fieldnotes"],
        &[
            "client",
            "create",
            "--name",
            "F",
            "--redirect-uri",
            URI,
            "--channel",
            "tips",
        ],
        &[
            "client",
            "create",
            "--name",
            "F",
            "--redirect-uri",
            URI,
            "--auth-method",
            "none",
        ],
        &["client", "update", "bjOB6HV7cTKtxvfr2k2ucg"],
        &[
            "client",
            "rotate-secret",
            "bjOB6HV7cTKtxvfr2k2ucg",
            "--keep-old",
            "soon",
        ],
        &["user", "create", "--email", "fred@example.com"],
        &["user", "reset-password", "fred@example.com"],
        &["user", "update", "fred@example.com"],
        &["user", "revoke", "fred@example.com", "--scope", "email"],
        &["user", "revoke", "fred@example.com", "--channel", "tips"],
        &["key", "rotate", "--algorithm", "HS256"],
        &["key", "remove"],
        &["dev", "--demo-listen", "8081"],
        &["import"],
    ] {
        let ran = sandbox.run(words);
        assert_eq!(ran.status, Some(2), "{words:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{words:?}");
    }
}

#[test]
fn an_identifier_may_begin_with_a_hyphen() {
    let refused = Sandbox::migrated()
        .run(&["client", "show", "-jOB6HV7cTKtxvfr2k2ucg"])
        .refused();
    assert_eq!(refused, "there is no client -jOB6HV7cTKtxvfr2k2ucg");
}

// Configuration.

#[test]
fn the_environment_outranks_the_file_which_outranks_the_defaults() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.write(
        "alias.toml",
        "issuer = \"https://id.example\"\n[http]\nlisten = \"127.0.0.1:1\"",
    );
    sandbox.set("ALIAS_HTTP__LISTEN", "127.0.0.1:2");
    let file = file.to_str().expect("a path");
    let config = sandbox.json(&["config", "--config", file]);
    assert_eq!(
        config["issuer"],
        json!({ "value": "https://id.example", "source": file })
    );
    assert_eq!(
        config["http.listen"],
        json!({ "value": "127.0.0.1:2", "source": "ALIAS_HTTP__LISTEN" })
    );
    assert_eq!(
        config["lifetimes.session"],
        json!({ "value": "14d", "source": "default" })
    );
}

#[test]
fn alias_config_names_the_file_unless_the_option_does() {
    let mut sandbox = Sandbox::new();
    sandbox.write("one.toml", "issuer = \"https://one.example\"");
    sandbox.write("two.toml", "issuer = \"https://two.example\"");
    sandbox.set("ALIAS_CONFIG", "one.toml");
    assert_eq!(
        sandbox.json(&["config"])["issuer"],
        json!({ "value": "https://one.example", "source": "one.toml" })
    );
    assert_eq!(
        sandbox.json(&["--config", "two.toml", "config"])["issuer"]["source"],
        "two.toml"
    );
}

#[test]
fn an_unknown_setting_is_an_error_that_names_it_and_where_it_is() {
    let mut sandbox = Sandbox::new();
    sandbox.write("alias.toml", "[htp]\nlisten = \"127.0.0.1:1\"");
    let refused = sandbox.run(&["config", "--config", "alias.toml"]).failed();
    assert!(
        refused.starts_with("unknown setting htp.listen (alias.toml)"),
        "{refused}"
    );
    let refused = sandbox
        .set("ALIAS_ISUER", "https://id.example")
        .run(&["migrate"])
        .refused();
    assert!(
        refused.starts_with("unknown setting isuer (ALIAS_ISUER)"),
        "{refused}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let refused = Sandbox::new()
        .run(&["migrate", "--config", "none.toml"])
        .refused();
    assert!(
        refused.starts_with("configuration file none.toml: "),
        "{refused}"
    );
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_its_setting_and_origin() {
    for (variable, value, refusal) in [
        (
            "ALIAS_ISSUER",
            "http://id.example",
            "issuer (ALIAS_ISSUER): https is required",
        ),
        (
            "ALIAS_ISSUER",
            "https://id.example/",
            "issuer (ALIAS_ISSUER): an issuer ends after",
        ),
        (
            "ALIAS_HTTP__LISTEN",
            "8080",
            "http.listen (ALIAS_HTTP__LISTEN): an IP address",
        ),
        (
            "ALIAS_HTTP__TLS__KEY",
            "tls.key",
            "http.tls.key is set and http.tls.certificate is not",
        ),
        (
            "ALIAS_HTTP__TRUSTED_PROXIES",
            "10.0.0.0/8, proxy.example",
            "http.trusted_proxies (ALIAS_HTTP__TRUSTED_PROXIES): \"proxy.example\" is no IP address",
        ),
        (
            "ALIAS_HTTP__INTERNAL_LISTEN",
            "127.0.0.1:8080",
            "http.internal_listen (ALIAS_HTTP__INTERNAL_LISTEN): http.listen has this address",
        ),
        (
            "ALIAS_HTTP__DRAIN_DELAY",
            "soon",
            "http.drain_delay (ALIAS_HTTP__DRAIN_DELAY): a duration is",
        ),
        (
            "ALIAS_DATABASE__URL",
            "postgres://alias:hunter2@db",
            "database.url (ALIAS_DATABASE__URL): the database's name is missing",
        ),
        (
            "ALIAS_KEYS__MASTER",
            "hunter2",
            "keys.master (ALIAS_KEYS__MASTER): not a master key",
        ),
        (
            "ALIAS_KEYS__LEAD",
            "1s",
            "keys.lead (ALIAS_KEYS__LEAD): at least 2s",
        ),
        (
            "ALIAS_KEYS__RSA_BITS",
            "1024",
            "keys.rsa_bits (ALIAS_KEYS__RSA_BITS): 2048, 3072 or 4096",
        ),
        (
            "ALIAS_LIFETIMES__SESSION",
            "0s",
            "lifetimes.session (ALIAS_LIFETIMES__SESSION): more than nothing",
        ),
        (
            "ALIAS_LIFETIMES__AUTH_CODE",
            "1h",
            "lifetimes.auth_code (ALIAS_LIFETIMES__AUTH_CODE): at most 10m",
        ),
        (
            "ALIAS_MAIL__URL",
            "smtp://mail",
            "mail.url (ALIAS_MAIL__URL) is not supported yet",
        ),
    ] {
        let mut sandbox = Sandbox::new();
        let refused = sandbox.set(variable, value).run(&["migrate"]).refused();
        assert!(refused.starts_with(refusal), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
        // What is in effect is shown all the same.
        let ran = sandbox.run(&["config"]);
        assert!(ran.out.contains("lifetimes.refresh_grace"), "{}", ran.out);
        assert!(!ran.out.contains("hunter2"), "{}", ran.out);
        assert_eq!(ran.failed(), refused);
    }
}

#[test]
fn config_shows_what_is_in_effect_whatever_is_wrong_and_names_all_of_it() {
    let mut sandbox = Sandbox::new();
    sandbox
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:2")
        .set("ALIAS_KEYS__MASTER", MASTER_KEY)
        .set("ALIAS_ISUER", "https://id.example");
    sandbox.write("broken.toml", "[keys]\nmaster = hunter2");
    sandbox.write(
        "number.toml",
        "[lifetimes]\nsession = 14\nid_token = \"5m\"",
    );
    for (file, fault) in [
        ("none.toml", "configuration file none.toml: "),
        ("broken.toml", "configuration file broken.toml: "),
        (
            "number.toml",
            "lifetimes.session (number.toml): a text in quotes is expected",
        ),
    ] {
        let ran = sandbox.run(&["config", "--config", file, "--json"]);
        let shown: Value = serde_json::from_str(&ran.out).expect("one JSON value");
        assert_eq!(shown["http.listen"]["value"], "127.0.0.1:2");
        assert_eq!(shown["keys.master"]["value"], "********");
        assert_eq!(shown["lifetimes.session"]["value"], "14d");
        let own_file = shown["lifetimes.id_token"]["source"] == file;
        assert_eq!(own_file, file == "number.toml", "{shown}");
        let said = ran.failed();
        for fault in [fault, "unknown setting isuer (ALIAS_ISUER)"] {
            assert!(said.contains(fault), "{said}");
        }
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// What Kubernetes sets for a service called `alias` with a port of that number, and one called
/// `alias-db`; and what Docker sets for a link.
const OF_THE_PLATFORM: [(&str, &str); 14] = [
    ("ALIAS_SERVICE_HOST", "10.96.12.7"),
    ("ALIAS_SERVICE_PORT", "8080"),
    ("ALIAS_SERVICE_PORT_HTTP", "8080"),
    ("ALIAS_PORT", "tcp://10.96.12.7:8080"),
    ("ALIAS_PORT_8080_TCP", "tcp://10.96.12.7:8080"),
    ("ALIAS_PORT_8080_TCP_PROTO", "tcp"),
    ("ALIAS_PORT_8080_TCP_PORT", "8080"),
    ("ALIAS_PORT_8080_TCP_ADDR", "10.96.12.7"),
    ("ALIAS_DB_SERVICE_HOST", "10.96.12.8"),
    ("ALIAS_DB_PORT", "tcp://10.96.12.8:5432"),
    ("ALIAS_DB_PORT_5432_TCP_ADDR", "10.96.12.8"),
    ("ALIAS_NAME", "/web/alias"),
    ("ALIAS_ENV_PATH", "/usr/bin"),
    ("ALIAS_DB_ENV_PGDATA", "/data"),
];

#[test]
fn what_a_container_platform_sets_for_a_service_of_that_name_is_passed_over_with_a_warning() {
    let mut sandbox = ready_to_serve();
    for (name, value) in OF_THE_PLATFORM {
        sandbox.set(name, value);
    }
    let names_all = |warning: &str| {
        let named = OF_THE_PLATFORM.iter().all(|it| warning.contains(it.0));
        assert!(named, "{warning}");
        assert!(warning.contains("enableServiceLinks: false"), "{warning}");
    };
    let ran = sandbox.run(&["config"]).succeeded();
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    names_all(&ran.err);
    sandbox.run(&["migrate"]).succeeded();
    assert_eq!(sandbox.run(&["client", "list"]).succeeded().err, "");

    let (running, _) = sandbox.start(&["serve"]);
    let log = running.stop().succeeded().err;
    let warnings: Vec<&str> = log.lines().filter(|it| it.contains("ALIAS_PORT")).collect();
    let [warning] = warnings[..] else {
        panic!("one warning: {log}")
    };
    assert!(warning.contains("\"WARN\""), "{warning}");
    names_all(warning);

    let refused = sandbox
        .set("ALIAS_PORT", "8080")
        .run(&["migrate"])
        .refused();
    assert!(
        refused.starts_with("unknown setting port (ALIAS_PORT)"),
        "{refused}"
    );
}

#[test]
fn a_list_of_proxies_is_shown_as_one_text() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "alias.toml",
        "[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]",
    );
    let config = sandbox.json(&["config", "--config", "alias.toml"]);
    assert_eq!(
        config["http.trusted_proxies"],
        json!({ "value": "10.0.0.0/8, ::1", "source": "alias.toml" })
    );
}

#[test]
fn config_masks_what_is_secret() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_KEYS__MASTER", MASTER_KEY);
    let shown = sandbox.run(&["config"]).succeeded().out;
    assert!(shown.contains("ALIAS_KEYS__MASTER"), "{shown}");
    assert!(!shown.contains(MASTER_KEY), "{shown}");
    let shown = sandbox.json(&["config"]);
    assert_eq!(
        shown["keys.master"],
        json!({ "value": "********", "source": "ALIAS_KEYS__MASTER" })
    );
}

// The database.

#[test]
fn only_migrate_makes_a_database() {
    let sandbox = Sandbox::embedded();
    let refused = sandbox.run(&["client", "list"]).refused();
    assert_eq!(
        refused,
        "there is no database at .alias/alias.db: run `aliasd migrate`"
    );
    assert!(!sandbox.path().join(".alias").exists());
    assert_ne!(sandbox.json(&["migrate"])["applied"], json!([]));
    assert_eq!(sandbox.json(&["migrate"])["applied"], json!([]));
    assert_eq!(sandbox.json(&["client", "list"]), json!([]));
}

/// Takes a right away from a file, and runs a command as somebody who then lacks it: root may do
/// everything.
fn without_rights(sandbox: &Sandbox, path: &str, mode: u32) -> String {
    let path = sandbox.path().join(path);
    let is_root = fs::metadata(&path).expect("a file").uid() == 0;
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.path(), open).expect("rights");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("rights");
    let mut command = sandbox.command(&["client", "list"]);
    if is_root {
        // What is built may lie where nobody else may look.
        let program = sandbox.path().join("aliasd");
        fs::copy(command.get_program(), &program).expect("a copy");
        let mut other = std::process::Command::new(program);
        other
            .args(["client", "list"])
            .current_dir(sandbox.path())
            .env_clear()
            .uid(65_534)
            .gid(65_534);
        command = other;
    }
    Ran::from(command.output().expect("aliasd runs")).refused()
}

#[test]
fn a_database_that_may_not_be_read_is_named_with_its_setting() {
    let sandbox = Sandbox::embedded();
    sandbox.run(&["migrate"]).succeeded();
    let folder = sandbox.path().join(".alias");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("rights");
    let refused = without_rights(&sandbox, ".alias/alias.db", 0o000);
    assert!(
        refused
            .starts_with("database.url: the database .alias/alias.db cannot be read and written"),
        "{refused}"
    );
    assert!(refused.contains("ermission denied"), "{refused}");
}

#[test]
fn a_folder_in_which_the_log_may_not_be_written_is_named() {
    let sandbox = Sandbox::embedded();
    sandbox.run(&["migrate"]).succeeded();
    let file = sandbox.path().join(".alias/alias.db");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("rights");
    let refused = without_rights(&sandbox, ".alias", 0o555);
    assert!(refused.starts_with("database.url: "), "{refused}");
    assert!(refused.contains("rights of the folder .alias"), "{refused}");
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let sandbox = Sandbox::embedded();
    fs::create_dir(sandbox.path().join(".alias")).expect("a folder");
    sandbox.write(".alias/alias.db", &"no database ".repeat(1000));
    for command in [&["client", "list"][..], &["migrate"]] {
        let refused = sandbox.run(command).refused();
        assert_eq!(
            refused,
            "database.url: .alias/alias.db is no SQLite database"
        );
    }
}

#[test]
fn a_database_that_is_damaged_is_named_with_the_remedy() {
    let sandbox = Sandbox::embedded();
    sandbox.run(&["migrate"]).succeeded();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(sandbox.path().join(".alias/alias.db"))
        .expect("a database");
    let whole = file.metadata().expect("a file").len();
    for left in [whole / 2, 4096, 1000] {
        file.set_len(left).expect("a file to cut off");
        for command in [&["client", "list"][..], &["migrate"]] {
            let refused = sandbox.run(command).refused();
            let named = "database.url: .alias/alias.db is damaged: restore it from a backup";
            assert!(refused.starts_with(named), "{left}: {refused}");
        }
    }
}

#[test]
fn a_pipe_is_no_database() {
    let sandbox = Sandbox::embedded();
    let file = sandbox.path().join(".alias/alias.db");
    fs::create_dir(sandbox.path().join(".alias")).expect("a folder");
    let made = Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo runs").success());
    for command in [&["client", "list"][..], &["migrate"]] {
        let refused = sandbox.run(command).refused();
        assert!(refused.starts_with("database.url: "), "{refused}");
        assert!(refused.contains(".alias/alias.db"), "{refused}");
        assert!(refused.ends_with("it is no regular file"), "{refused}");
    }
}

#[test]
fn a_file_without_end_is_refused_with_its_setting_and_the_most_that_is_read() {
    for (variables, words, named) in [
        (
            &[][..],
            &["client", "list", "--config", "/dev/zero"][..],
            "configuration file",
        ),
        (
            &[("ALIAS_KEYS__MASTER_FILE", "/dev/zero")],
            &["serve"],
            "keys.master_file",
        ),
        (
            &[
                ("ALIAS_DATABASE__URL", "postgres://alias@127.0.0.1/alias"),
                ("ALIAS_DATABASE__PASSWORD_FILE", "/dev/zero"),
            ],
            &["client", "list"],
            "database.password_file",
        ),
    ] {
        let mut sandbox = Sandbox::embedded();
        for (name, value) in variables {
            sandbox.set(name, value);
        }
        let refused = sandbox.run(words).refused();
        let refusal = format!("{named} /dev/zero: it has more than 1 MiB, the most that is read");
        assert_eq!(refused, refusal);
    }
}
