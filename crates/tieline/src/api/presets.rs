//! The senders that incoming webhooks know: `/v1/webhooks/presets`.

use axum::extract::Path;
use serde::Serialize;
use tieline_domain::{
    access::{Area::Webhooks, Right},
    signature::{self, Dedupe, EventType, Override, Preset, SecretOwner, Trust},
};
use utoipa::ToSchema;

use super::{
    answer::{ListView, Shown},
    caller::Caller,
    problem::Problem,
};

/// A verification scheme: how one kind of sender proves itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "github", "aliases": [], "title": "GitHub", "proves": "The sender holds the secret and sent exactly these bytes; an old request can be sent again.", "trust": "verified", "secret": "ours", "secret_help": "Enter the secret under Settings, Webhooks, Secret of the repository, organization or app.", "headers": ["X-Hub-Signature-256"], "tolerance_seconds": null, "signs_url": false, "overrides": [], "dedupe": {"by": "header", "value": "X-GitHub-Delivery"}, "event_type": "header:X-GitHub-Event", "handshakes": []}))]
pub struct PresetView {
    /// What `verification.scheme` takes.
    name: &'static str,
    /// Other names that it takes.
    aliases: &'static [&'static str],
    /// Its name, for people.
    title: &'static str,
    /// What an accepted request proves.
    proves: &'static str,
    /// The `trust` of an accepted request: `verified`, `authenticated`, `origin_only` or `unsigned`.
    #[schema(value_type = String)]
    trust: Trust,
    /// Who makes the secret: `ours` (we generate one, enter it at the sender), `theirs` (the sender shows
    /// one, bring it), `sender` (its first request brings one), or `none`.
    secret: &'static str,
    /// Where the secret is found or entered.
    secret_help: &'static str,
    /// The headers that are read: the signature or token first, then the timestamp and the message's id.
    headers: Vec<String>,
    /// How far the signed timestamp may be from now, in seconds, unless `tolerance_seconds` is given; null if no
    /// timestamp is held against the clock.
    tolerance_seconds: Option<u32>,
    /// Whether the sender signs the URL that it calls: `public_url` must be what it was given.
    signs_url: bool,
    /// The fields of `verification` that may be given.
    overrides: Vec<&'static str>,
    /// What tells a repeat, unless the webhook says otherwise.
    dedupe: DedupeView,
    /// Where the sender tells the type of an event, as `event_type` of a webhook takes it.
    event_type: Option<String>,
    /// The sender's questions that are answered, and are no events.
    handshakes: Vec<&'static str>,
}

/// What tells a repeat.
#[derive(Debug, Serialize, ToSchema)]
pub struct DedupeView {
    /// `message_id`, `header`, `headers`, `event_id`, `body_hash` or `never`.
    by: &'static str,
    /// The header, or the JSONPath of the event's id.
    value: Option<&'static str>,
    /// With `headers`: those that tell a repeat together.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    headers: &'static [&'static str],
}

impl From<&'static Preset> for PresetView {
    fn from(preset: &'static Preset) -> Self {
        let Preset {
            name,
            aliases,
            title,
            proves,
            secret_help,
            secret,
            scheme: _,
            overrides,
            dedupe,
            event_type,
            handshakes,
        } = preset;
        Self {
            name,
            aliases,
            title,
            proves,
            secret: match secret {
                SecretOwner::Nobody => "none",
                SecretOwner::Ours => "ours",
                SecretOwner::Theirs => "theirs",
                SecretOwner::Sender => "sender",
            },
            secret_help,
            trust: preset.trust(),
            headers: preset.headers(),
            tolerance_seconds: preset.tolerance_seconds(),
            signs_url: preset.signs_url(),
            handshakes: handshakes.iter().map(|handshake| handshake.name).collect(),
            overrides: overrides.iter().copied().map(Override::name).collect(),
            dedupe: (*dedupe).into(),
            event_type: event_type.as_ref().map(|place| match place {
                EventType::Header(name) => format!("header:{name}"),
                EventType::Body(path) => (*path).to_owned(),
            }),
        }
    }
}

impl From<Dedupe> for DedupeView {
    fn from(dedupe: Dedupe) -> Self {
        let (by, value, headers): (_, _, &[&str]) = match dedupe {
            Dedupe::MessageId => ("message_id", None, &[]),
            Dedupe::Header(name) => ("header", Some(name), &[]),
            Dedupe::Headers(names) => ("headers", None, names),
            Dedupe::Body(path) => ("event_id", Some(path), &[]),
            Dedupe::BodyHash => ("body_hash", None, &[]),
            Dedupe::Never => ("never", None, &[]),
        };
        Self { by, value, headers }
    }
}

/// List the verification schemes
///
/// What each proves, whose secret it uses, and which of its details may be set.
#[utoipa::path(get, path = "/webhooks/presets", operation_id = "list_presets", tag = "Incoming webhooks",
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn list(caller: Caller) -> Result<ListView<PresetView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    Ok(ListView {
        data: signature::presets().iter().map(PresetView::from).collect(),
        next_cursor: None,
    })
}

/// Show a verification scheme
///
/// By its name or one of its aliases.
#[utoipa::path(get, path = "/webhooks/presets/{name}", operation_id = "get_preset", tag = "Incoming webhooks",
    params(("name" = String, Path, description = "Name or alias of the scheme", example = "github")),
    extensions(("x-required-scope" = json!("webhooks:read"))))]
pub async fn get(caller: Caller, Path(name): Path<String>) -> Result<Shown<PresetView>, Problem> {
    caller.require(Webhooks, Right::Read)?;
    let preset = signature::find(&name).map(PresetView::from);
    preset
        .map(Shown::new)
        .ok_or_else(|| Problem::not_found("verification scheme"))
}
