//! The commands about clients.

use std::path::Path;

use alias_domain::{Client, ClientKind, ClientSecret, Secret};
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

pub(crate) const URI: &str = "https://fieldnotes.example/callback";

/// A client with the channels `tips` and `events`.
pub(crate) fn with_client() -> (Sandbox, Value) {
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
        "--channel",
        "events=Walks",
    ]);
    (sandbox, client)
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

async fn stored_client(sandbox: &Sandbox, client: &Value) -> (Client, Vec<ClientSecret>) {
    let id = text(client, "client_id").parse().expect("a client ID");
    let stored = sandbox.open_store().await.client_with_secrets(id).await;
    stored.expect("an answer").expect("the client")
}

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
fn an_option_of_many_values_takes_one_each_time_so_that_an_id_may_follow() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let other = "https://fieldnotes.example/other";
    for (options, name, expected) in [
        (
            &["--redirect-uri", other, "--redirect-uri", URI][..],
            "redirect_uris",
            json!([other, URI]),
        ),
        (
            &["--post-logout-redirect-uri", other],
            "post_logout_redirect_uris",
            json!([other]),
        ),
        (
            &["--channel", "tips=Tips", "--remove-channel", "events"],
            "channels",
            json!([{"name": "tips", "description": "Tips"}]),
        ),
    ] {
        let updated = sandbox.json(&[&["client", "update"], options, &[id]].concat());
        assert_eq!(updated[name], expected, "{options:?}");
    }
    let create = [
        "client",
        "create",
        "--name",
        "F",
        "--redirect-uri",
        URI,
        other,
    ];
    let ran = sandbox.run(&create);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains(other), "{}", ran.err);
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

#[tokio::test]
async fn a_resource_server_has_a_secret_and_nothing_to_redirect_to() {
    let sandbox = Sandbox::migrated();
    let create = [
        "client",
        "create",
        "--name",
        "Messages",
        "--resource-server",
    ];
    let client = sandbox.json(&create);
    assert_eq!(text(&client, "client_secret").len(), 43);
    assert_eq!(client["kind"], "resource_server");
    assert_eq!(client["auth_method"], "client_secret_basic");
    for name in ["redirect_uris", "post_logout_redirect_uris", "channels"] {
        assert_eq!(client[name], json!([]), "{name}");
    }
    let id = text(&client, "client_id");
    assert_eq!(
        sandbox.json(&["client", "show", id])["kind"],
        client["kind"]
    );
    for (command, line) in [
        (
            &["show", id][..],
            "kind            resource server\n".to_owned(),
        ),
        (&["list"], format!("{id}  resource server  Messages\n")),
    ] {
        let said = sandbox
            .run(&[&["client"], command].concat())
            .succeeded()
            .out;
        assert!(said.contains(&line), "{said}");
    }
    let rotated = sandbox.json(&["client", "rotate-secret", id]);
    let (stored, secrets) = stored_client(&sandbox, &client).await;
    assert_eq!(stored.kind, ClientKind::ResourceServer);
    assert!(works(&secrets, &rotated, TimeDelta::zero()));
    assert!(!works(&secrets, &client, TimeDelta::zero()));
    let method = ["--auth-method", "client_secret_post"];
    let updated = sandbox.json(&[&["client", "update", id][..], &method].concat());
    assert_eq!(updated["auth_method"], "client_secret_post");
    let other = sandbox.json(&[&create[..], &method].concat());
    assert_eq!(other["auth_method"], "client_secret_post");
    let method = ["--auth-method", "client_secret_either"];
    let updated = sandbox.json(&[&["client", "update", id][..], &method].concat());
    assert_eq!(updated["auth_method"], "client_secret_either");
    assert_eq!(
        sandbox.json(&["client", "show", id])["auth_method"],
        "client_secret_either"
    );
}

#[test]
fn what_only_users_connect_to_is_refused_of_a_resource_server() {
    let sandbox = Sandbox::migrated();
    let create = [
        "client",
        "create",
        "--name",
        "Messages",
        "--resource-server",
    ];
    for option in [
        &["--public"][..],
        &["--redirect-uri", URI],
        &["--post-logout-redirect-uri", URI],
        &["--channel", "tips=Tips"],
    ] {
        let ran = sandbox.run(&[&create[..], option].concat());
        assert_eq!(ran.status, Some(2), "{option:?}");
        assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    }
    let client = sandbox.json(&create);
    let id = text(&client, "client_id");
    for (option, what) in [
        (&["--redirect-uri", URI][..], "redirect URIs"),
        (
            &["--post-logout-redirect-uri", URI],
            "post-logout redirect URIs",
        ),
        (&["--channel", "tips=Tips"], "channels"),
    ] {
        let refused = sandbox
            .run(&[&["client", "update", id], option].concat())
            .refused();
        let reason = format!("a resource server has no {what}");
        assert!(refused.starts_with(&reason), "{refused}");
    }
    let neither = sandbox.run(&["client", "create", "--name", "Fieldnotes"]);
    assert_eq!(neither.status, Some(2));
    assert!(neither.err.contains("--redirect-uri"), "{}", neither.err);
}

