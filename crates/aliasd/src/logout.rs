//! Clients are told that sessions ended, while the service runs. Any number of nodes share the work:
//! each notice is one node's at a time.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use alias_domain::{
    Aftermath, ClientId, LogoutNotice,
    flows::{Provider, Told},
    ports::{Failure, StoreError},
};
use alias_http::measure_logout;
use alias_outbound::Outbound;
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};

use crate::clock;

/// How often to look for notices that are due.
const EVERY: Duration = Duration::from_millis(500);

/// Notices that are claimed at once.
const BATCH: u32 = 8;

/// Notices that are on their way at once.
const MOST: usize = 64;

/// From so many on their way to one client on, it gets no more: a slow one holds up no other.
const MOST_TO_ONE: usize = 4;

/// Tells clients, for ever. What goes wrong is tried again.
pub(crate) async fn run(provider: &Provider, outbound: Arc<Outbound>) -> Infallible {
    let mut work = Work {
        provider: provider.clone(),
        outbound,
        on_their_way: JoinSet::new(),
        clients: HashMap::new(),
    };
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(done) = work.on_their_way.join_next_with_id() => work.arrived(done),
        }
        match work.send_due().await {
            Ok(()) => said = None,
            Err(error) if said.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "clients cannot be told that sessions ended; trying again");
                said = Some(error);
            }
        }
    }
}

struct Work {
    provider: Provider,
    outbound: Arc<Outbound>,
    on_their_way: JoinSet<()>,
    /// Whom each of them goes to.
    clients: HashMap<Id, ClientId>,
}

impl Work {
    /// Takes what is due, as long as there is something and room for it.
    async fn send_due(&mut self) -> Result<(), StoreError> {
        while self.on_their_way.len() < MOST {
            let busy = self.at_their_limit();
            let due = self.provider.due_notices(BATCH, busy, clock::now());
            let due = due.await?;
            if due.is_empty() {
                break;
            }
            for notice in due {
                let client = notice.client.id;
                let (provider, outbound) = (self.provider.clone(), Arc::clone(&self.outbound));
                let task = self.on_their_way.spawn(async move {
                    let told = provider.tell(&notice, outbound.as_ref(), clock::now).await;
                    report(&notice, &told);
                });
                self.clients.insert(task.id(), client);
            }
        }
        Ok(())
    }

    /// The clients that get no more for now.
    fn at_their_limit(&self) -> Vec<ClientId> {
        let mut counts = HashMap::<ClientId, usize>::new();
        for client in self.clients.values() {
            *counts.entry(*client).or_default() += 1;
        }
        let busy = counts.into_iter().filter(|(_, it)| *it >= MOST_TO_ONE);
        busy.map(|(client, _)| client).collect()
    }

    fn arrived(&mut self, done: Result<(Id, ()), JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            // Its claim ends, and it is tried again. What the panic said may be secret.
            Err(error) => {
                tracing::error!("telling a client panicked");
                error.id()
            }
        };
        self.clients.remove(&id);
    }
}

/// Says which client, and never the token or the user.
fn report(notice: &LogoutNotice, told: &Result<Told, Failure>) {
    let (client, attempt) = (notice.client.id, notice.attempt);
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            tracing::warn!(%error, %client, attempt, "a client was not told that a session ended");
            return;
        }
    };
    measure_logout(told.aftermath);
    let answer = match &told.answer {
        Ok(status) => format!("HTTP status {status}"),
        Err(error) => error.to_string(),
    };
    match told.aftermath {
        Aftermath::Delivered => {
            tracing::debug!(%client, attempt, "a client was told that a session ended");
        }
        // Of the tries of a day the first one warns: `dev` logs from there, and a developer is to see
        // that a back channel is wrong before the notice is given up.
        Aftermath::Again(at) if attempt == 1 => {
            tracing::warn!(%client, attempt, answer, again = %at, "a client was not told that a session ended");
        }
        Aftermath::Again(at) => {
            tracing::info!(%client, attempt, answer, again = %at, "a client was not told that a session ended");
        }
        Aftermath::GivenUp => {
            tracing::warn!(%client, attempt, answer, "telling a client that a session ended is given up");
        }
    }
}
