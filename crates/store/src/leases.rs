//! Leases of deliveries that were taken while the clock was wrong.

use tieline_domain::Timestamp;

use crate::{Result, Store, sql::sql};

impl Store {
    /// Ends the leases of deliveries that last beyond this time, whoever has them, and makes these due `now`;
    /// says how many. No node takes such a lease: it is left from before the clock was set back, by a node that
    /// has died. Looks through all that is due later, so it is for rare occasions; nobody who writes waits for it
    /// unless there is such a lease.
    pub async fn end_leases_beyond(&self, beyond: Timestamp, now: Timestamp) -> Result<u64> {
        const END: &str = "UPDATE deliveries SET due_at = $1, owner = NULL \
                           WHERE status = 'pending' AND due_at > $2 AND owner IS NOT NULL";
        const LOOK: &str = "SELECT 1 FROM deliveries WHERE status = 'pending' AND due_at > $1 \
                            AND owner IS NOT NULL LIMIT 1";
        let found: Option<()> = sql(LOOK).bind(beyond).find(self.db()).await?;
        if found.is_none() {
            return Ok(0);
        }
        sql(END).bind(now).bind(beyond).commit(self.db()).await
    }
}
