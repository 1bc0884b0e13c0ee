//! Writing down what a run came to, for as long as the job is held.

use serde_json::{Value, json};
use tieline_domain::{
    job::{Job, Progress, Status},
    operation::CallError,
};
use tieline_store::{jobs::Ending, spine::Claimed};

use super::{
    super::{ending_notice, written},
    ActionRuns, Error, Parts, Worked,
    shown::{fault_of, one, result},
    standing::Place,
};
use crate::operate::Report;

/// A job that an attempt has taken up.
pub(super) struct Held<'a> {
    pub(super) runs: &'a ActionRuns,
    pub(super) claimed: &'a Claimed,
    pub(super) job: &'a Job,
    pub(super) holder: String,
}

impl Held<'_> {
    /// Writes down what a call came to.
    pub(super) async fn settle(&self, report: Report, may_repeat: bool) -> Result<Worked, Error> {
        let error = match &report.result {
            Ok(_) => None,
            Err(error) => Some(error.clone()),
        };
        match error {
            None => self.done(report).await,
            Some(error) if error.kind.is_worth_a_later_try(may_repeat) => {
                self.put_off(error, report).await
            }
            Some(error) => self.failed(error, Some(report)).await,
        }
    }

    async fn done(&self, report: Report) -> Result<Worked, Error> {
        self.end(Status::Completed, one(false), Some(&report))
            .await?;
        Ok(Worked::Done(Some(report)))
    }

    pub(super) async fn failed(
        &self,
        error: CallError,
        report: Option<Report>,
    ) -> Result<Worked, Error> {
        let mut progress = one(true);
        progress.errors.push(fault_of(&error));
        self.end(Status::Failed, progress, report.as_ref()).await?;
        Ok(Worked::Failed(error, report))
    }

    async fn put_off(&self, error: CallError, report: Report) -> Result<Worked, Error> {
        let progress = Progress {
            total: Some(1),
            errors: vec![fault_of(&error)],
            ..Progress::default()
        };
        let place = self.place(Some(&report));
        let Parts { store, .. } = &*self.runs.0;
        written(|| {
            store.put_job_off(
                self.job.tenant_id,
                self.job.id,
                &self.holder,
                &place,
                &progress,
            )
        })
        .await?;
        Ok(Worked::NotYet(error, Some(report)))
    }

    async fn end(
        &self,
        status: Status,
        progress: Progress,
        report: Option<&Report>,
    ) -> Result<(), Error> {
        let Parts {
            clock,
            registry,
            store,
            ..
        } = &*self.runs.0;
        let cause = Some(&*self.claimed.event);
        let notice = ending_notice(clock, registry, self.job, status, &progress, cause).await;
        let ending = Ending {
            status,
            progress,
            notice,
        };
        let (place, now) = (self.place(report), clock.now());
        written(|| {
            store.end_delivered_job(
                self.job.tenant_id,
                self.job.id,
                Some(&self.holder),
                Some(&place),
                now,
                &ending,
            )
        })
        .await?;
        Ok(())
    }

    fn place(&self, report: Option<&Report>) -> String {
        let place = Place {
            schedule: self.claimed.earlier_attempts,
            calling: false,
            result: report.map_or(Value::Null, result),
        };
        json!(place).to_string()
    }
}
