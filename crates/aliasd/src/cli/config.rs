//! `aliasd config`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::global::Global;
use crate::{
    config::{Config, ConfigError, Settings},
    error::Error,
    output,
};

pub(super) const HELP: &str = "\
Each setting has a default, which the configuration file overrides, which the environment overrides.
In the file a setting stands in its section; in the environment http.listen is ALIAS_HTTP__LISTEN.

  [http]                                 ALIAS_HTTP__LISTEN=0.0.0.0:8080
  listen = \"0.0.0.0:8080\"

Durations are written 60s, 30m, 24h or 90d. A variable that is empty counts as absent.

Examples:
  aliasd config
  aliasd config --config /etc/alias/aliasd.toml --json";

/// The settings in their order; in JSON an object of objects.
struct Report(Vec<(&'static str, Line)>);

#[derive(Serialize)]
struct Line {
    /// `None` if it is not set; a secret is masked.
    value: Option<String>,
    /// `default`, the path of a file or the name of a variable.
    source: String,
}

/// Shows what is in effect, whatever is wrong.
///
/// # Errors
/// All that is wrong with the settings.
pub(super) fn run(global: &Global) -> Result<(), Error> {
    let (settings, mut faults) = Settings::load_all(global.config_file());
    // Name here, too, whatever would stop the service, unless an unreadable value causes it.
    if faults.is_empty() {
        faults.extend(Config::from_settings(&settings).err());
    }
    if let Some(warning) = settings.passed_over() {
        output::progress(&format!("aliasd: {warning}"));
    }
    let lines = settings.iter().map(|(setting, text, origin)| {
        let value = text.map(|it| setting.masked(it));
        let source = origin.to_string();
        (setting.key, Line { value, source })
    });
    global.format().print(&Report(lines.collect()))?;
    Ok(ConfigError::all(faults)?)
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, line)| (key, line)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, Line { value, source }) in &self.0 {
            match value {
                Some(value) => writeln!(f, "{key:<26}{value:<34} {source}")?,
                None => writeln!(f, "{key:<26}not set")?,
            }
        }
        Ok(())
    }
}
