//! What an incoming webhook's payload becomes: a message and its metadata (seed 000).

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::path::{Path, PathError, Selection};

mod budget;

use budget::Budget;
pub(crate) use budget::weigh;

/// Metadata keys that one transform can fill, whatever the operator allows.
pub const MAX_METADATA_KEYS: usize = 256;
/// Paths of one transform that may search the whole document with `..`.
pub const MAX_SEARCHES: usize = 8;

/// What is known of a payload beside itself, and a metadata key may hold: names that no path can have, for a path
/// goes on after `$` with a dot or a bracket.
pub const VARIABLES: [&str; 2] = ["$trust", "$key_id"];

/// A transform as its author writes and reads it: paths as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// Path of the message; without it the transform makes no message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Metadata key to the path of its value, or to one of [`VARIABLES`].
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub metadata: IndexMap<String, String>,
}

/// A transform ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledTransform {
    message: Option<Path>,
    metadata: Vec<(String, Term)>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Path(Path),
    /// The place of the name in [`VARIABLES`].
    Variable(usize),
}

/// The values of [`VARIABLES`], in their order; a key whose value is absent is left out.
pub type Known<'k> = [Option<&'k str>; VARIABLES.len()];

/// What a transform made of one payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transformed {
    /// The message: absent if none was asked for, `null` if its path matched nothing.
    pub message: Option<Value>,
    /// Whether a message was asked for and its path matched nothing.
    pub message_missing: bool,
    /// The metadata; keys whose path matched nothing are left out.
    pub metadata: Map<String, Value>,
    /// JSON pointers into the transform of the paths whose results were cut: at [`MAX_RESULTS`](crate::path::MAX_RESULTS), or
    /// because paths that overlap would have made far more of the payload than it is.
    pub truncated: Vec<String>,
}

/// A fault in a transform, located by a JSON pointer (RFC 6901) into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// A path that does not compile.
    #[error("{pointer}: {error}")]
    Path {
        /// Where the path stands, such as `/metadata/lead_id`.
        pointer: String,
        /// What is wrong with it.
        error: PathError,
    },
    /// More keys than [`MAX_METADATA_KEYS`].
    #[error(
        "/metadata: {count} keys, but a transform takes at most {MAX_METADATA_KEYS}; select an object that holds them"
    )]
    TooManyKeys {
        /// The keys given.
        count: usize,
    },
    /// More paths with `..` than [`MAX_SEARCHES`].
    #[error(
        "{pointer}: a transform takes at most {MAX_SEARCHES} paths with `..`; name the steps in between"
    )]
    TooManySearches {
        /// Where the first path too many stands.
        pointer: String,
    },
}

impl TransformError {
    /// The JSON pointer to what is wrong.
    pub fn pointer(&self) -> &str {
        match self {
            Self::Path { pointer, .. } | Self::TooManySearches { pointer } => pointer,
            Self::TooManyKeys { .. } => "/metadata",
        }
    }
}

impl Transform {
    /// Compiles every path, or lists every fault.
    pub fn compile(&self) -> Result<CompiledTransform, Vec<TransformError>> {
        let count = self.metadata.len();
        if count > MAX_METADATA_KEYS {
            return Err(vec![TransformError::TooManyKeys { count }]);
        }
        let mut errors = Vec::new();
        let mut searches = 0;
        let mut compile = |pointer: String, text: &str| match Path::parse(text) {
            Ok(path) => {
                searches += usize::from(path.searches());
                if path.searches() && searches == MAX_SEARCHES + 1 {
                    errors.push(TransformError::TooManySearches { pointer });
                }
                Some(path)
            }
            Err(error) => {
                errors.push(TransformError::Path { pointer, error });
                None
            }
        };
        let message = self
            .message
            .as_deref()
            .and_then(|text| compile("/message".into(), text));
        let metadata = self
            .metadata
            .iter()
            .filter_map(|(key, text)| {
                let variable = VARIABLES.iter().position(|name| name == text);
                let term = match variable {
                    Some(variable) => Term::Variable(variable),
                    None => Term::Path(compile(metadata_pointer(key), text)?),
                };
                Some((key.clone(), term))
            })
            .collect();
        if errors.is_empty() {
            Ok(CompiledTransform { message, metadata })
        } else {
            Err(errors)
        }
    }
}

