//! Turns: begun, put off, ended. One of a conversation is at work at a time.

use tieline_domain::{
    AgentId, ConversationId, TenantId, Timestamp, TurnId,
    conversation::{Approval, Conversation, Message, Turn, TurnStatus, WaitsFor},
};

use super::{
    approvals, lock, lock_lines,
    messages::insert_message,
    turn_rows::{lock_turn, update},
};
use crate::{
    Page, PageRequest, Result, Store,
    db::Tx,
    spine::{self, Entry},
    sql::{Select, select, sql},
};

/// What an agent that is told of a message, or of a turn that goes on, finds.
#[derive(Clone, Debug)]
pub enum Begun {
    /// There is no such turn.
    Missing,
    /// There is nothing to do now: it has ended, or waits for something that will say so.
    Rests(Box<Turn>),
    /// It is to be worked on, in this conversation.
    Goes(Box<(Turn, Conversation)>),
}

/// How a turn ends.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Completed, failed or cancelled.
    pub status: TurnStatus,
    /// Why, unless it is completed.
    pub reason: Option<String>,
    /// What it brought.
    pub reply: Option<Message>,
    /// When.
    pub at: Timestamp,
    /// The events that tell of it.
    pub notices: Vec<Entry>,
}

impl Store {
    /// One turn.
    pub async fn find_turn(&self, tenant: TenantId, id: TurnId) -> Result<Option<Turn>> {
        let turn = select(tenant).with("id = ?", id);
        turn.find(self.db()).await
    }

    /// A page of the turns of a conversation, the newest first.
    pub async fn list_turns(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        page: &PageRequest,
    ) -> Result<Page<Turn>> {
        let turns = select(tenant).with("conversation_id = ?", conversation);
        turns.page(page, |turn: &Turn| turn.id, self.db()).await
    }

    /// A page of the turns of an agent that wait for a reply, the newest first.
    pub async fn inbox(
        &self,
        tenant: TenantId,
        agent: AgentId,
        page: &PageRequest,
    ) -> Result<Page<Turn>> {
        let turns = select(tenant)
            .with("agent_id = ?", agent)
            .that("ended_at IS NULL AND status = 'waiting' AND waits_for = 'reply'");
        turns.page(page, |turn: &Turn| turn.id, self.db()).await
    }

