//! What can be wrong with a configuration: one line each, all at once.

use std::fmt;
use std::path::PathBuf;

use super::load::Origin;

/// One fault: what is wrong, where it was written, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that its setting does not take.
    #[error("{key} = {value} from {origin}: must be {allowed}")]
    Refused {
        /// The setting.
        key: &'static str,
        /// Where the value was written.
        origin: Origin,
        /// The value, quoted; hidden if it is a secret.
        value: String,
        /// What the setting takes.
        allowed: String,
    },
    /// A key that names no setting.
    #[error("{key} from {origin}: no such setting{}", meant(*nearest))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// Where it was written.
        origin: Origin,
        /// The setting that may be meant.
        nearest: Option<&'static str>,
    },
    /// A configuration file that cannot be read.
    #[error("{}: cannot be read ({reason}); give another file with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
    /// A configuration file that is no TOML.
    #[error("{} line {line}: not TOML ({reason})", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The parser's reason.
        reason: String,
    },
}

/// Every fault of a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// What a key may have meant.
fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!("; the nearest is {key}"))
}
