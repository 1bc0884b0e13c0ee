//! API keys, OAuth clients and access tokens: kept as hashes, found by hash.
//!
//! The look-ups cross tenants, as hashes and client ids are unguessable; they find nothing that is
//! revoked, expired, or of a deleted tenant.

use tieline_domain::{
    ApiKeyId, ClientId, TenantId, Timestamp,
    access::{ApiKey, OauthClient, Scopes},
};

use crate::{
    Page, PageRequest, Result, Store,
    audit::{self, Action, Change, ChangeBy},
    db::{Tx, in_tx, on_db},
    store::{hash, parsed},
};

/// An access token as it is kept: without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The tenant it opens.
    pub tenant_id: TenantId,
    /// The client that asked for it.
    pub client_id: ClientId,
    /// What it allows.
    pub scopes: Scopes,
    /// When it stops to work.
    pub expires_at: Timestamp,
}

type KeyRow = (
    String,
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

fn api_key(row: KeyRow) -> Result<ApiKey> {
    let (id, tenant_id, name, scopes, hint, created_at, expires_at, revoked_at) = row;
    Ok(ApiKey {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant_id)?,
        name,
        scopes: parsed(&scopes)?,
        hint,
        created_at: Timestamp::from_micros(created_at),
        expires_at: expires_at.map(Timestamp::from_micros),
        revoked_at: revoked_at.map(Timestamp::from_micros),
    })
}

impl Store {
    /// Keeps an API key under the hash of the key.
    pub async fn create_api_key(&self, key: &ApiKey, hash: &[u8; 32], by: &ChangeBy) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| {
            sqlx::query(
            "INSERT INTO api_keys (id, tenant_id, name, hash, hint, scopes, created_at, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        )
        .bind(key.id.to_string())
        .bind(key.tenant_id.to_string())
        .bind(&key.name)
        .bind(&hash[..])
        .bind(&key.hint)
        .bind(key.scopes.to_string())
        .bind(key.created_at.as_micros())
        .bind(key.expires_at.map(Timestamp::as_micros))
        .bind(key.revoked_at.map(Timestamp::as_micros))
        .execute(c)
        .await
        .map(drop)
        })?;
        let body = serde_json::json!({
            "name": key.name,
            "scopes": key.scopes,
            "expires_at": key.expires_at,
        });
        let object = Object::ApiKey(key.id);
        record(
            &mut tx,
            Action::Create,
            key.tenant_id,
            object,
            Some(body.to_string()),
            by,
        )
        .await?;
        tx.commit().await
    }

    /// The API key with this hash, if it works at `now`.
    pub async fn find_api_key(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<ApiKey>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<_, KeyRow>(
            "SELECT api_keys.id, tenant_id, api_keys.name, scopes, hint,
                    api_keys.created_at, expires_at, revoked_at
             FROM api_keys JOIN tenants ON tenants.id = tenant_id AND deleted_at IS NULL
             WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
        )
        .bind(&hash[..])
        .bind(now.as_micros())
        .fetch_optional(c)
        .await)?;
        row.map(api_key).transpose()
    }

    /// The API keys of a tenant, with those that are expired or revoked.
    pub async fn list_api_keys(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, KeyRow>(
            "SELECT id, tenant_id, name, scopes, hint, created_at, expires_at, revoked_at
             FROM api_keys WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        )
        .bind(tenant.to_string())
        .bind(page.below())
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let keys = rows.into_iter().map(api_key).collect::<Result<_>>()?;
        Ok(Page::cut(keys, page, |key| key.id))
    }

    /// Revokes an API key; false if there is none that is not revoked already.
    pub async fn revoke_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        by: &ChangeBy,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let revoked = in_tx!(tx, |c| sqlx::query(
            "UPDATE api_keys SET revoked_at = $3
             WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL"
        )
        .bind(tenant.to_string())
        .bind(id.to_string())
        .bind(by.at.as_micros())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
        if revoked > 0 {
            record(
                &mut tx,
                Action::Revoke,
                tenant,
                Object::ApiKey(id),
                None,
                by,
            )
            .await?;
        }
        tx.commit().await?;
        Ok(revoked > 0)
    }
}

type ClientRow = (String, String, String, Vec<u8>, String, i64);

fn client(row: ClientRow) -> Result<(OauthClient, [u8; 32])> {
    let (id, tenant_id, name, secret, scopes, created_at) = row;
    let client = OauthClient {
        id: parsed(&id)?,
        tenant_id: parsed(&tenant_id)?,
        name,
        scopes: parsed(&scopes)?,
        created_at: Timestamp::from_micros(created_at),
    };
    Ok((client, hash(&secret)?))
}

