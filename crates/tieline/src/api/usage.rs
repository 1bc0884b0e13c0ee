//! What uses a configuration object, and that it is not deleted while something does.

use serde::Serialize;
use tieline_domain::TenantId;
use tieline_store::documents::Document;
use utoipa::ToSchema;

use super::{
    answer::ListView,
    problem::{Code, Problem},
};
use crate::{
    app::App,
    references::{self, Reference, Target},
};

/// An object that uses a tool or an action.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "agent", "id": "agent_sales", "name": "Sales"}))]
pub struct UsedBy {
    /// What kind of object it is.
    kind: &'static str,
    /// Its id.
    id: String,
    /// Its name.
    name: Option<String>,
}

impl From<Reference> for UsedBy {
    fn from(reference: Reference) -> Self {
        let Reference {
            kind,
            id,
            name,
            to: _,
        } = reference;
        Self {
            kind: kind.as_str(),
            id,
            name,
        }
    }
}

/// What uses a document that others name as this target.
pub(super) async fn list(
    app: &App,
    document: &Document,
    target: fn(String) -> Target,
) -> Result<ListView<UsedBy>, Problem> {
    let users = users(app, document, target).await?;
    Ok(ListView {
        data: users.into_iter().map(UsedBy::from).collect(),
        next_cursor: None,
    })
}

/// Refuses to do without a document that something uses; `what` is what it is called.
pub(super) async fn check_none(
    app: &App,
    document: &Document,
    target: fn(String) -> Target,
    what: &str,
) -> Result<(), Problem> {
    let users = users(app, document, target).await?;
    refuse_while(&users, what)
}

/// Refuses to do without what has a name of its own and is used.
pub(super) async fn check_none_of(
    app: &App,
    tenant: TenantId,
    target: Target,
    what: &str,
) -> Result<(), Problem> {
    let users = references::users(&app.store, tenant, &[target]).await?;
    refuse_while(&users, what)
}

fn refuse_while(users: &[Reference], what: &str) -> Result<(), Problem> {
    if users.is_empty() {
        return Ok(());
    }
    let users = references::shown(users);
    let detail = format!("the {what} is used by {users}; change or delete that first");
    Err(Problem::new(Code::InUse, detail))
}

async fn users(
    app: &App,
    document: &Document,
    target: fn(String) -> Target,
) -> Result<Vec<Reference>, Problem> {
    let ways = references::ways(document, target);
    Ok(references::users(&app.store, document.tenant_id, &ways).await?)
}
