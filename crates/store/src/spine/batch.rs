//! Many rows in one statement: a list of VALUES on SQLite, arrays to UNNEST on Postgres. One text per
//! statement; the rows are the only thing that differs.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, OnceLock},
};

use rusqlite::{
    Connection, params_from_iter,
    types::{ToSql, ToSqlOutput, ValueRef},
};
use sqlx::{AssertSqlSafe, Postgres, Sqlite, postgres::PgArguments, query::Query};

use crate::{
    Result,
    db::{Inner, Tx},
};

/// The type of a column in a bulk statement.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Int,
    Bytes,
}

/// A short text, kept in place: most cells are ids, and each would cost an allocation here and its end
/// on the writer's thread.
#[derive(Clone, Copy)]
pub(super) struct Short {
    bytes: [u8; Self::MOST],
    length: u8,
}

impl Short {
    /// The longest of them in bytes: the longest prefix of an id and its 26 characters.
    const MOST: usize = 32;

    fn as_str(&self) -> &str {
        let text = std::str::from_utf8(&self.bytes[..self.length.into()]);
        text.expect("it was written as whole texts")
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.length);
        let place = self.bytes.get_mut(start..start + text.len());
        place.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length += text.len() as u8;
        Ok(())
    }
}

/// A value in a bulk statement.
#[derive(Clone)]
pub(super) enum Cell {
    Short(Short),
    Text(Option<Arc<str>>),
    Int(Option<i64>),
    Bytes(Vec<u8>),
}

impl Cell {
    /// An id, or another text that is short as a rule.
    pub(super) fn id(id: impl fmt::Display) -> Self {
        let mut short = Short {
            bytes: [0; Short::MOST],
            length: 0,
        };
        match write!(short, "{id}") {
            Ok(()) => Self::Short(short),
            Err(fmt::Error) => Self::Text(Some(id.to_string().into())),
        }
    }

    pub(super) fn text(text: &Arc<str>) -> Self {
        Self::Text(Some(Arc::clone(text)))
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Short(text) => Some(text.as_str()),
            Self::Text(text) => text.as_deref(),
            Self::Int(_) | Self::Bytes(_) => None,
        }
    }

    fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => *int,
            Self::Short(_) | Self::Text(_) | Self::Bytes(_) => None,
        }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Short(_) | Self::Text(_) | Self::Int(_) => None,
        }
    }
}

/// How many rows one SQLite statement takes: few sizes, so that few statements are prepared.
const SIZES: [usize; 6] = [256, 64, 16, 4, 2, 1];

/// A statement over rows: `before`, the rows, `after`.
pub(super) struct Bulk {
    before: &'static str,
    columns: &'static [Kind],
    after: &'static str,
    sqlite: [OnceLock<Arc<str>>; SIZES.len()],
    postgres: OnceLock<Arc<str>>,
}

impl Bulk {
    pub(super) const fn new(
        before: &'static str,
        columns: &'static [Kind],
        after: &'static str,
    ) -> Self {
        Self {
            before,
            columns,
            after,
            sqlite: [const { OnceLock::new() }; SIZES.len()],
            postgres: OnceLock::new(),
        }
    }

    /// How many cells make a row.
    pub(super) const fn width(&self) -> usize {
        self.columns.len()
    }

