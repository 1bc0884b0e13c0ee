//! What a client prefers (RFC 7240).

use axum::extract::FromRequestParts;
use http::{HeaderName, request::Parts};
use utoipa::IntoParams;

use super::problem::Problem;
use crate::app::App;

/// The header in which a client says what it prefers.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Whether the client would rather have an answer at once than wait for what it asks for (RFC 7240, 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RespondAsync(pub bool);

/// The header as the document describes it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(super) struct PreferHeader {
    /// `respond-async`: answer 202 at once; what was asked for is done in the background (RFC 7240).
    #[param(rename = "Prefer", value_type = Option<String>, example = "respond-async")]
    _prefer: Option<String>,
}

impl FromRequestParts<App> for RespondAsync {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let values = parts.headers.get_all(PREFER);
        let mut values = values.iter().filter_map(|value| value.to_str().ok());
        Ok(Self(values.any(is_asked_for)))
    }
}

/// Whether a value of the header lists `respond-async`. What else it lists is none of our concern (RFC 7240, 2).
fn is_asked_for(value: &str) -> bool {
    value.split(',').any(|preference| {
        let token = preference.split([';', '=']).next().unwrap_or_default();
        token.trim().eq_ignore_ascii_case("respond-async")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_found_among_others() {
        let rows = [
            ("respond-async", true),
            ("Respond-Async", true),
            ("wait=10, respond-async", true),
            ("respond-async; wait=10", true),
            ("respond-async-later", false),
            ("return=minimal", false),
            ("", false),
        ];
        for (value, expected) in rows {
            assert_eq!(is_asked_for(value), expected, "{value}");
        }
    }
}
