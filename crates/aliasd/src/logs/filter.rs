//! What is logged. A level without a name is for Alias: the libraries that it uses say in detail what
//! they are given, and that is what must not get into a log.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// What the crates of Alias have in common: a name in a filter stands for all that begin with it.
const ALIAS: &str = "alias";

/// The most that a library says unless it is named.
const MOST_OF_LIBRARIES: LevelFilter = LevelFilter::INFO;

/// The HTTP parser calls every broken request of a stranger an error.
const SILENT: &str = "actix_http=off";

/// The filter that directives describe, such as `debug` or `info,alias_http=trace`; or why they
/// describe none.
pub(super) fn parse(directives: &str) -> Result<EnvFilter, String> {
    let filter = EnvFilter::builder().parse(expanded(directives));
    filter.map_err(|error| error.to_string())
}

/// The same directives, with what a bare level means written out before those that name something,
/// which outrank it.
fn expanded(directives: &str) -> String {
    let parts = directives.split(',').map(str::trim);
    let (bare, named): (Vec<&str>, Vec<&str>) = parts
        .filter(|it| !it.is_empty())
        .partition(|it| it.parse::<LevelFilter>().is_ok());
    let level = bare.last().and_then(|it| it.parse::<LevelFilter>().ok());
    let meant = level.map(|level| {
        let libraries = level.min(MOST_OF_LIBRARIES);
        format!("{libraries},{SILENT},{ALIAS}={level}")
    });
    let all: Vec<&str> = meant.as_deref().into_iter().chain(named).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_alias_and_libraries_say_no_more_than_info() {
        for (directives, meant) in [
            ("warn", "warn,actix_http=off,alias=warn"),
            ("info", "info,actix_http=off,alias=info"),
            ("debug", "info,actix_http=off,alias=debug"),
            ("TRACE", "info,actix_http=off,alias=trace"),
            ("off", "off,actix_http=off,alias=off"),
            (
                "debug, tokio_postgres=debug",
                "info,actix_http=off,alias=debug,tokio_postgres=debug",
            ),
            (
                "actix_http=info,info,alias_http=debug",
                "info,actix_http=off,alias=info,actix_http=info,alias_http=debug",
            ),
            ("alias_http=debug", "alias_http=debug"),
            ("tokio_postgres", "tokio_postgres"),
            ("[request]=debug", "[request]=debug"),
        ] {
            assert_eq!(expanded(directives), meant, "{directives}");
            assert!(parse(directives).is_ok(), "{directives}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        assert!(parse("info,alias_http=loud").is_err());
    }
}
