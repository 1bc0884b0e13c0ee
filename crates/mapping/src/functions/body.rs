//! What a compiled function does with a value.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::error::FunctionError;

/// Bytes that a function may make of one value: enough for any field of any receiver, and no more.
pub const MAX_OUTPUT: usize = 1 << 20;

/// What a function may look at beside the value.
#[derive(Clone, Copy, Debug)]
pub struct Context<'r> {
    /// The whole record that the value comes from; null where there is none.
    pub record: &'r Value,
}

impl Context<'static> {
    /// No record.
    pub const NONE: Self = Self {
        record: &Value::Null,
    };
}

/// A value on its way, borrowed from the record until something changes it.
pub type Flow<'v> = Cow<'v, Value>;

type OnText = dyn for<'v> Fn(Cow<'v, str>) -> Result<Cow<'v, str>, FunctionError> + Send + Sync;
type OnValue =
    dyn for<'v> Fn(Flow<'v>, &Context<'_>) -> Result<Flow<'v>, FunctionError> + Send + Sync;
type OnWhole = dyn for<'v> Fn(Option<Flow<'v>>, &Context<'_>) -> Result<Option<Flow<'v>>, FunctionError>
    + Send
    + Sync;

/// What is done, by what it is done to.
pub(super) enum Body {
    /// Text becomes text: the value's, or that of each value in a list.
    Text(Box<OnText>),
    /// A value that is neither absent nor null.
    Value(Box<OnValue>),
    /// Whatever there is, absent (`None`) and null included.
    Whole(Box<OnWhole>),
}

/// A function made ready.
pub(super) struct Compiled {
    /// What it does.
    pub(super) body: Body,
    /// The function and the parameters that undo it.
    pub(super) inverse: Option<(&'static str, Map<String, Value>)>,
}

impl Compiled {
    pub(super) fn text(
        on_text: impl for<'v> Fn(Cow<'v, str>) -> Result<Cow<'v, str>, FunctionError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::of(Body::Text(Box::new(on_text)))
    }

    pub(super) fn value(
        on_value: impl for<'v> Fn(Flow<'v>, &Context<'_>) -> Result<Flow<'v>, FunctionError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::of(Body::Value(Box::new(on_value)))
    }

    pub(super) fn whole(
        on_whole: impl for<'v> Fn(
            Option<Flow<'v>>,
            &Context<'_>,
        ) -> Result<Option<Flow<'v>>, FunctionError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self::of(Body::Whole(Box::new(on_whole)))
    }

    fn of(body: Body) -> Self {
        Self {
            body,
            inverse: None,
        }
    }

    /// The same, undone by this function with these parameters.
    pub(super) fn undone_by(mut self, name: &'static str, parameters: Map<String, Value>) -> Self {
        self.inverse = Some((name, parameters));
        self
    }
}

impl Body {
    /// Runs it. Absent and null pass unless it is asked for them.
    pub(super) fn run<'v>(
        &self,
        value: Option<Flow<'v>>,
        context: Context<'_>,
    ) -> Result<Option<Flow<'v>>, FunctionError> {
        match (self, value) {
            (Self::Whole(on_whole), value) => on_whole(value, &context),
            (_, None) => Ok(None),
            (_, Some(null)) if null.is_null() => Ok(Some(null)),
            (Self::Text(on_text), Some(value)) => each_text(value, on_text).map(Some),
            (Self::Value(on_value), Some(value)) => on_value(value, &context).map(Some),
        }
    }
}

fn each_text<'v>(value: Flow<'v>, on_text: &OnText) -> Result<Flow<'v>, FunctionError> {
    match value {
        Cow::Borrowed(Value::Array(items)) => {
            let items = items
                .iter()
                .map(|item| one_of_list(Cow::Borrowed(item), on_text));
            list(items)
        }
        Cow::Owned(Value::Array(items)) => {
            let items = items
                .into_iter()
                .map(|item| one_of_list(Cow::Owned(item), on_text));
            list(items)
        }
        value => one_text(value, on_text),
    }
}

fn list<'v>(
    items: impl Iterator<Item = Result<Value, FunctionError>>,
) -> Result<Flow<'v>, FunctionError> {
    let items: Result<Vec<Value>, FunctionError> = items.collect();
    Ok(Cow::Owned(Value::Array(items?)))
}

fn one_of_list(item: Flow<'_>, on_text: &OnText) -> Result<Value, FunctionError> {
    if item.is_null() {
        return Ok(Value::Null);
    }
    one_text(item, on_text).map(Cow::into_owned)
}

fn one_text<'v>(value: Flow<'v>, on_text: &OnText) -> Result<Flow<'v>, FunctionError> {
    if let Cow::Borrowed(whole @ Value::String(text)) = value {
        return match on_text(Cow::Borrowed(text))? {
            // Nothing changed: the value stays borrowed.
            Cow::Borrowed(same) if same.len() == text.len() => Ok(Cow::Borrowed(whole)),
            changed => text_value(changed),
        };
    }
    text_value(on_text(into_text(value)?)?)
}

fn text_value<'v>(text: Cow<'_, str>) -> Result<Flow<'v>, FunctionError> {
    if text.len() > MAX_OUTPUT {
        return Err(FunctionError::TooLarge { most: MAX_OUTPUT });
    }
    Ok(Cow::Owned(Value::String(text.into_owned())))
}

/// The value as text: strings as they are, numbers and booleans as JSON writes them.
pub(super) fn into_text(value: Flow<'_>) -> Result<Cow<'_, str>, FunctionError> {
    match value {
        Cow::Borrowed(Value::String(text)) => Ok(Cow::Borrowed(text)),
        Cow::Owned(Value::String(text)) => Ok(Cow::Owned(text)),
        value => match value.as_ref() {
            Value::Number(number) => Ok(Cow::Owned(number.to_string())),
            Value::Bool(true) => Ok(Cow::Borrowed("true")),
            Value::Bool(false) => Ok(Cow::Borrowed("false")),
            other => Err(FunctionError::kind("text", other)),
        },
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Value(_) => "Value",
            Self::Whole(_) => "Whole",
        })
    }
}
