//! Where the data is kept.

use std::{fmt, path::PathBuf, str::FromStr};

use alias_storage_postgres::{Database, MalformedUrl};

use super::{ConfigError, Settings, file};

/// What the settings say of the database.
#[derive(Debug)]
pub(crate) struct DatabaseSource {
    url: DatabaseUrl,
    /// A file that holds the password, so that it stands neither in a configuration nor in an
    /// environment.
    password_file: Option<PathBuf>,
}

impl DatabaseSource {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let url = settings.required("database.url", str::parse::<DatabaseUrl>)?;
        let password_file = settings.read("database.password_file", str::parse::<PathBuf>)?;
        match &url {
            _ if password_file.is_none() => {}
            DatabaseUrl::Sqlite(_) => {
                let reason = "database.url names a file, which has no password";
                return Err(settings.refusal("database.password_file", reason));
            }
            DatabaseUrl::Postgres(database) if database.has_password() => {
                return Err(ConfigError::TwoPasswords);
            }
            DatabaseUrl::Postgres(_) => {}
        }
        Ok(Self { url, password_file })
    }

    /// The database, with the password that is in the file now, and whenever it is refused.
    ///
    /// # Errors
    /// If the file holds none, naming the setting.
    pub(crate) fn read(&self) -> Result<DatabaseUrl, ConfigError> {
        let (DatabaseUrl::Postgres(database), Some(path)) = (&self.url, &self.password_file) else {
            return Ok(self.url.clone());
        };
        let unreadable = |reason: String| ConfigError::PasswordFile {
            path: path.clone(),
            reason,
        };
        let database = database.as_ref().clone();
        let database = if file::is_regular(path) {
            database.with_password_file(path)
        } else {
            // What a pipe gives cannot be read again.
            let text = file::read_text(path).map_err(|error| unreadable(error.to_string()))?;
            database.with_password_line(&text)
        };
        let database = database.map_err(|error| unreadable(error.to_string()))?;
        Ok(DatabaseUrl::Postgres(Box::new(database)))
    }
}

/// The database that `database.url` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A SQLite file, relative to the working directory unless absolute.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<Database>),
}

/// Why a text names no database. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseUrlError {
    #[error(transparent)]
    Postgres(#[from] MalformedUrl),
    #[error(
        "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME is expected, such as \
         sqlite:/var/lib/alias/alias.db"
    )]
    Malformed,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return Ok(Self::Postgres(Box::new(text.parse()?)));
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
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// A password does not show.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(database) => database.fmt(f),
        }
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
            assert_eq!(parsed, DatabaseUrl::Sqlite(path.into()), "{url}");
        }
    }

    #[test]
    fn a_postgres_url_shows_no_password() {
        let parsed: DatabaseUrl = "postgres://alias:secret@db/alias".parse().expect("a URL");
        assert_eq!(parsed.to_string(), "postgres://db:5432/alias");
    }

    #[test]
    fn what_names_no_database_is_refused_with_its_reason() {
        use DatabaseUrlError as E;
        for (url, reason) in [
            ("postgres://alias@db", E::Postgres(MalformedUrl::NoName)),
            ("postgres:alias", E::Postgres(MalformedUrl::Malformed)),
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
