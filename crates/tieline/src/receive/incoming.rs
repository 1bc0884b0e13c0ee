//! A request to a source.

use bytes::Bytes;
use http::HeaderMap;
use tieline_domain::{
    signature::{Headers, SignedRequest},
    trace::TraceContext,
};

/// A request to a source, its body read.
#[derive(Clone, Copy)]
pub struct Incoming<'r> {
    /// The method.
    pub method: &'r str,
    /// The query, undecoded.
    pub query: Option<&'r str>,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The raw body.
    pub body: &'r Bytes,
    /// The trace that it belongs to.
    pub trace: TraceContext,
}

impl<'r> Incoming<'r> {
    /// The request as it is verified.
    pub(super) fn signed(self, fields: &'r Fields<'r>) -> SignedRequest<'r> {
        SignedRequest {
            method: self.method,
            url_query: self.query,
            headers: fields,
            body: self.body,
        }
    }
}

/// The headers of a request, as the verifier reads them.
pub(super) struct Fields<'r>(pub(super) &'r HeaderMap);

impl Headers for Fields<'_> {
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        for value in self.0.get_all(name) {
            each(value.as_bytes());
        }
    }
}
