//! What people and clients decide about conversations: who answers, that it is over, whether a call may be made.

use tieline_domain::conversation::{Approval, Conversation, Status, Turn, TurnStatus};
use tieline_store::conversations::{Ending, Passage, approvals::Word};

use super::{
    Conversations, Error,
    live::Update,
    speak::{about, new_trace},
    turns::about_turn,
};
use crate::registry::OpenAgent;

impl Conversations {
    /// Hands a conversation to people: from now on they answer.
    pub async fn escalate(
        &self,
        conversation: &Conversation,
        reason: Option<&str>,
        priority: Option<&str>,
    ) -> Result<(), Error> {
        let agent = self.agent_of(conversation).await?;
        let trace_id = new_trace();
        let about = about(&agent, conversation, &trace_id);
        let notices = self.teller.escalated(about, conversation, reason, priority);
        let passage = Passage {
            to: Status::Escalated,
            from: &[Status::Active],
            at: self.clock.now(),
            notices: notices.await?,
        };
        self.pass(conversation, &passage).await
    }

    /// Ends a conversation; what is not answered by then is called off.
    pub async fn complete(
        &self,
        conversation: &Conversation,
        scores: (Option<f64>, Option<f64>),
    ) -> Result<(), Error> {
        let agent = self.agent_of(conversation).await?;
        let trace_id = new_trace();
        let about = about(&agent, conversation, &trace_id);
        let passage = Passage {
            to: Status::Completed,
            from: &[Status::Active, Status::Escalated],
            at: self.clock.now(),
            notices: vec![self.teller.completed(about, conversation, scores).await?],
        };
        self.pass(conversation, &passage).await?;
        let open = self
            .store
            .open_turns(conversation.tenant_id, conversation.id);
        for turn in open.await? {
            self.call_off(
                &agent,
                conversation,
                &turn,
                "the conversation was completed",
            )
            .await?;
        }
        Ok(())
    }

    async fn pass(&self, conversation: &Conversation, passage: &Passage) -> Result<(), Error> {
        let (tenant, id) = (conversation.tenant_id, conversation.id);
        if !self.store.pass_conversation(tenant, id, passage).await? {
            let found = self.store.find_conversation(tenant, id).await?;
            let Conversation { status, .. } = found.ok_or(Error::Missing("conversation"))?;
            let detail = format!(
                "this conversation is {status}; it cannot become {}",
                passage.to
            );
            return Err(Error::Conflict(detail));
        }
        self.dispatcher.wake();
        Ok(())
    }

    /// Calls a turn off. One that is at work stops as soon as it can.
    pub async fn cancel(&self, conversation: &Conversation, turn: &Turn) -> Result<(), Error> {
        if turn.ended_at.is_some() {
            let detail = format!("this turn has ended: it is {}", turn.status);
            return Err(Error::Conflict(detail));
        }
        let agent = self.agent_of(conversation).await?;
        self.call_off(&agent, conversation, turn, "it was called off")
            .await
    }

    async fn call_off(
        &self,
        agent: &OpenAgent,
        conversation: &Conversation,
        turn: &Turn,
        reason: &str,
    ) -> Result<(), Error> {
        self.store.ask_turn_to_stop(turn.tenant_id, turn.id).await?;
        self.live.stop(turn.id);
        if turn.status == TurnStatus::Running {
            return Ok(());
        }
        let ending = Ending {
            status: TurnStatus::Cancelled,
            reason: Some(reason.to_owned()),
            reply: None,
            at: self.clock.now(),
            notices: Vec::new(),
        };
        let about = about(agent, conversation, &turn.trace_id);
        let wake = self.teller.resumed(about, turn.id).await?;
        self.store.end_turn(turn, &ending, about_turn(wake)).await?;
        self.dispatcher.wake();
        self.live.tell(turn.id, Update::Rests);
        Ok(())
    }

    /// Consents to a tool call, or not; its turn goes on once nothing else is to be decided.
    pub async fn decide(&self, approval: &Approval, word: &Word) -> Result<(), Error> {
        let (tenant, id) = (approval.tenant_id, approval.conversation_id);
        let conversation = self.store.find_conversation(tenant, id).await?;
        let conversation = conversation.ok_or(Error::Missing("conversation"))?;
        let agent = self.agent_of(&conversation).await?;
        let trace_id = new_trace();
        let about = about(&agent, &conversation, &trace_id);
        let wake = self.teller.resumed(about, approval.turn_id).await?;
        if !self.store.decide(approval, word, about_turn(wake)).await? {
            let found = self.store.find_approval(tenant, approval.id).await?;
            let decision = found.map_or(approval.decision, |found| found.decision);
            return Err(Error::Conflict(format!("this call is {decision} already")));
        }
        self.dispatcher.wake();
        Ok(())
    }
}
