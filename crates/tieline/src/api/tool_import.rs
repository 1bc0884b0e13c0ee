//! Tools from an OpenAPI description: `POST /v1/tools/import`.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_domain::{
    Violation,
    access::{Area::Tools, Right},
    openapi::{Choice, Document, Include, MAX_PATTERN, is_prefix},
};
use url::Url;
use utoipa::ToSchema;

use super::{answer::Shown, caller::Caller, json::Json, problem::Problem};
use crate::{
    app::App,
    operate::import::{Entry, Import, ImportError, Verdict},
};

/// The most patterns of one import.
const MAX_PATTERNS: usize = 100;

/// What is imported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"openapi": "https://petstore.example.com/openapi.json", "include": ["GET /pets*", "createPet", "tag:orders"], "security": {"api_key": {"secret": "PETSTORE_KEY"}}, "prefix": "pets_", "dry_run": true}))]
pub struct NewImport {
    /// The description: the URL of one (OpenAPI 3.0 or 3.1, JSON or YAML, at most 5 MiB), or the document itself.
    #[schema(value_type = Value)]
    openapi: Value,
    /// What of it is wanted: operation ids, paths (`/pets/*`), methods and paths (`GET /pets/*`) or tags (`tag:pets`);
    /// `*` stands for any text. Everything if absent; at most 200 operations at once.
    #[serde(default)]
    include: Vec<String>,
    /// The base URL of the service, in the place of the servers that the description names.
    #[serde(default)]
    server: Option<String>,
    /// The secret that stands for each security scheme.
    #[serde(default)]
    security: BTreeMap<String, SchemeSecret>,
    /// What the names of the tools begin with: at most 32 letters, digits, `_` and `-`.
    #[serde(default)]
    prefix: String,
    /// Whether to say only what would come.
    #[serde(default)]
    dry_run: bool,
}

/// What stands for a security scheme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"secret": "PETSTORE_KEY"}))]
pub struct SchemeSecret {
    /// The name of the secret.
    secret: String,
}

/// What an import did, or with `dry_run` would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"title": "Petstore", "dry_run": true, "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "operations": [{"name": "pets_list_pets", "id": null, "action": "create", "operation_id": "listPets", "method": "GET", "path": "/pets", "url": "https://petstore.example.com/pets", "class": "read", "deprecated": false, "description": "List pets", "input_schema": {"type": "object", "properties": {"limit": {"type": "integer"}}, "additionalProperties": false}, "notes": [], "problems": []}], "security_schemes": [{"name": "api_key", "kind": "API key in the header X-Api-Key", "secret": "PETSTORE_KEY", "secret_holds": "the key", "refused": null}]}))]
pub struct ImportView {
    /// What the service is called.
    title: Option<String>,
    /// Whether this is only what would come.
    dry_run: bool,
    /// How many tools are made.
    created: usize,
    /// How many are changed.
    updated: usize,
    /// How many are as described already.
    unchanged: usize,
    /// How many are left out because of problems.
    skipped: usize,
    /// Each operation that was wanted.
    operations: Vec<ImportedOperation>,
    /// The security schemes of the description.
    security_schemes: Vec<SchemeView>,
}

/// One operation of a description.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "pets_list_pets", "id": null, "action": "skip", "operation_id": "listPets", "method": "GET", "path": "/pets", "url": "https://petstore.example.com/pets", "class": "read", "deprecated": false, "description": "List pets", "input_schema": {"type": "object", "properties": {}, "additionalProperties": false}, "notes": [{"pointer": "/paths/~1pets/get/parameters/1", "detail": "left out: cookies are not sent"}], "problems": [{"pointer": "/security", "detail": "needs a bearer token: make a secret with it"}]}))]
pub struct ImportedOperation {
    /// The tool's name.
    name: String,
    /// The tool's id; null if there is none (yet).
    id: Option<String>,
    /// `create`, `update`, `unchanged` or `skip`.
    action: &'static str,
    /// The `operationId`.
    operation_id: Option<String>,
    /// The method.
    method: &'static str,
    /// The path as the description writes it.
    path: String,
    /// The URL with its placeholders.
    url: String,
    /// `read`, `write` or `destructive`.
    class: &'static str,
    /// Whether the description calls it deprecated.
    deprecated: bool,
    /// What it does.
    description: String,
    /// What it takes: JSON Schema 2020-12.
    #[schema(value_type = Object)]
    input_schema: Value,
    /// What of it was left out or open, with pointers into the description.
    notes: Vec<Place>,
    /// Why no tool is made of it, with pointers into the description or the tool; empty if one is.
    problems: Vec<Place>,
}

/// A place and what is said of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"pointer": "/paths/~1pets/get/parameters/1", "detail": "left out: cookies are not sent"}))]
pub struct Place {
    /// JSON Pointer (RFC 6901).
    pointer: String,
    /// A sentence.
    detail: String,
}

