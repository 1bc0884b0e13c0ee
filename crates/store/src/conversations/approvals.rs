//! Tool calls that wait for a person's consent.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    ApprovalId, TenantId, Timestamp, TurnId,
    conversation::{Approval, Decision, StepStatus, Turn},
};

use super::{json, lock_lines, steps, turn_rows, turns};
use crate::{
    Error, Page, PageRequest, Result, Store,
    db::{Tx, in_tx, on_db},
    spine::Entry,
    store::parsed,
};

const COLUMNS: &str = "tenant_id, id, conversation_id, turn_id, step, agent_id, tool, input, decision, decided_by, \
                       reason, created_at, decided_at";

type Row = (
    String,
    String,
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
);

fn from_row(row: Row) -> Result<Approval> {
    let (
        tenant,
        id,
        conversation,
        turn,
        step,
        agent,
        tool,
        input,
        decision,
        decided_by,
        reason,
        created_at,
        decided_at,
    ) = row;
    Ok(Approval {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant)?,
        conversation_id: parsed(&conversation)?,
        turn_id: parsed(&turn)?,
        step: u32::try_from(step).map_err(Error::content)?,
        agent_id: parsed(&agent)?,
        tool,
        input: json(&input)?,
        decision: parsed(&decision)?,
        decided_by,
        reason,
        created_at: Timestamp::from_micros(created_at),
        decided_at: decided_at.map(Timestamp::from_micros),
    })
}

/// What a person says of a call.
#[derive(Clone, Debug)]
pub struct Word {
    /// Whether it may be done.
    pub approved: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// One approval.
    pub async fn find_approval(
        &self,
        tenant: TenantId,
        id: ApprovalId,
    ) -> Result<Option<Approval>> {
        let text = format!("SELECT {COLUMNS} FROM approvals WHERE tenant_id = $1 AND id = $2");
        let row: Option<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(id.to_string())
            .fetch_optional(c)
            .await?);
        row.map(from_row).transpose()
    }

    /// The approvals of a turn, the oldest first.
    pub async fn approvals_of(&self, tenant: TenantId, turn: TurnId) -> Result<Vec<Approval>> {
        let text = format!(
            "SELECT {COLUMNS} FROM approvals WHERE turn_id = $1 AND tenant_id = $2 ORDER BY id"
        );
        let rows: Vec<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(turn.to_string())
            .bind(tenant.to_string())
            .fetch_all(c)
            .await?);
        rows.into_iter().map(from_row).collect()
    }

    /// A page of approvals, the newest first; those with this decision, or all.
    pub async fn list_approvals(
        &self,
        tenant: TenantId,
        decision: Option<Decision>,
        page: &PageRequest,
    ) -> Result<Page<Approval>> {
        let text = format!(
            "SELECT {COLUMNS} FROM approvals WHERE tenant_id = $1 AND id < $2 AND ($3 = '' OR decision = $3) \
             ORDER BY id DESC LIMIT $4"
        );
        let rows: Vec<Row> = on_db!(self.db(), |c| sqlx::query_as(AssertSqlSafe(text))
            .bind(tenant.to_string())
            .bind(page.below())
            .bind(decision.map(Decision::as_str).unwrap_or_default())
            .bind(page.rows())
            .fetch_all(c)
            .await?);
        let found = rows.into_iter().map(from_row).collect::<Result<Vec<_>>>()?;
        Ok(Page::cut(found, page, |approval| approval.id))
    }

    /// Decides an approval, and wakes its turn with the event that `wake` makes once nothing else is to be decided.
    /// False if it was decided, or its turn has ended.
    pub async fn decide(
        &self,
        approval: &Approval,
        word: &Word,
        wake: impl FnOnce(&Turn) -> Entry,
    ) -> Result<bool> {
        const DECIDE: &str = "UPDATE approvals SET decision = $1, decided_by = $2, reason = $3, decided_at = $4 \
                              WHERE tenant_id = $5 AND id = $6 AND decision = 'pending'";
        let (decision, status) = if word.approved {
            (Decision::Approved, StepStatus::Approved)
        } else {
            (Decision::Denied, StepStatus::Denied)
        };
        let mut tx = self.db().begin().await?;
        lock_lines(&mut tx, [], Some(approval.agent_id)).await?;
        let turn = turn_rows::lock_turn(&mut tx, approval.tenant_id, approval.turn_id).await?;
        let Some(turn) = turn.filter(|turn| turn.ended_at.is_none()) else {
            return Ok(false);
        };
        let decided = in_tx!(tx, |c| sqlx::query(DECIDE)
            .bind(decision.as_str())
            .bind(&word.by)
            .bind(word.reason.as_deref())
            .bind(word.at.as_micros())
            .bind(approval.tenant_id.to_string())
            .bind(approval.id.to_string())
            .execute(c)
            .await?
            .rows_affected());
        if decided == 0 {
            return Ok(false);
        }
        let denied = (!word.approved).then(|| denial(word.reason.as_deref()));
        steps::decide(
            &mut tx,
            approval.tenant_id,
            approval.turn_id,
            approval.step,
            status,
            denied.as_deref(),
        )
        .await?;
        turns::wake_decided(&mut tx, &turn, wake).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn denial(reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("a person did not allow this call: {reason}"),
        None => "a person did not allow this call".to_owned(),
    }
}

/// Writes a new approval.
pub(super) async fn insert(tx: &mut Tx, approval: &Approval) -> Result<()> {
    let text = format!(
        "INSERT INTO approvals ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    in_tx!(tx, |c| sqlx::query(AssertSqlSafe(text))
        .bind(approval.tenant_id.to_string())
        .bind(approval.id.to_string())
        .bind(approval.conversation_id.to_string())
        .bind(approval.turn_id.to_string())
        .bind(i64::from(approval.step))
        .bind(approval.agent_id.to_string())
        .bind(&approval.tool)
        .bind(approval.input.to_string())
        .bind(approval.decision.as_str())
        .bind(approval.decided_by.as_deref())
        .bind(approval.reason.as_deref())
        .bind(approval.created_at.as_micros())
        .bind(approval.decided_at.map(Timestamp::as_micros))
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// Whether a call of a turn waits for consent.
pub(super) async fn any_pending(tx: &mut Tx, turn: TurnId) -> Result<bool> {
    const FIND: &str =
        "SELECT id FROM approvals WHERE turn_id = $1 AND decision = 'pending' LIMIT 1";
    let found: Option<(String,)> = in_tx!(tx, |c| sqlx::query_as(FIND)
        .bind(turn.to_string())
        .fetch_optional(c)
        .await?);
    Ok(found.is_some())
}

/// Ends what was to be decided of a turn that has ended.
pub(super) async fn expire(tx: &mut Tx, turn: TurnId, at: Timestamp) -> Result<()> {
    const EXPIRE: &str = "UPDATE approvals SET decision = 'expired', decided_at = $1 \
                          WHERE turn_id = $2 AND decision = 'pending'";
    in_tx!(tx, |c| sqlx::query(EXPIRE)
        .bind(at.as_micros())
        .bind(turn.to_string())
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
