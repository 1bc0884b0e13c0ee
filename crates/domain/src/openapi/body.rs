//! The request body: its fields become inputs beside the parameters where they fit, or one input called `body`.
//! JSON is preferred; a form is sent where its fields fit.

use serde_json::{Map, Value, json};

use super::{
    Note,
    document::{Document, Operation},
    parameters::Inputs,
    schema::Writer,
};

/// What a request body adds to the template.
#[derive(Default)]
pub(super) struct Body {
    /// The template of the body; absent where every input that stands nowhere else is a field of the body.
    pub template: Option<Value>,
    /// The media type, where it is not `application/json`.
    pub content_type: Option<String>,
}

/// Adds the request body of an operation to its inputs.
///
/// Few descriptions say `required: true` of a body that is, so its fields are required as its schema says.
pub(super) fn add<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
    inputs: &mut Inputs,
    writer: &mut Writer<'a>,
) -> Result<Body, Note> {
    let Some(body) = operation.content.get("requestBody") else {
        return Ok(Body::default());
    };
    let place = format!("{}/requestBody", operation.pointer());
    let (body, pointer) = document.resolve(body, &place)?;
    let content = body.get("content").and_then(Value::as_object);
    let is_required = body.get("required") == Some(&json!(true));
    let Some((media_type, media)) = content.and_then(sendable_content) else {
        let offered: Vec<_> = content
            .into_iter()
            .flat_map(|content| content.keys())
            .take(5)
            .collect();
        if !is_required && offered.is_empty() {
            return Ok(Body::default());
        }
        let detail =
            format!("the body is neither JSON nor a form ({offered:?}); only these are sent");
        return Err(Note::new(pointer, detail));
    };
    let is_form = essence(media_type) == FORM;
    let content_type = if is_form { FORM } else { media_type };
    let content_type = (is_form || is_sendable(content_type)).then(|| content_type.to_owned());
    let schema = match media.get("schema") {
        Some(schema) => writer.write(schema, &format!("{pointer}/content/schema"))?,
        None => json!({}),
    };
    if let Some((fields, required)) = spreadable(&schema, inputs) {
        inputs.properties.extend(fields);
        inputs.required.extend(required);
        return Ok(Body {
            template: None,
            content_type,
        });
    }
    if is_form {
        let detail = "a form is sent only where its fields can be inputs of their own";
        return Err(Note::new(pointer, detail));
    }
    let name = inputs.names.take("body");
    inputs.properties.insert(name.clone(), schema);
    if is_required {
        inputs.required.push(name.clone());
    }
    Ok(Body {
        template: Some(json!(format!("{{{{{name}}}}}"))),
        content_type,
    })
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A media type without its parameters.
fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// What is sent of the media types of a body: `application/json`, one with `+json`, whatever is taken, or a form.
fn sendable_content(content: &Map<String, Value>) -> Option<(&str, &Value)> {
    let ranks: [fn(&str) -> bool; 4] = [
        |name| name == "application/json",
        |name| name.ends_with("+json"),
        |name| name == "*/*" || name == "application/*",
        |name| name == FORM,
    ];
    ranks.iter().find_map(|fits| {
        let found = content.iter().find(|(name, _)| fits(&essence(name)))?;
        Some((found.0.as_str(), found.1))
    })
}

fn is_sendable(media_type: &str) -> bool {
    media_type.len() <= 100
        && essence(media_type).ends_with("+json")
        && media_type
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/+-.".contains(&b))
}

/// The fields of a body that can stand beside the parameters, and which of them are required: those of an object
/// whose schema says nothing that needs the object as a whole.
fn spreadable(schema: &Value, inputs: &Inputs) -> Option<(Map<String, Value>, Vec<String>)> {
    const UNDERSTOOD: [&str; 6] = [
        "type",
        "properties",
        "required",
        "title",
        "description",
        "additionalProperties",
    ];
    let schema = schema.as_object()?;
    let fields = schema.get("properties")?.as_object()?;
    let is_plain_object = schema.get("type").is_none_or(|kind| kind == "object")
        && schema.keys().all(|key| UNDERSTOOD.contains(&key.as_str()))
        && schema
            .get("additionalProperties")
            .is_none_or(|more| more == &json!(false));
    let fits = !fields.is_empty() && fields.keys().all(|field| inputs.names.has_room_for(field));
    if !is_plain_object || !fits {
        return None;
    }
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    let required = required
        .filter(|name| fields.contains_key(*name))
        .map(str::to_owned)
        .collect();
    Some((fields.clone(), required))
}
