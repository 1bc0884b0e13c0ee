//! Which configuration objects refer to which others: what a secret, an operation, a mapping, an agent or a webhook is
//! used by.
//!
//! One row per kind of object that refers to something. References are read from the objects themselves, so that
//! there is nothing beside them that could disagree.

use serde_json::Value;
use tieline_domain::{
    Bounds, TenantId,
    operation::{Operation, Recipe},
    trigger::{Step, Trigger},
};
use tieline_store::{
    Result, Store,
    documents::{Document, Kind},
};

/// What is referred to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The secret with this name.
    Secret(String),
    /// The tool or action with this id or name.
    Operation(String),
    /// The mapping with this id or name.
    Mapping(String),
    /// The agent with this id, its own or the one that was chosen for it.
    Agent(String),
    /// The webhook with this id.
    Webhook(String),
}

/// The ways in which others may name the object of a document, by its id or its name.
pub fn ways(document: &Document, target: fn(String) -> Target) -> Vec<Target> {
    let ways = [Some(document.id.clone()), document.name.clone()];
    ways.into_iter().flatten().map(target).collect()
}

/// One object that refers to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What kind of object refers: `tool`, `action`.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// What it refers to.
    pub to: Target,
}

/// Reads what an object refers to.
type Reader = fn(&Document) -> Vec<Target>;

/// The kinds of objects that refer to others.
const READERS: [(Kind, Reader); 7] = [
    (Kind::Tool, of_operation),
    (Kind::Action, of_operation),
    (Kind::Source, of_webhook),
    (Kind::Subscription, of_webhook),
    (Kind::Agent, of_agent),
    (Kind::McpServer, |document| named_in(&document.body)),
    (Kind::Trigger, of_trigger),
];

/// Every reference among the objects of a tenant.
pub async fn all(store: &Store, tenant: TenantId) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    for (kind, read) in READERS {
        for document in store.all_documents(tenant, kind).await? {
            found.extend(read(&document).into_iter().map(|to| Reference {
                kind,
                id: document.id.clone(),
                name: document.name.clone(),
                to,
            }));
        }
    }
    Ok(found)
}

/// What refers to any of `targets`.
pub async fn users(store: &Store, tenant: TenantId, targets: &[Target]) -> Result<Vec<Reference>> {
    let mut found = all(store, tenant).await?;
    found.retain(|reference| targets.contains(&reference.to));
    Ok(found)
}

/// The secrets that an operation names. One that today's rules refuse still names what it names.
fn of_operation(document: &Document) -> Vec<Target> {
    let Ok(operation) = serde_json::from_str::<Operation>(&document.body) else {
        return Vec::new();
    };
    let wide = Bounds {
        url_bytes: usize::MAX,
        ..Bounds::default()
    };
    match Recipe::compile(&operation, &wide) {
        Ok(recipe) => recipe
            .secrets()
            .keys()
            .cloned()
            .map(Target::Secret)
            .collect(),
        Err(_) => named_in(&document.body),
    }
}

/// The actions that the steps of a trigger run, the agents that they tell, and the webhooks that they deliver to.
fn of_trigger(document: &Document) -> Vec<Target> {
    let trigger = serde_json::from_str::<Trigger>(&document.body);
    let steps = trigger.map(|trigger| trigger.steps).unwrap_or_default();
    let of_step = |step: Step| {
        let webhook = step.webhook.map(|id| Target::Webhook(id.to_string()));
        let named = [
            step.action.map(Target::Operation),
            step.agent.map(Target::Agent),
            webhook,
        ];
        named.into_iter().flatten()
    };
    steps.into_iter().flat_map(of_step).collect()
}

/// The mapping that a webhook of either direction names, the agent that it tells, and the secret with which a source
/// calls its sender.
fn of_webhook(document: &Document) -> Vec<Target> {
    let body: Value = serde_json::from_str(&document.body).unwrap_or_default();
    let named = |field: &str, target: fn(String) -> Target| {
        body[field].as_str().map(|name| target(name.to_owned()))
    };
    let named = [
        named("mapping", Target::Mapping),
        named("agent_id", Target::Agent),
    ];
    let confirm = body["verification"]["confirm"]["client_secret"].as_str();
    let secrets = confirm.map(named_in).unwrap_or_default();
    named.into_iter().flatten().chain(secrets).collect()
}

/// The secrets that an agent names, and the operations that it may call (`tools`).
fn of_agent(document: &Document) -> Vec<Target> {
    let body: Value = serde_json::from_str(&document.body).unwrap_or_default();
    let tools = body["tools"].as_array().into_iter().flatten();
    let tools = tools.filter_map(Value::as_str);
    let mut found = named_in(&document.body);
    found.extend(tools.map(|name| Target::Operation(name.to_owned())));
    found
}

/// The secrets that stand as `secrets.NAME` in a text: too many rather than too few.
fn named_in(text: &str) -> Vec<Target> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = text.split("secrets.").skip(1);
    let names = after.map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default());
    names
        .filter(|name| !name.is_empty())
        .map(|name| Target::Secret(name.to_owned()))
        .collect()
}

/// The references as the API lists them: `tool lookup_customer (tool_…)`.
pub fn shown(references: &[Reference]) -> String {
    let one = |reference: &Reference| {
        let name = reference.name.as_deref().unwrap_or_default();
        format!("{} {name} ({})", reference.kind, reference.id)
    };
    let all: Vec<_> = references.iter().map(one).collect();
    all.join(", ")
}
