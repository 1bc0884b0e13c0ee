//! What is generated from the table, and what is shown.

use super::*;

#[test]
fn flags_take_a_bare_switch_and_short_help_shows_the_main_settings() {
    let matches = serve()
        .try_get_matches_from(["serve", "--demo", "--listen", "x"])
        .expect("any text");
    assert_eq!(flags(&matches), map(&[("demo", "true"), ("listen", "x")]));
    serve().debug_assert();
    let (short, long) = (
        serve().render_help().to_string(),
        serve().render_long_help().to_string(),
    );
    assert!(
        short.contains("--listen") && !short.contains("--limits-body-max-bytes"),
        "{short}"
    );
    assert!(long.contains("Largest body of a received webhook (1 MiB). [env: TIELINE_LIMITS_BODY_MAX_BYTES] [default: 1_048_576]"), "{long}");
}

#[test]
fn names_are_unique_and_documented() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        for other in &SETTINGS[..index] {
            assert!(
                other.flag != setting.flag && other.env != setting.env,
                "{} and {}",
                other.key,
                setting.key
            );
        }
        assert!(
            setting.doc.ends_with('.') && !setting.doc.contains('|'),
            "{}",
            setting.key
        );
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let env = map(&[
        ("TIELINE_OWNER_KEY", "an-owner-key-to-hide"),
        ("TIELINE_MASTER_KEY", KEY_B),
        (
            "TIELINE_DATABASE",
            "postgres://tieline:pass-word@db:5433/tieline?password=pass-word",
        ),
    ]);
    let loaded = load(&Sources {
        env,
        ..Sources::default()
    })
    .expect("valid");
    let lines = describe(&loaded.settings);
    assert_eq!(lines.len(), SETTINGS.len());
    for line in [
        "listen = \"127.0.0.1:8080\" (default)",
        "public_url is not set: http:// and the address listened on",
        "database = \"postgres://tieline:***@db:5433/tieline?***\" (TIELINE_DATABASE)",
        "owner_key = [hidden] (TIELINE_OWNER_KEY)",
        "master_key = [hidden] (TIELINE_MASTER_KEY)",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "{line} is not in {lines:#?}"
        );
    }
    let printed = format!("{:?}\n{}", loaded.config, lines.join("\n"));
    for secret in ["an-owner-key-to-hide", KEY_B, "pass-word"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

/// Rewrites the file when it is stale, so that the remedy is to commit it.
#[test]
fn the_default_file_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tieline.default.toml");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != default_toml() {
        std::fs::write(&path, default_toml()).expect("the checkout is writable");
        panic!("tieline.default.toml was stale and has been rewritten: commit it");
    }
}

#[test]
fn the_default_file_uncommented_holds_the_defaults_and_no_secret() {
    let uncomment = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    let uncommented: String = default_toml().lines().map(uncomment).collect();
    let refused = load(&from_file(&File::with(&uncommented)))
        .expect_err("examples of secrets are no secrets");
    let lines = refused.to_string();
    let keys: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(keys, ["owner_key", "master_key", "telemetry.otlp_headers"]);

    let is_secret = |line: &&str| {
        let name = line.strip_prefix("telemetry.").unwrap_or(line);
        ["owner_key", "master_key", "otlp_headers"]
            .iter()
            .any(|secret| name.starts_with(secret))
    };
    let public: Vec<&str> = uncommented
        .lines()
        .filter(|line| !is_secret(line))
        .collect();
    let file = File::with(&public.join("\n"));
    let loaded = load(&from_file(&file)).unwrap_or_else(|errors| panic!("{errors}"));
    for Effective {
        setting,
        value,
        origin,
    } in &loaded.settings
    {
        let expected = match setting.fallback {
            _ if is_secret(&setting.key) => continue,
            Fallback::Value(value) => value,
            Fallback::Unset { example, .. } => example,
        };
        let value = value.as_deref().expect("the file names every setting");
        assert_eq!(value, expected.replace('_', ""), "{}", setting.key);
        assert_eq!(origin, &Origin::File(file.path()), "{}", setting.key);
    }
}

#[test]
fn the_manual_names_every_setting() {
    let table = markdown_table();
    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    assert!(table.contains("| `delivery.jitter_percent` | 20 | a whole number of percent from 0 to 100 | How far a delay may stray either way. |"));
}
