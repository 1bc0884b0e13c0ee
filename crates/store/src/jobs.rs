//! Jobs: durable, worked on by one node at a time under a lease, taken up by another where it ends.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use tieline_domain::{
    JobId, TenantId, Timestamp,
    job::{Job, Kind, Progress, Status},
};

use crate::{
    Error, Result, Store,
    audit::{Action, Change, ChangeBy, record},
    db::Tx,
    locks,
    page::{Page, PageRequest},
    spine::Entry,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Job {
    const TABLE: &str = "jobs";
    const COLUMNS: &str = "tenant_id, id, kind, status, asked, place, total, done, failed, errors, created_by, \
                           created_at, started_at, ended_at, delivery_id";
}

impl Read for Job {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            kind: row.get("kind")?,
            status: row.get("status")?,
            asked: row.get("asked")?,
            place: row.get("place")?,
            progress: Progress {
                total: row.get("total")?,
                done: row.get("done")?,
                failed: row.get("failed")?,
                errors: row.json("errors")?,
            },
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            started_at: row.get("started_at")?,
            ended_at: row.get("ended_at")?,
            delivery_id: row.get("delivery_id")?,
        })
    }
}

/// Which jobs a list shows; every field narrows it.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Of this status.
    pub status: Option<Status>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

/// A node's hold on a job: what it writes counts only while it has it.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The job.
    pub id: JobId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// The node.
    pub node: String,
    /// How long the hold lasts after each sign of life.
    pub lease: Duration,
}

/// Where a job goes on, and how far it has come.
#[derive(Clone, Debug)]
pub struct Advance {
    /// JSON text that its kind understands.
    pub place: String,
    /// In numbers.
    pub progress: Progress,
}

/// How a job ends.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Completed or failed.
    pub status: Status,
    /// How far it has come.
    pub progress: Progress,
    /// The event that tells of it.
    pub notice: Option<Entry>,
}

impl Store {
    /// Asks for a job, with a row of the audit log; false if `most` jobs of its tenant have not ended, apart from those
    /// that are deliveries.
    pub async fn create_job(&self, job: &Job, most: usize, by: &ChangeBy) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        locks::lock(&mut tx, [format!("jobs of {}", job.tenant_id)]).await?;
        if open_jobs(&mut tx, job.tenant_id).await? >= most as u64 {
            return Ok(false);
        }
        insert(&mut tx, job, by).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One job.
    pub async fn find_job(&self, tenant: TenantId, id: JobId) -> Result<Option<Job>> {
        let job = select(tenant).with("id = ?", id);
        job.find(self.db()).await
    }

