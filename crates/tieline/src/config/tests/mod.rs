use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kind::Kind;
use super::*;

mod documents;
mod process;
mod sources;
mod values;

const KEY_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const KEY_B: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";

/// A value that the setting takes and that is not its default, with `variant` telling three apart.
fn other_value(setting: &Setting, variant: u64) -> String {
    match setting.kind {
        Kind::Address(_) => format!("127.0.0.{}:9000", variant + 2),
        Kind::PublicUrl(_) => format!("https://host{variant}.example/"),
        Kind::Directory(_) => format!("/var/lib/tieline{variant}"),
        Kind::Database(_) => format!("/var/lib/tieline{variant}.db"),
        Kind::Roles(_) => ["api", "worker", "worker,api"][variant as usize].into(),
        Kind::Switch(_) => "true".into(),
        Kind::OwnerKey(_) => format!("an-owner-key-of-{variant}-its-own"),
        Kind::MasterKeys(_) => {
            [KEY_A.into(), KEY_B.into(), format!("{KEY_A},{KEY_B}")][variant as usize].clone()
        }
        Kind::SecretHeaders(_) => format!("x-key{variant}=value"),
        Kind::Destinations(_) => format!("10.{variant}.0.0/16,crm.internal"),
        Kind::Proxy(_) => format!("http://10.0.0.{variant}:3128"),
        Kind::File(_) => format!("/etc/tieline/{variant}.pem"),
        Kind::LogLevel(_) => ["debug", "warn", "info,tieline=trace"][variant as usize].into(),
        Kind::LogFormat(_) => ["json", "text", "json"][variant as usize].into(),
        Kind::Delays(_) => format!("0,{}", variant + 1),
        // Near the maximum, where every relation between settings that is tested alone may fail.
        // One below it, because a default may be the maximum.
        Kind::Amount { max, .. } => max.saturating_sub(variant + 1).to_string(),
    }
}

/// Settings that must move with others to stay in relation to them.
fn companions(key: &str) -> &'static [(&'static str, &'static str)] {
    match key {
        "delivery.timeout_seconds" => &[("delivery.lease_seconds", "3600")],
        "delivery.probe_first_seconds" => &[("delivery.probe_max_seconds", "86400")],
        _ => &[],
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

struct File(tempfile::TempDir);

impl File {
    fn with(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("tieline.toml"), text).expect("writable");
        Self(directory)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tieline.toml")
    }
}

fn from_file(file: &File) -> Sources {
    Sources {
        file: Some(file.path()),
        ..Sources::default()
    }
}

fn serve() -> clap::Command {
    clap::Command::new("serve").args(args())
}

fn find<'a>(loaded: &'a Loaded, key: &str) -> &'a Effective {
    loaded
        .settings
        .iter()
        .find(|effective| effective.setting.key == key)
        .expect(key)
}
