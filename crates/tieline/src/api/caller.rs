//! Who is asking: an API key or an access token, its tenant and its scopes.

use std::{sync::Arc, time::Duration};

use axum::{extract::FromRequestParts, http::request::Parts};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use moka::sync::Cache;
use tieline_domain::{
    TenantId, Timestamp,
    access::{Area, Right, Scope, Scopes},
};
use tieline_store::{self as store, ChangeBy, Store};

use super::{
    credential,
    frame::RequestId,
    problem::{Code, Problem},
};
use crate::{app::App, vault::hash_token};

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const MAX_CREDENTIAL: usize = 512;
/// How long a credential that was found is not looked up again: an end by another node shows so late.
const REMEMBERED: Duration = Duration::from_secs(1);
const MAX_REMEMBERED: u64 = 10_000;

/// Whose request it is.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant that the credential opens; nothing of another one may be seen.
    pub tenant_id: TenantId,
    /// Who acts, as the audit log names it: `key_…` or `cl_…`.
    pub actor: Arc<str>,
    /// What the credential allows.
    pub scopes: Arc<Scopes>,
    request_id: RequestId,
}

impl Caller {
    /// Refuses a caller whose scopes do not give `right` in `area`.
    pub fn require(&self, area: Area, right: Right) -> Result<(), Problem> {
        if self.scopes.allow(area, right) {
            return Ok(());
        }
        let wanted = Scope::Of(area, right);
        let detail = format!("this needs the scope `{wanted}`, which the credential does not have");
        Err(Problem::new(Code::InsufficientScope, detail))
    }

    /// What the audit log says of a change that this caller makes now.
    pub fn change(&self, app: &App) -> ChangeBy {
        ChangeBy {
            actor: self.actor.to_string(),
            request_id: Some(self.request_id.as_str().to_owned()),
            at: app.clock.unique_now(),
        }
    }
}

/// What [`super::gate`] found out about the caller, for the handlers that want one.
#[derive(Clone)]
pub struct Found(pub Result<Caller, Problem>);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match parts.extensions.get::<Found>() {
            Some(Found(found)) => found.clone(),
            None => Err(refusal(NO_CREDENTIAL)),
        }
    }
}

#[derive(Clone)]
struct Identity {
    tenant_id: TenantId,
    actor: Arc<str>,
    scopes: Arc<Scopes>,
    expires_at: Option<Timestamp>,
}

/// The credentials that were found within the last second.
pub struct Callers {
    known: Cache<[u8; 32], Identity>,
}

impl Default for Callers {
    fn default() -> Self {
        let known = Cache::builder()
            .max_capacity(MAX_REMEMBERED)
            .time_to_live(REMEMBERED)
            .build();
        Self { known }
    }
}

impl Callers {
    /// The caller that the headers name, if its credential is valid at `now`.
    pub async fn identify(
        &self,
        store: &Store,
        headers: &HeaderMap,
        now: Timestamp,
        request_id: RequestId,
    ) -> Result<Caller, Problem> {
        let credential = presented(headers)?;
        let hash = hash_token(credential);
        let identity = if let Some(known) = self.known.get(&hash) {
            known
        } else {
            let found = look_up(store, credential, &hash, now).await?;
            let found = found.ok_or_else(|| refusal(NOT_VALID))?;
            self.known.insert(hash, found.clone());
            found
        };
        let Identity {
            tenant_id,
            actor,
            scopes,
            expires_at,
        } = identity;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(refusal(NOT_VALID));
        }
        Ok(Caller {
            tenant_id,
            actor,
            scopes,
            request_id,
        })
    }

    /// Looks every credential up again: one has just been revoked here.
    pub fn forget(&self) {
        self.known.invalidate_all();
    }
}

async fn look_up(
    store: &Store,
    credential: &str,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Identity>, store::Error> {
    if credential.starts_with(credential::ACCESS_TOKEN) {
        let found = store.find_access_token(hash, now).await?;
        return Ok(found.map(|token| Identity {
            tenant_id: token.tenant_id,
            actor: token.client_id.to_string().into(),
            scopes: token.scopes.into(),
            expires_at: Some(token.expires_at),
        }));
    }
    let found = store.find_api_key(hash, now).await?;
    Ok(found.map(|key| Identity {
        tenant_id: key.tenant_id,
        actor: key.id.to_string().into(),
        scopes: key.scopes.into(),
        expires_at: key.expires_at,
    }))
}

const NO_CREDENTIAL: &str = "send `Authorization: Bearer <key or access token>` or `x-api-key: <key>`; the request has neither";
const MALFORMED: &str =
    "the credential cannot be read: send `Authorization: Bearer <key or access token>`";
const NOT_VALID: &str = "the credential is unknown, expired or revoked; use another one";

/// The credential that the headers carry: `Authorization` before `x-api-key`.
fn presented(headers: &HeaderMap) -> Result<&str, Problem> {
    let credential = match (headers.get(header::AUTHORIZATION), headers.get(X_API_KEY)) {
        (Some(value), _) => value.to_str().ok().and_then(bearer),
        (None, Some(value)) => value.to_str().ok().map(str::trim),
        (None, None) => return Err(refusal(NO_CREDENTIAL)),
    };
    credential
        .filter(|credential| (1..=MAX_CREDENTIAL).contains(&credential.len()))
        .ok_or_else(|| refusal(MALFORMED))
}

/// The token of `Bearer <token>` (RFC 6750, 2.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// A 401 says how to authenticate (RFC 9110, 11.6.1; RFC 6750, section 3).
fn refusal(detail: &str) -> Problem {
    let challenge = match detail {
        NOT_VALID => r#"Bearer realm="tieline", error="invalid_token""#,
        _ => r#"Bearer realm="tieline""#,
    };
    Problem::new(Code::Unauthenticated, detail).header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    )
}
