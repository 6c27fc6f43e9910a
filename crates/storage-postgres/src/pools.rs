//! The connections of a node, divided among the runtimes that use them.
//!
//! Whoever drives a connection hands its answers to whoever asked. Where the two are on different
//! threads, each statement costs two wake-ups more than it need, a fifth of the time of a refresh:
//! so each runtime that serves requests has a [`Pool`] of its own.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::{
    runtime::{Handle, Id},
    time::{Instant, sleep},
};

use crate::{
    connection::Opening,
    database::Database,
    pool::{Lease, Pool, SOON},
    schema::OpenError,
    steps::{QUEUE, Tried, Trouble},
};

pub(crate) struct Pools {
    opening: Arc<Opening>,
    /// Whoever has no connections of its own uses these.
    home: Arc<Pool>,
    home_runtime: Id,
    /// How many others may have some of their own, and how many each.
    others: usize,
    share: usize,
    theirs: RwLock<Vec<(Id, Arc<Pool>)>>,
}

impl Pools {
    /// At most `most` connections, each opened when it is first needed. The runtime on which this
    /// is called drives all of them.
    pub(crate) fn new(database: &Database, most: usize) -> Result<Self, OpenError> {
        let opening = Arc::new(database.serving()?);
        let runtime = Handle::current();
        Ok(Self {
            home_runtime: runtime.id(),
            home: Pool::new(Arc::clone(&opening), runtime, most),
            opening,
            others: 0,
            share: 0,
            theirs: RwLock::default(),
        })
    }

    /// The same number of connections: an eighth here, and the rest for so many other runtimes, those
    /// that first ask. All stay here if there are too few. None is open yet.
    pub(crate) fn divide(&mut self, others: usize) {
        let most = self.home.most();
        let here = (most / 8).max(1);
        let share = (most - here).checked_div(others).unwrap_or_default();
        if share > 0 {
            self.home = self.home.with_most(here);
            (self.others, self.share) = (others, share);
        }
    }

    /// A connection that is driven here, if there are such. Where the server grants none to this
    /// runtime, one of another's is borrowed; as long as it grants none at all, it is asked again.
    pub(crate) async fn get(&self) -> Tried<Lease> {
        let (own, end) = (self.own(), Instant::now() + QUEUE);
        loop {
            let refused = match own.get(end).await {
                Err(refused @ Trouble::Refused(_)) => refused,
                done => return done,
            };
            let lender = self.all().into_iter().find(|it| it.has_some());
            match lender {
                Some(lender) => match lender.get(end).await {
                    Err(Trouble::Refused(_)) => {}
                    done => return done,
                },
                None if Instant::now() + SOON < end => own.tries_again_in(SOON),
                None => return Err(refused),
            }
            sleep(SOON).await;
        }
    }

    fn all(&self) -> Vec<Arc<Pool>> {
        let theirs = self.theirs.read().unwrap_or_else(PoisonError::into_inner);
        let theirs = theirs.iter().map(|(_, pool)| Arc::clone(pool));
        [Arc::clone(&self.home)].into_iter().chain(theirs).collect()
    }

    fn own(&self) -> Arc<Pool> {
        let runtime = Handle::current();
        let here = runtime.id();
        if here == self.home_runtime || self.others == 0 {
            return Arc::clone(&self.home);
        }
        let known = |theirs: &[(Id, Arc<Pool>)]| {
            let own = theirs.iter().find(|(id, _)| *id == here);
            own.map(|(_, pool)| Arc::clone(pool))
        };
        let theirs = self.theirs.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known(&theirs) {
            return own;
        }
        drop(theirs);
        let mut theirs = self.theirs.write().unwrap_or_else(PoisonError::into_inner);
        if theirs.len() == self.others {
            return Arc::clone(&self.home);
        }
        let own = Pool::new(Arc::clone(&self.opening), runtime, self.share);
        theirs.push((here, Arc::clone(&own)));
        own
    }
}
