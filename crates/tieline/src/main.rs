//! Tieline: the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tieline::cli::run(|_| Box::pin(async { anyhow::bail!("this build has no server") }))
}
