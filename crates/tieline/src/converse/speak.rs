//! What clients and people say in conversations.

use std::{sync::Arc, time::Duration};

use rand::random;
use serde_json::{Map, Value};
use tieline_domain::{
    ConversationId, MessageId, TenantId, TurnId, Violation,
    agent::Runtime,
    clock::Clock,
    conversation::{self, Conversation, Message, Role, Status, Turn, TurnStatus, WaitsFor},
    violation,
};
use tieline_store::{
    Store,
    conversations::{Said, Saying},
};

use tokio::time::{Instant, sleep_until};

use super::{
    Error, Parts, checks,
    events::{About, Teller},
    live::{Listener, Live, Update},
    turns::{about_turn, new_turn},
};
use crate::{
    config::Config,
    deliver::Dispatcher,
    registry::{OpenAgent, Registry},
};

/// How often it is looked at a turn that may be taken by another node.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a conversation is begun with.
#[derive(Clone, Debug, Default)]
pub struct NewConversation {
    /// What the tenant calls its agent.
    pub agent_id: String,
    /// What keeps messages from one place together.
    pub key: Option<String>,
    /// Who talks, and where.
    pub about: conversation::About,
}

/// A message that was said, and the turn that is taken about it.
pub struct Asked {
    /// The message.
    pub message: Message,
    /// The turn.
    pub turn: TurnId,
    /// What hears of the turn, from its beginning.
    pub listener: Listener,
}

/// Conversations as clients and people see them; clones share what they need.
#[derive(Clone)]
pub struct Conversations {
    pub(super) clock: Clock,
    config: Arc<Config>,
    pub(super) store: Store,
    registry: Registry,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) teller: Teller,
    pub(super) live: Live,
}

impl Conversations {
    /// Conversations whose agents are told by `dispatcher`.
    pub fn new(parts: Parts, live: Live, dispatcher: Arc<Dispatcher>) -> Self {
        let Parts {
            clock,
            config,
            store,
            registry,
            outbound: _,
            operator: _,
        } = parts;
        Self {
            teller: Teller::new(clock.clone(), registry.clone()),
            clock,
            config,
            store,
            registry,
            dispatcher,
            live,
        }
    }

    /// The agent that a tenant calls by this id.
    pub async fn agent(&self, tenant: TenantId, id: &str) -> Result<Option<Arc<OpenAgent>>, Error> {
        let routes = self.registry.routes(tenant).await?;
        Ok(routes.agent(id).map(|(_, agent)| Arc::clone(agent)))
    }

    /// The agent of a conversation.
    pub async fn agent_of(&self, conversation: &Conversation) -> Result<Arc<OpenAgent>, Error> {
        let routes = self.registry.routes(conversation.tenant_id).await?;
        let route = routes.get(conversation.agent_id);
        let agent = route.and_then(|route| route.agent()).cloned();
        agent.ok_or_else(|| {
            Error::Conflict(
                "the agent of this conversation was deleted; begin another one".to_owned(),
            )
        })
    }

    /// Begins a conversation.
    pub async fn begin(
        &self,
        tenant: TenantId,
        new: NewConversation,
    ) -> Result<Conversation, Error> {
        let mut found = checks::about(&new.about);
        if let Some(key) = &new.key {
            found.extend(violation::length("/key", key, 1, checks::MOST_WHO));
        }
        let agent = self.agent(tenant, &new.agent_id).await?;
        if agent.is_none() {
            let detail = format!(
                "there is no agent `{}`; GET /v1/agents lists them",
                new.agent_id
            );
            found.push(Violation::new("/agent_id", detail));
        }
        let Some(agent) = agent.filter(|_| found.is_empty()) else {
            return Err(Error::Invalid(found));
        };
        let now = self.clock.unique_now();
        let conversation = Conversation {
            id: ConversationId::new(now, random()),
            tenant_id: tenant,
            agent_id: agent.id,
            status: Status::Active,
            key: new.key,
            about: new.about,
            messages: 0,
            was_escalated: false,
            created_at: now,
            updated_at: now,
            ended_at: None,
        };
        let trace_id = new_trace();
        let about = about(&agent, &conversation, &trace_id);
        let started = self.teller.started(about, &conversation, None).await?;
        match self
            .store
            .create_conversation(&conversation, &started)
            .await
        {
            Err(tieline_store::Error::NameTaken) => {
                let detail = "the agent has an open conversation with this `key`; go on in that one, or complete it";
                Err(Error::Conflict(detail.to_owned()))
            }
            made => {
                made?;
                self.dispatcher.wake();
                Ok(conversation)
            }
        }
    }