    /// The columns of a row, in order.
    pub(super) const fn columns(&self) -> &'static [Kind] {
        self.columns
    }

    /// The statement over `rows`, which is a list of VALUES or a query.
    pub(super) fn over(&self, rows: &str) -> String {
        format!("{} {rows} {}", self.before, self.after)
    }

    /// Runs it over `cells`, row after row; says how many rows it changed.
    pub(super) async fn run(&self, tx: &mut Tx, cells: Vec<Cell>) -> Result<u64> {
        let mut changed = 0;
        match &mut tx.inner {
            Inner::Sqlite(turn) => {
                let mut cells = cells.into_iter();
                while cells.len() > 0 {
                    let (size, text) = self.sqlite_text(cells.len() / self.columns.len());
                    let chunk = cells.by_ref().take(size * self.columns.len());
                    let query = chunk.fold(sqlx::query(AssertSqlSafe(text)), bind);
                    changed += query.execute(turn.connection()).await?.rows_affected();
                }
            }
            Inner::Embedded(connection) => changed = self.run_embedded(connection, &cells)?,
            Inner::Postgres(transaction) => {
                if cells.is_empty() {
                    return Ok(0);
                }
                let text = self.postgres.get_or_init(|| self.postgres_text());
                let query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
                let rows: Vec<_> = cells.chunks(self.columns.len()).collect();
                let query = bind_arrays(query, self.columns, &rows);
                changed = query.execute(&mut **transaction).await?.rows_affected();
            }
        }
        Ok(changed)
    }

    /// The same on the connection of the embedded engine's writer, row by row.
    pub(super) fn run_embedded(&self, connection: &Connection, cells: &[Cell]) -> Result<u64> {
        if cells.is_empty() {
            return Ok(0);
        }
        let (_, of_one_row) = self.sqlite_text(1);
        let mut statement = connection.prepare_cached(&of_one_row)?;
        let mut changed = 0;
        for row in cells.chunks(self.width()) {
            changed += statement.execute(params_from_iter(row))? as u64;
        }
        Ok(changed)
    }

    fn sqlite_text(&self, rows: usize) -> (usize, Arc<str>) {
        let largest = SIZES.iter().position(|size| *size <= rows);
        let i = largest.unwrap_or(SIZES.len() - 1);
        let text = self.sqlite[i].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns.len()].join(","));
            let rows = vec![row; SIZES[i]].join(",");
            self.over(&format!("VALUES {rows}")).into()
        });
        (SIZES[i], Arc::clone(text))
    }

    fn postgres_text(&self) -> Arc<str> {
        let rows = format!("SELECT * FROM UNNEST({})", arrays(self.columns, 1));
        self.over(&rows).into()
    }
}

/// The parameters of arrays to UNNEST, the first one with the number `first`.
pub(super) fn arrays(columns: &[Kind], first: usize) -> String {
    let array = |(i, kind): (usize, &Kind)| {
        let sql_type = match kind {
            Kind::Text => "text",
            Kind::Int => "bigint",
            Kind::Bytes => "bytea",
        };
        format!("${}::{sql_type}[]", first + i)
    };
    let arrays: Vec<_> = columns.iter().enumerate().map(array).collect();
    arrays.join(",")
}

/// Binds the rows as one array for each column.
pub(super) fn bind_arrays<'q>(
    mut query: Query<'q, Postgres, PgArguments>,
    columns: &[Kind],
    rows: &[&'q [Cell]],
) -> Query<'q, Postgres, PgArguments> {
    for (i, kind) in columns.iter().enumerate() {
        let column = rows.iter().map(|row| &row[i]);
        query = match kind {
            Kind::Text => query.bind(column.map(Cell::as_text).collect::<Vec<_>>()),
            Kind::Int => query.bind(column.map(Cell::as_int).collect::<Vec<_>>()),
            Kind::Bytes => query.bind(column.map(Cell::as_bytes).collect::<Vec<_>>()),
        };
    }
    query
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Short(text) => ValueRef::Text(text.as_str().as_bytes()),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Int(Some(int)) => ValueRef::Integer(*int),
            Self::Text(None) | Self::Int(None) => ValueRef::Null,
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

type SqliteQuery<'q> = Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind(query: SqliteQuery<'_>, cell: Cell) -> SqliteQuery<'_> {
    match cell {
        Cell::Short(text) => query.bind(text.as_str().to_owned()),
        Cell::Text(text) => query.bind(text),
        Cell::Int(int) => query.bind(int),
        Cell::Bytes(bytes) => query.bind(bytes),
    }
}
