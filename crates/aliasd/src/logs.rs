//! Logs go to standard error: for people at a terminal, else one JSON object a line. Nobody who logs
//! waits until a line is written, and none that cannot be written costs more than itself.

mod filter;
mod lines;

use std::{
    env::{self, VarError},
    io::{IsTerminal, Write, stderr},
    sync::OnceLock,
    time::Duration,
};

use tracing_subscriber::{fmt, fmt::MakeWriter};

use lines::{Lines, Lost};

/// How long the end of the process waits for lines that are not written yet: a pipe that nobody
/// reads must not keep it.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What says which lines there are.
const FILTER: &str = "RUST_LOG";

/// There once it is logged.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Begins to log what `RUST_LOG` admits, or `otherwise` where it says nothing or makes no sense.
pub(crate) fn init(otherwise: &str) {
    let asked = match env::var(FILTER) {
        Ok(directives) if !directives.is_empty() => Some(filter::parse(&directives)),
        Err(VarError::NotUnicode(_)) => Some(Err("it is not UTF-8".to_owned())),
        Ok(_) | Err(VarError::NotPresent) => None,
    };
    let (filter, fault) = match asked {
        Some(Ok(filter)) => (Ok(filter), None),
        Some(Err(fault)) => (filter::parse(otherwise), Some(fault)),
        None => (filter::parse(otherwise), None),
    };
    let lines = LINES.get_or_init(|| Lines::to(stderr(), tell));
    let builder = fmt()
        .with_env_filter(filter.unwrap_or_default())
        .log_internal_errors(false)
        .with_writer(|| lines.make_writer());
    // A second subscriber would be refused: there is none.
    let _ = if stderr().is_terminal() {
        builder.try_init()
    } else {
        builder.json().try_init()
    };
    if let Some(fault) = fault {
        tracing::warn!("{FILTER} makes no sense, and {otherwise} serves: {fault}");
    }
}

fn tell(Lost { lately, in_all }: Lost) {
    tracing::warn!(lately, in_all, "lines of the log were lost");
}

/// Says one line, as it is, after what was logged so far.
pub(crate) fn say(line: &str) {
    let line = format!("{line}\n");
    // It may get lost, as a line of the log may.
    let _ = match LINES.get() {
        Some(lines) => lines.make_writer().write_all(line.as_bytes()),
        None => stderr().write_all(line.as_bytes()),
    };
}

/// Waits for lines that are not written yet, for a moment.
pub(crate) fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(LAST_LINES);
    }
}

/// Whether it is logged.
pub(crate) fn are_written() -> bool {
    LINES.get().is_some()
}

/// How many lines were lost so far.
pub(crate) fn lost() -> u64 {
    LINES.get().map_or(0, Lines::lost)
}
