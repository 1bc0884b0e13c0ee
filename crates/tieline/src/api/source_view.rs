//! Incoming webhooks, as the API takes and shows them.

use serde::{Deserialize, Serialize};
use tieline_domain::{
    Timestamp,
    signature::Verification,
    source::{Dedupe, Pace, Response, Source, Status},
};
use tieline_mapping::transform::Transform;
use tieline_store::documents::Document;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{credential::SecretText, document, problem::Problem};
use crate::app::App;

/// What an incoming webhook is made from. Only the name is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CRM Lead Webhook", "agent_id": "agent_sales", "conversation_key": "$.data.id", "transform": {"message": "$.data.description", "metadata": {"lead_id": "$.data.id", "company": "$.data.company_name"}}, "verification": {"scheme": "hmac-sha256"}, "dedupe": {"event_id": "$.id"}, "event_type": "$.event"}))]
pub struct NewSource {
    /// Its name, for people: 1 to 200 characters.
    name: String,
    /// The agent that gets its messages.
    #[serde(default)]
    agent_id: Option<String>,
    /// A JSONPath on the body: messages for which it finds the same stay in one conversation of the agent; each begins
    /// a new one if absent.
    #[serde(default)]
    conversation_key: Option<String>,
    /// What message and metadata a request carries.
    #[serde(default)]
    #[schema(value_type = Option<TransformSchema>)]
    transform: Option<Transform>,
    /// How requests prove where they come from; scheme `hmac-sha256` if absent.
    #[serde(default)]
    #[schema(value_type = Option<VerificationSchema>)]
    verification: Option<Verification>,
    /// How repeats are told; the scheme's own rule if absent.
    #[serde(default)]
    #[schema(value_type = Option<DedupeSchema>)]
    dedupe: Option<Dedupe>,
    /// The type of a second event per request: a JSONPath on the body (`$.event`), a header
    /// (`header:X-GitHub-Event`), or the type itself.
    #[serde(default)]
    event_type: Option<String>,
    /// The id or the name of a mapping that makes the data of that second event of the body, as external data becomes
    /// your own; a body that it rejects becomes `transform.failed` instead. As it came if absent.
    #[serde(default)]
    mapping: Option<String>,
    /// How an accepted request is answered.
    #[serde(default)]
    #[schema(value_type = Option<ResponseSchema>)]
    response: Option<Response>,
    /// How fast requests are taken, on each node: those that come faster are answered with 429 before their body is
    /// read. As `limits.incoming_per_second` has it if absent.
    #[serde(default)]
    #[schema(value_type = Option<PaceSchema>)]
    rate_limit: Option<Pace>,
    /// `active`, or `paused`: requests are answered with 404. A webhook whose sender brings the secret is
    /// `pending` until then; one that its sender ended is `disabled`, and `active` takes it up again.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(active|paused|pending|disabled)$", default = "active")]
    status: Option<Status>,
    /// Why it is disabled; kept only with that status.
    #[serde(default)]
    status_reason: Option<String>,
    /// The secret that requests are verified with; one is generated if absent. Given on creation, or
    /// when a scheme with a secret takes the place of one without.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    secret: Option<SecretText>,
}

impl NewSource {
    /// The source that is meant, and the secret that was given.
    pub(super) fn parts(self) -> (Source, Option<Zeroizing<String>>) {
        let Self {
            name,
            agent_id,
            conversation_key,
            transform,
            verification,
            dedupe,
            event_type,
            mapping,
            response,
            rate_limit,
            status,
            status_reason,
            secret,
        } = self;
        let source = Source {
            name,
            agent_id,
            conversation_key,
            transform,
            verification: verification.unwrap_or_default(),
            dedupe,
            event_type,
            mapping,
            response,
            rate_limit,
            status: status.unwrap_or_default(),
            status_reason,
        };
        (
            source,
            secret.map(|secret| Zeroizing::new(secret.to_string())),
        )
    }
}

