//! What a changed mapping makes otherwise of the same records.

use serde::Serialize;
use serde_json::Value;

use crate::fault::pointer_step;
use crate::plan::{Issue, Outcome, Plan, Way};
use crate::transform::weigh;

/// Differences told of one record; more are counted.
pub const MAX_DIFFERENCES: usize = 100;
/// What all differences show: values, and bytes of text. Differences behind that are told without their values.
pub const MAX_SHOWN: usize = 4 << 20;

/// What differs over some records.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Records that were looked at.
    pub records: usize,
    /// Records that come out otherwise.
    pub changed: usize,
    /// Of these, records that are rejected now and were not before.
    pub now_rejected: usize,
    /// Of these, records that were rejected and are not now.
    pub now_accepted: usize,
    /// Each record that comes out otherwise.
    pub rows: Vec<RecordDiff>,
}

/// What differs in one record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordDiff {
    /// Which record it is, counted from 0.
    pub index: usize,
    /// Whether it was accepted.
    pub accepted_before: bool,
    /// Whether it is accepted now.
    pub accepted_after: bool,
    /// The fields that differ, [`MAX_DIFFERENCES`] at most.
    pub fields: Vec<FieldDiff>,
    /// Fields that are not shown.
    #[serde(skip_serializing_if = "crate::is_zero")]
    pub more_fields: usize,
    /// Why it is rejected now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
}

/// What differs in one field. What is absent is left out; null is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldDiff {
    /// The field, as a JSON pointer into the record that comes out.
    pub pointer: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the values are not shown, because there would be more than [`MAX_SHOWN`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Runs both plans this way over the records.
pub fn diff(before: &Plan, after: &Plan, way: Way, records: &[Value]) -> Diff {
    let mut diff = Diff {
        records: records.len(),
        ..Diff::default()
    };
    let mut room = MAX_SHOWN;
    for (index, record) in records.iter().enumerate() {
        let row = compare(
            index,
            &before.run(way, record),
            after.run(way, record),
            &mut room,
        );
        diff.rows.extend(row);
    }
    diff.changed = diff.rows.len();
    diff.now_rejected = diff
        .rows
        .iter()
        .filter(|row| row.accepted_before && !row.accepted_after)
        .count();
    diff.now_accepted = diff
        .rows
        .iter()
        .filter(|row| !row.accepted_before && row.accepted_after)
        .count();
    diff
}

fn compare(index: usize, before: &Outcome, after: Outcome, room: &mut usize) -> Option<RecordDiff> {
    let mut differences = Differences {
        fields: Vec::new(),
        more: 0,
        room,
    };
    let mut pointer = String::new();
    differences.value(&mut pointer, before.output.as_ref(), after.output.as_ref());
    if differences.fields.is_empty() {
        return None;
    }
    Some(RecordDiff {
        index,
        accepted_before: before.is_accepted(),
        accepted_after: after.is_accepted(),
        fields: differences.fields,
        more_fields: differences.more,
        errors: after.errors,
    })
}

struct Differences<'r> {
    fields: Vec<FieldDiff>,
    more: usize,
    /// What may still be shown.
    room: &'r mut usize,
}

impl Differences<'_> {
    /// Tells what differs, as deep inside as both are of one kind. Recursion goes as deep as the records nest.
    fn value(&mut self, pointer: &mut String, before: Option<&Value>, after: Option<&Value>) {
        if before == after {
            return;
        }
        match (before, after) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                for (name, value) in old {
                    self.below(pointer, &pointer_step(name), Some(value), new.get(name));
                }
                for (name, value) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                    self.below(pointer, &pointer_step(name), None, Some(value));
                }
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                for index in 0..old.len().max(new.len()) {
                    self.below(pointer, &index.to_string(), old.get(index), new.get(index));
                }
            }
            _ if self.fields.len() >= MAX_DIFFERENCES => self.more += 1,
            _ => self.tell(pointer, before, after),
        }
    }

    fn tell(&mut self, pointer: &str, before: Option<&Value>, after: Option<&Value>) {
        let weights = [before, after]
            .into_iter()
            .flatten()
            .try_fold(0, |sum, value| {
                Some(sum + weigh(value, self.room.saturating_sub(sum))?)
            });
        *self.room -= weights.unwrap_or_default();
        self.fields.push(FieldDiff {
            pointer: pointer.to_owned(),
            before: before.filter(|_| weights.is_some()).cloned(),
            after: after.filter(|_| weights.is_some()).cloned(),
            cut: weights.is_none(),
        });
    }

    fn below(
        &mut self,
        pointer: &mut String,
        step: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(step);
        self.value(pointer, before, after);
        pointer.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::{Definition, Overrides};

    fn plan(document: Value) -> Plan {
        let definition = Definition::read(&document).expect("valid");
        Plan::compile(&definition, &Overrides::default()).expect("valid")
    }

    #[test]
    fn tells_each_field_that_differs() {
        let before = plan(json!({"mappings": [
            {"source": "email", "target": "Email"},
            {"source": "name", "target": "person.name"},
            {"source": "tags", "target": "tags"}]}));
        let after = plan(json!({"mappings": [
            {"source": "email", "target": "Email", "transformation": "lowercase", "required": true},
            {"source": "name", "target": "person.full/name"},
            {"source": "tags", "target": "tags"}]}));
        let records = [
            json!({"email": "a@b.c", "tags": ["x"]}),
            json!({"email": "A@B.C", "name": null}),
            json!({"name": "Ada"}),
        ];
        let found = diff(&before, &after, Way::ToExternal, &records);
        assert_eq!(
            (
                found.records,
                found.changed,
                found.now_rejected,
                found.now_accepted
            ),
            (3, 2, 1, 0)
        );
        let rows: Vec<Value> = found
            .rows
            .iter()
            .map(|row| json!([row.index, row.fields]))
            .collect();
        assert_eq!(
            Value::from(rows),
            json!([
                [1, [
                    {"pointer": "/Email", "before": "A@B.C", "after": "a@b.c"},
                    {"pointer": "/person/name", "before": null},
                    {"pointer": "/person/full~1name", "after": null},
                ]],
                [2, [{"pointer": "", "before": {"person": {"name": "Ada"}}}]],
            ])
        );
        assert_eq!(found.rows[1].errors[0].target, "Email");
        let back = diff(&after, &before, Way::ToExternal, &records);
        assert_eq!((back.now_rejected, back.now_accepted), (0, 1));
    }

    #[test]
    fn equal_plans_do_not_differ_and_much_is_counted() {
        let document = json!({"mappings": [{"source": "list", "target": "list"}]});
        let none = plan(
            json!({"mappings": [{"source": "list", "target": "list", "transformation": "uppercase"}]}),
        );
        let record = json!({"list": vec!["x"; MAX_DIFFERENCES + 5]});
        let (one, two) = (plan(document.clone()), plan(document));
        assert_eq!(
            diff(&one, &two, Way::ToExternal, std::slice::from_ref(&record)).changed,
            0
        );
        let found = diff(&one, &none, Way::ToExternal, &[record]);
        assert_eq!(
            (found.rows[0].fields.len(), found.rows[0].more_fields),
            (MAX_DIFFERENCES, 5)
        );
        let large = json!({"list": "x".repeat(MAX_SHOWN / 5)});
        let found = diff(&one, &none, Way::ToExternal, &vec![large; 4]);
        let cut: Vec<bool> = found.rows.iter().map(|row| row.fields[0].cut).collect();
        assert_eq!(cut, [false, false, true, true], "two values each");
    }
}
