//! What a request makes us ask its sender: keys that it tells, and calls that it wants.
//!
//! Anyone can send requests that name keys, so that what they cost is bounded: a document is fetched once and
//! kept, its absence is kept too, and the requests to one source cause few fetches a minute, however many come.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use moka::future::Cache;
use parking_lot::Mutex;
use tieline_domain::{
    SourceId, TenantId, Timestamp,
    clock::Clock,
    signature::{Access, AccessSecret, Rejection, SenderRequest},
};
use url::Url;

use crate::{
    authorize::{self, Authorization, Credential, Tokens},
    outbound::{BodyLimit, Outbound, Request},
    registry::{OpenSource, Registry},
};

/// How many documents, and how many absences, are kept.
const CAPACITY: u64 = 1_000;
/// How many sources' budgets are kept.
const SOURCES: u64 = 10_000;
/// For how long a document is used before it is fetched again.
const KEPT: Duration = Duration::from_hours(1);
/// For how long it is used where it cannot be fetched again.
const KEPT_AT_MOST: Duration = Duration::from_hours(24);
/// For how long it is believed that there is no such document.
const MISSED: Duration = Duration::from_mins(1);
/// How many fetches and calls the requests to one source may cause a minute.
const PER_MINUTE: u32 = 10;
/// How long one may take: senders wait a few seconds for an answer.
const DEADLINE: Duration = Duration::from_secs(4);
/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;

/// Asks senders; clones share what is known.
#[derive(Clone)]
pub(super) struct Senders {
    outbound: Outbound,
    mirror: Option<Url>,
    clock: Clock,
    registry: Registry,
    tokens: Tokens,
    documents: Cache<Name, Document>,
    /// When it was found that there is no such document.
    missing: Cache<Name, Timestamp>,
    budgets: moka::sync::Cache<SourceId, Arc<Mutex<Budget>>>,
}

/// A fetched document.
#[derive(Clone)]
struct Document {
    bytes: Bytes,
    fetched_at: Timestamp,
}

/// What tells documents apart: the hash of where they are and of what is posted, which may be secret.
type Name = [u8; 32];

fn fingerprint(url: &str, body: &str) -> Name {
    let mut hash = Context::new(&SHA256);
    for part in [url, "\n", body] {
        hash.update(part.as_bytes());
    }
    let mut name = [0; 32];
    name.copy_from_slice(hash.finish().as_ref());
    name
}

/// What the requests to one source may still cause in the present minute.
#[derive(Default)]
struct Budget {
    minute: i64,
    spent: u32,
}

impl Senders {
    pub(super) fn new(
        outbound: Outbound,
        mirror: Option<Url>,
        clock: Clock,
        registry: Registry,
    ) -> Self {
        Self {
            outbound,
            mirror,
            clock,
            registry,
            tokens: Tokens::default(),
            documents: Cache::new(CAPACITY),
            missing: Cache::new(CAPACITY),
            budgets: moka::sync::Cache::new(SOURCES),
        }
    }

    /// The document that a request to `source` needs. With `afresh`, one that is not older than a minute, where it
    /// can be had.
    ///
    /// [`Rejection::UnknownKey`] if the sender has no such document, [`Rejection::KeyUnavailable`] if it cannot
    /// be known now.
    pub(super) async fn document(
        &self,
        source: &OpenSource,
        wanted: &SenderRequest,
        afresh: bool,
    ) -> Result<Bytes, Rejection> {
        let body = wanted.body.as_ref().map_or("", |body| body.as_str());
        let name = fingerprint(&wanted.url, body);
        let now = self.clock.now();
        if let Some(known) = self.documents.get(&name).await {
            let lives = if afresh { MISSED } else { KEPT };
            if now < known.fetched_at.plus(lives) {
                return Ok(known.bytes);
            }
            return self.renew(source, wanted, name, known).await;
        }
        if let Some(missed_at) = self.missing.get(&name).await
            && now < missed_at.plus(MISSED)
        {
            return Err(Rejection::UnknownKey);
        }
        // Requests that come together wait for one fetch.
        let fetched = self
            .documents
            .try_get_with(name, self.fetch(source, wanted));
        match fetched.await {
            Ok(document) => Ok(document.bytes),
            Err(rejection) => {
                if *rejection == Rejection::UnknownKey {
                    self.missing.insert(name, self.clock.now()).await;
                }
                Err(Rejection::clone(&rejection))
            }
        }
    }

    /// A newer copy of a document. While there is none to be had, the one that is known is used for a day: a
    /// flood that spends the budget must not take it away.
    async fn renew(
        &self,
        source: &OpenSource,
        wanted: &SenderRequest,
        name: Name,
        known: Document,
    ) -> Result<Bytes, Rejection> {
        match self.fetch(source, wanted).await {
            Ok(document) => {
                self.documents.insert(name, document.clone()).await;
                Ok(document.bytes)
            }
            Err(_) if self.clock.now() < known.fetched_at.plus(KEPT_AT_MOST) => Ok(known.bytes),
            Err(rejection) => {
                self.documents.invalidate(&name).await;
                Err(rejection)
            }
        }
    }