/// What message and metadata a request carries: RFC 9535 JSONPaths on its body.
#[derive(ToSchema)]
#[schema(as = Transform, example = json!({"message": "$.data.description", "metadata": {"lead_id": "$.data.id"}}))]
#[expect(dead_code, reason = "describes `Transform` to the document")]
pub(super) struct TransformSchema {
    /// Path of the message.
    message: Option<String>,
    /// Metadata key to the path of its value; a key whose path matches nothing is left out.
    metadata: Option<std::collections::BTreeMap<String, String>>,
}

/// How requests are verified. `GET /v1/webhooks/presets` lists the schemes and the fields that each takes.
#[derive(ToSchema)]
#[schema(as = Verification, example = json!({"scheme": "hmac-sha256"}))]
#[expect(dead_code, reason = "describes `Verification` to the document")]
pub(super) struct VerificationSchema {
    /// Name or alias of a preset.
    scheme: String,
    /// Header that carries the signature or token.
    header: Option<String>,
    /// How the signature is written: `hex` or `base64`.
    encoding: Option<String>,
    /// What stands before the signature or token.
    prefix: Option<String>,
    /// The signed message, such as `{timestamp}.{body}`.
    content: Option<String>,
    /// Header that carries the timestamp, in whole seconds since 1970.
    timestamp_header: Option<String>,
    /// How far the timestamp may be from now, in seconds.
    tolerance_seconds: Option<u32>,
    /// The user name of scheme `basic`.
    username: Option<String>,
    /// What the sender shows or asks for when it tests the URL: the verify token of Meta and Strava, the
    /// verification token of eBay, the topic of WebSub.
    verify_token: Option<String>,
    /// Who you are at a sender that wants its URL confirmed by a call: of scheme `salesforce-ens` alone.
    confirm: Option<ConfirmSchema>,
}

/// A client of the sender's API, with which a source confirms that its URL is meant.
#[derive(ToSchema)]
#[schema(as = Confirm, example = json!({"subdomain": "mc563885gzs27c5t9-63k636ttgm", "client_id": "gw8hlk5x2r1d", "client_secret": "{{secrets.MARKETING_CLOUD}}"}))]
#[expect(dead_code, reason = "describes `Confirm` to the document")]
pub(super) struct ConfirmSchema {
    /// What stands before `.rest.marketingcloudapis.com` in the base URL of the API: `a-z`, `0-9` and `-`.
    #[schema(min_length = 1, max_length = 63)]
    subdomain: String,
    /// The client id of the package.
    #[schema(min_length = 1, max_length = 128)]
    client_id: String,
    /// Its client secret, as `{{secrets.NAME}}`.
    client_secret: String,
}

/// How repeats of an event are told: at most one of `event_id`, `header` and `body_hash`.
#[derive(ToSchema)]
#[schema(as = Dedupe, example = json!({"event_id": "$.id", "window_hours": 72}))]
#[expect(dead_code, reason = "describes `Dedupe` to the document")]
pub(super) struct DedupeSchema {
    /// A JSONPath to the sender's event id in the body.
    event_id: Option<String>,
    /// The header that carries the sender's event id.
    header: Option<String>,
    /// True: two requests with the same body are one event.
    body_hash: Option<bool>,
    /// False: every request is an event of its own.
    enabled: Option<bool>,
    /// For how long a repeat is told, in hours: 1 to 720.
    window_hours: Option<u32>,
}

/// How an accepted request is answered.
#[derive(ToSchema)]
#[schema(as = SourceResponse, example = json!({"status": 202}))]
#[expect(dead_code, reason = "describes `Response` to the document")]
pub(super) struct ResponseSchema {
    /// The status: 200 to 299.
    #[schema(minimum = 200, maximum = 299)]
    status: u16,
}

/// How fast requests are taken.
#[derive(ToSchema)]
#[schema(as = Pace, example = json!({"per_second": 50, "burst": 200}))]
#[expect(dead_code, reason = "describes `Pace` to the document")]
pub(super) struct PaceSchema {
    /// How many a second, sustained.
    #[schema(minimum = 1, maximum = 1_000_000)]
    per_second: u32,
    /// How many may come at once; those of one second if absent.
    #[schema(minimum = 1, maximum = 1_000_000)]
    burst: Option<u32>,
}

