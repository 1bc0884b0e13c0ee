//! Turns as deliveries: an agent is told of something, and does what is to be done about it.

use std::{sync::Arc, time::Instant};

use rand::random;
use tieline_domain::{
    ConversationId, MessageId, TurnId,
    agent::Runtime,
    clock::Clock,
    conversation::{self, Conversation, Message, Role, Status, Turn, TurnStatus, WaitsFor},
    event::Event,
};
use tieline_store::{
    Store,
    conversations::{Begun, Said, Saying},
    spine::Entry,
};

use super::{
    Parts,
    events::{About, Cue, Teller},
    live::{Live, Update},
    run::Run,
    setback::Setback,
};
use crate::{
    config,
    operate::Operator,
    outbound::Outbound,
    registry::{self, OpenAgent, Registry},
};

/// Takes turns; clones share it.
#[derive(Clone)]
pub struct Turns(Arc<Inner>);

pub(super) struct Inner {
    pub(super) clock: Clock,
    pub(super) config: Arc<config::Config>,
    pub(super) store: Store,
    pub(super) registry: Registry,
    pub(super) outbound: Outbound,
    pub(super) operator: Operator,
    pub(super) teller: Teller,
    pub(super) live: Live,
}

impl Turns {
    /// Turns that work with these parts, and tell `live` of what happens in them.
    pub fn new(parts: Parts, live: Live) -> Self {
        let Parts {
            clock,
            config,
            store,
            registry,
            outbound,
            operator,
        } = parts;
        Self(Arc::new(Inner {
            teller: Teller::new(clock.clone(), registry.clone()),
            clock,
            config,
            store,
            registry,
            outbound,
            operator,
            live,
        }))
    }

    /// Tells an agent of an event: it works on the turn that the event is about until that ends, waits for a person,
    /// or cannot go on now.
    pub async fn take(&self, agent: &OpenAgent, event: &Event) -> Result<(), Setback> {
        let it = &*self.0;
        let Ok(cue) = serde_json::from_str::<Cue>(&event.data) else {
            tracing::warn!(event = %event.id, "an agent was told of what is no message; nothing is done about it");
            return Ok(());
        };
        let turn = match (cue.turn_id, cue.message_id) {
            (Some(turn), _) => turn,
            (None, Some(message)) => {
                it.receive(agent, event, &cue, message).await?;
                TurnId::about(message)
            }
            (None, None) => return Ok(()),
        };
        match it
            .store
            .begin_turn(event.tenant_id, turn, it.clock.now())
            .await?
        {
            Begun::Missing => Ok(()),
            Begun::Rests(_) => {
                it.live.tell(turn, Update::Rests);
                Ok(())
            }
            Begun::Goes(goes) => {
                let (turn, conversation) = *goes;
                it.go(agent, event, turn, conversation).await
            }
        }
    }

    /// Ends the turn of a delivery that is given up.
    pub async fn give_up(
        &self,
        agent: &OpenAgent,
        event: &Event,
        why: &str,
    ) -> Result<(), Setback> {
        let it = &*self.0;
        let Ok(cue) = serde_json::from_str::<Cue>(&event.data) else {
            return Ok(());
        };
        let turn = cue.turn_id.or_else(|| cue.message_id.map(TurnId::about));
        let Some(turn) = turn else {
            return Ok(());
        };
        let Some(turn) = it.store.find_turn(event.tenant_id, turn).await? else {
            return Ok(());
        };
        let about = About {
            tenant: event.tenant_id,
            agent,
            conversation: turn.conversation_id,
            trace_id: &turn.trace_id,
            cause: Some(event.id),
        };
        it.end(about, &turn, TurnStatus::Failed, why, None).await
    }
}

impl Inner {
    pub(super) fn bounds(&self) -> &config::Turns {
        &self.config.limits.turns
    }

    /// Writes a message down of which the log alone knows, as those that came by a webhook.
    async fn receive(
        &self,
        agent: &OpenAgent,
        event: &Event,
        cue: &Cue,
        message: MessageId,
    ) -> Result<(), Setback> {
        let tenant = event.tenant_id;
        if self
            .store
            .find_turn(tenant, TurnId::about(message))
            .await?
            .is_some()
        {
            return Ok(());
        }
        let mut conversation = conversation_of(agent, event, cue);
        loop {
            let (said, id) = self
                .write_down(agent, event, cue, message, conversation.clone())
                .await?;
            conversation = match said {
                Some(Said::New | Said::Repeated | Said::Missing) => return Ok(()),
                // It is over by now: another one begins.
                Some(Said::Ended) => Conversation {
                    id: ConversationId::new(self.clock.unique_now(), random()),
                    ..conversation
                },
                // Another message with the same key was first.
                None => {
                    let key = conversation.key.clone().unwrap_or_default();
                    let found = self.store.find_keyed_conversation(tenant, agent.id, &key);
                    match found.await? {
                        Some(found) if found.id != id => found,
                        _ => conversation,
                    }
                }
            };
        }
    }