    /// The turns of a conversation that have not ended, the oldest first; at most 100.
    pub async fn open_turns(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Vec<Turn>> {
        let open = select(tenant)
            .with("conversation_id = ?", conversation)
            .that("ended_at IS NULL");
        open.first(100, "id", self.db()).await
    }

    /// The turns of an agent that have not ended, the oldest first; at most `limit`.
    pub async fn open_turns_of(
        &self,
        tenant: TenantId,
        agent: AgentId,
        limit: usize,
    ) -> Result<Vec<Turn>> {
        let open = select(tenant)
            .with("agent_id = ?", agent)
            .that("ended_at IS NULL");
        open.first(limit, "id", self.db()).await
    }

    /// Begins a turn, or goes on with it. It waits while an earlier one of its conversation has not ended, and
    /// while a call of it waits for consent. One that failed with its delivery begins anew, because its delivery
    /// was retried.
    pub async fn begin_turn(&self, tenant: TenantId, id: TurnId, at: Timestamp) -> Result<Begun> {
        let begin = async |tx: &mut Tx| begin(tx, tenant, id, at).await;
        self.db().shared(begin).await
    }

    /// Lets a turn wait for a person, with the calls for which consent is asked and the events that tell of them.
    /// False if it has ended meanwhile.
    pub async fn let_turn_wait(
        &self,
        turn: &Turn,
        waits_for: WaitsFor,
        asked: &[Approval],
        notices: &[Entry],
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        lock_lines(&mut tx, notices, None).await?;
        let Some(found) = lock_turn(&mut tx, turn.tenant_id, turn.id).await? else {
            return Ok(false);
        };
        if found.ended_at.is_some() {
            return Ok(false);
        }
        for approval in asked {
            approvals::insert(&mut tx, approval).await?;
        }
        for notice in notices {
            spine::write_notice(&mut tx, notice).await?;
        }
        let waiting = Turn {
            status: TurnStatus::Waiting,
            waits_for: Some(waits_for),
            ..found
        };
        update(&mut tx, &waiting).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes on a turn that it goes on later, and why it could not go on now.
    pub async fn put_turn_off(&self, tenant: TenantId, id: TurnId, reason: &str) -> Result<()> {
        const PUT_OFF: &str = "UPDATE turns SET status = 'queued', reason = $1 \
                               WHERE tenant_id = $2 AND id = $3 AND status = 'running'";
        sql(PUT_OFF)
            .bind(reason)
            .bind(tenant)
            .bind(id)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// Asks whoever is at a turn to stop; false if it has ended.
    pub async fn ask_turn_to_stop(&self, tenant: TenantId, id: TurnId) -> Result<bool> {
        const ASK: &str =
            "UPDATE turns SET cancel = TRUE WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL";
        let asked = sql(ASK).bind(tenant).bind(id).commit(self.db()).await?;
        Ok(asked > 0)
    }

    /// Ends a turn with what it brought and the events that tell of it, and wakes the next one of its conversation
    /// that waits for its end, with the event that `wake` makes for it. False if it had ended.
    pub async fn end_turn(
        &self,
        turn: &Turn,
        ending: &Ending,
        wake: impl FnOnce(&Turn) -> Entry,
    ) -> Result<bool> {
        let end = async |tx: &mut Tx| end(tx, turn, ending, wake).await;
        self.db().shared(end).await
    }

    /// Writes the reply of a person or a client, which ends every turn of its conversation that waits for one, with
    /// the events that tell of it. Says how many it ended; `None` if there is no such conversation any more.
    pub async fn reply(
        &self,
        agent: AgentId,
        reply: &Message,
        notices: &[Entry],
        wake: impl FnOnce(&Turn) -> Entry,
    ) -> Result<Option<u64>> {
        const END: &str = "UPDATE turns SET status = 'completed', waits_for = NULL, reply_id = $1, ended_at = $2 \
                           WHERE conversation_id = $3 AND tenant_id = $4 AND ended_at IS NULL \
                           AND status = 'waiting' AND waits_for = 'reply'";
        let (tenant, conversation) = (reply.tenant_id, reply.conversation_id);
        let mut tx = self.db().begin().await?;
        lock_lines(&mut tx, notices, Some(agent)).await?;
        if lock(&mut tx, tenant, conversation).await?.is_none() {
            return Ok(None);
        }
        let ended = sql(END)
            .bind(reply.id)
            .bind(reply.created_at)
            .bind(conversation)
            .bind(tenant)
            .run(&mut tx)
            .await?;
        insert_message(&mut tx, reply).await?;
        for notice in notices {
            spine::write_notice(&mut tx, notice).await?;
        }
        wake_next(&mut tx, tenant, conversation, wake).await?;
        tx.commit().await?;
        Ok(Some(ended))
    }
}

async fn begin(tx: &mut Tx, tenant: TenantId, id: TurnId, at: Timestamp) -> Result<Begun> {
    let Some(turn) = lock_turn(tx, tenant, id).await? else {
        return Ok(Begun::Missing);
    };
    let Some(conversation) = lock(tx, tenant, turn.conversation_id).await? else {
        return Ok(Begun::Missing);
    };
    let rests = match turn.status {
        TurnStatus::Completed | TurnStatus::Cancelled => true,
        TurnStatus::Waiting => match turn.waits_for {
            Some(WaitsFor::Reply) => true,
            Some(WaitsFor::Approval) => approvals::any_pending(tx, id).await?,
            Some(WaitsFor::Turn) | None => false,
        },
        TurnStatus::Queued | TurnStatus::Running | TurnStatus::Failed => false,
    };
    if rests {
        return Ok(Begun::Rests(Box::new(turn)));
    }
    let behind = is_behind(tx, &turn).await?;
    let turn = if behind {
        Turn {
            status: TurnStatus::Waiting,
            waits_for: Some(WaitsFor::Turn),
            ..turn
        }
    } else {
        Turn {
            status: TurnStatus::Running,
            waits_for: None,
            reason: None,
            started_at: turn.started_at.or(Some(at)),
            ended_at: None,
            ..turn
        }
    };
    update(tx, &turn).await?;
    Ok(if behind {
        Begun::Rests(Box::new(turn))
    } else {
        Begun::Goes(Box::new((turn, conversation)))
    })
}

async fn end(
    tx: &mut Tx,
    turn: &Turn,
    ending: &Ending,
    wake: impl FnOnce(&Turn) -> Entry,
) -> Result<bool> {
    lock_lines(tx, &ending.notices, Some(turn.agent_id)).await?;
    let Some(found) = lock_turn(tx, turn.tenant_id, turn.id).await? else {
        return Ok(false);
    };
    if found.ended_at.is_some() {
        return Ok(false);
    }
    lock(tx, turn.tenant_id, turn.conversation_id).await?;
    let ended = Turn {
        status: ending.status,
        waits_for: None,
        reason: ending.reason.clone(),
        reply_id: ending.reply.as_ref().map(|reply| reply.id),
        ended_at: Some(ending.at),
        ..found
    };
    update(tx, &ended).await?;
    approvals::expire(tx, turn.id, ending.at).await?;
    if let Some(reply) = &ending.reply {
        insert_message(tx, reply).await?;
    }
    for notice in &ending.notices {
        spine::write_notice(tx, notice).await?;
    }
    wake_next(tx, ended.tenant_id, ended.conversation_id, wake).await?;
    Ok(true)
}

/// The turns of a conversation that have not ended. Those that wait for a reply are not among them: one reply ends them
/// all, so they hold nobody up.
fn open<'v>(tenant: TenantId, conversation: ConversationId) -> Select<'v> {
    select(tenant)
        .with("conversation_id = ?", conversation)
        .that("ended_at IS NULL AND (waits_for IS NULL OR waits_for <> 'reply')")
}

/// Whether an earlier turn of the conversation holds this one up.
async fn is_behind(tx: &mut Tx, turn: &Turn) -> Result<bool> {
    let earlier = open(turn.tenant_id, turn.conversation_id).with("id < ?", turn.id);
    let earlier: Option<Turn> = earlier.find_in("id", tx).await?;
    Ok(earlier.is_some())
}

/// Wakes the oldest open turn of a conversation, if it waits for the end of an earlier one.
async fn wake_next(
    tx: &mut Tx,
    tenant: TenantId,
    conversation: ConversationId,
    wake: impl FnOnce(&Turn) -> Entry,
) -> Result<()> {
    let oldest: Option<Turn> = open(tenant, conversation).find_in("id", tx).await?;
    let Some(next) = oldest.filter(|turn| turn.waits_for == Some(WaitsFor::Turn)) else {
        return Ok(());
    };
    let entry = wake(&next);
    let queued = Turn {
        status: TurnStatus::Queued,
        waits_for: None,
        ..next
    };
    update(tx, &queued).await?;
    spine::write_notice(tx, &entry).await
}

/// Wakes a turn for which a decision has come, if no other is still to come.
pub(super) async fn wake_decided(
    tx: &mut Tx,
    turn: &Turn,
    wake: impl FnOnce(&Turn) -> Entry,
) -> Result<bool> {
    let waits = turn.waits_for == Some(WaitsFor::Approval);
    if !waits || approvals::any_pending(tx, turn.id).await? {
        return Ok(false);
    }
    let entry = wake(turn);
    spine::write_notice(tx, &entry).await?;
    Ok(true)
}
