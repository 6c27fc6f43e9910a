//! What each connection of a worker waits for, and since when.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    rc::{Rc, Weak},
    sync::{Mutex, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

use actix_web::rt::time::sleep;
use tokio::sync::Notify;

use super::bounds::{Bounds, Cause};
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
    /// How many requests were answered, or given up.
    answers: Cell<u64>,
    /// How many connections its source has.
    company: Rc<Cell<usize>>,
    /// Whether it was told to end.
    ends: Cell<bool>,
    end: Notify,
}

impl Watch {
    fn new(bounds: Bounds, company: Rc<Cell<usize>>) -> Self {
        Self {
            bounds,
            company,
            phase: Cell::new(Phase::Head),
            since: Cell::new(Instant::now()),
            unread: Cell::new(None),
            reader: RefCell::new(None),
            answers: Cell::new(0),
            ends: Cell::new(false),
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
        self.answers.set(self.answers.get() + 1);
        self.turn(if whole { Phase::Idle } else { Phase::Leaving });
        self.wake_reader();
    }

    /// Whether nothing is to be read now but that the peer hangs up: a request is being answered.
    pub(super) fn serving(&self) -> bool {
        self.phase.get() == Phase::Serving
    }

    /// How many requests were answered, or given up.
    pub(super) fn answers(&self) -> u64 {
        self.answers.get()
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
        if self.ends.get() {
            return None;
        }
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

/// How long a connection has waited at least when it gives way without anybody coming: whoever was
/// just let in has time to ask.
const GRACE: Duration = Duration::from_secs(1);

/// How often it is said that there are too many: a line for each would itself fill a disk.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// When it was said last, by whichever worker.
static WARNED_AT: Mutex<Option<Instant>> = Mutex::new(None);

/// The connections of a worker.
pub(super) struct Room {
    bounds: Bounds,
    /// The most that there may be.
    most: usize,
    inside: RefCell<BTreeMap<u64, Rc<Watch>>>,
    entered: Cell<u64>,
    /// How many were told to end, and are there still.
    ending: Cell<usize>,
    /// How many each source has.
    sources: RefCell<HashMap<IpAddr, Rc<Cell<usize>>>>,
}

impl Room {
    pub(super) fn new(bounds: Bounds, most: usize) -> Rc<Self> {
        Rc::new(Self {
            bounds,
            most,
            inside: RefCell::default(),
            entered: Cell::new(0),
            ending: Cell::new(0),
            sources: RefCell::default(),
        })
    }

    /// Takes in a connection from a source. If it is the last one for which there is room, another
    /// one gives way, so that there is room for the next. A source of `None` is one that many come
    /// through, and is last to give way.
    pub(super) fn enter(self: &Rc<Self>, source: Option<IpAddr>) -> Place {
        if self.count() + 1 >= self.most {
            self.make_way(Instant::now(), Duration::ZERO);
        }
        let id = self.entered.get();
        self.entered.set(id + 1);
        let company = source.map(|it| Rc::clone(self.sources.borrow_mut().entry(it).or_default()));
        let company = company.inspect(|it| it.set(it.get() + 1));
        let watch = Rc::new(Watch::new(self.bounds, company.unwrap_or_default()));
        self.inside.borrow_mut().insert(id, Rc::clone(&watch));
        Place {
            id,
            source,
            watch,
            room: Rc::clone(self),
            _open: Open::connection(),
        }
    }

    /// How many there are, but for those that are about to end.
    fn count(&self) -> usize {
        self.inside.borrow().len() - self.ending.get()
    }

    /// Ends one that waits for its peer, and has for so long: one of the source that has the most, and
    /// of these the one that has waited the longest.
    fn make_way(&self, now: Instant, least: Duration) {
        warn_of_too_many(self.most);
        let inside = self.inside.borrow();
        let waiting = inside.values().filter_map(|it| Some((it.waits()?.0, it)));
        let waiting = waiting.filter(|it| now.saturating_duration_since(it.0) >= least);
        let first = waiting.min_by_key(|it| (Reverse(it.1.company.get()), it.0));
        if let Some((_, watch)) = first {
            self.end(watch, Cause::Full);
        }
    }

    /// Looks at what waits: ends what has for too long, and keeps a place for whoever comes. While the
    /// room is full nobody is let in, and those inside may begin to wait only afterwards.
    fn look(&self, now: Instant) {
        for watch in self.inside.borrow().values() {
            if let Some((since, bound, cause)) = watch.waits()
                && now.saturating_duration_since(since) > bound
            {
                self.end(watch, cause);
            }
        }
        if self.count() >= self.most {
            self.make_way(now, GRACE);
        }
    }

    /// Ends a connection, whatever it does.
    fn end(&self, watch: &Watch, cause: Cause) {
        measures::connection_ended(cause);
        watch.ends.set(true);
        self.ending.set(self.ending.get() + 1);
        watch.end.notify_one();
    }
}

fn warn_of_too_many(most: usize) {
    let mut warned_at = WARNED_AT.lock().unwrap_or_else(PoisonError::into_inner);
    if warned_at.is_some_and(|it| it.elapsed() < WARNING_INTERVAL) {
        return;
    }
    *warned_at = Some(Instant::now());
    tracing::warn!(
        most,
        "a worker has as many connections as it may: those of whoever has the most give way; \
         http.connections and the limit of open files say how many there may be"
    );
}

/// The place of a connection in a room, as long as it is held.
pub(super) struct Place {
    id: u64,
    source: Option<IpAddr>,
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
        let room = &self.room;
        room.inside.borrow_mut().remove(&self.id);
        if self.watch.ends.get() {
            room.ending.set(room.ending.get() - 1);
        }
        let Some(source) = self.source else {
            return;
        };
        let company = &self.watch.company;
        company.set(company.get() - 1);
        if company.get() == 0 {
            room.sources.borrow_mut().remove(&source);
        }
    }
}

/// Ends what waits for too long, as long as there is a room.
pub(super) async fn sweep(room: Weak<Room>) {
    while let Some(tick) = room.upgrade().map(|it| it.bounds.tick()) {
        sleep(tick).await;
        if let Some(room) = room.upgrade() {
            room.look(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(most: usize) -> Rc<Room> {
        Room::new(Bounds::default(), most)
    }

    fn from(source: &str) -> Option<IpAddr> {
        Some(source.parse().expect("an address"))
    }

    /// Those of these places that were told to end.
    fn told(places: &[Place]) -> Vec<usize> {
        let all = places.iter().enumerate();
        let told = all.filter(|(_, it)| it.watch.ends.get());
        told.map(|(index, _)| index).collect()
    }

    fn begin_to_wait(places: &[Place]) {
        for place in places {
            place.watch.served(true);
        }
    }

    #[test]
    fn a_room_that_filled_while_all_were_served_has_a_place_again_once_they_wait() {
        let room = room(3);
        let places = [None; 3].map(|it| {
            let place = room.enter(it);
            place.watch.serves();
            place
        });
        room.look(Instant::now());
        assert_eq!(told(&places), [0; 0]);
        begin_to_wait(&places);
        room.look(Instant::now() + 2 * GRACE);
        assert_eq!(told(&places), [0]);
        // There is room now, and nobody else has to go.
        room.look(Instant::now() + 2 * GRACE);
        assert_eq!(told(&places), [0]);
    }

    #[test]
    fn whoever_was_just_let_into_a_full_room_has_time_to_ask() {
        let room = room(2);
        let places = [room.enter(None)];
        places[0].watch.serves();
        let newcomer = [room.enter(None)];
        room.look(Instant::now());
        assert_eq!((told(&places), told(&newcomer)), (vec![], vec![]));
    }

    #[test]
    fn the_source_with_most_connections_gives_way_and_a_proxy_last() {
        let room = room(8);
        let of = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "2001:db8::1"].map(from);
        let mut places: Vec<_> = [None, None, None]
            .into_iter()
            .chain(of)
            .map(|it| room.enter(it))
            .collect();
        begin_to_wait(&places);
        for _ in 0..3 {
            places.push(room.enter(from("192.0.2.2")));
        }
        // Each newcomer costs one of its own source a place, the longest waiting first.
        assert_eq!(told(&places), [4, 5, 7]);
    }

    #[test]
    fn a_source_that_left_is_forgotten() {
        let room = room(8);
        let places = [from("192.0.2.1"), from("192.0.2.1"), None].map(|it| room.enter(it));
        assert_eq!(room.sources.borrow().len(), 1);
        drop(places);
        assert_eq!((room.sources.borrow().len(), room.count()), (0, 0));
    }
}
