//! What follows a question of a sender: it is counted, noted, and what it asks for is done.

use tieline_domain::{
    SourceId, TenantId, Timestamp,
    clock::Clock,
    signature::{Consequence, HandshakeAnswer, Rejection},
};
use tieline_store::{ChangeBy, Store};
use tokio::sync::mpsc;

use super::{Refusal, senders::Senders};
use crate::{registry::OpenSource, telemetry, webhooks::Sources};

/// How many questions may wait to be noted; a flood beyond that is only counted.
const WAITING: usize = 256;

#[derive(Clone)]
pub(super) struct Questions {
    clock: Clock,
    sources: Sources,
    senders: Senders,
    waiting: mpsc::Sender<Noted>,
}

struct Noted {
    tenant: TenantId,
    source: SourceId,
    name: &'static str,
    at: Timestamp,
}

impl Questions {
    /// Starts the task that notes them; it ends with the last clone.
    pub(super) fn start(store: Store, clock: Clock, sources: Sources, senders: Senders) -> Self {
        let (waiting, mut questions) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut batch: Vec<Noted> = Vec::with_capacity(WAITING);
            while questions.recv_many(&mut batch, WAITING).await > 0 {
                // Of each source only the last is kept: a flood of questions is few writes.
                batch.sort_by_key(|noted| (noted.source, std::cmp::Reverse(noted.at)));
                batch.dedup_by_key(|noted| noted.source);
                for Noted {
                    tenant,
                    source,
                    name,
                    at,
                } in batch.drain(..)
                {
                    if let Err(error) = store.note_handshake(tenant, source, name, at).await {
                        tracing::warn!(%error, "cannot note a handshake");
                    }
                }
            }
        });
        Self {
            clock,
            sources,
            senders,
            waiting,
        }
    }

    /// Does what a question asks for. The answer is sent only if this is.
    pub(super) async fn conclude(
        &self,
        source: &OpenSource,
        answer: &HandshakeAnswer,
    ) -> Result<(), Refusal> {
        let at = self.clock.unique_now();
        let by = || ChangeBy {
            actor: "sender".to_owned(),
            request_id: None,
            at,
        };
        let (tenant, id) = (source.tenant_id, source.id);
        match &answer.consequence {
            None => {}
            Some(Consequence::Keep(secret)) => {
                let kept = self.sources.take_over(tenant, id, secret, &by()).await?;
                if !kept {
                    return Err(Refusal::Rejected(Rejection::Pending));
                }
            }
            Some(Consequence::Disable(reason)) => {
                let reason = format!("its sender ended it: {reason}");
                self.sources.disable(tenant, id, reason, &by()).await?;
            }
            Some(Consequence::Call(wanted)) => self.senders.call(source, (**wanted).clone()),
        }
        tracing::info!(source = %id, handshake = answer.name, "answered a handshake");
        telemetry::count_handshake(answer.name, tenant);
        let noted = Noted {
            tenant,
            source: id,
            name: answer.name,
            at,
        };
        // A full queue means a flood: the counter tells of it.
        let _ = self.waiting.try_send(noted);
        Ok(())
    }
}
