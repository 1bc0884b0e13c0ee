//! Rows as they are read, from whichever database.

use serde::de::DeserializeOwned;
use sqlx::{ColumnIndex, Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::{Column, embedded::EmbeddedRow};
use crate::{Error, Result};

/// A row that came back.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Embedded(EmbeddedRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl Row {
    /// What a column holds, named or counted.
    pub(crate) fn get<T: Column>(&self, column: impl Index) -> Result<T> {
        let kept = match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Embedded(row) => row.get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        };
        T::from_kept(kept)
    }

    /// What a column holds as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(Error::content)
    }

    /// What a column holds as JSON, unless it holds nothing.
    pub(crate) fn json_if_any<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>> {
        let text: Option<String> = self.get(column)?;
        let read = text.map(|text| serde_json::from_str(&text));
        read.transpose().map_err(Error::content)
    }
}

/// The name or the number of a column.
pub(crate) trait Index: ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {
    /// Its number among the columns of these names.
    fn place_in(&self, names: &[String]) -> Option<usize>;
}

impl Index for usize {
    fn place_in(&self, _: &[String]) -> Option<usize> {
        Some(*self)
    }
}

impl Index for &str {
    fn place_in(&self, names: &[String]) -> Option<usize> {
        names.iter().position(|name| name == self)
    }
}

/// What is read from a row.
pub(crate) trait Read: Sized {
    /// Reads it.
    fn read(row: &Row) -> Result<Self>;
}

/// A row is also read as a tuple of its columns.
macro_rules! read_tuple {
    ($($name:ident = $place:literal),*) => {
        impl<$($name: Column),*> Read for ($($name,)*) {
            fn read(row: &Row) -> Result<Self> {
                Ok(($(row.get::<$name>($place)?,)*))
            }
        }
    };
}

/// That there is one.
impl Read for () {
    fn read(_: &Row) -> Result<Self> {
        Ok(())
    }
}

/// The only column of a row.
impl<T: Column> Read for T {
    fn read(row: &Row) -> Result<Self> {
        row.get(0)
    }
}

read_tuple!(A = 0, B = 1);
read_tuple!(A = 0, B = 1, C = 2);
read_tuple!(A = 0, B = 1, C = 2, D = 3);
