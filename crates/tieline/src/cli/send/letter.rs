//! One message after another: worded, signed, ready to go.

use anyhow::bail;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use tieline_domain::{
    EventId,
    clock::Clock,
    signature::{EventType, KeyedSecret, Preset, SenderKeys, SignedRequest, Signer, Verification},
};
use uuid::Uuid;

use super::{
    sample::{self, Sample},
    template::{Values, names_type, render},
};
use crate::{
    cli::scheme,
    outbound::{Destination, Request},
};

/// What the user wants said.
pub(super) struct Wording {
    /// The body.
    pub(super) body: Body,
    /// Headers that stand whatever the scheme says.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The type of the event.
    pub(super) event_type: Option<String>,
    /// The id of every message, instead of a new one each.
    pub(super) id: Option<String>,
}

/// What the user signs with.
#[derive(Default)]
pub(super) struct Keys {
    /// The secret of the source.
    pub(super) secret: Option<KeyedSecret>,
    /// The private key.
    pub(super) private_key: Option<KeyedSecret>,
    /// The name of the key.
    pub(super) key_id: Option<String>,
}

/// Where a body comes from.
pub(super) enum Body {
    /// What the sender of the scheme would send.
    Sample,
    /// These bytes, whatever they are.
    Fixed(Bytes),
    /// A text with placeholders.
    Template(String),
}

/// Writes messages of one kind to one destination.
pub(super) struct Letters {
    signer: Signer,
    destination: Destination,
    sample: Sample,
    wording: Wording,
}

impl Letters {
    /// Prepares to write; what is wrong with scheme, keys, type or template shows here.
    pub(super) fn new(
        verification: &Verification,
        keys: &Keys,
        destination: Destination,
        wording: Wording,
    ) -> anyhow::Result<Self> {
        let preset = verification.preset()?;
        let keys = SenderKeys {
            secret: keys.secret.as_ref(),
            private_key: keys.private_key.as_ref(),
            key_id: keys.key_id.as_deref(),
        };
        let signer = Signer::with(verification, &keys, destination.as_str());
        let letters = Self {
            signer: scheme::explain(signer, "TIELINE_SEND_SECRET")?,
            destination,
            sample: sample::of(preset),
            wording,
        };
        letters.check_event_type(preset)?;
        Ok(letters)
    }

    /// Refuses a type that would go nowhere.
    fn check_event_type(&self, preset: &Preset) -> anyhow::Result<()> {
        let in_header = matches!(preset.event_type, Some(EventType::Header(_)));
        let in_body = match &self.wording.body {
            Body::Sample => names_type(&self.sample.body),
            Body::Template(template) => names_type(template),
            Body::Fixed(_) => false,
        };
        if self.wording.event_type.is_none() || in_header || in_body {
            return Ok(());
        }
        match (preset.event_type, &self.wording.body) {
            (Some(EventType::Body(path)), Body::Fixed(_)) => bail!(
                "with {} the type stands in the body, at {path}: write it there instead of --event-type",
                preset.title
            ),
            _ => bail!(
                "there is no place for --event-type in this message; write it into the body, or put {{{{type}}}} into --data-template"
            ),
        }
    }

    /// The `n`th message, signed as of now.
    pub(super) fn request(&self, n: u64, clock: &Clock) -> anyhow::Result<Request> {
        let now = clock.unique_now();
        let id = match &self.wording.id {
            Some(id) => id.clone(),
            None => Uuid::from_u128(EventId::new(now, rand::random()).as_u128()).to_string(),
        };
        let given = self.wording.event_type.as_deref();
        let values = Values {
            n,
            id: &id,
            event_type: given.unwrap_or(self.sample.event_type),
            now,
        };
        let body = match &self.wording.body {
            Body::Sample => render(&self.sample.body, &values)?.into(),
            Body::Template(template) => render(template, &values)?.into(),
            Body::Fixed(bytes) => bytes.clone(),
        };
        let mut headers = self.headers(&values)?;
        let (uri, signed) = self.sign(&mut headers, &body, &values)?;
        let mut request = Request::new(Method::POST, uri);
        request.headers = headers;
        request.body = signed.map_or(body, Bytes::from);
        Ok(request)
    }

    /// The headers without the signature.
    fn headers(&self, values: &Values<'_>) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_static(self.sample.content_type);
        headers.insert(header::CONTENT_TYPE, content_type);
        for (name, template) in self.sample.headers.iter() {
            let name: HeaderName = name.parse()?;
            headers.insert(name, render(template, values)?.parse()?);
        }
        let given = self.wording.headers.iter().cloned();
        given.for_each(|(name, value)| drop(headers.insert(name, value)));
        Ok(headers)
    }

    /// Adds the signature, and returns where to send the message, for some senders sign by the query, and what to
    /// send in place of the body, for some sign inside of it.
    fn sign(
        &self,
        headers: &mut HeaderMap,
        body: &[u8],
        values: &Values<'_>,
    ) -> anyhow::Result<(Uri, Option<Vec<u8>>)> {
        let seen: Vec<(&str, &[u8])> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let request = SignedRequest {
            method: "POST",
            url_query: self.destination.uri().query(),
            headers: &seen,
            body,
        };
        let signature = self
            .signer
            .sign(&request, values.now.as_micros(), values.id)?;
        for (name, value) in signature.headers {
            let name: HeaderName = name.parse()?;
            let is_given = self.wording.headers.iter().any(|(given, _)| *given == name);
            if !is_given {
                headers.insert(name, value.parse()?);
            }
        }
        if signature.query.as_deref() == self.destination.uri().query() {
            return Ok((self.destination.uri().clone(), signature.body));
        }
        let base = self.destination.as_str();
        let base = base.split_once('?').map_or(base, |(base, _)| base);
        let uri = format!("{base}?{}", signature.query.unwrap_or_default());
        Ok((uri.parse()?, signature.body))
    }
}

#[cfg(test)]
mod tests;
