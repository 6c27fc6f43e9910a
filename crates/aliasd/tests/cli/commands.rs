use crate::sandbox::{MASTER_KEY, Sandbox};
use alias_domain::{
    Client, ClientSecret, Email, Secret,
    ports::{Clients, PasswordVerdict, Passwords, Users},
};
use alias_signing::Argon2Passwords;
use alias_storage_sqlite::SqliteStore;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

const URI: &str = "https://fieldnotes.example/callback";

/// A client with the channels `tips` and `events`.
fn with_client() -> (Sandbox, Value) {
    let sandbox = Sandbox::migrated();
    let client = sandbox.json(&[
        "client",
        "create",
        "--name",
        "Fieldnotes",
        "--redirect-uri",
        URI,
        "--channel",
        "tips=Tips = tricks",
        "events=Walks",
    ]);
    (sandbox, client)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn store(sandbox: &Sandbox) -> SqliteStore {
    SqliteStore::open(&sandbox.path().join(".alias/alias.db")).expect("the database")
}

async fn stored_client(sandbox: &Sandbox, client: &Value) -> (Client, Vec<ClientSecret>) {
    let id = text(client, "client_id").parse().expect("a client ID");
    let stored = store(sandbox).client_with_secrets(id).await;
    stored.expect("an answer").expect("the client")
}

// Usage.

#[test]
fn every_command_has_help_with_examples() {
    let sandbox = Sandbox::new();
    for command in [
        "dev",
        "serve",
        "migrate",
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
        "user lock",
        "user unlock",
        "user delete",
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
        &["dev", "--demo-listen", "8081"],
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
    let refused = sandbox.run(&["config", "--config", "alias.toml"]).refused();
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
        .run(&["config", "--config", "none.toml"])
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
            "ALIAS_DATABASE__URL",
            "postgres://alias:hunter2@db/alias",
            "database.url (ALIAS_DATABASE__URL): PostgreSQL is not supported yet",
        ),
        (
            "ALIAS_KEYS__MASTER",
            "hunter2",
            "keys.master (ALIAS_KEYS__MASTER): not a master key",
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
        let refused = Sandbox::new()
            .set(variable, value)
            .run(&["config"])
            .refused();
        assert!(refused.starts_with(refusal), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
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
    let sandbox = Sandbox::new();
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

// Clients.

#[test]
fn a_client_is_registered_as_it_was_said() {
    let (sandbox, client) = with_client();
    assert_eq!(text(&client, "client_id").len(), 22);
    assert_eq!(text(&client, "client_secret").len(), 43);
    assert_eq!(client["name"], "Fieldnotes");
    assert_eq!(client["kind"], "confidential");
    assert_eq!(client["auth_method"], "client_secret_basic");
    assert_eq!(client["redirect_uris"], json!([URI]));
    assert_eq!(client["post_logout_redirect_uris"], json!([]));
    assert_eq!(
        client["channels"],
        json!([
            { "name": "tips", "description": "Tips = tricks" },
            { "name": "events", "description": "Walks" },
        ])
    );
    let mut shown = client.clone();
    shown
        .as_object_mut()
        .expect("an object")
        .remove("client_secret");
    let id = text(&client, "client_id");
    assert_eq!(sandbox.json(&["client", "show", id]), shown);
    assert_eq!(sandbox.json(&["client", "list"]), json!([shown]));
}

#[test]
fn a_public_client_has_no_secret() {
    let sandbox = Sandbox::migrated();
    let uri = "com.example.fieldnotes:/callback";
    let client = sandbox.json(&[
        "client",
        "create",
        "--name",
        "Pocket",
        "--public",
        "--redirect-uri",
        uri,
    ]);
    assert_eq!(client.get("client_secret"), None);
    assert_eq!(client["kind"], "public");
    assert_eq!(client["auth_method"], "none");
    let id = text(&client, "client_id");
    let refused = sandbox.run(&["client", "rotate-secret", id]).refused();
    assert!(refused.contains("is public"), "{refused}");
    let refused = sandbox
        .run(&[
            "client",
            "update",
            id,
            "--auth-method",
            "client_secret_post",
        ])
        .refused();
    assert!(refused.contains("is public"), "{refused}");
}

#[test]
fn a_client_secret_is_printed_once_and_kept_as_a_digest() {
    let (sandbox, client) = with_client();
    let secret = text(&client, "client_secret");
    let shown = sandbox.run(&["client", "show", text(&client, "client_id")]);
    assert!(!shown.succeeded().out.contains(secret));
    let mut files = 0;
    for entry in std::fs::read_dir(sandbox.path().join(".alias")).expect("the folder") {
        let bytes = std::fs::read(entry.expect("a file").path()).expect("its bytes");
        assert!(
            !bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes())
        );
        files += 1;
    }
    assert_ne!(files, 0);
}

#[test]
fn a_redirect_uri_that_cannot_be_registered_is_refused_with_the_reason() {
    let sandbox = Sandbox::migrated();
    for (uri, reason) in [
        ("", "must be an absolute URI"),
        ("/callback", "must be an absolute URI"),
        ("https://a.example/#top", "must not have a fragment"),
        ("https://me@a.example/", "must not have user information"),
        ("https://*.a.example/", "must not have a wildcard"),
        ("http://a.example/", "must use https"),
        ("com.example.app:/cb", "must use https"),
        (
            "https://a.example/?code=1",
            "must not have code, state, error or iss",
        ),
    ] {
        let refused = sandbox
            .run(&["client", "create", "--name", "F", "--redirect-uri", uri])
            .refused();
        assert!(refused.contains(reason), "{uri}: {refused}");
    }
    assert_eq!(sandbox.json(&["client", "list"]), json!([]));
}

#[test]
fn an_update_changes_what_the_options_name_and_nothing_else() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let updated = sandbox.json(&[
        "client",
        "update",
        id,
        "--name",
        "Fieldnotes 2",
        "--redirect-uri",
        "https://one.example/",
        "https://two.example/",
        "--auth-method",
        "client_secret_post",
    ]);
    assert_eq!(updated["name"], "Fieldnotes 2");
    assert_eq!(updated["auth_method"], "client_secret_post");
    assert_eq!(
        updated["redirect_uris"],
        json!(["https://one.example/", "https://two.example/"])
    );
    assert_eq!(updated["channels"], client["channels"]);
    assert_eq!(updated["created_at"], client["created_at"]);
    assert_eq!(sandbox.json(&["client", "show", id]), updated);
}

#[test]
fn the_uris_for_after_sign_out_can_be_set_and_cleared() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let uri = "https://fieldnotes.example/bye";
    let set = sandbox.json(&["client", "update", id, "--post-logout-redirect-uri", uri]);
    assert_eq!(set["post_logout_redirect_uris"], json!([uri]));
    let cleared = sandbox.json(&["client", "update", id, "--no-post-logout-redirect-uris"]);
    assert_eq!(cleared["post_logout_redirect_uris"], json!([]));
}

#[tokio::test]
async fn channels_are_described_anew_added_and_withdrawn() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let (before, _) = stored_client(&sandbox, &client).await;
    let updated = sandbox.json(&[
        "client",
        "update",
        id,
        "--channel",
        "news=News",
        "tips=Better tips",
        "--remove-channel",
        "events",
    ]);
    assert_eq!(
        updated["channels"],
        json!([
            { "name": "tips", "description": "Better tips" },
            { "name": "news", "description": "News" },
        ])
    );
    let (after, _) = stored_client(&sandbox, &client).await;
    let channel_id = |client: &Client, name| client.channel(name).map(|it| it.id);
    assert_eq!(channel_id(&after, "tips"), channel_id(&before, "tips"));

    sandbox.json(&["client", "update", id, "--channel", "events=Walks"]);
    let (again, _) = stored_client(&sandbox, &client).await;
    assert_ne!(
        channel_id(&again, "events"),
        channel_id(&before, "events"),
        "R30: declared again, it is new"
    );
}

