//! Statements on the connection of the embedded engine's writer. They block the thread that runs them, which is its own.

use rusqlite::{
    Connection,
    types::{ToSqlOutput, ValueRef},
};

use super::{Index, Primitive, Statement, Value};
use crate::{Error, Result};

/// A row that came back.
pub(crate) struct EmbeddedRow {
    names: Vec<String>,
    values: Vec<rusqlite::types::Value>,
}

impl EmbeddedRow {
    pub(super) fn get<T: Primitive>(&self, column: impl Index) -> Result<T> {
        let place = column.place_in(&self.names);
        let value = place.and_then(|place| self.values.get(place));
        let value = value.ok_or_else(|| Error::content("a column is missing"))?;
        T::column_result(value.into()).map_err(Error::content)
    }
}

/// Runs a statement; says how many rows it changed.
pub(super) fn execute(connection: &Connection, statement: &Statement<'_>) -> rusqlite::Result<u64> {
    with(connection, statement, |prepared| {
        prepared.raw_execute().map(|changed| changed as u64)
    })
}

/// Runs a statement to its end; the rows that came back.
pub(super) fn rows(
    connection: &Connection,
    statement: &Statement<'_>,
) -> rusqlite::Result<Vec<EmbeddedRow>> {
    with(connection, statement, |prepared| {
        let names = prepared.column_names().into_iter().map(str::to_owned);
        let names: Vec<_> = names.collect();
        let mut rows = prepared.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..names.len()).map(|place| row.get(place));
            found.push(EmbeddedRow {
                names: names.clone(),
                values: values.collect::<rusqlite::Result<_>>()?,
            });
        }
        Ok(found)
    })
}

fn with<T>(
    connection: &Connection,
    statement: &Statement<'_>,
    run: impl FnOnce(&mut rusqlite::Statement<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let text = statement.text.as_str();
    let (mut kept, mut passing);
    let prepared = if statement.persistent {
        kept = connection.prepare_cached(text)?;
        &mut *kept
    } else {
        passing = connection.prepare(text)?;
        &mut passing
    };
    bind(prepared, &statement.values)?;
    run(prepared)
}

/// Gives the places their values. To SQLite `$2` is a name, and its place that of its first mention.
fn bind(prepared: &mut rusqlite::Statement<'_>, values: &[Value<'_>]) -> rusqlite::Result<()> {
    for place in 1..=prepared.parameter_count() {
        let name = prepared.parameter_name(place);
        let number = name.and_then(|name| name.strip_prefix('$')?.parse().ok());
        let number: usize = number.unwrap_or(place);
        let value = values.get(number.wrapping_sub(1));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(number, values.len()))?;
        prepared.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Text(text) => text.as_deref().map(|text| ValueRef::Text(text.as_bytes())),
            Self::Int(int) => int.map(ValueRef::Integer),
            Self::Bool(is) => is.map(|is| ValueRef::Integer(is.into())),
            Self::Bytes(bytes) => bytes.map(ValueRef::Blob),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Read, Row, sql};

    fn rows_of(connection: &Connection, statement: &Statement<'_>) -> Vec<Row> {
        let rows = rows(connection, statement).unwrap();
        rows.into_iter().map(Row::Embedded).collect()
    }

    #[test]
    fn values_have_the_numbers_of_their_places() {
        let connection = Connection::open_in_memory().unwrap();
        let swapped = sql("SELECT $2 AS second, $1 AS first, $2 AS again")
            .bind("one")
            .bind(2_i64);
        let rows = rows_of(&connection, &swapped);
        let row: (i64, String, i64) = Read::read(&rows[0]).unwrap();
        assert_eq!(row, (2, "one".to_owned(), 2));
        let first: String = rows[0].get("first").unwrap();
        assert_eq!(first, "one");
    }

    #[test]
    fn each_kind_of_value_comes_back() {
        let connection = Connection::open_in_memory().unwrap();
        let bytes = vec![0_u8, 255];
        let all = sql("SELECT $1, $2, $3, $4").bind("text").bind(-1_i64);
        let all = all.bind(true).bind(&bytes);
        let rows = rows_of(&connection, &all);
        let row: (String, i64, bool, Vec<u8>) = Read::read(&rows[0]).unwrap();
        assert_eq!(row, ("text".to_owned(), -1, true, bytes));
        let none = sql("SELECT $1").bind(None::<&str>);
        let none: Option<String> = Read::read(&rows_of(&connection, &none)[0]).unwrap();
        assert_eq!(none, None);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        let too_few = sql("SELECT $1, $2").bind("one");
        rows(&connection, &too_few).err().unwrap();
        let row = &rows_of(&connection, &sql("SELECT 1 AS one"))[0];
        row.get::<i64>("two").unwrap_err();
        row.get::<String>("one").unwrap_err();
    }
}
