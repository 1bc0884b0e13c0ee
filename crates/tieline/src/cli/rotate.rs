//! `tieline rotate-master-key`: another master key, while servers run.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tieline_store::Store;
use zeroize::Zeroizing;

use super::{Outcome, settings::SettingFlags, storage, terminal::say};
use crate::{
    config::{Config, MasterKey, MasterKeys as Given},
    vault::{
        KeyFile, MasterKeys, Rotation, load_or_generate_master_key, new_master_key,
        read_master_key, replace_master_keys,
    },
};

/// How the progress is shown, on a terminal.
const BAR: &str = "{bar:40} {pos}/{len} data keys, {eta} to go";

#[derive(Args)]
pub(super) struct Arguments {
    /// File with the new key: 32 bytes, base64; only its owner may read it
    #[arg(long, value_name = "FILE", conflicts_with = "new_key")]
    new_key_file: Option<PathBuf>,
    /// The new key itself, 32 bytes in base64; other users of the machine can see flags: prefer the
    /// environment
    #[arg(
        long,
        value_name = "KEY",
        env = "TIELINE_NEW_MASTER_KEY",
        hide_env_values = true
    )]
    new_key: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

type Key = Zeroizing<[u8; 32]>;

/// What is to be done: the new key, those before it, and the directory of the key file if that is where
/// they are kept.
struct Plan {
    new: Key,
    old: Vec<Key>,
    directory: Option<PathBuf>,
}

/// Seals every data key under the new master key. Broken off, it goes on when it is run again.
pub(super) async fn run(arguments: Arguments) -> Outcome {
    let config = arguments.settings.load()?.config;
    let plan = plan(&config, arguments.given()?)?;
    let store = Store::new(storage::open_migrated(&config).await?);
    if let Some(directory) = &plan.directory {
        // Whoever needs the new key can read it from here before anything is sealed under it.
        let keys: Vec<&[u8; 32]> = [&*plan.new]
            .into_iter()
            .chain(plan.old.iter().map(|key| &**key))
            .collect();
        replace_master_keys(directory, &keys).context("nothing was changed")?;
    }
    let keys = MasterKeys::new(&plan.new, plan.old.iter().map(|key| &**key));
    let id = keys.current_id().to_owned();
    let rotation = Rotation::begin(store.clone(), keys).await;
    let rotation = rotation.context("nothing was changed")?;
    let done = seal_anew(&rotation).await?;
    if let Some(directory) = &plan.directory {
        replace_master_keys(directory, &[&plan.new]).context(
            "all is sealed anew, but the key file still has the old key too; run it again",
        )?;
    }
    store.db().close().await;
    say(format_args!(
        "{done} data key(s) sealed anew; all secrets open with the master key {id} alone"
    ))?;
    say(match &plan.directory {
        Some(_) => {
            "master.key holds the new key only; keep a copy of it elsewhere, and the old one as long as backups from before are kept"
        }
        None => {
            "give the servers the new key alone (TIELINE_MASTER_KEY) at their next start; keep the old one as long as backups from before are kept"
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// The new key, if one was given.
    fn given(&self) -> anyhow::Result<Option<Key>> {
        if let Some(file) = &self.new_key_file {
            return Ok(Some(read_master_key(file)?));
        }
        let Some(text) = &self.new_key else {
            return Ok(None);
        };
        let key = MasterKey::parse(text.trim());
        let key = key.context("the new key is not 32 bytes in base64: openssl rand -base64 32")?;
        Ok(Some(Zeroizing::new(*key.expose())))
    }
}

fn plan(config: &Config, given: Option<Key>) -> anyhow::Result<Plan> {
    match &config.master_key {
        Some(keys) => of_configuration(keys, given),
        None => of_file(&load_or_generate_master_key(&config.data)?, given),
    }
}

/// The keys are configured: the servers must be given the new one before it seals.
fn of_configuration(keys: &Given, given: Option<Key>) -> anyhow::Result<Plan> {
    let Some(new) = given else {
        bail!(
            "give the new key in TIELINE_NEW_MASTER_KEY or --new-key-file; the servers must have it beside the old one already: TIELINE_MASTER_KEY=<old>,<new>"
        );
    };
    let all = [&keys.current].into_iter().chain(&keys.old);
    let old = all.map(|key| Zeroizing::new(*key.expose()));
    Ok(Plan {
        old: old.filter(|key| *key != new).collect(),
        new,
        directory: None,
    })
}

/// The key is in the data directory. If there are several, an earlier run was broken off: it goes on.
fn of_file(file: &KeyFile, given: Option<Key>) -> anyhow::Result<Plan> {
    let directory = file.path.parent().map(PathBuf::from);
    let broken_off = !file.others.is_empty();
    if broken_off {
        if given.is_some_and(|given| given != file.key) {
            bail!(
                "an earlier rotation was broken off and goes on with the first key in {}; run it once without a new key",
                file.path.display()
            );
        }
        return Ok(Plan {
            new: file.key.clone(),
            old: file.others.clone(),
            directory,
        });
    }
    let new = given.unwrap_or_else(new_master_key);
    Ok(Plan {
        old: Some(file.key.clone())
            .filter(|old| *old != new)
            .into_iter()
            .collect(),
        new,
        directory,
    })
}

/// Seals all data keys anew, with a progress bar where someone watches; says how many.
async fn seal_anew(rotation: &Rotation) -> anyhow::Result<u64> {
    let bar = ProgressBar::new(rotation.total());
    bar.set_style(ProgressStyle::with_template(BAR)?);
    let mut done = 0;
    loop {
        let sealed = rotation.step().await.context(
            "some data keys are sealed under the old master key still; run it again to go on",
        )?;
        if sealed == 0 {
            break;
        }
        done += sealed;
        bar.set_position(done);
    }
    bar.finish_and_clear();
    Ok(done)
}