impl CompiledTransform {
    /// Applies the transform to a payload: no match, one value, or an array of several.
    pub fn apply(&self, payload: &Value, known: Known<'_>) -> Transformed {
        let mut transformed = Transformed::default();
        let mut budget = Budget::for_document(payload);
        if let Some(path) = &self.message {
            let copied = copy(path, payload, &mut budget);
            transformed.message_missing = !copied.matched;
            transformed.message = Some(copied.value.unwrap_or(Value::Null));
            if copied.cut {
                transformed.truncated.push("/message".to_owned());
            }
        }
        for (key, term) in &self.metadata {
            let path = match term {
                Term::Path(path) => path,
                Term::Variable(variable) => {
                    if let Some(value) = known[*variable] {
                        transformed.metadata.insert(key.clone(), value.into());
                    }
                    continue;
                }
            };
            let copied = copy(path, payload, &mut budget);
            if copied.cut {
                transformed.truncated.push(metadata_pointer(key));
            }
            if let Some(value) = copied.value {
                transformed.metadata.insert(key.clone(), value);
            }
        }
        transformed
    }
}

struct Copied {
    value: Option<Value>,
    matched: bool,
    cut: bool,
}

/// Copies what the path selects, as far as the budget goes.
fn copy(path: &Path, payload: &Value, budget: &mut Budget<'_>) -> Copied {
    let (selection, count) = path.select_counted(payload);
    let affordable = selection
        .values()
        .iter()
        .map_while(|value| budget.copy(value));
    let mut copies: Vec<Value> = affordable.collect();
    let cut = copies.len() < count;
    let value = match selection {
        Selection::None => None,
        Selection::One(_) => copies.pop(),
        Selection::Many(_) => Some(Value::Array(copies)),
    };
    Copied {
        value,
        matched: count > 0,
        cut,
    }
}

