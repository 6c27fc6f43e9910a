//! A table as one list of columns. What selects, inserts, copies and updates its rows is made of that
//! list, so that a new column is one line of it, and one of the function that reads a row.

use std::pin::Pin;

use alias_domain::ports::StoreError;
use deadpool_postgres::Transaction;
use tokio_postgres::{
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use crate::steps::{Tried, execute};

/// What a column keeps.
pub(crate) type Value = Box<dyn ToSql + Sync + Send>;

/// What a column keeps of a row, if that can be written.
pub(crate) type Cell = Result<Value, StoreError>;

pub(crate) fn cell(value: impl ToSql + Sync + Send + 'static) -> Cell {
    Ok(Box::new(value))
}

/// A table, what statements call it, and what each of its columns keeps of a `T`.
pub(crate) struct Table<T: 'static> {
    pub(crate) name: &'static str,
    /// Its short name in every statement that joins it.
    pub(crate) alias: &'static str,
    /// The columns that name a row of it.
    pub(crate) key: &'static [&'static str],
    pub(crate) columns: &'static [Column<T>],
}

/// A column.
pub(crate) struct Column<T> {
    pub(crate) name: &'static str,
    kind: Type,
    value: fn(&T) -> Cell,
    is_read: bool,
    changes: bool,
}

pub(crate) const fn column<T>(name: &'static str, kind: Type, value: fn(&T) -> Cell) -> Column<T> {
    Column {
        name,
        kind,
        value,
        is_read: true,
        changes: false,
    }
}

/// A column that is written, and never read as part of a row.
pub(crate) const fn unread<T>(name: &'static str, kind: Type, value: fn(&T) -> Cell) -> Column<T> {
    Column {
        name,
        kind,
        value,
        is_read: false,
        changes: false,
    }
}

/// A column that is among those which the table's usual update writes.
pub(crate) const fn changing<T>(
    name: &'static str,
    kind: Type,
    value: fn(&T) -> Cell,
) -> Column<T> {
    Column {
        name,
        kind,
        value,
        is_read: true,
        changes: true,
    }
}

impl<T> Column<T> {
    pub(crate) const fn changes(&self) -> bool {
        self.changes
    }

    pub(crate) const fn is_read(&self) -> bool {
        self.is_read
    }

    /// A parameter of its type.
    pub(crate) fn parameter(&self, number: impl std::fmt::Display) -> String {
        format!("${number}::{}", self.kind.name())
    }

    /// The type that a parameter of it has.
    pub(crate) fn kind(&self) -> &str {
        self.kind.name()
    }

    pub(crate) fn value(&self, row: &T) -> Cell {
        (self.value)(row)
    }
}

/// The parameters of a statement.
pub(crate) struct Values(Vec<Value>);

impl Values {
    pub(crate) fn refs(&self) -> Vec<&(dyn ToSql + Sync)> {
        let refs = self.0.iter().map(|it| it.as_ref() as &(dyn ToSql + Sync));
        refs.collect()
    }

    pub(crate) fn and(mut self, more: impl IntoIterator<Item = Value>) -> Self {
        self.0.extend(more);
        self
    }
}

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}

impl<T> Table<T> {
    /// The columns that are read. Statements list them: with `*`, a statement that a running node
    /// has prepared would break when a newer version adds a column.
    pub(crate) fn read(&self) -> impl Iterator<Item = &Column<T>> {
        self.columns.iter().filter(|it| it.is_read)
    }

    /// The columns that are read, as a statement selects them.
    pub(crate) fn list(&self) -> String {
        let columns = self.read().map(|it| format!("{}.{}", self.alias, it.name));
        joined(columns, ", ")
    }

    /// Every column, as an insertion names them.
    pub(crate) fn names(&self) -> String {
        joined(self.columns.iter().map(|it| it.name.to_owned()), ", ")
    }

