//! A table as one list of columns. What selects, inserts and updates its rows is made of that list, so
//! that a new column is one line of it, and one of the function that reads a row.

use std::sync::OnceLock;

use alias_domain::ports::StoreError;
use rusqlite::{Connection, Params, params_from_iter, types::Value};

use crate::row::{Row, Rows, execute};

/// What a column keeps of a row, if that can be written.
pub(crate) type Cell = Result<Value, StoreError>;

pub(crate) fn cell(value: impl Into<Value>) -> Cell {
    Ok(value.into())
}

/// A table, and what each of its columns keeps of a `T`.
pub(crate) struct Table<T: 'static> {
    rows: Rows,
    columns: &'static [Column<T>],
    texts: OnceLock<Texts>,
}

/// What statements are made of, once for each table.
struct Texts {
    /// Reads whole rows; what leaves some of them follows.
    selection: String,
    /// Inserts a row; where its values come from follows.
    insertion: String,
    /// The parameters of every column.
    parameters: String,
    /// Writes over the row of the same key.
    replacement: String,
    /// Writes the columns of a row that change.
    update: String,
}

/// A column.
pub(crate) struct Column<T> {
    name: &'static str,
    value: fn(&T) -> Cell,
    is_read: bool,
    changes: bool,
}

pub(crate) const fn column<T>(name: &'static str, value: fn(&T) -> Cell) -> Column<T> {
    Column {
        name,
        value,
        is_read: true,
        changes: false,
    }
}

/// A column that is written, and never read as part of a row.
pub(crate) const fn unread<T>(name: &'static str, value: fn(&T) -> Cell) -> Column<T> {
    Column {
        name,
        value,
        is_read: false,
        changes: false,
    }
}

/// A column that is among those which the table's usual update writes.
pub(crate) const fn changing<T>(name: &'static str, value: fn(&T) -> Cell) -> Column<T> {
    Column {
        name,
        value,
        is_read: true,
        changes: true,
    }
}

fn joined<I>(
    parts: impl IntoIterator<Item = I>,
    by: &str,
    text: impl FnMut(I) -> String,
) -> String {
    parts.into_iter().map(text).collect::<Vec<_>>().join(by)
}

impl<T> Table<T> {
    pub(crate) const fn new(
        name: &'static str,
        key: &'static [&'static str],
        columns: &'static [Column<T>],
    ) -> Self {
        Self {
            rows: Rows { name, key },
            columns,
            texts: OnceLock::new(),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.rows.name
    }

    fn texts(&self) -> &Texts {
        self.texts.get_or_init(|| {
            let (name, names, key) = (self.name(), self.names(), self.rows.key);
            let all = joined(self.columns.iter().filter(|it| it.is_read), ", ", |it| {
                it.name.to_owned()
            });
            let parameters = joined(1..=self.columns.len(), ", ", |number| format!("?{number}"));
            let changing = || self.columns.iter().filter(|it| it.changes);
            let replaced = joined(changing(), ", ", |it| {
                format!("{0} = excluded.{0}", it.name)
            });
            let same = joined(key.iter().zip(1..), " AND ", |(it, at)| {
                format!("{it} = ?{at}")
            });
            let set = joined(changing().zip(key.len() + 1..), ", ", |(it, at)| {
                format!("{} = ?{at}", it.name)
            });
            Texts {
                selection: format!("SELECT {all} FROM {name} "),
                insertion: format!("INSERT INTO {name} ({names}) "),
                replacement: format!(
                    "VALUES ({parameters}) ON CONFLICT ({}) DO UPDATE SET {replaced}",
                    key.join(", ")
                ),
                update: format!("UPDATE {name} SET {set} WHERE {same}"),
                parameters,
            }
        })
    }

    /// Reads whole rows, those that what follows the name of the table leaves.
    pub(crate) fn select(&self, rest: &str) -> String {
        [&self.texts().selection, rest].concat()
    }

    /// The row that is left, if one is.
    pub(crate) fn one<R>(
        &'static self,
        connection: &Connection,
        rest: &str,
        params: impl Params,
        from_row: impl FnOnce(&Row<'_>) -> Result<R, StoreError>,
    ) -> Result<Option<R>, StoreError> {
        let query = self.select(rest);
        self.rows.one(connection, &query, params, from_row)
    }

    /// Every row that is left.
    pub(crate) fn all<R>(
        &'static self,
        connection: &Connection,
        rest: &str,
        params: impl Params,
        from_row: impl Fn(&Row<'_>) -> Result<R, StoreError>,
    ) -> Result<Vec<R>, StoreError> {
        let query = self.select(rest);
        self.rows.all(connection, &query, params, from_row)
    }

    /// Reads every row that is left, one after another.
    pub(crate) fn each(
        &'static self,
        connection: &Connection,
        rest: &str,
        read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.rows.each(connection, &self.select(rest), [], read)
    }

    /// Every column, as an insertion names them.
    pub(crate) fn names(&self) -> String {
        joined(self.columns, ", ", |it| it.name.to_owned())
    }

    /// Inserts a row from a source, which may have more parameters than those of every column; how many
    /// there were.
    fn insert_from(
        &self,
        connection: &Connection,
        row: &T,
        source: &str,
        more: impl IntoIterator<Item = Value>,
    ) -> Result<usize, StoreError> {
        let statement = [&self.texts().insertion, source].concat();
        let values = self.columns.iter().map(|it| (it.value)(row));
        let mut values: Vec<Value> = values.collect::<Result<_, _>>()?;
        values.extend(more);
        execute(connection, &statement, params_from_iter(values))
    }

    /// Inserts a row.
    pub(crate) fn insert(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let source = format!("VALUES ({})", self.texts().parameters);
        self.insert_from(connection, row, &source, []).map(drop)
    }

    /// Inserts a row, unless one has the same value in these columns already; whether it did.
    pub(crate) fn insert_new(
        &self,
        connection: &Connection,
        row: &T,
        unique: &str,
    ) -> Result<bool, StoreError> {
        let parameters = &self.texts().parameters;
        let source = format!("VALUES ({parameters}) ON CONFLICT ({unique}) DO NOTHING");
        Ok(self.insert_from(connection, row, &source, [])? > 0)
    }

    /// Inserts a row if a condition holds, in which each `?` stands for one of the values, which SQLite
    /// numbers after those of the row; whether it did.
    pub(crate) fn insert_where<const N: usize>(
        &self,
        connection: &Connection,
        row: &T,
        condition: &str,
        compared: [Value; N],
    ) -> Result<bool, StoreError> {
        let source = format!("SELECT {} WHERE {condition}", self.texts().parameters);
        Ok(self.insert_from(connection, row, &source, compared)? > 0)
    }

    /// Inserts a row, or writes the columns that change over the one of the same key: rows that refer
    /// to it stay.
    pub(crate) fn put(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let source = &self.texts().replacement;
        self.insert_from(connection, row, source, []).map(drop)
    }

    /// Writes the columns of a row that change.
    pub(crate) fn update(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let column = |name: &&str| self.columns.iter().find(|it| it.name == *name);
        let key = self.rows.key.iter().filter_map(column);
        let changing = self.columns.iter().filter(|it| it.changes);
        let values = key.chain(changing).map(|it| (it.value)(row));
        let values: Vec<Value> = values.collect::<Result<_, _>>()?;
        let statement = &self.texts().update;
        execute(connection, statement, params_from_iter(values)).map(drop)
    }
}
