//! JSON with placeholders in its strings.

use serde_json::{Map, Value};

use super::{
    MAX_DEPTH, MAX_PLACEHOLDERS, MAX_RENDERED, filter,
    name::{Name, Scope},
    parse::{Syntax, TextError},
    place::{Place, Unwritable},
    text::{Gaps, RenderError, Text},
};

/// JSON with placeholders, ready to be rendered.
///
/// A string that is exactly one placeholder becomes the value with its JSON type; in other strings values are
/// written as text. What is absent is left out, with its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Without placeholders.
    Literal(Value),
    /// Exactly one placeholder.
    Whole(Text),
    /// A string with placeholders in it.
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {problem}")]
pub struct TemplateError {
    /// JSON Pointer (RFC 6901) into the template.
    pub pointer: String,
    /// What is wrong there.
    pub problem: TemplateProblem,
}

/// The ways in which a template is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// A string that cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A key with a placeholder.
    #[error(
        "a key cannot hold a placeholder; write the key out and put the placeholder in its value"
    )]
    Key,
    /// Deeper than [`MAX_DEPTH`].
    #[error("a template nests at most {MAX_DEPTH} levels deep")]
    TooDeep,
    /// More than [`MAX_PLACEHOLDERS`].
    #[error("a template has at most {MAX_PLACEHOLDERS} placeholders")]
    TooMany,
}

/// A name that a template uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use<'t> {
    /// JSON Pointer (RFC 6901) to the string that uses it.
    pub pointer: String,
    /// The name.
    pub name: &'t Name,
}

impl Template {
    /// Reads a template. Takes time linear in its size and never panics.
    pub fn parse(template: &Value, syntax: Syntax) -> Result<Self, TemplateError> {
        let mut left = MAX_PLACEHOLDERS;
        node(template, syntax, "", MAX_DEPTH, &mut left).map(Self)
    }

    /// The names in it, in their order.
    pub fn uses(&self) -> Vec<Use<'_>> {
        let mut uses = Vec::new();
        collect(&self.0, String::new(), &mut uses);
        uses
    }

    /// The template with the values of `scope`; `None` if it is one placeholder whose value is absent.
    pub fn render(&self, scope: &(impl Scope + ?Sized)) -> Result<Option<Value>, RenderError> {
        let mut budget = MAX_RENDERED;
        render(&self.0, scope, &mut budget)
    }
}

fn step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn node(
    template: &Value,
    syntax: Syntax,
    pointer: &str,
    levels: usize,
    left: &mut usize,
) -> Result<Node, TemplateError> {
    let fault = |pointer: &str, problem| TemplateError {
        pointer: pointer.to_owned(),
        problem,
    };
    if levels == 0 {
        return Err(fault(pointer, TemplateProblem::TooDeep));
    }
    match template {
        Value::String(written) => {
            let text =
                Text::parse(written, syntax).map_err(|error| fault(pointer, error.into()))?;
            if let Some(literal) = text.literal() {
                return Ok(Node::Literal(literal.into()));
            }
            let placeholders = text.parts().count();
            *left = left
                .checked_sub(placeholders)
                .ok_or_else(|| fault(pointer, TemplateProblem::TooMany))?;
            Ok(match text.whole() {
                Some(_) => Node::Whole(text),
                None => Node::Text(text),
            })
        }
        Value::Array(items) => {
            let nodes = items.iter().enumerate().map(|(i, item)| {
                node(
                    item,
                    syntax,
                    &step(pointer, &i.to_string()),
                    levels - 1,
                    left,
                )
            });
            nodes
                .collect::<Result<Vec<_>, _>>()
                .map(|nodes| literal(template, nodes.iter()).unwrap_or(Node::Array(nodes)))
        }
        Value::Object(members) => {
            let nodes = members.iter().map(|(key, member)| {
                let place = step(pointer, key);
                let is_plain = Text::parse(key, syntax).is_ok_and(|key| key.literal().is_some());
                if !is_plain {
                    return Err(fault(&place, TemplateProblem::Key));
                }
                Ok((key.clone(), node(member, syntax, &place, levels - 1, left)?))
            });
            nodes.collect::<Result<Vec<_>, _>>().map(|nodes| {
                literal(template, nodes.iter().map(|(_, node)| node)).unwrap_or(Node::Object(nodes))
            })
        }
        other => Ok(Node::Literal(other.clone())),
    }
}

/// The whole as one literal, if all of its parts are.
fn literal<'n>(whole: &Value, mut parts: impl Iterator<Item = &'n Node>) -> Option<Node> {
    parts
        .all(|part| matches!(part, Node::Literal(_)))
        .then(|| Node::Literal(whole.clone()))
}

fn collect<'t>(node: &'t Node, pointer: String, uses: &mut Vec<Use<'t>>) {
    match node {
        Node::Literal(_) => {}
        Node::Whole(text) | Node::Text(text) => uses.extend(text.names().map(|name| Use {
            pointer: pointer.clone(),
            name,
        })),
        Node::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                collect(item, step(&pointer, &i.to_string()), uses);
            }
        }
        Node::Object(members) => {
            for (key, member) in members {
                collect(member, step(&pointer, key), uses);
            }
        }
    }
}

fn render(
    node: &Node,
    scope: &(impl Scope + ?Sized),
    budget: &mut usize,
) -> Result<Option<Value>, RenderError> {
    Ok(match node {
        Node::Literal(value) => Some(value.clone()),
        Node::Whole(text) => {
            let value = text.whole_value(scope).flatten();
            if let Some(value) = &value {
                spend(size(value), budget, text)?;
            }
            value.map(std::borrow::Cow::into_owned)
        }
        Node::Text(text) => {
            let rendered = text.render(scope, Place::Plain, Gaps::Drop)?;
            if let Some(rendered) = &rendered {
                spend(rendered.len(), budget, text)?;
            }
            rendered.map(Value::from)
        }
        Node::Array(items) => {
            let mut rendered = Vec::with_capacity(items.len());
            for item in items {
                rendered.extend(render(item, scope, budget)?);
            }
            Some(Value::Array(rendered))
        }
        Node::Object(members) => {
            let mut rendered = Map::with_capacity(members.len());
            for (key, member) in members {
                if let Some(value) = render(member, scope, budget)? {
                    rendered.insert(key.clone(), value);
                }
            }
            Some(Value::Object(rendered))
        }
    })
}

/// Roughly how many bytes a value takes as JSON: enough to bound it, without writing it.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, member)| key.len() + size(member) + 4);
            members.sum::<usize>() + 2
        }
        other => filter::text(other).len(),
    }
}

fn spend(bytes: usize, budget: &mut usize, text: &Text) -> Result<(), RenderError> {
    *budget = budget.checked_sub(bytes).ok_or_else(|| RenderError {
        name: text
            .names()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        reason: Unwritable::TooLong,
    })?;
    Ok(())
}
