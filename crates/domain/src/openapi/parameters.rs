//! Parameters in path, query and header: where each stands in the request, and what it is called in the input.

use serde_json::{Map, Value, json};

use crate::violation::pointer_step;

use super::{
    Note,
    document::{Document, Operation, shortened},
    naming::InputNames,
    schema::Writer,
    security::Authorized,
};

/// The most parameters that one operation may have.
const MAX_PARAMETERS: usize = 100;
/// Header parameters that OpenAPI says are ignored: other parts of the description stand for them.
const IGNORED_HEADERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// Where the inputs of an operation stand in its request, and what they may be.
#[derive(Default)]
pub(super) struct Inputs {
    /// Name in the input → schema.
    pub properties: Map<String, Value>,
    /// The names that must be given.
    pub required: Vec<String>,
    /// The path with its placeholders.
    pub path: String,
    /// Query parameter → template.
    pub query: Vec<(String, String)>,
    /// Header → template.
    pub headers: Vec<(String, String)>,
    /// The names that are taken.
    pub names: InputNames,
}

/// One parameter, read.
struct Parameter<'a> {
    content: &'a Map<String, Value>,
    pointer: String,
    name: &'a str,
    place: &'a str,
    is_required: bool,
}

/// Reads the parameters of an operation, but for those that `authorized` stands for; what cannot be sent is told in the notes, or, where the operation
/// cannot do without, as the error.
pub(super) fn inputs<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
    authorized: &Authorized,
    writer: &mut Writer<'a>,
) -> Result<Inputs, Note> {
    let mut inputs = Inputs::default();
    let parameters = parameters(document, operation)?;
    let mut in_path = Vec::new();
    for parameter in &parameters {
        let is_ignored = parameter.place == "header"
            && IGNORED_HEADERS.contains(&&*parameter.name.to_ascii_lowercase());
        if is_ignored || authorized.fixes(parameter.place, parameter.name) {
            continue;
        }
        match template(parameter) {
            Err(why) if parameter.is_required => {
                let shown = shortened(parameter.name, 100);
                let detail = format!("the required parameter `{shown}` cannot be sent: {why}");
                return Err(Note::new(&parameter.pointer, detail));
            }
            Err(why) => {
                writer
                    .notes
                    .push(Note::new(&parameter.pointer, format!("left out: {why}")));
            }
            Ok(filter) => {
                let name = inputs.add(document, parameter, writer)?;
                let template = format!("{{{{{name}{filter}}}}}");
                match parameter.place {
                    "path" => in_path.push((parameter.name, template)),
                    "query" => inputs.query.push((parameter.name.to_owned(), template)),
                    _ => inputs.headers.push((parameter.name.to_owned(), template)),
                }
            }
        }
    }
    inputs.path = inputs.path_of(operation, &in_path, writer)?;
    Ok(inputs)
}

/// The parameters of the path and of the operation, of which the latter replace the former (OpenAPI, "Path Item
/// Object").
fn parameters<'a>(
    document: &'a Document,
    operation: &Operation<'a>,
) -> Result<Vec<Parameter<'a>>, Note> {
    let pointer = operation.pointer();
    let of_path = format!("/paths{}", pointer_step(operation.path));
    let mut parameters: Vec<Parameter<'a>> = Vec::new();
    for (owner, base) in [(operation.item, of_path), (operation.content, pointer)] {
        let list = owner.get("parameters").and_then(Value::as_array);
        for (i, parameter) in list.into_iter().flatten().enumerate() {
            if i == MAX_PARAMETERS {
                let detail = format!("an operation has at most {MAX_PARAMETERS} parameters");
                return Err(Note::new(format!("{base}/parameters"), detail));
            }
            let place = format!("{base}/parameters/{i}");
            let (found, pointer) = document.resolve(parameter, &place)?;
            let text = |key| found.get(key).and_then(Value::as_str);
            let (Some(content), Some(name), Some(at)) =
                (found.as_object(), text("name"), text("in"))
            else {
                return Err(Note::new(place, "a parameter needs `name` and `in`"));
            };
            parameters.retain(|known| (known.name, known.place) != (name, at));
            parameters.push(Parameter {
                content,
                pointer: pointer.into_owned(),
                name,
                place: at,
                is_required: at == "path" || content.get("required") == Some(&json!(true)),
            });
        }
    }
    Ok(parameters)
}

