//! The lines of the log on their way to a stream that may be slow, full or gone. Whoever logs never
//! waits for it: a line that there is no room for, or that cannot be written, is lost and counted.

use std::{
    io::{self, ErrorKind, Write},
    mem::ManuallyDrop,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// How many lines may wait: some two megabytes.
const LONGEST_QUEUE: usize = 8192;

/// How often lost lines are told of at most, lest that takes the room of others.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How often to look whether all is written, at the end.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How often, and how long apart, a stream is tried that would block instead of waiting.
const TRIES: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Lines that were lost: since this was told last, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) lately: u64,
    pub(super) in_all: u64,
}

/// Where lines go.
pub(super) struct Lines {
    queue: NonBlocking,
    counts: Arc<Counts>,
    /// As it is dropped it may print to standard output, which can be closed or a program's to read;
    /// `flush` does its work.
    _worker: ManuallyDrop<WorkerGuard>,
}

#[derive(Default)]
struct Counts {
    /// Lines that somebody logged.
    taken: AtomicU64,
    /// Lines that the stream was tried with.
    tried: AtomicU64,
    /// Those of them that it did not take.
    refused: AtomicU64,
    /// Counts the lines that there was no room for.
    dropped: OnceLock<ErrorCounter>,
}

impl Counts {
    fn dropped(&self) -> u64 {
        self.dropped.get().map_or(0, |it| it.dropped_lines() as u64)
    }

    fn lost(&self) -> u64 {
        self.refused.load(Ordering::Acquire) + self.dropped()
    }
}

impl Lines {
    /// Starts the thread that writes. Once lines were lost and the stream takes one again, `tell` is
    /// called there.
    pub(super) fn to(
        stream: impl Write + Send + 'static,
        tell: impl FnMut(Lost) + Send + 'static,
    ) -> Self {
        Self::queued(LONGEST_QUEUE, stream, tell)
    }

    fn queued(
        longest: usize,
        stream: impl Write + Send + 'static,
        tell: impl FnMut(Lost) + Send + 'static,
    ) -> Self {
        let counts = Arc::new(Counts::default());
        let (queue, worker) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(longest)
            .thread_name("log")
            .finish(Stream {
                inner: stream,
                counts: Arc::clone(&counts),
                torn: false,
                told: 0,
                tell_from: Instant::now(),
                tell,
            });
        counts.dropped.get_or_init(|| queue.error_counter());
        Self {
            queue,
            counts,
            _worker: ManuallyDrop::new(worker),
        }
    }

