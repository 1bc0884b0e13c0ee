//! A mapping over many records: a line in, a line out (NDJSON).

use serde::Serialize;
use serde_json::Value;

use crate::depth::{DEFAULT_MAX_DEPTH, check_depth};
use crate::plan::{Issue, Outcome, Plan, Way};

/// Bytes that a line may have unless the caller says otherwise.
pub const DEFAULT_MAX_LINE: usize = 1 << 20;

/// How a mapping is applied to lines.
#[derive(Clone, Copy, Debug)]
pub struct Apply<'p> {
    /// The mapping.
    pub plan: &'p Plan,
    /// Which way it runs.
    pub way: Way,
    /// Bytes that a line may have.
    pub max_line: usize,
    /// Levels that its JSON may nest.
    pub max_depth: usize,
}

/// What became of one line. Written as one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The number of the line, counted from 1.
    pub line: u64,
    /// The record made; left out when the line is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Why the line is no record at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Why the record is rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    /// What was left out of the record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Issue>,
    /// Errors and warnings that are only counted.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub more_issues: usize,
}

impl<'p> Apply<'p> {
    /// This plan, this way, with the usual bounds.
    pub fn new(plan: &'p Plan, way: Way) -> Self {
        Self {
            plan,
            way,
            max_line: DEFAULT_MAX_LINE,
            max_depth: DEFAULT_MAX_DEPTH,
        }
    }

    /// What becomes of a line. `None` for a blank one, which is no record. Never fails: what is wrong with a line
    /// stands in its place, and the next line is as if nothing had been.
    pub fn line(&self, number: u64, line: &[u8]) -> Option<Line> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        Some(match self.read(line) {
            Ok(record) => self.record(number, &record),
            Err(reason) => Line {
                line: number,
                output: None,
                unreadable: Some(reason),
                errors: Vec::new(),
                warnings: Vec::new(),
                more_issues: 0,
            },
        })
    }

    /// What becomes of a record that is read already.
    pub fn record(&self, number: u64, record: &Value) -> Line {
        let Outcome {
            output,
            errors,
            warnings,
            more_issues,
        } = self.plan.run(self.way, record);
        Line {
            line: number,
            output,
            unreadable: None,
            errors,
            warnings,
            more_issues,
        }
    }

    fn read(&self, line: &[u8]) -> Result<Value, String> {
        if line.len() > self.max_line {
            let (has, most) = (line.len(), self.max_line);
            return Err(format!(
                "the line has {has} bytes, and may have {most}; send fewer fields"
            ));
        }
        check_depth(line, self.max_depth).map_err(|error| error.to_string())?;
        serde_json::from_slice(line).map_err(|error| format!("the line is no JSON: {error}"))
    }
}

impl Line {
    /// Whether there is a record to pass on.
    pub fn is_accepted(&self) -> bool {
        self.output.is_some()
    }

    /// The line as JSON, with its line feed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec(self).expect("names and values of JSON can be written as JSON");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::{Definition, Overrides};

    #[test]
    fn each_line_stands_for_itself() {
        let document = json!({"mappings": [
            {"source": "email", "target": "Email", "required": true, "validation": "email"},
            {"source": "phone", "target": "Phone", "validation": "email"}]});
        let definition = Definition::read(&document).expect("valid");
        let plan = Plan::compile(&definition, &Overrides::default()).expect("valid");
        let mut apply = Apply::new(&plan, Way::ToExternal);
        apply.max_line = 60;
        apply.max_depth = 3;
        let rows = [
            (
                r#"{"email": "a@b.de"}"#,
                json!({"line": 1, "output": {"Email": "a@b.de"}}),
            ),
            ("  \r", Value::Null),
            (
                r#"{"email": "a@b.de", "phone": "x"}"#,
                json!({"line": 1, "output": {"Email": "a@b.de"}, "warnings": ["Phone"]}),
            ),
            ("{}", json!({"line": 1, "errors": ["Email"]})),
            (
                "{\"email\": ",
                json!({"line": 1, "unreadable": "the line is no JSON: EOF while parsing a value at line 1 column 10"}),
            ),
            (
                "[[[[]]]]",
                json!({"line": 1, "unreadable": "JSON nests more than 3 levels deep at byte 3: flatten it or raise limits.json_depth_max"}),
            ),
            (
                r#"{"email": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.de"}"#,
                json!({"line": 1, "unreadable": "the line has 76 bytes, and may have 60; send fewer fields"}),
            ),
            (
                "\u{feff}{}",
                json!({"line": 1, "unreadable": "the line is no JSON: expected value at line 1 column 1"}),
            ),
        ];
        for (line, expected) in rows {
            let found = apply.line(1, line.as_bytes()).map_or(Value::Null, |line| {
                let mut value: Value = serde_json::from_slice(&line.to_bytes()).expect("valid");
                for issues in ["errors", "warnings"] {
                    for issue in value
                        .get_mut(issues)
                        .and_then(Value::as_array_mut)
                        .into_iter()
                        .flatten()
                    {
                        *issue = issue["target"].clone();
                    }
                }
                value
            });
            assert_eq!(found, expected, "{line}");
        }
    }
}
