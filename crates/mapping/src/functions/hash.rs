//! `hash`.

use std::borrow::Cow;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Parameter, Takes};
use super::parameters::Parameters;

pub(super) static HASH: Declaration = Declaration::new(
    "hash",
    "Gives a digest of text, as advertisers ask for addresses. Lowercase and trim it before.",
    |parameters| Ok(compile(parameters)),
)
.with(&[
    Parameter::optional(
        "algorithm",
        Takes::OneOf(&["sha256", "sha384", "sha512", "sha1"]),
        "the algorithm; sha1 only where a receiver still asks for it",
    )
    .or(r#""sha256""#),
    Parameter::optional(
        "encoding",
        Takes::OneOf(&["hex", "base64"]),
        "how the digest is written",
    )
    .or(r#""hex""#),
])
.shown(&[
    Example::new(
        "{}",
        r#""ada@example.com""#,
        r#""b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72""#,
    ),
    Example::new(
        r#"{"algorithm": "sha1", "encoding": "base64"}"#,
        r#""abc""#,
        r#""qZk+NkcGgWq6PiVxeFDCbJzQ2J0=""#,
    ),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let algorithm = match parameters.text("algorithm").as_deref() {
        Some("sha1") => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Some("sha384") => &digest::SHA384,
        Some("sha512") => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let in_base64 = parameters.text("encoding").as_deref() == Some("base64");
    Compiled::text(move |text| {
        let digest = digest::digest(algorithm, text.as_bytes());
        Ok(Cow::Owned(if in_base64 {
            STANDARD.encode(digest)
        } else {
            hex::encode(digest)
        }))
    })
}