#[test]
fn a_client_secret_is_printed_once_and_kept_as_a_digest() {
    let (sandbox, client) = with_client();
    let secret = text(&client, "client_secret");
    let shown = sandbox.run(&["client", "show", text(&client, "client_id")]);
    assert!(!shown.succeeded().out.contains(secret));
    let stored = sandbox.stored_bytes();
    let holds = |part: &str| stored.windows(part.len()).any(|it| it == part.as_bytes());
    assert!(holds("Fieldnotes"));
    assert!(!holds(secret));
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
        "--redirect-uri",
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

#[test]
fn r35_a_nickname_is_told_under_the_names_that_the_operator_gives_with_a_warning() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    assert_eq!(client["claims"], json!({}));
    let update = |options: &[&str]| sandbox.run(&[&["client", "update", id], options].concat());
    let both = update(&[
        "--claim",
        "preferred_username=nickname",
        "--claim",
        "name=nickname",
    ]);
    let both = both.succeeded();
    assert!(both.err.contains("key users by sub"), "{}", both.err);
    assert!(
        both.out
            .contains("claim           preferred_username=nickname\n")
    );
    let shown = || sandbox.json(&["client", "show", id])["claims"].clone();
    assert_eq!(
        shown(),
        json!({"name": "nickname", "preferred_username": "nickname"})
    );
    let renamed = update(&["--name", "Fieldnotes 2"]).succeeded();
    assert_eq!(renamed.err, "");
    assert_eq!(
        update(&["--claim", "name=nickname"]).succeeded().err,
        both.err
    );
    assert_eq!(shown(), json!({"name": "nickname"}));
    assert_eq!(update(&["--no-claims"]).succeeded().err, "");
    assert_eq!(shown(), json!({}));
}

#[test]
fn an_algorithm_that_libraries_refuse_is_warned_of_by_their_names() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let document = std::fs::read_to_string(document).expect("the document");
    let section = document
        .split_once("### Which library takes")
        .expect("it")
        .1;
    let section = section.split_once("\n## ").expect("its end").0;
    let create = ["client", "create", "--name", "F", "--redirect-uri", URI];
    for (algorithm, libraries) in [
        (
            "EdDSA",
            &[
                "jsonwebtoken",
                "python-jose",
                "Spring",
                "joserfc",
                "Nimbus",
                "ruby-jwt",
            ][..],
        ),
        ("ES256", &["Spring"]),
        ("RS256", &[]),
    ] {
        let option = ["--id-token-alg", algorithm];
        let created = sandbox.run(&[&create[..], &option].concat()).succeeded();
        let updated = [&["client", "update", id][..], &option].concat();
        let updated = sandbox.run(&updated).succeeded();
        assert_eq!(created.err, updated.err);
        let is_said = created.err.contains("docs/clients.md");
        assert_eq!(is_said, !libraries.is_empty(), "{}", created.err);
        for library in libraries {
            assert!(created.err.contains(library), "{}", created.err);
            assert!(section.contains(library), "{library}");
        }
    }
    let renamed = sandbox.run(&["client", "update", id, "--name", "G"]);
    assert_eq!(renamed.succeeded().err, "");
}

#[test]
fn r35_no_other_claim_can_be_given_and_none_has_another_source() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    for (claim, reason) in [
        ("email=nickname", "no client is told the claim email"),
        (
            "email_verified=true",
            "no client is told the claim email_verified",
        ),
        ("sub=nickname", "no client is told the claim sub"),
        ("nickname=nickname", "no client is told the claim nickname"),
        ("name=email", "give it as name=nickname"),
        ("name=", "give it as name=nickname"),
    ] {
        let refused = sandbox.run(&["client", "update", id, "--claim", claim]);
        let refused = refused.refused();
        assert!(refused.contains(reason), "{claim}: {refused}");
    }
    assert_eq!(sandbox.json(&["client", "show", id])["claims"], json!({}));
}

