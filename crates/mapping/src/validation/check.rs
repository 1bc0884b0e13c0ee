//! A validation made ready.

use serde_json::{Map, Value};

use super::kind::{KINDS, KindDeclaration, Settings, number};
use crate::Fault;
use crate::dates::Layout;
use crate::fault::pointer_step;
use crate::functions::kind_of;
use crate::pattern::Pattern;
use crate::phones;

/// Values of an `enum` that an error tells.
const SHOWN: usize = 10;
/// Members that every validation takes.
const COMMON: [&str; 4] = ["type", "pattern", "min_length", "max_length"];

/// What a value must be.
#[derive(Debug)]
pub struct Check {
    kind: Option<&'static KindDeclaration>,
    settings: Settings,
    pattern: Option<Pattern>,
    /// Characters of a text, or values of a list.
    length: Range<u64>,
    number: Range<f64>,
}

/// From the one to the other, both included; an end that is not given is open.
#[derive(Clone, Copy, Debug)]
struct Range<T> {
    least: Option<T>,
    most: Option<T>,
}

/// Why a value is not what it must be. The value is not repeated: it may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// The part of the validation that it fails, such as `email` or `pattern`.
    pub rule: &'static str,
    /// What it must be.
    pub detail: String,
}

impl Check {
    /// Reads a validation: the name of a kind (`"email"`), or an object with `type` and what goes with it.
    ///
    /// # Errors
    ///
    /// Every fault, with a pointer into the validation.
    pub fn compile(written: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::default();
        let check = match written {
            Value::String(name) => Self {
                kind: reader.kind("", name),
                ..Self::open()
            },
            Value::Object(members) => reader.read(members),
            other => {
                let detail = format!(
                    "a validation is a name or an object, not {}",
                    kind_of(other)
                );
                reader.faults.push(Fault::new("", detail));
                Self::open()
            }
        };
        if reader.faults.is_empty() {
            return Ok(check);
        }
        Err(reader.faults)
    }

    fn open() -> Self {
        Self {
            kind: None,
            settings: Settings::default(),
            pattern: None,
            length: Range::OPEN,
            number: Range::OPEN,
        }
    }

    /// Whether a value is what it must be. Of a list, every value is asked, unless lists are what is asked for.
    /// Absent values are not asked, and null is never valid.
    ///
    /// # Errors
    ///
    /// The first thing that it is not.
    pub fn check(&self, value: &Value) -> Result<(), Invalid> {
        let counts = self.kind.is_some_and(|kind| kind.name == "length");
        match value {
            Value::Array(items) if !counts => {
                self.check_length(items.len(), "values")?;
                items.iter().try_for_each(|item| self.check_one(item))
            }
            Value::Array(items) => self.check_length(items.len(), "values"),
            value => self.check_one(value),
        }
    }

    fn check_one(&self, value: &Value) -> Result<(), Invalid> {
        if let Some(kind) = self.kind
            && !(kind.passes)(value, &self.settings)
        {
            return Err(Invalid {
                rule: kind.name,
                detail: self.must_be(kind),
            });
        }
        if let Some(found) = number(value) {
            self.check_number(found)?;
        }
        let Some(text) = value.as_str() else {
            return self.check_no_text(value);
        };
        if self.length.least.is_some() || self.length.most.is_some() {
            self.check_length(text.chars().count(), "characters")?;
        }
        self.check_pattern(text)
    }

    /// A pattern is about text: numbers and booleans are read as they are written, others fail it.
    fn check_no_text(&self, value: &Value) -> Result<(), Invalid> {
        if self.pattern.is_none() {
            if value.is_null() && self.kind.is_none() {
                return Err(invalid("null", "must not be null"));
            }
            return Ok(());
        }
        match value {
            Value::Number(_) | Value::Bool(_) => self.check_pattern(&value.to_string()),
            other => Err(invalid(
                "pattern",
                format!("must be text, not {}", kind_of(other)),
            )),
        }
    }

    fn check_pattern(&self, text: &str) -> Result<(), Invalid> {
        let Some(pattern) = &self.pattern else {
            return Ok(());
        };
        match pattern.is_match(text) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let source = crate::excerpt(pattern.source());
                Err(invalid(
                    "pattern",
                    format!("must match the pattern {source}"),
                ))
            }
            Err(error) => Err(invalid("pattern", error.to_string())),
        }
    }

    fn check_length(&self, length: usize, of: &str) -> Result<(), Invalid> {
        match self.length.misses(&(length as u64)) {
            None => Ok(()),
            Some(bounds) => Err(invalid(
                "length",
                format!("must have {bounds} {of}, not {length}"),
            )),
        }
    }

    fn check_number(&self, found: f64) -> Result<(), Invalid> {
        match self.number.misses(&found) {
            None => Ok(()),
            Some(bounds) => Err(invalid("range", format!("must be {bounds}"))),
        }
    }

    fn must_be(&self, kind: &KindDeclaration) -> String {
        if kind.name != "enum" {
            return format!("must be {}", kind.must_be);
        }
        let values = self
            .settings
            .values
            .iter()
            .take(SHOWN)
            .map(Value::to_string);
        let values = values.collect::<Vec<_>>().join(", ");
        let more = if self.settings.values.len() > SHOWN {
            ", …"
        } else {
            ""
        };
        format!("must be one of {values}{more}")
    }
}

fn invalid(rule: &'static str, detail: impl Into<String>) -> Invalid {
    let detail = detail.into();
    Invalid { rule, detail }
}

impl<T: PartialOrd + std::fmt::Display> Range<T> {
    const OPEN: Self = Self {
        least: None,
        most: None,
    };

