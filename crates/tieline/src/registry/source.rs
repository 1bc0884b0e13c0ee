//! A source, ready to receive.

use std::{sync::Arc, time::Duration};

use tieline_domain::{
    SourceId, TenantId,
    signature::{self, Handshakes, KeyedSecret, Preset, Verifier},
    source::{Source, Status, TypeRule},
};
use tieline_mapping::{
    path::Path,
    plan::Plan,
    transform::{CompiledTransform, Transform},
};
use tieline_store::documents::Document;

use super::{Error, Plans, intake::Intake};
use crate::config::Limits;

/// A source, ready to receive.
pub struct OpenSource {
    /// Its id.
    pub id: SourceId,
    /// Its tenant.
    pub tenant_id: TenantId,
    /// What it is.
    pub source: Source,
    /// The sender it speaks to.
    pub preset: &'static Preset,
    /// What its requests are verified with.
    pub verifier: Verifier,
    /// The questions of its sender that it answers.
    pub handshakes: Handshakes,
    /// How repeats are told; `None` if every request is an event of its own.
    pub dedupe: Option<DedupeRule>,
    /// For how long.
    pub dedupe_window: Duration,
    /// Where the type of a second event comes from.
    pub event_type: Option<TypeRule>,
    /// What message and metadata a request carries.
    pub transform: Option<CompiledTransform>,
    /// What makes the data of the second event.
    pub mapping: Option<Arc<Plan>>,
    /// What finds the conversation to which a message belongs.
    pub conversation_key: Option<Path>,
    /// How fast it takes requests; `None` where every one is taken.
    pub intake: Option<Intake>,
}

/// How repeats are told. Where a request lacks what a rule looks for, the hash of its body stands in.
pub enum DedupeRule {
    /// By these headers, all of them.
    Headers(Vec<String>),
    /// By what the path finds in the body.
    Body(Path),
    /// By the id that the scheme signs along with the body.
    MessageId,
    /// By the hash of the body.
    BodyHash,
}

impl OpenSource {
    pub(super) fn open(
        id: SourceId,
        document: &Document,
        secrets: &[KeyedSecret],
        plans: &Plans,
        url: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let unusable = |detail: String| Error::Unusable {
            kind: "source",
            id: document.id.clone(),
            detail,
        };
        let source: Source =
            serde_json::from_str(&document.body).map_err(|e| unusable(e.to_string()))?;
        let preset = source
            .verification
            .preset()
            .map_err(|e| unusable(e.to_string()))?;
        let verifier = Verifier::new(&source.verification, secrets, url);
        let transform = source.transform.as_ref().map(Transform::compile);
        let compiled = transform.transpose().map_err(|faults| {
            let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
            unusable(faults.join("; "))
        })?;
        let conversation_key = source.conversation_key.as_deref().map(Path::parse);
        let conversation_key = conversation_key
            .transpose()
            .map_err(|e| unusable(format!("conversation_key {e}")))?;
        let event_type = source
            .event_type
            .as_deref()
            .map(TypeRule::parse)
            .transpose()
            .map_err(unusable)?;
        let mapping = source.mapping.as_deref();
        let mapping = mapping.map(|name| plans.need(name)).transpose();
        let hours = source
            .dedupe
            .as_ref()
            .and_then(|dedupe| dedupe.window_hours);
        let window = hours.map_or(limits.dedupe_window, |hours| {
            Duration::from_secs(u64::from(hours) * 3_600)
        });
        Ok(Self {
            id,
            tenant_id: document.tenant_id,
            preset,
            handshakes: Handshakes::new(preset, &source.verification, secrets, url),
            verifier: verifier.map_err(|e| unusable(e.to_string()))?,
            dedupe: dedupe_rule(&source, preset).map_err(unusable)?,
            dedupe_window: window,
            event_type,
            transform: compiled,
            mapping: mapping.map_err(unusable)?,
            conversation_key,
            intake: Intake::new(source.rate_limit, limits.incoming_per_second),
            source,
        })
    }

    /// Whether it takes requests.
    pub fn is_active(&self) -> bool {
        matches!(self.source.status, Status::Active | Status::Pending)
    }
}

fn headers(names: &[&str]) -> DedupeRule {
    DedupeRule::Headers(names.iter().map(|name| name.to_ascii_lowercase()).collect())
}

fn dedupe_rule(source: &Source, preset: &Preset) -> Result<Option<DedupeRule>, String> {
    let path = |text: &str| {
        Path::parse(text)
            .map(DedupeRule::Body)
            .map_err(|e| e.to_string())
    };
    if let Some(dedupe) = &source.dedupe {
        if dedupe.enabled == Some(false) {
            return Ok(None);
        }
        if let Some(text) = &dedupe.event_id {
            return path(text).map(Some);
        }
        if let Some(header) = &dedupe.header {
            return Ok(Some(headers(&[header])));
        }
        if dedupe.body_hash == Some(true) {
            return Ok(Some(DedupeRule::BodyHash));
        }
    }
    match preset.dedupe {
        signature::Dedupe::Header(name) => Ok(Some(headers(&[name]))),
        signature::Dedupe::Headers(names) => Ok(Some(headers(names))),
        signature::Dedupe::Never => Ok(None),
        signature::Dedupe::MessageId => Ok(Some(DedupeRule::MessageId)),
        signature::Dedupe::Body(text) => path(text).map(Some),
        signature::Dedupe::BodyHash => Ok(Some(DedupeRule::BodyHash)),
    }
}
