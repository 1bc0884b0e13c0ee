//! Statements: a text, the values of its places, and how the rows that come back are read. Each is written once and
//! run by whichever database is open.
//!
//! A text is a constant, or put together from constants: what comes from outside is always a value. Where every
//! microsecond counts, `spine/` goes to the drivers directly.

mod embedded;
mod row;
mod select;
mod value;

use sqlx::{SqlSafeStr, SqlStr};

pub(crate) use self::{
    row::{Index, Read, Row},
    select::{Noun, Select, select},
    value::{Bind, Column, Primitive, Value},
};
use crate::{
    Error, Result,
    db::{Db, Inner, Tx, on_db},
};

/// A statement with the values of `$1`, `$2`, … in their order.
pub(crate) struct Statement<'v> {
    text: SqlStr,
    values: Vec<Value<'v>>,
    /// Whether the drivers keep it prepared.
    persistent: bool,
}

/// Makes a statement of a constant text, or of one that was put together from constants.
pub(crate) fn sql<'v>(text: impl SqlSafeStr) -> Statement<'v> {
    Statement {
        text: text.into_sql_str(),
        values: Vec::new(),
        persistent: true,
    }
}

/// `$first, …`: as many places as there are values.
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(|i| format!("${i}")).collect();
    places.join(",")
}

/// Binds the values of a statement for either driver.
macro_rules! bound {
    ($statement:expr) => {{
        let Statement {
            text,
            values,
            persistent,
        } = $statement;
        let query = sqlx::query(text).persistent(persistent);
        values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Int(int) => query.bind(int),
            Value::Bool(is) => query.bind(is),
            Value::Bytes(bytes) => query.bind(bytes),
        })
    }};
}

impl<'v> Statement<'v> {
    /// Gives the next place its value.
    pub(crate) fn bind(mut self, value: impl Bind<'v>) -> Self {
        self.values.push(value.value());
        self
    }

    /// Gives the next places their values. Their number differs from time to time, so the statement is not kept
    /// prepared.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item: Bind<'v>>) -> Self {
        let values = values.into_iter().map(Bind::value);
        self.values.extend(values);
        self.persistent = false;
        self
    }

    /// The only row, or the first one.
    pub(crate) async fn find<T: Read>(self, db: &Db) -> Result<Option<T>> {
        let row = on_db!(db, |c| bound!(self).fetch_optional(c).await?.map(Row::from));
        row.as_ref().map(T::read).transpose()
    }

    /// All rows.
    pub(crate) async fn list<T: Read>(self, db: &Db) -> Result<Vec<T>> {
        on_db!(db, |c| {
            let rows = bound!(self).fetch_all(c).await?;
            rows.into_iter()
                .map(|row| T::read(&Row::from(row)))
                .collect()
        })
    }

    /// The only row, or the first one, as the transaction sees or leaves it.
    pub(crate) async fn find_in<T: Read>(self, tx: &mut Tx) -> Result<Option<T>> {
        let rows = self.rows_in(tx).await?;
        rows.first().map(T::read).transpose()
    }

    /// All rows, as the transaction sees or leaves them.
    pub(crate) async fn list_in<T: Read>(self, tx: &mut Tx) -> Result<Vec<T>> {
        let rows = self.rows_in(tx).await?;
        rows.iter().map(T::read).collect()
    }

    /// Runs it in a transaction; says how many rows it changed.
    pub(crate) async fn run(self, tx: &mut Tx) -> Result<u64> {
        Ok(self.execute(tx).await?)
    }

    /// Runs it in a transaction; [`Error::NameTaken`] where a unique index refuses a row.
    pub(crate) async fn run_unless_taken(self, tx: &mut Tx) -> Result<()> {
        let run = self.execute(tx).await.map(drop);
        run.map_err(Failure::or_name_taken)
    }

    /// Runs it in a transaction of its own; says how many rows it changed.
    pub(crate) async fn commit(self, db: &Db) -> Result<u64> {
        let mut tx = db.begin().await?;
        let changed = self.run(&mut tx).await?;
        tx.commit().await?;
        Ok(changed)
    }

    async fn execute(self, tx: &mut Tx) -> std::result::Result<u64, Failure> {
        Ok(match &mut tx.inner {
            Inner::Sqlite(turn) => {
                let done = bound!(self).execute(turn.connection()).await?;
                done.rows_affected()
            }
            Inner::Embedded(connection) => embedded::execute(connection, &self)?,
            Inner::Postgres(transaction) => {
                let done = bound!(self).execute(&mut **transaction).await?;
                done.rows_affected()
            }
        })
    }

    async fn rows_in(self, tx: &mut Tx) -> Result<Vec<Row>> {
        Ok(match &mut tx.inner {
            Inner::Sqlite(turn) => {
                let rows = bound!(self).fetch_all(turn.connection()).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Inner::Embedded(connection) => {
                let rows = embedded::rows(connection, &self)?;
                rows.into_iter().map(Row::Embedded).collect()
            }
            Inner::Postgres(transaction) => {
                let rows = bound!(self).fetch_all(&mut **transaction).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

/// Why a statement failed, as its driver says.
enum Failure {
    Sqlx(sqlx::Error),
    Rusqlite(rusqlite::Error),
}

impl Failure {
    fn or_name_taken(self) -> Error {
        let is_taken = match &self {
            Self::Sqlx(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Sqlx(_) => false,
            Self::Rusqlite(error) => error
                .sqlite_error()
                .is_some_and(|error| UNIQUE_VIOLATIONS.contains(&error.extended_code)),
        };
        if is_taken {
            Error::NameTaken
        } else {
            self.into()
        }
    }
}

/// SQLite's extended result codes for a value that is there already.
const UNIQUE_VIOLATIONS: [i32; 3] = [
    rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE,
    rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
    rusqlite::ffi::SQLITE_CONSTRAINT_ROWID,
];

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Rusqlite(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sqlx(error) => error.into(),
            Failure::Rusqlite(error) => error.into(),
        }
    }
}
