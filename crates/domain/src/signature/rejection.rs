//! Why a request was turned away.

/// Why a request was not believed. The text tells sender and operator what to do; it never holds a secret or the
/// signature that would have been right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A header that the scheme needs is absent.
    #[error(
        "the header `{header}` is missing: check that the sender signs, and that no proxy removes it"
    )]
    MissingHeader {
        /// Its name.
        header: String,
    },
    /// A header that may stand once is there twice, with different values.
    #[error("the header `{header}` is there more than once with different values: send it once")]
    DuplicateHeader {
        /// Its name.
        header: String,
    },
    /// No signature in the header could be read.
    #[error("the header `{header}` holds no signature that can be read: expected {expected}")]
    MalformedSignature {
        /// Its name.
        header: String,
        /// What a signature looks like in this scheme.
        expected: String,
    },
    /// Signatures are there, but of no version that the scheme knows or the source has a key for.
    #[error(
        "the header `{header}` holds no `{expected}` signature: check the sender's signature version, and that the source holds the matching kind of key"
    )]
    UnknownVersion {
        /// Its name.
        header: String,
        /// The version that was looked for.
        expected: String,
    },
    /// More signatures than any sender needs.
    #[error("the signature header holds more than {limit} items: send at most that many")]
    TooManySignatures {
        /// The most that are read.
        limit: usize,
    },
    /// The signature does not belong to these bytes under any secret of the source.
    #[error(
        "the signature does not match: check that sender and source hold the same secret, and that the body is signed and sent as the same bytes"
    )]
    WrongSignature,
    /// The timestamp is absent from the signature or no timestamp.
    #[error("the timestamp cannot be read: expected {expected}")]
    MalformedTimestamp {
        /// What a timestamp looks like in this scheme.
        expected: &'static str,
    },
    /// The timestamp lies too far back.
    #[error(
        "the timestamp is {seconds} s old and may be {tolerance_seconds} s: check the clocks, the unit of the timestamp, and that the request is signed anew when it is sent again"
    )]
    StaleTimestamp {
        /// Its age.
        seconds: u64,
        /// The most allowed.
        tolerance_seconds: u32,
    },
    /// The timestamp lies too far ahead.
    #[error(
        "the timestamp is {seconds} s ahead and may be {tolerance_seconds} s: check the clocks and the unit of the timestamp"
    )]
    FutureTimestamp {
        /// How far ahead it is.
        seconds: u64,
        /// The most allowed.
        tolerance_seconds: u32,
    },
    /// The message id could be confused with the parts beside it.
    #[error(
        "the header `{header}` holds no message id: expected 1 to 256 visible characters without a `.`"
    )]
    MalformedId {
        /// Its name.
        header: String,
    },
    /// The body is covered neither by the signature nor by a signed hash.
    #[error("the signature does not cover the body: send a form{}", or_hash(*parameter))]
    UnsignedBody {
        /// The query parameter that would bind it by its hash, where the scheme has one.
        parameter: Option<&'static str>,
    },
    /// The `Authorization` header cannot be read as Basic credentials.
    #[error(
        "the header `Authorization` holds no Basic credentials: expected `Basic <base64 of user:password>`"
    )]
    MalformedCredentials,
    /// The token, user name or password is not the configured one.
    #[error(
        "the credentials do not match: check the token, or the user name and password, that the sender is configured with"
    )]
    WrongCredentials,
    /// The token or message names another algorithm than the scheme's.
    #[error(
        "the algorithm that the request names is not the one of this scheme and its key: check the sender's settings, and that the source holds the matching kind of key"
    )]
    WrongAlgorithm,
    /// A claim of a signed token does not fit the request.
    #[error(
        "the claim `{claim}` of the token does not fit this request: check that the body and the URL are those that the sender signed for"
    )]
    WrongClaim {
        /// Its name.
        claim: &'static str,
    },
    /// The request names a place for its key that is not the sender's.
    #[error(
        "the key that the request names is not at the sender's own address: only https and the sender's hosts are asked for keys"
    )]
    ForeignKeyHost,
    /// The key is not among those that the sender publishes, or not valid now.
    #[error(
        "the key that the request was signed with is not one that the sender publishes, or is not valid now"
    )]
    UnknownKey,
    /// The sender's key could not be fetched; the request may be genuine.
    #[error(
        "the sender's key could not be fetched: check that this server may call the sender's host, and send the request again"
    )]
    KeyUnavailable,
    /// The source waits for the request that brings its secret.
    #[error(
        "this webhook waits for the first request of its sender, which brings the secret: register its URL there"
    )]
    Pending,
}

impl Rejection {
    /// The stable code of this reason, for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing_header",
            Self::DuplicateHeader { .. } => "duplicate_header",
            Self::MalformedSignature { .. } => "malformed_signature",
            Self::UnknownVersion { .. } => "unknown_version",
            Self::TooManySignatures { .. } => "too_many_signatures",
            Self::WrongSignature => "wrong_signature",
            Self::MalformedTimestamp { .. } => "malformed_timestamp",
            Self::StaleTimestamp { .. } => "stale_timestamp",
            Self::FutureTimestamp { .. } => "future_timestamp",
            Self::MalformedId { .. } => "malformed_id",
            Self::UnsignedBody { .. } => "unsigned_body",
            Self::MalformedCredentials => "malformed_credentials",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongAlgorithm => "wrong_algorithm",
            Self::WrongClaim { .. } => "wrong_claim",
            Self::ForeignKeyHost => "foreign_key_host",
            Self::UnknownKey => "unknown_key",
            Self::KeyUnavailable => "key_unavailable",
            Self::Pending => "pending",
        }
    }
}

fn or_hash(parameter: Option<&str>) -> String {
    parameter.map_or_else(String::new, |name| {
        format!(", or the SHA-256 of the body in the query parameter `{name}`")
    })
}
