//! Tools made of an OpenAPI description: read or fetched, proposed, checked, made or changed.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tieline_domain::{
    TenantId, Violation,
    openapi::{BadDocument, Choice, Document, IMPORTED, MAX_BYTES, Note, Proposal, Scheme},
    operation::{Face, Operation},
};
use tieline_store::{self as store, ChangeBy, documents::Kind};
use url::Url;

use super::{KeepError, Operator};
use crate::outbound::{BodyLimit, Request};

/// How long fetching a description may take.
const FETCH_WITHIN: Duration = Duration::from_secs(30);
/// How many redirects a description may be behind; each address is vetted like the first.
const MOST_REDIRECTS: usize = 3;

/// What an import did, or would do.
#[derive(Debug)]
pub struct Import {
    /// What the service is called.
    pub title: Option<String>,
    /// Its security schemes.
    pub schemes: Vec<Scheme>,
    /// What was wanted, in the order of the description.
    pub entries: Vec<Entry>,
}

/// What became of one operation.
#[derive(Debug)]
pub struct Entry {
    /// The operation as a tool.
    pub proposal: Proposal,
    /// What was, or would be, done.
    pub verdict: Verdict,
    /// The id of the tool, if there is one.
    pub id: Option<String>,
}

/// What is done with one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A tool is made.
    Create,
    /// The tool that an earlier import made is changed.
    Update,
    /// That tool is as the description says already.
    Unchanged,
    /// Nothing: there are problems.
    Skip,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something is wrong with what was asked for.
    #[error("what was asked for is not valid")]
    Invalid(Vec<Violation>),
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<KeepError> for ImportError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Invalid(violations) => Self::Invalid(violations),
            KeepError::Store(error) => Self::Store(error),
        }
    }
}

fn at_document(detail: impl Into<String>) -> ImportError {
    ImportError::Invalid(vec![Violation::new("/openapi", detail)])
}

impl From<BadDocument> for ImportError {
    fn from(bad: BadDocument) -> Self {
        at_document(bad.to_string())
    }
}

impl Operator {
    /// The description behind `url`, and the URL it was found at in the end.
    pub async fn fetch_description(&self, url: &str) -> Result<(Document, Url), ImportError> {
        let mut url = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let target = self.0.outbound.check_url(&url);
            let target = target.map_err(|bad| at_document(bad.to_string()))?;
            let mut headers = HeaderMap::new();
            let accept = HeaderValue::from_static("application/json, application/yaml, */*;q=0.5");
            headers.insert(header::ACCEPT, accept);
            let request = Request {
                method: Method::GET,
                uri: target.uri().clone(),
                headers,
                body: bytes::Bytes::new(),
                deadline: FETCH_WITHIN,
                body_limit: BodyLimit::Whole { at_most: MAX_BYTES },
            };
            let answer = self.0.outbound.send(request).await;
            let answer = answer.map_err(|error| {
                at_document(format!("the description cannot be fetched: {error}"))
            })?;
            let here = Url::parse(&url).map_err(|error| at_document(error.to_string()))?;
            if answer.status == StatusCode::OK {
                return Ok((Document::read(&answer.body)?, here));
            }
            let next = answer.headers.get(header::LOCATION);
            let next = next.and_then(|next| here.join(next.to_str().ok()?).ok());
            let next = next.filter(|_| answer.status.is_redirection());
            let next = next.ok_or_else(|| {
                let status = answer.status;
                at_document(format!(
                    "the description cannot be fetched: the answer was {status}"
                ))
            })?;
            url = next.into();
        }
        let detail = format!(
            "the description is behind more than {MOST_REDIRECTS} redirects; give its final URL"
        );
        Err(at_document(detail))
    }

    /// Makes tools of what is wanted of a description, or with `dry_run` only says what would come. What has
    /// problems is left out, and says so; the rest is made all the same.
    pub async fn import(
        &self,
        tenant: TenantId,
        document: &Document,
        choice: &Choice,
        dry_run: bool,
        by: &ChangeBy,
    ) -> Result<Import, ImportError> {
        let idle = document.idle_patterns(&choice.include);
        if !idle.is_empty() {
            let told = "no operation of the description fits; give an operationId, a path, a method and a path or tag:NAME, with `*` for any text";
            let faults = idle
                .into_iter()
                .map(|i| Violation::new(format!("/include/{i}"), told));
            return Err(ImportError::Invalid(faults.collect()));
        }
        let proposals = document.propose(choice).map_err(|error| {
            ImportError::Invalid(vec![Violation::new("/include", error.to_string())])
        })?;
        let mut entries = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            entries.push(self.one(tenant, proposal, dry_run, by).await?);
        }
        Ok(Import {
            title: document.title().map(str::to_owned),
            schemes: document.schemes(),
            entries,
        })
    }

    async fn one(
        &self,
        tenant: TenantId,
        mut proposal: Proposal,
        dry_run: bool,
        by: &ChangeBy,
    ) -> Result<Entry, ImportError> {
        let name = &proposal.operation.name;
        let existing = self
            .0
            .store
            .find_named_document(tenant, Kind::Tool, name)
            .await?;
        let before: Option<Operation> = existing
            .as_ref()
            .and_then(|document| serde_json::from_str(&document.body).ok());
        let id = existing.as_ref().map(|document| document.id.clone());
        if let Some(before) = &before {
            if is_imported(before) {
                proposal.operation = with_own_settings(proposal.operation, before);
            } else {
                let detail = format!(
                    "there is a tool `{}` that no import has made; give `prefix`, or add the tag `{IMPORTED}` to it to have it changed",
                    before.name
                );
                proposal.problems.push(Note::new("", detail));
            }
        }
        if proposal.problems.is_empty() {
            let found = self
                .violations(tenant, Face::Tool, &proposal.operation)
                .await?;
            proposal.problems.extend(found);
        }
        let mut entry = Entry {
            verdict: match &before {
                _ if !proposal.problems.is_empty() => Verdict::Skip,
                None => Verdict::Create,
                Some(before) if *before == proposal.operation => Verdict::Unchanged,
                Some(_) => Verdict::Update,
            },
            proposal,
            id,
        };
        if !dry_run {
            self.carry_out(tenant, &mut entry, by).await?;
        }
        Ok(entry)
    }

    async fn carry_out(
        &self,
        tenant: TenantId,
        entry: &mut Entry,
        by: &ChangeBy,
    ) -> Result<(), ImportError> {
        let operation = &entry.proposal.operation;
        match (entry.verdict, &entry.id) {
            (Verdict::Create, _) => {
                let made = self.create(tenant, Face::Tool, operation, by).await?;
                entry.id = Some(made.id);
            }
            (Verdict::Update, Some(id)) => {
                let id = id.clone();
                self.replace(tenant, Face::Tool, &id, operation, None, by)
                    .await?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_imported(operation: &Operation) -> bool {
    operation.tags.iter().any(|tag| tag == IMPORTED)
}

/// What a description says of an operation, and what people have set at the tool that it is.
fn with_own_settings(described: Operation, own: &Operation) -> Operation {
    Operation {
        output_mapping: own.output_mapping.clone(),
        output_schema: own.output_schema.clone(),
        connection: own.connection.clone(),
        timeout_seconds: own.timeout_seconds,
        rate_limit: own.rate_limit,
        max_in_flight: own.max_in_flight,
        tags: own.tags.clone(),
        ..described
    }
}
