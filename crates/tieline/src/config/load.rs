//! Where values come from, which one wins, and whether they fit together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use tieline_mapping::nearest;

use super::error::{ConfigError, ConfigErrors};
use super::setting::{Fallback, Setting};
use super::table::SETTINGS;
use super::{Config, Database};

/// The file that is read from the working directory when none is named.
const FILE: &str = "tieline.toml";
/// The variable that names another file.
const CONFIG_ENV: &str = "TIELINE_CONFIG";
const PREFIX: &str = "TIELINE_";
/// What `demo` adds to the destinations that outgoing calls may reach: the simulators listen there.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

/// What was given from outside, still as text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Values of flags by the key of their setting.
    pub flags: BTreeMap<String, String>,
    /// Environment variables by name; those with an empty value count as not set.
    pub env: BTreeMap<String, String>,
    /// The configuration file, which must exist.
    pub file: Option<PathBuf>,
}

/// Where an effective value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, with its name.
    Flag(String),
    /// An environment variable, with its name.
    Env(String),
    /// A configuration file.
    File(PathBuf),
    /// Nowhere.
    Default,
}

/// The value of one setting that holds, as text.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value; `None` if it is not set and has no default.
    pub value: Option<String>,
    /// Where the value was written.
    pub origin: Origin,
}

/// The values that hold, in the order of the table.
pub type Settings = Vec<Effective>;

/// A configuration with the record of where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The typed values.
    pub config: Config,
    /// The same as text, for `doctor`.
    pub settings: Settings,
    /// Variables named `TIELINE_…` that no setting reads: worth a warning, not an error, because
    /// orchestrators set such names too (`TIELINE_SERVICE_HOST`).
    pub unread_env: Vec<String>,
}

/// Relations between settings: the first must stand so to the second.
struct Relation {
    key: &'static str,
    to: &'static str,
    must_be: &'static str,
    holds: fn(&Config) -> bool,
}

const RELATIONS: [Relation; 2] = [
    Relation {
        key: "delivery.lease_seconds",
        to: "delivery.timeout_seconds",
        must_be: "greater than",
        holds: |c| c.delivery.lease > c.delivery.timeout,
    },
    Relation {
        key: "delivery.probe_max_seconds",
        to: "delivery.probe_first_seconds",
        must_be: "at least",
        holds: |c| c.delivery.probe_max >= c.delivery.probe_first,
    },
];

impl Sources {
    /// The sources of this process: the flags given, its environment, and the file named by
    /// `--config` or `TIELINE_CONFIG`, or else `tieline.toml` if the working directory has one.
    pub fn of_process(matches: &clap::ArgMatches) -> Self {
        // `vars_os`, because `vars` panics on a variable that is not UTF-8.
        let env: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let named = super::command_line::config_file(matches).or_else(|| {
            env.get(CONFIG_ENV)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        });
        let file = named.or_else(|| Path::new(FILE).exists().then(|| PathBuf::from(FILE)));
        Self {
            flags: super::flags(matches),
            env,
            file,
        }
    }
}

/// Reads every setting from the sources and checks all of it, or lists every fault.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let mut errors = Vec::new();
    let file = sources
        .file
        .as_deref()
        .map(|path| read_file(path, &mut errors))
        .unwrap_or_default();
    for key in sources.flags.keys() {
        check_known(key, &Origin::Flag(format!("--{key}")), &mut errors);
    }
    let settings: Settings = SETTINGS
        .iter()
        .map(|setting| effective(setting, sources, &file))
        .collect();

    let mut config = Config::unset();
    for Effective {
        setting,
        value,
        origin,
    } in &settings
    {
        let Some(value) = value else { continue };
        if setting.kind.apply(&mut config, value).is_none() {
            errors.push(refused(setting, origin, value, setting.allowed()));
        }
    }
    if errors.is_empty() {
        errors.extend(
            RELATIONS
                .iter()
                .filter(|r| !(r.holds)(&config))
                .map(|r| unrelated(r, &settings)),
        );
    }
    if !errors.is_empty() {
        return Err(ConfigErrors(errors));
    }
    complete(&mut config, &settings);
    Ok(Loaded {
        config,
        settings,
        unread_env: unread(&sources.env),
    })
}