/// The filter that renders a parameter as its style says, or why it cannot be sent.
fn template(parameter: &Parameter<'_>) -> Result<&'static str, &'static str> {
    let Parameter {
        content,
        name,
        place,
        ..
    } = parameter;
    let style = content.get("style").and_then(Value::as_str);
    let explodes = content.get("explode").and_then(Value::as_bool);
    let is_list = || holds_list(content);
    match *place {
        "path" if name.contains(['{', '}']) => Err("its name has braces"),
        "header" if !is_header_name(name) => Err("its name is no header name"),
        "query" if !is_query_key(name) => Err("its name has braces or is too long"),
        "cookie" => Err("cookies are not sent"),
        "path" | "query" | "header" if content.contains_key("content") => Ok(" | json"),
        "path" if matches!(style, None | Some("simple")) => {
            Ok(if is_list() { " | join(\",\")" } else { "" })
        }
        "path" => Err("its style is not supported; only `simple` is"),
        "header" => Ok(if is_list() { " | join(\",\")" } else { "" }),
        "query" => match (style.unwrap_or("form"), explodes) {
            ("form", Some(false)) if is_list() => Ok(" | join(\",\")"),
            ("form", _) => Ok(""),
            ("spaceDelimited", _) if is_list() => Ok(" | join(\" \")"),
            ("pipeDelimited", _) if is_list() => Ok(" | join(\"|\")"),
            _ => {
                Err("its style is not supported; `form`, `spaceDelimited` and `pipeDelimited` are")
            }
        },
        _ => Err("it is in no place that is known"),
    }
}

/// Whether the parameter says that it is a list; a schema behind a reference is not looked into, and is sent as
/// it comes.
fn holds_list(content: &Map<String, Value>) -> bool {
    let kind = content.get("schema").and_then(|schema| schema.get("type"));
    kind == Some(&json!("array"))
}

/// A header's name (RFC 9110, 5.1): no placeholder fits into it.
pub(super) fn is_header_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_query_key(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !name.contains(['{', '}'])
        && !name.contains(char::is_control)
}

impl Inputs {
    /// Adds the parameter to the input, and returns what it is called there.
    fn add<'a>(
        &mut self,
        document: &'a Document,
        parameter: &Parameter<'a>,
        writer: &mut Writer<'a>,
    ) -> Result<String, Note> {
        let Parameter {
            content,
            pointer,
            name,
            is_required,
            ..
        } = parameter;
        let media = content.get("content").and_then(Value::as_object);
        let described = match media.and_then(|media| media.values().next()) {
            Some(media) => document.resolve(media, pointer)?.0.get("schema"),
            None => content.get("schema"),
        };
        let mut schema = match described {
            Some(schema) => writer.write(schema, &format!("{pointer}/schema"))?,
            None => json!({"type": "string"}),
        };
        let description = content.get("description").and_then(Value::as_str);
        if let (Some(text), Value::Object(schema)) = (description, &mut schema) {
            schema.insert("description".to_owned(), json!(shortened(text.trim(), 300)));
        }
        let called = self.names.take(name);
        if *is_required {
            self.required.push(called.clone());
        }
        self.properties.insert(called.clone(), schema);
        Ok(called)
    }

    /// The path with a placeholder for each of its variables. One that is described nowhere is a text.
    fn path_of(
        &mut self,
        operation: &Operation<'_>,
        in_path: &[(&str, String)],
        writer: &mut Writer<'_>,
    ) -> Result<String, Note> {
        let pointer = || format!("/paths{}", pointer_step(operation.path));
        let bad = |detail: &str| Err(Note::new(pointer(), detail));
        let mut path = String::with_capacity(operation.path.len() + 16);
        let mut rest = operation.path;
        if !rest.starts_with('/') {
            return bad("a path begins with a slash");
        }
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return bad("a brace in the path is not closed");
            };
            path.push_str(before);
            if let Some((_, template)) = in_path.iter().find(|(known, _)| *known == name) {
                path.push_str(template);
            } else {
                let called = self.names.take(name);
                let detail =
                    format!("`{called}` in the path is described nowhere; it is taken as a text");
                writer.notes.push(Note::new(pointer(), detail));
                path.extend(["{{", &called, "}}"]);
                self.properties
                    .insert(called.clone(), json!({"type": "string", "minLength": 1}));
                self.required.push(called);
            }
            rest = after;
        }
        path.push_str(rest);
        let literal = operation.path.contains(['?', '#', '\\'])
            || operation.path.chars().any(char::is_control);
        if literal || rest.contains('}') {
            return bad("the path has characters that cannot stand in a path");
        }
        Ok(path)
    }
}
