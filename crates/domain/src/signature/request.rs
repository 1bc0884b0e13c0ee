//! The request to be verified, as the engine sees it.

use super::Rejection;

/// Gives the values of a request's headers.
///
/// Implement it beside the HTTP library in use; a list of pairs implements it already.
pub trait Headers {
    /// Calls `each` with every value of the header `name` (compared without regard to case), in order.
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8]));
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        for (_, value) in self
            .iter()
            .filter(|(n, _)| n.as_ref().eq_ignore_ascii_case(name))
        {
            each(value.as_ref());
        }
    }
}

/// What was received, untouched.
///
/// There is no host: a scheme that signs the URL is checked against the configured public URL, which a sender
/// cannot choose.
#[derive(Clone, Copy)]
pub struct SignedRequest<'r> {
    /// The method, in upper case.
    pub method: &'r str,
    /// The query of the request's target as it was sent: neither decoded nor with its `?`.
    pub url_query: Option<&'r str>,
    /// The headers.
    pub headers: &'r dyn Headers,
    /// The raw body.
    pub body: &'r [u8],
}

impl<'r> SignedRequest<'r> {
    /// The one value of a header; `None` if it is absent.
    ///
    /// # Errors
    /// [`Rejection::DuplicateHeader`] if the header stands there twice with different values: a proxy and we
    /// might read different ones.
    pub(super) fn header(&self, name: &str) -> Result<Option<&'r [u8]>, Rejection> {
        let mut found = None;
        let mut ambiguous = false;
        self.headers.each_value(name, &mut |value| match found {
            None => found = Some(value),
            Some(first) => ambiguous |= first != value,
        });
        if ambiguous {
            return Err(Rejection::DuplicateHeader {
                header: name.to_owned(),
            });
        }
        Ok(found)
    }

    /// The one value of a header that must be there.
    pub(super) fn required_header(&self, name: &str) -> Result<&'r [u8], Rejection> {
        self.header(name)?.ok_or_else(|| Rejection::MissingHeader {
            header: name.to_owned(),
        })
    }

    /// Whether the body is said to be a form (`application/x-www-form-urlencoded`).
    pub(super) fn is_form(&self) -> Result<bool, Rejection> {
        const FORM: &[u8] = b"application/x-www-form-urlencoded";
        let media_type = self
            .header("content-type")?
            .map(|value| value.split(|b| *b == b';').next().unwrap_or(value));
        Ok(media_type.is_some_and(|t| t.trim_ascii().eq_ignore_ascii_case(FORM)))
    }
}
