//! The commands about users.

use std::{
    io::{Read, Write},
    process::Stdio,
};

use alias_domain::{
    Email, Secret, Session, User, UserId,
    ports::{PasswordVerdict, Passwords, SessionStart},
    testing::sample,
};
use alias_signing::Argon2Passwords;
use serde_json::{Value, json};

use crate::{
    clients::{URI, text},
    sandbox::Sandbox,
};

const CREATE_FRED: &[&str] = &[
    "user",
    "create",
    "--email",
    "Fred@Example.com",
    "--nickname",
    "Fred",
    "--password-stdin",
];

/// What `user show` shows of a user who is connected to no client.
fn alone(user: &Value) -> Value {
    let mut shown = user.clone();
    shown["connections"] = json!([]);
    shown
}

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
        assert_eq!(
            sandbox.json(&["user", "show", email]),
            alone(&user),
            "{email}"
        );
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
    for unseen in ["", "\u{200b}"] {
        let nicknamed = [&new[..], &["--nickname", unseen]].concat();
        assert!(create(&nicknamed, good).starts_with("a nickname is"));
    }
    let unseen = create(&["--email", "fr\u{202e}ed@example.com"], good);
    assert!(
        unseen.contains("cannot be seen, such as the U+202E"),
        "{unseen}"
    );
    let brackets = create(&["--email", "amy@[]"], good);
    assert!(brackets.contains("must have an IP address"), "{brackets}");
    assert!(create(&new, b"").starts_with("the password is missing"));
    assert!(create(&new, b"short\n").starts_with("the password is too short"));
    assert_eq!(
        sandbox.json(&["user", "list"]).as_array().map(Vec::len),
        Some(1)
    );
}

