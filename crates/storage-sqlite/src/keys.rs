//! The keys that sign ID tokens and seal tokens.

use alias_domain::ports::{Keys, StoreError, StoredKey};
use async_trait::async_trait;
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    row::{Row, Table, execute, millis},
};

pub(crate) static KEYS: Table = Table {
    name: "keys",
    key: &["kid"],
};

pub(crate) fn from_row(row: &Row<'_>) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        created_at: row.time("created_at")?,
        active_from: row.time("active_from")?,
    })
}

/// Inserts a key, if `after` is what the newest key of its algorithm is named: `None` if there shall
/// be none.
fn insert(
    connection: &Connection,
    key: &StoredKey,
    after: Option<&str>,
) -> Result<bool, StoreError> {
    let statement = "
        INSERT INTO keys (kid, algorithm, sealed, created_at, active_from)
        SELECT ?1, ?2, ?3, ?4, ?5
        WHERE (
            SELECT kid FROM keys WHERE algorithm = ?2 ORDER BY created_at DESC, kid DESC LIMIT 1
        ) IS ?6";
    let row = params![
        key.kid,
        key.algorithm,
        key.sealed,
        millis(key.created_at),
        millis(key.active_from),
        after,
    ];
    Ok(execute(connection, statement, row)? > 0)
}

#[async_trait]
impl Keys for SqliteStore {
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let query = "SELECT * FROM keys ORDER BY created_at, kid";
        self.read(|connection| KEYS.all(connection, query, [], from_row))
            .await
    }

    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.write(move |connection| insert(connection, &key, None))
            .await
    }

    async fn add_key(&self, key: &StoredKey, after: &str) -> Result<bool, StoreError> {
        let (key, after) = (key.clone(), after.to_owned());
        self.write(move |connection| insert(connection, &key, Some(&after)))
            .await
    }

    async fn replace_key(&self, before: &StoredKey, after: &StoredKey) -> Result<bool, StoreError> {
        let (before, after) = (before.clone(), after.clone());
        let statement = "
            UPDATE keys SET algorithm = ?1, sealed = ?2
            WHERE kid = ?3 AND algorithm = ?4 AND sealed = ?5";
        self.write(move |connection| {
            let row = params![
                after.algorithm,
                after.sealed,
                before.kid,
                before.algorithm,
                before.sealed,
            ];
            Ok(execute(connection, statement, row)? > 0)
        })
        .await
    }

    async fn remove_key(&self, kid: &str) -> Result<bool, StoreError> {
        let kid = kid.to_owned();
        let statement = "DELETE FROM keys WHERE kid = ?1";
        self.write(move |connection| Ok(execute(connection, statement, [&kid])? > 0))
            .await
    }
}