#[test]
fn a_client_is_told_of_logout_where_it_says_and_no_more_when_it_says_so() {
    let (sandbox, client) = with_client();
    let id = text(&client, "client_id");
    let shown = |client: &Value| {
        let (uri, required) = (
            "backchannel_logout_uri",
            "backchannel_logout_session_required",
        );
        (client[uri].clone(), client[required].clone())
    };
    let update = |options: &[&str]| {
        let updated = sandbox.json(&[&["client", "update", id], options].concat());
        assert_eq!(
            shown(&sandbox.json(&["client", "show", id])),
            shown(&updated)
        );
        shown(&updated)
    };
    assert_eq!(shown(&client), (Value::Null, json!(false)));
    let required = "--backchannel-logout-session-required";
    let refused = sandbox.run(&["client", "update", id, required]).refused();
    assert!(
        refused.contains("has no back-channel logout URI"),
        "{refused}"
    );

    let uri = "https://fieldnotes.example/logout?by=alias";
    let set = ["--backchannel-logout-uri", uri];
    assert_eq!(update(&set), (json!(uri), json!(false)));
    assert_eq!(update(&[required]), (json!(uri), json!(true)));
    let next = "http://127.0.0.1:9000/";
    let moved = ["--backchannel-logout-uri", next];
    assert_eq!(
        update(&moved),
        (json!(next), json!(true)),
        "it stays required"
    );
    let said = sandbox.run(&["client", "show", id]).succeeded().out;
    assert!(
        said.contains("told of logout  http://127.0.0.1:9000/\n"),
        "{said}"
    );
    let not_required = format!("{required}=false");
    assert_eq!(update(&[&not_required]), (json!(next), json!(false)));
    let none = ["--no-backchannel-logout"];
    assert_eq!(update(&none), (Value::Null, json!(false)));

    let refused = sandbox
        .run(&[
            "client",
            "update",
            id,
            "--backchannel-logout-uri",
            "http://example.com/",
        ])
        .refused();
    assert!(refused.starts_with("http://example.com/: "), "{refused}");
    let create = [
        "client",
        "create",
        "--name",
        "Ledger",
        "--redirect-uri",
        URI,
    ];
    let ledger = sandbox.json(&[&create[..], &set, &[required]].concat());
    assert_eq!(shown(&ledger), (json!(uri), json!(true)));
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
        "--channel",
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
            &["--channel", "a=A", "--channel", "a=B"],
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

#[test]
fn a_client_whose_secret_could_not_be_printed_is_not_registered() {
    let sandbox = Sandbox::migrated();
    let create = [
        "client",
        "create",
        "--name",
        "Fieldnotes",
        "--redirect-uri",
        URI,
    ];
    let refused = sandbox.on_a_full_disk(&create, b"");
    assert!(refused.starts_with("standard output: "), "{refused}");
    assert!(refused.contains("nothing was registered"), "{refused}");
    assert_eq!(sandbox.json(&["client", "list"]), json!([]));
}

#[test]
fn a_replaced_secret_that_could_not_be_printed_is_named_with_the_remedy() {
    let sandbox = Sandbox::migrated();
    let create = [
        "client",
        "create",
        "--name",
        "Fieldnotes",
        "--redirect-uri",
        URI,
    ];
    let client = sandbox.json(&create);
    let id = client["client_id"].as_str().expect("an ID");
    let refused = sandbox.on_a_full_disk(&["client", "rotate-secret", id], b"");
    let remedy = format!("run `aliasd client rotate-secret {id}`");
    assert!(refused.ends_with(&remedy), "{refused}");
    // What cut the old secret off would be no remedy.
    let keep = ["client", "rotate-secret", id, "--keep-old", "60m"];
    let refused = sandbox.on_a_full_disk(&keep, b"");
    let remedy = format!("run `aliasd client rotate-secret {id} --keep-old 60m`");
    assert!(refused.ends_with(&remedy), "{refused}");
}

#[test]
fn what_was_done_about_a_client_and_could_not_be_printed_is_said_to_be_done() {
    let sandbox = Sandbox::migrated();
    let create = ["client", "create", "--name", "F", "--redirect-uri", URI];
    let public = [&create[..], &["--public"]].concat();
    let done = sandbox.on_a_full_disk(&public, b"");
    let clients = sandbox.json(&["client", "list"]);
    let id = text(&clients[0], "client_id");
    assert!(done.ends_with(&format!("client {id} was registered")));
    let done = sandbox.on_a_full_disk(&["client", "update", id, "--name", "G"], b"");
    assert!(done.ends_with(&format!("client {id} was changed")));
    assert_eq!(sandbox.json(&["client", "show", id])["name"], "G");
    let done = sandbox.on_a_full_disk(&["client", "delete", id], b"");
    assert!(done.ends_with(&format!("client {id} was deleted")));
    assert_eq!(sandbox.json(&["client", "list"]), json!([]));
}

/// In the suite, a module of RP-initiated logout fails where a logout token comes.
#[test]
fn of_the_clients_of_the_conformance_suite_that_of_the_back_channel_plan_alone_is_told_of_sign_outs()
 {
    let sandbox = Sandbox::migrated();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let document = std::fs::read_to_string(document).expect("the document");
    let step = document.split_once("\n2. Register").expect("step 2").1;
    let block = step.split_once("```sh").expect("its commands").1;
    let commands = block.split_once("```").expect("their end").0;
    sandbox.follow(commands).succeeded();
    let clients = sandbox.json(&["client", "list"]);
    let told: Vec<(&str, bool, bool)> = clients
        .as_array()
        .expect("clients")
        .iter()
        .map(|it| {
            let leaves = it["post_logout_redirect_uris"] != json!([]);
            let is_told = it["backchannel_logout_uri"].is_string();
            (it["name"].as_str().expect("a name"), leaves, is_told)
        })
        .collect();
    let expected = [
        ("Conformance 1", true, false),
        ("Conformance 2", false, false),
        ("Conformance 3", false, false),
        ("Conformance 4", true, true),
    ];
    assert_eq!(told, expected);
}
