//! What a rule reads from a record.

use std::borrow::Cow;

use serde_json::Value;

use super::skeleton::Skeleton;
use crate::functions::Flow;
use crate::path::{Path, Selection};
use crate::rules::{Form, Step, Steps};

/// Where a rule's value comes from, made ready.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Nowhere: a function makes it.
    Nothing,
    /// Steps down from the root: the quick way that most rules take.
    Field(Steps),
    /// A canonical key: one name of a flat record, else steps down a nested one.
    Key(String, Steps),
    /// A JSONPath that chooses.
    Choice(Choice),
    /// What another rule has written.
    Output(usize),
    /// Several, handed on as one list.
    List(Vec<Source>),
}

/// A JSONPath that chooses among values.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    path: Path,
    /// Whether it names many by `[*]`, a slice, a list or `..`: then it gives a list however many there are.
    names_many: bool,
}

impl Source {
    /// The quickest way to read what `path` names. Steps with `[*]` give a list here; a rule that writes item by
    /// item follows them itself.
    pub(super) fn of(path: Path, form: Form) -> Self {
        match (Steps::of(&path), form) {
            (Some(steps), Form::Keys) if steps.eaches() == 0 && steps.steps().len() > 1 => {
                Self::Key(path.as_str().to_owned(), steps)
            }
            (Some(steps), _) if steps.eaches() == 0 => Self::Field(steps),
            _ => Self::Choice(Choice {
                names_many: Skeleton::of(&path).names_many(),
                path,
            }),
        }
    }

    /// Whether reading it looks at the whole record, or nearly.
    pub(super) fn searches(&self) -> bool {
        match self {
            Self::Choice(_) => true,
            Self::List(sources) => sources.iter().any(Self::searches),
            _ => false,
        }
    }

    /// The value in `record`; `written` gives what other rules have written. `None` is absent.
    #[inline]
    pub(super) fn read<'v>(
        &self,
        record: &'v Value,
        written: &impl Fn(usize) -> Option<&'v Value>,
    ) -> Option<Flow<'v>> {
        match self {
            Self::Nothing => None,
            Self::Field(steps) => steps.find(record).map(Cow::Borrowed),
            Self::Key(flat, steps) => {
                let flat = record.as_object().and_then(|members| members.get(flat));
                flat.or_else(|| steps.find(record)).map(Cow::Borrowed)
            }
            Self::Choice(choice) => choice.read(record),
            Self::Output(rule) => written(*rule).map(Cow::Borrowed),
            Self::List(sources) => {
                let mut any = false;
                let items = sources.iter().map(|source| {
                    let value = source.read(record, written);
                    any |= value.is_some();
                    value.map_or(Value::Null, Cow::into_owned)
                });
                let items = items.collect();
                any.then_some(Cow::Owned(Value::Array(items)))
            }
        }
    }
}

impl Choice {
    fn read<'v>(&self, record: &'v Value) -> Option<Flow<'v>> {
        match self.path.select(record) {
            Selection::None => None,
            Selection::One(value) if !self.names_many => Some(Cow::Borrowed(value)),
            found => {
                let items = found.values().iter().map(|value| (*value).clone());
                Some(Cow::Owned(Value::Array(items.collect())))
            }
        }
    }
}

/// What stands at the end of steps with `[*]`, or on the way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<'v> {
    /// A list, perhaps an empty one, whose items are visited next.
    List,
    /// A value, absent where an item lacks the field.
    Value(Option<&'v Value>),
}

