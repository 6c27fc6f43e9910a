//! The commands about users.

use alias_domain::{
    Email, Secret,
    ports::{PasswordVerdict, Passwords},
};
use alias_signing::Argon2Passwords;
use serde_json::{Value, json};

use crate::{clients::text, sandbox::Sandbox};

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
    let found = sandbox.open_store().await.user_by_email(&email).await;
    let (_, hash) = found.expect("an answer").expect("the user");
    let password = Secret::new(" pass word ".to_owned());
    let verdict = Argon2Passwords::new()
        .expect("passwords")
        .verify(&password, Some(hash))
        .await;
    assert_eq!(verdict, Ok(PasswordVerdict::Right { rehash: None }));
}

#[tokio::test]
async fn a_user_is_found_and_signs_in_however_the_address_and_the_password_are_encoded() {
    let sandbox = Sandbox::migrated();
    let create = [
        "user",
        "create",
        "--email",
        "ju\u{308}rgen@b\u{fc}cher.example",
    ];
    let create = [&create[..], &["--password-stdin", "--json"]].concat();
    let typed = "Schlu\u{308}ssel zum Haus\n".as_bytes();
    let made = sandbox.run_with_input(&create, typed).succeeded().out;
    let user: Value = serde_json::from_str(&made).expect("one JSON value");
    assert_eq!(user["email"], "j\u{fc}rgen@xn--bcher-kva.example");
    let refused = sandbox.run_with_input(
        &[
            "user",
            "create",
            "--email",
            "j\u{fc}rgen@xn--bcher-kva.example",
            "--password-stdin",
        ],
        typed,
    );
    assert_eq!(refused.refused(), "another user has this email address");
    for email in [
        "J\u{fc}rgen@B\u{fc}cher.example",
        "ju\u{308}rgen@bu\u{308}cher.example",
        "j\u{fc}rgen@xn--bcher-kva.example",
    ] {
        assert_eq!(sandbox.json(&["user", "show", email]), user, "{email}");
    }
    let email: Email = text(&user, "email").parse().expect("an address");
    let found = sandbox.open_store().await.user_by_email(&email).await;
    let (_, hash) = found.expect("an answer").expect("the user");
    let verdict = Argon2Passwords::new()
        .expect("passwords")
        .verify(
            &Secret::new("Schl\u{fc}ssel zum Haus".to_owned()),
            Some(hash),
        )
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
