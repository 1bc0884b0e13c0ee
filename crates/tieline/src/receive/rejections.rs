//! Refused requests: counted, and the last of each source kept with the reason.

use http::HeaderMap;
use rand::random;
use serde_json::json;
use tieline_domain::{RequestId, clock::Clock, signature::Rejection};
use tieline_store::{Store, rejected::Rejected};
use tokio::sync::mpsc;

use super::Incoming;
use crate::{registry::OpenSource, telemetry};

/// How many refused requests may wait to be written; a flood beyond that is only counted.
const WAITING: usize = 256;

/// Headers that are worth keeping of a refused request; their values may be forged, but are no secrets.
const KEPT_HEADERS: [&str; 4] = [
    "content-type",
    "content-length",
    "user-agent",
    "x-forwarded-for",
];

#[derive(Clone)]
pub(super) struct Rejections {
    clock: Clock,
    waiting: mpsc::Sender<Rejected>,
}

impl Rejections {
    /// Starts the task that writes them; it ends with the last clone.
    pub(super) fn start(store: Store, clock: Clock, kept: usize) -> Self {
        let (waiting, mut rows) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(WAITING);
            while rows.recv_many(&mut batch, WAITING).await > 0 {
                if let Err(error) = store.add_rejected(&batch, kept).await {
                    tracing::warn!(%error, "cannot keep refused requests");
                }
                batch.clear();
            }
        });
        Self { clock, waiting }
    }

    /// Counts a refused request, and keeps it if there is room.
    pub(super) fn note(&self, source: &OpenSource, incoming: Incoming<'_>, rejection: &Rejection) {
        telemetry::count_rejected(rejection.code(), Some(source.tenant_id));
        let at = self.clock.unique_now();
        let row = Rejected {
            tenant_id: source.tenant_id,
            source_id: source.id,
            id: RequestId::new(at, random()),
            at,
            reason: rejection.code().to_owned(),
            detail: rejection.to_string(),
            request: described(incoming),
        };
        // A full queue means a flood: the counter tells of it.
        let _ = self.waiting.try_send(row);
    }
}

fn described(incoming: Incoming<'_>) -> String {
    let kept = KEPT_HEADERS
        .iter()
        .filter_map(|name| Some((*name, text(incoming.headers, name)?)));
    let headers: serde_json::Map<_, _> = kept
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({"method": incoming.method, "body_bytes": incoming.body.len(), "headers": headers})
        .to_string()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(
        String::from_utf8_lossy(value.as_bytes())
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
    )
}
