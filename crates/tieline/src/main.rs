//! Tieline: the program.

use std::{io::Write as _, process::ExitCode};

use clap::Command;
use tieline::{config, server, telemetry};
use tieline_domain::clock::Clock;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Command::new("tieline")
        .subcommand_required(true)
        .subcommand(Command::new("serve").args(config::args()));
    let matches = command.get_matches();
    let Some(("serve", matches)) = matches.subcommand() else {
        return ExitCode::FAILURE;
    };
    let loaded = match config::load(&config::Sources::of_process(matches)) {
        Ok(loaded) => loaded,
        Err(errors) => {
            say(&errors.to_string());
            return ExitCode::from(2);
        }
    };
    telemetry::init(&loaded.config.log).ok();
    telemetry::label_tenants(loaded.config.metrics.tenant_labels);
    telemetry::metrics();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let stop = async {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .expect("signal")
            .recv()
            .await;
    };
    let run = async move { server::run(loaded.config, Clock::system(), stop, say).await };
    match runtime.block_on(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&e.to_string());
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