/// An incoming webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "url": "https://tieline.example.com/in/wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "CRM Lead Webhook", "agent_id": "agent_sales", "conversation_key": "$.data.id", "transform": {"message": "$.data.description", "metadata": {"lead_id": "$.data.id"}}, "verification": {"scheme": "hmac-sha256"}, "dedupe": null, "event_type": "$.event", "mapping": null, "response": null, "rate_limit": null, "status": "active", "last_handshake_at": null, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z"}))]
pub struct SourceView {
    /// Its id.
    id: String,
    /// Where its sender sends requests.
    url: String,
    /// Its name.
    name: String,
    /// The agent that gets its messages.
    agent_id: Option<String>,
    /// What finds the conversation to which a message belongs.
    conversation_key: Option<String>,
    /// What message and metadata a request carries.
    #[schema(value_type = Option<TransformSchema>)]
    transform: Option<Transform>,
    /// How requests prove where they come from.
    #[schema(value_type = VerificationSchema)]
    verification: Verification,
    /// How repeats are told; null for the scheme's own rule.
    #[schema(value_type = Option<DedupeSchema>)]
    dedupe: Option<Dedupe>,
    /// Where the type of a second event comes from.
    event_type: Option<String>,
    /// What makes the data of the second event; null for the body as it came.
    mapping: Option<String>,
    /// How an accepted request is answered; null for 202.
    #[schema(value_type = Option<ResponseSchema>)]
    response: Option<Response>,
    /// How fast requests are taken, on each node; null for `limits.incoming_per_second`.
    #[schema(value_type = Option<PaceSchema>)]
    rate_limit: Option<Pace>,
    /// `active`; `paused` or `disabled`: requests are answered with 404; `pending`: it waits for the first request
    /// of its sender, which brings the secret.
    #[schema(value_type = String, pattern = "^(active|paused|pending|disabled)$")]
    status: Status,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    /// When it last answered a question of its sender; null if it never did.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_handshake_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// An incoming webhook with a secret that is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "url": "https://tieline.example.com/in/wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc", "name": "CRM Lead Webhook", "agent_id": "agent_sales", "conversation_key": "$.data.id", "transform": {"message": "$.data.description", "metadata": {"lead_id": "$.data.id"}}, "verification": {"scheme": "hmac-sha256"}, "dedupe": null, "event_type": "$.event", "mapping": null, "response": null, "rate_limit": null, "status": "active", "last_handshake_at": null, "created_at": "2026-11-22T10:00:00.000Z", "updated_at": "2026-11-22T10:00:00.000Z", "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}))]
pub struct SourceSecretView {
    #[serde(flatten)]
    view: SourceView,
    /// What its sender signs with. Keep it: it is not shown again. Absent for scheme `none`, and where
    /// nothing is new about the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    secret: Option<SecretText>,
}

impl SourceView {
    /// What `document` says.
    pub(super) async fn of(app: &App, document: Document) -> Result<Self, Problem> {
        let Source {
            name,
            agent_id,
            conversation_key,
            transform,
            verification,
            dedupe,
            event_type,
            mapping,
            response,
            rate_limit,
            status,
            status_reason,
        } = document::content(&document)?;
        let Document {
            tenant_id,
            kind: _,
            id,
            name: _,
            version: _,
            body: _,
            created_at,
            updated_at,
        } = document;
        let source_id = id.parse().map_err(|_| Problem::internal())?;
        let url = app.registry.source_url(source_id);
        let last_handshake_at = app.store.last_handshake(tenant_id, source_id).await?;
        Ok(Self {
            id,
            url,
            name,
            agent_id,
            conversation_key,
            transform,
            verification,
            dedupe,
            event_type,
            mapping,
            response,
            rate_limit,
            status,
            status_reason,
            last_handshake_at,
            created_at,
            updated_at,
        })
    }

    /// The same with a secret, if one is to be shown.
    pub(super) fn with_secret(self, secret: Option<Zeroizing<String>>) -> SourceSecretView {
        SourceSecretView {
            view: self,
            secret: secret.map(|secret| SecretText::from(secret.to_string())),
        }
    }
}
