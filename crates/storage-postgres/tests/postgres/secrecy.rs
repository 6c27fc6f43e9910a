//! What a stolen database gives away: nothing that could be used.

use alias_domain::{
    ClientSecret, Secret,
    ports::{Clients, PasswordHash, SessionStart, Sessions, Users},
    testing::sample::{self, NOON},
};

use crate::fixture::{fresh, wait};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

#[test]
fn a_stolen_database_has_digests_and_no_secrets() {
    let fixture = fresh();
    let [token, secret] = [[0x5e; 32], [0xc1; 32]].map(Secret::from_bits);
    let stored = ClientSecret {
        digest: secret.digest(),
        expires_at: None,
    };
    let start = SessionStart {
        id: sample::session().id,
        user: sample::user().id,
        token: token.digest(),
        password: None,
        presented: Vec::new(),
        auth_time: NOON,
        expires_at: sample::session().expires_at,
    };
    let story = async {
        fixture.insert_client(&sample::client(), &[stored]).await?;
        let hash = PasswordHash::new("$argon2id$of-no-password");
        fixture
            .insert_user(&sample::user(), &hash)
            .await?
            .expect("a free address");
        fixture.start_session(&start).await
    };
    wait(story).expect("the store answers");

    let rows = fixture.database.dump();
    for (secret, raw) in [(&token, [0x5e; 32]), (&secret, [0xc1; 32])] {
        assert!(rows.contains(&hex(&secret.digest().bytes())));
        assert!(!rows.contains(secret.expose()));
        assert!(!rows.contains(&hex(&raw)));
    }
}
