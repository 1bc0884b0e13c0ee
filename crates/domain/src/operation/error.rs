//! Why a call failed, in words that a model, a person and a program can act on.

use serde::{Deserialize, Serialize};

use crate::Violation;

/// Declares the kinds: variant, word, whether the same call may be made again, meaning, advice for a model.
macro_rules! kinds {
    ($($variant:ident = $word:literal, $again:literal, $meaning:literal, $advice:literal;)*) => {
        /// What kind of failure it is. Clients may rely on the words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorKind {
            $(#[doc = $meaning] $variant,)*
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word, the same in the API, the log of calls and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Whether the same call may be made again without harm, whatever the operation does.
            pub const fn may_repeat(self) -> bool {
                match self { $(Self::$variant => $again,)* }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What a model should do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

kinds! {
    BadInput = "bad_input", false,
        "The input does not fit, by the schema or in the service's own words.",
        "Correct the fields that are named, then call again.";
    Retry = "retry", true,
        "Nothing was done: the service could not be reached, or said that it cannot do this now.",
        "Call again with the same input, not before retry_after_ms if that is given.";
    AuthRequired = "auth_required", false,
        "The service did not accept the credential, or there is none.",
        "Do not call again. Tell the user that access has to be renewed, and give connect_url if it is there.";
    Forbidden = "forbidden", false,
        "The credential is valid but does not allow this.",
        "Do not call again with this input. Tell the user what was refused.";
    NotFound = "not_found", false,
        "The service has nothing under this name or id.",
        "Check the ids in the input; look the thing up by another field.";
    Conflict = "conflict", false,
        "The state of the thing does not allow this: it exists already, or was changed meanwhile.",
        "Read the thing again and decide anew.";
    RateLimited = "rate_limited", true,
        "Calls come faster than the service, the tool or the tenant allows. Nothing was done.",
        "Wait for retry_after_ms, then call again with the same input.";
    UpstreamError = "upstream_error", false,
        "The service failed.",
        "Tell the user that the service has a problem. Call again only if the tool only reads.";
    BadAnswer = "bad_answer", false,
        "The service answered with something that cannot be used: HTML, nothing, or too much.",
        "Do not call again with this input. Ask for less, or tell the user.";
    Timeout = "timeout", false,
        "The service did not answer in time; it may or may not have acted.",
        "Check whether it was done before calling again.";
    UnknownOutcome = "unknown_outcome", false,
        "The connection ended before an answer came; the service may or may not have acted.",
        "Check whether it was done before calling again.";
    RefusedAddress = "refused_address", false,
        "The address is not public, and the operator has not allowed it.",
        "Do not call again. Tell the user that the tool is not set up correctly.";
    Misconfigured = "misconfigured", false,
        "The tool cannot be called as it is set up, for example because a secret is missing.",
        "Do not call again. Tell the user that the tool is not set up correctly.";
    Cancelled = "cancelled", false,
        "The caller called it off; the service may or may not have acted.",
        "Go on without the result.";
}

impl ErrorKind {
    /// Whether a call in the background is made again later by itself: nothing was done, or the service failed and
    /// the operation `may_repeat`. What may have been done by an unknown outcome is for people to look at.
    pub const fn is_worth_a_later_try(self, may_repeat: bool) -> bool {
        self.may_repeat() || (may_repeat && matches!(self, Self::UpstreamError | Self::Timeout))
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What happened, in a sentence, without secrets.
    pub message: String,
    /// What is wrong with the input, with pointers into it.
    pub fields: Vec<Violation>,
    /// When to call again at the earliest, in milliseconds from now.
    pub retry_after_ms: Option<u64>,
    /// Where the user grants the access that is missing.
    pub connect_url: Option<String>,
    /// What the service said: the beginning of its answer, without secrets.
    pub upstream: Option<String>,
}

impl CallError {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            fields: Vec::new(),
            retry_after_ms: None,
            connect_url: None,
            upstream: None,
        }
    }

    /// The input does not fit.
    pub fn bad_input(fields: Vec<Violation>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("the input does not fit: {only}"),
            several => format!(
                "{} values of the input do not fit; see `fields`",
                several.len()
            ),
        };
        Self {
            fields,
            ..Self::new(ErrorKind::BadInput, message)
        }
    }

    /// What happened, with everything that is wrong with the input.
    pub fn in_full(&self) -> String {
        let fields = self.fields.iter().map(ToString::to_string);
        let parts: Vec<_> = std::iter::once(self.message.clone())
            .chain(fields)
            .collect();
        parts.join("; ")
    }

    /// The same, to be tried again after `ms` milliseconds.
    pub fn after(self, ms: Option<u64>) -> Self {
        Self {
            retry_after_ms: ms,
            ..self
        }
    }

    /// The same with what the service said.
    pub fn saying(self, upstream: Option<String>) -> Self {
        Self { upstream, ..self }
    }
}
