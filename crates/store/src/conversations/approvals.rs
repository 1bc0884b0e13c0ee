//! Tool calls that wait for a person's consent.

use sqlx::AssertSqlSafe;
use tieline_domain::{
    ApprovalId, TenantId, Timestamp, TurnId,
    conversation::{Approval, Decision, StepStatus, Turn},
};

use super::{lock_lines, steps, turn_rows, turns};
use crate::{
    Page, PageRequest, Result, Store,
    db::Tx,
    spine::Entry,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Approval {
    const TABLE: &str = "approvals";
    const COLUMNS: &str = "tenant_id, id, conversation_id, turn_id, step, agent_id, tool, input, decision, decided_by, \
                           reason, created_at, decided_at";
}

impl Read for Approval {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            conversation_id: row.get("conversation_id")?,
            turn_id: row.get("turn_id")?,
            step: row.get("step")?,
            agent_id: row.get("agent_id")?,
            tool: row.get("tool")?,
            input: row.json("input")?,
            decision: row.get("decision")?,
            decided_by: row.get("decided_by")?,
            reason: row.get("reason")?,
            created_at: row.get("created_at")?,
            decided_at: row.get("decided_at")?,
        })
    }
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
        let approval = select(tenant).with("id = ?", id);
        approval.find(self.db()).await
    }

    /// The approvals of a turn, the oldest first.
    pub async fn approvals_of(&self, tenant: TenantId, turn: TurnId) -> Result<Vec<Approval>> {
        let approvals = select(tenant).with("turn_id = ?", turn);
        approvals.list("id", self.db()).await
    }

    /// A page of approvals, the newest first; those with this decision, or all.
    pub async fn list_approvals(
        &self,
        tenant: TenantId,
        decision: Option<Decision>,
        page: &PageRequest,
    ) -> Result<Page<Approval>> {
        let found = select(tenant).with_any("decision = ?", decision);
        found.page(page, |one: &Approval| one.id, self.db()).await
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
        let decided = sql(DECIDE)
            .bind(decision)
            .bind(&word.by)
            .bind(word.reason.as_deref())
            .bind(word.at)
            .bind(approval.tenant_id)
            .bind(approval.id)
            .run(&mut tx)
            .await?;
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
        "INSERT INTO approvals ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        Approval::COLUMNS
    );
    sql(AssertSqlSafe(text))
        .bind(approval.tenant_id)
        .bind(approval.id)
        .bind(approval.conversation_id)
        .bind(approval.turn_id)
        .bind(approval.step)
        .bind(approval.agent_id)
        .bind(&approval.tool)
        .bind(approval.input.to_string())
        .bind(approval.decision)
        .bind(approval.decided_by.as_deref())
        .bind(approval.reason.as_deref())
        .bind(approval.created_at)
        .bind(approval.decided_at)
        .run(tx)
        .await?;
    Ok(())
}

/// Whether a call of a turn waits for consent.
pub(super) async fn any_pending(tx: &mut Tx, turn: TurnId) -> Result<bool> {
    const FIND: &str =
        "SELECT id FROM approvals WHERE turn_id = $1 AND decision = 'pending' LIMIT 1";
    let found = sql(FIND).bind(turn).find_in::<()>(tx).await?;
    Ok(found.is_some())
}

/// Ends what was to be decided of a turn that has ended.
pub(super) async fn expire(tx: &mut Tx, turn: TurnId, at: Timestamp) -> Result<()> {
    const EXPIRE: &str = "UPDATE approvals SET decision = 'expired', decided_at = $1 \
                          WHERE turn_id = $2 AND decision = 'pending'";
    sql(EXPIRE).bind(at).bind(turn).run(tx).await?;
    Ok(())
}
