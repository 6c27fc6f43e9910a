//! How many lines of the log strangers may cause: so many that a tool can ban them by it, and not so
//! many that they fill a disk or push out the lines of others.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a count lasts.
const SPAN: Duration = Duration::from_secs(60);

/// The most lines in that time about one source. An address of IPv6 is counted with its /64, which is
/// one network's.
const PER_SOURCE: u32 = 60;

/// The most lines in that time about all.
const IN_ALL: u32 = 3000;

/// Counts guesses, other refusals and other answers apart, so that whoever sends nonsense, or asks for
/// pages that there are not, cannot hide attempts to guess.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    /// At a password, or at a client's secret.
    pub(crate) guesses: Count,
    pub(crate) refusals: Count,
    pub(crate) answers: Count,
}

#[derive(Debug, Default)]
pub(crate) struct Count(Mutex<Option<Minute>>);

#[derive(Debug)]
struct Minute {
    began: Instant,
    lines: u32,
    of: HashMap<Option<IpAddr>, u32>,
    withheld: u64,
}

/// Whether a line may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes; so many were not, lately, of which nobody has been told.
    Write { withheld: u64 },
    /// No: there were too many.
    Withhold,
}

impl Minute {
    fn at(now: Instant) -> Self {
        Self {
            began: now,
            lines: 0,
            of: HashMap::new(),
            withheld: 0,
        }
    }
}

impl Count {
    /// Takes a line about a source.
    pub(crate) fn take(&self, source: Option<IpAddr>, now: Instant) -> Verdict {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = count.get_or_insert_with(|| Minute::at(now));
        let mut withheld = 0;
        if now.duration_since(minute.began) >= SPAN {
            withheld = minute.withheld;
            *minute = Minute::at(now);
        }
        let is_full = minute.lines >= IN_ALL;
        // A source is kept only with its first line, so there are no more of them than lines.
        let of_source = match minute.of.get_mut(&source.map(network)) {
            Some(lines) => lines,
            None if is_full => &mut 0,
            None => minute.of.entry(source.map(network)).or_default(),
        };
        if is_full || *of_source >= PER_SOURCE {
            minute.withheld += 1;
            return Verdict::Withhold;
        }
        *of_source += 1;
        minute.lines += 1;
        Verdict::Write { withheld }
    }
}

/// What is one source: an address, or a /64 of IPv6.
fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(it) => IpAddr::from((u128::from(it) >> 64 << 64).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Verdict = Verdict::Write { withheld: 0 };

    fn source(last: u16) -> Option<IpAddr> {
        Some([0x2001, 0xdb8, 0, last, 1, 2, 3, 4].into())
    }

    #[test]
    fn one_source_has_its_share_of_lines_and_others_have_theirs() {
        let (count, now) = (Count::default(), Instant::now());
        for _ in 0..PER_SOURCE {
            assert_eq!(count.take(source(1), now), WRITE);
        }
        let neighbour = Some([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9].into());
        for flooding in [source(1), neighbour] {
            assert_eq!(count.take(flooding, now), Verdict::Withhold);
        }
        assert_eq!(count.take(source(2), now), WRITE);
        assert_eq!(count.take(None, now), WRITE);
    }

    #[test]
    fn a_minute_later_it_goes_on_and_says_how_many_lines_are_missing() {
        let (count, now) = (Count::default(), Instant::now());
        for _ in 0..PER_SOURCE + 7 {
            count.take(source(1), now);
        }
        let later = now + SPAN;
        let told = count.take(source(1), later);
        assert_eq!(told, Verdict::Write { withheld: 7 });
        assert_eq!(count.take(source(1), later), WRITE);
    }

    #[test]
    fn many_sources_have_a_share_in_all_and_take_no_more_memory_than_that() {
        let (count, now) = (Count::default(), Instant::now());
        let sources = (0..u16::MAX).map(source);
        let written = sources.filter(|it| count.take(*it, now) == WRITE).count();
        assert_eq!(written, IN_ALL as usize);
        let minute = count.0.lock().expect("nobody panicked");
        let kept = minute.as_ref().map_or(0, |it| it.of.len());
        assert_eq!(kept, IN_ALL as usize);
    }
}