fn unread(env: &BTreeMap<String, String>) -> Vec<String> {
    let is_read =
        |name: &str| name == CONFIG_ENV || SETTINGS.iter().any(|setting| setting.env == name);
    env.keys()
        .filter(|name| name.starts_with(PREFIX) && !is_read(name))
        .cloned()
        .collect()
}

/// Fills in what follows from other settings.
fn complete(config: &mut Config, settings: &Settings) {
    if find(settings, "database").value.is_none() {
        config.database = Database::Sqlite(config.data.join("tieline.db"));
    }
    if config.demo {
        config.outbound_allow.extend(LOOPBACK.map(str::to_owned));
    }
}

fn effective(
    setting: &'static Setting,
    sources: &Sources,
    file: &BTreeMap<String, (String, Origin)>,
) -> Effective {
    let flag = sources
        .flags
        .get(setting.key)
        .map(|v| (v.clone(), Origin::Flag(format!("--{}", setting.flag))));
    let env = || {
        let value = sources
            .env
            .get(&setting.env)
            .filter(|value| !value.is_empty())?;
        Some((value.clone(), Origin::Env(setting.env.clone())))
    };
    let default = match setting.fallback {
        Fallback::Value(value) => Some(value.to_owned()),
        Fallback::Unset { .. } => None,
    };
    match flag.or_else(env).or_else(|| file.get(setting.key).cloned()) {
        Some((value, origin)) => Effective {
            setting,
            value: Some(value),
            origin,
        },
        None => Effective {
            setting,
            value: default,
            origin: Origin::Default,
        },
    }
}

/// The values of a TOML file by dotted key.
fn read_file(path: &Path, errors: &mut Vec<ConfigError>) -> BTreeMap<String, (String, Origin)> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            errors.push(ConfigError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            });
            return BTreeMap::new();
        }
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let error: toml::de::Error = error;
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let reason = error.message().to_owned();
            errors.push(ConfigError::Malformed {
                path: path.to_owned(),
                line,
                reason,
            });
            return BTreeMap::new();
        }
    };
    let origin = Origin::File(path.to_owned());
    let mut values = BTreeMap::new();
    for (name, value) in &table {
        match value {
            toml::Value::Table(section) => {
                values.extend(
                    section
                        .iter()
                        .map(|(inner, value)| (format!("{name}.{inner}"), as_text(value))),
                );
            }
            value => drop(values.insert(name.clone(), as_text(value))),
        }
    }
    for key in values.keys() {
        check_known(key, &origin, errors);
    }
    values
        .into_iter()
        .map(|(key, value)| (key, (value, origin.clone())))
        .collect()
}

/// A value as a flag would spell it: lists with commas, strings without quotes.
fn as_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(as_text).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

fn check_known(key: &str, origin: &Origin, errors: &mut Vec<ConfigError>) {
    if SETTINGS.iter().any(|setting| setting.key == key) {
        return;
    }
    let known = SETTINGS.iter().map(|setting| setting.key);
    errors.push(ConfigError::UnknownKey {
        key: key.to_owned(),
        origin: origin.clone(),
        nearest: nearest(key, known),
    });
}

fn refused(setting: &Setting, origin: &Origin, value: &str, allowed: String) -> ConfigError {
    ConfigError::Refused {
        key: setting.key,
        origin: origin.clone(),
        value: setting.shown(value),
        allowed,
    }
}

fn unrelated(relation: &Relation, settings: &Settings) -> ConfigError {
    let (first, second) = (find(settings, relation.key), find(settings, relation.to));
    let value = first.value.as_deref().unwrap_or_default();
    let other = second.value.as_deref().unwrap_or_default();
    let allowed = format!(
        "{} {} = {other:?} from {}",
        relation.must_be, relation.to, second.origin
    );
    refused(first.setting, &first.origin, value, allowed)
}

fn find<'a>(settings: &'a Settings, key: &str) -> &'a Effective {
    let found = settings
        .iter()
        .find(|effective| effective.setting.key == key);
    found.expect("relations and defaults name keys of the table")
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
