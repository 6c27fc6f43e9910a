//! The connections of a node, divided among the runtimes that use them.
//!
//! Whoever drives a connection hands its answers to whoever asked. Where the two are on different
//! threads, each statement costs two wake-ups more than it need, a fifth of the time of a refresh:
//! so each runtime that serves requests has connections of its own.

use std::sync::{PoisonError, RwLock};

use deadpool_postgres::{BuildError, Client, Pool, PoolError, Runtime};
use tokio::runtime::{Handle, Id};

use crate::{
    database::{Database, Opening},
    schema::OpenError,
    steps::QUEUE,
};

pub(crate) struct Pools {
    opening: Opening,
    /// Whoever has no connections of its own uses these.
    home: Pool,
    home_runtime: Id,
    /// How many others may have some of their own, and how many each.
    others: usize,
    share: usize,
    theirs: RwLock<Vec<(Id, Pool)>>,
}

impl Pools {
    /// At most `most` connections, each opened when it is first needed. The runtime on which this
    /// is called drives all of them.
    pub(crate) fn new(database: &Database, most: usize) -> Result<Self, OpenError> {
        let opening = database.serving()?;
        let runtime = Handle::current();
        let home_runtime = runtime.id();
        let home = pool(&opening, runtime, most).map_err(|error| OpenError::Away {
            server: database.server(),
            reason: error.to_string(),
        });
        Ok(Self {
            home: home?,
            opening,
            home_runtime,
            others: 0,
            share: 0,
            theirs: RwLock::default(),
        })
    }

    /// The same number of connections: an eighth here, and the rest for so many other runtimes, those
    /// that first ask. All stay here if there are too few.
    pub(crate) fn divide(&mut self, others: usize) {
        let most = self.home.status().max_size;
        let here = (most / 8).max(1);
        let share = (most - here).checked_div(others).unwrap_or_default();
        if share > 0 {
            self.home.resize(here);
            (self.others, self.share) = (others, share);
        }
    }

    /// A connection that is driven here, if there are such.
    pub(crate) async fn get(&self) -> Result<Client, PoolError> {
        self.own().get().await
    }

    fn own(&self) -> Pool {
        let runtime = Handle::current();
        let here = runtime.id();
        if here == self.home_runtime || self.others == 0 {
            return self.home.clone();
        }
        let known = |theirs: &[(Id, Pool)]| {
            let own = theirs.iter().find(|(id, _)| *id == here);
            own.map(|(_, pool)| pool.clone())
        };
        let theirs = self.theirs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known(&theirs) {
            return own;
        }
        drop(theirs);
        let mut theirs = self.theirs.write().unwrap_or_else(PoisonError::into_inner);
        if theirs.len() == self.others {
            return self.home.clone();
        }
        match pool(&self.opening, runtime, self.share) {
            Ok(own) => {
                theirs.push((here, own.clone()));
                own
            }
            Err(error) => {
                tracing::warn!(%error, "a runtime has no connections of its own");
                self.home.clone()
            }
        }
    }
}

fn pool(opening: &Opening, runtime: Handle, most: usize) -> Result<Pool, BuildError> {
    Pool::builder(opening.on(runtime))
        .max_size(most)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(QUEUE))
        .create_timeout(Some(QUEUE))
        .build()
}