    /// The bounds in words, if the value lies outside.
    fn misses(&self, value: &T) -> Option<String> {
        let low = self.least.as_ref().is_some_and(|least| value < least);
        let high = self.most.as_ref().is_some_and(|most| value > most);
        if !low && !high {
            return None;
        }
        Some(match (&self.least, &self.most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (_, Some(most)) => format!("at most {most}"),
            (None, None) => String::new(),
        })
    }
}

/// Reads the members of a validation and collects what is wrong with them.
#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
}

impl Reader {
    fn kind(&mut self, pointer: &str, name: &str) -> Option<&'static KindDeclaration> {
        let known = KINDS.iter().find(|kind| kind.name == name);
        if known.is_none() {
            let names = KINDS.iter().map(|kind| kind.name);
            let fault = Fault::unknown(pointer, "no kind of validation", name, names);
            self.faults.push(fault);
        }
        known
    }

    fn read(&mut self, members: &Map<String, Value>) -> Check {
        let mut check = Check::open();
        match members.get("type") {
            Some(Value::String(name)) => check.kind = self.kind("/type", name),
            Some(_) => self.fault("/type", "`type` must be text: the name of a kind"),
            None => {}
        }
        self.refuse_unknown(members, check.kind);
        if members.is_empty() {
            self.fault("", "a validation needs a `type`, a `pattern` or a length");
        }
        check.pattern = self.pattern(members.get("pattern"));
        check.length = self.range(members, "min_length", "max_length", Value::as_u64);
        match check.kind.map(|kind| kind.name) {
            Some("length") => check.length = self.range(members, "min", "max", Value::as_u64),
            Some("number" | "integer") => {
                check.number = self.range(members, "min", "max", Value::as_f64);
            }
            Some("enum") => check.settings.values = self.values(members.get("values")),
            Some("phone") => {
                let country = self.named(members, "default_country", phones::country);
                check.settings.country = country;
            }
            Some("date") => check.settings.layout = self.named(members, "format", Layout::compile),
            Some("url") => check.settings.schemes = self.schemes(members.get("schemes")),
            _ => {}
        }
        check
    }

    fn fault(&mut self, pointer: &str, detail: &str) {
        self.faults.push(Fault::new(pointer, detail));
    }

    fn refuse_unknown(
        &mut self,
        members: &Map<String, Value>,
        kind: Option<&'static KindDeclaration>,
    ) {
        let own = kind.map_or(&[][..], |kind| kind.members);
        let known = || COMMON.iter().chain(own).copied();
        for name in members.keys().filter(|name| !known().any(|k| k == *name)) {
            let pointer = format!("/{}", pointer_step(name));
            let what = kind.map_or_else(
                || "no member of a validation without a `type`".to_owned(),
                |kind| format!("no member of a validation of type {}", kind.name),
            );
            self.faults
                .push(Fault::unknown(pointer, &what, name, known()));
        }
    }

    fn pattern(&mut self, written: Option<&Value>) -> Option<Pattern> {
        let compiled = match written? {
            Value::String(source) => Pattern::compile(source),
            _ => Err(Fault::new(
                "",
                "`pattern` must be text: a regular expression",
            )),
        };
        let compiled = compiled.map_err(|fault| self.faults.push(fault.under("/pattern")));
        compiled.ok()
    }

    fn range<T: PartialOrd>(
        &mut self,
        members: &Map<String, Value>,
        least: &str,
        most: &str,
        read: fn(&Value) -> Option<T>,
    ) -> Range<T> {
        let mut end = |name: &str| {
            let written = members.get(name)?;
            let value = read(written);
            if value.is_none() {
                let detail = format!(
                    "`{name}` must be a number that fits, not {}",
                    kind_of(written)
                );
                self.faults.push(Fault::new(format!("/{name}"), detail));
            }
            value
        };
        let range = Range {
            least: end(least),
            most: end(most),
        };
        if let (Some(from), Some(to)) = (&range.least, &range.most)
            && from > to
        {
            let detail = format!("`{most}` must not be less than `{least}`");
            self.faults.push(Fault::new(format!("/{most}"), detail));
        }
        range
    }

    /// What a member of text names.
    fn named<T>(
        &mut self,
        members: &Map<String, Value>,
        name: &str,
        read: fn(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let pointer = format!("/{name}");
        let read = match members.get(name)? {
            Value::String(text) => read(text).map_err(|fault| fault.under(&pointer)),
            other => {
                let detail = format!("`{name}` must be text, not {}", kind_of(other));
                Err(Fault::new(pointer, detail))
            }
        };
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn values(&mut self, written: Option<&Value>) -> Vec<Value> {
        const MOST: usize = 1_000;
        match written {
            Some(Value::Array(values)) if (1..=MOST).contains(&values.len()) => values.clone(),
            _ => {
                let detail = "`values` must be a list of 1 to 1000 values that are taken";
                self.fault("/values", detail);
                Vec::new()
            }
        }
    }

    fn schemes(&mut self, written: Option<&Value>) -> Vec<String> {
        let Some(written) = written else {
            return Vec::new();
        };
        let texts = written.as_array().into_iter().flatten().map(Value::as_str);
        let schemes = texts
            .map(|text| text.map(str::to_lowercase))
            .collect::<Option<Vec<_>>>();
        match schemes {
            Some(schemes) if !schemes.is_empty() => schemes,
            _ => {
                self.fault(
                    "/schemes",
                    "`schemes` must be a list of texts, such as [\"https\"]",
                );
                Vec::new()
            }
        }
    }
}