    /// Writes a message down in this conversation; `None` if the conversation is new and its key is taken.
    async fn write_down(
        &self,
        agent: &OpenAgent,
        event: &Event,
        cue: &Cue,
        message: MessageId,
        conversation: Conversation,
    ) -> Result<(Option<Said>, ConversationId), Setback> {
        let (tenant, id) = (event.tenant_id, conversation.id);
        let about = About {
            tenant,
            agent,
            conversation: id,
            trace_id: &event.trace_id,
            cause: Some(event.id),
        };
        let first = Some(cue.content.as_str());
        let started = self.teller.started(about, &conversation, first).await?;
        let saying = Saying {
            started: Some(started),
            message: Message {
                id: message,
                conversation_id: conversation.id,
                tenant_id: tenant,
                role: Role::User,
                content: cue.content.clone(),
                metadata: cue.metadata.clone(),
                turn_id: Some(TurnId::about(message)),
                created_at: event.time,
            },
            turn: new_turn(agent, event, conversation.id, message),
            conversation,
            told: None,
        };
        match self.store.say(&saying).await {
            Ok(said) => Ok((Some(said), id)),
            Err(tieline_store::Error::NameTaken) => Ok((None, id)),
            Err(error) => Err(error.into()),
        }
    }

    async fn go(
        &self,
        agent: &OpenAgent,
        event: &Event,
        turn: Turn,
        conversation: Conversation,
    ) -> Result<(), Setback> {
        let people_answer = matches!(agent.agent.runtime, Runtime::Inbox {})
            || conversation.status == Status::Escalated;
        if people_answer {
            self.store
                .let_turn_wait(&turn, WaitsFor::Reply, &[], &[])
                .await?;
            self.live.tell(turn.id, Update::Rests);
            return Ok(());
        }
        let steps = self.store.list_steps(turn.tenant_id, &[turn.id]).await?;
        let run = Run {
            at_work: self.live.begin(turn.id),
            tools: self.tools_of(agent).await?,
            it: self,
            agent,
            event,
            turn,
            conversation,
            steps,
            begun: Instant::now(),
        };
        run.run().await
    }

    /// The tools that an agent may call, in the order in which it names them.
    async fn tools_of(
        &self,
        agent: &OpenAgent,
    ) -> Result<Vec<Arc<crate::operate::Offered>>, registry::Error> {
        let mut tools = Vec::with_capacity(agent.agent.tools.len());
        for name in &agent.agent.tools {
            tools.extend(self.operator.find(agent.tenant_id, name).await?);
        }
        Ok(tools)
    }

    /// What wakes the next turn of a conversation, once this one has ended: the event is made now, so that it can be
    /// written with the end.
    pub(super) async fn next_of(
        &self,
        about: About<'_>,
        ended: &Turn,
    ) -> Result<impl FnOnce(&Turn) -> Entry + use<>, registry::Error> {
        let entry = self.teller.resumed(about, ended.id).await?;
        Ok(about_turn(entry))
    }
}

/// Makes `entry`, which wakes some turn, wake the one that is given.
pub(super) fn about_turn(entry: Entry) -> impl FnOnce(&Turn) -> Entry {
    move |turn| {
        let mut event = (*entry.event).clone();
        let data: Result<Cue, _> = serde_json::from_str(&event.data);
        if let Ok(cue) = data {
            let data = serde_json::json!({
                "conversation_id": cue.conversation_id,
                "agent_id": cue.agent_id,
                "turn_id": turn.id,
            });
            event.data = data.to_string().into();
        }
        event.trace_id = turn.trace_id.as_str().into();
        Entry {
            event: Arc::new(event),
            ..entry
        }
    }
}

fn conversation_of(agent: &OpenAgent, event: &Event, cue: &Cue) -> Conversation {
    Conversation {
        id: cue.conversation_id,
        tenant_id: event.tenant_id,
        agent_id: agent.id,
        status: Status::Active,
        key: cue.conversation_key.clone(),
        about: conversation::About {
            channel: cue.channel.clone(),
            user_id: cue.user_id.clone(),
            user_email: cue.user_email.clone(),
            metadata: cue.metadata.clone(),
        },
        messages: 0,
        was_escalated: false,
        created_at: event.time,
        updated_at: event.time,
        ended_at: None,
    }
}

/// The turn that is taken about a message.
pub(super) fn new_turn(
    agent: &OpenAgent,
    event: &Event,
    conversation: ConversationId,
    message: MessageId,
) -> Turn {
    Turn {
        id: TurnId::about(message),
        tenant_id: event.tenant_id,
        conversation_id: conversation,
        agent_id: agent.id,
        message_id: message,
        event_id: event.id,
        status: TurnStatus::Queued,
        waits_for: None,
        reason: None,
        reply_id: None,
        cancel: false,
        trace_id: event.trace_id.to_string(),
        created_at: event.time,
        started_at: None,
        ended_at: None,
    }
}
