//! What handlers answer with. Each form describes itself to the OpenAPI document, so that the signature
//! of a handler is its documentation.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use tieline_store as store;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, HeaderBuilder, RefOr, ResponseBuilder, Schema,
        extensions::ExtensionsBuilder,
        schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
    },
};

use super::etag;

/// Where a response keeps the schemas that it refers to, until the document's last pass collects them.
pub const SCHEMAS: &str = "x-schemas";

/// 200 with an object.
#[derive(Debug)]
pub struct Shown<T> {
    view: T,
    version: Option<i64>,
}

impl<T> Shown<T> {
    /// Shows `view`.
    pub fn new(view: T) -> Self {
        Self {
            view,
            version: None,
        }
    }

    /// Adds the `ETag` of this version.
    pub fn version(self, version: i64) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }
}

/// 201 with the object that was made, its `Location`, and its `ETag` if it can be changed.
#[derive(Debug)]
pub struct Created<T> {
    view: T,
    location: String,
    version: Option<i64>,
}

impl<T> Created<T> {
    /// Shows what was made; `location` is its path, such as `/v1/tenants/tn_…`.
    pub fn new(location: impl Into<String>, view: T) -> Self {
        Self {
            view,
            location: location.into(),
            version: None,
        }
    }

    /// Adds the `ETag` of this version.
    pub fn version(self, version: i64) -> Self {
        Self {
            version: Some(version),
            ..self
        }
    }
}

/// 202: durably accepted, done later.
#[derive(Debug)]
pub struct Accepted<T>(pub T);

/// 204: done, nothing to show.
#[derive(Debug)]
pub struct NoContent;

/// 200 with one page of a list.
#[derive(Debug, Serialize)]
pub struct ListView<T> {
    /// The objects, newest first.
    pub data: Vec<T>,
    /// What to give as `cursor` for the next page; absent on the last one.
    pub next_cursor: Option<String>,
}

impl<R, T: From<R>> From<store::Page<R>> for ListView<T> {
    fn from(page: store::Page<R>) -> Self {
        let store::Page { items, next } = page;
        Self {
            data: items.into_iter().map(T::from).collect(),
            next_cursor: next,
        }
    }
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, versioned(self.version), &self.view)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut headers = versioned(self.version);
        let location = HeaderValue::try_from(self.location)
            .expect("locations are made of fixed text, ids and names, all visible ASCII");
        headers.insert(header::LOCATION, location);
        respond(StatusCode::CREATED, headers, &self.view)
    }
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::ACCEPTED, HeaderMap::new(), &self.0)
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: Serialize> IntoResponse for ListView<T> {
    fn into_response(self) -> Response {
        respond(StatusCode::OK, HeaderMap::new(), &self)
    }
}

fn versioned(version: Option<i64>) -> HeaderMap {
    version
        .map(|version| (header::ETAG, etag::write(version)))
        .into_iter()
        .collect()
}

fn respond(status: StatusCode, headers: HeaderMap, view: &impl Serialize) -> Response {
    let body = serde_json::to_vec(view).expect("views hold only what JSON can express");
    let media_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (status, media_type, headers, body).into_response()
}

impl<T: ToSchema> IntoResponses for Shown<T> {
    fn responses() -> Responses {
        describe::<T>("200", "Done", reference::<T>(), &[])
    }
}

impl<T: ToSchema> IntoResponses for Created<T> {
    fn responses() -> Responses {
        let location = ("Location", "The path of the new object");
        describe::<T>("201", "Created", reference::<T>(), &[location])
    }
}

impl<T: ToSchema> IntoResponses for Accepted<T> {
    fn responses() -> Responses {
        describe::<T>("202", "Accepted durably; done later", reference::<T>(), &[])
    }
}

impl IntoResponses for NoContent {
    fn responses() -> Responses {
        let response = ResponseBuilder::new().description("Done").build();
        BTreeMap::from([("204".to_owned(), response.into())])
    }
}

impl<T: ToSchema> IntoResponses for ListView<T> {
    fn responses() -> Responses {
        let next = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some(
                "What to give as `cursor` for the next page; null on the last one",
            ));
        let page = ObjectBuilder::new()
            .property("data", ArrayBuilder::new().items(reference::<T>()))
            .required("data")
            .property("next_cursor", next)
            .required("next_cursor");
        describe::<T>(
            "200",
            "One page, newest first",
            Schema::from(page.build()).into(),
            &[],
        )
    }
}

type Responses = BTreeMap<String, RefOr<utoipa::openapi::Response>>;

fn reference<T: ToSchema>() -> RefOr<Schema> {
    utoipa::openapi::Ref::from_schema_name(T::name()).into()
}

fn describe<T: ToSchema>(
    status: &str,
    description: &str,
    schema: RefOr<Schema>,
    headers: &[(&str, &str)],
) -> Responses {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .extensions(Some(
            ExtensionsBuilder::new()
                .add(SCHEMAS, schemas::<T>())
                .build(),
        ));
    for (name, meaning) in headers {
        let header = HeaderBuilder::new().description(Some(*meaning)).build();
        response = response.header(*name, header);
    }
    BTreeMap::from([(status.to_owned(), response.build().into())])
}

/// `T` and every schema that it refers to, by name.
fn schemas<T: ToSchema>() -> Value {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    found
        .into_iter()
        .map(|(name, schema)| (name, json!(schema)))
        .collect()
}
