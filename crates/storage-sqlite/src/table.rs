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
    selection: OnceLock<String>,
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

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
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
            selection: OnceLock::new(),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.rows.name
    }

    /// Reads whole rows, those that what follows the name of the table leaves.
    pub(crate) fn select(&self, rest: &str) -> String {
        let selection = self.selection.get_or_init(|| {
            let read = self.columns.iter().filter(|it| it.is_read);
            let columns = joined(read.map(|it| it.name.to_owned()), ", ");
            format!("SELECT {columns} FROM {} ", self.name())
        });
        [selection, rest].concat()
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
        joined(self.columns.iter().map(|it| it.name.to_owned()), ", ")
    }

    /// What each column keeps of a row.
    fn values(&self, row: &T) -> Result<Vec<Value>, StoreError> {
        self.columns.iter().map(|it| (it.value)(row)).collect()
    }

    /// Inserts a row, or what comes instead of that; how many there were. The parameters are those of
    /// every column, and then `more`.
    fn insert_by(
        &self,
        connection: &Connection,
        row: &T,
        source: impl FnOnce(&str) -> String,
        more: impl IntoIterator<Item = Value>,
    ) -> Result<usize, StoreError> {
        let parameters = (1..=self.columns.len()).map(|number| format!("?{number}"));
        let source = source(&joined(parameters, ", "));
        let (name, names) = (self.name(), self.names());
        let statement = format!("INSERT INTO {name} ({names}) {source}");
        let mut values = self.values(row)?;
        values.extend(more);
        execute(connection, &statement, params_from_iter(values))
    }

    /// Inserts a row.
    pub(crate) fn insert(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let values = |it: &str| format!("VALUES ({it})");
        self.insert_by(connection, row, values, []).map(drop)
    }

    /// Inserts a row, unless one has the same value in these columns already; whether it did.
    pub(crate) fn insert_new(
        &self,
        connection: &Connection,
        row: &T,
        unique: &str,
    ) -> Result<bool, StoreError> {
        let values = |it: &str| format!("VALUES ({it}) ON CONFLICT ({unique}) DO NOTHING");
        Ok(self.insert_by(connection, row, values, [])? > 0)
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
        let values = |it: &str| format!("SELECT {it} WHERE {condition}");
        Ok(self.insert_by(connection, row, values, compared)? > 0)
    }

    /// Inserts a row, or writes the columns that change over the one of the same key: rows that refer
    /// to it stay.
    pub(crate) fn put(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let changing = self.columns.iter().filter(|it| it.changes);
        let set = joined(
            changing.map(|it| format!("{0} = excluded.{0}", it.name)),
            ", ",
        );
        let key = self.rows.key.join(", ");
        let values = |it: &str| format!("VALUES ({it}) ON CONFLICT ({key}) DO UPDATE SET {set}");
        self.insert_by(connection, row, values, []).map(drop)
    }

    /// Writes the columns of a row that change.
    pub(crate) fn update(&self, connection: &Connection, row: &T) -> Result<(), StoreError> {
        let key: Vec<_> = self.columns_of_key().collect();
        let changing: Vec<_> = self.columns.iter().filter(|it| it.changes).collect();
        let numbered = |columns: &[&Column<T>], first: usize, by| {
            let columns = columns.iter().zip(first..);
            joined(columns.map(|(it, at)| format!("{} = ?{at}", it.name)), by)
        };
        let set = numbered(&changing, key.len() + 1, ", ");
        let same = numbered(&key, 1, " AND ");
        let statement = format!("UPDATE {} SET {set} WHERE {same}", self.name());
        let values = key.iter().chain(&changing).map(|it| (it.value)(row));
        let values: Vec<Value> = values.collect::<Result<_, _>>()?;
        execute(connection, &statement, params_from_iter(values)).map(drop)
    }

    fn columns_of_key(&self) -> impl Iterator<Item = &Column<T>> {
        let column = |name: &&str| self.columns.iter().find(|it| it.name == *name);
        self.rows.key.iter().filter_map(column)
    }
}
