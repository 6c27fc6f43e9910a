//! What concerns the whole database: whether it answers, and the removal of what has ended.

use alias_domain::{
    AuthorizationId, Lifetimes,
    ports::{Store, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore, authorizations,
    row::{Row, Rows, bits, execute, millis, unavailable},
};

static DUE: Rows = Rows {
    name: "authorizations",
    key: &["id"],
};

static LATEST: Rows = Rows {
    name: "sessions, interactions, authorizations",
    key: &[],
};

/// The rows that end last, by the indexes of the sweep, and when they began or went on.
const LATEST_ACTIVITY: &str = "
    SELECT max(at) AS at FROM (
        SELECT * FROM (SELECT auth_time AS at FROM sessions ORDER BY expires_at DESC LIMIT 1)
        UNION ALL
        SELECT max(expires_at) - ?1 FROM interactions
        UNION ALL
        SELECT * FROM (
            SELECT max(auth_time, coalesce(refresh_issued_at, auth_time)) AS at
            FROM authorizations ORDER BY sweep_at DESC LIMIT 1
        )
    )";

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

/// Free pages that are kept, for what comes next is written there: of 4 KiB each, and a quarter of
/// the file at least.
const SPARE_PAGES: i64 = 1024;

/// Pages that one step gives back: it holds up no request for long.
const PAGES_GIVEN_BACK: i64 = 1000;

/// Gives some of the free pages at the end of the file back to the system; `false` if there are none
/// to spare, or the database was made by a version that did not foresee it. The file gets shorter once
/// the log has moved into it.
fn give_back(connection: &Connection) -> Result<bool, StoreError> {
    let number = |pragma: &str| -> Result<i64, StoreError> {
        let read = connection.pragma_query_value(None, pragma, |row| row.get(0));
        read.map_err(unavailable)
    };
    let (pages, free) = (number("page_count")?, number("freelist_count")?);
    let spare = SPARE_PAGES.max((pages - free) / 3);
    if free <= spare || number("auto_vacuum")? == 0 {
        return Ok(false);
    }
    let some = PAGES_GIVEN_BACK.min(free - spare);
    // Read to its end: each row is a page.
    let given_back = connection.pragma(None, "incremental_vacuum", some, |_| Ok(()));
    given_back.map_err(unavailable)?;
    Ok(true)
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

    async fn latest_activity(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let interaction = Lifetimes::INTERACTION.num_milliseconds();
        self.read(move |connection| {
            let found = LATEST.one(connection, LATEST_ACTIVITY, [interaction], |row| {
                row.optional("at", Row::time)
            })?;
            Ok(found.flatten())
        })
        .await
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
        let removed = total + removed;
        if removed < limit {
            while self.write(give_back).await? {}
        }
        Ok(removed)
    }
}