/// A security scheme of a description.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "api_key", "kind": "API key in the header X-Api-Key", "secret": null, "secret_holds": "the key", "refused": null}))]
pub struct SchemeView {
    /// Its name.
    name: String,
    /// What it is.
    kind: String,
    /// The secret that stands for it here.
    secret: Option<String>,
    /// What its secret must hold.
    secret_holds: Option<&'static str>,
    /// Why no secret can stand for it.
    refused: Option<&'static str>,
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Invalid(violations) => violations.into(),
            ImportError::Store(error) => error.into(),
        }
    }
}

/// Make tools from an OpenAPI description
///
/// With `dry_run` it says what would come, and what keeps an operation from becoming a tool. Without, the tools are
/// made, and those that an earlier import made (they carry the tag `openapi`) are changed and keep their ids.
#[utoipa::path(post, path = "/tools/import", operation_id = "import_tools", tag = "Tools and actions",
    extensions(("x-required-scope" = json!("tools:write"))))]
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewImport>,
) -> Result<Shown<ImportView>, Problem> {
    caller.require(Tools, Right::Write)?;
    let dry_run = new.dry_run;
    let (openapi, mut choice) = new.parts()?;
    let document = match openapi {
        Value::String(url) => {
            let (document, found_at) = app.operator.fetch_description(&url).await?;
            choice.fetched_from = Some(found_at);
            document
        }
        written => Document::of(written).map_err(ImportError::from)?,
    };
    let by = caller.change(&app);
    let import = app
        .operator
        .import(caller.tenant_id, &document, &choice, dry_run, &by)
        .await?;
    Ok(Shown::new(ImportView::of(import, &choice, dry_run)))
}

impl NewImport {
    /// The description and what is chosen of it.
    fn parts(self) -> Result<(Value, Choice), Problem> {
        let mut faults = Vec::new();
        if self.include.len() > MAX_PATTERNS {
            let detail = format!("give at most {MAX_PATTERNS} patterns");
            faults.push(Violation::new("/include", detail));
        }
        for (i, pattern) in self.include.iter().enumerate() {
            if pattern.is_empty() || pattern.chars().count() > MAX_PATTERN {
                let detail = format!("a pattern has 1 to {MAX_PATTERN} characters");
                faults.push(Violation::new(format!("/include/{i}"), detail));
            }
        }
        if !is_prefix(&self.prefix) {
            let detail = "give at most 32 letters, digits, `_` and `-`";
            faults.push(Violation::new("/prefix", detail));
        }
        let server = self.server.map(|text| Url::parse(&text));
        let server = server.transpose().unwrap_or_else(|error| {
            let detail = format!(
                "this is not a URL ({error}); write it whole, as https://api.example.com/v1"
            );
            faults.push(Violation::new("/server", detail));
            None
        });
        Problem::check(faults)?;
        let security = self.security.into_iter();
        let choice = Choice {
            include: self.include.iter().map(|text| Include::new(text)).collect(),
            server,
            fetched_from: None,
            security: security
                .map(|(scheme, SchemeSecret { secret })| (scheme, secret))
                .collect(),
            prefix: self.prefix,
        };
        Ok((self.openapi, choice))
    }
}

impl ImportView {
    fn of(import: Import, choice: &Choice, dry_run: bool) -> Self {
        let Import {
            title,
            schemes,
            entries,
        } = import;
        let count = |verdict| {
            entries
                .iter()
                .filter(|entry| entry.verdict == verdict)
                .count()
        };
        let schemes = schemes.into_iter().map(|scheme| SchemeView {
            secret: choice.security.get(&scheme.name).cloned(),
            name: scheme.name,
            kind: scheme.kind,
            secret_holds: scheme.secret_holds,
            refused: scheme.refused,
        });
        Self {
            title,
            dry_run,
            created: count(Verdict::Create),
            updated: count(Verdict::Update),
            unchanged: count(Verdict::Unchanged),
            skipped: count(Verdict::Skip),
            security_schemes: schemes.collect(),
            operations: entries.into_iter().map(ImportedOperation::of).collect(),
        }
    }
}

impl ImportedOperation {
    fn of(entry: Entry) -> Self {
        let Entry {
            proposal,
            verdict,
            id,
        } = entry;
        let places = |found: Vec<Violation>| {
            let found = found.into_iter();
            found
                .map(|Violation { pointer, detail }| Place { pointer, detail })
                .collect()
        };
        let operation = proposal.operation;
        Self {
            id,
            action: match verdict {
                Verdict::Create => "create",
                Verdict::Update => "update",
                Verdict::Unchanged => "unchanged",
                Verdict::Skip => "skip",
            },
            operation_id: proposal.operation_id,
            method: operation.endpoint.method.as_str(),
            path: proposal.path,
            class: operation.class().as_str(),
            url: operation.endpoint.url,
            deprecated: proposal.is_deprecated,
            name: operation.name,
            description: operation.description,
            input_schema: operation.input_schema,
            notes: places(proposal.notes),
            problems: places(proposal.problems),
        }
    }
}
