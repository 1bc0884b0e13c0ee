//! The events that start a trigger, as clients write them.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use tieline_domain::pattern::Pattern;
use utoipa::openapi::{
    RefOr, Schema,
    schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
};

/// One pattern or several.
#[derive(Debug)]
pub struct Patterns(pub(super) Vec<Pattern>);

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Patterns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event type, a pattern such as `order.*`, or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Patterns, E> {
                let pattern = text.parse().map_err(E::custom)?;
                Ok(Patterns(vec![pattern]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Patterns, A::Error> {
                let mut patterns = Vec::new();
                while let Some(pattern) = list.next_element()? {
                    patterns.push(pattern);
                }
                Ok(Patterns(patterns))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// What the document says of them.
pub(super) fn patterns_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let list = ArrayBuilder::new().items(text());
    let either = OneOfBuilder::new()
        .item(text())
        .item(list)
        .description(Some(
            "Which events start it: a type, a pattern such as `order.*`, or a list of them",
        ))
        .examples([json!("order.paid"), json!(["order.*", "invoice.paid"])]);
    Schema::from(either.build()).into()
}