#[test]
fn a_change_of_channels_that_makes_no_sense_is_refused() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    for (words, reason) in [
        (
            &["--remove-channel", "news"][..],
            "declares no channel news",
        ),
        (
            &["--remove-channel", "tips", "--channel", "tips=New"],
            "channel tips is both declared and removed",
        ),
        (&["--channel", "_meta=Mine"], "_meta is reserved"),
        (
            &["--channel", "News=News"],
            "channel \"News\": a channel name is",
        ),
        (
            &["--channel", "a=A", "a=B"],
            "channel \"a\" is declared twice",
        ),
        (&["--channel", "a="], "channel \"a\": a description is"),
    ] {
        let refused = sandbox
            .run(&[&["client", "update", id], words].concat())
            .refused();
        assert!(refused.contains(reason), "{refused}");
    }
    assert_eq!(
        sandbox.json(&["client", "show", id])["channels"],
        client["channels"]
    );
}

#[tokio::test]
async fn a_rotated_secret_replaces_the_old_one_at_once() {
    let (sandbox, client) = with_client();
    let rotated = sandbox.json(&["client", "rotate-secret", text(&client, "client_id")]);
    assert_eq!(rotated["old_secret_expires_at"], Value::Null);
    let (_, secrets) = stored_client(&sandbox, &client).await;
    assert!(works(&secrets, &rotated, TimeDelta::zero()));
    assert!(!works(&secrets, &client, TimeDelta::zero()));
}

