//! The reference for people: `/docs`, drawn from `/openapi.json` in the browser, and a page for each
//! kind of problem. Everything comes from this server; the policy forbids the browser anything else.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, header};

use super::{
    openapi,
    problem::{Code, Problem},
};
use crate::vault::hash_token;

const PAGE: &str = include_str!("docs.html");

/// The page of one problem or of all: the style of the reference without its script.
const PLAIN: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title><style>{style}</style></head><body class="plain"><main>{body}</main></body></html>"#;

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::text().into());

/// What the browser may do with these pages: run and apply only what stands in them, and ask only here.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let source = |name| STANDARD.encode(hash_token(element(name)));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source("script"),
        source("style"),
    );
    HeaderValue::try_from(policy).expect("base64 is visible ASCII")
});

/// The text of the page's one element of that name.
fn element(name: &str) -> &'static str {
    let inside = PAGE
        .split_once(&format!("<{name}>"))
        .map_or("", |(_, rest)| rest);
    inside
        .split_once(&format!("</{name}>"))
        .map_or("", |(text, _)| text)
}

/// `/openapi.json`.
pub async fn document() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        DOCUMENT.clone(),
    )
        .into_response()
}

/// `/docs`.
pub async fn page() -> Response {
    html(PAGE.to_owned())
}

/// `/docs/errors`.
pub async fn errors() -> Response {
    let mut body = r#"<p><a href="/docs">Reference</a></p><h1>Problems</h1><table><tr><th>Status<th>Code<th>Meaning"#.to_owned();
    for code in Code::ALL {
        let (status, path, slug, title) = (
            code.status().as_u16(),
            code.path(),
            code.slug(),
            code.title(),
        );
        write!(
            body,
            r#"<tr><td>{status}<td><a href="{path}"><code>{slug}</code></a><td>{title}"#
        )
        .expect("writing to a String does not fail");
    }
    body += "</table>";
    html(plain("Problems", &body))
}

/// `/docs/errors/{code}`.
pub async fn error(Path(slug): Path<String>) -> Result<Response, Problem> {
    let code = Code::ALL.iter().find(|code| code.slug() == slug);
    let code = code.ok_or_else(|| {
        Problem::new(
            Code::NotFound,
            "there is no such code; /docs/errors lists all",
        )
    })?;
    let example = serde_json::to_string_pretty(&Problem::example(*code)).unwrap_or_default();
    let body = format!(
        r#"<p><a href="/docs">Reference</a> · <a href="/docs/errors">Problems</a></p><h1>{title}</h1><p>Status <code>{status}</code>, type <code>{path}</code></p><p>{meaning}</p><h2>Example</h2><pre>{example}</pre>"#,
        title = escape(code.title()),
        status = code.status(),
        path = code.path(),
        meaning = escape(code.meaning()),
        example = escape_html(&example),
    );
    Ok(html(plain(code.title(), &body)))
}

fn plain(title: &str, body: &str) -> String {
    let filled = PLAIN
        .replace("{title}", title)
        .replace("{style}", element("style"));
    filled.replace("{body}", body)
}

/// Escapes a sentence for HTML, and turns what stands between backticks into code.
fn escape(text: &str) -> String {
    let escaped = escape_html(text);
    let parts = escaped.split('`').enumerate();
    parts
        .map(|(i, part)| {
            if i % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn html(body: String) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        assert!(!element("script").is_empty() && !element("style").is_empty());
        assert!(!PAGE.contains("https://") && !PAGE.contains("http://"));
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert!(!PAGE.contains(" style=") && !PAGE.contains(" onclick="));
    }

    #[test]
    fn texts_are_escaped_and_marked() {
        assert_eq!(
            escape("use `a<b>` & c"),
            "use <code>a&lt;b&gt;</code> &amp; c"
        );
    }
}
