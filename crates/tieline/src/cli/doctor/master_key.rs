//! The master key: is it there, and does it open what the store holds.

use tieline_domain::clock::Clock;
use tieline_store::{Db, Store};

use super::Finding;
use crate::{
    config::{Config, MasterKey},
    vault::{MasterKeys, Vault, VaultError, load_or_generate_master_key},
};

const ABOUT: &str = "master key";

/// The file that [`load_or_generate_master_key`] would make, which a check must not.
const FILE: &str = "master.key";

/// Checks the master key of the configuration or of the data directory against the store.
pub(super) async fn check(config: &Config, db: Option<&Db>) -> Finding {
    let (keys, origin) = match given(config) {
        Ok(Some(found)) => found,
        Ok(None) => return missing(config, db).await,
        Err(error) => return Finding::fail(ABOUT, error.to_string()),
    };
    let id = keys.current_id().to_owned();
    let Some(db) = db else {
        return Finding::ok(ABOUT, format!("{id}, from {origin}"));
    };
    match Vault::open(Store::new(db.clone()), Clock::system(), keys).await {
        Ok(_) => Finding::ok(ABOUT, format!("{id}, from {origin}; the vault opens")),
        Err(error) => Finding::fail(ABOUT, error.to_string()),
    }
}

/// The keys that there are, with their origin for people.
fn given(config: &Config) -> Result<Option<(MasterKeys, String)>, VaultError> {
    if let Some(keys) = &config.master_key {
        let old = keys.old.iter().map(MasterKey::expose);
        let keys = MasterKeys::new(keys.current.expose(), old);
        return Ok(Some((keys, "the configuration".to_owned())));
    }
    if !config.data.join(FILE).exists() {
        return Ok(None);
    }
    let file = load_or_generate_master_key(&config.data)?;
    let origin = format!(
        "{} (keep a copy elsewhere: without it no secret opens)",
        file.path.display()
    );
    Ok(Some((MasterKeys::of_file(&file), origin)))
}

async fn missing(config: &Config, db: Option<&Db>) -> Finding {
    let path = config.data.join(FILE);
    let sealed_under = match db {
        Some(db) => Store::new(db.clone()).master_key_ids().await,
        None => Ok(Vec::new()),
    };
    match sealed_under.as_deref() {
        Ok([]) => Finding::warn(
            ABOUT,
            format!(
                "none yet; the server makes {}, or set TIELINE_MASTER_KEY",
                path.display()
            ),
        ),
        Ok(ids) => Finding::fail(
            ABOUT,
            format!(
                "the store holds secrets sealed under {}, and there is no key; set TIELINE_MASTER_KEY, or put master.key back into {}",
                ids.join(", "),
                config.data.display()
            ),
        ),
        Err(error) => Finding::fail(ABOUT, error.to_string()),
    }
}
