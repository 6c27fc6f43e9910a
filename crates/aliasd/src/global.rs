//! What every command takes.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::output::Format;

/// The options that every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Configuration file (TOML); otherwise the file that ALIAS_CONFIG names, if any
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help_heading = "Every command"
    )]
    config: Option<PathBuf>,
    /// Print one JSON object or array
    #[arg(long, global = true, help_heading = "Every command")]
    json: bool,
}

impl Global {
    /// The file that `--config` names.
    pub(crate) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Whom standard output is for.
    pub(crate) const fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Text
        }
    }
}
