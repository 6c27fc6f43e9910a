//! Where the data is kept.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The database that `database.url` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(PathBuf);

/// Why a text names no database. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseUrlError {
    #[error("PostgreSQL is not supported yet; use sqlite:PATH")]
    Postgres,
    #[error("sqlite:PATH is expected, such as sqlite:/var/lib/alias/alias.db")]
    Malformed,
}

impl DatabaseUrl {
    /// The SQLite file, relative to the working directory unless absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Err(DatabaseUrlError::Postgres);
        }
        let path = text
            .strip_prefix("sqlite:")
            .ok_or(DatabaseUrlError::Malformed)?;
        // `sqlite:///var/alias.db` is how others write `sqlite:/var/alias.db`.
        let path = path.strip_prefix("//").unwrap_or(path);
        // A database in memory would be gone when the command ends, and options after `?` would
        // become part of the file's name.
        let named = !path.is_empty() && !path.ends_with('/');
        if !named || path == ":memory:" || path.contains(['?', '\0']) {
            return Err(DatabaseUrlError::Malformed);
        }
        Ok(Self(PathBuf::from(path)))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_names_its_file() {
        for (url, path) in [
            ("sqlite:.alias/alias.db", ".alias/alias.db"),
            ("sqlite:/var/lib/alias/alias.db", "/var/lib/alias/alias.db"),
            (
                "sqlite:///var/lib/alias/alias.db",
                "/var/lib/alias/alias.db",
            ),
        ] {
            let parsed: DatabaseUrl = url.parse().expect("a database URL");
            assert_eq!(parsed.path(), Path::new(path), "{url}");
        }
    }

    #[test]
    fn another_database_is_refused_with_its_reason() {
        use DatabaseUrlError as E;
        for (url, reason) in [
            ("postgres://alias:secret@db/alias", E::Postgres),
            ("postgresql://db/alias", E::Postgres),
            ("alias.db", E::Malformed),
            ("sqlite:", E::Malformed),
            ("sqlite::memory:", E::Malformed),
            ("sqlite:alias.db?mode=ro", E::Malformed),
            ("sqlite:data/", E::Malformed),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(reason), "{url}");
        }
    }
}
