//! Remote MCP servers: made, changed, looked at, accepted.

use rand::random;
use tieline_domain::{
    McpServerId, TenantId, Violation,
    mcp_server::{McpServer, Pin, RemoteTool},
    operation::{CallError, ErrorKind, Recipe},
};
use tieline_store::{
    self as store, ChangeBy,
    documents::{Document, Kind, NewDocument, Replacement},
};

use super::{
    super::{Operator, Parts},
    Server,
};
use crate::registry;

/// What a server was found to offer.
#[derive(Debug)]
pub struct Registered {
    /// The server as it is kept.
    pub document: Document,
    /// Its tools.
    pub pins: Vec<Pin>,
    /// What of it cannot be used: the name and why.
    pub unusable: Vec<(String, String)>,
}

/// A tool that somebody has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its name over there.
    pub name: String,
    /// The hash of what was looked at.
    pub hash: String,
}

/// Why something was not done with a server.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The server cannot be asked what it offers.
    #[error("the server cannot be asked what it offers: {0}")]
    Unreachable(CallError),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The configuration of the tenant cannot be read.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

impl Operator {
    /// Makes a server, and accepts the tools that it offers now. Nothing is made if it cannot be asked.
    pub async fn create_mcp_server(
        &self,
        tenant: TenantId,
        new: &McpServer,
        by: &ChangeBy,
    ) -> Result<Registered, RemoteError> {
        self.check_server(tenant, new).await?;
        let document = Document {
            tenant_id: tenant,
            kind: Kind::McpServer,
            id: McpServerId::new(by.at, random()).to_string(),
            name: Some(new.name.clone()),
            version: 1,
            body: body(new),
            created_at: by.at,
            updated_at: by.at,
        };
        let (tools, unusable) = self.seen(&document).await?;
        let pins: Vec<_> = Pin::updated(Vec::new(), tools)
            .into_iter()
            .filter_map(Pin::accept)
            .collect();
        let Document {
            tenant_id,
            kind,
            id,
            name,
            body,
            ..
        } = document;
        let new = NewDocument {
            tenant_id,
            kind,
            id,
            name,
            body,
            sealed: Vec::new(),
            destination: false,
        };
        let store = &self.0.store;
        let document = store.create_document(new, by).await?;
        store.replace_mcp_tools(tenant, &document.id, &pins).await?;
        self.0.registry.forget_operations(tenant).await;
        Ok(Registered {
            document,
            pins,
            unusable,
        })
    }

    /// Replaces a server, and looks at what it offers now; what differs from what was accepted is not offered.
    /// `None` if there is no such server.
    pub async fn replace_mcp_server(
        &self,
        tenant: TenantId,
        before: &Document,
        new: &McpServer,
        by: &ChangeBy,
    ) -> Result<Option<Registered>, RemoteError> {
        self.check_server(tenant, new).await?;
        let changed = Document {
            name: Some(new.name.clone()),
            body: body(new),
            ..before.clone()
        };
        let (tools, unusable) = self.seen(&changed).await?;
        self.keep(before, changed, tools, unusable, by).await
    }

    /// Looks at what a server offers now. `None` if there is no such server.
    pub async fn refresh_mcp_server(
        &self,
        document: &Document,
        by: &ChangeBy,
    ) -> Result<Option<Registered>, RemoteError> {
        let (tools, unusable) = self.seen(document).await?;
        self.keep(document, document.clone(), tools, unusable, by)
            .await
    }

    async fn keep(
        &self,
        before: &Document,
        changed: Document,
        tools: Vec<RemoteTool>,
        unusable: Vec<(String, String)>,
        by: &ChangeBy,
    ) -> Result<Option<Registered>, RemoteError> {
        let (store, tenant, id) = (&self.0.store, before.tenant_id, &before.id);
        let replacement = Replacement {
            name: changed.name,
            body: changed.body,
            expected: Some(before.version),
        };
        let written = store
            .replace_document(tenant, Kind::McpServer, id, replacement, by)
            .await?;
        let Some(document) = written else {
            return Ok(None);
        };
        let pins = Pin::updated(store.mcp_tools(tenant, id).await?, tools);
        store.replace_mcp_tools(tenant, id, &pins).await?;
        self.0.registry.forget_operations(tenant).await;
        Ok(Some(Registered {
            document,
            pins,
            unusable,
        }))
    }