    /// Calls the sender because a question wants it, when the budget of the source allows it; what is answered is only
    /// logged.
    pub(super) fn call(&self, source: &OpenSource, wanted: SenderRequest) {
        let (tenant, source) = (source.tenant_id, source.id);
        if !self.spend(source, self.clock.now()) {
            tracing::warn!(%source, "a sender wants to be called too often");
            return;
        }
        let senders = self.clone();
        tokio::spawn(async move {
            match senders.send(tenant, source, &wanted).await {
                Some((status, _)) if status.is_success() => {
                    tracing::info!(%source, status = status.as_u16(), "called a sender back");
                }
                Some((status, _)) => {
                    tracing::warn!(%source, status = status.as_u16(), "a sender refused a call back");
                }
                None => tracing::warn!(%source, "a sender could not be called back"),
            }
        });
    }

    async fn fetch(
        &self,
        source: &OpenSource,
        wanted: &SenderRequest,
    ) -> Result<Document, Rejection> {
        if !self.spend(source.id, self.clock.now()) {
            return Err(Rejection::KeyUnavailable);
        }
        match self.send(source.tenant_id, source.id, wanted).await {
            Some((status, bytes)) if status.is_success() => Ok(Document {
                bytes,
                fetched_at: self.clock.now(),
            }),
            Some((status, _)) if status.is_client_error() && !says_nothing(status) => {
                Err(Rejection::UnknownKey)
            }
            _ => Err(Rejection::KeyUnavailable),
        }
    }

    async fn send(
        &self,
        tenant: TenantId,
        source: SourceId,
        wanted: &SenderRequest,
    ) -> Option<(StatusCode, Bytes)> {
        let url = self.mirrored(&wanted.url)?;
        let destination = self.outbound.check_url(&url);
        let destination = destination
            .inspect_err(|error| tracing::warn!(%error, "a sender's host may not be called"))
            .ok()?;
        let mut request = Request::new(Method::GET, destination.uri().clone());
        if let Some(body) = &wanted.body {
            request.method = Method::POST;
            let json = HeaderValue::from_static("application/json");
            request.headers.insert(header::CONTENT_TYPE, json);
            request.body = Bytes::copy_from_slice(body.as_bytes());
        }
        request.deadline = DEADLINE;
        request.body_limit = BodyLimit::Whole {
            at_most: MAX_DOCUMENT,
        };
        let authorization = match &wanted.access {
            Some(access) => Some(self.authorization(tenant, source, access).await?),
            None => None,
        };
        let now = self.clock.now();
        let sent = authorize::send(&self.outbound, authorization.as_ref(), request, now).await;
        let answer = sent
            .answer
            .inspect_err(|error| tracing::warn!(%source, %error, "a sender could not be asked"))
            .ok()?;
        Some((answer.status, answer.body))
    }

    /// The access of the user who made the source.
    async fn authorization(
        &self,
        tenant: TenantId,
        source: SourceId,
        access: &Access,
    ) -> Option<Authorization> {
        let mut auth = access.auth.clone();
        if let Some(url) = &auth.token_url {
            auth.token_url = Some(self.mirrored(url)?);
        }
        let secret = match &access.secret {
            AccessSecret::Known(secret) => secret.clone(),
            AccessSecret::Named(text) => {
                let revealed = self.registry.reveal(tenant, text).await;
                let revealed = revealed.inspect_err(
                    |error| tracing::warn!(%source, %error, "a sender cannot be called back"),
                );
                revealed.ok()?.text
            }
        };
        let credential = Credential { auth, secret };
        let (outbound, tokens) = (&self.outbound, &self.tokens);
        Some(Authorization::open(&credential, source, outbound, tokens))
    }

    /// The URL, or where the operator has a mirror, its place there.
    fn mirrored(&self, url: &str) -> Option<String> {
        let Some(mirror) = &self.mirror else {
            return Some(url.to_owned());
        };
        let beyond = url.strip_prefix("https://")?;
        Some(format!(
            "{}/{beyond}",
            mirror.as_str().trim_end_matches('/')
        ))
    }

    fn spend(&self, source: SourceId, now: Timestamp) -> bool {
        let budget = self.budgets.get_with(source, Arc::default);
        let mut budget = budget.lock();
        let minute = now.as_micros().div_euclid(60_000_000);
        if budget.minute != minute {
            *budget = Budget { minute, spent: 0 };
        }
        let allowed = budget.spent < PER_MINUTE;
        budget.spent += u32::from(allowed);
        allowed
    }
}

/// Whether a refusal says nothing about the document: too fast, too slow, or not for this user.
fn says_nothing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
    )
}
