//! Clients and users that were deleted, and whose rows are not all gone yet.
//!
//! Deleting marks the row, which hides it from whoever reads: from then on nothing of it counts. What
//! refers to it may be very much, and goes in batches, each a transaction of its own.

use alias_domain::ports::StoreError;
use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::{
    PostgresStore,
    notices::{self, Ending},
    steps::{Tried, execute, row, rows},
};

/// Rows of a batch that goes with the deletion itself, which nearly always is all of it.
const BATCH: u32 = 500;

/// What is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    Client,
    User,
}

impl Deleted {
    /// The table that has the mark.
    const fn table(self) -> &'static str {
        match self {
            Self::Client => "client_rows",
            Self::User => "user_rows",
        }
    }

    /// The columns that name it where a user and a client are tied, and the other of the two.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Client => ("client_id", "user_id"),
            Self::User => ("user_id", "client_id"),
        }
    }
}

/// Marks a client as deleted; `false` if there is none.
pub(crate) async fn mark_client(transaction: &Transaction<'_>, id: Uuid) -> Tried<bool> {
    // From here on nobody connects with it.
    let statement = "SELECT 1 FROM clients WHERE id = $1 FOR UPDATE";
    if row(transaction, statement, &[&id]).await?.is_none() {
        return Ok(false);
    }
    for statement in [
        "UPDATE client_rows SET deleted = TRUE WHERE id = $1",
        "DELETE FROM client_secrets WHERE client_id = $1",
    ] {
        execute(transaction, statement, &[&id]).await?;
    }
    Ok(true)
}

/// Marks a user as deleted, and forgets who that was: the address is anybody's again.
pub(crate) async fn mark_user(transaction: &Transaction<'_>, id: Uuid) -> Tried<bool> {
    let statement = "SELECT 1 FROM users WHERE id = $1 FOR UPDATE";
    if row(transaction, statement, &[&id]).await?.is_none() {
        return Ok(false);
    }
    // No address is like that.
    let statement = "
        UPDATE user_rows
        SET deleted = TRUE, email = id::text, nickname = NULL, password_hash = ''
        WHERE id = $1";
    execute(transaction, statement, &[&id]).await?;
    Ok(true)
}

/// Removes rows of what is deleted, `limit` of a kind at most, and at last its own. How many it were.
async fn remove_some(
    transaction: &Transaction<'_>,
    what: Deleted,
    id: Uuid,
    limit: u32,
) -> Tried<u32> {
    let (own, other) = what.columns();
    let (most, enough) = (i64::from(limit), u64::from(limit));
    // First what whoever issues locks, and in that order.
    let statement = format!(
        "SELECT {other} FROM connections WHERE {own} = $1 ORDER BY {other} LIMIT $2 FOR UPDATE"
    );
    let met = rows(transaction, &statement, &[&id, &most]).await?;
    let met: Vec<Uuid> = met.iter().map(|it| it.get(0)).collect();
    let mut removed = 0;
    // Who took part is told by an alias ID, which the connection has.
    if what == Deleted::User {
        removed += notices::end_sessions(transaction, Ending::SomeOf(id, most)).await?;
    }
    if removed < enough {
        let statement = format!(
            "DELETE FROM authorizations WHERE id IN (
                SELECT id FROM authorizations WHERE {own} = $1 AND {other} = ANY ($2) LIMIT $3
            )"
        );
        removed += execute(transaction, &statement, &[&id, &met, &most]).await?;
    }
    if removed < enough {
        let statement = format!("DELETE FROM connections WHERE {own} = $1 AND {other} = ANY ($2)");
        removed += execute(transaction, &statement, &[&id, &met]).await?;
    }
    if what == Deleted::Client {
        for (table, key) in [
            ("logout_notices", "session_id, client_id"),
            ("session_clients", "session_id, client_id"),
            ("interactions", "id"),
        ] {
            if removed < enough {
                let statement = format!(
                    "DELETE FROM {table} WHERE ({key}) IN (
                        SELECT {key} FROM {table} WHERE client_id = $1 LIMIT $2
                    )"
                );
                removed += execute(transaction, &statement, &[&id, &most]).await?;
            }
        }
    }
    if removed < enough {
        let statement = format!("DELETE FROM {} WHERE id = $1", what.table());
        removed += execute(transaction, &statement, &[&id]).await?;
    }
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}

impl PostgresStore {
    /// Removes the first rows of what was just deleted. It counts for nothing already, so whatever
    /// goes wrong here is for a sweep to do again.
    pub(crate) async fn begin_to_remove(&self, what: Deleted, id: Uuid) {
        let begun = self.steps.transact(|transaction| {
            Box::pin(async move { remove_some(transaction, what, id, BATCH).await })
        });
        if let Err(error) = begun.await.map_err(StoreError::from) {
            tracing::warn!(%error, "what was deleted ended, and its rows go with the next sweep");
        }
    }

    /// Removes rows of anything that was deleted; none is left if there were none.
    pub(crate) async fn remove_deleted(&self, limit: u32) -> Result<u32, StoreError> {
        for what in [Deleted::Client, Deleted::User] {
            let removed = self.steps.transact(|transaction| {
                Box::pin(async move {
                    // Whoever else is at it is waited for; whoever refers to it still is not.
                    let statement = format!(
                        "SELECT id FROM {} WHERE deleted LIMIT 1 FOR NO KEY UPDATE",
                        what.table()
                    );
                    match row(transaction, &statement, &[]).await? {
                        Some(found) => remove_some(transaction, what, found.get(0), limit).await,
                        None => Ok(0),
                    }
                })
            });
            match removed.await? {
                0 => {}
                removed => return Ok(removed),
            }
        }
        Ok(0)
    }
}
