//! What a setting is: its names, what it takes, and what holds without it.

use super::kind::Kind;

/// One setting: its names, what it takes and what it is for.
#[derive(Debug)]
pub struct Setting {
    /// Key in `tieline.toml`, dotted.
    pub key: &'static str,
    /// Name in the environment, made from the key: `TIELINE_LIMITS_BODY_MAX_BYTES`.
    pub env: String,
    /// Long flag without its dashes, made from the key: `limits-body-max-bytes`.
    pub flag: String,
    /// The default, or what holds without a value.
    pub fallback: Fallback,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    pub(super) kind: Kind,
}

/// What holds when nobody sets a setting.
#[derive(Debug, Clone, Copy)]
pub enum Fallback {
    /// This value.
    Value(&'static str),
    /// No value.
    Unset {
        /// What happens then.
        meaning: &'static str,
        /// A value that one might set; for a secret, one that is refused so that nobody keeps it.
        example: &'static str,
    },
}

impl Fallback {
    /// The default in words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Value("") => "none",
            Self::Value(value) => value,
            Self::Unset { meaning, .. } => meaning,
        }
    }
}

impl Setting {
    pub(super) fn new(
        key: &'static str,
        kind: Kind,
        fallback: Fallback,
        doc: &'static str,
    ) -> Self {
        let env = format!("TIELINE_{}", key.replace('.', "_").to_ascii_uppercase());
        let flag = key.replace(['.', '_'], "-");
        Self {
            key,
            env,
            flag,
            fallback,
            doc,
            kind,
        }
    }

    /// What the setting takes, to stand after "must be".
    pub fn allowed(&self) -> String {
        self.kind.allowed()
    }

    /// The value as it may be shown to a person: quoted, secrets hidden.
    pub fn shown(&self, value: &str) -> String {
        self.kind.shown(value)
    }

    /// The section of `tieline.toml` the setting stands in (empty for the top) and its name there.
    pub fn section_and_name(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or(("", self.key))
    }
}
