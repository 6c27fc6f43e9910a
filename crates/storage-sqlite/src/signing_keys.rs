//! ID token signing keys.

use alias_domain::ports::{SigningKeys, StoreError, StoredSigningKey};
use async_trait::async_trait;
use rusqlite::params;

use crate::{
    SqliteStore,
    row::{Row, Table, execute, millis},
};

static SIGNING_KEYS: Table = Table {
    name: "signing_keys",
    key: &["kid"],
};

fn from_row(row: &Row<'_>) -> Result<StoredSigningKey, StoreError> {
    Ok(StoredSigningKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        public_jwk: row.get("public_jwk")?,
        created_at: row.time("created_at")?,
    })
}

#[async_trait]
impl SigningKeys for SqliteStore {
    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        let query = "SELECT * FROM signing_keys ORDER BY created_at, kid";
        self.read(|connection| SIGNING_KEYS.all(connection, query, [], from_row))
            .await
    }

    async fn add_first_signing_key(&self, key: &StoredSigningKey) -> Result<bool, StoreError> {
        let key = key.clone();
        let statement = "
            INSERT INTO signing_keys (kid, algorithm, sealed, public_jwk, created_at)
            SELECT ?1, ?2, ?3, ?4, ?5
            WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = ?2)";
        self.write(move |connection| {
            let row = params![
                key.kid,
                key.algorithm,
                key.sealed,
                key.public_jwk,
                millis(key.created_at),
            ];
            Ok(execute(connection, statement, row)? > 0)
        })
        .await
    }
}
