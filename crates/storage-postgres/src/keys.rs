//! Keys: those that sign ID tokens, and those that seal tokens.

use alias_domain::ports::{Keys, StoreError, StoredKey};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use crate::{
    PostgresStore,
    row::Row,
    steps::{Tried, execute},
    table::{Table, Value, cell, column},
};

pub(crate) static KEYS: Table<StoredKey> = Table {
    name: "keys",
    alias: "y",
    key: &["kid"],
    columns: &[
        column("kid", Type::TEXT, |it| cell(it.kid.clone())),
        column("algorithm", Type::TEXT, |it| cell(it.algorithm.clone())),
        column("sealed", Type::TEXT, |it| cell(it.sealed.clone())),
        column("created_at", Type::TIMESTAMPTZ, |it| cell(it.created_at)),
        column("active_from", Type::TIMESTAMPTZ, |it| cell(it.active_from)),
    ],
};

fn from_row(row: Row<'_>) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        sealed: row.get("sealed")?,
        created_at: row.time("created_at")?,
        active_from: row.time("active_from")?,
    })
}

/// Adds a key, if the newest one of its algorithm is still this one: none, or that of a `kid`.
async fn add_after(
    transaction: &Transaction<'_>,
    key: &StoredKey,
    newest: Option<&str>,
) -> Tried<bool> {
    // No row can be held that is not there yet; nobody writes here but once in months.
    let statement = "LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE";
    execute(transaction, statement, &[]).await?;
    let (names, values) = (KEYS.names(), KEYS.parameters());
    let (algorithm, after) = (KEYS.parameter("algorithm"), KEYS.columns.len() + 1);
    let statement = format!(
        "INSERT INTO keys ({names}) SELECT {values}
        WHERE ${after} IS NOT DISTINCT FROM (
            SELECT y.kid FROM keys y WHERE y.algorithm = {algorithm}
            ORDER BY y.created_at DESC, y.kid COLLATE \"C\" DESC LIMIT 1
        )"
    );
    let newest: Value = Box::new(newest.map(str::to_owned));
    let values = KEYS.values(key)?.and([newest]);
    let added = execute(transaction, &statement, &values.refs()).await;
    Ok(added? > 0)
}

impl PostgresStore {
    async fn add_key_after(
        &self,
        key: &StoredKey,
        newest: Option<&str>,
    ) -> Result<bool, StoreError> {
        let added = self.steps.transact(|transaction| {
            let (key, newest) = (key.clone(), newest.map(str::to_owned));
            Box::pin(async move { add_after(transaction, &key, newest.as_deref()).await })
        });
        Ok(added.await?)
    }
}

#[async_trait]
impl Keys for PostgresStore {
    async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        let columns = KEYS.list();
        let statement =
            format!("SELECT {columns} FROM keys y ORDER BY y.created_at, y.kid COLLATE \"C\"");
        let rows = self.steps.read(&statement, &[]).await?;
        rows.iter().map(|it| from_row(KEYS.row(it))).collect()
    }

    async fn add_first_key(&self, key: &StoredKey) -> Result<bool, StoreError> {
        self.add_key_after(key, None).await
    }

    async fn add_key(&self, key: &StoredKey, after: &str) -> Result<bool, StoreError> {
        self.add_key_after(key, Some(after)).await
    }

    async fn replace_key(&self, before: &StoredKey, after: &StoredKey) -> Result<bool, StoreError> {
        let statement = "
            UPDATE keys SET algorithm = $1, sealed = $2
            WHERE kid = $3 AND algorithm = $4 AND sealed = $5 RETURNING kid";
        let values: [&(dyn ToSql + Sync); 5] = [
            &after.algorithm,
            &after.sealed,
            &before.kid,
            &before.algorithm,
            &before.sealed,
        ];
        let replaced = self.steps.write(statement, &values).await?;
        Ok(!replaced.is_empty())
    }

    async fn remove_key(&self, kid: &str) -> Result<bool, StoreError> {
        let statement = "DELETE FROM keys WHERE kid = $1 RETURNING kid";
        let removed = self.steps.write(statement, &[&kid]).await?;
        Ok(!removed.is_empty())
    }
}
