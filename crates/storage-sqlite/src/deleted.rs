//! Clients and users that were deleted, and whose rows are not all gone yet.
//!
//! Deleting marks the row, and whoever reads passes over it: from then on nothing of it counts. What
//! refers to it may be very much, and goes in batches, between which others write.

use alias_domain::ports::StoreError;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::{
    SqliteStore, notices,
    row::{Rows, bits, execute},
};

/// Rows of a batch that follows the deletion itself, which nearly always is all of it.
const BATCH: u32 = 500;

/// What is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    Client,
    User,
}

/// Rows, of which their identifier alone is read.
static ROWS: Rows = Rows {
    name: "clients, users",
    key: &["id"],
};

impl Deleted {
    const fn table(self) -> &'static str {
        match self {
            Self::Client => "clients",
            Self::User => "users",
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
pub(crate) fn mark_client(connection: &Connection, id: Uuid) -> Result<bool, StoreError> {
    let statement = "UPDATE clients SET deleted = TRUE WHERE id = ?1 AND NOT deleted";
    let marked = execute(connection, statement, [bits(id)])? > 0;
    if marked {
        let statement = "DELETE FROM client_secrets WHERE client_id = ?1";
        execute(connection, statement, [bits(id)])?;
    }
    Ok(marked)
}

/// Marks a user as deleted, and forgets who that was: the address is anybody's again.
pub(crate) fn mark_user(connection: &Connection, id: Uuid) -> Result<bool, StoreError> {
    // No address is like that.
    let statement = "
        UPDATE users SET deleted = TRUE, email = hex(id), nickname = NULL, password_hash = ''
        WHERE id = ?1 AND NOT deleted";
    Ok(execute(connection, statement, [bits(id)])? > 0)
}

/// Whether one of the two was deleted.
pub(crate) fn is_either(
    connection: &Connection,
    user: Uuid,
    client: Uuid,
) -> Result<bool, StoreError> {
    let query = "
        SELECT id FROM users WHERE id = ?1 AND deleted
        UNION ALL SELECT id FROM clients WHERE id = ?2 AND deleted";
    let key = [bits(user), bits(client)];
    Ok(ROWS.one(connection, query, key, |_| Ok(()))?.is_some())
}

/// A batch, as far as it got.
struct Batch<'a> {
    connection: &'a Connection,
    left: u32,
}

impl Batch<'_> {
    fn is_full(&self) -> bool {
        self.left == 0
    }

    fn execute(
        &mut self,
        statement: &str,
        params: impl rusqlite::Params,
    ) -> Result<(), StoreError> {
        let removed = execute(self.connection, statement, params)?;
        let removed = u32::try_from(removed).unwrap_or(u32::MAX);
        self.left = self.left.saturating_sub(removed);
        Ok(())
    }

    /// As many identifiers as there is room for, of a query that has the limit second.
    fn ids(&self, query: &str, of: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let params = params![bits(of), self.left];
        ROWS.all(self.connection, query, params, |row| row.uuid("id"))
    }

    /// Ends sessions of a user, and makes their notices.
    fn sessions(&mut self, user: Uuid) -> Result<(), StoreError> {
        let query = "SELECT id FROM sessions WHERE user_id = ?1 LIMIT ?2";
        for session in self.ids(query, user)? {
            notices::record(self.connection, "id", session)?;
            self.execute("DELETE FROM sessions WHERE id = ?1", [bits(session)])?;
        }
        Ok(())
    }

    /// Removes connections, each after what stems from it.
    fn connections(&mut self, what: Deleted, id: Uuid) -> Result<(), StoreError> {
        let (own, other) = what.columns();
        let query = format!("SELECT {other} AS id FROM connections WHERE {own} = ?1 LIMIT ?2");
        let issued = format!(
            "DELETE FROM authorizations WHERE rowid IN (
                SELECT rowid FROM authorizations WHERE {own} = ?1 AND {other} = ?2 LIMIT ?3
            )"
        );
        let tie = format!("DELETE FROM connections WHERE {own} = ?1 AND {other} = ?2");
        for met in self.ids(&query, id)? {
            let most = self.left;
            self.execute(&issued, params![bits(id), bits(met), most])?;
            if self.is_full() {
                break;
            }
            self.execute(&tie, [bits(id), bits(met)])?;
            if self.is_full() {
                break;
            }
        }
        Ok(())
    }

    /// Removes what else refers to a client.
    fn traces(&mut self, client: Uuid) -> Result<(), StoreError> {
        for (table, key) in [
            ("logout_notices", "session_id, client_id"),
            ("session_clients", "session_id, client_id"),
            ("interactions", "id"),
        ] {
            let statement = format!(
                "DELETE FROM {table} WHERE ({key}) IN (
                    SELECT {key} FROM {table} WHERE client_id = ?1 LIMIT ?2
                )"
            );
            let most = self.left;
            self.execute(&statement, params![bits(client), most])?;
        }
        Ok(())
    }
}

/// Removes rows of what is deleted, `limit` at most, and at last its own. How many it were.
fn remove_some(
    connection: &Connection,
    what: Deleted,
    id: Uuid,
    limit: u32,
) -> Result<u32, StoreError> {
    let mut batch = Batch {
        connection,
        left: limit,
    };
    // Who took part is told by an alias ID, which the connection has.
    match what {
        Deleted::User => batch.sessions(id)?,
        Deleted::Client => batch.traces(id)?,
    }
    batch.connections(what, id)?;
    if !batch.is_full() {
        let statement = format!("DELETE FROM {} WHERE id = ?1", what.table());
        batch.execute(&statement, [bits(id)])?;
    }
    Ok(limit - batch.left)
}

fn remove_any(connection: &Connection, limit: u32) -> Result<u32, StoreError> {
    for what in [Deleted::Client, Deleted::User] {
        let query = format!("SELECT id FROM {} WHERE deleted LIMIT 1", what.table());
        let found = ROWS.one(connection, &query, [], |row| row.uuid("id"))?;
        if let Some(id) = found {
            return remove_some(connection, what, id, limit);
        }
    }
    Ok(0)
}

impl SqliteStore {
    /// Removes the first rows of what was just deleted. It counts for nothing already, so whatever
    /// goes wrong here is for a sweep to do again.
    pub(crate) async fn begin_to_remove(&self, what: Deleted, id: Uuid) {
        let begun = self.write(move |connection| remove_some(connection, what, id, BATCH));
        if let Err(error) = begun.await {
            tracing::warn!(%error, "what was deleted ended, and its rows go with the next sweep");
        }
    }

    /// Removes rows of anything that was deleted; none is left if there were none.
    pub(crate) async fn remove_deleted(&self, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| remove_any(connection, limit))
            .await
    }
}
