//! Finding and listing rows of a tenant.

use sqlx::AssertSqlSafe;
use tieline_domain::TenantId;

use super::{Bind, Read, Statement, Value, places, sql};
use crate::{
    Page, PageRequest, Result,
    db::{Db, Tx},
};

/// What has a table of its own.
pub(crate) trait Noun: Read {
    /// The table.
    const TABLE: &'static str;
    /// The columns that [`Read::read`] looks at.
    const COLUMNS: &'static str;
}

/// Rows of a tenant, narrowed by conditions: constants, in which each `?` is the place of a value.
#[derive(Clone)]
pub(crate) struct Select<'v> {
    conditions: String,
    values: Vec<Value<'v>>,
    persistent: bool,
}

/// The rows of a tenant.
pub(crate) fn select<'v>(tenant: TenantId) -> Select<'v> {
    Select {
        conditions: "tenant_id = $1".to_owned(),
        values: vec![tenant.value()],
        persistent: true,
    }
}

impl<'v> Select<'v> {
    /// Those for which this holds with a value, as in `id = ?`.
    pub(crate) fn with(self, condition: &'static str, value: impl Bind<'v>) -> Self {
        self.with_all(condition, [value])
    }

    /// The same, if there is a value.
    pub(crate) fn with_any(self, condition: &'static str, value: Option<impl Bind<'v>>) -> Self {
        match value {
            Some(value) => self.with(condition, value),
            None => self,
        }
    }

    /// Those for which this holds with a value for each of its places.
    pub(crate) fn with_all(
        mut self,
        condition: &'static str,
        values: impl IntoIterator<Item: Bind<'v>>,
    ) -> Self {
        let mut parts = condition.split('?');
        let first = parts.next().unwrap_or_default();
        self.conditions.extend([" AND ", first]);
        for value in values {
            self.values.push(value.value());
            let place = self.values.len().to_string();
            let behind = parts.next().unwrap_or_default();
            self.conditions.extend(["$", &place, behind]);
        }
        self
    }

    /// Those of which a column holds one of these values.
    pub(crate) fn among(
        mut self,
        column: &'static str,
        values: impl IntoIterator<Item: Bind<'v>>,
    ) -> Self {
        let first = self.values.len() + 1;
        self.values.extend(values.into_iter().map(Bind::value));
        let places = places(first, self.values.len() + 1 - first);
        let condition = format!(" AND {column} IN ({places})");
        self.conditions.push_str(&condition);
        self.persistent = false;
        self
    }

    /// Those for which this holds.
    pub(crate) fn that(mut self, condition: &'static str) -> Self {
        self.conditions.extend([" AND ", condition]);
        self
    }

    /// The text of a join that ends in a condition; what is said from here on is said of it.
    pub(crate) fn joined(self, text: impl FnOnce(&str) -> String) -> Self {
        let conditions = text(&self.conditions);
        Self { conditions, ..self }
    }

    /// The only one.
    pub(crate) async fn find<T: Noun>(self, db: &Db) -> Result<Option<T>> {
        self.read::<T>("").find(db).await
    }

    /// The only one, or the first in this order, as a transaction sees it.
    pub(crate) async fn find_in<T: Noun>(
        self,
        order: &'static str,
        tx: &mut Tx,
    ) -> Result<Option<T>> {
        let behind = format!(" ORDER BY {order} LIMIT 1");
        self.read::<T>(&behind).find_in(tx).await
    }

    /// All, in this order.
    pub(crate) async fn list<T: Noun>(self, order: &'static str, db: &Db) -> Result<Vec<T>> {
        let behind = format!(" ORDER BY {order}");
        self.read::<T>(&behind).list(db).await
    }

    /// The first ones in this order.
    pub(crate) async fn first<T: Noun>(
        self,
        limit: usize,
        order: &'static str,
        db: &Db,
    ) -> Result<Vec<T>> {
        let behind = format!(" ORDER BY {order} LIMIT ${}", self.values.len() + 1);
        self.read::<T>(&behind).bind(limit).list(db).await
    }

    /// A page, the newest first.
    pub(crate) async fn page<T: Noun, Id: ToString>(
        self,
        page: &'v PageRequest,
        id: impl Fn(&T) -> Id,
        db: &Db,
    ) -> Result<Page<T>> {
        let wanted = self.with_any("id < ?", page.after.as_deref());
        let rows = wanted.first(page.rows(), "id DESC", db).await?;
        Ok(Page::cut(rows, page, id))
    }

    /// The only one, which others cannot change until the transaction ends: an update of this column that changes
    /// nothing is what locks a row on both engines.
    pub(crate) async fn lock<T: Noun>(
        self,
        column: &'static str,
        tx: &mut Tx,
    ) -> Result<Option<T>> {
        let (table, columns) = (T::TABLE, T::COLUMNS);
        let locking = self.statement(|conditions| {
            format!("UPDATE {table} SET {column} = {column} WHERE {conditions} RETURNING {columns}")
        });
        locking.find_in(tx).await
    }

    /// Another statement about these rows, from its conditions.
    pub(crate) fn statement(self, text: impl FnOnce(&str) -> String) -> Statement<'v> {
        Statement {
            values: self.values,
            persistent: self.persistent,
            ..sql(AssertSqlSafe(text(&self.conditions)))
        }
    }

    fn read<T: Noun>(self, behind: &str) -> Statement<'v> {
        let (table, columns) = (T::TABLE, T::COLUMNS);
        self.statement(|conditions| {
            format!("SELECT {columns} FROM {table} WHERE {conditions}{behind}")
        })
    }
}
