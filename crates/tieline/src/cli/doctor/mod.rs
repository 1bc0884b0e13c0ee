//! `tieline doctor`: whether a server with this configuration would run, and what to do if not.
//!
//! Nothing is made and nothing is changed: a probe file and a probe row are gone afterwards.

use std::process::ExitCode;

use clap::Args;

use super::{
    Outcome,
    settings::SettingFlags,
    terminal::{Ink, Terminal, say},
};
use crate::config::{Effective, Loaded, Origin, describe};

mod clock;
mod data;
mod database;
mod master_key;
mod network;

#[derive(Args)]
pub(super) struct Arguments {
    /// List every setting, not only those that differ from their default
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// What a check came to.
#[derive(Debug)]
struct Finding {
    about: &'static str,
    state: State,
    /// What was seen, and what to do about it.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Warn,
    Fail,
}

impl Finding {
    fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, State::Ok, text)
    }

    fn warn(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, State::Warn, text)
    }

    fn fail(about: &'static str, text: impl Into<String>) -> Self {
        Self::new(about, State::Fail, text)
    }

    fn new(about: &'static str, state: State, text: impl Into<String>) -> Self {
        Self {
            about,
            state,
            text: text.into(),
        }
    }
}

/// Makes every check, prints each as it is made, and fails if one failed.
pub(super) async fn run(arguments: Arguments, terminal: Terminal) -> Outcome {
    let loaded = arguments.settings.load()?;
    let config = &loaded.config;
    let mut report = Report {
        terminal,
        failures: 0,
    };

    report.all(configuration(&loaded))?;
    for line in settings(&loaded, arguments.verbose) {
        say(terminal.paint(Ink::Dim, &format!("      {line}")))?;
    }
    report.all(data::check(config).await)?;
    let (db, findings) = database::check(config).await;
    report.all(findings)?;
    report.one(&master_key::check(config, db.as_ref()).await)?;
    report.one(&clock::check(config, db.as_ref()).await)?;
    report.one(&network::check_public_url(config).await)?;
    report.one(&network::check_port(config).await)?;
    Ok(report.exit_code())
}

/// Prints findings and remembers whether one was a failure.
struct Report {
    terminal: Terminal,
    failures: usize,
}

impl Report {
    fn one(&mut self, finding: &Finding) -> std::io::Result<()> {
        let (ink, word) = match finding.state {
            State::Ok => (Ink::Good, "ok  "),
            State::Warn => (Ink::Warning, "warn"),
            State::Fail => (Ink::Bad, "FAIL"),
        };
        self.failures += usize::from(finding.state == State::Fail);
        let word = self.terminal.paint(ink, word);
        let Finding { about, text, .. } = finding;
        say(format_args!("{word}  {about:<14}  {text}"))
    }

    fn all(&mut self, findings: Vec<Finding>) -> std::io::Result<()> {
        findings.iter().try_for_each(|finding| self.one(finding))
    }

    fn exit_code(&self) -> ExitCode {
        if self.failures == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn configuration(loaded: &Loaded) -> Vec<Finding> {
    const ABOUT: &str = "configuration";
    let given = loaded
        .settings
        .iter()
        .filter(|s| s.origin != Origin::Default);
    let text = format!(
        "{} settings, {} not at their default",
        loaded.settings.len(),
        given.count()
    );
    let unread = loaded.unread_env.iter().map(|name| {
        let text = format!("no setting reads the variable {name}: correct its name or remove it");
        Finding::warn(ABOUT, text)
    });
    std::iter::once(Finding::ok(ABOUT, text))
        .chain(unread)
        .collect()
}

/// The settings that hold, each with its origin; secrets are hidden.
fn settings(loaded: &Loaded, every: bool) -> Vec<String> {
    let wanted = |setting: &&Effective| every || setting.origin != Origin::Default;
    let wanted: Vec<Effective> = loaded.settings.iter().filter(wanted).cloned().collect();
    describe(&wanted)
}
