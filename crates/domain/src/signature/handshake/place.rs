//! Where in a request a question shows.

use std::{borrow::Cow, cell::OnceCell};

use serde_json::Value;

use crate::signature::{SignedRequest, form::form_field};

/// A place in a request that holds a text.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A parameter of the query, decoded.
    Query(&'static str),
    /// A header.
    Header(&'static str),
    /// A text in the JSON body, by JSON pointer (RFC 6901).
    Body(&'static str),
}

/// What tells a question from an event.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    /// There is a text, not empty.
    Has(Place),
    /// There is this text.
    Text(Place, &'static str),
    /// There is this number in the body.
    Number(&'static str, i64),
    /// There is nothing at this pointer of the body.
    Lacks(&'static str),
    /// There is an array without items at this pointer of the body.
    NoItems(&'static str),
    /// The body is an object whose only field is this.
    Only(&'static str),
    /// There is no body.
    NoBody,
}

impl Mark {
    pub(super) fn is_in_body(&self) -> bool {
        match self {
            Self::Has(place) | Self::Text(place, _) => matches!(place, Place::Body(_)),
            Self::Number(..) | Self::Lacks(_) | Self::NoItems(_) | Self::Only(_) => true,
            Self::NoBody => false,
        }
    }
}

/// A request that may be a question.
pub(super) struct Asked<'r> {
    request: &'r SignedRequest<'r>,
    max_body: usize,
    body: OnceCell<Option<Value>>,
}

impl<'r> Asked<'r> {
    pub(super) fn new(request: &'r SignedRequest<'r>, max_body: usize) -> Self {
        Self {
            request,
            max_body,
            body: OnceCell::new(),
        }
    }

    pub(super) fn bears(&self, mark: &Mark) -> bool {
        match *mark {
            Mark::Has(place) => self.text(place).is_some_and(|text| !text.is_empty()),
            Mark::Text(place, expected) => self.text(place).is_some_and(|text| text == expected),
            Mark::Number(pointer, expected) => self
                .at(pointer)
                .is_some_and(|value| value.as_i64() == Some(expected)),
            Mark::Lacks(pointer) => self.body().is_some() && self.at(pointer).is_none(),
            Mark::NoItems(pointer) => self
                .at(pointer)
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty),
            Mark::Only(field) => self
                .body()
                .and_then(Value::as_object)
                .is_some_and(|object| object.len() == 1 && object.contains_key(field)),
            Mark::NoBody => self.request.body.is_empty(),
        }
    }

    /// The text at a place; `None` if there is none, or several.
    pub(super) fn text(&self, place: Place) -> Option<Cow<'_, str>> {
        match place {
            Place::Query(name) => form_field(self.request.url_query?.as_bytes(), name),
            Place::Header(name) => {
                let value = self.request.header(name).ok()??;
                std::str::from_utf8(value).ok().map(Cow::Borrowed)
            }
            Place::Body(pointer) => self.at(pointer)?.as_str().map(Cow::Borrowed),
        }
    }

    /// The text of this field of the body, if it has at most `most` bytes.
    pub(super) fn field(&self, name: &str, most: usize) -> Option<String> {
        let text = self.body()?.get(name)?.as_str()?;
        (text.len() <= most).then(|| text.to_owned())
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.body()?.pointer(pointer)
    }

    fn body(&self) -> Option<&Value> {
        let read = || {
            let body = self.request.body;
            let short = (1..=self.max_body).contains(&body.len());
            short.then(|| serde_json::from_slice(body).ok()).flatten()
        };
        self.body.get_or_init(read).as_ref()
    }
}
