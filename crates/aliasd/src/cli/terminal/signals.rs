//! The signals that find a terminal which shows nothing: each has to leave it as it was, or to hide it
//! again.

use std::fs;

use nix::sys::signal::Signal;

/// What a signal does to the process. Of several that come at once, the first here is obeyed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// It ends.
    Ends,
    /// It goes on after a stop.
    GoesOn,
    /// It stops.
    Stops,
    /// It stops as it used a terminal that is not its own now.
    StopsInBackground,
}

impl Effect {
    pub(super) fn of(signal: i32) -> Self {
        match Signal::try_from(signal) {
            Ok(Signal::SIGCONT) => Self::GoesOn,
            Ok(Signal::SIGTSTP) => Self::Stops,
            Ok(Signal::SIGTTIN | Signal::SIGTTOU) => Self::StopsInBackground,
            _ => Self::Ends,
        }
    }
}

/// All that end the process, stop it or let it go on, but for what its caller wants ignored.
pub(super) fn to_follow() -> impl Iterator<Item = Signal> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    Signal::iterator()
        .filter(move |it| can_be_followed(*it) && ignored >> (*it as u64 - 1) & 1 == 0)
}

fn can_be_followed(signal: Signal) -> bool {
    use Signal as S;
    !matches!(
        signal,
        // Nobody can catch these.
        S::SIGKILL | S::SIGSTOP
        // A fault of the program itself, from which there is no way on.
        | S::SIGILL | S::SIGFPE | S::SIGSEGV | S::SIGBUS
        // They do nothing by themselves.
        | S::SIGCHLD | S::SIGURG | S::SIGWINCH
        // The whole program survives it.
        | S::SIGXFSZ
    )
}

/// The signals that are ignored, the first in the lowest bit, as Linux tells. None where it is not told.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    mask.and_then(|it| u64::from_str_radix(it.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_as_linux_tells_it() {
        let status = "Name:\taliasd\nSigIgn:\t0000000000001002\nSigCgt:\t0000000000000440\n";
        assert_eq!(ignored(status), 1 << 12 | 1 << 1);
        assert_eq!(ignored("Name:\taliasd\n"), 0);
    }

    #[test]
    fn of_several_signals_the_one_that_ends_is_obeyed_first() {
        let mut came = [
            Signal::SIGTTIN,
            Signal::SIGCONT,
            Signal::SIGTSTP,
            Signal::SIGTERM,
        ]
        .map(|it| Effect::of(it as i32));
        came.sort_unstable();
        use Effect as E;
        assert_eq!(came, [E::Ends, E::GoesOn, E::Stops, E::StopsInBackground]);
    }
}
