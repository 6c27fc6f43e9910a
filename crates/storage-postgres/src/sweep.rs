//! What concerns the whole database: whether it answers, and the removal of what has ended.

use alias_domain::{
    Lifetimes,
    ports::{Store, StoreError},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    PostgresStore,
    row::{Computed, Row},
};

/// What has ended, one bounded statement for each kind. What another node is about to remove, or
/// somebody to prolong, is passed over.
const ENDED: [&str; 4] = [
    SECRETS,
    "DELETE FROM interactions WHERE id IN (
        SELECT id FROM interactions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING 1",
    "DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING 1",
    "DELETE FROM authorizations WHERE id IN (
        SELECT id FROM authorizations WHERE sweep_at <= $1 AND ends_at <= $1 LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) RETURNING 1",
];

const SECRETS: &str = "
    DELETE FROM client_secrets WHERE (client_id, digest) IN (
        SELECT client_id, digest FROM client_secrets WHERE expires_at <= $1 LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) RETURNING 1";

/// Of what was due and lives on: it is due again when it ends. A statement postpones no more
/// than one removes, and there are as many statements as it takes.
const POSTPONE: &str = "
    UPDATE authorizations SET sweep_at = ends_at WHERE id IN (
        SELECT id FROM authorizations WHERE sweep_at <= $1 AND ends_at > $1 LIMIT $2
        FOR UPDATE SKIP LOCKED
    ) RETURNING 1";

static LATEST: Computed = Computed {
    name: "sessions, interactions, authorizations",
    columns: &["at", "expires_at"],
};

/// The rows that end last, by the indexes of the sweep: when they began or went on, and when the
/// last interaction ends.
const LATEST_ACTIVITY: &str = "
    SELECT greatest(
        (SELECT auth_time FROM sessions ORDER BY expires_at DESC LIMIT 1),
        (SELECT greatest(auth_time, refresh_issued_at)
            FROM authorizations ORDER BY sweep_at DESC LIMIT 1)
    ), (SELECT max(expires_at) FROM interactions)";
/// A commit that is written, and waited for as that of any step: by the disk, and by a standby that
/// is. It needs no table. What it looks for is nothing, and is refused where nothing can be written.
const COMMIT: &str = "
    SELECT pg_logical_emit_message(TRUE, 'alias', '')
    WHERE NOT EXISTS (SELECT FROM clients LIMIT 0 FOR SHARE)";

#[async_trait]
impl Store for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.steps.write(COMMIT, &[]).await.map(drop)
    }

    async fn purge(&self, limit: u32) -> Result<u32, StoreError> {
        self.remove_deleted(limit).await
    }

    async fn latest_activity(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let rows = self.steps.read(LATEST_ACTIVITY, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let row = LATEST.row(row);
        let opened = row.optional("expires_at", Row::time)?;
        let opened = opened.map(|it| it - Lifetimes::INTERACTION);
        Ok(row.optional("at", Row::time)?.max(opened))
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u32, StoreError> {
        let most = i64::from(limit);
        let mut removed = self.remove_deleted(limit).await?;
        for statement in ENDED {
            let ended = self.steps.write(statement, &[&now, &most]).await?;
            if statement == SECRETS && !ended.is_empty() {
                self.clients.forget();
            }
            removed += u32::try_from(ended.len()).unwrap_or(limit);
        }
        loop {
            let postponed = self.steps.write(POSTPONE, &[&now, &most]).await?.len();
            if postponed == 0 || u32::try_from(postponed).is_ok_and(|it| it < limit) {
                return Ok(removed);
            }
        }
    }
}