/// `aliasd` at a terminal of its own, at which somebody waits for each prompt and types a line. What the
/// terminal shows.
fn at_a_terminal(sandbox: &Sandbox, words: &[&str], typed: &[&str]) -> (bool, String) {
    let program = sandbox.command(words);
    let words: Vec<&str> = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(|it| it.to_str().expect("UTF-8"))
        .collect();
    let mut child = sandbox
        .system("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &words.join(" "),
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let (mut keys, mut screen) = (child.stdin.take().expect("keys"), child.stdout.take());
    let screen = screen.as_mut().expect("a screen");
    let (mut shown, mut byte) = (String::new(), [0]);
    for line in typed {
        let from = shown.len();
        while !shown[from..].ends_with(": ") {
            let read = screen.read(&mut byte).expect("a screen");
            assert_eq!(read, 1, "it asks no more: {shown}");
            shown.push(char::from(byte[0]));
        }
        writeln!(keys, "{line}").expect("a terminal");
    }
    screen.read_to_string(&mut shown).expect("ASCII");
    (child.wait().expect("an end").success(), shown)
}

#[tokio::test]
async fn at_a_terminal_a_password_is_asked_for_twice_and_never_shown() {
    let sandbox = Sandbox::migrated();
    let create = ["user", "create", "--email", "fred@example.com"];
    let differing = ["correct horse", "correct house"];
    let (done, shown) = at_a_terminal(&sandbox, &create, &differing);
    assert!(!done && shown.contains("nothing was changed"), "{shown}");
    assert_eq!(sandbox.json(&["user", "list"]), json!([]));

    let reset = [
        "user",
        "reset-password",
        "fred@example.com",
        "--password-stdin",
    ];
    for (words, password) in [(&create[..], "correct horse"), (&reset, "another horse")] {
        let (done, shown) = at_a_terminal(&sandbox, words, &[password; 2]);
        assert!(done, "{shown}");
        assert!(!shown.contains("horse"), "{shown}");
        let store = sandbox.open_store().await;
        let email = "fred@example.com".parse().expect("an address");
        let (_, hash) = store
            .user_by_email(&email)
            .await
            .expect("an answer")
            .expect("the user");
        let verdict = Argon2Passwords::new()
            .expect("passwords")
            .verify(&Secret::new(password.to_owned()), Some(hash))
            .await;
        assert_eq!(verdict, Ok(PasswordVerdict::Right { rehash: None }));
    }
    // Nobody types a password for an address that is taken.
    let (done, shown) = at_a_terminal(&sandbox, &create, &[]);
    assert!(!done && shown.contains("another user has this"), "{shown}");
}

#[test]
fn a_user_is_changed_by_what_is_named_and_nothing_else() {
    let (sandbox, user) = with_user();
    let id = text(&user, "user_id");
    let update = |words: &[&str]| sandbox.json(&[&["user", "update", id], words].concat());
    let mut expected = user.clone();
    expected["nickname"] = json!("Freddie");
    assert_eq!(update(&["--nickname", "Freddie"]), expected);
    expected["email"] = json!("frederick@example.com");
    assert_eq!(update(&["--email", "Frederick@example.com"]), expected);
    expected["nickname"] = Value::Null;
    assert_eq!(update(&["--no-nickname"]), expected);
    assert_eq!(sandbox.json(&["user", "show", id]), alone(&expected));

    let ginger = [
        "user",
        "create",
        "--email",
        "ginger@example.com",
        "--password-stdin",
    ];
    sandbox.run_with_input(&ginger, b"long enough").succeeded();
    for (option, reason) in [
        (
            ["--email", "ginger@example.com"],
            "another user has this email address",
        ),
        (["--email", "ginger"], "not an email address"),
        (["--email", "amy@[]"], "an email address in brackets"),
        (["--nickname", ""], "a nickname is"),
        (["--nickname", "\u{200b}"], "a nickname is"),
    ] {
        let words = [&["user", "update", id][..], &option].concat();
        let refused = sandbox.run(&words).refused();
        assert!(refused.starts_with(reason), "{refused}");
    }
    assert_eq!(sandbox.json(&["user", "show", id]), alone(&expected));
}

#[test]
fn what_an_operator_cannot_take_back_or_end_is_said() {
    let (sandbox, _) = with_user();
    let fred = "fred@example.com";
    let client = [
        "client",
        "create",
        "--name",
        "Fieldnotes",
        "--redirect-uri",
        URI,
    ];
    let id = text(&sandbox.json(&client), "client_id").to_owned();
    let refused = |words: &[&str]| sandbox.run(&[&["user"], words].concat()).refused();
    assert_eq!(
        refused(&["revoke", fred, "nobody"]),
        "there is no client nobody"
    );
    assert_eq!(
        refused(&["revoke", "ginger@example.com"]),
        "there is no user ginger@example.com"
    );
    assert_eq!(
        refused(&["revoke", fred, &id]),
        "Fieldnotes: this was not granted"
    );
    assert_eq!(
        refused(&["sessions", fred, "--end", &id]),
        format!(
            "{fred} has no session {id}, and none was ended; `aliasd user sessions {fred}` lists those \
             there are"
        )
    );
    assert_eq!(sandbox.json(&["user", "sessions", fred]), json!([]));
    let shown = sandbox.run(&["user", "revoke", fred]).succeeded().out;
    assert_eq!(shown, "no client has anything of that\n");
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
    assert_eq!(sandbox.json(&["user", "show", id]), alone(&user));
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

#[test]
fn what_was_done_about_a_user_and_could_not_be_printed_is_said_to_be_done() {
    let sandbox = Sandbox::migrated();
    let fred = "fred@example.com";
    for (words, done) in [
        (CREATE_FRED, "user fred@example.com was created"),
        (
            &["user", "update", fred, "--nickname", "Freddie"],
            "user fred@example.com was changed",
        ),
        (
            &["user", "reset-password", fred, "--password-stdin"],
            "user fred@example.com has the new password, and their sessions ended",
        ),
        (
            &["user", "sessions", fred, "--end-all"],
            "the sessions were ended",
        ),
        (&["user", "revoke", fred], "there was nothing to take back"),
        (&["user", "lock", fred], "user fred@example.com was locked"),
        (
            &["user", "unlock", fred],
            "user fred@example.com was unlocked",
        ),
        (
            &["user", "delete", fred],
            "user fred@example.com was deleted",
        ),
    ] {
        let refused = sandbox.on_a_full_disk(words, b" pass word \n");
        assert!(refused.starts_with("standard output: "), "{refused}");
        assert!(refused.ends_with(done), "{refused}");
        let users = sandbox.json(&["user", "list"]);
        let is_there = users.as_array().is_some_and(|it| !it.is_empty());
        assert_eq!(is_there, words[1] != "delete", "{words:?}");
    }
    // What only looks does nothing that could be said.
    let refused = sandbox.on_a_full_disk(&["user", "list"], b"");
    assert!(!refused.contains("all the same"), "{refused}");
}

#[tokio::test]
async fn sessions_are_ended_all_that_were_named_or_none() {
    let (sandbox, user) = with_user();
    let fred = "fred@example.com";
    let store = sandbox.open_store().await;
    let Session { id, .. } = sample::session();
    let now = std::time::SystemTime::now().into();
    let start = SessionStart {
        id,
        user: text(&user, "user_id").parse().expect("an ID"),
        token: Secret::new("a token".to_owned()).digest(),
        password: None,
        presented: Vec::new(),
        auth_time: now,
        expires_at: now + std::time::Duration::from_secs(3600),
    };
    store.start_session(&start).await.expect("a store");
    let id = id.to_string();
    let sessions = ["user", "sessions", fred];
    let end = [&sessions[..], &["--end", &id]].concat();
    let other = "bjOB6HV7cTKtxvfr2k2ucg";
    let unknown = ["--end", "BOGUS", "--end", other];
    let refused = sandbox.run(&[&end[..], &unknown].concat()).refused();
    let named = format!("{fred} has no session BOGUS, {other}, and none was ended; ");
    assert!(refused.starts_with(&named), "{refused}");
    assert_eq!(sandbox.json(&sessions)[0]["session_id"], *id);
    assert_eq!(
        sandbox.json(&[&end[..], &["--end", &id]].concat()),
        json!([])
    );
}

#[tokio::test]
async fn an_address_with_an_ip_address_is_one_users_however_that_is_written() {
    let sandbox = Sandbox::migrated();
    let (short, long) = (
        "fred@[IPv6:2001:db8::1]",
        "fred@[IPv6:2001:0DB8:0:0:0:0:0:1]",
    );
    let create = |email| {
        let words = ["user", "create", "--password-stdin", "--email", email];
        sandbox.run_with_input(&words, b" pass word ")
    };
    create(long).succeeded();
    let taken = create(short).refused();
    assert!(taken.starts_with("another user has"), "{taken}");
    for email in [short, long] {
        let user = sandbox.json(&["user", "show", email]);
        assert_eq!(user["email"], "fred@[ipv6:2001:db8::1]");
    }
    // As an earlier version kept it.
    let old: Email = "amy@[IPv6:2001:db8:0:0::1]".parse().expect("an address");
    let user = User {
        id: UserId::from_uuid(sample::session().id.uuid()),
        email: old.clone(),
        ..sample::user()
    };
    let hash = Argon2Passwords::new().expect("a hasher");
    let hash = hash.hash(&Secret::new("pass word".to_owned())).await;
    let store = sandbox.open_store().await;
    let inserted = store.insert_user(&user, &hash.expect("a hash")).await;
    inserted.expect("a store").expect("a free address");
    let shown = sandbox.json(&["user", "show", old.as_str()]);
    assert_eq!(shown["email"], old.as_str());
}
