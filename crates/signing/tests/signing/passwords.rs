use std::sync::LazyLock;

use alias_domain::{
    Secret,
    ports::{PasswordHash, PasswordVerdict, Passwords},
};
use alias_signing::Argon2Passwords;
use argon2::{Argon2, Params, PasswordHasher};

static PASSWORDS: LazyLock<Argon2Passwords> = LazyLock::new(|| Argon2Passwords::new().unwrap());

const RIGHT: PasswordVerdict = PasswordVerdict::Right { rehash: None };

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

async fn verdict(password: &str, stored: &PasswordHash) -> PasswordVerdict {
    PASSWORDS
        .verify(&secret(password), Some(stored.clone()))
        .await
        .unwrap()
}

/// As an earlier version, with other parameters, would have stored it.
fn earlier_hash(password: &str) -> PasswordHash {
    let params = Params::new(8 * 1024, 1, 1, None).unwrap();
    let hash = Argon2::from(params).hash_password(password.as_bytes());
    PasswordHash::new(hash.unwrap().to_string())
}

#[tokio::test]
async fn a_password_is_right_for_its_hash_alone() {
    let stored = PASSWORDS.hash(&secret("correct horse")).await.unwrap();
    assert_eq!(verdict("correct horse", &stored).await, RIGHT);
    for wrong in ["correct horsf", "correct horse ", "Correct horse", ""] {
        assert_eq!(
            verdict(wrong, &stored).await,
            PasswordVerdict::Wrong,
            "{wrong:?}"
        );
    }
}

/// RFC 8265 4.2, OpaqueString: a keyboard, a phone and a program send one password in other bytes.
#[tokio::test]
async fn a_password_is_right_however_its_characters_are_encoded() {
    let composed = "Schl\u{fc}ssel zum Caf\u{e9}";
    let decomposed = "Schlu\u{308}ssel\u{a0}zum\u{3000}Cafe\u{301}";
    for (made, tried) in [(composed, decomposed), (decomposed, composed)] {
        let stored = PASSWORDS.hash(&secret(made)).await.unwrap();
        assert_eq!(verdict(tried, &stored).await, RIGHT);
        let wrong = verdict("Schlussel zum Cafe", &stored).await;
        assert_eq!(wrong, PasswordVerdict::Wrong);
    }
    let ligature = PASSWORDS.hash(&secret("\u{fb01}nite loop")).await.unwrap();
    let wrong = verdict("finite loop", &ligature).await;
    assert_eq!(
        wrong,
        PasswordVerdict::Wrong,
        "what only looks alike stays apart"
    );
}

#[tokio::test]
async fn a_hash_is_a_phc_string_with_its_parameters() {
    let stored = PASSWORDS.hash(&secret("correct horse")).await.unwrap();
    assert!(
        stored
            .as_str()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
}

#[tokio::test]
async fn the_same_password_is_hashed_differently_each_time() {
    let one = PASSWORDS.hash(&secret("correct horse")).await.unwrap();
    assert!(one != PASSWORDS.hash(&secret("correct horse")).await.unwrap());
}

#[tokio::test]
async fn without_a_stored_hash_a_password_is_wrong() {
    let verdict = PASSWORDS.verify(&secret("correct horse"), None).await;
    assert_eq!(verdict.unwrap(), PasswordVerdict::Wrong);
}

#[tokio::test]
async fn a_right_password_with_an_earlier_hash_gets_one_of_today() {
    let today = match verdict("correct horse", &earlier_hash("correct horse")).await {
        PasswordVerdict::Right { rehash } => rehash.unwrap(),
        PasswordVerdict::Wrong => unreachable!("it is right"),
    };
    assert_eq!(verdict("correct horse", &today).await, RIGHT);
}

#[tokio::test]
async fn a_wrong_password_with_an_earlier_hash_gets_none() {
    let stored = earlier_hash("correct horse");
    assert_eq!(
        verdict("battery staple", &stored).await,
        PasswordVerdict::Wrong
    );
}

#[tokio::test]
async fn the_longest_password_is_hashed_and_right() {
    let longest = "ü".repeat(Argon2Passwords::MAX_LENGTH / 2);
    let stored = PASSWORDS.hash(&secret(&longest)).await.unwrap();
    assert_eq!(verdict(&longest, &stored).await, RIGHT);
}

#[tokio::test]
async fn a_longer_password_is_not_hashed() {
    let longer = "a".repeat(Argon2Passwords::MAX_LENGTH + 1);
    assert!(PASSWORDS.hash(&secret(&longer)).await.is_err());
}

#[tokio::test]
async fn a_longer_password_is_wrong_whatever_is_stored() {
    let longer = "a".repeat(Argon2Passwords::MAX_LENGTH + 1);
    for stored in [&longer, &longer[1..], ""].map(earlier_hash) {
        assert_eq!(verdict(&longer, &stored).await, PasswordVerdict::Wrong);
    }
}

#[tokio::test]
async fn a_stored_hash_that_makes_no_sense_is_an_error_that_does_not_tell_it() {
    for stored in [
        "",
        "plain",
        "$argon2id$v=19$m=banana$c2FsdA$aGFzaA",
        "$scrypt$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
    ] {
        let hash = PasswordHash::new(stored);
        let error = PASSWORDS
            .verify(&secret("correct horse"), Some(hash))
            .await
            .unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            !told.contains("c2FsdA") && !told.contains("correct horse"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn passwords_print_nothing() {
    assert_eq!(format!("{:?}", *PASSWORDS), "Argon2Passwords { .. }");
}
