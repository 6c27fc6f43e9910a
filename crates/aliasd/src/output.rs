//! What is said on standard output, to people or to programs, and on standard error.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;

use crate::{error::Error, logs};

/// Whom standard output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A person.
    Text,
    /// A program (`--json`): one object or array.
    Json,
}

impl Format {
    /// Prints what a command has to say.
    ///
    /// # Errors
    /// If standard output is closed or full: a secret that is shown once must not get lost unsaid.
    pub(crate) fn print(self, report: &(impl Serialize + Display)) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        let written = match self {
            Self::Text => write!(out, "{}", report.to_string().trim_end()),
            Self::Json => serde_json::to_writer_pretty(&mut out, report).map_err(io::Error::from),
        };
        let ended = written
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush());
        ended.map_err(Error::Output)
    }

    /// Prints what came of what was done.
    ///
    /// # Errors
    /// As [`print`](Self::print), and then with what was done all the same: nobody who reads it does
    /// that again, or takes it for undone.
    pub(crate) fn report(
        self,
        report: &(impl Serialize + Display),
        done: impl Into<String>,
    ) -> Result<(), Error> {
        self.print(report).map_err(|error| Error::DoneUnsaid {
            error: Box::new(error),
            done: done.into(),
        })
    }
}

/// Says on standard error what takes its time. It is no result, so it may get lost.
pub(crate) fn progress(text: &str) {
    logs::say(text);
}

/// Says in one line why a command failed.
pub(crate) fn complain(error: &Error) {
    let text = error.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    logs::say(&format!("aliasd: {}", words.join(" ")));
}

/// Lines under a common margin: a name, padded, and what it is.
pub(crate) fn row(name: &str, value: impl Display) -> String {
    format!("{name:<16}{value}\n")
}
