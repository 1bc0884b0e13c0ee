//! Where the process itself looks: its flags and the file it names.

use super::*;

#[test]
fn the_flag_names_the_file() {
    let matches = serve()
        .try_get_matches_from(["serve", "--config", "/etc/tieline.toml", "--roles", "api"])
        .expect("known flags");
    let sources = Sources::of_process(&matches);
    assert_eq!(sources.file, Some("/etc/tieline.toml".into()));
    assert_eq!(sources.flags, map(&[("roles", "api")]));
    assert!(sources.env.keys().all(|name| name.starts_with("TIELINE_")));
}

#[test]
fn commands_without_these_flags_have_none() {
    let matches = clap::Command::new("keys")
        .try_get_matches_from(["keys"])
        .expect("no flags");
    assert_eq!(flags(&matches), map(&[]));
}
