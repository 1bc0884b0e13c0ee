//! The flags of `serve`, made from the table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::setting::Setting;
use super::table::SETTINGS;

const CONFIG: &str = "config";

/// One flag per setting, and `--config FILE`.
///
/// The flags take any text: values are checked in one place, whatever their origin. Settings inside
/// a section show in `--help`, not in `-h`.
pub fn args() -> Vec<Arg> {
    let file = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Configuration file [env: TIELINE_CONFIG] [default: tieline.toml, if there is one]");
    std::iter::once(file)
        .chain(SETTINGS.iter().map(arg))
        .collect()
}

fn arg(setting: &'static Setting) -> Arg {
    let (section, _) = setting.section_and_name();
    let default = setting.fallback.words();
    let arg = Arg::new(setting.key)
        .long(setting.flag.as_str())
        .value_name("VALUE")
        .value_parser(ValueParser::string())
        .action(ArgAction::Set)
        .allow_negative_numbers(true)
        .hide_short_help(!section.is_empty())
        .help(format!(
            "{} [env: {}] [default: {default}]",
            setting.doc, setting.env
        ));
    if setting.kind.is_switch() {
        arg.num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    } else {
        arg
    }
}

/// The flags that were given, by the key of their setting.
pub fn flags(matches: &ArgMatches) -> BTreeMap<String, String> {
    let given = |setting: &Setting| {
        let value = matches.try_get_one::<String>(setting.key).ok().flatten()?;
        Some((setting.key.to_owned(), value.clone()))
    };
    SETTINGS.iter().filter_map(given).collect()
}

/// The file named by `--config`.
pub(super) fn config_file(matches: &ArgMatches) -> Option<PathBuf> {
    matches
        .try_get_one::<PathBuf>(CONFIG)
        .ok()
        .flatten()
        .cloned()
}