/// Visits every value that steps with `[*]` lead to, with the position of each item on the way.
pub(super) fn each<'v>(
    value: &'v Value,
    steps: &[Step],
    at: &mut Vec<usize>,
    visit: &mut impl FnMut(Seen<'v>, &[usize]),
) {
    let Some(fork) = steps.iter().position(|step| *step == Step::Each) else {
        let found = steps.iter().try_fold(value, |value, step| step.down(value));
        visit(Seen::Value(found), at);
        return;
    };
    let (down, rest) = (&steps[..fork], &steps[fork + 1..]);
    let items: Vec<&Value> = match down.iter().try_fold(value, |value, step| step.down(value)) {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(Value::Object(members)) => members.values().collect(),
        _ => return,
    };
    visit(Seen::List, at);
    for (number, item) in items.into_iter().enumerate() {
        at.push(number);
        each(item, rest, at, visit);
        at.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_with_a_shape_that_does_not_depend_on_the_record() {
        let record = json!({
            "a": {"b": 1, "none": null}, "x.y": 2, "x": {"y": 3}, "one": [7], "two": [7, 8],
            "mails": [{"type": "home", "v": "h"}, {"type": "work", "v": "w"}], "f,*": 9
        });
        let rows = [
            ("a.b", Form::Rules, Some(json!(1))),
            ("a.none", Form::Rules, Some(Value::Null)),
            ("a.c", Form::Rules, None),
            ("x.y", Form::Rules, Some(json!(3))),
            ("x.y", Form::Keys, Some(json!(2))),
            ("a.b", Form::Keys, Some(json!(1))),
            ("one[*]", Form::Rules, Some(json!([7]))),
            ("$.one[*]", Form::Rules, Some(json!([7]))),
            ("$.two[0:1]", Form::Rules, Some(json!([7]))),
            ("$.one[0,0]", Form::Rules, Some(json!([7, 7]))),
            ("$..b", Form::Rules, Some(json!([1]))),
            ("$.a.*", Form::Rules, Some(json!([1, null]))),
            (
                "$.mails[?@.type == 'work'].v",
                Form::Rules,
                Some(json!("w")),
            ),
            ("$.mails[?@.type].v", Form::Rules, Some(json!(["h", "w"]))),
            ("$.mails[?@.type == 'a,:*'].v", Form::Rules, None),
            (
                "$.mails[?@['type','v']].v",
                Form::Rules,
                Some(json!(["h", "w"])),
            ),
            ("$['f,*']", Form::Rules, Some(json!(9))),
            ("$['f\\u002c*']", Form::Rules, Some(json!(9))),
            ("$.nothing[*]", Form::Rules, None),
        ];
        for (text, form, expected) in rows {
            let source = Source::of(Path::parse(text).expect(text), form);
            let read = source.read(&record, &|_| None).map(Cow::into_owned);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn several_sources_keep_their_places() {
        let of = |text: &str| Source::of(Path::parse(text).expect(text), Form::Rules);
        let list = Source::List(vec![of("a"), of("b"), of("c")]);
        let rows = [
            (json!({"a": 1, "c": 3}), Some(json!([1, null, 3]))),
            (json!({"b": null}), Some(json!([null, null, null]))),
            (json!({}), None),
        ];
        for (record, expected) in rows {
            assert_eq!(list.read(&record, &|_| None).map(Cow::into_owned), expected);
        }
    }

    #[test]
    fn each_item_is_visited_with_its_place() {
        let record = json!({"l": [{"p": [1, 2]}, {}, {"p": [3]}], "n": [{"v": 1}, {}], "e": []});
        let rows = [
            ("l[*].p[*]", "=list 0=list 0.0=1 0.1=2 2=list 2.0=3"),
            ("n[*].v", "=list 0=1 1=absent"),
            ("e[*].v", "=list"),
            ("none[*].v", ""),
        ];
        for (text, expected) in rows {
            let steps = Steps::of(&Path::parse(text).expect(text)).expect(text);
            let mut seen = Vec::new();
            each(&record, steps.steps(), &mut Vec::new(), &mut |value, at| {
                let at: Vec<String> = at.iter().map(ToString::to_string).collect();
                let value = match value {
                    Seen::List => "list".to_owned(),
                    Seen::Value(value) => value.map_or("absent".to_owned(), ToString::to_string),
                };
                seen.push(format!("{}={value}", at.join(".")));
            });
            assert_eq!(seen.join(" "), expected, "{text}");
        }
    }
}
