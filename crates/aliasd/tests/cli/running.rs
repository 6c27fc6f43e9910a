use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use crate::sandbox::{MASTER_KEY, Sandbox, free_address, ready_to_serve};
use serde_json::{Value, json};

async fn get(url: &str) -> reqwest::Response {
    reqwest::get(url).await.expect("an answer")
}

#[tokio::test]
async fn serve_answers_until_it_is_told_to_stop() {
    let sandbox = ready_to_serve();
    let (running, announced) = sandbox.start(&["serve"]);
    assert_eq!(announced["issuer"], "http://localhost:8080");
    let address = announced["listening"].as_str().expect("an address");
    let ready = get(&format!("http://{address}/readyz")).await;
    assert_eq!(ready.status(), 200);

    let ended = running.stop().succeeded();
    let logged: Vec<Value> = ended
        .err
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON log line"))
        .collect();
    let listening = logged
        .iter()
        .find(|it| it["fields"]["message"] == "listening")
        .expect("the address is logged");
    assert_eq!(listening["fields"]["address"], address);
    assert!(!ended.err.contains(MASTER_KEY));
}

#[test]
fn serve_refuses_to_start_without_a_master_key() {
    let sandbox = Sandbox::migrated();
    let refused = sandbox.run(&["serve"]).refused();
    assert!(refused.starts_with("keys.master is not set"), "{refused}");
}

#[test]
fn serve_refuses_two_master_keys() {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_KEYS__MASTER_FILE", "master.key");
    let refused = sandbox.run(&["serve"]).refused();
    assert!(
        refused.contains("keys.master and keys.master_file"),
        "{refused}"
    );
}

#[test]
fn a_secret_that_others_can_read_is_warned_of() {
    let mode = |path: &Path, mode| {
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, rights).expect("rights to set");
    };
    let warning = "every user of this machine can read or change this secret: `chmod o-rwx` the file, or its \
                   folder";
    let mut sandbox = Sandbox::migrated();
    let key = sandbox.write("master.key", MASTER_KEY);
    mode(sandbox.path(), 0o755);
    sandbox
        .set("ALIAS_KEYS__MASTER_FILE", "master.key")
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", "0s");
    mode(&key, 0o644);
    let (mut running, _) = sandbox.start(&["serve"]);
    let line = running.logs(warning);
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["fields"]["file"], "master.key");
    assert_eq!(line["fields"]["holds"], "keys.master_file");
    running.stop().succeeded();
    mode(&key, 0o640);
    let (running, _) = sandbox.start(&["serve"]);
    assert!(!running.stop().succeeded().err.contains(warning));
    // A configuration with a secret in it is such a file, too.
    let mut sandbox = ready_to_serve();
    let file = sandbox.write("alias.toml", &format!("[keys]\nmaster = \"{MASTER_KEY}\""));
    mode(sandbox.path(), 0o755);
    mode(&file, 0o604);
    sandbox
        .set("ALIAS_KEYS__MASTER", "")
        .set("ALIAS_CONFIG", "alias.toml");
    let (mut running, _) = sandbox.start(&["serve"]);
    assert_eq!(running.logs(warning)["fields"]["holds"], "keys.master");
    running.stop().succeeded();
}

#[test]
fn serve_names_the_file_of_a_master_key_that_is_none() {
    let mut sandbox = Sandbox::migrated();
    sandbox.set("ALIAS_KEYS__MASTER_FILE", "master.key");
    let refused = sandbox.run(&["serve"]).refused();
    assert!(
        refused.starts_with("keys.master_file master.key: "),
        "{refused}"
    );
    sandbox.write("master.key", "hunter2");
    let refused = sandbox.run(&["serve"]).refused();
    assert!(
        refused.starts_with("keys.master_file master.key: not a master key"),
        "{refused}"
    );
    assert!(!refused.contains("hunter2"));
}

