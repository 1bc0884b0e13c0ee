//! The kinds of settings: how each reads its text, what it allows, and where the value goes.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::secret::{HIDDEN, MasterKeys, Secret, SecretHeaders};
use super::{Config, Database, LogFormat, Roles};
use crate::outbound::Proxy;

/// Attempts that a retry list may have.
const MAX_ATTEMPTS: usize = 50;
/// Longest delay between two attempts, in seconds: a week.
const MAX_DELAY_SECONDS: u64 = 604_800;
/// Shortest owner key, in characters.
const MIN_OWNER_KEY: usize = 16;
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const FORMATS: [(&str, LogFormat); 3] = [
    ("auto", LogFormat::Auto),
    ("text", LogFormat::Text),
    ("json", LogFormat::Json),
];

/// What a setting is, with the field that its value goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Address(fn(&mut Config, SocketAddr)),
    PublicUrl(fn(&mut Config, Url)),
    Directory(fn(&mut Config, PathBuf)),
    Database(fn(&mut Config, Database)),
    Roles(fn(&mut Config, Roles)),
    Switch(fn(&mut Config, bool)),
    OwnerKey(fn(&mut Config, Secret)),
    MasterKeys(fn(&mut Config, MasterKeys)),
    SecretHeaders(fn(&mut Config, SecretHeaders)),
    Destinations(fn(&mut Config, Vec<String>)),
    Proxy(fn(&mut Config, Proxy)),
    File(fn(&mut Config, PathBuf)),
    LogLevel(fn(&mut Config, String)),
    LogFormat(fn(&mut Config, LogFormat)),
    Delays(fn(&mut Config, Vec<Duration>)),
    Amount {
        unit: &'static str,
        min: u64,
        max: u64,
        set: fn(&mut Config, u64),
    },
}

impl Kind {
    /// Reads `text` into the configuration; `None` if it is not allowed.
    pub(super) fn apply(&self, config: &mut Config, text: &str) -> Option<()> {
        match self {
            Self::Address(set) => set(config, text.parse().ok()?),
            Self::PublicUrl(set) => set(config, public_url(text)?),
            Self::Directory(set) => set(config, directory(text)?),
            Self::Database(set) => set(config, database(text)?),
            Self::Roles(set) => set(config, roles(text)?),
            Self::Switch(set) => set(config, text.parse().ok()?),
            Self::OwnerKey(set) => set(config, owner_key(text)?),
            Self::MasterKeys(set) => set(config, MasterKeys::parse(text)?),
            Self::SecretHeaders(set) => set(config, SecretHeaders::parse(text)?),
            Self::Destinations(set) => set(config, destinations(text)?),
            Self::Proxy(set) => set(config, text.parse().ok()?),
            Self::File(set) => set(config, directory(text)?),
            Self::LogLevel(set) => set(config, log_level(text)?),
            Self::LogFormat(set) => {
                set(config, FORMATS.iter().find(|(name, _)| *name == text)?.1);
            }
            Self::Delays(set) => set(config, delays(text)?),
            Self::Amount { min, max, set, .. } => {
                let amount = whole_number(text)?;
                set(config, (*min..=*max).contains(&amount).then_some(amount)?);
            }
        }
        Some(())
    }

    /// What the setting takes, to stand after "must be".
    pub(super) fn allowed(&self) -> String {
        match self {
            Self::Address(_) => "an IP address with a port, such as 127.0.0.1:8080".into(),
            Self::PublicUrl(_) => {
                "an http or https URL without query, such as https://tieline.example.com".into()
            }
            Self::Directory(_) => "the path of a directory".into(),
            Self::Database(_) => "a postgres:// URL or the path of an SQLite file".into(),
            Self::Roles(_) => "api, worker, or both as api,worker".into(),
            Self::Switch(_) => "true or false".into(),
            Self::OwnerKey(_) => format!("at least {MIN_OWNER_KEY} visible ASCII characters"),
            Self::MasterKeys(_) => {
                "32 bytes in base64, or several separated by commas, the current one first".into()
            }
            Self::SecretHeaders(_) => "headers as name=value, several separated by commas".into(),
            Self::Destinations(_) => {
                "a list of CIDR ranges, IP addresses and host names, separated by commas".into()
            }
            Self::Proxy(_) => {
                "an http://, socks5:// or socks5h:// URL, such as http://user:password@proxy.example.com:3128".into()
            }
            Self::File(_) => "the path of a file".into(),
            Self::LogLevel(_) => {
                format!(
                    "{}, or a list by target such as info,tieline=debug",
                    LEVELS.join(", ")
                )
            }
            Self::LogFormat(_) => "auto, text or json".into(),
            Self::Delays(_) => {
                format!(
                    "1 to {MAX_ATTEMPTS} delays of 0 to {MAX_DELAY_SECONDS} seconds, separated by commas"
                )
            }
            Self::Amount { unit, min, max, .. } => {
                format!("a whole number of {unit} from {min} to {max}")
            }
        }
    }

