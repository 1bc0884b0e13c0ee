//! Answers that are kept for repeats of their request (`Idempotency-Key`).

use std::time::Duration;

use tieline_domain::{TenantId, Timestamp};

use crate::{Result, Store, sql::sql};

/// How long a request may be under way before a repeat of it may take its place: its node is
/// presumed dead.
pub const TAKEOVER_AFTER: Duration = Duration::from_mins(1);

/// What a request with an idempotency key is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Go on, then call [`Store::finish_idempotent`] or [`Store::abandon_idempotent`].
    Fresh,
    /// The same request is under way.
    InProgress,
    /// The same request was answered: answer the same.
    Replay {
        /// The status of the answer.
        status: u16,
        /// The answer, as it was given to [`Store::finish_idempotent`].
        answer: Vec<u8>,
    },
    /// The key was used for another request.
    Mismatch,
}

type Row = (Vec<u8>, Option<u16>, Option<Vec<u8>>);

impl Store {
    /// Begins a request with an idempotency key. `expires_at` is when the key may be used anew:
    /// equally long after each `now`.
    pub async fn begin_idempotent(
        &self,
        tenant: TenantId,
        key: &str,
        request_hash: &[u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Begun> {
        const INSERT: &str = "INSERT INTO idempotency (tenant_id, key, request_hash, expires_at) \
                              VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, key) DO UPDATE \
                              SET request_hash = excluded.request_hash, status = NULL, answer = NULL, \
                              expires_at = excluded.expires_at WHERE idempotency.expires_at <= $5 \
                              OR (idempotency.status IS NULL \
                              AND (idempotency.expires_at <= $6 OR idempotency.expires_at > $7) \
                              AND idempotency.request_hash = excluded.request_hash)";
        // As every row lives equally long, one that ends a minute earlier began a minute earlier, and one that
        // ends a minute later began before the clock was set back.
        let fresh = sql(INSERT)
            .bind(tenant)
            .bind(key)
            .bind(request_hash)
            .bind(expires_at)
            .bind(now)
            .bind(expires_at.minus(TAKEOVER_AFTER))
            .bind(expires_at.plus(TAKEOVER_AFTER))
            .commit(self.db())
            .await?;
        if fresh > 0 {
            return Ok(Begun::Fresh);
        }
        let row = self.idempotent_row(tenant, key).await?;
        // Gone meanwhile: the request that held the key was abandoned just now; a repeat will begin.
        Ok(row.map_or(Begun::InProgress, |row| begun(row, request_hash)))
    }

    async fn idempotent_row(&self, tenant: TenantId, key: &str) -> Result<Option<Row>> {
        const FIND: &str = "SELECT request_hash, status, answer FROM idempotency WHERE tenant_id = $1 AND key = $2";
        sql(FIND).bind(tenant).bind(key).find(self.db()).await
    }

    /// Keeps the answer of a request that has begun.
    pub async fn finish_idempotent(
        &self,
        tenant: TenantId,
        key: &str,
        status: u16,
        answer: &[u8],
    ) -> Result<()> {
        const UPDATE: &str = "UPDATE idempotency SET status = $3, answer = $4 WHERE tenant_id = $1 AND key = $2 \
                              AND status IS NULL";
        sql(UPDATE)
            .bind(tenant)
            .bind(key)
            .bind(status)
            .bind(answer)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// Forgets a request that has begun and came to nothing: a repeat may try again.
    pub async fn abandon_idempotent(&self, tenant: TenantId, key: &str) -> Result<()> {
        sql("DELETE FROM idempotency WHERE tenant_id = $1 AND key = $2 AND status IS NULL")
            .bind(tenant)
            .bind(key)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// Removes up to `limit` keys that have expired, of all tenants; returns how many.
    pub async fn delete_expired_idempotent(&self, now: Timestamp, limit: usize) -> Result<u64> {
        const DELETE: &str = "DELETE FROM idempotency WHERE (tenant_id, key) IN (SELECT tenant_id, key \
                              FROM idempotency WHERE expires_at <= $1 LIMIT $2)";
        sql(DELETE).bind(now).bind(limit).commit(self.db()).await
    }
}

fn begun((hash, status, answer): Row, request_hash: &[u8; 32]) -> Begun {
    if hash != request_hash {
        return Begun::Mismatch;
    }
    match (status, answer) {
        (Some(status), Some(answer)) => Begun::Replay { status, answer },
        _ => Begun::InProgress,
    }
}
