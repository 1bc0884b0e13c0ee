//! One message after another: worded, signed, ready to go.

use anyhow::bail;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use tieline_domain::{
    EventId,
    clock::Clock,
    signature::{EventType, Preset, SignedRequest, Signer, Verification},
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
    /// Prepares to write; what is wrong with scheme, secret, type or template shows here.
    pub(super) fn new(
        verification: &Verification,
        secret: Option<&str>,
        destination: Destination,
        wording: Wording,
    ) -> anyhow::Result<Self> {
        let preset = verification.preset()?;
        let secret = secret.map(|secret| scheme::keyed(&[secret.to_owned()]).swap_remove(0));
        let signer = Signer::new(verification, secret.as_ref(), destination.as_str());
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
        let uri = self.sign(&mut headers, &body, &values)?;
        let mut request = Request::new(Method::POST, uri);
        request.headers = headers;
        request.body = body;
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

    /// Adds the signature, and returns where to send the message: some senders sign by the query.
    fn sign(
        &self,
        headers: &mut HeaderMap,
        body: &[u8],
        values: &Values<'_>,
    ) -> anyhow::Result<Uri> {
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
            return Ok(self.destination.uri().clone());
        }
        let base = self.destination.as_str();
        let base = base.split_once('?').map_or(base, |(base, _)| base);
        Ok(format!("{base}?{}", signature.query.unwrap_or_default()).parse()?)
    }
}

#[cfg(test)]
mod tests {
    use tieline_domain::signature::{KeyForm, KeyedSecret, Scheme, Trust, Verifier, presets};

    use super::*;
    use crate::cli::way_out::way_to;

    const URL: &str = "https://tie.example/in/wh_in_1";

    /// A secret that the preset can read.
    fn secret_of(preset: &Preset) -> &'static str {
        match &preset.scheme {
            Scheme::Signed(scheme) if scheme.key == KeyForm::Base64 => "c2hoLWN1cnJlbnQ=",
            Scheme::Signed(scheme) if scheme.key == KeyForm::Hex => "7368682d63757272656e74",
            _ => "shh-current",
        }
    }

    fn trust(preset: &Preset, request: &Request, body: &[u8], at_us: i64) -> Option<Trust> {
        let secrets = [KeyedSecret::new("1", secret_of(preset))];
        let verifier = Verifier::new(&Verification::of(preset.name), &secrets, URL);
        let headers: Vec<(&str, &[u8])> = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let seen = SignedRequest {
            method: "POST",
            url_query: request.uri.query(),
            headers: &headers,
            body,
        };
        let verified = verifier.expect("the secret is one").verify(&seen, at_us);
        verified.ok().map(|verified| verified.trust)
    }

    /// Every sender's sample is let in by the source of that sender; with one byte more it is not, where the body
    /// is signed.
    #[test]
    fn what_is_sent_as_a_preset_is_taken_by_it() {
        let clock = Clock::system();
        for preset in presets().iter().filter(|preset| preset.is_signable()) {
            let (_, destination) = way_to(URL).expect("a URL");
            let wording = Wording {
                body: Body::Sample,
                headers: Vec::new(),
                event_type: None,
                id: None,
            };
            let verification = Verification::of(preset.name);
            let letters =
                Letters::new(&verification, Some(secret_of(preset)), destination, wording);
            let request = letters
                .and_then(|letters| letters.request(1, &clock))
                .unwrap_or_else(|error| panic!("{}: {error}", preset.name));
            let now = clock.now().as_micros();
            let name = preset.name;
            assert_eq!(
                trust(preset, &request, &request.body, now),
                Some(preset.trust()),
                "{name}"
            );
            let changed = [&request.body[..], b" "].concat();
            let is_refused = trust(preset, &request, &changed, now).is_none();
            assert_eq!(is_refused, preset.trust() == Trust::Verified, "{name}");
        }
    }
}
