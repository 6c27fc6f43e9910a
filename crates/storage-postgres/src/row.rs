//! Rows on their way to types. What makes no sense is told with its table and key: a store fails
//! loudly, and grants nothing by mistake.

use std::str::FromStr;

use alias_domain::{Access, AccessRecord, AliasId, ChannelId, Digest, Scope, ports::StoreError};
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::{Row as PgRow, types::FromSql};
use uuid::Uuid;

use crate::table::Table;

/// The columns of a row, in the order in which it has them.
pub(crate) trait Columns: Sync {
    /// What the row is told by.
    fn name(&self) -> &'static str;
    /// The columns that name a row.
    fn key(&self) -> &'static [&'static str];
    /// Where a column stands.
    fn position(&self, column: &str) -> Option<usize>;
    /// How many there are.
    fn width(&self) -> usize;
}

/// What a statement computes, and no table keeps.
pub(crate) struct Computed {
    /// What the row is told by.
    pub(crate) name: &'static str,
    /// In the order in which the statement selects them.
    pub(crate) columns: &'static [&'static str],
}

impl Columns for Computed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self) -> &'static [&'static str] {
        &[]
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|it| *it == column)
    }

    fn width(&self) -> usize {
        self.columns.len()
    }
}

impl<T> Columns for Table<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn key(&self) -> &'static [&'static str] {
        self.key
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.read().position(|it| it.name == column)
    }

    fn width(&self) -> usize {
        self.read().count()
    }
}

/// One row, whose columns must make sense. It may be part of a wider row, as of a join.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    columns: &'static dyn Columns,
    row: &'a PgRow,
    offset: usize,
}

/// Reads a wide row from left to right, table by table.
pub(crate) struct Joined<'a> {
    row: &'a PgRow,
    offset: usize,
}

impl<T> Table<T> {
    /// A row that has this table's columns alone.
    pub(crate) const fn row<'a>(&'static self, row: &'a PgRow) -> Row<'a> {
        Row {
            columns: self,
            row,
            offset: 0,
        }
    }
}

impl Computed {
    /// A row that has these columns alone.
    pub(crate) const fn row<'a>(&'static self, row: &'a PgRow) -> Row<'a> {
        Row {
            columns: self,
            row,
            offset: 0,
        }
    }
}

impl<'a> Joined<'a> {
    pub(crate) const fn new(row: &'a PgRow) -> Self {
        Self { row, offset: 0 }
    }

    /// The columns of the next table.
    pub(crate) fn next(&mut self, columns: &'static dyn Columns) -> Row<'a> {
        let next = Row {
            columns,
            row: self.row,
            offset: self.offset,
        };
        self.offset += columns.width();
        next
    }
}

impl Row<'_> {
    pub(crate) fn get<'b, T: FromSql<'b>>(&'b self, column: &'static str) -> Result<T, StoreError> {
        let index = self.columns.position(column);
        let index = self.offset + index.ok_or_else(|| self.corrupt(column))?;
        self.row.try_get(index).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid, StoreError> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
        self.get(column)
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<Digest, StoreError> {
        digest(self.get(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// A number that our types keep in 32 bits.
    pub(crate) fn number(&self, column: &'static str) -> Result<u32, StoreError> {
        let number: i64 = self.get(column)?;
        u32::try_from(number).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn is_null(&self, column: &'static str) -> Result<bool, StoreError> {
        self.get::<Option<Anything>>(column).map(|it| it.is_none())
    }

    /// A column that may be NULL, read by one of the others where it is not.
    pub(crate) fn optional<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match self.is_null(column)? {
            true => Ok(None),
            false => read(self, column).map(Some),
        }
    }

    pub(crate) fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: &str = self.get(column)?;
        text.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    /// A word that [`word`] wrote.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text = serde_json::Value::String(self.get(column)?);
        serde_json::from_value(text).map_err(|_| self.corrupt(column))
    }

    /// Words that [`words`] wrote.
    pub(crate) fn words<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        let texts: Vec<String> = self.get(column)?;
        let values = texts.into_iter().map(serde_json::Value::String);
        let words: Result<_, _> = values.map(serde_json::from_value).collect();
        words.map_err(|_| self.corrupt(column))
    }

    /// An access that [`scopes`] and [`channels`] wrote.
    pub(crate) fn access(
        &self,
        scopes: &'static str,
        channels: &'static str,
    ) -> Result<Access, StoreError> {
        let names: Vec<&str> = self.get(scopes)?;
        // A statement compares names: one that reads as two is none.
        if names.iter().any(|it| it.contains(' ')) {
            return Err(self.corrupt(scopes));
        }
        let channel = |it: i64| u32::try_from(it).map(ChannelId);
        let ids: Vec<i64> = self.get(channels)?;
        let ids: Result<_, _> = ids.into_iter().map(channel).collect();
        let record = AccessRecord {
            scope: names.join(" "),
            channels: ids.map_err(|_| self.corrupt(channels))?,
        };
        record.try_into().map_err(|_| self.corrupt(scopes))
    }

    /// Says which columns make no sense, and never what they hold.
    pub(crate) fn corrupt(&self, columns: &str) -> StoreError {
        let key = self.columns.key().iter().map(|column| self.key(column));
        StoreError::Corrupt {
            table: self.columns.name(),
            key: key.collect::<Vec<_>>().join(" "),
            reason: columns.to_owned(),
        }
    }

    /// A column of the key, for people: an identifier as it is written elsewhere, or a text.
    fn key(&self, column: &str) -> String {
        let index = self.columns.position(column);
        let Some(index) = index.map(|it| self.offset + it) else {
            return "?".to_owned();
        };
        let id = self.row.try_get(index).map(AliasId::from_uuid);
        let id = id.map(|it| it.to_string());
        id.or_else(|_| self.row.try_get(index))
            .unwrap_or_else(|_| "?".to_owned())
    }
}

/// A digest, if it is as long as one.
pub(crate) fn digest(bytes: &[u8]) -> Option<Digest> {
    bytes.try_into().ok().map(Digest::from_bytes)
}

/// A value of any type, of which it is only asked whether it is there.
struct Anything;

impl FromSql<'_> for Anything {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        _: &[u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self)
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }
}

/// The scopes of an access, by their names: a scope which this version does not know can stand in a
/// column (a newer node may have written it) and counts for nothing.
pub(crate) fn scopes(access: &Access) -> Vec<&'static str> {
    names(access.scopes())
}

pub(crate) fn names(scopes: impl IntoIterator<Item = Scope>) -> Vec<&'static str> {
    scopes.into_iter().map(Scope::name).collect()
}

/// The channels of an access, in the column beside its scopes.
pub(crate) fn channels(access: &Access) -> Vec<i64> {
    let channels = access.channels().into_iter().flatten();
    channels.map(|it| i64::from(it.0)).collect()
}

/// A value as a JSON column keeps it.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    let failed = |_| StoreError::Unavailable("a value has no JSON form".to_owned());
    serde_json::to_string(value).map_err(failed)
}

/// A variant's name, or a text of a type of its own, as a column keeps it.
pub(crate) fn word(value: &impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(StoreError::Unavailable("a value has no name".to_owned())),
    }
}

/// Several of them.
pub(crate) fn words(values: &[impl Serialize]) -> Result<Vec<String>, StoreError> {
    values.iter().map(word).collect()
}
