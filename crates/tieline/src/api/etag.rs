//! `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1): the version of a configuration object.

use axum::{extract::FromRequestParts, http::request::Parts};
use http::{HeaderValue, header};
use utoipa::IntoParams;

use super::problem::{Code, Problem};
use crate::app::App;

/// The strong validator of `version`: `"7"`.
pub fn write(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("digits and quotes are visible ASCII")
}

/// The header, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes the header to the document; `IfMatch` reads it"
)]
pub struct IfMatchHeader {
    /// The `ETag` of the version that the change was made on; 412 if there is a newer one.
    #[param(rename = "If-Match", example = "\"3\"")]
    if_match: Option<String>,
}

/// What `If-Match` asks for; several headers and lists of tags are read as RFC 9110 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// No condition: no header, or `*`, which every existing object meets.
    Any,
    /// One of these versions.
    OneOf(Vec<i64>),
}

impl IfMatch {
    /// Refuses a lost update: the object has `current`, which is not what the client last saw.
    pub fn check(&self, current: i64) -> Result<(), Problem> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => {
                let detail = format!(
                    "the object has the ETag \"{current}\" by now; read it again and repeat the change on what you read"
                );
                Err(Problem::new(Code::VersionConflict, detail)
                    .header(header::ETAG, write(current)))
            }
            Self::Any | Self::OneOf(_) => Ok(()),
        }
    }

    fn read(values: &[&str]) -> Option<Self> {
        let mut versions = Vec::new();
        for tag in values
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
        {
            if tag == "*" {
                return Some(Self::Any);
            }
            // A weak tag never matches (strong comparison), and no other tag was ever given out.
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = strong.strip_prefix('"')?.strip_suffix('"')?;
            versions.extend(inner.parse::<i64>().ok().filter(|_| strong == tag));
        }
        Some(if values.is_empty() {
            Self::Any
        } else {
            Self::OneOf(versions)
        })
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let values = parts.headers.get_all(header::IF_MATCH).iter();
        values
            .map(|value| value.to_str().ok())
            .collect::<Option<Vec<_>>>()
            .and_then(|values| Self::read(&values))
            .ok_or_else(|| {
                let detail =
                    "If-Match: give the ETag that you were given, in its quotes, such as \"3\"";
                Problem::new(Code::InvalidParameter, detail)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        let rows: &[(&[&str], Option<IfMatch>)] = &[
            (&[], Some(IfMatch::Any)),
            (&["*"], Some(IfMatch::Any)),
            (&["\"3\""], Some(IfMatch::OneOf(vec![3]))),
            (&["\"3\", \"4\""], Some(IfMatch::OneOf(vec![3, 4]))),
            (&["\"3\"", "\"5\""], Some(IfMatch::OneOf(vec![3, 5]))),
            (&["W/\"3\""], Some(IfMatch::OneOf(vec![]))),
            (&["\"abc\""], Some(IfMatch::OneOf(vec![]))),
            (&["3"], None),
            (&[""], None),
        ];
        for (values, expected) in rows {
            assert_eq!(IfMatch::read(values), *expected, "{values:?}");
        }
    }

    #[test]
    fn another_version_is_refused() {
        assert!(IfMatch::Any.check(7).is_ok());
        assert!(IfMatch::OneOf(vec![7]).check(7).is_ok());
        assert_eq!(
            IfMatch::OneOf(vec![6]).check(7).unwrap_err().code(),
            Code::VersionConflict
        );
        assert!(IfMatch::OneOf(vec![]).check(7).is_err());
    }
}
