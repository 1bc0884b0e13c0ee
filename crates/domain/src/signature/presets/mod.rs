//! The table of presets, one file per family of senders. Source of every row: facts webhooks 3.2 and 3.3; a row
//! without a vector in the tests is not done.

mod asking;
mod asymmetric;
mod base64_body;
mod embedded;
mod generic;
mod hex_body;
mod in_signature;
mod jwt;
mod other_hashes;
mod parts;
mod standard;
mod timed;
mod tokens;
mod urls;

use std::cmp::Reverse;
use std::sync::LazyLock;

use super::preset::Preset;

/// All presets, in the order in which they are offered.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset with this name or alias.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS
        .iter()
        .find(|preset| preset.name == name || preset.aliases.contains(&name))
}

/// The names and aliases that begin most like `name`, five at most and the likeliest first; none if none begins
/// with three of its letters.
pub(super) fn nearest(name: &str) -> Vec<&'static str> {
    const MOST: usize = 5;
    const ALIKE: usize = 3;
    let alike = |known: &str| {
        let pairs = name.bytes().zip(known.bytes());
        pairs
            .take_while(|(asked, known)| asked.eq_ignore_ascii_case(known))
            .count()
    };
    let names = PRESETS
        .iter()
        .flat_map(|preset| preset.aliases.iter().chain([&preset.name]));
    let mut close: Vec<(usize, &str)> = names
        .map(|known| (alike(known), *known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    close.sort_by_key(|(alike, known)| (Reverse(*alike), *known));
    close
        .into_iter()
        .take(MOST)
        .map(|(_, known)| known)
        .collect()
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    [
        generic::signed(),
        standard::presets(),
        hex_body::prefixed(),
        hex_body::bare(),
        base64_body::presets(),
        other_hashes::presets(),
        timed::presets(),
        in_signature::presets(),
        urls::presets(),
        asymmetric::presets(),
        jwt::presets(),
        embedded::presets(),
        generic::others(),
        tokens::tokens(),
        tokens::chosen_headers(),
        tokens::passwords(),
        asking::presets(),
    ]
    .into_iter()
    .flatten()
    .collect()
});
