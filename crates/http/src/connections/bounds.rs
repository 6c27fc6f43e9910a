//! How many connections there may be, how long each may wait, and why one is ended.

use std::time::Duration;

/// How many connections there may be, and how long each may wait for its peer.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most connections at a time. When there are as many, one that waits for its peer gives way
    /// to a new one: of the source that has the most, the one that has waited the longest. If none
    /// waits, new ones wait to be accepted.
    pub connections: usize,
    /// How long a connection may be idle between two requests.
    pub keep_alive: Duration,
    /// How long a TLS handshake may take, and then the head of a request.
    pub head: Duration,
    /// How long a body may take to arrive.
    pub body: Duration,
    /// How long an answer may wait for a peer that takes nothing of it.
    pub write: Duration,
    /// How long a connection is kept after an answer that left a body unread, so that the peer sees
    /// the answer before the end.
    pub linger: Duration,
}

impl Bounds {
    /// How often is looked for what is overdue: the bounds are kept to within this.
    pub(super) fn tick(&self) -> Duration {
        let least = [self.head, self.body, self.write, self.linger]
            .into_iter()
            .min();
        let tick = least.unwrap_or_default() / 4;
        tick.clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4096,
            keep_alive: Duration::from_secs(75),
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            write: Duration::from_secs(15),
            linger: Duration::from_secs(2),
        }
    }
}

/// Why a connection was ended from here, as the metric names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A head or a TLS handshake did not arrive in time.
    Head,
    /// A body did not.
    Body,
    /// An answer was not read.
    Unread,
    /// Nothing was asked.
    Idle,
    /// Another one needed its place.
    Full,
}
