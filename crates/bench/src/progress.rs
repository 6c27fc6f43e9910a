//! What is going on, for whoever waits.

use std::io::{self, IsTerminal, Write};

/// Says what is going on: over the last line at a terminal, on a line of its own elsewhere.
pub(crate) fn progress(now: &str) {
    let mut err = io::stderr();
    let said = match err.is_terminal() {
        true => write!(err, "\r\x1b[K{now}").and_then(|()| err.flush()),
        false if now.is_empty() => Ok(()),
        false => writeln!(err, "{now}"),
    };
    // Nobody listens any more.
    drop(said);
}
