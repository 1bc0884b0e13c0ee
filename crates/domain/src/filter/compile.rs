//! Reading a filter: every fault with a JSON Pointer to its place.

use serde_json::{Map, Value};
use tieline_mapping::path::Path;

use super::{
    Asks, Condition, Filter, MAX_DEPTH, MAX_LISTED, MAX_SEARCHES, MAX_TEXT, MOST_NODES, Node,
    Order, Test,
};
use crate::{Violation, violation::pointer_step};

/// What a filter can be made of.
const FORMS: &str = "give `all`, `any` or `not`, or a `field` with one of `eq`, `in`, `gt`, `gte`, `lt`, `lte`, `prefix`, `exists`";

/// The parts of an event that a dotted field can begin with.
const ROOTS: [&str; 4] = ["data", "type", "subject", "source"];

type ReadTest = fn(&Value) -> Result<Test, String>;

/// The tests by their words; `exists` is none of them: it looks at the field, not at a value of it.
const TESTS: [(&str, ReadTest); 7] = [
    ("eq", |value| scalar(value).map(Test::Equals)),
    ("in", list),
    ("gt", |value| ordered(Order::Greater, value)),
    ("gte", |value| ordered(Order::GreaterOrEqual, value)),
    ("lt", |value| ordered(Order::Less, value)),
    ("lte", |value| ordered(Order::LessOrEqual, value)),
    ("prefix", prefix),
];

impl Filter {
    /// Compiles a filter of at most so many parts, or says everything that is wrong with it; pointers are
    /// relative to it.
    pub fn compile(filter: &Value, parts: usize) -> Result<Self, Vec<Violation>> {
        let mut compiler = Compiler {
            most: parts.min(MOST_NODES),
            nodes: 0,
            searches: 0,
            faults: Vec::new(),
        };
        let root = compiler.node(filter, "", 1);
        match root {
            Some(root) if compiler.faults.is_empty() => Ok(Self { root }),
            _ => Err(compiler.faults),
        }
    }
}

struct Compiler {
    most: usize,
    nodes: usize,
    searches: usize,
    faults: Vec<Violation>,
}

impl Compiler {
    /// Notes a fault.
    fn fault<T>(&mut self, pointer: &str, detail: impl Into<String>) -> Option<T> {
        self.faults.push(Violation::new(pointer, detail));
        None
    }

    fn node(&mut self, value: &Value, pointer: &str, level: usize) -> Option<Node> {
        self.nodes += 1;
        if self.nodes == self.most + 1 {
            let detail = format!(
                "a filter has at most {} parts; use `in` for lists",
                self.most
            );
            return self.fault(pointer, detail);
        }
        if self.nodes > self.most {
            return None;
        }
        if level > MAX_DEPTH {
            let detail =
                format!("`all`, `any` and `not` nest at most {MAX_DEPTH} levels deep; flatten it");
            return self.fault(pointer, detail);
        }
        let Some(form) = value.as_object() else {
            return self.fault(pointer, format!("expected an object: {FORMS}"));
        };
        if form.contains_key("field") {
            return self.condition(form, pointer).map(Node::Field);
        }
        let mut entries = form.iter();
        let (Some((word, inner)), None) = (entries.next(), entries.next()) else {
            return self.fault(pointer, format!("one thing at a time: {FORMS}"));
        };
        let pointer = format!("{pointer}{}", pointer_step(word));
        match &**word {
            "all" => self.parts(inner, &pointer, level).map(Node::All),
            "any" => self.parts(inner, &pointer, level).map(Node::Any),
            "not" => self
                .node(inner, &pointer, level + 1)
                .map(|part| Node::Not(Box::new(part))),
            word => self.fault(&pointer, format!("unknown word `{word}`: {FORMS}")),
        }
    }

    fn parts(&mut self, value: &Value, pointer: &str, level: usize) -> Option<Vec<Node>> {
        let parts = value.as_array().filter(|parts| !parts.is_empty());
        let Some(parts) = parts else {
            return self.fault(pointer, "expected a list of at least one filter");
        };
        let compiled = parts.iter().enumerate().map(|(i, part)| {
            let place = format!("{pointer}/{i}");
            self.node(part, &place, level + 1)
        });
        compiled
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()
    }