    /// Accepts tools as they were looked at; what has changed since then is refused. `None` if there is no such
    /// server.
    pub async fn accept_mcp_tools(
        &self,
        document: &Document,
        accepted: &[Accepted],
        by: &ChangeBy,
    ) -> Result<Option<Registered>, RemoteError> {
        let (store, tenant, id) = (&self.0.store, document.tenant_id, &document.id);
        let mut pins = store.mcp_tools(tenant, id).await?;
        let faults: Vec<_> = accepted
            .iter()
            .enumerate()
            .filter_map(|(i, one)| Some(Violation::new(format!("/tools/{i}"), fault(&pins, one)?)))
            .collect();
        if !faults.is_empty() {
            return Err(RemoteError::Invalid(faults));
        }
        let is_meant = |pin: &Pin| accepted.iter().any(|one| one.name == pin.name);
        pins = pins
            .into_iter()
            .filter_map(|pin| {
                if is_meant(&pin) {
                    pin.accept()
                } else {
                    Some(pin)
                }
            })
            .collect();
        let replacement = Replacement {
            name: document.name.clone(),
            body: document.body.clone(),
            expected: Some(document.version),
        };
        // The new version makes the other nodes load the tools.
        let written = store
            .replace_document(tenant, Kind::McpServer, id, replacement, by)
            .await?;
        let Some(document) = written else {
            return Ok(None);
        };
        store.replace_mcp_tools(tenant, id, &pins).await?;
        self.0.registry.forget_operations(tenant).await;
        Ok(Some(Registered {
            document,
            pins,
            unusable: Vec::new(),
        }))
    }

    /// Removes a server and its tools; false if there is none.
    pub async fn delete_mcp_server(
        &self,
        tenant: TenantId,
        id: &str,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, RemoteError> {
        let store = &self.0.store;
        let deleted = store
            .delete_document(tenant, Kind::McpServer, id, expected, by)
            .await?;
        if deleted {
            store.replace_mcp_tools(tenant, id, &[]).await?;
        }
        self.0.registry.forget_operations(tenant).await;
        Ok(deleted)
    }

    async fn check_server(&self, tenant: TenantId, new: &McpServer) -> Result<(), RemoteError> {
        let recipe = new
            .compile(self.0.registry.bounds())
            .map_err(RemoteError::Invalid)?;
        let mut faults = self.unknown_header_secrets(tenant, &recipe).await?;
        if let Err(bad) = self.0.outbound.check_url(recipe.probe()) {
            faults.push(Violation::new("/url", bad.to_string()));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(RemoteError::Invalid(faults))
        }
    }

    async fn unknown_header_secrets(
        &self,
        tenant: TenantId,
        recipe: &Recipe,
    ) -> Result<Vec<Violation>, RemoteError> {
        let mut faults = Vec::new();
        for (name, pointer) in recipe.secrets() {
            let pointer = pointer.trim_start_matches("/endpoint");
            let fault = self
                .0
                .registry
                .secret_violation(tenant, pointer, name)
                .await?;
            faults.extend(fault);
        }
        Ok(faults)
    }

    /// What a server offers now.
    async fn seen(
        &self,
        document: &Document,
    ) -> Result<(Vec<RemoteTool>, Vec<(String, String)>), RemoteError> {
        let parts: &Parts = &self.0;
        let (server, _) = Server::open(document, parts.registry.bounds())?;
        let link = server.link(parts).await.map_err(RemoteError::Unreachable)?;
        let listing = server.list(&link).await.map_err(RemoteError::Unreachable)?;
        Ok((listing.tools, listing.unusable))
    }
}

/// Why a tool cannot be accepted as it was looked at.
fn fault(pins: &[Pin], wanted: &Accepted) -> Option<String> {
    let Some(pin) = pins.iter().find(|pin| pin.name == wanted.name) else {
        return Some(format!("the server has no tool `{}`", wanted.name));
    };
    let hash = pin.shown().map(RemoteTool::hash);
    (hash.as_ref() != Some(&wanted.hash)).then(|| {
        format!(
            "the tool `{}` has the hash {} by now; look at it again",
            wanted.name,
            hash.unwrap_or_default()
        )
    })
}

/// Keeps what a server was seen to offer, if that is not what is kept already.
pub(super) async fn note_seen(
    parts: &Parts,
    server: &Server,
    tools: Vec<RemoteTool>,
) -> Result<(), CallError> {
    let (store, tenant, id) = (&parts.store, server.tenant_id, &server.id);
    let noted = async {
        let kept = store.mcp_tools(tenant, id).await?;
        let pins = Pin::updated(kept.clone(), tools);
        if pins == kept {
            return Ok(());
        }
        store.replace_mcp_tools(tenant, id, &pins).await?;
        let Some(document) = store.find_document(tenant, Kind::McpServer, id).await? else {
            return Ok(());
        };
        let by = ChangeBy {
            actor: "server".to_owned(),
            request_id: None,
            at: parts.clock.unique_now(),
        };
        let replacement = Replacement {
            name: document.name,
            body: document.body,
            expected: Some(document.version),
        };
        // The new version makes the other nodes load the tools; whoever changes the server meanwhile does that, too.
        match store
            .replace_document(tenant, Kind::McpServer, id, replacement, &by)
            .await
        {
            Err(store::Error::Conflict { .. }) => {}
            written => drop(written?),
        }
        parts.registry.forget_operations(tenant).await;
        Ok::<_, store::Error>(())
    };
    noted.await.map_err(|error| {
        tracing::warn!(%error, server = id, "cannot keep what an MCP server offers");
        CallError::new(
            ErrorKind::Retry,
            "what the MCP server offers cannot be kept right now; nothing was done",
        )
    })
}

fn body(server: &McpServer) -> String {
    serde_json::to_string(server).expect("a server holds only what JSON can express")
}