#[test]
fn a_master_key_in_a_file_may_end_in_a_newline() {
    let mut sandbox = Sandbox::migrated();
    sandbox.write("master.key", &format!("{MASTER_KEY}\n"));
    sandbox
        .set("ALIAS_KEYS__MASTER_FILE", "master.key")
        .set("ALIAS_HTTP__LISTEN", "127.0.0.1:0")
        .set("ALIAS_HTTP__DRAIN_DELAY", "0s");
    let (running, _) = sandbox.start(&["serve"]);
    running.stop().succeeded();
}

#[test]
fn serve_refuses_another_master_key_than_the_one_that_sealed() {
    let mut sandbox = ready_to_serve();
    let (running, _) = sandbox.start(&["serve"]);
    running.stop().succeeded();
    sandbox.set("ALIAS_KEYS__MASTER", &MASTER_KEY.replace("AAEC", "BBEC"));
    let last_line = |err: String| err.lines().last().map(str::to_owned);
    let refused = last_line(sandbox.run(&["serve"]).err).expect("a line");
    assert!(refused.contains("keys.master does not open"), "{refused}");
}

#[test]
fn serve_refuses_http_on_a_public_host() {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_ISSUER", "http://id.example.com");
    let refused = sandbox.run(&["serve"]).refused();
    assert!(
        refused.starts_with("issuer (ALIAS_ISSUER): https is required"),
        "{refused}"
    );
}

#[test]
fn serve_says_that_the_database_must_be_migrated() {
    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_DATABASE__URL", "sqlite:other.db");
    let refused = sandbox.run(&["serve"]).refused();
    assert_eq!(
        refused,
        "there is no database at other.db: run `aliasd migrate`"
    );
    sandbox.write("other.db", "");
    let refused = sandbox.run(&["serve"]).refused();
    assert!(refused.starts_with("the database is behind"), "{refused}");
    assert!(refused.ends_with("run `aliasd migrate`"), "{refused}");
}

#[test]
fn a_busy_port_is_said_in_plain_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let said = format!("port {} is in use; set http.listen", address.port());

    let mut sandbox = ready_to_serve();
    sandbox.set("ALIAS_HTTP__LISTEN", &address.to_string());
    let err = sandbox.run(&["serve"]).err;
    assert!(err.contains(&said), "{err}");

    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_HTTP__LISTEN", &address.to_string());
    let refused = sandbox
        .run(&["dev", "--demo-listen", &free_address()])
        .refused();
    assert!(refused.starts_with(&said), "{refused}");
    assert!(!sandbox.path().join(".alias").exists(), "nothing was made");
}

#[test]
fn a_busy_port_of_the_demo_is_said_in_plain_words() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_HTTP__LISTEN", &free_address());
    let refused = sandbox
        .run(&["dev", "--demo-listen", &address.to_string()])
        .refused();
    let said = format!("port {} is in use; set --demo-listen", address.port());
    assert!(refused.starts_with(&said), "{refused}");
}

#[test]
fn dev_is_for_this_machine_alone() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_ISSUER", "https://id.example.com");
    let refused = sandbox.run(&["dev"]).refused();
    assert!(
        refused.starts_with("dev is for this machine alone"),
        "{refused}"
    );
}

