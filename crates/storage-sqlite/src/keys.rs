//! The keys that sign ID tokens and seal tokens.

use alias_domain::ports::{Keys, StoreError, StoredKey};
use async_trait::async_trait;
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    row::{Row, execute, millis},
    table::{Table, cell, column},
};

pub(crate) static KEYS: Table<StoredKey> = Table::new(
    "keys",
    &["kid"],
    &[
        column("kid", |it| cell(it.kid.clone())),
        column("algorithm", |it| cell(it.algorithm.clone())),
        column("sealed", |it| cell(it.sealed.clone())),
        column("created_at", |it| cell(millis(it.created_at))),
        column("active_from", |it| cell(millis(it.active_from))),
    ],
);

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
    let newest = "
        SELECT kid FROM keys WHERE algorithm = ? ORDER BY created_at DESC, kid DESC LIMIT 1";
    let unchanged = format!("({newest}) IS ?");
    let compared = [
        key.algorithm.clone().into(),
        after.map(str::to_owned).into(),
    ];
    KEYS.insert_where(connection, key, &unchanged, compared)
}

#[async_trait]
impl Keys for SqliteStore {
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let oldest_first = "ORDER BY created_at, kid";
        self.read(|connection| KEYS.all(connection, oldest_first, [], from_row))
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
