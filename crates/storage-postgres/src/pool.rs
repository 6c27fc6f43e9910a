//! The connections that one runtime drives: never more than there are places, those included that
//! were given up and that the server has not ended yet.
//!
//! Where the server grants fewer connections than there are places, or grants no more just now,
//! whoever asks waits for one of those that there are. The places that cannot be filled are taken
//! away meanwhile, so that not everybody asks the server first, and come back one by one.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tokio_postgres::{Error, error::SqlState};

use crate::{
    connection::{Connection, Opening},
    database::innermost,
    steps::{LONGEST, Tried, Trouble},
};

/// After how long a server is asked again that grants no connection at all, or is away.
pub(crate) const SOON: Duration = Duration::from_millis(250);

/// The same for a server that grants no further one.
const LATER: Duration = Duration::from_secs(5);

pub(crate) struct Pool {
    opening: Arc<Opening>,
    runtime: Handle,
    most: usize,
    /// The places that are not taken. Whoever has one may have a connection.
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    idle: Vec<Connection>,
    /// The connections that there are.
    open: usize,
    /// The places that there are, at least one and at most `most`.
    places: usize,
    /// Before this, no connection is opened.
    refused_until: Option<Instant>,
    /// Whether the server grants fewer than `most`.
    short: bool,
}

/// A connection to use, and its place. Dropped, both go back.
pub(crate) struct Lease {
    /// `None` once it is dropped or ended, as the next.
    connection: Option<Connection>,
    place: Option<OwnedSemaphorePermit>,
    pool: Arc<Pool>,
    /// Whether an answer may be outstanding.
    busy: bool,
}

impl Pool {
    /// At most `most` connections, each opened when it is first needed.
    pub(crate) fn new(opening: Arc<Opening>, runtime: Handle, most: usize) -> Arc<Self> {
        Arc::new(Self {
            opening,
            runtime,
            most,
            places: Arc::new(Semaphore::new(most)),
            state: Mutex::new(State {
                idle: Vec::new(),
                open: 0,
                places: most,
                refused_until: None,
                short: false,
            }),
        })
    }

    /// The same with another number of connections, as long as there is none.
    pub(crate) fn with_most(&self, most: usize) -> Arc<Self> {
        Self::new(Arc::clone(&self.opening), self.runtime.clone(), most)
    }

    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// Whether there is a connection, be it in use.
    pub(crate) fn has_some(&self) -> bool {
        self.state().open > 0
    }

