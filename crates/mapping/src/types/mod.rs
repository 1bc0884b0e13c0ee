//! What the fields of both sides are, which types fit which, and what that says of a mapping's rules.
//!
//! The statuses are the icons of seed 003: ok is the blue check, warning the yellow exclamation mark, error the red X.

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod chain;
mod check;
mod fields;
mod findings;
mod fitting;
mod matrix;

pub use check::{Mode, Report, RuleCheck, check};
pub use findings::{Code, Finding, Status};
pub use matrix::{Condition, Fit, MATRIX, fit};

/// Fields of one side that are looked at.
pub const MAX_FIELDS: usize = 2_000;

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text.
    #[default]
    #[serde(alias = "string", alias = "textarea", alias = "html")]
    Text,
    /// A number.
    #[serde(
        alias = "integer",
        alias = "int",
        alias = "long",
        alias = "double",
        alias = "decimal",
        alias = "currency",
        alias = "percent"
    )]
    Number,
    /// One of some options.
    #[serde(
        alias = "picklist",
        alias = "select",
        alias = "enumeration",
        alias = "combobox"
    )]
    Enum,
    /// Several of some options.
    #[serde(alias = "multipicklist", alias = "multiselect")]
    MultiEnum,
    /// A day.
    Date,
    /// A moment.
    Datetime,
    /// True or false.
    #[serde(alias = "bool", alias = "checkbox")]
    Boolean,
    /// An e-mail address.
    Email,
    /// A phone number.
    #[serde(alias = "phone_number", alias = "phonenumber")]
    Phone,
    /// The address of a page.
    Url,
    /// Another record, such as a company or an owner.
    #[serde(alias = "lookup", alias = "owner")]
    Reference,
    /// Something else: nothing is said about it.
    #[serde(other)]
    Other,
}

/// A field of either side, as a connection's list of fields describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The name that rules use.
    pub name: String,
    /// The name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it holds.
    #[serde(default, rename = "type")]
    pub kind: FieldType,
    /// Whether a record cannot be made without it.
    #[serde(default)]
    pub required: bool,
    /// Whether it is computed or kept by the system.
    #[serde(default)]
    pub read_only: bool,
    /// Whether it can be set when a record is made.
    #[serde(default = "yes")]
    pub createable: bool,
    /// Whether it can be changed later.
    #[serde(default = "yes")]
    pub updateable: bool,
    /// Whether it is hidden or archived.
    #[serde(default)]
    pub hidden: bool,
    /// The options of an `enum` or `multi_enum`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FieldOption>,
    /// Whether other values than the options are refused.
    #[serde(default)]
    pub restricted: bool,
    /// The most characters that a text may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// Digits behind the point that a number keeps; 0 for whole numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// The kind of record it belongs to, such as `contact` or `company`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The kind of record that a reference points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
}

/// An option of a field: a value, perhaps with a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldOption {
    /// The value alone.
    Value(String),
    /// A value and what people see.
    Labelled {
        /// The value that is written.
        value: String,
        /// The label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
}

impl Field {
    /// A text field of this name: the plainest one.
    pub fn text(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: None,
            kind: FieldType::Text,
            required: false,
            read_only: false,
            createable: true,
            updateable: true,
            hidden: false,
            options: Vec::new(),
            restricted: false,
            max_length: None,
            scale: None,
            object: None,
            references: None,
        }
    }

    /// Reads a list of fields.
    ///
    /// # Errors
    ///
    /// The first field that cannot be read, with a JSON pointer below `place`, or a list longer than [`MAX_FIELDS`].
    pub fn read_list(fields: &Value, place: &str) -> Result<Vec<Self>, crate::Fault> {
        let Some(items) = fields.as_array() else {
            let detail =
                "fields are a list of objects such as {\"name\": \"Email\", \"type\": \"email\"}";
            return Err(crate::Fault::new(place, detail));
        };
        if items.len() > MAX_FIELDS {
            let detail = format!(
                "{} fields, but at most {MAX_FIELDS} are compared",
                items.len()
            );
            return Err(crate::Fault::new(place, detail));
        }
        let read = items.iter().enumerate().map(|(number, field)| {
            let wrong = |error: serde_json::Error| {
                crate::Fault::new(format!("{place}/{number}"), error.to_string())
            };
            Self::deserialize(field).map_err(wrong)
        });
        read.collect()
    }
}

impl FieldOption {
    /// The value that is written.
    pub fn value(&self) -> &str {
        match self {
            Self::Value(value) | Self::Labelled { value, .. } => value,
        }
    }
}

impl FieldType {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Enum => "enum",
            Self::MultiEnum => "multi_enum",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Boolean => "boolean",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Reference => "reference",
            Self::Other => "other",
        }
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
