//! Logs, metrics and traces: how they leave the process.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, filter::Directive};

use crate::config::{LogConfig, LogFormat};

mod counts;
mod measures;
pub mod spans;
pub mod traces;

pub use counts::*;
pub use measures::*;

/// The MCP library tells each request in three lines, and at a finer level what tools are called with: whatever the
/// operator wants to see, that is not for logs.
fn quiet_protocol() -> Directive {
    "rmcp=error"
        .parse()
        .expect("a target and a level are a directive")
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The level is no filter.
    #[error("log.level is no log filter: {0}; write a level or a list such as info,tieline=debug")]
    Filter(#[from] ParseError),
    /// Something else in the process logs already.
    #[error("logging was started twice: {0}")]
    Twice(#[from] TryInitError),
}

/// Sends logs to standard error: text on a terminal, JSON lines otherwise, unless the format is set.
///
/// Once per process; tests need not call it.
pub fn init(log: &LogConfig) -> Result<(), InitError> {
    subscriber(log, io::stderr, io::stderr().is_terminal())?.try_init()?;
    Ok(())
}

/// Writes events as text (with the time, coloured on a terminal) or as one flat JSON object a line
/// with the fields of the innermost span under `span`.
fn subscriber<W>(
    log: &LogConfig,
    writer: W,
    terminal: bool,
) -> Result<impl Subscriber + Send + Sync, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.level)?.add_directive(quiet_protocol());
    let text = match log.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(writer);
    let lines = if text {
        lines.compact().with_ansi(terminal).boxed()
    } else {
        let json = lines.json().flatten_event(true);
        json.with_current_span(true).with_span_list(false).boxed()
    };
    Ok(tracing_subscriber::registry().with(filter).with(lines))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written of one event at each of two levels, inside a span.
    fn logged(level: &str, format: LogFormat, terminal: bool) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = LogConfig {
            level: level.into(),
            format,
        };
        let subscriber = subscriber(&log, move || writer.clone(), terminal).expect("a filter");
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", id = "r1").entered();
            tracing::info!(route = "/in/{id}", "accepted");
            tracing::debug!("looked up");
        });
        let bytes = lines.0.lock().clone();
        String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn writes_the_form_and_the_levels_asked_for() {
        let rows: &[(&str, LogFormat, bool, usize, bool)] = &[
            ("info", LogFormat::Auto, false, 1, true),
            ("info", LogFormat::Auto, true, 1, false),
            ("info", LogFormat::Text, false, 1, false),
            ("debug", LogFormat::Json, true, 2, true),
            ("warn,tieline=debug", LogFormat::Json, false, 2, true),
            ("off", LogFormat::Json, false, 0, true),
        ];
        for (level, format, terminal, count, json) in rows {
            let lines = logged(level, *format, *terminal);
            assert_eq!(lines.len(), *count, "{level}: {lines:?}");
            for line in &lines {
                assert_eq!(serde_json::from_str::<Value>(line).is_ok(), *json, "{line}");
            }
        }
    }

    #[test]
    fn json_lines_carry_fields_and_span() {
        let lines = logged("info", LogFormat::Json, false);
        let line: Value = serde_json::from_str(&lines[0]).expect("JSON");
        assert_eq!(line["message"], "accepted");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["route"], "/in/{id}");
        assert_eq!(line["span"]["id"], "r1");
        assert!(line["timestamp"].is_string());
    }

    #[test]
    fn text_lines_have_colours_on_a_terminal_only() {
        let colour = '\u{1b}';
        assert!(!logged("info", LogFormat::Text, false)[0].contains(colour));
        assert!(logged("info", LogFormat::Text, true)[0].contains(colour));
    }

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
