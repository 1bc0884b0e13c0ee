//! A signature scheme as it is named on the command line.

use anyhow::anyhow;
use tieline_domain::signature::{ConfigError, KeyedSecret, Verification, presets};

/// Reads the name of a preset, or a verification as the API takes it, in JSON.
pub(super) fn parse(text: &str) -> Result<Verification, String> {
    let verification = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| format!("no verification: {error}"))?
    } else {
        Verification::of(text)
    };
    match verification.preset() {
        Ok(_) => Ok(verification),
        Err(error) => Err(error.to_string()),
    }
}

/// The names of all presets, for the help.
pub(super) fn names() -> String {
    let names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
    names.join(", ")
}

/// Secrets as they were given, under the numbers 1, 2, ….
pub(super) fn keyed(secrets: &[String]) -> Vec<KeyedSecret> {
    let numbered = secrets.iter().zip(1..);
    numbered
        .map(|(secret, n): (_, usize)| KeyedSecret::new(n.to_string(), secret.as_bytes()))
        .collect()
}

/// Explains an error of the verification to someone who can give a secret on the command line.
pub(super) fn explain<T>(result: Result<T, ConfigError>, variable: &str) -> anyhow::Result<T> {
    result.map_err(|error| match error {
        ConfigError::NoSecret { .. } => anyhow!("{error}: give --secret, or set {variable}"),
        ConfigError::NoPrivateKey { .. } => anyhow!("{error}: give --private-key"),
        error => error.into(),
    })
}
