//! Where a value stands in a record, step by step: what most rules read and every rule writes.

use std::fmt;

use serde_json::Value;

use crate::path::Path;

/// Steps from the root of a record to a value.
///
/// Read from the same texts as [`Path`], dotted or JSONPath, as far as they only name members, positions and `[*]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Steps(Vec<Step>);

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The member of an object.
    Name(String),
    /// The item of an array, counted from its end if negative.
    Index(i32),
    /// Every item of an array, or member of an object.
    Each,
}

impl Steps {
    /// The steps that `path` takes, or `None` if it chooses in other ways.
    pub fn of(path: &Path) -> Option<Self> {
        let text = path.as_str();
        let steps = match text.strip_prefix('$') {
            Some(rest) => jsonpath(rest),
            None => text
                .split('.')
                .map(dotted)
                .collect::<Option<Vec<_>>>()
                .map(|s| s.concat()),
        };
        steps.map(Self)
    }

    /// One step: to the member of this name, dots and all.
    pub fn name(name: &str) -> Self {
        Self(vec![Step::Name(name.to_owned())])
    }

    /// These steps, and one more `[*]`.
    pub(crate) fn and_each(mut self) -> Self {
        self.0.push(Step::Each);
        self
    }

    /// These steps without the last one, if that is `[*]`.
    pub(crate) fn before_each(&self) -> Option<Self> {
        let (last, rest) = self.0.split_last()?;
        (*last == Step::Each).then(|| Self(rest.to_vec()))
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it is a place that can be written: no position counted from the end.
    pub(crate) fn is_writable(&self) -> bool {
        !self.0.iter().any(|step| matches!(step, Step::Index(..0)))
    }

    /// How many steps are `[*]`.
    pub fn eaches(&self) -> usize {
        self.0.iter().filter(|step| **step == Step::Each).count()
    }

    /// The value at the end of the steps, none of which is `[*]`.
    #[inline]
    pub fn find<'v>(&self, record: &'v Value) -> Option<&'v Value> {
        self.0
            .iter()
            .try_fold(record, |value, step| step.down(value))
    }

    /// The steps with each `[*]` replaced by the position in `at`, for telling which item is meant.
    pub fn at(&self, at: &[usize]) -> Self {
        let mut at = at.iter();
        let exact = |step: &Step| match step {
            Step::Each => at.next().map_or(Step::Each, |i| Step::Index(*i as i32)),
            step => step.clone(),
        };
        Self(self.0.iter().map(exact).collect())
    }
}

impl Step {
    /// The value one step below `value`; `None` for `[*]`, which is more than one.
    #[inline]
    pub fn down<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match (self, value) {
            (Self::Name(name), Value::Object(members)) => members.get(name),
            (Self::Index(index), Value::Array(items)) => {
                let index = match usize::try_from(*index) {
                    Ok(index) => index,
                    Err(_) => items.len().checked_sub(index.unsigned_abs() as usize)?,
                };
                items.get(index)
            }
            _ => None,
        }
    }
}

/// One step of a dotted path: a name, then any number of `[0]` or `[*]`.
fn dotted(step: &str) -> Option<Vec<Step>> {
    let (name, brackets) = step.split_at(step.find('[').unwrap_or(step.len()));
    let mut steps = vec![Step::Name(name.to_owned())];
    let mut rest = brackets;
    while !rest.is_empty() {
        let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
        steps.push(position(inside)?);
        rest = after;
    }
    Some(steps)
}

/// The steps of a JSONPath behind its `$`.
fn jsonpath(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(quoted) = rest.strip_prefix("['") {
            quoted_name(quoted, '\'')?
        } else if let Some(quoted) = rest.strip_prefix("[\"") {
            quoted_name(quoted, '"')?
        } else if let Some(bracket) = rest.strip_prefix('[') {
            let (inside, after) = bracket.split_once(']')?;
            (position(inside)?, after)
        } else {
            let dotted = rest.strip_prefix('.')?;
            let (name, after) = dotted.split_at(dotted.find(['.', '[']).unwrap_or(dotted.len()));
            if name.is_empty() || name.contains(['*', ' ', '\t', '\n', '\r']) {
                return None;
            }
            (Step::Name(name.to_owned()), after)
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

fn quoted_name(quoted: &str, quote: char) -> Option<(Step, &str)> {
    let (name, after) = quoted.split_once(quote)?;
    let after = after.strip_prefix(']')?;
    (!name.contains('\\')).then(|| (Step::Name(name.to_owned()), after))
}

fn position(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::Each);
    }
    inside.parse().ok().map(Step::Index)
}

impl fmt::Display for Steps {
    /// As a dotted path where its names allow that, else as a JSONPath.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_- /#+%~;^`".contains(c))
        };
        let is_plain = |step: &Step| !matches!(step, Step::Name(name) if !plain(name));
        let dotted = matches!(self.0.first(), Some(Step::Name(_))) && self.0.iter().all(is_plain);
        if !dotted {
            f.write_str("$")?;
        }
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if dotted && number == 0 => f.write_str(name)?,
                Step::Name(name) if dotted => write!(f, ".{name}")?,
                Step::Name(name) => write!(f, "['{name}']")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(text: &str) -> Option<Steps> {
        Steps::of(&Path::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    #[test]
    fn reads_what_only_names_and_counts() {
        let rows = [
            ("a", Some("a")),
            ("a.b c[0].d", Some("a.b c[0].d")),
            ("$.a.b", Some("a.b")),
            ("$['a']['b.c'][-1]", Some("$['a']['b.c'][-1]")),
            ("$[\"a\"][*]", Some("a[*]")),
            ("items[*].sku", Some("items[*].sku")),
            ("$", Some("$")),
            ("$[0].a", Some("$[0]['a']")),
            ("$['it\\'s']", None),
            ("$.*", None),
            ("$..a", None),
            ("$['a','b']", None),
            ("$[0:2]", None),
            ("$.a[?@.b]", None),
            ("$ .a", None),
        ];
        for (text, expected) in rows {
            let read = steps(text).map(|steps| steps.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    /// The quick way must find what the evaluator of paths finds.
    #[test]
    fn finds_what_the_path_finds() {
        let record = json!({"a": {"b": [1, {"c": null}], "x.y": "dot"}, "0": "zero"});
        for text in [
            "a",
            "a.b[0]",
            "a.b[-1].c",
            "a.b[2]",
            "a.b[-3]",
            "$['0']",
            "$[0]",
            "$.a['x.y']",
            "a.b.c",
            "$",
            "z.z",
        ] {
            let path = Path::parse(text).expect("valid");
            let found = Steps::of(&path).expect("simple");
            let expected = path.select(&record);
            assert_eq!(
                found.find(&record),
                expected.values().first().copied(),
                "{text}"
            );
        }
    }

    #[test]
    fn an_item_is_named_by_its_position() {
        let lines = steps("lines[*].parts[*].id").expect("simple");
        assert_eq!(lines.at(&[2, 0]).to_string(), "lines[2].parts[0].id");
    }
}