    /// Says something to the agent of a conversation, durably: it will take its turn. `eager`: the reply is listened
    /// to as it comes.
    pub async fn say(
        &self,
        conversation: &Conversation,
        content: String,
        metadata: Map<String, Value>,
        trace_id: &str,
        eager: bool,
    ) -> Result<Asked, Error> {
        checks::message(&content, &metadata, self.config.limits.turns.message_bytes)?;
        let agent = self.agent_of(conversation).await?;
        let now = self.clock.unique_now();
        let message = MessageId::new(now, random());
        let message = Message {
            id: message,
            conversation_id: conversation.id,
            tenant_id: conversation.tenant_id,
            role: Role::User,
            content,
            metadata,
            turn_id: Some(TurnId::about(message)),
            created_at: now,
        };
        let about = about(&agent, conversation, trace_id);
        let told = self.teller.said(about, conversation, &message).await?;
        let saying = Saying {
            started: None,
            turn: new_turn(&agent, &told.event, conversation.id, message.id),
            message,
            conversation: conversation.clone(),
            told: Some(told),
        };
        let listener = self.live.listen(saying.turn.id, eager);
        match self.store.say(&saying).await? {
            Said::New | Said::Repeated => {}
            Said::Ended => return Err(ended()),
            Said::Missing => return Err(Error::Missing("conversation")),
        }
        self.dispatcher.wake();
        Ok(Asked {
            turn: saying.turn.id,
            message: saying.message,
            listener,
        })
    }

    /// Waits until a turn ends or waits for a person, for at most so long; the turn as it is then.
    pub async fn await_turn(
        &self,
        asked: &mut Asked,
        at_most: Duration,
    ) -> Result<Option<Turn>, Error> {
        let (tenant, turn) = (asked.message.tenant_id, asked.turn);
        let until = Instant::now() + at_most;
        loop {
            let found = self.store.find_turn(tenant, turn).await?;
            let rests = found.as_ref().is_none_or(rests);
            if rests || Instant::now() >= until {
                return Ok(found);
            }
            // Another node may be at it: what that tells is not heard here.
            let look = until.min(Instant::now() + LOOK_EVERY);
            tokio::select! {
                () = sleep_until(look) => {}
                () = heard_rest(&mut asked.listener) => {}
            }
        }
    }

    /// Answers in the place of the agent: ends every turn that waits for a reply.
    pub async fn reply(
        &self,
        conversation: &Conversation,
        content: String,
        metadata: Map<String, Value>,
    ) -> Result<Message, Error> {
        checks::message(&content, &metadata, self.config.limits.turns.message_bytes)?;
        let agent = self.agent_of(conversation).await?;
        if conversation.status == Status::Completed {
            return Err(ended());
        }
        let people_answer = matches!(agent.agent.runtime, Runtime::Inbox {})
            || conversation.status == Status::Escalated;
        if !people_answer {
            let detail = "the agent of this conversation answers by itself; escalate the conversation to answer in its place";
            return Err(Error::Conflict(detail.to_owned()));
        }
        let (tenant, id) = (conversation.tenant_id, conversation.id);
        let open = self.store.open_turns(tenant, id).await?;
        let waiting = |turn: &&Turn| turn.waits_for == Some(WaitsFor::Reply);
        let oldest = open.iter().find(waiting);
        let now = self.clock.unique_now();
        let message = Message {
            id: MessageId::new(now, random()),
            conversation_id: id,
            tenant_id: tenant,
            role: Role::Assistant,
            content,
            metadata,
            turn_id: oldest.map(|turn| turn.id),
            created_at: now,
        };
        let trace_id = oldest.map_or_else(new_trace, |turn| turn.trace_id.clone());
        let about = about(&agent, conversation, &trace_id);
        let asked_at = oldest.map_or(now, |turn| turn.created_at);
        let answered = self.teller.answered(about, &message, asked_at).await?;
        let wake = self
            .teller
            .resumed(about, TurnId::about(message.id))
            .await?;
        self.store
            .reply(agent.id, &message, &[answered], about_turn(wake))
            .await?
            .ok_or(Error::Missing("conversation"))?;
        self.dispatcher.wake();
        for turn in open.iter().filter(waiting) {
            self.live.tell(turn.id, Update::Rests);
        }
        Ok(message)
    }
}

/// Whether nothing more happens in a turn by itself.
pub fn rests(turn: &Turn) -> bool {
    turn.ended_at.is_some()
        || (turn.status == TurnStatus::Waiting && turn.waits_for != Some(WaitsFor::Turn))
}

/// Waits until the turn rests, as far as this node hears of it.
async fn heard_rest(listener: &mut Listener) {
    while let Some(update) = listener.next().await {
        if matches!(update, Update::Rests) {
            return;
        }
    }
}

/// What the events of a conversation are about.
pub(super) fn about<'a>(
    agent: &'a OpenAgent,
    conversation: &Conversation,
    trace_id: &'a str,
) -> About<'a> {
    About {
        tenant: conversation.tenant_id,
        agent,
        conversation: conversation.id,
        trace_id,
        cause: None,
    }
}

fn ended() -> Error {
    Error::Conflict("this conversation is completed; begin another one".to_owned())
}

pub(super) fn new_trace() -> String {
    format!("{:032x}", random::<u128>())
}