    fn condition(&mut self, form: &Map<String, Value>, pointer: &str) -> Option<Condition> {
        let path = self.path(&form["field"], &format!("{pointer}/field"));
        let mut exists = None;
        let mut tests = Vec::new();
        for (word, value) in form.iter().filter(|(word, _)| *word != "field") {
            let place = format!("{pointer}{}", pointer_step(word));
            let read = TESTS.iter().find(|(name, _)| name == word);
            match (&**word, read) {
                ("exists", _) => match value.as_bool() {
                    Some(wanted) => exists = Some(wanted),
                    None => self.fault(&place, "expected true or false")?,
                },
                (_, Some((_, read))) => match read(value) {
                    Ok(test) => tests.push(test),
                    Err(detail) => self.fault(&place, detail)?,
                },
                _ => self.fault(&place, format!("unknown word `{word}`: {FORMS}"))?,
            }
        }
        let asks = match (exists, tests.is_empty()) {
            (Some(wanted), true) => Asks::Exists(wanted),
            (Some(_), false) => {
                let detail =
                    "`exists` stands alone: a field that is missing meets no comparison anyway";
                return self.fault(&format!("{pointer}/exists"), detail);
            }
            (None, false) => Asks::Passes(tests),
            (None, true) => {
                return self.fault(pointer, format!("nothing is asked of the field: {FORMS}"));
            }
        };
        Some(Condition { path: path?, asks })
    }

    fn path(&mut self, field: &Value, pointer: &str) -> Option<Path> {
        let Some(text) = field.as_str() else {
            return self.fault(
                pointer,
                "expected a text such as data.total or $.data.items[*].sku",
            );
        };
        let root = text.trim().split(['.', '[']).next().unwrap_or_default();
        if !text.trim().starts_with('$') && !ROOTS.contains(&root) {
            let detail = format!(
                "a field begins with {}; write data.{} for what is in the content",
                ROOTS.join(", "),
                text.trim()
            );
            return self.fault(pointer, detail);
        }
        let path = match Path::parse(text) {
            Ok(path) => path,
            Err(error) => return self.fault(pointer, error.to_string()),
        };
        self.searches += usize::from(path.searches());
        if self.searches > MAX_SEARCHES {
            let detail = format!(
                "at most {MAX_SEARCHES} fields may search with `..`; name the steps in between"
            );
            return self.fault(pointer, detail);
        }
        Some(path)
    }
}

fn scalar(value: &Value) -> Result<Value, String> {
    match value {
        Value::Array(_) | Value::Object(_) => {
            Err("expected a text, a number, true, false or null".to_owned())
        }
        Value::String(text) => bounded(text).map(Value::from),
        other => Ok(other.clone()),
    }
}

fn list(value: &Value) -> Result<Test, String> {
    let values = value
        .as_array()
        .filter(|values| (1..=MAX_LISTED).contains(&values.len()));
    let Some(values) = values else {
        return Err(format!("expected a list of 1 to {MAX_LISTED} values"));
    };
    values
        .iter()
        .map(scalar)
        .collect::<Result<_, _>>()
        .map(Test::OneOf)
}

fn ordered(order: Order, value: &Value) -> Result<Test, String> {
    match value {
        Value::Number(_) | Value::String(_) => Ok(Test::Order(order, scalar(value)?)),
        _ => Err("expected a number or a text: nothing else has an order".to_owned()),
    }
}

fn prefix(value: &Value) -> Result<Test, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    let text = text.ok_or("expected a text of at least one character")?;
    bounded(text).map(Test::Prefix)
}

fn bounded(text: &str) -> Result<String, String> {
    if text.chars().count() > MAX_TEXT {
        return Err(format!(
            "a text has at most {MAX_TEXT} characters here; shorten it"
        ));
    }
    Ok(text.to_owned())
}