    /// The parameter that has a column's value, in a statement of [`Table::values`].
    pub(crate) fn parameter(&self, column: &str) -> String {
        let at = self.columns.iter().position(|it| it.name == column);
        // No statement has a parameter of this number: a column that there is not is found out.
        at.map_or_else(|| "$0".to_owned(), |at| self.columns[at].parameter(at + 1))
    }

    /// The parameters of every column.
    pub(crate) fn parameters(&self) -> String {
        let columns = self.columns.iter().map(|it| self.parameter(it.name));
        joined(columns, ", ")
    }

    /// The statement that inserts a row, by [`Table::values`].
    pub(crate) fn insertion(&self) -> String {
        let (name, names, parameters) = (self.name, self.names(), self.parameters());
        format!("INSERT INTO {name} ({names}) VALUES ({parameters})")
    }

    /// What each column keeps of a row.
    pub(crate) fn values(&self, row: &T) -> Result<Values, StoreError> {
        self.columns.iter().map(|it| it.value(row)).collect()
    }

    /// The statement that writes some columns of a row, by [`Table::update_values`].
    pub(crate) fn update(&self, written: impl Fn(&Column<T>) -> bool) -> String {
        let of_key = self.key.iter().zip(1..);
        let key = of_key.map(|(name, number)| format!("{name} = ${number}"));
        let next = self.key.len() + 1;
        let set = self.written(written).zip(next..);
        let set = set.map(|(it, number)| format!("{} = ${number}", it.name));
        let (name, set, key) = (self.name, joined(set, ", "), joined(key, " AND "));
        format!("UPDATE {name} SET {set} WHERE {key}")
    }

    /// The key of a row, and what some columns keep of it.
    pub(crate) fn update_values(
        &self,
        row: &T,
        written: impl Fn(&Column<T>) -> bool,
    ) -> Result<Values, StoreError> {
        let column = |name| self.columns.iter().find(|it| it.name == name);
        let key = self.key.iter().filter_map(|name| column(*name));
        let columns = key.chain(self.written(written));
        columns.map(|it| it.value(row)).collect()
    }

    fn written(&self, written: impl Fn(&Column<T>) -> bool) -> impl Iterator<Item = &Column<T>> {
        let is_written = move |it: &&Column<T>| !self.key.contains(&it.name) && written(it);
        self.columns.iter().filter(is_written)
    }

    /// What `ON CONFLICT … DO UPDATE SET` sets: the columns that change.
    pub(crate) fn overwritten(&self) -> String {
        let set = self.written(Column::changes);
        let set = set.map(|it| format!("{0} = EXCLUDED.{0}", it.name));
        joined(set, ", ")
    }

    /// Inserts a row within a transaction.
    pub(crate) async fn insert(&self, transaction: &Transaction<'_>, row: &T) -> Tried<()> {
        let values = self.values(row)?;
        execute(transaction, &self.insertion(), &values.refs())
            .await
            .map(drop)
    }

    /// Inserts rows at once, into the table of this name: one that is a view takes no copy.
    pub(crate) async fn copy_to(
        &self,
        transaction: &Transaction<'_>,
        name: &str,
        rows: &[T],
    ) -> Tried<()> {
        let names = self.names();
        let statement = format!("COPY {name} ({names}) FROM STDIN BINARY");
        let statement = transaction.prepare_cached(&statement).await?;
        let sink = transaction.copy_in(&statement).await?;
        let kinds: Vec<Type> = self.columns.iter().map(|it| it.kind.clone()).collect();
        let mut copy = Copy(Box::pin(BinaryCopyInWriter::new(sink, &kinds)));
        for row in rows {
            let values = self.values(row)?;
            copy.0.as_mut().write(&values.refs()).await?;
        }
        copy.0.as_mut().finish().await?;
        Ok(())
    }

    /// Inserts rows at once.
    pub(crate) async fn copy(&self, transaction: &Transaction<'_>, rows: &[T]) -> Tried<()> {
        self.copy_to(transaction, self.name, rows).await
    }
}

/// A table that rows are being copied into.
struct Copy(Pin<Box<BinaryCopyInWriter>>);
