//! The text of a description, read within bounds.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tieline_mapping::depth::check_depth;

use crate::{operation::Method, violation::pointer_step};

use super::Note;

/// The longest description, in bytes.
pub const MAX_BYTES: usize = 5 * 1_024 * 1_024;
/// How deep a description may nest, in arrays and objects.
pub const MAX_DEPTH: usize = 64;
/// The most values that a description in YAML may have.
const YAML_NODES: usize = 500_000;
/// The most values that aliases in it may repeat.
const YAML_REPEATS: usize = 50_000;
/// How many references may follow one another before something else comes.
const MAX_HOPS: usize = 16;
/// The methods that become operations; what HEAD, OPTIONS and TRACE answer is of no use to an agent.
pub(super) const METHODS: [(&str, Method); 5] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];

/// The text is no description that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDocument {
    /// It is longer than [`MAX_BYTES`].
    #[error(
        "the description has {0} bytes; at most {MAX_BYTES} are read: import a smaller part of it"
    )]
    TooLong(usize),
    /// It nests more deeply than [`MAX_DEPTH`].
    #[error("the description nests more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// It is neither JSON nor YAML.
    #[error("the description is neither JSON nor YAML: {0}")]
    Syntax(String),
    /// It is a Swagger 2 description.
    #[error(
        "this is a Swagger 2 description; convert it to OpenAPI 3 first, for example with the npm package swagger2openapi"
    )]
    Swagger,
    /// It does not say that it is OpenAPI 3.
    #[error(
        "the description has no `openapi` field that says 3.0 or 3.1; give an OpenAPI 3 document"
    )]
    Version,
    /// It describes no paths.
    #[error("the description has no `paths`; there is nothing to import")]
    NoPaths,
}

/// The release of OpenAPI that a description follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// 3.0: schemas in a dialect of their own.
    V30,
    /// 3.1 and later: schemas are JSON Schema 2020-12.
    V31,
}

/// A description, read but not yet understood.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) root: Value,
    pub(super) release: Release,
}

/// One operation of a description, as it stands there.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    /// The path as written, such as `/pets/{petId}`.
    pub path: &'a str,
    /// The method in lower case.
    pub method: &'static str,
    /// The path item, its own reference followed.
    pub item: &'a Map<String, Value>,
    /// The operation object.
    pub content: &'a Map<String, Value>,
}

impl Operation<'_> {
    /// JSON Pointer to the operation object.
    pub(super) fn pointer(&self) -> String {
        format!("/paths{}/{}", pointer_step(self.path), self.method)
    }

    /// The `operationId`, if there is one.
    pub(super) fn id(&self) -> Option<&str> {
        self.content.get("operationId").and_then(Value::as_str)
    }
}

impl Document {
    /// Reads a description from its text, JSON or YAML.
    pub fn read(text: &[u8]) -> Result<Self, BadDocument> {
        if text.len() > MAX_BYTES {
            return Err(BadDocument::TooLong(text.len()));
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        let root = if first == Some(&b'{') {
            json(text)?
        } else {
            yaml(text)?
        };
        Self::of(root)
    }

    /// Takes a description that was read already; `root` is within [`MAX_BYTES`] and [`MAX_DEPTH`].
    pub fn of(root: Value) -> Result<Self, BadDocument> {
        if root.get("swagger").is_some() {
            return Err(BadDocument::Swagger);
        }
        let version = root.get("openapi").and_then(Value::as_str);
        let release = match version {
            Some(v) if v == "3.0" || v.starts_with("3.0.") => Release::V30,
            Some(v) if v.starts_with("3.") => Release::V31,
            _ => return Err(BadDocument::Version),
        };
        if !root.get("paths").is_some_and(Value::is_object) {
            return Err(BadDocument::NoPaths);
        }
        Ok(Self { root, release })
    }

    /// What the service is called, if the description says it.
    pub fn title(&self) -> Option<&str> {
        self.root.pointer("/info/title").and_then(Value::as_str)
    }

    /// Every operation, in the order of the description; what is malformed is passed over.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.root.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().flat_map(|(path, item)| {
            let item = self.resolve(item, "").ok().map(|(item, _)| item);
            let item = item.and_then(Value::as_object);
            METHODS.iter().filter_map(move |(method, _)| {
                let item = item?;
                let content = item.get(*method)?.as_object()?;
                Some(Operation {
                    path,
                    method,
                    item,
                    content,
                })
            })
        })
    }

    /// `value`, or what it refers to, with the pointer to it; `place` is the pointer to `value`.
    pub(super) fn resolve<'a>(
        &'a self,
        mut value: &'a Value,
        place: &str,
    ) -> Result<(&'a Value, Cow<'a, str>), Note> {
        let mut at = Cow::Owned(place.to_owned());
        for _ in 0..MAX_HOPS {
            let Some(target) = value.get("$ref").and_then(Value::as_str) else {
                return Ok((value, at));
            };
            (value, at) = self.follow(target, place)?;
        }
        Err(Note::new(place, "the reference leads in a circle"))
    }

    /// What a reference points to, and the pointer of that.
    pub(super) fn follow<'a>(
        &'a self,
        target: &'a str,
        place: &str,
    ) -> Result<(&'a Value, Cow<'a, str>), Note> {
        let Some(fragment) = target.strip_prefix('#') else {
            let detail = format!(
                "`{}` points outside of the description, and nothing else is fetched: bundle the documents into one first",
                shortened(target, 200)
            );
            return Err(Note::new(place, detail));
        };
        let pointer = percent_decode_str(fragment).decode_utf8_lossy();
        let found = self.root.pointer(&pointer);
        found.map(|found| (found, pointer)).ok_or_else(|| {
            let detail = format!("`{}` points to nothing", shortened(target, 200));
            Note::new(place, detail)
        })
    }
}

/// The first `most` characters of `text`, with an ellipsis where something is left out.
pub(super) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text[..end].trim_end())),
    }
}

fn json(text: &[u8]) -> Result<Value, BadDocument> {
    check_depth(text, MAX_DEPTH).map_err(|_| BadDocument::TooDeep)?;
    serde_json::from_slice(text).map_err(|error| BadDocument::Syntax(error.to_string()))
}

/// YAML within the same bounds: an alias that would copy what it names over and over ends at a budget of
/// nodes.
fn yaml(text: &[u8]) -> Result<Value, BadDocument> {
    let text = std::str::from_utf8(text)
        .map_err(|_| BadDocument::Syntax("the text is not UTF-8".to_owned()))?;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: YAML_NODES,
            max_events: 3 * YAML_NODES,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: YAML_REPEATS,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| BadDocument::Syntax(shortened(&error.to_string(), 300).into_owned()))
}
