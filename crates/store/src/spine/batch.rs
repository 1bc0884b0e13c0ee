//! Many rows in one statement: a list of VALUES on SQLite, arrays to UNNEST on Postgres. One text per
//! statement; the rows are the only thing that differs.

use std::sync::{Arc, OnceLock};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
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

/// A value in a bulk statement.
#[derive(Clone)]
pub(super) enum Cell {
    Text(Option<Arc<str>>),
    Int(Option<i64>),
    Bytes(Vec<u8>),
}

impl Cell {
    pub(super) fn id(id: impl std::fmt::Display) -> Self {
        Self::Text(Some(id.to_string().into()))
    }

    pub(super) fn text(text: &Arc<str>) -> Self {
        Self::Text(Some(Arc::clone(text)))
    }

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_deref(),
            Self::Int(_) | Self::Bytes(_) => None,
        }
    }

    fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => *int,
            Self::Text(_) | Self::Bytes(_) => None,
        }
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(_) | Self::Int(_) => None,
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

    /// The statement for one row, with positional parameters.
    pub(super) fn of_one_row(&self) -> Arc<str> {
        self.sqlite_text(1).1
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
            Inner::Postgres(transaction) => {
                if cells.is_empty() {
                    return Ok(0);
                }
                let text = self.postgres.get_or_init(|| self.postgres_text());
                let query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
                let query = self.bind_arrays(query, &cells);
                changed = query.execute(&mut **transaction).await?.rows_affected();
            }
        }
        Ok(changed)
    }

    fn sqlite_text(&self, rows: usize) -> (usize, Arc<str>) {
        let largest = SIZES.iter().position(|size| *size <= rows);
        let i = largest.unwrap_or(SIZES.len() - 1);
        let text = self.sqlite[i].get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns.len()].join(","));
            let rows = vec![row; SIZES[i]].join(",");
            format!("{} VALUES {rows} {}", self.before, self.after).into()
        });
        (SIZES[i], Arc::clone(text))
    }

    fn postgres_text(&self) -> Arc<str> {
        let array = |(i, kind): (usize, &Kind)| {
            let sql_type = match kind {
                Kind::Text => "text",
                Kind::Int => "bigint",
                Kind::Bytes => "bytea",
            };
            format!("${}::{sql_type}[]", i + 1)
        };
        let arrays: Vec<_> = self.columns.iter().enumerate().map(array).collect();
        let rows = arrays.join(",");
        format!(
            "{} SELECT * FROM UNNEST({rows}) {}",
            self.before, self.after
        )
        .into()
    }

    fn bind_arrays<'q>(
        &self,
        mut query: Query<'q, Postgres, PgArguments>,
        cells: &'q [Cell],
    ) -> Query<'q, Postgres, PgArguments> {
        let width = self.columns.len();
        for (i, kind) in self.columns.iter().enumerate() {
            let column = cells[i..].iter().step_by(width);
            query = match kind {
                Kind::Text => query.bind(column.map(Cell::as_text).collect::<Vec<_>>()),
                Kind::Int => query.bind(column.map(Cell::as_int).collect::<Vec<_>>()),
                Kind::Bytes => query.bind(column.map(Cell::as_bytes).collect::<Vec<_>>()),
            };
        }
        query
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
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
        Cell::Text(text) => query.bind(text),
        Cell::Int(int) => query.bind(int),
        Cell::Bytes(bytes) => query.bind(bytes),
    }
}