    /// The value as it may be shown: secrets hidden, a password in a URL masked.
    pub(super) fn shown(&self, text: &str) -> String {
        match self {
            Self::OwnerKey(_) | Self::MasterKeys(_) | Self::SecretHeaders(_) => HIDDEN.to_owned(),
            Self::Database(_) | Self::PublicUrl(_) | Self::Proxy(_) => without_password(text),
            _ => format!("{text:?}"),
        }
    }

    /// Whether the value is written without quotes in TOML.
    pub(super) fn is_bare_in_toml(&self) -> bool {
        matches!(self, Self::Switch(_) | Self::Amount { .. })
    }

    /// Whether a flag without a value means something.
    pub(super) fn is_switch(&self) -> bool {
        matches!(self, Self::Switch(_))
    }
}

/// A URL without its password and its query, either of which may be secret; hidden wholly if it
/// holds an `@` and cannot be read.
fn without_password(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) => {
            let has_password = url.password().is_some();
            if has_password && url.set_password(Some("***")).is_err() {
                return HIDDEN.to_owned();
            }
            let has_query = url.query().is_some();
            if has_query {
                url.set_query(Some("***"));
            }
            let shown = if has_password || has_query {
                url.as_str()
            } else {
                text
            };
            format!("{shown:?}")
        }
        Err(_) if text.contains('@') => HIDDEN.to_owned(),
        Err(_) => format!("{text:?}"),
    }
}

fn public_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && plain).then_some(url)
}

fn directory(text: &str) -> Option<PathBuf> {
    (!text.is_empty() && !text.contains('\0')).then(|| PathBuf::from(text))
}

fn database(text: &str) -> Option<Database> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Url::parse(text).ok().filter(Url::has_host)?;
        return Some(Database::Postgres(Secret::new(text)));
    }
    let path = text
        .strip_prefix("sqlite://")
        .or_else(|| text.strip_prefix("sqlite:"))
        .unwrap_or(text);
    let is_path = !path.contains("://") && !path.contains('?');
    directory(path).filter(|_| is_path).map(Database::Sqlite)
}

fn roles(text: &str) -> Option<Roles> {
    let mut roles = Roles::default();
    for name in text.split(',') {
        match name.trim() {
            "api" => roles.api = true,
            "worker" => roles.worker = true,
            _ => return None,
        }
    }
    Some(roles)
}

fn owner_key(text: &str) -> Option<Secret> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && text.len() >= MIN_OWNER_KEY).then(|| Secret::new(text))
}

fn destinations(text: &str) -> Option<Vec<String>> {
    let entries = text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    entries
        .map(|entry| is_destination(entry).then(|| entry.to_owned()))
        .collect()
}

/// A CIDR range, an address, or a host name that is no address in disguise (`127.1`, `0x7f.1`).
fn is_destination(entry: &str) -> bool {
    let is_host = || {
        let labels = entry.trim_end_matches('.').split('.');
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let last = labels.clone().next_back().unwrap_or_default();
        labels.clone().all(is_label)
            && last.starts_with(|c: char| c.is_ascii_alphabetic())
            && entry.len() <= 253
    };
    entry.parse::<IpNet>().is_ok() || entry.parse::<IpAddr>().is_ok() || is_host()
}

/// Checked here because the log filter takes a mistyped level for the name of a target.
fn log_level(text: &str) -> Option<String> {
    let is_target = |target: &str| {
        !target.is_empty()
            && target
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
    };
    let is_directive = |directive: &str| match directive.trim().split_once('=') {
        Some((target, level)) => is_target(target) && LEVELS.contains(&level),
        None => LEVELS.contains(&directive.trim()),
    };
    text.split(',').all(is_directive).then(|| text.to_owned())
}

fn delays(text: &str) -> Option<Vec<Duration>> {
    let seconds = |part: &str| {
        let seconds = whole_number(part.trim())?;
        (seconds <= MAX_DELAY_SECONDS).then(|| Duration::from_secs(seconds))
    };
    let delays: Vec<Duration> = text.split(',').map(seconds).collect::<Option<_>>()?;
    (delays.len() <= MAX_ATTEMPTS).then_some(delays)
}

/// Digits, which `_` may group as in TOML.
fn whole_number(text: &str) -> Option<u64> {
    let digits = text.replace('_', "");
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
