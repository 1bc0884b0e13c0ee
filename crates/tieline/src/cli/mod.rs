//! The command line: what each command takes, and how it ends.
//!
//! | exit status | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | it failed; the reason stands in one line on standard error, or in what was printed |
//! | 2 | the command line or the configuration is wrong: one line for each fault |

use std::{future::Future, io, process::ExitCode};

use clap::{Parser, Subcommand};
use futures::future::BoxFuture;

use crate::{
    api, config,
    config::{ConfigErrors, Loaded},
};

mod amount;
mod doctor;
mod keys;
mod listen;
mod migrate;
mod presets;
mod rotate;
mod scheme;
mod send;
mod settings;
mod storage;
mod terminal;
mod way_out;

use settings::SettingFlags;
use terminal::{Terminal, say, say_error};

/// Runs the server until it is told to stop.
pub type Serve = fn(Loaded) -> BoxFuture<'static, anyhow::Result<()>>;

/// Exit status where the command line or the configuration is wrong, as clap has it.
const MISUSED: u8 = 2;

/// One server between AI agents and everything else.
#[derive(Parser)]
#[command(name = "tieline", version, about, arg_required_else_help = true)]
struct CommandLine {
    /// Print without colour, as a non-empty NO_COLOR in the environment does.
    #[arg(
        long,
        global = true,
        env = "NO_COLOR",
        hide_env = true,
        value_name = "ANY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1"
    )]
    no_color: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(SettingFlags),
    /// Apply schema migrations and exit
    Migrate(SettingFlags),
    /// Check configuration, storage, keys, clock, network and port; one line each
    Doctor(doctor::Arguments),
    /// Make, list and revoke API keys; no server needed
    Keys(keys::Arguments),
    /// Replace the master key and seal every data key anew; servers may run meanwhile
    RotateMasterKey(rotate::Arguments),
    /// Receive webhooks, verify them and print them
    Listen(Box<listen::Arguments>),
    /// Sign a webhook as its sender would, and send it
    Send(Box<send::Arguments>),
    /// Print every sender that webhooks are verified and signed for, as a table in Markdown
    Presets,
    /// Print the functions and validations of mappings, as a page in Markdown
    Functions,
    /// Print the OpenAPI 3.1 document
    Openapi,
    /// Print every setting with its meaning and default, as tieline.toml
    DefaultConfig,
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Something else, said in one line.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}

/// What a command comes to: its exit status, or why it failed.
type Outcome = Result<ExitCode, Failure>;

/// Does what the arguments of this process ask for. `serve` is the server, which stands above the
/// command line.
pub fn run(serve: Serve) -> ExitCode {
    let CommandLine { no_color, command } = CommandLine::parse();
    let terminal = Terminal::of_process(no_color.is_some_and(|value| !value.is_empty()));
    match dispatch(command, serve, terminal) {
        Ok(code) => code,
        Err(failure) => end(&failure),
    }
}

fn dispatch(command: Command, serve: Serve, terminal: Terminal) -> Outcome {
    match command {
        Command::Serve(flags) => {
            let loaded = flags.load()?;
            block_on(async move {
                serve(loaded).await?;
                Ok(ExitCode::SUCCESS)
            })
        }
        Command::Migrate(flags) => block_on(migrate::run(flags)),
        Command::Doctor(arguments) => block_on(doctor::run(arguments, terminal)),
        Command::Keys(arguments) => block_on(keys::run(arguments, terminal)),
        Command::RotateMasterKey(arguments) => block_on(rotate::run(arguments)),
        Command::Listen(arguments) => block_on(listen::run(*arguments, terminal)),
        Command::Send(arguments) => block_on(send::run(*arguments, terminal)),
        Command::Presets => print(&presets::table()),
        Command::Functions => print(&tieline_mapping::functions::manual()),
        Command::Openapi => print(&api::openapi::text()),
        Command::DefaultConfig => print(&config::default_toml()),
    }
}

fn print(text: &str) -> Outcome {
    say(text.strip_suffix('\n').unwrap_or(text))?;
    Ok(ExitCode::SUCCESS)
}

fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Says why a command failed, and how the process ends.
fn end(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Config(errors) => {
            errors.0.iter().for_each(say_error);
            ExitCode::from(MISUSED)
        }
        Failure::Other(error) if is_broken_pipe(error) => ExitCode::SUCCESS,
        Failure::Other(error) => {
            say_error(format_args!("tieline: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of our output has seen enough, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