#[tokio::test]
async fn a_rotated_secret_may_leave_the_old_one_some_time() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let rotated = sandbox.json(&["client", "rotate-secret", id, "--keep-old", "24h"]);
    assert!(rotated["old_secret_expires_at"].is_string());
    let (_, secrets) = stored_client(&sandbox, &client).await;
    assert!(works(&secrets, &rotated, TimeDelta::hours(25)));
    assert!(works(&secrets, &client, TimeDelta::hours(23)));
    assert!(!works(&secrets, &client, TimeDelta::hours(25)));
}

fn works(secrets: &[ClientSecret], printed: &Value, from_now: TimeDelta) -> bool {
    let secret = Secret::new(text(printed, "client_secret").to_owned());
    ClientSecret::matches(secrets, &secret, Utc::now() + from_now)
}

#[test]
fn a_deleted_client_is_gone() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let said = sandbox.run(&["client", "delete", id]).succeeded().out;
    assert_eq!(
        said,
        format!("deleted client {id} (Fieldnotes) and everything of it\n")
    );
    let gone = format!("there is no client {id}");
    assert_eq!(sandbox.run(&["client", "show", id]).refused(), gone);
    assert_eq!(sandbox.run(&["client", "delete", id]).refused(), gone);
    assert_eq!(
        sandbox.run(&["client", "rotate-secret", id]).refused(),
        gone
    );
    assert_eq!(
        sandbox
            .run(&["client", "update", id, "--name", "F"])
            .refused(),
        gone
    );
}

// Users.

const CREATE_FRED: &[&str] = &[
    "user",
    "create",
    "--email",
    "Fred@Example.com",
    "--nickname",
    "Fred",
    "--password-stdin",
];

fn with_user() -> (Sandbox, Value) {
    let sandbox = Sandbox::migrated();
    let ran = sandbox.run_with_input(&[CREATE_FRED, &["--json"]].concat(), b" pass word \r\n");
    let user = serde_json::from_str(&ran.succeeded().out).expect("one JSON value");
    (sandbox, user)
}

#[tokio::test]
async fn a_user_signs_in_with_the_line_that_was_read() {
    let (sandbox, user) = with_user();
    assert_eq!(text(&user, "user_id").len(), 22);
    assert_eq!(user["email"], "fred@example.com");
    assert_eq!(user["nickname"], "Fred");
    assert_eq!(user["locked"], false);

    let email: Email = "fred@example.com".parse().expect("an address");
    let found = store(&sandbox).user_by_email(&email).await;
    let (_, hash) = found.expect("an answer").expect("the user");
    let password = Secret::new(" pass word ".to_owned());
    let verdict = Argon2Passwords::new()
        .expect("passwords")
        .verify(&password, Some(hash))
        .await;
    assert_eq!(verdict, Ok(PasswordVerdict::Right { rehash: None }));
}

#[test]
fn a_user_that_cannot_be_made_is_refused_with_the_reason() {
    let (sandbox, _) = with_user();
    let create = |words: &[&str], input: &[u8]| {
        let words = [&["user", "create", "--password-stdin"], words].concat();
        sandbox.run_with_input(&words, input).refused()
    };
    let new = ["--email", "new@example.com"];
    let good = b"long enough";
    assert_eq!(
        create(&["--email", "FRED@example.com"], good),
        "another user has this email address"
    );
    assert_eq!(create(&["--email", "fred"], good), "not an email address");
    assert!(create(&[&new[..], &["--nickname", ""]].concat(), good).starts_with("a nickname is"));
    assert!(create(&new, b"").starts_with("the password is missing"));
    assert!(create(&new, b"short\n").starts_with("the password is too short"));
    assert_eq!(
        sandbox.json(&["user", "list"]).as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_user_is_locked_and_unlocked_by_id_or_address() {
    let (sandbox, user) = with_user();
    let id = text(&user, "user_id");
    assert_eq!(sandbox.json(&["user", "lock", id])["locked"], true);
    assert_eq!(
        sandbox.json(&["user", "show", "fred@example.com"])["locked"],
        true
    );
    assert_eq!(
        sandbox.json(&["user", "unlock", "fred@example.com"])["locked"],
        false
    );
    assert_eq!(sandbox.json(&["user", "show", id]), user);
}

#[test]
fn a_deleted_user_is_gone() {
    let (sandbox, user) = with_user();
    let deleted = sandbox.json(&["user", "delete", "fred@example.com"]);
    assert_eq!(
        deleted,
        json!({ "user_id": user["user_id"], "email": "fred@example.com" })
    );
    for words in [["user", "show"], ["user", "lock"], ["user", "delete"]] {
        let refused = sandbox
            .run(&[&words[..], &["fred@example.com"]].concat())
            .refused();
        assert_eq!(refused, "there is no user fred@example.com");
    }
}
