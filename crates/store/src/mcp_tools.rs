//! What remote MCP servers offer: each tool as it was accepted, and as it was seen last.

use tieline_domain::{
    TenantId,
    mcp_server::{Pin, RemoteTool},
};

use crate::{
    Result, Store,
    db::Tx,
    sql::{Noun, Read, Row, select, sql},
};

impl Noun for Pin {
    const TABLE: &str = "mcp_tools";
    const COLUMNS: &str = "name, accepted, seen";
}

impl Read for Pin {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            accepted: row.json_if_any("accepted")?,
            seen: row.json_if_any("seen")?,
        })
    }
}

impl Store {
    /// The tools of a server, by name.
    pub async fn mcp_tools(&self, tenant: TenantId, server: &str) -> Result<Vec<Pin>> {
        let tools = select(tenant).with("server_id = ?", server);
        tools.list("name", self.db()).await
    }

    /// Puts the tools of a server in the place of those that were kept.
    pub async fn replace_mcp_tools(
        &self,
        tenant: TenantId,
        server: &str,
        pins: &[Pin],
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        sql("DELETE FROM mcp_tools WHERE tenant_id = $1 AND server_id = $2")
            .bind(tenant)
            .bind(server)
            .run(&mut tx)
            .await?;
        for pin in pins {
            insert(&mut tx, tenant, server, pin).await?;
        }
        tx.commit().await
    }
}

async fn insert(tx: &mut Tx, tenant: TenantId, server: &str, pin: &Pin) -> Result<()> {
    const INSERT: &str = "INSERT INTO mcp_tools (tenant_id, server_id, name, accepted, seen) \
                          VALUES ($1, $2, $3, $4, $5)";
    sql(INSERT)
        .bind(tenant)
        .bind(server)
        .bind(&pin.name)
        .bind(pin.accepted.as_ref().map(written))
        .bind(pin.seen.as_ref().map(written))
        .run(tx)
        .await?;
    Ok(())
}

fn written(tool: &RemoteTool) -> String {
    serde_json::to_string(tool).expect("a tool holds only what JSON can express")
}
