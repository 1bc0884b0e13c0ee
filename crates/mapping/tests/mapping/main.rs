//! Mappings from outside: the seeds' own texts, an oracle, properties, and a corpus of hostile definitions.

use serde_json::Value;
use tieline_mapping::Fault;
use tieline_mapping::plan::Plan;
use tieline_mapping::rules::{Definition, Overrides};

mod compliance;
mod corpus;
mod guide;
mod oracle;
mod properties;
mod seeds;

/// The document compiled.
fn compile(document: &Value) -> Result<Plan, Vec<Fault>> {
    Plan::compile(&Definition::read(document)?, &Overrides::default())
}

/// The document compiled, which must succeed.
fn plan(document: &Value) -> Plan {
    compile(document).unwrap_or_else(|faults| panic!("{document}: {faults:?}"))
}