#[tokio::test]
async fn dev_makes_what_is_missing_and_a_restart_keeps_it() {
    let mut sandbox = Sandbox::new();
    let listen = free_address();
    sandbox.set("ALIAS_HTTP__LISTEN", &listen);
    let start = |demo: &str| sandbox.start(&["dev", "--demo-listen", demo]);

    let first_demo = free_address();
    let (running, first) = start(&first_demo);
    let issuer = format!(
        "http://localhost:{}",
        listen.rsplit(':').next().expect("a port")
    );
    assert_eq!(first["issuer"], issuer);
    assert_eq!(first["demo"], format!("http://{first_demo}"));
    let page = get(&format!("http://{first_demo}/")).await;
    assert_eq!(page.status(), 200);
    assert_eq!(sign_in(&listen, &first).await, 200);
    let (keys, kept) = (key_set(&listen).await, self::kept(&sandbox));
    running.stop().succeeded();

    let second_demo = free_address();
    let (running, second) = start(&second_demo);
    assert_eq!(sign_in(&listen, &second).await, 200);
    assert_eq!(key_set(&listen).await, keys);
    let clients = sandbox.json(&["client", "list"]);
    running.stop().succeeded();
    assert_eq!(self::kept(&sandbox), kept);
    let clients = clients.as_array().expect("an array");
    let redirect_uris = |name: &str| {
        let mut named = clients.iter().filter(|it| it["name"] == name);
        let client = named.next().expect(name);
        assert_eq!(named.next(), None, "one {name}");
        client["redirect_uris"].clone()
    };
    assert_eq!(
        redirect_uris("Fieldnotes"),
        json!([format!("http://{second_demo}/callback")])
    );
    assert_eq!(
        redirect_uris("Fieldnotes Pocket"),
        json!([format!("http://{second_demo}/callback-public")])
    );
}

#[test]
fn a_second_dev_in_the_same_folder_is_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_HTTP__LISTEN", &free_address());
    let (running, _) = sandbox.start(&["dev", "--demo-listen", &free_address()]);
    sandbox.set("ALIAS_HTTP__LISTEN", &free_address());
    let refused = sandbox
        .run(&["dev", "--demo-listen", &free_address()])
        .refused();
    assert!(refused.starts_with("./.alias is in use"), "{refused}");
    running.stop().succeeded();
}

#[test]
fn dev_makes_a_demo_client_anew_that_was_deleted() {
    let mut sandbox = Sandbox::new();
    sandbox.set("ALIAS_HTTP__LISTEN", &free_address());
    let start = || sandbox.start(&["dev", "--demo-listen", &free_address()]).0;
    start().stop().succeeded();
    let before = kept(&sandbox);
    let id = before["confidential"]["client_id"].as_str().expect("an ID");
    sandbox.run(&["client", "delete", id]).succeeded();
    start().stop().succeeded();
    let after = kept(&sandbox);
    assert_ne!(after["confidential"], before["confidential"]);
    assert_eq!(after["public"], before["public"]);
    let id = after["confidential"]["client_id"].as_str().expect("an ID");
    assert_eq!(sandbox.json(&["client", "show", id])["name"], "Fieldnotes");
}

#[cfg(unix)]
#[test]
fn what_dev_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut sandbox = Sandbox::embedded();
    sandbox.set("ALIAS_HTTP__LISTEN", &free_address());
    let home = sandbox.path().join(".alias");
    // It may have been there before, and been copied.
    fs::create_dir(&home).expect("a folder");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).expect("rights");
    let (running, _) = sandbox.start(&["dev", "--demo-listen", &free_address()]);
    running.stop().succeeded();
    let others = |path: &std::path::Path| {
        let metadata = path.metadata().expect("it is there");
        metadata.permissions().mode() & 0o077
    };
    assert_eq!(others(&home), 0);
    for name in ["master.key", "demo.json", "alias.db"] {
        assert_eq!(others(&home.join(name)), 0, "{name}");
    }
}

fn kept(sandbox: &Sandbox) -> Value {
    let text = std::fs::read_to_string(sandbox.path().join(".alias/demo.json"));
    serde_json::from_str(&text.expect("what dev keeps")).expect("JSON")
}

async fn sign_in(listen: &str, announced: &Value) -> u16 {
    let credentials = json!({ "email": announced["email"], "password": announced["password"] });
    let answer = reqwest::Client::new()
        .post(format!("http://{listen}/api/session"))
        .json(&credentials)
        .send()
        .await;
    answer.expect("an answer").status().as_u16()
}

async fn key_set(listen: &str) -> Value {
    let discovery = get(&format!("http://{listen}/.well-known/openid-configuration")).await;
    let discovery: Value = discovery.json().await.expect("JSON");
    let address = discovery["jwks_uri"].as_str().expect("an address");
    get(address).await.json().await.expect("JSON")
}
