//! Making and changing tools and actions: a document, and what is checked before it is kept.

use rand::random;
use tieline_domain::{
    ActionId, TenantId, ToolId, Violation,
    operation::{Face, Operation, Recipe},
};
use tieline_mapping::nearest;
use tieline_store::{
    self as store, ChangeBy, PageRequest,
    documents::{Document, Kind, NewDocument, Replacement},
    sealed::SealedKind,
};

use super::Operator;

/// Why an operation was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The kind of document that holds operations with this face.
pub fn kind_of(face: Face) -> Kind {
    match face {
        Face::Tool => Kind::Tool,
        Face::Action => Kind::Action,
    }
}

impl Operator {
    /// Makes a tool or an action.
    pub async fn create(
        &self,
        tenant: TenantId,
        face: Face,
        operation: &Operation,
        by: &ChangeBy,
    ) -> Result<Document, KeepError> {
        self.check(tenant, face, operation).await?;
        let id = match face {
            Face::Tool => ToolId::new(by.at, random()).to_string(),
            Face::Action => ActionId::new(by.at, random()).to_string(),
        };
        let new = NewDocument {
            tenant_id: tenant,
            kind: kind_of(face),
            id,
            name: Some(operation.name.clone()),
            body: body(operation),
            sealed: Vec::new(),
            // Actions are run in the background, too, and what they are asked for is a delivery.
            destination: face == Face::Action,
        };
        let made = self.0.store.create_document(new, by).await?;
        self.0.registry.forget_operations(tenant).await;
        self.0.registry.forget_routes(tenant).await;
        Ok(made)
    }

    /// Replaces a tool or an action; `None` if there is none.
    pub async fn replace(
        &self,
        tenant: TenantId,
        face: Face,
        id: &str,
        operation: &Operation,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<Option<Document>, KeepError> {
        self.check(tenant, face, operation).await?;
        let replacement = Replacement {
            name: Some(operation.name.clone()),
            body: body(operation),
            expected,
        };
        let kind = kind_of(face);
        let after = self
            .0
            .store
            .replace_document(tenant, kind, id, replacement, by)
            .await?;
        self.0.registry.forget_operations(tenant).await;
        Ok(after)
    }

    /// Removes a tool or an action; false if there is none.
    pub async fn delete(
        &self,
        tenant: TenantId,
        face: Face,
        id: &str,
        expected: Option<i64>,
        by: &ChangeBy,
    ) -> Result<bool, KeepError> {
        let kind = kind_of(face);
        let deleted = self
            .0
            .store
            .delete_document(tenant, kind, id, expected, by)
            .await?;
        self.0.registry.forget_operations(tenant).await;
        Ok(deleted)
    }

    /// Everything that is wrong with an operation, with the API's words for its parts.
    pub async fn violations(
        &self,
        tenant: TenantId,
        face: Face,
        operation: &Operation,
    ) -> Result<Vec<Violation>, store::Error> {
        let mut found = match Recipe::compile(operation, self.0.registry.bounds()) {
            Ok(recipe) => {
                let mut found = self.unknown_secrets(tenant, &recipe).await?;
                if let Err(bad) = self.0.outbound.check_url(recipe.probe()) {
                    found.push(Violation::new("/endpoint/url", bad.to_string()));
                }
                found
            }
            Err(faults) => faults
                .into_iter()
                .map(|fault| in_words_of(face, fault))
                .collect(),
        };
        if let Some(connection) = &operation.connection {
            let detail = format!("there is no connection `{connection}`");
            found.push(Violation::new("/connection", detail));
        }
        let other = match face {
            Face::Tool => Kind::Action,
            Face::Action => Kind::Tool,
        };
        let same_name = self
            .0
            .store
            .find_named_document(tenant, other, &operation.name)
            .await?;
        if same_name.is_some() {
            let detail = format!(
                "there is {} of this name, and agents call both by their names; choose another one",
                if face == Face::Tool {
                    "an action"
                } else {
                    "a tool"
                }
            );
            found.push(Violation::new("/name", detail));
        }
        Ok(found)
    }

    async fn check(
        &self,
        tenant: TenantId,
        face: Face,
        operation: &Operation,
    ) -> Result<(), KeepError> {
        let found = self.violations(tenant, face, operation).await?;
        if found.is_empty() {
            Ok(())
        } else {
            Err(KeepError::Invalid(found))
        }
    }

    async fn unknown_secrets(
        &self,
        tenant: TenantId,
        recipe: &Recipe,
    ) -> Result<Vec<Violation>, store::Error> {
        let (store, kind) = (&self.0.store, SealedKind::Secret);
        let mut found = Vec::new();
        for (name, pointer) in recipe.secrets() {
            let known = store.find_sealed(tenant, kind, name).await?;
            if known.is_some_and(|secret| secret.name == *name) {
                continue;
            }
            let some = store
                .list_sealed(tenant, kind, &PageRequest::first(100))
                .await?;
            let meant = nearest(name, some.items.iter().map(|secret| secret.name.as_str()));
            let detail = match meant {
                Some(meant) => format!("there is no secret `{name}`; did you mean `{meant}`?"),
                None => format!("there is no secret `{name}`; make it with POST /v1/secrets first"),
            };
            found.push(Violation::new(pointer, detail));
        }
        Ok(found)
    }
}

/// A fault whose pointer names the schema as the API does.
fn in_words_of(face: Face, fault: Violation) -> Violation {
    let own = Face::Action.schema_field();
    let renamed = fault
        .pointer
        .strip_prefix('/')
        .and_then(|rest| rest.strip_prefix(own))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .map(|rest| format!("/{}{rest}", face.schema_field()));
    match renamed {
        Some(pointer) => Violation { pointer, ..fault },
        None => fault,
    }
}

fn body(operation: &Operation) -> String {
    serde_json::to_string(operation).expect("an operation holds only what JSON can express")
}