    /// Lets a pool that has no connection ask the server again so much later.
    pub(crate) fn tries_again_in(&self, pause: Duration) {
        let mut state = self.state();
        let next = Instant::now() + pause;
        if state.open == 0 {
            state.refused_until = state.refused_until.map(|it| it.min(next));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, by this time. [`Trouble::Refused`] if there is none, and the server grants none.
    pub(crate) async fn get(self: &Arc<Self>, end: Instant) -> Tried<Lease> {
        loop {
            self.widen();
            let place = timeout_at(end, Arc::clone(&self.places).acquire_owned()).await;
            let Ok(Ok(place)) = place else {
                return Err(Trouble::Busy);
            };
            let connection = match self.idle() {
                Some(connection) => connection,
                None if self.may_open() => {
                    let opened = timeout_at(end, self.opening.connect(&self.runtime)).await;
                    match opened.map_err(|_| Trouble::Silent)? {
                        Ok(connection) => {
                            self.opened();
                            connection
                        }
                        Err(error) => {
                            self.refused(place, error)?;
                            continue;
                        }
                    }
                }
                None => {
                    self.narrow(place)?;
                    continue;
                }
            };
            return Ok(Lease {
                connection: Some(connection),
                place: Some(place),
                pool: Arc::clone(self),
                busy: false,
            });
        }
    }

    /// A connection that nobody uses, for whoever has a place.
    fn idle(&self) -> Option<Connection> {
        let mut state = self.state();
        while let Some(connection) = state.idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
            state.open -= 1;
        }
        None
    }

    /// Whether the server may have one more. Once it has refused, one asks again after a while, and the
    /// others wait for what comes of it.
    fn may_open(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        match state.refused_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.refused_until = Some(now + LATER);
                true
            }
            None => true,
        }
    }

    fn opened(&self) {
        let mut state = self.state();
        state.open += 1;
        state.refused_until = None;
        let recovered = state.short && state.places == self.most;
        state.short &= !recovered;
        drop(state);
        if recovered && self.opening.short_pools(-1) == 1 {
            tracing::info!("the database grants as many connections as are wanted again");
        }
    }

    /// The server refused a connection, or is not there. As long as there are others, one of these is
    /// waited for.
    fn refused(&self, place: OwnedSemaphorePermit, error: Error) -> Tried<()> {
        let full = is_full(&error);
        let mut state = self.state();
        state.refused_until = match full {
            true => Some(Instant::now() + LATER),
            // Whether it is back is asked by everybody: they are told at once that it is not.
            false => (state.open > 0).then(|| Instant::now() + SOON),
        };
        let open = state.open;
        let is_short = full || open > 0;
        let is_news = is_short && !state.short;
        state.short |= is_short;
        drop(state);
        if is_news && self.opening.short_pools(1) == 0 {
            let reason = innermost(&error);
            tracing::warn!(
                reason,
                open,
                wanted = self.most,
                "the database grants no further connection: requests wait for those that there are"
            );
        }
        match open {
            0 if full => Err(Trouble::Refused(Some(error))),
            0 => Err(Trouble::Database(error)),
            _ => self.narrow(place),
        }
    }

    /// Takes a place away for which there is no connection.
    fn narrow(&self, place: OwnedSemaphorePermit) -> Tried<()> {
        let mut state = self.state();
        if state.open == 0 {
            return Err(Trouble::Refused(None));
        }
        // Whoever has a place without a connection leaves at least one with.
        state.places -= 1;
        drop(state);
        place.forget();
        Ok(())
    }

    /// Gives back one of the places that were taken away, once it is time to ask the server again.
    fn widen(&self) {
        let mut state = self.state();
        let is_time = |until: Instant| until <= Instant::now();
        if state.places < self.most && state.refused_until.is_none_or(is_time) {
            state.places += 1;
            drop(state);
            self.places.add_permits(1);
        }
    }

    fn take_back(&self, connection: Connection) {
        let mut state = self.state();
        match connection.is_closed() {
            true => state.open -= 1,
            false => state.idle.push(connection),
        }
    }

    fn closed(&self) {
        self.state().open -= 1;
    }
}

/// Whether it is for want of room that there is no connection: in the server, in what stands before
/// it, which may say so by the code of a protocol error, or in this process.
pub(crate) fn is_full(error: &Error) -> bool {
    let codes = [
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::CONFIGURATION_LIMIT_EXCEEDED,
        SqlState::INSUFFICIENT_RESOURCES,
        SqlState::OUT_OF_MEMORY,
        SqlState::PROTOCOL_VIOLATION,
    ];
    match error.code() {
        Some(code) => codes.contains(code),
        None => is_out_of_files(error),
    }
}

fn is_out_of_files(error: &Error) -> bool {
    let source = std::error::Error::source(error);
    let io = source.and_then(|it| it.downcast_ref::<std::io::Error>());
    // EMFILE and ENFILE.
    io.and_then(std::io::Error::raw_os_error)
        .is_some_and(|it| [23, 24].contains(&it))
}

impl Lease {
    /// From here on an answer may be outstanding.
    pub(crate) const fn begin(&mut self) {
        self.busy = true;
    }

    /// Nothing is outstanding any more.
    pub(crate) const fn finish(&mut self) {
        self.busy = false;
    }

    /// Ends the connection. Its place is free again once the server has ended its side.
    pub(crate) fn end(mut self) {
        let (connection, place) = (self.connection.take(), self.place.take());
        let pool = Arc::clone(&self.pool);
        self.pool.runtime.spawn(async move {
            if let Some(connection) = connection {
                connection.end().await;
                pool.closed();
            }
            drop(place);
        });
    }
}

/// Whoever was busy with it may have gone away, with its request: then the connection goes back once
/// it is answered.
impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !self.busy || connection.is_closed() {
            return self.pool.take_back(connection);
        }
        let (pool, place) = (Arc::clone(&self.pool), self.place.take());
        self.pool.runtime.spawn(async move {
            match timeout(LONGEST, connection.settle()).await {
                Ok(_) => pool.take_back(connection),
                Err(_) => {
                    connection.end().await;
                    pool.closed();
                }
            }
            drop(place);
        });
    }
}

/// Why a lease has its connection.
const KEPT: &str = "it is taken where the lease ends";

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect(KEPT)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection.as_mut().expect(KEPT)
    }
}
