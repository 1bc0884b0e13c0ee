//! Where an operation is called.

use serde_json::{Map, Value};
use url::Url;

use super::{
    Note,
    document::{Document, Operation, shortened},
};

/// The base URL of an operation, without a slash at its end: the one that was chosen, or the first server of the
/// operation, of its path or of the description (OpenAPI, "Server Object"). `fetched_from` is where the
/// description came from, which relative servers are relative to.
pub(super) fn base(
    document: &Document,
    operation: &Operation<'_>,
    chosen: Option<&Url>,
    fetched_from: Option<&Url>,
) -> Result<String, Note> {
    if let Some(url) = chosen {
        return usable(url.clone(), "/server");
    }
    let pointer = operation.pointer();
    let of_path = pointer.rsplit_once('/').map_or("", |(path, _)| path);
    let places = [
        (
            operation.content.get("servers"),
            format!("{pointer}/servers/0"),
        ),
        (
            operation.item.get("servers"),
            format!("{of_path}/servers/0"),
        ),
        (document.root.get("servers"), "/servers/0".to_owned()),
    ];
    let server = places
        .iter()
        .find_map(|(servers, place)| Some((servers.and_then(|s| s.get(0))?, place)));
    let Some((server, place)) = server else {
        // Without servers the URL is `/`, relative to where the description is.
        return match fetched_from.map(|url| url.join("/")) {
            Some(Ok(url)) => usable(url, "/servers"),
            _ => Err(Note::new(
                "/servers",
                "the description names no server; give `server`, the base URL of the service",
            )),
        };
    };
    let text = filled(server, place)?;
    let url = match Url::parse(&text) {
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let base = fetched_from.ok_or_else(|| {
                let detail = format!(
                    "the server `{}` is relative, and the description was not fetched from a URL; give `server`, the base URL of the service",
                    shortened(&text, 200)
                );
                Note::new(place.as_str(), detail)
            })?;
            base.join(&text)
        }
        parsed => parsed,
    };
    let url = url.map_err(|error| {
        let detail = format!(
            "the server `{}` is no URL: {error}; give `server`",
            shortened(&text, 200)
        );
        Note::new(place.as_str(), detail)
    })?;
    usable(url, place)
}

/// The server's URL with the defaults of its variables in their places.
fn filled(server: &Value, place: &str) -> Result<String, Note> {
    let text = server
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let none = Map::new();
    let variables = server
        .get("variables")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let mut url = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let name = after.split_once('}');
        let value = name.and_then(|(name, _)| variables.get(name)?.get("default")?.as_str());
        let (Some((_, after)), Some(value)) = (name, value) else {
            let detail = "a variable of the server has no default; give `server`, the base URL of the service";
            return Err(Note::new(format!("{place}/url"), detail));
        };
        url.push_str(before);
        url.push_str(value);
        rest = after;
    }
    url.push_str(rest);
    Ok(url)
}

/// A base that a path can be put behind, and that brings no placeholder of its own.
fn usable(url: Url, place: &str) -> Result<String, Note> {
    let fault = if !matches!(url.scheme(), "http" | "https") {
        "is neither http nor https"
    } else if !url.username().is_empty() || url.password().is_some() {
        "carries a user or a password; keep these in a secret"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a query or a fragment, behind which no path can stand"
    } else if url.as_str().contains(['{', '}']) {
        "has braces"
    } else {
        return Ok(url.as_str().trim_end_matches('/').to_owned());
    };
    let host = url.host_str().unwrap_or_default();
    let detail = format!(
        "the server on `{}` {fault}; give `server`, the base URL of the service",
        shortened(host, 200)
    );
    Err(Note::new(place, detail))
}
