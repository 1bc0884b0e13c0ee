//! `tieline keys`: API keys in the store, for the operator of the machine.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use tieline_domain::{
    ApiKeyId, TenantId, Timestamp,
    access::{ApiKey, Scopes},
    clock::Clock,
    tenant::Tenant,
};
use tieline_store::{ChangeBy, PageRequest, Store, page::MAX_LIMIT};

use super::{
    Outcome,
    settings::SettingFlags,
    storage,
    terminal::{Ink, Terminal, say, say_error},
};
use crate::{
    api::{
        credential::{self, SecretText},
        label,
    },
    vault::hash_token,
};

/// Whom the audit log names for what is done here.
const ACTOR: &str = "operator";
/// The name of the tenant that is made where there is none.
const FIRST_TENANT: &str = "Default";
/// What the columns of the list hold.
const HEAD: [&str; 7] = ["ID", "TENANT", "HINT", "CREATED", "STATE", "NAME", "SCOPES"];

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key and print it, this once
    Create {
        /// Tenant that it opens; the oldest if not given, which is made if there is none
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        /// What to call it
        #[arg(long, default_value = "Command line")]
        name: String,
        /// What it allows: `*`, or a list such as "events:write webhooks:read"
        #[arg(long, default_value = "*")]
        scopes: Scopes,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// List the keys, with those that are expired or revoked
    List {
        /// Only those of this tenant
        #[arg(long, value_name = "ID")]
        tenant: Option<TenantId>,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Revoke a key
    Revoke {
        /// Id of the key, as `keys list` shows it
        id: ApiKeyId,
        #[command(flatten)]
        settings: SettingFlags,
    },
}

/// Does what was asked for with the keys of the configured store.
pub(super) async fn run(arguments: Arguments, terminal: Terminal) -> Outcome {
    match arguments.action {
        Action::Create {
            tenant,
            name,
            scopes,
            settings,
        } => {
            let desk = Desk::open(&settings).await?;
            desk.create(tenant, name, scopes).await?;
        }
        Action::List { tenant, settings } => {
            Desk::open(&settings).await?.list(tenant, terminal).await?;
        }
        Action::Revoke { id, settings } => {
            Desk::open(&settings).await?.revoke(id).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where keys are handed out.
struct Desk {
    store: Store,
    clock: Clock,
}

impl Desk {
    async fn open(settings: &SettingFlags) -> Result<Self, super::Failure> {
        let config = settings.load()?.config;
        let db = storage::open_migrated(&config).await?;
        Ok(Self {
            store: Store::new(db),
            clock: Clock::system(),
        })
    }

    async fn create(
        &self,
        tenant: Option<TenantId>,
        name: String,
        scopes: Scopes,
    ) -> anyhow::Result<()> {
        if let Some(violation) = label::name("/name", &name).first() {
            bail!("--name {}", violation.detail);
        }
        if scopes.0.is_empty() {
            bail!("--scopes names no scope, so the key would allow nothing; write * for all");
        }
        let tenant = self.tenant_or_first(tenant).await?;
        let by = self.change();
        let text = SecretText::generate(credential::API_KEY);
        let key = ApiKey {
            id: ApiKeyId::new(by.at, rand::random()),
            tenant_id: tenant.id,
            name,
            scopes,
            hint: text.hint(),
            created_at: by.at,
            expires_at: None,
            revoked_at: None,
        };
        self.store
            .create_api_key(&key, &hash_token(&text), &by)
            .await
            .context("cannot keep the key")?;
        say_error(format_args!(
            "made {} of tenant {} ({}) with the scopes `{}`; the key is shown only now:",
            key.id, tenant.id, tenant.name, key.scopes
        ));
        say(&*text)?;
        Ok(())
    }

    async fn list(&self, tenant: Option<TenantId>, terminal: Terminal) -> anyhow::Result<()> {
        let tenants = match tenant {
            Some(id) => vec![self.tenant(id).await?],
            None => self.tenants().await?,
        };
        let now = self.clock.now();
        let mut listed = 0;
        for tenant in tenants {
            for key in self.keys_of(tenant.id).await? {
                if listed == 0 {
                    let head = row(HEAD);
                    say(terminal.paint(Ink::Strong, &head))?;
                }
                say(key_row(&key, now))?;
                listed += 1;
            }
        }
        if listed == 0 {
            say_error("there are no keys; make one with `tieline keys create`");
        }
        Ok(())
    }

    async fn revoke(&self, id: ApiKeyId) -> anyhow::Result<()> {
        for tenant in self.tenants().await? {
            let by = self.change();
            let revoked = self.store.revoke_api_key(tenant.id, id, &by);
            if revoked.await.context("cannot revoke the key")? {
                say(format_args!(
                    "revoked {id} of tenant {}; a running server refuses it within a second",
                    tenant.id
                ))?;
                return Ok(());
            }
        }
        bail!("there is no key {id} that still works; `tieline keys list` shows them all")
    }

    fn change(&self) -> ChangeBy {
        ChangeBy {
            actor: ACTOR.to_owned(),
            request_id: None,
            at: self.clock.unique_now(),
        }
    }

    async fn tenant_or_first(&self, id: Option<TenantId>) -> anyhow::Result<Tenant> {
        if let Some(id) = id {
            return self.tenant(id).await;
        }
        if let Some(first) = self.tenants().await?.pop() {
            return Ok(first);
        }
        let by = self.change();
        let made =
            self.store
                .create_tenant(TenantId::new(by.at, rand::random()), FIRST_TENANT, &by);
        made.await.context("cannot make the first tenant")
    }

    async fn tenant(&self, id: TenantId) -> anyhow::Result<Tenant> {
        let found = self.store.find_tenant(id).await?;
        found.with_context(|| format!("there is no tenant {id}"))
    }

    /// All tenants, the newest first.
    async fn tenants(&self) -> anyhow::Result<Vec<Tenant>> {
        let mut request = PageRequest::first(MAX_LIMIT);
        let mut all = Vec::new();
        loop {
            let page = self.store.list_tenants(&request).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn keys_of(&self, tenant: TenantId) -> anyhow::Result<Vec<ApiKey>> {
        let mut request = PageRequest::first(MAX_LIMIT);
        let mut all = Vec::new();
        loop {
            let page = self.store.list_api_keys(tenant, &request).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => return Ok(all),
            }
        }
    }
}

fn key_row(key: &ApiKey, now: Timestamp) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "works",
    };
    row([
        &key.id.to_string(),
        &key.tenant_id.to_string(),
        &format!("…{}", key.hint),
        &key.created_at.to_string(),
        state,
        &key.name,
        &key.scopes.to_string(),
    ])
}

fn row([id, tenant, hint, created, state, name, scopes]: [&str; 7]) -> String {
    format!("{id:<30}  {tenant:<29}  {hint:<5}  {created:<24}  {state:<7}  {name:<20}  {scopes}")
}