    /// A page of jobs, the newest first.
    pub async fn list_jobs(
        &self,
        tenant: TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>> {
        let jobs = select(tenant)
            .with_any("status = ?", filter.status)
            .with_any("kind = ?", filter.kind);
        jobs.page(page, |job: &Job| job.id, self.db()).await
    }

    /// Takes the oldest job that is due, of a tenant for which no other node works, with the lease
    /// that `hold` makes of it. `None` if there is none. A lease that ends later than two leases from now is
    /// from before the clock was set back, and has ended. Jobs that are deliveries are not among them.
    pub async fn claim_job(
        &self,
        node: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<(Job, Hold)>> {
        let text = format!(
            "UPDATE jobs SET status = 'running', owner = $1, due_at = $2, started_at = COALESCE(started_at, $3) \
             WHERE id = (SELECT j.id FROM jobs j WHERE j.status IN ('waiting', 'running') AND j.delivery_id IS NULL \
             AND (j.due_at <= $3 OR j.due_at > $4) \
             AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.tenant_id = j.tenant_id AND r.id <> j.id \
             AND r.status = 'running' AND r.delivery_id IS NULL AND r.due_at > $3 AND r.due_at <= $4) \
             ORDER BY j.id LIMIT 1 {}) RETURNING {}",
            self.db().skip_locked(),
            Job::COLUMNS
        );
        let mut tx = self.db().begin().await?;
        // Two nodes at once would each see no other at work, and take two jobs of one tenant.
        locks::lock(&mut tx, ["claims of jobs".to_owned()]).await?;
        let job: Option<Job> = sql(AssertSqlSafe(text))
            .bind(node)
            .bind(now.plus(lease))
            .bind(now)
            .bind(now.plus(lease * 2))
            .find_in(&mut tx)
            .await?;
        tx.commit().await?;
        let Some(job) = job else {
            return Ok(None);
        };
        let hold = Hold {
            id: job.id,
            tenant_id: job.tenant_id,
            node: node.to_owned(),
            lease,
        };
        Ok(Some((job, hold)))
    }

    /// Gives a sign of life for a job; false if the job was called off or belongs to another node now.
    pub async fn prolong_job(&self, hold: &Hold, now: Timestamp) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let held = prolong(&mut tx, hold, now).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Lets another node take the job at once.
    pub async fn give_job_back(&self, hold: &Hold, now: Timestamp) -> Result<()> {
        const BACK: &str = "UPDATE jobs SET owner = NULL, due_at = $1 WHERE id = $2 AND owner = $3 \
                            AND status = 'running'";
        sql(BACK)
            .bind(now)
            .bind(hold.id)
            .bind(&hold.node)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// Lets this node take at once what an earlier life of the only node worked on; nothing where other
    /// nodes may be alive.
    pub async fn recover_jobs(&self, now: Timestamp) -> Result<()> {
        const RECOVER: &str = "UPDATE jobs SET owner = NULL, due_at = $1 WHERE status = 'running' AND due_at > $1 AND delivery_id IS NULL";
        if self.db().engine() != "sqlite" {
            return Ok(());
        }
        sql(RECOVER).bind(now).commit(self.db()).await?;
        Ok(())
    }

    /// Ends a job, with the event that tells of it; false if it had ended, or belongs to another node.
    pub async fn end_job(&self, hold: &Hold, now: Timestamp, ending: &Ending) -> Result<bool> {
        let Hold {
            id,
            tenant_id,
            node,
            ..
        } = hold;
        self.end_delivered_job(*tenant_id, *id, Some(node), None, now, ending)
            .await
    }

    /// Calls a job off at once: whoever works on it cannot write any more. False if it had ended, or is a delivery that is
    /// at work: what comes of that is to be seen.
    pub async fn cancel_job(&self, tenant: TenantId, id: JobId, by: &ChangeBy) -> Result<bool> {
        const CANCEL: &str = "UPDATE jobs SET status = 'cancelled', ended_at = $1, owner = NULL WHERE id = $2 \
                              AND tenant_id = $3 AND (status = 'waiting' OR (status = 'running' AND delivery_id IS NULL))";
        let mut tx = self.db().begin().await?;
        let cancelled = sql(CANCEL)
            .bind(by.at)
            .bind(id)
            .bind(tenant)
            .run(&mut tx)
            .await?;
        if cancelled == 0 {
            return Ok(false);
        }
        let change = Change {
            tenant_id: tenant,
            action: Action::Update,
            kind: "job",
            id: &id.to_string(),
            before: None,
            after: Some(r#"{"status":"cancelled"}"#),
        };
        record(&mut tx, change, by).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn open_jobs(tx: &mut Tx, tenant: TenantId) -> Result<u64> {
    const OPEN: &str = "SELECT COUNT(*) FROM jobs WHERE tenant_id = $1 AND status IN ('waiting', 'running') \
                        AND delivery_id IS NULL";
    let count = sql(OPEN).bind(tenant).find_in(tx).await?;
    Ok(count.unwrap_or_default())
}

/// Writes a job as it begins, with a row of the audit log.
pub(crate) async fn insert(tx: &mut Tx, job: &Job, by: &ChangeBy) -> Result<()> {
    const CREATE: &str = "INSERT INTO jobs (id, tenant_id, kind, status, asked, total, done, failed, errors, due_at, \
                          created_by, created_at, delivery_id) \
                          VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '[]', 0, $7, $8, $9)";
    sql(CREATE)
        .bind(job.id)
        .bind(job.tenant_id)
        .bind(job.kind)
        .bind(Status::Waiting)
        .bind(&job.asked)
        .bind(job.progress.total.map(u64::cast_signed))
        .bind(&job.created_by)
        .bind(job.created_at)
        .bind(job.delivery_id)
        .run(tx)
        .await?;
    let change = Change {
        tenant_id: job.tenant_id,
        action: Action::Create,
        kind: "job",
        id: &job.id.to_string(),
        before: None,
        after: Some(&job.asked),
    };
    record(tx, change, by).await
}

/// Prolongs a hold; false if the job was called off or belongs to another node now.
pub(crate) async fn prolong(tx: &mut Tx, hold: &Hold, now: Timestamp) -> Result<bool> {
    const PROLONG: &str =
        "UPDATE jobs SET due_at = $1 WHERE id = $2 AND owner = $3 AND status = 'running'";
    let held = sql(PROLONG)
        .bind(now.plus(hold.lease))
        .bind(hold.id)
        .bind(&hold.node)
        .run(tx)
        .await?;
    Ok(held > 0)
}

/// Notes how far a job has come; without a place, that stays.
pub(crate) async fn note(
    tx: &mut Tx,
    id: JobId,
    place: Option<&str>,
    progress: &Progress,
) -> Result<()> {
    const NOTE: &str = "UPDATE jobs SET place = COALESCE($1, place), total = $2, done = $3, failed = $4, errors = $5 \
                        WHERE id = $6";
    let Progress {
        total,
        done,
        failed,
        errors,
    } = progress;
    let errors = serde_json::to_string(errors).map_err(Error::content)?;
    sql(NOTE)
        .bind(place)
        .bind(total.map(u64::cast_signed))
        .bind(done.cast_signed())
        .bind(failed.cast_signed())
        .bind(errors)
        .bind(id)
        .run(tx)
        .await?;
    Ok(())
}
