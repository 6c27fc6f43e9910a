//! What each connection of a worker waits for, and since when.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
    task::Waker,
    time::{Duration, Instant},
};

use actix_web::rt::time::sleep;
use tokio::sync::Notify;

use super::Bounds;
use crate::measures::{self, Open};

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer is to send the rest of its greeting or of a request's head.
    Head,
    /// The peer is to send the rest of a body.
    Body,
    /// A handler works: nothing is awaited from the peer.
    Serving,
    /// The peer may send another request.
    Idle,
    /// The peer has an answer, and the rest of its body is thrown away.
    Leaving,
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

/// A connection, as those see it who decide how long it lives.
pub(crate) struct Watch {
    bounds: Bounds,
    phase: Cell<Phase>,
    /// When the phase began.
    since: Cell<Instant>,
    /// Since when the peer has taken nothing of what is to be written, if there is anything.
    unread: Cell<Option<Instant>>,
    /// Who wants to read, and is to wait until this request is answered or this answer is read.
    reader: RefCell<Option<Waker>>,
    end: Notify,
}

impl Watch {
    fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            unread: Cell::new(None),
            reader: RefCell::new(None),
            end: Notify::new(),
        }
    }

    pub(super) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn turn(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(Instant::now());
    }

    /// TLS is agreed on: the time for the first head begins.
    pub(super) fn greeted(&self) {
        self.turn(Phase::Head);
    }

    /// The peer sent something. The time for a head is counted from its first byte.
    pub(super) fn read(&self) {
        if self.phase.get() == Phase::Idle {
            self.turn(Phase::Head);
        }
    }

    /// The peer has no room for what is to be written.
    pub(super) fn blocked(&self) {
        if self.unread.get().is_none() {
            self.unread.set(Some(Instant::now()));
        }
    }

    /// The peer has made room for some of it.
    pub(super) fn wrote(&self) {
        if self.unread.get().is_some() {
            self.unread.set(Some(Instant::now()));
        }
    }

    /// All is on its way.
    pub(super) fn flushed(&self) {
        if self.unread.take().is_some() {
            if self.phase.get() == Phase::Leaving {
                self.since.set(Instant::now());
            }
            self.wake_reader();
        }
    }

    /// A request has a body, which is awaited.
    pub(super) fn awaits_body(&self) {
        self.turn(Phase::Body);
    }

    /// A request is whole, and is answered.
    pub(super) fn serves(&self) {
        self.turn(Phase::Serving);
    }

    /// It has been answered, or given up.
    pub(super) fn served(&self, whole: bool) {
        self.turn(if whole { Phase::Idle } else { Phase::Leaving });
        self.wake_reader();
    }

    /// Whether nothing is to be read now but that the peer hangs up: a request is being answered.
    pub(super) fn serving(&self) -> bool {
        self.phase.get() == Phase::Serving
    }

    /// Whether nothing is to be read now: who does not read answers asks no more.
    pub(super) fn is_blocked(&self) -> bool {
        self.unread.get().is_some()
    }

    /// Wakes this reader once one of the two has changed.
    pub(super) fn wait_to_read(&self, reader: &Waker) {
        self.reader.replace(Some(reader.clone()));
    }

    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Comes back once it must end.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    /// Since when it waits for its peer, and why that would be for too long after how much time.
    fn waits(&self) -> Option<(Instant, Duration, Cause)> {
        if let Some(since) = self.unread.get() {
            return Some((since, self.bounds.write, Cause::Unread));
        }
        let (bound, cause) = match self.phase.get() {
            Phase::Serving => return None,
            Phase::Leaving => (self.bounds.linger, Cause::Body),
            // Whoever looks after these first says something about it, and closes politely.
            Phase::Head => (self.bounds.head + self.bounds.linger, Cause::Head),
            Phase::Body => (self.bounds.body + self.bounds.linger, Cause::Body),
            Phase::Idle => (self.bounds.keep_alive + self.bounds.linger, Cause::Idle),
        };
        Some((self.since.get(), bound, cause))
    }
}

/// The connections of a worker.
pub(super) struct Room {
    bounds: Bounds,
    /// The most that there may be.
    most: usize,
    inside: RefCell<BTreeMap<u64, Rc<Watch>>>,
    entered: Cell<u64>,
}

impl Room {
    pub(super) fn new(bounds: Bounds, most: usize) -> Rc<Self> {
        Rc::new(Self {
            bounds,
            most,
            inside: RefCell::default(),
            entered: Cell::new(0),
        })
    }

    /// Takes in a connection. If it is the last one for which there is room, the one that has waited
    /// for its peer the longest makes room for the next.
    pub(super) fn enter(self: &Rc<Self>) -> Place {
        let id = self.entered.get();
        self.entered.set(id + 1);
        let mut inside = self.inside.borrow_mut();
        if inside.len() + 1 >= self.most {
            let waits = |it: &Rc<Watch>| Some((it.waits()?.0, Rc::clone(it)));
            let longest = inside.values().filter_map(waits).min_by_key(|it| it.0);
            if let Some((_, watch)) = longest {
                end(&watch, Cause::Full);
            }
        }
        let watch = Rc::new(Watch::new(self.bounds));
        inside.insert(id, Rc::clone(&watch));
        Place {
            id,
            watch,
            room: Rc::clone(self),
            _open: Open::connection(),
        }
    }

    fn end_overdue(&self, now: Instant) {
        for watch in self.inside.borrow().values() {
            if let Some((since, bound, cause)) = watch.waits()
                && now.saturating_duration_since(since) > bound
            {
                end(watch, cause);
            }
        }
    }
}

/// Ends a connection, whatever it does.
fn end(watch: &Watch, cause: Cause) {
    measures::connection_ended(cause);
    // It waits no more, and is not ended twice.
    watch.turn(Phase::Serving);
    watch.unread.set(None);
    watch.end.notify_one();
}

/// The place of a connection in a room, as long as it is held.
pub(super) struct Place {
    id: u64,
    watch: Rc<Watch>,
    room: Rc<Room>,
    _open: Open,
}

impl Place {
    pub(super) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.inside.borrow_mut().remove(&self.id);
    }
}

/// Ends what waits for too long, as long as there is a room.
pub(super) async fn sweep(room: Weak<Room>) {
    while let Some(tick) = room.upgrade().map(|it| it.bounds.tick()) {
        sleep(tick).await;
        if let Some(room) = room.upgrade() {
            room.end_overdue(Instant::now());
        }
    }
}
