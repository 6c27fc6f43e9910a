//! What scenes, subjects and figures are called: a run writes them, and the table looks for them.

use crate::{limits::Scheme, service::Kind, visit::Path};

/// What the size of the program is called.
pub(crate) const BINARY: &str = "binary, bytes";

/// What algorithms are measured at.
pub(crate) const MANY: usize = 8;

/// What the scene of grown databases is called.
pub(crate) const GROWTH: &str = "growth";

/// How many authorizations there were, the fewest first.
pub(crate) const SIZES: &str = "authorizations";

/// What single durable commits to a file are called.
pub(crate) const COMMITS: &str = "durable commits";

/// How many cores there are: what sets how many hashes run at a time.
pub(crate) const CORES: &str = "cores";

pub(crate) fn algorithms(kind: Kind) -> String {
    format!("{}, algorithms", kind.name())
}

pub(crate) fn ready(kind: Kind) -> String {
    format!("{}: ready after, seconds", kind.name())
}

pub(crate) fn under_load(kind: Kind) -> String {
    format!("{}: memory under load, bytes", kind.name())
}

/// What a path is called on a population.
pub(crate) fn on(way: Path, authorizations: u32) -> String {
    format!("{} on {authorizations}", way.name())
}

/// What a path is called after a year.
pub(crate) fn after_a_year(way: Path) -> String {
    format!("{} after a year", way.name())
}

/// What signing is called.
pub(crate) fn signatures(scheme: Scheme, threads: usize) -> String {
    format!("{} signatures on {threads}", scheme.name())
}

/// The same of the system's own library.
pub(crate) fn system_signatures(threads: usize) -> String {
    format!("RSA-3072 signatures of the system's OpenSSL on {threads}")
}

/// What round trips of a path are called.
pub(crate) fn round_trips_of(way: Path) -> String {
    format!("round trips to PostgreSQL: {}", way.name())
}

/// What the rows are called that refreshes add.
pub(crate) fn rows_added(kind: Kind) -> String {
    format!(
        "{}: rows added by 1,000 refreshes of one authorization",
        kind.name()
    )
}

/// What the memory after sign-ins is called.
pub(crate) fn memory_after(kind: Kind) -> String {
    format!("{}: memory after 1,000 sign-ins, bytes", kind.name())
}
