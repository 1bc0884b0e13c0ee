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
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
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

impl Noun for ApiKey {
    const TABLE: &str = "api_keys";
    const COLUMNS: &str = "id, tenant_id, name, scopes, hint, created_at, expires_at, revoked_at";
}

impl Read for ApiKey {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            scopes: row.get("scopes")?,
            hint: row.get("hint")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

impl Store {
    /// Keeps an API key under the hash of the key.
    pub async fn create_api_key(&self, key: &ApiKey, hash: &[u8; 32], by: &ChangeBy) -> Result<()> {
        const INSERT: &str = "INSERT INTO api_keys (id, tenant_id, name, hash, hint, scopes, created_at, \
                              expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let mut tx = self.db().begin().await?;
        sql(INSERT)
            .bind(key.id)
            .bind(key.tenant_id)
            .bind(&key.name)
            .bind(hash)
            .bind(&key.hint)
            .bind(&key.scopes)
            .bind(key.created_at)
            .bind(key.expires_at)
            .bind(key.revoked_at)
            .run(&mut tx)
            .await?;
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
        const FIND: &str = "SELECT api_keys.id, tenant_id, api_keys.name, scopes, hint, api_keys.created_at, \
                            expires_at, revoked_at FROM api_keys JOIN tenants ON tenants.id = tenant_id \
                            AND deleted_at IS NULL WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL \
                            OR expires_at > $2)";
        sql(FIND).bind(hash).bind(now).find(self.db()).await
    }

    /// The API keys of a tenant, with those that are expired or revoked.
    pub async fn list_api_keys(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>> {
        let keys = select(tenant);
        keys.page(page, |key: &ApiKey| key.id, self.db()).await
    }

    /// Revokes an API key; false if there is none that is not revoked already.
    pub async fn revoke_api_key(
        &self,
        tenant: TenantId,
        id: ApiKeyId,
        by: &ChangeBy,
    ) -> Result<bool> {
        const UPDATE: &str = "UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 \
                              AND revoked_at IS NULL";
        let mut tx = self.db().begin().await?;
        let revoked = sql(UPDATE)
            .bind(tenant)
            .bind(id)
            .bind(by.at)
            .run(&mut tx)
            .await?;
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

impl Noun for OauthClient {
    const TABLE: &str = "oauth_clients";
    const COLUMNS: &str = "id, tenant_id, name, scopes, created_at";
}

impl Read for OauthClient {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tenant_id: row.get("tenant_id")?,
            name: row.get("name")?,
            scopes: row.get("scopes")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// An OAuth client with the hash of its secret.
struct Hashed(OauthClient, [u8; 32]);

impl Read for Hashed {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(OauthClient::read(row)?, row.get("hash")?))
    }
}

impl Store {
    /// Keeps an OAuth client with the hash of its secret.
    pub async fn create_oauth_client(
        &self,
        client: &OauthClient,
        hash: &[u8; 32],
        by: &ChangeBy,
    ) -> Result<()> {
        const INSERT: &str = "INSERT INTO oauth_clients (id, tenant_id, name, hash, scopes, created_at) \
                              VALUES ($1, $2, $3, $4, $5, $6)";
        let mut tx = self.db().begin().await?;
        sql(INSERT)
            .bind(client.id)
            .bind(client.tenant_id)
            .bind(&client.name)
            .bind(hash)
            .bind(&client.scopes)
            .bind(client.created_at)
            .run(&mut tx)
            .await?;
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
        const FIND: &str = "SELECT oauth_clients.id, tenant_id, oauth_clients.name, hash, scopes, \
                            oauth_clients.created_at FROM oauth_clients JOIN tenants ON tenants.id = tenant_id \
                            AND deleted_at IS NULL WHERE oauth_clients.id = $1 AND revoked_at IS NULL";
        let found = sql(FIND).bind(id).find(self.db()).await?;
        Ok(found.map(|Hashed(client, hash)| (client, hash)))
    }

    /// The OAuth clients of a tenant that are not revoked.
    pub async fn list_oauth_clients(
        &self,
        tenant: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OauthClient>> {
        let clients = select(tenant).that("revoked_at IS NULL");
        let id = |client: &OauthClient| client.id;
        clients.page(page, id, self.db()).await
    }

    /// Revokes an OAuth client and deletes its tokens; false if there is none that is not revoked
    /// already.
    pub async fn revoke_oauth_client(
        &self,
        tenant: TenantId,
        id: ClientId,
        by: &ChangeBy,
    ) -> Result<bool> {
        const UPDATE: &str = "UPDATE oauth_clients SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 \
                              AND revoked_at IS NULL";
        let mut tx = self.db().begin().await?;
        let revoked = sql(UPDATE)
            .bind(tenant)
            .bind(id)
            .bind(by.at)
            .run(&mut tx)
            .await?;
        if revoked > 0 {
            sql("DELETE FROM access_tokens WHERE tenant_id = $1 AND client_id = $2")
                .bind(tenant)
                .bind(id)
                .run(&mut tx)
                .await?;
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

impl Read for AccessToken {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            tenant_id: row.get("tenant_id")?,
            client_id: row.get("client_id")?,
            scopes: row.get("scopes")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl Store {
    /// Keeps an access token under its hash.
    pub async fn add_access_token(&self, hash: &[u8; 32], token: &AccessToken) -> Result<()> {
        const INSERT: &str = "INSERT INTO access_tokens (hash, tenant_id, client_id, scopes, expires_at) \
                              VALUES ($1, $2, $3, $4, $5)";
        sql(INSERT)
            .bind(hash)
            .bind(token.tenant_id)
            .bind(token.client_id)
            .bind(&token.scopes)
            .bind(token.expires_at)
            .commit(self.db())
            .await?;
        Ok(())
    }

    /// The access token with this hash, if it works at `now`. Its client is looked at too: a token
    /// that was being made while its client was revoked does not outlive it.
    pub async fn find_access_token(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<AccessToken>> {
        const FIND: &str = "SELECT t.tenant_id, t.client_id, t.scopes, t.expires_at FROM access_tokens AS t \
                            JOIN oauth_clients ON oauth_clients.id = t.client_id AND revoked_at IS NULL JOIN tenants \
                            ON tenants.id = t.tenant_id AND deleted_at IS NULL WHERE t.hash = $1 \
                            AND t.expires_at > $2";
        sql(FIND).bind(hash).bind(now).find(self.db()).await
    }

    /// Removes up to `limit` access tokens that have expired, of all tenants; returns how many.
    pub async fn delete_expired_access_tokens(&self, now: Timestamp, limit: usize) -> Result<u64> {
        const DELETE: &str = "DELETE FROM access_tokens WHERE hash IN (SELECT hash FROM access_tokens \
                              WHERE expires_at <= $1 LIMIT $2)";
        sql(DELETE).bind(now).bind(limit).commit(self.db()).await
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
