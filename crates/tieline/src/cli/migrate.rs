//! `tieline migrate`: the schema as this program needs it.

use std::process::ExitCode;

use anyhow::Context as _;

use super::{Outcome, settings::SettingFlags, storage, terminal::say};

/// Applies the migrations that are missing and says which those were.
pub(super) async fn run(flags: SettingFlags) -> Outcome {
    let config = flags.load()?.config;
    let db = storage::open(&config).await?;
    let before = db
        .applied_migrations()
        .await
        .context("cannot read the schema")?;
    db.migrate().await.context("cannot migrate")?;
    let after = db
        .applied_migrations()
        .await
        .context("cannot read the schema")?;
    db.close().await;

    let place = storage::place(&config);
    let applied = after.iter().skip(before.len());
    for migration in applied.clone() {
        say(format_args!(
            "applied {} ({})",
            migration.version, migration.description
        ))?;
    }
    let version = after.last().map_or(0, |migration| migration.version);
    let done = match applied.count() {
        0 => "nothing to do".to_owned(),
        count => format!("{count} applied"),
    };
    say(format_args!(
        "{place} is at schema version {version}: {done}"
    ))?;
    Ok(ExitCode::SUCCESS)
}
