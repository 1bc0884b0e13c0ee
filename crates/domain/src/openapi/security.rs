//! How an operation is authorised: security schemes, and the secrets that stand for them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Note,
    document::{Document, Operation, shortened},
    parameters::is_header_name,
};

/// A security scheme of a description, for people to choose a secret for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Its name in the description.
    pub name: String,
    /// What it is, in words: `bearer token`, `API key in the header X-Api-Key`.
    pub kind: String,
    /// What its secret must hold; absent where no secret can stand for it.
    pub secret_holds: Option<&'static str>,
    /// Why no secret can stand for it.
    pub refused: Option<&'static str>,
}

/// Which secret stands for which scheme: name of the scheme → name of the tenant's secret.
pub type SecretFor = BTreeMap<String, String>;

/// What a scheme asks of a request.
enum Way<'a> {
    /// A header with a text before the secret.
    Header(&'a str, &'static str),
    /// The header of RFC 7617, from `user:password`.
    Basic,
    /// A query parameter.
    Query(&'a str),
    /// Nothing that a secret could give.
    Refused(&'static str),
}

/// What authorising an operation adds to its request: templates by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Authorized {
    /// Header → template.
    pub headers: Vec<(String, String)>,
    /// Query parameter → template.
    pub query: Vec<(String, String)>,
}

impl Authorized {
    /// Whether this parameter carries a secret: an input must not take its place.
    pub(super) fn fixes(&self, place: &str, name: &str) -> bool {
        match place {
            "header" => self
                .headers
                .iter()
                .any(|(fixed, _)| fixed.eq_ignore_ascii_case(name)),
            "query" => self.query.iter().any(|(fixed, _)| fixed == name),
            _ => false,
        }
    }
}

/// The security schemes of a description, in its order; at most 100.
pub(super) fn schemes(document: &Document) -> Vec<Scheme> {
    const MOST: usize = 100;
    let schemes = defined(document).into_iter().flatten().take(MOST);
    schemes
        .map(|(name, scheme)| {
            let way = way(document, scheme);
            Scheme {
                name: shortened(name, 100).into_owned(),
                kind: kind(&way),
                secret_holds: holds(&way),
                refused: match way {
                    Way::Refused(why) => Some(why),
                    _ => None,
                },
            }
        })
        .collect()
}

fn defined(document: &Document) -> Option<&Map<String, Value>> {
    let schemes = document.root.pointer("/components/securitySchemes");
    schemes.and_then(Value::as_object)
}

fn way<'a>(document: &'a Document, scheme: &'a Value) -> Way<'a> {
    let Ok((scheme, _)) = document.resolve(scheme, "/components/securitySchemes") else {
        return Way::Refused("its reference leads nowhere");
    };
    let text = |key| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
    match (
        text("type"),
        text("in"),
        &*text("scheme").to_ascii_lowercase(),
    ) {
        ("apiKey", "header", _) if is_header_name(text("name")) => Way::Header(text("name"), ""),
        ("apiKey", "query", _) if is_plain_key(text("name")) => Way::Query(text("name")),
        ("apiKey", "cookie", _) => Way::Refused("cookies are not sent"),
        ("apiKey", ..) => Way::Refused("the name of its header or parameter cannot be sent"),
        ("http", _, "bearer") | ("oauth2" | "openIdConnect", ..) => {
            Way::Header("Authorization", "Bearer ")
        }
        ("http", _, "basic") => Way::Basic,
        ("mutualTLS", ..) => Way::Refused("client certificates are not sent by tools"),
        _ => Way::Refused("it is of a kind that is not known here"),
    }
}

fn kind(way: &Way<'_>) -> String {
    match way {
        Way::Header("Authorization", "Bearer ") => "bearer token".to_owned(),
        Way::Header(name, _) => format!("API key in the header {name}"),
        Way::Query(name) => format!("API key in the query parameter {name}"),
        Way::Basic => "user and password (HTTP Basic)".to_owned(),
        Way::Refused(_) => "not supported".to_owned(),
    }
}

fn holds(way: &Way<'_>) -> Option<&'static str> {
    match way {
        Way::Header("Authorization", "Bearer ") => {
            Some("an access token; it is sent as it is and not refreshed")
        }
        Way::Header(..) | Way::Query(_) => Some("the key"),
        Way::Basic => Some("the user and the password as user:password"),
        Way::Refused(_) => None,
    }
}

/// A parameter's name that needs no encoding and brings no placeholder.
fn is_plain_key(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.~".contains(&b))
}

/// What authorises the operation: the first alternative for whose schemes there are secrets, or none where the
/// operation can be called without. `Err` says what is missing.
pub(super) fn authorize(
    document: &Document,
    operation: &Operation<'_>,
    secrets: &SecretFor,
) -> Result<Authorized, Note> {
    let pointer = operation.pointer();
    let (required, place) = match operation.content.get("security") {
        Some(own) => (Some(own), format!("{pointer}/security")),
        None => (document.root.get("security"), "/security".to_owned()),
    };
    let alternatives: Vec<_> = required
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let mut missing = None;
    for alternative in alternatives
        .iter()
        .filter(|alternative| !alternative.is_empty())
    {
        match satisfy(document, alternative, secrets) {
            Ok(authorized) => return Ok(authorized),
            Err(why) => missing = missing.or(Some(why)),
        }
    }
    match missing {
        Some(why)
            if alternatives
                .iter()
                .all(|alternative| !alternative.is_empty()) =>
        {
            Err(Note::new(place, why))
        }
        _ => Ok(Authorized::default()),
    }
}

fn satisfy(
    document: &Document,
    alternative: &Map<String, Value>,
    secrets: &SecretFor,
) -> Result<Authorized, String> {
    let mut authorized = Authorized::default();
    for name in alternative.keys() {
        let shown = shortened(name, 100);
        let scheme = defined(document).and_then(|schemes| schemes.get(name));
        let Some(scheme) = scheme else {
            return Err(format!("the security scheme `{shown}` is not described"));
        };
        let way = way(document, scheme);
        if let Way::Refused(why) = way {
            return Err(format!(
                "the security scheme `{shown}` cannot be used: {why}"
            ));
        }
        let Some(secret) = secrets.get(name) else {
            return Err(format!(
                "needs a {}: make a secret with it and give `security`: {{\"{shown}\": {{\"secret\": \"NAME\"}}}}",
                kind(&way)
            ));
        };
        match way {
            Way::Header(header, before) => {
                let template = format!("{before}{{{{secrets.{secret}}}}}");
                authorized.headers.push((header.to_owned(), template));
            }
            Way::Basic => {
                let template = format!("Basic {{{{secrets.{secret} | base64}}}}");
                authorized
                    .headers
                    .push(("Authorization".to_owned(), template));
            }
            Way::Query(key) => {
                authorized
                    .query
                    .push((key.to_owned(), format!("{{{{secrets.{secret}}}}}")));
            }
            Way::Refused(_) => {}
        }
    }
    Ok(authorized)
}
