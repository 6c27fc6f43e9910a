//! How many files the process may have open, how many of them connections may be, and what becomes of
//! one that may not grow.

use alias_http::WATCHERS;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::Signal,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{config::Config, error::Error};

/// The files kept back besides the connections to the store: for the workers' polling, files of the
/// embedded store, the log, certificates that are read anew, and requests to clients.
const OTHERS: usize = 128;

/// The fewest connections that are worth a start.
const FEWEST: usize = 16;

/// How many public connections there may be at a time: as many as the configuration says if the
/// limit of open files has room for them, or can be raised to have.
///
/// # Errors
/// If it has no room for those that were asked for, or for any that would be of use.
pub(crate) fn room_for_connections(config: &Config) -> Result<usize, Error> {
    let wanted = config.http.connections;
    let kept_back = OTHERS + WATCHERS + config.connections;
    let limit = raised(wanted.most + kept_back)?;
    let room = limit.saturating_sub(kept_back).min(wanted.most);
    let least = if wanted.asked_for {
        wanted.most
    } else {
        FEWEST
    };
    if room < least {
        return Err(Error::TooFewFiles {
            connections: least,
            limit,
            needed: least + kept_back,
        });
    }
    if room < wanted.most {
        tracing::warn!(
            connections = room,
            open_files = limit,
            "fewer connections than http.connections says: raise the limit of open files"
        );
    }
    Ok(room)
}

/// The limit of open files, raised to what is needed as far as the system allows it.
fn raised(needed: usize) -> Result<usize, Error> {
    let refused = |errno| Error::System(std::io::Error::from(errno));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(refused)?;
    let wanted = u64::try_from(needed).unwrap_or(u64::MAX).min(hard);
    // Where it cannot be raised, what there is has to do.
    let limit = if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        wanted
    } else {
        soft
    };
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// From now on a file that reaches the limit of its size cannot be written, which whoever writes is
/// told. Without this, the system ends the process.
pub(crate) fn survive_the_size_limit() {
    // A handler that was set once stays, whether or not anybody listens.
    if let Err(error) = signal(SignalKind::from_raw(Signal::SIGXFSZ as i32)) {
        tracing::warn!(%error, "a log or database that reaches its limit of size will end the process");
    }
}
