//! What the first version left, in the hands of this one.

use std::{fs, path::Path};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    keys::{is_signed_by, key_set},
    page::{Page, part, text},
    running::Running,
    store::TestStore,
};

const CLIENT_ID: &str = "sA2avkj_C4XBx2d_SB0BGg";
const CLIENT_SECRET: &str = "s9WqLgygOZQKDA0abdsp7vL2q-VT1d6rytZg1Rp2keI";

/// It lives ten years.
const REFRESH_TOKEN: &str = "eyJ0eXAiOiJyZWZyZXNoIiwiYWxnIjoiZGlyIiwiZW5jIjoiQTI1NkdDTSIsImtpZCI6IjEuNE9JQS1N\
    dG9FSUo3NEs4Q0Z2bUxmUSJ9..mb5lUNeIqIm6ZpCD.H1UNFF7FjTUaFeGDO5PbNFI5e3vthmnEEvoGD\
    86TBHAERxUxUFi4CGihszReK_dO7iXCREdR1SdBMJksl6Aro9WNDTj80_mAQQ._GgU0F6e4UuzeyxYPL\
    Yg2A";

const KID: &str = "zNLAHe8tqRQF5lTixoaPLw";

/// A database of the first version, with a key that signed.
fn first_version() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join(".alias")).expect("its folder");
    let schema =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite/V1__grant.sql");
    let database = Connection::open(folder.path().join(".alias/alias.db")).expect("a database");
    for statements in [
        fs::read_to_string(schema).expect("the schema"),
        include_str!("v1.sql").to_owned(),
    ] {
        database
            .execute_batch(&statements)
            .expect("sound statements");
    }
    folder
}

#[actix_web::test]
async fn an_upgrade_keeps_the_key_that_signs_and_what_was_sealed() {
    let alias = Running::serve_in(first_version(), TestStore::Sqlite, &[]);
    let keys = alias.cli(&["key", "list"], "");
    let keys = keys.as_array().expect("an array");
    assert_eq!(keys.len(), 4, "{keys:?}");
    let old = keys
        .iter()
        .find(|it| it["kid"] == KID)
        .expect("the old key");
    assert_eq!(
        (&old["algorithm"], &old["stage"]),
        (&json!("RS256"), &json!("active"))
    );
    assert_eq!(old["active_from"], old["created_at"]);

    let page = Page::of(alias, CLIENT_ID, CLIENT_SECRET).await;
    let client = page.alias.cli(&["client", "show", CLIENT_ID], "");
    assert_eq!(client["id_token_alg"], "RS256");

    // What was granted still is, so nobody is asked.
    let query = "response_type=code&scope=openid+offline_access\
        &redirect_uri=https%3A%2F%2Fexample.com%2Falias-callback";
    let (status, tokens) = page.exchange(&page.code(query).await).await;
    assert_eq!(status, 200);
    let id_token = text(&tokens, "id_token");
    let header: Value = serde_json::from_str(&part(&id_token, 0)).expect("JSON");
    assert_eq!(header["kid"], KID);
    let (keys, _) = key_set(&page).await;
    assert!(is_signed_by(&id_token, &keys));

    let (status, refreshed) = page.refresh(REFRESH_TOKEN).await;
    assert_eq!(status, 200, "{refreshed}");
    assert_eq!(refreshed["scope"], "openid offline_access nickname");
}
