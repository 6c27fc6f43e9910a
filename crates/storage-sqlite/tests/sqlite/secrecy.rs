//! What a stolen file gives away: nothing that could be used.

use std::fs;

use alias_domain::{
    ClientSecret, Secret,
    ports::{Clients, PasswordHash, SessionStart, Sessions, Users},
    testing::sample::{self, NOON},
};
use pollster::FutureExt as _;

use crate::fixture::{Fixture, fresh};

/// Everything that lies in the folder of the database.
fn stolen(fixture: &Fixture) -> Vec<u8> {
    let files = fs::read_dir(fixture.folder()).expect("the folder");
    let read = |file: std::io::Result<fs::DirEntry>| fs::read(file.expect("a file").path());
    files.flat_map(|file| read(file).expect("a file")).collect()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

#[test]
fn a_stolen_file_has_digests_and_no_secrets() {
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
    story.block_on().expect("the store answers");

    let bytes = stolen(&fixture);
    for (secret, raw) in [(&token, [0x5e; 32]), (&secret, [0xc1; 32])] {
        assert!(holds(&bytes, &secret.digest().bytes()));
        assert!(!holds(&bytes, secret.expose().as_bytes()));
        assert!(!holds(&bytes, &raw));
    }
}

#[cfg(unix)]
#[test]
fn nobody_but_their_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = fresh();
    fixture
        .insert_client(&sample::client(), &[])
        .block_on()
        .expect("the store answers");
    let files: Vec<_> = fs::read_dir(fixture.folder())
        .expect("the folder")
        .collect();
    assert!(files.len() >= 2);
    for file in files {
        let mode = file
            .and_then(|it| it.metadata())
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
