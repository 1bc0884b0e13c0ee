//! `tieline presets`: the table of senders, as the documentation shows it.

use std::fmt::Write as _;

use tieline_domain::signature::{Dedupe, Preset, Scheme, Trust, presets};

/// The table in Markdown, one line for each preset.
pub(super) fn table() -> String {
    let mut table = String::from(
        "| scheme | sender | read from | proves | repeats are told by | may be changed |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for preset in presets() {
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} |",
            codes([preset.name].iter().chain(preset.aliases)),
            preset.title,
            read_from(preset),
            proves(preset),
            dedupe(preset.dedupe),
            codes(preset.overrides.iter().map(|field| field.name())),
        )
        .expect("a string takes any text");
    }
    table
}

fn read_from(preset: &Preset) -> String {
    match &preset.scheme {
        Scheme::Unsigned => "nothing".to_owned(),
        _ => codes(preset.headers()),
    }
}

/// The trust, with the window if there is one.
fn proves(preset: &Preset) -> String {
    let trust = match preset.trust() {
        Trust::Verified => "verified",
        Trust::Authenticated => "authenticated",
        Trust::OriginOnly => "origin only",
        Trust::Unsigned => "unsigned",
    };
    let url = if preset.signs_url() { ", URL" } else { "" };
    let window = preset.tolerance_seconds();
    let window = window.map_or_else(String::new, |seconds| format!(", {seconds} s"));
    format!("{trust}{url}{window}")
}

fn dedupe(dedupe: Dedupe) -> String {
    match dedupe {
        Dedupe::MessageId => "the signed id".to_owned(),
        Dedupe::Header(name) => codes([name]),
        Dedupe::Headers(names) => codes(names.iter()),
        Dedupe::Body(path) => codes([path]),
        Dedupe::BodyHash => "the body".to_owned(),
        Dedupe::Never => "nothing".to_owned(),
    }
}

fn codes(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names = names.into_iter();
    let names: Vec<String> = names.map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}