fn metadata_pointer(key: &str) -> String {
    format!("/metadata/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::path::MAX_RESULTS;

    fn transform(value: Value) -> Transform {
        serde_json::from_value(value).expect("valid")
    }

    #[test]
    fn applies() {
        let seed = json!({"message": "$.data.description",
            "metadata": {"lead_id": "$.data.id", "company": "$.data.company_name"}});
        let rows = [
            (
                seed.clone(),
                json!({"data": {"id": "L1", "description": "Hot lead", "company_name": "Acme"}}),
                json!([false, "Hot lead", {"lead_id": "L1", "company": "Acme"}]),
            ),
            (
                seed.clone(),
                json!({"data": {"id": 5}}),
                json!([true, null, {"lead_id": 5}]),
            ),
            (
                seed.clone(),
                json!({"data": {"description": null}}),
                json!([false, null, {}]),
            ),
            (seed, json!([]), json!([true, null, {}])),
            (
                json!({"message": "$.lines[*].text", "metadata": {"n": "lines[*].n"}}),
                json!({"lines": [{"text": "a", "n": 1}, {"text": "b"}]}),
                json!([false, ["a", "b"], {"n": 1}]),
            ),
            (
                json!({"message": "$"}),
                json!({"a": [1]}),
                json!([false, {"a": [1]}, {}]),
            ),
        ];
        for (given, payload, expected) in rows {
            let result = transform(given.clone())
                .compile()
                .expect("valid")
                .apply(&payload, [None; 2]);
            let found = json!([result.message_missing, result.message, result.metadata]);
            assert_eq!(found, expected, "{given} on {payload}");
            assert_eq!(result.truncated, Vec::<String>::new());
        }
    }

    #[test]
    fn without_a_message_path_there_is_no_message() {
        let result = transform(json!({"metadata": {"id": "$.id"}}))
            .compile()
            .expect("valid")
            .apply(&json!({"id": 1}), [None; 2]);
        assert_eq!((result.message, result.message_missing), (None, false));
    }

    #[test]
    fn metadata_takes_what_is_known_beside_the_payload() {
        let given =
            transform(json!({"metadata": {"trust": "$trust", "key": "$key_id", "id": "$.id"}}));
        let compiled = given.compile().expect("valid");
        let payload = json!({"id": 1, "trust": "forged"});
        let rows: [(Known<'_>, Value); 2] = [
            (
                [Some("verified"), Some("2")],
                json!({"trust": "verified", "key": "2", "id": 1}),
            ),
            (
                [Some("unsigned"), None],
                json!({"trust": "unsigned", "id": 1}),
            ),
        ];
        for (known, expected) in rows {
            assert_eq!(
                Value::from(compiled.apply(&payload, known).metadata),
                expected
            );
        }
        let message = transform(json!({"message": "$trust"})).compile();
        assert!(message.is_err(), "a message is of the payload");
    }

    #[test]
    fn lists_every_fault_with_its_pointer() {
        let given = transform(json!({"message": "$..a..b",
            "metadata": {"good": "$.id", "a/b~c": "", "lead_id": "$.x[?match(@.a,'b')]"}}));
        let errors = given.compile().expect_err("refused");
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "/message: at character 6: `..` may occur once; name the steps in between",
                "/metadata/a~1b~0c: at character 1: the path is empty; write $ for the whole document",
                "/metadata/lead_id: at character 11: match() and search() are not supported; compare with == or filter by existence",
            ]
        );
        assert_eq!(errors[2].pointer(), "/metadata/lead_id");
    }

    #[test]
    fn takes_at_most_256_keys() {
        let with = |count: usize| Transform {
            message: None,
            metadata: (0..count)
                .map(|n| (format!("k{n}"), "$.a".to_owned()))
                .collect(),
        };
        assert!(with(256).compile().is_ok());
        let errors = with(257).compile().expect_err("refused");
        assert_eq!(
            errors[0].to_string(),
            "/metadata: 257 keys, but a transform takes at most 256; select an object that holds them"
        );
    }

    #[test]
    fn takes_at_most_8_searches() {
        let with = |count: usize| Transform {
            message: Some("$..text".to_owned()),
            metadata: (1..count)
                .map(|n| (format!("k{n}"), "$..a".to_owned()))
                .collect(),
        };
        assert!(with(8).compile().is_ok());
        let errors = with(10).compile().expect_err("refused");
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].to_string(),
            "/metadata/k8: a transform takes at most 8 paths with `..`; name the steps in between"
        );
    }

    /// `$..*` copies each value once for every level above it: a kilobyte must not become a gigabyte.
    #[test]
    fn overlapping_results_do_not_multiply_the_payload() {
        let deep = (0..60).fold(json!(vec!["x".repeat(10); 10_000]), |inner, _| {
            json!([inner])
        });
        let given = json!({"message": "$..*", "metadata": {"all": "$..*", "whole": "$"}});
        let result = transform(given)
            .compile()
            .expect("valid")
            .apply(&deep, [None; 2]);
        let written = json!([result.message, result.metadata]).to_string().len();
        let limit = 5 * deep.to_string().len() + 100_000;
        assert!(
            written < limit,
            "{written} bytes of {}",
            deep.to_string().len()
        );
        assert_eq!(
            result.truncated,
            ["/message", "/metadata/all", "/metadata/whole"]
        );
    }

    #[test]
    fn says_which_results_were_cut() {
        let payload = json!({"rows": vec![0; MAX_RESULTS + 1]});
        let given = transform(
            json!({"message": "$.rows[*]", "metadata": {"all": "$.rows[*]", "rows": "$.rows"}}),
        );
        let result = given.compile().expect("valid").apply(&payload, [None; 2]);
        assert_eq!(result.truncated, ["/message", "/metadata/all"]);
        assert_eq!(
            result.metadata["all"].as_array().expect("valid").len(),
            MAX_RESULTS
        );
        assert_eq!(
            result.metadata["rows"].as_array().expect("valid").len(),
            MAX_RESULTS + 1
        );
    }

    #[test]
    fn round_trips_and_refuses_unknown_fields() {
        let text = json!({"message": "$.a", "metadata": {"b": "c.d"}});
        assert_eq!(
            serde_json::to_value(transform(text.clone())).expect("valid"),
            text
        );
        let error =
            serde_json::from_value::<Transform>(json!({"mesage": "$.a"})).expect_err("refused");
        assert!(
            error.to_string().contains("unknown field `mesage`"),
            "{error}"
        );
    }
}
