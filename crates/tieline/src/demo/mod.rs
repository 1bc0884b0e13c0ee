//! `serve --demo`: simulated services, what is needed to try them, and the commands that do.

mod services;
mod setup;

use tieline_domain::TenantId;
use tieline_store::{ChangeBy, sealed::SealedKind};

pub use services::Services;

use crate::{
    app::{App, StartError},
    first_run,
};

/// Where the commands that are printed listen for deliveries.
const RECEIVER: &str = "http://127.0.0.1:9100/hook";

/// The lead that is announced: the simulated CRM knows its address. Each message has an id of its own, for what comes twice
/// is taken once.
const LEAD: &str = r#"{"id": "{{id}}", "event": "lead.created", "data": {"id": "lead_123", "company_name": "Acme Corp", "description": "Interested in enterprise plan, john@acme.com"}}"#;

/// Starts the services, makes what is not there yet, and says how to try it. The services run for as long as what is
/// returned is kept.
pub async fn prepare(
    app: &App,
    tenant: TenantId,
    say: &impl Fn(&str),
) -> Result<Services, StartError> {
    let by = ChangeBy {
        actor: "demo".to_owned(),
        request_id: None,
        at: app.clock.unique_now(),
    };
    let key = first_run::new_key(&app.store, tenant, "Demo", &by).await?;
    let services = Services::start().await.map_err(StartError::Demo)?;
    let ids = setup::prepare(app, &key, &services)
        .await
        .map_err(StartError::Demo)?;
    let id = |name: &str| ids.get(name).map(String::as_str).unwrap_or_default();
    let (contacts, leads, webhook) = (
        id("Demo: CRM contacts"),
        id("Demo: CRM leads"),
        id(RECEIVER),
    );
    let contacts_secret = secret(app, tenant, SealedKind::Source, contacts).await?;
    let leads_secret = secret(app, tenant, SealedKind::Source, leads).await?;
    let webhook_secret = secret(app, tenant, SealedKind::Subscription, webhook).await?;
    let api = app.public_url.as_str().trim_end_matches('/');
    let program = std::env::current_exe();
    let program = program.map_or_else(|_| "tieline".to_owned(), |path| path.display().to_string());
    let text = format!(
        "\nDemo: an incoming webhook ({contacts}), a webhook to deliver to ({webhook}), and an agent that answers leads \
         ({leads}) with a simulated model and CRM.\n\
         1. In a second terminal, receive what Tieline delivers:\n   \
         {program} listen {RECEIVER} --secret {webhook_secret}\n\
         2. In a third one, send a signed webhook, as a CRM would:\n   \
         {program} send {api}/in/{contacts} --scheme hmac-sha256 --secret {contacts_secret}\n\
         3. See the event and what it caused:\n   \
         curl -H 'Authorization: Bearer {key}' {api}/v1/events\n\
         4. Announce a lead to the agent, which looks the customer up and answers:\n   \
         {program} send {api}/in/{leads} --scheme hmac-sha256 --secret {leads_secret} --data-template '{LEAD}'\n\
         5. See the conversation; /turns behind its id has every step:\n   \
         curl -H 'Authorization: Bearer {key}' '{api}/v1/conversations?agent_id=agent_sales'\n\
         6. Let an MCP client use the same tools: {api}/mcp/agent_sales, with the header Authorization: Bearer {key}\n\
         The reference of the API is at {api}/docs\n",
        key = &*key,
    );
    text.lines().for_each(say);
    Ok(services)
}

/// The secret that signs what comes in or goes out.
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
