//! Asking whatever thinks for an agent, and asking again where that can help.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use rand::Rng as _;
use tieline_domain::{
    TenantId, Timestamp,
    agent::{Agent, Runtime},
    retry::parse_retry_after,
    secret_text::SecretText,
    trace::TraceContext,
};

use super::{
    openai,
    prompt::{Answer, Prompt},
    service,
};
use crate::{
    operate::Offered,
    outbound::{self, Outbound},
    registry::{Registry, Revealed, Unrevealed},
};

/// How often it is asked again at once.
const AGAIN: u32 = 2;

/// The wait before it is asked again, doubled each time, if it names none.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that is waited out at once; after a longer one the turn is put off.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why no answer came.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Failure {
    /// The kind, as attempts have it.
    pub kind: &'static str,
    /// What happened, in a sentence, without secrets.
    pub detail: String,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// For how long it asked to be left alone.
    pub wait: Option<Duration>,
    /// Whether the same question may be answered at another time.
    pub passes: bool,
}

impl Failure {
    /// What answered cannot be used; another try may bring something better.
    pub(super) fn unusable(detail: impl Into<String>) -> Self {
        Self {
            kind: "protocol",
            detail: detail.into(),
            status: None,
            wait: None,
            passes: true,
        }
    }

    fn misconfigured(detail: String) -> Self {
        Self {
            kind: "auth",
            detail,
            status: None,
            wait: None,
            passes: true,
        }
    }

    /// An answer that is no success.
    pub(super) fn status(status: StatusCode, wait: Option<Duration>, said: &str) -> Self {
        let code = status.as_u16();
        let said = said.trim();
        let detail = if said.is_empty() {
            format!("it answered {code}")
        } else {
            format!("it answered {code}: {said}")
        };
        Self {
            kind: if matches!(code, 401 | 403) {
                "auth"
            } else {
                "status"
            },
            detail,
            status: Some(code),
            wait,
            // What is wrong with the question itself is wrong every time.
            passes: !status.is_client_error()
                || matches!(code, 401 | 403 | 404 | 408 | 409 | 425 | 429),
        }
    }

    /// Whether it is worth asking again at once.
    fn is_brief(&self) -> bool {
        let status = self
            .status
            .is_none_or(|code| code == 429 || code == 408 || code >= 500);
        let kind = matches!(
            self.kind,
            "status" | "connect" | "dns" | "protocol" | "unknown_outcome"
        );
        status && kind && self.wait.is_none_or(|wait| wait <= LONGEST_WAIT)
    }
}

impl From<outbound::Error> for Failure {
    fn from(error: outbound::Error) -> Self {
        Self {
            kind: error.kind(),
            detail: error.to_string(),
            status: None,
            wait: None,
            passes: true,
        }
    }
}

/// The wait that an answer asks for.
pub(super) fn wait(headers: &http::HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    parse_retry_after(value, now)
}

/// What is asked.
pub(super) struct Question<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// Who answers.
    pub agent: &'a Agent,
    /// What it is told.
    pub prompt: &'a Prompt,
    /// What it may call.
    pub tools: &'a [Arc<Offered>],
    /// Of what this is a part, for services of the tenant's own.
    pub about: &'a service::AboutTurn<'a>,
    /// Where it stands in its trace.
    pub trace: TraceContext,
    /// How long the answer may take.
    pub deadline: Duration,
    /// How long the answer may be, in bytes.
    pub at_most: usize,
    /// The time.
    pub now: Timestamp,
}

/// What hears the pieces of an answer as they come.
pub(super) type Hear<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Asks; `hear` gets the pieces of the answer, if someone listens.
pub(super) async fn ask(
    outbound: &Outbound,
    registry: &Registry,
    question: &Question<'_>,
    hear: Option<Hear<'_>>,
) -> Result<Answer, Failure> {
    let mut wait = FIRST_WAIT;
    for _ in 0..AGAIN {
        match ask_once(outbound, registry, question, hear).await {
            Err(failure) if failure.is_brief() => {
                let jittered = wait.mul_f64(rand::rng().random_range(0.8..1.2));
                tokio::time::sleep(failure.wait.unwrap_or(jittered)).await;
                wait *= 2;
            }
            answered => return answered,
        }
    }
    ask_once(outbound, registry, question, hear).await
}

async fn ask_once(
    outbound: &Outbound,
    registry: &Registry,
    question: &Question<'_>,
    hear: Option<Hear<'_>>,
) -> Result<Answer, Failure> {
    match &question.agent.runtime {
        Runtime::Openai(model) => openai::ask(outbound, registry, question, model, hear).await,
        Runtime::Http(service) => service::ask(outbound, registry, question, service).await,
        Runtime::Inbox {} => Err(Failure::misconfigured(
            "people answer for this agent; there is nothing to ask".to_owned(),
        )),
    }
}

/// Puts the secrets of a tenant into a text.
pub(super) async fn reveal(
    registry: &Registry,
    tenant: TenantId,
    text: &SecretText,
) -> Result<Revealed, Failure> {
    let revealed = registry.reveal(tenant, text).await;
    revealed.map_err(|error| {
        Failure::misconfigured(match error {
            Unrevealed::Missing { name } => {
                format!("there is no secret `{name}`, which the agent names")
            }
            other => other.to_string(),
        })
    })
}
