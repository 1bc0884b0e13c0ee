//! Locks by name, for what two nodes must not do at once. SQLite has one writer anyway.

use crate::{
    Result,
    db::{Inner, Tx},
};

/// Locks these names until the transaction ends. To be called once, before anything else, so that no two transactions
/// wait for each other.
pub(crate) async fn lock(tx: &mut Tx, names: impl IntoIterator<Item = String>) -> Result<()> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT \
                        hashtextextended(id, 0) AS key FROM UNNEST($1::text[]) AS id ORDER BY key) AS keys";
    let Inner::Postgres(transaction) = &mut tx.inner else {
        return Ok(());
    };
    let names: Vec<_> = names.into_iter().collect();
    if !names.is_empty() {
        sqlx::query(LOCK)
            .bind(names)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
