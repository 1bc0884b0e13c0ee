//! The senders that incoming webhooks know: `/v1/webhooks/presets`.

use serde::Serialize;
use tieline_domain::{
    access::{Area::Webhooks, Right},
    signature::{self, Dedupe, EventType, Override, Preset, SecretOwner},
};
use utoipa::ToSchema;

use super::{answer::ListView, caller::Caller, problem::Problem};

/// A verification scheme: how one kind of sender proves itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "github", "aliases": [], "title": "GitHub", "proves": "The sender holds the secret and sent exactly these bytes; an old request can be sent again.", "secret": "ours", "secret_help": "Enter the secret under Settings, Webhooks, Secret of the repository, organization or app.", "overrides": [], "dedupe": {"by": "header", "value": "X-GitHub-Delivery"}, "event_type": "header:X-GitHub-Event"}))]
pub struct PresetView {
    /// What `verification.scheme` takes.
    name: &'static str,
    /// Other names that it takes.
    aliases: &'static [&'static str],
    /// Its name, for people.
    title: &'static str,
    /// What an accepted request proves.
    proves: &'static str,
    /// Who makes the secret: `ours` (we generate one, enter it at the sender), `theirs` (the sender shows
    /// one, bring it), `sender` (its first request brings one), or `none`.
    secret: &'static str,
    /// Where the secret is found or entered.
    secret_help: &'static str,
    /// The fields of `verification` that may be given.
    overrides: Vec<&'static str>,
    /// What tells a repeat, unless the webhook says otherwise.
    dedupe: DedupeView,
    /// Where the sender tells the type of an event, as `event_type` of a webhook takes it.
    event_type: Option<String>,
}

/// What tells a repeat.
#[derive(Debug, Serialize, ToSchema)]
pub struct DedupeView {
    /// `message_id`, `header`, `event_id` or `body_hash`.
    by: &'static str,
    /// The header, or the JSONPath of the event's id.
    value: Option<&'static str>,
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
            handshakes: _,
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
        let (by, value) = match dedupe {
            Dedupe::MessageId => ("message_id", None),
            Dedupe::Header(name) => ("header", Some(name)),
            Dedupe::Body(path) => ("event_id", Some(path)),
            Dedupe::BodyHash => ("body_hash", None),
        };
        Self { by, value }
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
