//! Outputs that are too large to hand over: the beginning goes on, the whole is kept for a while.

use rand::random;
use serde_json::{Value, json};
use tieline_domain::{ArtifactId, TenantId};
use tieline_store::artifacts::Artifact;

use super::{Output, Parts};

/// The output as it is handed over.
pub(super) async fn cut(parts: &Parts, tenant: TenantId, value: Value) -> Output {
    let (media_type, text) = match value {
        Value::String(text) => ("text/plain; charset=utf-8", text),
        value => {
            let text = value.to_string();
            let bytes = text.len();
            if bytes <= parts.config.limits.calls.output_bytes {
                return Output {
                    value,
                    bytes,
                    truncated: false,
                };
            }
            ("application/json", text)
        }
    };
    let (bytes, most) = (text.len(), parts.config.limits.calls.output_bytes);
    if bytes <= most {
        return Output {
            value: Value::String(text),
            bytes,
            truncated: false,
        };
    }
    let begin = beginning(&text, most).to_owned();
    let kept = keep(parts, tenant, media_type, text).await;
    let (url, expires_at) = kept.unzip();
    Output {
        value: json!({
            "truncated": true,
            "total_bytes": bytes,
            "artifact_url": url,
            "artifact_expires_at": expires_at,
            "content": begin,
        }),
        bytes,
        truncated: true,
    }
}

/// As much of the beginning as takes `most` bytes as a string of JSON, with room for the marker around it.
fn beginning(text: &str, most: usize) -> &str {
    const MARKER: usize = 512;
    const QUOTES: usize = 2;
    let mut room = most.saturating_sub(MARKER + QUOTES);
    for (at, character) in text.char_indices() {
        match room.checked_sub(written(character)) {
            Some(rest) => room = rest,
            None => return &text[..at],
        }
    }
    text
}

/// How many bytes a character takes in a string of JSON (RFC 8259, section 7, as `serde_json` writes it).
fn written(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

/// Keeps the whole; where it is and until when, or nothing if it cannot be kept.
async fn keep(
    parts: &Parts,
    tenant_id: TenantId,
    media_type: &str,
    text: String,
) -> Option<(String, tieline_domain::Timestamp)> {
    let limits = &parts.config.limits.calls;
    if limits.artifacts == 0 {
        return None;
    }
    let now = parts.clock.unique_now();
    let artifact = Artifact {
        tenant_id,
        id: ArtifactId::new(now, random()),
        media_type: media_type.to_owned(),
        content: text.into_bytes(),
        expires_at: now.plus(limits.artifact_age),
    };
    if let Err(error) = parts.store.add_artifact(&artifact, limits.artifacts).await {
        tracing::warn!(%error, "cannot keep the whole of an output");
        return None;
    }
    let base = parts.public_url.as_str().trim_end_matches('/');
    let url = format!("{base}/v1/artifacts/{}", artifact.id);
    Some((url, artifact.expires_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_fits_however_it_is_escaped() {
        let rows = [
            "a".repeat(100_000),
            "\"".repeat(100_000),
            "\u{1}".repeat(100_000),
            format!("{}{}", "a".repeat(3_000), "\u{1}".repeat(100_000)),
            "\u{1f600}".repeat(50_000),
        ];
        for text in rows {
            let begin = beginning(&text, 8_192);
            let written = Value::from(begin).to_string().len();
            assert!(written <= 8_192 - 512, "{written}");
            assert!(written > 6_000, "{written}");
        }
        assert_eq!(beginning("text", 0), "");
    }
}
