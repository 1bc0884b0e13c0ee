//! What a new installation needs before anyone can use it: the first tenant and its owner's key.

use rand::random;
use tieline_domain::{
    ApiKeyId, TenantId,
    access::{ApiKey, Scopes},
};
use tieline_store::{ChangeBy, PageRequest, Result, Store};

use crate::{
    api::credential::{API_KEY, SecretText},
    config::Secret,
    vault::hash_token,
};

/// The first tenant, and the key that was made for its owner just now.
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The key, if one was generated: to be shown this once.
    pub generated: Option<SecretText>,
}

/// Makes the first tenant if there is none, with a key for its owner: `owner_key` if the operator gave
/// one, else a generated one.
pub async fn prepare(store: &Store, owner_key: Option<&Secret>, by: &ChangeBy) -> Result<Owner> {
    let oldest = oldest_tenant(store).await?;
    let tenant = if let Some(tenant) = oldest {
        tenant
    } else {
        let id = TenantId::new(by.at, random());
        store.create_tenant(id, "Default", by).await?.id
    };
    let generated = match owner_key {
        Some(given) => {
            let hash = hash_token(given.expose());
            if store.find_api_key(&hash, by.at).await?.is_none() {
                add_key(
                    store,
                    tenant,
                    &SecretText::from(given.expose().to_owned()),
                    "Owner",
                    by,
                )
                .await?;
            }
            None
        }
        None if oldest.is_none() => Some(new_key(store, tenant, "Owner", by).await?),
        None => None,
    };
    Ok(Owner { tenant, generated })
}

async fn oldest_tenant(store: &Store) -> Result<Option<TenantId>> {
    let mut page = PageRequest::first(tieline_store::page::MAX_LIMIT);
    let mut oldest = None;
    loop {
        let found = store.list_tenants(&page).await?;
        oldest = found.items.last().map(|tenant| tenant.id).or(oldest);
        match found.next {
            Some(next) => page.after = Some(next),
            None => return Ok(oldest),
        }
    }
}

/// A new key with every scope, for the owner of `tenant`.
pub async fn new_key(
    store: &Store,
    tenant: TenantId,
    name: &str,
    by: &ChangeBy,
) -> Result<SecretText> {
    let key = SecretText::generate(API_KEY);
    add_key(store, tenant, &key, name, by).await?;
    Ok(key)
}

async fn add_key(
    store: &Store,
    tenant: TenantId,
    text: &SecretText,
    name: &str,
    by: &ChangeBy,
) -> Result<()> {
    let key = ApiKey {
        id: ApiKeyId::new(by.at, random()),
        tenant_id: tenant,
        name: name.to_owned(),
        scopes: Scopes::owner(),
        hint: text.hint(),
        created_at: by.at,
        expires_at: None,
        revoked_at: None,
    };
    store.create_api_key(&key, &hash_token(text), by).await
}
