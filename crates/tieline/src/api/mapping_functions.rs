//! The functions and validations of mappings, for those who build rules: `/v1/mappings/functions`.

use serde::Serialize;
use serde_json::Value;
use tieline_domain::access::{Area, Right};
use tieline_mapping::{
    functions::{self, Declaration, Example, Kind},
    validation::{KINDS, KindDeclaration},
};
use utoipa::ToSchema;

use super::{answer::Shown, caller::Caller, problem::Problem};

/// What rules are made of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"functions": [{"name": "trim", "summary": "Takes white space away from both ends of text.", "input": ["text"], "output": "text", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}, "sees_nulls": false, "inverse": null, "examples": [{"parameters": {}, "input": "  Ada ", "output": "Ada"}]}], "validations": [{"name": "email", "must_be": "an e-mail address such as ada@example.com", "members": [], "passes": ["ada@example.com"], "fails": ["ada"]}]}))]
pub struct FunctionsView {
    /// The functions.
    functions: Vec<FunctionView>,
    /// The kinds of validation.
    validations: Vec<ValidationView>,
}

/// A function.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunctionView {
    /// The name that rules call it by.
    name: &'static str,
    /// What it does.
    summary: &'static str,
    /// The kinds of value it takes.
    input: Vec<&'static str>,
    /// The kind of value it gives.
    output: &'static str,
    /// Its parameters: a JSON Schema of the object that holds them.
    #[schema(value_type = Object)]
    parameters: Value,
    /// Whether it is asked for absent and null values too; others let them pass.
    sees_nulls: bool,
    /// What undoes it on the way back, and when; null if nothing does.
    inverse: Option<&'static str>,
    /// Examples, each of which is a test.
    examples: Vec<ExampleView>,
}

/// A worked example.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExampleView {
    /// The parameters.
    #[schema(value_type = Object)]
    parameters: Value,
    /// The value given; not there for an absent one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    input: Option<Value>,
    /// The record that it comes from, where that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    record: Option<Value>,
    /// What comes out; not there for an absent value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    output: Option<Value>,
}

/// A kind of validation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidationView {
    /// The name that `type` gives.
    name: &'static str,
    /// What a value of this kind is.
    must_be: &'static str,
    /// What goes with it beside `pattern`, `min_length` and `max_length`.
    members: &'static [&'static str],
    /// Values that pass.
    #[schema(value_type = Vec<Value>)]
    passes: Vec<Value>,
    /// Values that do not.
    #[schema(value_type = Vec<Value>)]
    fails: Vec<Value>,
}

/// The value that a declaration writes as JSON; its tests read each of them.
fn value(json: &str) -> Option<Value> {
    serde_json::from_str(json).ok()
}

impl From<&Declaration> for FunctionView {
    fn from(declaration: &Declaration) -> Self {
        Self {
            name: declaration.name,
            summary: declaration.summary,
            input: declaration
                .input
                .iter()
                .map(|kind| Kind::as_str(*kind))
                .collect(),
            output: declaration.output.as_str(),
            parameters: declaration.parameter_schema(),
            sees_nulls: declaration.sees_nulls,
            inverse: declaration.inverse,
            examples: declaration.examples.iter().map(ExampleView::from).collect(),
        }
    }
}

impl From<&Example> for ExampleView {
    fn from(example: &Example) -> Self {
        Self {
            parameters: value(example.parameters).unwrap_or_default(),
            input: value(example.input),
            record: example.record.and_then(value),
            output: value(example.output),
        }
    }
}

impl From<&KindDeclaration> for ValidationView {
    fn from(kind: &KindDeclaration) -> Self {
        let values = |texts: &[&str]| texts.iter().filter_map(|text| value(text)).collect();
        Self {
            name: kind.name,
            must_be: kind.must_be,
            members: kind.members,
            passes: values(kind.good),
            fails: values(kind.bad),
        }
    }
}

/// List the functions and validations of mappings
///
/// Each with its parameters, kinds and examples: what a form that builds rules needs to know.
#[utoipa::path(get, path = "/mappings/functions", operation_id = "list_mapping_functions", tag = "Mappings",
    extensions(("x-required-scope" = json!("mappings:read"))))]
pub async fn list(caller: Caller) -> Result<Shown<FunctionsView>, Problem> {
    caller.require(Area::Mappings, Right::Read)?;
    Ok(Shown::new(FunctionsView {
        functions: functions::ALL
            .iter()
            .map(|each| FunctionView::from(*each))
            .collect(),
        validations: KINDS.iter().map(ValidationView::from).collect(),
    }))
}
