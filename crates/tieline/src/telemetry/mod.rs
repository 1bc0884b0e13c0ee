//! Logs and metrics: how they leave the process.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

mod measures;

pub use measures::*;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The level is no filter.
    #[error("log.level is no log filter: {0}; write a level or a list such as info,tieline=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something else in the process logs already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] TryInitError),
}

/// Sends logs to standard error: text on a terminal, JSON lines otherwise, unless the format is set.
pub fn init(log: &LogConfig) -> Result<(), InitError> {
    let filter = EnvFilter::try_new(&log.level)?;
    let text = match log.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if text {
        lines
            .compact()
            .with_ansi(std::io::stderr().is_terminal())
            .boxed()
    } else {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed()
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_level_that_is_no_filter() {
        let log = LogConfig {
            level: "tieline=loud".into(),
            format: LogFormat::Json,
        };
        let error = init(&log).expect_err("`loud` is no level");
        assert!(
            error.to_string().starts_with("log.level is no log filter"),
            "{error}"
        );
    }
}
