//! Tieline: the program.

use std::process::ExitCode;

use tieline::{cli, process};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(|loaded| Box::pin(process::serve(loaded)))
}
