//! What remote MCP servers offer: each tool as it was accepted, and as it was seen last.

use tieline_domain::{
    TenantId,
    mcp_server::{Pin, RemoteTool},
};

use crate::{
    Error, Result, Store,
    db::{Tx, in_tx, on_db},
};

type Row = (String, Option<String>, Option<String>);

impl Store {
    /// The tools of a server, by name.
    pub async fn mcp_tools(&self, tenant: TenantId, server: &str) -> Result<Vec<Pin>> {
        let rows = on_db!(self.db(), |c| sqlx::query_as::<_, Row>(
            "SELECT name, accepted, seen FROM mcp_tools
             WHERE tenant_id = $1 AND server_id = $2 ORDER BY name"
        )
        .bind(tenant.to_string())
        .bind(server)
        .fetch_all(c)
        .await)?;
        rows.into_iter().map(pin).collect()
    }

    /// Puts the tools of a server in the place of those that were kept.
    pub async fn replace_mcp_tools(
        &self,
        tenant: TenantId,
        server: &str,
        pins: &[Pin],
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        in_tx!(tx, |c| sqlx::query(
            "DELETE FROM mcp_tools WHERE tenant_id = $1 AND server_id = $2"
        )
        .bind(tenant.to_string())
        .bind(server)
        .execute(c)
        .await
        .map(drop))?;
        for pin in pins {
            insert(&mut tx, tenant, server, pin).await?;
        }
        tx.commit().await
    }
}

async fn insert(tx: &mut Tx, tenant: TenantId, server: &str, pin: &Pin) -> Result<()> {
    in_tx!(tx, |c| sqlx::query(
        "INSERT INTO mcp_tools (tenant_id, server_id, name, accepted, seen)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(tenant.to_string())
    .bind(server)
    .bind(&pin.name)
    .bind(pin.accepted.as_ref().map(written))
    .bind(pin.seen.as_ref().map(written))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

fn written(tool: &RemoteTool) -> String {
    serde_json::to_string(tool).expect("a tool holds only what JSON can express")
}

fn pin((name, accepted, seen): Row) -> Result<Pin> {
    let read = |text: Option<String>| {
        let tool = text.map(|text| serde_json::from_str(&text));
        tool.transpose()
            .map_err(|error| Error::Content(error.to_string()))
    };
    Ok(Pin {
        name,
        accepted: read(accepted)?,
        seen: read(seen)?,
    })
}
