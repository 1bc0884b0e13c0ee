//! Jobs whose work is one delivery: asked for in the commit that writes the delivery, worked on by whoever has it.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    JobId, TenantId, Timestamp,
    delivery::Status as DeliveryStatus,
    job::{Job, Progress},
};

use crate::{
    ChangeBy, Result, Store,
    db::Tx,
    jobs::{self, Ending},
    spine::{self, Entry, lines},
    sql::{Noun, sql},
};

/// A job whose delivery goes out no more, with the end of that; `None` if the delivery is gone.
pub type Orphan = (Job, Option<DeliveryStatus>);

impl Store {
    /// Asks for a job together with the event `asking` for it, which is owed as the job's delivery, in one commit.
    pub async fn create_delivered_job(
        &self,
        job: &Job,
        asking: &Entry,
        by: &ChangeBy,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        lines::lock(&mut tx, lines::joined_by(asking).collect()).await?;
        jobs::insert(&mut tx, job, by).await?;
        spine::write_notice(&mut tx, asking).await?;
        tx.commit().await
    }

    /// Takes up a job as `holder`, which is unlike any other, if it is still as it was `seen`. From then on only the
    /// holder writes to it.
    pub async fn take_delivered_job(
        &self,
        seen: &Job,
        holder: &str,
        place: &str,
        now: Timestamp,
    ) -> Result<bool> {
        const TAKE: &str = "UPDATE jobs SET status = 'running', owner = $1, place = $2, ended_at = NULL, \
                            started_at = COALESCE(started_at, $3), done = 0, failed = 0 \
                            WHERE tenant_id = $4 AND id = $5 AND status = $6 AND COALESCE(place, '') = $7";
        let taken = sql(TAKE)
            .bind(holder)
            .bind(place)
            .bind(now)
            .bind(seen.tenant_id)
            .bind(seen.id)
            .bind(seen.status)
            .bind(seen.place.as_deref().unwrap_or_default())
            .commit(self.db())
            .await?;
        Ok(taken > 0)
    }

    /// Lets a job wait for the next attempt of its delivery, with what went wrong; false if `holder` has it no more.
    pub async fn put_job_off(
        &self,
        tenant: TenantId,
        id: JobId,
        holder: &str,
        place: &str,
        progress: &Progress,
    ) -> Result<bool> {
        const WAIT: &str = "UPDATE jobs SET status = 'waiting', owner = NULL \
                            WHERE tenant_id = $1 AND id = $2 AND owner = $3 AND status = 'running'";
        let mut tx = self.db().begin().await?;
        let waits = sql(WAIT)
            .bind(tenant)
            .bind(id)
            .bind(holder)
            .run(&mut tx)
            .await?;
        if waits == 0 {
            return Ok(false);
        }
        jobs::note(&mut tx, id, Some(place), progress).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a job, with the event that tells of it. With a `holder` only if that still has it; without one, whoever
    /// has it can write no more. False if it had ended.
    pub async fn end_delivered_job(
        &self,
        tenant: TenantId,
        id: JobId,
        holder: Option<&str>,
        place: Option<&str>,
        now: Timestamp,
        ending: &Ending,
    ) -> Result<bool> {
        const END: &str = "UPDATE jobs SET status = $1, ended_at = $2, owner = NULL WHERE tenant_id = $3 AND id = $4 \
                           AND status IN ('waiting', 'running') AND ($5 = '' OR owner = $5)";
        let mut tx = self.db().begin().await?;
        let told = ending.notice.iter().flat_map(lines::joined_by);
        lines::lock(&mut tx, told.collect()).await?;
        let ended = sql(END)
            .bind(ending.status)
            .bind(now)
            .bind(tenant)
            .bind(id)
            .bind(holder.unwrap_or_default())
            .run(&mut tx)
            .await?;
        if ended == 0 {
            return Ok(false);
        }
        jobs::note(&mut tx, id, place, &ending.progress).await?;
        if let Some(notice) = &ending.notice {
            spine::write_notice(&mut tx, notice).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Up to `limit` open jobs of all tenants whose delivery goes out no more: it was called off, or removed.
    pub async fn orphaned_jobs(&self, limit: usize) -> Result<Vec<Orphan>> {
        const GOES_OUT: &str = "SELECT 1 FROM deliveries d WHERE d.tenant_id = jobs.tenant_id \
                                AND d.id = jobs.delivery_id AND d.status IN ('pending', 'held', 'queued')";
        const STATUS: &str = "SELECT status FROM deliveries WHERE tenant_id = $1 AND id = $2";
        let text = format!(
            "SELECT {} FROM jobs WHERE delivery_id IS NOT NULL AND status IN ('waiting', 'running') \
             AND NOT EXISTS ({GOES_OUT}) ORDER BY id LIMIT $1",
            Job::COLUMNS
        );
        let open = sql(AssertSqlSafe(text)).bind(limit);
        let open: Vec<Job> = open.list(self.db()).await?;
        let mut orphans = Vec::with_capacity(open.len());
        for job in open {
            let delivery = sql(STATUS).bind(job.tenant_id).bind(job.delivery_id);
            orphans.push((job, delivery.find(self.db()).await?));
        }
        Ok(orphans)
    }
}

/// Takes the content of an event out of the jobs that it asked for.
pub(crate) async fn erase_jobs(tx: &mut Tx, tenant: TenantId, event: &str) -> Result<()> {
    const BLANK: &str = "UPDATE jobs SET asked = 'null', place = NULL WHERE tenant_id = $1 AND delivery_id IN \
                         (SELECT id FROM deliveries WHERE event_id = $2 AND tenant_id = $1)";
    sql(BLANK).bind(tenant).bind(event).run(tx).await?;
    Ok(())
}
