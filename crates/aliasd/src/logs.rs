//! Logs go to standard error: for people at a terminal, else one JSON object a line.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

/// Begins to log what `RUST_LOG` admits, or `otherwise` where it says nothing: then without the
/// HTTP parser, which calls every broken request of a stranger an error.
pub(crate) fn init(otherwise: &str) {
    let quiet = format!("{otherwise},actix_http=off");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    let builder = fmt().with_env_filter(filter).with_writer(stderr);
    // A second subscriber would be refused: there is none.
    let _ = if stderr().is_terminal() {
        builder.try_init()
    } else {
        builder.json().try_init()
    };
}
