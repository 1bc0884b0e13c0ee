//! `serve --demo`: a source and a subscription to try, and the commands that try them.

use tieline_domain::{TenantId, source::Source, subscription::Subscription};
use tieline_store::{
    ChangeBy, PageRequest,
    documents::{Document, Kind},
    sealed::SealedKind,
};

use crate::{
    app::{App, StartError},
    first_run, webhooks,
};

/// Where the commands that are printed listen for deliveries.
const RECEIVER: &str = "http://127.0.0.1:9100/hook";

/// The name of the demo's source.
const SOURCE: &str = "Demo: CRM leads";

/// Makes what the demo needs, if it is not there yet, and says how to try it.
pub async fn prepare(app: &App, tenant: TenantId, say: &impl Fn(&str)) -> Result<(), StartError> {
    let by = ChangeBy {
        actor: "demo".to_owned(),
        request_id: None,
        at: app.clock.unique_now(),
    };
    let key = first_run::new_key(&app.store, tenant, "Demo", &by).await?;
    let source = source(app, tenant, &by).await?;
    let subscription = subscription(app, tenant, &by).await?;
    let source_secret = secret(app, tenant, SealedKind::Source, &source.id).await?;
    let subscription_secret =
        secret(app, tenant, SealedKind::Subscription, &subscription.id).await?;
    let api = app.public_url.as_str().trim_end_matches('/');
    let program = std::env::current_exe();
    let program = program.map_or_else(|_| "tieline".to_owned(), |path| path.display().to_string());
    let text = format!(
        "\nDemo: a source ({source}) and a subscription ({subscription}) are ready.\n\
         1. In a second terminal, receive what Tieline delivers:\n   \
         {program} listen {RECEIVER} --secret {subscription_secret}\n\
         2. In a third one, send a signed webhook, as a CRM would:\n   \
         {program} send {api}/in/{source} --scheme hmac-sha256 --secret {source_secret}\n\
         3. See the event and what it caused:\n   \
         curl -H 'Authorization: Bearer {key}' {api}/v1/events\n\
         The reference of the API is at {api}/docs\n",
        source = source.id,
        subscription = subscription.id,
        key = &*key,
    );
    text.lines().for_each(say);
    Ok(())
}

async fn source(app: &App, tenant: TenantId, by: &ChangeBy) -> Result<Document, StartError> {
    let existing = app
        .store
        .list_documents(tenant, Kind::Source, &PageRequest::first(100))
        .await?;
    let ours = |document: &Document| {
        serde_json::from_str::<Source>(&document.body).is_ok_and(|source| source.name == SOURCE)
    };
    if let Some(document) = existing.items.into_iter().find(ours) {
        return Ok(document);
    }
    let new = Source {
        event_type: Some("$.event".to_owned()),
        ..Source::named(SOURCE)
    };
    let made = app.sources.create(tenant, &new, None, by).await;
    made.map(|(document, _)| document).map_err(failed)
}

async fn subscription(app: &App, tenant: TenantId, by: &ChangeBy) -> Result<Document, StartError> {
    let existing = app
        .store
        .list_documents(tenant, Kind::Subscription, &PageRequest::first(100))
        .await?;
    let ours = |document: &Document| {
        serde_json::from_str::<Subscription>(&document.body).is_ok_and(|it| it.url == RECEIVER)
    };
    if let Some(document) = existing.items.into_iter().find(ours) {
        return Ok(document);
    }
    let all = "*".parse().expect("`*` is a pattern");
    let new = Subscription::to(RECEIVER, vec![all]);
    let made = app.subscriptions.create(tenant, new.into(), by).await;
    made.map(|(document, _)| document).map_err(failed)
}

async fn secret(
    app: &App,
    tenant: TenantId,
    kind: SealedKind,
    name: &str,
) -> Result<String, StartError> {
    let sealed = app
        .store
        .current_sealed(tenant, kind, name, app.clock.now())
        .await?;
    let newest = sealed
        .first()
        .map(|version| version.sealed.as_slice())
        .unwrap_or_default();
    let secret = app.vault.unseal(tenant, kind, name, newest).await?;
    Ok(secret.expose_text().unwrap_or_default().to_owned())
}

fn failed(error: webhooks::Error) -> StartError {
    match error {
        webhooks::Error::Store(error) => error.into(),
        webhooks::Error::Vault(error) => error.into(),
        webhooks::Error::Registry(error) => tieline_store::Error::Content(error.to_string()).into(),
        webhooks::Error::Invalid(violations) => {
            let all: Vec<_> = violations.iter().map(ToString::to_string).collect();
            tieline_store::Error::Content(all.join("; ")).into()
        }
    }
}
