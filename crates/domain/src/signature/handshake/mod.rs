//! Questions that a sender asks before it trusts a URL: answered at once, and no events. Facts: webhooks 3.5.

use serde_json::Value;

use super::preset::Preset;
use super::{SignedRequest, Verifier};

/// The largest body that is looked at for a question, in bytes: those of senders are a few hundred.
const MAX_QUESTION: usize = 4096;
/// The longest value that is echoed, in bytes.
const MAX_ECHO: usize = 1024;
/// Headers of every answer: what is echoed is text, not a page, and not to be found.
const ECHO_HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
    ("referrer-policy", "no-referrer"),
];

/// One question of a sender. Its request is signed like an event, so it is verified first.
#[derive(Clone, Copy, Debug)]
pub struct Handshake {
    /// Its name, for the log.
    pub name: &'static str,
    /// The request's method.
    pub method: &'static str,
    /// How it differs from an event.
    pub question: Question,
    /// What is answered.
    pub answer: Answer,
}

/// How a question is recognized.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// This field of the JSON body has this value.
    Field {
        /// The field.
        name: &'static str,
        /// Its value.
        value: &'static str,
    },
}

/// What a question is answered with.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// 200 with the text of this field of the JSON body.
    EchoField(&'static str),
}

/// The answer to a question, to be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeAnswer {
    /// The question's name.
    pub name: &'static str,
    /// The status code.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Further headers.
    pub headers: &'static [(&'static str, &'static str)],
}

/// Slack asks once, when the URL is entered.
pub(super) const SLACK_URL_VERIFICATION: Handshake = Handshake {
    name: "slack url_verification",
    method: "POST",
    question: Question::Field {
        name: "type",
        value: "url_verification",
    },
    answer: Answer::EchoField("challenge"),
};

/// The answer, if `request` is one of the questions of `preset` and passes `verifier` at `now_us` (Unix
/// microseconds). `None` leaves the request to be received, or rejected, like any other.
pub fn handshake(
    preset: &Preset,
    request: &SignedRequest<'_>,
    verifier: &Verifier,
    now_us: i64,
) -> Option<HandshakeAnswer> {
    let asked = preset
        .handshakes
        .iter()
        .filter(|handshake| handshake.method == request.method);
    let mut asked = asked.peekable();
    asked.peek()?;
    // Nothing reads the body of a request that nobody signed (DESIGN invariant 14).
    if request.body.len() > MAX_QUESTION || verifier.verify(request, now_us).is_err() {
        return None;
    }
    let body: Value = serde_json::from_slice(request.body).ok()?;
    asked.find_map(|handshake| handshake.answer_to(&body))
}

impl Handshake {
    fn answer_to(&self, body: &Value) -> Option<HandshakeAnswer> {
        let Question::Field { name, value } = self.question;
        body.get(name).filter(|found| *found == value)?;
        let Answer::EchoField(field) = self.answer;
        let echoed = body
            .get(field)?
            .as_str()
            .filter(|text| text.len() <= MAX_ECHO)?;
        Some(HandshakeAnswer {
            name: self.name,
            status: 200,
            content_type: "text/plain; charset=utf-8",
            body: echoed.to_owned(),
            headers: ECHO_HEADERS,
        })
    }
}
