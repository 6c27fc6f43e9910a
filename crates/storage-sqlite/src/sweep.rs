//! What concerns the whole database: whether it answers, and the removal of what has ended.

use alias_domain::{
    AuthorizationId,
    ports::{Store, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, authorizations,
    row::{Table, bits, execute, millis, unavailable},
};

static DUE: Table = Table {
    name: "authorizations",
    key: &["id"],
};

/// What ends at a time that does not move, or seldom: one bounded statement for each kind.
const ENDED: [&str; 3] = [
    "DELETE FROM interactions WHERE id IN
        (SELECT id FROM interactions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM client_secrets WHERE (client_id, digest) IN
        (SELECT client_id, digest FROM client_secrets WHERE expires_at <= ?1 LIMIT ?2)",
];

/// What one look at the authorizations that are due came to.
struct Look {
    due: usize,
    removed: u32,
}

/// Looks at no more than `limit` authorizations that are due, and removes no more than `most` of
/// those that have ended. The others are due again when they end.
fn look(
    connection: &Connection,
    now: DateTime<Utc>,
    limit: u32,
    most: u32,
) -> Result<Look, StoreError> {
    let query = "
        SELECT id, ends_at FROM authorizations WHERE sweep_at <= ?1 ORDER BY sweep_at LIMIT ?2";
    let due = DUE.all(connection, query, params![millis(now), limit], |row| {
        let id = AuthorizationId::from_uuid(row.uuid("id")?);
        Ok((id, row.time("ends_at")?))
    })?;
    let mut removed = 0;
    for (id, ends_at) in &due {
        if *ends_at > now {
            let later = "UPDATE authorizations SET sweep_at = ends_at WHERE id = ?1";
            execute(connection, later, [bits(id.uuid())])?;
        } else if removed < most {
            authorizations::end(connection, *id)?;
            removed += 1;
        }
    }
    Ok(Look {
        due: due.len(),
        removed,
    })
}

/// Reads what every database has, so that the file is really looked at.
fn schema_version(connection: &Connection) -> Result<i64, StoreError> {
    let version = connection.pragma_query_value(None, "schema_version", |row| row.get(0));
    version.map_err(unavailable)
}

/// Writes what is there already: a full disk is found out by a commit alone.
fn rewrite_version(connection: &Connection) -> Result<(), StoreError> {
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(unavailable)?;
    connection
        .pragma_update(None, "user_version", version)
        .map_err(unavailable)
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read(schema_version).await?;
        self.write(rewrite_version).await
    }

    async fn purge(&self, limit: u32) -> Result<u32, StoreError> {
        self.remove_deleted(limit).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let mut total = self.remove_deleted(limit).await?;
        for statement in ENDED {
            let removed = self
                .write(move |connection| {
                    execute(connection, statement, params![millis(now), limit])
                })
                .await?;
            total += u32::try_from(removed).unwrap_or(limit);
        }
        // Each look is a step of its own, so that others may write in between.
        let mut removed = 0;
        while removed < limit {
            let most = limit - removed;
            let look = self
                .write(move |connection| look(connection, now, limit, most))
                .await?;
            removed += look.removed;
            if look.due < limit as usize {
                break;
            }
        }
        Ok(total + removed)
    }
}
