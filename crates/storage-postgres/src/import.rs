//! Taking in everything that another store keeps: one transaction, in which the rows of each page are
//! copied at once.

use alias_domain::ports::{Counts, Export, Import, ImportError, Page};
use async_trait::async_trait;
use deadpool_postgres::Transaction;

use crate::{
    PostgresStore,
    authorizations::AUTHORIZATIONS,
    clients::{CLIENTS, SECRETS},
    grants::CONNECTIONS,
    interactions::INTERACTIONS,
    keys::KEYS,
    notices::{NOTICES, PARTICIPATIONS},
    sessions::SESSIONS,
    steps::{Tried, Trouble, row},
    users::USERS,
};

/// It may take its time, as long as it goes on. Whoever writes has a few seconds to end.
const PATIENCE: &str = "
    SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL lock_timeout = '5s'";

/// Every table that something is taken into.
const TABLES: &str = "
    keys, client_rows, client_secrets, user_rows, sessions, interactions, connections,
    authorizations, session_clients, logout_notices";

const KEPT: &str = "
    SELECT 1 WHERE EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM client_rows)
        OR EXISTS (SELECT 1 FROM user_rows)";

fn target(trouble: impl Into<Trouble>) -> ImportError {
    let trouble = trouble.into();
    match trouble.is_locked_out() {
        true => ImportError::Busy,
        false => ImportError::Target(trouble.into()),
    }
}

#[async_trait]
impl Import for PostgresStore {
    async fn import(&self, from: &mut dyn Export) -> Result<Counts, ImportError> {
        let mut client = self.steps.client().await.map_err(target)?;
        client.begin();
        // If it is dropped before its end, the server undoes it.
        let transaction = client.transaction().await.map_err(target)?;
        if holds_something(&transaction).await.map_err(target)? {
            return Err(ImportError::NotEmpty);
        }
        let mut counts = Counts::default();
        while let Some(page) = from.next_page().await.map_err(ImportError::Source)? {
            counts.add(&page);
            take(&transaction, &page).await.map_err(target)?;
        }
        // Until statistics are gathered, every plan is a guess.
        let analyze = format!("ANALYZE {TABLES}");
        transaction.batch_execute(&analyze).await.map_err(target)?;
        transaction.commit().await.map_err(target)?;
        if client.is_unconfirmed() {
            return Err(target(Trouble::Unconfirmed));
        }
        client.finish();
        self.clients.forget();
        Ok(counts)
    }
}

/// Whether there is something, from now on for good.
async fn holds_something(transaction: &Transaction<'_>) -> Tried<bool> {
    transaction.batch_execute(PATIENCE).await?;
    // From here on nobody else writes, and another import waits.
    let lock = format!("LOCK TABLE {TABLES} IN SHARE ROW EXCLUSIVE MODE");
    transaction.batch_execute(&lock).await?;
    Ok(row(transaction, KEPT, &[]).await?.is_some())
}

async fn take(transaction: &Transaction<'_>, page: &Page) -> Tried<()> {
    match page {
        Page::Keys(keys) => KEYS.copy(transaction, keys).await,
        Page::Clients(clients) => {
            // What requests see is a view.
            let them: Vec<_> = clients.iter().map(|(client, _)| client.clone()).collect();
            CLIENTS.copy_to(transaction, "client_rows", &them).await?;
            let secrets = clients.iter().flat_map(|(client, secrets)| {
                let of_client = secrets.iter().map(|it| (client.id, it.clone()));
                of_client.collect::<Vec<_>>()
            });
            let secrets: Vec<_> = secrets.collect();
            SECRETS.copy(transaction, &secrets).await
        }
        Page::Users(users) => USERS.copy_to(transaction, "user_rows", users).await,
        Page::Sessions(sessions) => SESSIONS.copy(transaction, sessions).await,
        Page::Interactions(interactions) => INTERACTIONS.copy(transaction, interactions).await,
        Page::Connections(connections) => CONNECTIONS.copy(transaction, connections).await,
        Page::Authorizations(them) => AUTHORIZATIONS.copy(transaction, them).await,
        Page::Participations(them) => PARTICIPATIONS.copy(transaction, them).await,
        Page::Notices(notices) => NOTICES.copy(transaction, notices).await,
    }
}
