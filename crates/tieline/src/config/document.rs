//! The table as documents: the default file, the manual's table, and what holds right now.

use std::fmt::Write;

use super::load::Effective;
use super::setting::{Fallback, Setting};
use super::table::SETTINGS;

const HEADER: &str = "\
# Tieline: every setting with its default. Generated from the code; copy what you change.
#
# A flag wins over the environment, the environment over this file, this file over the default.
# Each setting has a flag and an environment variable made from its key: limits.body_max_bytes
# is --limits-body-max-bytes and TIELINE_LIMITS_BODY_MAX_BYTES.
";

const INFALLIBLE: &str = "writing to a String does not fail";

/// The text of `tieline.default.toml`: every setting, commented out, with its meaning.
pub fn default_toml() -> String {
    let mut text = HEADER.to_owned();
    let mut current = "";
    for setting in SETTINGS.iter() {
        let (section, name) = setting.section_and_name();
        if section != current {
            text.extend(["\n[", section, "]\n"]);
            current = section;
        }
        let (note, value) = match setting.fallback {
            Fallback::Value(value) => (String::new(), value),
            Fallback::Unset { meaning, example } => (format!("# Not set: {meaning}.\n"), example),
        };
        let value = if setting.kind.is_bare_in_toml() {
            value.to_owned()
        } else {
            format!("{value:?}")
        };
        let allowed = setting.allowed();
        let doc = setting.doc;
        write!(
            text,
            "\n# {doc}\n# Allowed: {allowed}.\n{note}# {name} = {value}\n"
        )
        .expect(INFALLIBLE);
    }
    text
}

/// The settings as a table in Markdown.
pub fn markdown_table() -> String {
    let mut text =
        "| setting | default | allowed | what it is for |\n| --- | --- | --- | --- |\n".to_owned();
    for setting in SETTINGS.iter() {
        let Setting {
            key, doc, fallback, ..
        } = setting;
        let default = fallback.words();
        writeln!(
            text,
            "| `{key}` | {default} | {} | {doc} |",
            setting.allowed()
        )
        .expect(INFALLIBLE);
    }
    text
}

/// One line per setting with the value that holds and where it was written; secrets are hidden.
pub fn describe(settings: &[Effective]) -> Vec<String> {
    let line = |Effective {
                    setting,
                    value,
                    origin,
                }: &Effective| match value {
        Some(value) => format!("{} = {} ({origin})", setting.key, setting.shown(value)),
        None => format!("{} is not set: {}", setting.key, setting.fallback.words()),
    };
    settings.iter().map(line).collect()
}
