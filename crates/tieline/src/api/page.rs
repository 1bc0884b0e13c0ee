//! Lists: `?limit=` and `?cursor=`, and the filters beside them.

use std::str::FromStr;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;
use tieline_store::PageRequest;
use url::form_urlencoded;
use utoipa::IntoParams;

use super::problem::{Code, Problem};
use crate::app::App;

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;
const MAX_CURSOR: usize = 64;
const PAGE_PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many objects at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100, default = 20)]
    pub limit: usize,
    /// The `next_cursor` of the page before; without it, the newest page.
    pub cursor: Option<String>,
}

impl Page {
    /// What the store is asked for.
    pub fn request(&self) -> PageRequest {
        PageRequest {
            limit: self.limit,
            after: self.cursor.clone(),
        }
    }

    fn read(query: &str) -> Result<Self, Problem> {
        let mut page = Self {
            limit: DEFAULT_LIMIT,
            cursor: None,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => page.limit = limit(&value)?,
                "cursor" if !value.is_empty() => page.cursor = Some(cursor(&value)?),
                _ => {}
            }
        }
        Ok(page)
    }
}

fn cursor(text: &str) -> Result<String, Problem> {
    let could_be_ours = text.len() <= MAX_CURSOR
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    could_be_ours.then(|| text.to_owned()).ok_or_else(|| {
        let detail =
            "cursor: give the `next_cursor` of an earlier page of this list, or leave it out";
        Problem::new(Code::InvalidParameter, detail)
    })
}

fn limit(text: &str) -> Result<usize, Problem> {
    text.parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| {
            let detail = format!("limit: give a whole number from 1 to {MAX_LIMIT}");
            Problem::new(Code::InvalidParameter, detail)
        })
}

impl FromRequestParts<App> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

/// The query parameters of an operation, apart from those of [`Page`]. `T` should refuse unknown ones.
#[derive(Clone, Debug)]
pub struct Filters<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Filters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        read_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    if pairs.clone().any(|(_, value)| value.contains('\0')) {
        let detail = "a query parameter contains the character NUL, which no value has";
        return Err(Problem::new(Code::InvalidParameter, detail));
    }
    let own = pairs.filter(|(name, _)| !PAGE_PARAMETERS.contains(&&**name));
    let own = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(own)
        .finish();
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(own.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let detail = format!("{}: {}", error.path(), error.inner());
        Problem::new(Code::InvalidParameter, detail)
    })
}

/// The id or name in the path. What cannot be an id of this kind is as missing as an unknown one: 404.
#[derive(Clone, Copy, Debug)]
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::RawPathParams::from_request_parts(parts, app).await;
        let first = path.ok().and_then(|path| {
            let (_, id) = path.iter().next()?;
            id.parse().ok().filter(|_| !id.contains('\0'))
        });
        first.map(Self).ok_or_else(|| Problem::not_found("object"))
    }
}

/// The first two ids in the path, read as [`Id`] reads one.
#[derive(Clone, Copy, Debug)]
pub struct Ids<A, B>(pub A, pub B);

impl<A: FromStr, B: FromStr> FromRequestParts<App> for Ids<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::RawPathParams::from_request_parts(parts, app).await;
        let both = path.ok().and_then(|path| {
            let mut ids = path.iter().map(|(_, id)| id);
            Some(Self(ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
        });
        both.ok_or_else(|| Problem::not_found("object"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        count: Option<u8>,
    }

    #[test]
    fn pages_are_read_and_bounded() {
        let page = |limit, cursor: Option<&str>| Some((limit, cursor.map(str::to_owned)));
        let rows = [
            ("", page(20, None)),
            ("limit=1&status=dead", page(1, None)),
            ("limit=100&cursor=evt_1", page(100, Some("evt_1"))),
            ("cursor=a%20b", None),
            ("cursor=%00", None),
            ("cursor=", page(20, None)),
            ("limit=0", None),
            ("limit=101", None),
            ("limit=-1", None),
            ("limit=ten", None),
            ("limit=99999999999999999999999", None),
        ];
        for (query, expected) in rows {
            let read = Page::read(query).ok().map(|page| (page.limit, page.cursor));
            assert_eq!(read, expected, "{query}");
        }
    }

    #[test]
    fn filters_stand_beside_the_page() {
        let rows = [
            ("limit=5&cursor=x&count=7", Some(Some(7))),
            ("", Some(None)),
            ("count=300", None),
            ("cuont=3", None),
            ("count=%00", None),
        ];
        for (query, expected) in rows {
            let read = read_query::<Filter>(query).ok().map(|filter| filter.count);
            assert_eq!(read, expected, "{query}");
        }
    }
}