impl Store {
    /// Keeps an OAuth client with the hash of its secret.
    pub async fn create_oauth_client(
        &self,
        client: &OauthClient,
        hash: &[u8; 32],
        by: &ChangeBy,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(
            "INSERT INTO oauth_clients (id, tenant_id, name, hash, scopes, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)"
        )
        .bind(client.id.to_string())
        .bind(client.tenant_id.to_string())
        .bind(&client.name)
        .bind(&hash[..])
        .bind(client.scopes.to_string())
        .bind(client.created_at.as_micros())
        .execute(c)
        .await
        .map(drop))?;
        let body = serde_json::json!({ "name": client.name, "scopes": client.scopes }).to_string();
        let object = Object::Client(client.id);
        record(
            &mut tx,
            Action::Create,
            client.tenant_id,
            object,
            Some(body),
            by,
        )
        .await?;
        tx.commit().await
    }

    /// An OAuth client that is not revoked, with the hash of its secret: compare in constant time.
    pub async fn find_oauth_client(&self, id: ClientId) -> Result<Option<(OauthClient, [u8; 32])>> {
        let row = on_db!(self.db(), |c| {
            sqlx::query_as::<_, ClientRow>(
            "SELECT oauth_clients.id, tenant_id, oauth_clients.name, hash, scopes, oauth_clients.created_at
             FROM oauth_clients JOIN tenants ON tenants.id = tenant_id AND deleted_at IS NULL
             WHERE oauth_clients.id = $1 AND revoked_at IS NULL"
        )
        .bind(id.to_string())
        .fetch_optional(c)
        .await
        })?;
        row.map(client).transpose()
    }

    /// The OAuth clients of a tenant that are not revoked.
    pub async fn list_oauth_clients(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OauthClient>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, ClientRow>(
            "SELECT id, tenant_id, name, hash, scopes, created_at FROM oauth_clients
             WHERE tenant_id = $1 AND id < $2 AND revoked_at IS NULL ORDER BY id DESC LIMIT $3"
        )
        .bind(tenant.to_string())
        .bind(page.below())
        .bind(page.rows())
        .fetch_all(c)
        .await)?;
        let clients = rows
            .into_iter()
            .map(|row| client(row).map(|(client, _)| client))
            .collect::<Result<_>>()?;
        Ok(Page::cut(clients, page, |client| client.id))
    }

    /// Revokes an OAuth client and deletes its tokens; false if there is none that is not revoked
    /// already.
    pub async fn revoke_oauth_client(
        &self,
        tenant: TenantId,
        id: ClientId,
        by: &ChangeBy,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let revoked = in_tx!(tx, |c| sqlx::query(
            "UPDATE oauth_clients SET revoked_at = $3
             WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL"
        )
        .bind(tenant.to_string())
        .bind(id.to_string())
        .bind(by.at.as_micros())
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
        if revoked > 0 {
            in_tx!(tx, |c| sqlx::query(
                "DELETE FROM access_tokens WHERE tenant_id = $1 AND client_id = $2"
            )
            .bind(tenant.to_string())
            .bind(id.to_string())
            .execute(c)
            .await
            .map(drop))?;
            record(
                &mut tx,
                Action::Revoke,
                tenant,
                Object::Client(id),
                None,
                by,
            )
            .await?;
        }
        tx.commit().await?;
        Ok(revoked > 0)
    }
}

impl Store {
    /// Keeps an access token under its hash.
    pub async fn add_access_token(&self, hash: &[u8; 32], token: &AccessToken) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(
            "INSERT INTO access_tokens (hash, tenant_id, client_id, scopes, expires_at)
             VALUES ($1, $2, $3, $4, $5)"
        )
        .bind(&hash[..])
        .bind(token.tenant_id.to_string())
        .bind(token.client_id.to_string())
        .bind(token.scopes.to_string())
        .bind(token.expires_at.as_micros())
        .execute(c)
        .await
        .map(drop))?;
        tx.commit().await
    }

    /// The access token with this hash, if it works at `now`. Its client is looked at too: a token
    /// that was being made while its client was revoked does not outlive it.
    pub async fn find_access_token(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<AccessToken>> {
        let row = on_db!(self.db(), |c| sqlx::query_as::<
            _,
            (String, String, String, i64),
        >(
            "SELECT t.tenant_id, t.client_id, t.scopes, t.expires_at
             FROM access_tokens AS t
             JOIN oauth_clients ON oauth_clients.id = t.client_id AND revoked_at IS NULL
             JOIN tenants ON tenants.id = t.tenant_id AND deleted_at IS NULL
             WHERE t.hash = $1 AND t.expires_at > $2"
        )
        .bind(&hash[..])
        .bind(now.as_micros())
        .fetch_optional(c)
        .await)?;
        row.map(|(tenant_id, client_id, scopes, expires_at)| {
            Ok(AccessToken {
                tenant_id: parsed(&tenant_id)?,
                client_id: parsed(&client_id)?,
                scopes: parsed(&scopes)?,
                expires_at: Timestamp::from_micros(expires_at),
            })
        })
        .transpose()
    }

    /// Removes up to `limit` access tokens that have expired, of all tenants; returns how many.
    pub async fn delete_expired_access_tokens(&self, now: Timestamp, limit: usize) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let deleted = in_tx!(tx, |c| sqlx::query(
            "DELETE FROM access_tokens WHERE hash IN
               (SELECT hash FROM access_tokens WHERE expires_at <= $1 LIMIT $2)"
        )
        .bind(now.as_micros())
        .bind(limit as i64)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(deleted)
    }
}

enum Object {
    ApiKey(ApiKeyId),
    Client(ClientId),
}

async fn record(
    tx: &mut Tx,
    action: Action,
    tenant_id: TenantId,
    object: Object,
    after: Option<String>,
    by: &ChangeBy,
) -> Result<()> {
    let (kind, id) = match object {
        Object::ApiKey(id) => ("api_key", id.to_string()),
        Object::Client(id) => ("oauth_client", id.to_string()),
    };
    let change = Change {
        tenant_id,
        action,
        kind,
        id: &id,
        before: None,
        after: after.as_deref(),
    };
    audit::record(tx, change, by).await
}
