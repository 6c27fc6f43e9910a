//! Rows on their way to types. What makes no sense is told with its table and key: a store fails
//! loudly, and grants nothing by mistake.

use std::str::FromStr;

use alias_domain::{AliasId, Digest, ports::StoreError};
use chrono::{DateTime, Utc};
use rusqlite::{
    Connection, OptionalExtension as _, Params,
    types::{FromSql, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::table::{Cell, cell};

/// What rows are told by: their table, and the columns that name one.
pub(crate) struct Rows {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [&'static str],
}

/// One row, whose columns must make sense.
pub(crate) struct Row<'a> {
    rows: &'static Rows,
    row: &'a rusqlite::Row<'a>,
}

impl Rows {
    /// The row that a query finds, if it finds one.
    pub(crate) fn one<T>(
        &'static self,
        connection: &Connection,
        query: &str,
        params: impl Params,
        from_row: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = connection.prepare_cached(query).map_err(unavailable)?;
        let read = |row: &rusqlite::Row<'_>| Ok(from_row(&Row { rows: self, row }));
        let found = statement.query_row(params, read).optional();
        found.map_err(unavailable)?.transpose()
    }

    /// Every row that a query finds.
    pub(crate) fn all<T>(
        &'static self,
        connection: &Connection,
        query: &str,
        params: impl Params,
        from_row: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(connection, query, params, |row| {
            found.push(from_row(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads every row that a query finds, one after another.
    pub(crate) fn each(
        &'static self,
        connection: &Connection,
        query: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(query).map_err(unavailable)?;
        let mut rows = statement.query(params).map_err(unavailable)?;
        while let Some(row) = rows.next().map_err(unavailable)? {
            read(&Row { rows: self, row })?;
        }
        Ok(())
    }
}

impl Row<'_> {
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row.get(column).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid, StoreError> {
        self.get(column).map(Uuid::from_bytes)
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        self.get(column).map(Digest::from_bytes)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_millis(self.get(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// A column that may be NULL, read by one of the others where it is not.
    pub(crate) fn optional<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match self.row.get_ref(column) {
            Ok(ValueRef::Null) => Ok(None),
            _ => read(self, column).map(Some),
        }
    }

    pub(crate) fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|_| self.corrupt(column))
    }

    /// A word that [`word`] wrote.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = serde_json::Value::String(self.get(column)?);
        serde_json::from_value(text).map_err(|_| self.corrupt(column))
    }

    /// Says which columns make no sense, and never what they hold.
    pub(crate) fn corrupt(&self, columns: &str) -> StoreError {
        let key = self.rows.key.iter().map(|column| self.key(column));
        StoreError::Corrupt {
            table: self.rows.name,
            key: key.collect::<Vec<_>>().join(" "),
            reason: columns.to_owned(),
        }
    }

    /// A column of the key, for people: an identifier as it is written elsewhere, or a text.
    fn key(&self, column: &str) -> String {
        match self.row.get_ref(column) {
            Ok(ValueRef::Blob(bytes)) => Uuid::from_slice(bytes)
                .map_or_else(|_| "?".to_owned(), |it| AliasId::from_uuid(it).to_string()),
            Ok(ValueRef::Text(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => "?".to_owned(),
        }
    }
}

/// Executes a statement; the number of rows that it changed is often the answer.
pub(crate) fn execute(
    connection: &Connection,
    statement: &str,
    params: impl Params,
) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(statement).map_err(unavailable)?;
    statement.execute(params).map_err(unavailable)
}

/// An identifier as a column keeps it.
pub(crate) const fn bits(id: Uuid) -> [u8; 16] {
    *id.as_bytes()
}

/// An identifier in a column of a table.
pub(crate) fn id(id: Uuid) -> Cell {
    cell(bits(id).to_vec())
}

/// A time as a column keeps it.
pub(crate) const fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// A value as a JSON column keeps it.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    let failed = |_| StoreError::Unavailable("a value has no JSON form".to_owned());
    serde_json::to_string(value).map_err(failed)
}

/// A variant's name as a column keeps it.
pub(crate) fn word(value: &impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(StoreError::Unavailable("a value has no name".to_owned())),
    }
}

/// An error of SQLite by its kind alone: its message might quote a value.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
pub(crate) fn unavailable(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as E;
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Unavailable("a statement was refused".to_owned());
    };
    let known = match failure.code {
        E::DiskFull => "the disk of the database is full",
        E::ReadOnly | E::PermissionDenied => {
            "the database file cannot be written: look at its rights"
        }
        E::CannotOpen => {
            "the database file, or its log beside it, cannot be opened: look at their rights"
        }
        E::SystemIoFailure => "the disk of the database fails",
        E::DatabaseBusy | E::DatabaseLocked => "another process keeps the database locked",
        E::DatabaseCorrupt | E::NotADatabase => "the database file is damaged: restore a backup",
        _ => return StoreError::Unavailable(failure.to_string()),
    };
    StoreError::Unavailable(format!("{known} ({failure})"))
}