    /// How many lines were lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.counts.lost()
    }

    /// Waits until what was logged so far is written or lost, for so long at most.
    pub(super) fn flush(&self, patience: Duration) {
        let (taken, began) = (self.counts.taken.load(Ordering::Acquire), Instant::now());
        let settled = || self.counts.tried.load(Ordering::Acquire) + self.counts.dropped();
        while settled() < taken && began.elapsed() < patience {
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Entry<'a>;

    fn make_writer(&'a self) -> Entry<'a> {
        Entry(self)
    }
}

/// One line, which is written at once as a whole.
pub(super) struct Entry<'a>(&'a Lines);

impl Write for Entry<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.counts.taken.fetch_add(1, Ordering::AcqRel);
        self.0.queue.clone().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other end, which never fails.
struct Stream<W, T> {
    inner: W,
    counts: Arc<Counts>,
    /// Whether it has a part of a line that was lost.
    torn: bool,
    /// How many lost lines were told of.
    told: u64,
    tell_from: Instant,
    tell: T,
}

impl<W: Write, T: FnMut(Lost)> Write for Stream<W, T> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.line(line).is_ok() {
            self.tell_of_lost();
        } else {
            self.counts.refused.fetch_add(1, Ordering::AcqRel);
        }
        self.counts.tried.fetch_add(1, Ordering::AcqRel);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write, T: FnMut(Lost)> Stream<W, T> {
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.put(b"\n")?;
            self.torn = false;
        }
        self.put(line)
    }

    fn put(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let (whole, mut tries) = (rest.len(), 0);
        while !rest.is_empty() {
            let error = match self.inner.write(rest) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = &rest[written..];
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // Whoever shares the stream may have set it so.
                Err(error) if error.kind() == ErrorKind::WouldBlock && tries < TRIES => {
                    tries += 1;
                    thread::sleep(BETWEEN_TRIES);
                    continue;
                }
                Err(error) => error,
            };
            self.torn |= rest.len() < whole;
            return Err(error);
        }
        Ok(())
    }

    fn tell_of_lost(&mut self) {
        let in_all = self.counts.lost();
        if in_all == self.told || Instant::now() < self.tell_from {
            return;
        }
        let lately = in_all - self.told;
        (self.told, self.tell_from) = (in_all, Instant::now() + TELL_EVERY);
        (self.tell)(Lost { lately, in_all });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// A stream that does as it is told, write after write, and then takes everything.
    struct Scripted {
        deeds: mpsc::Receiver<io::Result<usize>>,
        kept: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = self.deeds.recv().unwrap_or(Ok(usize::MAX))?;
            let taken = bytes.len().min(most);
            let mut kept = self.kept.lock().expect("no other thread panics");
            kept.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Scene {
        lines: Lines,
        deeds: Option<mpsc::Sender<io::Result<usize>>>,
        kept: Arc<Mutex<Vec<u8>>>,
        told: mpsc::Receiver<Lost>,
    }

    fn scene(longest: usize) -> Scene {
        let (deeds, script) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let kept = Arc::default();
        let stream = Scripted {
            deeds: script,
            kept: Arc::clone(&kept),
        };
        let lines = Lines::queued(longest, stream, move |lost| {
            tell.send(lost).expect("somebody listens");
        });
        Scene {
            lines,
            deeds: Some(deeds),
            kept,
            told,
        }
    }

    impl Scene {
        fn log(&self, line: &str) {
            let written = self.lines.make_writer().write_all(line.as_bytes());
            written.expect("it never fails");
        }

        fn does(&self, deed: io::Result<usize>) {
            let deeds = self.deeds.as_ref().expect("the script goes on");
            deeds.send(deed).expect("the stream is there");
        }

        /// From now on the stream takes everything. What it has, once all is settled.
        fn kept(&mut self) -> String {
            self.deeds = None;
            self.lines.flush(Duration::from_secs(60));
            let kept = self.kept.lock().expect("no other thread panics").clone();
            String::from_utf8(kept).expect("UTF-8")
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_counted_and_told_of_once_one_can() {
        let mut scene = scene(8);
        for _ in 0..2 {
            scene.does(Err(ErrorKind::BrokenPipe.into()));
            scene.log("lost\n");
        }
        scene.lines.flush(Duration::from_secs(60));
        assert_eq!(scene.lines.lost(), 2);
        assert_eq!(scene.told.try_recv(), Err(mpsc::TryRecvError::Empty));
        scene.log("kept\n");
        assert_eq!(scene.kept(), "kept\n");
        let (lately, in_all) = (2, 2);
        assert_eq!(scene.told.try_recv(), Ok(Lost { lately, in_all }));
    }

    #[test]
    fn a_line_that_there_is_no_room_for_is_lost_and_nobody_waits() {
        let mut scene = scene(2);
        // One is being written, two wait.
        for _ in 0..100 {
            scene.log("a line\n");
        }
        assert!(scene.lines.lost() >= 97);
        let lost = scene.lines.lost();
        assert_eq!(scene.kept().lines().count() as u64, 100 - lost);
    }

    #[test]
    fn after_a_part_of_a_line_the_next_one_begins_anew() {
        let mut scene = scene(8);
        scene.does(Ok(4));
        scene.does(Err(ErrorKind::StorageFull.into()));
        scene.log("torn apart\n");
        scene.log("whole\n");
        assert_eq!(scene.kept(), "torn\nwhole\n");
        assert_eq!(scene.lines.lost(), 1);
    }

    #[test]
    fn a_stream_that_would_block_or_is_interrupted_is_tried_again() {
        let mut scene = scene(8);
        for kind in [ErrorKind::WouldBlock, ErrorKind::Interrupted] {
            scene.does(Err(kind.into()));
        }
        scene.log("whole\n");
        assert_eq!(scene.kept(), "whole\n");
        assert_eq!(scene.lines.lost(), 0);
    }

    #[test]
    fn the_end_waits_no_longer_than_it_may() {
        let scene = scene(8);
        scene.log("nobody reads this\n");
        scene.lines.flush(Duration::from_millis(10));
        assert_eq!(scene.lines.counts.tried.load(Ordering::Acquire), 0);
    }
}
