//! Whether a connection has a session of the server's to itself, as statements that are prepared once
//! and locks that a session holds need it. A pooler such as PgBouncer may hand out its sessions for a
//! transaction at a time instead.

use std::time::Duration;

use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{Error, SimpleQueryMessage, error::SqlState};

use crate::{
    connection::Connection,
    database::{Database, innermost},
    pool,
    schema::OpenError,
};

/// How often two connections are compared. The first time tells nearly always; a pooler that others
/// use meanwhile may hand out what it would not otherwise.
const ROUNDS: u32 = 5;

/// How long an answer may take that has nothing to wait for.
const PROMPT: Duration = Duration::from_secs(3);

/// What two connections show of their sessions.
enum Seen {
    /// Nothing against their being their own.
    Own,
    /// One is served by several, or several by one.
    Shared,
}

/// Refuses a pooler that shares sessions, with what to set.
pub(crate) async fn expect(database: &Database, one: &Connection) -> Result<(), OpenError> {
    let other = match database.serving()?.connect(&Handle::current()).await {
        Ok(other) => other,
        // One was to be had, and is enough for a command.
        Err(error) if pool::is_full(&error) && !is_pooler(&error) => return Ok(()),
        Err(error) => return Err(database.refused(&error)),
    };
    let refused = |reason: &str| OpenError::Pooler {
        server: database.server(),
        reason: reason.to_owned(),
    };
    match compare(one, &other).await {
        Ok(Seen::Own) => Ok(()),
        Ok(Seen::Shared) => Err(refused("shares its connections to the server")),
        // What PgBouncer says where it shares them for a statement at a time.
        Err(error) if is_pooler(&error) && innermost(&error).contains("transaction blocks") => {
            Err(refused("admits no transactions"))
        }
        Err(error) => Err(database.refused(&error)),
    }
}

fn is_pooler(error: &Error) -> bool {
    error.code() == Some(&SqlState::PROTOCOL_VIOLATION)
}

/// Whichever serves the other within its transaction cannot serve this one meanwhile, and whichever
/// served this one last is at hand for the other.
async fn compare(one: &Connection, other: &Connection) -> Result<Seen, Error> {
    let mut sessions = None;
    for _ in 0..ROUNDS {
        let before = session(one).await?;
        let Ok(begun) = timeout(PROMPT, other.batch_execute("BEGIN")).await else {
            // Sessions are few, and none is left: they are handed out for good.
            return Ok(Seen::Own);
        };
        begun?;
        let there = session(other).await?;
        let Ok(here) = timeout(PROMPT, session(one)).await else {
            // It was served, and is not any more.
            return Ok(Seen::Shared);
        };
        let here = here?;
        other.batch_execute("COMMIT").await?;
        let seen = (here, there);
        let first = sessions.get_or_insert_with(|| seen.clone());
        if before != seen.0 || seen.0 == seen.1 || *first != seen {
            return Ok(Seen::Shared);
        }
    }
    Ok(Seen::Own)
}

/// The server's process that serves a connection.
async fn session(connection: &Connection) -> Result<Option<String>, Error> {
    let answers = connection.simple_query("SELECT pg_backend_pid()").await?;
    let pid = |it: &SimpleQueryMessage| match it {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    Ok(answers.iter().find_map(pid))
}
